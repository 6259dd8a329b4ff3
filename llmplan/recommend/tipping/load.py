"""Volume, load, fleet rules and the quality floor as inputs whose tipping points are sought."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options import Options, break_even
from llmplan.options.breakeven import MAX_QUERIES_PER_DAY
from llmplan.options.table import usd_per_query
from llmplan.quality.floor import chance_to_meet
from llmplan.quality.variants import Lengths
from llmplan.recommend.tipping.flip_search import Input, percents
from llmplan.scenario import Scenario

CHANCES = (0.5, 0.99)
"""Between which a chance to reach the floor may be asked for."""
VOLUMES = 181
"""Volumes tried besides the exact crossings: twenty a decade."""


def volume_input(few: Options) -> Input:
    """Return the volume; its nearest changes of kind come from the exact break-even."""
    scenario = few.scenario

    def at(value: float) -> Options:
        return replace(few, scenario=scenario.model_copy(update={"queries_per_day": value}))

    return Input(
        "queries_per_day",
        "volume",
        "queries/day",
        scenario.queries_per_day,
        1.0,
        float(MAX_QUERIES_PER_DAY),
        at,
        lambda value: f"{value:,.0f} queries/day",
        lambda value: {"queries_per_day": value},
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


def _peak(scenario: Scenario, catalog: Catalog, **changes: float) -> float:
    """Return the peak that a fleet is sized for, with some fields changed."""
    moved: Scenario = scenario.model_copy(update=changes)
    return moved.workload(catalog).effective_peak_to_mean


def _batch_input(few: Options, catalog: Catalog) -> Input:
    """Return the share that may wait: it moves token prices and flattens the fleet's load. (1.3), (4.6)"""
    name = "batch_share"
    scenario = few.scenario
    known = [p for p in np.flatnonzero(few.is_api).tolist() if few.items[p].api_id in catalog.apis]
    items = [few.items[place] for place in known]
    prices = [catalog.api(str(item.api_id)) for item in items]
    lengths = [item.lengths or Lengths(scenario.input_tokens, scenario.output_tokens) for item in items]

    def at(value: float) -> Options:
        changed, usd = scenario.model_copy(update={name: value}), few.usd_per_query.copy()
        usd[known] = usd_per_query(prices, lengths, changed, catalog)
        rate = few.per_replica * (_peak(scenario, catalog) / _peak(changed, catalog))
        return replace(few, usd_per_query=usd, per_replica=rate, scenario=changed)

    def changes(value: float) -> dict[str, Any]:
        return {name: value}

    base = float(getattr(scenario, name))
    return Input(name, "the batch share", "share", base, 0.0, 1.0, at, percents, changes, exact=False)


def _fleet_inputs(few: Options, catalog: Catalog) -> list[Input]:
    """Return the rules that size the fleet: each makes every fleet monotonously dearer or cheaper."""
    scenario = few.scenario

    def peak(value: float) -> Options:
        rate = few.per_replica * (_peak(scenario, catalog) / _peak(scenario, catalog, peak_to_mean=value))
        return replace(few, per_replica=rate, scenario=scenario.model_copy(update={"peak_to_mean": value}))

    def ceiling(value: float) -> Options:
        rate = few.per_replica * (value / scenario.utilisation_ceiling)
        changed = scenario.model_copy(update={"utilisation_ceiling": value})
        return replace(few, per_replica=rate, scenario=changed)

    def spares(value: float) -> Options:
        return replace(few, scenario=scenario.model_copy(update={"spare_replicas": int(value)}))

    return [
        Input(
            "peak_to_mean",
            "the peak over the mean",
            "ratio",
            scenario.peak_to_mean,
            1.0,
            100.0,
            peak,
            lambda v: f"{v:.3g}",
            lambda v: {"peak_to_mean": v},
        ),
        Input(
            "utilisation_ceiling",
            "the utilisation ceiling",
            "share",
            scenario.utilisation_ceiling,
            0.05,
            1.0,
            ceiling,
            percents,
            lambda v: {"utilisation_ceiling": v},
        ),
        Input(
            "spare_replicas",
            "the number of spare replicas",
            "replicas",
            float(scenario.spare_replicas),
            0.0,
            100.0,
            spares,
            lambda v: f"{v:.0f}",
            lambda v: {"spare_replicas": int(v)},
            whole=True,
        ),
    ]


def _days_input(few: Options) -> Input:
    scenario = few.scenario

    def at(value: float) -> Options:
        return replace(few, scenario=scenario.model_copy(update={"days_per_month": value}))

    return Input(
        "days_per_month",
        "the number of days a month",
        "days",
        scenario.days_per_month,
        1.0,
        31.0,
        at,
        lambda v: f"{v:.3g}",
        lambda v: {"days_per_month": v},
    )


def quality_input(few: Options) -> Input:
    """Return the quality floor; each option's own quality can be an edge and is tried.

    It is searched up to today's own quality: a floor above that asks for more than what runs today.
    """
    scenario = few.scenario
    high = max(1.0, scenario.quality_floor)
    assured = few.items.assured
    known = np.unique(assured[np.isfinite(assured) & (assured > 0)])
    edges = {0.0, *known.tolist(), *np.nextafter(known, np.inf).tolist(), high}
    return Input(
        "quality_floor",
        "the quality floor",
        "share of today's",
        scenario.quality_floor,
        0.0,
        high,
        lambda value: replace(few, scenario=scenario.model_copy(update={"quality_floor": value})),
        percents,
        lambda value: {"quality_floor": value},
        grid=tuple(sorted(edges)),
    )


def chance_input(few: Options) -> Input:
    """Return the chance with which the floor is to be reached; each option's own chance is an edge and is tried."""
    name, scenario = "floor_chance", few.scenario
    own = np.minimum(chance_to_meet(scenario.quality_floor, *few.items.moments(slice(None))), CHANCES[1])
    edges = {*CHANCES, *own[own >= CHANCES[0]].tolist()}
    edges |= {float(np.nextafter(edge, 1)) for edge in edges if edge < CHANCES[1]}

    def at(value: float) -> Options:
        changed = scenario.model_copy(update={name: value})
        return replace(few, scenario=changed, items=few.items.sure_with(value))

    return Input(
        name,
        "the chance to reach the floor that is asked for",
        "share",
        scenario.floor_chance,
        *CHANCES,
        at,
        percents,
        lambda value: {name: value},
        grid=tuple(sorted(edges)),
    )
