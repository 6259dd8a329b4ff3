"""The optimum against brute force, and the frontier's properties."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.router import optimum
from llmplan.router.costs import Router, Tier, Traffic, one_shot_usd
from llmplan.router.policies import from_queries

tables = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(tables)
def test_frontier_is_what_nothing_beats(rows):
    usd, quality = np.array([row[:2] for row in rows], float), np.array([row[2] for row in rows], float)
    mask = optimum.pareto(usd, quality)
    for volume in range(2):
        cost = usd[:, volume]
        points = {(cost[i], quality[i]) for i in np.flatnonzero(mask[:, volume])}
        beaten = {
            (c, q)
            for c, q in zip(cost, quality, strict=True)
            if any((c2 <= c and q2 >= q) and (c2, q2) != (c, q) for c2, q2 in zip(cost, quality, strict=True))
        }
        assert points == set(zip(cost, quality, strict=True)) - beaten
        ordered = sorted(points)
        assert all(a[1] < b[1] for a, b in pairwise(ordered))


@settings(max_examples=80, deadline=None)
@given(tables, st.integers(0, 6))
def test_floor_and_budget_against_brute_force(rows, limit):
    usd, quality = np.array([row[:2] for row in rows], float), np.array([row[2] for row in rows], float)
    for volume in range(2):
        cost = usd[:, volume]
        reach = [(c, -q) for c, q in zip(cost, quality, strict=True) if q >= limit]
        i = int(optimum.cheapest_at_floor(usd, quality, limit)[volume])
        assert (i == -1) == (not reach)
        assert not reach or (cost[i], -quality[i]) == min(reach)
        within = [(-q, c) for c, q in zip(cost, quality, strict=True) if c <= limit]
        j = int(optimum.best_at_budget(usd, quality, limit)[volume])
        assert (j == -1) == (not within)
        assert not within or (-quality[j], cost[j]) == min(within)


def test_best_trade_lies_on_the_frontier():
    rng = np.random.default_rng(0)
    usd, quality = rng.random((50, 4)), rng.random(50)
    chosen = optimum.best_trade(usd, quality, 1.0)
    mask = optimum.pareto(usd, quality)
    assert mask[chosen, np.arange(4)].all()


def test_unaffordable_fleets_are_never_chosen():
    usd = np.array([np.inf, np.inf])
    assert optimum.cheapest_at_floor(usd, [1.0, 0.5], 0.1) == -1
    assert not optimum.pareto(usd, [1.0, 0.5]).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_threshold_against_every_set_of_queries_that_it_can_send(seed, floor):
    """Seven queries, two fleets and an API: every pair of cuts, priced query by query."""
    rng = np.random.default_rng(seed)
    n, volume = 7, 700.0
    score, quality, usd = rng.permutation(n) / n, rng.random((n, 3)), rng.random((n, 3)) / 100
    stairs = [
        lambda x: 90 * np.ceil(np.maximum(x, 1e-9) / 150),
        lambda x: 260 * np.ceil(np.maximum(x, 1e-9) / 200),
    ]
    tiers = [
        Tier("a", fleet_usd=stairs[0]),
        Tier("b", fleet_usd=stairs[1]),
        Tier("c", float(usd[:, 2].mean())),
    ]
    cuts = np.array([(i / n, j / n) for i in range(n + 1) for j in range(i + 1)])
    policies = from_queries(score, quality, usd, cuts)
    total = one_shot_usd(policies, tiers, volume, Traffic(), Router()).total[:, 0]
    best = int(optimum.cheapest_at_floor(total, policies.mean_quality, floor))

    ranked = np.argsort(-score)
    candidates = []
    for up, top in ((i, j) for i in range(n + 1) for j in range(i + 1)):
        tier = np.zeros(n, int)
        tier[ranked[:up]] = 1
        tier[ranked[:top]] = 2
        means = usd.mean(axis=0)
        load = [sum(usd[q, t] / means[t] for q in range(n) if tier[q] == t) * volume / n for t in range(3)]
        cost = (
            sum(stairs[t](np.array(load[t])) if load[t] > 0 else 0 for t in (0, 1)) + load[2] * 30 * means[2]
        )
        reached = np.mean([quality[q, tier[q]] for q in range(n)])
        if reached >= floor - 1e-9:
            candidates.append(float(cost))
    assert (best == -1) == (not candidates)
    if candidates:
        assert total[best] == pytest.approx(min(candidates), rel=1e-9)


def test_values_against_rules():
    with pytest.raises(InputError):
        optimum.break_even_queries_per_day(float("nan"), 0.7, 0.01, 30)
    with pytest.raises(InputError):
        optimum.first_volume_worth(lambda q: q, lambda q: q, [])
