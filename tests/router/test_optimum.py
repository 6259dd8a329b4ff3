"""The optimum against brute force, and the frontier's properties."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.router import optimum

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


def test_unaffordable_fleets_are_never_chosen():
    usd = np.array([np.inf, np.inf])
    assert optimum.cheapest_at_floor(usd, [1.0, 0.5], 0.1) == -1
    assert not optimum.pareto(usd, [1.0, 0.5]).any()


def test_values_against_rules():
    with pytest.raises(InputError):
        optimum.break_even_queries_per_day(float("nan"), 0.7, 0.01, 30)
    with pytest.raises(InputError):
        optimum.first_volume_worth(lambda q: q, lambda q: q, [])
