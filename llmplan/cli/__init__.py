"""The shell's door: `llmplan COMMAND`, the library's own functions with --json."""

import importlib
import pkgutil
import sys

import typer

from llmplan.errors import LlmplanError

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


def main() -> None:
    """Run the command line; an error that a user can act on ends with code 2 and no traceback."""
    try:
        app()
    except LlmplanError as error:
        print(f"llmplan: {error}", file=sys.stderr)
        raise SystemExit(2) from None
