"""The shell's door: `llmplan COMMAND`, the library's own functions with --json."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from llmplan.cli.boundary import bounded, one_line

COMMANDS = {
    "accuracy": "accuracy",
    "calibrate": "accuracy",
    "add-model": "add_model",
    "claims": "claims",
    "compare": "compare",
    "breakeven": "compare",
    "check-data": "data",
    "prices": "data",
    "refresh-prices": "data",
    "export": "export",
    "report": "export",
    "import-benchmark": "import_benchmark",
    "ops": "ops",
    "plan": "plan",
    "portfolio": "portfolio",
    "accuracy-quality": "quality",
    "accuracy-tokens": "quality",
    "models": "quality",
    "calibrate-quality": "quality",
    "risk": "risk",
    "recommend": "risk",
    "route": "route",
    "route-eval": "route_eval",
    "dashboard": "serve",
    "publish": "serve",
    "lab": "serve",
    "simulate": "simulate",
    "size": "size",
    "search": "size",
    "usage": "usage",
}
"""Each command, in the order of --help, and the module of this room that holds it: a call loads no other."""
SERVERS = "serve"
"""The module of commands that stay for hours."""
COLLECT_AFTER = 100_000
"""Objects made before Python looks for circles among the young ones."""


@cache
def commands_in(module: str) -> typer.Typer:
    """Return the commands that a module of this room registers, none of which takes a number out of its range."""
    own = typer.Typer()
    import_module(f"{__name__}.{module}").register(own)
    for group in (own, *(group.typer_instance for group in own.registered_groups)):
        for command in group.registered_commands if group else ():
            command.callback = command.callback and bounded(command.callback)
    return own


@cache
def _made(module: str) -> Mapping[str, Any]:
    return typer.main.get_group(commands_in(module)).commands


class _Shell(TyperGroup):
    """A group that knows its commands by name and makes each when somebody asks for it."""

    def __init__(self, **about: Any) -> None:
        super().__init__(**about | {"commands": dict.fromkeys(COMMANDS)})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name; `ctx` is click's."""
        del ctx
        return _made(COMMANDS[cmd_name])[cmd_name] if cmd_name in COMMANDS else None


app = typer.Typer(
    name="llmplan",
    cls=_Shell,
    callback=lambda: None,
    help="Call LLM APIs, self-host open-weight models, or route between both: with numbers to check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; whatever goes wrong ends with one line and no traceback."""
    if COMMANDS.get("".join(sys.argv[1:2])) != SERVERS:
        _hurry()
    with one_line():
        app()


def _hurry() -> None:
    """Prepare for a second of work: neither threads that wait for numpy's work nor frequent collections pay there."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(COLLECT_AFTER)
    atexit.register(gc.freeze)  # what is left at the end needs no last search
