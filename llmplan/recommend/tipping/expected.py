"""The ranges that inputs are expected to keep to: the scenario's own, else the catalog's."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from llmplan.catalog import Catalog
from llmplan.kinds import TOKEN
from llmplan.options import Options
from llmplan.recommend.tipping.flip_search import cheapest
from llmplan.risk.causes import (
    API_FACTOR,
    FIELDS,
    given_ranges,
    hidden_costs,
    price_ratios,
    token_price_ranges,
)

Span: TypeAlias = tuple[float, float]
DAYS_OF_A_MONTH = (28.0, 31.0)
CEILING = "utilisation-ceiling"


def expected_ranges(few: Options, catalog: Catalog) -> dict[str, Span]:
    """Return low and high by input id, those known only; scales as ratios to today.

    Prices and hidden costs have the catalog's ranges; throughput and the GPU price those of the cheapest
    fleet; fields of the scenario the range that the scenario gives.
    """
    scenario = few.scenario
    given = given_ranges(scenario, catalog)
    found: dict[str, Span] = {"days_per_month": DAYS_OF_A_MONTH}
    for kind, spread in token_price_ranges(catalog, given).items():
        found[f"{kind}_price_scale"] = (spread.low, spread.high)
    for item in few.take(np.flatnonzero(few.is_api)).items:
        if item.kind in TOKEN:
            own = given.get(f"{API_FACTOR}{item.api_id}", (1.0, 1.0))
            low, high = found[f"{item.kind}_price_scale"]
            found[f"price_scale:{item.option_id}"] = (low * own[0], high * own[-1])
    if CEILING in catalog.assumptions:
        row = catalog.assumption(CEILING)
        found["utilisation_ceiling"] = (row.low, row.high)
    found |= _of_fleet(few, catalog, given)
    return found | {name: (numbers[0], numbers[-1]) for name, numbers in given.items() if name in FIELDS}


def _of_fleet(few: Options, catalog: Catalog, given: dict[str, tuple[float, ...]]) -> dict[str, Span]:
    """Return the ranges of what the cheapest fleet costs and serves."""
    fleets = few.take(np.flatnonzero(few.is_self_hosted))
    best, _ = cheapest(fleets)
    if best is None:
        return {}
    place = fleets.index(best.option_id)
    ratios = price_ratios(fleets, given)[:, place]
    rent = (float(ratios[0]), float(ratios[2]))
    rate = fleets.per_replica[:, place] / fleets.per_replica[1, place]
    speed = given.get("throughput_factor", (float(rate[2]), float(rate[0])))
    found = {"gpu_price_scale": rent, "throughput_scale": (speed[0], speed[-1])}
    if best.offers is not None:
        now = best.offers[1].usd_per_gpu_hour
        found[f"gpu_usd_per_hour:{best.gpu_id}"] = (now * rent[0], now * rent[1])
    fixed = hidden_costs(few, catalog, given)
    low, base, high = (float(fixed.usd(1, side)) for side in range(3))
    if base > 0:
        scale = given.get("hidden_cost_factor", (low / base, high / base))
        found["hidden_cost_scale"] = (scale[0], scale[-1])
    return found
