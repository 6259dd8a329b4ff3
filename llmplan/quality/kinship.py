"""What a model's relatives say about it before its own figures do: a covariance of abilities over variants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from llmplan.arrays import Floats
from llmplan.quality.names import Variant, line_and_version

SMALLER: Final = ("mini", "nano", "flash", "lite", "haiku", "small", "luna", "micro", "air", "tiny")
"""Words by which vendors name their smaller models."""
_SIZE: Final = re.compile(r"(?:^|-)(\d+(?:-\d)?)b(?=-|$)")
_REFERENCE_SIZE_B: Final = 70.0


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the differences between relatives, in units of ability.

    Attributes
    ----------
    effort: a variant around its model and effort (half of it for thinking off).
    step: a model around its predecessor in the line plus the usual step.
    snapshot: a dated snapshot around the earlier one of its version.
    parent: the first of a line around the line that it came from (gpt-mini from gpt).
    first: a model around what its date and size say; half as much again where the date is not known.
    """

    effort: float = 0.35
    step: float = 0.5
    snapshot: float = 0.2
    parent: float = 0.9
    first: float = 1.0
    common: float = 2.0


class _Terms:
    """Rows x . theta ~ N(0, sd) over named unknowns, summed to a precision matrix."""

    def __init__(self, names: Sequence[object]) -> None:
        self.place = {name: i for i, name in enumerate(names)}
        self.precision = np.zeros((len(names), len(names)))

    def add(self, terms: Mapping[object, float], sd: float) -> None:
        places = [self.place[name] for name in terms]
        row = np.array(list(terms.values()))
        self.precision[np.ix_(places, places)] += np.outer(row, row) / sd**2


def covariance(
    variants: Sequence[Variant], efforts: Mapping[str, float], years: Mapping[str, float], spread: Spread
) -> Floats:
    """Return the prior covariance of the variants' abilities, shape (variants, variants). (11.2)

    Each term ties a variant to its model, a model to its predecessor in the line, and the first of a line to
    what its date, size and name say; effects that all share (trend, effort, step, size) are unknowns too.
    `efforts` is the scale of effort, `years` the year of each model's first published figure.
    """
    models = sorted({variant.model for variant in variants})
    shared = ("mean", "trend", "effort", "step", "size", "sized", "smaller", *SMALLER)
    terms = _Terms([*variants, *models, *(("shared", name) for name in shared)])
    for name in shared:
        terms.add({("shared", name): 1.0}, 0.5 if name in SMALLER else spread.common)
    for variant in variants:
        sd = spread.effort / 2 if variant.effort == "none" else spread.effort
        at = efforts.get(variant.effort, efforts["medium"])
        terms.add({variant: 1.0, variant.model: -1.0, ("shared", "effort"): -at}, sd)
    for model in models:
        dated = model in years
        terms.add(_by_date_and_size(model, years), spread.first * (1.0 if dated else 1.5))
    lines: dict[str, list[str]] = {}
    for model in sorted(models, key=lambda m: (line_and_version(m)[1], m)):
        lines.setdefault(line_and_version(model)[0], []).append(model)
    for line, members in lines.items():
        _chain(terms, members, spread)
        _parent(terms, members[0], lines.get(line.rpartition("-")[0], []), spread)
    n = len(variants)
    return np.linalg.inv(terms.precision)[:n, :n].astype(np.float64)


def _by_date_and_size(model: str, years: Mapping[str, float]) -> dict[object, float]:
    row: dict[object, float] = {model: 1.0, ("shared", "mean"): -1.0}
    if model in years:
        row["shared", "trend"] = -years[model]
    size = _SIZE.search(model)
    if size:
        billions = float(size.group(1).replace("-", "."))
        row["shared", "size"] = -float(np.log10(billions / _REFERENCE_SIZE_B))
        row["shared", "sized"] = -1.0
    for word in sorted(set(model.split("-")) & set(SMALLER)):
        row["shared", word] = -1.0
        row["shared", "smaller"] = row.get(("shared", "smaller"), 0.0) - 1.0
    return row


def _chain(terms: _Terms, members: Sequence[str], spread: Spread) -> None:
    """Tie each member of a line to the one before it."""
    for earlier, later in pairwise(members):
        one, other = line_and_version(earlier)[1], line_and_version(later)[1]
        if one[:2] == other[:2]:
            terms.add({later: 1.0, earlier: -1.0}, spread.snapshot)
        else:
            terms.add({later: 1.0, earlier: -1.0, ("shared", "step"): -1.0}, spread.step)


def _parent(terms: _Terms, first: str, older: Sequence[str], spread: Spread) -> None:
    """Tie the first of a line to the newest older model of the line whose name it extends."""
    earlier = [model for model in older if line_and_version(model)[1] <= line_and_version(first)[1]]
    if earlier:
        row: dict[object, float] = {first: 1.0, earlier[-1]: -1.0}
        if set(first.split("-")) & set(SMALLER):
            row["shared", "smaller"] = -1.0
        terms.add(row, spread.parent)
