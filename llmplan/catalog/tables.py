"""The tables of data/: file, record, key, and the columns that name a row of another table."""

from dataclasses import dataclass, field
from functools import cached_property
from types import GenericAlias
from typing import Any, cast

from pydantic import TypeAdapter

from llmplan.catalog import evidence as evi
from llmplan.catalog import records as rec


@dataclass(frozen=True)
class Table:
    """One CSV file.

    Attributes
    ----------
    name : the Catalog's attribute that holds its rows.
    file : its file in the folder.
    record : class of a row.
    key : columns that together name a row; a single column makes the attribute a dict.
    references : column -> tables of which one must hold that id.
    is_fixed : whether code reads its rows by their ids, so that a folder has to hold those of the shipped table
        in their units; hidden costs may be added to assumptions.csv.
    unused : why no answer follows from the table; "" where some do.
    stale_days : age in days from which an active row earns a warning; None: never.
    """

    name: str
    file: str
    record: type[rec.Record]
    key: tuple[str, ...]
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stale_days: int | None = None
    is_fixed: bool = False
    unused: str = ""

    @cached_property
    def adapter(self) -> TypeAdapter[list[Any]]:
        return TypeAdapter(cast("type[list[Any]]", GenericAlias(list, (self.record,))))

    @property
    def is_mapping(self) -> bool:
        return len(self.key) == 1

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.record.model_fields)

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, info in self.record.model_fields.items() if info.is_required())


_Refs = dict[str, tuple[str, ...]]
_SOURCE: _Refs = {"source_id": ("sources",)}
_MODEL: _Refs = {"model_id": ("models",)}
_GPU: _Refs = {"gpu_id": ("gpus",)}
_PRECISION: _Refs = {"precision_id": ("precisions",)}
_ANY_MODEL: _Refs = {"model_id": ("models", "other_models")}
_BENCHMARK: _Refs = {"benchmark_id": ("benchmarks",)}
_TASK: _Refs = {"task_id": ("tasks",)}
_CONSTANT: _Refs = {"constant": ("calibration_constants",)}
PRICE_STALE_DAYS = 365

TABLES: tuple[Table, ...] = (
    Table("sources", "sources.csv", rec.Source, ("source_id",)),
    Table("licences", "licences.csv", rec.Licence, ("licence_id",), _SOURCE),
    Table("precisions", "precisions.csv", rec.Precision, ("precision_id",), _SOURCE),
    Table(
        "models",
        "models.csv",
        rec.Model,
        ("model_id",),
        _SOURCE | {"licence_id": ("licences",), "native_precision_id": ("precisions",)},
    ),
    Table("profile_hours", "profiles.csv", rec.ProfileHour, ("profile_id", "hour"), _SOURCE),
    Table("other_models", "other_models.csv", rec.OtherModel, ("model_id",), _SOURCE),
    Table(
        "lineage",
        "model_lineage.csv",
        rec.Lineage,
        ("model_id",),
        _SOURCE | _ANY_MODEL | {"succeeds_model_id": ("models", "other_models")},
    ),
    Table("gpus", "gpus.csv", rec.Gpu, ("gpu_id",), _SOURCE),
    Table(
        "gpu_prices",
        "gpu_prices.csv",
        rec.GpuPrice,
        ("provider", "gpu_id", "instance_type", "price_kind", "region", "as_of"),
        _SOURCE | _GPU,
        PRICE_STALE_DAYS,
    ),
    Table(
        "gpu_purchases", "gpu_purchase.csv", rec.GpuPurchase, ("gpu_id", "gpus_per_server"), _SOURCE | _GPU
    ),
    Table(
        "article_hardware",
        "article_hardware.csv",
        rec.ArticleCost,
        ("row_id",),
        _SOURCE | _MODEL | _GPU | _PRECISION,
    ),
    Table("engines", "engines.csv", rec.Engine, ("engine_id",), _SOURCE),
    Table(
        "engine_support",
        "engine_support.csv",
        rec.EngineSupport,
        ("engine_id", "precision_id", "architecture"),
        _SOURCE | _PRECISION | {"engine_id": ("engines",)},
    ),
    Table(
        "precision_hardware",
        "precision_hardware.csv",
        rec.PrecisionArchitecture,
        ("precision_id", "architecture"),
        _SOURCE | _PRECISION,
    ),
    Table(
        "precision_losses",
        "precision_loss.csv",
        rec.PrecisionLoss,
        ("precision_id", "model_size", "basis"),
        _SOURCE | _PRECISION,
    ),
    Table(
        "quantisation_scores",
        "quantisation_scores.csv",
        rec.QuantisationScore,
        ("model_name", "scheme", "precision_id", "benchmark", "source_id"),
        _SOURCE | _PRECISION,
        unused="what formats lose is read from precision_loss.csv",
    ),
    Table("assumptions", "assumptions.csv", rec.Assumption, ("assumption_id",), _SOURCE, is_fixed=True),
    Table(
        "router_assumptions",
        "router_assumptions.csv",
        rec.RouterAssumption,
        ("assumption_id",),
        _SOURCE,
        is_fixed=True,
    ),
    Table(
        "router_task_mixes",
        "router_task_mixes.csv",
        rec.RouterTaskMix,
        ("mix_id", "task_id"),
        _SOURCE | _TASK,
    ),
    Table("benchmarks", "benchmarks.csv", rec.Benchmark, ("benchmark_id",), _SOURCE),
    Table(
        "scores",
        "quality.csv",
        rec.Score,
        ("model_name", "benchmark_id", "source_id"),
        _SOURCE | _ANY_MODEL | _BENCHMARK,
    ),
    Table(
        "category_scores",
        "quality_by_category.csv",
        rec.CategoryScore,
        ("category", "model_id"),
        _SOURCE | _ANY_MODEL,
        unused="it is shown among the sources alone",
    ),
    Table("claims", "claims.csv", rec.Claim, ("claim_id",), _SOURCE),
    Table("tasks", "tasks.csv", rec.TaskBenchmark, ("task_id", "benchmark_id"), _SOURCE | _BENCHMARK),
    Table(
        "apis",
        "api_prices.csv",
        rec.ApiPrice,
        ("api_id",),
        _SOURCE | _ANY_MODEL | _PRECISION,
        PRICE_STALE_DAYS,
    ),
    Table(
        "measured_datasets",
        "measured_serving_datasets.csv",
        evi.MeasuredDataset,
        ("dataset", "model_id", "scenario"),
        _SOURCE | _MODEL,
    ),
    Table(
        "checkpoints",
        "checkpoints.csv",
        evi.Checkpoint,
        ("model_id", "precision_id", "format"),
        _SOURCE | _MODEL | _PRECISION,
    ),
    Table(
        "calibration_constants",
        "calibration_constants.csv",
        evi.CalibrationConstant,
        ("constant",),
        _SOURCE,
        is_fixed=True,
    ),
    Table(
        "calibration_factors",
        "calibration_factors.csv",
        evi.CalibrationFactor,
        ("constant", "factor"),
        _SOURCE | _CONSTANT,
    ),
)
LONG: tuple[Table, ...] = (
    Table("measured_points", "measured_serving.csv", evi.MeasuredPoint, (), _SOURCE | _MODEL | _GPU),
    Table(
        "router_queries",
        "router_eval.csv",
        evi.RouterQuery,
        ("dataset", "query_id"),
        _SOURCE,
        unused="queries are read from the file that a command names",
    ),
)
"""Tables of thousands of rows: a Catalog reads them when asked (`Catalog.long_table`)."""
BY_NAME = {table.name: table for table in (*TABLES, *LONG)}
BY_RECORD = {table.record: table for table in TABLES}
