"""What each part of the Data and sources page shows: the catalog's tables in text, with sources and ages."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from llmplan.app.widgets import html
from llmplan.app.widgets.html import card, note, table
from llmplan.catalog import Catalog, Source
from llmplan.catalog.tables import PRICE_STALE_DAYS
from llmplan.wording import NOTHING, capital

MOST_ROWS = 150
NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]?\d+)?")
WORDS = frozenset({"kind", "price_kind", "status", "group"})
"""Columns whose ids are words."""
HEADS = {
    "api_id": "API",
    "gpu_id": "GPU",
    "input_usd_per_mtok": "Input USD/M",
    "cached_input_usd_per_mtok": "Cached USD/M",
    "output_usd_per_mtok": "Output USD/M",
    "instance_type": "Instance",
    "gpus_per_instance": "GPUs",
    "gpus_per_server": "GPUs",
    "price_kind": "Price",
    "usd_per_gpu_hour": "USD/GPU-hour",
    "server_usd": "Server USD",
    "total_params_b": "Billion parameters",
    "active_params_b": "Active",
    "kv_heads": "KV heads",
    "max_context_tokens": "Context tokens",
    "licence_id": "Model's licence",
    "memory_gb": "GB",
    "bandwidth_gb_s": "GB/s",
    "bf16_tflops": "BF16 TFLOP/s",
    "fp8_tflops": "FP8 TFLOP/s",
    "tdp_w": "W",
    "key_features": "Features",
    "model_name": "Model",
    "benchmark_id": "Benchmark",
    "mau_limit": "User limit",
}
"""Heads of columns that are not called as their field is."""


@dataclass(frozen=True)
class Listed:
    """A table of the catalog that people see: its name, what a row is, its columns, whether its rows grow stale."""

    label: str
    row: str
    fields: str
    ages: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.fields.split())

    @property
    def heads(self) -> tuple[str, ...]:
        own = {"name": self.row}
        return tuple(
            own.get(name) or HEADS.get(name) or capital(name.replace("_", " ")) for name in self.columns
        )


TABLES = {
    "apis": Listed(
        "API prices",
        "API",
        "api_id kind input_usd_per_mtok cached_input_usd_per_mtok output_usd_per_mtok batch_discount status",
        ages=True,
    ),
    "gpu_prices": Listed(
        "GPU prices",
        "Price",
        "provider gpu_id instance_type gpus_per_instance price_kind usd_per_gpu_hour region status",
        ages=True,
    ),
    "models": Listed(
        "Models",
        "Model",
        "name total_params_b active_params_b layers kv_heads max_context_tokens licence_id status",
    ),
    "gpus": Listed(
        "GPUs", "GPU", "name architecture memory_gb bandwidth_gb_s bf16_tflops fp8_tflops interconnect tdp_w"
    ),
    "engines": Listed("Engines", "Engine", "name version status key_features"),
    "assumptions": Listed("Assumptions", "Assumption", "name unit low base high group note"),
    "scores": Listed("Benchmark scores", "Score", "model_name benchmark_id score note"),
    "gpu_purchases": Listed("Servers to buy", "Server", "gpu_id gpus_per_server server_usd note", ages=True),
    "licences": Listed("Model licences", "Licence", "name commercial_use mau_limit terms"),
}
"""Key in the catalog: how it is listed."""


@dataclass(frozen=True)
class SourceRow:
    """A row of a table in text, its source, whether it is in use, and whether its price is too old to trust."""

    cells: tuple[str, ...]
    source: Source
    as_of: dt.date
    in_use: bool
    stale: bool


@dataclass(frozen=True)
class SourceTable:
    """A table in text: its name, heads and rows."""

    label: str
    heads: tuple[str, ...]
    rows: tuple[SourceRow, ...]

    @property
    def numeric(self) -> set[int]:
        """The columns that hold numbers only, and some."""
        columns = enumerate(zip(*(row.cells for row in self.rows), strict=True))
        texts = {i: {cell for cell in cells if cell != NOTHING} for i, cells in columns}
        return {i for i, cells in texts.items() if cells and all(NUMBER.fullmatch(cell) for cell in cells)}

    @property
    def dates(self) -> Markup:
        """From when its rows in use are, and how many are stale."""
        dates = [row.as_of for row in self.rows if row.in_use]
        if not dates:
            return Markup("none in use")
        first, last, stale = min(dates), max(dates), sum(row.stale for row in self.rows)
        day = Markup('<span class="lp-date">{}</span>')
        span = day.format(last) if first == last else day.format(first) + " to " + day.format(last)
        out = len(self.rows) - len(dates)
        return (
            "as of " + span + (f"; {stale} stale" if stale else "") + (f"; {out:,} not in use" if out else "")
        )


def source_tables(catalog: Catalog, today: dt.date) -> dict[str, SourceTable]:
    """Return every table for people, and the router's assumptions with the others."""
    found: dict[str, SourceTable] = {}
    for key, listed in TABLES.items():
        kept: Any = getattr(catalog, key)
        records = list(kept.values() if isinstance(kept, dict) else kept)
        if key == "assumptions":
            records += list(catalog.router_assumptions.values())
        rows = tuple(_rows(catalog, records, listed.columns, today if listed.ages else None))
        found[key] = SourceTable(listed.label, listed.heads, rows)
    return found


def _rows(
    catalog: Catalog, records: Iterable[Any], columns: Sequence[str], today: dt.date | None
) -> Iterator[SourceRow]:
    for record in records:
        day = record.as_of
        as_of = day if isinstance(day, dt.date) else dt.date.fromisoformat(str(day))
        active = getattr(record, "status", "active") == "active"
        stale = today is not None and active and (today - as_of).days > PRICE_STALE_DAYS
        cells = tuple(
            _text(getattr(record, name, None)).replace("_", " " if name in WORDS else "_") for name in columns
        )
        yield SourceRow(cells, catalog.sources[record.source_id], as_of, active or today is None, stale)


def _text(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def lead(tables: dict[str, SourceTable]) -> Markup:
    """Say how many rows there are and how many are old; return how many each table has, and from when."""
    rows = [row for found in tables.values() for row in found.rows]
    old = sum(row.stale for row in rows)
    aged = f"{old:,} prices in use are" if old > 1 else f"{'one' if old else 'no'} price in use is"
    said = f"{len(rows):,} rows, each with its source and its date; {aged} over {PRICE_STALE_DAYS} days old"
    counts = [(found.label, f"{len(found.rows):,}", found.dates) for found in tables.values()]
    return html.answer(said) + html.cards(counts)


def rows_card(found: SourceTable, rows: Sequence[SourceRow]) -> Markup:
    """Return the first of some rows of a table, each with its date and its source."""
    more = (
        f", the first {MOST_ROWS} are shown: narrow the filter or take the CSV"
        if len(rows) > MOST_ROWS
        else ""
    )
    listed = table(
        (*found.heads, "As of", "Source, its kind and licence"),
        [(*row.cells, _date(row), _source(row.source)) for row in rows[:MOST_ROWS]],
        found.label,
        found.numeric,
        style="lp-sources",
        tall=True,
        csv=False,
    )
    return card(found.label, note(f"{len(rows):,} rows{more}"), listed)


def _date(row: SourceRow) -> Markup:
    stale = html.badge("stale", "lp-badge-warn") if row.stale else ""
    return Markup('<span class="lp-date">{}{}</span>').format(row.as_of, stale)


def _source(source: Source) -> Markup:
    linked = source.url and source.url.startswith("https://")
    link = '<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>' if linked else "{1}"
    kind = f"{source.kind}, {source.licence}" if source.licence else source.kind
    small = Markup('<br><span class="lp-help">{}</span>').format(kind)
    return Markup(link).format(source.url, source.title) + small


def csv_file(key: str, found: SourceTable) -> tuple[str, str, bytes]:
    """Return a whole table as a file: its name, media type and content."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*found.heads, "as_of", "source_id", "source", "url", "kind", "licence", "stale"])
    for row in found.rows:
        s = row.source
        tail = [s.source_id, s.title, s.url or "", s.kind, s.licence or "", "yes" if row.stale else "no"]
        writer.writerow([*(_harmless(cell) for cell in row.cells), row.as_of, *tail])
    return f"llmplan-{key.replace('_', '-')}.csv", "text/csv", out.getvalue().encode("utf-8")


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula."""
    return f"'{cell}" if cell[:1] in "=+@" else cell
