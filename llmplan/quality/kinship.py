"""What a model's relatives say about it before its own figures do: a covariance of abilities over variants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
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
        self._place = {name: i for i, name in enumerate(names)}
        self._rows: list[tuple[list[int], list[float], float]] = []

    def add(self, terms: Mapping[object, float], sd: float) -> None:
        self._rows.append(([self._place[name] for name in terms], list(terms.values()), sd**2))

    def precision(self) -> Floats:
        """Return the precision of the unknowns, shape (names, names)."""
        places, values, variances = zip(*self._rows, strict=True)
        each = np.array([len(row) for row in places])
        place, value = (np.array(list(chain.from_iterable(some))) for some in (places, values))
        # Every term of a row with every term of it: the row's first, then which of its terms from there.
        many = np.repeat(each, each)
        left = np.repeat(np.arange(len(place)), many)
        right = (
            np.arange(len(left))
            - np.repeat(np.cumsum(many) - many, many)
            + np.repeat(np.repeat(np.cumsum(each) - each, each), many)
        )
        summed = np.zeros((len(self._place), len(self._place)))
        shares = value[left] * value[right] / np.repeat(variances, each**2)
        np.add.at(summed, (place[left], place[right]), shares)
        return summed

    def rows(self, several: Sequence[Mapping[object, float]]) -> Floats:
        """Return weighted sums of the unknowns as a matrix, shape (sums, names)."""
        found = np.zeros((len(several), len(self._place)))
        for row, terms in zip(found, several, strict=True):
            row[[self._place[name] for name in terms]] = list(terms.values())
        return found


def covariance(
    variants: Sequence[Variant], efforts: Mapping[str, float], years: Mapping[str, float], spread: Spread
) -> Floats:
    """Return the prior covariance of the variants' abilities, shape (variants, variants). (11.2)

    `efforts` is the scale of effort, `years` the year of each model's first published figure.
    """
    terms = _of_models(variants, years, spread)
    rows = terms.rows([_of_model(variant, efforts) for variant in variants])
    own = np.array([_around_model(variant, spread) for variant in variants])
    found: Floats = rows @ np.linalg.solve(terms.precision(), rows.T) + np.diag(own**2)
    return found


def placed(
    known: Sequence[Variant],
    new: Sequence[Variant],
    efforts: Mapping[str, float],
    years: Mapping[str, float],
    spread: Spread,
    observed_sd: float,
) -> tuple[Floats, Floats]:
    """Return what new variants take from each known ability, (new, known), and the variance that is left, (new,). (11.2)

    The conditional mean and variance under `covariance` of all of them where the known abilities hold within
    `observed_sd`, without that matrix: given its model and the effect of effort, a variant says nothing of others.
    """
    terms = _of_models((*known, *new), years, spread)
    rows, sums = ([_of_model(variant, efforts) for variant in some] for some in (known, new))
    around = np.hypot([_around_model(variant, spread) for variant in known], observed_sd)
    for row, sd in zip(rows, around.tolist(), strict=True):
        terms.add(row, sd)
    wanted = terms.rows(sums)
    found = np.linalg.solve(terms.precision(), wanted.T)
    own = np.array([_around_model(variant, spread) for variant in new])
    return (terms.rows(rows) @ found).T / around**2, (wanted * found.T).sum(axis=1) + own**2


def _of_model(variant: Variant, efforts: Mapping[str, float]) -> dict[object, float]:
    """Return what a variant is a sum of, beside its own deviation: its model and its effort."""
    return {variant.model: 1.0, ("shared", "effort"): efforts.get(variant.effort, efforts["medium"])}


def _around_model(variant: Variant, spread: Spread) -> float:
    return spread.effort / 2 if variant.effort == "none" else spread.effort


def _of_models(variants: Sequence[Variant], years: Mapping[str, float], spread: Spread) -> _Terms:
    """Return what is said of models before their variants' figures.

    Each term ties a model to its predecessor in the line, and the first of a line to what its date, size and
    name say; effects that all share (trend, effort, step, size) are unknowns too.
    """
    models = sorted({variant.model for variant in variants})
    shared = ("mean", "trend", "effort", "step", "size", "sized", "smaller", *SMALLER)
    terms = _Terms([*models, *(("shared", name) for name in shared)])
    for name in shared:
        terms.add({("shared", name): 1.0}, 0.5 if name in SMALLER else spread.common)
    for model in models:
        dated = model in years
        terms.add(_by_date_and_size(model, years), spread.first * (1.0 if dated else 1.5))
    lines: dict[str, list[str]] = {}
    for model in sorted(models, key=lambda m: (line_and_version(m)[1], m)):
        lines.setdefault(line_and_version(model)[0], []).append(model)
    for line, members in lines.items():
        _chain(terms, members, spread)
        _parent(terms, members[0], lines.get(line.rpartition("-")[0], []), spread)
    return terms


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
