"""A fleet through the week: how many replicas are paid for and ready, and what requests wait.

Fluid between steps of a minute; the tests check it against a simulation of single requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.cost.billing import IDLE_TIMEOUT_S
from llmplan.cost.week import HOURS_PER_WEEK, STEP_S, STEPS_PER_WEEK, require
from llmplan.growth.autoscaling.waiting import fluid_backlog
from llmplan.queueing.waits import erlang_c
from llmplan.units import S_PER_DAY, S_PER_HOUR

NEARLY_FULL: Final = 0.9


@dataclass(frozen=True)
class ScalingPolicy:
    """How one replica serves and how the number of replicas follows the load.

    Attributes
    ----------
    replica_requests_per_s: what a replica sustains within the latency targets. [requests/s]
    concurrency: requests that a replica works on at once, for the random waiting.
    target_utilisation: load per replica that the autoscaler keeps. [0..1]
    min_replicas, max_replicas: its bounds; None: no upper bound.
    spare_replicas: kept on top of what the load asks for, within the bounds.
    scale_up_lag_s: from the decision to the first answer: machine, image, weights. Billed. [s]
    scale_down_after_s: the highest wish of this window is kept; Kubernetes' default is 300. [s]
    idle_timeout_s: scale to zero: no request for so long stops the last replica. [s]
    """

    replica_requests_per_s: float
    concurrency: int = 32
    target_utilisation: float = 0.7
    min_replicas: int = 1
    max_replicas: int | None = None
    spare_replicas: int = 0
    scale_up_lag_s: float = 300.0
    scale_down_after_s: float = 300.0
    idle_timeout_s: float = IDLE_TIMEOUT_S

    def __post_init__(self) -> None:
        require(
            0 < self.replica_requests_per_s < 1e9,
            "replica_requests_per_s",
            self.replica_requests_per_s,
            "must lie between 0 and 1e9",
        )
        require(1 <= self.concurrency <= 100_000, "concurrency", self.concurrency, "must be 1 to 100,000")
        require(
            0 < self.target_utilisation <= 1,
            "target_utilisation",
            self.target_utilisation,
            "must be above 0, at most 1",
        )
        require(self.min_replicas >= 1, "min_replicas", self.min_replicas, "must be at least 1")
        require(0 <= self.spare_replicas <= 100, "spare_replicas", self.spare_replicas, "must be 0 to 100")
        upper = self.max_replicas
        require(
            upper is None or upper >= self.min_replicas,
            "max_replicas",
            upper,
            "must be at least min_replicas",
        )
        for field in ("scale_up_lag_s", "scale_down_after_s", "idle_timeout_s"):
            require(
                0 <= getattr(self, field) <= S_PER_DAY,
                field,
                getattr(self, field),
                "must lie in 0 to 86,400, a day",
            )


@dataclass(frozen=True)
class FleetWeek:
    """A week in steps of one minute, repeating: its end joins its beginning. All arrays (10080,).

    Attributes
    ----------
    offered_requests_per_s: load.
    replicas_billed: paid for, starting ones included.
    replicas_ready: able to answer.
    backlog_requests: waiting because capacity is missing.
    wait_s: what a request that arrives now waits before a replica takes it, backlog and random part. [s]
    late_share: share of the requests arriving now that wait longer than the limit. [0..1]
    """

    offered_requests_per_s: Floats
    replicas_billed: Floats
    replicas_ready: Floats
    backlog_requests: Floats
    wait_s: Floats
    late_share: Floats

    @property
    def replica_hours(self) -> float:
        """Billed in the week. [h]"""
        return float(self.replicas_billed.sum()) * STEP_S / S_PER_HOUR

    @property
    def slo_miss_share(self) -> float:
        """Share of the week's requests that wait longer than the limit."""
        return self._by_request(self.late_share)

    @property
    def mean_wait_s(self) -> float:
        return self._by_request(self.wait_s)

    @property
    def replicas_by_hour(self) -> Floats:
        """Mean billed replicas of each hour of the week. (168,)"""
        return np.asarray(self.replicas_billed.reshape(HOURS_PER_WEEK, -1).mean(axis=1))

    def _by_request(self, values: Floats) -> float:
        weights = self.offered_requests_per_s
        busy = weights > 0
        return float((values[busy] * weights[busy]).sum() / weights.sum()) if busy.any() else 0.0


def autoscaled_week(loads: ArrayLike, policy: ScalingPolicy, wait_limit_s: float) -> FleetWeek:
    """Return the week of an autoscaled fleet, equations (4b.1) to (4b.6).

    Parameters
    ----------
    loads: requests/s by minute. (10080,)
    wait_limit_s: what a request may wait for a replica and still meet its target. [s]
    """
    offered = check_loads(loads)
    upper = np.inf if policy.max_replicas is None else policy.max_replicas
    wanted = np.clip(_replicas(offered, policy), policy.min_replicas, upper)
    billed = _over_last(wanted, policy.scale_down_after_s, np.maximum)
    ready = _over_last(billed, policy.scale_up_lag_s, np.minimum)
    return serve_week(offered, billed, ready, policy, wait_limit_s)


def static_week(loads: ArrayLike, replicas: int, policy: ScalingPolicy, wait_limit_s: float) -> FleetWeek:
    """Return the week of a fleet that never changes."""
    require(replicas >= 1, "replicas", replicas, "must be at least 1")
    offered = check_loads(loads)
    fleet = np.full(offered.shape, float(replicas))
    return serve_week(offered, fleet, fleet, policy, wait_limit_s)


def peak_replicas(loads: ArrayLike, policy: ScalingPolicy) -> int:
    """Return the replicas that hold the busiest minute at the target utilisation, spares included."""
    return max(1, int(_replicas(check_loads(loads), policy).max()))


def serve_week(
    offered: Floats, billed: Floats, ready: Floats, policy: ScalingPolicy, wait_limit_s: float
) -> FleetWeek:
    """Return the week of a fleet whose ready replicas are given.

    A backlog and the random waiting are not added: while a backlog drains it decides, else Erlang C does.
    """
    require(wait_limit_s >= 0, "wait_limit_s", wait_limit_s, "must not be negative")
    backlog, drain_s = fluid_backlog(offered, ready * policy.replica_requests_per_s)
    delayed, decay = _random_waiting(offered, ready, policy)
    random_s = np.divide(delayed, decay, out=np.zeros_like(delayed), where=decay > 0)
    random_late = delayed * np.exp(-decay * wait_limit_s)
    queued = backlog > 0
    wait = np.where(queued, np.maximum(drain_s, random_s), random_s)
    late = np.where(queued, (drain_s > wait_limit_s).astype(float), random_late)
    return FleetWeek(offered, billed, ready, backlog, wait, late)


def _random_waiting(offered: Floats, ready: Floats, policy: ScalingPolicy) -> tuple[Floats, Floats]:
    """Return P(wait > 0) and the rate at which P(wait > t) decays: M/M/c over all slots of the fleet.

    At full load M/M/c has no mean, and near it the mean is reached after hours only: see `fullest_load`.
    """
    capacity = ready * policy.replica_requests_per_s
    serving = capacity > 0
    share = np.divide(offered, capacity, out=np.zeros_like(offered), where=serving)
    share = np.minimum(share, fullest_load(share, capacity))
    slots = ready * policy.concurrency
    delayed = np.where(offered > 0, 1.0, 0.0)
    # days repeat: each pair of slots and load is worked out once
    pairs, where = np.unique(slots[serving] + 1j * (share * slots)[serving], return_inverse=True)
    delayed[serving] = erlang_c(pairs.real, pairs.imag)[where]
    return delayed, capacity * (1 - share)


def fullest_load(share: Floats, capacity: Floats) -> Floats:
    """Return the load that a queue can have settled to since the fleet has been nearly full. (n,)

    A queue at load x takes about 1 / (capacity (1 - sqrt(x))^2) to reach its mean, M/M/1's relaxation time, (4b.7):
    a peak that is over before never sees it. Minutes above this load count as it; what exceeds the capacity
    itself is the fluid backlog's.
    """
    n = len(share)
    minute = np.arange(2 * n)
    calm = np.maximum.accumulate(np.where(np.tile(share < NEARLY_FULL, 2), minute, -1))
    full_for_s = (minute - calm)[n:] * STEP_S
    root = 1 - 1 / np.sqrt(np.maximum(full_for_s * capacity, 4.0))
    return np.asarray(np.where(share < NEARLY_FULL, NEARLY_FULL, root**2))


def _replicas(offered: Floats, policy: ScalingPolicy) -> Floats:
    # the share taken off keeps rounding from buying a replica
    ratio = offered / (policy.replica_requests_per_s * policy.target_utilisation)
    return np.asarray(np.ceil(ratio * (1 - 1e-12)) + policy.spare_replicas)


def _over_last(values: Floats, seconds: float, keep: np.ufunc) -> Floats:
    """Return the running maximum or minimum over the last `seconds`, round the week."""
    out = values
    for shift in range(1, min(int(np.ceil(seconds / STEP_S)), len(values) - 1) + 1):
        out = keep(out, np.roll(values, shift))
    return np.asarray(out)


def check_loads(loads: ArrayLike) -> Floats:
    """Return loads as an array (10080,); raise InputError on another shape or a negative value."""
    offered = np.asarray(loads, float)
    require(
        offered.shape == (STEPS_PER_WEEK,),
        "loads",
        offered.shape,
        "must have 10,080 values, one a minute of the week",
    )
    require(
        bool(np.all((offered >= 0) & np.isfinite(offered))),
        "loads",
        offered.min(),
        "must be finite, none negative",
    )
    return offered
