"""Frozen records of data/: one class a table, one field a column, units in the names."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from llmplan.catalog.columns import (
    AnyModelId,
    Architecture,
    Count,
    Date,
    Finite,
    Fraction,
    GpuId,
    Id,
    Loss,
    ModelId,
    NonNegative,
    Noted,
    Positive,
    PositiveInt,
    PrecisionId,
    Record,
    Ref,
    Sourced,
    SourceId,
)


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
    granted_in_eu: bool = True
    """Whether companies with their principal place of business in the European Union are granted the rights."""
    terms: str


class Model(Noted):
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
    global_kv_heads: Count | None = None
    """KV heads of layers without a window where they differ from `kv_heads`."""
    global_head_dim: Count | None = None
    vision_params_b: NonNegative | None = None
    """Parameters of a vision tower [1e9], within `total_params_b`; every rank holds it at 16 bit."""
    kv_layers: Count | None = None
    """Layers with a KV cache of their own where not all have one: linear attention and Mamba keep a state."""
    kv_elements_per_token: Positive | None = None
    """Elements that a token adds to the whole KV cache where heads and widths do not give it."""
    state_bytes_per_sequence: Count = 0
    """What a sequence holds however long it is: linear attention, Mamba, convolutions, a fixed window [bytes]."""
    mlp_params_b: NonNegative | None = None
    """Feed-forward of dense layers and shared experts [1e9] where the shapes do not give it."""
    experts_params_b: NonNegative | None = None
    """Routed experts of all layers [1e9] where the shapes do not give them."""
    attention_bits: Positive | None = None
    """Bits of a weight by part in the native checkpoint, scales included, where it mixes formats."""
    mlp_bits: Positive | None = None
    expert_bits: Positive | None = None
    head_bits: Positive | None = None
    licence_source_id: SourceId | None = None
    """Who says which licence it is, where that is not the row's own source."""
    native_precision_id: PrecisionId
    max_context_tokens: PositiveInt
    licence_id: Annotated[Id, Ref("licences")]
    status: Literal["article", "current", "measured only"]
    """article: named by the source article; current: offered as an option; measured only: known so that
    published measurements can be predicted."""

    @property
    def is_moe(self) -> bool:
        return self.experts > 0


class Gpu(Noted):
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
    compute_units: PositiveInt | None = None
    """Streaming multiprocessors or compute units, of 64 vector lanes each."""
    boost_ghz: Positive | None = None
    interconnect: Literal["nvlink", "nvlink-bridge", "pcie", "pcie-host", "infinity-fabric"]
    """pcie-host: cards whose driver does not let them read each other's memory; all goes through the host's."""
    interconnect_gb_s: Positive
    """GPU to GPU, both directions together."""
    tdp_w: Positive
    status: Literal["option", "measured only"]


class GpuPrice(Noted):
    """data/gpu_prices.csv: rent of an instance."""

    provider: Id
    gpu_id: GpuId
    instance_type: str
    gpus_per_instance: PositiveInt
    max_gpus_together: PositiveInt | None = None
    """Where the provider sells several of this lot on one node at the same price per GPU: how many GPUs at
    most, so that a tensor-parallel replica may span them. Blank: only the lot itself."""
    price_kind: Literal["on_demand", "reserved_1y", "reserved_3y", "reserved_short", "spot", "serverless"]
    usd_per_gpu_hour: Positive
    region: str
    """As the provider names it: us-east-1, eastus."""
    area: Literal["us", "eu", "global"] | None = None
    """Where that is; blank: not known."""
    status: Literal["active", "historical", "fractional"]
    """Only active rows are options; a fractional row is a part of a GPU."""


class ProfileHour(Sourced):
    """data/profiles.csv: an hour's share of a day's queries."""

    profile_id: Id
    profile_name: str
    hour: Annotated[int, Field(ge=0, le=23)]
    share: Fraction


class ReuseGap(Sourced):
    """data/prefix_reuse_gaps.csv: the share of reused prompt tokens that are asked for again within a time."""

    trace: Id
    gap_s: Positive
    share_within: Fraction


class GpuPurchase(Noted):
    """data/gpu_purchase.csv: a complete server bought."""

    gpu_id: GpuId
    gpus_per_server: PositiveInt
    server_usd: Positive
    installation_usd: NonNegative


class ArticleCost(Sourced):
    """data/article_hardware.csv: the article's hardware rows, claims."""

    row_id: Id
    model_id: ModelId
    precision_id: PrecisionId
    gpu_id: GpuId
    n_gpus: PositiveInt
    usd_per_month_low: Positive
    usd_per_month_high: Positive


class Engine(Noted):
    """data/engines.csv: a serving engine."""

    engine_id: Id
    name: str
    version: str
    status: Literal["active", "maintenance", "development use"]
    status_note: str
    key_features: str
    min_compute_capability: Positive | None = None
    checkpoint_format: Literal["safetensors", "modelopt", "ollama"] = "safetensors"
    """Kind of checkpoint that it loads, where one is published (data/checkpoints.csv); modelopt: NVIDIA's quantiser."""
    multi_gpu: bool
    continuous_batching: bool
    preference: PositiveInt | None = None
    """Order in which engines are taken where none is named; blank: only when named."""


class EngineMemory(Noted):
    """data/engine_memory.csv: how an engine shares out a card from a version on, and its default batch. (2.6, 2.7)"""

    engine_id: Annotated[Id, Ref("engines")]
    from_version: str
    memory_share: Fraction
    share_of: Literal["card", "static", "free"]
    """card: share x card holds weights, activations, graphs and KV; static: share x card holds weights and KV;
    free: share x what weights and activations leave holds KV."""
    runtime_gib: NonNegative
    parallel_gib: NonNegative
    """More of it on each GPU where a replica has several."""
    sampler_bytes: NonNegative
    """Bytes that sampling takes for a sequence of the largest batch and an entry of the vocabulary."""
    moe_gib: NonNegative
    quantised_kv_bytes: Positive | None = None
    """Bytes of a KV-cache element with FP8 and FP4 checkpoints, where the engine then quantises the cache too."""
    batched_tokens: PositiveInt
    large_batched_tokens: PositiveInt
    """On cards of 70 GiB and more, Ampere excepted."""
    sequences: PositiveInt
    large_sequences: PositiveInt


class EngineSupport(Noted):
    """data/engine_support.csv: an engine runs a precision on a GPU architecture."""

    engine_id: Annotated[Id, Ref("engines")]
    precision_id: PrecisionId
    architecture: Architecture


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
    quantises_embeddings: bool = False
    """GGUF files quantise embedding and head too: `weight_bits` is the file's average."""
    gguf_id: Annotated[Id, Ref("precisions")] | None = None
    """Format of the GGUF file that stands in where an engine loads only those."""
    kv_bytes: Positive
    """Bytes of one KV-cache element that engines use by default with this format."""
    status: Literal["option", "measured only"]

    @property
    def short_name(self) -> str:
        """Return its name without what stands in brackets."""
        return self.name.partition(" (")[0]


class PrecisionArchitecture(Noted):
    """data/precision_hardware.csv: where hardware supports a format."""

    precision_id: PrecisionId
    architecture: Architecture


class PrecisionLoss(Noted):
    """data/precision_loss.csv: quality lost against 16 bit, in percent of the 16-bit score."""

    precision_id: PrecisionId
    model_size: Literal["small", "large", "any"]
    """small: below 30B parameters; large: from 30B."""
    basis: Literal["claimed", "measured"]
    loss_pct_low: Loss
    loss_pct_base: Loss
    loss_pct_high: Loss


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


class Assumption(Noted):
    """data/assumptions.csv: hidden cost lines, people, updates, purchase and power: low, base, high."""

    assumption_id: Id
    name: str
    unit: str
    low: Finite
    base: Finite
    high: Finite
    group: Literal["article", "hidden cost", "people", "updates", "purchase", "serving", "time"]


class RouterAssumption(Noted):
    """data/router_assumptions.csv: what routing assumes by default, low, base, high."""

    assumption_id: Id
    name: str
    unit: str
    low: NonNegative
    base: NonNegative
    high: NonNegative


class RouterTaskMix(Noted):
    """data/router_task_mixes.csv: a task's share in a named mix."""

    mix_id: Id
    mix_name: str
    task_id: Annotated[Id, Ref("task_baskets")]
    share: Fraction
    tolerance: Fraction | None = None
    """Quality that the task can lose against the better end; the reference is 1."""
    article_verdict: Literal["match", "fall short"] | None = None


class OtherModel(Noted):
    """data/other_models.csv: a model that is priced or scored but that cannot be self-hosted here."""

    model_id: Id
    name: str
    owner: Id


class ApiPrice(Noted):
    """data/api_prices.csv: a token price. Prices are per million tokens of one request's tier."""

    api_id: Id
    """gpt-4o, claude-sonnet-4-5; a hosted open model carries its provider: deepinfra/llama-3.3-70b."""
    kind: Literal["frontier", "small", "hosted_open"]
    provider: Id
    provider_model: str
    """The provider's own name, as genai-prices and litellm know it."""
    model_id: AnyModelId
    """The model's id in models.csv or other_models.csv, under which quality.csv scores it."""
    effort: str | None = None
    """Effort that the offer is bound to; blank: the request says it."""
    input_usd_per_mtok: NonNegative
    output_usd_per_mtok: NonNegative
    cached_input_usd_per_mtok: NonNegative | None = None
    batch_discount: Fraction | None = None
    """Share taken off for batch requests; blank: no batch price known."""
    long_context_from_tokens: PositiveInt | None = None
    long_context_input_usd_per_mtok: NonNegative | None = None
    long_context_output_usd_per_mtok: NonNegative | None = None
    long_context_cached_input_usd_per_mtok: NonNegative | None = None
    longer_context_from_tokens: PositiveInt | None = None
    """Where the second tier above the standard one starts; its prices follow."""
    longer_context_input_usd_per_mtok: NonNegative | None = None
    longer_context_output_usd_per_mtok: NonNegative | None = None
    longer_context_cached_input_usd_per_mtok: NonNegative | None = None
    cache_write_usd_per_mtok: NonNegative | None = None
    """Input written to the cache for its short lifetime (5 or 30 minutes); blank: written at the price of input."""
    cache_write_long_usd_per_mtok: NonNegative | None = None
    """Input written for the long lifetime (an hour and more)."""
    batch_cached_input_usd_per_mtok: NonNegative | None = None
    """Cached input of batch requests; blank: the batch discount holds for it too."""
    priority_input_usd_per_mtok: NonNegative | None = None
    priority_output_usd_per_mtok: NonNegative | None = None
    priority_cached_input_usd_per_mtok: NonNegative | None = None
    flex_input_usd_per_mtok: NonNegative | None = None
    flex_output_usd_per_mtok: NonNegative | None = None
    flex_cached_input_usd_per_mtok: NonNegative | None = None
    image_input_usd_per_mtok: NonNegative | None = None
    """Input tokens of images; blank: at the price of input."""
    takes_images: bool | None = None
    """Whether queries may hold images; blank: no price list says so."""
    peak_hours_utc: Annotated[str, Field(pattern=r"^[\d.]+-[\d.]+( [\d.]+-[\d.]+)*$")] | None = None
    """Hours of the day at which the price is multiplied by peak_price_factor, as `01-04 06-10`; blank: one price."""
    peak_days_per_week: Annotated[float, Field(gt=0, le=7)] | None = None
    """Days on which those hours are dearer, Monday first; blank: all."""
    peak_price_factor: Positive | None = None
    in_region_areas: str | None = None
    """Areas that processing can be held to, as `us eu`; blank: the price list names none."""
    in_region_surcharge: NonNegative | None = None
    """Share added for processing held to one of them."""
    max_context_tokens: PositiveInt | None = None
    precision_id: PrecisionId | None = None
    status: Literal["active", "historical"]
    released_on: Date | None = None
    ends_on: Date | None = None
    """Day from which the provider answers no more."""
    life_source_id: SourceId | None = None
    other_input_usd_per_mtok: NonNegative | None = None
    """What a second price list says where it differs by more than 1 %, of input and output."""
    other_output_usd_per_mtok: NonNegative | None = None
    other_source_id: SourceId | None = None
    aliases: str | None = None
    """Other names of the same offer at the same price, spaces between."""

    @property
    def peak_hours_per_day(self) -> float | None:
        """Hours of a day with dearer hours; None: one price."""
        return None if self.peak_hours_utc is None else sum(b - a for a, b in self.peak_windows)

    @property
    def peak_windows(self) -> tuple[tuple[float, float], ...]:
        """(start, end) of the dearer hours, UTC."""
        windows = (text.partition("-") for text in (self.peak_hours_utc or "").split())
        return tuple((float(start), float(end)) for start, _, end in windows)

    def has_ended(self, today: dt.date) -> bool:
        """Say whether the provider answers no more."""
        return self.ends_on is not None and self.ends_on <= today

    def is_offered(self, today: dt.date) -> bool:
        """Say whether it can be bought on a day."""
        return self.status == "active" and not self.has_ended(today)


class OwnApiPrice(ApiPrice):
    """data/own_api_prices.csv: a token price of one's own contract; it takes the place of the row of its id."""


class FineTunePrice(ApiPrice):
    """data/fine_tune_prices.csv: a token price of weights of one's own that the provider hosts."""


class ReservedCapacity(Noted):
    """data/reserved_capacity.csv: units of throughput that a provider reserves for one model, whether used or not."""

    api_id: Annotated[Id, Ref("apis")]
    """The price by the token of the same model there: what the units cannot take is paid at it."""
    unit: Id
    commitment: Literal["hourly", "1_week", "1_month", "3_months", "6_months", "1_year"]
    usd_per_unit: Positive
    paid_per: Literal["hour", "month", "year"]
    min_units: PositiveInt
    unit_step: PositiveInt
    """Units are sold in multiples of this."""
    input_tokens_per_minute: Positive
    """What a unit takes, in input tokens."""
    output_weight: Positive
    """Input tokens that an output token counts as."""
    cached_weight: NonNegative
    """Input tokens that a cached one counts as."""


class ApiName(Record):
    """data/api_price_names.csv: what a provider's name means where the rules of `llmplan.prices` say otherwise."""

    provider: Id | Literal["*"]
    pattern: str
    """Regular expression that the whole name matches, letters of any case."""
    api_id: Id | None = None
    model_id: AnyModelId | None = None
    effort: str | None = None
    kind: Literal["frontier", "small", "hosted_open"] | None = None
    precision_id: PrecisionId | None = None
    status: Literal["historical", "skip"] | None = None
    peak_days_per_week: Annotated[float, Field(gt=0, le=7)] | None = None
    ends_on: Date | None = None
    source_id: SourceId | None = None
    """Where the status or the end comes from."""
    note: str | None = None


class Provider(Noted):
    """data/providers.csv: the name of a seller of tokens or GPUs."""

    provider: Id
    name: str
    site: str
    """The address of its own site."""


class ApiProvider(Noted):
    """data/api_providers.csv: where a provider of token prices processes what it is sent."""

    provider: Id
    models: str
    """Regular expression that its name of a model matches as a whole."""
    in_own_account: bool
    """Whether it is a cloud that serves the models within the customer's own account."""
    in_region_areas: str | None = None
    """Areas that processing can be held to, where no price list says so, and the share that this adds."""
    in_region_surcharge: NonNegative | None = None


class Claim(Noted):
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
