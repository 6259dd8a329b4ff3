"""Tokens against today's model: reasoning multiplies long answers and adds to short ones."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import UnknownNameError
from llmplan.quality.ability import Band
from llmplan.quality.multiplier import input_tokens_multiplier, mixed_multipliers, tokenizer_of, tokens_of
from llmplan.quality.tables import names

TODAY = ("gpt-4o", None)


def output_multiplier(
    model_id: str, effort: str | None, task: str, output_tokens: float | None = None
) -> Band:
    """Return what output tokens become against today's model on a task: low, base, high."""
    catalog = load_catalog()
    variant, now = names(catalog).variant(model_id, effort), names(catalog).variant(*TODAY)
    known = tokens_of(catalog, (variant, now))
    low, base, high, _ = mixed_multipliers(known, [variant], {task: 1}, now, output_tokens)[:, 0].tolist()
    return Band(low, base, high)


def test_the_same_model_is_one() -> None:
    same = output_multiplier("gpt-4o", None, "code")
    assert (same.low, same.base, same.high) == (1, 1, 1)


@pytest.mark.parametrize("task", ["complex-reasoning", "content", "classification"])
def test_effort_costs_tokens(task: str) -> None:
    none, high = (output_multiplier("gpt-5.4", e, task) for e in ("none", "xhigh"))
    assert none.base < high.base
    assert none.low <= none.base <= none.high
    assert high.low <= high.base <= high.high


def test_reasoning_adds_to_short_answers() -> None:
    """Twice the answer's tokens, half the relative addition."""
    short, long = (
        output_multiplier("gpt-5.4", "xhigh", "classification", tokens).base for tokens in (10, 20)
    )
    assert short - 1 == pytest.approx(2 * (long - 1), rel=1e-6)


def test_chat_is_near_what_was_counted() -> None:
    """GPT-4o spent 392 tokens on an open question, GPT-5.4 615 with reasoning off and 6,706 at its highest."""
    off, full = (output_multiplier("gpt-5.4", e, "languages").base for e in ("none", "xhigh"))
    assert 615 / 392 / 1.5 < off < 615 / 392 * 1.5
    assert 6706 / 392 / 2 < full < 6706 / 392 * 2


def test_input_tokens_by_tokenizer_and_kind() -> None:
    """The measured table: Claude from Opus 4.7 on against o200k, German prose."""
    assert input_tokens_multiplier(
        load_catalog(), "claude-opus-5", "gpt-4o", "de-prose"
    ).base == pytest.approx(2.12, abs=0.01)
    assert input_tokens_multiplier(
        load_catalog(), "llama-3.1-8b", "gpt-4o", "de-prose"
    ).base == pytest.approx(1.24, abs=0.01)
    there = input_tokens_multiplier(load_catalog(), "claude-opus-5", "llama-3.1-8b", "de-prose").base
    back = input_tokens_multiplier(load_catalog(), "llama-3.1-8b", "claude-opus-5", "de-prose").base
    assert there * back == pytest.approx(1)


def test_an_unmeasured_tokenizer_has_a_band() -> None:
    assert tokenizer_of(load_catalog(), "kimi-k3") is None
    band = input_tokens_multiplier(load_catalog(), "kimi-k3", "gpt-4o", "en-prose")
    assert band.low < band.high
    with pytest.raises(UnknownNameError):
        input_tokens_multiplier(load_catalog(), "kimi-k3", "gpt-4o", "poems")
