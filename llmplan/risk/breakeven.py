"""The first volume at which a fleet is cheaper than a token price, draw by draw, exact on whole queries a day."""

from __future__ import annotations

import numpy as np

from llmplan.arrays import Bools, Floats, Places
from llmplan.options.breakeven import MAX_QUERIES_PER_DAY
from llmplan.risk.draws import own_usd
from llmplan.risk.problem import ROUNDING, Draws, Problem

MAX_LEVELS = 5_000
"""Levels of replicas that are walked at most in a draw whose slopes nearly agree."""


def first_volume_cheaper(problem: Problem, drawn: Draws, own: int, token: int) -> Floats:
    """Return the first whole volume (queries/day) at which fleet `own` costs less than `token`, (d,). (8.8)

    Infinity: never. Between two steps of the staircase the fleet's cost is flat and the token price rises, so
    a level of N replicas holds at most one crossing. The walk starts at the level below which the fleet's
    smooth lower bound excludes one and ends where the bound excludes every further one.
    """
    slope = drawn.usd_per_query[token] * problem.scenario.days_per_month
    each = drawn.per_replica[own]
    level, possible = _first_level(problem, drawn, own, slope * each)
    found = np.full(len(each), np.inf)
    left = np.flatnonzero(possible & (each > 0) & (slope > 0))
    for _ in range(MAX_LEVELS):
        if not len(left):
            break
        volume = _on_level(problem, drawn, own, left, level[left], slope[left])
        found[left] = volume
        level[left] += 1
        over = (level[left] - 1) * each[left] > MAX_QUERIES_PER_DAY
        left = left[np.isinf(volume) & ~over]
    return found


def _first_level(
    problem: Problem, drawn: Draws, own: int, token_usd_per_level: Floats
) -> tuple[Floats, Bools]:
    """Return the least level that can hold a crossing, and where there is one at all.

    N replicas cost at least shared + rent x (N + spare) / replicas an instance, and at least that with people by the
    GPU less one step of them; the token price of all volumes of a level is at most its usd per level times N.
    """
    rent = drawn.rent_ratio[own] * problem.least_rents[own]
    people = drawn.people_usd * problem.single_rents[own][1] / drawn.gpus_per_step
    found, possible = np.ones(len(rent)), np.isfinite(rent)
    for shared, each in ((drawn.shared_usd, rent), (drawn.flat_usd, rent + people)):
        least, gain = shared + each * problem.scenario.spare_replicas, token_usd_per_level - each
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.maximum(found, np.where(gain > 0, np.floor(least / gain), 1.0))
        possible &= (gain > 0) | (token_usd_per_level > each * (1 - 1e-9)) & (least <= 0)
    return found, possible


def _on_level(
    problem: Problem, drawn: Draws, own: int, draws: Places, level: Floats, slope: Floats
) -> Floats:
    """Return the first volume on a level of replicas at which the fleet is cheaper; infinity where none."""
    each = drawn.per_replica[own, draws]
    low = _first_volume(level, each)
    high = _first_volume(level + 1, each) - 1
    usd = own_usd(problem, drawn, own, high, draws)
    first = np.maximum(low, np.floor(usd / slope) + 1)
    first = np.where((first - 1 >= low) & (usd < (first - 1) * slope), first - 1, first)
    first = np.where(usd < first * slope, first, first + 1)
    if problem.options.stops_idle[own]:
        first = _from_bisection(problem, drawn, own, draws, low, high, slope)
    return np.where((first <= high) & (first <= MAX_QUERIES_PER_DAY), first, np.inf)


def _from_bisection(
    problem: Problem, drawn: Draws, own: int, draws: Places, low: Floats, high: Floats, slope: Floats
) -> Floats:
    """Return the first cheaper volume of a level on which a fleet stops when idle: its cost rises, concave. (4.9)"""

    def is_cheaper(volume: Floats) -> Bools:
        return np.asarray(own_usd(problem, drawn, own, volume, draws) < volume * slope)

    first, last = np.where(is_cheaper(low), low, np.inf), is_cheaper(high)
    below, above = low.copy(), high.copy()
    while (above - below > 1).any():
        middle = np.floor((below + above) / 2)
        yes = is_cheaper(middle)
        below, above = np.where(yes, below, middle), np.where(yes, middle, above)
    return np.minimum(first, np.where(last, above, np.inf))


def _first_volume(level: Floats, each: Floats) -> Floats:
    """Return the first whole volume that needs `level` replicas, rounding as the fleet does."""
    edge = np.floor((level - 1) * each) + 1
    below = np.ceil((edge - 1) * (ROUNDING / each)) >= level
    edge = np.where(below & (edge > 1), edge - 1, edge)
    short = np.ceil(edge * (ROUNDING / each)) < level
    return np.maximum(np.where(short, edge + 1, edge), 1.0)
