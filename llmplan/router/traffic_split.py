"""Hybrids of many fleets and many APIs at once: the cheapest split of each at a quality floor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.router.costs import Router, Traffic
from llmplan.router.measures import exact_curve, pgr
from llmplan.router.optimum import TOLERANCE
from llmplan.router.queries import QueryOutcomes
from llmplan.router.roc import RocCurve


@dataclass(frozen=True)
class SplitPlan:
    """p splits of a volume between a fleet and an API, the same for every pair of them.

    Attributes
    ----------
    queries_per_day: volume before caches.
    hard_share: share of queries that only the API answers well [-].
    share_weak: share of queries that the fleet answers, shape (p,).
    recall: share of the hard queries sent up at each split, or of the measured gap recovered, shape (p,).
    false_positive_rate: share of the easy queries sent up, shape (p,).
    fleet_queries_per_day: load to size a fleet for, in mean queries, with the classifier's part, shape (p,).
    api_queries_per_day: load on the API in its mean queries, fallback in, shape (p,).
    router_usd: classifier and cache lookups a month, shape (p,).
    """

    queries_per_day: float
    hard_share: float
    share_weak: Floats
    recall: Floats
    false_positive_rate: Floats
    fleet_queries_per_day: Floats
    api_queries_per_day: Floats
    router_usd: Floats
    traffic: Traffic

    @property
    def share_of_weak(self) -> Floats:
        """(p,) the part of a hybrid's quality that is the fleet's model's; the rest is the API's."""
        return np.where(self.share_weak > 0, (1 - self.recall) * (1 - self.traffic.fallback), 0.0)


def split_plan(
    queries_per_day: float,
    share_weak: ArrayLike,
    roc: RocCurve,
    hard_share: float,
    hard_token_multiplier: float = 1.0,
    traffic: Traffic | None = None,
    router: Router | None = None,
) -> SplitPlan:
    """Work out the loads of a set of splits. (7.2), (7.5)

    The caller prices any number of fleets at `fleet_queries_per_day`.
    """
    weak = np.atleast_1d(np.asarray(share_weak, float))
    recall, fpr = roc.rates_at(1 - weak, hard_share)
    mean_tokens = hard_share * hard_token_multiplier + 1 - hard_share
    up = (hard_share * hard_token_multiplier * recall + (1 - hard_share) * fpr) / mean_tokens
    rates = (hard_share, recall, fpr)
    return _loads(queries_per_day, weak, rates, (1 - up, up), traffic or Traffic(), router or Router())


def split_plan_of_queries(
    queries_per_day: float,
    share_weak: ArrayLike,
    data: QueryOutcomes,
    router_name: str,
    traffic: Traffic | None = None,
    router: Router | None = None,
) -> SplitPlan:
    """Work out the loads of a set of splits from measured queries: what a router picks is longer. (7.5)

    `recall` then holds the share of the quality gap that the router recovers on them (PGR), which also
    counts what it loses where the weak model was better.
    """
    weak = np.atleast_1d(np.asarray(share_weak, float))
    score, up_share = data.scores[router_name], 1 - weak
    curve = exact_curve(score, data.weak, data.strong)
    recovered = np.interp(up_share, curve.share_strong, pgr(curve.quality, *curve.quality[[0, -1]]))
    needed = np.column_stack([data.needed, np.ones(len(data))]).astype(float)
    hits = exact_curve(score, np.zeros_like(needed), needed)
    hard = float(data.needed.mean())
    sent_hard = np.interp(up_share, hits.share_strong, hits.quality)
    fpr = np.divide(
        up_share - sent_hard, 1 - hard, out=np.zeros_like(weak), where=np.full(weak.shape, hard < 1)
    )
    work = [_work_up(score, usd, up_share) for usd in (data.weak_usd, data.strong_usd)]
    rates = (hard, recovered, fpr)
    return _loads(
        queries_per_day, weak, rates, (1 - work[0], work[1]), traffic or Traffic(), router or Router()
    )


def _work_up(score: Floats, usd: Floats, up_share: Floats) -> Floats:
    """Return the part of all work (cost) that the queries sent up make; without costs their share."""
    if not (np.isfinite(usd).all() and usd.sum() > 0):
        return up_share
    work = np.column_stack([usd, usd]) / usd.mean()
    curve = exact_curve(score, np.zeros_like(work), work)
    return np.asarray(np.interp(up_share, curve.share_strong, curve.quality))


def _loads(
    queries_per_day: float,
    weak: Floats,
    rates: tuple[float, Floats, Floats],
    work: tuple[Floats, Floats],
    traffic: Traffic,
    router: Router,
) -> SplitPlan:
    """Return the plan from the work that goes down (in weak mean queries) and up (in strong ones)."""
    # What one tier gets entirely needs no rounding from the mixture.
    down = np.where(weak >= 1, 1.0, np.where(weak <= 0, 0.0, work[0]))
    up = np.where(weak >= 1, 0.0, np.where(weak <= 0, 1.0, work[1]))
    fresh, days, spill = queries_per_day * traffic.missed, traffic.days_per_month, traffic.fallback
    routed = (weak > 0) & (weak < 1)
    fleet = fresh * (down * (1 - spill) + router.fleet_queries * routed)
    api = fresh * (up + (1 - up) * spill)
    lookups = traffic.usd_per_lookup * queries_per_day * (1 - traffic.exact_hits)
    usd = (router.usd_per_query * fresh * routed + lookups) * days
    hard_share, recall, fpr = rates
    loads = np.asarray(fleet, float), np.asarray(api, float), np.asarray(usd, float)
    return SplitPlan(queries_per_day, hard_share, weak, recall, fpr, *loads, traffic)


def hybrid_quality(plan: SplitPlan, weak_quality: ArrayLike, strong_quality: ArrayLike) -> Floats:
    """Return the quality of every fleet, API and split, shape (n, m, p); NaN where a pair makes no hybrid.

    The gap between the two falls on the hard queries, so quality = q_s - (1 - R)(1 - spill)(q_s - q_w): the
    hard share matters through the recall. A pair makes a hybrid where the API is the better and its lead
    is no more than the hard queries can hold (hard_share x its quality). (7.1)
    """
    weak = np.asarray(weak_quality, float)[:, None, None]
    return mixed_quality(plan, weak, np.asarray(strong_quality, float)[:, None], plan.share_of_weak)


def mixed_quality(plan: SplitPlan, weak: Floats, strong: Floats, share_of_weak: Floats) -> Floats:
    """Return `hybrid_quality` of pairs of qualities at the plan's shares of the weak one; arrays broadcast."""
    gap = strong - weak
    with np.errstate(invalid="ignore"):
        works = (gap > 0) & (gap <= plan.hard_share * strong + TOLERANCE)
    wrong = plan.traffic.wrongly_answered
    served = (1 - wrong) * (strong - gap * share_of_weak) + wrong * plan.traffic.false_hit_quality
    return np.where(works, served, np.nan)
