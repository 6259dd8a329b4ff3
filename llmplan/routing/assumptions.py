"""What routing assumes by default: data/router_assumptions.csv and the task mixes beside it."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from llmplan.catalog import data_dir
from llmplan.errors import InputError, UnknownNameError


@dataclass(frozen=True)
class RouterAssumption:
    """A row of data/router_assumptions.csv, low <= base <= high."""

    assumption_id: str
    name: str
    unit: str
    low: float
    base: float
    high: float
    source_id: str
    as_of: str
    note: str


@dataclass(frozen=True)
class TaskMix:
    """A preset task mix of data/router_task_mixes.csv.

    Attributes
    ----------
    shares: task_id -> share; sums to 1.
    tolerances: task_id -> quality that the task can lose against the better end, reference = 1.
    verdicts: task_id -> what the article says of open models there: match or fall short.
    """

    mix_id: str
    name: str
    shares: dict[str, float]
    tolerances: dict[str, float]
    verdicts: dict[str, str]


@lru_cache(maxsize=4)
def router_assumptions(folder: Path | None = None) -> dict[str, RouterAssumption]:
    """Return the assumptions by id."""
    found = {}
    for line, row in _rows(folder, "router_assumptions.csv"):
        low, base, high = (_number(line, row, side) for side in ("low", "base", "high"))
        if not low <= base <= high:
            raise InputError(
                f"router_assumptions.csv line {line}", (low, base, high), "must rise", "reorder them"
            )
        texts = (row["source_id"], row["as_of"], row["note"])
        found[row["assumption_id"]] = RouterAssumption(
            row["assumption_id"], row["name"], row["unit"], low, base, high, *texts
        )
    return found


@lru_cache(maxsize=4)
def task_mixes(folder: Path | None = None) -> dict[str, TaskMix]:
    """Return the preset task mixes by id."""
    found: dict[str, TaskMix] = {}
    for line, row in _rows(folder, "router_task_mixes.csv"):
        mix = found.setdefault(row["mix_id"], TaskMix(row["mix_id"], row["mix_name"], {}, {}, {}))
        mix.shares[row["task_id"]] = _number(line, row, "share")
        mix.tolerances[row["task_id"]] = _number(line, row, "tolerance")
        mix.verdicts[row["task_id"]] = row["article_verdict"]
    return found


def task_mix(mix_id: str) -> TaskMix:
    """Return a preset task mix. Raises UnknownNameError with near names."""
    mixes = task_mixes()
    if mix_id not in mixes:
        raise UnknownNameError("task mix", mix_id, mixes)
    return mixes[mix_id]


def _rows(folder: Path | None, name: str) -> list[tuple[int, dict[str, str]]]:
    with ((folder or data_dir()) / name).open(newline="", encoding="utf-8-sig") as file:
        return list(enumerate(csv.DictReader(file), start=2))


def _number(line: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = float("nan")
    if not 0 <= value < float("inf"):
        raise InputError(f"line {line}, {column}", row[column], "is not a number from 0 up", "fill it")
    return value
