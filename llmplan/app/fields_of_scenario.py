"""The inputs that the control panel offers for a scenario, and values there and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from llmplan.app.fields import Button, Check, Field, MultiSelect, Number, Options, Select, Slider, Text
from llmplan.catalog import Catalog
from llmplan.scenario import FIELDS, Scenario, load_scenario, scenario_names
from llmplan.scenario.about import ScenarioField, Shape, Slide, by_group
from llmplan.scenario.names import catalog_names
from llmplan.scenario.scenario import voided
from llmplan.scenario.text import PRESET, scenario_to_query
from llmplan.scenario.values import NONE
from llmplan.units import TOKENS_PER_MTOK
from llmplan.usage.volume import CALLS, UNITS, VolumeUnit, queries_per_day_of_one, task_in_words

CUSTOM = "custom"
SHARE = "share"
FIRST = "Your case"
"""The group of the inputs that stand open; the others wait under "More"."""
PEAK = "peak_to_mean"
TODAY = "reference_api_id"
OWN_UNITS = {
    "tokens": "tokens_per_month",
    "per_s": "requests_per_s",
    "users": "concurrent_users",
    "tasks": "tasks_per_day",
    "bill": "monthly_bill",
}
"""Units of the volume that the shell has flags for, by what the scenario calls them."""
HISTORY_BUTTONS: tuple[Button, ...] = (
    Button("undo", "Undo"),
    Button("redo", "Redo"),
    Button("reset", "Reset"),
)


def scenario_fields(catalog: Catalog, scenario: Scenario) -> list[Field]:
    """Return the inputs of a scenario: first those that stand open, then the others in their groups."""
    presets = tuple((name, load_scenario(name, catalog).name) for name in scenario_names(catalog))
    preset = Select(PRESET, "Start from", ((CUSTOM, "Own values"), *presets), group=FIRST)
    unit = UNITS.get(_flag_of(scenario.volume_unit))
    idle = {name for each in UNITS.values() for name in _companions(each)} - _companions(unit)
    shown = [field for field in FIELDS.values() if field.about.panel is not None and field.name not in idle]
    first = sorted(filter(_stands_open, shown), key=_stands_open)
    inputs = [replace(_input(field, catalog), group=FIRST) for field in first]
    inputs += [_input(field, catalog) for field in by_group(shown) if not _stands_open(field)]
    return [preset, *(_of_scenario(each, scenario, catalog) for each in inputs)]


def _stands_open(field: ScenarioField) -> int:
    return field.about.panel.first if field.about.panel else 0


def _of_scenario(each: Field, scenario: Scenario, catalog: Catalog) -> Field:
    """Return an input as this scenario has it: below its profile's own peak, the peak would move nothing."""
    if isinstance(each, Slider) and each.key == PEAK:
        own = scenario.model_copy(update={PEAK: 1.0}).workload(catalog).busiest_to_mean
        return replace(each, min=own, step=None) if own > 1 else each
    if isinstance(each, Select) and each.key == TODAY and scenario.reference_api_id not in dict(each.options):
        return replace(each, options=((scenario.reference_api_id,) * 2, *each.options))  # no longer offered
    return each


def _input(field: ScenarioField, catalog: Catalog) -> Field:
    """Return the input of a field, as its shape asks for."""
    name, about = field.name, field.about
    if field.shape is Shape.FLAG:
        return Check(name, about.label, field.group, hint=about.help)
    if field.shape is Shape.NAMES:
        label = f"{about.label} (none chosen: {about.empty})"
        return MultiSelect(name, label, offered(catalog, about.names), field.group, hint=about.help)
    if about.names or field.choices:
        empty = ((NONE, about.empty),) if field.is_optional else ()
        choices = (*empty, *(about.choices or offered(catalog, about.names)))
        return Select(name, about.label, choices, field.group, hint=about.help)
    if field.shape is Shape.TEXT:
        return Text(name, about.label, int(about.panel.high) if about.panel else 0, field.group)
    return _number(field)


def _number(field: ScenarioField) -> Number:
    about, panel = field.about, field.about.panel
    assert panel is not None, "asked for fields of the panel only"
    percent = about.unit.startswith(SHARE)
    unit = about.unit.removeprefix(SHARE).strip()
    number = Number(
        field.name,
        about.label,
        panel.low,
        panel.high,
        unit,
        field.group,
        step=panel.step,
        percent=percent,
        hint=about.help,
    )
    if isinstance(panel, Slide):
        return Slider(**asdict(number), log=panel.log)
    return replace(
        number,
        unit=panel.unit or unit,
        help=f"Empty: {about.empty}." if field.is_optional else "",
        decimals=panel.decimals,
        times=panel.times,
        empty=about.empty if field.is_optional else "",
    )


def offered(catalog: Catalog, what: str) -> Options:
    """Return (name, label) of what can be chosen of a kind of names."""
    if what == "api":
        return tuple((a.api_id, a.api_id) for a in catalog.apis.values() if a.is_offered(catalog.today))
    if what in ("model", "scored model"):  # of models that are tuned, only the open ones can be chosen here
        return tuple((m.model_id, m.name) for m in catalog.models.values() if m.status != "measured only")
    if what == "gpu":
        return tuple((g.gpu_id, g.name) for g in catalog.gpus.values() if g.status == "option")
    if what == "profile":
        return tuple({row.profile_id: row.profile_name for row in catalog.profile_hours}.items())
    if what in ("API provider", "GPU provider"):
        return tuple((name, catalog.provider_name(name)) for name in sorted(catalog_names(catalog, what)))
    return tuple((name, name) for name in sorted(catalog_names(catalog, what)))


def shown_units(scenario: Scenario, catalog: Catalog) -> dict[str, tuple[float, str, str]]:
    """Return how inputs show the volume: by what it is multiplied, the unit that it then has, and the rule in words."""
    shown = scenario.volume_unit
    times, unit, rule = {
        "day": (1.0, "queries/day", ""),
        "month": (scenario.days_per_month, "queries/month", ""),
    }.get(shown) or _own_unit(_flag_of(shown), scenario, catalog)
    return {"queries_per_day": (times, unit, rule)}


def _flag_of(volume_unit: str) -> str:
    return OWN_UNITS.get(volume_unit, volume_unit)


def _companions(unit: VolumeUnit | None) -> set[str]:
    """Return the fields that a volume in a unit goes with."""
    return set() if unit is None else {unit.needs} - {""} | ({CALLS} if unit.counts_tasks else set())


def _own_unit(name: str, scenario: Scenario, catalog: Catalog) -> tuple[float, str, str]:
    about = UNITS[name]
    companions = {name: getattr(scenario, name) for name in _companions(about)}
    times = 1 / queries_per_day_of_one(name, scenario, companions, catalog)
    said = f"Queries/day = {about.rule}."
    if companions.get(CALLS, 1) > 1:
        said += f" {task_in_words(scenario)}"
    if name == "tokens_per_month":
        return times / TOKENS_PER_MTOK, f"M {about.unit}", said
    return times, about.unit, said


def values_of(scenario: Scenario, preset: str | None, catalog: Catalog) -> dict[str, Any]:
    """Return the panel's values of a scenario."""
    kept = preset and scenario_to_query(scenario, preset, catalog).keys() <= {PRESET}
    values = {name: _shown(field, getattr(scenario, name)) for name, field in FIELDS.items()}
    values[PEAK] = scenario.workload(catalog).busiest_to_mean
    return values | {PRESET: preset if kept else CUSTOM}


def _shown(field: ScenarioField, value: Any) -> Any:
    if value is None and field.shape in (Shape.TEXT, Shape.CHOICE):
        return NONE
    return list(value) if isinstance(value, tuple) else value


def changes_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario's changes that the panel's changed values stand for."""
    changes = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return changes | voided(changes)
