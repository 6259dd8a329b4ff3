"""A user's own evaluations as items: CSV, lm-evaluation-harness, Inspect and promptfoo result files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from llmplan.errors import InputError
from llmplan.foreign import foreign, parse_json, read_text
from llmplan.quality.tables import Figure, Item

OWN: Final = "own-"
_METRICS: Final = ("exact_match", "acc_norm", "acc", "f1", "pass@1", "accuracy", "mean", "score")
"""Metrics of a result file in the order in which one is taken."""
_Result = tuple[str, str, float, int]
"""Model, task, share of success, number of questions."""


def read_evaluations(paths: Sequence[Path]) -> tuple[list[Figure], list[Item]]:
    """Return the figures and items of result files; an item weighs as its number of questions says.

    Raises InputError with the file and what is wrong with it.
    """
    figures: list[Figure] = []
    items: dict[str, Item] = {}
    for path in paths:
        for model, task, score, questions in _results(path):
            if not 0 <= score <= 1 or questions < 1:
                rule = f"{task} of {model}: score {score:g} on {questions} questions"
                raise InputError("evaluation", str(path), rule, "give a share from 0 to 1 and n of 1 or more")
            name = f"{OWN}{task}"
            family = task if task in _FAMILIES else name
            items[name] = Item(name, family, questions, 1.0, "9999-12-31")
            figures.append(Figure(name, model, score))
    return figures, list(items.values())


_FAMILIES: Final = frozenset(
    {"gpqa", "mmlu", "mmlu-pro", "gsm8k", "ifeval", "humaneval", "mbpp", "drop", "mgsm", "hellaswag"}
)
"""Tasks that are a family of the table: their items share its loadings."""


def _results(path: Path) -> Iterator[_Result]:
    text = read_text(path, "evaluation")
    if path.suffix.lower() == ".csv":
        yield from _csv(path, text)
        return
    data = parse_json(text, "evaluation", str(path), "give a result file, CSV or JSON")
    with foreign("evaluation", str(path), "give a result file"):
        yield from list(_json(path, data))


def _csv(path: Path, text: str) -> Iterator[_Result]:
    reader = csv.DictReader(text.splitlines())
    if not {"model", "score", "n"} <= set(reader.fieldnames or ()):
        raise InputError("evaluation", str(path), "lacks the columns model, score, n", "add them")
    for line, row in enumerate(reader, start=2):
        try:
            score, questions = float(row["score"]), int(float(row["n"]))
        except (TypeError, ValueError):
            rule = f"line {line}: score or n is no number"
            raise InputError("evaluation", str(path), rule, "write a share from 0 to 1 and a count") from None
        yield row["model"], row.get("task") or path.stem, score, questions


def _json(path: Path, data: Mapping[str, Any]) -> Iterator[_Result]:
    if "results" in data and ("config" in data or "n-samples" in data) and "evalId" not in data:
        return _harness(data)
    if "eval" in data and "results" in data:
        return iter([_inspect(data)])
    if "results" in data:
        return _promptfoo(path, data)
    raise InputError(
        "evaluation", str(path), "is no known result file", "use lm-evaluation-harness, Inspect or promptfoo"
    )


def _harness(data: Mapping[str, Any]) -> Iterator[_Result]:
    """lm-evaluation-harness: results.TASK."acc,none", n-samples.TASK.effective, config.model_args."""
    arguments = data.get("config", {}).get("model_args", "")
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    model = data.get("model_name") or arguments.get("pretrained") or arguments.get("model")
    for task, metrics in data["results"].items():
        found = {
            name.split(",")[0]: value for name, value in metrics.items() if isinstance(value, int | float)
        }
        metric = next((name for name in _METRICS if name in found), None)
        if metric is not None:
            counts = data.get("n-samples", {}).get(task, {})
            yield str(model), task.replace("_", "-"), float(found[metric]), int(counts.get("effective", 100))


def _inspect(data: Mapping[str, Any]) -> _Result:
    """Inspect: eval.model, eval.task, results.scores[0].metrics.accuracy.value, results.completed_samples."""
    metrics = data["results"]["scores"][0]["metrics"]
    name = next(name for name in ("accuracy", "mean", *metrics) if name in metrics)
    questions = data["results"].get("completed_samples") or data["eval"]["dataset"]["samples"]
    task = data["eval"]["task"].rsplit("/", 1)[-1].replace("_", "-")
    return data["eval"]["model"], task, float(metrics[name]["value"]), int(questions)


def _promptfoo(path: Path, data: Mapping[str, Any]) -> Iterator[_Result]:
    """promptfoo: results.results[].provider.id and .success; one figure a provider."""
    inner = data["results"]
    passed: dict[str, list[bool]] = {}
    for row in inner["results"] if isinstance(inner, dict) else inner:
        provider = row["provider"]["id"] if isinstance(row["provider"], dict) else row["provider"]
        passed.setdefault(str(provider).rsplit(":", 1)[-1], []).append(bool(row["success"]))
    for provider, outcomes in passed.items():
        yield provider, path.stem, sum(outcomes) / len(outcomes), len(outcomes)
