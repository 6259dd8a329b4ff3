"""Fitting the constants: penalised least squares on log errors, jointly on TPOT, TTFT and throughput."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.throughput.configurations import Floats
from llmplan.throughput.constants import Calibration, constants
from llmplan.throughput.observations import Observations

QUANTITY_WEIGHTS: Final = np.array([[1.0], [0.35], [1.0]])
"""TTFT scatters about three times as much as TPOT and throughput."""
ROBUST_FROM: Final = 0.1
"""Log error at which the loss turns from square to absolute (pseudo-Huber), and unit of the residuals."""
PRIOR_SCALE: Final = 0.3
DERIVATIVE_STEP: Final = 1e-3
MAX_ITERATIONS: Final = 12
MAX_STEP: Final = 1.0
SHRINKAGE: Final = 1.0
"""Multiplies the weights of shrinkage of all deviations; chosen by cross-validation."""
NEGLIGIBLE: Final = 0.01
"""Deviations smaller than this log change are dropped from the data file."""


@dataclass(frozen=True)
class Parameter:
    """One unknown of the fit: a constant's base (factor None) or its deviation at a level of a factor."""

    constant: int
    factor: str | None
    level: str | None
    candidates: NDArray[np.bool_] | None
    penalty: float


def parameters_of(obs: Observations, shrinkage: float = SHRINKAGE) -> list[Parameter]:
    """All unknowns: a base value a constant, and a deviation for each level that occurs in the data."""
    result = []
    for i, constant in enumerate(constants()):
        result.append(Parameter(i, None, None, None, constant.tightness * PRIOR_SCALE))
        for factor, weight in constant.factors:
            of_row = obs.configurations.levels(factor)
            result += [
                Parameter(i, factor, name, of_row == name, weight * shrinkage) for name in sorted(set(of_row))
            ]
    return result


def log_constants(parameters: list[Parameter], x: Floats, n: int) -> Floats:
    """Log of every constant for every candidate, shape (number of constants, n)."""
    logs = np.repeat(np.log([constant.start for constant in constants()])[:, None], n, axis=1)
    for value, p in zip(x, parameters, strict=True):
        if value != 0.0:
            logs[p.constant, slice(None) if p.candidates is None else p.candidates] += value
    return logs


def _outputs(obs: Observations, logs: Floats) -> Floats:
    return obs.outputs({constant.name: np.exp(logs[i]) for i, constant in enumerate(constants())})


def _pseudo_huber(residuals: Floats) -> Floats:
    """Loss in units of ROBUST_FROM squared."""
    loss: Floats = 2.0 * (np.sqrt(1.0 + (residuals / ROBUST_FROM) ** 2) - 1.0)
    return loss


@dataclass(frozen=True, eq=False)
class _State:
    """A point of the descent: unknowns, log constants, outputs, chosen splits, residuals and cost."""

    x: Floats
    logs: Floats
    outputs: Floats
    chosen: NDArray[np.intp]
    residuals: Floats
    cost: float


def fit(obs: Observations, row_weights: Floats, shrinkage: float = SHRINKAGE) -> Calibration:
    """Fit the constants to the rows whose weight is above 0; deterministic, from the fixed start.

    Levenberg-Marquardt with iteratively reweighted residuals. The derivative of every output by every log
    constant is taken once a step by a forward difference; a deviation's derivative is that of its constant
    on the rows of its level, so their number costs next to nothing.
    """
    parameters = parameters_of(obs, shrinkage)
    penalty = np.array([p.penalty for p in parameters])
    weights = QUANTITY_WEIGHTS * np.isfinite(obs.measured) * row_weights
    state = _state(obs, parameters, np.zeros(len(parameters)), weights, penalty)
    damping = 1e-2
    for _ in range(MAX_ITERATIONS):
        normal, gradient = _normal_equations(obs, parameters, state, weights)
        gradient = gradient + penalty**2 * state.x
        previous = state.cost
        state, damping = _descend(obs, parameters, state, normal, gradient, weights, penalty, damping)
        if previous - state.cost < 1e-4 * previous:
            break
    return _calibration(parameters, state.x)


def _state(
    obs: Observations, parameters: list[Parameter], x: Floats, weights: Floats, penalty: Floats
) -> _State:
    logs = log_constants(parameters, x, len(obs.configurations))
    outputs = _outputs(obs, logs)
    chosen = obs.best(outputs)
    residuals = np.where(weights > 0, outputs[:, chosen] - np.nan_to_num(obs.measured), 0.0)
    cost = float((weights**2 * _pseudo_huber(residuals)).sum() + (penalty**2 * x**2).sum())
    return _State(x, logs, outputs, chosen, residuals, cost)


def _normal_equations(
    obs: Observations, parameters: list[Parameter], state: _State, weights: Floats
) -> tuple[Floats, Floats]:
    """Weighted J'J and J'r of the current point."""
    derivatives = []
    for i in range(len(constants())):
        moved = state.logs.copy()
        moved[i] += DERIVATIVE_STEP
        change = (_outputs(obs, moved) - state.outputs)[:, state.chosen] / DERIVATIVE_STEP
        derivatives.append(np.where(np.isfinite(change), change, 0.0))
    rows = len(obs.rows)
    jacobian = np.empty((len(parameters), 3, rows))
    for j, p in enumerate(parameters):
        on = 1.0 if p.candidates is None else p.candidates[state.chosen]
        jacobian[j] = derivatives[p.constant] * on
    flat = jacobian.reshape(len(parameters), -1)
    reweighted = weights**2 / np.sqrt(1.0 + (state.residuals / ROBUST_FROM) ** 2) / ROBUST_FROM**2
    weighted = flat * reweighted.ravel()
    return weighted @ flat.T, weighted @ state.residuals.ravel()


def _descend(
    obs: Observations,
    parameters: list[Parameter],
    state: _State,
    normal: Floats,
    gradient: Floats,
    weights: Floats,
    penalty: Floats,
    damping: float,
) -> tuple[_State, float]:
    """One accepted step (or none), with the damping raised until the cost falls."""
    from scipy.linalg import solve  # SciPy stays out of a kernel's start

    for _ in range(6):
        matrix = normal + np.diag(penalty**2 + damping * np.diag(normal))
        step = solve(matrix, gradient, assume_a="pos")
        trial = _state(obs, parameters, state.x - np.clip(step, -MAX_STEP, MAX_STEP), weights, penalty)
        if np.isfinite(trial.cost) and trial.cost < state.cost:
            return trial, max(damping / 5.0, 1e-5)
        damping *= 5.0
    return state, damping


def _calibration(parameters: list[Parameter], x: Floats) -> Calibration:
    base = {constant.name: float(np.log(constant.start)) for constant in constants()}
    effects: dict[str, dict[str, dict[str, float]]] = {}
    for value, p in zip(x, parameters, strict=True):
        name = constants()[p.constant].name
        if p.factor is None or p.level is None:
            base[name] = round(base[name] + float(value), 6)
        elif abs(value) > NEGLIGIBLE:
            effects.setdefault(name, {}).setdefault(p.factor, {})[p.level] = round(float(value), 4)
    return Calibration(base, effects)


def row_weights_of(obs: Observations) -> NDArray[Any]:
    """Weight of each row in the fit: less for medians of an uneven trace and for doubtful GPU counts.

    AccelMark rows state medians of ShareGPT, whose lengths are far from even. Rows of Qwen3-235B on H200
    state GPU counts that cannot hold its weights or give the same speed on one as on four.
    """
    weights = []
    for m in obs.rows:
        weight = 0.4 if m.source_title.startswith("AccelMark") else 1.0
        doubtful = m.gpu_id == "h200-sxm" and m.engine_version in ("0.5.6.post2", "0.12.0")
        weights.append(weight * (0.3 if doubtful else 1.0))
    return np.array(weights)
