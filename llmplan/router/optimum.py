"""Which split: Pareto frontier, cheapest at a floor, best at a budget, volume from which routing pays."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmplan.arrays import Bools, Floats, Places
from llmplan.errors import InputError

TOLERANCE = 1e-9
"""Quality within this of a floor reaches it."""
VolumeUsd = Callable[[Floats], Floats]


def pareto(usd: ArrayLike, quality: ArrayLike) -> Bools:
    """Return which policies no other beats in cost and quality, at each volume.

    Parameters
    ----------
    usd: USD a month, shape (p, v) or (p,).
    quality: shape (p,); of equals in both the first counts.

    Returns
    -------
    Mask of the shape of `usd`.
    """
    costs = np.asarray(usd, float)
    flat = costs.reshape(len(costs), -1)
    worst_first = np.argsort(-np.asarray(quality, float), kind="stable")
    order = worst_first[np.argsort(flat[worst_first], axis=0, kind="stable")]
    ranked = np.asarray(quality, float)[order]
    before = np.vstack([np.full(flat.shape[1], -np.inf), np.maximum.accumulate(ranked, axis=0)[:-1]])
    mask = np.zeros(flat.shape, bool)
    finite = np.isfinite(np.take_along_axis(flat, order, axis=0))
    np.put_along_axis(mask, order, (ranked > before) & finite, axis=0)
    return mask.reshape(costs.shape)


def cheapest_at_floor(usd: ArrayLike, quality: ArrayLike, floor: float) -> Places:
    """Return the cheapest policy at or above a quality, at each volume; -1 where none reaches it.

    Of equally cheap ones the best counts. `usd` (p, v) or (p,), `quality` (p,).
    """
    costs = np.asarray(usd, float)
    flat = costs.reshape(len(costs), -1)
    best_first = np.argsort(-np.asarray(quality, float), kind="stable")
    reaches = np.asarray(quality, float)[best_first] >= floor - TOLERANCE
    allowed = np.where(reaches[:, None], flat[best_first], np.inf)
    chosen = best_first[np.argmin(allowed, axis=0)]
    found = np.where(np.isfinite(allowed.min(axis=0)), chosen, -1)
    return np.asarray(found.reshape(costs.shape[1:]), np.intp)


def best_at_budget(usd: ArrayLike, quality: ArrayLike, budget_usd: float) -> Places:
    """Return the best policy within a monthly budget, at each volume; -1 where none is within it.

    Of equally good ones the cheapest counts.
    """
    costs = np.asarray(usd, float)
    flat = costs.reshape(len(costs), -1)
    value = np.broadcast_to(np.asarray(quality, float)[:, None], flat.shape)
    affordable = np.where(flat <= budget_usd, value, -np.inf)
    best = affordable.max(axis=0)
    cost_of_best = np.where(affordable >= best, flat, np.inf)
    found = np.where(np.isfinite(best), np.argmin(cost_of_best, axis=0), -1)
    return np.asarray(found.reshape(costs.shape[1:]), np.intp)


def break_even_queries_per_day(
    fleet_usd_per_month: float,
    share_weak: float,
    strong_usd_of_weak_routed: float,
    days_per_month: float,
    weak_usd_per_query: float = 0.0,
    router_usd_per_query: float = 0.0,
    missed: float = 1.0,
) -> float:
    """Return Q*, the volume from which a hybrid with one fixed fleet beats all-API, or infinity. (7.11)

    Valid within the capacity of that fleet; `first_volume_worth` walks the staircase.

    Parameters
    ----------
    strong_usd_of_weak_routed: strong price of the queries that the weak tier takes, E(c_s | weak) [USD].
    missed: share of queries that no cache answers.
    """
    if not fleet_usd_per_month >= 0:
        raise InputError("fleet_usd_per_month", fleet_usd_per_month, "must be at least 0", "give USD a month")
    saved = share_weak * (strong_usd_of_weak_routed - weak_usd_per_query) - router_usd_per_query
    return fleet_usd_per_month / (missed * saved * days_per_month) if saved > 0 else float("inf")


def first_volume_worth(
    routed_usd: VolumeUsd, best_pure_usd: VolumeUsd, steps_queries_per_day: ArrayLike
) -> int | None:
    """Return the first whole volume (queries a day) at which routing costs less than the best pure option.

    Between steps the routed cost is a line and the best pure one concave (a minimum of lines), so their
    difference is convex: each stretch is searched at its ends and, by ternary search, at its lowest point,
    then bisected. Exact on whole queries a day.

    Parameters
    ----------
    routed_usd, best_pure_usd: volumes (v,) -> USD a month (v,).
    steps_queries_per_day: volumes after which either cost steps, the end of the search as the last.

    Returns
    -------
    The volume, or None up to the last step.
    """
    edges = np.unique(np.floor(np.asarray(steps_queries_per_day, float)))
    edges = np.append(0.0, edges[edges >= 1])
    if not len(edges) > 1:
        raise InputError("steps_queries_per_day", edges.tolist(), "must hold a volume", "give where it steps")
    starts, ends = (edges[:-1] + 1).astype(np.int64), edges[1:].astype(np.int64)

    def gap(volumes: NDArray[np.int64]) -> Floats:
        return routed_usd(volumes.astype(float)) - best_pure_usd(volumes.astype(float))

    lowest = _lowest(gap, starts, ends)
    wins = np.flatnonzero(gap(lowest) < 0)
    if not len(wins):
        return None
    low, high = int(starts[wins[0]]), int(lowest[wins[0]])
    if gap(np.array([low]))[0] < 0:
        return low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if gap(np.array([middle]))[0] < 0 else (middle, high)
    return high


def _lowest(
    gap: Callable[[NDArray[np.int64]], Floats], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return where a convex gap is lowest in each stretch of whole numbers, all stretches at once."""
    low, high = starts.copy(), ends.copy()
    while np.any(high - low > 2):
        third = (high - low) // 3
        left, right = low + third, high - third
        falls = gap(left) > gap(right)
        low, high = np.where(falls, left, low), np.where(falls, high, right)
    found = np.stack([low, (low + high) // 2, high])
    return np.asarray(
        np.take_along_axis(found, np.stack([gap(row) for row in found]).argmin(axis=0)[None], 0)[0]
    )
