"""Rows of the table of a comparison: an option with what it costs and needs at the volume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from llmplan.options.comparison import Comparison
from llmplan.options.offers import PAID_AS, Offer
from llmplan.options.rows import Option
from llmplan.quality.ability import Band
from llmplan.units import TOKENS_PER_MTOK

PIECE = 512
"""Rows that are made at once: what the processor's cache holds."""

COLUMNS = (
    "option_id",
    "kind",
    "label",
    "feasible",
    "reasons",
    "model_id",
    "api_id",
    "precision_id",
    "gpu_id",
    "n_gpus",
    "replicas",
    "gpus_total",
    "reserved_units",
    "engine_id",
    "provider",
    "price_kind",
    "own_gpus",
    "billing_mode",
    "start_s",
    "late_share",
    "late_usd",
    "usd_per_gpu_hour",
    "monthly_usd_low",
    "monthly_usd_base",
    "monthly_usd_high",
    "usd_per_query",
    "usd_per_mtok",
    "quality",
    "quality_stands_on",
    "effort",
    "success",
    "success_low",
    "success_high",
    "meets_floor",
    "input_tokens",
    "output_tokens",
    "output_tokens_low",
    "output_tokens_high",
    "reasoning_tokens",
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "replica_requests_per_s",
    "utilisation",
    "binding",
    "basis",
    "measured_by",
    "licence_id",
    "source_ids",
    "prices_as_of",
    "share_weak",
    "split_by",
)
_SPREAD = {"success", "output_tokens"}
_OF_OPTION = tuple(
    name for name in COLUMNS if name in {"feasible", *(f.name for f in fields(Option))} - _SPREAD
)
"""Columns that an option holds itself, whatever the volume."""
_of_option = attrgetter(*_OF_OPTION)


def comparison_row(found: Comparison, place: int) -> dict[str, object]:
    """Return one option's row of the table."""
    return next(comparison_rows(found, [place]))


def comparison_rows(found: Comparison, places: Sequence[int]) -> Iterator[dict[str, object]]:
    """Yield options' rows of the table: many in one call take a fraction of the time of each alone."""
    offers = cache(found.options.market.offers)
    columns = (
        found.replicas,
        found.gpus_total,
        found.units,
        found.rent_usd,
        found.utilisation,
        found.options.rent_row,
    )
    for start in range(0, len(places), PIECE):
        piece = np.asarray(places[start : start + PIECE], np.intp)
        figures = (piece, *found.monthly_usd[:, piece], *(column[piece] for column in columns))
        lists = zip(*(column.tolist() for column in figures), strict=True)
        for item, numbers in zip(found.options.items.records(piece), lists, strict=True):
            yield _row(found, item, _Figures(*numbers), offers)


class _Figures(NamedTuple):
    """What a comparison says of one option in numbers; `rent_row`: its row of the market."""

    place: int
    low_usd: float
    base_usd: float
    high_usd: float
    replicas: float
    gpus: float
    units: float
    rent_usd: float
    utilisation: float
    rent_row: int


Offers = Callable[[int, int], tuple[Offer, Offer, Offer] | None]


def _row(found: Comparison, item: Option, of: _Figures, offers: Offers) -> dict[str, object]:
    tokens = item.tokens or found.scenario.input_tokens + found.scenario.output_tokens
    return {
        **dict(zip(_OF_OPTION, _of_option(item), strict=True)),
        "monthly_usd_low": of.low_usd,
        "monthly_usd_base": of.base_usd,
        "monthly_usd_high": of.high_usd,
        "usd_per_query": of.base_usd / found.queries_per_month,
        "usd_per_mtok": of.base_usd / (found.queries_per_month * tokens) * TOKENS_PER_MTOK,
        **_fleet(found, item, of, offers),
        **_beyond(found, of),
        **_spread("success", item.success),
        **_spread("output_tokens", item.output_tokens),
        "input_tokens": None if item.lengths is None else item.lengths.input,
        "reasoning_tokens": None if item.lengths is None else item.lengths.reasoning,
    }


def _fleet(found: Comparison, item: Option, of: _Figures, offers: Offers) -> dict[str, object]:
    """Return what a row says of GPUs and of how they, or tokens, are paid."""
    replicas, gpus = int(of.replicas), int(of.gpus)
    base = chosen[1] if item.has_fleet and (chosen := offers(of.rent_row, replicas)) else None
    hours, late = found.options.hours_per_month, found.late_share(of.place, item)
    return {
        "replicas": 0 if of.units else replicas,
        "gpus_total": gpus,
        "reserved_units": int(of.units),
        "provider": base.provider if base else item.provider,
        "price_kind": _paid_as(found, item, base),
        "own_gpus": found.options.own_gpus_of(of.place, replicas),
        "usd_per_gpu_hour": of.rent_usd / (gpus * hours) if base and gpus else None,
        "replica_requests_per_s": item.requests_per_s[1] if item.requests_per_s else None,
        "utilisation": of.utilisation,
        "late_share": late,
        "late_usd": found.late_usd(of.place, late),
    }


def _paid_as(found: Comparison, item: Option, base: Offer | None) -> str:
    if item.has_fleet:
        return PAID_AS.get(base.provider if base else "", found.scenario.fleet_price_kind)
    return f"reserved, {item.reserved.commitment}" if item.reserved else "per token"


def _beyond(found: Comparison, of: _Figures) -> dict[str, object]:
    """Return what a row says where the volume needs more GPUs than there are: allowed, or owned and not for rent."""
    if math.isfinite(of.base_usd) or not found.options.feasible[of.place]:
        return {}
    return {"feasible": False, "reasons": ("the volume needs more GPUs than are allowed or owned",)}


def _spread(name: str, band: Band | None) -> dict[str, float | None]:
    """Return a band's base, low and high under names of columns."""
    low, base, high = (None, None, None) if band is None else (band.low, band.base, band.high)
    return {name: base, f"{name}_low": low, f"{name}_high": high}
