"""The tables of data/: file, record and key. Columns that name a row of another table are `Ref`s of the record."""

from dataclasses import dataclass
from functools import cached_property
from types import GenericAlias
from typing import Any, cast, get_args

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

import llmplan.catalog.evidence as evi
import llmplan.catalog.records as rec
from llmplan.catalog.columns import Record, Ref

PRICE_STALE_DAYS = 365
API_PRICE_STALE_DAYS = 180


@dataclass(frozen=True)
class Table:
    """One CSV file.

    Attributes
    ----------
    name : the Catalog's attribute that holds its rows.
    file : its file in the folder.
    record : class of a row.
    key : columns that together name a row; a single column makes the attribute a dict.
    is_fixed : whether code reads its rows by their ids, so that a folder has to hold those of the shipped table
        in their units; hidden costs may be added to assumptions.csv.
    unused : why no answer follows from the table; "" where some do.
    is_optional : whether no file at all is no rows; the shipped data has none.
    stale_days : age in days from which an active row earns a warning; None: never.
    """

    name: str
    file: str
    record: type[Record]
    key: tuple[str, ...]
    stale_days: int | None = None
    is_fixed: bool = False
    is_optional: bool = False
    unused: str = ""

    @cached_property
    def adapter(self) -> TypeAdapter[list[Any]]:
        return TypeAdapter(cast("type[list[Any]]", GenericAlias(list, (self.record,))))

    @cached_property
    def references(self) -> dict[str, tuple[str, ...]]:
        """Column -> tables of which one must hold that id."""
        marks = {name: _marks(info) for name, info in self.record.model_fields.items()}
        return {name: mark.tables for name, found in marks.items() for mark in found}

    @property
    def is_mapping(self) -> bool:
        return len(self.key) == 1

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.record.model_fields)

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, info in self.record.model_fields.items() if info.is_required())


def _marks(info: FieldInfo) -> list[Ref]:
    """Return a column's references; those of a column that may be empty stand within its type."""
    inner = (mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ()))
    return [mark for mark in (*info.metadata, *inner) if isinstance(mark, Ref)]


TABLES: tuple[Table, ...] = (
    Table("sources", "sources.csv", rec.Source, ("source_id",)),
    Table("licences", "licences.csv", rec.Licence, ("licence_id",)),
    Table("precisions", "precisions.csv", rec.Precision, ("precision_id",)),
    Table("models", "models.csv", rec.Model, ("model_id",)),
    Table("profile_hours", "profiles.csv", rec.ProfileHour, ("profile_id", "hour")),
    Table("reuse_gaps", "prefix_reuse_gaps.csv", rec.ReuseGap, ("trace", "gap_s")),
    Table("other_models", "other_models.csv", rec.OtherModel, ("model_id",)),
    Table("gpus", "gpus.csv", rec.Gpu, ("gpu_id",)),
    Table(
        "gpu_prices",
        "gpu_prices.csv",
        rec.GpuPrice,
        ("provider", "gpu_id", "instance_type", "price_kind", "region", "as_of"),
        PRICE_STALE_DAYS,
    ),
    Table("gpu_purchases", "gpu_purchase.csv", rec.GpuPurchase, ("gpu_id", "gpus_per_server")),
    Table("article_hardware", "article_hardware.csv", rec.ArticleCost, ("row_id",)),
    Table("engines", "engines.csv", rec.Engine, ("engine_id",)),
    Table("engine_memory", "engine_memory.csv", rec.EngineMemory, ("engine_id", "from_version")),
    Table(
        "engine_support",
        "engine_support.csv",
        rec.EngineSupport,
        ("engine_id", "precision_id", "architecture"),
    ),
    Table(
        "precision_hardware",
        "precision_hardware.csv",
        rec.PrecisionArchitecture,
        ("precision_id", "architecture"),
    ),
    Table(
        "precision_losses",
        "precision_loss.csv",
        rec.PrecisionLoss,
        ("precision_id", "model_size", "basis"),
    ),
    Table(
        "quantisation_scores",
        "quantisation_scores.csv",
        evi.QuantisationScore,
        ("model_name", "scheme", "precision_id", "benchmark", "source_id"),
        unused="what formats lose is read from precision_loss.csv",
    ),
    Table("assumptions", "assumptions.csv", rec.Assumption, ("assumption_id",), is_fixed=True),
    Table(
        "router_assumptions",
        "router_assumptions.csv",
        rec.RouterAssumption,
        ("assumption_id",),
        is_fixed=True,
    ),
    Table("router_task_mixes", "router_task_mixes.csv", rec.RouterTaskMix, ("mix_id", "task_id")),
    Table("benchmarks", "benchmarks.csv", evi.Benchmark, ("benchmark_id",)),
    Table("scores", "quality.csv", evi.Score, ("model_name", "benchmark_id", "source_id")),
    Table("claims", "claims.csv", rec.Claim, ("claim_id",)),
    Table("task_baskets", "task_baskets.csv", evi.TaskBasket, ("task_id", "family_id")),
    Table("apis", "api_prices.csv", rec.ApiPrice, ("api_id",), API_PRICE_STALE_DAYS),
    Table(
        "own_apis", "own_api_prices.csv", rec.OwnApiPrice, ("api_id",), API_PRICE_STALE_DAYS, is_optional=True
    ),
    Table("fine_tune_apis", "fine_tune_prices.csv", rec.FineTunePrice, ("api_id",), API_PRICE_STALE_DAYS),
    Table(
        "reserved_capacity",
        "reserved_capacity.csv",
        rec.ReservedCapacity,
        ("api_id", "unit", "commitment"),
        API_PRICE_STALE_DAYS,
    ),
    Table("providers", "providers.csv", rec.Provider, ("provider",)),
    Table("api_providers", "api_providers.csv", rec.ApiProvider, ("provider", "models")),
    Table(
        "measured_datasets",
        "measured_serving_datasets.csv",
        evi.MeasuredDataset,
        ("dataset", "model_id", "scenario"),
    ),
    Table(
        "measured_settings",
        "measured_serving_settings.csv",
        evi.MeasuredSettings,
        ("publisher", "from_date", "model_id", "precision", "gpu_id", "engine_id"),
    ),
    Table("checkpoints", "checkpoints.csv", evi.Checkpoint, ("model_id", "precision_id", "format")),
    Table(
        "calibration_constants",
        "calibration_constants.csv",
        evi.CalibrationConstant,
        ("constant",),
        is_fixed=True,
    ),
    Table("calibration_factors", "calibration_factors.csv", evi.CalibrationFactor, ("constant", "factor")),
)
LONG: tuple[Table, ...] = (
    Table("measured_points", "measured_serving.csv", evi.MeasuredPoint, ()),
    Table(
        "api_names",
        "api_price_names.csv",
        rec.ApiName,
        ("provider", "pattern"),
    ),
    Table(
        "router_queries",
        "router_eval.csv",
        evi.RouterQuery,
        ("dataset", "query_id"),
        unused="queries are read from the file that a command names",
    ),
    Table("ability_items", "ability_items.csv", evi.AbilityItem, ("item_id",)),
    Table("ability_scores", "ability_scores.csv", evi.AbilityScore, ("item_id", "published")),
    Table("model_aliases", "model_name_aliases.csv", evi.ModelAlias, ("published",)),
    Table("model_efforts", "unmarked_efforts.csv", evi.ModelEfforts, ("pattern",)),
    Table("efforts", "effort_scale.csv", evi.EffortLevel, ("effort",)),
    Table("task_tokens", "task_tokens.csv", evi.TaskTokens, ("published", "workload_id")),
    Table("task_workloads", "task_workloads.csv", evi.TaskWorkload, ("task_id", "workload_id")),
    Table("task_shapes", "task_shapes.csv", evi.TaskShape, ("task_id",)),
    Table("tokenizer_ratios", "tokenizer_ratios.csv", evi.TokenizerRatio, ("tokenizer_id", "text_kind")),
    Table("tokenizer_models", "tokenizer_models.csv", evi.TokenizerOfModels, ("pattern",)),
)
"""Tables of thousands of rows, or that quality alone is fitted from: a Catalog does not hold them."""
BY_NAME = {table.name: table for table in (*TABLES, *LONG)}
BY_RECORD = {table.record: table for table in TABLES}
