"""CSV text to rows of named cells, with spreadsheet line numbers; every fault of the file is a Problem."""

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from llmplan.catalog.problems import Problem
from llmplan.catalog.tables import Table
from llmplan.errors import near_names

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
TEXTS_KEPT = 64
"""Tables of the same text are read once: a folder of one's own is mostly a copy of the shipped one."""


class RawRow(NamedTuple):
    """The cells of a row that are not empty, trimmed, by column name."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class RawTable:
    """A table as text: its rows and what was wrong with the file.

    refused: cells of rows that are not read. absent: columns that the header lacks.
    """

    rows: tuple[RawRow, ...]
    problems: tuple[Problem, ...]
    refused: tuple[dict[str, str], ...] = ()
    absent: frozenset[str] = frozenset()

    def names(self, column: str) -> dict[str, int]:
        """Return every id in `column`, of refused rows too, so that one bad row is one problem only."""
        names = {row.cells[column]: row.line for row in self.rows if column in row.cells}
        return dict.fromkeys((cells[column] for cells in self.refused if column in cells), 0) | names


def read_table(table: Table, path: Path) -> RawTable:
    """Return the rows of `table` in the file at `path`; never raises for what a file holds."""
    if table.is_optional and not path.exists():
        return RawTable((), ())
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _failed(table.file, 0, "", f"cannot be read ({reason})", "put a readable CSV file there")
    text = _decode(table.file, data)
    if isinstance(text, RawTable):
        return text
    return _read_text(table, text)


def _failed(file: str, line: int, value: str, rule: str, fix: str, column: str = "") -> RawTable:
    return RawTable((), (Problem(file, line, column, value, rule, fix),))


def _decode(file: str, data: bytes) -> str | RawTable:
    fix = "save it as CSV UTF-8"
    if data[:2] in _UTF16_MARKS or b"\x00" in data:
        return _failed(file, 0, "", "is not UTF-8 text (UTF-16 or binary)", fix)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        byte = f"byte 0x{data[error.start]:02x}"
        return _failed(file, line, "", f"is not UTF-8 text ({byte})", fix)
    return text if text.strip() else _failed(file, 0, "", "is empty", "give it a header and rows")


@lru_cache(TEXTS_KEPT)
def _read_text(table: Table, text: str) -> RawTable:
    separator = _separator(table, text)
    problems: list[Problem] = []
    if separator != ",":
        first = text.splitlines()[0]
        rule, fix = f"cells are separated by {_SEPARATORS[separator]}", "save it with commas between cells"
        problems.append(Problem(table.file, 1, "header", first, rule, fix))
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    try:
        records.extend(reader)
    except csv.Error as error:
        fix = "close every quote and double quotes inside a quoted cell"
        return _failed(table.file, len(records) + 1, "", f"is not valid CSV ({error})", fix)
    header = [cell.strip() for cell in records[0]]
    if not set(header) & set(table.columns):
        rule, fix = "is not the header: it names no column of the table", "put the header in line 1"
        return _failed(table.file, 1, ",".join(header), rule, fix, "header")
    problems += _header_problems(table, header)
    absent = frozenset(table.columns) - set(header)
    return _rows(table, header, records[1:], problems, absent)


def _separator(table: Table, text: str) -> str:
    """Return what parts the columns of the first line: a comma, unless another mark finds more of them."""
    first = io.StringIO(text).readline()

    def found(mark: str) -> int:
        return len({cell.strip() for cell in first.split(mark)} & set(table.columns))

    return max((",", *_SEPARATORS), key=found)


def _header_problems(table: Table, header: list[str]) -> list[Problem]:
    problems = [_unknown_column(table, name, header) for name in header if name not in table.columns]
    problems += [
        Problem(table.file, 1, name, name, "column appears twice", "delete one of the two")
        for name in sorted({name for name in header if header.count(name) > 1 and name in table.columns})
    ]
    problems += [
        Problem(table.file, 1, name, "", "required column is missing", f"add the column {name}")
        for name in table.required
        if name not in header
    ]
    return problems


def _unknown_column(table: Table, name: str, header: list[str]) -> Problem:
    free = [column for column in table.columns if column not in header]
    near = near_names(name, free, 1) if name else []
    fix = f"rename it to {near[0]}" if near else f"delete it; the columns are {', '.join(table.columns)}"
    return Problem(table.file, 1, name or "(no name)", name, "unknown column", fix)


def _rows(
    table: Table,
    header: list[str],
    records: list[list[str]],
    problems: list[Problem],
    absent: frozenset[str],
) -> RawTable:
    rows, refused = [], []
    known = frozenset(table.columns)
    names = [name if name in known else "" for name in header]
    for line, record in enumerate(records, start=2):
        named = zip(names, record, strict=False)
        cells = {name: text for name, cell in named if cell and name and (text := cell.strip())}
        if not cells and not any(cell.strip() for cell in record):
            continue
        if len(record) < len(header) or any(cell.strip() for cell in record[len(header) :]):
            rule = f"row has {len(record)} cells, the header {len(header)}"
            fix = "quote a text that holds a comma; write 1.5, not 1,5"
            problems.append(Problem(table.file, line, "row", ",".join(record), rule, fix))
            refused.append(cells)
        else:
            rows.append(RawRow(line, cells))
    if not rows and not refused:
        rule = "has a header but no rows"
        problems.append(Problem(table.file, 1, "", "", rule, "add rows or delete the file"))
    return RawTable(tuple(rows), tuple(problems), tuple(refused), absent)
