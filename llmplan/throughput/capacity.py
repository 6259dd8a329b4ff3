"""The best rate of one replica within its latency targets: the largest batch that keeps them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmplan.throughput.bands import band_factors
from llmplan.throughput.basis import basis_of
from llmplan.throughput.configurations import Configurations, Floats
from llmplan.throughput.constants import Calibration, load_calibration
from llmplan.throughput.predict import binding_of
from llmplan.throughput.queue import Service, closed_loop, kv_limited_sequences
from llmplan.throughput.step import Constants
from llmplan.units import MS_PER_S

CLIENTS: Final = tuple(float(v) for v in np.unique(np.round(np.geomspace(1, 1024, 31))))
"""Concurrencies that the search tries: about a quarter apart."""
KV_RESERVE: Final = 0.9
"""Share of the memory left by weights and overhead that the engine gives to the KV cache (section 2)."""


@dataclass(frozen=True, eq=False)
class Capacity:
    """Arrays of shape (n,); requests_per_s is 0 where a replica does not fit or misses its targets."""

    fits: NDArray[np.bool_]
    reason: NDArray[Any]
    requests_per_s: Floats
    requests_per_s_p10: Floats
    requests_per_s_p90: Floats
    concurrency: Floats
    ttft_ms: Floats
    tpot_ms: Floats
    output_tokens_per_s: Floats
    max_concurrent_sequences: Floats
    weights_gb: Floats
    binding: NDArray[Any]
    basis: NDArray[Any]


def sequences_in_memory(c: Configurations, context_tokens: Floats) -> Floats:
    """Complete sequences of `context_tokens` tokens that the KV room holds, as in equation 2.7."""
    windowed = np.minimum(context_tokens, np.where(c.window_layers > 0, c.window_tokens, np.inf))
    held = (c.full_layers * context_tokens + c.window_layers * windowed) * c.kv_layer_bytes / c.kv_shards
    room = np.maximum(c.kv_room_bytes, 0.0) * KV_RESERVE * c.data_parallel
    return np.floor(room / held)


def capacity(
    configurations: Configurations,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    ttft_limit_ms: float | None = None,
    tpot_limit_ms: float | None = None,
    context_tokens: ArrayLike | None = None,
    calibration: Calibration | None = None,
) -> Capacity:
    """Best steady rate of one replica at the largest batch within the latency targets.

    Parameters
    ----------
    input_tokens, output_tokens: mean lengths [tokens].
    ttft_limit_ms, tpot_limit_ms: targets for the mean; None: no target.
    context_tokens: longest context that must be served [tokens]; the model's own limit must allow it and
        one sequence of that length must fit. Default: input plus output.

    Returns
    -------
    Capacity, arrays of shape (n,).
    """
    c, n = configurations, len(configurations)
    isl = np.broadcast_to(np.asarray(input_tokens, dtype=float), (n,))
    osl = np.broadcast_to(np.asarray(output_tokens, dtype=float), (n,))
    longest = (
        isl + osl if context_tokens is None else np.broadcast_to(np.asarray(context_tokens, float), (n,))
    )
    longest = np.maximum(longest, isl + osl)
    k = (calibration or load_calibration()).values(c)
    room = sequences_in_memory(c, isl + osl)
    fits = (sequences_in_memory(c, longest) >= 1) & (longest <= c.max_context_tokens)
    chosen, service, meets = _largest(c, k, isl, osl, fits, ttft_limit_ms, tpot_limit_ms)
    works = fits & meets
    basis = basis_of(c, isl, osl, np.maximum(chosen, 1.0), "closed_loop")
    low, high = band_factors(c, "throughput", basis, "closed_loop")
    rate = np.where(works, service.requests_per_s, 0.0)
    binding = _binding(c, k, service, isl, osl, chosen, fits, meets, ttft_limit_ms, tpot_limit_ms)
    return Capacity(
        fits=fits,
        reason=_reasons(c, fits, meets, longest, service, ttft_limit_ms, tpot_limit_ms),
        requests_per_s=rate,
        requests_per_s_p10=rate * low,
        requests_per_s_p90=rate * high,
        concurrency=np.where(works, chosen, 0.0),
        ttft_ms=np.where(fits, service.ttft_s * MS_PER_S, np.nan),
        tpot_ms=np.where(fits, service.tpot_s * MS_PER_S, np.nan),
        output_tokens_per_s=rate * osl,
        max_concurrent_sequences=room,
        weights_gb=c.weights_gb,
        binding=binding,
        basis=basis,
    )


def _largest(
    c: Configurations,
    k: Constants,
    isl: Floats,
    osl: Floats,
    fits: NDArray[np.bool_],
    ttft_limit_ms: float | None,
    tpot_limit_ms: float | None,
) -> tuple[Floats, Service, NDArray[np.bool_]]:
    """Concurrency with the best rate within the targets, its service, and whether any meets them."""
    n, m = len(c), len(CLIENTS)
    steady = k | {"burst_share": np.zeros(n)}
    index = np.flatnonzero(fits)
    limit = np.floor(kv_limited_sequences(c, k, isl, osl))
    clients = np.minimum(np.array(CLIENTS), limit[index, None])
    rows = np.repeat(index, m)
    part, loads = c.take(rows), (isl[rows], osl[rows], clients.ravel())
    service = closed_loop(part, {name: v[rows] for name, v in steady.items()}, *loads)
    within = np.ones(len(rows), dtype=bool)
    if ttft_limit_ms is not None:
        within &= service.ttft_s * MS_PER_S <= ttft_limit_ms
    if tpot_limit_ms is not None:
        within &= service.tpot_s * MS_PER_S <= tpot_limit_ms
    score = np.where(within, service.requests_per_s, -1.0).reshape(len(index), m)
    best = score.argmax(axis=1) if len(index) else np.zeros(0, dtype=int)
    picked = np.arange(len(index)) * m + best
    chosen, meets = np.zeros(n), np.zeros(n, dtype=bool)
    chosen[index] = clients.ravel()[picked]
    meets[index] = within[picked]
    return chosen, _scatter(service, picked, index, n), meets


def _scatter(service: Service, picked: NDArray[np.intp], index: NDArray[np.intp], n: int) -> Service:
    arrays = {}
    for name, value in vars(service).items():
        full = np.full(n, np.nan)
        full[index] = value[picked]
        arrays[name] = full
    return Service(**arrays)


def _binding(
    c: Configurations,
    k: Constants,
    service: Service,
    isl: Floats,
    osl: Floats,
    chosen: Floats,
    fits: NDArray[np.bool_],
    meets: NDArray[np.bool_],
    ttft_limit_ms: float | None,
    tpot_limit_ms: float | None,
) -> NDArray[Any]:
    """What keeps the rate from being higher: memory, latency target, compute or bandwidth."""
    filled = Service(**{name: np.nan_to_num(v, nan=1.0) for name, v in vars(service).items()})
    word = binding_of(c, k, filled, isl, osl)
    limit = np.floor(kv_limited_sequences(c, k, isl, osl))
    at_memory = (chosen >= limit) & (limit < np.minimum(k["max_sequences"], c.batch_limit) * 0.98)
    tight = np.zeros(len(c), dtype=bool)
    for target, value in ((ttft_limit_ms, filled.ttft_s), (tpot_limit_ms, filled.tpot_s)):
        if target is not None:
            tight |= value * MS_PER_S > 0.75 * target
    word = np.where(at_memory, "memory", np.where(tight, "latency target", word))
    return np.where(fits, np.where(meets, word, "latency target"), "memory")


def _reasons(
    c: Configurations,
    fits: NDArray[np.bool_],
    meets: NDArray[np.bool_],
    longest: Floats,
    service: Service,
    ttft_limit_ms: float | None,
    tpot_limit_ms: float | None,
) -> NDArray[Any]:
    """Why a replica is out, in a sentence; empty where it works."""
    reason = np.full(len(c), "", dtype=object)
    for i in np.flatnonzero(~(fits & meets)):
        config = c.configs[i]
        if longest[i] > c.max_context_tokens[i]:
            reason[i] = (
                f"a context of {longest[i]:,.0f} tokens exceeds the model's {c.max_context_tokens[i]:,.0f}"
            )
        elif not fits[i]:
            reason[i] = (
                f"{c.weights_gb[i]:,.0f} GB of weights, overhead and a sequence of {longest[i]:,.0f} "
                f"tokens do not fit {config.n_gpus} x {config.gpu_id}"
            )
        else:
            reason[i] = _missed(service.ttft_s[i], service.tpot_s[i], ttft_limit_ms, tpot_limit_ms)
    return reason


def _missed(ttft_s: float, tpot_s: float, ttft_limit_ms: float | None, tpot_limit_ms: float | None) -> str:
    """Name the target that even one client misses."""
    parts = []
    if ttft_limit_ms is not None and ttft_s * MS_PER_S > ttft_limit_ms:
        parts.append(f"TTFT {ttft_s * MS_PER_S:,.0f} ms exceeds {ttft_limit_ms:,.0f} ms")
    if tpot_limit_ms is not None and tpot_s * MS_PER_S > tpot_limit_ms:
        parts.append(f"TPOT {tpot_s * MS_PER_S:,.1f} ms exceeds {tpot_limit_ms:,.1f} ms")
    return " and ".join(parts) + " even with one client"
