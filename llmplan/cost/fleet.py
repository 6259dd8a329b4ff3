"""Whole replicas for the peak."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.units import HOURS_PER_DAY, S_PER_DAY

ArrayLike: TypeAlias = npt.ArrayLike


def peak_requests_per_s(queries_per_day: ArrayLike, peak_to_mean: ArrayLike) -> Floats:
    """Return the arrival rate of the busiest time in requests/s. (4.1); any shapes that broadcast."""
    return np.asarray(np.asarray(queries_per_day, float) * np.asarray(peak_to_mean, float) / S_PER_DAY)


def queries_per_day_of_one_replica(
    requests_per_s: ArrayLike, peak_to_mean: ArrayLike, utilisation_ceiling: ArrayLike
) -> Floats:
    """Return the daily queries that one replica carries at the ceiling, the peak allowed for. (4.2)"""
    rate = np.asarray(requests_per_s, float) * np.asarray(utilisation_ceiling, float)
    return np.asarray(rate * S_PER_DAY / np.asarray(peak_to_mean, float))


def replicas_needed(
    queries_per_day: ArrayLike, queries_per_day_per_replica: ArrayLike, spare_replicas: ArrayLike = 0
) -> Floats:
    """Return whole replicas, at least one, plus spares. (4.3)

    A replica without capacity (0) gives infinity. A ratio within 1e-12 above a whole number counts as whole:
    rounding must not buy a replica.
    """
    volume = np.asarray(queries_per_day, float)
    each = np.asarray(queries_per_day_per_replica, float)
    if not (volume.min(initial=0.0) >= 0 and each.min(initial=0.0) >= 0):  # whatever is no number fails too
        raise InputError(
            "queries_per_day", "negative", "volume and capacity must be at least 0", "give both as >= 0"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray(volume / each)
    found *= 1 - 1e-12
    np.maximum(np.ceil(found, out=found), 1.0, out=found)
    if not each.all():
        found[np.broadcast_to(each == 0, found.shape)] = np.inf
    return np.asarray(found + np.asarray(spare_replicas, float))


def replicas_by_hour(
    hourly_profile: ArrayLike,
    queries_per_day: float,
    requests_per_s: float,
    utilisation_ceiling: float,
    spare_replicas: int = 0,
) -> Floats:
    """Return the replicas that each hour of the day needs, shape of the profile. (4.3 by hour)"""
    hourly = np.asarray(hourly_profile, float) * queries_per_day
    each = requests_per_s * utilisation_ceiling * S_PER_DAY / HOURS_PER_DAY
    return replicas_needed(hourly, each, spare_replicas)
