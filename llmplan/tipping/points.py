"""Tipping points: for each input, the nearest values at which the recommendation changes, the rest held."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from llmplan.catalog import Catalog, load_catalog
from llmplan.decision import Option, Options, options_of
from llmplan.scenario import Scenario
from llmplan.tipping.inputs import Input, contenders
from llmplan.tipping.load import load_inputs, quality_input, volume_input
from llmplan.tipping.prices import gpu_price_input, price_inputs
from llmplan.tipping.tokens import token_inputs

By = Literal["kind", "option"]
STEPS = 60
"""Halvings of a bracket; a float has no more to give."""


@dataclass(frozen=True)
class TippingPoint:
    """A value at which another recommendation takes over.

    Attributes
    ----------
    value: the first value on the new side, in the input's unit; `last_value` is the last on the old side,
        as close as numbers allow. Both were evaluated.
    shown: `value` rounded to the new side in as few figures as keep it there, also evaluated.
    change_pct: (shown / base - 1) in percent; None where the base is 0.
    option_id, label, kind: what is recommended at `value`; None where nothing is feasible there.
    monthly_usd: its base cost there.
    changes: scenario fields that bring `shown` about, as `Scenario.but` takes them; None where none can.
    """

    value: float
    last_value: float
    shown: float
    change_pct: float | None
    option_id: str | None
    label: str | None
    kind: str | None
    monthly_usd: float | None
    changes: dict[str, Any] | None


@dataclass(frozen=True)
class Tipping:
    """One input's tipping points.

    Attributes
    ----------
    low, high: the range that was searched; below, above: the nearest change on either side of the base, None
        where the recommendation holds to the end of the range.
    tried: values between the ends that were tried; exact: whether they prove that there is nothing nearer.
    """

    input_id: str
    label: str
    unit: str
    base: float
    low: float
    high: float
    below: TippingPoint | None
    above: TippingPoint | None
    tried: int
    exact: bool
    sentence: str

    @property
    def distance(self) -> float:
        """The least relative change that flips the recommendation, as a logarithm; infinity for none."""
        found = [math.inf]
        for point in (self.below, self.above):
            if point is not None:
                both = self.base > 0 and point.value > 0
                found.append(
                    abs(math.log(point.value / self.base)) if both else 1 + abs(point.value - self.base)
                )
        return min(found)

    @property
    def nearest(self) -> TippingPoint | None:
        """The nearer of the two points, by relative change."""
        points = [point for point in (self.below, self.above) if point is not None]
        if not points:
            return None
        return min(points, key=lambda point: replace(self, below=point, above=None).distance)


def tipping_points(
    scenario: Scenario,
    catalog: Catalog | None = None,
    by: By = "kind",
    only: Sequence[str] | None = None,
    verify: bool = True,
) -> tuple[Tipping, ...]:
    """Return the tipping points of every input, those that need the least change first. (8.13)

    Parameters
    ----------
    by: "kind": the recommendation changes when another kind (API, hosted, self-hosted) becomes the cheapest
        feasible option, or none is left; "option": when any other option does.
    only: ids of inputs, as in the result; None: all.
    verify: tokens are searched among a shortlist of fleets, since each value needs a new sizing; True asks
        the whole catalog on both sides of what was found, and searches on where it disagrees.
    """
    catalog = catalog or load_catalog()
    options = options_of(scenario, catalog)
    rows = [row for row in inputs_of(scenario, catalog, options, by) if only is None or row.input_id in only]
    return tuple(sorted((tip(row, by, verify) for row in rows), key=lambda found: found.distance))


def inputs_of(scenario: Scenario, catalog: Catalog, options: Options, by: By = "kind") -> list[Input]:
    """Return the inputs of a scenario: volume, prices, tokens, load, fleet rules, quality, hidden costs."""
    few = replace(contenders(options), scenario=scenario)
    found = [volume_input(few), *price_inputs(few, catalog), *load_inputs(few, catalog)]
    gpu = gpu_price_input(options, few, catalog, by == "kind")
    if gpu is not None:
        found.append(gpu)
    return [*found, quality_input(options, scenario), *token_inputs(options, few, catalog)]


def tip(row: Input, by: By = "kind", verify: bool = False) -> Tipping:
    """Return one input's tipping points; by and verify as in `tipping_points`."""
    before = _answer(row.recommended(row.base), by)

    def same(value: float) -> bool:
        return _answer(row.recommended(value), by) == before

    def same_in_full(value: float) -> bool:
        return row.full is None or _answer(row.full(value), by) == before

    points = []
    sides = (row.values_below(), row.values_above())
    for values in sides:
        edge = _first_change(values, row, same)
        if edge is not None and verify and row.full is not None:
            edge = _verified(edge, values, row, same_in_full)
        points.append(None if edge is None else _point(row, *edge, same))
    found = Tipping(
        row.input_id,
        row.label,
        row.unit,
        row.base,
        row.low,
        row.high,
        points[0],
        points[1],
        sum(len(values) for values in sides),
        row.exact and by == "kind",
        "",
    )
    return replace(found, sentence=_sentence(row, found))


def _verified(
    edge: tuple[float, float], values: Sequence[float], row: Input, same: Callable[[float], bool]
) -> tuple[float, float] | None:
    """Return the edge as the whole catalog has it: the one found, or one searched anew."""
    last, value = edge
    if not same(last):
        return _bisect(row.base, last, row.whole, same)
    if not same(value):
        return edge
    further = [v for v in values if abs(v - row.base) > abs(value - row.base)]
    return _first_change(further, replace(row, base=value, seen={}), same)


def _answer(item: Option | None, by: By) -> str | None:
    if item is None:
        return None
    return item.kind if by == "kind" else item.option_id


def _first_change(
    values: Sequence[float], row: Input, same: Callable[[float], bool]
) -> tuple[float, float] | None:
    """Walk away from the base to the first value that differs, then halve: (last on the old side, first new)."""
    old = row.base
    for value in values:
        if not same(value):
            return _bisect(old, value, row.whole, same)
        old = value
    return None


def _bisect(old: float, new: float, whole: bool, same: Callable[[float], bool]) -> tuple[float, float]:
    """Return neighbours on either side of a change: whole numbers, or floats that no number of use parts."""
    for _ in range(STEPS):
        middle = (old + new) / 2
        if whole:
            middle = float(round(middle))
        if middle in (old, new) or abs(new - old) <= 1e-9 * abs(new):
            break
        old, new = (middle, new) if same(middle) else (old, middle)
    return old, new


def _point(row: Input, last: float, value: float, same: Callable[[float], bool]) -> TippingPoint:
    item = row.recommended(value)
    shown = _rounded(row, value, same)
    change = None if row.base == 0 else (shown / row.base - 1) * 100
    changes = row.changes(shown)
    if item is None:
        return TippingPoint(value, last, shown, change, None, None, None, None, changes)
    usd = row.monthly_usd(value)
    return TippingPoint(value, last, shown, change, item.option_id, item.label, item.kind, usd, changes)


def _rounded(row: Input, value: float, same: Callable[[float], bool]) -> float:
    """Round away from the base to steps of at most half a percent, or as much finer as keeps the new side."""
    if row.whole:
        return value
    towards = math.floor if value < row.base else math.ceil
    size = math.floor(math.log10(abs(value))) if value else 0
    first = 4 if abs(value) < 2 * 10.0**size else 3
    for figures in range(first, 10):
        step = 10.0 ** (size - figures + 1)
        rounded = float(f"{towards(value / step) * step:.12g}")
        if row.low <= rounded <= row.high and not same(rounded):
            return rounded
    return value


def _sentence(row: Input, found: Tipping) -> str:
    """Say in plain words what changes where."""
    verbs = ("fall", "rise") if row.plural else ("falls", "rises")
    parts = [
        f"{takes_over(point)} if {row.label} {verb} {amount(row, point)}"
        for verb, point in zip(verbs, (found.below, found.above), strict=True)
        if point is not None
    ]
    if parts:
        return _capital("; ".join(parts)) + "."
    span = f"from {row.text(row.low)} to {row.text(row.high)}"
    return f"{_capital(row.label)}: no value {span} changes the recommendation."


def amount(row: Input, point: TippingPoint) -> str:
    """Return how far an input has to move: a scale in percent, others to a value."""
    if row.is_scale:
        return f"by {abs(point.shown - 1) * 100:.4g} %"
    percent = "" if point.change_pct is None else f" ({point.change_pct:+.0f} %)"
    return f"to {row.text(point.shown)}{percent}"


def takes_over(point: TippingPoint) -> str:
    """Return what wins at a tipping point, in plain words."""
    words = {"api": "an API wins", "hosted": "a hosted open model wins", "self_hosted": "self-hosting wins"}
    return "nothing is feasible" if point.kind is None else f"{words[point.kind]} ({point.label})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
