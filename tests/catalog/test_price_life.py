"""Ended offers are out, those that end soon are told."""

import datetime as dt
from dataclasses import replace

from llmplan.catalog import load_catalog
from llmplan.catalog.loading import offers_to_look_at
from llmplan.options import evaluate
from llmplan.scenario import Scenario

CHEAP = Scenario(api_ids=("gpt-4o-mini", "gpt-4o"), gpu_ids=("l4",), model_ids=("llama-3.1-8b",))


def test_an_offer_ends_on_its_day() -> None:
    api = load_catalog().api("gpt-4o-mini").model_copy(update={"ends_on": dt.date(2027, 1, 14)})
    assert api.is_offered(dt.date(2027, 1, 13)) and not api.is_offered(dt.date(2027, 1, 14))


def test_an_ended_offer_never_wins_even_where_it_is_named() -> None:
    catalog = load_catalog()
    later = replace(catalog, today=dt.date(2027, 1, 14))
    before, after = (evaluate(CHEAP, c).options for c in (catalog, later))
    place = before.index("gpt-4o-mini")
    assert before.items[place].reasons == ()
    assert after.items[place].reasons == ("ended on 2027-01-14",)


def test_check_data_tells_what_ends_and_what_has_ended() -> None:
    rules = {p.rule for p in offers_to_look_at(None, dt.date(2027, 1, 10)) if p.column == "ends_on"}
    assert "ends in 4 days" in rules and "has ended but is active" in rules


def test_every_open_model_is_hosted_somewhere() -> None:
    assert not [p for p in offers_to_look_at() if "without a hosted price" in p.rule]
