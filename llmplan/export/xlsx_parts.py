"""A workbook's paper: formats, heads, and cells that hold a formula together with its value."""

from __future__ import annotations

import io
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from llmplan.wording import DOLLAR, Currency

HEAD_ROW = 3
"""Row of the column heads on a table's sheet; above it: title, what it shows, and an empty row."""
FIRST_ROW = HEAD_ROW + 1
SIDES = ("low", "base", "high")
LINE_HEIGHT, BOLD = 15.0, 0.9
"""Points of a head's line; letters of it for each that a column is wide, which are narrow figures."""
USUAL_WIDTH = 8.43
"""Of a column whose width nobody set."""
A4, PAGE_WIDTH = 9, 220
"""Paper, and the letters that one page's width takes before print gets too small to read."""

SHOWN_RATE = "currency_per_usd"
"""Name of the input that turns US dollars into the currency that people read."""
FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16},
    "note": {"font_color": "#555555", "italic": True},
    "head": {
        "bold": True,
        "bg_color": "#E3EDF5",
        "border": 1,
        "border_color": "#B7C4CF",
        "text_wrap": True,
        "valign": "top",
    },
    "text": {"indent": 1},
    "wrap": {"text_wrap": True, "valign": "top"},
    "integer": {"num_format": "#,##0"},
    "number": {"num_format": "#,##0.######"},
    "tenths": {"num_format": "#,##0.0"},
    "percent": {"num_format": "0.0%"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left"},
}
INPUT_LOOKS = {"font_color": "#0000AA", "bg_color": "#FFF9DB", "border": 1, "border_color": "#D9CFA0"}


class PlainFormulas(Worksheet):  # type: ignore[misc]
    """A sheet whose formulas use functions that every spreadsheet knows: none is searched for newer ones.

    Thirty searches a formula are half of the time that a workbook takes.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        del expand_future_functions
        return formula.removeprefix("=")


class Book:
    """An XlsxWriter workbook in memory with the formats that all sheets share."""

    def __init__(self, money: Currency = DOLLAR) -> None:
        self._buffer = io.BytesIO()
        self._widths: dict[Any, dict[int, float]] = defaultdict(dict)
        self._heads: dict[Any, list[tuple[int, int, str]]] = defaultdict(list)
        # Text stays text: no cell turns into a formula, a link or a number because of how it looks.
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.file = xlsxwriter.Workbook(self._buffer, {"in_memory": True, **plain})
        self.money = money
        # Beside another currency what stays in dollars says so in its head, not with a second sign.
        paid = DOLLAR if money == DOLLAR else Currency("")
        looks = FORMATS | {
            "usd": {"num_format": paid.cents_format},
            "price": {"num_format": paid.price_format},
            "shown": {"num_format": money.cents_format},
            "shown_price": {"num_format": money.price_format},
            "big": {"bold": True, "font_size": 14, "num_format": money.whole_format},
        }
        self.formats = {name: self.file.add_format(each) for name, each in looks.items()}
        self.inputs = {name: self.file.add_format({**each, **INPUT_LOOKS}) for name, each in looks.items()}

    def sheet(
        self, name: str, title: str, note: str, heads: Sequence[str] = (), widths: Sequence[int] = ()
    ) -> Any:
        """Add a sheet with a title, what it shows, and the heads of its table."""
        sheet = self.file.add_worksheet(name, PlainFormulas)
        sheet.write_string(0, 0, title, self.formats["title"])
        sheet.write_string(1, 0, note, self.formats["note"])
        self.widths(sheet, 0, widths)
        for column, head in enumerate(heads):
            self.head(sheet, HEAD_ROW, column, head)
        if heads:
            sheet.freeze_panes(FIRST_ROW, 1)
            sheet.repeat_rows(HEAD_ROW)
            sheet.repeat_columns(0)
        sheet.set_landscape()
        sheet.set_paper(A4)
        return sheet

    def widths(self, sheet: Any, first: int, widths: Sequence[float]) -> None:
        """Set the widths of columns from one on; print takes as many pages side by side as they need."""
        for column, width in enumerate(widths, start=first):
            sheet.set_column(column, column, width)
            self._widths[sheet][column] = width
        sheet.fit_to_pages(max(1, round(sum(self._widths[sheet].values()) / PAGE_WIDTH)), 0)

    def head(self, sheet: Any, row: int, column: int, text: str) -> None:
        """Write a column's head; its row gets the height of its longest one when the file is made."""
        sheet.write_string(row, column, text, self.formats["head"])
        self._heads[sheet].append((row, column, text))

    def _fit_heads(self) -> None:
        """Give each row of heads the lines that they wrap into: neither Excel nor LibreOffice does in print."""
        lines: dict[tuple[Any, int], int] = defaultdict(int)
        for sheet, heads in self._heads.items():
            for row, column, text in heads:
                letters = int(BOLD * self._widths[sheet].get(column, USUAL_WIDTH))
                lines[sheet, row] = max(lines[sheet, row], _lines(text, letters))
        for (sheet, row), most in lines.items():
            if most > 1:
                sheet.set_row(row, LINE_HEIGHT * most)

    def text(self, sheet: Any, row: int, column: int, value: object, looks: str = "text") -> None:
        """Write text as text; None and "" leave the cell empty."""
        if value is not None and value != "":
            sheet.write_string(row, column, str(value), self.formats[looks])

    def number(
        self,
        sheet: Any,
        row: int,
        column: int,
        value: float | None,
        looks: str = "number",
        *,
        is_input: bool = False,
    ) -> str:
        """Write a number and return its address; None and what is not finite leave the cell empty."""
        if value is not None and abs(value) < float("inf"):
            sheet.write_number(row, column, float(value), (self.inputs if is_input else self.formats)[looks])
        return cell(row, column)

    def live(self, sheet: Any, row: int, column: int, formula: str, value: float, looks: str = "usd") -> str:
        """Write a formula and its value (for readers that do not calculate); return the cell's address."""
        sheet.write_formula(row, column, formula, self.formats[looks], float(value))
        return cell(row, column)

    def shown(self, sheet: Any, row: int, column: int, formula: str, usd: float, looks: str = "shown") -> str:
        """Write a formula in US dollars, shown in the currency; return the cell's address."""
        return self.live(sheet, row, column, f"=({formula})*{SHOWN_RATE}", self.money.of(usd), looks)

    def bytes(self) -> bytes:
        """Close the workbook and return the file."""
        self._fit_heads()
        self.file.close()
        return self._buffer.getvalue()


def _lines(text: str, letters: int) -> int:
    """Return the lines that a text takes: a word longer than a line starts on one of its own, and goes on."""
    longest = max(map(len, text.split()), default=1)
    return len(textwrap.wrap(text, max(letters, longest), break_on_hyphens=False)) + (longest > letters)


def cell(row: int, column: int, sheet: str | None = None) -> str:
    """Return a cell's address, with its sheet where given; columns and rows are fixed for links."""
    if sheet is None:
        return str(xl_rowcol_to_cell(row, column))
    return f"'{sheet}'!{xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)}"
