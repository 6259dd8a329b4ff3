"""Append rows and columns to a CSV file; replace a file whole and at once."""

import csv
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmplan.catalog.folder import DataFolder
from llmplan.catalog.tables import Table
from llmplan.errors import InputError


def append_row(data: bytes, row: Mapping[str, str]) -> bytes:
    """Return `data` with one more row; columns that `row` lacks stay empty."""
    text = data.decode("utf-8")
    newline = "\r\n" if "\r\n" in text else "\n"
    header = next(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    line = ",".join(_quoted(row.get(column.strip(), "")) for column in header)
    gap = "" if text.endswith(("\n", "\r")) else newline
    return (text + gap + line + newline).encode("utf-8")


def with_columns(data: bytes, columns: Sequence[str]) -> bytes:
    """Return `data` with those of `columns` that its header lacks added at the end, empty in every row."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    absent = [column for column in columns if column not in [cell.strip() for cell in rows[0]]]
    if not absent:
        return data
    text = io.StringIO(newline="")
    filled = [[*rows[0], *absent], *([*row, *[""] * len(absent)] for row in rows[1:])]
    csv.writer(text, lineterminator="\n").writerows(filled)
    return text.getvalue().encode("utf-8")


def add_row(folder: Path, table: Table, row: Mapping[str, str]) -> Path:
    """Add a row to a folder's own table, a copy of the shipped one where it has none; return the file.

    Raises
    ------
    InputError where a row of that key is there already.
    """
    place, key = DataFolder(folder), table.key[0]
    if row[key] in place.read(table).names(key):
        raise InputError(key, row[key], f"is in {table.file} already", "give another name, or edit its row")
    data = with_columns(place.find(table.file).read_bytes(), [name for name, cell in row.items() if cell])
    write_atomically(folder / table.file, append_row(data, row))
    return folder / table.file


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` at once: a reader sees the old file or the new one, never a part."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _quoted(text: str) -> str:
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
