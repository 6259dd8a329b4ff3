"""Ranges to distributions: quantile functions of a uniform draw, so that a shared cause is a shared draw."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats

Z_P90 = 1.2815515655446004
"""Standard normal deviate of the 90th percentile."""
Z_LIMIT = 3.0
"""Deviates are held within three standard deviations: a band of held-out errors says nothing about more."""


@dataclass(frozen=True)
class Range:
    """A triangular distribution from low to high with its mode, and the point that the base case uses."""

    low: float
    mode: float
    high: float
    point: float

    @property
    def is_fixed(self) -> bool:
        return self.low == self.high == self.point

    def at(self, u: npt.ArrayLike) -> Floats:
        """Return the value at each quantile `u`; NaN stands for the base case."""
        return triangular_quantile(u, self.low, self.mode, self.high, self.point)


def triangular_quantile(
    u: npt.ArrayLike, low: npt.ArrayLike, mode: npt.ArrayLike, high: npt.ArrayLike, point: npt.ArrayLike
) -> Floats:
    """Return the quantile of a triangular distribution. (8.1)

    Parameters
    ----------
    u: probabilities in 0..1; NaN gives `point`, the value of the base case.
    low, mode, high: ends and mode; low <= mode <= high. All arrays broadcast.

    Notes
    -----
    The quantile rises with each of low, mode and high, so ordered parameters give ordered values at every u;
    and moving an end outwards never narrows the distance between two quantiles. Both facts are relied on.
    """
    u, low, mode, high = (np.asarray(value, float) for value in (u, low, mode, high))
    width, left, right = high - low, mode - low, high - mode
    with np.errstate(divide="ignore", invalid="ignore"):
        below = u * width <= left
        value = np.where(below, low + np.sqrt(u * width * left), high - np.sqrt((1 - u) * width * right))
    return np.asarray(np.where(np.isnan(u), np.asarray(point, float), value))


def split_lognormal(z: npt.ArrayLike, p10: npt.ArrayLike, p90: npt.ArrayLike) -> Floats:
    """Return a factor with median 1 and the given 10th and 90th percentile at deviate `z`. (8.2)

    Below the median the logarithm is spread by log(1/p10), above by log(p90); 0 < p10 <= 1 <= p90. NaN in `z`
    stands for the base case and gives 1.
    """
    deviate = np.clip(np.nan_to_num(np.asarray(z, float), nan=0.0), -Z_LIMIT, Z_LIMIT) / Z_P90
    down, up = -np.log(np.asarray(p10, float)), np.log(np.asarray(p90, float))
    return np.asarray(np.exp(deviate * np.where(deviate < 0, down, up)))


def normal_deviate(u: npt.ArrayLike) -> Floats:
    """Return the standard normal quantile; NaN stays NaN."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.asarray(u, float)))


def latin_hypercube(names: tuple[str, ...], draws: int, seed: int) -> Floats:
    """Return uniform draws (len(names), draws), each row stratified. (8.3)

    A row depends on its name, the number of draws and the seed only, so that adding an input leaves the
    others' draws as they were.
    """
    rows = []
    for name in names:
        rng = np.random.default_rng([seed, crc32(name.encode())])
        rows.append((rng.permutation(draws) + rng.random(draws)) / draws)
    return np.array(rows, float).reshape(len(names), draws)
