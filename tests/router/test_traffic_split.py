"""Hybrids of many fleets and APIs at once, against one pair priced on its own."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.router import roc
from llmplan.router.costs import Router, Tier, Traffic, one_shot_usd, quality_served
from llmplan.router.policies import from_classes, population
from llmplan.router.traffic_split import hybrid_quality, split_plan

SHARES = np.linspace(0, 1, 21)


def stairs(load):
    """Two fleets at three prices, shape (3, 2, p)."""
    one = 400 * np.maximum(1, np.ceil(load / 3000))
    other = 900 * np.maximum(1, np.ceil(load / 20_000))
    return np.array([0.8, 1, 1.3]).reshape(3, 1, *[1] * load.ndim) * np.stack([one, other])


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 1), st.floats(0, 0.2), st.floats(1, 3), st.floats(500, 1e5))
def test_against_one_pair_at_a_time(accuracy, fallback, multiplier, volume):
    curve, traffic, router = (
        roc.from_accuracy(accuracy),
        Traffic(fallback=fallback, exact_hits=0.1),
        Router(1e-5, 0.01),
    )
    plan = split_plan(volume, SHARES, curve, 0.3, multiplier, traffic, router)
    price, weak, strong = [0.013, 0.002], [0.8, 0.9], [1.0, 0.95]
    for fleet, api in product(range(2), range(2)):
        people = population([weak[fleet], strong[api]], 0.3, multiplier)
        policies = from_classes(curve, people, 1 - SHARES[:, None])
        tiers = [Tier("w", fleet_usd=lambda x, i=fleet: stairs(x)[1, i]), Tier("s", price[api])]
        total = one_shot_usd(policies, tiers, volume, traffic, router).total[:, 0]
        quality = quality_served(policies, tiers, traffic)
        assert hybrid_quality(plan, weak, strong)[fleet, api] == pytest.approx(quality)
        own = np.where(plan.fleet_queries_per_day > 0, stairs(plan.fleet_queries_per_day)[1, fleet], 0.0)
        paid = price[api] * plan.api_queries_per_day * traffic.days_per_month
        assert own + paid + plan.router_usd == pytest.approx(total)


def test_pairs_that_make_no_hybrid():
    plan = split_plan(1000, [0.5], roc.perfect(), 0.2)
    # The API is no better, or better by more than a fifth of the queries can hold, or unknown.
    quality = hybrid_quality(plan, [0.9, 0.5, np.nan], [0.9, 1.0])
    assert np.isnan(quality[0, 0, 0]) and np.isfinite(quality[0, 1, 0])
    assert np.isnan(quality[1:]).all()
