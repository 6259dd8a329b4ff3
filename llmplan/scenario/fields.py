"""One frozen record of plain values: what sliders, presets, links, the shell and slides all speak."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from llmplan.catalog import Catalog, DataFolder, data_dir, load_catalog, shipped_assumption
from llmplan.errors import InputError, UnknownNameError, read_text, rule_and_fix
from llmplan.scenario.workload import Workload
from llmplan.wording import Currency

MOST_DOTS = 500
"""In a line of a scenario file: numbers and names have a few."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Pairs = tuple[tuple[str, float], ...]
Ranges = tuple[tuple[str, tuple[float, ...]], ...]
Ids = tuple[str, ...]
NONE = "none"
"""How TOML and links, which have no null, say that a value is taken away."""
LISTS = (
    "regions",
    "gpu_providers",
    "api_providers",
    "api_ids",
    "model_ids",
    "precision_ids",
    "gpu_ids",
    "engine_ids",
)
"""Fields that hold names, each once."""
OPTIONAL = (
    "input_tokens_p95",
    "output_tokens_p95",
    "profile_id",
    "ttft_limit_ms",
    "tpot_limit_ms",
    "latency_percentile",
    "monthly_active_users",
    "engineering_usd_per_month",
)
"""Fields that may be without a value."""
ASSUMED = {"days_per_month": "days-per-month", "utilisation_ceiling": "utilisation-ceiling"}
"""Fields that hold the catalog's assumption where they are left empty, and the id of that."""


def _assumed(field: str) -> Any:
    return Field(default_factory=lambda: shipped_assumption(ASSUMED[field]))


class Scenario(BaseModel):
    """Everything that an answer rests on besides the catalog. Empty tuples of ids mean: all of them.

    The fields of `ASSUMED` may be left empty (out, or None): they then hold the assumption of the shipped
    catalog until `under` puts that of another in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80)] = "custom"
    # workload
    queries_per_day: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 50_000
    input_tokens: Annotated[float, Field(ge=1, le=2_000_000, allow_inf_nan=False)] = 1_000
    output_tokens: Annotated[float, Field(ge=1, le=200_000, allow_inf_nan=False)] = 300
    input_tokens_p95: Annotated[float, Field(ge=1, le=2_000_000, allow_inf_nan=False)] | None = None
    output_tokens_p95: Annotated[float, Field(ge=1, le=200_000, allow_inf_nan=False)] | None = None
    cached_input_share: Share = 0.0
    """Share of input tokens that a prompt cache serves."""
    batch_share: Share = 0.0
    """Share of queries that can wait for a provider's batch price."""
    profile_id: str | None = None
    peak_to_mean: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] = 2.0
    days_per_month: Annotated[float, Field(ge=1, le=31, allow_inf_nan=False)] = _assumed("days_per_month")
    # what a good answer is
    quality_floor: Annotated[float, Field(ge=0, le=1.5, allow_inf_nan=False)] = 0.0
    """Least quality, as a share of the reference API's (1 = equal), weighted by the task mix."""
    reference_api_id: str = "gpt-4o"
    task_mix: Pairs = ()
    """Task and its share; empty: all tasks alike."""
    task_quality_floors: Pairs = ()
    """Least quality by task, as a share of the reference API's; a task that has no score misses its floor."""
    model_quality: Pairs = ()
    """Quality from an evaluation of the user's own, by model id; it replaces the benchmarks' figure."""
    ttft_limit_ms: Annotated[float, Field(gt=0, le=3.6e6, allow_inf_nan=False)] | None = 2_000
    tpot_limit_ms: Annotated[float, Field(gt=0, le=60_000, allow_inf_nan=False)] | None = 100
    latency_percentile: Annotated[float, Field(ge=50, le=99.9, allow_inf_nan=False)] | None = None
    """Share of requests at the peak that keep the latency targets, in percent; None: the mean request does."""
    min_context_tokens: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    # constraints
    commercial_use: bool = True
    monthly_active_users: Annotated[int, Field(ge=0, le=10_000_000_000)] | None = None
    data_stays_in_house: bool = False
    """True: no query may leave for an API."""
    regions: Ids = ()
    """Allowed areas (us, eu) or beginnings of a GPU offer's region; token prices carry none, so stay in."""
    gpu_providers: Ids = ()
    api_providers: Ids = ()
    api_ids: Ids = ()
    model_ids: Ids = ()
    precision_ids: Ids = ()
    gpu_ids: Ids = ()
    engine_ids: Ids = ()
    # fleet and its price
    gpu_price_kind: Literal["on_demand", "reserved_1y", "reserved_short", "spot", "serverless"] = "on_demand"
    utilisation_ceiling: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = _assumed(
        "utilisation_ceiling"
    )
    spare_replicas: Annotated[int, Field(ge=0, le=100)] = 1
    engineering_usd_per_month: Annotated[float, Field(ge=0, le=1e8, allow_inf_nan=False)] | None = None
    """Replaces the hidden cost lines, people and updates by one figure; None: the catalog's lines."""
    gpu_usd_per_hour: Pairs = ()
    """Own GPU prices, by GPU id; they replace the catalog's offers, in lots of one."""
    api_input_usd_per_mtok: Pairs = ()
    api_output_usd_per_mtok: Pairs = ()
    api_cached_input_usd_per_mtok: Pairs = ()
    measured_csv: str | None = None
    """A file of the user's own measured points (columns of data/measured_serving.csv)."""
    # how money is shown; every sum is worked out in USD
    currency_symbol: Annotated[str, Field(min_length=1, max_length=4)] = "$"
    """A sign or letters: $, €, R$, CHF."""
    currency_per_usd: Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)] = 1.0
    """How much of the currency one US dollar buys."""
    # what is not known exactly
    ranges: Ranges = ()
    """Name and (low, high) or (low, base, high): a field, an assumption, a price or a factor that becomes a
    distribution. Names as in `llmplan.risk.inputs`; they leave the base case alone."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {key: v for key, v in values.items() if not (key in ASSUMED and v in (None, NONE))}

    @field_validator(
        "task_mix",
        "task_quality_floors",
        "model_quality",
        "gpu_usd_per_hour",
        "api_input_usd_per_mtok",
        "api_output_usd_per_mtok",
        "api_cached_input_usd_per_mtok",
        mode="before",
    )
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        items = list(value.items() if isinstance(value, Mapping) else value)
        if not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in items):
            raise ValueError("give names, each with its number")
        return tuple(sorted((str(key), number) for key, number in items))

    @field_validator(*LISTS, mode="after")
    @classmethod
    def _once(cls, value: Ids) -> Ids:
        return tuple(dict.fromkeys(value))

    @field_validator("ranges", mode="before")
    @classmethod
    def _ranges(cls, value: Any) -> Any:
        items = value.items() if isinstance(value, Mapping) else value
        return tuple(sorted((str(key), tuple(numbers)) for key, numbers in items))

    @field_validator("ranges")
    @classmethod
    def _ordered(cls, value: Ranges) -> Ranges:
        for name, numbers in value:
            if len(numbers) not in (2, 3):
                raise ValueError(f"{name}: give low and high, or low, base and high")
            if not (numbers[0] >= 0 and list(numbers) == sorted(numbers) and numbers[-1] < float("inf")):
                raise ValueError(f"{name}: needs 0 <= low <= base <= high, all finite")
        return value

    @field_validator("currency_symbol")
    @classmethod
    def _symbol(cls, value: str) -> str:
        if not all(unicodedata.category(mark) == "Sc" or mark.isalpha() for mark in value):
            raise ValueError("must be a currency's sign or letters, such as €, R$ or CHF")
        return value

    @field_validator(*OPTIONAL, mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return None if value == NONE else value

    @field_validator("name", "currency_symbol")
    @classmethod
    def _readable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must hold printable characters only")
        return value

    @field_validator("task_quality_floors", "model_quality")
    @classmethod
    def _floors(cls, value: Pairs) -> Pairs:
        if not all(0 <= share <= 1.5 for _, share in value):
            raise ValueError("shares of the reference's quality must lie between 0 and 1.5")
        return value

    @field_validator("task_mix")
    @classmethod
    def _shares(cls, value: Pairs) -> Pairs:
        if not all(0 <= share < float("inf") for _, share in value):
            raise ValueError("shares must be at least 0")
        if value and not sum(share for _, share in value) > 0:
            raise ValueError("at least one share must be above 0")
        return value

    @field_validator(
        "gpu_usd_per_hour",
        "api_input_usd_per_mtok",
        "api_output_usd_per_mtok",
        "api_cached_input_usd_per_mtok",
    )
    @classmethod
    def _prices(cls, value: Pairs) -> Pairs:
        if not all(0 <= price < float("inf") for _, price in value):
            raise ValueError("prices must be at least 0")
        return value

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
    def currency(self) -> Currency:
        """The currency that answers are shown in; a code of letters stands apart from the sum."""
        apart = " " if self.currency_symbol[-1].isalpha() else ""
        return Currency(self.currency_symbol + apart, self.currency_per_usd)

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
            days_per_month=self.days_per_month,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values with pairs as dictionaries, as JSON and TOML want them."""
        data = self.model_dump()
        return {key: dict(value) if _is_pairs(key) else value for key, value in data.items()}


def _is_pairs(field: str) -> bool:
    named = ("task_mix", "task_quality_floors", "model_quality", "ranges")
    return field in named or field.endswith(("_usd_per_hour", "_usd_per_mtok"))


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


def scenario_names(catalog: Catalog | None = None) -> list[str]:
    """Return the presets' names: those of the catalog's folder, and the shipped ones."""
    folders = {data_dir(), data_dir() if catalog is None else catalog.folder.path}
    return sorted({path.stem for folder in folders for path in (folder / "scenarios").glob("*.toml")})


def load_scenario(name_or_path: str | Path, catalog: Catalog | None = None) -> Scenario:
    """Load a preset by name, or a TOML file by path (anything with a slash or .toml).

    catalog: whose folder's presets come before the shipped ones, and whose assumptions fill empty fields.
    """
    text = str(name_or_path)
    if text.endswith(".toml") or "/" in text or "\\" in text:
        path = Path(text)
        if not path.is_file():
            raise InputError("scenario file", text, "no such file", "give a path to a TOML file")
    else:
        names = scenario_names(catalog)
        if text not in names:
            raise UnknownNameError("preset", text, names)
        folder = DataFolder(data_dir()) if catalog is None else catalog.folder
        path = folder.find(f"scenarios/{text}.toml")
    found = scenario_from_toml(read_text(path, "scenario file"))
    return found if catalog is None else found.under(catalog)


def scenario_from_toml(text: str) -> Scenario:
    """Parse TOML; raise InputError on bad syntax, unknown keys or values against a rule."""
    # The parser's memory grows with the square of a dotted key's parts: a scenario has none of many.
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise InputError("scenario", text[:40], f"has over {MOST_DOTS} dots in a line", "write plain fields")
    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise InputError("scenario", str(error), "is not valid TOML", "mend the line that it names") from None
    except (
        RecursionError,
        ValueError,
    ):  # brackets within brackets without end, a number of thousands of digits
        rule = "is nested too deeply, or holds too long a number"
        raise InputError("scenario", text[:40], rule, "write plain fields") from None
    return make_scenario(values)


def scenario_to_toml(scenario: Scenario) -> str:
    """Write a scenario as TOML; fields that hold their default are left out, a limit taken away is "none"."""
    import tomli_w

    defaults = {key: None if key in ASSUMED else value for key, value in Scenario().to_dict().items()}
    values = scenario.to_dict() | {field: scenario.given(field) for field in ASSUMED}
    data = {k: v for k, v in values.items() if v is not None and v != defaults[k]}
    data |= {k: NONE for k, v in values.items() if v is None and defaults[k] is not None}
    return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in data.items()})


def check_ids(scenario: Scenario, catalog: Catalog) -> None:
    """Raise UnknownNameError for the first id in the scenario that the catalog does not hold."""
    tasks = {row.task_id for row in catalog.tasks}
    known: dict[str, Any] = {
        "api_ids": catalog.apis,
        "model_ids": catalog.models,
        "precision_ids": catalog.precisions,
        "gpu_ids": catalog.gpus,
        "engine_ids": catalog.engines,
        "gpu_providers": {row.provider for row in catalog.gpu_prices},
        "api_providers": {row.provider for row in catalog.apis.values()},
        "gpu_usd_per_hour": catalog.gpus,
        "api_input_usd_per_mtok": catalog.apis,
        "api_output_usd_per_mtok": catalog.apis,
        "api_cached_input_usd_per_mtok": catalog.apis,
        "task_mix": tasks,
        "task_quality_floors": tasks,
        "model_quality": {**catalog.models, **catalog.other_models},
    }
    for field, names in known.items():
        for entry in getattr(scenario, field):
            name = entry if isinstance(entry, str) else entry[0]
            if name not in names:
                raise UnknownNameError(field, name, names)
    if scenario.reference_api_id not in catalog.apis:
        raise UnknownNameError("reference_api_id", scenario.reference_api_id, catalog.apis)
    regions = sorted({name for row in catalog.gpu_prices for name in (row.area or "", row.region)} - {""})
    for region in scenario.regions:
        if not any(name.lower().startswith(region.lower()) for name in regions):
            raise UnknownNameError("regions", region, regions)
    profiles = {row.profile_id for row in catalog.profile_hours}
    if scenario.profile_id is not None and scenario.profile_id not in profiles:
        raise UnknownNameError("profile_id", scenario.profile_id, profiles)


__all__ = [
    "Scenario",
    "check_ids",
    "load_scenario",
    "make_scenario",
    "scenario_from_toml",
    "scenario_names",
    "scenario_to_toml",
    "under_catalog",
]
