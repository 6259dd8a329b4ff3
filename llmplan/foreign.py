"""Files that others wrote: whatever is wrong with one is an InputError, and none takes the machine's memory."""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmplan.errors import InputError, LlmplanError

MOST_DOTS = 500
"""In a line of TOML: numbers and names have a few."""


def read_text(path: Path | str, field: str = "file") -> str:
    """Return a text file's content; InputError where it cannot be read or is not UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        fix = "save it as UTF-8 (in Excel: CSV UTF-8)"
        raise InputError(field, Path(path).name, "is not text in UTF-8", fix) from None
    except OSError as error:
        name = Path(path).name
        raise InputError(field, name[:80], f"cannot be read ({error.strerror})", "check the path") from None


def parse_json(text: str, field: str, name: str, fix: str, loads: Callable[[str], Any] = json.loads) -> Any:
    """Return what a JSON text holds; InputError of `field` and the file's name for what is none."""
    try:
        return loads(text)
    except RecursionError:
        raise InputError(field, name, "is nested too deeply", fix) from None
    except ValueError as error:
        raise InputError(field, name, f"is not JSON ({str(error)[:80]})", fix) from None


def parse_toml(text: str, field: str, fix: str) -> dict[str, Any]:
    """Return what a TOML text holds; InputError for what is none."""
    # The parser's memory grows with the square of a dotted key's parts: no file of ours has many.
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise InputError(field, text[:40], f"has over {MOST_DOTS} dots in a line", fix)
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(field, str(error), "is not valid TOML", "mend the line that it names") from None
    except (RecursionError, ValueError):  # brackets without end, a number of thousands of digits
        raise InputError(field, text[:40], "is nested too deeply, or holds too long a number", fix) from None


@contextmanager
def foreign(field: str, name: str, fix: str) -> Iterator[None]:
    """Within it a document is read whose shape is its writer's: what does not fit is an InputError."""
    try:
        yield
    except LlmplanError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        rule = f"does not hold what it should ({type(error).__name__}: {str(error)[:80]})"
        raise InputError(field, name, rule, fix) from None
