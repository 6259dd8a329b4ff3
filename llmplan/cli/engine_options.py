"""A replica and how its engine is started, as options that commands without a scenario share."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from llmplan.cli.scenario_options import annotation_of, field_flag, scenario_from_options
from llmplan.scenario import FIELDS
from llmplan.scenario.about import Group

ModelName = Annotated[str, typer.Argument(help="Model id, e.g. llama-3.1-70b.", metavar="MODEL")]
FormatName = Annotated[str, typer.Option(help="Storage format: bf16, fp8, int8, w4a16 ...")]
ReplicaGpus = Annotated[int | None, typer.Option(help="GPUs of one replica; default: fewest that fit.")]
EngineName = Annotated[str | None, typer.Option(help="Engine; default: the first that supports it.")]
InputTokens = Annotated[float, typer.Option(help="Mean input tokens of a request.")]
OutputTokens = Annotated[float, typer.Option(help="Mean output tokens of a request.")]
EngineVersion = Annotated[str, typer.Option(help="Version of the engine, e.g. 0.11; default: the latest.")]
ENGINE_FIELDS = [field for field in FIELDS.values() if field.group is Group.ENGINE]
CACHE_FIELDS = [FIELDS[name] for name in ("cached_input_share", "cached_prefix", "cache_aware_routing")]
GROUPS = {"settings": ENGINE_FIELDS, "cached": CACHE_FIELDS}
"""Parameters of a command that stand for several flags of the shell."""


def with_engine(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command a scenario's flags for its `settings` of the engine and, if it has them, its `cached` prompts."""
    named = inspect.signature(function).parameters
    own = [p for p in named.values() if p.name not in GROUPS]
    asked_for = {name: some for name, some in GROUPS.items() if name in named}

    @functools.wraps(function)
    def command(**given: Any) -> None:
        from llmplan.replica.config import EngineSettings
        from llmplan.replica.reuse import PromptCache

        read: dict[str, Any] = {"settings": EngineSettings.of, "cached": PromptCache.of}
        groups = {}
        for name, some in asked_for.items():
            asked = {field.name: given.pop(field.name) for field in some}
            groups[name] = read[name](scenario_from_options(asked))
        function(**groups, **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    flags = [
        inspect.Parameter(field.name, keyword, default=None, annotation=field_flag(field))
        for some in asked_for.values()
        for field in some
    ]
    parameters = [p.replace(annotation=annotation_of(function, p.annotation), kind=keyword) for p in own]
    vars(command)["__signature__"] = inspect.Signature([*parameters, *flags])
    command.__annotations__ = {p.name: p.annotation for p in (*parameters, *flags)}
    return command
