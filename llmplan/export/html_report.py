"""One HTML file that needs nothing else: charts, tables and sources, opened from a mail attachment."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from llmplan.charts import CostChart, CostLine, cost_curves_figure, envelope_chart
from llmplan.charts.cost import TODAY, UNITS
from llmplan.charts.growth import FAMILY_NAMES
from llmplan.charts.palette import style_sheet
from llmplan.export.tables import ASSUMPTION_HEADS, ASSUMPTIONS_TITLE, FLIP_HEADS, SOURCES_TITLE, csv_text
from llmplan.export.xlsx_workbook import workbook_places
from llmplan.kinds import Kind
from llmplan.report.assumptions import assumption_rows, hardware_rows
from llmplan.report.headlines import (
    bill_title,
    curve_note,
    curve_title,
    flip_rows,
    flip_title,
    frontier_title,
    hardware_title,
    kpi_cards,
    map_title,
    payback_title,
)
from llmplan.report.report import Report
from llmplan.scenario import scenario_to_toml
from llmplan.units import UNIT_QUERIES
from llmplan.wording import milliseconds, month_words, share, short_volume, volume

ASSETS = Path(__file__).parent / "assets"
STATIC = Path(__file__).parent.parent / "app/voila/templates/llmplan/static"
CSV_TABLES = ("curve", "map", "flips", "assumptions", "sources")
ROWS_APART = 4
"""The table behind the chart holds every so many volumes."""
OPTION_NUMBERS = range(2, 9)
CSS_DASHES = {"solid": "solid", "dot": "dotted"}


class Cell(NamedTuple):
    """A table's cell that is more than its text: what it sorts by, the kind that colours it, where it leads."""

    text: str
    value: float | str | None = None
    kind: str = ""
    url: str = ""


class Table(NamedTuple):
    """A table for people; `numbers`: its columns that hold numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    numbers: Sequence[int] = ()


def html_bytes(report: Report) -> bytes:
    """Return the report as one self-contained HTML file in UTF-8."""
    charts = {unit: _envelopes(report, unit) for unit in UNITS}
    data = report_data(report, charts)
    scripts = [_plotly(), _asset(STATIC / "figure.js"), _asset(ASSETS / "report.js")]
    month = charts["month"]
    page: str = _template().render(
        report=report,
        style=Markup(style_sheet() + _asset(ASSETS / "report.css")),
        hashes=Markup(" ".join(script_hash(text) for text in scripts)),
        scripts=[Markup(text) for text in scripts],
        data=Markup(script_json(data)),
        cards=kpi_cards(report),
        curve_title=curve_title(report),
        curve_note=curve_note(report),
        units={unit: chart.title for unit, chart in charts.items()},
        last_volume=len(month.queries_per_day) - 1,
        volume_index=data["volume_index"],
        at_volume_heads=(month.title, "Low to high", f"{UNITS['query']}".capitalize()),
        lines=[_key(line.name, line.kind, line.dash) for line in month.lines],
        curve=_curve_table(month),
        map_title=map_title(report),
        map=_map_table(report),
        counted=_counted(report),
        parts=_parts(report),
        options=_option_table(report),
        flips=Table(flip_title(report), FLIP_HEADS, flip_rows(report)),
        assumptions=Table(ASSUMPTIONS_TITLE, ASSUMPTION_HEADS, assumption_rows(report)),
        sources=_source_table(report),
        downloads={f"{name}.csv": f"{name} (CSV)" for name in CSV_TABLES}
        | {"scenario.toml": "Scenario (TOML)"},
    )
    return page.encode()


def _envelopes(report: Report, unit: str) -> CostChart:
    """Return the cheapest option of each kind and today's answer over volume, in a unit."""
    asked = report.scenario, report.crossings, unit
    return envelope_chart(report.envelopes, report.answer_curve, *asked).on_one_axis()


def _template() -> Any:
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(_asset(ASSETS / "report.html"))


def _asset(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _plotly() -> str:
    """The chart library's partial bundle, without what would end the script element that it stands in."""
    return _asset(STATIC / "plotly.min.js").replace("</script", "<\\/script")


def script_hash(text: str) -> str:
    """Return what the page's security policy calls a script of its own: any other one does not run."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def script_json(value: Any) -> str:
    """Return JSON that no text in it can end the script element of, or start a comment in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def report_data(report: Report, charts: Mapping[str, CostChart]) -> dict[str, Any]:
    """Return what the page's script reads: figures by unit, the lines' texts at every volume, files to save."""
    month = charts["month"]
    volumes = month.queries_per_day
    files = {f"{name}.csv": csv_text(report, name) for name in CSV_TABLES}
    return {
        "queries_per_day": _plain(volumes),
        "volume_texts": [volume(float(each)) for each in volumes],
        "volume_index": int(np.argmin(np.abs(volumes - report.scenario.queries_per_day))),
        "mark": TODAY,
        "lines": [_line(report, line) for line in month.lines],
        "figures": {unit: _figures(chart) for unit, chart in charts.items()},
        "meta": {"title": curve_title(report), "footnote": report.stamp},
        "files": files | {"scenario.toml": scenario_to_toml(report.scenario)},
    }


def _figures(chart: CostChart) -> dict[str, Any]:
    figures = {name: cost_curves_figure(chart, logarithmic=name == "log") for name in ("log", "linear")}
    layouts = {name: figure["layout"] for name, figure in figures.items()}
    return {"traces": _plain(figures["log"]["data"]), "layouts": _plain(layouts)}


def _plain(value: Any) -> Any:
    """Return a figure's part as JSON holds it: arrays as lists of seven digits, what is no number as null."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value


def _line(report: Report, line: CostLine) -> dict[str, Any]:
    def short(cost: float) -> str:
        return report.money.short(cost / report.money.per_usd)  # a chart's costs are converted already

    queries = line.at * report.scenario.days_per_month
    ranges = zip(line.low, line.high, strict=True)
    texts = [short(cost) for cost in line.base]
    return {
        "base": _plain(line.base),
        "base_texts": [f"{text}, {which}" for text, which in zip(texts, line.labels, strict=True)]
        if line.labels
        else texts,
        "range_texts": [
            f"{short(least)} to {short(most)}" if line.is_range else "–" for least, most in ranges
        ],
        "each_texts": [short(cost) for cost in line.base / queries * UNIT_QUERIES],
    }


def _key(name: str, kind: Kind, dash: str) -> dict[str, str]:
    """Return a line's name and looks, for the key beside its name."""
    colour = f"var(--lp-series-{kind.colour.removeprefix('@')})"
    return {"name": name, "css_colour": colour, "css_dash": CSS_DASHES.get(dash, "dashed")}


def _curve_table(chart: CostChart) -> Table:
    columns = chart.table()
    rows = [
        [value if isinstance(value, str) else f"{value:,.10g}" for value in row]
        for row in zip(*columns.values(), strict=True)
    ]
    return Table("", list(columns), rows[::ROWS_APART], range(len(columns)))


def _parts(report: Report) -> dict[str, Table]:
    """Return what the slides show besides curve, map and options: quality, bill, growth, hardware."""
    money, short = report.money.name, report.money.short
    plan, own = report.growth, report.comparison.cheapest(Kind.SELF_HOSTED)
    quality = [
        [point.label, point.kind.short, short(point.monthly_usd), share(point.success.base)]
        for point in report.frontier
        if point.on_frontier or point.runs_today
    ]
    bill = [[part.name, short(part.usd)] for part in report.bill]
    growth = [
        [FAMILY_NAMES[family], row.label, short(row.npv_usd), short(row.tco_usd), month_words(paid)]
        for option_id, family in (plan.best_of_each() if plan else {}).items()
        if plan is not None
        for row in (plan.time.option(option_id),)
        for switch in (plan.switches.get(option_id),)
        for paid in (switch.payback_month_now if switch else 0,)
    ]
    heads = ("Sort", "Option", "Present cost", "Total", "Paid back by")
    return {
        "quality": Table(
            frontier_title(report), ("Model", "Kind", f"{money} a month", "Succeeds on"), quality, (2, 3)
        ),
        "bill": Table(bill_title(report), ("Part", f"{money} a month"), bill, (1,)),
        "growth": Table(payback_title(plan) if plan else "", heads, growth, (2, 3)),
        "hardware": Table(
            hardware_title(report),
            ("What", "Value"),
            [] if own is None else hardware_rows(report, own),
        ),
    }


def _option_table(report: Report) -> Table:
    money = report.money.name
    heads = (
        "Option",
        "Kind",
        f"{money} a month",
        "Low",
        "High",
        "Per 1,000 queries",
        "Quality",
        "TTFT",
        "TPOT",
    )
    rows = [_option_row(report, row) for row in report.rows(workbook_places(report))]
    return Table("Options", (*heads, "Licence", "Prices as of"), rows, OPTION_NUMBERS)


def _option_row(report: Report, row: Mapping[str, Any]) -> list[Cell]:
    costs = [float(row[f"monthly_usd_{side}"]) for side in ("base", "low", "high")]
    costs.append(float(row["usd_per_query"]) * UNIT_QUERIES)
    ttft, tpot, licence = row.get("ttft_ms"), row.get("tpot_ms"), row["licence_id"] or "–"
    quality = share(row["quality"])
    day = str(row["prices_as_of"] or "–")
    return [
        Cell(row["label"], row["label"]),
        Cell(Kind(row["kind"]).short, row["kind"]),
        *(Cell(report.money.short(usd), _sortable(usd)) for usd in costs),
        Cell(quality, _sortable(row["quality"])),
        Cell(milliseconds(ttft), _sortable(ttft)),
        Cell(milliseconds(tpot), _sortable(tpot)),
        Cell(licence, licence),
        Cell(day, day),
    ]


def _sortable(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _counted(report: Report) -> str:
    shown, feasible = len(workbook_places(report)), report.comparison.n_feasible
    return (
        f"{feasible:,} of {len(report.comparison.options):,} options meet the scenario; the "
        f"{shown:,} cheapest are shown: every token price, and each model, format and card once."
    )


def _map_table(report: Report) -> Table:
    shown = report.map
    heads = ("Model", "Quality", *(f"{short_volume(v)}/day" for v in shown.queries_per_day))
    rows = []
    for row, model_id in enumerate(shown.model_ids):
        cells = [
            _map_cell(report, *each) for each in zip(shown.kind[row], shown.monthly_usd[row], strict=True)
        ]
        rows.append(
            [
                Cell(report.catalog.models[model_id].name),
                Cell(share(float(shown.quality[row]) or None)),
                *cells,
            ]
        )
    return Table(map_title(report), heads, rows)


def _map_cell(report: Report, kind: int, usd: float) -> Cell:
    if kind < 0:
        return Cell("nothing feasible")
    name = list(Kind)[kind]
    return Cell(f"{name.short}, {report.money.short(float(usd))}", kind=name)


def _source_table(report: Report) -> Table:
    rows = [
        (Cell(source.title, url=_web(source.url)), source.kind, source.licence or "–", str(source.as_of))
        for source in report.sources_of(workbook_places(report))
    ]
    return Table(SOURCES_TITLE, ("Source", "Kind", "Licence", "As of"), rows)


def _web(url: str | None) -> str:
    """Return an address of the web; anything else is no link."""
    return url if url and url.startswith(("https://", "http://")) else ""
