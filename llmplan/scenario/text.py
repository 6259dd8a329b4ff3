"""A scenario's fields as short text and back: what links and the shell's --set speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmplan.catalog import Catalog
from llmplan.errors import InputError, LlmplanError
from llmplan.foreign import parse_toml
from llmplan.scenario.about import Shape
from llmplan.scenario.presets import load_scenario, scenario_names
from llmplan.scenario.scenario import FIELDS, MAPPINGS, Scenario
from llmplan.scenario.values import NONE

PRESET = "preset"
NOT_IN_LINKS = frozenset(name for name, field in FIELDS.items() if field.about.opens_file)
"""Fields that name files: a link must not open one."""
LONGEST_REASON = 200


def field_value(field: str, text: str) -> Any:
    """Return the value that a text stands for: numbers, names, `a,b` for lists, `a:1,b:2` for pairs."""
    text = text.strip()
    shape = FIELDS[field].shape if field in FIELDS else Shape.TEXT
    if shape is Shape.NAMES and not text.startswith("["):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if shape in (Shape.PAIRS, Shape.RANGES) and not text.startswith("{"):
        return dict(_pair(field, part) for part in text.split(",") if part.strip())
    try:
        return parse_toml(f"value = {text}", field, "write a plain value")["value"]
    except InputError:
        return text


def _pair(field: str, text: str) -> tuple[str, Any]:
    name, _, numbers = text.partition(":")
    try:
        found = [float(number) for number in numbers.split("~")]
    except ValueError:
        raise InputError(field, text, "is not NAME:NUMBER", "write for example a100-80gb-sxm:1.5") from None
    return name.strip(), found if FIELDS[field].shape is Shape.RANGES else found[0]


def field_text(field: str, value: Any) -> str:
    """Return the text of a value, the inverse of `field_value`."""
    if value is None:
        return NONE
    if field in MAPPINGS:
        return ",".join(f"{name}:{_numbers(number)}" for name, number in value)
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _numbers(value: float | tuple[float, ...]) -> str:
    return "~".join(f"{number:.10g}" for number in (value if isinstance(value, tuple) else (value,)))


def scenario_to_query(
    scenario: Scenario, preset: str | None = None, catalog: Catalog | None = None
) -> dict[str, str]:
    """Return the fields of a link: the preset (of the catalog) it starts from and what differs from it."""
    base = load_scenario(preset, catalog) if preset else Scenario()
    changed = {
        field: field_text(field, value)
        for field in Scenario.model_fields
        if (value := scenario.given(field)) != base.given(field) and field not in NOT_IN_LINKS
    }
    return ({PRESET: preset} if preset else {}) | changed


def scenario_from_query(
    query: Mapping[str, str],
    check: Callable[[Scenario], object] = lambda _scenario: None,
    catalog: Catalog | None = None,
) -> tuple[Scenario, str | None, tuple[str, ...]]:
    """Read a link; return the scenario, its preset and what was ignored, in words. Never raises.

    check: raises LlmplanError for a scenario that may not be taken, one with an unknown id for instance.
    catalog: whose presets count; the shipped ones where None.
    """
    ignored: list[str] = []
    preset = query.get(PRESET)
    if preset is not None and preset not in scenario_names(catalog):
        ignored.append(f"preset {preset[:40]!r} is not known")
        preset = None
    base = load_scenario(preset, catalog) if preset else Scenario()
    asked: dict[str, str] = {}
    for field, text in query.items():
        if field in Scenario.model_fields and field not in NOT_IN_LINKS:
            asked[field] = text
        elif field != PRESET:
            ignored.append(f"{field[:40]!r} is not a field that a link can set")
    scenario, refused = _with_fields(base, asked, check)
    return scenario, preset, (*ignored, *refused)


def _with_fields(
    base: Scenario, asked: Mapping[str, str], check: Callable[[Scenario], object]
) -> tuple[Scenario, tuple[str, ...]]:
    """Set each field that holds; return the scenario and why the others do not.

    A field that only holds together with a later one (a mean with its percentile) is tried again after it.
    """
    refused = dict.fromkeys(asked, "")
    while True:
        before = len(refused)
        for field in list(refused):
            try:
                changed = base.but(**{field: field_value(field, asked[field])})
                check(changed)
            except LlmplanError as error:
                refused[field] = str(error)[:LONGEST_REASON]
            else:
                base = changed
                del refused[field]
        if not refused or len(refused) == before:
            return base, tuple(refused.values())
