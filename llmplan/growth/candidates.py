"""Which options a plan over months compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.cost.ownership import cheapest_servers, ownership_terms
from llmplan.errors import InputError
from llmplan.growth.cash import PlanOption
from llmplan.growth.options import (
    PricePaths,
    api_option,
    bought_option,
    hybrid_option,
    rented_option,
    replicas_of,
    reserved_units_option,
)
from llmplan.options import evaluate
from llmplan.options.comparison import by_the_token
from llmplan.options.table import Options
from llmplan.scenario import Scenario


def candidate_options(
    scenario: Scenario, catalog: Catalog, paths: PricePaths, queries_per_day: Floats
) -> list[PlanOption]:
    """Return what one could switch to: APIs, their reserved units, self-hosting rented, reserved and bought, a hybrid.

    The configurations are those that are cheapest at the plan's first, middle or last volume, and the one that
    is cheapest to reserve and to buy at the middle one, as are units of an API; each is kept for the whole plan:
    growing out of one into another in between is not planned for.
    """
    middle = float(queries_per_day[len(queries_per_day) // 2])
    units = _reserved_units(scenario.but(queries_per_day=middle), catalog, paths)
    comparison = evaluate(by_the_token(scenario), catalog)
    scenario = comparison.scenario
    tokens, own = _cheapest_ids(scenario, catalog, queries_per_day)
    options = comparison.options
    found = [api_option(options, options.index(option_id), catalog, paths) for option_id in tokens]
    found += units
    if not scenario.buys_gpus:
        found += [rented_option(options, option_id, catalog, paths) for option_id in own]
    found += _reserved_options(scenario.but(queries_per_day=middle), own, catalog, paths)
    to_buy = dict.fromkeys([*own, *_cheapest_to_buy(options, catalog, middle)])
    bought = [
        bought_option(options, option_id, catalog, paths, float(queries_per_day.max()))
        for option_id in to_buy
    ]
    found += [option for option in bought if option is not None]
    hybrid = hybrid_option(scenario, catalog, paths, queries_per_day)
    return found if hybrid is None else [*found, hybrid]


def moved_for(options: Sequence[PlanOption], migration_usd: float | None) -> list[PlanOption]:
    """Return the options with another one-off cost of moving to them; None: each keeps its own. [USD]"""
    if migration_usd is None:
        return list(options)
    if not 0 <= migration_usd < np.inf:
        raise InputError(
            "migration_usd", migration_usd, "must be finite, not negative", "give a sum, as 40000"
        )
    return [replace(option, migration_usd=migration_usd) for option in options]


def _cheapest_ids(
    scenario: Scenario, catalog: Catalog, queries_per_day: Floats
) -> tuple[list[str], list[str]]:
    """Return what is priced by the token and what is self-hosted among the cheapest at three volumes."""
    tokens: dict[str, None] = {}
    own: dict[str, None] = {}
    for volume in queries_per_day[[0, len(queries_per_day) // 2, -1]]:
        at_volume = evaluate(scenario.but(queries_per_day=float(volume)), catalog)
        for kind, ids in (("api", tokens), ("hosted", tokens), ("self_hosted", own)):
            place = at_volume.cheapest(kind)
            if place is not None:
                ids[at_volume.options.items[place].option_id] = None
    return list(tokens), list(own)


def _reserved_units(scenario: Scenario, catalog: Catalog, paths: PricePaths) -> list[PlanOption]:
    """Return the cheapest units of an API's capacity at the commitments asked for; empty where none is sold."""
    if not scenario.api_commitments:
        return []
    found = evaluate(scenario, catalog)
    places = [place for place in found.order if found.options.is_reserved[place]]
    return [reserved_units_option(found.options, place, catalog, paths) for place in places[:1]]


def _reserved_options(
    scenario: Scenario, own: list[str], catalog: Catalog, paths: PricePaths
) -> list[PlanOption]:
    """Return the configurations, and the one cheapest to reserve, reserved for a year where that has a price."""
    if scenario.gpu_price_kind != "on_demand" or scenario.buys_gpus:
        return []
    reserved = evaluate(scenario.but(gpu_price_kind="reserved_1y"), catalog)
    items, best = reserved.options.items, reserved.cheapest("self_hosted")
    priced = set(items.option_id[items.feasible])
    wanted = [option_id for option_id in own if option_id in priced]
    wanted += [] if best is None else [items[best].option_id]
    return [rented_option(reserved.options, option_id, catalog, paths) for option_id in dict.fromkeys(wanted)]


def _cheapest_to_buy(options: Options, catalog: Catalog, queries_per_day: float) -> list[str]:
    """Return the self-hosted option whose servers cost least a month to own at a volume; empty: none is sold."""
    terms, hours = (
        ownership_terms(catalog, scenario=options.scenario),
        options.scenario.workload(catalog).hours_per_month,
    )
    volume = np.array([queries_per_day])
    fewest: dict[tuple[str, int], tuple[int, str]] = {}
    items = options.items
    for place in np.flatnonzero(options.is_self_hosted & options.feasible).tolist():
        key = str(items.gpu_id[place]), int(items.n_gpus[place])
        replicas = int(replicas_of(options, place)(volume)[0])
        if key not in fewest or replicas < fewest[key][0]:
            fewest[key] = replicas, str(items.option_id[place])
    costs = {}
    for (gpu_id, n_gpus), (replicas, option_id) in fewest.items():
        choice = cheapest_servers(catalog.gpu_purchases, catalog.gpu(gpu_id), n_gpus, replicas, terms, hours)
        if choice is not None:
            costs[option_id] = choice.usd_per_month
    return [min(costs, key=lambda option_id: costs[option_id])] if costs else []
