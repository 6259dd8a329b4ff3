"""Quality: ratios by task, weighted, by hand."""

import datetime as dt
from typing import Any, ClassVar

import pytest

from llmplan.catalog import Benchmark, Lineage, Score, TaskBenchmark, load_catalog
from llmplan.errors import UnknownNameError
from llmplan.options import compare, evaluate
from llmplan.quality.relative import OWN, precision_loss, relative_qualities
from llmplan.scenario import Scenario, load_scenario

DAY = {"source_id": "test", "as_of": dt.date(2026, 1, 1)}


def score(model: str, benchmark: str, value: float) -> Score:
    return Score(model_id=model, model_name=model, benchmark_id=benchmark, score=value, **DAY)


def task(task_id: str, benchmark: str, weight: float) -> TaskBenchmark:
    return TaskBenchmark(task_id=task_id, task_name=task_id, benchmark_id=benchmark, weight=weight, **DAY)


class Table:
    """The part of a catalog that quality reads."""

    benchmarks: ClassVar = {
        "up": Benchmark(
            benchmark_id="up",
            name="up",
            family_id="up",
            higher_is_better=True,
            scale_low=0,
            scale_high=100,
            **DAY,
        ),
        "down": Benchmark(
            benchmark_id="down",
            name="down",
            family_id="down",
            higher_is_better=False,
            scale_low=0,
            scale_high=100,
            **DAY,
        ),
    }
    scores = (
        score("ref", "up", 80),
        score("ref", "down", 10),
        score("new", "up", 60),
        score("new", "down", 28),
        score("half", "up", 40),
        score("half", "up", 44),
    )
    tasks = (task("a", "up", 1), task("b", "down", 1), task("c", "up", 3), task("c", "down", 1))
    lineage: ClassVar = {
        later: Lineage(model_id=later, succeeds_model_id=earlier, **DAY)
        for later, earlier in {"newer": "half", "newest": "newer", "half": "new", "a": "b", "b": "a"}.items()
    }


TABLE: Any = Table()


def test_by_hand() -> None:
    found = relative_qualities(TABLE, ["new"], "ref")["new"]
    assert found.by_task == pytest.approx({"a": 0.75, "b": 72 / 90, "c": (3 * 0.75 + 0.8) / 4})
    assert found.overall == pytest.approx((0.75 + 0.8 + 0.7625) / 3)
    assert found.coverage == 1


def test_dated_versions_are_averaged_and_missing_benchmarks_left_out() -> None:
    found = relative_qualities(TABLE, ["half"], "ref", {"a": 1})["half"]
    assert found.overall == pytest.approx(42 / 80)
    assert relative_qualities(TABLE, ["half"], "ref", {"b": 1})["half"].by_task["a"] == pytest.approx(42 / 80)


def test_unscored_tasks_stand_on_the_models_that_it_succeeds() -> None:
    mix = {"a": 1.0, "b": 3.0}
    half, newest = (relative_qualities(TABLE, [m], "ref", mix)[m] for m in ("half", "newest"))
    assert half.stands_on == "new"
    assert half.overall == pytest.approx((42 / 80 + 3 * 72 / 90) / 4), "its own score where it has one"
    assert (newest.stands_on, newest.overall) == ("new", pytest.approx(half.overall))
    assert relative_qualities(TABLE, ["newest"], "ref", {"a": 1})["newest"].stands_on == "half"
    assert relative_qualities(TABLE, ["new"], "ref", mix)["new"].stands_on is None
    assert relative_qualities(TABLE, ["a"], "ref")["a"].overall is None, "a circle of names ends"


def test_an_own_evaluation_replaces_the_benchmarks() -> None:
    found = relative_qualities(TABLE, ["new", "nobody"], "ref", own={"nobody": 0.9})
    assert (found["nobody"].overall, found["nobody"].stands_on) == (0.9, OWN)
    assert found["new"].overall == pytest.approx((0.75 + 0.8 + 0.7625) / 3)


def test_todays_models_are_options_and_say_whose_scores_they_stand_on() -> None:
    scenario = load_scenario("support-chat")
    table = compare(scenario).set_index("option_id")
    later, earlier = table.loc["claude-sonnet-5-5"], table.loc["claude-sonnet-4-0"]
    assert later.feasible
    assert later.quality_stands_on == "claude-sonnet-4-0"
    assert later.quality == pytest.approx(earlier.quality, abs=0.05)
    assert not table.loc["gpt-5.6-luna"].feasible, "the first of its line has no scores"
    own = scenario.but(model_quality={"gpt-5.6-luna": 0.97})
    assert compare(own).set_index("option_id").loc["gpt-5.6-luna"].quality == 0.97
    with pytest.raises(UnknownNameError, match="model_quality"):
        evaluate(Scenario().but(model_quality={"gpt-9": 0.9}))


def test_the_reference_is_one_and_the_unknown_not_known() -> None:
    found = relative_qualities(TABLE, ["ref", "nobody"], "ref")
    assert found["ref"].overall == pytest.approx(1)
    assert found["nobody"].overall is None
    assert found["nobody"].coverage == 0


def test_larger_siblings_are_better_in_the_shipped_data() -> None:
    ids = ["llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b"]
    found = relative_qualities(load_catalog(), ids, "gpt-4o")
    values = [found[model].overall for model in ids]
    assert None not in values
    assert values == sorted(values, key=float)


def test_formats_cost_small_models_more_than_large_ones() -> None:
    catalog = load_catalog()
    small = precision_loss(catalog, catalog.model("llama-3.1-8b"), "w4a16")
    large = precision_loss(catalog, catalog.model("llama-3.1-70b"), "w4a16")
    assert small[1] > large[1] >= 0
    assert precision_loss(catalog, catalog.model("llama-3.1-8b"), "bf16") == (0, 0, 0)
    assert precision_loss(catalog, catalog.model("deepseek-v3"), "fp8") == (0, 0, 0)
