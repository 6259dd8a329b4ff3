"""Tokens as inputs whose tipping points are sought: each value is sized anew, on a shortlist of fleets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.options import Options, build_options, evaluate
from llmplan.options.fleet_api_pairs import make_pairs
from llmplan.recommend.tipping.flip_search import TOKENS_TRIED, Best, Input, percents
from llmplan.replica import Configurations
from llmplan.replica.config import EngineSettings
from llmplan.risk.tokens import TOKEN_FIELDS, with_tokens
from llmplan.scenario import Scenario

FACTORS = tuple(float(x) for x in np.geomspace(1 / TOKENS_TRIED, TOKENS_TRIED, 17))
"""Tokens tried, over the base: steps of the square root of two."""
SHARES = tuple(float(x) for x in np.linspace(0, 1, 11))
"""Cached shares tried."""
MOST_FLEETS = 120
"""Fleets that are sized anew at each value."""
SCALES = np.geomspace(1 / TOKENS_TRIED, TOKENS_TRIED, 9)
"""Of rates and token prices, at which a fleet may win when tokens change."""


def token_inputs(options: Options, few: Options, catalog: Catalog) -> list[Input]:
    """Return mean input and output tokens; a 95th percentile moves in proportion to its mean."""
    configurations = shortlist(options, few, catalog)
    tokens = [_token_input(name, few, catalog, configurations) for name in TOKEN_FIELDS]
    return [*tokens, _cached_input(few, catalog, configurations)]


def _cached_input(few: Options, catalog: Catalog, fleets: Configurations) -> Input:
    """Return the share of the input that is cached: it moves token prices and every replica's rate. (1.1), (3.20)"""
    name = "cached_input_share"
    scenario = few.scenario
    base = float(getattr(scenario, name))
    return Input(
        name,
        "the cached share",
        "share",
        base,
        0.0,
        1.0,
        _resized(name, few, catalog, fleets),
        percents,
        lambda value: {name: value},
        exact=False,
        grid=tuple(sorted({*SHARES, base})),
        full=_in_full(name, scenario, catalog),
    )


def _token_input(name: str, few: Options, catalog: Catalog, fleets: Configurations) -> Input:
    scenario = few.scenario
    base = float(getattr(scenario, name))
    grid = sorted({max(1.0, round(base * factor)) for factor in FACTORS})
    words = name.replace("_", " ")
    return Input(
        name,
        f"mean {words}",
        "tokens",
        base,
        grid[0],
        grid[-1],
        _resized(name, few, catalog, fleets),
        lambda value: f"{value:,.0f}",
        lambda value: _changes(scenario, name, value),
        whole=True,
        exact=False,
        plural=True,
        grid=tuple(grid),
        full=_in_full(name, scenario, catalog),
    )


def _changes(scenario: Scenario, name: str, value: float) -> dict[str, float]:
    moved = with_tokens(scenario, **{name: value})
    fields = (name, f"{name}_p95")
    return {field: getattr(moved, field) for field in fields if getattr(moved, field) is not None}


def _resized(name: str, few: Options, catalog: Catalog, fleets: Configurations) -> Callable[[float], Options]:
    api_ids = tuple(dict.fromkeys(item.api_id for item in few.take(np.flatnonzero(few.is_api)).items))

    def at(value: float) -> Options:
        moved = with_tokens(few.scenario, **{name: value})
        found = build_options(moved.model_copy(update={"api_ids": api_ids}), catalog, fleets)
        usable = np.flatnonzero(found.feasible | found.near_floor)
        return replace(found.take(usable), scenario=moved)

    return at


def _in_full(name: str, scenario: Scenario, catalog: Catalog) -> Callable[[float], Best]:
    def best(value: float) -> Best:
        found = evaluate(with_tokens(scenario, **{name: value}), catalog)
        return found.recommended, found.best_usd

    return best


def shortlist(options: Options, few: Options, catalog: Catalog) -> Configurations:
    """Return the contenders that come nearest to winning, and the cheapest other fleets at the scenario's volume."""
    own = np.flatnonzero(few.is_self_hosted)
    places = own[np.argsort(_times_the_least(few, own, catalog), kind="stable")][:MOST_FLEETS]
    kept = {item.option_id: item for item in few.take(places).items if item.engine_id is not None}
    own = np.flatnonzero(options.feasible & options.is_self_hosted)
    usd = options.take(own).monthly_usd(few.scenario.queries_per_day, sides=(1,))[0, :, 0]
    for place in own[np.argsort(usd, kind="stable")]:
        item = options.items[place]
        if len(kept) >= MOST_FLEETS:
            break
        if item.engine_id is not None:
            kept.setdefault(item.option_id, item)
    each = (item.replica_config(EngineSettings.of(few.scenario)) for item in kept.values())
    return Configurations.from_configs(catalog, list(dict.fromkeys(each)))  # once for all efforts and bills


def _times_the_least(few: Options, own: Places, catalog: Catalog) -> Floats:
    """Return how many times the least cost each fleet's option has where that is fewest, alone or beside an API, (f,).

    Other tokens change rates and token prices: they are tried as volumes (a fleet of half the rate is one of twice the
    load) and scales of the prices, each of `SCALES`.
    """
    volumes = few.scenario.queries_per_day * SCALES
    month = volumes * few.scenario.days_per_month
    usd = np.where(few.feasible[own, None], few.take(own).monthly_usd(volumes, sides=(1,))[0], np.inf)
    priced = few.usd_per_query[few.is_api & few.feasible].min(initial=np.inf) * month
    pairs = make_pairs(few, catalog, prune=False)
    if pairs is not None:
        fleets, token = pairs.fleets_at(volumes), few.usd_per_query[pairs.apis]
        cheapest = np.where(pairs.allowed, token[:, None], np.inf).min(axis=1)
        up = np.where(np.isfinite(cheapest), cheapest, 0.0)[..., None] * pairs.to_api(fleets) * month
        fleets.usd[~np.isfinite(cheapest)] = np.inf
    least = np.full(len(own), np.inf)
    for scale in SCALES:
        every = usd
        if pairs is not None:
            hybrid = np.full_like(usd, np.inf)
            hybrid[np.searchsorted(own, pairs.fleets)] = (fleets.usd + scale * up).min(axis=1)[pairs.number]
            every = np.minimum(usd, hybrid)
        best = np.minimum(every.min(axis=0, initial=np.inf), scale * priced)
        with np.errstate(invalid="ignore"):
            least = np.fmin(least, np.fmin.reduce(every / best, axis=1, initial=np.inf))
    return least
