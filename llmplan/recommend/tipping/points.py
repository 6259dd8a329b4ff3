"""Tipping points: for each input, the nearest values at which the recommendation changes, the rest held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.options import Option, Options, options_of
from llmplan.recommend.tipping.expected import expected_ranges
from llmplan.recommend.tipping.flip_search import CheapestOfAll, Input, contenders
from llmplan.recommend.tipping.load import chance_input, load_inputs, quality_input, volume_input
from llmplan.recommend.tipping.models import model_inputs
from llmplan.recommend.tipping.prices import gpu_price_input, price_inputs
from llmplan.recommend.tipping.records import Tipping, TippingPoint
from llmplan.recommend.tipping.sentences import condition, sentence
from llmplan.recommend.tipping.tokens import token_inputs
from llmplan.scenario import Scenario, under_catalog

By = Literal["kind", "option"]
STEPS = 60
"""Halvings of a bracket; a float has no more to give."""
HYBRID_TOLERANCE = 1e-5
"""Share of a value to which both sides are told apart where hybrids are asked for, which takes longer."""
FINER = 9
"""Times that a rounding step is made ten times finer at most."""


def tipping_points(
    scenario: Scenario,
    catalog: Catalog | None = None,
    by: By = "kind",
    only: Sequence[str] | None = None,
    verify: bool = True,
) -> tuple[Tipping, ...]:
    """Return the tipping points of every input, (8.13): plausible ones first, then by the change they need.

    Parameters
    ----------
    by: "kind": the recommendation changes when another kind (API, hosted, self-hosted, hybrid) becomes the cheapest
        feasible option, or none is left; "option": when any other option does.
        A hybrid is a kind like the others.
    only: ids of inputs, as in the result; None: all.
    verify: tokens are searched among a shortlist of fleets, since each value needs a new sizing; True asks
        the whole catalog on both sides of what was found, and searches on where it disagrees.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    return _tipping_points(catalog, scenario, by, None if only is None else tuple(only), verify)


@kept(4)
def _tipping_points(
    catalog: Catalog, scenario: Scenario, by: By, only: tuple[str, ...] | None, verify: bool
) -> tuple[Tipping, ...]:
    """Return `tipping_points`: an answer's page and each of its files ask for the same ones."""
    options = replace(options_of(scenario, catalog), scenario=scenario)
    rows = [row for row in inputs_of(options, catalog, by) if only is None or row.input_id in only]
    found = (tip(row, by, verify) for row in rows)
    return by_nearness(found)


def by_nearness(found: Iterable[Tipping]) -> tuple[Tipping, ...]:
    """Return tipping points, those within what is expected first, the nearest before others."""
    return tuple(sorted(found, key=lambda row: (not row.is_plausible, row.distance)))


def inputs_of(options: Options, catalog: Catalog, by: By = "kind") -> list[Input]:
    """Return the inputs of a scenario: volume, prices, tokens, load, fleet rules, quality, hidden costs.

    options: those of one kind, with the scenario.
    """
    few = contenders(options, catalog)
    found = [volume_input(few), *price_inputs(few, catalog), *load_inputs(few, catalog)]
    gpu = gpu_price_input(options, few, catalog, by == "kind")
    if gpu is not None:
        found.append(gpu)
    if few.scenario.quality_floor > 0:
        found.append(chance_input(few))
    found += [quality_input(few), *token_inputs(options, few, catalog), *model_inputs(few, catalog)]
    expected, choose = expected_ranges(few, catalog), CheapestOfAll(few, catalog)
    return [
        replace(
            row,
            choose=choose,
            exact=row.exact and not choose.has_hybrids,
            tolerance=HYBRID_TOLERANCE if choose.has_hybrids else row.tolerance,
            expected=expected.get(row.input_id, row.expected),
        )
        for row in found
    ]


def tip(row: Input, by: By = "kind", verify: bool = True) -> Tipping:
    """Return one input's tipping points; by and verify as in `tipping_points`."""
    by = "option" if row.by_option else by
    before = _answer(row.recommended(row.base), by)

    def same(value: float) -> bool:
        return _answer(row.recommended(value), by) == before

    def same_in_full(value: float) -> bool:
        return row.full is None or _answer(row.full(value)[0], by) == before

    points = []
    sides = (row.values_below(), row.values_above())
    for values in sides:
        edge = _first_change(values, row, same)
        if edge is not None and verify and row.full is not None:
            edge = _verified(edge, values, row, same_in_full)
        points.append(None if edge is None else _point(row, *edge, verify))
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
        row.exact and (by == "kind" or row.by_option),
        "",
        *(row.expected or (None, None)),
    )
    return replace(found, sentence=sentence(row, found))


def _verified(
    edge: tuple[float, float], values: Sequence[float], row: Input, same: Callable[[float], bool]
) -> tuple[float, float] | None:
    """Return the edge as the whole catalog has it: the one found, or one searched anew."""
    last, value = edge
    if not same(last):
        return _bisect(row.base, last, row, same)
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
            return _bisect(old, value, row, same)
        old = value
    return None


def _bisect(old: float, new: float, row: Input, same: Callable[[float], bool]) -> tuple[float, float]:
    """Return neighbours on either side of a change: whole numbers, or floats that no number of use parts."""
    for _ in range(STEPS):
        middle = (old + new) / 2
        if row.whole:
            middle = float(round(middle))
        if middle in (old, new) or abs(new - old) <= row.tolerance * abs(new):
            break
        old, new = (middle, new) if same(middle) else (old, middle)
    return old, new


def _point(row: Input, last: float, value: float, verify: bool) -> TippingPoint:
    asked = row.full if verify and row.full is not None else None
    item, usd = asked(value) if asked else (row.recommended(value), row.monthly_usd(value))
    shown = _rounded(row, value)
    change = None if row.base == 0 else (shown / row.base - 1) * 100
    within = None if row.expected is None else row.expected[0] <= shown <= row.expected[1]
    rest = (row.changes(shown), condition(row, shown, change), within)
    if item is None:
        return TippingPoint(value, last, shown, change, None, None, None, None, *rest)
    return TippingPoint(value, last, shown, change, item.option_id, item.label, item.kind, usd, *rest)


def _rounded(row: Input, value: float) -> float:
    """Round away from the base to what people say, or as much finer as keeps the same option in front."""
    if row.full is not None:
        return value
    towards = math.floor if value < row.base else math.ceil
    there, step = row.recommended(value), row.step(value)
    for _ in range(FINER):
        if row.whole and step < 1:
            break
        rounded = float(f"{towards(value / step) * step:.12g}")
        if row.low <= rounded <= row.high and _id(row.recommended(rounded)) == _id(there):
            return rounded
        step /= 10
    return value


def _id(item: Option | None) -> str | None:
    return None if item is None else item.option_id
