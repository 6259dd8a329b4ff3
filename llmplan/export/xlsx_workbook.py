"""The workbook for finance: inputs, options and curve in live formulas, with the sources beside them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from llmplan.export.tables import ASSUMPTION_HEADS, ASSUMPTIONS_TITLE, FLIP_HEADS, SOURCES_TITLE
from llmplan.export.xlsx_costs import Addresses, write_api_costs, write_own_costs
from llmplan.export.xlsx_curve import write_curve
from llmplan.export.xlsx_hybrids_sheet import hybrid_pair, write_hybrids
from llmplan.export.xlsx_inputs_sheet import write_inputs, write_tokens_note
from llmplan.export.xlsx_parts import FIRST_ROW, HEAD_ROW, SIDES, Book
from llmplan.export.xlsx_rents import write_rents
from llmplan.export.xlsx_reserved_sheet import token_place, write_reserved
from llmplan.kinds import Kind
from llmplan.options.rows import first_of_each
from llmplan.report.assumptions import assumption_rows
from llmplan.report.finding import where_cheaper
from llmplan.report.headlines import flip_rows, flip_title
from llmplan.report.report import Report
from llmplan.units import TOKENS_PER_MTOK

OWN_OPTIONS = 60
"""Self-hosted options with formulas; each GPU count, format and card of a model once, cheapest first."""


def option_heads(money: str) -> tuple[str, ...]:
    """Return the heads of the Options sheet, its sums in a currency."""
    return (
        "Option",
        "What it is",
        "Kind",
        *(f"{money} a month, {side}" for side in SIDES),
        f"{money} a query",
        f"{money} per million tokens",
        "Quality against the reference",
        "TTFT, ms",
        "TPOT, ms",
        "Licence",
        "Prices as of",
    )


def xlsx_bytes(report: Report) -> bytes:
    """Return the workbook as an .xlsx file. Every cost is a formula that carries its value."""
    book = Book(report.money)
    places = workbook_places(report)
    pairs = [end for place in report.hybrid_places for end in hybrid_pair(report, place)]
    reserved = [place for place in places if report.option(place).reserved]
    alone = [place for place in places if place not in {*report.hybrid_places, *reserved}]
    every = dict.fromkeys([*alone, *pairs, *(token_place(report, place) for place in reserved)])
    tokens = [place for place in every if not report.option(place).has_fleet]
    own = [place for place in every if report.option(place).has_fleet]
    heads = option_heads(report.money.name)
    answer = book.sheet("Answer", report.finding, report.stamp, (), (34, 20, 20, 20, 60))
    write_inputs(book, report)
    options = book.sheet(
        "Options",
        "Options that meet the scenario, cheapest first",
        "Costs are live. The order and what is feasible are as of the export: ask llmplan again.",
        heads,
        (44, 50, 18, *[15] * 5, 12, 10, 10, 22, 14),
    )
    where = write_api_costs(book, report, tokens)
    rented = write_rents(book, report, [*own, *report.hybrid_places])
    where |= write_own_costs(book, report, own, rented)
    hybrids = write_hybrids(book, report, _rows(tokens), _rows(own), rented)
    units = write_reserved(book, report, reserved, _rows(tokens))
    where |= {place: cells.costs for each in (hybrids, units) for place, cells in each.items()}
    for row, place in enumerate(places, start=FIRST_ROW):
        _option(book, options, row, report, place, where[place])
    if places:
        options.autofilter(FIRST_ROW - 1, 0, FIRST_ROW + len(places) - 1, len(heads) - 1)
    chart = write_curve(book, report, _rows(tokens) | _rows(own), hybrids, units, rented)
    row = _answer(book, answer, report, where)
    write_tokens_note(book, answer, report)
    if chart is not None:
        what = {"description": f"Monthly cost over volume. {report.finding}"}
        answer.insert_chart(row + 1, 0, chart, what)
    _tables(book, report)
    _stamp(book, report)
    return book.bytes()


def _rows(places: list[int]) -> dict[int, int]:
    return {place: row for row, place in enumerate(places, start=FIRST_ROW)}


def workbook_places(report: Report) -> list[int]:
    """Return the feasible options that get formulas, by cost: all APIs, the first self-hosted."""
    rows, order = report.comparison.options.items, np.array(report.comparison.order, np.intp)
    kinds = rows.kind[order]
    own = order[kinds == Kind.SELF_HOSTED]
    alike = rows.configurations
    apis = order[(kinds != Kind.SELF_HOSTED) & (kinds != Kind.HYBRID)]
    kept = {*report.curve_places, *report.shown_places, *apis, *first_of_each(own, *alike)[:OWN_OPTIONS]}
    return [place for place in report.comparison.order if place in kept]


def _option(book: Book, sheet: object, row: int, report: Report, place: int, at: Addresses) -> None:
    item, line = report.option(place), row + 1
    low, base, high = report.comparison.monthly_of([place])[:, 0].tolist()
    book.text(sheet, row, 0, item.option_id)
    book.text(sheet, row, 1, item.label)
    book.text(sheet, row, 2, item.kind.short)
    # Lots can make the cheapest rate the dearer month: the range is that of the three sides.
    book.shown(sheet, row, 3, f"MIN({at.low},{at.base},{at.high})", low)
    book.shown(sheet, row, 4, at.base, base)
    book.shown(sheet, row, 5, f"MAX({at.low},{at.base},{at.high})", high)
    each = report.money.of(base) / report.comparison.queries_per_month
    book.live(sheet, row, 6, f"=E{line}/queries_per_month", each, "shown_price")
    stated = report.scenario.input_tokens + report.scenario.output_tokens
    tokens = item.tokens or stated
    per_mtok = f"=G{line}/((input_tokens+output_tokens)*{tokens / stated!r})*{TOKENS_PER_MTOK:.0f}"
    book.live(sheet, row, 7, per_mtok, each / tokens * TOKENS_PER_MTOK, "shown")
    book.number(sheet, row, 8, item.quality, "percent")
    book.number(sheet, row, 9, item.ttft_ms, "integer")
    book.number(sheet, row, 10, item.tpot_ms, "integer")
    book.text(sheet, row, 11, item.licence_id)
    book.text(sheet, row, 12, item.prices_as_of)


def _answer(book: Book, sheet: Any, report: Report, where: dict[int, Addresses]) -> int:
    """Write the cheapest of each kind, live, and where self-hosting pays; return the next free row."""
    money = report.money.name
    heads = ("Cheapest of each kind", *(f"{money} a month, {side}" for side in SIDES), "What it is")
    for column, head in enumerate(heads):
        book.head(sheet, HEAD_ROW, column, head)
    row = FIRST_ROW
    if report.best_places:
        _live_title(book, sheet, report)
    for place in report.best_places:
        item, at = report.option(place), where[place]
        low, base, high = report.comparison.monthly_of([place])[:, 0].tolist()
        book.text(sheet, row, 0, item.kind.short)
        book.shown(sheet, row, 1, f"MIN({at.low},{at.base},{at.high})", low, "big")
        book.shown(sheet, row, 2, at.base, base, "big")
        book.shown(sheet, row, 3, f"MAX({at.low},{at.base},{at.high})", high, "big")
        book.text(sheet, row, 4, item.label)
        row += 1
    for place, rival in report.rivals:
        row += 1
        book.text(sheet, row, 0, "Self-hosting is cheaper (as of the export)")
        book.text(sheet, row, 1, where_cheaper(rival.self_hosted_cheaper))
        book.text(sheet, row, 4, f"than {report.option(place).label}")
    return row + 1


def _live_title(book: Book, sheet: Any, report: Report) -> None:
    """Write the cheapest of the sheet's rows and its cost as the title, so that it follows the inputs."""
    first, last = FIRST_ROW + 1, FIRST_ROW + len(report.best_places)
    costs, labels = f"$C${first}:$C${last}", f"$E${first}:$E${last}"
    least = f"MIN({costs})"
    month = f'TEXT({least},"#,##0")&" {report.money.name} a month"'
    formula = f'="Cheapest: "&INDEX({labels},MATCH({least},{costs},0))&", "&{month}'
    usd = report.money.of(report.comparison.best_usd)
    value = (
        f"Cheapest: {report.option(report.comparison.order[0]).label}, {usd:,.0f} {report.money.name} a month"
    )
    sheet.write_formula(0, 0, formula, book.formats["title"], value)


def _tables(book: Book, report: Report) -> None:
    """Write what formulas do not reach: flips, options left out, assumptions and sources, as of the export."""
    _table(
        book,
        "Flips",
        "What would flip the answer",
        flip_title(report),
        (70, 24, 70),
        FLIP_HEADS,
        flip_rows(report),
    )
    counted = Counter(
        (item.model_id, reason) for item in report.comparison.options.items for reason in item.reasons
    )
    note = "Why the other options are out, counted by model and reason."
    rows = [(*key, count) for key, count in sorted(counted.items())]
    _table(book, "Left out", "Options left out", note, (34, 90, 12), ("Model", "Reason", "Options"), rows)
    lines = assumption_rows(report)
    _table(book, "Assumptions", ASSUMPTIONS_TITLE, report.stamp, (50, 60, 70, 12), ASSUMPTION_HEADS, lines)
    heads = ("Source", "Title", "Address", "Licence", "Kind", "As of")
    sources = [
        (each.source_id, each.title, each.url, each.licence, each.kind, each.as_of)
        for each in report.sources_of(workbook_places(report))
    ]
    _table(book, "Sources", SOURCES_TITLE, report.stamp, (30, 70, 60, 16, 16, 12), heads, sources)


def _table(
    book: Book,
    name: str,
    title: str,
    note: str,
    widths: Sequence[int],
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Write a sheet of plain cells: counts as numbers, all else as text."""
    sheet = book.sheet(name, title, note, heads, widths)
    for row, line in enumerate(rows, start=FIRST_ROW):
        for column, value in enumerate(line):
            if isinstance(value, int):
                book.number(sheet, row, column, value, "integer")
            else:
                book.text(sheet, row, column, value)


def _stamp(book: Book, report: Report) -> None:
    made = dt.datetime.combine(report.made_on, dt.time())
    book.file.set_properties(
        {
            "title": report.finding,
            "subject": report.stamp,
            "author": f"llmplan {report.version}",
            "created": made,
        }
    )
    for sheet in book.file.worksheets():
        sheet.set_footer(f"&L&8{report.stamp.replace('&', '&&')[:200]}&R&8&P / &N")
