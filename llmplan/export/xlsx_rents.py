"""The rents sheet: USD an hour and GPUs of every number of replicas, and formulas that look them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from llmplan.arrays import Floats
from llmplan.cost.rent import MOST
from llmplan.export.xlsx_parts import FIRST_ROW, SIDES, Book
from llmplan.options import Options
from llmplan.report.report import Report

SHEET = "Rents"


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
                for offset, table in enumerate((rents.usd_per_hour, rents.gpus)):
                    title = f"{head}: {'GPUs' if offset else 'USD an hour'}"
                    sheet.write_string(FIRST_ROW - 1, column + offset, title, book.formats["head"])
                    for replicas, value in enumerate(table[side, row].tolist()):
                        book.number(
                            sheet, FIRST_ROW + replicas, column + offset, value, "price", is_input=True
                        )
                ranges = (_range(column), _range(column + 1))
                written[row, side] = RentCells(*ranges, int(rents.period[row]))
                column += 2
            found[place, side] = written[row, side]
    sheet.set_column(1, column, 16)
    return found


def paid_share(options: Options, replicas: Floats, side: int, queries_per_day: float) -> str:
    """Return the factor by which a fleet that stops when idle costs less than its table says; else nothing. (4.9)"""
    if not options.stops_idle[0]:
        return ""
    paid = options.rent_usd(replicas, side, np.array([queries_per_day])) / options.rent_usd(replicas, side)
    return f"*{float(paid[0, 0])!r}"


def _range(column: int) -> str:
    name = xl_col_to_name(column)
    return f"'{SHEET}'!${name}${FIRST_ROW + 1}:${name}${FIRST_ROW + MOST + 1}"


def _looked_up(cells: str, replicas: str, period: int) -> str:
    """Return the formula of a table's value; beyond its end the last period of lots repeats."""
    times = f"MAX(0,ROUNDUP(({replicas}-{MOST})/{period},0))"
    step = f"(INDEX({cells},{MOST + 1})-INDEX({cells},{MOST + 1 - period}))"
    return f"(INDEX({cells},{replicas}-{times}*{period}+1)+{times}*{step})"
