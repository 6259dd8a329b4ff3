"""Every format's sample gives the totals that its origin documents; see tests/data/usage_logs/expected.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmplan.usage.cubes import Cubes
from llmplan.usage.importing import import_usage
from llmplan.usage.summary import Usage, read_usage, summary

LOGS = Path(__file__).parent.parent / "data" / "usage_logs"
EXPECTED: dict[str, Any] = {
    name: item["visible"]
    for name, item in json.loads((LOGS / "expected.json").read_text(encoding="utf-8"))["formats"].items()
}
TOTALS = (
    "requests",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "excluded",
)


@pytest.fixture(scope="module")
def usage(tmp_path_factory: pytest.TempPathFactory) -> Usage:
    """Return all samples imported together: each file's format is told by its first record."""
    out = tmp_path_factory.mktemp("usage")
    parts = import_usage([LOGS / name for name in EXPECTED], out)
    assert [part for part in parts if part.problem_count] == []
    return read_usage(out)


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_gives_its_totals(usage: Usage, name: str) -> None:
    hours = usage.cubes.hours
    alone = Cubes(hours[hours["format"] == name], usage.cubes.tokens, usage.cubes.minutes)
    found, expected = summary(Usage(alone, {})), EXPECTED[name]
    assert found["formats"] == [name]
    assert {key: found[key] for key in TOTALS} == {key: expected[key] for key in TOTALS}
    cost = expected["cost_usd"]
    assert found["cost_usd"] == (None if cost is None else pytest.approx(cost))


def test_show_has_the_keys_of_its_contract(usage: Usage) -> None:
    found = summary(usage)
    assert list(found) == ["formats", *TOTALS[:-1], "cost_usd", "span", "excluded", "apps"]
    assert found["formats"] == sorted(EXPECTED)
    assert found["requests"] == sum(item["requests"] or 0 for item in EXPECTED.values())
    assert {"app", "requests_per_day", "input_tokens", "output_tokens", "cached_share", "peak_to_mean"} <= (
        found["apps"][0].keys()
    )
    assert {app["app"] for app in found["apps"]} >= {"search-assist", "doc-summary"}
