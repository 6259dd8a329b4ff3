"""The same two models as a cascade: the weak one answers all, a verifier escalates."""

from __future__ import annotations

from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.router.cascade import Cascade, cascade_latency_ms, cascade_usd, from_verifier
from llmplan.router.costs import MOST, Tier
from llmplan.routing.plan import RoutePlan


def cascade_report(
    route: RoutePlan,
    accepts_right: float,
    accepts_wrong: float,
    verifier_usd_per_query: float = 0.0,
    verifier_latency_ms: float = 0.0,
) -> dict[str, Any]:
    """Return what a cascade of the route's two ends costs and attains. (7.6), (7.7)

    The fleet is sized for every query that no cache answers. Quality is counted relative to the strong model:
    the weak one is right on q_w / q_s of what the strong one gets right, and the strong one mends the rest.

    Parameters
    ----------
    accepts_right, accepts_wrong: P(verifier accepts | weak answer right, wrong).
    verifier_usd_per_query, verifier_latency_ms: price and time of one verification [USD], [ms].

    Raises InputError for probabilities outside 0 to 1, a negative price or time.
    """
    for name, value in (("usd_per_query", verifier_usd_per_query), ("latency_ms", verifier_latency_ms)):
        if not 0 <= value <= MOST:
            raise InputError(f"verifier {name}", value, f"must lie from 0 to {MOST:g}", "0: free, at once")
    sides, plan = route.sides, route.plan
    relative = float(min(1.0, sides.weak_quality[route.way] / sides.strong_quality))
    found = from_verifier(relative, accepts_right, accepts_wrong, 1.0, 1.0)
    usd = []
    for side in range(3):
        tiers = [_weak_tier(route, side), Tier(sides.strong_label, sides.strong_usd_per_query)]
        usd.append(
            float(cascade_usd(found, tiers, plan.queries_per_day, plan.traffic, verifier_usd_per_query)[0, 0])
        )
    base = usd[1]
    return {
        "escalated": float(found.escalated[0]),
        "quality": float(found.quality[0]) * sides.strong_quality,
        "monthly_usd": {"low": min(usd), "base": base, "high": max(usd)},
        "usd_per_query": base / route.queries_per_month,
        "saving_pct": 100 * (1 - base / route.all_strong_usd) if route.all_strong_usd > 0 else None,
        "dearer_than_route_usd": base - route.monthly_usd[1],
        "latency": _latency(route, found, verifier_latency_ms),
    }


def _latency(route: RoutePlan, cascade: Cascade, verifier_ms: float) -> dict[str, float | None]:
    """Return what a query waits for weak model and verifier before it is escalated, and the mean answer. (7.7)"""
    weak_ms, strong_ms = route.weak_latency_ms, route.request.strong_latency_ms
    if weak_ms is None:
        return {"before_escalation_ms": None, "mean_ms": None}
    tiers = [Tier("weak", latency_ms=weak_ms), Tier("strong", latency_ms=strong_ms or 0.0)]
    mean = float(cascade_latency_ms(cascade, tiers, verifier_ms)[0])
    known = strong_ms is not None or cascade.escalated[0] == 0
    return {"before_escalation_ms": weak_ms + verifier_ms, "mean_ms": mean if known else None}


def _weak_tier(route: RoutePlan, side: int) -> Tier:
    options = route.sides.options
    if options is None:
        return Tier(route.sides.weak_label, route.sides.weak_usd_per_query)
    way = options.take([route.way])

    def fleet_usd(load: Floats) -> Floats:
        usd = way.monthly_usd(load)[:, 0]
        return np.asarray((usd.min(axis=0), usd[1], usd.max(axis=0))[side])

    return Tier(route.sides.weak_label, fleet_usd=fleet_usd)
