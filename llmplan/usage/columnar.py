"""Large files by columns: DuckDB reads the plain cells of a block of records; all other records are read one by one.

Plain are whole numbers, amounts, times and text as programs write them. What they mean is the format's `ColumnMap`, which
the tests hold against the format's own reading of each record.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from llmplan.usage.column_map import ColumnMap
from llmplan.usage.columns_sql import base_names, json_path, query
from llmplan.usage.reading import (
    PARQUET,
    Found,
    csv_records,
    delimiter_of,
    json_lines,
    opened,
    records,
    unreadable,
)
from llmplan.usage.rows import schema

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

BLOCK = 50_000
"""Records that are read together."""


@dataclass(frozen=True)
class _Block:
    """Records of a file: as a table (None: it cannot be one), with the expressions of its cells by name, and one by one."""

    table: pa.Table | None
    cells: dict[str, str]
    read: Callable[[Sequence[int] | None], Iterator[Found]]
    source: str = "block"


def columns_of(
    path: Path, where: ColumnMap, name: str, connection: DuckDBPyConnection
) -> Iterator[pa.Table | Found]:
    """Yield a file's plain records as tables in the stored schema, and every other record with its line.

    Parameters
    ----------
    where, name: the format's map and name.
    """
    try:
        blocks = None if where.unless and _holds(path, where.unless) else _blocks(path, where)
        yield from records(path) if blocks is None else _of_blocks(blocks, where, name, connection)
    except (OSError, EOFError) as error:
        yield unreadable(path, error)


def _of_blocks(
    blocks: Iterator[_Block], where: ColumnMap, name: str, connection: DuckDBPyConnection
) -> Iterator[pa.Table | Found]:
    connection.execute("SET TimeZone = 'UTC'")
    by_columns = True
    for block in blocks:
        table = _plain(block, where, name, connection) if by_columns else None
        if table is None:
            yield from block.read(None)
            continue
        plain, others = table
        if plain.num_rows:
            yield plain
        # A file of another shape gains nothing by being asked twice.
        by_columns = len(others) < plain.num_rows
        yield from block.read(others)


def _plain(
    block: _Block, where: ColumnMap, name: str, connection: DuckDBPyConnection
) -> tuple[pa.Table, list[int]] | None:
    """Return a block's plain records and the places of the others; None where it is no table."""
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc

    if block.table is None:
        return None
    places = pa.array(range(block.table.num_rows), pa.int64())
    connection.register("block", block.table.append_column("place of record", places))
    try:
        found = connection.sql(query(where, name, block.cells, block.source)).to_arrow_table()
    except duckdb.Error:
        return None
    finally:
        connection.unregister("block")
    plain = found.filter(found["is_plain"]).select(schema().names)
    others = found.filter(pc.invert(found["is_plain"]))["place"].to_pylist()
    return plain.cast(schema()), sorted(others)


def _holds(path: Path, words: Sequence[str]) -> bool:
    with path.open("rb") as file:
        if file.read(4) == PARQUET:
            return False
    with opened(path) as text:
        return any(word in line for line in text for word in words)


def _blocks(path: Path, where: ColumnMap) -> Iterator[_Block] | None:
    """Return a file's blocks; None for what is neither lines of JSON nor CSV nor Parquet."""
    with path.open("rb") as file:
        if file.read(4) == PARQUET:
            return _parquet(path, where)
    with opened(path) as text:
        first = next((line for line in text if line.strip()), "")
    if first.lstrip().startswith("{"):
        try:
            json.loads(first)
        except ValueError:
            return None
        return _json(path, where)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter_of(first)), [])]
    is_table = len(header) > 1 and len(set(header)) == len(header) and not first.startswith(("[", "#"))
    return _csv(path, header) if is_table else None


def _lines(file: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first, lines) of pieces in which every quote is closed."""
    line = 1
    while lines := list(islice(file, BLOCK)):
        quotes = sum(text.count('"') for text in lines)
        while quotes % 2 and (more := next(file, None)) is not None:
            lines.append(more)
            quotes += more.count('"')
        yield line, lines
        line += len(lines)


def _json(path: Path, where: ColumnMap) -> Iterator[_Block]:
    import pyarrow as pa

    names = base_names(where)
    asked = ", ".join(json_path([name]) for name in names)
    source = f'(SELECT json_extract_string(line, [{asked}]) AS held, "place of record" FROM block)'
    cells = {name: f"held[{place}]" for place, name in enumerate(names, start=1)}
    with opened(path) as file:
        line = 1
        while lines := list(islice(file, BLOCK)):

            def read(
                places: Sequence[int] | None, lines: list[str] = lines, line: int = line
            ) -> Iterator[Found]:
                asked = range(len(lines)) if places is None else places
                return json_lines((line + place, lines[place]) for place in asked)

            yield _Block(pa.table({"line": lines}), cells, read, source)
            line += len(lines)


def _csv(path: Path, header: list[str]) -> Iterator[_Block]:
    cells = {name: f'"{name}"' for name in header if '"' not in name}
    with opened(path) as file:
        pieces = _lines(file)
        start, lines = next(pieces)
        before = next(place for place, text in enumerate(lines) if text.strip())
        first, rest = lines[before], lines[before + 1 :]
        for line, piece in chain([(start + before + 1, rest)], pieces):

            def read(
                places: Sequence[int] | None, piece: list[str] = piece, line: int = line
            ) -> Iterator[Found]:
                if places is None:
                    return csv_records(first, piece, line - 1)
                return chain.from_iterable(
                    csv_records(first, [piece[place]], line + place - 1) for place in places
                )

            yield _Block(_csv_table(header, delimiter_of(first), piece), cells, read)


def _csv_table(header: list[str], delimiter: str, lines: list[str]) -> pa.Table | None:
    """Return lines as columns of text; None where a record is not one line of as many cells as there are headings."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    data = "".join(lines).encode()
    if not data.strip():
        return None
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(column_names=header, use_threads=False, block_size=len(data) + 1),
            arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(lines) else None


def _parquet(path: Path, where: ColumnMap) -> Iterator[_Block]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = base_names(where)
    line = 2
    with pq.ParquetFile(path) as file:
        held = [name for name in names if name in file.schema_arrow.names]
        cells = {}
        for name in held:
            nested = pa.types.is_nested(file.schema_arrow.field(name).type)
            cells[name] = f'to_json("{name}")::VARCHAR' if nested else f'"{name}"::VARCHAR'
        for batch in file.iter_batches(BLOCK):

            def read(places: Sequence[int] | None, batch: Any = batch, line: int = line) -> Iterator[Found]:
                asked = range(batch.num_rows) if places is None else places
                return ((line + place, batch.slice(place, 1).to_pylist()[0]) for place in asked)

            yield _Block(pa.Table.from_batches([batch]).select(held), cells, read)
            line += batch.num_rows
