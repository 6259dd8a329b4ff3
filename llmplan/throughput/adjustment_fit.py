"""Fitting the adjustments of replicas to what the step model leaves unexplained."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from llmplan.throughput.adjustments import TERMS, TYPICAL, drifts
from llmplan.throughput.configurations import Floats
from llmplan.throughput.constants import Levels
from llmplan.throughput.fitting import NEGLIGIBLE, ROBUST_FROM
from llmplan.throughput.observations import QUANTITIES, Observations


def fit_adjustments(
    obs: Observations, chosen: NDArray[np.intp], residuals: Floats, row_weights: Floats
) -> dict[str, Levels]:
    """Fit the adjustments to the log errors (3, rows) that the step model leaves; ridge, robust."""
    c = obs.configurations.take(chosen)
    clients = np.where(obs.kind[chosen] == "closed_loop", obs.clients[chosen], TYPICAL["clients"])
    drift = drifts(obs.input_tokens[chosen], obs.output_tokens[chosen], clients)
    result: dict[str, Levels] = {}
    for q, quantity in enumerate(QUANTITIES):
        columns, keys, penalties = [], [], []
        for factor, name, weight in TERMS[quantity]:
            of_row = c.levels(factor)
            for level in sorted(set(of_row)):
                columns.append(np.where(of_row == level, drift[name], 0.0))
                keys.append((f"{factor}|{name}", level))
                penalties.append(weight)
        used = np.isfinite(residuals[q]) & (row_weights > 0)
        x = _ridge(np.array(columns).T[used], residuals[q][used], row_weights[used], np.array(penalties))
        for (key, level), value in zip(keys, x, strict=True):
            if abs(value) > NEGLIGIBLE:
                result.setdefault(quantity, {}).setdefault(key, {})[level] = round(-float(value), 4)
    return result


def _ridge(design: Floats, residuals: Floats, weights: Floats, penalties: Floats) -> Floats:
    """Reweighted ridge regression with the pseudo-Huber loss of the main fit."""
    x: Floats = np.zeros(design.shape[1])
    for _ in range(8):
        left = residuals - design @ x
        w = weights / np.sqrt(1.0 + (left / ROBUST_FROM) ** 2) / ROBUST_FROM**2
        normal = (design.T * w) @ design + np.diag(penalties**2)
        x = np.asarray(solve(normal, (design.T * w) @ residuals, assume_a="pos"))
    return x
