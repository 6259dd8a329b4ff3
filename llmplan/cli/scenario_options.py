"""The flags that commands share to set a scenario, and how they become one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from llmplan.catalog import Catalog, load_catalog
from llmplan.errors import InputError
from llmplan.scenario import FIELDS, Scenario, load_scenario
from llmplan.scenario.about import ScenarioField, Shape, by_group
from llmplan.scenario.scenario import voided
from llmplan.scenario.text import field_value
from llmplan.scenario.trace import length_shares, read_trace
from llmplan.scenario.workload import Workload
from llmplan.usage.volume import COMPANIONS, MODEL, UNITS, with_volume

SHELL_TYPES: dict[Shape, Any] = {
    Shape.NUMBER: float,
    Shape.WHOLE: int,
    Shape.FLAG: bool,
    Shape.PAIRS: list[str],
    Shape.RANGES: list[str],
}
"""What the shell checks itself; everything else is text."""

Preset = Annotated[str | None, typer.Option(help="A shipped preset's name, or a scenario TOML file.")]
Trace = Annotated[
    str | None,
    typer.Option(
        help="CSV of real requests: TIMESTAMP,ContextTokens,GeneratedTokens. FILE:NAME picks a trace."
    ),
]
UsageFolder = Annotated[
    Path | None,
    typer.Option("--usage", help="A folder of llmplan usage import: the scenario is what --app asks there."),
]
AppName = Annotated[
    str | None, typer.Option("--app", help="An app of --usage; not needed where it is alone.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Any other scenario field: FIELD=VALUE, lists with commas.")
]
Data = Annotated[Path | None, typer.Option("--data", help="A catalog folder of your own.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
NO_FIELDS: dict[str, Any] = {
    "preset": Preset,
    "trace": Trace,
    "usage": UsageFolder,
    "app": AppName,
    "settings": Set,
    "data": Data,
}
"""The flags of a scenario that are no field of it."""
LOGGED_GROWTH = "logged_growth"
MADE = ("scenario", "catalog", LOGGED_GROWTH)
"""What a command takes in place of the flags; the last, if it asks for it, is --usage's growth a month or None."""


def with_scenario(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of a scenario: it takes `scenario` and `catalog`, the shell sees the flags.

    The command's own parameters come first; a flag that it has itself, by name, is its own. The others are every
    field of a scenario, and --preset, --trace, --set and --data.
    """
    takes_growth = LOGGED_GROWTH in inspect.signature(function).parameters
    own = [p for p in inspect.signature(function).parameters.values() if p.name not in MADE]
    evaluated = [p.replace(annotation=annotation_of(function, p.annotation)) for p in own]
    free = [field for name, field in FIELDS.items() if name not in {p.name for p in own}]
    fields = {field.name: field_flag(field) for field in by_group(free)}
    keyword = inspect.Parameter.KEYWORD_ONLY
    volume = {name: kind for name, kind in volume_flags().items() if name not in {p.name for p in own}}
    others = {name: kind for name, kind in NO_FIELDS.items() if name not in {p.name for p in own}}
    flags = [
        inspect.Parameter(name, keyword, default=None, annotation=kind)
        for name, kind in (fields | volume | others).items()
    ]

    @functools.wraps(function)
    def command(**given: Any) -> None:
        catalog = catalog_from(given.pop("data"))
        asked = {name: given.pop(name) for name in fields}
        start = {name: given.pop(name) for name in others if name != "data"}
        units = {name: value for name in volume if (value := given.pop(name)) is not None}
        units |= {name: asked[name] for name in COMPANIONS if asked.get(name) is not None}
        _check_one_volume(asked, units)
        stated = with_volume(scenario_from_options(asked, **start, catalog=catalog), units, catalog)
        for rule in stated.rules:
            typer.echo(rule, err=True)
        if takes_growth and start.get("usage") is not None:
            from llmplan.portfolio.apps import growth_of_app  # keeps the shell's start light

            given[LOGGED_GROWTH] = growth_of_app(start["usage"], start["app"])
        function(scenario=stated.scenario, catalog=catalog, **given)

    parameters = [p.replace(kind=keyword) for p in evaluated] + flags
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def annotation_of(function: Callable[..., None], annotation: Any) -> Any:
    return eval(annotation, function.__globals__) if isinstance(annotation, str) else annotation


def field_flag(field: ScenarioField) -> Any:
    """Return a field's option of the shell: a number, a switch, or text as `field_value` reads it."""
    about = field.about
    unit = "" if about.unit.startswith("share") or not about.unit else f" ({about.unit})"
    hints = {Shape.NAMES: ", with commas", Shape.PAIRS: ", as NAME=NUMBER; may be repeated"}
    empty = f" none: {about.empty}." if field.may_be_empty else ""
    text = f"{about.help.removesuffix('.')}{hints.get(field.shape, '')}{unit}.{empty}"
    option = typer.Option(*about.flags, help=text, rich_help_panel=f"Scenario: {field.group}")
    kind = str if field.may_be_empty else SHELL_TYPES.get(field.shape, str)
    return Annotated[kind | None, option]


def volume_flags() -> dict[str, Any]:
    """Return the options that give the volume in another unit, and what goes with them."""
    said = {name: (unit.unit, unit.help) for name, unit in UNITS.items()} | COMPANIONS
    said = {name: about for name, about in said.items() if name not in FIELDS}
    panel = "Scenario: Volume in other units"
    return {
        name: Annotated[
            (str if name == MODEL else float) | None,
            typer.Option(
                help=f"{text.removesuffix('.')}{f' ({unit})' if unit else ''}.", rich_help_panel=panel
            ),
        ]
        for name, (unit, text) in said.items()
    }


def _check_one_volume(asked: Mapping[str, Any], units: Mapping[str, Any]) -> None:
    unit = next((name for name in UNITS if name in units), None)
    if unit is not None and asked.get("queries_per_day") is not None:
        flags = f"--queries-per-day and --{unit.replace('_', '-')}"
        raise InputError(flags, "given", "are volumes both", "give one of them")


def scenario_from_options(
    fields: Mapping[str, Any],
    preset: str | None = None,
    trace: str | None = None,
    settings: list[str] | None = None,
    catalog: Catalog | None = None,
    usage: Path | None = None,
    app: str | None = None,
) -> Scenario:
    """Build the scenario of a command: preset, then trace or usage, then flags, then --set, the later winning.

    fields: the flags by field, None for those not given. catalog: whose presets and assumptions count; the
        shipped ones where None.
    """
    catalog = catalog or load_catalog()
    scenario = load_scenario(preset, catalog) if preset else Scenario()
    check_one_source(trace, usage, app)
    if usage is not None:
        from llmplan.portfolio.apps import app_of_folder  # keeps the shell's start light

        scenario = app_of_folder(usage, app, scenario, catalog).scenario
    changes: dict[str, Any] = trace_fields(trace) if trace else {}
    given = {name: _value(FIELDS[name], value) for name, value in fields.items() if value is not None}
    changes |= voided(given) | given
    for setting in settings or ():
        changes |= parse_setting(setting)
    return (scenario.but(**changes) if changes else scenario).under(catalog)


def check_one_source(trace: str | None, usage: Path | None, app: str | None) -> None:
    """Raise InputError where requests come from two places, or an app is named of none."""
    if trace is not None and usage is not None:
        raise InputError("--trace and --usage", "given", "are requests both", "give one of them")
    if app is not None and usage is None:
        raise InputError(
            "--app", app, "belongs to --usage", "give the folder that llmplan usage import wrote"
        )


def _value(field: ScenarioField, given: Any) -> Any:
    if isinstance(given, list):
        return {name: value for text in given for name, value in _pairs(field, text).items()}
    return field_value(field.name, given) if isinstance(given, str) else given


def _pairs(field: ScenarioField, text: str) -> dict[str, Any]:
    """Return the pairs of one option: NAME=NUMBER, or as links have them, NAME:NUMBER,NAME:NUMBER."""
    try:
        found: dict[str, Any] = field_value(field.name, text.replace("=", ":"))
    except InputError:
        flag = field.about.flags[0] if field.about.flags else f"--{field.name.replace('_', '-')}"
        what = field.about.names.split()[-1].upper() if field.about.names else "NAME"
        raise InputError(
            flag, text, f"is not {what}=NUMBER", f"write for example {flag} {what}=0.9"
        ) from None
    return found


def trace_fields(trace: str) -> dict[str, Any]:
    """Return the scenario fields that a trace sets; `FILE:NAME` picks one of a file's traces."""

    path, name = file_and_name(trace)
    inputs = read_trace(path, name).input_tokens
    workload = Workload.from_trace(path, name)
    fields = ("queries_per_day", "input_tokens", "output_tokens", "input_tokens_p95", "output_tokens_p95")
    return {field: getattr(workload, field) for field in fields} | {
        "peak_to_mean": min(100.0, workload.peak_to_mean),
        "input_lengths": length_shares(inputs, np.ones_like(inputs)),
        "name": Path(path).stem,
    }


def file_and_name(trace: str) -> tuple[str, str | None]:
    """Split `FILE:NAME`; a colon in the path of a file that is there belongs to the path."""
    if ":" not in trace or Path(trace).is_file():
        return trace, None
    path, _, name = trace.rpartition(":")
    return path, name or None


def parse_setting(setting: str) -> dict[str, Any]:
    """Parse FIELD=VALUE: numbers, names, `a,b` for lists, `a:1,b:2` for pairs."""
    field, sign, text = setting.partition("=")
    field = field.strip().replace("-", "_")
    if not sign or not field:
        raise InputError("--set", setting, "is not FIELD=VALUE", "write for example --set peak_to_mean=3")
    return {field: field_value(field, text)}


def catalog_from(folder: Path | None) -> Catalog:
    """Return the shipped catalog, or the user's own."""
    return load_catalog(folder)
