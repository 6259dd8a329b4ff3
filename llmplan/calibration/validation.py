"""Cross-validation of the fit: kept-back points of seen replicas, and whole replicas kept back."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Floats
from llmplan.calibration.fitting import fit, row_weights_of
from llmplan.calibration.observations import Observations
from llmplan.calibration.predicted_rows import predicted
from llmplan.catalog.measurements import Measurement

POINT_FOLDS: Final = 5
GROUP_FOLDS: Final = 8
SEED: Final = 0


def point_folds(obs: Observations) -> NDArray[np.intp]:
    """Fold of each row at random; exact repeats of a point share a fold, so none vouches for another."""
    keys = [_point(m) for m in obs.rows]
    return _spread(keys, POINT_FOLDS)


def group_folds(obs: Observations) -> NDArray[np.intp]:
    """Fold of each row by model, GPU and engine: a fold's groups are unseen by its fit."""
    return _spread([(m.model_id, m.gpu_id, m.engine_id) for m in obs.rows], GROUP_FOLDS)


def _point(m: Measurement) -> tuple[object, ...]:
    load = (m.input_tokens, m.output_tokens, m.arrival, m.concurrency, m.offered_rps)
    return (m.replica, m.n_gpus, *(str(value) for value in (*load, m.tpot_ms, m.output_tokens_per_s)))


def _spread(keys: Sequence[tuple[object, ...]], folds: int) -> NDArray[np.intp]:
    unique = sorted(set(keys), key=str)
    order = np.random.default_rng(SEED).permutation(len(unique))
    fold = dict(zip(unique, order % folds, strict=True))
    return np.array([fold[key] for key in keys], dtype=np.intp)


def cross_validate(obs: Observations, folds: NDArray[np.intp]) -> Floats:
    """Held-out log errors, predicted minus measured, of every row, shape (3, rows)."""
    errors = np.full((3, len(obs.rows)), np.nan)
    weights = row_weights_of(obs)
    for fold in np.unique(folds):
        held = folds == fold
        values, _ = predicted(obs, fit(obs, np.where(held, 0.0, weights)))
        errors[:, held] = (values - obs.measured)[:, held]
    return errors
