"""Ten seconds for the executive: what the top of the Decision page says, and that it is the table's."""

import re
from html import unescape

import pytest

from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.app.pages import decision_parts as parts
from llmplan.kinds import Kind
from llmplan.report import Report
from llmplan.report.headlines import answer_facts, near_misses
from llmplan.wording import DOLLAR, probability, share


@pytest.fixture(scope="module")
def model() -> AppModel:
    return AppModel()


@pytest.fixture(scope="module")
def shown(model: AppModel) -> Report:
    return model.report


def plain(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


def test_action_saving_confidence_quality_and_date_stand_first(shown: Report) -> None:
    assert shown.is_weighed or "Confidence …" in plain(parts.answer(shown))
    assert shown.advice is not None and shown.is_weighed
    text = plain(parts.answer(shown))
    found, today = shown.comparison, shown.today_place
    item = found.recommended
    assert item is not None and today is not None
    saving = float(found.monthly_usd[1, today] - found.monthly_usd[1, found.order[0]])
    assert text.startswith(f"Use {item.label}: ")
    assert f"move from {shown.option(today).label}: saves {DOLLAR.short(saving)} a month" in text
    assert f"{DOLLAR.short(12 * saving)} a year" in text
    assert (
        f"Confidence {probability(shown.advice.p_right)}" in text and "100%" not in text.split("Quality")[0]
    )
    assert f"Quality {share(item.quality)} of today's (" in text
    assert "Prices as of 20" in text


def test_where_the_answer_is_what_runs_today_it_says_stay(model: AppModel, shown: Report) -> None:
    best = shown.comparison.recommended
    assert best is not None and best.api_id is not None
    effort = {"none": "off"}.get(best.effort or "", best.effort)
    alone = model.scenario.but(reference_api_id=best.api_id, reference_effort=effort, api_ids=(best.api_id,))
    facts = dict(answer_facts(model.report_for(alone)))
    assert facts["Against today"].startswith("stay with ")


def test_four_cards_alike(model: AppModel, shown: Report) -> None:
    html = parts.figures(shown)
    assert html.count('class="lp-kpi"') == len(Kind)
    assert [kind.short for kind in Kind if f">{kind.short}</span>" in html] == [kind.short for kind in Kind]
    assert html.count("the answer</span>") == 1
    assert "<dl" not in html and "<dt" not in html  # JupyterLab floats their parts apart
    assert shown.today_place is not None
    today = shown.option(shown.today_place).success
    for item in map(shown.option, shown.best_places):
        band = (
            item.success
            and today
            and [share(edge / today.base) for edge in (item.success.low, item.success.high)]
        )
        quality = f"quality {share(item.quality)}{' ({} to {})'.format(*band) if band else ''} ·"
        assert quality in plain(html) and (band or item.kind == Kind.HYBRID)
    house = model.report_for(model.scenario.but(data_stays_in_house=True))
    cards = plain(parts.figures(house)).split("Self-hosted")[0]
    assert cards.count("data must stay in house") == 2 and " inf" not in cards


def test_what_costs_the_same_is_not_the_answer_too(model: AppModel) -> None:
    house = model.report_for(model.scenario.but(data_stays_in_house=True))
    costs = [float(house.comparison.monthly_usd[1, place]) for place in house.shown_places]
    assert costs.count(min(costs)) > 1, "several fleets of two cards cost the same"
    listed = plain(parts.options_card(house))
    assert listed.count("the answer") == 1 and listed.count("costs the same") == costs.count(min(costs)) - 1


def test_the_bill_adds_up_to_the_answer(shown: Report) -> None:
    chart = parts.bill_chart(shown)
    bars = {trace["name"]: trace for trace in chart.figure["data"]}
    total = float(shown.comparison.monthly_usd[1, shown.comparison.order[0]])
    assert bars["total"]["y"][-1] == pytest.approx(total)
    assert bars["part"]["y"].sum() == pytest.approx(total)


def test_charts_cross_where_the_map_says_so(model: AppModel) -> None:
    report = model.report_for(model.scenario.but(queries_per_day=10_000_000))
    chart = parts.curve_chart(report)
    ends = {trace["name"]: float(trace["y"][-1]) for trace in chart.figure["data"] if trace.get("name")}
    found = report.comparison
    for kind in Kind:
        place = found.cheapest(kind)
        assert place is None or ends[kind.short] == pytest.approx(
            float(found.monthly_usd[1, place]), rel=1e-6
        )


def test_nothing_feasible_draws_nothing(model: AppModel) -> None:
    empty = model.report_for(model.scenario.but(quality_floor=1.5))
    for make in (parts.curve_chart, parts.map_chart, parts.bill_chart):
        assert make(empty).figure["data"] == []
    assert answer_facts(empty) == []


def test_nothing_feasible_says_which_limit_and_what_it_would_cost(model: AppModel) -> None:
    empty = model.report_for(model.scenario.but(quality_floor=1.5))
    text = plain(parts.sure_cards(empty, Flips(model)))
    assert "No single input" not in text and "What would have to give" in text
    for label, cost, why in near_misses(empty):
        assert label in text and cost in text and why in text
    assert empty.advice.relaxed and "Without the quality floor" not in text, "worked out at rest"
    assert "Without the quality floor: " in plain(parts.sure_cards(empty, Flips(model)))
