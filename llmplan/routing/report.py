"""A route as plain values: what `llmplan route --json` prints, what a page or a slide shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from llmplan.arrays import Floats, finite
from llmplan.cost.fleet import replicas_needed
from llmplan.router.optimum import break_even_queries_per_day, first_volume_worth
from llmplan.routing.plan import RoutePlan, at_floor

MOST_STEPS = 2_000
"""Replicas up to which the volume that routing is worth is searched."""


def route_report(route: RoutePlan) -> dict[str, Any]:
    """Return the route as JSON-ready values; costs in USD a month unless the name says otherwise."""
    low, base, high = route.monthly_usd
    all_strong = route.all_strong_usd
    return {
        "share_weak": route.share_weak,
        "share_weak_target": route.request.share_weak,
        "monthly_usd": {"low": low, "base": base, "high": high},
        "usd_per_query": base / route.queries_per_month,
        "quality": route.chosen_quality,
        "weak_quality": float(route.sides.weak_quality[route.way]),
        "strong_quality": route.sides.strong_quality,
        "fleet": fleet(route),
        "all_strong_usd": all_strong,
        "all_weak_usd": finite(route.total_usd[1, route.way, -1]),
        "saving_pct": 100 * (1 - base / all_strong) if all_strong > 0 else None,
        "breakdown": breakdown(route),
        "misrouting": misrouting(route),
        "best_pure": best_pure(route),
        "regret": regret(route),
        "worth_from_queries_per_day": worth_from(route),
        "fallback": {"share": route.plan.traffic.fallback, "availability": route.request.availability},
        "latency_added_ms": route.request.router.latency_ms,
        "latency": latency(route),
        "flows": flows(route),
        "frontier": frontier(route),
        "notes": notes(route),
    }


def fleet(route: RoutePlan) -> dict[str, Any]:
    """Return what carries the weak model's share: replicas, GPUs, cost, or the unit price it was given."""
    load = float(route.plan.fleet_queries_per_day[route.split])
    low, base, high = (float(usd) for usd in route.weak_usd[:, route.way, route.split])
    month = load * route.plan.traffic.days_per_month
    found: dict[str, Any] = {
        "queries_per_day": load,
        "monthly_usd": {"low": low, "base": base, "high": high},
        "usd_per_query": base / month if month > 0 else None,
    }
    options, item = route.sides.options, route.sides.item(route.way)
    if options is None or item is None:
        return found | {"option_id": None, "basis": "unit price"}
    replicas = gpus = 0.0
    if load > 0:
        spare = route.request.scenario.spare_replicas
        replicas = float(replicas_needed(load, options.per_replica[1, route.way], spare))
        gpus = float(options.take([route.way]).gpus_of(np.array([[replicas]]))[0, 0])
    return found | {
        "option_id": item.option_id,
        "label": item.label,
        "replicas": int(replicas),
        "gpus_total": int(gpus),
        "queries_per_day_per_replica": float(options.per_replica[1, route.way]),
        "basis": item.basis,
        "measured_by": item.measured_by,
    }


def breakdown(route: RoutePlan) -> dict[str, float]:
    """Return where a month's money goes; the parts add up to the base cost."""
    plan, split = route.plan, route.split
    traffic, unit = plan.traffic, route.sides.strong_usd_per_query
    days, fresh = traffic.days_per_month, plan.queries_per_day * traffic.missed
    lookups = traffic.usd_per_lookup * plan.queries_per_day * (1 - traffic.exact_hits) * days
    strong = unit * float(plan.api_queries_per_day[split]) * days
    down = 1 - _up_work(route)
    spilled = unit * fresh * down * traffic.fallback * days
    return {
        "weak_usd": float(route.weak_usd[1, route.way, split]),
        "strong_usd": strong - spilled,
        "fallback_usd": spilled,
        "router_usd": float(plan.router_usd[split]) - lookups,
        "cache_usd": lookups,
    }


def _up_work(route: RoutePlan) -> float:
    """Return the share of the work (mean queries) that the classifier sends up."""
    plan, kept = route.plan, 1 - route.plan.traffic.fallback
    fresh = plan.queries_per_day * plan.traffic.missed
    if not (fresh > 0 and kept > 0):
        return 1 - route.share_weak
    return 1 - (1 - float(plan.api_queries_per_day[route.split]) / fresh) / kept


def misrouting(route: RoutePlan) -> dict[str, Any]:
    """Return what the classifier's errors cost: against one that sends up exactly the hard queries."""
    plan, split = route.plan, route.split
    rates = route.request.roc.rates_at(1 - route.share_weak, plan.hard_share)
    recall, fpr = (float(rate) for rate in rates)
    hard_down, easy_up = plan.hard_share * (1 - recall), (1 - plan.hard_share) * fpr
    unit = route.sides.strong_usd_per_query
    month = route.queries_per_month * plan.traffic.missed
    gap = max(route.sides.strong_quality - float(route.sides.weak_quality[route.way]), 0.0)
    return {
        "hard_share": plan.hard_share,
        "recall": recall,
        "false_positive_rate": fpr,
        "roc_auc": route.request.roc.auc,
        "hard_sent_down_share": hard_down,
        "easy_sent_up_share": easy_up,
        "quality_lost": gap * (1 - float(plan.recall[split])) * (1 - plan.traffic.fallback),
        "strong_usd_for_easy": unit * easy_up * month / _mean_tokens(route),
    }


def _mean_tokens(route: RoutePlan) -> float:
    """Cost of the mean query over an easy one's."""
    hard = route.plan.hard_share
    return hard * route.request.hard_token_multiplier + 1 - hard


def latency(route: RoutePlan) -> dict[str, float | None]:
    """Return the times to an answer by end and on average, what no cache answers; None where not known. [ms]"""
    share = np.array([route.share_weak, 1 - route.share_weak])
    ends = (route.weak_latency_ms, route.request.strong_latency_ms)
    unknown = any(ms is None for ms, part in zip(ends, share, strict=True) if part > 0)
    routed = route.request.router.latency_ms if 0 < share[0] < 1 else 0.0
    mean = routed + float(share @ [ms or 0.0 for ms in ends])
    return {"weak_ms": ends[0], "strong_ms": ends[1], "mean_ms": None if unknown else mean}


def best_pure(route: RoutePlan) -> dict[str, Any]:
    """Return the cheaper of all-weak and all-strong that is no worse than the route."""
    found = {
        "label": route.sides.strong_label,
        "monthly_usd": route.all_strong_usd,
        "quality": float(route.quality[0, 0]),
    }
    good = route.quality[:, -1] >= route.chosen_quality - 1e-9
    usd = np.where(good, route.total_usd[1, :, -1], np.inf)
    way = int(np.argmin(usd))
    if usd[way] < route.all_strong_usd:
        item = route.sides.item(way)
        label = item.label if item else route.sides.weak_label
        found = {"label": label, "monthly_usd": float(usd[way]), "quality": float(route.quality[way, -1])}
    return found


def regret(route: RoutePlan) -> dict[str, float | None]:
    """Return what the cheapest split of an oracle would save, and the route on a coin's, at its quality.

    An oracle can do whatever the classifier does, so it is never dearer. The saving on a coin is negative where
    the coin's best is the API alone and that is cheaper.
    """
    base = route.monthly_usd[1]
    oracle, coin = (at_floor(route, name, route.chosen_quality) for name in ("oracle", "coin"))
    return {
        "to_oracle_usd": None if oracle is None else max(0.0, base - oracle),
        "saving_on_random_usd": None if coin is None else coin - base,
    }


def worth_from(route: RoutePlan) -> dict[str, Any] | None:
    """Return the volume from which this split costs less than the API alone, by formula and on the staircase.

    None where the weak model has a unit price or gets nothing: there is no fleet to fill.
    """
    options, plan, split = route.sides.options, route.plan, route.split
    load = float(plan.fleet_queries_per_day[split]) / plan.queries_per_day
    if options is None or not load > 0:
        return None
    way, days, unit = options.take([route.way]), plan.traffic.days_per_month, route.sides.strong_usd_per_query
    rest = (
        unit * float(plan.api_queries_per_day[split]) * days + float(plan.router_usd[split])
    ) / plan.queries_per_day
    alone = route.all_strong_usd / plan.queries_per_day
    step = float(way.per_replica[1, 0]) / load
    steps = np.arange(1, MOST_STEPS + 1) * step

    def routed(volumes: Floats) -> Floats:
        return np.asarray(way.monthly_usd(load * volumes, sides=(1,))[0, 0] + rest * volumes)

    one = float(way.monthly_usd(np.array([1.0]), sides=(1,))[0, 0, 0])
    formula = break_even_queries_per_day(one, 1.0, (alone - rest) / days, days)
    return {
        "first": first_volume_worth(routed, lambda volumes: alone * volumes, steps),
        "formula": finite(formula),
        "searched_to": float(steps[-1]),
    }


def flows(route: RoutePlan) -> list[dict[str, Any]]:
    """Return the traffic as flows, for a Sankey: where queries go and what that costs a month."""
    plan, traffic, parts = route.plan, route.plan.traffic, breakdown(route)
    volume, fresh = plan.queries_per_day, plan.queries_per_day * traffic.missed
    weak, strong = route.sides.weak_label, route.sides.strong_label
    spilled = fresh * route.share_weak * traffic.fallback
    rows = [
        ("queries", "cache", volume - fresh, parts["cache_usd"]),
        ("queries", "router", fresh, parts["router_usd"]),
        ("router", weak, fresh * route.share_weak, parts["weak_usd"]),
        ("router", strong, fresh * (1 - route.share_weak), parts["strong_usd"]),
        (weak, strong, spilled, parts["fallback_usd"]),
    ]
    names = ("source", "target", "queries_per_day", "monthly_usd")
    return [dict(zip(names, row, strict=True)) for row in rows if row[2] > 0 or row[3] > 0]


def frontier(route: RoutePlan) -> list[dict[str, Any]]:
    """Return the splits that none beats in cost and quality, cheapest first."""
    rows = []
    for way, split in route.frontier():
        item = route.sides.item(way)
        rows.append(
            {
                "share_weak": float(route.plan.share_weak[split]),
                "monthly_usd": float(route.total_usd[1, way, split]),
                "quality": float(route.quality[way, split]),
                "option_id": item.option_id if item and route.plan.share_weak[split] > 0 else None,
            }
        )
    return rows


def notes(route: RoutePlan) -> list[str]:
    """Return what the reader has to know to trust the figures."""
    request, sides = route.request, route.sides
    found = []
    if request.never_errs:
        real = sides.catalog.router_assumptions["router-auc"].base
        found.append(
            f"a classifier that never errs; a real one finds the harder of two queries in {real:.0%} of cases"
        )
    target = request.share_weak
    if target is not None and request.hard_share is None and request.queries is None:
        hard = route.plan.hard_share
        if hard > 1 - target + 1e-9:
            found.append(f"the gap in quality needs at least {hard:.1%} hard queries, not {1 - target:.1%}")
    if sides.options is None and request.weak_usd_per_query is not None:
        found.append("the price of the easy queries is as given: no fleet is sized, whatever it carries")
    if request.scenario.data_stays_in_house:
        found.append("the scenario keeps data in house: what goes to the API leaves it")
    if sides.strong_quality <= float(sides.weak_quality[route.way]):
        found.append("the API is not the better of the two: routing can only save money")
    pure = best_pure(route)
    if pure["monthly_usd"] < route.monthly_usd[1] * (1 - 1e-9):
        cost = request.scenario.currency.short(pure["monthly_usd"])
        found.append(f"{pure['label']} alone is cheaper at this quality: {cost} a month")
    return found
