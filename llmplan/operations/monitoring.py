"""What to watch, what to expect and when to be alarmed, computed from the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llmplan.operations.plan import ServingPlan
from llmplan.units import MS_PER_S

NO_TARGET_FACTOR: Final = 2.0
"""Alarm at twice the expected latency where the plan has no target."""
KV_ALARM: Final = 0.95
GPU_MEMORY_ALARM: Final = 0.99
FAILED_SHARE: Final = 0.01
"""Share of failing requests at which users notice."""
SICK_SHARE: Final = 0.5
"""A replica that queues while it makes less than this share of its expected tokens/s is ill, not busy."""


@dataclass(frozen=True)
class Thresholds:
    """Alarm levels of one replica and of the fleet, equations (O.1) to (O.8).

    Attributes
    ----------
    ttft_s, tpot_s: alarm on the 95th percentile: the target, or twice the expectation without one. [s]
    queue_wait_s: what queueing may take of the time to first token. [s]
    queue_requests: requests waiting at a replica that use up `queue_wait_s`.
    busy_sequences: running sequences at the utilisation ceiling: scale out above.
    requests_per_s: rate of one replica at the ceiling.
    expected_output_tokens_per_s: of one replica at the ceiling.
    sick_output_tokens_per_s: of a replica with a queue; below: something is wrong with it.
    kv_cache_share: share of the KV cache that the planned concurrency takes, at most 0.95. [0..1]
    fleet_requests_per_s: peak that the fleet without its spares was sized for.
    failed_share: share of requests that fail. [0..1]
    """

    ttft_s: float
    tpot_s: float
    queue_wait_s: float
    queue_requests: float
    busy_sequences: float
    requests_per_s: float
    expected_output_tokens_per_s: float
    sick_output_tokens_per_s: float
    kv_cache_share: float
    fleet_requests_per_s: float
    failed_share: float


@dataclass(frozen=True)
class MonitoringItem:
    """One line of the monitoring list."""

    signal: str
    expected: float
    alarm: float
    unit: str
    meaning: str
    action: str


def thresholds(plan: ServingPlan) -> Thresholds:
    """Return the alarm levels that follow from the plan."""
    ttft_ms = plan.ttft_limit_ms or NO_TARGET_FACTOR * plan.ttft_ms
    tpot_ms = plan.tpot_limit_ms or NO_TARGET_FACTOR * plan.tpot_ms
    queue_wait_s = max(0.0, ttft_ms - plan.ttft_ms) / MS_PER_S
    rate = plan.requests_per_s * plan.utilisation_ceiling
    tokens = plan.output_tokens_per_s * plan.utilisation_ceiling
    return Thresholds(
        ttft_s=ttft_ms / MS_PER_S,
        tpot_s=tpot_ms / MS_PER_S,
        queue_wait_s=queue_wait_s,
        queue_requests=max(1.0, queue_wait_s * plan.requests_per_s),
        busy_sequences=max(1.0, plan.concurrency * plan.utilisation_ceiling),
        requests_per_s=rate,
        expected_output_tokens_per_s=tokens,
        sick_output_tokens_per_s=tokens * SICK_SHARE,
        kv_cache_share=min(KV_ALARM, plan.concurrency / plan.max_concurrent_sequences),
        fleet_requests_per_s=rate * plan.working_replicas,
        failed_share=FAILED_SHARE,
    )


def monitoring_list(plan: ServingPlan) -> tuple[MonitoringItem, ...]:
    """Return what to watch, most urgent first."""
    at = thresholds(plan)
    mean_load = plan.mean_requests_per_s / plan.working_replicas
    return (
        MonitoringItem(
            "time to first token, 95th percentile",
            plan.ttft_ms / MS_PER_S,
            at.ttft_s,
            "s",
            "users wait longer than the target",
            "scale out; look at the queue first",
        ),
        MonitoringItem(
            "time per output token, 95th percentile",
            plan.tpot_ms / MS_PER_S,
            at.tpot_s,
            "s",
            "answers flow slower than the target",
            "lower the batch limit or scale out",
        ),
        MonitoringItem(
            "requests waiting, a replica",
            0.0,
            at.queue_requests,
            "requests",
            f"the queue alone takes {at.queue_wait_s:.2f} s of the time to first token",
            "scale out",
        ),
        MonitoringItem(
            "requests running, a replica",
            mean_load / plan.requests_per_s * plan.concurrency,
            at.busy_sequences,
            "sequences",
            f"load above {plan.utilisation_ceiling:.0%} of what a replica sustains",
            "scale out",
        ),
        MonitoringItem(
            "output tokens, a replica with a queue",
            at.expected_output_tokens_per_s,
            at.sick_output_tokens_per_s,
            "tokens/s",
            "slow although work waits: throttling, a lost GPU, a changed workload",
            "restart it; measure again",
        ),
        MonitoringItem(
            "KV cache in use",
            mean_load / plan.requests_per_s * plan.concurrency / plan.max_concurrent_sequences,
            at.kv_cache_share,
            "share",
            "fuller than planned: contexts are longer than assumed",
            "measure the context lengths; plan again",
        ),
        MonitoringItem(
            "GPU memory in use (GPU exporter)",
            plan.memory_in_use_share,
            GPU_MEMORY_ALARM,
            "share",
            "the next allocation may fail: out of memory",
            "lower the engine's memory share or the longest sequence",
        ),
        MonitoringItem(
            "requests that fail",
            0.0,
            at.failed_share,
            "share",
            "errors, running out of memory, timeouts, clients that gave up",
            "read the engine's log; roll back after an update",
        ),
        MonitoringItem(
            "requests, the whole fleet",
            plan.mean_requests_per_s,
            at.fleet_requests_per_s,
            "requests/s",
            "the peak that the fleet was sized for is reached",
            "plan again with the new volume",
        ),
        MonitoringItem(
            "replicas ready",
            float(plan.replicas),
            float(plan.working_replicas),
            "replicas",
            "below this the peak is no longer held",
            "replace the lost replica",
        ),
    )
