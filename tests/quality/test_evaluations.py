"""A user's own results become items: four kinds of file, errors in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmplan.errors import InputError
from llmplan.quality.evaluations import read_evaluations

HARNESS = {
    "results": {"gsm8k": {"exact_match,strict-match": 0.8, "exact_match_stderr,strict-match": 0.01}},
    "n-samples": {"gsm8k": {"original": 1319, "effective": 200}},
    "config": {"model_args": "pretrained=meta-llama/Llama-3.1-8B-Instruct,dtype=auto"},
}
INSPECT = {
    "eval": {"model": "openai/gpt-4o", "task": "mine/my_tickets", "dataset": {"samples": 50}},
    "results": {"completed_samples": 48, "scores": [{"metrics": {"accuracy": {"value": 0.75}}}]},
}
PROMPTFOO = {
    "evalId": "x",
    "results": {
        "results": [{"provider": {"id": "openai:gpt-4o"}, "success": ok} for ok in (True, True, False, True)]
    },
}


@pytest.mark.parametrize(
    ("data", "item", "published", "score", "questions"),
    [
        (HARNESS, "own-gsm8k", "meta-llama/Llama-3.1-8B-Instruct", 0.8, 200),
        (INSPECT, "own-my-tickets", "openai/gpt-4o", 0.75, 48),
        (PROMPTFOO, "own-results", "gpt-4o", 0.75, 4),
    ],
)
def test_result_files(
    tmp_path: Path, data: dict[str, Any], item: str, published: str, score: float, questions: int
) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(data))
    (figure,), (read,) = read_evaluations([path])
    assert (figure.item_id, figure.published, figure.value) == (item, published, score)
    assert read.questions == questions


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("model,score,n\ngpt-4o,0.71,120\nllama-3.1-8b,0.55,120\n")
    figures, items = read_evaluations([path])
    assert [f.value for f in figures] == [0.71, 0.55]
    assert [i.item_id for i in items] == ["own-tickets"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "model,points\ngpt-4o,3\n"),
        ("b.csv", "model,score,n\ngpt-4o,71,120\n"),
        ("c.csv", "model,score,n\ngpt-4o,good,120\n"),
        ("d.json", "{"),
        ("e.json", '{"other": 1}'),
        ("f.json", '{"results": {"scores": []}, "eval": {}}'),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=name):
        read_evaluations([path])
