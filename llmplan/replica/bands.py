"""The 80 % band of a prediction: quantiles of held-out errors of its slice (section 3.8)."""

from collections.abc import Sequence
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
    quantities: Sequence[str],
    basis: NDArray[Any],
    arrival: str | NDArray[Any],
    tier: NDArray[Any] | None = None,
) -> list[tuple[Floats, Floats]]:
    """Factors to the 10th and 90th percentile of each quantity, shapes (n,); a draft's range widens them.

    tier: nearness to the data where it is not that of the stored fit (held-out rows).
    """
    slices, place = _slices(c, tiers(c, basis) if tier is None else tier, arrival)
    widened = {  # the more drafted tokens are kept, the shorter
        "tpot": (c.draft_gain / c.draft_gain_high, c.draft_gain / c.draft_gain_low),
        "throughput": (c.draft_gain_low / c.draft_gain, c.draft_gain_high / c.draft_gain),
    }
    found = []
    for quantity in quantities:
        table = {name: list(band) for name, band in c.catalog.calibration.bands[quantity].items()}
        factors = np.array([_nearest(table, keys) for keys in slices]).reshape(len(slices), 2)[place]
        less, more = widened.get(quantity, (1.0, 1.0))
        found.append((factors[:, 0] * less, factors[:, 1] * more))
    return found


def _slices(
    c: Configurations, tier: NDArray[Any], arrival: str | NDArray[Any]
) -> tuple[list[tuple[str, ...]], NDArray[np.intp]]:
    """Keys of the slices that occur, and the place among them of each configuration's."""
    names, kind = ([arrival], 0) if isinstance(arrival, str) else np.unique(arrival, return_inverse=True)
    moe = structure_of(c) == "moe"
    cell = (kind * 3 + 2 * (tier == FAR) + (tier == UNSEEN)) * 2 + moe
    used, place = np.unique(cell, return_inverse=True)
    near, structures = (SEEN, UNSEEN, FAR), ("dense", "moe")
    keys = [slice_keys(near[i // 2 % 3], str(names[i // 6]), structures[i % 2]) for i in used]
    return keys, place


def structure_of(c: Configurations) -> NDArray[Any]:
    """ "dense" or "moe" for each configuration."""
    return np.where(level_values(c, "structure", {"dense": 1.0}) > 0, "dense", "moe")


def _nearest(table: dict[str, Band], keys: tuple[str, ...]) -> Band:
    """Band of the finest slice known.

    Far from the data it is never narrower than near it; a kind of arrival with too few errors that near has the nearest
    band of its own that is farther, if that is wider.
    """
    own = next((table[key] for key in keys if key in table), table.get(UNSEEN) or table[SEEN])
    tier = keys[-1]
    if tier == FAR:
        return _widest(
            [own, *_at(table, keys[-1:], UNSEEN), *_at(table, keys[:-1], UNSEEN)[:1], *_at(table, keys[-1:])]
        )
    if any(key in table for key in keys[:-1]):
        return own
    farther = (other for other in (UNSEEN, FAR) if other != tier)
    return _widest([own, *[band for other in farther for band in _at(table, keys[:-1], other)][:1]])


def _at(table: dict[str, Band], keys: tuple[str, ...], tier: str | None = None) -> list[Band]:
    """Bands of those slices at another nearness (None: at their own), the finest first."""
    names = keys if tier is None else [":".join((tier, *key.split(":")[1:])) for key in keys]
    return [table[name] for name in names if name in table]


def _widest(bands: list[Band]) -> Band:
    return [min(band[0] for band in bands), max(band[1] for band in bands)]
