"""Which of a provider's prices a query pays: service tier, cache writes, batch, context, region, hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice, Catalog
from llmplan.scenario import Scenario
from llmplan.scenario.about import Pairs
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY

Index = int | slice | npt.NDArray[np.intp]
Z_95 = 1.6448536269514722
"""Standard normal deviate that 95% stay below."""
TIERED = ("long_context", "longer_context")
"""Context tiers above the standard one, the shorter first."""


def lognormal_sigma(mean: float, p95: float | None) -> float:
    """Return the sigma of a lognormal length from its mean and 95th percentile; 0 without one, or one below the mean. (1.6)

    The smaller root of sigma^2 / 2 - z sigma + ln(p95 / mean) = 0; a p95 beyond what the shape reaches (3.9 means)
    counts as that.
    """
    if p95 is None or p95 <= mean:
        return 0.0
    return Z_95 - math.sqrt(max(Z_95**2 - 2 * math.log(p95 / mean), 0.0))


@dataclass(frozen=True)
class Use:
    """How tokens are asked for, besides how many.

    Attributes
    ----------
    input_sigma: spread of the logarithm of a request's input about its mean; 0: all alike.
    input_lengths: (input over its mean, share of requests), rising, in place of that spread; empty: not known.
    cache_write_share: share of the input written to a prompt cache; at most what is not read from it.
    keeps_an_hour: whether it is written for the long lifetime.
    service_tier: standard, priority or flex.
    regions: areas that processing is held to; empty: anywhere.
    week: (168,) shares of a week's queries by hour of one's own clock, Monday first; None: all alike.
    utc_offset_hours: how far that clock is ahead of UTC.
    image_tokens: tokens of a query's input that are its images'.
    """

    input_sigma: float = 0.0
    input_lengths: tuple[tuple[float, float], ...] = ()
    cache_write_share: float = 0.0
    keeps_an_hour: bool = False
    service_tier: str = "standard"
    regions: tuple[str, ...] = ()
    week: tuple[float, ...] | None = None
    utc_offset_hours: float = 0.0
    image_tokens: float = 0.0

    @classmethod
    def of(cls, scenario: Scenario, catalog: Catalog) -> Use:
        """Return how a scenario asks."""
        written = scenario.cache_write_share
        if written is None:
            written = float(scenario.cached_prefix != "shared" and scenario.cached_input_share > 0)
        return cls(
            lognormal_sigma(scenario.input_tokens, scenario.input_tokens_p95),
            _over_mean(scenario.input_lengths),
            written,
            scenario.cache_lifetime == "hour",
            scenario.service_tier,
            scenario.regions,
            scenario.workload(catalog).week,
            scenario.utc_offset_hours,
            scenario.image_tokens,
        )


def _over_mean(lengths: Pairs) -> tuple[tuple[float, float], ...]:
    """Return lengths over their mean, rising, with their shares of the requests, which sum to 1."""
    if not lengths:
        return ()
    tokens, shares = (np.array(column, float) for column in zip(*lengths, strict=True))
    over, shares = tokens / np.average(tokens, weights=shares), shares / shares.sum()
    return tuple(sorted(zip(over.tolist(), shares.tolist(), strict=True)))


@dataclass(frozen=True, eq=False)
class Classes:
    """What n prices ask of one use, each (n,) but for the tiers, (2, n).

    Attributes
    ----------
    input_usd, cached_usd, write_usd, output_usd: USD a million tokens below any context tier.
    waiting_input, ...: the same of a query that may wait, over those.
    tier_from: tokens above which a context tier holds; NaN: none. tier_input, ...: its prices over the standard ones.
    hours_factor, waiting_hours_factor: what dearer hours multiply a query by, and one that waits for cheaper ones.
    image_over_input: the price of an image's tokens over those of text, read, written and waiting alike.
    """

    input_usd: Floats
    cached_usd: Floats
    write_usd: Floats
    output_usd: Floats
    waiting_input: Floats
    waiting_cached: Floats
    waiting_write: Floats
    waiting_output: Floats
    tier_from: Floats
    tier_input: Floats
    tier_cached: Floats
    tier_output: Floats
    hours_factor: Floats
    waiting_hours_factor: Floats
    image_over_input: Floats

    def at(self, place: Index) -> Classes:
        """Return some of the prices; a number alone gives one, without the axis of prices."""
        return Classes(*(getattr(self, column.name)[..., place] for column in fields(self)))

    @property
    def as_columns(self) -> Classes:
        """The same prices, to broadcast with tokens of shape (n, d)."""
        return Classes(*(getattr(self, column.name)[..., None] for column in fields(self)))


def classes_of(prices: Sequence[ApiPrice], use: Use) -> Classes:
    """Return what some prices ask of one use. (1.2)-(1.4), (1.7)-(1.11)

    A class that a provider does not sell is paid at the price of the standard one, cached input without a price of
    its own at that of input. A tier of service, of context and of batch without a price of its own for cached or
    written input keeps the standard ratio to input.
    """
    column = _Columns(prices)
    plain_in, plain_out = column("input_usd_per_mtok"), column("output_usd_per_mtok")
    plain_cached = _first(column("cached_input_usd_per_mtok"), plain_in)
    written = _first(column("cache_write_usd_per_mtok"), plain_in)
    if use.keeps_an_hour:
        written = _first(column("cache_write_long_usd_per_mtok"), written)
    usd_in, usd_cached, usd_out = plain_in, plain_cached, plain_out
    if use.service_tier != "standard":
        usd_in = _first(column(f"{use.service_tier}_input_usd_per_mtok"), plain_in)
        usd_out = _first(column(f"{use.service_tier}_output_usd_per_mtok"), plain_out)
        stated = column(f"{use.service_tier}_cached_input_usd_per_mtok")
        usd_cached = _first(stated, plain_cached * _over(usd_in, plain_in))
    usd_write = written * _over(usd_in, plain_in)
    discount = column("batch_discount")
    left = 1 - np.nan_to_num(discount)
    batch_cached = np.where(
        np.isnan(discount), np.nan, _first(column("batch_cached_input_usd_per_mtok"), plain_cached * left)
    )
    waits_as_others = np.isnan(discount) & (use.service_tier == "flex")
    waiting_in, waiting_cached, waiting_write, waiting_out = (
        np.where(waits_as_others, 1.0, _over(batch, usd))
        for batch, usd in (
            (plain_in * left, usd_in),
            (_first(batch_cached, plain_cached), usd_cached),
            (written * left, usd_write),
            (plain_out * left, usd_out),
        )
    )
    tiers = _tiers(column, plain_in, plain_cached, plain_out)
    held = 1 + np.array([surcharge(price, use.regions) or 0.0 for price in prices])
    return Classes(
        usd_in * held,
        usd_cached * held,
        usd_write * held,
        usd_out * held,
        waiting_in,
        waiting_cached,
        waiting_write,
        waiting_out,
        *tiers,
        *_hours(prices, use),
        _over(_first(column("image_input_usd_per_mtok"), plain_in), plain_in),
    )


class _Columns:
    """The columns of some prices, read as they are asked for; NaN: none."""

    def __init__(self, prices: Sequence[ApiPrice]) -> None:
        self._prices = prices

    def __call__(self, name: str) -> Floats:
        return np.array([getattr(price, name) for price in self._prices], float)


def _tiers(
    column: _Columns, usd_in: Floats, usd_cached: Floats, usd_out: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return where context tiers start, and their prices of input, cached input and output over the standard ones."""
    starts, rows = [], []
    below = [np.ones_like(usd_in)] * 3
    for name in TIERED:
        starts.append(column(f"{name}_from_tokens"))
        over_in = _first(_over(column(f"{name}_input_usd_per_mtok"), usd_in), below[0])
        cached = _over(column(f"{name}_cached_input_usd_per_mtok"), usd_cached)
        over_cached = np.where(np.isnan(starts[-1]), below[1], _first(cached, over_in))
        below = [
            over_in,
            over_cached,
            _first(_over(column(f"{name}_output_usd_per_mtok"), usd_out), below[2]),
        ]
        rows.append(below)
    over_in, over_cached, over_out = (np.array(kind) for kind in zip(*rows, strict=True))
    return np.array(starts), over_in, over_cached, over_out


def _hours(prices: Sequence[ApiPrice], use: Use) -> tuple[Floats, Floats]:
    """Return the mean over the queries of a price that is dearer in some hours, and its least of any hour. (1.4)"""
    busy, waiting = np.ones(len(prices)), np.ones(len(prices))
    for place, price in enumerate(prices):
        if price.peak_hours_utc is not None:
            days = DAYS_PER_WEEK if price.peak_days_per_week is None else price.peak_days_per_week
            factor = price.peak_price_factor or 1.0
            share = peak_share(price.peak_windows, days, use.week, use.utc_offset_hours)
            busy[place], waiting[place] = 1 + (factor - 1) * share, min(1.0, factor)
    return busy, waiting


@lru_cache(256)
def peak_share(
    windows: tuple[tuple[float, float], ...],
    days_per_week: float,
    week: tuple[float, ...] | None,
    utc_offset_hours: float = 0.0,
) -> float:
    """Return the share of a week's queries asked in some hours of its first days. (0.3)

    windows: (start, end) of the hours, UTC. week: (168,) shares of the hours of a clock so far ahead of UTC, Monday
    first; None: all alike.
    """
    week_hours = HOURS_PER_DAY * DAYS_PER_WEEK
    begins, inside = np.arange(week_hours) - utc_offset_hours, np.zeros(week_hours)
    for day, (start, end), turn in product(range(DAYS_PER_WEEK), windows, (-1, 0, 1)):
        midnight = HOURS_PER_DAY * day + week_hours * turn
        overlap = np.minimum(begins + 1, midnight + end) - np.maximum(begins, midnight + start)
        inside += np.clip(overlap, 0, 1) * np.clip(days_per_week - day, 0, 1)
    return float(inside.mean() if week is None else (inside * week).sum())


def surcharge(price: ApiPrice, regions: Sequence[str]) -> float | None:
    """Return the share added for processing in one of some regions; None where it cannot be held to any. (1.10)

    A region is the beginning of an area that the price list names, as of the offers of GPUs.
    """
    if not regions:
        return 0.0
    allowed = tuple(region.lower() for region in regions)
    if any(area.startswith(allowed) for area in (price.in_region_areas or "").split()):
        return price.in_region_surcharge or 0.0
    return None


def _over(value: Floats, base: Floats) -> Floats:
    """Return a price over another; 1 where that is free."""
    return np.divide(value, base, out=np.ones_like(base), where=base > 0)


def _first(value: Floats, other: Floats) -> Floats:
    return np.where(np.isnan(value), other, value)
