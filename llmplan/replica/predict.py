"""Prediction of TTFT, TPOT and rate of replicas, each with its 80 % band and what it rests on."""

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.replica.bands import band_factors
from llmplan.replica.basis import basis_of
from llmplan.replica.configurations import Configurations
from llmplan.replica.constants import Calibration, fitted
from llmplan.replica.queue import Service, all_at_once, closed_loop, max_rate, open_loop
from llmplan.replica.reuse import Reuse, ReuseRule
from llmplan.replica.step import Constants, cached_bytes, decode_step
from llmplan.units import MS_PER_S

Arrival = Literal["closed_loop", "all_at_once", "open_loop", "offline"]
ARRIVALS: Final = ("closed_loop", "all_at_once", "open_loop", "offline")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Arrays of shape (n,): the value and the ends of its 80 % band (p10, p90).

    ttft_burst_ms: mean TTFT of a load test that opens with all clients at once; ttft_ms without that burst.
    """

    ttft_ms: Floats
    ttft_ms_p10: Floats
    ttft_ms_p90: Floats
    ttft_burst_ms: Floats
    tpot_ms: Floats
    tpot_ms_p10: Floats
    tpot_ms_p90: Floats
    output_tokens_per_s: Floats
    output_tokens_per_s_p10: Floats
    output_tokens_per_s_p90: Floats
    requests_per_s: Floats
    requests_per_s_p10: Floats
    requests_per_s_p90: Floats
    running_sequences: Floats
    basis: NDArray[Any]
    binding: NDArray[Any]


def predict(
    configurations: Configurations,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    concurrency: ArrayLike | None,
    arrival: Arrival = "closed_loop",
    offered_rps: ArrayLike | None = None,
    calibration: Calibration | None = None,
    reuse: ReuseRule | None = None,
) -> Prediction:
    """Predict what each replica does under a load; everything broadcasts to shape (n,).

    Parameters
    ----------
    input_tokens, output_tokens: mean lengths [tokens].
    concurrency: clients of a closed loop, or requests sent all at once; None for the other arrivals.
    arrival: "closed_loop", "all_at_once", "open_loop" (give `offered_rps`) or "offline" (endless queue).
    offered_rps: rate of random arrivals [requests/s].
    reuse: what prefix caches hold of the prompts of a closed loop; None: nothing.

    Returns
    -------
    Prediction with the band of the held-out errors of its slice (docs/method, section 3).
    """
    n = len(configurations)
    isl, osl = _positive("input_tokens", input_tokens, n), _positive("output_tokens", output_tokens, n)
    k = (calibration or fitted(configurations.catalog)).values(configurations)
    name = "offered_rps" if arrival == "open_loop" else "concurrency"
    load = offered_rps if arrival == "open_loop" else concurrency
    pressed = None if load is None else _positive(name, load, n)

    def served(held: Reuse | None) -> Service:
        return _serve(configurations, k, isl, osl, pressed, arrival, held)

    held = (
        None if reuse is None else reuse(configurations.stage, isl, lambda part: served(part).requests_per_s)
    )
    service = served(held)
    basis = basis_of(configurations, isl, osl, pressed, arrival)
    return _prediction(configurations, k, service, isl, osl, basis, arrival)


def _serve(
    c: Configurations,
    k: Constants,
    isl: Floats,
    osl: Floats,
    load: Floats | None,
    arrival: str,
    held: Reuse | None,
) -> Service:
    """Serve a load: clients, or requests/s of an open loop; a pipeline's stages each have a share of it."""
    if arrival not in ARRIVALS:
        raise InputError("arrival", arrival, "is not known", f"use one of {', '.join(ARRIVALS)}")
    stages = c.pipeline_parallel
    if arrival == "offline":
        return max_rate(c.stage, k, isl, osl).of_stages(stages)
    if load is None:
        field = "offered_rps" if arrival == "open_loop" else "concurrency"
        raise InputError(field, None, f"{arrival} needs it", "give requests per second, or clients")
    asked = (c.stage, k, isl, osl, load / stages)
    if arrival == "closed_loop":
        return closed_loop(*asked, reuse=held).of_stages(stages)
    return (open_loop if arrival == "open_loop" else all_at_once)(*asked).of_stages(stages)


def _positive(field: str, value: ArrayLike, n: int) -> Floats:
    array = np.broadcast_to(np.asarray(value, dtype=float), (n,))
    if not np.all(array > 0) or not np.all(np.isfinite(array)):
        raise InputError(field, value, "must be positive and finite", "give a number above 0")
    return array


def binding_of(c: Configurations, k: Constants, service: Service, isl: Floats, osl: Floats) -> NDArray[Any]:
    """What limits a replica at its running batch: "compute" or "bandwidth".

    Where requests wait for a place it is what has none, "memory" or "batch limit": their TTFT says so too.
    """
    parts = decode_step(c, k, service.running, isl + osl / 2.0)
    compute = parts.compute_s * (1.0 - service.prefill_share) / parts.total_s + service.prefill_share
    bandwidth = (parts.weights_s + parts.kv_s) * (1.0 - service.prefill_share) / parts.total_s
    word = np.where(compute > bandwidth, "compute", "bandwidth")
    room = (
        c.kv_room_bytes * c.data_parallel / np.maximum(cached_bytes(c, isl + osl, c.window_held_tokens), 1.0)
    )
    without_place = np.where(room < c.batch_limit * c.data_parallel, "memory", "batch limit")
    return np.where(service.waiting > 0, without_place, word)


def _prediction(
    c: Configurations, k: Constants, s: Service, isl: Floats, osl: Floats, basis: NDArray[Any], arrival: str
) -> Prediction:
    rate = s.requests_per_s
    ttft, tpot, flow = band_factors(c, ("ttft", "tpot", "throughput"), basis, arrival)
    values = {
        "ttft_ms": (s.ttft_s * MS_PER_S, ttft),
        "tpot_ms": (s.tpot_s * MS_PER_S, tpot),
        "output_tokens_per_s": (rate * osl, flow),
        "requests_per_s": (rate, flow),
    }
    arrays: dict[str, Any] = {}
    for name, (value, (low, high)) in values.items():
        arrays |= {name: value, f"{name}_p10": value * low, f"{name}_p90": value * high}
    binding = binding_of(c.stage, k, s.of_stages(1.0 / c.pipeline_parallel), isl, osl)
    arrays["ttft_burst_ms"] = (s.ttft_s + s.burst_s) * MS_PER_S
    arrays |= {"running_sequences": s.running, "basis": basis, "binding": binding}
    return Prediction(**{f.name: arrays[f.name] for f in fields(Prediction)})
