"""The steps from one scenario to another add up to the difference of their costs."""

import pytest

from llmplan.options.differences import difference
from llmplan.scenario import Scenario


def usd(scenario: Scenario) -> float | None:
    """A cost by hand: ten dollars for each thousand queries, twice that with more than 2,000 output tokens."""
    if scenario.quality_floor > 1:
        return None
    return scenario.queries_per_day / 100 * (2 if scenario.output_tokens > 2_000 else 1)


FIRST = Scenario(queries_per_day=1_000, output_tokens=100)


def test_each_step_adds_what_its_field_causes() -> None:
    found = difference(FIRST, FIRST.but(queries_per_day=3_000, output_tokens=5_000, name="B"), usd)
    assert (found.start_usd, found.end_usd) == (10, 60)
    assert {step.field: step.usd_added for step in found.steps} == {
        "queries_per_day": 20,
        "output_tokens": 30,
    }
    assert [(step.was, step.now) for step in found.steps if step.field == "queries_per_day"] == [
        (1_000, 3_000)
    ]


def test_a_step_without_an_answer_is_carried_by_the_next() -> None:
    changed = FIRST.but(input_tokens=900, quality_floor=1.2)
    found = difference(FIRST, changed, usd)
    assert found.end_usd is None
    back = difference(changed, FIRST, usd)
    assert back.start_usd is None and back.end_usd == 10
    assert [step.usd_added for step in back.steps] == [None] * len(back.steps)


def test_what_no_cost_depends_on_is_no_step() -> None:
    found = difference(FIRST, FIRST.but(name="other", currency_symbol="€", currency_per_usd=0.9), usd)
    assert found.steps == () and found.start_usd == found.end_usd == 10


@pytest.mark.parametrize("volume", [1.0, 5e6])
def test_the_steps_add_up(volume: float) -> None:
    last = FIRST.but(queries_per_day=volume, output_tokens=4_000, spare_replicas=2)
    found = difference(FIRST, last, usd)
    added = sum(step.usd_added or 0.0 for step in found.steps)
    assert found.start_usd is not None and found.start_usd + added == pytest.approx(found.end_usd)
