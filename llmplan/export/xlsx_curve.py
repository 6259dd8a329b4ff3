"""The curve sheet: live cost over volumes, and its chart on log axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from llmplan.charts.cost import line_dash
from llmplan.charts.palette import light
from llmplan.cost.fleet import replicas_needed
from llmplan.export.xlsx_costs import (
    API_QUERY,
    API_SHEET,
    CARRIES,
    OWN_SHEET,
    PRICE,
    START,
    replicas_formula,
    rest_formula,
    side_column,
)
from llmplan.export.xlsx_hybrids_sheet import HybridCells
from llmplan.export.xlsx_parts import FIRST_ROW, HEAD_ROW, SIDES, Book, cell
from llmplan.export.xlsx_rents import Rented, paid_usd_formula
from llmplan.export.xlsx_reserved_sheet import ReservedCells
from llmplan.report.headlines import curve_title
from llmplan.report.report import Report
from llmplan.wording import VOLUME_FORMAT

SHEET = "Curve"
POINTS_A_DECADE = 12
CURVE_WIDTH, HELPER_WIDTH = 24, 16
"""Letters of a column of costs, whose head is an option's name, and of a column that the costs use."""
DASHES = {
    "solid": "solid",
    "dash": "long_dash",
    "dot": "dash",
    "dashdot": "dash_dot",
    "longdash": "long_dash_dot",
}


def curve_volumes() -> Any:
    """Return whole volumes from 100 to 10 million queries a day."""
    return np.unique(np.geomspace(1e2, 1e7, 5 * POINTS_A_DECADE + 1).round())


def write_curve(
    book: Book,
    report: Report,
    rows: dict[int, int],
    hybrids: Mapping[int, HybridCells],
    units: Mapping[int, ReservedCells],
    rented: Rented,
) -> Any:
    """Write cost over volume for the options drawn; return the chart, None where nothing is drawn.

    Parameters
    ----------
    rows: by place: the option's row on its cost sheet. hybrids, units: by place, where figures of hybrids and of
        reserved units stand.
    """
    note = "Every figure is a formula over the cost sheets; change a price there and the curves move."
    sheet = book.sheet(
        SHEET, f"Monthly cost over volume, {report.money.name}", note, ("Queries a day",), (16,)
    )
    volumes = curve_volumes()
    for offset, queries_per_day in enumerate(volumes):
        book.number(sheet, FIRST_ROW + offset, 0, queries_per_day, "integer", is_input=True)
    shown: list[tuple[int, str, int]] = []
    helper = 2 + sum(3 if report.option(place).has_fleet else 1 for place in report.curve_places)
    column = 1
    for place in report.curve_places:
        if not report.option(place).has_fleet:
            _api_column(book, sheet, report, place, units.get(place) or rows[place], column, volumes)
            shown.append((place, "base", column))
            column += 1
        else:
            row, hybrid = rows.get(place, 0), hybrids.get(place)
            _own_columns(book, sheet, report, place, row, hybrid, column, helper, volumes, rented)
            shown += [(place, side, column + number) for number, side in enumerate(SIDES)]
            column, helper = column + 3, helper + 2 * len(SIDES)
    book.widths(sheet, 1, [CURVE_WIDTH] * (column - 1) + [HELPER_WIDTH] * (helper - column))
    sheet.print_area(0, 0, FIRST_ROW + len(volumes) - 1, column - 1)
    sheet.fit_to_pages(1, 0)
    return _chart(book, report, shown, len(volumes)) if shown else None


def _api_column(
    book: Book, sheet: Any, report: Report, place: int, at: int | ReservedCells, column: int, volumes: Any
) -> None:
    """Write what tokens cost, or reserved units and tokens; at: the row on the cost sheet, or where these stand."""
    book.head(sheet, HEAD_ROW, column, report.option(place).label)
    months = report.comparison.options.take([place]).monthly_usd(volumes)[1, 0]
    for offset, month in enumerate(months):
        line = FIRST_ROW + offset
        volume = f"$A{line + 1}"
        formula = (
            at.month_usd(volume)
            if isinstance(at, ReservedCells)
            else f"{volume}*days_per_month*{cell(at, API_QUERY, API_SHEET)}"
        )
        book.shown(sheet, line, column, formula, month)


def _own_columns(
    book: Book,
    sheet: Any,
    report: Report,
    place: int,
    row: int,
    hybrid: HybridCells | None,
    column: int,
    helper: int,
    volumes: Any,
    rented: Rented,
) -> None:
    """Write low, base, high; helper columns to the right hold replicas and cost of each side."""
    label = report.option(place).label
    options = report.comparison.options.take([place])
    row = row if hybrid is None else hybrid.own_row
    load = "" if hybrid is None else f"*{hybrid.load}"
    tokens = "" if hybrid is None else f"*days_per_month*({hybrid.usd_per_query})"
    months = options.monthly_usd(volumes)[:, 0]
    for side, name in enumerate(SIDES):
        book.head(sheet, HEAD_ROW, column + side, f"{label}, {name}")
        book.head(sheet, HEAD_ROW, helper + side, f"replicas, {name} side")
        book.head(sheet, HEAD_ROW, helper + 3 + side, f"USD a month, {name} side")
        carries, price = (cell(row, side_column(side, which), OWN_SHEET) for which in (CARRIES, PRICE))
        start = cell(row, START, OWN_SHEET)
        rent = rented[place, side]
        loads = volumes * options.fleet_load[0]
        replicas = replicas_needed(loads, options.per_replica[side, 0], report.scenario.spare_replicas)
        for offset in range(len(volumes)):
            line = FIRST_ROW + offset
            needed = replicas_formula(f"$A{line + 1}{load}", carries)
            at = book.live(sheet, line, helper + side, f"={needed}", replicas[offset], "integer")
            rest = rest_formula(rent.gpus_formula(at), at, name)
            paid = paid_usd_formula(options, rent, at, f"$A{line + 1}{load}", start)
            formula = f"={paid}*{price}*hours_per_month+{rest}"
            formula += f"+$A{line + 1}{tokens}" if tokens else ""
            book.live(sheet, line, helper + 3 + side, formula, months[side, offset])
    for offset in range(len(volumes)):
        line = FIRST_ROW + offset
        sides = f"{cell(line, helper + 3)}:{cell(line, helper + 5)}"
        book.shown(sheet, line, column, f"MIN({sides})", months[:, offset].min())
        book.shown(sheet, line, column + 1, cell(line, helper + 4), months[1, offset])
        book.shown(sheet, line, column + 2, f"MAX({sides})", months[:, offset].max())


def _chart(book: Book, report: Report, shown: list[tuple[int, str, int]], count: int) -> Any:
    chart = book.file.add_chart({"type": "scatter", "subtype": "straight"})
    last = FIRST_ROW + count - 1
    of_kind: dict[str, dict[int, int]] = {}
    for place, side, column in shown:
        kind = report.option(place).kind
        places = of_kind.setdefault(kind, {})
        number = places.setdefault(place, len(places))
        line = {
            "color": light(kind.colour),
            "width": 2.5 if side == "base" else 1.0,
            "dash_type": DASHES[line_dash(kind, number)] if side == "base" else "round_dot",
        }
        chart.add_series(
            {
                "name": [SHEET, HEAD_ROW, column],
                "categories": [SHEET, FIRST_ROW, 0, last, 0],
                "values": [SHEET, FIRST_ROW, column, last, column],
                "line": line,
                "marker": {"type": "none"},
            }
        )
    chart.set_title({"name": curve_title(report), "name_font": {"size": 12}})
    grid = {"visible": True, "line": {"color": "#D9D9D9", "width": 0.75}}
    looks = {"log_base": 10, "major_gridlines": grid, "name_font": {"bold": False}}
    chart.set_x_axis({"name": "Queries a day", "min": 100, "max": 1e7, "num_format": VOLUME_FORMAT, **looks})
    name, least = f"{report.money.name} a month", float(report.money.of(report.curves.monthly_usd.min()))
    chart.set_y_axis(
        {"name": name, "num_format": report.money.ticks_format(least), "crossing": "min", **looks}
    )
    ranges = [number for number, (_, side, _) in enumerate(shown) if side != "base"]
    chart.set_legend({"position": "bottom", "delete_series": ranges})
    chart.set_size({"width": 960, "height": 520})
    return chart
