"""The rents sheet: USD an hour and GPUs of every number of replicas, and formulas that look them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from xlsxwriter.utility import xl_col_to_name

from llmplan.cost.billing import IDLE_TIMEOUT_S
from llmplan.cost.rent import MOST
from llmplan.export.xlsx_parts import FIRST_ROW, HEAD_ROW, SIDES, Book
from llmplan.options import Options
from llmplan.report.report import Report
from llmplan.units import HOURS_PER_DAY, S_PER_HOUR

SHEET = "Rents"
WIDTH = 16


class RentCells(NamedTuple):
    """Where the rent and the GPUs of 0..MOST replicas stand, and after how many replicas lots repeat."""

    usd_per_hour: str
    gpus: str
    period: int

    def usd_formula(self, replicas: str) -> str:
        return _looked_up(self.usd_per_hour, replicas, self.period)

    def gpus_formula(self, replicas: str) -> str:
        return _looked_up(self.gpus, replicas, self.period)


Rented = Mapping[tuple[int, int], RentCells]
"""By an option's place and the side."""


def write_rents(book: Book, report: Report, places: list[int]) -> dict[tuple[int, int], RentCells]:
    """Write what the fleets of some places rent for on each side; a pair of GPU and size stands there once. (4.5)"""
    options, rents = report.comparison.options, report.comparison.options.market.rents
    note = "USD an hour and GPUs for a number of replicas: the cheapest mix of lots of the cheapest, the middle and "
    sheet = book.sheet(SHEET, "What fleets rent for", f"{note}the dearest provider.", ("Replicas",), (12,))
    for replicas in range(MOST + 1):
        book.number(sheet, FIRST_ROW + replicas, 0, replicas, "integer")
    found: dict[tuple[int, int], RentCells] = {}
    column, written = 1, {}
    for place in places:
        row = int(options.rent_row[place])
        for side, name in enumerate(SIDES):
            if (row, side) not in written:
                item = report.option(place)
                head = f"{item.n_gpus} x {item.gpu_id}, {name}"
                what = (("USD an hour", "price", rents.usd_per_hour), ("GPUs", "integer", rents.gpus))
                for offset, (title, looks, table) in enumerate(what):
                    book.head(sheet, HEAD_ROW, column + offset, f"{head}: {title}")
                    for replicas, value in enumerate(table[side, row].tolist()):
                        book.number(sheet, FIRST_ROW + replicas, column + offset, value, looks, is_input=True)
                ranges = (_range(column), _range(column + 1))
                written[row, side] = RentCells(*ranges, int(rents.period[row]))
                column += 2
            found[place, side] = written[row, side]
    book.widths(sheet, 1, [WIDTH] * (column - 1))
    if options.stops_idle.any():
        _write_hours(book, sheet, options, column + 1)
    return found


def _write_hours(book: Book, sheet: Any, options: Options, column: int) -> None:
    """Write the day by hour and how long a replica waits for a query before it stops; formulas name them. (4.9)"""
    hours = options.hours
    columns = (
        ("Share of the day's queries", "hour_shares", hours.shares.tolist()),
        ("Load over the peak's", "hour_loads", hours.load.tolist()),
        ("Stops when idle for, s", "idle_timeout_s", [IDLE_TIMEOUT_S]),
    )
    for offset, (head, name, values) in enumerate(columns):
        at = column + offset
        book.head(sheet, HEAD_ROW, at, head)
        for row, value in enumerate(values):
            book.number(sheet, FIRST_ROW + row, at, value, is_input=True)
        letter, last = xl_col_to_name(at), FIRST_ROW + len(values)
        book.file.define_name(name, f"='{SHEET}'!${letter}${FIRST_ROW + 1}:${letter}${last}")
    book.widths(sheet, column, [WIDTH] * len(columns))


def paid_usd_formula(options: Options, rent: RentCells, replicas: str, queries: str, start_s: str) -> str:
    """Return what replicas rent for an hour, less what one of them saves that stops when idle. (4.8), (4.9)

    options: the fleet alone. replicas, queries, start_s: cells or formulas of its replicas, its queries a day and the
    seconds that one takes to start.
    """
    usd = rent.usd_formula(replicas)
    if not options.stops_idle[0]:
        return usd
    rate = f"{queries}*hour_shares/{S_PER_HOUR}"
    waits = f"{rate}*idle_timeout_s"
    # The smaller of the exponent and 700, number by number: MIN would take the least of all hours.
    gap = f"EXP(({waits}+700-ABS({waits}-700))/2)"
    alone = f"(ROUNDUP(({replicas}-spare_replicas)*hour_loads*(1-1E-12),0)<=1)"
    idle = f"SUMPRODUCT({alone}/({rate}*{start_s}+{gap}))/{HOURS_PER_DAY}"
    return f"({usd}-{idle}*{rent.usd_formula('(1+spare_replicas)')})"


def _range(column: int) -> str:
    name = xl_col_to_name(column)
    return f"'{SHEET}'!${name}${FIRST_ROW + 1}:${name}${FIRST_ROW + MOST + 1}"


def _looked_up(cells: str, replicas: str, period: int) -> str:
    """Return the formula of a table's value; beyond its end the last period of lots repeats."""
    times = f"MAX(0,ROUNDUP(({replicas}-{MOST})/{period},0))"
    step = f"(INDEX({cells},{MOST + 1})-INDEX({cells},{MOST + 1 - period}))"
    return f"(INDEX({cells},{replicas}-{times}*{period}+1)+{times}*{step})"
