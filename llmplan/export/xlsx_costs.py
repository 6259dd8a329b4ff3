"""The two cost sheets, in live formulas: tokens times price, and replicas in whole instances."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from llmplan.cost.fleet import replicas_needed
from llmplan.export.xlsx_parts import FIRST_ROW, SIDES, Book, cell
from llmplan.export.xlsx_rents import RentCells, Rented
from llmplan.report.report import Report
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, S_PER_DAY, TOKENS_PER_MTOK

API_SHEET = "API costs"
OWN_SHEET = "Self-hosted costs"


class Addresses(NamedTuple):
    """Where an option's three monthly costs stand, each with its sheet."""

    low: str
    base: str
    high: str


API_HEADS = (
    "Option",
    "What it is",
    "Input, USD/Mtok",
    "Cached input, USD/Mtok",
    "Output, USD/Mtok",
    "Batch discount",
    "Long context from, input tokens",
    "Long input, USD/Mtok",
    "Long cached input, USD/Mtok",
    "Long output, USD/Mtok",
    "Dear hours of the day",
    "Price factor in them",
    "USD a query",
    "USD a month",
    "Source",
    "As of",
    "Input tokens over today's",
    "Output tokens over today's",
)

API_QUERY, API_MONTH = API_HEADS.index("USD a query"), API_HEADS.index("USD a month")


def write_api_costs(book: Book, report: Report, places: list[int]) -> dict[int, Addresses]:
    """Write token-priced options; return where their costs stand."""
    note = "Price of a query = tokens x price; a request above the long-context limit pays those prices."
    sheet = book.sheet(
        API_SHEET, "Options priced by the token", note, API_HEADS, (34, 40, *[13] * 12, 30, 12, 13, 13)
    )
    found = {}
    for row, place in enumerate(places, start=FIRST_ROW):
        _api_prices(book, sheet, row, report, place)
        each = float(report.comparison.options.usd_per_query[place])
        usd_in, usd_cached, usd_out = (
            _tier(row, *columns) for columns in (("C", "H"), ("D", "I"), ("E", "J", True))
        )
        formula = (
            f"=(input_tokens*Q{row + 1}*((1-cached_input_share)*{usd_in}+cached_input_share*{usd_cached})"
            f"+output_tokens*R{row + 1}*{usd_out})/{TOKENS_PER_MTOK:.0f}*(1-batch_share*F{row + 1})"
            f"*(1+(L{row + 1}-1)*K{row + 1}/{HOURS_PER_DAY})"
        )
        book.live(sheet, row, API_QUERY, formula, each, "price")
        month = float(report.comparison.monthly_usd[1, place])
        book.live(sheet, row, API_MONTH, f"=M{row + 1}*queries_per_month", month)
        found[place] = Addresses(*[cell(row, API_MONTH, API_SHEET)] * 3)
    return found


def _tier(row: int, plain: str, long: str, of_requests: bool = False) -> str:
    """Return the mean price of a token below and in the long tier: lengths alike, or lognormal. (1.6)"""
    line = row + 1
    half = "-" if of_requests else "+"
    tokens = f"input_tokens*$Q{line}"
    far = f"(LN({tokens})-LN($G{line}))/input_sigma{half}input_sigma/2"
    long_share = f"IF(input_sigma>0,NORMSDIST({far}),IF({tokens}>$G{line},1,0))"
    return f"IF(ISNUMBER($G{line}),${plain}{line}+{long_share}*(${long}{line}-${plain}{line}),${plain}{line})"


def _api_prices(book: Book, sheet: Any, row: int, report: Report, place: int) -> None:
    """Write a price row; a price that the provider does not state follows from the one that it does."""
    item = report.option(place)
    price = report.price(place)
    book.text(sheet, row, 0, item.option_id)
    book.text(sheet, row, 1, item.label)
    usd_in, usd_out = price.input_usd_per_mtok, price.output_usd_per_mtok
    usd_cached = price.cached_input_usd_per_mtok
    long_in = price.long_context_input_usd_per_mtok
    line = row + 1
    book.number(sheet, row, 2, usd_in, "price", is_input=True)
    _given_or(book, sheet, row, 3, usd_cached, f"=C{line}", usd_in)
    book.number(sheet, row, 4, usd_out, "price", is_input=True)
    book.number(sheet, row, 5, price.batch_discount or 0.0, "percent", is_input=True)
    book.number(sheet, row, 6, price.long_context_from_tokens, "integer", is_input=True)
    _given_or(book, sheet, row, 7, long_in, f"=C{line}", usd_in)
    scale = (long_in if long_in is not None else usd_in) / usd_in if usd_in else 1.0
    long_cached = (usd_in if usd_cached is None else usd_cached) * scale
    given = price.long_context_cached_input_usd_per_mtok
    _given_or(book, sheet, row, 8, given, f"=IF(C{line}=0,D{line},D{line}*H{line}/C{line})", long_cached)
    _given_or(book, sheet, row, 9, price.long_context_output_usd_per_mtok, f"=E{line}", usd_out)
    book.number(
        sheet,
        row,
        10,
        (price.peak_hours_per_day or 0.0) * (price.peak_days_per_week or DAYS_PER_WEEK) / DAYS_PER_WEEK,
        "number",
        is_input=True,
    )
    book.number(sheet, row, 11, price.peak_price_factor or 1.0, "number", is_input=True)
    book.text(sheet, row, API_MONTH + 1, price.source_id)
    book.text(sheet, row, API_MONTH + 2, price.as_of)
    asked, lengths = report.scenario, item.lengths
    more = (
        (1.0, 1.0)
        if lengths is None
        else (lengths.input / asked.input_tokens, lengths.output / asked.output_tokens)
    )
    for column, value in enumerate(more, start=API_MONTH + 3):
        book.number(sheet, row, column, value, "price", is_input=True)


def _given_or(
    book: Book, sheet: Any, row: int, column: int, given: float | None, formula: str, value: float
) -> None:
    if given is None:
        book.live(sheet, row, column, formula, value, "price")
    else:
        book.number(sheet, row, column, given, "price", is_input=True)


OWN_HEADS = ("Option", "What it is", "GPUs of a replica")
SIDE_HEADS = (
    "requests/s of a replica",
    "price over the offers'",
    "queries/day of a replica",
    "replicas",
    "GPUs",
    "USD of GPUs",
    "USD besides GPUs",
    "USD a month",
)
RATE, PRICE, CARRIES, REPLICAS, GPUS, GPU_USD, REST_USD, MONTH = range(len(SIDE_HEADS))


def side_column(side: int, which: int) -> int:
    """Return the column of a figure of the low, base or high side."""
    return len(OWN_HEADS) + side * len(SIDE_HEADS) + which


def write_own_costs(book: Book, report: Report, places: list[int], rented: Rented) -> dict[int, Addresses]:
    """Write self-hosted options on all three sides; return where their costs stand."""
    note = (
        "Low: fast replicas, cheap offers, small cost lines; high: the reverse. Whole replicas for the peak "
        "at the highest load, spares on top, in whole lots (sheet Rents), every hour billed."
    )
    heads = [*OWN_HEADS, *(f"{head}, {side}" for side in SIDES for head in SIDE_HEADS)]
    sheet = book.sheet(OWN_SHEET, "Self-hosted options", note, heads, (44, 50, 10, *[13] * (len(heads) - 3)))
    found = {}
    for row, place in enumerate(places, start=FIRST_ROW):
        item = report.option(place)
        book.text(sheet, row, 0, item.option_id)
        book.text(sheet, row, 1, item.label)
        book.number(sheet, row, 2, item.n_gpus, "integer")
        for side in range(3):
            _own_side(book, sheet, row, report, place, side, rented[place, side])
        found[place] = Addresses(*(cell(row, side_column(side, MONTH), OWN_SHEET) for side in range(3)))
    return found


def _own_side(
    book: Book, sheet: Any, row: int, report: Report, place: int, side: int, rent: RentCells
) -> None:
    item, name = report.option(place), SIDES[side]
    if item.requests_per_s is None:
        return
    at = [cell(row, side_column(side, which)) for which in range(len(SIDE_HEADS))]
    values = own_values(report, place, side)
    book.number(sheet, row, side_column(side, RATE), item.requests_per_s[side], "number", is_input=True)
    book.number(sheet, row, side_column(side, PRICE), 1.0, "number", is_input=True)
    formulas = {
        CARRIES: (f"={at[RATE]}*utilisation_ceiling*{S_PER_DAY}/peak_to_mean", "tenths"),
        REPLICAS: (f"={replicas_formula('queries_per_day', at[CARRIES])}", "integer"),
        GPUS: (f"={rent.gpus_formula(at[REPLICAS])}", "integer"),
        GPU_USD: (f"={rent.usd_formula(at[REPLICAS])}*{at[PRICE]}*hours_per_month", "usd"),
        REST_USD: (f"={rest_formula(at[GPUS], at[REPLICAS], name)}", "usd"),
        MONTH: (f"={at[GPU_USD]}+{at[REST_USD]}", "usd"),
    }
    for which, (formula, looks) in formulas.items():
        book.live(sheet, row, side_column(side, which), formula, values[which], looks)


def replicas_formula(queries_per_day: str, carries: str) -> str:
    """Whole replicas and spares; a ratio a hair above a whole number counts as whole. (4.3)"""
    return f"MAX(1,CEILING({queries_per_day}/{carries}*(1-1E-12),1))+spare_replicas"


def rest_formula(gpus: str, replicas: str, side: str) -> str:
    """What a fleet costs besides its GPUs. (5.3), (5.5)"""
    by_size = f"{gpus}*hours_per_month*gpu_hour_usd_{side}+{replicas}*replica_usd_{side}"
    return f"fixed_usd_{side}+CEILING({gpus}/gpus_per_people_step_{side},1)*people_usd_{side}+{by_size}"


def own_values(report: Report, place: int, side: int) -> dict[int, float]:
    """Return what the formulas of one side come to now."""
    options = report.comparison.options.take([place])
    carries = options.per_replica[side]
    replicas = replicas_needed(report.scenario.queries_per_day, carries, report.scenario.spare_replicas)[
        :, None
    ]
    gpus, gpu_usd = options.gpus_of(replicas, side), options.rent_usd(replicas, side)
    rest = options.hidden.fleet_usd(gpus, replicas, options.hours_per_month, side)
    named = (carries, replicas, gpus, gpu_usd, rest, gpu_usd + rest)
    return {which: float(np.ravel(value)[0]) for which, value in enumerate(named, start=CARRIES)}
