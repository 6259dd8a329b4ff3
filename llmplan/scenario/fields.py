"""One frozen record of plain values: what sliders, presets, links, the shell and slides all speak.

A field says here all that is known of it. Panel, links, the shell's options, differences, caches and
docs/scenario_fields.md derive from that; code that is to use the field is the only other place to touch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llmplan.catalog import Catalog, load_catalog, shipped_assumption
from llmplan.errors import InputError, UnknownNameError, rule_and_fix
from llmplan.scenario.about import About, Affects, Box, Group, Shape, Slide, described
from llmplan.scenario.values import (
    EMPTY,
    HOURS_OF_WEEK,
    NONE,
    Counts,
    Label,
    Names,
    Prices,
    Qualities,
    Shares,
    Symbol,
    Uncertain,
    WeekShares,
    limits,
)
from llmplan.scenario.workload import Workload
from llmplan.wording import Currency

TOKEN_BASES = (
    ("today", "What each model spends on today's work"),
    ("equal", "The same for every model"),
)
VOLUME_UNITS = (
    ("day", "Queries a day"),
    ("month", "Queries a month"),
    ("tokens", "Million tokens a month"),
    ("per_s", "Requests a second"),
    ("users", "Users at once"),
    ("seats", "Seats"),
    ("bill", "Bill of a month, of what runs today"),
)
KV_CACHE_TYPES = (("auto", "As the format has it"), ("bf16", "BF16"), ("fp16", "FP16"), ("fp8", "FP8"))
PRICE_KINDS = (
    ("on_demand", "On demand"),
    ("reserved_1y", "One-year commitment"),
    ("reserved_3y", "Three-year commitment"),
    ("reserved_short", "Shorter commitment"),
    ("spot", "Spot"),
    ("serverless", "Serverless"),
    ("bought", "Bought servers"),
)
OWNED_COSTS = (
    ("power", "Power only: they are paid for"),
    ("full", "Depreciation, capital, upkeep and power"),
)
BILLING_MODES = ("always_on", "office_hours", "autoscaled", "scale_to_zero")
COMMITMENTS = ("hourly", "1_week", "1_month", "3_months", "6_months", "1_year")
CACHE_LIFETIMES = (("minutes", "Minutes"), ("hour", "An hour and more"))
SERVICE_TIERS = (
    ("standard", "Standard"),
    ("priority", "Priority: dearer, faster"),
    ("flex", "Flex: cheaper, slower"),
)
HOUSES = (
    ("rented", "Our cloud account: rented GPUs"),
    ("cloud", "Our cloud account: rented GPUs and models hosted there"),
    ("building", "Our own building: bought servers"),
)
CACHED_PREFIXES = (
    ("shared", "One prefix that all queries share"),
    ("own", "Each conversation's own"),
    ("own-synthetic", "Each document's or conversation's own, of public data sets"),
)


def _assumed(assumption_id: str) -> Any:
    return Field(default_factory=lambda: shipped_assumption(assumption_id))


class Scenario(BaseModel):
    """Everything that an answer rests on besides the catalog. Empty tuples of ids mean: all of them.

    The fields of `ASSUMED` may be left empty (out, or None): they then hold the assumption of the shipped
    catalog until `under` puts that of another in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        Label,
        Field(min_length=1, max_length=80),
        About("Name", "What the scenario is called.", Group.OTHER, affects=Affects.SHOWN),
    ] = "custom"
    queries_per_day: Annotated[
        float,
        limits(gt=0, le=1e9),
        About(
            "Volume",
            "Queries a day, mean over the month.",
            Group.WORKLOAD,
            "queries/day",
            affects=Affects.VOLUME,
            panel=Slide(100, 1e7, log=True, first=2),
        ),
    ] = 50_000
    volume_unit: Annotated[
        Literal["day", "month", "tokens", "per_s", "users", "seats", "bill"],
        About(
            "Volume is given in",
            "Unit in which inputs show the volume; answers, files and links have queries a day.",
            Group.WORKLOAD,
            affects=Affects.SHOWN,
            panel=Box(first=3),
            choices=VOLUME_UNITS,
        ),
    ] = "day"
    think_time_s: Annotated[
        float,
        limits(gt=0, le=1e6),
        About(
            "A user asks every",
            "Seconds from one question of a user to the next, the answer's time within; for a volume in users at once.",
            Group.WORKLOAD,
            "s",
            affects=Affects.SHOWN,
            panel=Box(1, 1e6, first=3),
        ),
    ] = 60
    prompts_per_day: Annotated[
        float,
        limits(gt=0, le=1e6),
        About(
            "Prompts of a seat",
            "Prompts of a seat a day, mean over all days; for a volume in seats.",
            Group.WORKLOAD,
            "prompts/day",
            affects=Affects.SHOWN,
            panel=Box(0.01, 1e6, first=3),
        ),
    ] = 10
    input_tokens: Annotated[
        float,
        limits(ge=1, le=2_000_000),
        About(
            "Input",
            "Mean input tokens of a query.",
            Group.WORKLOAD,
            "tokens/query",
            panel=Slide(10, 200_000, 1, log=True, first=4),
            voids="input_tokens_p95",
        ),
    ] = 1_000
    output_tokens: Annotated[
        float,
        limits(ge=1, le=200_000),
        About(
            "Output",
            "Mean output tokens of a query.",
            Group.WORKLOAD,
            "tokens/query",
            panel=Slide(1, 20_000, 1, log=True, first=5),
            voids="output_tokens_p95",
        ),
    ] = 300
    input_tokens_p95: Annotated[
        float | None,
        limits(ge=1, le=2_000_000),
        EMPTY,
        About(
            "Input, 95th percentile",
            "Input tokens that 95% of queries stay below; they size the KV cache.",
            Group.WORKLOAD,
            "tokens/query",
            empty="the mean",
        ),
    ] = None
    output_tokens_p95: Annotated[
        float | None,
        limits(ge=1, le=200_000),
        EMPTY,
        About(
            "Output, 95th percentile",
            "Output tokens that 95% of queries stay below; they size the KV cache.",
            Group.WORKLOAD,
            "tokens/query",
            empty="the mean",
        ),
    ] = None
    token_basis: Annotated[
        Literal["today", "equal"],
        About(
            "Tokens of other models",
            "Whether the tokens are as today's model counts them and others spend their own, or all the same.",
            Group.WORKLOAD,
            panel=Box(),
            choices=TOKEN_BASES,
        ),
    ] = "today"
    text_kind: Annotated[
        str,
        About(
            "Kind of text",
            "Language and kind of the input, by which tokenizers differ.",
            Group.WORKLOAD,
            names="text kind",
        ),
    ] = "en-prose"
    images_per_query: Annotated[
        float,
        limits(ge=0, le=1_000),
        About(
            "Images",
            "Mean images of a query, beside its text: models that are not known to take images are out.",
            Group.WORKLOAD,
            "images/query",
        ),
    ] = 0.0
    tokens_per_image: Annotated[
        float,
        limits(ge=1, le=100_000),
        About(
            "Tokens of an image",
            "Input tokens that one image counts as: models differ, and it grows with the pixels.",
            Group.WORKLOAD,
            "tokens/image",
        ),
    ] = 1_000
    cached_input_share: Annotated[
        float,
        limits(ge=0, le=1),
        About(
            "Cached input",
            "Share of input tokens that a prompt cache serves, a provider's or the engine's own.",
            Group.WORKLOAD,
            "share of the input",
            panel=Slide(0, 1, 0.01),
        ),
    ] = 0.0
    cached_prefix: Annotated[
        Literal["shared", "own", "own-synthetic"],
        About(
            "What is cached",
            "One prefix of all queries, or each conversation's own: a fleet keeps those for a while only. Reuse as in "
            "Mooncake's conversation or synthetic trace.",
            Group.WORKLOAD,
            choices=CACHED_PREFIXES,
        ),
    ] = "shared"
    cache_write_share: Annotated[
        float | None,
        limits(ge=0, le=1),
        EMPTY,
        About(
            "Written to the cache",
            "Share of input tokens written to a provider's prompt cache, for which some ask more; at most what is not read.",
            Group.WORKLOAD,
            "share of the input",
            empty="all that is not read of conversations' own prefixes, nothing of a shared one",
        ),
    ] = None
    cache_lifetime: Annotated[
        Literal["minutes", "hour"],
        About(
            "Provider keeps it for",
            "How long a provider keeps what is written: some ask more for the longer time.",
            Group.WORKLOAD,
            choices=CACHE_LIFETIMES,
        ),
    ] = "minutes"
    cache_aware_routing: Annotated[
        bool,
        About(
            "Cache-aware routing",
            "Whether the fleet's balancer sends a conversation to the replica that holds its cache.",
            Group.FLEET,
            flags=("--cache-aware-routing/--cache-blind-routing",),
        ),
    ] = True
    batch_share: Annotated[
        float,
        limits(ge=0, le=1),
        About(
            "May wait for batch",
            "Share of queries that can wait: for a provider's batch price, or for the valleys of a fleet's load.",
            Group.WORKLOAD,
            "share of queries",
            panel=Slide(0, 1, 0.01),
        ),
    ] = 0.0
    service_tier: Annotated[
        Literal["standard", "priority", "flex"],
        About(
            "Service tier",
            "Tier that queries are sent at which do not wait for batch; standard where a provider does not sell it.",
            Group.WORKLOAD,
            choices=SERVICE_TIERS,
        ),
    ] = "standard"
    profile_id: Annotated[
        str | None,
        EMPTY,
        About(
            "Daily profile",
            "How the day's queries spread over its hours.",
            Group.WORKLOAD,
            empty="By peak only",
            panel=Box(),
            names="profile",
        ),
    ] = None
    week_profile: Annotated[
        WeekShares,
        About(
            "Profile of the week",
            "Queries of each hour of the week, in any unit, as mon-09=1.7; hours left out have none. It takes the place of "
            "the daily profile and the weekend.",
            Group.WORKLOAD,
            empty="the daily profile, and the weekend",
        ),
    ] = ()
    peak_to_mean: Annotated[
        float,
        limits(ge=1, le=100),
        About(
            "Peak over mean",
            "Rate of the busiest time over the mean rate; at least the profile's own.",
            Group.WORKLOAD,
            "x",
            panel=Slide(1, 10, 0.1),
        ),
    ] = 2.0
    weekend_factor: Annotated[
        float,
        limits(ge=0, le=10),
        About(
            "Weekend",
            "Volume of a Saturday or Sunday over a weekday's.",
            Group.WORKLOAD,
            "x",
        ),
    ] = 1.0
    utc_offset_hours: Annotated[
        float,
        limits(ge=-12, le=14),
        About(
            "Clock",
            "How far the daily profile's clock is ahead of UTC, in which some providers have dearer hours.",
            Group.WORKLOAD,
            "hours",
        ),
    ] = 0.0
    days_per_month: Annotated[
        float,
        limits(ge=1, le=31),
        About(
            "Days a month",
            "The one calendar convention; GPU-hours follow from it.",
            Group.WORKLOAD,
            "days/month",
            empty="the catalog's assumption",
            assumed="days-per-month",
        ),
    ] = _assumed("days-per-month")
    quality_floor: Annotated[
        float,
        limits(ge=0, le=1.5),
        About(
            "Quality floor",
            "Least share of today's success on the task mix (1 = as good as what runs today).",
            Group.QUALITY,
            "share of today's",
            panel=Slide(0, 1.2, 0.01, first=6),
        ),
    ] = 0.0
    floor_chance: Annotated[
        float,
        limits(ge=0.5, le=0.99),
        About(
            "Reach the floor with",
            "Least probability with which an option must reach the quality floor.",
            Group.QUALITY,
            "share",
            panel=Slide(0.5, 0.99, 0.01, first=7),
        ),
    ] = 0.8
    reference_api_id: Annotated[
        str,
        About(
            "Runs today",
            "API whose model runs today: its quality counts as 1, and the tokens are as it counts them.",
            Group.QUALITY,
            names="api",
            panel=Box(first=1),
        ),
    ] = "gpt-4o"
    reference_effort: Annotated[
        Literal["off", "minimal", "low", "medium", "high", "xhigh", "max", "thinking"] | None,
        EMPTY,
        About(
            "Effort today",
            "Effort at which today's model is asked to think; off: not at all.",
            Group.QUALITY,
            empty="its vendor's default",
        ),
    ] = None
    task_mix: Annotated[
        Shares,
        About("Task mix", "Tasks and their shares.", Group.QUALITY, empty="all tasks alike", names="task"),
    ] = ()
    task_quality_floors: Annotated[
        Qualities,
        About(
            "Quality floors by task",
            "Least share of today's success on a task, as code=0.9.",
            Group.QUALITY,
            empty="none",
            names="task",
            flags=("--task-quality-floor", "--task-quality-floors"),
        ),
    ] = ()
    model_quality: Annotated[
        Qualities,
        About(
            "Own qualities",
            "Share of today's success in an evaluation of your own, by model; it replaces the fit's figure.",
            Group.QUALITY,
            empty="the fit's",
            names="scored model",
        ),
    ] = ()
    own_weights: Annotated[
        Names,
        About(
            "Fine-tuned models",
            "Models of which you have weights of your own, LoRA or full: what you say of their quality holds where "
            "those are served, on GPUs or at a price for fine-tunes, not at endpoints that all share.",
            Group.QUALITY,
            empty="none",
            names="scored model",
        ),
    ] = ()
    ttft_limit_ms: Annotated[
        float | None,
        limits(gt=0, le=3.6e6),
        EMPTY,
        About(
            "First word within",
            "Target for the time to the first token.",
            Group.QUALITY,
            "ms",
            empty="no target",
            panel=Box(1, 600_000, times=0.001, unit="s"),
        ),
    ] = 2_000
    tpot_limit_ms: Annotated[
        float | None,
        limits(gt=0, le=60_000),
        EMPTY,
        About(
            "Then a token every",
            "Target for the time per output token.",
            Group.QUALITY,
            "ms",
            empty="no target",
            panel=Box(1, 10_000, 1),
        ),
    ] = 100
    latency_percentile: Annotated[
        float | None,
        limits(ge=50, le=99.9),
        EMPTY,
        About(
            "Both kept by",
            "Share of requests at the peak that keep the latency targets.",
            Group.QUALITY,
            "% of requests",
            empty="the mean request",
            panel=Box(50, 99.9, 0.1),
        ),
    ] = None
    min_context_tokens: Annotated[
        int,
        Field(ge=0, le=10_000_000),
        About("Least context", "Least context window of a model.", Group.QUALITY, "tokens"),
    ] = 0
    data_stays_in_house: Annotated[
        bool,
        About(
            "Data must stay in house",
            "No query may leave the house for an API or a provider.",
            Group.CHOICE,
            panel=Box(first=8),
            flags=("--data-stays-in-house/--data-may-leave",),
        ),
    ] = False
    in_house: Annotated[
        Literal["rented", "cloud", "building"],
        About(
            "The house is",
            "Where data that must stay in house may be: on GPUs rented in an account of one's own, also with models "
            "that the cloud hosts in that account, or on servers bought for a building of one's own.",
            Group.CHOICE,
            panel=Box(),
            choices=HOUSES,
        ),
    ] = "rented"
    commercial_use: Annotated[
        bool,
        About(
            "Commercial use",
            "Whether licences must allow commercial use.",
            Group.CHOICE,
            panel=Box(),
            flags=("--commercial/--research",),
        ),
    ] = True
    eu_company: Annotated[
        bool,
        About(
            "EU company",
            "Whether the company's principal place of business is in the European Union: some licences end there.",
            Group.CHOICE,
            panel=Box(),
        ),
    ] = False
    monthly_active_users: Annotated[
        int | None,
        Field(ge=0, le=10_000_000_000),
        EMPTY,
        About(
            "Users",
            "Users a month: only for licences that set a limit (100M, 700M); the volume is given in queries.",
            Group.CHOICE,
            "users/month",
            empty="below every limit",
        ),
    ] = None
    regions: Annotated[
        Names,
        About(
            "Regions",
            "Areas (us, eu) or beginnings of a GPU offer's region; of token prices those stay that can be held to one.",
            Group.CHOICE,
            empty="all",
            names="region",
        ),
    ] = ()
    gpu_providers: Annotated[
        Names,
        About(
            "GPU providers",
            "GPU providers allowed.",
            Group.FLEET,
            empty="all",
            panel=Box(),
            names="GPU provider",
        ),
    ] = ()
    api_providers: Annotated[
        Names,
        About(
            "API providers",
            "Providers of APIs and hosted models allowed.",
            Group.CHOICE,
            empty="all",
            names="API provider",
        ),
    ] = ()
    api_ids: Annotated[
        Names,
        About("APIs", "APIs and hosted models allowed.", Group.CHOICE, empty="all", panel=Box(), names="api"),
    ] = ()
    model_ids: Annotated[
        Names,
        About(
            "Open models",
            "Open models allowed, self-hosted or hosted by a provider; APIs named themselves stay.",
            Group.CHOICE,
            empty="all",
            panel=Box(),
            names="model",
        ),
    ] = ()
    precision_ids: Annotated[
        Names,
        About(
            "Formats",
            "Storage formats of self-hosted models allowed.",
            Group.CHOICE,
            empty="all",
            names="precision",
        ),
    ] = ()
    gpu_ids: Annotated[
        Names,
        About("GPUs", "GPUs allowed.", Group.CHOICE, empty="all", panel=Box(), names="gpu"),
    ] = ()
    engine_ids: Annotated[
        Names,
        About("Engines", "Serving engines allowed.", Group.CHOICE, empty="all", names="engine"),
    ] = ()
    gpu_price_kind: Annotated[
        Literal["on_demand", "reserved_1y", "reserved_3y", "reserved_short", "spot", "serverless", "bought"],
        About("GPU prices", "How GPUs are paid for.", Group.FLEET, panel=Box(), choices=PRICE_KINDS),
    ] = "on_demand"
    billing_modes: Annotated[
        Names,
        About(
            "Hours paid",
            "Ways to pay a fleet's hours that are compared; reserved GPUs are always on.",
            Group.FLEET,
            empty="all hours, of serverless GPUs those with queries",
            panel=Box(),
            names="billing mode",
        ),
    ] = ()
    api_commitments: Annotated[
        Names,
        About(
            "Reserved capacity",
            "Commitments at which units of an API's throughput are compared, as Azure's PTU: sized for the peak or a "
            "part of it, the rest paid by the token.",
            Group.CHOICE,
            empty="none: by the token alone",
            names="commitment",
        ),
    ] = ()
    owned_gpus: Annotated[
        Counts,
        About(
            "GPUs of your own",
            "GPUs that are owned already, as h100-sxm=4: a fleet uses them before it rents or buys.",
            Group.OWNED,
            "GPUs",
            empty="none",
            names="gpu",
        ),
    ] = ()
    owned_gpus_per_server: Annotated[
        int,
        Field(ge=1, le=64),
        About(
            "Of them in a server",
            "Owned GPUs that stand together in one server.",
            Group.OWNED,
            "GPUs",
            panel=Box(1, 64, 1),
        ),
    ] = 8
    owned_cost: Annotated[
        Literal["power", "full"],
        About(
            "They cost",
            "What an hour of an owned GPU counts as: its power, or all that owning it takes.",
            Group.OWNED,
            choices=OWNED_COSTS,
            panel=Box(),
        ),
    ] = "power"
    owned_age_years: Annotated[
        Prices,
        About(
            "Their age",
            "Age of owned GPUs; it matters for their full cost.",
            Group.OWNED,
            "years",
            empty="new",
            names="gpu",
        ),
    ] = ()
    owned_book_usd: Annotated[
        Prices,
        About(
            "Their book value",
            "What one owned GPU, with its share of the server, stands in the books for today.",
            Group.OWNED,
            "USD/GPU",
            empty="the price of a server, depreciated by age",
            names="gpu",
        ),
    ] = ()
    max_gpus: Annotated[
        int | None,
        Field(ge=1, le=500),
        EMPTY,
        About(
            "GPUs at most",
            "GPUs of a fleet at most, owned and rented.",
            Group.FLEET,
            "GPUs",
            empty="no limit",
            panel=Box(1, 500, 1),
        ),
    ] = None
    usd_per_kwh: Annotated[
        float,
        limits(ge=0, le=10),
        About(
            "Electricity",
            "Price of power for GPUs of one's own.",
            Group.FLEET,
            "USD/kWh",
            empty="the catalog's assumption",
            assumed="electricity-usd-per-kwh",
        ),
    ] = _assumed("electricity-usd-per-kwh")
    pue: Annotated[
        float,
        limits(ge=1, le=5),
        About(
            "PUE",
            "Power of the site over that of its servers.",
            Group.FLEET,
            "ratio",
            empty="the catalog's assumption",
            assumed="pue",
        ),
    ] = _assumed("pue")
    server_overhead_w: Annotated[
        float,
        limits(ge=0, le=20_000),
        About(
            "Host power",
            "Power of a server without its GPUs.",
            Group.FLEET,
            "W",
            empty="the catalog's assumption",
            assumed="server-power-w",
        ),
    ] = _assumed("server-power-w")
    colocation_usd_per_server_month: Annotated[
        float,
        limits(ge=0, le=1e6),
        About(
            "Colocation",
            "Space for a server of one's own.",
            Group.FLEET,
            "USD/server-month",
            empty="the catalog's assumption",
            assumed="server-hosting-usd-per-month",
        ),
    ] = _assumed("server-hosting-usd-per-month")
    utilisation_ceiling: Annotated[
        float,
        limits(gt=0, le=1),
        About(
            "Utilisation ceiling",
            "Load of a replica at the peak, at most.",
            Group.FLEET,
            "share",
            empty="the catalog's assumption",
            assumed="utilisation-ceiling",
            panel=Slide(0.1, 1, 0.01),
        ),
    ] = _assumed("utilisation-ceiling")
    spare_replicas: Annotated[
        int,
        Field(ge=0, le=100),
        About(
            "Spare replicas",
            "Replicas kept beyond what the peak needs.",
            Group.FLEET,
            "replicas",
            panel=Slide(0, 5, 1),
        ),
    ] = 1
    gpu_memory_utilisation: Annotated[
        float | None,
        limits(gt=0, le=1),
        EMPTY,
        About(
            "Memory share",
            "Share of a GPU's memory that the engine claims, in its own terms.",
            Group.ENGINE,
            "share",
            empty="each engine's own",
            flags=("--gpu-memory-utilisation", "--gpu-memory-utilization"),
            panel=Box(0.1, 1, 0.01),
        ),
    ] = None
    kv_cache_dtype: Annotated[
        Literal["auto", "bf16", "fp16", "fp8"],
        About(
            "KV cache", "Type of the KV cache's elements.", Group.ENGINE, panel=Box(), choices=KV_CACHE_TYPES
        ),
    ] = "auto"
    max_batched_tokens: Annotated[
        int | None,
        limits(ge=1, le=1_000_000),
        EMPTY,
        About(
            "Prompt tokens of a step",
            "Prompt tokens that a step takes at most.",
            Group.ENGINE,
            "tokens",
            empty="each engine's own",
            panel=Box(1, 1e6, 1),
        ),
    ] = None
    max_sequences: Annotated[
        int | None,
        limits(ge=1, le=1_000_000),
        EMPTY,
        About(
            "Sequences at once",
            "Sequences that a replica runs at once at most.",
            Group.ENGINE,
            "sequences",
            empty="each engine's own",
            panel=Box(1, 1e6, 1),
        ),
    ] = None
    max_model_len: Annotated[
        int | None,
        limits(ge=1, le=100_000_000),
        EMPTY,
        About(
            "Longest sequence",
            "Longest sequence that an engine must take, where that is more than queries need.",
            Group.ENGINE,
            "tokens",
            empty="what queries need",
            panel=Box(1, 1e8, 1),
        ),
    ] = None
    tensor_parallel: Annotated[
        int | None,
        limits(ge=1, le=64),
        EMPTY,
        About(
            "Tensor parallel",
            "GPUs that cut each layer.",
            Group.ENGINE,
            "GPUs",
            empty="as the GPUs allow",
            panel=Box(1, 64, 1),
        ),
    ] = None
    pipeline_parallel: Annotated[
        int,
        limits(ge=1, le=64),
        About(
            "Pipeline stages",
            "Stages that divide the layers.",
            Group.ENGINE,
            "stages",
            panel=Box(1, 64, 1),
        ),
    ] = 1
    data_parallel: Annotated[
        int,
        limits(ge=1, le=64),
        About(
            "Data parallel",
            "Copies of the attention inside a replica.",
            Group.ENGINE,
            "copies",
            panel=Box(1, 64, 1),
        ),
    ] = 1
    expert_parallel: Annotated[
        int,
        limits(ge=1, le=512),
        About(
            "Expert parallel",
            "GPUs over which whole experts are spread; 1 cuts every expert.",
            Group.ENGINE,
            "GPUs",
            panel=Box(1, 512, 1),
        ),
    ] = 1
    lora_adapters: Annotated[
        int,
        limits(ge=0, le=10_000),
        About(
            "LoRA adapters",
            "Adapters that a replica holds at once.",
            Group.ENGINE,
            "adapters",
            panel=Box(0, 1e4, 1),
        ),
    ] = 0
    lora_rank: Annotated[
        int,
        limits(ge=1, le=1024),
        About("LoRA rank", "Rank of the adapters.", Group.ENGINE, "rank", panel=Box(1, 1024, 1)),
    ] = 16
    speculative_tokens: Annotated[
        int,
        limits(ge=0, le=16),
        About(
            "Tokens drafted ahead",
            "Tokens that a draft proposes for each step of the model, which checks them together; 0: no speculative "
            "decoding. Faster at few sequences, slower at many.",
            Group.ENGINE,
            "tokens/step",
            panel=Box(0, 16, 1),
        ),
    ] = 0
    draft_model_id: Annotated[
        str | None,
        EMPTY,
        About(
            "Draft model",
            "Model that drafts tokens; used where its vocabulary is the served model's and it is the smaller one.",
            Group.ENGINE,
            empty="a layer of the model's own kind, as MTP modules and EAGLE heads are",
            names="model",
        ),
    ] = None
    draft_acceptance: Annotated[
        float | None,
        limits(ge=0, le=0.99),
        EMPTY,
        About(
            "Drafted tokens kept",
            "Chance that the model keeps a drafted token which follows kept ones.",
            Group.ENGINE,
            "share",
            empty="the catalog's assumption with its range",
        ),
    ] = None
    engineering_usd_per_month: Annotated[
        float | None,
        limits(ge=0, le=1e8),
        EMPTY,
        About(
            "Engineering",
            "One figure for people, updates and hidden costs, in place of the catalog's lines.",
            Group.FLEET,
            "USD/month",
            empty="the catalog's lines",
            panel=Box(0, 1e6, 1),
        ),
    ] = None
    gpu_usd_per_hour: Annotated[
        Prices,
        About(
            "Own GPU prices",
            "GPU prices of your own; the lots stay those of the offers that they replace.",
            Group.PRICES,
            "USD/GPU-hour",
            empty="the catalog's",
            names="gpu",
        ),
    ] = ()
    api_input_usd_per_mtok: Annotated[
        Prices,
        About(
            "Own prices of input",
            "Input prices of your own, by API.",
            Group.PRICES,
            "USD/million tokens",
            empty="the catalog's",
            names="api",
        ),
    ] = ()
    api_output_usd_per_mtok: Annotated[
        Prices,
        About(
            "Own prices of output",
            "Output prices of your own, by API.",
            Group.PRICES,
            "USD/million tokens",
            empty="the catalog's",
            names="api",
        ),
    ] = ()
    api_cached_input_usd_per_mtok: Annotated[
        Prices,
        About(
            "Own prices of cached input",
            "Cached input prices of your own, by API.",
            Group.PRICES,
            "USD/million tokens",
            empty="the catalog's",
            names="api",
        ),
    ] = ()
    measured_csv: Annotated[
        str | None,
        EMPTY,
        About(
            "Measurements",
            "A file of your own measured points (columns of data/measured_serving.csv).",
            Group.PRICES,
            empty="none",
            opens_file=True,
        ),
    ] = None
    currency_symbol: Annotated[
        Symbol,
        About(
            "Symbol",
            "The currency that answers are shown in: $, €, R$, CHF.",
            Group.CURRENCY,
            affects=Affects.SHOWN,
            panel=Box(high=4),
        ),
    ] = "$"
    currency_per_usd: Annotated[
        float,
        limits(ge=1e-6, le=1e6),
        About(
            "One US dollar is",
            "How much of the currency a US dollar buys; inputs and saved files stay in US dollars.",
            Group.CURRENCY,
            affects=Affects.SHOWN,
            panel=Box(1e-6, 1e6, decimals=4),
        ),
    ] = 1.0
    ranges: Annotated[
        Uncertain,
        About(
            "Ranges",
            "What is uncertain: fields, assumptions, prices or factors, each with low and high, or low, base and high.",
            Group.OTHER,
            affects=Affects.RISK,
            empty="the catalog's ranges",
        ),
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {key: v for key, v in values.items() if not (key in ASSUMED and v in (None, NONE))}

    @model_validator(mode="after")
    def _percentiles(self) -> Self:
        for field in ("input_tokens", "output_tokens"):
            p95, mean = getattr(self, f"{field}_p95"), getattr(self, field)
            if p95 is not None and not p95 >= mean * 0.5:
                rule = f"lies far below the mean {mean:g}"
                raise InputError(f"{field}_p95", p95, rule, "give a 95th percentile, or leave it out")
        return self

    def but(self, **changes: Any) -> Scenario:
        """Return a checked copy with `changes`; raise InputError that names the field, value and rule."""
        found = make_scenario({**self.model_dump(), **changes})
        emptied = {field for field in ASSUMED if changes.get(field, 0) in (None, NONE)}
        return found._with_set((self.model_fields_set | changes.keys()) - emptied)

    def _with_set(self, fields: set[str]) -> Scenario:
        object.__setattr__(self, "__pydantic_fields_set__", fields)
        return self

    def given(self, field: str) -> Any:
        """Return a field's value; None where it is left to the catalog's assumption."""
        return getattr(self, field) if field in self.model_fields_set or field not in ASSUMED else None

    def under(self, catalog: Catalog) -> Scenario:
        """Return the scenario with the catalog's assumptions in the fields that are left empty."""
        left = {field: catalog.assumption(row).base for field, row in ASSUMED.items()}
        left = {field: value for field, value in left.items() if self.given(field) is None}
        if all(getattr(self, field) == value for field, value in left.items()):
            return self
        return self.model_copy(update=left)._with_set(self.model_fields_set)

    @property
    def buys_gpus(self) -> bool:
        """Whether nothing is rented: servers are bought, for a building of one's own in any case."""
        return self.fleet_price_kind == "bought"

    @property
    def fleet_price_kind(self) -> str:
        """How GPUs that are not owned yet are paid for."""
        in_building = self.data_stays_in_house and self.in_house == "building"
        return "bought" if in_building else self.gpu_price_kind

    @property
    def image_tokens(self) -> float:
        """Input tokens of a query's images."""
        return self.images_per_query * self.tokens_per_image

    @property
    def currency(self) -> Currency:
        """The currency that answers are shown in; a code of letters stands apart from the sum."""
        apart = " " if self.currency_symbol[-1].isalpha() else ""
        return Currency(self.currency_symbol + apart, self.currency_per_usd)

    @property
    def _week_shares(self) -> tuple[float, ...] | None:
        held = dict(self.week_profile)
        return tuple(held.get(hour, 0.0) for hour in HOURS_OF_WEEK) if held else None

    def workload(self, catalog: Catalog | None = None) -> Workload:
        """Return the workload part, with the daily profile looked up."""
        profile = None
        if self.profile_id is not None:
            profile = (catalog or load_catalog()).profile(self.profile_id)
        return Workload(
            queries_per_day=self.queries_per_day,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_input_tokens=self.input_tokens * self.cached_input_share,
            input_tokens_p95=self.input_tokens_p95,
            output_tokens_p95=self.output_tokens_p95,
            hourly_profile=profile,
            peak_to_mean=self.peak_to_mean,
            batch_share=self.batch_share,
            week_profile=self._week_shares,
            weekend_factor=self.weekend_factor,
            utc_offset_hours=self.utc_offset_hours,
            days_per_month=self.days_per_month,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values with pairs as dictionaries, as JSON and TOML want them."""
        data = self.model_dump()
        return {key: dict(value) if key in MAPPINGS else value for key, value in data.items()}


FIELDS = described(Scenario)
"""Every field by name, in the order of the record."""
ASSUMED = {name: field.about.assumed for name, field in FIELDS.items() if field.about.assumed}
"""Fields that hold the catalog's assumption where they are left empty, and the id of that."""
MAPPINGS = tuple(name for name, field in FIELDS.items() if field.shape in (Shape.PAIRS, Shape.RANGES))
"""Fields that hold names with numbers."""


def fields_that(*affect: Affects) -> tuple[str, ...]:
    """Return the fields that affect one of some things."""
    return tuple(name for name, field in FIELDS.items() if field.about.affects in affect)


def voided(changes: Mapping[str, Any]) -> dict[str, None]:
    """Return the fields that changes take away: a percentile came with another mean."""
    return {
        field.about.voids: None for name, field in FIELDS.items() if name in changes and field.about.voids
    }


def under_catalog(scenario: Scenario, catalog: Catalog | None) -> tuple[Scenario, Catalog]:
    """Return the catalog (the shipped one where None) and the scenario with its assumptions filled in."""
    catalog = catalog or load_catalog()
    return scenario.under(catalog), catalog


def make_scenario(values: Mapping[str, Any]) -> Scenario:
    """Build a Scenario; raise InputError that names the first field, its value, the rule and the fix."""
    unknown = [key for key in values if key not in Scenario.model_fields]
    if unknown:
        raise UnknownNameError("scenario field", unknown[0], Scenario.model_fields)
    try:
        return Scenario(**values)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, InputError):
            raise cause from None
        field = str(first["loc"][0]) if first["loc"] else "scenario"
        raise InputError(field, first.get("input"), *rule_and_fix(first)) from None
