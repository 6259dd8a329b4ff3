"""Model updates through the year, and the storage that weights take."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

from llmplan.errors import InputError
from llmplan.operations.plan import ServingPlan
from llmplan.units import DAYS_PER_YEAR, MONTHS_PER_YEAR, S_PER_HOUR

SATURDAY: Final = 5
"""Of datetime's weekdays, Monday 0."""


@dataclass(frozen=True)
class UpdateWindow:
    """One update: when it is due and what it takes.

    Attributes
    ----------
    number, month: 1, 2, ... and the plan's month (1 to 12) at whose end it is due.
    due: date.
    working_days, usd: effort and its cost.
    rollout_hours: replicas replaced one after another, each started before an old one stops. [h]
    steps: what is done, in order.
    """

    number: int
    month: int
    due: dt.date
    working_days: float
    usd: float
    rollout_hours: float
    steps: tuple[str, ...]


@dataclass(frozen=True)
class StorageItem:
    """Where weights lie. [GB, decimal]"""

    place: str
    copies: int
    gb_each: float
    gb_total: float
    note: str


def update_steps(plan: ServingPlan) -> tuple[str, ...]:
    """Return what one update takes, in order."""
    return (
        f"download and verify the weights, {plan.weights_gb:,.0f} GB in {plan.precision_id}",
        "evaluate the candidate on the task set against the running version",
        f"quantise, measure one replica against the plan's {plan.output_tokens_per_s:,.0f} tokens/s",
        "canary one replica, compare quality and latency for a day",
        "roll out without downtime, keep the previous version for rollback",
        "watch the alarms for regressions for a day",
    )


def working_day(day: dt.date) -> dt.date:
    """Return the day, or the Monday after it where it is a Saturday or a Sunday."""
    return day + dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= SATURDAY else 0)


def update_calendar(
    plan: ServingPlan, start: dt.date, updates_per_year: float, days_per_update: float, usd_per_day: float
) -> tuple[UpdateWindow, ...]:
    """Return a year's updates, evenly spread: the n-th falls due n / updates_per_year years after `start`, on a
    working day.
    """
    for field, value in (("updates_per_year", updates_per_year), ("days_per_update", days_per_update)):
        if not 0 <= value <= DAYS_PER_YEAR:
            raise InputError(field, value, "must lie in 0 to 365", "give a number a year can hold")
    rollout = plan.replicas * plan.start_s / S_PER_HOUR
    windows = []
    for number in range(1, math.floor(updates_per_year + 1e-9) + 1):
        share = number / updates_per_year
        windows.append(
            UpdateWindow(
                number=number,
                month=max(1, math.ceil(share * MONTHS_PER_YEAR - 1e-9)),
                due=working_day(start + dt.timedelta(days=round(share * DAYS_PER_YEAR))),
                working_days=days_per_update,
                usd=days_per_update * usd_per_day,
                rollout_hours=rollout,
                steps=update_steps(plan),
            )
        )
    return tuple(windows)


def storage_list(plan: ServingPlan, versions_kept: int) -> tuple[StorageItem, ...]:
    """Return what weights take: versions in the registry, a copy at each replica, room for a rollout."""
    if not versions_kept >= 1:
        raise InputError("versions_kept", versions_kept, "must be at least 1", "keep the running version")
    gb = plan.weights_gb
    return (
        StorageItem(
            "object store or model registry",
            versions_kept,
            gb,
            versions_kept * gb,
            "running, previous and candidate versions",
        ),
        StorageItem(
            "local disk of the replicas",
            plan.replicas,
            gb,
            plan.replicas * gb,
            "a start then reads from disk, not over the network",
        ),
        StorageItem(
            "local disk during a rollout",
            plan.replicas,
            gb,
            plan.replicas * gb,
            "the next version beside the running one",
        ),
    )
