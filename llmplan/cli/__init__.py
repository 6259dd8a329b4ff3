"""The shell's door: `llmplan COMMAND`, the library's own functions with --json."""

import importlib
import pkgutil

import typer

from llmplan.cli.boundary import bounded, one_line

app = typer.Typer(
    name="llmplan",
    help="Call LLM APIs, self-host open-weight models, or route between both: with numbers to check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    _register = getattr(importlib.import_module(f"{__name__}.{_module}"), "register", None)
    if _register is not None:
        _register(app)

for _group in (app, *(group.typer_instance for group in app.registered_groups)):
    for _command in _group.registered_commands if _group else ():
        _command.callback = _command.callback and bounded(_command.callback)


def main() -> None:
    """Run the command line; whatever goes wrong ends with one line and no traceback."""
    with one_line():
        app()
