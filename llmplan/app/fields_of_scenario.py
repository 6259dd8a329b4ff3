"""The inputs that the control panel offers for a scenario, and values there and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmplan.app.fields import Button, Check, Field, MultiSelect, Number, Select, Slider, Text
from llmplan.catalog import Catalog
from llmplan.scenario import Scenario, load_scenario, scenario_names
from llmplan.scenario.text import PRESET, scenario_to_query

NO_PROFILE = "none"
NO_LIMIT_MS = 0
NO_FIGURE = 0
CUSTOM = "custom"
THE_MEAN = 0


def scenario_fields(catalog: Catalog) -> list[Field]:
    """Return the inputs of a scenario, in groups."""
    return [*_workload(catalog), *_quality(), *_choices(catalog), *_fleet(catalog), *_display()]


def _workload(catalog: Catalog) -> list[Field]:
    group = "Workload"
    presets = ((CUSTOM, "Own values"), *((name, load_scenario(name).name) for name in scenario_names()))
    profiles = {row.profile_id: row.profile_name for row in catalog.profile_hours}
    return [
        Select("preset", "Preset", tuple(presets), group=group),
        Slider("queries_per_day", "Volume", 100, 1e7, "queries/day", group, log=True, step=1),
        Slider("input_tokens", "Input", 10, 200_000, "tokens/query", group, log=True, step=1),
        Slider("output_tokens", "Output", 1, 20_000, "tokens/query", group, log=True, step=1),
        Slider("cached_input_share", "Cached input", 0, 1, "", group, percent=True, step=0.01),
        Slider("batch_share", "May wait for batch prices", 0, 1, "", group, percent=True, step=0.01),
        Select("profile_id", "Daily profile", ((NO_PROFILE, "By peak only"), *profiles.items()), group=group),
        Slider("peak_to_mean", "Peak over mean", 1, 10, "x", group, step=0.1),
    ]


def _quality() -> list[Field]:
    group = "What a good answer is"
    return [
        Slider("quality_floor", "Quality floor", 0, 1.2, "of GPT-4o", group, percent=True, step=0.01),
        Number("ttft_limit_ms", "First token within", 0, 600_000, "ms", group, help="0: no target", step=1),
        Number("tpot_limit_ms", "Then a token every", 0, 10_000, "ms", group, help="0: no target", step=1),
        Number(
            "latency_percentile",
            "Both kept by",
            0,
            99.9,
            "% of requests",
            group,
            help="0: the mean request",
            step=0.1,
        ),
    ]


def _choices(catalog: Catalog) -> list[Field]:
    group = "Which options"
    apis = tuple((a.api_id, a.api_id) for a in catalog.apis.values() if a.status == "active")
    models = tuple((m.model_id, m.name) for m in catalog.models.values() if m.status != "measured only")
    gpus = tuple((g.gpu_id, g.name) for g in catalog.gpus.values() if g.status == "option")
    return [
        Check("data_stays_in_house", "Data must stay in house", group),
        Check("commercial_use", "Commercial use", group),
        MultiSelect("api_ids", "APIs (none chosen: all)", apis, group),
        MultiSelect("model_ids", "Open models (none chosen: all)", models, group),
        MultiSelect("gpu_ids", "GPUs (none chosen: all)", gpus, group),
    ]


def _fleet(catalog: Catalog) -> list[Field]:
    group = "Fleet"
    kinds = (("on_demand", "On demand"), ("reserved_1y", "One-year commitment"), ("spot", "Spot"))
    providers = tuple((name, name) for name in sorted({row.provider for row in catalog.gpu_prices}))
    return [
        Select("gpu_price_kind", "GPU prices", kinds, group),
        MultiSelect("gpu_providers", "GPU providers (none chosen: all)", providers, group),
        Slider("utilisation_ceiling", "Utilisation ceiling", 0.1, 1, "", group, percent=True, step=0.01),
        Slider("spare_replicas", "Spare replicas", 0, 5, "", group, step=1),
        Number(
            "engineering_usd_per_month",
            "Engineering",
            0,
            1e6,
            "USD/month",
            group,
            help="0: the catalog's hidden lines, people and updates",
            step=1,
        ),
    ]


def _display() -> list[Field]:
    group = "Currency"
    return [
        Text("currency_symbol", "Symbol", 4, group),
        Number(
            "currency_per_usd",
            "One US dollar is",
            1e-6,
            1e6,
            "",
            group,
            help="For what the pages show. Inputs and saved files stay in US dollars.",
            decimals=4,
        ),
    ]


HISTORY_BUTTONS: tuple[Button, ...] = (
    Button("undo", "Undo"),
    Button("redo", "Redo"),
    Button("reset", "Reset"),
)


def values_of(scenario: Scenario, preset: str | None) -> dict[str, Any]:
    """Return the panel's values of a scenario."""
    values = {field: getattr(scenario, field) for field in Scenario.model_fields}
    values["preset"] = preset if preset and scenario_to_query(scenario, preset).keys() <= {PRESET} else CUSTOM
    values["profile_id"] = scenario.profile_id or NO_PROFILE
    for field, empty in (
        ("ttft_limit_ms", NO_LIMIT_MS),
        ("tpot_limit_ms", NO_LIMIT_MS),
        ("latency_percentile", THE_MEAN),
        ("engineering_usd_per_month", NO_FIGURE),
    ):
        values[field] = empty if values[field] is None else values[field]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def changes_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario's changes that the panel's changed values stand for."""
    changes = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    if changes.get("profile_id") == NO_PROFILE:
        changes["profile_id"] = None
    for field in ("ttft_limit_ms", "tpot_limit_ms", "latency_percentile", "engineering_usd_per_month"):
        if changes.get(field) == 0:
            changes[field] = None
    for field in ("input_tokens", "output_tokens"):
        if field in changes:  # a mean of one's own voids the percentile that came with another mean
            changes[f"{field}_p95"] = None
    return changes
