"""How sure it is that quality reaches a floor, and the highest floor that it reaches with a chance. (11.10), (11.11)"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats

ROUNDING = 1e-9
_erfc = np.vectorize(math.erfc, otypes=[float])  # SciPy stays out of a kernel's start
Moments = tuple[Floats, Floats, Floats] | tuple[float, float, float]
"""A quality, its standard deviation and that of today's success (0 where certain against it)."""


class Doubt(NamedTuple):
    """What a quality mixed of two models' may be off by, as shares of today's success; arrays or numbers.

    Attributes
    ----------
    weak_sd, strong_sd: standard deviations that the models make; today_sd: of today's success.
    of_today: the part of it that is today's own.
    """

    weak_sd: Floats
    strong_sd: Floats
    today_sd: Floats
    of_today: Floats

    @property
    def spread(self) -> tuple[Floats, Floats, Floats]:
        """The deviations of both models together and of today's, and today's own part."""
        return np.hypot(self.weak_sd, self.strong_sd), self.today_sd, self.of_today


def mixed(share: Floats | float, weak: Moments, strong: Moments) -> Doubt:
    """Return how far share x weak + (1 - share) x strong may be off; arrays broadcast. (11.10)"""
    (low, low_sd, low_today), (high, high_sd, high_today) = weak, strong
    share = np.asarray(share)
    parts = share * low * (low_today == 0), (1 - share) * high * (high_today == 0)
    return Doubt(
        share * low_sd, (1 - share) * high_sd, np.maximum(low_today, high_today), np.asarray(sum(parts))
    )


def chance_to_meet(
    floor: float,
    quality: npt.ArrayLike,
    sd: npt.ArrayLike,
    today_sd: npt.ArrayLike,
    of_today: npt.ArrayLike = 0.0,
) -> Floats:
    """Return the probability that quality reaches a floor of today's success. (11.10)

    Parameters
    ----------
    quality: over today's success. sd: its standard deviation; today_sd: that of today's success, 0 where quality is
        certain against it; both as shares of today's success.
    of_today: the part of quality that is today's own, which moves with it.
    """
    margin = np.asarray(quality, float) - floor
    spread = np.hypot(sd, (floor - np.asarray(of_today, float)) * np.asarray(today_sd, float))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # next to no spread: z without end
        z = np.where(spread > 0, margin / spread, np.where(margin >= -ROUNDING, np.inf, -np.inf))
    return np.asarray(_normal_cdf(z) if floor > 0 else np.ones(z.shape))


def assured_quality(
    chance: float,
    quality: npt.ArrayLike,
    sd: npt.ArrayLike,
    today_sd: npt.ArrayLike,
    of_today: npt.ArrayLike = 0.0,
) -> Floats:
    """Return the highest floor that quality reaches with a chance of a half or more; parameters as above. (11.11)

    That is Fieller's bound of a ratio (1954); where today's success is so uncertain that there is none, 0.
    """
    z, own = NormalDist().inv_cdf(chance), np.asarray(of_today, float)
    above, left = np.asarray(quality, float) - own, 1 - (z * np.asarray(today_sd, float)) ** 2
    root = np.sqrt(np.maximum(left * np.square(sd) + np.square(today_sd * above), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = own + (above - z * root) / left
    return np.asarray(np.where(left > 0, np.maximum(bound, 0.0), 0.0 * above))  # NaN stays


def _normal_cdf(z: Floats) -> Floats:
    return np.asarray(0.5 * _erfc(-z / math.sqrt(2)))


def reaches(floor: float, assured: npt.ArrayLike) -> Bools:
    """Say whether a floor is met, given the highest that is; a floor of 0 lets everything in."""
    return np.asarray((np.asarray(assured) >= floor - ROUNDING) | (floor <= 0))
