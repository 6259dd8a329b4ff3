"""Cascade: the weak model answers first, a verifier decides whether the strong one answers again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.router.costs import Tier, Traffic


@dataclass(frozen=True)
class Cascade:
    """What c settings of a cascade do to the traffic.

    Attributes
    ----------
    escalated: share of queries that go on to the strong model [-], shape (c,).
    quality: of the answers served, shape (c,).
    strong_cost_factor: strong cost of the escalated queries over its mean query, shape (c,).
    """

    escalated: Floats
    quality: Floats
    strong_cost_factor: Floats


def from_verifier(
    weak_quality: float,
    accepts_right: ArrayLike,
    accepts_wrong: ArrayLike,
    strong_after_right: float,
    strong_after_wrong: float,
) -> Cascade:
    """Return the cascade of a verifier with known error rates. (7.6)

    Parameters
    ----------
    weak_quality: P(weak answer right) p.
    accepts_right, accepts_wrong: P(accepted | right) t and P(accepted | wrong) f, shape (c,) or scalars.
    strong_after_right, strong_after_wrong: P(strong right) given that the weak answer was right, wrong.
    """
    t, f = np.atleast_1d(np.asarray(accepts_right, float)), np.atleast_1d(np.asarray(accepts_wrong, float))
    named = {
        "verifier accepts right": t,
        "verifier accepts wrong": f,
        "weak quality": weak_quality,
        "strong after right": strong_after_right,
        "strong after wrong": strong_after_wrong,
    }
    for name, value in named.items():
        if not np.all((np.asarray(value) >= 0) & (np.asarray(value) <= 1)):
            raise InputError(name, value, "must lie from 0 to 1", "give a share such as 0.9")
    right, wrong = weak_quality * (1 - t), (1 - weak_quality) * (1 - f)
    quality = weak_quality * t + right * strong_after_right + wrong * strong_after_wrong
    return Cascade(right + wrong, quality, np.ones_like(quality))


def cascade_usd(
    cascade: Cascade,
    tiers: Sequence[Tier],
    queries_per_day: ArrayLike,
    traffic: Traffic,
    verifier_usd_per_query: float = 0.0,
) -> Floats:
    """Return USD a month, shape (c, v): the weak tier sees every query, escalation pays twice. (7.7)"""
    volume = np.atleast_1d(np.asarray(queries_per_day, float))
    fresh, days = volume * traffic.missed, traffic.days_per_month
    weak, strong = tiers
    first = weak.monthly_usd(fresh * (1 - traffic.fallback), days)
    spilled = strong.monthly_usd(fresh * traffic.fallback, days)
    # What has spilled to the strong model is answered there and not verified again.
    seen = fresh * (1 - traffic.fallback)
    verified = verifier_usd_per_query * seen * days
    again = strong.monthly_usd((cascade.escalated * cascade.strong_cost_factor)[:, None] * seen, days)
    looked_up = traffic.usd_per_lookup * volume * (1 - traffic.exact_hits) * days
    return np.asarray(first + spilled + verified + again + looked_up)


def cascade_latency_ms(cascade: Cascade, tiers: Sequence[Tier], verifier_ms: float = 0.0) -> Floats:
    """Return the mean time to an answer, shape (c,): weak and verifier always, strong where escalated."""
    weak, strong = tiers
    return np.asarray(weak.latency_ms + verifier_ms + cascade.escalated * strong.latency_ms)
