"""What a month of routed traffic costs: one-shot router and cascade, caches, fallback, fleet re-sized."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.catalog import shipped_assumption
from llmplan.errors import InputError
from llmplan.router.policies import Policies

MOST = 1e12
"""A price, a time or a factor beyond this is a slip of the pen, and a month's sum of it would overflow."""
FleetUsd = Callable[[Floats], Floats]
"""Queries a day that a fleet carries, any shape -> USD a month, same shape: whole replicas at the peak."""


@dataclass(frozen=True)
class Tier:
    """A place where queries are answered.

    Attributes
    ----------
    name: as shown.
    usd_per_query: price of a mean query [USD]; besides a fleet, its variable cost.
    fleet_usd: monthly cost of the fleet that carries a load; None for an API.
    latency_ms: time to an answer [ms].
    """

    name: str
    usd_per_query: float = 0.0
    fleet_usd: FleetUsd | None = None
    latency_ms: float = 0.0

    def monthly_usd(self, queries_per_day: Floats, days_per_month: float) -> Floats:
        """Return USD a month for a load in mean queries a day; a fleet that carries nothing is not rented."""
        usd = self.usd_per_query * queries_per_day * days_per_month
        if self.fleet_usd is None:
            return usd
        return usd + np.where(queries_per_day > 0, self.fleet_usd(queries_per_day), 0.0)


@dataclass(frozen=True)
class Router:
    """The classifier's own cost.

    Attributes
    ----------
    usd_per_query: price of one classification [USD]; 0 where it runs on the fleet or is free.
    fleet_queries: part of a query's work that one classification costs the first fleet [-].
    latency_ms: time that it adds to every query [ms].
    """

    usd_per_query: float = 0.0
    fleet_queries: float = 0.0
    latency_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in ("usd_per_query", "fleet_queries", "latency_ms"):
            if not 0 <= getattr(self, name) <= MOST:
                rule = f"must lie from 0 to {MOST:g}"
                raise InputError(f"router {name}", getattr(self, name), rule, "0: free")


@dataclass(frozen=True)
class Traffic:
    """What happens before and around the split.

    Attributes
    ----------
    exact_hits: share of queries that an exact cache answers [-].
    semantic_hits: share of the rest that a semantic cache answers [-].
    false_hits: share of semantic hits whose answer fits another question [-].
    false_hit_quality: quality of such an answer.
    usd_per_lookup: embedding and search for each query that the exact cache misses [USD].
    fallback: share of a fleet's queries that spill to the top tier, by saturation or outage [-].
    days_per_month: the one calendar convention.
    """

    exact_hits: float = 0.0
    semantic_hits: float = 0.0
    false_hits: float = 0.0
    false_hit_quality: float = 0.0
    usd_per_lookup: float = 0.0
    fallback: float = 0.0
    days_per_month: float = field(default_factory=lambda: shipped_assumption("days-per-month"))

    def __post_init__(self) -> None:
        for name in ("exact_hits", "semantic_hits", "false_hits", "fallback"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    name, getattr(self, name), "must lie from 0 to 1", "give a share such as 0.1"
                )
        for name in ("usd_per_lookup", "false_hit_quality"):
            if not 0 <= getattr(self, name) <= MOST:
                raise InputError(name, getattr(self, name), f"must lie from 0 to {MOST:g}", "0: none")
        if not 0 < self.days_per_month < np.inf:
            raise InputError("days_per_month", self.days_per_month, "must be above 0", "give 30")

    @property
    def missed(self) -> float:
        """Share of queries that no cache answers. (7.9)"""
        return (1 - self.exact_hits) * (1 - self.semantic_hits)

    @property
    def wrongly_answered(self) -> float:
        """Share of queries that the semantic cache answers with another question's answer."""
        return (1 - self.exact_hits) * self.semantic_hits * self.false_hits


@dataclass(frozen=True)
class MonthlyCost:
    """USD a month of p policies at v volumes, in all and by part.

    Attributes
    ----------
    total: shape (p, v).
    parts: tier's name, "router", "cache", "fallback" -> shape (p, v).
    loads: tier's name -> mean queries a day that it carries, shape (p, v).
    """

    total: Floats
    parts: dict[str, Floats] = field(repr=False)
    loads: dict[str, Floats] = field(repr=False)


def one_shot_usd(
    policies: Policies, tiers: Sequence[Tier], queries_per_day: ArrayLike, traffic: Traffic, router: Router
) -> MonthlyCost:
    """Return what each policy costs at each volume, every fleet re-sized for the share it gets. (7.5)

    Parameters
    ----------
    policies: p splits over the k tiers.
    queries_per_day: volumes before caches, shape (v,).
    """
    volume = np.atleast_1d(np.asarray(queries_per_day, float))
    fresh = volume * traffic.missed
    days = traffic.days_per_month
    is_fleet = np.array([tier.fleet_usd is not None for tier in tiers])
    kept = policies.share * np.where(is_fleet, 1 - traffic.fallback, 1.0) * policies.cost_factor
    spilled = (policies.share * np.where(is_fleet, traffic.fallback, 0.0) * policies.top_cost_factor).sum(
        axis=1
    )
    loads = kept.T[:, :, None] * fresh
    if router.fleet_queries and is_fleet.any():
        loads[int(np.argmax(is_fleet))] += router.fleet_queries * policies.routes[:, None] * fresh
    parts = {tier.name: tier.monthly_usd(load, days) for tier, load in zip(tiers, loads, strict=True)}
    parts["router"] = router.usd_per_query * days * policies.routes[:, None] * fresh
    parts["fallback"] = tiers[-1].usd_per_query * days * spilled[:, None] * fresh
    looked_up = volume * (1 - traffic.exact_hits)
    parts["cache"] = np.broadcast_to(traffic.usd_per_lookup * days * looked_up, parts["fallback"].shape)
    total = np.sum(list(parts.values()), axis=0)
    return MonthlyCost(total, parts, {tier.name: load for tier, load in zip(tiers, loads, strict=True)})


def quality_served(policies: Policies, tiers: Sequence[Tier], traffic: Traffic) -> Floats:
    """Return the quality users see, fallback and false cache hits counted, shape (p,). (7.10)"""
    is_fleet = np.array([tier.fleet_usd is not None for tier in tiers])
    spilled = np.where(is_fleet, traffic.fallback, 0.0)
    fresh = (policies.share * ((1 - spilled) * policies.quality + spilled * policies.top_quality)).sum(axis=1)
    wrong = traffic.wrongly_answered
    return np.asarray((1 - wrong) * fresh + wrong * traffic.false_hit_quality)


def latency_ms(policies: Policies, tiers: Sequence[Tier], router: Router) -> Floats:
    """Return the mean time to an answer of what no cache answers, shape (p,)."""
    times = np.array([tier.latency_ms for tier in tiers])
    return np.asarray(policies.share @ times + policies.routes * router.latency_ms)
