"""The best rate of one replica within its latency targets: the largest batch that keeps them."""

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmplan.arrays import Bools, Floats, Places
from llmplan.replica.bands import band_factors
from llmplan.replica.basis import basis_of
from llmplan.replica.configurations import Configurations
from llmplan.replica.constants import Calibration, fitted_values
from llmplan.replica.percentiles import SEEN_LONGER, at_random
from llmplan.replica.predict import binding_of
from llmplan.replica.queue import (
    ClosedLoop,
    Latencies,
    Service,
    closed_loop,
    kv_limited_sequences,
    least_tpot_s,
)
from llmplan.replica.reuse import Reuse, ReuseRule, no_reuse
from llmplan.replica.step import Constants, cached_bytes
from llmplan.units import GB_PER_GIB, MS_PER_S
from llmplan.wording import counted

CLIENTS: Final = tuple(float(v) for v in np.unique(np.round(np.geomspace(1, 1024, 31))))
"""Concurrencies that the search tries: about a quarter apart."""
FULL_ENOUGH: Final = 0.25
"""Share of the requests that may be late: where more wait for a place in the batch, memory binds."""


@dataclass(frozen=True, eq=False)
class Capacity:
    """Arrays of shape (n,); requests_per_s is 0 where a replica does not fit or misses its targets.

    thinks: whether reasoning comes before the first visible token.
    """

    fits: Bools
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
    thinks: Bools


def sequences_in_memory(c: Configurations, context_tokens: Floats, reuse: Reuse | None = None) -> Floats:
    """Complete sequences of `context_tokens` tokens that the KV room holds, as in equation 2.7."""
    held = cached_bytes(c, context_tokens, c.window_held_tokens)
    if reuse is None:
        room = np.floor(np.maximum(c.kv_room_bytes, 0.0) / held)
    else:
        shared = cached_bytes(c, reuse.shared_tokens, np.zeros(len(c)))
        room = np.where(c.kv_room_bytes >= held, np.floor((c.kv_room_bytes - shared) / (held - shared)), 0.0)
    return np.minimum(room, c.batch_limit) * c.data_parallel


def capacity(
    configurations: Configurations,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    ttft_limit_ms: float | None = None,
    tpot_limit_ms: float | None = None,
    context_tokens: ArrayLike | None = None,
    calibration: Calibration | None = None,
    latency_percentile: float | None = None,
    reasoning_tokens: ArrayLike = 0.0,
    reuse: ReuseRule | None = None,
    answer_limit_ms: float | None = None,
) -> Capacity:
    """Best steady rate of one replica at the largest batch within the latency targets.

    Parameters
    ----------
    input_tokens, output_tokens: mean lengths [tokens].
    ttft_limit_ms, tpot_limit_ms, answer_limit_ms: targets, of the whole answer the last; None: no target.
    latency_percentile: share of randomly arriving requests that keep the targets, 50 to 99.9; None: the mean
        of a steady load does. ttft_ms and tpot_ms are means either way.
    context_tokens: longest context that must be served [tokens]; the model's own limit must allow it and
        one sequence of that length must fit. Default: input plus output.
    reasoning_tokens: part of the output that is decoded before the first token that a reader sees: ttft_ms and
        its target are the time to that one. (11.7)
    reuse: what prefix caches hold of the prompts; None: nothing.

    Returns
    -------
    Capacity, arrays of shape (n,).
    """
    c, n = configurations.stage, len(configurations)
    isl = np.broadcast_to(np.asarray(input_tokens, dtype=float), (n,))
    osl = np.broadcast_to(np.asarray(output_tokens, dtype=float), (n,))
    longest = (
        isl + osl if context_tokens is None else np.broadcast_to(np.asarray(context_tokens, float), (n,))
    )
    longest = np.maximum(longest, isl + osl)
    k = fitted_values(c) if calibration is None else calibration.values(c)
    fits = (sequences_in_memory(configurations, longest) >= 1) & (longest <= c.max_context_tokens)
    reasoning = np.broadcast_to(np.asarray(reasoning_tokens, dtype=float), (n,))
    targets = _Targets(reasoning, osl, ttft_limit_ms, tpot_limit_ms, answer_limit_ms, latency_percentile)

    def served(held: Reuse) -> tuple[Floats, Service, Service, Bools]:
        return _largest(c, k, isl, osl, fits, targets, held)

    held = no_reuse(n) if reuse is None else reuse(c, isl, lambda part: served(part)[1].requests_per_s)
    chosen, service, judged, meets = served(held)
    room = sequences_in_memory(configurations, isl + osl, held)
    works, stages = fits & meets, configurations.pipeline_parallel
    basis = basis_of(configurations, isl, osl, np.maximum(chosen * stages, 1.0), "closed_loop")
    low, high = band_factors(c, ["throughput"], basis, "closed_loop")[0]
    rate = np.where(works, service.requests_per_s * stages, 0.0)
    binding = _binding(c, k, judged, isl, osl, chosen, fits, meets, targets, held)
    return Capacity(
        fits=fits,
        reason=_reasons(configurations, fits, meets, longest, judged, targets),
        requests_per_s=rate,
        requests_per_s_p10=rate * low,
        requests_per_s_p90=rate * high,
        concurrency=np.where(works, chosen * stages, 0.0),
        ttft_ms=np.where(fits, targets.first_visible_ms(service), np.nan),
        tpot_ms=np.where(fits, service.tpot_s * MS_PER_S, np.nan),
        output_tokens_per_s=rate * osl,
        max_concurrent_sequences=room,
        weights_gb=c.weights_gb,
        binding=binding,
        basis=basis,
        thinks=reasoning > 0,
    )


def thinks_too_long(
    configurations: Configurations,
    input_tokens: Floats,
    output_tokens: Floats,
    reasoning_tokens: Floats,
    ttft_limit_ms: float,
) -> Bools:
    """Say, without solving it, which replicas serve nobody within a mean time to the first visible token, (n,).

    Reasoning alone takes longer at the shortest step there is. A percentile's target may still be kept.
    """
    c = configurations.stage
    tpot_s = least_tpot_s(c, fitted_values(c), input_tokens, output_tokens, ttft_limit_ms / MS_PER_S)
    return np.asarray(reasoning_tokens * tpot_s * MS_PER_S > ttft_limit_ms * (1 + 1e-9))


class _Targets(NamedTuple):
    """Latency targets [ms] and the percentile that keeps them; None: no target, the mean.

    reasoning: tokens before the first that a reader sees, by replica. output: tokens of the whole answer.
    """

    reasoning: Floats
    output: Floats
    ttft_limit_ms: float | None
    tpot_limit_ms: float | None
    answer_limit_ms: float | None
    percentile: float | None

    def take(self, places: Places) -> "_Targets":
        return self._replace(reasoning=self.reasoning[places], output=self.output[places])

    def first_visible_ms(self, service: Service | Latencies) -> Floats:
        """Time to the first token that a reader sees, (n,) or (n, loads)."""
        reasoning = self.reasoning.reshape(-1, *[1] * (service.ttft_s.ndim - 1))
        with np.errstate(invalid="ignore"):
            waited = np.where(reasoning > 0, reasoning * service.tpot_s, 0.0)
        return np.asarray((service.ttft_s + waited) * MS_PER_S)

    def whole_answer_ms(self, service: Service | Latencies) -> Floats:
        """Time to the last token, (n,) or (n, loads). (11.7b)"""
        output = self.output.reshape(-1, *[1] * (service.ttft_s.ndim - 1))
        with np.errstate(invalid="ignore"):
            return np.asarray((service.ttft_s + np.maximum(output - 1.0, 0.0) * service.tpot_s) * MS_PER_S)

    def timed(self, service: Service | Latencies) -> list[tuple[float, Floats]]:
        """Each target that is set with what it is a target for [ms]."""
        every = (
            (self.ttft_limit_ms, self.first_visible_ms),
            (self.tpot_limit_ms, lambda found: np.asarray(found.tpot_s * MS_PER_S)),
            (self.answer_limit_ms, self.whole_answer_ms),
        )
        return [(limit, time_ms(service)) for limit, time_ms in every if limit is not None]

    def kept_at(self, service: Service | Latencies, places: Places) -> Bools:
        return self.take(places).kept(service)

    def kept(self, service: Service | Latencies) -> Bools:
        within = np.ones(service.ttft_s.shape, dtype=bool)
        for limit, time_ms in self.timed(service):
            within &= time_ms <= limit
        return within


def _largest(
    c: Configurations,
    k: Constants,
    isl: Floats,
    osl: Floats,
    fits: Bools,
    targets: _Targets,
    reuse: Reuse,
) -> tuple[Floats, Service, Service, Bools]:
    """Concurrency with the best rate within the targets, its service, that judged, and whether any meets them."""
    n, chosen, meets = len(c), np.zeros(len(c)), np.zeros(len(c), dtype=bool)
    find = _by_bisection if targets.percentile is None else _at_random
    index = np.flatnonzero(fits)
    part = {name: v[index] for name, v in k.items()}
    fleets, held = c.take(index), reuse.take(index)
    running, service, judged, within = find(fleets, part, isl[index], osl[index], targets.take(index), held)
    chosen[index], meets[index] = running, within
    return chosen, _scatter(service, index, n), _scatter(judged, index, n), meets


def _by_bisection(
    c: Configurations, k: Constants, isl: Floats, osl: Floats, targets: _Targets, reuse: Reuse
) -> tuple[Floats, Service, Service, Bools]:
    """Return the most clients whose mean latencies keep the targets: rate and latencies rise with the clients.

    Many replicas serve as many as they hold: the rest are halved between none and those.
    """
    loop, levels = ClosedLoop.of(c, k, isl, osl, reuse=reuse), np.array(CLIENTS)
    limit = np.floor(loop.placed)
    # More clients than decode at once wait and serve nobody faster.
    useful = np.minimum(limit, loop.running)
    low = np.full(len(c), -1, np.intp)
    high = np.minimum(np.searchsorted(levels, useful * (1 - 1e-12)) + 1, len(levels))
    middle, open_ = high - 1, np.arange(len(c))
    while len(open_ := open_[middle[open_] > low[open_]]):
        clients = np.minimum(levels[middle[open_]], limit[open_])
        within = loop.take(open_).keeps(clients, targets.take(open_).kept_at)
        low[open_[within]], high[open_[~within]] = middle[open_[within]], middle[open_[~within]]
        middle[open_] = (low[open_] + high[open_]) // 2
    chosen = np.minimum(levels[np.maximum(low, 0)], limit)
    service = loop.serve(chosen)
    return chosen, service, service, low >= 0


def _at_random(
    c: Configurations, k: Constants, isl: Floats, osl: Floats, targets: _Targets, reuse: Reuse
) -> tuple[Floats, Service, Service, Bools]:
    """Return the best rate of random arrivals of which the percentile keeps the targets."""
    n, m = len(c), len(CLIENTS)
    limit = np.floor(kv_limited_sequences(c, k, isl, osl * SEEN_LONGER, reuse))
    clients = np.minimum(np.array(CLIENTS), limit[:, None])
    rows = np.repeat(np.arange(n), m)
    many = {name: v[rows] for name, v in k.items()}
    held = reuse.take(rows)
    service = closed_loop(c.take(rows), many, isl[rows], osl[rows], clients.ravel(), reuse=held)
    assert targets.percentile is not None
    service, judged = at_random(
        _table(service, m), clients, osl, targets.percentile, k["prefill_interference"]
    )
    within = targets.kept(judged)
    best = np.where(within, service.requests_per_s, -1.0).argmax(axis=1)
    picked = np.arange(n), best
    return service.running[picked], _picked(service, picked), _picked(judged, picked), within[picked]


def _picked(service: Service, places: tuple[Places, Places]) -> Service:
    return Service(**{name: value[places] for name, value in vars(service).items()})


def _table(service: Service, loads: int) -> Service:
    """Return a service with one row a replica and one column a load."""
    return Service(**{name: value.reshape(-1, loads) for name, value in vars(service).items()})


def _scatter(service: Service, index: Places, n: int) -> Service:
    arrays = {}
    for name, value in vars(service).items():
        arrays[name] = np.full(n, np.nan)
        arrays[name][index] = value
    return Service(**arrays)


def _binding(
    c: Configurations,
    k: Constants,
    service: Service,
    isl: Floats,
    osl: Floats,
    chosen: Floats,
    fits: Bools,
    meets: Bools,
    targets: _Targets,
    reuse: Reuse,
) -> NDArray[Any]:
    """What keeps the rate from being higher: memory, batch limit, latency target, compute or bandwidth."""
    filled = Service(**{name: np.nan_to_num(v, nan=1.0, posinf=1e9) for name, v in vars(service).items()})
    word = binding_of(c, k, replace(filled, waiting=np.zeros(len(c))), isl, osl)
    limit = np.floor(kv_limited_sequences(c, k, isl, osl, reuse))
    full = chosen >= limit
    if targets.percentile is not None:
        full = filled.waiting > FULL_ENOUGH * (1 - targets.percentile / 100)
    place = np.where(limit < c.batch_limit * c.data_parallel * 0.98, "memory", "batch limit")
    tight = np.zeros(len(c), dtype=bool)
    for target, time_ms in targets.timed(filled):
        tight |= time_ms > 0.75 * target
    word = np.where(full, place, np.where(tight, "latency target", word))
    return np.where(fits, np.where(meets, word, "latency target"), "memory")


def _reasons(
    c: Configurations,
    fits: Bools,
    meets: Bools,
    longest: Floats,
    judged: Service,
    targets: _Targets,
) -> NDArray[Any]:
    """Why a replica is out, in a sentence; empty where it works."""
    first_ms, answer_ms = targets.first_visible_ms(judged), targets.whole_answer_ms(judged)
    reason = np.full(len(c), "", dtype=object)
    for i in np.flatnonzero(~(fits & meets)):
        if longest[i] > c.max_context_tokens[i]:
            reason[i] = (
                f"a context of {longest[i]:,.0f} tokens exceeds the model's {c.max_context_tokens[i]:,.0f}"
            )
        elif not fits[i]:
            reason[i] = (
                f"{c.weights_gb[i] / GB_PER_GIB:,.0f} GiB of weights, overhead and a sequence of "
                f"{longest[i]:,.0f} tokens do not fit {counted(c.n_gpus[i], 'GPU')} of this kind"
            )
        else:
            reason[i] = _missed(first_ms[i], judged.tpot_s[i], answer_ms[i], targets.reasoning[i], targets)
    return reason


def _missed(first_ms: float, tpot_s: float, answer_ms: float, reasoning: float, targets: _Targets) -> str:
    """Name the target that even one client misses."""
    parts = []
    if targets.ttft_limit_ms is not None and first_ms > targets.ttft_limit_ms:
        first = f"{first_ms:,.0f} ms" if np.isfinite(first_ms) else "with the wait for a place"
        first += f" after {reasoning:,.0f} tokens of reasoning" if reasoning >= 1 else ""
        parts.append(f"TTFT {first} exceeds {targets.ttft_limit_ms:,.0f} ms")
    if targets.tpot_limit_ms is not None and tpot_s * MS_PER_S > targets.tpot_limit_ms:
        parts.append(f"TPOT {tpot_s * MS_PER_S:,.1f} ms exceeds {targets.tpot_limit_ms:,.1f} ms")
    if targets.answer_limit_ms is not None and answer_ms > targets.answer_limit_ms:
        parts.append(f"answer {answer_ms:,.0f} ms exceeds {targets.answer_limit_ms:,.0f} ms")
    at = "with one client"
    if targets.percentile is not None:
        at = f"nearly idle, at the {targets.percentile:g}th percentile"
    return " and ".join(parts) + " even " + at
