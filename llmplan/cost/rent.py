"""What a fleet costs to rent with each provider, in whole lots, and which of them is cheap, middling and dear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats

MOST = 512
"""Replicas that are counted one by one; beyond, the last period of lots repeats."""
A_HAIR = 1e-9
"""USD an hour by which a GPU less wins between two ways of the same cost."""

Places = npt.NDArray[np.intp]


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
    """

    usd_per_hour: Floats
    gpus: Floats
    provider: Places
    period: Places

    def usd(self, side: int, rows: Places, replicas: Floats) -> Floats:
        """Return USD an hour of `replicas` replicas; shapes broadcast, infinity stays."""
        return self._at(self.usd_per_hour[side], rows, replicas)

    def gpus_of(self, side: int, rows: Places, replicas: Floats) -> Floats:
        """Return the GPUs that these rent; shapes broadcast, infinity stays."""
        return self._at(self.gpus[side], rows, replicas)

    def _at(self, table: Floats, rows: Places, replicas: Floats) -> Floats:
        beyond = replicas > MOST
        if not beyond.any():
            return np.take(table, rows * (MOST + 1) + replicas.astype(np.int32))
        known = np.isfinite(replicas)
        period = self.period[rows]
        with np.errstate(invalid="ignore"):
            times = np.where(known & beyond, np.ceil((replicas - MOST) / period), 0.0)
            count = np.where(known, replicas - times * period, 0.0).astype(np.int32)
        found = np.take(table, rows * (MOST + 1) + count) + times * _rise(table, self.period)[rows]
        return np.where(known, found, np.inf)

    @cached_property
    def slope(self) -> Floats:
        """(3, r) USD an hour by which a further replica raises the cost of a large fleet; 0 where none is offered."""
        return np.stack([_rise(side, self.period) / self.period for side in self.usd_per_hour])

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
        return np.nan_to_num(table[:, -1] - table[rows, MOST - period])


def rents_of(pairs: Sequence[Sequence[Sequence[Lot]]]) -> Rents:
    """Return the rents of pairs, each a sequence of providers, each a sequence of lots; equal costs go to the first.

    A provider's fleet is the cheapest mix of its lots that holds the replicas; providers are ranked for every number
    of replicas anew: low the cheapest, base the lower median, high the dearest.
    """
    count = len(pairs)
    usd, gpus = np.full((3, count, MOST + 1), np.inf), np.full((3, count, MOST + 1), np.inf)
    usd[:, :, 0] = gpus[:, :, 0] = 0.0
    provider = np.full((3, count, MOST + 1), -1, np.intp)
    period = np.ones(count, np.intp)
    every = [lots for providers in pairs for lots in providers]
    fleets_usd, fleets_gpus = _cheapest_mixes(every)
    start = 0
    for row, providers in enumerate(pairs):
        own = slice(start, start + len(providers))
        start += len(providers)
        if not providers:
            continue
        period[row] = min(math.lcm(*(lot.replicas for lots in providers for lot in lots)), MOST // 2)
        order = np.argsort(fleets_usd[own] + A_HAIR * fleets_gpus[own], axis=0, kind="stable")
        for side, rank in enumerate((0, (len(providers) - 1) // 2, len(providers) - 1)):
            place = order[rank]
            provider[side, row] = place
            usd[side, row] = fleets_usd[own][place, np.arange(MOST + 1)]
            gpus[side, row] = fleets_gpus[own][place, np.arange(MOST + 1)]
    return Rents(usd, gpus, provider, period)


def _cheapest_mixes(every: Sequence[Sequence[Lot]]) -> tuple[Floats, Floats]:
    """Return USD an hour and GPUs of the cheapest mix of lots for 0..MOST replicas, (sellers, MOST + 1) each."""
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
        best = np.argmin(total + A_HAIR * cards, axis=1)
        usd[:, replicas], gpus[:, replicas] = total[rows, best], cards[rows, best]
    return usd, gpus


def priced_by_the_gpu(rents: Rents, usd_per_gpu_hour: Floats) -> Rents:
    """Return the base fleets of some pairs with a price of one's own on each GPU, on all sides; NaN: as they are.

    The lots stay those of the offer that the price replaces.
    """
    own = np.isfinite(usd_per_gpu_hour)
    gpus = np.where(own[:, None], rents.gpus[1], rents.gpus)
    priced = rents.gpus[1] * np.where(own, usd_per_gpu_hour, 1.0)[:, None]
    usd = np.where(own[:, None], priced, rents.usd_per_hour)
    provider = np.where(own[:, None], rents.provider[1], rents.provider)
    return Rents(usd, gpus, provider, rents.period)
