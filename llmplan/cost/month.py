"""A month of an API, and a month of one's own fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice, Catalog
from llmplan.cost.fleet import instances_needed, replicas_needed
from llmplan.units import HOURS_PER_DAY, MONTHS_PER_YEAR, TOKENS_PER_MTOK


class LowBaseHigh(NamedTuple):
    """A figure with its range."""

    low: float
    base: float
    high: float


def api_usd_per_query(
    price: ApiPrice,
    input_tokens: npt.ArrayLike,
    output_tokens: npt.ArrayLike,
    cached_input_share: npt.ArrayLike = 0.0,
    batch_share: npt.ArrayLike = 0.0,
) -> Floats:
    """Return USD a query, priced request by request. (1.1)-(1.3)

    Parameters
    ----------
    price: token prices; where the request's input exceeds `long_context_from_tokens` the whole request is
        priced at the long-context tier.
    input_tokens, output_tokens: tokens of one request, arrays that broadcast; the cached part is inside the
        input.
    cached_input_share, batch_share: shares in 0..1. Without a cached price cached tokens cost the full price;
        without a batch price batch requests do.
    """
    tokens_in, tokens_out = np.asarray(input_tokens, float), np.asarray(output_tokens, float)
    cached = tokens_in * np.asarray(cached_input_share, float)
    usd_in, usd_cached, usd_out = _tier(price, tokens_in)
    usd = ((tokens_in - cached) * usd_in + cached * usd_cached + tokens_out * usd_out) / TOKENS_PER_MTOK
    discount = 1 - np.asarray(batch_share, float) * (price.batch_discount or 0.0)
    return np.asarray(usd * discount * mean_price_factor(price))


def mean_price_factor(price: ApiPrice) -> float:
    """Return the mean over a flat day of a price that is higher in some hours. (0.3)"""
    if price.peak_hours_per_day is None or price.peak_price_factor is None:
        return 1.0
    return 1 + (price.peak_price_factor - 1) * price.peak_hours_per_day / HOURS_PER_DAY


def _tier(price: ApiPrice, tokens_in: Floats) -> tuple[Floats, Floats, Floats]:
    plain_cached = _first(price.cached_input_usd_per_mtok, price.input_usd_per_mtok)
    if price.long_context_from_tokens is None:
        long = np.zeros(tokens_in.shape, bool)
    else:
        long = tokens_in > price.long_context_from_tokens
    long_in = _first(price.long_context_input_usd_per_mtok, price.input_usd_per_mtok)
    long_out = _first(price.long_context_output_usd_per_mtok, price.output_usd_per_mtok)
    scale = long_in / price.input_usd_per_mtok if price.input_usd_per_mtok else 1.0
    long_cached = _first(price.long_context_cached_input_usd_per_mtok, plain_cached * scale)
    return (
        np.where(long, long_in, price.input_usd_per_mtok),
        np.where(long, long_cached, plain_cached),
        np.where(long, long_out, price.output_usd_per_mtok),
    )


def _first(value: float | None, other: float) -> float:
    return other if value is None else value


@dataclass(frozen=True)
class FixedCosts:
    """What a fleet costs besides its GPUs: lines a month, low/base/high each.

    `people_usd` is paid once for each begun `gpus_per_people_step` GPUs, the other lines once.
    """

    lines: tuple[tuple[str, LowBaseHigh], ...]
    people_usd: LowBaseHigh
    gpus_per_people_step: LowBaseHigh

    def usd(self, gpus: npt.ArrayLike, side: int) -> Floats:
        """Return USD a month for `gpus` rented GPUs; side 0 low, 1 base, 2 high. (5.3)"""
        flat = sum(line[side] for _, line in self.lines)
        rented = np.asarray(gpus, float)
        steps = np.ceil(np.where(np.isfinite(rented), rented, 0.0) / self.gpus_per_people_step[2 - side])
        return np.where(np.isfinite(rented), flat + steps * self.people_usd[side], np.inf)


PEOPLE_LINE = "devops-usd-per-month"


def fixed_costs(catalog: Catalog, engineering_usd_per_month: float | None = None) -> FixedCosts:
    """Return the hidden lines, people and updates of the catalog, or one given figure instead."""
    if engineering_usd_per_month is not None:
        given = LowBaseHigh(*(engineering_usd_per_month,) * 3)
        return FixedCosts((("engineering, as given", given),), LowBaseHigh(0, 0, 0), LowBaseHigh(1, 1, 1))
    rows = [r for r in catalog.assumptions.values() if r.group == "hidden cost" and r.unit == "USD/month"]
    lines = [(r.name, LowBaseHigh(r.low, r.base, r.high)) for r in rows if r.assumption_id != PEOPLE_LINE]
    lines.append(("model updates", updates_usd_per_month(catalog)))
    return FixedCosts(tuple(lines), _range(catalog, PEOPLE_LINE), _range(catalog, "gpus-per-people-step"))


def updates_usd_per_month(catalog: Catalog) -> LowBaseHigh:
    """Return days an update x updates a year x day rate over twelve months. (5.4)"""
    days, per_year = _range(catalog, "days-per-update"), _range(catalog, "updates-per-year")
    rate = _range(catalog, "day-rate-usd")
    return LowBaseHigh(*(d * n * r / MONTHS_PER_YEAR for d, n, r in zip(days, per_year, rate, strict=True)))


def _range(catalog: Catalog, assumption_id: str) -> LowBaseHigh:
    row = catalog.assumption(assumption_id)
    return LowBaseHigh(row.low, row.base, row.high)


def self_hosted_usd_per_month(
    queries_per_day: npt.ArrayLike,
    queries_per_day_per_replica: npt.ArrayLike,
    spare_replicas: npt.ArrayLike,
    replicas_per_instance: npt.ArrayLike,
    usd_per_instance_month: npt.ArrayLike,
    gpus_per_instance: npt.ArrayLike,
    fixed: FixedCosts,
    side: int,
) -> Floats:
    """Return USD a month of a fleet on the integer staircase, idle hours billed. (5.1)-(5.3)

    All arrays broadcast. Infinity where a replica has no capacity or fits no instance.
    """
    replicas = replicas_needed(queries_per_day, queries_per_day_per_replica, spare_replicas)
    instances = instances_needed(replicas, replicas_per_instance)
    gpus = instances * np.asarray(gpus_per_instance, float)
    rent = np.where(np.isfinite(instances), instances, 0.0) * np.asarray(usd_per_instance_month, float)
    return np.asarray(rent + fixed.usd(gpus, side))
