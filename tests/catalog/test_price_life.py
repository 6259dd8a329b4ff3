"""Ended offers are out, those that end soon are told."""

import datetime as dt
from dataclasses import replace

import pytest

from llmplan.catalog import load_catalog
from llmplan.catalog.checking import rule_problems
from llmplan.catalog.life import life_of
from llmplan.catalog.reading import RawRow
from llmplan.catalog.tables import BY_NAME
from llmplan.kinds import Kind
from llmplan.options import evaluate
from llmplan.options.token_rows import kind_of
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


def test_what_ends_and_what_has_ended_is_told() -> None:
    life = life_of(None, dt.date(2027, 1, 10))
    assert life is not None
    assert "ends in 4 days" in {p.rule for p in life.ending} and life.ended
    assert {p.rule for p in life.ended} == {"has ended but is active"}


def test_every_open_model_is_hosted_somewhere() -> None:
    life = life_of()
    assert life is not None and life.unhosted == () and life.models > 50


def test_an_open_model_is_hosted_wherever_its_maker_does_not_serve_it() -> None:
    catalog = load_catalog()
    served = [api for api in catalog.apis.values() if api.model_id in catalog.models]
    elsewhere = [api for api in served if api.provider != catalog.models[api.model_id].family]
    assert len(elsewhere) > 300 and {kind_of(api) for api in elsewhere} == {Kind.HOSTED}


def test_every_card_of_today_is_rented_and_those_that_nobody_sells_are_named() -> None:
    catalog, life = load_catalog(), life_of()
    assert life is not None and life.unpriced["gpu_prices.csv"] == ()
    sold = {row.gpu_id for row in catalog.gpu_purchases}
    named = {gpu.gpu_id for gpu in catalog.gpus.values() if gpu.status == "option"} - sold
    assert set(life.as_dict()["gpus_without_price"]["gpu_purchase.csv"]) == named
    assert [p.value.split(", ") for p in life.problems if p.column == "gpu_id"] == [
        list(life.unpriced["gpu_purchase.csv"])
    ]


def test_europe_and_terms_of_one_and_three_years_have_rents() -> None:
    active = [row for row in load_catalog().gpu_prices if row.status == "active"]
    for gpu_id in (
        "h100-sxm",
        "h200-sxm",
        "b200-sxm",
        "b300-sxm",
        "gb300",
        "mi300x",
        "l40s",
        "l4",
        "a100-80gb-sxm",
    ):
        assert any(row.gpu_id == gpu_id and row.area == "eu" for row in active), gpu_id
    for kind in ("reserved_1y", "reserved_3y"):
        assert {"h100-sxm", "h200-sxm", "b200-sxm", "rtx-pro-6000-blackwell"} <= {
            row.gpu_id for row in active if row.price_kind == kind
        }


def test_old_rows_are_counted_once_a_table() -> None:
    day, catalog = dt.date(2026, 11, 28), load_catalog()
    life = life_of(None, day)
    assert life is not None
    active = [price for price in catalog.gpu_prices if price.status == "active"]
    old = [price for price in active if price.as_of < day - dt.timedelta(days=180)]
    assert life.old["gpu_prices.csv"] == (len(old), len(active))
    told = [p for p in life.problems if p.column == "as_of"]
    assert [p.file for p in told] == ["gpu_prices.csv"]
    assert str(len(old)) in life.summary
    assert life.as_dict()["old_rows"]["gpu_prices.csv"] == len(old)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"longer_context_from_tokens": 300_000}, "longer_context_from_tokens"),
        (
            {
                f"{name}_{cell}": value
                for name, start in (("long_context", 200_000), ("longer_context", 100_000))
                for cell, value in (
                    ("from_tokens", start),
                    ("input_usd_per_mtok", 2.0),
                    ("output_usd_per_mtok", 8.0),
                )
            },
            "longer_context_from_tokens",
        ),
        ({"long_context_input_usd_per_mtok": 2.0}, "long_context_from_tokens"),
    ],
)
def test_a_tier_is_whole_and_above_the_one_before(cells: dict[str, float], column: str) -> None:
    row = {"api_id": "x", "input_usd_per_mtok": "1"}
    price = load_catalog().api("gpt-4o").model_copy(update=cells)
    found = rule_problems(BY_NAME["apis"], [RawRow(2, row)], [price])
    assert {problem.column for problem in found} == {column}
