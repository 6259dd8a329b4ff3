"""The flags that commands share to set a scenario, and how they become one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.constraint_options import FLAGS as CONSTRAINTS
from llmplan.cli.constraint_options import constraint_fields
from llmplan.errors import InputError

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.scenario import Scenario

QueriesPerDay = Annotated[float | None, typer.Option(help="Queries a day, mean over the month.")]
InputTokens = Annotated[float | None, typer.Option(help="Mean input tokens of a query.")]
OutputTokens = Annotated[float | None, typer.Option(help="Mean output tokens of a query.")]
Preset = Annotated[str | None, typer.Option(help="A shipped preset's name, or a scenario TOML file.")]
Trace = Annotated[
    str | None,
    typer.Option(
        help="CSV of real requests: TIMESTAMP,ContextTokens,GeneratedTokens. FILE:NAME picks a trace."
    ),
]
QualityFloor = Annotated[float | None, typer.Option(help="Least quality as a share of the reference API's.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Any other scenario field: FIELD=VALUE, lists with commas.")
]
Data = Annotated[Path | None, typer.Option("--data", help="A catalog folder of your own.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
FLAGS: dict[str, Any] = {
    "queries_per_day": QueriesPerDay,
    "input_tokens": InputTokens,
    "output_tokens": OutputTokens,
    "preset": Preset,
    "trace": Trace,
    "quality_floor": QualityFloor,
    "settings": Set,
    "data": Data,
    **CONSTRAINTS,
}
MADE = ("scenario", "catalog")
"""What a command takes in place of the flags."""


def with_scenario(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of a scenario: it takes `scenario` and `catalog`, the shell sees the flags.

    The command's own parameters come first; the flags are those of `scenario_from_options`, and --data.
    """
    own = [p for p in inspect.signature(function).parameters.values() if p.name not in MADE]
    evaluated = [p.replace(annotation=_annotation(function, p.annotation)) for p in own]
    keyword = inspect.Parameter.KEYWORD_ONLY
    flags = [inspect.Parameter(name, keyword, default=None, annotation=kind) for name, kind in FLAGS.items()]

    @functools.wraps(function)
    def command(**given: Any) -> None:
        asked = {name: given.pop(name) for name in FLAGS}
        catalog = catalog_from(asked.pop("data"))
        asked["constraints"] = {name: asked.pop(name) for name in CONSTRAINTS}
        function(scenario=scenario_from_options(**asked, catalog=catalog), catalog=catalog, **given)

    parameters = [p.replace(kind=keyword) for p in evaluated] + flags
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _annotation(function: Callable[..., None], annotation: Any) -> Any:
    return eval(annotation, function.__globals__) if isinstance(annotation, str) else annotation


def scenario_from_options(
    queries_per_day: float | None = None,
    input_tokens: float | None = None,
    output_tokens: float | None = None,
    preset: str | None = None,
    trace: str | None = None,
    quality_floor: float | None = None,
    settings: list[str] | None = None,
    constraints: Mapping[str, Any] | None = None,
    catalog: Catalog | None = None,
) -> Scenario:
    """Build the scenario of a command: preset, then trace, then flags, then --set, the later winning.

    constraints: the flags of `constraint_options`, by scenario field. catalog: whose presets and assumptions
        count; the shipped ones where None.
    """
    from llmplan.catalog import load_catalog
    from llmplan.scenario import Scenario, load_scenario

    catalog = catalog or load_catalog()
    scenario = load_scenario(preset, catalog) if preset else Scenario()
    changes: dict[str, Any] = trace_fields(trace) if trace else {}
    flags = {
        "queries_per_day": queries_per_day,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "quality_floor": quality_floor,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    for field in ("input_tokens", "output_tokens"):
        if field in given:  # a mean of one's own voids the percentile that came with another mean
            changes[f"{field}_p95"] = None
    changes |= given | constraint_fields(constraints or {})
    for setting in settings or ():
        changes |= parse_setting(setting)
    return (scenario.but(**changes) if changes else scenario).under(catalog)


def trace_fields(trace: str) -> dict[str, Any]:
    """Return the scenario fields that a trace sets; `FILE:NAME` picks one of a file's traces."""
    from llmplan.scenario.workload import Workload

    path, name = file_and_name(trace)
    workload = Workload.from_trace(path, name)
    fields = ("queries_per_day", "input_tokens", "output_tokens", "input_tokens_p95", "output_tokens_p95")
    return {field: getattr(workload, field) for field in fields} | {
        "peak_to_mean": min(100.0, workload.peak_to_mean),
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
    from llmplan.scenario.text import field_value

    field, sign, text = setting.partition("=")
    field = field.strip().replace("-", "_")
    if not sign or not field:
        raise InputError("--set", setting, "is not FIELD=VALUE", "write for example --set peak_to_mean=3")
    return {field: field_value(field, text)}


def catalog_from(folder: Path | None) -> Catalog:
    """Return the shipped catalog, or the user's own."""
    from llmplan.catalog import load_catalog

    return load_catalog(folder)
