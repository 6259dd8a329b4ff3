"""A fleet chosen hour by hour beside a price by the token: what fills too little of a replica goes there. (7.20)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from llmplan.arrays import Floats
from llmplan.options.table import Options

THRESHOLDS = np.array([0.25, 0.5, 0.75, 1.0])
"""Of a replica that an hour must fill for it to run then."""


class ByHour(NamedTuple):
    """Fleets by hour of n options at t thresholds and v volumes, each (n, t, v).

    Attributes
    ----------
    usd: a month of the fleet alone; infinity where no hour fills a replica, or none is left over.
    over_peak: replicas of the busiest hour over what the peak fills. spilled: share of the queries that goes elsewhere.
    """

    usd: Floats
    over_peak: Floats
    spilled: Floats


def fleets_by_hour(options: Options, queries_per_day: Floats, thresholds: Floats = THRESHOLDS) -> ByHour:
    """Return what fleets of autoscaled options cost where each hour's replicas are chosen by a threshold. (7.20)"""
    hourly, rows = options.market.hourly, options.rent_row[:, None, None] % options.market.pairs
    if hourly is None:
        raise ValueError("no hours are rented one by one here")
    at_peak = (queries_per_day / options.per_replica[1][:, None])[:, None]
    replicas, spilled = options.hours.chosen_by_hour(at_peak, thresholds[:, None])
    paid = options.hours.with_spare(replicas)
    usd = hourly.mean_usd(1, rows[..., None], paid) * options.rent_factor[:, None, None]
    peak = paid.max(axis=-1)
    gpus = hourly.rents.gpus_of(1, rows, peak)
    lines = options.hidden.fleet_usd(gpus, peak, options.hours_per_month, 1)
    is_hybrid = (peak > 0) & (spilled > 0)
    month = np.where(is_hybrid, usd * options.hours_per_month + lines, np.inf)
    return ByHour(month, replicas.max(axis=-1) / at_peak, spilled)


def least_usd_by_hour(options: Options, queries_per_day: float) -> Floats:
    """Return USD a month below which no fleet by hour of each autoscaled option costs, (n,): none spares more. (7.20)"""
    hourly, load = options.market.hourly, options.hours.load
    if hourly is None:
        raise ValueError("no hours are rented one by one here")
    at_peak = queries_per_day / options.per_replica[1]
    replicas = np.maximum(at_peak * (load / load.max()).mean() * (1 - 1e-9) - THRESHOLDS.max(), 0.0)
    each = hourly.rents.least_usd_per_replica[1][options.rent_row % options.market.pairs]
    month = options.rent_factor * options.hours_per_month
    return np.where(replicas > 0, replicas * np.where(replicas > 0, each, 0.0) * month, 0.0)


def with_own_rents(options: Options, over_peak: Sequence[float], thresholds: Sequence[float]) -> Options:
    """Return autoscaled options with rents of their own: those of hours chosen by a threshold each. (7.20)

    over_peak: as in `ByHour`, at the volume for which the rents are exact; for others they are an upper bound.
    """
    market, rows = options.market.with_hours_chosen(
        options.hours, options.rent_row % options.market.pairs, over_peak, thresholds
    )
    return replace(options, market=market, rent_row=rows)
