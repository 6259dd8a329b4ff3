"""A provider's name of a model: model, effort, offer, format, place."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.prices.names import Names


@pytest.mark.parametrize(
    ("name", "model_id", "effort", "offer", "area"),
    [
        ("openai.gpt-oss-120b-1:0", "gpt-oss-120b", "", "", ""),
        ("eu.anthropic.claude-opus-5-5", "claude-opus-5-5", "", "", "eu"),
        ("accounts/fireworks/models/qwen2p5-72b-instruct", "qwen2.5-72b", "", "", ""),
        ("meta.llama3-1-70b-instruct-v1:0", "llama-3.1-70b", "", "", ""),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "llama-3.1-8b", "", "turbo", ""),
        ("Qwen/Qwen3-235B-A22B-Thinking-2507", "qwen3-235b-a22b-2507", "thinking", "", ""),
        ("xai/grok-4.1-fast-non-reasoning", "grok-4.1-fast", "none", "", ""),
        ("us/gpt-5.1-2025-11-13", "gpt-5.1", "", "", "us"),
        ("claude-4.5-sonnet", "claude-sonnet-4-5", "", "", ""),
    ],
)
def test_a_name_is_read(name: str, model_id: str, effort: str, offer: str, area: str) -> None:
    found = Names((), load_catalog().models).read("x", name)
    assert (found.model_id, found.effort, found.offer, found.area) == (model_id, effort, offer, area)


def test_a_format_in_the_name_is_told() -> None:
    assert Names((), ()).read("x", "zai-org/GLM-4.6-FP8").precision_id == "fp8"
