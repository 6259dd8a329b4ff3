"""A scenario routed over more than two tiers: several self-hosted models, then an API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.router.costs import MonthlyCost, Tier, Traffic, one_shot_usd, quality_served
from llmplan.router.optimum import best_at_budget, cheapest_at_floor, pareto
from llmplan.router.policies import Policies, cut_grid, from_classes, population
from llmplan.routing.request import DEFAULT_FLOOR_OF_STRONG, RouteRequest
from llmplan.routing.sides import Sides, find_sides
from llmplan.scenario import under_catalog

SPLITS = 210


@dataclass(frozen=True)
class TierPlan:
    """Splits over k tiers, weakest first, the API last.

    Attributes
    ----------
    names: of the tiers.
    option_ids: configuration of each fleet; None for a unit price or an API.
    cost: at low, base and high prices, each of p splits at one volume.
    quality: shape (p,).
    chosen: the split.
    """

    request: RouteRequest
    catalog: Catalog
    names: tuple[str, ...]
    option_ids: tuple[str | None, ...]
    policies: Policies
    cost: tuple[MonthlyCost, MonthlyCost, MonthlyCost]
    quality: Floats
    chosen: int


def plan_tiers(request: RouteRequest, weak: Sequence[str], catalog: Catalog | None = None) -> TierPlan:
    """Return the cheapest split over several weak models and an API at a floor, or the best at a budget. (7.5)

    Each model runs in the configuration that is cheapest for the whole volume shared evenly; one score with
    falling cuts sends a query past each tier.

    Raises
    ------
    InputError: for a share or a threshold (which cut is meant?), or a floor or budget out of reach.
    """
    if request.share_weak is not None or request.threshold is not None or request.queries is not None:
        rule = "names one cut, and more than two tiers have several"
        raise InputError("share, threshold or queries", weak, rule, "give a quality floor or a budget")
    if request.availability is not None:
        rule = "speaks of one fleet, and there are several"
        raise InputError("availability", request.availability, rule, "give a fallback share")
    if request.weak_usd_per_query is not None or request.weak_quality is not None:
        rule = "stands for one weak model, and there are several"
        raise InputError("weak price or quality", weak, rule, "leave it to the catalog")
    scenario, catalog = under_catalog(request.scenario, catalog)
    request = replace(request, scenario=scenario)
    sides = [find_sides(replace(request, weak=name), catalog) for name in weak]
    sides.sort(key=lambda side: float(side.weak_quality.max()))
    traffic = replace(request.traffic or Traffic(), days_per_month=request.scenario.days_per_month)
    ways = [_cheapest_way(side, request.scenario.queries_per_day / (len(weak) + 1)) for side in sides]
    qualities = [float(side.weak_quality[way]) for side, way in zip(sides, ways, strict=True)]
    qualities.append(sides[0].strong_quality)
    people = population(qualities, _hard_share(request, qualities, catalog), request.hard_token_multiplier)
    policies = from_classes(request.roc, people, cut_grid(len(qualities), SPLITS))
    tiers = [_tiers(sides, ways, side) for side in range(3)]
    volume = request.scenario.queries_per_day
    low, base, high = (one_shot_usd(policies, row, volume, traffic, request.router) for row in tiers)
    quality = quality_served(policies, tiers[1], traffic)
    chosen = _choose(request, base.total[:, 0], quality, sides[0].strong_quality)
    ids = [
        side.options.items[way].option_id if side.options else None
        for side, way in zip(sides, ways, strict=True)
    ]
    names = tuple(tier.name for tier in tiers[1])
    return TierPlan(request, catalog, names, (*ids, None), policies, (low, base, high), quality, chosen)


def _cheapest_way(side: Sides, queries_per_day: float) -> int:
    if side.options is None:
        return 0
    return int(np.argmin(side.options.monthly_usd(queries_per_day, sides=(1,))[0, :, 0]))


def _tiers(sides: Sequence[Sides], ways: Sequence[int], side: int) -> list[Tier]:
    found = []
    for end, way in zip(sides, ways, strict=True):
        if end.options is None:
            found.append(Tier(end.weak_label, end.weak_usd_per_query))
            continue
        options = end.options.take([way])

        def fleet_usd(load: Floats, options: Any = options) -> Floats:
            usd = options.monthly_usd(load.ravel())[:, 0].reshape(3, *load.shape)
            return np.asarray((usd.min(axis=0), usd[1], usd.max(axis=0))[side])

        found.append(Tier(end.weak_label, fleet_usd=fleet_usd))
    return [*found, Tier(sides[0].strong_label, sides[0].strong_usd_per_query)]


def _hard_share(request: RouteRequest, qualities: Sequence[float], catalog: Catalog) -> float:
    least = max(0.0, 1 - min(qualities) / qualities[-1])
    given = request.hard_share
    return max(catalog.router_assumptions["hard-share"].base, least) if given is None else given


def _choose(request: RouteRequest, usd: Floats, quality: Floats, strong_quality: float) -> int:
    if request.budget_usd is not None:
        chosen = int(best_at_budget(usd, quality, request.budget_usd))
        limit: tuple[str, float] = ("budget_usd", request.budget_usd)
    else:
        floor = request.quality_floor
        floor = DEFAULT_FLOOR_OF_STRONG * strong_quality if floor is None else floor
        chosen = int(cheapest_at_floor(usd, quality, floor))
        limit = ("quality floor", floor)
    if chosen < 0:
        rule = f"is out of reach: from {usd.min():,.0f} USD a month, up to a quality of {quality.max():.3f}"
        raise InputError(*limit, rule, "loosen it")
    return chosen


def tier_report(plan: TierPlan) -> dict[str, Any]:
    """Return the plan as JSON-ready values with the keys of a two-tier route, and "tiers"."""
    low, base, high = (float(cost.total[plan.chosen, 0]) for cost in plan.cost)
    month = plan.request.scenario.queries_per_day * plan.request.scenario.days_per_month
    share = plan.policies.share
    all_strong = float(plan.cost[1].total[int(np.argmax(share[:, -1])), 0])
    order = np.flatnonzero(pareto(plan.cost[1].total[:, 0], plan.quality))
    order = order[np.argsort(plan.cost[1].total[order, 0])]
    tiers = [
        {
            "name": name,
            "option_id": plan.option_ids[i],
            "share": float(share[plan.chosen, i]),
            "queries_per_day": float(plan.cost[1].loads[name][plan.chosen, 0]),
            "monthly_usd": float(plan.cost[1].parts[name][plan.chosen, 0]),
        }
        for i, name in enumerate(plan.names)
    ]
    return {
        "share_weak": float(1 - share[plan.chosen, -1]),
        "monthly_usd": {"low": min(low, base), "base": base, "high": max(base, high)},
        "usd_per_query": base / month,
        "quality": float(plan.quality[plan.chosen]),
        "fleet": tiers[0],
        "tiers": tiers,
        "all_strong_usd": all_strong,
        "saving_pct": 100 * (1 - base / all_strong) if all_strong > 0 else None,
        "breakdown": {
            f"{name}_usd": float(part[plan.chosen, 0]) for name, part in plan.cost[1].parts.items()
        },
        "frontier": [
            {
                "shares": share[i].tolist(),
                "share_weak": float(1 - share[i, -1]),
                "monthly_usd": float(plan.cost[1].total[i, 0]),
                "quality": float(plan.quality[i]),
            }
            for i in order
        ],
        "notes": _notes(plan),
    }


def _notes(plan: TierPlan) -> list[str]:
    """Return what the reader has to know to trust the figures."""
    found = [
        "each model but the last runs in the configuration that is cheapest for an even share of the traffic"
    ]
    if plan.request.never_errs:
        real = plan.catalog.router_assumptions["router-auc"].base
        found.append(
            f"a classifier that never errs; a real one finds the harder of two queries in {real:.0%} of cases"
        )
    if plan.request.scenario.data_stays_in_house:
        found.append("the scenario keeps data in house: what goes to the API leaves it")
    return found
