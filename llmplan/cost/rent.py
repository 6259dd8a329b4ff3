"""What a fleet costs to rent with each provider, in whole lots, and which of them is cheap, middling and dear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from llmplan.arrays import Floats, Places

MOST = 512
"""Replicas that are counted one by one; beyond, the last period of lots repeats."""
A_HAIR = 1e-9
"""USD an hour by which a GPU less wins between two ways of the same cost."""
FEWEST = 1e6
"""USD an hour by which a GPU less wins whatever it costs."""


class Lot(NamedTuple):
    """One instance that a provider sells: replicas that it holds, its USD an hour and its GPUs."""

    replicas: int
    usd_per_hour: float
    gpus: int


@dataclass(frozen=True, eq=False)
class Rents:
    """The cheapest, the middle and the dearest provider of 0..MOST replicas, for r pairs of GPU and size. (4.5)

    Attributes
    ----------
    usd_per_hour, gpus: (3, r, MOST + 1); infinity where nothing is offered.
    provider: (3, r, MOST + 1) which of the pair's providers that is; -1 for none.
    period: (r,) replicas after which lots repeat.
    own_gpus: (3, r, MOST + 1) of these GPUs that are owned, not rented; None: none of any.
    """

    usd_per_hour: Floats
    gpus: Floats
    provider: Places
    period: Places
    own_gpus: Floats | None = None

    def usd(self, side: int, rows: Places, replicas: Floats) -> Floats:
        """Return USD an hour of `replicas` replicas; shapes broadcast, infinity stays."""
        return self._at(self.usd_per_hour[side], rows, replicas)

    def gpus_of(self, side: int, rows: Places, replicas: Floats) -> Floats:
        """Return the GPUs that these rent; shapes broadcast, infinity stays."""
        return self._at(self.gpus[side], rows, replicas)

    def _at(self, table: Floats, rows: Places, replicas: Floats) -> Floats:
        if not table.size:  # no replica to rent: what stays are prices of tokens
            return np.zeros(np.broadcast_shapes(rows.shape, replicas.shape))
        if not replicas.max(initial=0) > MOST:
            return np.take(table, rows * (MOST + 1) + replicas.astype(np.int32))
        beyond = replicas > MOST
        known = np.isfinite(replicas)
        period = self.period[rows]
        with np.errstate(invalid="ignore"):
            times = np.where(known & beyond, np.ceil((replicas - MOST) / period), 0.0)
            count = np.where(known, replicas - times * period, 0.0).astype(np.int32)
        found = np.take(table, rows * (MOST + 1) + count) + times * _rise(table, self.period)[rows]
        return np.where(known, found, np.inf)

    def joined(self, *others: Rents) -> Rents:
        """Return these pairs and those of others behind them."""
        every = (self, *others)
        none = [np.zeros_like(way.gpus) if way.own_gpus is None else way.own_gpus for way in every]
        usd, gpus, provider = (
            np.concatenate([getattr(way, name) for way in every], axis=1)
            for name in ("usd_per_hour", "gpus", "provider")
        )
        period = np.concatenate([way.period for way in every])
        return Rents(usd, gpus, provider, period, np.concatenate(none, axis=1))

    @cached_property
    def slope(self) -> Floats:
        """(3, r) USD an hour by which a further replica raises the cost of a large fleet; 0 where none is offered."""
        return np.stack([_rise(side, self.period) / self.period for side in self.usd_per_hour])

    @cached_property
    def least_usd_per_replica(self) -> Floats:
        """(3, r) USD an hour that a replica costs at least, in a fleet of any size; infinity where none is offered."""
        each = (self.usd_per_hour[:, :, 1:] / np.arange(1, MOST + 1)).min(axis=2, initial=np.inf)
        return np.where(np.isfinite(each), np.minimum(each, self.slope), np.inf)

    @cached_property
    def gpu_slope(self) -> Floats:
        """(3, r) the same in GPUs."""
        return np.stack([_rise(side, self.period) / self.period for side in self.gpus])

    def profiles(self, side: int) -> Floats:
        """Return (r, f) columns: a row that is nowhere above another costs and rents no more at any size."""
        ends = [self.slope[side][:, None], self.gpu_slope[side][:, None]]
        return np.concatenate([self.usd_per_hour[side], self.gpus[side], *ends], axis=1)


def _rise(table: Floats, period: Places) -> Floats:
    """Return (r,) what one period of lots adds at the table's end; 0 where nothing is offered."""
    rows = np.arange(len(table))
    with np.errstate(invalid="ignore"):
        rise = table[:, -1] - table[rows, MOST - period]
    return np.where(np.isfinite(rise), rise, 0.0)


def rents_of(pairs: Sequence[Sequence[Sequence[Lot]]], most_gpus: float = math.inf) -> Rents:
    """Return the rents of pairs, each a sequence of providers, each a sequence of lots; equal costs go to the first.

    A provider's fleet is the cheapest mix of its lots that holds the replicas, or, where that has more than
    `most_gpus`, the one of the fewest GPUs; providers are ranked for every number of replicas anew: low the cheapest,
    base the lower median, high the dearest of those whose fleet is small enough.
    """
    count = len(pairs)
    usd, gpus = np.full((3, count, MOST + 1), np.inf), np.full((3, count, MOST + 1), np.inf)
    usd[:, :, 0] = gpus[:, :, 0] = 0.0
    provider = np.full((3, count, MOST + 1), -1, np.intp)
    period = np.ones(count, np.intp)
    every = [lots for providers in pairs for lots in providers]
    fleets_usd, fleets_gpus = _within(every, most_gpus)
    start = 0
    for row, providers in enumerate(pairs):
        own = slice(start, start + len(providers))
        start += len(providers)
        if not providers:
            continue
        period[row] = min(math.lcm(*(lot.replicas for lots in providers for lot in lots)), MOST // 2)
        order = np.argsort(fleets_usd[own] + A_HAIR * fleets_gpus[own], axis=0, kind="stable")
        last = np.maximum(np.isfinite(fleets_usd[own]).sum(axis=0) - 1, 0)
        for side, rank in enumerate((last * 0, last // 2, last)):
            place = order[rank, np.arange(MOST + 1)]
            provider[side, row] = place
            usd[side, row] = fleets_usd[own][place, np.arange(MOST + 1)]
            gpus[side, row] = fleets_gpus[own][place, np.arange(MOST + 1)]
    return Rents(usd, gpus, provider, period)


def _within(every: Sequence[Sequence[Lot]], most_gpus: float) -> tuple[Floats, Floats]:
    """Return USD an hour and GPUs of sellers' fleets of at most `most_gpus` GPUs; infinity where there is none."""
    usd, gpus = _cheapest_mixes(every)
    if not (gpus > most_gpus).any():
        return usd, gpus
    few_usd, few_gpus = _cheapest_mixes(every, FEWEST)
    usd, gpus = (np.where(gpus > most_gpus, few, all_) for few, all_ in ((few_usd, usd), (few_gpus, gpus)))
    return np.where(gpus > most_gpus, np.inf, usd), np.where(gpus > most_gpus, np.inf, gpus)


def _cheapest_mixes(every: Sequence[Sequence[Lot]], usd_per_gpu: float = A_HAIR) -> tuple[Floats, Floats]:
    """Return USD an hour and GPUs of the cheapest mix of lots for 0..MOST replicas, (sellers, MOST + 1) each.

    usd_per_gpu: that count in the choice, not in the cost.
    """
    width = max((len(lots) for lots in every), default=1)
    nothing = Lot(1, math.inf, 1)
    table = np.array([[*lots, *[nothing] * (width - len(lots))] for lots in every], float).reshape(
        -1, width, 3
    )
    holds, price, size = table[..., 0].astype(np.intp), table[..., 1], table[..., 2]
    usd, gpus = (np.zeros((len(every), MOST + 1)) for _ in range(2))
    rows = np.arange(len(every))
    for replicas in range(1, MOST + 1):
        before = np.maximum(replicas - holds, 0)
        total = usd[rows[:, None], before] + price
        cards = gpus[rows[:, None], before] + size
        best = np.argmin(total + usd_per_gpu * cards, axis=1)
        usd[:, replicas], gpus[:, replicas] = total[rows, best], cards[rows, best]
    return usd, gpus


def priced_by_the_gpu(rents: Rents, usd_per_gpu_hour: Floats) -> Rents:
    """Return the base fleets of some pairs with a price of one's own on each GPU, on all sides; NaN: as they are.

    The lots stay those of the offer that the price replaces.
    """
    own = np.isfinite(usd_per_gpu_hour)
    gpus = np.where(own[:, None], rents.gpus[1], rents.gpus)
    with np.errstate(invalid="ignore"):
        priced = np.nan_to_num(
            rents.gpus[1] * np.where(own, usd_per_gpu_hour, 1.0)[:, None], nan=np.inf, posinf=np.inf
        )
    usd = np.where(own[:, None], priced, rents.usd_per_hour)
    provider = np.where(own[:, None], rents.provider[1], rents.provider)
    return Rents(usd, gpus, provider, rents.period, rents.own_gpus)
