"""The rate of a replica by the requests in service, from its step times (3b.3 to 3b.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.queueing.simulation.steps import ReplicaLimits, StepTimes
from llmplan.queueing.waits import LARGEST_CV

BISECTIONS: Final = 40
FINE_BATCHES: Final = 12
COARSE_BATCHES: Final = 36


@dataclass(frozen=True, eq=False)
class ServiceCurve:
    """What one replica does with n = 1..B requests in service; arrays of shape (B,).

    Attributes
    ----------
    requests_per_s: completions a second. pace_s: seconds between tokens of one sequence (TPOT).
    first_s: mean seconds from admission to the first token. decode_step_s: a step without prompts.
    prefill_s: seconds that one prompt adds to steps. steps_per_prompt: prompt over token budget.
    input_tokens, output_tokens, output_cv: of one request.
    """

    requests_per_s: Floats
    pace_s: Floats
    first_s: Floats
    decode_step_s: Floats
    prefill_s: Floats
    steps_per_prompt: float
    input_tokens: float
    output_tokens: float
    output_cv: float

    @property
    def places(self) -> int:
        """B, the sequences that run at once."""
        return int(self.requests_per_s.size)

    @property
    def saturation_requests_per_s(self) -> float:
        """Arrival rate at which the queue grows without end."""
        return float(self.requests_per_s[-1])


def service_curve(
    steps: StepTimes,
    limits: ReplicaLimits,
    input_tokens: float,
    output_tokens: float,
    output_cv: float = 0.0,
) -> ServiceCurve:
    """Return the rates of a replica for every batch size up to its limit. (3b.3 to 3b.5)

    Long answers stay longer, so at any moment the running ones are longer than the mean answer by
    1 + output_cv^2 (output_cv: standard deviation over mean of the answers' lengths).

    Raises InputError when not one sequence fits.
    """
    _check_lengths(input_tokens, output_tokens, output_cv)
    seen_output = output_tokens * (1 + output_cv**2)
    places = limits.sequences(input_tokens + seen_output)
    if not places >= 1:
        rule = f"one request needs more than the {limits.kv_tokens:.0f} tokens of KV cache"
        raise InputError("input_tokens + output_tokens", input_tokens + output_tokens, rule, "use more GPUs")
    n = _knots(places)
    context = input_tokens + seen_output / 2
    budget = float(limits.tokens_per_step)
    decode = np.array([steps.step_s(0, 0.0, k, k * context) for k in n])
    prefill = np.array([_prefill_s(steps, input_tokens, budget, k, context) for k in n])
    share = input_tokens / np.maximum(budget - n, 1.0)
    gaps = max(output_tokens - 1.0, 0.0)
    rows = (*_balance(n, decode, prefill, share, gaps), decode, prefill)
    every = np.arange(1, places + 1, dtype=float)
    rate, pace, first, decode, prefill = (np.interp(every, n, row) for row in rows)
    return ServiceCurve(
        rate, pace, first, decode, prefill, float(share[-1]), input_tokens, output_tokens, output_cv
    )


def _knots(places: int) -> Floats:
    """Return batch sizes 1 to `places` between which a replica's curve is a straight line to the eye."""
    fine = np.arange(1, min(places, FINE_BATCHES) + 1, dtype=float)
    return np.unique(np.concatenate((fine, np.round(np.geomspace(1, places, COARSE_BATCHES)))))


def _check_lengths(input_tokens: float, output_tokens: float, output_cv: float) -> None:
    for field, value in (("input_tokens", input_tokens), ("output_tokens", output_tokens)):
        if not value >= 1:
            raise InputError(field, value, "must be at least 1", "give mean tokens of a request")
    if not 0 <= output_cv <= LARGEST_CV:
        raise InputError(
            "output_cv", output_cv, f"formula holds for 0 to {LARGEST_CV:g}", "simulate wider spreads"
        )


def _prefill_s(steps: StepTimes, input_tokens: float, budget: float, n: float, context: float) -> float:
    """Return the seconds that a prompt adds to the steps that carry it, chunk by chunk."""
    chunk = max(budget - n, 1.0)
    idle = steps.step_s(0, 0.0, n, n * context)
    total, done = 0.0, 0.0
    while done < input_tokens:
        take = min(chunk, input_tokens - done)
        attended = take * done + take * (take + 1) / 2
        total += steps.step_s(take, attended, n, n * context) - idle
        done += take
    return total


def _balance(
    n: Floats, decode: Floats, prefill: Floats, share: Floats, gaps: float
) -> tuple[Floats, Floats, Floats]:
    """Find the rate X at which n requests cycle through prefill and `gaps` decode steps. (3b.4)

    X (T_first + gaps pace) = n; the left side rises with X, so bisection finds it. Prompts cannot be served
    faster than full steps carry them; where that binds, requests pile up before their first token (Little).
    """
    low, high = np.zeros_like(n), 1 / (prefill + share * decode[0])
    for _ in range(BISECTIONS):
        rate = (low + high) / 2
        pace, first = _pace_and_first(rate, n, decode, prefill, share)
        over = rate * (first + gaps * pace) > n
        low, high = np.where(over, low, rate), np.where(over, rate, high)
    pace, first = _pace_and_first(low, n, decode, prefill, share)
    return low, pace, np.maximum(first, n / low - gaps * pace)


def _pace_and_first(
    rate: Floats, n: Floats, decode: Floats, prefill: Floats, share: Floats
) -> tuple[Floats, Floats]:
    """Return pace and time to the first token [s] of n requests that cycle at `rate`. (3b.4, 3b.5)

    A request does not wait for itself: it meets the prompts of the n - 1 others. In a closed loop it arrives
    as a step ends, so it waits for no step under way, only for its own, stretched by the prompts beside it.
    """
    busy = np.minimum(rate * (n - 1) / n * prefill, 0.999)
    chunks = np.ceil(share - 1e-9)
    decoding = n
    for _ in range(3):
        step = np.interp(decoding, n, decode)
        pace = np.minimum(step / (1 - busy), step + prefill / share)
        first = prefill + chunks * np.minimum(pace, step / (1 - np.minimum(busy, 0.5)))
        first = np.where(chunks <= 1, prefill + pace, first)
        decoding = np.clip(n - rate * first, 0.0, n)
    return pace, first
