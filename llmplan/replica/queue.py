"""A replica as a closed queue of prefill and decode: running batch, TTFT, TPOT and rate (3.8 to 3.16)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from llmplan.arrays import Bools, Floats, Places
from llmplan.replica.configurations import Configurations
from llmplan.replica.reuse import Reuse, no_reuse
from llmplan.replica.step import Constants, DecodeTerms, Prefill, cached_bytes, decode_terms, prefill

HALVINGS: Final = 28
SECANTS: Final = 2
"""Steps towards the running batch between two looks at which replicas have found it."""
LOOKS: Final = 50
SETTLED: Final = 1e-8
"""Relative error of TTFT at which they have found it."""
FIRST_TOKEN: Final = ("request_overhead_s", "queue_weight", "step_wait", "burst_share")
"""Constants of the wait for the first token."""


class Latencies(NamedTuple):
    """Mean times to the first token and of each further one [s], each of shape (n,)."""

    ttft_s: Floats
    tpot_s: Floats


@dataclass(frozen=True)
class Service:
    """What a replica does, each of shape (n,). Rates are of the whole replica [1/s], times in seconds.

    waiting: requests for which memory has no place. burst_s: what a load test's opening, all clients at once, adds
    to the mean TTFT of its run; 0 for other arrivals.
    """

    ttft_s: Floats
    tpot_s: Floats
    requests_per_s: Floats
    running: Floats
    waiting: Floats
    prefill_share: Floats
    burst_s: Floats

    def of_stages(self, stages: Floats) -> "Service":
        """Return what a whole pipeline does, of which this is what each of its stages' batches does (3.22)."""
        totals = {name: getattr(self, name) * stages for name in ("requests_per_s", "running", "waiting")}
        return replace(self, **totals)


def kv_limited_sequences(
    c: Configurations, k: Constants, input_tokens: Floats, output_tokens: Floats, reuse: Reuse | None = None
) -> Floats:
    """Sequences that run at once within KV room and the engine's batch limit (equation 3.8).

    A paged cache grows with each sequence: a running one holds its input and part of its output. What all
    share lies there once; sliding windows keep their own (3.20).
    """
    held = input_tokens + k["held_output_share"] * output_tokens
    shared = 0.0 if reuse is None else cached_bytes(c, reuse.shared_tokens, np.zeros(len(c)))
    per_sequence = cached_bytes(c, held, c.window_held_tokens) - shared
    room = (c.kv_room_bytes - shared) * c.data_parallel / np.maximum(per_sequence, 1.0)
    # where weights do not fit, memory must be larger than stated: only the engine's limit is known
    most = c.batch_limit * c.data_parallel
    return np.maximum(np.where(c.kv_room_bytes <= 0, most, np.minimum(room, most)), 1.0)


def running_limit(
    c: Configurations, k: Constants, input_tokens: Floats, output_tokens: Floats, reuse: Reuse | None = None
) -> Floats:
    """Sequences that decode at once: as many as fit, and no more than prefill keeps busy (equation 3.8).

    A step carries at most `step_tokens` prompt tokens, and each sequence brings one prompt in `output` steps.
    """
    fresh = input_tokens if reuse is None else reuse.fresh(input_tokens)
    fed = np.maximum(output_tokens * c.step_tokens / fresh, 1.0)
    return np.minimum(kv_limited_sequences(c, k, input_tokens, output_tokens, reuse), fed)


@dataclass(frozen=True)
class _Pace:
    """Seconds of a decode step alone, and of a step slowed by the prefills that share it (3.9)."""

    terms: DecodeTerms
    own: Floats
    shared_s_per_sequence: Floats

    def at(self, batch: Floats, others: Floats | float = 1.0) -> tuple[Floats, Floats]:
        """Both at `batch` sequences; others: share of them whose prompts can come in between.

        Of N clients that is (N - 1)/N: none prefills while it decodes itself.
        """
        step = self.terms.total_s(batch) * self.own
        return step, step + self.shared_s_per_sequence * batch * others

    def take(self, places: Places) -> "_Pace":
        """Return the replicas at `places`."""
        return _Pace(self.terms.take(places), self.own[places], self.shared_s_per_sequence[places])


def _pace(
    c: Configurations,
    k: Constants,
    p: Prefill,
    input_tokens: Floats,
    output_tokens: Floats,
    burst_share: Floats | float = 0.0,
    stream_s: Floats | float = 0.0,
) -> _Pace:
    terms = decode_terms(c, k, input_tokens + output_tokens / 2.0)
    terms = replace(terms, overhead_s_per_sequence=terms.overhead_s_per_sequence + stream_s)
    # of a burst, the average request waits for half of the prefills while it decodes
    spread = k["prefill_interference"] * (1.0 - 0.5 * burst_share)
    # of a release that drafts the data knows the tokens of a step; they are not counted twice
    tokens = np.where(c.draft_tokens > 0, c.draft_gain, k["tokens_per_step"])
    own = c.adapter_pace * k["decode_pace"] / tokens
    return _Pace(terms, own, spread * p.marginal_s / output_tokens)


def least_tpot_s(
    c: Configurations, k: Constants, input_tokens: Floats, output_tokens: Floats, ttft_limit_s: float
) -> Floats:
    """Time per token below which no load of clients brings a replica that keeps `ttft_limit_s`, shape (n,).

    A step is never shorter than that of an empty batch, so that a client who waits no longer than the limit for the
    first token spends a known share of the time in the batch, and the step is no shorter than at that share. (3.9)
    """
    none = np.zeros(len(c))
    paces = _pace(c, k, Prefill(none, none), input_tokens, output_tokens)
    decoding = np.maximum(output_tokens - 1.0, 1.0) * paces.at(none)[0]
    return paces.at(decoding / (decoding + ttft_limit_s))[0]


def _ttft(k: Constants, p: Prefill, step: Floats, busy: Floats, clients: Floats) -> Floats:
    """Steady-state seconds to the first token: own prefill, the step under way, prefills ahead (3.10)."""
    ahead = np.minimum(busy / np.maximum(1.0 - busy, 0.02), np.maximum(clients - 1.0, 0.0) / 2.0)
    prompt = p.alone_s * (1.0 + k["queue_weight"] * ahead)
    return k["request_overhead_s"] + prompt + k["step_wait"] * step


@dataclass(frozen=True, eq=False)
class ClosedLoop:
    """Replicas whose clients each send the next request when the last one ended: what no number of them changes.

    Attributes
    ----------
    k: constants of the wait for the first token. p: a request's prefill. steps: decode steps of an answer.
    running: sequences that decode at once at most, placed: that memory and engine hold; at_once: prompts of a step.
    """

    k: Constants
    p: Prefill
    paces: _Pace
    steps: Floats
    running: Floats
    placed: Floats
    at_once: Floats

    @classmethod
    def of(
        cls,
        c: Configurations,
        k: Constants,
        input_tokens: Floats,
        output_tokens: Floats,
        load_test: bool = False,
        reuse: Reuse | None = None,
    ) -> "ClosedLoop":
        """Work out what is the same for every number of clients; parameters as in `closed_loop`."""
        reuse = reuse or no_reuse(len(c))
        fresh = reuse.fresh(input_tokens)
        p = prefill(c, k, input_tokens, fresh)
        return cls(
            {name: k[name] for name in FIRST_TOKEN},
            p,
            _pace(c, k, p, input_tokens, output_tokens, k["burst_share"] if load_test else 0.0),
            np.maximum(output_tokens - 1.0, 1.0),
            running_limit(c, k, input_tokens, output_tokens, reuse),
            kv_limited_sequences(c, k, input_tokens, output_tokens, reuse),
            np.maximum(c.step_tokens / fresh, 1.0),
        )

    def take(self, places: Places) -> "ClosedLoop":
        """Return the replicas at `places`."""
        return ClosedLoop(
            {name: value[places] for name, value in self.k.items()},
            Prefill(self.p.alone_s[places], self.p.marginal_s[places]),
            self.paces.take(places),
            *(each[places] for each in (self.steps, self.running, self.placed, self.at_once)),
        )

    def _turn(self, batch: Floats, inside: Floats, others: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the step at a batch, prefill's share of the time, and the wait for the first token."""
        step, slowed_by_all = self.paces.at(batch)
        pace = step + self.paces.shared_s_per_sequence * batch * others
        # a new prompt finds those of all others, whose own decoding they do not slow: more clients, more prompts ahead
        busy = np.minimum(batch * self.p.marginal_s / (self.steps * slowed_by_all), 0.98)
        return pace, busy, _ttft(self.k, self.p, step, busy, inside)

    def _running(
        self, inside: Floats, others: Floats, told: Callable[[Places, Bools, Latencies], Bools] | None = None
    ) -> Floats:
        """Return the batch whose decoding takes its share of the time of `inside` clients, (n,).

        Of two batches, one too small and one too large, a secant; an end that stays counts half
        (Illinois: Dowell and Jarratt, BIT 11, 1971).

        told: says of which replicas enough is known, from places, whether the batch is too large, and its latencies.
        """
        found, rows, loop, batch = np.empty_like(inside), np.arange(len(inside)), self, inside
        end, end_gap, last, last_gap = np.zeros_like(inside), 2.0 * inside, inside, -inside
        for _ in range(LOOKS):
            for _ in range(SECANTS):
                pace, _, first = loop._turn(batch, inside, others)
                decoding = loop.steps * pace
                waits = inside * first / (decoding + first)
                gap = inside - waits - batch
                stays = gap * last_gap >= 0
                end, end_gap = np.where(stays, end, last), np.where(stays, end_gap / 2.0, last_gap)
                last, last_gap = batch, gap
                batch = batch - gap * (batch - end) / (gap - end_gap)
            found[rows] = batch
            unsettled = np.abs(gap) * inside > SETTLED * batch * waits
            if told:
                unsettled &= ~told(rows, gap <= 0, Latencies(first, pace))
            off = np.flatnonzero(unsettled)
            if not len(off):
                break
            rows, loop = rows[off], loop.take(off)
            columns = (inside, others, batch, end, end_gap, last, last_gap)
            inside, others, batch, end, end_gap, last, last_gap = (each[off] for each in columns)
        return found

    def serve(self, concurrency: Floats, load_test: bool = False) -> Service:
        """Serve so many clients, (n,). (3.9)-(3.12)"""
        k, p, steps = self.k, self.p, self.steps
        inside, others = self._inside(concurrency)
        batch = self._running(inside, others)
        pace, busy, first = self._turn(batch, inside, others)
        rate = batch / (steps * pace)
        queued = np.maximum(concurrency - inside, 0.0) / np.maximum(rate, 1e-12)
        together = np.minimum(inside, self.at_once)
        ahead = np.maximum(inside + together - 2.0, 0.0) / 2.0
        burst = k["burst_share"] * p.marginal_s * ahead
        ttft = first + queued + (burst if load_test else 0.0)
        waiting = np.maximum(concurrency - self.placed, 0.0)
        return Service(ttft, pace, rate, batch, waiting, busy, burst)

    def keeps(self, concurrency: Floats, kept: Callable[[Latencies | Service, Places], Bools]) -> Bools:
        """Say which replicas keep limits of their latencies with so many clients, (n,).

        Latencies rise with the batch: one that must still grow and misses a limit already, or must shrink and keeps
        them all, decides long before it has settled. kept: whether latencies keep the limits of replicas at places.
        """
        inside, others = self._inside(concurrency)
        within = np.zeros(len(inside), dtype=bool)

        def told(rows: Places, too_large: Bools, latencies: Latencies) -> Bools:
            within[rows] = kept(latencies, rows)
            return np.asarray(within[rows] == too_large)

        self._running(inside, others, told)
        queued = np.flatnonzero(concurrency > inside)
        if len(queued):
            within[queued] = kept(self.take(queued).serve(concurrency[queued]), queued)
        return within

    def _inside(self, concurrency: Floats) -> tuple[Floats, Floats]:
        """Clients that are served at once, and the share of them that others are to each."""
        others = np.maximum(concurrency - 1.0, 0.0) / np.maximum(concurrency, 1.0)
        return np.minimum(concurrency, self.running), others


def closed_loop(
    c: Configurations,
    k: Constants,
    input_tokens: Floats,
    output_tokens: Floats,
    concurrency: Floats,
    load_test: bool = False,
    reuse: Reuse | None = None,
) -> Service:
    """Serve `concurrency` clients, each sending its next request when the last one ended (3.9 to 3.12).

    load_test: the figures are means of a run that opens with all clients at once; else of its steady state.
    reuse: what a prefix cache holds of each prompt; None: nothing.
    """
    return ClosedLoop.of(c, k, input_tokens, output_tokens, load_test, reuse).serve(concurrency, load_test)


def max_rate(c: Configurations, k: Constants, input_tokens: Floats, output_tokens: Floats) -> Service:
    """Serve an endless queue: the largest batch that memory and engine allow runs all the time (3.13)."""
    p = prefill(c, k, input_tokens)
    paces = _pace(c, k, p, input_tokens, output_tokens)
    batch = running_limit(c, k, input_tokens, output_tokens)
    _, pace = paces.at(batch)
    rate = batch / (np.maximum(output_tokens, 1.0) * pace) * k["offline_occupancy"]
    none = np.zeros_like(batch)
    return Service(p.alone_s, pace, rate, batch, none, rate * p.marginal_s, none)


def open_loop(
    c: Configurations, k: Constants, input_tokens: Floats, output_tokens: Floats, offered_rps: Floats
) -> Service:
    """Serve requests that arrive at random at `offered_rps`, whatever is in progress (3.15).

    A measured run is finite: no more than `open_run_requests` requests are in progress, and near saturation
    the batch has not yet grown to its steady size, which `open_feedback` (1: steady) says. Above capacity
    the queue grows for as long as the run lasts. Hosts stream each token: `stream_overhead_s` a sequence.
    """
    p = prefill(c, k, input_tokens)
    paces = _pace(c, k, p, input_tokens, output_tokens, stream_s=k["stream_overhead_s"])
    steps = np.maximum(output_tokens - 1.0, 1.0)
    limit = running_limit(c, k, input_tokens, output_tokens)
    limit = np.maximum(np.minimum(limit, k["open_run_requests"]), 1.0)
    low, high = np.full_like(limit, 1e-3), limit
    for _ in range(HALVINGS):
        batch = np.sqrt(low * high)
        _, pace = paces.at(batch)
        enough = batch >= offered_rps * steps * pace
        low, high = np.where(enough, low, batch), np.where(enough, batch, high)
    _, alone = paces.at(np.ones_like(batch), 0.0)
    light = np.minimum(offered_rps * steps * alone, batch)
    rate = np.minimum(offered_rps, batch / (steps * pace))
    batch = light ** (1.0 - k["open_feedback"]) * batch ** k["open_feedback"]
    # a lone request still runs in a batch of one
    step, pace = paces.at(np.maximum(batch, 1.0))
    busy = np.minimum(rate * p.marginal_s, 0.98)
    first = _ttft(k, p, step, busy, batch + 1.0)
    queued = k["open_run_requests"] / 2.0 * np.maximum(1.0 / rate - 1.0 / offered_rps, 0.0)
    return Service(
        first + queued * k["open_queue_share"], pace, rate, batch, rate * queued, busy, np.zeros_like(batch)
    )


def within_latency(
    c: Configurations,
    k: Constants,
    input_tokens: Floats,
    output_tokens: Floats,
    ttft_limit_s: Floats,
    tpot_limit_s: Floats,
) -> Service:
    """Serve random arrivals at the highest rate whose latencies keep within limits (3.14).

    The limits hold for a high percentile; `latency_margin` is the mean's share of it.
    """
    p = prefill(c, k, input_tokens)
    paces = _pace(c, k, p, input_tokens, output_tokens)
    steps = np.maximum(output_tokens - 1.0, 1.0)
    limit = running_limit(c, k, input_tokens, output_tokens)
    low, high = np.full_like(limit, 1.0), limit
    target = np.minimum(tpot_limit_s * k["latency_margin"], 1e9)
    for _ in range(HALVINGS):
        batch = np.sqrt(low * high)
        step, pace = paces.at(batch)
        busy = np.minimum(batch / (steps * pace) * p.marginal_s, 0.98)
        first = _ttft(k, p, step, busy, batch + 1.0)
        within = (pace <= target) & (first <= ttft_limit_s)
        low, high = np.where(within, batch, low), np.where(within, high, batch)
    rate = batch / (steps * pace) * k["server_occupancy"]
    none = np.zeros_like(batch)
    return Service(first, pace, rate, batch, none, busy, none)


def all_at_once(
    c: Configurations, k: Constants, input_tokens: Floats, output_tokens: Floats, requests: Floats
) -> Service:
    """Serve `requests` requests that all arrive at time zero (3.16).

    Prefills run one after the other; those beyond the KV limit wait for whole generations.
    """
    p = prefill(c, k, input_tokens)
    paces = _pace(c, k, p, input_tokens, output_tokens)
    batch = np.minimum(requests, running_limit(c, k, input_tokens, output_tokens))
    _, pace = paces.at(batch)
    steps = np.maximum(output_tokens - 1.0, 1.0)
    rate = batch / (steps * pace)
    last = np.minimum(requests * p.marginal_s, requests / rate) + (requests - batch) / rate
    first = k["request_overhead_s"] + p.alone_s + last / 2.0
    total = requests / rate + p.alone_s
    busy, none = np.minimum(rate * p.marginal_s, 0.98), np.zeros_like(batch)
    return Service(first, pace, requests / total, batch, requests - batch, busy, none)
