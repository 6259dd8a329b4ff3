"""Files of any known format to a usage folder: rows as Parquet, a part a file, and the cubes of all of them."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmplan.catalog.problems import Problem
from llmplan.errors import InputError, LlmplanError, UnknownNameError
from llmplan.usage import cubes, engine
from llmplan.usage.canonical import input_conventions
from llmplan.usage.columnar import columns_of
from llmplan.usage.overlaps import mark_overlaps
from llmplan.usage.reading import Found, records, unwrapped
from llmplan.usage.rows import Format, Row, formats, schema
from llmplan.usage.values import hashed

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis import BaseBackend

BATCH = 100_000
LOOKED_AT = 20
"""Records in which a file's format is looked for."""
KEPT_PROBLEMS = 100
"""Problems a file's part keeps word for word; all are counted."""
MANIFEST = "usage.json"
AUTO = "auto"
Progress = Callable[[Sequence[Path]], Iterable[Path]]


class UsageError(LlmplanError, ValueError):
    """Files hold rows that break rules, and all were to be good; `problems` lists the first of them."""

    def __init__(self, problems: Sequence[Problem], count: int) -> None:
        self.problems, self.count = tuple(problems), count
        more = [f"… and {count - len(problems)} more"] if count > len(problems) else []
        plural = "s" * (count != 1)
        super().__init__("\n".join([f"{count} problem{plural}:", *map(str, problems), *more]))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.problems, self.count)


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


def import_usage(
    files: Sequence[Path],
    out: Path,
    format: str = AUTO,
    mapping: Path | None = None,
    strict: bool = False,
    memory: str = engine.MEMORY,
    temp: Path | None = None,
    progress: Progress = lambda paths: paths,
) -> tuple[Part, ...]:
    """Import files into a usage folder, and return what each gave.

    A file that an earlier, broken-off run has finished is not read again; further files may be added to a
    folder later. Prompts and answers are not kept, ids are hashed, and nothing leaves the machine.

    Parameters
    ----------
    files: files, or folders or ZIPs of them; gzip is read as it is.
    out: folder to write; new, empty or an earlier import's.
    format: a format's name; auto: each file's first record tells.
    mapping: TOML that says where a file's own columns stand, for formats that are not known.
    strict: True refuses files with bad rows; False imports the rest.

    Raises
    ------
    UsageError: with strict, listing each bad row's file, line, field, rule and fix.
    InputError: for a file that no format recognises.
    """
    _check_folder(out)
    backend = engine.duckdb(memory, temp)
    unpacked = out / "rows" / "unpacked"
    try:
        units, parts = _units(expand(files, unpacked), _chooser(format, mapping, formats()))
        for unit in _shown(units, progress):
            part = _finished(out, unit) or _import_unit(out, unit, backend)
            parts.append(part)
            if strict and part.problem_count:
                _forget(out, unit)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    refused = [problem for part in parts for problem in part.problems]
    if strict and refused:
        raise UsageError(refused[:KEPT_PROBLEMS], sum(part.problem_count for part in parts))
    everything = list(_parts_of(out).values())
    if not any(part.rows for part in everything):
        raise InputError(
            "files", ", ".join(map(str, files))[:80], "hold no usable row", "see the problems listed"
        )
    _finish(out, everything, backend)
    return tuple(parts)


def expand(files: Sequence[Path], unpacked: Path) -> list[Path]:
    """Return the files named and those in the folders named, in order, each once; those of ZIPs from `unpacked`."""
    found: list[Path] = []
    for path in files:
        if not path.exists():
            raise InputError(
                "file", str(path), "is not there", "give the path of a log, an export or a folder"
            )
        for item in _inside(path) if path.is_dir() else [path]:
            found += _inside(_unzipped(item, unpacked)) if zipfile.is_zipfile(item) else [item]
    if not found:
        raise InputError("files", ", ".join(map(str, files))[:80], "are no files", "give at least one file")
    return list(dict.fromkeys(found))


def _inside(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def _unzipped(path: Path, unpacked: Path) -> Path:
    """Return a folder of a ZIP's files, the same and of the same age each time: what was read is not read again."""
    folder = unpacked / f"{hashed(path.resolve()):016x}-{path.name}"
    age = path.stat().st_mtime_ns
    try:
        with zipfile.ZipFile(path) as packed:
            for item in packed.infolist():
                member = Path(packed.extract(item, folder))
                os.utime(member, ns=(age, age))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error):
        raise InputError(
            "file", path.name, "cannot be unpacked", "pack it again, without a password"
        ) from None
    return folder


@dataclass(frozen=True)
class _Unit:
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


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError("--out", str(out), "is a file", "give a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "rows").is_dir():
        raise InputError("--out", str(out), "holds other files", "give a new folder or an earlier import's")


def _chooser(
    name: str, mapping: Path | None, known: Mapping[str, type[Format]]
) -> Callable[[Path], type[Format]]:
    if mapping is not None:
        from llmplan.usage.mapping import mapped, read_mapping

        chosen = mapped(read_mapping(mapping))
        return lambda _path: chosen
    if name == AUTO:
        return lambda path: recognise(path, known)
    if name not in known:
        raise UnknownNameError("format", name, known)
    return lambda _path: known[name]


def recognise(path: Path, known: Mapping[str, type[Format]]) -> type[Format]:
    """Return the format of a file by its first record; raise InputError where none is recognised."""
    with closing(records(path)) as found:
        head = [record for _, record in islice(found, LOOKED_AT)]
    for record in head:
        if isinstance(record, Mapping):
            kind = next((kind for kind in known.values() if _reads(kind, record)), None)
            if kind is not None:
                return kind
    errors = [record for record in head if isinstance(record, InputError)]
    if errors and len(errors) == len(head):
        raise errors[0]
    fix = f"name it with --format ({', '.join(known)}), or map its columns with --map"
    raise InputError("file", str(path), "is of no known format", fix)


def _reads(kind: type[Format], record: Mapping[str, Any]) -> bool:
    return kind.recognises(record) or any(_reads(kind, inner) for inner in unwrapped(record)[:1])


def _units(files: Sequence[Path], choose: Callable[[Path], type[Format]]) -> tuple[list[_Unit], list[Part]]:
    """Return what is to be read, and the files of no known format: folders hold notes and markers too.

    Raises
    ------
    InputError: for the first file that is not known, where none is.
    """
    single: list[_Unit] = []
    together: dict[type[Format], list[Path]] = {}
    strange: dict[Path, InputError] = {}
    for path in files:
        try:
            kind = choose(path)
        except InputError as error:
            strange[path] = error
            continue
        if kind.spans_files:
            together.setdefault(kind, []).append(path)
        else:
            single.append(_Unit(kind, (path,)))
    units = [*single, *(_Unit(kind, tuple(paths)) for kind, paths in together.items())]
    if strange and not units:
        raise next(iter(strange.values()))
    return units, [
        Part(str(path), "", "", 0, 1, (_problem(path, 0, error),)) for path, error in strange.items()
    ]


def _shown(units: Sequence[_Unit], progress: Progress) -> Iterator[_Unit]:
    by_path = {unit.files[0]: unit for unit in units}
    for path in progress(list(by_path)):
        yield by_path[path]


def _finished(out: Path, unit: _Unit) -> Part | None:
    """Return the part that an earlier run wrote of the same files in the same state."""
    sidecar = out / "rows" / f"{unit.name}.json"
    if not sidecar.is_file():
        return None
    part = _read_part(sidecar)
    return part if part.fingerprint == unit.fingerprint else None


def _read_part(sidecar: Path) -> Part:
    held = json.loads(sidecar.read_text(encoding="utf-8"))
    return Part(**{**held, "problems": tuple(Problem(**problem) for problem in held["problems"])})


def _parts_of(out: Path) -> dict[Path, Part]:
    return {path: _read_part(path) for path in sorted((out / "rows").glob("*.json"))}


def _forget(out: Path, unit: _Unit) -> None:
    for suffix in (".json", ".parquet"):
        (out / "rows" / f"{unit.name}{suffix}").unlink(missing_ok=True)


def _import_unit(out: Path, unit: _Unit, backend: BaseBackend) -> Part:
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
    held = {
        folder / f"{path.stem}.parquet": part
        for path, part in (_parts_of(out) if unkeyed else {}).items()
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


def _tables(unit: _Unit, backend: BaseBackend) -> Iterator[pa.Table | Problem]:
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


def _rows(unit: _Unit, backend: BaseBackend) -> Iterator[Row | pa.Table | Problem]:
    """Yield the rows of a unit's records, one by one or many in a table, and each problem in the place of a row."""
    reader = unit.kind()
    for path, found in _records(unit, backend):
        if not isinstance(found, tuple):
            yield found
            continue
        line, record = found
        if isinstance(record, InputError):
            yield _problem(path, line, record)
            continue
        try:
            for item in _as_read(unit.kind, record):
                yield from reader.rows(item)
        except InputError as error:
            yield _problem(path, line, error)
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            rule = f"is not a record of {unit.kind.title} ({type(error).__name__})"
            yield _problem(path, line, InputError("record", "", rule, "export it again, or use --map"))


def _records(unit: _Unit, backend: BaseBackend) -> Iterator[tuple[Path, Found | pa.Table]]:
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


def _problem(path: Path, line: int, error: InputError) -> Problem:
    value = "" if error.value is None else str(error.value)
    return Problem(path.name, line, error.field, value, error.rule, error.fix)


def _finish(out: Path, parts: Sequence[Part], backend: Any) -> None:
    """Compute the cubes of all parts, and note what was imported and what input meant."""
    files = sorted((out / "rows").glob("*.parquet"))
    cubes.save(cubes.cubes_of_files(files, backend), out)
    raw = backend.read_parquet([str(path) for path in files])
    conventions = input_conventions(raw).to_pyarrow().to_pylist()
    manifest = {
        "files": [asdict(part) for part in parts],
        "input_conventions": sorted(conventions, key=lambda row: str(row["input_group"])),
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (out / MANIFEST).write_text(text, encoding="utf-8")
