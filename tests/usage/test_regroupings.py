"""The same buckets exported several ways count once, whichever way came first, in files of their own or in one."""

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


def test_one_file_grouped_several_ways(tmp_path: Path) -> None:
    """Two days by model, by project (one without a name), by key and by hours; the last day's project has not come yet."""
    by_model = [used(n, model=name) for name, n in zip("ab", (3, 4), strict=True)]
    by_project = [used(5, project_id="p"), used(2, project_id=None)]
    by_key = [used(6, api_key_id="k"), used(1, api_key_id="l")]
    next_day = {name: second + 86_400 for name, second in DAY.items()}
    hours = [
        {"start_time": DAY["start_time"] + at, "end_time": DAY["start_time"] + at + 3_600}
        for at in (0, 7_200)
    ]
    pages = [
        page(tmp_path / f"{place}.json", *results, **when).read_text()
        for place, (results, when) in enumerate(
            [
                (by_project, DAY),
                (by_model, DAY),
                (by_model, next_day),
                (by_key, next_day),
                *[([used(n, model="a")], hour) for n, hour in zip((3, 4), hours, strict=True)],
            ]
        )
    ]
    (tmp_path / "usage.jsonl").write_text("\n".join(pages))
    import_usage([tmp_path / "usage.jsonl"], tmp_path / "usage")
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["requests"], found["excluded"]) == (14, {"duplicate": 21})


def test_one_anthropic_file_by_model_and_by_workspace(tmp_path: Path) -> None:
    def result(tokens: int, **by: str | None) -> dict[str, Any]:
        return {"uncached_input_tokens": tokens, "output_tokens": tokens // 10, **by}

    day = {"starting_at": "2026-03-02T00:00:00Z", "ending_at": "2026-03-03T00:00:00Z"}
    by_model = [result(700, model="claude-sonnet-4-5"), result(300, model="claude-haiku-4-5")]
    by_workspace = [result(900, workspace_id="w"), result(100, workspace_id=None)]
    pages = [
        {"data": [{**day, "results": results}], "has_more": False} for results in (by_workspace, by_model)
    ]
    (tmp_path / "usage.json").write_text(json.dumps(pages))
    import_usage([tmp_path / "usage.json"], tmp_path / "usage")
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["input_tokens"], found["output_tokens"], found["excluded"]) == (
        1_000,
        100,
        {"duplicate": 2},
    )
    assert sorted(found["apps"][0]["models"]) == ["claude-haiku-4-5", "claude-sonnet-4-5"]


def test_bills_that_are_the_same_by_chance_are_two(tmp_path: Path) -> None:
    """A day's search costs what its tokens do, to the cent."""
    head = "usage_date_utc,model,workspace,cost_usd"
    (tmp_path / "cost.csv").write_text(f"{head}\n2026-03-02,Claude Haiku 4.5,w,1.25\n2026-03-02,,w,1.25\n")
    import_usage([tmp_path / "cost.csv"], tmp_path / "usage")
    assert summary(read_usage(tmp_path / "usage"))["cost_usd"] == 2.5
