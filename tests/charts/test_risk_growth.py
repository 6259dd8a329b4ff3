"""Figures of risk and growth: what is drawn is what was computed."""

from dataclasses import replace

import numpy as np
import pytest

from llmplan.charts import to_plotly
from llmplan.charts.growth import cumulative_figure, fleet_week_figure, waiting_figure, week_shown
from llmplan.charts.risk import (
    information_figure,
    probability_figure,
    sides_figure,
    sobol_figure,
    tornado_figure,
)
from llmplan.growth import CostPart, PlanOption, SwitchPlan, TimePlan, switch_plan, time_plan
from llmplan.growth.autoscaling.fleet_week import FleetWeek
from llmplan.risk import LEVELS, Information, VolumeCurve
from llmplan.risk.sensitivity import Bar, SobolIndex
from llmplan.wording import DOLLAR

MINUTES = 7 * 24 * 60


def volume_curve(self_hosted: bool = True) -> VolumeCurve:
    volumes = np.array([100.0, 10_000.0, 1_000_000.0])
    p_kind = np.array([[1.0, 0.0, 0.0, 0.0], [0.25, 0.0, 0.75, 0.0], [0.0, 0.0, 1.0, 0.0]])
    spread = 1 + np.linspace(-0.3, 0.3, len(LEVELS))
    token = volumes[:, None] * 0.03 * spread
    own = np.full_like(token, 900.0) * spread if self_hosted else np.full_like(token, np.nan)
    return VolumeCurve(volumes, ("a", "b"), p_kind[:, [0, 2]], p_kind, LEVELS, token, own, token - own)


def two_options() -> tuple[PlanOption, PlanOption]:
    """Today: 100 USD a month. The other: 120 USD once, then 60 a month: paid back after three months."""
    today = PlanOption("api", "api, in place", (CostPart("tokens", lambda v: v),))
    other = PlanOption("own#rented", "own", (CostPart("rent", lambda v: 0.6 * v),), migration_usd=120.0)
    return today, other


def hand_plan(months: int = 6) -> tuple[TimePlan, SwitchPlan]:
    volumes = np.full(months, 100.0)
    today, other = two_options()
    return time_plan([today, other], volumes, 0.0), switch_plan(today, other, volumes, 0.0)


def test_probabilities_are_stacked_and_kinds_that_never_win_left_out() -> None:
    curve = volume_curve()
    figure = probability_figure(curve, 5_000)
    assert [trace["name"] for trace in figure["data"]] == ["API", "Self-hosted"]
    assert {trace["stackgroup"] for trace in figure["data"]} == {"kinds"}
    assert np.allclose(sum(trace["y"] for trace in figure["data"]), 1.0)
    assert figure["layout"]["showlegend"] is True


def test_sides_show_median_and_the_middle_eighty_per_cent() -> None:
    curve = volume_curve()
    lines = [trace for trace in sides_figure(curve, 5_000, DOLLAR)["data"] if trace.get("name")]
    assert np.allclose(lines[0]["y"], curve.token_usd[:, LEVELS.index(0.5)])
    bands = [trace for trace in sides_figure(curve, 5_000, DOLLAR)["data"] if not trace.get("name")]
    assert np.allclose(bands[0]["y"], curve.token_usd[:, LEVELS.index(0.1)])
    assert np.allclose(bands[1]["y"], curve.token_usd[:, LEVELS.index(0.9)])


def test_a_side_without_options_is_left_out() -> None:
    names = [
        trace.get("name") for trace in sides_figure(volume_curve(self_hosted=False), 5_000, DOLLAR)["data"]
    ]
    assert "Cheapest own fleet" not in names
    assert "Cheapest token price" in names


def test_tornado_bars_end_at_the_outcomes() -> None:
    bars = [Bar("gpu", "GPU prices", 400.0, 300.0, 100.0), Bar("api", "API prices", 290.0, 300.0, 310.0)]
    figure = tornado_figure(bars, "a month", DOLLAR)
    low, high = figure["data"]
    assert np.allclose(low["base"] + low["x"], [400.0, 290.0])
    assert np.allclose(high["base"] + high["x"], [100.0, 310.0])
    assert figure["layout"]["yaxis"]["categoryarray"] == ["API prices", "GPU prices"]
    first, last = figure["layout"]["xaxis"]["range"]
    assert first < 100.0
    assert last > 400.0


def test_tornado_leaves_out_bars_too_short_to_see() -> None:
    bars = [Bar("a", "a", 0.0, 500.0, 1000.0), Bar("b", "b", 499.5, 500.0, 500.5)]
    assert tornado_figure(bars, "a month", DOLLAR)["data"][0]["y"] == ["a"]
    assert tornado_figure([Bar("a", "a", 5.0, 5.0, 5.0)], "a month", DOLLAR)["data"][0]["y"] == []


def test_information_bars() -> None:
    rows = [Information("a", "throughput of an engine, measured", 40.0), Information("b", "b", 0.1)]
    trace = information_figure(rows, DOLLAR)["data"][0]
    assert trace["y"] == ["throughput of an<br>engine, measured"]
    assert trace["text"] == ["$40"]


def test_sobol_bars_have_their_confidence() -> None:
    figure = sobol_figure([SobolIndex("a", "a", 0.7, 0.05, 0.8, 0.06), SobolIndex("b", "b", 0, 0, 0, 0)])
    alone, total = figure["data"]
    assert alone["x"].tolist() == [0.7]
    assert alone["error_x"]["array"] == [0.05]
    assert total["error_x"]["array"] == [0.06]
    assert figure["layout"]["xaxis"]["tickformat"] == ".0%"


def test_cumulative_cost_marks_the_payback_on_the_line() -> None:
    plan, switch = hand_plan()
    assert switch.payback_month_now == 3
    figure = cumulative_figure(
        plan, {"api": "incumbent", "own#rented": "rented"}, {"own#rented": switch.payback_month_now}, DOLLAR
    )
    today, own, mark = figure["data"]
    assert today["y"].tolist() == [0, 100, 200, 300, 400, 500, 600]
    assert own["y"].tolist() == [120, 180, 240, 300, 360, 420, 480]
    (name,) = figure["layout"]["annotations"]
    assert (mark["x"][0], mark["y"][0]) == (name["x"], name["y"]) == (3.0, 300.0)
    assert name["text"] == "3" and name["bgcolor"].startswith("@card"), "a line shines through the letters"


def test_two_that_pay_back_in_one_month_say_it_once() -> None:
    today, other = two_options()
    third = replace(other, option_id="hosted")
    plan = time_plan([today, other, third], np.full(6, 100.0), 0.0)
    drawn = {"api": "incumbent", "own#rented": "rented", "hosted": "hosted"}
    figure = cumulative_figure(plan, drawn, {"own#rented": 3, "hosted": 3}, DOLLAR)
    assert [mark.get("showlegend", True) for mark in figure["data"][3:]] == [True, False]
    assert [name["text"] for name in figure["layout"]["annotations"]] == ["3"]
    names = cumulative_figure(plan, drawn, {"own#rented": 4, "hosted": 3}, DOLLAR)["layout"]["annotations"]
    assert [(name["text"], name["xanchor"]) for name in names] == [("3", "right"), ("4", "left")]


def test_no_payback_no_mark() -> None:
    plan, _ = hand_plan(2)
    figure = cumulative_figure(
        plan, {"api": "incumbent", "own#rented": "rented"}, {"own#rented": None}, DOLLAR
    )
    assert [trace["mode"] for trace in figure["data"]] == ["lines", "lines"]


def test_waiting_starts_at_the_best_month() -> None:
    _, switch = hand_plan()
    trace = waiting_figure([switch], {"own#rented": "rented"}, DOLLAR)["data"][0]
    assert trace["x"].tolist() == [1, 2, 3, 4, 5, 6]
    assert trace["y"].tolist() == pytest.approx([0, 40, 80, 120, 160, 200])


def test_a_week_of_minutes_as_hours() -> None:
    offered = np.where(np.arange(MINUTES) % 1440 < 720, 7.0, 0.0)
    fleet = np.where(offered > 0, 3.0, 1.0)
    late = np.where(np.arange(MINUTES) % 60 < 30, 0.2, 0.0)
    week = week_shown(FleetWeek(offered, fleet, fleet, 0 * fleet, 0 * fleet, late), 4, 5.0, 0.7)
    assert week.load_replicas[[0, 12]].tolist() == pytest.approx([2.0, 0.0])
    assert week.autoscaled_replicas[[0, 12]].tolist() == [3.0, 1.0]
    assert week.late_share[0] == pytest.approx(0.1)
    static, scaled, _ = fleet_week_figure(week)["data"]
    assert set(static["y"]) == {4.0}
    assert scaled["line"]["shape"] == "hv"


def test_analysts_get_plotly_figures() -> None:
    plan, switch = hand_plan()
    figures = [
        probability_figure(volume_curve(), 5_000),
        sides_figure(volume_curve(), 5_000, DOLLAR),
        tornado_figure([Bar("a", "a", 0.0, 500.0, 1000.0)], "a month", DOLLAR),
        information_figure([], DOLLAR),
        cumulative_figure(plan, {"api": "incumbent"}, {}, DOLLAR),
        waiting_figure([switch], {"own#rented": "rented"}, DOLLAR),
    ]
    for figure in figures:
        assert len(to_plotly(figure, "title").data) == len(figure["data"])
