"""The same buckets exported several ways count once, whichever way came first."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from llmplan.usage.importing import import_usage
from llmplan.usage.summary import read_usage, summary

DAY = {"start_time": 1772409600, "end_time": 1772496000}


def page(path: Path, *results: dict[str, Any], **bucket: int) -> Path:
    path.write_text(
        json.dumps({"object": "page", "data": [{"object": "bucket", **DAY, **bucket, "results": results}]})
    )
    return path


def used(n: int, **by: str) -> dict[str, Any]:
    """Return n requests of 10 tokens in and 1 out, grouped by something."""
    return {"input_tokens": 10 * n, "output_tokens": n, "num_model_requests": n, **by}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_openai_usage_grouped_three_ways(tmp_path: Path, order: tuple[int, ...]) -> None:
    """By model, by project and in all: 7 requests of three models, which the finest tells apart."""
    files = [
        page(
            tmp_path / "model.json", *(used(n, model=name) for name, n in zip("abc", (1, 2, 4), strict=True))
        ),
        page(tmp_path / "project.json", used(3, project_id="p"), used(4, project_id="q")),
        page(tmp_path / "all.json", used(7)),
    ]
    import_usage([files[place] for place in order], tmp_path / "usage")
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["requests"], found["input_tokens"], found["excluded"]) == (7, 70, {"duplicate": 14})
    assert sorted(found["apps"][0]["models"]) == ["a", "b", "c"]


def test_other_traffic_of_the_same_day_counts(tmp_path: Path) -> None:
    files = [page(tmp_path / "one.json", used(3, model="a")), page(tmp_path / "two.json", used(4, model="b"))]
    import_usage(files, tmp_path / "usage")
    assert summary(read_usage(tmp_path / "usage"))["requests"] == 7


def test_hours_and_their_day_count_once(tmp_path: Path) -> None:
    hour = {"start_time": DAY["start_time"] + 7_200, "end_time": DAY["start_time"] + 10_800}
    files = [page(tmp_path / "day.json", used(3)), page(tmp_path / "hour.json", used(3), **hour)]
    import_usage(files, tmp_path / "usage")
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["requests"], found["excluded"]) == (3, {"duplicate": 3})
