"""What own measurements tell of other loads of the same replica: how much faster or slower it is (3.24)."""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Final

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.measurements.points import MeasuredPoint
from llmplan.replica import Configurations, ReplicaConfig, predict

PACES: Final = ("decode_pace", "prefill_pace")
"""The constants of which a replica of the data has its own."""
OWN: Final = "replica"
WIDTH_80: Final = 2 * 1.2816
"""Standard deviations between the ends of an 80 % band."""


def learnt(configurations: Configurations, points: Sequence[MeasuredPoint]) -> Configurations:
    """Return the configurations under a fit that knows the user's own measurements. (3.24)

    Decoding and prefill of a measured replica take as much longer, at every load, as they were measured to take,
    shrunk towards the prediction by how far loads of one replica differ; it counts as seen.
    """
    return _learnt(configurations, tuple(points)) if points else configurations


@kept(4)
def _learnt(configurations: Configurations, points: tuple[MeasuredPoint, ...]) -> Configurations:
    catalog = configurations.catalog
    errors: dict[str, list[float]] = {}
    for point in points:
        level, error = _log_error(catalog, point)
        if np.isfinite(error):
            errors.setdefault(level, []).append(error)
    shifts = {level: trust(catalog, len(found)) * float(np.mean(found)) for level, found in errors.items()}
    fit = catalog.calibration
    effects = dict(fit.effects)
    for name in PACES:
        own = dict(effects.get(name, {}).get(OWN, {}))
        own |= {level: own.get(level, 0.0) + shift for level, shift in shifts.items()}
        effects[name] = {**effects.get(name, {}), OWN: own}
    known = tuple(sorted({*fit.replicas, *shifts}))
    now = fit.model_copy(update={"effects": effects, "replicas": known})
    return replace(configurations, catalog=replace(catalog, calibration=now))


def trust(catalog: Catalog, n: int) -> float:
    """Weight of the mean of n log errors: n b / (n b + w), variances between replicas and within one. (3.24)

    Both are those of the fit's bands of TPOT: replicas that it has seen err by w, others by b + w.
    """
    bands = catalog.calibration.bands["tpot"]
    within, both = ((log(bands[tier][1] / bands[tier][0]) / WIDTH_80) ** 2 for tier in ("seen", "unseen"))
    between = max(both - within, 0.0)
    return n * between / (n * between + within)


def _log_error(catalog: Catalog, point: MeasuredPoint) -> tuple[str, float]:
    """Return a point's replica, and the log of its measured over its predicted time; NaN where it tells none."""
    names = (point.model_id, point.precision_id, point.gpu_id, point.n_gpus, point.engine_id)
    one = Configurations.from_configs(catalog, [ReplicaConfig(*names)])
    level, lengths = str(one.levels(OWN)[0]), (point.input_tokens, point.output_tokens)
    if point.arrival == "offline":
        found = predict(one, *lengths, None, "offline")
    elif point.arrival == "open_loop" and point.offered_rps:
        found = predict(one, *lengths, None, "open_loop", point.offered_rps)
    elif point.concurrency:
        found = predict(one, *lengths, point.concurrency)
    else:
        return level, np.nan
    if point.tpot_ms and point.arrival != "offline":
        return level, _log_ratio(np.array([point.tpot_ms]), found.tpot_ms)
    rate = point.requests_per_s if point.arrival != "open_loop" else None
    return level, _log_ratio(found.requests_per_s, np.array([rate])) if rate else np.nan


def _log_ratio(above: Floats, below: Floats) -> float:
    return float(np.log(above[0] / below[0]))
