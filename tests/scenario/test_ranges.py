"""Ranges and floors by task: fields of the scenario and filters of the comparison."""

import pytest

from llmplan.errors import InputError, UnknownNameError
from llmplan.kinds import Kind
from llmplan.options import evaluate, options_of
from llmplan.scenario import Scenario, make_scenario, scenario_from_toml, scenario_to_toml

SMALL = {
    "model_ids": ("llama-3.1-8b", "llama-3.1-70b"),
    "gpu_ids": ("a100-80gb-sxm",),
    "engine_ids": ("vllm",),
}


def test_ranges_survive_toml() -> None:
    scenario = Scenario().but(
        ranges={"queries_per_day": (10_000, 200_000), "gpu_price_factor": [0.7, 1, 1.4]}
    )
    assert scenario.ranges == (("gpu_price_factor", (0.7, 1, 1.4)), ("queries_per_day", (10_000, 200_000)))
    assert scenario_from_toml(scenario_to_toml(scenario)) == scenario
    assert hash(scenario) == hash(scenario.but())


@pytest.mark.parametrize("numbers", [(1,), (2, 1), (1, 3, 2), (-1, 1), (float("nan"), 1), (1, float("inf"))])
def test_ranges_must_be_ordered_and_finite(numbers: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="low"):
        make_scenario({"ranges": {"queries_per_day": numbers}})


def test_ranges_leave_the_comparison_alone() -> None:
    plain = Scenario().but(**SMALL)
    ranged = plain.but(ranges={"queries_per_day": (1, 1e6)})
    assert options_of(ranged) is options_of(plain)


def test_a_floor_by_task_names_the_task_and_both_figures() -> None:
    scenario = Scenario().but(**SMALL, task_quality_floors={"code": 0.95})
    found = evaluate(scenario)
    reasons = {item.option_id: item.reasons for item in found.options.items}
    missed = [text for texts in reasons.values() for text in texts if text.startswith("code: quality")]
    assert missed and all("the floor of 95%" in text for text in missed)
    assert not any(text.startswith("code:") for text in reasons["gpt-4o"])


def test_a_floor_by_task_filters_what_the_mean_lets_through() -> None:
    def feasible(**changes: object) -> set[str]:  # hybrids aside: with other parts out they pair differently
        items = evaluate(Scenario().but(**SMALL, **changes)).options.items
        return {item.option_id for item in items if item.feasible and item.kind != Kind.HYBRID}

    kept = feasible(task_quality_floors={"code": 0.8})
    assert kept < feasible() and "gpt-4o" in kept
    surer = feasible(task_quality_floors={"code": 0.8}, floor_chance=0.9)
    assert surer < kept and "gpt-4o" in surer, "a floor by task asks for the same chance as the overall one"


def test_floors_by_task_are_checked() -> None:
    with pytest.raises(InputError, match="floors"):
        Scenario().but(task_quality_floors={"code": 2.0})
    with pytest.raises(UnknownNameError, match="task_quality_floors"):
        evaluate(Scenario().but(task_quality_floors={"chess": 0.5}))
