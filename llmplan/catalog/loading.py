"""A folder of tables to a Catalog of frozen records; all problems of all files at once."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import llmplan.catalog.evidence as evi
from llmplan.catalog.cache import kept
from llmplan.catalog.catalog import Catalog
from llmplan.catalog.checking import (
    date_problems,
    duplicate_problems,
    fixed_row_problems,
    mix_problems,
    profile_problems,
    reference_problems,
    row_problems,
    rule_problems,
    score_problems,
    unoffered_problems,
)
from llmplan.catalog.folder import DataFolder, data_dir
from llmplan.catalog.problems import CatalogError, Problem
from llmplan.catalog.reading import RawRow, RawTable
from llmplan.catalog.tables import BY_NAME, LONG, TABLES, Table
from llmplan.errors import near_names


def load_catalog(folder: Path | str | None = None) -> Catalog:
    """Return the catalog of `folder`, or the shipped one (read once a process).

    A table that `folder` lacks is taken from the shipped data, so a folder may hold one edited file.

    Raises
    ------
    CatalogError
        with every problem of every file; warnings (stale prices) do not raise, see `Catalog.warnings`.
    """
    return _load_shipped() if folder is None else _load(Path(folder), None)


@lru_cache(maxsize=1)
def _load_shipped() -> Catalog:
    return _load(data_dir(), None)


def shipped_assumption(assumption_id: str) -> float:
    """Return the base of an assumption of the shipped catalog: what stands where no catalog is at hand."""
    return load_catalog().assumption(assumption_id).base


def clear_cache() -> None:
    """Forget the shipped catalog, so that the next load reads its files again."""
    _load_shipped.cache_clear()
    newest_shipped_date.cache_clear()


def _load(folder: Path, today: dt.date | None) -> Catalog:
    catalog, problems = read_folder(folder, today)
    if catalog is None:
        raise CatalogError(str(folder), [p for p in problems if p.severity == "error"])
    return catalog


def check_folder(folder: Path | str | None = None, today: dt.date | None = None) -> tuple[Problem, ...]:
    """Return every problem of the tables in `folder` (the shipped ones when None), warnings included.

    `today` is the date against which rows are stale or in the future; by default the newest `as_of` of the
    shipped data or the clock, whichever is later.
    """
    return read_folder(data_dir() if folder is None else Path(folder), today, check_long=True)[1]


def tables_from_shipped(folder: Path | str) -> tuple[str, ...]:
    """Return the files that a folder of the user's own lacks, and that come from the shipped data instead."""
    place = DataFolder(Path(folder))
    return tuple(file for file in FILES if not place.holds(file) and (data_dir() / file).exists())


def read_folder(
    path: Path, today: dt.date | None, check_long: bool = False
) -> tuple[Catalog | None, tuple[Problem, ...]]:
    """Return the catalog of a folder (None where it has errors) and all its problems, in file order.

    check_long: check the shipped `LONG` tables too; those of a folder of the user's own always are.
    """
    folder = DataFolder(path)
    refused = _no_folder(folder)
    if refused is not None:
        return None, (refused,)
    own = check_long or path.resolve() != data_dir().resolve()
    tables = [*TABLES, *(table for table in LONG if own and folder.holds(table.file))]
    raw = {table.name: folder.read(table) for table in tables}
    known = {table.name: raw[table.name].names(table.key[0]) for table in tables if table.key}
    problems = [*_stray_files(path), *(_unused(folder) if path.resolve() != data_dir().resolve() else ())]
    fit, found = read_fit(folder.find(FIT_FILE))
    problems += found
    problems += _leave_out_unknown(folder, raw, known)
    parsed: dict[str, tuple[list[RawRow], list[Any]]] = {}
    for table in tables:
        rows = raw[table.name].rows
        problems += raw[table.name].problems
        good, records, found = _parse(raw[table.name], table)
        problems += found
        problems += duplicate_problems(table, rows)
        problems += reference_problems(table, rows, known)
        problems += rule_problems(table, good, records)
        if own and table.is_fixed and folder.holds(table.file):
            problems += fixed_row_problems(table, raw[table.name], DataFolder(data_dir()).read(table))
        parsed[table.name] = (good, records)
    problems += _between_tables(parsed)
    problems += _dates(parsed, today)
    problems = sorted(dict.fromkeys(problems), key=lambda p: (_ORDER.get(p.file, -1), p.line))
    if fit is None or any(problem.severity == "error" for problem in problems):
        return None, tuple(problems)
    held: dict[str, Any] = {table.name: _collect(table, parsed[table.name][1]) for table in TABLES}
    held["apis"] = {**held["apis"], **held["fine_tune_apis"], **held["own_apis"]}
    catalog = Catalog(
        **held, calibration=fit, folder=folder, today=today or _today(), warnings=tuple(problems)
    )
    return catalog, tuple(problems)


def _leave_out_unknown(
    folder: DataFolder, raw: dict[str, RawTable], known: dict[str, dict[str, int]]
) -> list[Problem]:
    """Leave out the shipped rows that name what the folder's own tables lack; return a warning for each such table.

    An older models.csv of one's own knows fewer models than the shipped checkpoints and prices speak of.
    """
    found = []
    for name, table in ((name, BY_NAME[name]) for name in raw if not folder.holds(BY_NAME[name].file)):
        own = {
            column: targets
            for column, targets in table.references.items()
            if any(known.get(target) and folder.holds(BY_NAME[target].file) for target in targets)
        }
        missing = {
            row.line: (column, row.cells[column])
            for row in raw[name].rows
            for column, targets in own.items()
            if row.cells.get(column) and not any(row.cells[column] in known[target] for target in targets)
        }
        if missing:
            raw[name] = replace(raw[name], rows=tuple(r for r in raw[name].rows if r.line not in missing))
            if table.key:
                known[name] = raw[name].names(table.key[0])
            column = next(iter(missing.values()))[0]
            names = ", ".join(dict.fromkeys(str(value) for _, value in missing.values()))
            rule = f"{len(missing)} shipped rows are not used: your own tables do not hold what they name"
            found.append(
                Problem(table.file, 0, column, names, rule, "add it to your table to use them", "warning")
            )
    return found


FIT_FILE = "calibration.json"
QUALITY_FIT_FILE = "quality_fit.json"
FILES = (*(table.file for table in (*TABLES, *LONG)), FIT_FILE, QUALITY_FIT_FILE)
"""Every file of data that a folder may hold, besides scenarios/ and traces/."""
_ORDER = {file: index for index, file in enumerate(FILES)}


def _no_folder(folder: DataFolder) -> Problem | None:
    """Return why a folder cannot be read at all: it is none, or it holds no table (a path mistyped, say)."""
    fix = "give a folder with CSV tables, such as a copy of the shipped ones"
    if not folder.path.is_dir():
        return Problem(str(folder.path), 0, "", "", "is not a folder", fix)
    if not any(folder.holds(file) for file in FILES):
        return Problem(str(folder.path), 0, "", "", "holds none of the tables", fix)
    return None


def read_fit(path: Path) -> tuple[evi.Fit | None, list[Problem]]:
    """Return the fit that a file holds, or None and its problems, each with the place in the document."""
    try:
        return evi.Fit.model_validate_json(path.read_bytes()), []
    except OSError as error:
        return None, [Problem(path.name, 0, "", "", f"cannot be read ({error.strerror})", "put it there")]
    except ValidationError as error:
        fix = "write it with `llmplan calibrate`"
        return None, [
            Problem(
                path.name,
                0,
                ".".join(map(str, detail["loc"])),
                str(detail["input"])[:60],
                detail["msg"][:1].lower() + detail["msg"][1:],
                fix,
            )
            for detail in error.errors(include_url=False)
        ]


@kept(1)
def _parse(raw: RawTable, table: Table) -> tuple[list[RawRow], list[Any], list[Problem]]:
    good = list(raw.rows)
    try:
        return good, table.adapter.validate_python([row.cells for row in good]), []
    except ValidationError as error:
        problems = [p for p in row_problems(table, good, error) if p.column not in raw.absent]
        bad = {int(detail["loc"][0]) for detail in error.errors(include_url=False)}
    good = [row for index, row in enumerate(raw.rows) if index not in bad]
    return good, table.adapter.validate_python([row.cells for row in good]), problems


def _between_tables(parsed: Mapping[str, tuple[list[RawRow], list[Any]]]) -> Iterator[Problem]:
    benchmarks = {row.benchmark_id: row for row in parsed["benchmarks"][1]}
    yield from profile_problems(BY_NAME["profile_hours"], *parsed["profile_hours"])
    yield from score_problems(BY_NAME["scores"], *parsed["scores"], benchmarks)
    gpus = {row.gpu_id: row for row in parsed["gpus"][1]}
    yield from unoffered_problems(BY_NAME["gpu_prices"], *parsed["gpu_prices"], gpus)
    yield from mix_problems(BY_NAME["router_task_mixes"], *parsed["router_task_mixes"])


def _dates(parsed: Mapping[str, tuple[list[RawRow], list[Any]]], today: dt.date | None) -> Iterator[Problem]:
    reference = today or _today()
    for table in (table for table in BY_NAME.values() if table.name in parsed):
        yield from date_problems(table, *parsed[table.name], reference)


def _today() -> dt.date:
    return max(dt.date.today(), newest_shipped_date())


@lru_cache(maxsize=1)
def newest_shipped_date() -> dt.date:
    """Return the newest `as_of` of the shipped sources: no clock that is behind it can be right."""
    rows = DataFolder(data_dir()).read(BY_NAME["sources"]).rows
    return max(dt.date.fromisoformat(row.cells["as_of"]) for row in rows)


def _stray_files(folder: Path) -> Iterator[Problem]:
    for path in sorted(path for path in folder.glob("*.*") if path.suffix in (".csv", ".json")):
        if path.name in FILES:
            continue
        near = near_names(path.name, FILES, 1)
        fix = f"rename it to {near[0]}" if near else f"the tables are {', '.join(FILES)}"
        yield Problem(path.name, 0, "", "", "is no known table and is not read", fix, "warning")


def _unused(folder: DataFolder) -> Iterator[Problem]:
    """Yield a warning for each table that the folder has changed and no answer follows from."""
    for table in (table for table in BY_NAME.values() if table.unused and folder.holds(table.file)):
        if folder.find(table.file).read_bytes() != (data_dir() / table.file).read_bytes():
            yield Problem(table.file, 0, "", "", "moves no answer", table.unused, "warning")


def _collect(table: Table, records: list[Any]) -> Any:
    if table.is_mapping:
        return {getattr(record, table.key[0]): record for record in records}
    return tuple(records)
