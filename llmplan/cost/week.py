"""A week of load: 168 hourly factors, and requests per second by the minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.scenario.workload import WORKING_DAYS
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, S_PER_DAY, S_PER_HOUR

HOURS_PER_WEEK: Final = HOURS_PER_DAY * DAYS_PER_WEEK
STEP_S: Final = 60
STEPS_PER_WEEK: Final = HOURS_PER_WEEK * S_PER_HOUR // STEP_S
BUSIEST_HOUR: Final = 14
MOST_PEAKED: Final = 20.0
"""Peak over mean of the most peaked bell-shaped day."""


def week_profile(
    hourly_profile: Sequence[float] | None = None, weekend_factor: float = 1.0, peak_to_mean: float = 1.0
) -> Floats:
    """Return 168 hourly load factors of mean 1, Monday first.

    Parameters
    ----------
    hourly_profile: 24 shares of a day's queries; None: a bell-shaped day with `peak_to_mean`.
    weekend_factor: Saturday's and Sunday's volume over a weekday's.
    peak_to_mean: of the day, used only without a profile; at most 20. A cosine up to 2, a power of it above.
    """
    require(0 <= weekend_factor <= 10, "weekend_factor", weekend_factor, "must lie in 0 to 10")
    if hourly_profile is None:
        require(1 <= peak_to_mean <= MOST_PEAKED, "peak_to_mean", peak_to_mean, "must lie in 1 to 20")
        day = _bell_day(peak_to_mean)
    else:
        day = np.asarray(hourly_profile, float)
        require(
            day.shape == (HOURS_PER_DAY,) and bool(np.all(day >= 0)),
            "hourly_profile",
            day.shape,
            "must have 24 shares, none negative",
        )
        require(bool(day.sum() > 0), "hourly_profile", day.sum(), "must not add up to zero")
    days = np.where(np.arange(DAYS_PER_WEEK) < WORKING_DAYS, 1.0, weekend_factor)
    week = (days[:, None] * day).ravel()
    return np.asarray(week / week.mean())


def _bell_day(peak_to_mean: float) -> Floats:
    """A cosine day; sharpened by a power (found by halving) where a cosine's night would fall below zero."""
    hours = np.arange(HOURS_PER_DAY)
    wave = (1 + np.cos((hours - BUSIEST_HOUR) / HOURS_PER_DAY * 2 * np.pi)) / 2
    if peak_to_mean <= 2:
        return np.asarray(1 + (peak_to_mean - 1) * (2 * wave - 1))
    low, high = 1.0, 1000.0
    for _ in range(60):
        power = (low + high) / 2
        too_flat = 1 / (wave**power).mean() < peak_to_mean
        low, high = (power, high) if too_flat else (low, power)
    return np.asarray(wave**high / (wave**high).mean())


def minute_loads(queries_per_day: float, week: ArrayLike) -> Floats:
    """Return requests/s by minute of the week, linear between the middles of the hours. (10080,)

    The week's total is kept exactly: `queries_per_day` is the mean day. Linear joins flatten a peak hour by
    at most a few per cent; within a minute the load is constant.
    """
    require(
        0 < queries_per_day < float("inf"), "queries_per_day", queries_per_day, "must be a positive number"
    )
    factors = np.asarray(week, float)
    require(
        factors.shape == (HOURS_PER_WEEK,) and bool(np.all(factors >= 0)),
        "week",
        factors.shape,
        "must have 168 factors, none negative",
    )
    middles = (np.arange(STEPS_PER_WEEK) + 0.5) * STEP_S / S_PER_HOUR
    at = np.interp(middles, np.arange(HOURS_PER_WEEK) + 0.5, factors, period=HOURS_PER_WEEK)
    return np.asarray(at / at.mean() * queries_per_day / S_PER_DAY)


def require(holds: bool, field: str, value: object, rule: str) -> None:
    """Raise InputError unless `holds`."""
    if not holds:
        raise InputError(field, value, rule, "give a value in that range")
