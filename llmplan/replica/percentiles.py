"""Latencies at a percentile of requests that arrive at random, from the closed queue's rates (3b.12 to 3b.16)."""

from typing import Final, NamedTuple

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.replica.queue import Service

INPUT_CV: Final = 0.5
"""Standard deviation over mean of the prompts' lengths: a moderate spread, as `waiting_curve` assumes."""
OUTPUT_CV: Final = 0.5
SEEN_LONGER: Final = 1 + OUTPUT_CV**2
"""Running answers over the mean answer: long ones stay longer (3b.3)."""
LOWEST, HIGHEST = 50.0, 99.9
"""Percentiles that the formulas are meant for."""
SHARES: Final = np.concatenate((np.geomspace(0.02, 0.4, 6), np.linspace(0.5, 0.98, 17)))
"""Arrival rates that are tried, as shares of saturation."""
STATES: Final = 96
"""Numbers in service that are told apart."""
MOST_BUSY: Final = 0.98


class AtRandom(NamedTuple):
    """Means and percentiles under random arrivals, arrays of shape (replicas, len(SHARES)); seconds and 1/s."""

    mean: Service
    percentile: Service


class _States(NamedTuple):
    """Numbers in service (replicas, STATES), how many counts each stands for, and sums of log rates up to it."""

    running: Floats
    weight: Floats
    log_rates: Floats
    tpot_s: Floats


def checked_percentile(percentile: float) -> float:
    """Return the percentile; raise InputError outside 50 to 99.9."""
    if not LOWEST <= percentile <= HIGHEST:
        rule = f"must lie in {LOWEST:g} to {HIGHEST:g}"
        raise InputError("latency_percentile", percentile, rule, "give 95, or none for the mean")
    return float(percentile)


def at_random(
    service: Service,
    clients: Floats,
    output_tokens: Floats,
    percentile: float,
    interference: Floats | float = 1.0,
    input_cv: float = INPUT_CV,
) -> AtRandom:
    """Return latencies of random arrivals at every share of saturation.

    Parameters
    ----------
    service: a closed loop at rising `clients`, up to what runs at once; arrays of shape (replicas, loads).
    output_tokens: shape (replicas,). interference: time by which a prompt delays the others over its own,
        shape (replicas,) (3.9). input_cv: standard deviation over mean of the prompts' lengths.

    Notes
    -----
    The number in service is the birth-death chain of 3b.6 with the closed loop's rates (3b.12, 3b.13); the first
    token follows the gated queue of 3b.8 (3b.14, 3b.15); TPOT varies with the number in service and with the
    prompts that come while a request decodes (3b.16). Where more requests wait for a place in the batch than
    the percentile allows, TTFT is infinite.
    """
    level = checked_percentile(percentile) / 100.0
    top = service.requests_per_s[:, -1:]
    rate, prompt = SHARES * top, service.prefill_share[:, -1:] / top
    busy = np.minimum(rate * prompt, MOST_BUSY)
    states = _states(service, clients)
    chance, late = _chances(states, rate, busy, top)
    running, step = (np.einsum("rsk,rk->rs", chance, x) for x in (states.running, states.tpot_s))
    vary = np.einsum("rsk,rk->rs", chance, states.tpot_s**2) - step**2
    vary += prompt**2 * (1 + input_cv**2) * rate * step / (output_tokens[:, None] * (1 - busy) ** 2)
    lone = (
        service.ttft_s[:, :1]
        - service.tpot_s[:, :1]
        - service.prefill_share[:, :1] / service.requests_per_s[:, :1]
    )
    delay = np.broadcast_to(interference, top.shape[:1])[:, None]
    mean, variance = gated_moments(rate, busy, step, input_cv, delay)
    first = _quantile(mean, variance, np.minimum(level + late, 1 - 1e-9)) + lone
    slow = _quantile(step, np.maximum(vary, 1e-12), np.full_like(step, level))
    none = np.zeros_like(rate)
    means = Service(mean + lone, step, rate, running, none, busy, none)
    told = Service(np.where(level + late < 1, first, np.inf), slow, rate, running, late, busy, none)
    return AtRandom(means, told)


def gated_moments(
    rate: Floats, busy: Floats, step: Floats, input_cv: float, interference: Floats | float = 1.0
) -> tuple[Floats, Floats]:
    """Return mean [s] and variance [s^2] of the time from a place to the first token (3b.14).

    Prompts that arrive during one step, of mean length `step` [s], share the next; `busy` is their share of
    time. They hold up the others for `interference` times their own time.
    """
    prompt, second = busy / rate, 1.0 + input_cv**2
    held = np.minimum(busy * interference, MOST_BUSY)
    other = held / rate
    spread = rate * step * other**2 * second / (1.0 - held**2)
    lopsided = rate * step * (other * second) ** 3 / (1.0 - held**3)  # third central moment of a step
    met = step + spread / step  # an arrival falls into a step longer than the mean one
    residual = step**2 / 3.0 + spread + lopsided / (3.0 * step) - (met / 2.0) ** 2
    mean = step * (1.0 - held) + prompt + (0.5 + held) * met
    beside = held * other * met * second + (held + held**2) * spread
    return mean, residual + beside + (prompt * input_cv) ** 2


def _states(service: Service, clients: Floats) -> _States:
    """Return up to STATES numbers in service, evenly spaced up to the largest, with their rates between loads."""
    most = np.maximum(np.floor(clients[:, -1:]), 1.0)
    width = np.maximum(most / STATES, 1.0)
    running = width * np.arange(1, STATES + 1)
    weight = np.where(running <= most * (1 + 1e-9), width, 0.0)
    inside = np.minimum(running, most)
    logs = np.log(_between(clients, service.requests_per_s, inside))
    before = np.concatenate((np.log(service.requests_per_s[:, :1]), logs[:, :-1]), axis=1)
    steps = np.where(weight > 0, width * (logs + before) / 2 + (logs - before) / 2, 0.0)
    return _States(inside, weight, np.cumsum(steps, axis=1), _between(clients, service.tpot_s, inside))


def _between(x: Floats, y: Floats, at: Floats) -> Floats:
    """Interpolate each row of y over the rising row of x; what lies outside takes the end's value."""
    left = np.array([np.searchsorted(row, wanted, "right") for row, wanted in zip(x, at, strict=True)]) - 1
    left = np.clip(left, 0, x.shape[1] - 2)
    x0, x1 = np.take_along_axis(x, left, 1), np.take_along_axis(x, left + 1, 1)
    y0, y1 = np.take_along_axis(y, left, 1), np.take_along_axis(y, left + 1, 1)
    share = np.clip((at - x0) / np.where(x1 > x0, x1 - x0, 1.0), 0.0, 1.0)
    return np.asarray(y0 + share * (y1 - y0))


def _chances(states: _States, rate: Floats, busy: Floats, top: Floats) -> tuple[Floats, Floats]:
    """Return chances of the numbers in service, (replicas, shares, STATES), and of finding no place (3b.12, 3b.13)."""
    calm = (1.0 - busy)[:, :, None]
    logs = calm * (np.log(rate)[:, :, None] * states.running[:, None] - states.log_rates[:, None])
    peak = np.maximum(logs.max(axis=2, keepdims=True), 0.0)
    weights = np.exp(logs - peak) * states.weight[:, None]
    full = np.exp(logs[:, :, -1] - peak[:, :, 0])
    late = full / -np.expm1(calm[:, :, 0] * np.log(rate / top))
    weights[:, :, -1] += late - full  # who waits: a geometric queue behind a full batch
    total = np.exp(-peak[:, :, 0]) + weights.sum(axis=2)
    return weights / total[:, :, None], late / total


def _quantile(mean: Floats, variance: Floats, level: Floats) -> Floats:
    """Return the quantile of a gamma distribution of that mean and variance (3b.15)."""
    from scipy.special import gammaincinv

    shape = mean**2 / variance
    return np.asarray(mean * gammaincinv(shape, level) / shape)
