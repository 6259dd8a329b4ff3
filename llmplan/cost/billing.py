"""Which hours of a fleet are paid: all, those of its busy window, those that its load asks for, those with queries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats
from llmplan.catalog import Catalog
from llmplan.cost.rent import MOST, Rents
from llmplan.cost.week import MOST_PEAKED, week_profile
from llmplan.scenario.workload import Workload, filled_day
from llmplan.units import HOURS_PER_DAY, S_PER_HOUR

IDLE_TIMEOUT_S: Final = 300.0
"""Without a query for so long the last replica stops; as long as Kubernetes' autoscaler waits by default."""
BOUGHT: Final = "bought"
"""Kind of GPU price at which servers are one's own."""
BINDING_PRICES: Final = ("reserved_1y", "reserved_3y", "reserved_short", BOUGHT)
"""Kinds of GPU price whose hours are paid whether used or not."""
NEVER_IDLE: Final = 40.0
"""Queries expected in that time beyond which what idle time saves is less than a sum's last bit."""
PIECE: Final = 1 << 14
"""Fleets at a volume whose idle time is worked out at once."""
BUSY_SHARE: Final = 0.95
"""Share of the day's queries that the hours of an office hold."""


class Billing(StrEnum):
    """Which hours of a fleet are paid."""

    ALWAYS_ON = "always_on"
    OFFICE_HOURS = "office_hours"
    AUTOSCALED = "autoscaled"
    SCALE_TO_ZERO = "scale_to_zero"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ")


def usual_billing(price_kind: str) -> Billing:
    """Return how hours of a kind of GPU price are paid where nothing else is asked for."""
    return Billing.SCALE_TO_ZERO if price_kind == "serverless" else Billing.ALWAYS_ON


def billings(price_kind: str, asked: tuple[str, ...]) -> tuple[Billing, ...]:
    """Return the modes that are compared; reserved hours are paid in any case."""
    if price_kind in BINDING_PRICES:
        return (Billing.ALWAYS_ON,)
    return tuple(Billing(mode) for mode in asked) or (usual_billing(price_kind),)


def replica_start_s(catalog: Catalog, weights_gb: npt.ArrayLike) -> Floats:
    """Return the seconds from a decision to the first answer: machine, image, weights."""
    load_s = np.asarray(weights_gb, float) / catalog.assumption("weights-load-gb-per-s").base
    return np.asarray(catalog.assumption("replica-start-s").base + load_s)


@dataclass(frozen=True, eq=False)
class FleetHours:
    """A day of a fleet by hour, or a week where the hours of that are known.

    Attributes
    ----------
    shares: (24,) of the day's queries, or (168,) of the week's. load: the same over the peak that the fleet is sized for.
    spare: replicas beyond the load's.
    """

    shares: Floats
    load: Floats
    spare: int

    @classmethod
    def of(cls, workload: Workload, spare: int) -> FleetHours:
        """Return a workload's hours, bell-shaped without a profile; what may wait fills the valleys. (4.6), (4.7)"""
        if workload.week_profile is None:
            peak = min(workload.peak_to_mean, MOST_PEAKED)
            days = week_profile(workload.hourly_profile, 1.0, peak)[None, :HOURS_PER_DAY] / HOURS_PER_DAY
        else:
            days = np.reshape(workload.week_profile, (-1, HOURS_PER_DAY))
        shares = np.concatenate([_filled(day, workload.batch_share) for day in days])
        load = np.minimum(shares * len(shares) / workload.effective_peak_to_mean, 1.0)
        return cls(shares, load, spare)

    @property
    def _per_day(self) -> Floats:
        """Queries of each hour over those of the mean day."""
        return self.shares * (len(self.shares) / HOURS_PER_DAY)

    def replicas(self, fleet: npt.ArrayLike, spare: int) -> Floats:
        """Return what each hour needs of `fleet` replicas, the spares among them, shape (..., hours). (4.8)"""
        working = np.maximum(np.asarray(fleet, float) - self.spare, 0.0)[..., None]
        with np.errstate(invalid="ignore"):
            needed = np.ceil(working * self.load * (1 - 1e-12))
        return np.where(working > 0, np.maximum(needed, 1.0) + spare, 0.0)

    def spilled(self, kept: npt.ArrayLike) -> Floats:
        """Return the share of queries above a fleet for `kept` of the peak's load; shape of `kept`. (7.18)

        Where the stated peak is above the busiest hour's mean, every hour counts as bursting in that proportion: an
        upper bound.
        """
        load = self.load / self.load.max()
        with np.errstate(divide="ignore"):
            over = 1 - np.asarray(kept, float)[..., None] / load
        return np.asarray((self.shares * np.maximum(over, 0.0)).sum(axis=-1))

    def chosen_by_hour(self, at_peak: npt.ArrayLike, threshold: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return the replicas of each hour where what fills at most `threshold` of one goes elsewhere. (7.20)

        at_peak: replicas that the peak fills, not rounded; shapes broadcast to (...). Returns (..., hours), and the
        share of queries that goes elsewhere, (...). Hours burst as in `spilled`.
        """
        filled = np.asarray(at_peak, float)[..., None] * (self.load / self.load.max())
        replicas = np.maximum(np.ceil(filled * (1 - 1e-12) - np.asarray(threshold, float)[..., None]), 0.0)
        over = np.where(filled > 0, 1 - replicas / np.where(filled > 0, filled, 1.0), 0.0)
        return replicas, np.asarray((self.shares * np.maximum(over, 0.0)).sum(axis=-1))

    def with_spare(self, working: Floats) -> Floats:
        """Return working replicas with the spares beside them, none where none works."""
        return np.where(working > 0, working + self.spare, 0.0)

    def busy(self) -> Bools:
        """Return the fewest hours of a day in a row that hold `BUSY_SHARE` of the queries; the latest of equals."""
        day = self.shares.reshape(-1, HOURS_PER_DAY).sum(axis=0)
        for length in range(1, HOURS_PER_DAY):
            windows = np.stack([np.roll(np.arange(HOURS_PER_DAY) < length, h) for h in range(HOURS_PER_DAY)])
            held = windows @ day
            if held.max() >= BUSY_SHARE:
                return np.tile(windows[int(held.argmax())], len(self.shares) // HOURS_PER_DAY)
        return np.ones(len(self.shares), bool)

    def billed(self, mode: Billing, start_s: float) -> Floats:
        """Return the share of time in which n of N replicas are paid, (N, n), both 0..MOST; starts count. (4.8)"""
        fleets = np.arange(MOST + 1)
        hours = np.repeat(fleets[:, None].astype(float), len(self.shares), axis=1)
        if mode is Billing.OFFICE_HOURS:
            hours *= self.busy()
        elif mode is not Billing.ALWAYS_ON:
            hours = self.replicas(fleets, self.spare if mode is Billing.AUTOSCALED else 0)
        return self.paid_share(hours, start_s)

    def paid_share(self, hours: Floats, start_s: float) -> Floats:
        """Return the share of time in which n of N replicas are paid, (N, n), for those of each hour, (N, hours)."""
        fleets = np.arange(MOST + 1)
        early = np.maximum(hours, np.roll(hours, -1, axis=1))
        part = min(start_s / S_PER_HOUR, 1.0)
        share = np.zeros((MOST + 1, MOST + 1))
        for paid, weight in ((hours, 1 - part), (early, part)):
            np.add.at(share, (fleets[:, None], paid.astype(int)), weight / len(self.shares))
        return share

    def idle_share(self, queries_per_day: Floats, fleet: Floats, start_s: Floats) -> Floats:
        """Return the part of one replica's time that a fleet which scales to zero does not pay; shapes broadcast. (4.9)"""
        shape = np.broadcast_shapes(*(np.shape(each) for each in (queries_per_day, fleet, start_s)))
        asked = [np.broadcast_to(each, shape or (1,)) for each in (queries_per_day, fleet, start_s)]
        quietest = asked[0] * (self._per_day.min() * IDLE_TIMEOUT_S / S_PER_HOUR)
        with np.errstate(invalid="ignore"):
            alone = (asked[1] - self.spare) * self.load.min() * (1 - 1e-12) <= 1
        idle, found = np.flatnonzero(alone & (quietest <= NEVER_IDLE)), np.zeros(shape or (1,))
        for start in range(0, len(idle), PIECE):
            places = np.unravel_index(idle[start : start + PIECE], found.shape)
            found[places] = self._idle_share(*(each[places] for each in asked))
        return found.reshape(shape)

    def _idle_share(self, queries_per_day: Floats, fleet: Floats, start_s: Floats) -> Floats:
        on, _ = idle_shares(
            queries_per_day[:, None] * self._per_day / S_PER_HOUR, IDLE_TIMEOUT_S, start_s[:, None]
        )
        return np.asarray(np.where(self.replicas(fleet, 0) == 1, 1 - on, 0.0).mean(axis=-1))

    def late_share(self, mode: Billing, queries_per_day: float, fleet: float, start_s: float) -> float:
        """Return the share of queries that wait for a replica's start, or for the office to open. (4.9)"""
        if mode is Billing.OFFICE_HOURS:
            return float(self.shares[~self.busy()].sum())
        if mode is not Billing.SCALE_TO_ZERO:
            return 0.0
        _, cold = idle_shares(queries_per_day * self._per_day / S_PER_HOUR, IDLE_TIMEOUT_S, start_s)
        return float((self.shares * np.where(self.replicas(fleet, 0) == 1, cold, 0.0)).sum())


def _filled(day: Floats, waiting: float) -> Floats:
    """Return a day's hours after what may wait has filled its valleys; their sum stays. (4.6)"""
    total = float(day.sum())
    return filled_day(day / total * (1 - waiting)) * total if total > 0 else day


def billed_rents(rents: Rents, hours: FleetHours, mode: Billing, start_s: float) -> Rents:
    """Return what fleets cost an hour of the month where only some hours are paid: never more than all. (4.8)

    What N replicas cost is what the hours of the load that N replicas carry cost: an upper bound for less load.
    """
    if mode is Billing.ALWAYS_ON:
        return rents
    known = np.isfinite(rents.usd_per_hour)
    usd = np.where(known, rents.usd_per_hour, 0.0) @ hours.billed(mode, start_s).T
    fewest = np.arange(MOST + 1)
    if mode is Billing.SCALE_TO_ZERO:
        fewest = np.where(fewest > 0, np.maximum(fewest - hours.spare, 1), 0)
    period = np.asarray(MOST // 2 // rents.period * rents.period, np.intp)
    return Rents(np.where(known, usd, np.inf), rents.gpus[..., fewest], rents.provider[..., fewest], period)


def idle_shares(
    requests_per_s: npt.ArrayLike, idle_timeout_s: float, cold_start_s: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Return the share of time that a replica is billed and the share of requests that meet a cold start.

    A cycle: off until a Poisson arrival (mean 1/rate), cold start, on until a gap exceeds the timeout (mean
    (exp(rate x timeout) - 1)/rate, the wait for such a gap). Equations (4b.8), (4b.9). The time that a
    request itself keeps the replica busy is left out: it matters only where it is long against the timeout.
    """
    rate = np.asarray(requests_per_s, float)
    gap = np.exp(np.minimum(rate * idle_timeout_s, 700.0))
    cold = rate * np.asarray(cold_start_s, float)
    cycle = cold + gap
    return np.asarray((cold + gap - 1) / cycle), np.asarray((1 + cold) / cycle)


def cold_wait_s(requests_per_s: npt.ArrayLike, cold_start_s: float) -> Floats:
    """Return the mean wait of requests that meet a cold start: the first waits all of it, later ones half.
    [s]"""
    during = np.asarray(requests_per_s, float) * cold_start_s
    return np.asarray(cold_start_s * (1 + during / 2) / (1 + during))


def late_when_cold(requests_per_s: npt.ArrayLike, cold_start_s: float, wait_limit_s: float) -> Floats:
    """Return the share of requests meeting a cold start that wait longer than the limit. [0..1]"""
    during = np.asarray(requests_per_s, float) * cold_start_s
    if not cold_start_s > wait_limit_s:
        return np.zeros(during.shape)
    return np.asarray((1 + during * (1 - wait_limit_s / cold_start_s)) / (1 + during))
