"""The two cost sheets, in live formulas: tokens times price, and replicas in whole instances."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from llmplan.arrays import Floats, finite
from llmplan.cost.classes import Use, classes_of
from llmplan.cost.fleet import replicas_needed
from llmplan.cost.month import image_factor, long_shares
from llmplan.export.xlsx_parts import FIRST_ROW, SIDES, Book, cell
from llmplan.export.xlsx_rents import RentCells, Rented, paid_usd_formula
from llmplan.report.report import Report
from llmplan.units import S_PER_DAY, TOKENS_PER_MTOK

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
    "Cache write, USD/Mtok",
    "Output, USD/Mtok",
    *(f"Batch over others, {kind}" for kind in ("input", "cached", "write", "output")),
    *(
        f"{tier} context {what}"
        for tier in ("Long", "Longer")
        for what in (
            "from, input tokens",
            "over standard, input",
            "over standard, cached",
            "over standard, output",
        )
    ),
    "Dearer hours, mean factor",
    "Dearer hours, factor of batch",
    "USD a query",
    "USD a month",
    "Source",
    "As of",
    "Input tokens over today's",
    "Output tokens over today's",
)

API_QUERY, API_MONTH = API_HEADS.index("USD a query"), API_HEADS.index("USD a month")


def tokens_over_today(row: int, side: str) -> str:
    """Return where an option's tokens of a side, "Input" or "Output", over today's stand."""
    return cell(row, API_HEADS.index(f"{side} tokens over today's"), API_SHEET)


def write_api_costs(book: Book, report: Report, places: list[int]) -> dict[int, Addresses]:
    """Write token-priced options; return where their costs stand."""
    note = (
        "Price of a query = tokens x price, at the scenario's service tier and region; a request above a context "
        "tier's limit pays that tier's prices."
    )
    use, found = Use.of(report.scenario, report.catalog), {}
    if use.input_lengths:
        note += " Which requests are above it is taken from the log, as of the export, and does not follow Inputs."
    widths = (34, 40, *[13] * (API_MONTH - 1), 30, 12, 13, 13)
    sheet = book.sheet(API_SHEET, "Options priced by the token", note, API_HEADS, widths)
    for row, place in enumerate(places, start=FIRST_ROW):
        _api_prices(book, sheet, row, report, place, use)
        each = float(report.comparison.options.usd_per_query[place])
        book.live(
            sheet, row, API_QUERY, _query_formula(row + 1, _known_shares(report, place, use)), each, "price"
        )
        month = float(report.comparison.base_usd[place])
        book.live(sheet, row, API_MONTH, f"={cell(row, API_QUERY)}*queries_per_month", month)
        found[place] = Addresses(*[cell(row, API_MONTH, API_SHEET)] * 3)
    return found


def _known_shares(report: Report, place: int, use: Use) -> tuple[Floats, Floats] | None:
    """Return the shares above a price's context tiers by the lengths that are known, as of the export; None: none are."""
    if not use.input_lengths:
        return None
    lengths = report.option(place).lengths
    tokens_in = report.scenario.input_tokens if lengths is None else lengths.input
    asked = classes_of([report.price(place)], use).at(0)
    return long_shares(asked.tier_from, np.asarray(tokens_in, float), use)


def _query_formula(line: int, known: tuple[Floats, Floats] | None) -> str:
    """Return USD a query: each kind of token at its price, over context tiers, hours and batch. (1.1)-(1.10)

    known: shares of tokens and of requests above the tiers, (2,) each.
    """
    written = "MIN(cache_write_share,1-cached_input_share)"
    tokens_in, tokens_out = f"input_tokens*Y{line}", f"output_tokens*Z{line}"
    kinds = (
        (f"{tokens_in}*(1-cached_input_share-{written})", "C", "G", "L", "P"),
        (f"{tokens_in}*cached_input_share", "D", "H", "M", "Q"),
        (f"{tokens_in}*{written}", "E", "I", "L", "P"),
        (tokens_out, "F", "J", "N", "R"),
    )
    parts = [
        f"{tokens}*{usd}{line}*{_tiers(line, long, longer, known, of_requests=usd == 'F')}"
        f"*((1-batch_share)*S{line}+batch_share*T{line}*{batch}{line})"
        for tokens, usd, batch, long, longer in kinds
    ]
    return f"=({'+'.join(parts)})/{TOKENS_PER_MTOK:.0f}"


def _tiers(
    line: int, long: str, longer: str, known: tuple[Floats, Floats] | None, *, of_requests: bool
) -> str:
    """Return the mean price over context tiers, over the standard one: lengths known, alike, or lognormal. (1.6)"""
    tokens, half = f"input_tokens*$Y{line}", "-" if of_requests else "+"

    def added(limit: str, step: str, tier: int) -> str:
        if known is not None:
            return f"IF(ISNUMBER({limit}),{float(known[of_requests][tier])!r}*({step}),0)"
        far = f"(LN({tokens})-LN({limit}))/input_sigma{half}input_sigma/2"
        above = f"IF(input_sigma>0,NORMSDIST({far}),IF({tokens}>{limit},1,0))"
        return f"IF(ISNUMBER({limit}),{above}*({step}),0)"

    first = added(f"$K{line}", f"{long}{line}-1", 0)
    return f"(1+{first}+{added(f'$O{line}', f'{longer}{line}-{long}{line}', 1)})"


def _api_prices(book: Book, sheet: Any, row: int, report: Report, place: int, use: Use) -> None:
    """Write a price row; a price that the provider does not state follows from the one that it does."""
    item, price = report.option(place), report.price(place)
    asked = classes_of([price], use).at(0)
    book.text(sheet, row, 0, item.option_id)
    book.text(sheet, row, 1, item.label)
    is_plain = price.cached_input_usd_per_mtok is None, price.cache_write_usd_per_mtok is None
    tokens_in = report.scenario.input_tokens if item.lengths is None else item.lengths.input
    images = float(image_factor(asked, np.asarray(tokens_in, float), use))
    book.number(sheet, row, 2, float(asked.input_usd) * images, "price", is_input=True)
    for column, follows, each in zip((3, 4), is_plain, (asked.cached_usd, asked.write_usd), strict=True):
        usd = float(each) * images
        _given_or(book, sheet, row, column, None if follows else usd, f"=C{row + 1}", usd)
    book.number(sheet, row, 5, float(asked.output_usd), "price", is_input=True)
    waiting = (asked.waiting_input, asked.waiting_cached, asked.waiting_write, asked.waiting_output)
    tiers = (asked.tier_from, asked.tier_input, asked.tier_cached, asked.tier_output)
    factors = (*waiting, *np.transpose(tiers).ravel(), asked.hours_factor, asked.waiting_hours_factor)
    for column, value in enumerate(factors, start=6):
        book.number(sheet, row, column, finite(value), "number", is_input=True)
    book.text(sheet, row, API_MONTH + 1, price.source_id)
    book.text(sheet, row, API_MONTH + 2, price.as_of)
    asked_for, lengths = report.scenario, item.lengths
    more = (
        (1.0, 1.0)
        if lengths is None
        else (lengths.input / asked_for.input_tokens, lengths.output / asked_for.output_tokens)
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


OWN_HEADS = ("Option", "What it is", "GPUs of a replica", "start of a replica, s")
START = len(OWN_HEADS) - 1
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
        book.number(sheet, row, START, item.start_s, "number", is_input=True)
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
    fleet, start = report.comparison.options.take([place]), cell(row, START)
    paid = paid_usd_formula(fleet, rent, at[REPLICAS], "queries_per_day", start)
    book.number(sheet, row, side_column(side, RATE), item.requests_per_s[side], "number", is_input=True)
    book.number(sheet, row, side_column(side, PRICE), 1.0, "number", is_input=True)
    formulas = {
        CARRIES: (f"={at[RATE]}*utilisation_ceiling*{S_PER_DAY}/peak_to_mean", "tenths"),
        REPLICAS: (f"={replicas_formula('queries_per_day', at[CARRIES])}", "integer"),
        GPUS: (f"={rent.gpus_formula(at[REPLICAS])}", "integer"),
        GPU_USD: (f"={paid}*{at[PRICE]}*hours_per_month", "usd"),
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
    gpus = options.gpus_of(replicas, side)
    gpu_usd = options.rent_usd(replicas, side, np.array([report.scenario.queries_per_day]))
    rest = options.hidden.fleet_usd(gpus, replicas, options.hours_per_month, side)
    named = (carries, replicas, gpus, gpu_usd, rest, gpu_usd + rest)
    return {which: float(np.ravel(value)[0]) for which, value in enumerate(named, start=CARRIES)}
