"""Simulated runs: open loop over a fleet, closed loop at a concurrency; seeded by their requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.queueing.simulation.replica import Job, Replica, Totals
from llmplan.queueing.simulation.requests import Ints, Requests
from llmplan.queueing.simulation.steps import ReplicaLimits, StepTimes
from llmplan.units import MS_PER_S

Router = Literal["least_loaded", "round_robin", "random"]
PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """What a simulated run measured, warm-up left out.

    Attributes
    ----------
    ttft_ms, tpot_ms, e2e_ms: one value a request, shape (n,); TPOT leaves out the first token and is NaN
        for single-token answers.
    requests_per_s, output_tokens_per_s: of the whole fleet.
    running_sequences, waiting_requests: means over time, a replica.
    kv_use, busy: mean share of the cache reserved and of time with work, a replica.
    simulated_s: simulated seconds. steps: engine steps, all replicas.
    """

    ttft_ms: Floats
    tpot_ms: Floats
    e2e_ms: Floats
    requests_per_s: float
    output_tokens_per_s: float
    running_sequences: float
    waiting_requests: float
    kv_use: float
    busy: float
    simulated_s: float
    steps: int

    def summary(self, percentiles: Sequence[int] = PERCENTILES) -> dict[str, float]:
        """Return means and percentiles under stable names with units, such as ttft_ms_p95."""
        out: dict[str, float] = {"n_requests": float(self.ttft_ms.size)}
        for name in ("ttft_ms", "tpot_ms", "e2e_ms"):
            values = getattr(self, name)
            values = values[np.isfinite(values)]
            if values.size:
                out[f"{name}_mean"] = float(values.mean())
                out |= {f"{name}_p{p}": float(np.percentile(values, p)) for p in percentiles}
        for name in ("requests_per_s", "output_tokens_per_s", "running_sequences", "waiting_requests"):
            out[name] = getattr(self, name)
        return out | {"kv_use": self.kv_use, "busy": self.busy, "simulated_s": self.simulated_s}


def simulate_requests(
    steps: StepTimes,
    limits: ReplicaLimits,
    requests: Requests,
    replicas: int = 1,
    router: Router = "least_loaded",
    warmup_share: float = 0.1,
    seed: int = 0,
) -> SimulationResult:
    """Serve given requests (Poisson, all at once or a trace) on `replicas` equal replicas.

    Throughput is completed requests over the time from first arrival to last completion, as benchmark
    tools count it. The first `warmup_share` of requests load the system and are left out of latencies.
    """
    _check(replicas, warmup_share)
    fleet = [Replica(steps, limits) for _ in range(replicas)]
    rng = np.random.default_rng(seed)
    lengths = zip(requests.arrival_s, requests.input_tokens, requests.output_tokens, strict=True)
    jobs = [Job(i, float(t), int(a), int(b)) for i, (t, a, b) in enumerate(lengths)]
    for job in jobs:
        for replica in fleet:
            replica.advance(job.arrival_s)
        fleet[_route(router, fleet, job.index, rng)].enqueue(job)
    for replica in fleet:
        replica.advance()
    span = max(replica.now_s for replica in fleet) - jobs[0].arrival_s
    return _result(fleet, jobs, int(warmup_share * len(jobs)), len(jobs) / span)


def simulate_closed_loop(
    steps: StepTimes,
    limits: ReplicaLimits,
    input_tokens: Ints,
    output_tokens: Ints,
    concurrency: int,
    replicas: int = 1,
    warmup_share: float = 0.2,
    out_of_step: bool = False,
) -> SimulationResult:
    """Serve clients that each send the next request when the last answer is complete, without a pause.

    All clients start at once, as benchmark tools do, and each stays with one replica. Throughput is
    concurrency over the mean cycle time (Little's law), so start and end of the run do not bias it.

    Parameters
    ----------
    input_tokens, output_tokens: lengths of all requests, shape (n,); n well above `concurrency`.
    concurrency: clients, over all replicas.
    out_of_step: each client's first answer, which does not count, is another part of its length: answers of one
        length, whose clients would meet in one step again and again, then end one after another.
    """
    _check(replicas, warmup_share)
    if not concurrency >= replicas:
        raise InputError("concurrency", concurrency, "must be at least the replicas", "give more clients")
    if not len(input_tokens) >= concurrency:
        raise InputError("n_requests", len(input_tokens), "must be at least the concurrency", "give more")
    if out_of_step:
        parts = np.minimum(np.arange(1, len(output_tokens) + 1) / concurrency, 1.0)
        output_tokens = np.ceil(output_tokens * parts).astype(np.int64)
    jobs = [
        Job(i, 0.0, int(a), int(b)) for i, (a, b) in enumerate(zip(input_tokens, output_tokens, strict=True))
    ]
    fleet = [Replica(steps, limits) for _ in range(replicas)]
    for place, replica in enumerate(fleet):
        clients = concurrency // replicas + (place < concurrency % replicas)
        _run_clients(replica, jobs[place::replicas], clients)
    warm = max(int(warmup_share * len(jobs)), min(concurrency, len(jobs) // 2))
    cycle_s = np.mean([job.finish_s - job.arrival_s for job in jobs[warm : len(jobs)]])
    return _result(fleet, jobs, warm, concurrency / float(cycle_s))


def _run_clients(replica: Replica, jobs: list[Job], clients: int) -> None:
    """Send the first `clients` jobs at time 0 and one more at each completion."""
    pending = iter(jobs[clients:])

    def send_next(done: Job) -> None:
        job = next(pending, None)
        if job is None:
            replica.counting = False
            return
        job.arrival_s = done.finish_s
        replica.enqueue(job)

    replica.on_finish = send_next
    for job in jobs[:clients]:
        replica.enqueue(job)
    replica.advance()


def _route(router: Router, fleet: list[Replica], index: int, rng: np.random.Generator) -> int:
    if router == "round_robin":
        return index % len(fleet)
    if router == "random":
        return int(rng.integers(len(fleet)))
    return min(range(len(fleet)), key=lambda i: fleet[i].outstanding)


def _check(replicas: int, warmup_share: float) -> None:
    if not replicas >= 1:
        raise InputError("replicas", replicas, "must be at least 1", "give whole replicas")
    if not 0 <= warmup_share < 1:
        raise InputError("warmup_share", warmup_share, "must lie in 0 to below 1", "0.1 leaves a tenth out")


def _result(fleet: list[Replica], jobs: list[Job], warm: int, requests_per_s: float) -> SimulationResult:
    kept = jobs[warm:] or jobs
    arrival, first, finish = (
        np.array([getattr(job, name) for job in kept]) for name in ("arrival_s", "first_token_s", "finish_s")
    )
    outputs = np.array([job.output_tokens for job in kept], dtype=float)
    gaps = np.where(outputs > 1, outputs - 1, np.nan)
    sums = _sum_totals([replica.totals for replica in fleet])
    elapsed = max(sums.elapsed_s, np.finfo(float).tiny)
    return SimulationResult(
        ttft_ms=(first - arrival) * MS_PER_S,
        tpot_ms=(finish - first) / gaps * MS_PER_S,
        e2e_ms=(finish - arrival) * MS_PER_S,
        requests_per_s=requests_per_s,
        output_tokens_per_s=requests_per_s * float(np.mean([job.output_tokens for job in jobs])),
        running_sequences=sums.running_s / elapsed,
        waiting_requests=sums.waiting_s / elapsed,
        kv_use=sums.kv_token_s / elapsed / fleet[0].limits.kv_tokens,
        busy=sums.busy_s / elapsed,
        simulated_s=max(replica.now_s for replica in fleet),
        steps=sums.steps,
    )


def _sum_totals(totals: Sequence[Totals]) -> Totals:
    names = ("elapsed_s", "busy_s", "running_s", "waiting_s", "kv_token_s")
    sums = {name: sum(getattr(part, name) for part in totals) for name in names}
    return Totals(**sums, steps=sum(part.steps for part in totals))
