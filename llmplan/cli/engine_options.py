"""How an engine is started, as options that commands without a scenario share with those that have one."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from llmplan.cli.scenario_options import annotation_of, field_flag, scenario_from_options
from llmplan.scenario import FIELDS
from llmplan.scenario.about import Group

EngineVersion = Annotated[str, typer.Option(help="Version of the engine, e.g. 0.11; default: the latest.")]
ENGINE_FIELDS = [field for field in FIELDS.values() if field.about.group is Group.ENGINE]


def with_engine(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of a scenario's engine: it takes `settings`, the shell sees the flags."""
    own = [p for p in inspect.signature(function).parameters.values() if p.name != "settings"]

    @functools.wraps(function)
    def command(**given: Any) -> None:
        from llmplan.replica.config import EngineSettings

        asked = {field.name: given.pop(field.name) for field in ENGINE_FIELDS}
        function(settings=EngineSettings.of(scenario_from_options(asked)), **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    flags = [
        inspect.Parameter(field.name, keyword, default=None, annotation=field_flag(field))
        for field in ENGINE_FIELDS
    ]
    parameters = [p.replace(annotation=annotation_of(function, p.annotation), kind=keyword) for p in own]
    vars(command)["__signature__"] = inspect.Signature([*parameters, *flags])
    command.__annotations__ = {p.name: p.annotation for p in (*parameters, *flags)}
    return command
