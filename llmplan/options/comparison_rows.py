"""The table of a comparison: options with what they cost and need at the volume, as columns or as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from llmplan.arrays import Places
from llmplan.options.comparison import Comparison
from llmplan.options.offers import PAID_AS, Offer
from llmplan.options.rows import Option
from llmplan.quality.ability import Band
from llmplan.units import TOKENS_PER_MTOK

PIECE = 512
"""Rows that are worked out at once: what the processor's cache holds."""

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
Column = Sequence[Any]
"""What some options have under one name, in their order."""
BEYOND = ("the volume needs more GPUs than are allowed or owned",)


def comparison_row(found: Comparison, place: int) -> dict[str, Any]:
    """Return one option's row of the table."""
    return next(comparison_rows(found, [place]))


def comparison_rows(found: Comparison, places: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield options' rows of the table: many in one call take a fraction of the time of each alone."""
    for columns in comparison_columns(found, places):
        yield from rows_of({name: columns[name] for name in COLUMNS})


def comparison_columns(found: Comparison, places: Sequence[int]) -> Iterator[dict[str, Column]]:
    """Yield the table of options, some of its rows at a time: `COLUMNS` by name, and what else options hold."""
    for start in range(0, len(places), PIECE):
        yield _columns(found, np.asarray(places[start : start + PIECE], np.intp))


def rows_of(columns: Mapping[str, Column]) -> Iterator[dict[str, Any]]:
    """Yield rows that are given as columns."""
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


def _columns(found: Comparison, places: Places) -> dict[str, Column]:
    """Return what the table says of some options, and what else they hold, by name."""
    items = found.options.items.records(places)
    held = dict(zip(Option._fields, zip(*items, strict=True), strict=True))
    low, base, high = found.monthly_usd[:, places]
    asked = found.scenario.input_tokens + found.scenario.output_tokens
    tokens = np.array([own or asked for own in held["tokens"]], float)
    # Against a feasible option that does not serve stands the volume: more GPUs than are allowed, or owned and not for rent.
    beyond = (~np.isfinite(base) & found.options.feasible[places]).tolist()
    reasons = [BEYOND if out else why for out, why in zip(beyond, held["reasons"], strict=True)]
    lengths = held["lengths"]
    return {
        **held,
        "feasible": [not why for why in reasons],
        "reasons": reasons,
        "monthly_usd_low": low.tolist(),
        "monthly_usd_base": base.tolist(),
        "monthly_usd_high": high.tolist(),
        "usd_per_query": (base / found.queries_per_month).tolist(),
        "usd_per_mtok": (base / (found.queries_per_month * tokens) * TOKENS_PER_MTOK).tolist(),
        **_fleets(found, places, items),
        **_spread("success", held["success"]),
        **_spread("output_tokens", held["output_tokens"]),
        "input_tokens": [each and each.input for each in lengths],
        "reasoning_tokens": [each and each.reasoning for each in lengths],
    }


def _fleets(found: Comparison, places: Places, items: Sequence[Option]) -> dict[str, Column]:
    """Return what the table says of GPUs and of how they, or tokens, are paid."""
    options, at = found.options, places.tolist()
    replicas, gpus = found.replicas[places].astype(int), found.gpus_total[places].astype(int)
    units, counts = found.units[places].astype(int), replicas.tolist()
    offers = options.market.base_offers(options.rent_row[places], replicas)
    base = [offer if item.has_fleet else None for offer, item in zip(offers, items, strict=True)]
    hours = (
        np.array([count if offer else 0 for count, offer in zip(gpus.tolist(), base, strict=True)])
        * options.hours_per_month
    )
    late = [found.late_share(*each) for each in zip(at, items, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        usd_per_gpu_hour = (found.rent_usd[places] / hours).tolist()
    return {
        "replicas": np.where(units, 0, replicas).tolist(),
        "gpus_total": gpus.tolist(),
        "reserved_units": units.tolist(),
        "provider": [
            offer.provider if offer else item.provider for offer, item in zip(base, items, strict=True)
        ],
        "price_kind": [_paid_as(found, *each) for each in zip(items, base, strict=True)],
        "own_gpus": [options.own_gpus_of(*each) for each in zip(at, counts, strict=True)],
        "usd_per_gpu_hour": [
            usd if paid else None for usd, paid in zip(usd_per_gpu_hour, hours.tolist(), strict=True)
        ],
        "replica_requests_per_s": [item.requests_per_s and item.requests_per_s[1] for item in items],
        "utilisation": found.utilisation[places].tolist(),
        "late_share": late,
        "late_usd": [found.late_usd(*each) for each in zip(at, late, strict=True)],
    }


def _paid_as(found: Comparison, item: Option, base: Offer | None) -> str:
    if item.has_fleet:
        return PAID_AS.get(base.provider if base else "", found.scenario.fleet_price_kind)
    return f"reserved, {item.reserved.commitment}" if item.reserved else "per token"


def _spread(name: str, bands: Sequence[Band | None]) -> dict[str, Column]:
    """Return bands' base, low and high under names of columns."""
    ends = {name: "base", f"{name}_low": "low", f"{name}_high": "high"}
    return {column: [band and getattr(band, end) for band in bands] for column, end in ends.items()}
