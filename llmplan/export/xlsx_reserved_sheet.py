"""The reserved units sheet: whole units of an API for a part of the peak, the rest by the token, in live formulas."""

from __future__ import annotations

from typing import Any, NamedTuple

from llmplan.export.xlsx_costs import API_QUERY, API_SHEET, Addresses, tokens_over_today
from llmplan.export.xlsx_parts import FIRST_ROW, Book, cell
from llmplan.options.reserved import tokens_of_query
from llmplan.report.report import Report
from llmplan.units import MONTHS_PER_YEAR, S_PER_DAY, S_PER_MINUTE

SHEET = "Reserved units"
HEADS = (
    "Option",
    "What it is",
    "Part of the peak",
    "Input tokens a minute of a unit",
    "An output token counts as",
    "A cached token counts as",
    "Fewest units",
    "Units come in steps of",
    "USD a unit",
    "USD a unit and month",
    "Share of queries by the token",
    "Input tokens that a query counts as",
    "Units",
    "USD a month, units",
    "USD a month by the token",
    "USD a month",
)
KEPT, RATE, OUTPUT, CACHED, FEWEST, STEP, PRICE, EACH, SPILLED, COUNTED, UNITS, RENT, TOKENS, MONTH = range(
    2, len(HEADS)
)
MONTHS = {"hour": "*hours_per_month", "month": "", "year": f"/{MONTHS_PER_YEAR}"}
"""What a unit's price is taken by to a month, by what it is paid for."""


class ReservedCells(NamedTuple):
    """Where an option's costs stand, and the formulas of its parts at any volume."""

    costs: Addresses
    row: int
    api_row: int

    def at(self, column: int) -> str:
        return cell(self.row, column, SHEET)

    def units(self, queries_per_day: str) -> str:
        """Whole steps for the part of the peak, at least the fewest that are sold. (7.19)"""
        a_day = f"{self.at(RATE)}*{S_PER_DAY / S_PER_MINUTE:.0f}"
        needed = f"{queries_per_day}*{self.at(KEPT)}*peak_to_mean*{self.at(COUNTED)}/({a_day})*(1-1E-12)"
        whole = f"MAX(1,CEILING({needed},1))"
        return f"MAX({self.at(FEWEST)},CEILING({whole}/{self.at(STEP)},1)*{self.at(STEP)})"

    def tokens_usd(self, queries_per_day: str) -> str:
        each = cell(self.api_row, API_QUERY, API_SHEET)
        return f"{queries_per_day}*days_per_month*{self.at(SPILLED)}*{each}"

    def month_usd(self, queries_per_day: str) -> str:
        return f"{self.units(queries_per_day)}*{self.at(EACH)}+{self.tokens_usd(queries_per_day)}"


def token_place(report: Report, place: int) -> int:
    """Return the place of the price by the token that stands behind reserved units."""
    options = report.comparison.options
    return options.index(options.items.option_id[place].rpartition("@")[0])


def write_reserved(
    book: Book, report: Report, places: list[int], api_rows: dict[int, int]
) -> dict[int, ReservedCells]:
    """Write reserved units; return where their costs stand, by place. api_rows: by place on the sheet of token prices."""
    if not places:
        return {}
    note = (
        "Live for the parts of the peak shown; the share above them follows the day's hours as of the export."
    )
    sheet = book.sheet(SHEET, "Reserved capacity of APIs", note, HEADS, (44, 50, *[14] * (len(HEADS) - 2)))
    found = {}
    for row, place in enumerate(places, start=FIRST_ROW):
        cells = ReservedCells(
            Addresses(*[cell(row, MONTH, SHEET)] * 3), row, api_rows[token_place(report, place)]
        )
        _inputs(book, sheet, report, place, row)
        _formulas(book, sheet, report, place, cells)
        found[place] = cells
    return found


def _inputs(book: Book, sheet: Any, report: Report, place: int, row: int) -> None:
    item, options = report.option(place), report.comparison.options
    sold, kept = item.reserved, float(options.fleet_load[place])
    assert sold is not None, "asked for reserved units only"
    book.text(sheet, row, 0, item.option_id)
    book.text(sheet, row, 1, item.label)
    figures = {
        KEPT: (kept, "percent"),
        RATE: (sold.input_tokens_per_minute, "integer"),
        OUTPUT: (sold.output_weight, "number"),
        CACHED: (sold.cached_weight, "number"),
        FEWEST: (sold.min_units, "integer"),
        STEP: (sold.unit_step, "integer"),
        PRICE: (sold.usd_per_unit, "price"),
        SPILLED: (float(options.hours.spilled(kept)), "percent"),
    }
    for column, (value, looks) in figures.items():
        book.number(sheet, row, column, value, looks, is_input=True)


def _formulas(book: Book, sheet: Any, report: Report, place: int, cells: ReservedCells) -> None:
    found, row, sold = report.comparison, cells.row, report.option(place).reserved
    assert sold is not None, "asked for reserved units only"
    price, each = cell(row, PRICE), cell(row, EACH)
    rent, month = float(found.rent_usd[place]), float(found.base_usd[place])
    units, per_query = float(found.units[place]), float(found.options.usd_per_query[place])
    read = f"(1-cached_input_share*(1-{cell(row, CACHED)}))"
    counted = (
        f"=input_tokens*{tokens_over_today(cells.api_row, 'Input')}*{read}"
        f"+output_tokens*{tokens_over_today(cells.api_row, 'Output')}*{cell(row, OUTPUT)}"
    )
    lengths, share = report.option(place).lengths, report.scenario.cached_input_share
    tokens = 0.0 if lengths is None else float(tokens_of_query(sold, lengths, share))
    live = {
        EACH: (f"={price}{MONTHS[sold.paid_per]}", rent / units, "price"),
        COUNTED: (counted, tokens, "tenths"),
        UNITS: (f"={cells.units('queries_per_day')}", units, "integer"),
        RENT: (f"={cell(row, UNITS)}*{each}", rent, "usd"),
        TOKENS: (f"={cells.tokens_usd('queries_per_day')}", per_query * found.queries_per_month, "usd"),
        MONTH: (f"={cell(row, RENT)}+{cell(row, TOKENS)}", month, "usd"),
    }
    for column, (formula, value, looks) in live.items():
        book.live(sheet, row, column, formula, value, looks)
