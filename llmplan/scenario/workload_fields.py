"""The work: volume, tokens, caching, times of the day."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel

from llmplan.scenario.about import About, Affects, Box, Group, Slide
from llmplan.scenario.values import EMPTY, LengthShares, WeekShares, assumed, limits

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
    ("tasks", "Tasks of agents a day"),
    ("bill", "Bill of a month, of what runs today"),
)
CACHE_LIFETIMES = (("minutes", "Minutes"), ("hour", "An hour and more"))
SERVICE_TIERS = (
    ("standard", "Standard"),
    ("priority", "Priority: dearer, faster"),
    ("flex", "Flex: cheaper, slower"),
)
CACHED_PREFIXES = (
    ("shared", "One prefix that all queries share"),
    ("own", "Each conversation's own"),
    ("own-synthetic", "Each document's or conversation's own, of public data sets"),
)


class WorkloadFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """The work: volume, tokens, caching, times of the day."""

    GROUP: ClassVar[Group] = Group.WORKLOAD

    queries_per_day: Annotated[
        float,
        limits(gt=0, le=1e9),
        About(
            "Volume",
            "Queries a day, mean over the month.",
            "queries/day",
            affects=Affects.VOLUME,
            panel=Slide(100, 1e7, log=True, first=2),
        ),
    ] = 50_000
    volume_unit: Annotated[
        Literal["day", "month", "tokens", "per_s", "users", "seats", "tasks", "bill"],
        About(
            "Volume is given in",
            "Unit in which inputs show the volume; answers, files and links have queries a day.",
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
            "prompts/day",
            affects=Affects.SHOWN,
            panel=Box(0.01, 1e6, first=3),
        ),
    ] = 10
    calls_per_task: Annotated[
        int,
        limits(ge=1, le=10_000),
        About(
            "Calls of a task",
            "Agents: calls of a task, of a prompt or of a user's question; for a volume in these. Given to the shell, "
            "volume, input and output are a task's: the first call's and each call's.",
            "calls/task",
            affects=Affects.SHOWN,
            panel=Box(1, 1e4, 1, first=3),
        ),
    ] = 1
    input_tokens: Annotated[
        float,
        limits(ge=1, le=2_000_000),
        About(
            "Input",
            "Mean input tokens of a query.",
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
            "tokens/query",
            empty="the mean",
        ),
    ] = None
    token_basis: Annotated[
        Literal["today", "equal"],
        About(
            "Tokens of other models",
            "Whether the tokens are as today's model counts them and others spend their own, or all the same.",
            panel=Box(),
            choices=TOKEN_BASES,
        ),
    ] = "today"
    text_kind: Annotated[
        str,
        About(
            "Kind of text",
            "Language and kind of the input, by which tokenizers differ.",
            names="text kind",
        ),
    ] = "en-prose"
    images_per_query: Annotated[
        float,
        limits(ge=0, le=1_000),
        About(
            "Images",
            "Mean images of a query, beside its text: models that are not known to take images are out.",
            "images/query",
        ),
    ] = 0.0
    tokens_per_image: Annotated[
        float,
        limits(ge=1, le=100_000),
        About(
            "Tokens of an image",
            "Input tokens that one image counts as: models differ, and it grows with the pixels.",
            "tokens/image",
        ),
    ] = 1_000
    cached_input_share: Annotated[
        float,
        limits(ge=0, le=1),
        About(
            "Cached input",
            "Share of input tokens that a prompt cache serves, a provider's or the engine's own.",
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
            "share of the input",
            empty="all that is not read of conversations' own prefixes, nothing of a shared one",
        ),
    ] = None
    cache_lifetime: Annotated[
        Literal["minutes", "hour"],
        About(
            "Provider keeps it for",
            "How long a provider keeps what is written: some ask more for the longer time.",
            choices=CACHE_LIFETIMES,
        ),
    ] = "minutes"
    batch_share: Annotated[
        float,
        limits(ge=0, le=1),
        About(
            "May wait for batch",
            "Share of queries that can wait: for a provider's batch price, or for the valleys of a fleet's load.",
            "share of queries",
            panel=Slide(0, 1, 0.01),
        ),
    ] = 0.0
    service_tier: Annotated[
        Literal["standard", "priority", "flex"],
        About(
            "Service tier",
            "Tier that queries are sent at which do not wait for batch; standard where a provider does not sell it.",
            choices=SERVICE_TIERS,
        ),
    ] = "standard"
    profile_id: Annotated[
        str | None,
        EMPTY,
        About(
            "Daily profile",
            "How the day's queries spread over its hours.",
            empty="By peak only",
            panel=Box(),
            names="profile",
        ),
    ] = None
    input_lengths: Annotated[
        LengthShares,
        About(
            "Lengths of requests",
            "Input tokens of requests, each with its share, as 900=0.95; scaled to the mean. Prices that rise with context "
            "go by them in place of the 95th percentile.",
            empty="as the mean and the 95th percentile say",
        ),
    ] = ()
    week_profile: Annotated[
        WeekShares,
        About(
            "Profile of the week",
            "Queries of each hour of the week, in any unit, as mon-09=1.7; hours left out have none. It takes the place of "
            "the daily profile and the weekend.",
            empty="the daily profile, and the weekend",
        ),
    ] = ()
    peak_to_mean: Annotated[
        float,
        limits(ge=1, le=100),
        About(
            "Peak over mean",
            "Rate of the busiest time over the mean rate; at least the profile's own.",
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
            "x",
        ),
    ] = 1.0
    utc_offset_hours: Annotated[
        float,
        limits(ge=-12, le=14),
        About(
            "Clock",
            "How far the daily profile's clock is ahead of UTC, in which some providers have dearer hours.",
            "hours",
        ),
    ] = 0.0
    days_per_month: Annotated[
        float,
        limits(ge=1, le=31),
        About(
            "Days a month",
            "The one calendar convention; GPU-hours follow from it.",
            "days/month",
            empty="the catalog's assumption",
            assumed="days-per-month",
        ),
    ] = assumed("days-per-month")
