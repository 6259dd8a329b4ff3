"""Which task goes to which tier: greedy by quality gained per dollar, or whole tasks with fleets re-sized."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Bools, Floats
from llmplan.errors import InputError
from llmplan.router.costs import Tier, Traffic
from llmplan.router.optimum import TOLERANCE

MOST_ASSIGNMENTS = 300_000


@dataclass(frozen=True)
class TaskTable:
    """A task mix and what k tiers (weakest first) do with it.

    Attributes
    ----------
    task_ids: names, length m.
    share: share of queries by task [-], shape (m,); sums to 1.
    quality: quality of each tier on each task, shape (m, k).
    usd_per_query: price of a task's query at each tier [USD], shape (m, k).
    tolerated: whether a tier's quality is within a task's tolerance, shape (m, k).
    allowed: whether a task may go to a tier, residency counted too, shape (m, k).
    work: load of a task's query on a fleet in mean queries, shape (m,).
    """

    task_ids: tuple[str, ...]
    share: Floats
    quality: Floats
    usd_per_query: Floats
    tolerated: Bools
    allowed: Bools
    work: Floats


def task_table(
    mix: dict[str, float],
    quality: ArrayLike,
    usd_per_query: ArrayLike,
    stays_in_house: Sequence[str] = (),
    in_house: Sequence[bool] | None = None,
    tolerance: Mapping[str, float] | None = None,
    work: ArrayLike = 1.0,
) -> TaskTable:
    """Return a checked table.

    Parameters
    ----------
    mix: task -> weight, scaled to sum to 1.
    quality, usd_per_query: shape (m, k) in the order of `mix`.
    stays_in_house: tasks whose queries may not leave (residency).
    in_house: which tiers are one's own; by default all but the last.
    tolerance: task -> quality that it can lose against the best tier; tiers below are not allowed.
    work: load of a task's query on a fleet in mean queries, shape (m,) or a scalar.

    Raises
    ------
    InputError: where shares are not positive or a task has no tier left.
    """
    names = tuple(mix)
    answers, prices = np.asarray(quality, float), np.asarray(usd_per_query, float)
    weights = np.array(list(mix.values()), float)
    if not (len(weights) and np.all(weights >= 0) and weights.sum() > 0):
        raise InputError("task mix", mix, "shares must be at least 0 and not all 0", "give task = share")
    if answers.shape != (len(names), prices.shape[1]) or prices.shape != answers.shape:
        raise InputError(
            "quality", answers.shape, "needs a row a task, a column a tier", "match usd_per_query"
        )
    own = np.array(in_house if in_house is not None else [True] * (answers.shape[1] - 1) + [False])
    bound = np.array([name in stays_in_house for name in names])
    least = answers.max(axis=1) - np.array([(tolerance or {}).get(name, np.inf) for name in names])
    tolerated = answers >= least[:, None] - TOLERANCE
    allowed = (~bound[:, None] | own) & tolerated
    for name, row in zip(names, allowed, strict=True):
        if not row.any():
            raise InputError(
                "task", name, "has no tier within its tolerance and residency", "loosen one of them"
            )
    loads = np.broadcast_to(np.asarray(work, float), len(names))
    return TaskTable(names, weights / weights.sum(), answers, prices, tolerated, allowed, loads)


@dataclass(frozen=True)
class TaskSplit:
    """An assignment of tasks to tiers.

    Attributes
    ----------
    assigned: share of each task's queries at each tier, shape (m, k); rows sum to 1.
    quality: over the mix.
    usd: a query where tiers have unit prices, a month where fleets are re-sized [USD].
    """

    assigned: Floats
    quality: float
    usd: float


def whole_task_split(
    table: TaskTable, tiers: Sequence[Tier], queries_per_day: float, traffic: Traffic, floor: float
) -> TaskSplit | None:
    """Return the cheapest assignment of whole tasks at a floor, every fleet re-sized, or None. (7.12)

    Every assignment is priced, so steps of the fleet cannot mislead it; up to `MOST_ASSIGNMENTS`.
    A task's load on a fleet is its share of queries times its work; prices a query are the table's.
    """
    m, k = table.quality.shape
    if k**m > MOST_ASSIGNMENTS:
        raise InputError("tasks", m, f"{k} tiers give {k**m:,} assignments", "merge tasks")
    choice = np.stack(np.unravel_index(np.arange(k**m), (k,) * m), axis=1)
    rows = np.arange(m)
    choice = choice[table.allowed[rows, choice].all(axis=1)]
    quality = table.quality[rows, choice] @ table.share
    choice, quality = choice[quality >= floor - TOLERANCE], quality[quality >= floor - TOLERANCE]
    if not len(choice):
        return None
    fresh = queries_per_day * traffic.missed
    usd = fresh * traffic.days_per_month * (table.usd_per_query[rows, choice] @ table.share)
    for place, tier in enumerate(tiers):
        if tier.fleet_usd is not None:
            load = fresh * ((choice == place) @ (table.share * table.work))
            usd = usd + np.where(load > 0, tier.fleet_usd(load), 0.0)
    best = int(np.lexsort((-quality, usd))[0])
    return TaskSplit(np.eye(k)[choice[best]], float(quality[best]), float(usd[best]))


def residency_shadow_price(
    table: TaskTable, tiers: Sequence[Tier], queries_per_day: float, traffic: Traffic, floor: float
) -> float | None:
    """Return what keeping the bound tasks in house costs a month at the floor; None where it is out of reach.

    The difference of two optima: with the residency flags and without them, tolerances kept.
    """
    free = replace(table, allowed=table.tolerated)
    bound = whole_task_split(table, tiers, queries_per_day, traffic, floor)
    unbound = whole_task_split(free, tiers, queries_per_day, traffic, floor)
    return None if bound is None or unbound is None else bound.usd - unbound.usd
