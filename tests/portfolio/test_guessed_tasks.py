"""Tasks guessed by hand: names win over shapes, shapes have bounds, and many apps tell nothing."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.portfolio.tasks import guessed_task


@pytest.mark.parametrize(
    ("name", "tokens", "task"),
    [
        ("doc-summary", (3_000, 300), "summarisation"),
        ("key-0a1b2c", (3_000, 300), "rag-qa"),
        ("Support Triage", (900, 300), "classification"),
        ("app-1", (900, 4), "classification"),
        ("app-1", (80_000, 500), "long-context"),
        ("app-1", (200, 1_500), "content"),
        ("storage", (1_200, 400), None),
        ("agents", (10, 10), "agentic-code"),
    ],
)
def test_names_and_shapes(name: str, tokens: tuple[float, float], task: str | None) -> None:
    found = guessed_task(name, *tokens, load_catalog())
    assert (found and found[0]) == task
