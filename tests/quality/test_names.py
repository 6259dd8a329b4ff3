"""Published names: which model, at which effort, of which line and version."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.quality.names import Variant, key, line_and_version, split_effort
from llmplan.quality.tables import names


@pytest.mark.parametrize(
    ("published", "variant"),
    [
        ("gpt-5.1-2025-11-13-nothinking", "gpt-5-1@none"),
        ("GPT-5.4 (High)", "gpt-5-4@high"),
        ("gpt-5", "gpt-5@medium"),
        ("gpt-5.2-codex", "gpt-5-2-codex@medium"),
        ("gpt-5.1-codex-max-xhigh", "gpt-5-1-codex-max@xhigh"),
        ("claude-opus-4-5-20251101-high-effort", "claude-opus-4-5@none"),
        ("claude-opus-4-5-20251101-thinking-64k-high-effort", "claude-opus-4-5@high"),
        ("claude-4-sonnet-20250514-base", "claude-sonnet-4-0@none"),
        ("anthropic/claude-3.7-sonnet:thinking", "claude-3-7-sonnet@thinking"),
        ("qwen3.7-max", "qwen3-7-max@thinking"),
        ("qwen3-235b-a22b-instruct-2507", "qwen3-235b-a22b-2507@none"),
        ("mistral-large-2512", "mistral-large-3@none"),
        ("meta-llama-3.1-70b-instruct-turbo", "llama-3-1-70b@none"),
        ("gemini-2.5-flash-06-05-highthinking", "gemini-2-5-flash@high"),
        ("grok-4.20-beta-0309-non-reasoning", "grok-4-20@none"),
        ("deepseek-v4-pro", "deepseek-v4-pro@thinking"),
    ],
)
def test_published_names(published: str, variant: str) -> None:
    assert str(names(load_catalog()).variant(published)) == variant


def test_a_stated_effort_overrules_the_name() -> None:
    assert names(load_catalog()).variant("gpt-5", "none") == Variant("gpt-5", "none")
    assert names(load_catalog()).variant("gpt-5", "low") == names(load_catalog()).variant("gpt-5-low")


def test_every_effort_offered_reads_back_as_itself() -> None:
    for model in ("gpt-5.4", "claude-opus-4-5", "deepseek-v4-pro", "gpt-oss-120b", "llama-3.1-8b"):
        for effort in names(load_catalog()).efforts_of(model):
            assert names(load_catalog()).variant(model, effort).effort == effort


@pytest.mark.parametrize(
    ("model", "line", "version"),
    [
        ("gpt-5-4-mini", "gpt-mini", (5, 4, 0)),
        ("deepseek-v3-0324", "deepseek-v", (3, 0, 324)),
        ("claude-3-5-sonnet", "claude-sonnet", (3, 5, 0)),
        ("llama-3-1-70b", "llama-70b", (3, 1, 0)),
        ("gpt-4o", "gpt-4o", (0, 0, 0)),
    ],
)
def test_line_and_version(model: str, line: str, version: tuple[int, int, int]) -> None:
    assert line_and_version(model) == (line, version)


def test_snapshots_come_before_the_next_version() -> None:
    order = ["deepseek-v3", "deepseek-v3-0324", "deepseek-v3-1", "deepseek-v3-2", "deepseek-v4"]
    assert sorted(order, key=lambda m: line_and_version(m)[1]) == order


def test_spelling() -> None:
    assert key("Meta-Llama/Llama 3.1 8B") == "llama-3-1-8b"
    assert split_effort("Claude Opus 4.8 (High)") == ("claude-opus-4-8", "high")
