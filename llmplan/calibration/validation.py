"""Cross-validation of the fit: points, replicas, models or whole sources kept back."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.calibration.fitting import fit, row_weights_of
from llmplan.calibration.observations import Observations, predicted
from llmplan.catalog.measurements import Measurement
from llmplan.catalog.publishers import publisher_of
from llmplan.replica.constants import Calibration

SEED: Final = 0
LARGEST_SOURCE: Final = 0.3
"""A source with more than this share of the rows is never left out whole: too little would be left to fit."""


def _point(m: Measurement) -> tuple[object, ...]:
    load = (m.input_tokens, m.output_tokens, m.arrival, m.concurrency, m.offered_rps)
    return (m.replica, m.n_gpus, *(str(value) for value in (*load, m.tpot_ms, m.output_tokens_per_s)))


PROTOCOLS: Final[dict[str, tuple[Callable[[Measurement], tuple[object, ...]], int]]] = {
    "points": (_point, 3),
    "groups": (lambda m: (m.model_id, m.gpu_id, m.engine_id), 4),
    "models": (lambda m: (m.model_id,), 3),
    "sources": (lambda m: (publisher_of(m.source_title),), 5),
    "own models": (lambda m: (m.model_id, m.precision) if is_own(m) else (), 5),
}
"""What is kept back together, and in how many folds. points: exact repeats share a fold, so none vouches for
another. groups: model, GPU and engine. models: every run of a model. sources: every run of a publisher. own models: own
runs of a model in a format; the fit keeps the other own runs."""


def is_own(m: Measurement) -> bool:
    """Whether this project measured a row itself."""
    return m.source_title.startswith("own measurement")


def folds_of(obs: Observations, protocol: str) -> Places:
    """Fold of each row; -1: never kept back."""
    key, folds = PROTOCOLS[protocol]
    keys = [key(m) for m in obs.rows]
    fold = _spread(keys, folds)
    if protocol == "own models":
        return np.where([is_own(m) for m in obs.rows], fold, -1)
    if protocol != "sources":
        return fold
    _, of_row, count = np.unique([str(k) for k in keys], return_inverse=True, return_counts=True)
    return np.where(count[of_row] > LARGEST_SOURCE * len(keys), -1, fold)


def _spread(keys: Sequence[tuple[object, ...]], folds: int) -> Places:
    unique = sorted(set(keys), key=str)
    order = np.random.default_rng(SEED).permutation(len(unique))
    fold = dict(zip(unique, order % folds, strict=True))
    return np.array([fold[key] for key in keys], dtype=np.intp)


def cross_validate(obs: Observations, folds: Places, near: Calibration | None = None) -> Floats:
    """Held-out log errors, predicted minus measured, of every row, shape (3, rows); NaN where never kept back.

    near: a calibration from which each fold's fit starts.
    """
    errors = np.full((3, len(obs.rows)), np.nan)
    weights = row_weights_of(obs)
    for fold in np.unique(folds[folds >= 0]):
        held = folds == fold
        if held.all():
            continue
        values, _ = predicted(obs, fit(obs, np.where(held, 0.0, weights), near))
        errors[:, held] = (values - obs.measured)[:, held]
    return errors
