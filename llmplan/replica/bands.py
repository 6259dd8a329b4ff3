"""The 80 % band of a prediction: quantiles of held-out errors of its slice (section 3.8)."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Floats
from llmplan.replica.configurations import Configurations
from llmplan.replica.constants import level_values

SEEN, UNSEEN, FAR = "seen", "unseen", "far"
LEAST_ROWS: Final = 40
"""Held-out errors that a slice needs to have a band of its own."""
Band = list[float]


def tiers(c: Configurations, basis: NDArray[Any]) -> NDArray[Any]:
    """How near the data is: the replica itself is in it, its engine and GPU family are, or neither."""
    known = dict.fromkeys(c.catalog.calibration.replicas, 1.0)
    seen = (level_values(c, "replica", known) > 0) & ~c.is_unmeasured
    return np.where(seen, SEEN, np.where(basis == "extrapolated", FAR, UNSEEN))


def slice_keys(tier: str, arrival: str, structure: str) -> tuple[str, ...]:
    """Slices of a prediction, the finest first; the last one always has a band."""
    return f"{tier}:{arrival}:{structure}", f"{tier}:{arrival}", tier


def fit_bands(errors: Floats, keys: list[tuple[str, ...]]) -> dict[str, Band]:
    """Factors to the 10th and 90th percentile for each slice with enough held-out errors.

    errors (rows,): log of predicted over measured, NaN where nothing was measured.
    """
    result = {}
    for name in sorted({key for row in keys for key in row}):
        inside = np.array([name in row for row in keys]) & np.isfinite(errors)
        if inside.sum() >= LEAST_ROWS:
            low, high = np.quantile(-errors[inside], [0.1, 0.9])
            result[name] = [round(float(np.exp(min(low, 0.0))), 4), round(float(np.exp(max(high, 0.0))), 4)]
    return result


def band_factors(
    c: Configurations,
    quantity: str,
    basis: NDArray[Any],
    arrival: str | NDArray[Any],
    tier: NDArray[Any] | None = None,
) -> tuple[Floats, Floats]:
    """Factors that take a prediction to its 10th and 90th percentile, each of shape (n,); a draft's range widens them.

    tier: nearness to the data where it is not that of the stored fit (held-out rows).
    """
    table = {name: list(band) for name, band in c.catalog.calibration.bands[quantity].items()}
    arrivals = np.broadcast_to(np.asarray(arrival, dtype=object), (len(c),))
    columns = tiers(c, basis) if tier is None else tier, arrivals, structure_of(c)
    coded = [np.unique(column.astype(str), return_inverse=True) for column in columns]
    shape = tuple(len(names) for names, _ in coded)
    cell = np.ravel_multi_index(tuple(index for _, index in coded), shape)
    used, place = np.unique(cell, return_inverse=True)
    corners = zip(*np.unravel_index(used, shape), strict=True)
    rows = [[str(names[i]) for (names, _), i in zip(coded, corner, strict=True)] for corner in corners]
    factors = np.array([_nearest(table, slice_keys(*row)) for row in rows]).reshape(len(rows), 2)[place]
    low, high = factors.T
    if quantity == "tpot":  # the more drafted tokens are kept, the shorter
        return low * c.draft_gain / c.draft_gain_high, high * c.draft_gain / c.draft_gain_low
    if quantity == "throughput":
        return low * c.draft_gain_low / c.draft_gain, high * c.draft_gain_high / c.draft_gain
    return low, high


def structure_of(c: Configurations) -> NDArray[Any]:
    """ "dense" or "moe" for each configuration."""
    return np.where(level_values(c, "structure", {"dense": 1.0}) > 0, "dense", "moe")


def _nearest(table: dict[str, Band], keys: tuple[str, ...]) -> Band:
    """Band of the finest slice known; far from the data never narrower than near it."""
    found = next((table[key] for key in keys if key in table), table.get(UNSEEN) or table[SEEN])
    if keys[-1] != FAR:
        return found
    every = [found, *(table[key] for key in (FAR, UNSEEN) if key in table)]
    nearer = tuple(key.replace(FAR, UNSEEN, 1) for key in keys)
    every += [table[key] for key in nearer if key in table][:1]
    return [min(band[0] for band in every), max(band[1] for band in every)]
