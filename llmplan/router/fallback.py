"""What spills from a fleet to the API: the share of queries that it cannot take within its targets."""

import math

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.units import HOURS_PER_DAY


def hourly_load(hourly_profile: ArrayLike | None, peak_to_mean: float) -> Floats:
    """Return each hour's rate over the day's mean, shape (24,); its busiest hour is at the peak.

    Parameters
    ----------
    hourly_profile: 24 shares of a day's queries; None: flat but for the busiest hour.
    peak_to_mean: rate of the busiest time over the mean rate; a profile that stays below it has its busiest
        hour raised and the others lowered in proportion.
    """
    flat = np.full(HOURS_PER_DAY, 1 / HOURS_PER_DAY)
    load = np.asarray(flat if hourly_profile is None else hourly_profile, float) * HOURS_PER_DAY
    busiest, peak = int(np.argmax(load)), min(peak_to_mean, HOURS_PER_DAY)
    if peak > load[busiest]:
        load = load * (HOURS_PER_DAY - peak) / (HOURS_PER_DAY - load[busiest])
        load[busiest] = peak
    return load


def fallback_share(
    load: ArrayLike, replicas: int, replica_to_mean: float, availability: float = 1.0
) -> float:
    """Return the share of a day's queries that a fleet cannot take within its targets. (7.8)

    Each replica is up for a share of the time, independently of the others; what exceeds the rate of those
    that are up misses the latency targets and spills.

    Parameters
    ----------
    load: rate of each hour over the mean rate, shape (h,).
    replicas: of the fleet, spares among them; 0: everything spills.
    replica_to_mean: rate that one replica sustains within its targets over the mean rate.
    availability: share of the time that a replica is up.
    """
    if not 0 <= availability <= 1:
        raise InputError("availability", availability, "must lie from 0 to 1", "give a share such as 0.995")
    rates = np.asarray(load, float)
    up = np.arange(replicas + 1)
    over = np.maximum(rates - replica_to_mean * up[:, None], 0).mean(axis=1) / rates.mean()
    return float(np.clip(_binomial(replicas, availability) @ over, 0, 1))


def _binomial(n: int, p: float) -> Floats:
    """Return P(k of n) for k from 0 to n, shape (n + 1,)."""
    if p in (0, 1):
        return np.asarray(np.arange(n + 1) == (n if p else 0), float)
    k = np.arange(n + 1)
    ways = np.array([math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in k])
    return np.asarray(np.exp(ways + k * math.log(p) + (n - k) * math.log1p(-p)))
