"""Volume, load, fleet rules and the quality floor as inputs whose tipping points are sought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.options import Options, break_even
from llmplan.options.breakeven import MAX_QUERIES_PER_DAY
from llmplan.options.token_rows import usd_per_query
from llmplan.quality.floor import chance_to_meet
from llmplan.quality.variants import Lengths
from llmplan.recommend.tipping.flip_search import Input, percents
from llmplan.scenario import Scenario

CHANCES = (0.5, 0.99)
"""Between which a chance to reach the floor may be asked for."""
VOLUMES = 181
"""Volumes tried besides the exact crossings: twenty a decade."""


def _field_input(
    few: Options,
    name: str,
    label: str,
    unit: str,
    within: tuple[float, float],
    text: Callable[[float], str] = percents,
    moved: Callable[[Scenario], dict[str, Any]] = lambda _: {},
    kind: type[float] = float,
    **more: Any,
) -> Input:
    """Return a scenario's field as an input.

    moved: changed scenario -> columns of the options that move with it; none: the options work it out themselves.
    """
    scenario = few.scenario

    def changes(value: float) -> dict[str, Any]:
        return {name: kind(value)}

    def at(value: float) -> Options:
        changed = scenario.model_copy(update=changes(value))
        return replace(few, scenario=changed, **moved(changed))

    return Input(name, label, unit, float(getattr(scenario, name)), *within, at, text, changes, **more)


def volume_input(few: Options) -> Input:
    """Return the volume; its nearest changes of kind come from the exact break-even."""
    within = 1.0, float(MAX_QUERIES_PER_DAY)
    return _field_input(
        few,
        "queries_per_day",
        "volume",
        "queries/day",
        within,
        lambda value: f"{value:,.0f} queries/day",
        whole=True,
        grid=_volume_edges(few),
    )


def _volume_edges(few: Options) -> tuple[float, ...]:
    """Return every volume at which a fleet starts or stops to be cheaper than every token price, and others.

    The others, evenly spaced in the logarithm, serve changes within a kind.
    """
    token = np.flatnonzero(few.is_api & few.feasible)
    own = np.flatnonzero(few.is_self_hosted & few.feasible)
    edges: tuple[int, ...] = ()
    if len(token) and len(own):
        best = int(token[np.argmin(few.usd_per_query[token])])
        edges = break_even(few, own.tolist(), best).crossings_queries_per_day
    spread = np.geomspace(1, MAX_QUERIES_PER_DAY, VOLUMES).round().astype(int).tolist()
    return tuple(float(v) for v in sorted({*spread, *edges, *(e - 1 for e in edges)}))


def load_inputs(few: Options, catalog: Catalog) -> list[Input]:
    scenario = few.scenario
    found = []
    if np.any(few.is_api):
        found.append(_batch_input(few, catalog))
    if np.any(few.is_self_hosted):
        found += _fleet_inputs(few, catalog)
    found.append(_days_input(few))
    return [row for row in found if row.low <= getattr(scenario, row.input_id) <= row.high]


def _per_replica_at_peak(few: Options, changed: Scenario, catalog: Catalog) -> Floats:
    """Return what a replica serves where a changed scenario's peak sizes the fleet."""
    now, then = (each.workload(catalog).effective_peak_to_mean for each in (few.scenario, changed))
    return few.per_replica * (now / then)


def _batch_input(few: Options, catalog: Catalog) -> Input:
    """Return the share that may wait: it moves token prices and flattens the fleet's load. (1.3), (4.6)"""
    scenario = few.scenario
    known = [p for p in np.flatnonzero(few.is_api).tolist() if few.items[p].api_id in catalog.apis]
    items = [few.items[place] for place in known]
    prices = [catalog.api(str(item.api_id)) for item in items]
    lengths = [item.lengths or Lengths(scenario.input_tokens, scenario.output_tokens) for item in items]

    def moved(changed: Scenario) -> dict[str, Any]:
        usd = few.usd_per_query.copy()
        usd[known] = usd_per_query(prices, lengths, changed, catalog)
        return {"usd_per_query": usd, "per_replica": _per_replica_at_peak(few, changed, catalog)}

    name, label = "batch_share", "the batch share"
    return _field_input(few, name, label, "share", (0.0, 1.0), moved=moved, exact=False)


def _fleet_inputs(few: Options, catalog: Catalog) -> list[Input]:
    """Return the rules that size the fleet: each makes every fleet monotonously dearer or cheaper."""

    def peak(changed: Scenario) -> dict[str, Any]:
        return {"per_replica": _per_replica_at_peak(few, changed, catalog)}

    def ceiling(changed: Scenario) -> dict[str, Any]:
        share = changed.utilisation_ceiling / few.scenario.utilisation_ceiling
        return {"per_replica": few.per_replica * share}

    label = "the number of spare replicas"
    spares = "{:.0f}".format
    return [
        _field_input(
            few, "peak_to_mean", "the peak over the mean", "ratio", (1.0, 100.0), "{:.3g}".format, peak
        ),
        _field_input(
            few, "utilisation_ceiling", "the utilisation ceiling", "share", (0.05, 1.0), moved=ceiling
        ),
        _field_input(few, "spare_replicas", label, "replicas", (0.0, 100.0), spares, kind=int, whole=True),
    ]


def _days_input(few: Options) -> Input:
    label = "the number of days a month"
    return _field_input(few, "days_per_month", label, "days", (1.0, 31.0), "{:.3g}".format)


def quality_input(few: Options) -> Input:
    """Return the quality floor; each option's own quality can be an edge and is tried.

    It is searched up to today's own quality: a floor above that asks for more than what runs today.
    """
    high = max(1.0, few.scenario.quality_floor)
    assured = few.items.assured
    known = np.unique(assured[np.isfinite(assured) & (assured > 0)])
    edges = {0.0, *known.tolist(), *np.nextafter(known, np.inf).tolist(), high}
    name, unit = "quality_floor", "share of today's"
    return _field_input(few, name, "the quality floor", unit, (0.0, high), grid=tuple(sorted(edges)))


def chance_input(few: Options) -> Input:
    """Return the chance with which the floor is to be reached; each option's own chance is an edge and is tried."""
    scenario = few.scenario
    own = np.minimum(chance_to_meet(scenario.quality_floor, *few.items.moments(slice(None))), CHANCES[1])
    edges = {*CHANCES, *own[own >= CHANCES[0]].tolist()}
    edges |= {float(np.nextafter(edge, 1)) for edge in edges if edge < CHANCES[1]}

    def moved(changed: Scenario) -> dict[str, Any]:
        return {"items": few.items.sure_with(changed.floor_chance)}

    label, grid = "the chance to reach the floor that is asked for", tuple(sorted(edges))
    return _field_input(few, "floor_chance", label, "share", CHANCES, moved=moved, grid=grid)
