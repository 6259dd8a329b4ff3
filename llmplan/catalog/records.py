"""Frozen records of data/: one class a table, one field a column, units in the names."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _plain_number(value: object) -> object:
    """Refuse 1_000, which Python reads as a number and a spreadsheet does not."""
    if isinstance(value, str) and "_" in value:
        raise PydanticCustomError("float_parsing", "is not a number")
    return value


def _iso_date(value: object) -> object:
    """Refuse what is not YYYY-MM-DD: a bare number would be read as seconds since 1970."""
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        raise PydanticCustomError("date_parsing", "is not a date")
    return value


_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_Plain = BeforeValidator(_plain_number)
Date = Annotated[dt.date, BeforeValidator(_iso_date)]
Id = Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9._:/+-]*$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), _Plain]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), _Plain]
PositiveInt = Annotated[int, Field(gt=0), _Plain]
Count = Annotated[int, Field(ge=0), _Plain]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), _Plain]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), _Plain]
Finite = Annotated[float, Field(allow_inf_nan=False), _Plain]
Loss = Annotated[float, Field(ge=-5, le=100, allow_inf_nan=False), _Plain]
Architecture = Literal["volta", "turing", "ampere", "ada", "hopper", "blackwell", "cdna2", "cdna3", "cdna4"]


class Record(BaseModel):
    """A row of a table. Empty cells are None where the field allows it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Sourced(Record):
    """A row that says where it comes from and as of when."""

    source_id: Id
    as_of: Date


class Source(Record):
    """data/sources.csv: where a figure comes from."""

    source_id: Id
    title: str
    url: str | None = None
    licence: str | None = None
    kind: Literal[
        "datasheet", "list price", "benchmark", "paper", "article claim", "estimate", "licence text"
    ]
    as_of: Date
    note: str | None = None


class Licence(Sourced):
    """data/licences.csv: what a model's licence allows."""

    licence_id: Id
    name: str
    commercial_use: Literal["yes", "conditions", "no"]
    mau_limit: PositiveInt | None = None
    """Monthly active users above which a grant from the owner is needed."""
    terms: str


class Model(Sourced):
    """data/models.csv: an open-weight model's architecture. Blank: not applicable."""

    model_id: Id
    name: str
    family: Id
    total_params_b: Positive
    active_params_b: Positive
    layers: PositiveInt
    hidden_size: PositiveInt
    heads: PositiveInt
    kv_heads: PositiveInt
    head_dim: PositiveInt
    intermediate_size: Count
    vocab_size: PositiveInt
    tied_embeddings: bool = False
    experts: Count = 0
    experts_per_token: Count = 0
    moe_intermediate_size: Count = 0
    shared_experts: Count = 0
    first_dense_layers: Count = 0
    attention: Literal["gqa", "mla"]
    kv_lora_rank: Count = 0
    rope_head_dim: Count = 0
    v_head_dim: PositiveInt | None = None
    sliding_window_tokens: Count = 0
    sliding_window_layers: Count = 0
    native_precision_id: Id
    max_context_tokens: PositiveInt
    licence_id: Id
    status: Literal["article", "current", "measured only"]
    """article: named by the source article; current: offered as an option; measured only: known so that
    published measurements can be predicted."""
    note: str | None = None

    @property
    def is_moe(self) -> bool:
        return self.experts > 0


class Gpu(Sourced):
    """data/gpus.csv: datasheet figures, dense (no sparsity). Blank FLOP/s: the card has no such cores."""

    gpu_id: Id
    name: str
    vendor: Literal["nvidia", "amd"]
    architecture: Architecture
    compute_capability: Positive | None = None
    memory_gb: Positive
    memory_gib_usable: Positive
    """What a program sees of the card."""
    bandwidth_gb_s: Positive
    bf16_tflops: Positive | None = None
    """Dense BF16; on cards without BF16 (Turing, Volta) blank."""
    fp16_tflops: Positive
    fp8_tflops: Positive | None = None
    int8_tops: Positive | None = None
    fp4_tflops: Positive | None = None
    interconnect: Literal["nvlink", "nvlink-bridge", "pcie", "infinity-fabric"]
    interconnect_gb_s: Positive
    """GPU to GPU, both directions together."""
    tdp_w: Positive
    status: Literal["option", "measured only"]
    note: str | None = None


class GpuPrice(Sourced):
    """data/gpu_prices.csv: rent of an instance."""

    provider: Id
    gpu_id: Id
    instance_type: str
    gpus_per_instance: PositiveInt
    max_gpus_together: PositiveInt | None = None
    """Where the provider sells several of this lot on one node at the same price per GPU: how many GPUs at
    most, so that a tensor-parallel replica may span them. Blank: only the lot itself."""
    price_kind: Literal["on_demand", "reserved_1y", "reserved_short", "spot", "serverless"]
    usd_per_gpu_hour: Positive
    region: str
    """As the provider names it: us-east-1, eastus."""
    area: Literal["us", "eu", "global"] | None = None
    """Where that is; blank: not known."""
    status: Literal["active", "historical", "fractional"]
    """Only active rows are options; a fractional row is a part of a GPU."""
    note: str | None = None


class ProfileHour(Sourced):
    """data/profiles.csv: an hour's share of a day's queries."""

    profile_id: Id
    profile_name: str
    hour: Annotated[int, Field(ge=0, le=23)]
    share: Fraction


class GpuPurchase(Sourced):
    """data/gpu_purchase.csv: a complete server bought."""

    gpu_id: Id
    gpus_per_server: PositiveInt
    server_usd: Positive
    installation_usd: NonNegative
    note: str | None = None


class ArticleCost(Sourced):
    """data/article_hardware.csv: the article's hardware rows, claims."""

    row_id: Id
    model_id: Id
    precision_id: Id
    gpu_id: Id
    n_gpus: PositiveInt
    usd_per_month_low: Positive
    usd_per_month_high: Positive


class Engine(Sourced):
    """data/engines.csv: a serving engine."""

    engine_id: Id
    name: str
    version: str
    status: Literal["active", "maintenance", "development use"]
    status_note: str
    key_features: str
    min_compute_capability: Positive | None = None
    multi_gpu: bool
    continuous_batching: bool
    preference: PositiveInt | None = None
    """Order in which engines are taken where none is named; blank: only when named."""
    note: str | None = None


class EngineSupport(Sourced):
    """data/engine_support.csv: an engine runs a precision on a GPU architecture."""

    engine_id: Id
    precision_id: Id
    architecture: Architecture
    note: str | None = None


class Precision(Sourced):
    """data/precisions.csv: a storage and compute format of the weights."""

    precision_id: Id
    name: str
    weight_bits: Positive
    """Bits a quantised weight takes with its scales and zeros."""
    kept_16bit_share_note: str | None = None
    compute: Literal["16bit", "fp8", "int8", "fp4"]
    """Which tensor cores multiply; a weight-only format dequantises to 16bit."""
    weight_only: bool
    kv_bytes: Positive
    """Bytes of one KV-cache element that engines use by default with this format."""
    status: Literal["option", "measured only"]


class PrecisionArchitecture(Sourced):
    """data/precision_hardware.csv: where hardware supports a format."""

    precision_id: Id
    architecture: Architecture
    note: str | None = None


class PrecisionLoss(Sourced):
    """data/precision_loss.csv: quality lost against 16 bit, in percent of the 16-bit score."""

    precision_id: Id
    model_size: Literal["small", "large", "any"]
    """small: below 30B parameters; large: from 30B."""
    basis: Literal["claimed", "measured"]
    loss_pct_low: Loss
    loss_pct_base: Loss
    loss_pct_high: Loss
    note: str | None = None


class QuantisationScore(Sourced):
    """data/quantisation_scores.csv: measured recovery of a quantised checkpoint."""

    model_name: str
    precision_id: Id
    scheme: str
    benchmark: str
    baseline_score: Finite | None = None
    quantised_score: Finite | None = None
    recovery_pct: Finite
    note: str | None = None


HIDDEN_COST_UNITS = (
    "USD/month",
    "USD/query",
    "USD/1M tokens",
    "USD/GPU-hour",
    "USD/replica-month",
    "USD/GPU step-month",
    "USD once",
)
"""Units that a hidden cost may have."""


class Assumption(Sourced):
    """data/assumptions.csv: hidden cost lines, people, updates, purchase and power: low, base, high."""

    assumption_id: Id
    name: str
    unit: str
    low: Finite
    base: Finite
    high: Finite
    group: Literal["article", "hidden cost", "people", "updates", "purchase", "serving", "time"]
    note: str | None = None


class RouterAssumption(Sourced):
    """data/router_assumptions.csv: what routing assumes by default, low, base, high."""

    assumption_id: Id
    name: str
    unit: str
    low: NonNegative
    base: NonNegative
    high: NonNegative
    note: str | None = None


class RouterTaskMix(Sourced):
    """data/router_task_mixes.csv: a task's share in a named mix."""

    mix_id: Id
    mix_name: str
    task_id: Id
    share: Fraction
    tolerance: Fraction | None = None
    """Quality that the task can lose against the better end; the reference is 1."""
    article_verdict: Literal["match", "fall short"] | None = None
    note: str | None = None


class Benchmark(Sourced):
    """data/benchmarks.csv: a benchmark and the scale of its score."""

    benchmark_id: Id
    name: str
    family_id: Id
    """Variants of one benchmark (other shots, harness, base model) share it; their scores do not mix."""
    higher_is_better: bool
    scale_low: Finite
    scale_high: Finite
    note: str | None = None


class Score(Sourced):
    """data/quality.csv: a model's score on a benchmark. model_id: an open model's or an API model's id."""

    model_id: Id
    model_name: str
    benchmark_id: Id
    score: Finite
    note: str | None = None


class CategoryScore(Sourced):
    """data/quality_by_category.csv: answers right by subject, MMLU-Pro per question."""

    category: str
    model_id: Id
    correct_pct: Percent
    questions: PositiveInt
    mean_output_tokens: Positive | None = None


class OtherModel(Sourced):
    """data/other_models.csv: a model that is priced or scored but that cannot be self-hosted here."""

    model_id: Id
    name: str
    owner: Id
    note: str | None = None


class Lineage(Sourced):
    """data/model_lineage.csv: a later version of a vendor's model, and the one that it succeeds.

    Where the later one has too few scores, its quality is taken to be at least its predecessor's. (6.3b)
    """

    model_id: Id
    succeeds_model_id: Id
    note: str | None = None


class TaskBenchmark(Sourced):
    """data/tasks.csv: which benchmarks stand for a task, with what weight."""

    task_id: Id
    task_name: str
    benchmark_id: Id
    weight: Positive


class ApiPrice(Sourced):
    """data/api_prices.csv: a token price. Prices are per million tokens of one request's tier."""

    api_id: Id
    """gpt-4o, claude-sonnet-4-5; a hosted open model carries its provider: deepinfra/llama-3.3-70b."""
    kind: Literal["frontier", "small", "hosted_open"]
    provider: Id
    provider_model: str
    """The provider's own name, as genai-prices and litellm know it."""
    model_id: Id
    """Open model's id for hosted_open; for the others the id under which quality.csv scores it."""
    input_usd_per_mtok: NonNegative
    output_usd_per_mtok: NonNegative
    cached_input_usd_per_mtok: NonNegative | None = None
    batch_discount: Fraction | None = None
    """Share taken off for batch requests; blank: no batch price known."""
    long_context_from_tokens: PositiveInt | None = None
    long_context_input_usd_per_mtok: NonNegative | None = None
    long_context_output_usd_per_mtok: NonNegative | None = None
    long_context_cached_input_usd_per_mtok: NonNegative | None = None
    peak_hours_per_day: Annotated[float, Field(ge=0, le=24)] | None = None
    """Hours of the day at which the price is multiplied by peak_price_factor; blank: one price."""
    peak_price_factor: Positive | None = None
    max_context_tokens: PositiveInt | None = None
    precision_id: Id | None = None
    status: Literal["active", "historical"]
    note: str | None = None


class Claim(Sourced):
    """data/claims.csv: a figure of the source article, in our own words; `check` names how it is computed."""

    claim_id: Id
    section: str
    claim: str
    claimed_low: Finite | None = None
    claimed_high: Finite | None = None
    """Both blank: the claim is a word (`claimed_text`); only low: at least."""
    claimed_text: str | None = None
    unit: str
    check: str
    subject: str | None = None
    """What the check is asked about; parts separated by a bar, lists by commas."""
    note: str | None = None
