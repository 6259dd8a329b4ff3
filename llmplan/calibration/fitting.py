"""Fitting the constants: penalised least squares on log errors, jointly on TPOT, TTFT and throughput."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Bools, Floats, Places
from llmplan.calibration.observations import Observations
from llmplan.catalog.publishers import host_of
from llmplan.replica.constants import Calibration

QUANTITY_WEIGHTS: Final = np.array([[1.0], [0.35], [1.0]])
"""TTFT scatters about three times as much as TPOT and throughput."""
ROBUST_FROM: Final = 0.05
"""Log error at which the loss turns from square to absolute (pseudo-Huber), and unit of the residuals."""
PRIOR_SCALE: Final = 0.5
"""Multiplies the tightness of every constant's prior."""
SHRINKAGE: Final = 4.0
"""Weight of a deviation's pull towards none: one standard deviation is a factor exp(1 / 4) = 1.28."""
OWN_SHRINKAGE: Final = 8.0
"""The same for what a replica adds to its family: exp(1 / 8) = 1.13."""
HOST_SHRINKAGE: Final = 5.0
"""The same for what a publisher's hosts and settings do to all its runs of an engine: exp(1 / 5) = 1.22."""
DERIVATIVE_STEP: Final = 1e-3
MAX_ITERATIONS: Final = 16
FEW_ITERATIONS: Final = 5
"""Steps from a solution that is near already."""
MAX_STEP: Final = 1.0
OWN: Final = "replica"
"""The factor whose deviations are a replica's own: they help on loads of that replica only."""
PUBLISHER: Final = "publisher"
"""The factor whose deviations are a publisher's own: no prediction has them."""
NEGLIGIBLE: Final = 0.03
"""Deviations smaller than this log change are dropped from the data file."""


@dataclass(frozen=True)
class Parameter:
    """One unknown of the fit: a constant's base (factor None) or its deviation at a level of a factor."""

    constant: int
    factor: str | None
    level: str | None
    candidates: Bools | None
    penalty: float


def family_parameters(obs: Observations) -> list[Parameter]:
    """Unknowns of the first stage: each constant's base, and its deviations by level of shared factors."""
    result = []
    for i, constant in enumerate(obs.constants):
        result.append(Parameter(i, None, None, None, constant.tightness * PRIOR_SCALE))
        for factor in constant.factors:
            result += [] if factor == OWN else _deviations(obs, i, factor, SHRINKAGE)
    return result


def replica_parameters(obs: Observations) -> list[Parameter]:
    """Unknowns of the second stage: how a replica of the data deviates from its family."""
    own = [i for i, constant in enumerate(obs.constants) if OWN in constant.factors]
    return [p for i in own for p in _deviations(obs, i, OWN, OWN_SHRINKAGE)]


def publisher_parameters(obs: Observations) -> list[Parameter]:
    """Unknowns of the first stage that are left behind: the pace of all that a publisher ran under an engine.

    A random effect: rows of one host and one set of flags share an error, which families are not to learn. Who
    has most rows of an engine has none: what predictions say is what runs there. Of dense models only: few
    publishers ran the same mixture, so that theirs would take what families need to learn.
    """
    pace = next(i for i, constant in enumerate(obs.constants) if constant.name == "decode_pace")
    who = np.array([host_of(m.source_title) for m in obs.rows], dtype=object)[obs.row]
    engine = obs.configurations.levels("generation")
    most = {(Counter(who[engine == name]).most_common(1)[0][0], name) for name in set(engine)}
    pairs = [pair not in most for pair in zip(who, engine, strict=True)]
    counted = np.array(pairs) & (obs.configurations.levels("structure") == "dense")
    of_row = np.where(counted, who + ":" + engine, "")
    return _of_levels(pace, PUBLISHER, of_row, HOST_SHRINKAGE)


def _deviations(obs: Observations, constant: int, factor: str, penalty: float) -> list[Parameter]:
    return _of_levels(constant, factor, obs.configurations.levels(factor), penalty)


def _of_levels(constant: int, factor: str, of_row: NDArray[Any], penalty: float) -> list[Parameter]:
    return [Parameter(constant, factor, name, of_row == name, penalty) for name in sorted(set(of_row) - {""})]


def moved_by(logs: Floats, parameters: list[Parameter], x: Floats) -> Floats:
    """Log of every constant for every candidate, shape (number of constants, n), moved by the unknowns."""
    logs = logs.copy()
    for value, p in zip(x, parameters, strict=True):
        if value != 0.0:
            logs[p.constant, slice(None) if p.candidates is None else p.candidates] += value
    return logs


def _outputs(obs: Observations, logs: Floats) -> Floats:
    return obs.outputs({constant.name: constant.value(logs[i]) for i, constant in enumerate(obs.constants)})


def _pseudo_huber(residuals: Floats) -> Floats:
    """Loss in units of ROBUST_FROM squared."""
    loss: Floats = 2.0 * (np.sqrt(1.0 + (residuals / ROBUST_FROM) ** 2) - 1.0)
    return loss


@dataclass(frozen=True, eq=False)
class _Problem:
    """A stage of the fit: rows and their weights (3, rows), unknowns and their penalties, log constants before."""

    obs: Observations
    parameters: list[Parameter]
    start: Floats
    weights: Floats
    penalty: Floats


@dataclass(frozen=True, eq=False)
class _State:
    """A point of the descent: unknowns, log constants, outputs, chosen splits, residuals and cost."""

    x: Floats
    logs: Floats
    outputs: Floats
    chosen: Places
    residuals: Floats
    cost: float


def fit(obs: Observations, row_weights: Floats, near: Calibration | None = None) -> Calibration:
    """Fit the constants to the rows whose weight is above 0; deterministic, from the fixed start or `near`.

    First what families share, then what their replicas add: fitted together, a replica with many rows would
    keep its speed to itself instead of teaching its family.
    """
    used = row_weights > 0
    obs, row_weights = obs.of_rows(used), row_weights[used]
    start = np.repeat(np.log([c.start for c in obs.constants])[:, None], len(obs.configurations), axis=1)
    weights = QUANTITY_WEIGHTS * np.isfinite(obs.measured) * row_weights
    family, own = family_parameters(obs), replica_parameters(obs)
    first = family + publisher_parameters(obs)
    problem = _problem(obs, first, start, weights * _evened(obs, row_weights))
    iterations = FEW_ITERATIONS if near else MAX_ITERATIONS
    shared = _descended(problem, _moves(obs, first, near), iterations).x[: len(family)]
    problem = _problem(obs, own, moved_by(start, family, shared), weights)
    rest = _descended(problem, _moves(obs, own, near), iterations).x
    return _calibration(obs, family + own, np.concatenate([shared, rest]))


def _evened(obs: Observations, row_weights: Floats) -> Floats:
    """Factor on the weight of each row, so that n rows of a replica, which share its error, count as sqrt(n)."""
    replicas = np.array([m.replica for m in obs.rows])
    _, of_row = np.unique(replicas, return_inverse=True)
    count = np.maximum(np.bincount(of_row, row_weights > 0), 1.0)[of_row]
    share = count**-0.5
    result: Floats = np.sqrt(share / share.mean())
    return result


def _problem(obs: Observations, parameters: list[Parameter], start: Floats, weights: Floats) -> _Problem:
    return _Problem(obs, parameters, start, weights, np.array([p.penalty for p in parameters]))


def _moves(obs: Observations, parameters: list[Parameter], near: Calibration | None) -> Floats:
    """Moves that lead to `near`; none without it."""
    if near is None:
        return np.zeros(len(parameters))
    names = [obs.constants[p.constant].name for p in parameters]
    starts = [float(np.log(obs.constants[p.constant].start)) for p in parameters]
    return np.array(
        [
            near.base[name] - start
            if p.factor is None or p.level is None
            else near.effects.get(name, {}).get(p.factor, {}).get(p.level, 0.0)
            for p, name, start in zip(parameters, names, starts, strict=True)
        ]
    )


def _descended(problem: _Problem, x: Floats | None = None, iterations: int = MAX_ITERATIONS) -> _State:
    """Penalised least squares by Levenberg-Marquardt with iteratively reweighted residuals, from `x` or no move."""
    state = _state(problem, np.zeros(len(problem.parameters)) if x is None else x)
    damping = 1e-2
    for _ in range(iterations):
        before = state.cost
        state, damping = _step(problem, state, damping)
        if 0.0 < before - state.cost < 1e-4 * before:
            break
    return state


def _state(problem: _Problem, x: Floats) -> _State:
    obs, weights = problem.obs, problem.weights
    logs = moved_by(problem.start, problem.parameters, x)
    outputs = _outputs(obs, logs)
    chosen = obs.best(outputs)
    residuals = np.where(weights > 0, outputs[:, chosen] - np.nan_to_num(obs.measured), 0.0)
    cost = float((weights**2 * _pseudo_huber(residuals)).sum() + (problem.penalty**2 * x**2).sum())
    return _State(x, logs, outputs, chosen, residuals, cost)


def _step(problem: _Problem, state: _State, damping: float) -> tuple[_State, float]:
    """One accepted step (or none), with the damping raised until the cost falls."""
    from scipy.linalg import solve  # SciPy stays out of a kernel's start

    normal, gradient = _normal_equations(problem, state)
    for _ in range(6):
        matrix = normal + np.diag(damping * np.diag(normal))
        move = np.clip(solve(matrix, gradient, assume_a="pos"), -MAX_STEP, MAX_STEP)
        trial = _state(problem, state.x - move)
        if np.isfinite(trial.cost) and trial.cost < state.cost:
            return trial, max(damping / 5.0, 1e-5)
        damping *= 5.0
    return state, damping


def _normal_equations(problem: _Problem, state: _State) -> tuple[Floats, Floats]:
    """Weighted J'J and J'r of the current point, penalties included.

    A deviation's derivative is that of its constant on the rows of its level, so unknowns cost next to nothing.
    """
    chosen, logs = problem.obs.at(state.chosen), state.logs[:, state.chosen]
    now = state.outputs[:, state.chosen]
    derivatives = {i: _derivative(chosen, logs, now, i) for i in {p.constant for p in problem.parameters}}
    jacobian = np.array(
        [
            derivatives[p.constant] * (1.0 if p.candidates is None else p.candidates[state.chosen])
            for p in problem.parameters
        ]
    )
    flat = jacobian.reshape(len(problem.parameters), -1)
    reweighted = problem.weights**2 / np.sqrt(1.0 + (state.residuals / ROBUST_FROM) ** 2) / ROBUST_FROM**2
    weighted = flat * reweighted.ravel()
    normal = weighted @ flat.T + np.diag(problem.penalty**2)
    return normal, weighted @ state.residuals.ravel() + problem.penalty**2 * state.x


def _derivative(chosen: Observations, logs: Floats, now: Floats, constant: int) -> Floats:
    """Forward difference of the outputs (3, rows) of the chosen candidates by the log of one constant."""
    moved = logs.copy()
    moved[constant] += DERIVATIVE_STEP
    change = (_outputs(chosen, moved) - now) / DERIVATIVE_STEP
    return np.where(np.isfinite(change), change, 0.0)


def _calibration(obs: Observations, parameters: list[Parameter], x: Floats) -> Calibration:
    base = {constant.name: float(np.log(constant.start)) for constant in obs.constants}
    effects: dict[str, dict[str, dict[str, float]]] = {}
    for value, p in zip(x, parameters, strict=True):
        name = obs.constants[p.constant].name
        if p.factor is None or p.level is None:
            base[name] = round(base[name] + float(value), 6)
        elif abs(value) > NEGLIGIBLE:
            effects.setdefault(name, {}).setdefault(p.factor, {})[p.level] = round(float(value), 4)
    return Calibration(base, effects)


SOURCE_WEIGHTS: Final = {
    "AccelMark": 0.4,
    "InferenceX experimental": 0.3,
    "InferenceX dashboard": 0.5,
    "own measurement": 3.0,
}
"""Weight of a source's rows by how its name begins; 1 for the others. AccelMark states medians of an uneven
trace; one experiment prefills four times as slowly as its owner's official runs; the dashboard's are 800 older
runs of one model; own steady-state runs have neither hosts nor bursts between engine and clock."""


def row_weights_of(obs: Observations) -> NDArray[Any]:
    """Weight of each row in the fit: that of its source, less for doubtful GPU counts.

    Rows of Qwen3-235B on H200 state GPU counts that cannot hold its weights or give the same speed on one as on
    four.
    """
    weights = []
    for m in obs.rows:
        weight = next((w for name, w in SOURCE_WEIGHTS.items() if m.source_title.startswith(name)), 1.0)
        doubtful = m.gpu_id == "h200-sxm" and m.engine_version in ("0.5.6.post2", "0.12.0")
        weights.append(weight * (0.3 if doubtful else 1.0))
    return np.array(weights)
