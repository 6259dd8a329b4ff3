"""The frontier of quality and cost: one point a model at an effort, what nothing beats, what runs today."""

import pytest

from llmplan.charts.frontier import frontier_figure
from llmplan.kinds import Kind
from llmplan.report import Report, make_report
from llmplan.scenario import load_scenario
from llmplan.wording import DOLLAR


@pytest.fixture(scope="module")
def some() -> Report:
    scenario = load_scenario("rag").but(
        api_ids=("gpt-4o", "gpt-5", "gpt-4o-mini", "claude-haiku-4-5"),
        model_ids=("qwen3-8b",),
        gpu_ids=("l4",),
        engine_ids=("vllm",),
    )
    return make_report(scenario)


def test_a_point_is_the_cheapest_of_its_model_at_its_effort(some: Report) -> None:
    points, found = some.frontier, some.comparison
    places = {point.option_id: found.options.index(point.option_id) for point in points}
    variants = [(found.options.items.model_id[p], found.options.items.effort[p]) for p in places.values()]
    assert len(set(variants)) == len(points) >= 4
    assert [p.monthly_usd for p in points] == sorted(p.monthly_usd for p in points)
    usable = found.options.feasible | found.options.items.only_floor
    for point, variant in zip(points, variants, strict=True):
        same = [
            found.monthly_usd[1, i]
            for i in range(len(found.options))
            if usable[i]
            and (found.options.items.model_id[i], found.options.items.effort[i]) == variant
            and found.options.items.kind[i] != "hybrid"
        ]
        assert point.monthly_usd == pytest.approx(min(same))


def test_nothing_beats_a_point_on_the_frontier_and_something_every_other(some: Report) -> None:
    for point in some.frontier:
        better = [
            other
            for other in some.frontier
            if other.monthly_usd <= point.monthly_usd and other.success.base > point.success.base
        ]
        assert not (point.on_frontier and better)
        if not point.on_frontier:
            assert any(
                other.monthly_usd <= point.monthly_usd and other.success.base >= point.success.base
                for other in some.frontier
                if other is not point
            )


def test_today_is_marked_and_the_floor_is_its_share(some: Report) -> None:
    (today,) = [point for point in some.frontier if point.runs_today]
    assert today.option_id == "gpt-4o" and today.kind is Kind.API
    assert some.least_success == pytest.approx(0.85 * today.success.base)


def test_the_chart_shows_each_point_with_its_band(some: Report) -> None:
    figure = frontier_figure(some.frontier, some.least_success, DOLLAR)
    marks = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    assert sum(len(trace["x"]) for trace in marks) == len(some.frontier)
    for trace in marks:
        assert (trace["error_y"]["array"] >= 0).all() and (trace["error_y"]["arrayminus"] >= 0).all()
    names = [trace["name"] for trace in figure["data"]]
    assert {"frontier", "runs today", "floor"} <= set(names)
    assert frontier_figure((), None, DOLLAR)["data"] == []
