"""One replica under continuous batching, advanced from event to event."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from llmplan.errors import InputError
from llmplan.queueing.simulation.steps import ReplicaLimits, StepTimes


@dataclass
class Job:
    """One request on its way through a replica; times in seconds."""

    index: int
    arrival_s: float
    input_tokens: int
    output_tokens: int
    prefilled: int = 0
    first_token_s: float = math.nan
    finish_s: float = math.nan

    @property
    def whole(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass
class Totals:
    """Integrals over simulated time of one replica: seconds, and seconds times a count."""

    elapsed_s: float = 0.0
    busy_s: float = 0.0
    running_s: float = 0.0
    waiting_s: float = 0.0
    kv_token_s: float = 0.0
    steps: int = 0


@dataclass
class Replica:
    """First come, first served admission; a sequence is admitted when its whole length fits in the cache.

    A step gives one token to every decoding sequence, then the rest of the token budget to prompts in
    order of arrival (chunked prefill). Reserving the whole length means no sequence is ever evicted, as
    TensorRT-LLM's guaranteed-no-evict policy does; vLLM admits a little more and now and then recomputes.
    """

    steps: StepTimes
    limits: ReplicaLimits
    on_finish: Callable[[Job], None] | None = None
    now_s: float = 0.0
    step: int = 0
    decoding: int = 0
    kv_tokens: float = 0.0
    kv_reserved: float = 0.0
    waiting: deque[Job] = field(default_factory=deque)
    prefilling: deque[Job] = field(default_factory=deque)
    ends: list[tuple[int, int, Job]] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    counting: bool = True

    @property
    def outstanding(self) -> int:
        """Requests waiting or running."""
        return len(self.waiting) + len(self.prefilling) + self.decoding

    def enqueue(self, job: Job) -> None:
        """Add a request at its arrival; raise InputError if it can never fit."""
        if not job.whole <= self.limits.kv_tokens:
            rule = f"{job.whole} tokens exceed the KV cache of {self.limits.kv_tokens:.0f} tokens"
            raise InputError("input_tokens + output_tokens", job.whole, rule, "use more or larger GPUs")
        if not self.outstanding:
            self._pass(max(0.0, job.arrival_s - self.now_s), 0)
            self.now_s = max(self.now_s, job.arrival_s)
        self.waiting.append(job)

    def advance(self, until_s: float = math.inf) -> None:
        """Run every step that starts before `until_s`."""
        while self.now_s < until_s and self.outstanding:
            self._admit()
            if self.prefilling and self.decoding < self.limits.tokens_per_step:
                self._mixed_step()
            else:
                self._decode_until_change(until_s)

    def _admit(self) -> None:
        while self.waiting and self.decoding + len(self.prefilling) < self.limits.max_running:
            if self.kv_reserved + self.waiting[0].whole > self.limits.kv_tokens:
                return
            job = self.waiting.popleft()
            self.kv_reserved += job.whole
            self.prefilling.append(job)

    def _mixed_step(self) -> None:
        """Run one step that carries prompt tokens beside the decoding sequences."""
        budget = self.limits.tokens_per_step - self.decoding
        tokens, attended, done = 0, 0.0, []
        for job in self.prefilling:
            take = min(job.input_tokens - job.prefilled, budget - tokens)
            if take <= 0:
                break
            attended += take * job.prefilled + take * (take + 1) / 2
            job.prefilled += take
            tokens += take
            if job.prefilled == job.input_tokens:
                done.append(job)
        self._run_steps(1, self.steps.step_s(tokens, attended, self.decoding, self.kv_tokens))
        for job in done:
            self.prefilling.popleft()
            self._start_decoding(job)

    def _start_decoding(self, job: Job) -> None:
        job.first_token_s = self.now_s
        if job.output_tokens == 1:
            self._finish(job)
            return
        self.decoding += 1
        self.kv_tokens += job.input_tokens + 1
        heapq.heappush(self.ends, (self.step + job.output_tokens - 1, job.index, job))

    def _decode_until_change(self, until_s: float) -> None:
        """Run pure decode steps up to the first end of a sequence, or past `until_s`, whichever is first.

        Between changes the batch is constant and the cache grows by one token a sequence and step, so the
        steps' times are an arithmetic series: exact for a step time that is affine in the cached tokens.
        """
        count = self.ends[0][0] - self.step
        first = self.steps.step_s(0, 0.0, self.decoding, self.kv_tokens)
        last = self.steps.step_s(0, 0.0, self.decoding, self.kv_tokens + (count - 1) * self.decoding)
        slope = (last - first) / (count - 1) if count > 1 else 0.0
        if self.now_s + _series(count, first, slope) > until_s:
            count = _steps_to_cover(until_s - self.now_s, first, slope, count)
        self._run_steps(count, _series(count, first, slope))

    def _run_steps(self, count: int, duration_s: float) -> None:
        self._pass(duration_s, self.decoding + len(self.prefilling))
        self.now_s += duration_s
        self.step += count
        self.totals.steps += count
        self.kv_tokens += count * self.decoding
        while self.ends and self.ends[0][0] <= self.step:
            job = heapq.heappop(self.ends)[2]
            self.decoding -= 1
            self.kv_tokens -= job.whole
            self._finish(job)

    def _finish(self, job: Job) -> None:
        job.finish_s = self.now_s
        self.kv_reserved -= job.whole
        if self.on_finish is not None:
            self.on_finish(job)

    def _pass(self, duration_s: float, running: int) -> None:
        if not self.counting:
            return
        self.totals.elapsed_s += duration_s
        self.totals.busy_s += duration_s if running else 0.0
        self.totals.running_s += duration_s * running
        self.totals.waiting_s += duration_s * len(self.waiting)
        self.totals.kv_token_s += duration_s * self.kv_reserved


def _series(count: int, first: float, slope: float) -> float:
    """Return the sum of `count` terms of an arithmetic series."""
    return count * first + count * (count - 1) / 2 * slope


def _steps_to_cover(duration_s: float, first: float, slope: float, most: int) -> int:
    """Return the fewest steps, 1 to `most`, whose times reach `duration_s`."""
    if slope > 0:
        b = first - slope / 2
        guess = (math.sqrt(b * b + 2 * slope * duration_s) - b) / slope
    else:
        guess = duration_s / first
    count = min(most, max(1, math.ceil(guess)))
    while count < most and _series(count, first, slope) < duration_s:
        count += 1
    return count
