"""One file's (or all scrapes of an engine's) part of a usage folder: its rows as Parquet, and what it gave beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmplan.catalog.problems import Problem
from llmplan.errors import InputError
from llmplan.usage.columnar import columns_of
from llmplan.usage.overlaps import mark_overlaps
from llmplan.usage.reading import Found, records, unwrapped
from llmplan.usage.rows import Format, Row, schema
from llmplan.usage.values import hashed

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis import BaseBackend

BATCH = 20_000
KEPT_PROBLEMS = 100
"""Problems a file's part keeps word for word; all are counted."""
Progress = Callable[[str, int], None]
"""Told what is being done, and of how many more rows it is done."""


@dataclass(frozen=True)
class Unit:
    """Files that one instance of a format reads: one, or every scrape of an engine."""

    kind: type[Format]
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        return f"{self.kind.name}-{hashed(*(path.resolve() for path in self.files)):016x}"

    @property
    def fingerprint(self) -> str:
        stats = [path.stat() for path in self.files]
        return f"{hashed(self.kind.name, *((stat.st_size, stat.st_mtime_ns) for stat in stats)):016x}"

    @property
    def label(self) -> str:
        return (
            str(self.files[0])
            if len(self.files) == 1
            else f"{self.files[0].parent} ({len(self.files)} scrapes)"
        )


@dataclass(frozen=True)
class Part:
    """What one file (or all scrapes of an engine) gave.

    Attributes
    ----------
    file, fingerprint: where it came from, and what tells whether it has changed since.
    format: name of the format.
    rows, problem_count: rows stored, rows refused.
    problems: the first of what was refused, with file, line, field, rule and fix.
    unkeyed: rows that have no key of their own: those that another file holds are told by what they are.
    copy_of: a file that holds some or all of those; they are duplicates.
    """

    file: str
    fingerprint: str
    format: str
    rows: int
    problem_count: int
    problems: tuple[Problem, ...]
    unkeyed: int = 0
    copy_of: str = ""


def finished(out: Path, unit: Unit) -> Part | None:
    """Return the part that an earlier run wrote of the same files in the same state."""
    sidecar = out / "rows" / f"{unit.name}.json"
    if not sidecar.is_file():
        return None
    part = _read_part(sidecar)
    return part if part.fingerprint == unit.fingerprint else None


def _read_part(sidecar: Path) -> Part:
    held = json.loads(sidecar.read_text(encoding="utf-8"))
    return Part(**{**held, "problems": tuple(Problem(**problem) for problem in held["problems"])})


def parts_of(out: Path) -> dict[Path, Part]:
    return {path: _read_part(path) for path in sorted((out / "rows").glob("*.json"))}


def forget(out: Path, unit: Unit) -> None:
    for suffix in (".json", ".parquet"):
        (out / "rows" / f"{unit.name}{suffix}").unlink(missing_ok=True)


def import_unit(
    out: Path, unit: Unit, backend: BaseBackend, progress: Callable[[int], None] = lambda _rows: None
) -> Part:
    """Store a unit's rows."""
    import pyarrow.parquet as pq

    folder = out / "rows"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished, count, rows, unkeyed = folder / f"{unit.name}.unfinished", 0, 0, 0
    problems: list[Problem] = []
    with pq.ParquetWriter(unfinished, schema(), compression="zstd") as writer:
        for found in _tables(unit, backend):
            if isinstance(found, Problem):
                count += 1
                problems += [found] if len(problems) < KEPT_PROBLEMS else []
            else:
                writer.write_table(found)
                rows, unkeyed = rows + found.num_rows, unkeyed + found["key"].null_count
                progress(found.num_rows)
    held = {
        folder / f"{path.stem}.parquet": part
        for path, part in (parts_of(out) if unkeyed else {}).items()
        if part.unkeyed and part.format == unit.kind.name and path.stem != unit.name
    }
    original = mark_overlaps(unfinished, list(held), backend)
    part = Part(
        *(unit.label, unit.fingerprint, unit.kind.name, rows, count, tuple(problems)),
        unkeyed=unkeyed,
        copy_of="" if original is None else held[original].file,
    )
    # The rows first, then the word that they are whole: a run broken off between reads the file again.
    unfinished.rename(folder / f"{unit.name}.parquet")
    text = json.dumps(asdict(part), ensure_ascii=False)
    (folder / f"{unit.name}.json").write_text(text, encoding="utf-8")
    return part


def _table(rows: Sequence[Row], name: str) -> Any:
    import pyarrow as pa

    columns = [*zip(*rows, strict=True), [name] * len(rows)]
    held = schema()
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, held, strict=True)], schema=held
    )


def _tables(unit: Unit, backend: BaseBackend) -> Iterator[pa.Table | Problem]:
    """Yield a unit's rows in tables, and each problem."""
    waiting: list[Row] = []
    for found in _rows(unit, backend):
        if not isinstance(found, Row):
            yield found
            continue
        waiting.append(found)
        if len(waiting) == BATCH:
            yield _table(waiting, unit.kind.name)
            waiting = []
    if waiting:
        yield _table(waiting, unit.kind.name)


def _rows(unit: Unit, backend: BaseBackend) -> Iterator[Row | pa.Table | Problem]:
    """Yield the rows of a unit's records, one by one or many in a table, and each problem in the place of a row."""
    reader = unit.kind()
    for path, found in _records(unit, backend):
        if not isinstance(found, tuple):
            yield found
            continue
        line, record = found
        if isinstance(record, InputError):
            yield problem_of(path, line, record)
            continue
        try:
            for item in _as_read(unit.kind, record):
                yield from reader.rows(item)
        except InputError as error:
            yield problem_of(path, line, error)
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            rule = f"is not a record of {unit.kind.title} ({type(error).__name__})"
            yield problem_of(path, line, InputError("record", "", rule, "export it again, or use --map"))


def _records(unit: Unit, backend: BaseBackend) -> Iterator[tuple[Path, Found | pa.Table]]:
    """Yield a unit's records in the order of its files, scrapes in the order of their times."""
    if unit.kind.spans_files:
        scrapes = ((path, found) for path in unit.files for found in records(path))
        yield from sorted(scrapes, key=lambda pair: _scraped_at(pair[1]))
        return
    for path in unit.files:
        if unit.kind.columns is None:
            yield from ((path, found) for found in records(path))
        else:
            held = columns_of(path, unit.kind.columns, unit.kind.name, backend.con)
            yield from ((path, found) for found in held)


def _as_read(kind: type[Format], record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return a record, or those that a page or a log's envelope of another tool wraps, however deep."""
    if kind.recognises(record):
        return [record]
    return [read for inner in unwrapped(record) for read in _as_read(kind, inner)] or [record]


def _scraped_at(found: Found) -> int:
    return -1 if isinstance(found[1], InputError) else int(found[1].get("ts_us", -1))


def problem_of(path: Path, line: int, error: InputError) -> Problem:
    value = "" if error.value is None else str(error.value)
    return Problem(path.name, line, error.field, value, error.rule, error.fix)
