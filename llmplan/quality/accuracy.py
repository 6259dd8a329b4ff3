"""`llmplan accuracy-quality` and `accuracy-tokens`: files of published figures against the shipped fits."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import spearmanr

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.quality.ability import Ability, load_ability
from llmplan.quality.tables import names
from llmplan.quality.tokens import load_tokens
from llmplan.quality.validation import summary

QUALITY_COLUMNS: Final = ("release", "model_as_published", "subtask", "score_0_100")
LEAST_RANKED: Final = 5
TOKEN_COLUMNS: Final = ("model_as_published", "subtask", "output_tokens_per_question")


@dataclass(frozen=True)
class Row:
    """A line of a file: where it stands, the published model, the item's name and the figure."""

    line: int
    published: str
    item: str
    value: float


def _read(
    path: Path, columns: Sequence[str], item: Callable[[Mapping[str, str]], str], figure: str
) -> list[Row]:
    """Return the lines of a CSV with these columns; InputError names what is missing. figure: the column of the value."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            header = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("file", str(path), f"cannot be read ({error})", "give a CSV file") from None
    missing = [column for column in columns if column not in header]
    if missing:
        rule = f"lacks the columns {', '.join(missing)}"
        raise InputError("file", str(path), rule, f"give a CSV with {', '.join(columns)}")
    return [
        Row(line, row["model_as_published"], item(row), _number(row[figure], line, figure))
        for line, row in enumerate(rows, start=2)
    ]


def _number(text: str | None, line: int, column: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(f"{column}, line {line}", text, "is not a number", "correct or delete the row")
    return value


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def accuracy_quality(catalog: Catalog, path: Path) -> dict[str, Any]:
    """Score a file with the columns of a LiveBench table: errors in points, coverage of the 80 % band, order of models.

    rank_correlation: Spearman's, over models at an effort, of mean scores against what is expected of the same rows;
    None for fewer than `LEAST_RANKED`.
    """

    def item(row: Mapping[str, str]) -> str:
        return f"lb-{row['release'][2:].replace('-', '')}-{_slug(row['subtask'])}"

    read = _read(path, QUALITY_COLUMNS, item, "score_0_100")
    variants = [names(catalog).variant(row.published) for row in read]
    fit = load_ability(catalog).including(variants)
    place = np.array([fit.scale.place[variant] for variant in variants], dtype=np.intp)
    items = [_item(fit, row.item) for row in read]
    answered = np.array([item is not None for item in items], dtype=bool)
    item_place = np.array([item for item in items if item is not None], dtype=np.intp)
    low, base, high = fit.band(place[answered], item_place)
    value = np.array([row.value for row in read])[answered] / 100
    unanswered = [
        _unanswered(row, "no benchmark of that name")
        for row, ok in zip(read, answered, strict=True)
        if not ok
    ]
    order = _rank_correlation(place[answered], value, base)
    return {**summary(value, low, base, high), "rank_correlation": order, "unanswered": unanswered}


def _rank_correlation(model: Places, scored: Floats, expected: Floats) -> float | None:
    """Return how alike models stand in order by their mean scores and by what is expected of them."""
    which, count = np.unique(model, return_inverse=True, return_counts=True)[1:]
    if len(count) < LEAST_RANKED:
        return None
    by_score, by_expected = (np.bincount(which, weights=values) / count for values in (scored, expected))
    return round(float(spearmanr(by_score, by_expected).statistic), 3)


def _item(fit: Ability, name: str) -> int | None:
    """Return the place of an item; of a release that no table holds, that of the family's nearest earlier one."""
    if name in fit.item_place:
        return fit.item_place[name]
    _, release, subtask = name.split("-", 2)
    same = sorted(i for i in fit.item_place if i.startswith("lb-") and i.split("-", 2)[2] == subtask)
    earlier = [i for i in same if i.split("-", 2)[1] <= release]
    return fit.item_place[(earlier or same[:1])[-1]] if same else None


def _unanswered(row: Row, reason: str) -> Mapping[str, Any]:
    return {"line": row.line, "model": row.published, "item": row.item, "reason": reason}


def accuracy_tokens(catalog: Catalog, path: Path) -> dict[str, Any]:
    """Score a file with the columns of a LiveBench cost table: factors between predicted and spent tokens."""
    figure = "output_tokens_per_question"
    read = _read(path, TOKEN_COLUMNS, lambda row: f"lb-{_slug(row['subtask'])}", figure)
    variants = [names(catalog).variant(row.published) for row in read]
    fit = load_tokens(catalog).including(variants)
    answered = [i for i, row in enumerate(read) if row.item in fit.workload_place and row.value > 0]
    place = np.array([fit.scale.place[variants[i]] for i in answered], dtype=np.intp)
    workload = np.array([fit.workload_place[read[i].item] for i in answered], dtype=np.intp)
    low, base, high = fit.band(place, workload)
    value = np.array([read[i].value for i in answered])
    factor = np.exp(np.abs(np.log(value / base)))
    known = set(answered)
    reason = "no workload of that name, or no tokens"
    return {
        "n": len(value),
        "median_factor": round(float(np.median(factor)), 3) if len(value) else None,
        "within_80_factor": round(float(np.quantile(factor, 0.8)), 3) if len(value) else None,
        "band_coverage_pct": round(100 * float(((value >= low) & (value <= high)).mean()), 1)
        if len(value)
        else None,
        "unanswered": [_unanswered(row, reason) for i, row in enumerate(read) if i not in known],
    }
