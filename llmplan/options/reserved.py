"""Reserved capacity of APIs as options: whole units for the peak or a part of it, the rest by the token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.catalog.records import ReservedCapacity
from llmplan.cost.rent import MOST, Rents
from llmplan.options.offers import Offer
from llmplan.options.rows import Option, Rows
from llmplan.options.table import Options
from llmplan.quality.variants import Lengths
from llmplan.scenario import Scenario
from llmplan.units import MONTHS_PER_YEAR, S_PER_DAY, S_PER_MINUTE

KEPT = np.array([1.0, 0.8, 0.6, 0.4, 0.2])
"""Parts of the peak's load that the units are sized for."""
WORDS = {"hourly": "by the hour"}


def with_reserved(options: Options, catalog: Catalog) -> Options:
    """Return the options with units of reserved capacity behind them, at the commitments that the scenario asks for."""
    scenario = options.scenario
    sold = [row for row in catalog.reserved_capacity if row.commitment in scenario.api_commitments]
    if not sold:
        return options
    ids = [option_id.partition("@")[0] for option_id in options.items.option_id]
    pairs = [
        (int(place), row)
        for place in np.flatnonzero(options.is_api)
        for row in sold
        if row.api_id == ids[place]
    ]
    if not pairs:
        return options
    rows = [row for _, row in pairs]
    sellers = [Offer(row.api_id.partition("/")[0], "", 0, 0.0, row.source_id, row.as_of) for row in rows]
    rents = _rents(rows, options.hours_per_month, options.hours.spare)
    first = len(options.market.sellers)
    wider = replace(options, market=options.market.with_units(sellers, rents))
    return wider.joined(_options(wider, pairs, first))


def _options(options: Options, pairs: Sequence[tuple[int, ReservedCapacity]], first: int) -> Options:
    """Return every unit at every part of the peak's load, as options that stand alone. (7.19)"""
    tokens = np.repeat([place for place, _ in pairs], len(KEPT))
    kept = np.tile(KEPT, len(pairs))
    spilled = np.tile(options.hours.spilled(KEPT), len(pairs))
    items = [
        _item(options.items[place], row, float(part), float(over))
        for place, row in pairs
        for part, over in zip(KEPT, options.hours.spilled(KEPT), strict=True)
    ]
    each = [
        0.0 if item.lengths is None else queries_per_day_of_one_unit(row, item.lengths, options.scenario)
        for item, (_, row) in zip(items[:: len(KEPT)], pairs, strict=True)
    ]
    return replace(
        options,
        items=Rows.of(items),
        usd_per_query=options.usd_per_query[tokens] * spilled,
        fleet_load=kept,
        per_replica=np.tile(np.repeat(each, len(KEPT)), (3, 1)),
        rent_row=first + np.repeat(np.arange(len(pairs)), len(KEPT)),
        rent_factor=np.ones(len(kept)),
        start_s=np.full(len(kept), np.nan),
    )


def _item(token: Option, row: ReservedCapacity, kept: float, spilled: float) -> Option:
    """Return the record of one unit at a part of the load, from that of the price by the token."""
    words = WORDS.get(row.commitment, f"for {row.commitment.replace('_', ' ')}")
    over = f", {spilled:.1%} by the token" if spilled > 0 else ""
    return token._replace(
        option_id=f"{token.option_id}@{row.unit}-{row.commitment}{'' if kept == 1 else f'-{kept:.0%}'}",
        label=f"{token.label}, {row.unit.upper()} reserved {words}{over}",
        source_ids=tuple(dict.fromkeys([*token.source_ids, row.source_id])),
        usd_per_query=None,
        reserved=row,
    )


def tokens_of_query(row: ReservedCapacity, lengths: Lengths, cached_share: npt.ArrayLike) -> Floats:
    """Return what a query counts as, in input tokens of a unit. (7.19)"""
    read = lengths.input * (1 - np.asarray(cached_share, float) * (1 - row.cached_weight))
    return np.asarray(read + lengths.output * row.output_weight)


def queries_per_day_of_one_unit(row: ReservedCapacity, lengths: Lengths, scenario: Scenario) -> float:
    """Return the daily queries that a unit carries, the peak allowed for; it may be full then. (7.19)"""
    peak = scenario.workload().effective_peak_to_mean
    counted = tokens_of_query(row, lengths, scenario.cached_input_share)
    return float(row.input_tokens_per_minute * (S_PER_DAY / S_PER_MINUTE) / counted / peak)


def units_for(row: ReservedCapacity, needed: npt.ArrayLike) -> Floats:
    """Return the units that are bought for those needed: whole steps, at least the fewest that are sold."""
    wanted = np.asarray(needed, float)
    steps = np.ceil(wanted / row.unit_step) * row.unit_step
    return np.asarray(np.where(wanted > 0, np.maximum(steps, row.min_units), 0.0))


def usd_per_unit_hour(row: ReservedCapacity, hours_per_month: float) -> float:
    """Return what a unit costs in every hour of a month of that length."""
    per = {"hour": 1.0, "month": hours_per_month, "year": hours_per_month * MONTHS_PER_YEAR}
    return row.usd_per_unit / per[row.paid_per]


def _rents(rows: Sequence[ReservedCapacity], hours_per_month: float, spare: int) -> Rents:
    """Return what 0..MOST units cost an hour; a fleet's spares, which every count holds, are not bought."""
    needed = np.maximum(np.arange(MOST + 1) - spare, 0)
    usd = np.stack([units_for(row, needed) * usd_per_unit_hour(row, hours_per_month) for row in rows])
    every = np.repeat(usd[None], 3, axis=0)
    period = np.array([min(row.unit_step, MOST // 2) for row in rows], np.intp)
    return Rents(every, np.zeros_like(every), np.zeros(every.shape, np.intp), period)
