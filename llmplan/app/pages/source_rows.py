"""The catalog's tables as rows of text with their sources and ages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from llmplan.catalog import Catalog, Source
from llmplan.catalog.tables import PRICE_STALE_DAYS

TABLES: dict[str, tuple[str, bool, dict[str, str]]] = {
    "apis": (
        "API prices",
        True,
        {
            "api_id": "API",
            "kind": "Sort",
            "input_usd_per_mtok": "Input USD/M",
            "cached_input_usd_per_mtok": "Cached USD/M",
            "output_usd_per_mtok": "Output USD/M",
            "batch_discount": "Batch discount",
            "status": "Status",
        },
    ),
    "gpu_prices": (
        "GPU prices",
        True,
        {
            "provider": "Provider",
            "gpu_id": "GPU",
            "instance_type": "Instance",
            "gpus_per_instance": "GPUs",
            "price_kind": "Price",
            "usd_per_gpu_hour": "USD/GPU-hour",
            "region": "Region",
            "status": "Status",
        },
    ),
    "models": (
        "Models",
        False,
        {
            "name": "Model",
            "total_params_b": "Billion parameters",
            "active_params_b": "Active",
            "layers": "Layers",
            "kv_heads": "KV heads",
            "max_context_tokens": "Context tokens",
            "licence_id": "Model's licence",
            "status": "Status",
        },
    ),
    "gpus": (
        "GPUs",
        False,
        {
            "name": "GPU",
            "architecture": "Architecture",
            "memory_gb": "GB",
            "bandwidth_gb_s": "GB/s",
            "bf16_tflops": "BF16 TFLOP/s",
            "fp8_tflops": "FP8 TFLOP/s",
            "interconnect": "Interconnect",
            "tdp_w": "W",
        },
    ),
    "engines": (
        "Engines",
        False,
        {
            "name": "Engine",
            "version": "Version",
            "status": "Status",
            "key_features": "Features",
        },
    ),
    "assumptions": (
        "Assumptions",
        False,
        {
            "name": "Assumption",
            "unit": "Unit",
            "low": "Low",
            "base": "Base",
            "high": "High",
            "group": "Group",
            "note": "Note",
        },
    ),
    "scores": (
        "Benchmark scores",
        False,
        {"model_name": "Model", "benchmark_id": "Benchmark", "score": "Score", "note": "Note"},
    ),
    "gpu_purchases": (
        "Servers to buy",
        True,
        {"gpu_id": "GPU", "gpus_per_server": "GPUs", "server_usd": "Server USD", "note": "Note"},
    ),
    "licences": (
        "Model licences",
        False,
        {"name": "Licence", "commercial_use": "Commercial use", "mau_limit": "User limit", "terms": "Terms"},
    ),
}
"""Key in the catalog: (name, whether its rows grow stale, columns and their heads)."""


ABSENT = "–"
WORDS = frozenset({"kind", "price_kind", "status", "group"})
"""Columns whose ids are words."""


@dataclass(frozen=True)
class SourceRow:
    """A row of a table in text, its source, and whether its price is too old to trust."""

    cells: tuple[str, ...]
    source: Source
    as_of: dt.date
    stale: bool


@dataclass(frozen=True)
class TableOfRows:
    """A table: its name, heads and rows."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[SourceRow, ...]


def is_stale(as_of: dt.date, today: dt.date) -> bool:
    """Say whether a price of that day is too old to trust."""
    return (today - as_of).days > PRICE_STALE_DAYS


def source_tables(catalog: Catalog, today: dt.date) -> dict[str, TableOfRows]:
    """Return every table for people, and the router's assumptions with the others."""
    found: dict[str, TableOfRows] = {}
    for key, (label, ages, columns) in TABLES.items():
        kept: Any = getattr(catalog, key)
        records = list(kept.values() if isinstance(kept, dict) else kept)
        if key == "assumptions":
            records += list(catalog.router_assumptions.values())
        rows = tuple(_rows(catalog, records, columns, today if ages else None))
        found[key] = TableOfRows(label, tuple(columns.values()), rows)
    return found


def _rows(
    catalog: Catalog, records: Iterable[Any], columns: dict[str, str], today: dt.date | None
) -> Iterable[SourceRow]:
    for record in records:
        day = record.as_of
        as_of = day if isinstance(day, dt.date) else dt.date.fromisoformat(str(day))
        active = getattr(record, "status", "active") == "active"
        stale = today is not None and active and is_stale(as_of, today)
        cells = tuple(
            _text(getattr(record, name, None)).replace("_", " " if name in WORDS else "_") for name in columns
        )
        yield SourceRow(cells, catalog.sources[record.source_id], as_of, stale)


def _text(value: object) -> str:
    if value is None or value == "":
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
