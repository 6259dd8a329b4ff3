"""The calibrated step model of one replica, in the form that the simulation and the formulas take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot
from typing import Final, Self

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.queueing.curve import service_curve
from llmplan.queueing.simulation.steps import ReplicaLimits
from llmplan.replica.configurations import Configurations
from llmplan.replica.constants import fitted
from llmplan.replica.predict import predict
from llmplan.replica.queue import kv_limited_sequences
from llmplan.replica.reuse import Reuse, no_reuse
from llmplan.replica.step import Constants, decode_step, prefill
from llmplan.units import MS_PER_S

LARGEST_BATCH: Final = 4096
"""No engine runs more sequences of one replica at once."""
REFERENCE_CLIENTS: Final = 16
"""Clients at which, beside one and the most, the simulated time per token is held to the predicted one."""
ANCHOR_ROUNDS: Final = 3
ANCHOR_PULL: Final = 0.1
"""Weight of leaving a factor at 1, against one of making a predicted TPOT true."""
LARGEST_CHANGE: Final = 1.0
"""Largest logarithm of a factor."""


@dataclass(frozen=True, eq=False)
class CalibratedSteps:
    """Step times of one replica, tabulated by batch; exact in the cached tokens and in the prompt's length.

    decode_s: step without its cache reads, by sequences, shape (batch + 1,) [s]. per_kv_token_s,
    per_prefill_token_s, per_attended_token_s: seconds a token, see StepTimes.
    """

    decode_s: tuple[float, ...]
    per_kv_token_s: float
    per_prefill_token_s: float
    per_attended_token_s: float

    def step_s(
        self, prefill_tokens: float, attended_tokens: float, sequences: float, kv_tokens: float
    ) -> float:
        """Return the duration of one step [s]; a prompt alone overlaps with reading the weights."""
        prompt = prefill_tokens * self.per_prefill_token_s + attended_tokens * self.per_attended_token_s
        if sequences < 1:
            return hypot(prompt, self.decode_s[1])
        whole = min(int(sequences), len(self.decode_s) - 1)
        return self.decode_s[whole] + kv_tokens * self.per_kv_token_s + prompt

    def scaled(self, decoding: float, prompts: float) -> Self:
        """Return step times whose decoding and whose prompts take that many times as long."""
        return type(self)(
            tuple(value * decoding for value in self.decode_s),
            self.per_kv_token_s * decoding,
            self.per_prefill_token_s * prompts,
            self.per_attended_token_s * prompts,
        )


@dataclass(frozen=True, eq=False)
class SimulatedReplica:
    """Step times and limits of one replica, and what a request costs outside the engine's steps.

    request_overhead_s: network, tokenising and hand-over of one request, part of TTFT [s]. fresh_share: part of a
    prompt that no prefix cache holds; the requests of a simulation have that part alone.
    """

    steps: CalibratedSteps
    limits: ReplicaLimits
    request_overhead_s: float
    fresh_share: float


def simulated_replica(
    configuration: Configurations, input_tokens: float, output_tokens: float, reuse: Reuse | None = None
) -> SimulatedReplica:
    """Return one replica's step model around requests of that length.

    Parameters
    ----------
    configuration: exactly one replica. input_tokens, output_tokens: mean lengths, where cache reads and
        prompts are evaluated. reuse: what of each prompt a prefix cache holds; None: nothing.

    Raises InputError when the replica does not hold one such request.

    Notes
    -----
    Steps keep the calibrated model's shape; prompts and decoding are scaled so that TPOT at 1, 16 and the most
    clients is the predicted one as nearly as two factors can, and the overhead so that TTFT of one client is:
    what the prediction corrects beyond the step model is kept. Cached tokens are read at every step and attended to
    by the fresh ones: they are part of what a sequence and a fresh token cost (3.20).
    """
    if len(configuration) != 1:
        raise InputError("configuration", len(configuration), "must be one replica", "take one row")
    k = fitted(configuration.catalog).values(configuration)
    isl, osl = np.array([float(input_tokens)]), np.array([float(output_tokens)])
    reuse = reuse or no_reuse(1)
    fresh = reuse.fresh(isl)
    endless = replace(configuration, batch_limit=np.array([np.inf]))
    room = kv_limited_sequences(endless, k, isl, osl, reuse)
    if not (configuration.kv_room_bytes[0] > 0 and room[0] >= 1):
        rule = "weights and overhead leave no room for one request"
        raise InputError("n_gpus", configuration.configs[0].n_gpus, rule, "use more or larger GPUs")
    most = configuration.batch_limit[0] * configuration.data_parallel[0]
    running = int(max(1, min(most, LARGEST_BATCH)))
    tokens = int(configuration.step_tokens[0])
    limits = ReplicaLimits(float(room[0]) * float(fresh[0] + osl[0]), running, tokens)
    steps = _steps(configuration, k, isl, fresh, osl, int(min(running, room[0])))
    return _anchored(configuration, steps, limits, input_tokens, output_tokens, reuse)


def _anchored(
    c: Configurations,
    steps: CalibratedSteps,
    limits: ReplicaLimits,
    input_tokens: float,
    output_tokens: float,
    reuse: Reuse,
) -> SimulatedReplica:
    """Scale decoding and prompts so that TPOT is the predicted one; what TTFT then lacks is overhead.

    Least squares in logarithms by Gauss and Newton, with a weak pull towards no change.
    """
    fresh = float(reuse.fresh(np.array([input_tokens]))[0])
    places = limits.sequences(fresh + output_tokens)
    clients = np.array(sorted({1, min(places, REFERENCE_CLIENTS), places}))
    rows = np.zeros(clients.size, dtype=np.intp)
    found = predict(c.take(rows), input_tokens, output_tokens, clients, reuse=lambda *_: reuse.take(rows))
    wanted = np.log(found.tpot_ms / MS_PER_S)

    def log_pace(logs: Floats) -> Floats:
        scaled = steps.scaled(*(float(value) for value in np.exp(logs)))
        curve = service_curve(scaled, limits, fresh, output_tokens)
        return np.asarray(np.log(curve.pace_s[clients - 1]))

    logs = np.zeros(2)
    for _ in range(ANCHOR_ROUNDS):
        now = log_pace(logs)
        slopes = np.array([log_pace(logs + step) - now for step in np.eye(2) * 0.05]).T / 0.05
        rows = np.vstack((slopes, ANCHOR_PULL * np.eye(2)))
        gaps = np.concatenate((wanted - now, -ANCHOR_PULL * logs))
        logs = np.clip(logs + np.linalg.lstsq(rows, gaps)[0], -LARGEST_CHANGE, LARGEST_CHANGE)
    steps = steps.scaled(*(float(value) for value in np.exp(logs)))
    first_s = float(service_curve(steps, limits, fresh, output_tokens).first_s[0])
    overhead_s = max(0.0, float(found.ttft_ms[0]) / MS_PER_S - first_s)
    return SimulatedReplica(steps, limits, overhead_s, fresh / input_tokens)


def _steps(
    c: Configurations, k: Constants, isl: Floats, fresh: Floats, osl: Floats, largest: int
) -> CalibratedSteps:
    """Tabulate the decode step and split prefill into its linear and its attention part."""
    batch = np.arange(1, largest + 1, dtype=float)
    rows = np.zeros(largest, dtype=np.intp)
    many = {name: value[rows] for name, value in k.items()}
    context = np.repeat(isl + osl / 2.0, largest)
    parts = decode_step(c.take(rows), many, batch, context)
    kept = c.draft_gain[0]  # tokens that a step brings: the simulation's steps bring one
    per_kv_token = parts.kv_s[0] / (batch[0] * context[0] * kept)
    base = (parts.total_s - parts.kv_s) / kept + per_kv_token * (isl - fresh) * batch
    once, twice = (prefill(c, k, length).marginal_s[0] for length in (isl, 2 * isl))
    attention = max(0.0, (twice - 2 * once) / isl[0] ** 2)
    own = prefill(c, k, isl, fresh).marginal_s[0]
    return CalibratedSteps(
        decode_s=(float(base[0]), *(float(value) for value in base)),
        per_kv_token_s=float(per_kv_token),
        per_prefill_token_s=max(0.0, float(own / fresh[0] - attention * fresh[0] / 2)),
        per_attended_token_s=float(attention),
    )
