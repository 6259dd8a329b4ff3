"""A folder of tables to a Catalog of frozen records; all problems of all files at once."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from llmplan.catalog import checking
from llmplan.catalog import evidence as evi
from llmplan.catalog import records as rec
from llmplan.catalog.cache import kept
from llmplan.catalog.problems import CatalogError, Problem
from llmplan.catalog.reading import RawRow, RawTable, read_table
from llmplan.catalog.tables import BY_NAME, BY_RECORD, LONG, TABLES, Table
from llmplan.errors import InputError, UnknownNameError, near_names

_PACKAGE = Path(__file__).resolve().parent.parent
_T = TypeVar("_T")
LAST_CHOICE = 1_000
"""Rank of an engine without a preference."""


@dataclass(frozen=True, eq=False)
class DataFolder:
    """A folder of data files; what it lacks is taken from the shipped data."""

    path: Path

    def holds(self, file: str) -> bool:
        """Say whether the folder has the file itself; the shipped folder has them all."""
        return (self.path / file).exists() or self.path.resolve() == data_dir().resolve()

    def find(self, file: str) -> Path:
        """Return where a file is read from: the folder, or the shipped data where the folder lacks it."""
        return (self.path if self.holds(file) else data_dir()) / file

    def read(self, table: Table) -> RawTable:
        """Return a table as text."""
        return read_table(table, self.find(table.file))


@dataclass(frozen=True, eq=False)
class Catalog:
    """Every table of a folder: a dict by id where rows have one, a tuple of rows otherwise.

    `calibration` is the fit of the serving model, `folder` where files are read from that are no table of the
    catalog: presets, traces and the `LONG` tables. Instances are compared and hashed by identity, so that
    results can be cached per catalog (`llmplan.catalog.cache`); do not edit the dicts, use `with_record`.
    """

    sources: dict[str, rec.Source]
    licences: dict[str, rec.Licence]
    precisions: dict[str, rec.Precision]
    models: dict[str, rec.Model]
    other_models: dict[str, rec.OtherModel]
    lineage: dict[str, rec.Lineage]
    profile_hours: tuple[rec.ProfileHour, ...]
    gpus: dict[str, rec.Gpu]
    gpu_prices: tuple[rec.GpuPrice, ...]
    gpu_purchases: tuple[rec.GpuPurchase, ...]
    article_hardware: dict[str, rec.ArticleCost]
    engines: dict[str, rec.Engine]
    engine_support: tuple[rec.EngineSupport, ...]
    precision_hardware: tuple[rec.PrecisionArchitecture, ...]
    precision_losses: tuple[rec.PrecisionLoss, ...]
    quantisation_scores: tuple[rec.QuantisationScore, ...]
    assumptions: dict[str, rec.Assumption]
    router_assumptions: dict[str, rec.RouterAssumption]
    router_task_mixes: tuple[rec.RouterTaskMix, ...]
    benchmarks: dict[str, rec.Benchmark]
    scores: tuple[rec.Score, ...]
    category_scores: tuple[rec.CategoryScore, ...]
    claims: dict[str, rec.Claim]
    tasks: tuple[rec.TaskBenchmark, ...]
    apis: dict[str, rec.ApiPrice]
    measured_datasets: tuple[evi.MeasuredDataset, ...]
    checkpoints: tuple[evi.Checkpoint, ...]
    calibration_constants: dict[str, evi.CalibrationConstant]
    calibration_factors: tuple[evi.CalibrationFactor, ...]
    calibration: evi.Fit
    folder: DataFolder
    warnings: tuple[Problem, ...] = ()

    def model(self, model_id: str) -> rec.Model:
        """Return the open model of that id. Raises UnknownNameError with near names."""
        return _find("model", model_id, self.models)

    def gpu(self, gpu_id: str) -> rec.Gpu:
        """Return the GPU of that id. Raises UnknownNameError with near names."""
        return _find("gpu", gpu_id, self.gpus)

    def engine(self, engine_id: str) -> rec.Engine:
        """Return the engine of that id. Raises UnknownNameError with near names."""
        return _find("engine", engine_id, self.engines)

    def precision(self, precision_id: str) -> rec.Precision:
        """Return the precision of that id. Raises UnknownNameError with near names."""
        return _find("precision", precision_id, self.precisions)

    def api(self, api_id: str) -> rec.ApiPrice:
        """Return the API price of that id. Raises UnknownNameError with near names."""
        return _find("api", api_id, self.apis)

    def assumption(self, assumption_id: str) -> rec.Assumption:
        """Return the assumption of that id. Raises UnknownNameError with near names."""
        return _find("assumption", assumption_id, self.assumptions)

    def profile(self, profile_id: str) -> tuple[float, ...]:
        """Return a daily profile's 24 shares. Raises UnknownNameError with near names."""
        rows = [row for row in self.profile_hours if row.profile_id == profile_id]
        if not rows:
            raise UnknownNameError("profile_id", profile_id, {row.profile_id for row in self.profile_hours})
        return tuple(row.share for row in sorted(rows, key=lambda row: row.hour))

    def source(self, source_id: str) -> rec.Source:
        """Return the source of that id. Raises UnknownNameError with near names."""
        return _find("source", source_id, self.sources)

    def licence(self, licence_id: str) -> rec.Licence:
        """Return the licence of that id. Raises UnknownNameError with near names."""
        return _find("licence", licence_id, self.licences)

    @property
    def preferred_engines(self) -> tuple[str, ...]:
        """Ids of the engines that are taken where none is named, the first choice first."""
        asked = [name for name, engine in self.engines.items() if engine.preference is not None]
        return tuple(sorted(asked, key=self.engine_rank))

    def engine_rank(self, engine_id: str) -> int:
        """Return an engine's place in the order of preference, the best first; those without one come last."""
        return self.engines[engine_id].preference or LAST_CHOICE

    @property
    def measured_points(self) -> tuple[RawRow, ...]:
        """Rows of data/measured_serving.csv, as text; read when first asked for."""
        return _long_table(self.folder, "measured_points")

    def with_record(self, record: rec.Record) -> "Catalog":
        """Return a catalog with `record` in the place of the row of its key, or added when there is none."""
        table = BY_RECORD.get(type(record))
        if table is None:
            raise InputError(
                "record", type(record).__name__, "is not a row of a table", "give a catalog record"
            )
        rows: Any = getattr(self, table.name)
        changed: dict[str, Any] = {}
        if table.is_mapping:
            changed[table.name] = {**rows, getattr(record, table.key[0]): record}
        else:
            key = _key(table, record)
            kept = tuple(record if _key(table, row) == key else row for row in rows)
            changed[table.name] = kept if record in kept else (*kept, record)
        return replace(self, **changed)


def _key(table: Table, record: rec.Record) -> tuple[object, ...]:
    return tuple(getattr(record, column) for column in table.key)


@kept(1)
def _long_table(folder: DataFolder, name: str) -> tuple[RawRow, ...]:
    return folder.read(BY_NAME[name]).rows


def _find(field: str, name: str, known: Mapping[str, _T]) -> _T:
    try:
        return known[name]
    except (KeyError, TypeError):
        raise UnknownNameError(field, str(name), known) from None


def data_dir() -> Path:
    """Return the folder of the shipped tables: the wheel's copy, or the checkout's data/."""
    return _shipped("data")


def notebooks_dir() -> Path:
    """Return the folder of the shipped notebooks: the wheel's copy, or the checkout's notebooks/."""
    return _shipped("notebooks")


def _shipped(name: str) -> Path:
    packaged = _PACKAGE / "_shipped" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


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
    return tuple(file for file in FILES if not place.holds(file))


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
    parsed: dict[str, tuple[list[RawRow], list[Any]]] = {}
    for table in tables:
        rows = raw[table.name].rows
        problems += raw[table.name].problems
        good, records, found = _parse(table, raw[table.name])
        problems += found
        problems += checking.duplicate_problems(table, rows)
        problems += checking.reference_problems(table, rows, known)
        problems += checking.rule_problems(table, good, records)
        if own and table.is_fixed and folder.holds(table.file):
            problems += checking.fixed_row_problems(
                table, raw[table.name], DataFolder(data_dir()).read(table)
            )
        parsed[table.name] = (good, records)
    problems += _between_tables(parsed, known["models"])
    problems += _dates(parsed, today)
    problems = sorted(dict.fromkeys(problems), key=lambda p: (_ORDER.get(p.file, -1), p.line))
    if fit is None or any(problem.severity == "error" for problem in problems):
        return None, tuple(problems)
    held: dict[str, Any] = {table.name: _collect(table, parsed[table.name][1]) for table in TABLES}
    catalog = Catalog(**held, calibration=fit, folder=folder, warnings=tuple(problems))
    return catalog, tuple(problems)


FIT_FILE = "calibration.json"
FILES = (*(table.file for table in (*TABLES, *LONG)), FIT_FILE)
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


def _parse(table: Table, raw: RawTable) -> tuple[list[RawRow], list[Any], list[Problem]]:
    good = list(raw.rows)
    try:
        return good, table.adapter.validate_python([row.cells for row in good]), []
    except ValidationError as error:
        problems = [p for p in checking.row_problems(table, good, error) if p.column not in raw.absent]
        bad = {int(detail["loc"][0]) for detail in error.errors(include_url=False)}
    good = [row for index, row in enumerate(raw.rows) if index not in bad]
    return good, table.adapter.validate_python([row.cells for row in good]), problems


def _between_tables(
    parsed: Mapping[str, tuple[list[RawRow], list[Any]]], models: Mapping[str, object]
) -> Iterator[Problem]:
    benchmarks = {row.benchmark_id: row for row in parsed["benchmarks"][1]}
    yield from checking.profile_problems(BY_NAME["profile_hours"], *parsed["profile_hours"])
    yield from checking.score_problems(BY_NAME["scores"], *parsed["scores"], benchmarks)
    yield from checking.hosted_problems(BY_NAME["apis"], *parsed["apis"], models)
    gpus = {row.gpu_id: row for row in parsed["gpus"][1]}
    yield from checking.unoffered_problems(BY_NAME["gpu_prices"], *parsed["gpu_prices"], gpus)
    yield from checking.mix_problems(BY_NAME["router_task_mixes"], *parsed["router_task_mixes"])


def _dates(parsed: Mapping[str, tuple[list[RawRow], list[Any]]], today: dt.date | None) -> Iterator[Problem]:
    reference = today or _today()
    for table in (table for table in BY_NAME.values() if table.name in parsed):
        yield from checking.date_problems(table, *parsed[table.name], reference)


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
