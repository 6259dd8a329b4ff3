"""Every fact in one record."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import llmplan.catalog.evidence as evi
import llmplan.catalog.records as rec
from llmplan.catalog.cache import kept
from llmplan.catalog.columns import Record
from llmplan.catalog.folder import DataFolder
from llmplan.catalog.problems import Problem
from llmplan.catalog.reading import RawRow
from llmplan.catalog.tables import BY_NAME, BY_RECORD, Table
from llmplan.errors import InputError, UnknownNameError

_T = TypeVar("_T")
LAST_CHOICE = 1_000
"""Rank of an engine without a preference."""


@dataclass(frozen=True, eq=False)
class Catalog:
    """Every table of a folder: a dict by id where rows have one, a tuple of rows otherwise.

    `calibration` is the fit of the serving model, `folder` where files are read from that are no table of the
    catalog: presets, traces and the `LONG` tables; `today` the day that offers are judged by. `apis` holds the user's
    own rows and the prices of fine-tunes too. Instances are compared and hashed by identity, so that
    results can be cached per catalog (`llmplan.catalog.cache`); do not edit the dicts, use `with_record`.
    """

    sources: dict[str, rec.Source]
    licences: dict[str, rec.Licence]
    precisions: dict[str, rec.Precision]
    models: dict[str, rec.Model]
    other_models: dict[str, rec.OtherModel]
    profile_hours: tuple[rec.ProfileHour, ...]
    reuse_gaps: tuple[rec.ReuseGap, ...]
    gpus: dict[str, rec.Gpu]
    gpu_prices: tuple[rec.GpuPrice, ...]
    gpu_purchases: tuple[rec.GpuPurchase, ...]
    article_hardware: dict[str, rec.ArticleCost]
    engines: dict[str, rec.Engine]
    engine_memory: tuple[rec.EngineMemory, ...]
    engine_support: tuple[rec.EngineSupport, ...]
    precision_hardware: tuple[rec.PrecisionArchitecture, ...]
    precision_losses: tuple[rec.PrecisionLoss, ...]
    quantisation_scores: tuple[evi.QuantisationScore, ...]
    assumptions: dict[str, rec.Assumption]
    router_assumptions: dict[str, rec.RouterAssumption]
    router_task_mixes: tuple[rec.RouterTaskMix, ...]
    benchmarks: dict[str, evi.Benchmark]
    scores: tuple[evi.Score, ...]
    claims: dict[str, rec.Claim]
    task_baskets: tuple[evi.TaskBasket, ...]
    apis: dict[str, rec.ApiPrice]
    own_apis: dict[str, rec.OwnApiPrice]
    fine_tune_apis: dict[str, rec.FineTunePrice]
    reserved_capacity: tuple[rec.ReservedCapacity, ...]
    providers: dict[str, rec.Provider]
    api_providers: tuple[rec.ApiProvider, ...]
    measured_datasets: tuple[evi.MeasuredDataset, ...]
    measured_settings: tuple[evi.MeasuredSettings, ...]
    checkpoints: tuple[evi.Checkpoint, ...]
    calibration_constants: dict[str, evi.CalibrationConstant]
    calibration_factors: tuple[evi.CalibrationFactor, ...]
    calibration: evi.Fit
    folder: DataFolder
    today: dt.date
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

    def provider_name(self, provider: str) -> str:
        """Return the name of a provider; of one that the table lacks the id."""
        known = self.providers.get(provider)
        return known.name if known else provider

    def checkpoints_of(self, model_id: str, precision_id: str) -> tuple[evi.Checkpoint, ...]:
        """Return the published checkpoints of a model in a format, one a kind of file."""
        return _checkpoints(self).get((model_id, precision_id), ())

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

    def with_record(self, record: Record) -> "Catalog":
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


def _key(table: Table, record: Record) -> tuple[object, ...]:
    return tuple(getattr(record, column) for column in table.key)


@kept(1)
def _checkpoints(catalog: Catalog) -> dict[tuple[str, str], tuple[evi.Checkpoint, ...]]:
    found: dict[tuple[str, str], tuple[evi.Checkpoint, ...]] = {}
    for row in catalog.checkpoints:
        key = row.model_id, row.precision_id
        found[key] = (*found.get(key, ()), row)
    return found


@kept(1)
def _long_table(folder: DataFolder, name: str) -> tuple[RawRow, ...]:
    return folder.read(BY_NAME[name]).rows


def _find(field: str, name: str, known: Mapping[str, _T]) -> _T:
    try:
        return known[name]
    except (KeyError, TypeError):
        raise UnknownNameError(field, str(name), known) from None
