"""GPUs that are owned already: what they cost an hour, and how far they carry a fleet before it rents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Places
from llmplan.cost.ownership import OwnershipTerms, server_power_kw
from llmplan.cost.rent import MOST, Rents
from llmplan.units import MONTHS_PER_YEAR


@dataclass(frozen=True)
class Owned:
    """Owned GPUs of one kind, as replicas of one size.

    Attributes
    ----------
    replicas: that fit, each inside one server. gpus_per_replica: of each.
    running_usd: power of a replica while it runs. [USD/h]
    standing_usd: what a replica costs in every hour of the month besides. [USD/h]
    """

    replicas: int
    gpus_per_replica: int
    running_usd: float
    standing_usd: float


def owned_replicas(gpus: int, gpus_per_server: int, gpus_per_replica: int) -> int:
    """Return the replicas that owned GPUs hold when none spans two servers. (4.4), (5b.8)"""
    full, rest = divmod(gpus, gpus_per_server)
    return full * (gpus_per_server // gpus_per_replica) + rest // gpus_per_replica


def power_usd_per_gpu_hour(gpus_per_server: int, gpu_tdp_w: float, terms: OwnershipTerms) -> float:
    """Return what a GPU and its share of the server draw, at rated power. (5b.9)"""
    return server_power_kw(gpus_per_server, gpu_tdp_w, terms) / gpus_per_server * terms.usd_per_kwh


def standing_usd_per_gpu_month(
    new_usd: float | None, book_usd: float | None, age_years: float, terms: OwnershipTerms
) -> float | None:
    """Return capital, maintenance and space of an owned GPU, USD a month; None where no price is known. (5b.10)

    new_usd: of a GPU with its share of a server, new. book_usd: what it stands in the books for; one follows from the
    other by straight-line depreciation to the residual, after which nothing is left to depreciate. Space is added
    by the server.
    """
    life, residual = terms.life_years, terms.residual_share
    left = 1 - (1 - residual) * min(age_years / life, 1.0)
    if book_usd is None and new_usd is None:
        return None
    book = float(new_usd or 0.0) * left if book_usd is None else book_usd
    new = book / left if book_usd is not None and left > 0 else float(new_usd or book)
    falls = new * (1 - residual) / (life * MONTHS_PER_YEAR) if age_years < life else 0.0
    charge = (book + residual * new) / 2 * terms.capital_share_per_year / MONTHS_PER_YEAR
    return falls + charge + new * terms.maintenance_share_per_year / MONTHS_PER_YEAR


def with_owned(
    rents: Rents,
    owned: Mapping[int, Owned],
    most_gpus: float,
    billed: Callable[[Rents], Rents],
    stops_idle: bool = False,
) -> Rents:
    """Return what fleets cost an hour where owned replicas come before rented ones, where that is cheaper. (5b.11)

    Parameters
    ----------
    rents: of every pair, nothing owned, as they are billed around the clock.
    owned: by the row of the pair, of which they are the last seller.
    most_gpus: a fleet of more is none.
    billed: how a fleet's hours are paid (4.8); what stands is paid in every hour.
    stops_idle: whether the last replica's idle time is not paid (4.9): owned ones then serve at every size or none, so
        that it is known which is the last.

    A mix that rents more GPUs than renting alone is left out: people are paid by the GPU, and what is owned must
    never cost more than nothing.
    """
    found = billed(rents)
    usd, gpus = found.usd_per_hour.copy(), found.gpus.copy()
    provider, own_gpus = found.provider.copy(), np.zeros(gpus.shape)
    counts = np.arange(MOST + 1)
    for row, stock in owned.items():
        tables = [table[:, row] for table in (usd, gpus, provider, own_gpus)]
        rented = [table.copy() for table in tables]
        for k in range(1, min(stock.replicas, MOST // 2) + 1):
            used = np.minimum(counts, k)
            mix = billed(_beside(rents, row, used, stock))
            total = mix.usd_per_hour[:, 0] + used * stock.standing_usd
            better = (total < tables[0]) & (mix.gpus[:, 0] <= rented[1])
            new = total, mix.gpus[:, 0], mix.provider[:, 0], used * stock.gpus_per_replica
            for table, values in zip(tables, new, strict=True):
                table[:] = np.where(better, values, table)
        if stops_idle:
            mixed = ((tables[3] > 0) | np.isinf(tables[0]))[:, 1:].all(axis=1)
            for table, before in zip(tables, rented, strict=True):
                table[~mixed] = before[~mixed]
    over = gpus > most_gpus
    return Rents(np.where(over, np.inf, usd), np.where(over, np.inf, gpus), provider, found.period, own_gpus)


def _beside(rents: Rents, row: int, used: Places, stock: Owned) -> Rents:
    """Return one pair's rents where some of the replicas are owned ones."""
    rest = np.arange(MOST + 1) - used
    usd = rents.usd_per_hour[:, [row]][..., rest] + used * stock.running_usd
    gpus = rents.gpus[:, [row]][..., rest] + used * stock.gpus_per_replica
    provider = np.where(rest > 0, rents.provider[:, [row]][..., rest], -1)
    return Rents(usd, gpus, provider, rents.period[[row]])
