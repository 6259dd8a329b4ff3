"""Files of any known format to a usage folder: rows as Parquet, a part a file, and the cubes of all of them."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from llmplan.catalog.problems import Problem
from llmplan.errors import InputError, LlmplanError, UnknownNameError
from llmplan.usage import cubes, engine
from llmplan.usage.canonical import input_conventions
from llmplan.usage.mapping import mapped, read_mapping
from llmplan.usage.parts import (
    KEPT_PROBLEMS,
    Part,
    Progress,
    Unit,
    finished,
    forget,
    import_unit,
    parts_of,
    problem_of,
)
from llmplan.usage.reading import records, unwrapped, zip_of
from llmplan.usage.rows import Format, formats
from llmplan.usage.values import hashed

LOOKED_AT = 20
"""Records in which a file's format is looked for."""
MANIFEST = "usage.json"
AUTO = "auto"


class UsageError(LlmplanError, ValueError):
    """Files hold rows that break rules, and all were to be good; `problems` lists the first of them."""

    def __init__(self, problems: Sequence[Problem], count: int) -> None:
        self.problems, self.count = tuple(problems), count
        more = [f"… and {count - len(problems)} more"] if count > len(problems) else []
        plural = "s" * (count != 1)
        super().__init__("\n".join([f"{count} problem{plural}:", *map(str, problems), *more]))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.problems, self.count)


def import_usage(
    files: Sequence[Path],
    out: Path,
    format: str = AUTO,
    mapping: Path | None = None,
    strict: bool = False,
    memory: str = engine.MEMORY,
    temp: Path | None = None,
    progress: Progress = lambda _doing, _rows: None,
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
        for place, unit in enumerate(units, start=1):
            doing = partial(progress, f"reading file {place} of {len(units)}")
            part = finished(out, unit) or import_unit(out, unit, backend, doing)
            parts.append(part)
            if strict and part.problem_count:
                forget(out, unit)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    refused = [problem for part in parts for problem in part.problems]
    if strict and refused:
        raise UsageError(refused[:KEPT_PROBLEMS], sum(part.problem_count for part in parts))
    everything = list(parts_of(out).values())
    if not any(part.rows for part in everything):
        raise InputError(
            "files", ", ".join(map(str, files))[:80], "hold no usable row", "see the problems listed"
        )
    progress("adding up", 0)
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
    with zip_of(path, path.name) as packed:
        for item in packed.infolist():
            member = Path(packed.extract(item, folder))
            os.utime(member, ns=(age, age))
    return folder


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError("--out", str(out), "is a file", "give a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "rows").is_dir():
        raise InputError("--out", str(out), "holds other files", "give a new folder or an earlier import's")


def _chooser(
    name: str, mapping: Path | None, known: Mapping[str, type[Format]]
) -> Callable[[Path], type[Format]]:
    if mapping is not None:
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


def _units(files: Sequence[Path], choose: Callable[[Path], type[Format]]) -> tuple[list[Unit], list[Part]]:
    """Return what is to be read, and the files of no known format: folders hold notes and markers too.

    Raises
    ------
    InputError: for the first file that is not known, where none is.
    """
    single: list[Unit] = []
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
            single.append(Unit(kind, (path,)))
    units = [*single, *(Unit(kind, tuple(paths)) for kind, paths in together.items())]
    if strange and not units:
        raise next(iter(strange.values()))
    return units, [
        Part(str(path), "", "", 0, 1, (problem_of(path, 0, error),)) for path, error in strange.items()
    ]


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
