"""A scenario's traffic routed between a self-hosted model and an API: fleet re-sized, errors priced in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.cost.fleet import replicas_needed
from llmplan.errors import InputError
from llmplan.router import roc as rocs
from llmplan.router.costs import Traffic
from llmplan.router.fallback import fallback_share, hourly_load
from llmplan.router.optimum import TOLERANCE, best_at_budget, cheapest_at_floor, pareto
from llmplan.router.queries import QueryOutcomes
from llmplan.router.traffic_split import SplitPlan, split_plan, split_plan_of_queries
from llmplan.routing.request import DEFAULT_FLOOR_OF_STRONG, RouteRequest
from llmplan.routing.sides import Sides, find_sides
from llmplan.scenario import Scenario, under_catalog

_CURVES = {"oracle": rocs.perfect(), "coin": rocs.chance()}


@dataclass(frozen=True)
class RoutePlan:
    """A route at its chosen split, with everything that it was chosen from.

    Attributes
    ----------
    plan: loads at every split.
    weak_usd: (3, n, p); total_usd: (3, n, p) USD a month; quality: (n, p).
    assured: (n, p) the highest floor that it reaches with the chance that the scenario asks for.
    way, split: the choice.
    """

    request: RouteRequest
    sides: Sides
    plan: SplitPlan
    weak_usd: Floats
    total_usd: Floats
    quality: Floats
    assured: Floats
    way: int
    split: int

    @property
    def share_weak(self) -> float:
        return float(self.plan.share_weak[self.split])

    @property
    def monthly_usd(self) -> tuple[float, float, float]:
        low, base, high = (float(usd) for usd in self.total_usd[:, self.way, self.split])
        return low, base, high

    @property
    def chosen_quality(self) -> float:
        return float(self.quality[self.way, self.split])

    @property
    def queries_per_month(self) -> float:
        return self.plan.queries_per_day * self.plan.traffic.days_per_month

    @property
    def weak_latency_ms(self) -> float | None:
        """Time to the weak model's whole answer at the fleet's rate [ms]; None where no fleet is sized."""
        item = self.sides.item(self.way)
        if item is None or item.ttft_ms is None or item.tpot_ms is None:
            return None
        visible = self.request.scenario.output_tokens
        if item.lengths is not None:
            visible = item.lengths.output - item.lengths.reasoning
        return item.ttft_ms + item.tpot_ms * visible

    @property
    def all_strong_usd(self) -> float:
        """A month of the API alone, behind the same caches."""
        return float(self.total_usd[1, 0, 0])

    @property
    def cheapest_of_each_split(self) -> tuple[Floats, Floats]:
        """Base cost and quality of the cheapest way at each split, from all strong to all weak. (p,), (p,)"""
        ways, splits = np.argmin(self.total_usd[1], axis=0), np.arange(self.quality.shape[1])
        return self.total_usd[1][ways, splits], self.quality[ways, splits]

    def frontier(self) -> list[tuple[int, int]]:
        """Return (way, split) of what nothing beats in cost and quality, cheapest first."""
        usd, quality = self.total_usd[1].ravel(), self.quality.ravel()
        chosen = np.flatnonzero(pareto(usd, quality))
        rows = chosen[np.argsort(usd[chosen], kind="stable")]
        return [(int(row) // self.quality.shape[1], int(row) % self.quality.shape[1]) for row in rows]


def plan_route(request: RouteRequest, catalog: Catalog | None = None) -> RoutePlan:
    """Return the cheapest route for the request. (7.1)-(7.5)

    With an availability the route is planned twice: the fleet of the first plan says what spills in the second.

    Raises
    ------
    UnknownNameError: for an unknown model or API.
    InputError: where no split reaches the floor or the budget, or the weak model fits no hardware.
    """
    scenario, catalog = under_catalog(request.scenario, catalog)
    request = replace(request, scenario=scenario)
    sides = find_sides(request, catalog)
    hard = _hard_share(request, sides, catalog)
    shares = np.linspace(0, 1, request.splits)
    wanted = _wanted_share(request, hard)
    if wanted is not None:
        shares = np.unique(np.append(shares, wanted))
    traffic = replace(request.traffic or Traffic(), days_per_month=request.scenario.days_per_month)
    route = _choose(_price(request, sides, hard, shares, traffic), wanted)
    if request.availability is None:
        return route
    traffic = replace(traffic, fallback=_spilled_share(route, request.availability, catalog))
    return _choose(_price(request, sides, hard, shares, traffic), wanted)


def route(
    scenario: Scenario,
    weak: str = RouteRequest.weak,
    strong: str = RouteRequest.strong,
    catalog: Catalog | None = None,
    **more: Any,
) -> RoutePlan:
    """Return the cheapest route of a scenario between two models; `more` as the fields of `RouteRequest`.

    `route(scenario, "llama-3.1-70b", "gpt-4o", share_weak=0.7)`; without a share, threshold, floor or budget: the
    cheapest split that keeps most of the strong model's quality. Raises as `plan_route`.
    """
    return plan_route(RouteRequest(scenario, weak, strong, **more), catalog)


def _spilled_share(route: RoutePlan, availability: float, catalog: Catalog) -> float:
    """Return what the fleet of a route leaves to the API. (7.8)"""
    options, load = route.sides.options, float(route.plan.fleet_queries_per_day[route.split])
    if options is None or not load > 0:
        return 1 - availability
    scenario, each = route.request.scenario, float(options.per_replica[1, route.way])
    workload = scenario.workload(catalog)
    peak = workload.effective_peak_to_mean
    replicas = int(replicas_needed(load, each, scenario.spare_replicas))
    replica_to_mean = each * peak / scenario.utilisation_ceiling / load
    return fallback_share(hourly_load(workload.hourly_profile, peak), replicas, replica_to_mean, availability)


def _hard_share(request: RouteRequest, sides: Sides, catalog: Catalog) -> float:
    """Return the share of hard queries: as given, else the target's or the data's, and enough for the gap."""
    if request.queries is not None:
        return float(request.queries.needed.mean())
    least = float(np.clip(1 - sides.weak_quality.min() / sides.strong_quality, 0, 1))
    if request.hard_share is not None:
        if not request.hard_share >= least - TOLERANCE:
            gap = sides.strong_quality - float(sides.weak_quality.min())
            rule = f"cannot hold the gap of {gap:.3f} in quality between the two"
            raise InputError("hard share", request.hard_share, rule, f"give at least {least:.3f}")
        return request.hard_share
    assumed = catalog.router_assumptions["hard-share"].base
    return max(assumed if request.share_weak is None else 1 - request.share_weak, least)


def _wanted_share(request: RouteRequest, hard: float) -> float | None:
    """Return the share that the weak model gets, None where it is to be found."""
    if request.threshold is not None and request.scores is not None:
        return float((request.scores < request.threshold).mean())
    if request.threshold is not None:
        return 1 - request.roc.share_up_from_posterior(request.threshold, hard)
    if request.share_weak is None:
        return None
    point = request.operating_point
    if point is None or request.hard_share is not None or abs(hard - (1 - request.share_weak)) > TOLERANCE:
        return request.share_weak
    # The target split with the error matrix put over it.
    recall, false_positive_rate = point
    return 1 - (hard * recall + (1 - hard) * false_positive_rate)


def _price(request: RouteRequest, sides: Sides, hard: float, shares: Floats, traffic: Traffic) -> RoutePlan:
    plan = _loads(request, hard, shares, traffic)
    weak_usd = sides.weak_monthly_usd(plan)
    total = (
        weak_usd
        + sides.strong_usd_per_query * plan.api_queries_per_day * traffic.days_per_month
        + plan.router_usd
    )
    gap = (sides.strong_quality - sides.weak_quality)[:, None]
    # Where the API is no better there is nothing to find: any query sent down gains alike.
    lost = np.where(gap > 0, 1 - plan.recall, plan.share_weak) * (1 - traffic.fallback)
    wrong = traffic.wrongly_answered
    quality = (1 - wrong) * (sides.strong_quality - gap * lost) + wrong * traffic.false_hit_quality
    assured = sides.assured(lost, quality, request.scenario.floor_chance)
    return RoutePlan(request, sides, plan, weak_usd, total, quality, assured, 0, 0)


def _loads(request: RouteRequest, hard: float, shares: Floats, traffic: Traffic) -> SplitPlan:
    volume, router = request.scenario.queries_per_day, request.router
    if request.queries is not None:
        name = request.query_router or next(iter(request.queries.scores))
        return split_plan_of_queries(volume, shares, request.queries, name, traffic, router)
    return split_plan(volume, shares, request.roc, hard, request.hard_token_multiplier, traffic, router)


def _choose(route: RoutePlan, wanted: float | None) -> RoutePlan:
    request, usd, quality = route.request, route.total_usd[1], route.quality
    if wanted is not None:
        split = int(np.argmin(np.abs(route.plan.share_weak - wanted)))
        place = int(np.argmin(usd[:, split])) * usd.shape[1] + split
    elif request.budget_usd is not None:
        place = int(best_at_budget(usd.ravel(), quality.ravel(), request.budget_usd))
    else:
        floor = request.quality_floor
        if floor is not None:
            quality = route.assured
        floor = DEFAULT_FLOOR_OF_STRONG * route.sides.strong_quality if floor is None else floor
        place = int(cheapest_at_floor(usd.ravel(), quality.ravel(), floor))
    if place < 0 and request.budget_usd is not None:
        rule = f"is below the cheapest split, {usd.min():,.0f} USD a month"
        raise InputError("budget_usd", request.budget_usd, rule, "raise it")
    if place < 0:
        sure = "" if request.quality_floor is None else f" with {request.scenario.floor_chance:.0%}"
        rule = f"is out of reach: the best split has {quality.max():.3f}{sure}"
        raise InputError("quality floor", request.quality_floor, rule, "lower it or name a better API")
    return replace(route, way=place // usd.shape[1], split=place % usd.shape[1])


def at_floor(route: RoutePlan, other: Literal["oracle", "coin"], floor: float) -> float | None:
    """Return the cheapest monthly cost at a floor with another classifier, None where out of reach."""
    request, hard = route.request, route.plan.hard_share
    shares = np.linspace(0, 1, request.splits)
    if request.queries is not None:
        request = replace(request, queries=_scored_by(request.queries, other), query_router=other)
        shares = np.append(shares, route.share_weak)
    else:
        curve, recall = _CURVES[other], float(route.plan.recall[route.split])
        up = hard * recall + (1 - hard) * float(np.interp(recall, curve.recall, curve.false_positive_rate))
        # The grid, and where the other classifier finds as many of the hard queries or all of them.
        shares = np.append(shares, [1 - up, 1 - hard])
        request = replace(request, accuracy=None, error_matrix=None, auc=curve.auc)
    priced = _price(request, route.sides, hard, np.unique(shares), route.plan.traffic)
    place = int(cheapest_at_floor(priced.total_usd[1].ravel(), priced.quality.ravel(), floor))
    return float(priced.total_usd[1].ravel()[place]) if place >= 0 else None


def _scored_by(data: QueryOutcomes, name: str) -> QueryOutcomes:
    """Return the queries scored by what the strong model gains on them (an oracle), or all alike (a coin)."""
    gain = data.strong_quality - data.weak_quality
    return replace(data, scores={name: gain if name == "oracle" else np.zeros_like(gain)})
