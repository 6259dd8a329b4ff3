"""Ten seconds for the executive: what the top of the Decision page says, and that it is the table's."""

import re
from html import unescape

import numpy as np
import pytest

from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.app.pages import decision_parts as parts
from llmplan.kinds import Kind
from llmplan.report import Report
from llmplan.report.headlines import answer_facts, near_misses, quality_band
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
    for item in map(shown.option, shown.best_places):
        assert f"quality {share(item.quality)}{quality_band(shown, item)} ·" in plain(html)
    house = model.report_for(model.scenario.but(data_stays_in_house=True))
    cards = plain(parts.figures(house)).split("Self-hosted")[0]
    assert cards.count("data must stay in house") == 2 and " inf" not in cards


def test_every_card_has_the_band_of_its_quality(shown: Report) -> None:
    assert shown.today_place is not None
    now = shown.option(shown.today_place)
    assert now.success is not None and quality_band(shown, now) == "", "what runs today is as good as itself"
    for item in map(shown.option, shown.best_places):
        low, high = re.fullmatch(r" \((\d+)% to (\d+)%\)", quality_band(shown, item)).groups()
        assert item.quality is not None and int(low) < 100 * item.quality < int(high)
        if item.success is not None:
            edges = item.success.low / now.success.base, item.success.high / now.success.base
            assert (int(low), int(high)) == pytest.approx([100 * edge for edge in edges], abs=0.51)


def test_a_routed_options_band_is_that_of_its_two_models(shown: Report) -> None:
    found = shown.comparison
    place = found.cheapest(Kind.HYBRID)
    assert place is not None
    item = shown.option(place)
    weak, strong = (shown.option(found.options.items.places[end]) for end in (item.weak_id, item.strong_id))
    sides = item.share_weak * weak.quality_sd, (1 - item.share_weak) * strong.quality_sd
    assert item.split_by == "difficulty" and 0 < item.quality_sd < 1.5 * sum(sides)


def test_cost_bars_share_one_scale_and_say_their_numbers(shown: Report) -> None:
    html = parts.figures(shown)
    bars = re.findall(r'<line class="lp-span" x1="(.*?)%" x2="(.*?)%".*?<circle cx="(.*?)%"', html)
    usd = shown.comparison.monthly_of(shown.best_places).T
    assert len(bars) == len(usd) == html.count('role="img"')
    drawn = np.array(bars, float)[:, [0, 2, 1]]
    assert drawn.min() > 0 and drawn.max() < 100 and (np.diff(drawn) >= 0).all()
    slope, offset = np.polyfit(np.log(usd).ravel(), drawn.ravel(), 1)
    assert drawn == pytest.approx(slope * np.log(usd) + offset, abs=0.02) and slope > 0
    for low, base, high in usd.tolist():
        said = f"low {DOLLAR.short(low)}, base {DOLLAR.short(base)}, high {DOLLAR.short(high)}"
        assert f'aria-label="A month: {said}' in html


def test_one_price_alone_is_drawn_in_the_middle(model: AppModel) -> None:
    alone = {"api_ids": ("gpt-4o",), "model_ids": ("gemma-2-9b",), "quality_floor": 1.0}
    html = parts.figures(model.report_for(model.scenario.but(**alone)))
    assert re.findall(r'cx="(.*?)%"', html) == ["50.00"]


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
