"""What was measured or scored: serving, routers, models; and the fit that rests on it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llmplan.catalog.columns import (
    AnyModelId,
    BenchmarkId,
    Count,
    Date,
    Finite,
    Fraction,
    GpuId,
    Id,
    ModelId,
    NonNegative,
    Noted,
    Percent,
    Positive,
    PositiveInt,
    PrecisionId,
    Record,
    Ref,
    Sourced,
)

Quantity = Annotated[str, Field(min_length=1)]
Rank = Annotated[int, Field(ge=1)]


class MeasuredPoint(Sourced):
    """data/measured_serving.csv: a published point of serving. Blank: not stated."""

    model_id: ModelId
    model_as_published: str
    precision: Id
    """As published: an id of precisions.csv or another spelling of one; "unstated" where it is."""
    gpu_id: GpuId
    n_gpus: PositiveInt
    tensor_parallel: Rank | None = None
    data_parallel: Rank | None = None
    expert_parallel: Count | None = None
    engine_id: Id
    engine_version: str | None = None
    isl_tokens: Quantity
    """Tokens of the input, or the name of a data set (measured_serving_datasets.csv)."""
    osl_tokens: Positive | None = None
    arrival: Literal["closed_loop", "open_loop", "offline", "server", "static_batch", "all_at_once"]
    concurrency: PositiveInt | None = None
    offered_rps: Positive | None = None
    output_tokens_per_s: Positive | None = None
    ttft_ms: Positive | None = None
    tpot_ms: Positive | None = None
    statistic: Literal["mean", "p50"]
    scenario_as_published: str
    source_title: str
    source: str
    published: str | None = None


class MeasuredDataset(Noted):
    """data/measured_serving_datasets.csv: mean lengths and latency limits behind a benchmark's data set."""

    dataset: str
    model_id: ModelId | None = None
    scenario: str
    input_tokens: Positive
    output_tokens: Positive
    ttft_limit_ms: Positive
    tpot_limit_ms: Positive


class MeasuredSettings(Noted):
    """data/measured_serving_settings.csv: how a publisher started an engine, as its own scripts say.

    Blank model, precision and gpu: any; other blanks: the engine's default. Rows of `measured_serving.csv` from
    `from_date` on are meant, the last row that fits one counts.
    """

    publisher: str
    from_date: Date
    model_id: ModelId | None = None
    precision: Id | None = None
    gpu_id: GpuId | None = None
    engine_id: Id
    engine_version: str | None = None
    """The version, where a published row has none."""
    kv_cache_dtype: Literal["bf16", "fp8"] | None = None
    gpu_memory_utilisation: Fraction | None = None
    max_sequences: PositiveInt | Literal["clients"] | None = None
    data_parallel: Rank | None = None
    """Copies of the attention, where a published row has them otherwise."""


class RouterQuery(Sourced):
    """data/router_eval.csv: what a weak and a strong model did on one query, and the routers' scores."""

    dataset: str
    query_id: str
    task: str
    score_lr: Finite
    score_knn: Finite
    weak_quality: Fraction
    strong_quality: Fraction
    weak_cost: NonNegative
    strong_cost: NonNegative
    in_tok: PositiveInt
    weak_out_tok: PositiveInt
    strong_out_tok: PositiveInt


class Checkpoint(Noted):
    """data/checkpoints.csv: where a model's weights in a format are published."""

    model_id: ModelId
    precision_id: PrecisionId
    format: Literal["safetensors", "modelopt", "ollama"]
    repository: str
    attention_bits: Positive | None = None
    """Bits of a weight by part, where a checkpoint of that format keeps a part in another one."""
    mlp_bits: Positive | None = None
    expert_bits: Positive | None = None
    head_bits: Positive | None = None


class CalibrationConstant(Sourced):
    """data/calibration_constants.csv: a constant of the serving model, where its fit starts."""

    constant: Id
    unit: str
    start: Positive
    tightness: Positive
    least: NonNegative | None = None
    most: Positive | None = None
    """Bounds that physics sets on the fitted constant."""
    meaning: str


class CalibrationFactor(Sourced):
    """data/calibration_factors.csv: a factor on which a constant may depend."""

    constant: Annotated[Id, Ref("calibration_constants")]
    factor: Id


class QuantisationScore(Noted):
    """data/quantisation_scores.csv: measured recovery of a quantised checkpoint."""

    model_name: str
    precision_id: PrecisionId
    scheme: str
    benchmark: str
    baseline_score: Finite | None = None
    quantised_score: Finite | None = None
    recovery_pct: Finite


class Benchmark(Noted):
    """data/benchmarks.csv: a benchmark and the scale of its score."""

    benchmark_id: Id
    name: str
    family_id: Id
    """Variants of one benchmark (other shots, harness, base model) share it; their scores do not mix."""
    higher_is_better: bool
    scale_low: Finite
    scale_high: Finite


class Score(Noted):
    """data/quality.csv: a model's score on a benchmark. model_id: an open model's or an API model's id."""

    model_id: AnyModelId
    model_name: str
    benchmark_id: BenchmarkId
    score: Finite


class AbilityItem(Sourced):
    """data/ability_items.csv: a benchmark in one release from one publisher, whose scores ability is fitted to."""

    item_id: Id
    family_id: Id
    """Items of a family measure the same and share loadings."""
    questions: PositiveInt
    weight: Positive
    """Weight of its scores in the fit; below 1 where they are noisy, many of one kind or a vendor's own."""
    self_reported: bool


class AbilityScore(Record):
    """data/ability_scores.csv: a model's score on an item, source and date as the item's."""

    item_id: Annotated[Id, Ref("ability_items")]
    published: str
    """The model and its effort as published; see unmarked_efforts.csv and model_name_aliases.csv."""
    score_pct: Percent


class ModelAlias(Noted):
    """data/model_name_aliases.csv: what a published spelling stands for, where no rule finds it."""

    published: Id
    model_id: str
    """The model as the rules spell it, with its effort after a blank where the spelling implies one."""


class ModelEfforts(Noted):
    """data/unmarked_efforts.csv: what a published name without an effort means, and what can be asked for."""

    pattern: str
    """Regular expression; the first row that matches a model's name rules."""
    effort: Annotated[str, Ref("efforts")]
    apart: bool
    """Whether a level without the word thinking is one with thinking off."""
    offered: str
    """Efforts parted by blanks."""


class EffortLevel(Noted):
    """data/effort_scale.csv: the scale h of effort, 0 with thinking off, 1 at high."""

    effort: str
    scale: Finite


class TaskBasket(Sourced):
    """data/task_baskets.csv: which families of benchmarks stand for a task, with what weight."""

    task_id: Id
    task_name: str
    family_id: Id
    weight: Positive


class TaskTokens(Sourced):
    """data/task_tokens.csv: mean output tokens, reasoning included, that a model spent on a question."""

    published: str
    workload_id: Id
    output_tokens: Positive


class TaskWorkload(Sourced):
    """data/task_workloads.csv: which workloads stand for a task's tokens, with what weight."""

    task_id: Id
    workload_id: Id
    weight: Positive
    short_answers: bool
    """Whether answers are a handful of tokens, so that reasoning adds to them."""


class TaskShape(Sourced):
    """data/task_shapes.csv: how an app that does a task may be called, and the mean tokens by which it is guessed."""

    task_id: Id
    words: str
    """Beginnings of words of an app's name."""
    least_input: NonNegative | None = None
    most_input: NonNegative | None = None
    least_output: NonNegative | None = None
    most_output: NonNegative | None = None
    """All four or none: a task that no shape shows."""


class TokenizerRatio(Sourced):
    """data/tokenizer_ratios.csv: tokens of a text under a tokenizer over those under o200k."""

    tokenizer_id: Id
    text_kind: Id
    tokens_per_o200k_token: Positive


class TokenizerOfModels(Noted):
    """data/tokenizer_models.csv: which tokenizer a model reads with; the first pattern that matches rules."""

    pattern: str
    tokenizer_id: Id


Levels = dict[str, dict[str, Finite]]
"""Log deviations by factor and level."""


class Fit(BaseModel):
    """data/calibration.json: the fitted serving model. `llmplan calibrate` writes it.

    Attributes
    ----------
    rows, fit_date: how many measured rows it rests on, and when the newest was published. inputs: the name of rows,
        constants and model that it came out of.
    base, effects: log of each constant, and its log deviations by factor and level.
    bands: by quantity and slice, factors from a prediction to its 10th and 90th percentile.
    replicas: those that the rows cover. calibrated: rows of each engine, GPU family and compute that earns the word.
    errors: held-out errors by protocol, quantity and part.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    rows: Count
    inputs: str = ""
    fit_date: Date
    base: dict[str, Finite]
    effects: dict[str, Levels]
    bands: dict[str, dict[str, tuple[Positive, Positive]]]
    replicas: tuple[str, ...]
    calibrated: dict[str, Count]
    errors: dict[str, Any]
