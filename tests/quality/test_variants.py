"""Models at an effort against what runs today: ratios of success, tokens, the chance to meet a floor."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.errors import UnknownNameError
from llmplan.quality.ability import Band
from llmplan.quality.tables import names
from llmplan.quality.tasks import quality_of
from llmplan.quality.variants import (
    OWN,
    Standing,
    Today,
    default_effort,
    standings,
)

ONE = Band(1.0, 1.0, 1.0)
MIX = (("code", 0.7), ("rag-qa", 0.3))


def standing(quality: float, sd: float, today_sd: float = 0.0) -> Standing:
    return Standing(Band(0.4, 0.5, 0.6), quality, {}, sd, today_sd, ONE, ONE, 0.0)


def of(model_id: str, effort: str, today: Today) -> Standing:
    return standings(load_catalog(), ((model_id, effort),), today)[model_id, effort]


def test_what_runs_today_is_one_and_surely_meets_what_it_is() -> None:
    today = of("gpt-4o", "none", Today("gpt-4o", task_mix=MIX))
    assert today.quality == 1 and set(today.by_task.values()) == {1.0}
    assert (today.input_factor, today.output_factor, today.reasoning_factor) == (ONE, ONE, 0)
    assert [today.meets(floor) for floor in (0.9, 1.0, 1.1)] == [1, 1, 0]


def test_quality_is_a_ratio_of_successes_on_the_mix() -> None:
    catalog, mix = load_catalog(), dict(MIX)
    found = of("gpt-5", "high", Today("gpt-4o", task_mix=MIX))
    mine = quality_of(catalog, "gpt-5", "high", mix)
    now = quality_of(catalog, "gpt-4o", None, mix)
    assert found.quality == pytest.approx(mine.base / now.base)
    assert vars(found.success) == pytest.approx(vars(mine))
    code = (
        quality_of(catalog, "gpt-5", "high", {"code": 1}).base
        / quality_of(catalog, "gpt-4o", None, {"code": 1}).base
    )
    assert found.by_task["code"] == pytest.approx(code)


def test_a_floor_is_met_as_often_as_a_normal_says() -> None:
    """Quality 1.1 +- 0.1 against a floor of 1 of a today known to 0.05: z = 0.1 / hypot(0.1, 0.05)."""
    found = standing(1.1, 0.1, 0.05)
    assert found.meets(1.0) == pytest.approx(NormalDist().cdf(0.1 / math.hypot(0.1, 0.05)))
    assert found.meets(0.99, loss=0.1) == pytest.approx(0.5), "what the format loses brings it to the floor"
    assert standing(0.8, 0.1).meets(0.0) == 1


@given(st.floats(0.2, 2), st.floats(0, 0.5), st.floats(0.01, 1.5), st.floats(0.01, 1.5))
def test_a_higher_floor_is_never_met_more_often(quality: float, sd: float, one: float, other: float) -> None:
    found = standing(quality, sd)
    low, high = sorted((one, other))
    assert found.meets(low) >= found.meets(high) - 1e-12


def test_effort_costs_tokens_and_reasoning_is_part_of_them() -> None:
    today = Today("gpt-4o", task_mix=MIX, output_tokens=400)
    least, most = (of("gpt-5", effort, today) for effort in ("minimal", "high"))
    assert least.quality < most.quality
    assert least.output_factor.base < most.output_factor.base
    for found in (least, most):
        lengths = found.lengths(1000, 400)
        assert 0 <= lengths.reasoning < lengths.output
        assert found.output_factor.low * 400 <= lengths.output <= found.output_factor.high * 400
    assert most.lengths(1000, 400).reasoning > least.lengths(1000, 400).reasoning
    assert of("gpt-4.1", "none", today).reasoning_factor == 0


@given(st.floats(5, 4000), st.floats(5, 4000))
def test_a_longer_answer_never_takes_fewer_tokens(one: float, other: float) -> None:
    short, long = sorted((one, other))
    spent = [
        of("gpt-5", "medium", Today("gpt-4o", task_mix=(("code", 1.0),), output_tokens=t)).lengths(1000, t)
        for t in (short, long)
    ]
    assert spent[0].output <= spent[1].output * (1 + 1e-9)
    assert spent[0].output - spent[0].reasoning <= (spent[1].output - spent[1].reasoning) * (1 + 1e-9)


def test_a_short_answer_of_any_task_holds_the_reasoning_of_a_simple_question() -> None:
    code, chat = (
        of("gpt-5", "medium", Today("gpt-4o", task_mix=((task, 1.0),), output_tokens=20)).lengths(100, 20)
        for task in ("code", "classification")
    )
    assert code.reasoning == pytest.approx(chat.reasoning, rel=0.01)


def test_equal_tokens_are_equal() -> None:
    found = of("claude-opus-5", "max", Today("gpt-4o", task_mix=MIX, equal_tokens=True))
    assert found.lengths(1000, 300) == (1000, 300, 0)


def test_an_own_evaluation_is_certain_and_replaces_the_fit() -> None:
    found = of("gpt-5.6-luna", "medium", Today("gpt-4o", task_mix=MIX, own=(("gpt-5.6-luna", 0.97),)))
    assert (found.quality, found.stands_on) == (0.97, OWN)
    assert (found.meets(0.96), found.meets(0.98)) == (1, 0)


def test_every_model_that_is_priced_or_selectable_has_a_quality_and_a_band() -> None:
    catalog = load_catalog()
    ids = {a.model_id for a in catalog.apis.values()} | {
        m.model_id for m in catalog.models.values() if m.status != "measured only"
    }
    models = tuple((m, effort) for m in sorted(ids) for effort in names(catalog).efforts_of(m))
    for found in standings(catalog, models, Today("gpt-4o")).values():
        assert 0 < found.success.low < found.success.base < found.success.high < 1
        assert found.output_factor.low <= found.output_factor.base <= found.output_factor.high


def test_larger_siblings_are_better_in_the_shipped_data() -> None:
    ids = ("llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b")
    values = [of(m, "none", Today("gpt-4o")).quality for m in ids]
    assert values == sorted(values)


def test_a_vendor_s_default_effort_is_the_default() -> None:
    catalog = load_catalog()
    assert [default_effort(catalog, m) for m in ("gpt-5", "gpt-oss-20b", "gpt-4o")] == [
        "medium",
        "medium",
        "none",
    ]
    with pytest.raises(UnknownNameError, match="reference_effort"):
        of("gpt-5", "medium", Today("gpt-4o", "high"))
