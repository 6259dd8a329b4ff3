"""One HTML file that needs nothing else: charts, tables and sources, opened from a mail attachment."""

from __future__ import annotations

import datetime as dt
import json
import math
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from llmplan.export.tables import csv_text
from llmplan.export.xlsx_workbook import workbook_places
from llmplan.quality.relative import is_lower_bound
from llmplan.report.assumptions import assumption_rows
from llmplan.report.headlines import (
    UNIT_QUERIES,
    curve_note,
    curve_title,
    flip_rows,
    flip_title,
    kpi_cards,
    map_title,
)
from llmplan.report.report import Report
from llmplan.scenario import scenario_to_toml
from llmplan.wording import kind_name, milliseconds, parameters, quality_shown, short_volume

ASSETS = Path(__file__).parent / "assets"
PLOTLY = Path(__file__).parent.parent / "app/voila/templates/llmplan/static/plotly.min.js"
MAP_CLASSES = {0: "api", 1: "hosted", 2: "self_hosted"}
MOST_MARKS = 6
CSV_TABLES = ("curve", "map", "flips", "assumptions", "sources")


def html_bytes(report: Report) -> bytes:
    """Return the report as one self-contained HTML file in UTF-8."""
    parts = {
        "generator": escape(f"llmplan {report.version}"),
        "title": escape(report.finding),
        "stamp": escape(report.stamp),
        "style": _asset("report.css"),
        "cards": "".join(_card(*card) for card in kpi_cards(report)),
        "map": _map(report),
        "counted": escape(_counted(report)),
        "hashes": " ".join(script_hash(text) for text in (_plotly(), _asset("report.js"))),
        "curve": escape(curve_title(report)),
        "beside": escape(f" {curve_note(report)}.") if curve_note(report) else "",
        "map_title": escape(map_title(report)),
        "flip": escape(flip_title(report)),
        "flips": _table(("Input", "Today", "Flips at", "Then the answer is"), flip_rows(report)),
        "assumptions": _table(
            ("Assumption", "Value", "Source", "As of"), [list(r) for r in assumption_rows(report)]
        ),
        "sources": _sources(report),
        "data": script_json(report_data(report)),
        "plotly": _plotly(),
        "script": _asset("report.js"),
    }
    # Split, not replaced: the text of one part is never taken for the place of another.
    page: list[str] = []
    for number, piece in enumerate(_asset("report.html").replace("{{", "}}").split("}}")):
        page.append(parts[piece] if number % 2 else piece)
    return "".join(page).encode()


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """The chart library's partial bundle, without what would end the script element that it stands in."""
    return PLOTLY.read_text(encoding="utf-8").replace("</script", "<\\/script")


@cache
def script_hash(text: str) -> str:
    """Return what the page's security policy calls a script of its own: any other one does not run."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def script_json(value: Any) -> str:
    """Return JSON that no text in it can end the script element of, or start a comment in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def report_data(report: Report) -> dict[str, Any]:
    """Return what the page's script reads: curves, tables, CSV texts."""
    volumes = report.curves.queries_per_day
    asked = report.scenario
    return {
        "queries_per_day": [round(float(v), 6) for v in volumes],
        "volume_index": int(np.argmin(np.abs(volumes - asked.queries_per_day))),
        "days_per_month": asked.days_per_month,
        "money": {"name": report.money.name, "symbol": report.money.symbol},
        "tokens_a_query": asked.input_tokens + asked.output_tokens,
        "lines": [_line(report, number) for number in range(len(report.curve_places))],
        "crossings": [x for x in report.crossings if volumes[0] <= x <= volumes[-1]][:MOST_MARKS],
        "tables": {"curve": _curve_rows(report), "shown_options": _option_rows(report)},
        "csv": {name: csv_text(report, name) for name in CSV_TABLES},
        "scenario_toml": scenario_to_toml(asked),
    }


def _line(report: Report, number: int) -> dict[str, Any]:
    item = report.curves.options.items[number]
    low, base, high = report.money.of(report.curves.monthly_usd[:, number])
    return {
        "id": item.option_id,
        "kind": item.kind,
        "label": item.label,
        "is_range": not np.array_equal(low, high),
        "low": _plain(low),
        "base": _plain(base),
        "high": _plain(high),
    }


def _plain(values: Any) -> list[float | None]:
    return [float(f"{value:.7g}") if math.isfinite(value) else None for value in values]


def _curve_rows(report: Report) -> dict[str, Any]:
    columns = ["Queries a day"]
    series = [report.curves.queries_per_day]
    for number, item in enumerate(report.curves.options.items):
        columns += [f"{item.label}, {side}" for side in ("low", "base", "high")]
        series += list(report.money.of(report.curves.monthly_usd[:, number]))
    rows = np.stack(series, axis=1)[::4]
    return {"columns": columns, "rows": [_plain(row) for row in rows]}


def option_columns(money: str) -> tuple[tuple[str, bool], ...]:
    """Return the heads of the table of options, and whether a column holds numbers."""
    words = ("Option", "Kind"), ("Licence", "Prices as of")
    numbers = (f"{money} a month", "Low", "High", "Per 1,000 queries", "Quality", "TTFT", "TPOT")
    return (
        *((head, False) for head in words[0]),
        *((head, True) for head in numbers),
        *((head, False) for head in words[1]),
    )


def _option_rows(report: Report) -> dict[str, Any]:
    rows = [_option_row(report, row) for row in report.rows(workbook_places(report))]
    columns = option_columns(report.money.name)
    return {
        "columns": [head for head, _ in columns],
        "numeric": [is_number for _, is_number in columns],
        "rows": rows,
    }


def _option_row(report: Report, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    costs = [float(row[f"monthly_usd_{side}"]) for side in ("base", "low", "high")]
    costs.append(float(row["usd_per_query"]) * UNIT_QUERIES)
    ttft, tpot, licence = row.get("ttft_ms"), row.get("tpot_ms"), row["licence_id"]
    day = str(row["prices_as_of"] or "–")
    shown: list[tuple[str, Any]] = [
        (row["label"], row["label"]),
        (kind_name(row["kind"]), row["kind"]),
        *((report.money.short(value), value) for value in costs),
        (quality_shown(row["quality"], is_lower_bound(row.get("quality_stands_on"))), row["quality"]),
        (milliseconds(ttft), ttft),
        (milliseconds(tpot), tpot),
        (licence or "–", licence),
        (day, day),
    ]
    return [{"text": text, "value": _sortable(value)} for text, value in shown]


def _sortable(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _card(head: str, figure: str, note: str) -> str:
    lines = f'<p>{escape(head)}</p><p class="figure">{escape(figure)}</p><p>{escape(note)}</p>'
    return f'<div class="card">{lines}</div>'


def _counted(report: Report) -> str:
    shown, feasible = len(workbook_places(report)), len(report.comparison.order)
    return (
        f"{feasible:,} of {len(report.comparison.options):,} options meet the scenario; the "
        f"{shown:,} cheapest are shown: every token price, and each model, format and card once."
    )


def _map(report: Report) -> str:
    heads = ["Model", "Size", *(f"{short_volume(v)}/day" for v in report.map.queries_per_day)]
    rows = []
    for row, model_id in enumerate(report.map.model_ids):
        cells = [
            f"<th scope=row>{escape(model_id)}</th>",
            f"<td>{parameters(float(report.map.total_params_b[row]))}</td>",
        ]
        for kind, cost in zip(report.map.kind[row], report.map.monthly_usd[row], strict=True):
            name = MAP_CLASSES.get(int(kind))
            text = f"{kind_name(name)}, {report.money.short(float(cost))}" if name else "nothing feasible"
            cells.append(f'<td class="{name or "none"}">{escape(text)}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead>{_heads(heads)}</thead><tbody>{''.join(rows)}</tbody></table>"


def _heads(heads: list[str] | tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<th scope=col>{escape(head)}</th>" for head in heads) + "</tr>"


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead>{_heads(heads)}</thead><tbody>{body}</tbody></table>"


def _sources(report: Report) -> str:
    rows = []
    for source in report.sources_of(workbook_places(report)):
        cells = [_link(source.title, source.url), escape(source.kind), escape(source.licence or "–")]
        rows.append(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + f"<td>{_day(source.as_of)}</td></tr>"
        )
    heads = ("Source", "Kind", "Licence", "As of")
    return f"<table><thead>{_heads(heads)}</thead><tbody>{''.join(rows)}</tbody></table>"


def _day(day: dt.date) -> str:
    return day.isoformat()


def _link(title: str, url: str | None) -> str:
    """Return a link to an address of the web, and plain text for anything else."""
    if url is None or not url.startswith(("https://", "http://")):
        return escape(title)
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{escape(title)}</a>'
