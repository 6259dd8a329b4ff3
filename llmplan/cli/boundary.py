"""Where every command meets its user: what goes wrong becomes one line, and flags have sane ranges."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llmplan.errors import InputError, LlmplanError

LONGEST_LINE = 2_000
WIDEST = (-1e12, 1e12)
RANGES: dict[str, tuple[float, float]] = {
    "n_gpus": (1, 1_024),
    "replicas": (1, 10_000),
    "input_tokens": (1, 2_000_000),
    "output_tokens": (1, 200_000),
    "queries_per_day": (-1e9, 1e9),
    "concurrency": (1, 1_000_000),
    "rps": (-1e6, 1e6),
    "requests": (1, 10_000_000),
    "speed": (-1e6, 1e6),
    "ttft_limit_ms": (1e-3, 3.6e6),
    "tpot_limit_ms": (1e-3, 60_000),
    "tokens_per_step": (1, 10_000_000),
    "bins": (2, 100_000),
    "bootstrap": (1, 100_000),
    "seed": (0, 2**32 - 1),
    "top": (1, 100_000),
    "points": (2, 2_000),
    "sobol": (0, 65_536),
}
"""What a number of this name may be before a command looks at it (it may have rules of its own); others: WIDEST."""


def bounded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that refuses numbers out of their range, with the field, the value, the rule and the fix."""

    @wraps(command)
    def checked(**given: Any) -> Any:
        for name, value in given.items():
            low, high = RANGES.get(name, WIDEST)
            for number in value if isinstance(value, list | tuple) else (value,):
                if isinstance(number, int | float) and not low <= number <= high:
                    text = f"{number:g}" if isinstance(number, float) else str(number)[:20]
                    raise InputError(
                        name,
                        text,
                        f"is not a number between {low:,g} and {high:,g}",
                        "give one in that range",
                    )
        return command(**given)

    return checked


@contextmanager
def one_line() -> Iterator[None]:
    """Turn whatever a command raises into one line and an exit code: 2 the user's to mend, 1 ours.

    LLMPLAN_DEBUG=1 shows the whole of what is ours.
    """
    try:
        yield
    except LlmplanError as error:
        _say(str(error))
        code = 2
    except UnicodeError:
        _say("a file is not text in UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)")
        code = 2
    except csv.Error as error:
        _say(f"a file is not a table of comma-separated cells ({error})")
        code = 2
    except OSError as error:
        name = str(error.filename or "")
        _say(
            f"{name[:120]}{'…' * (len(name) > 120)}{': ' * bool(name)}{error.strerror or error}; nothing was written"
        )
        code = 2
    except (RecursionError, MemoryError):
        _say("the input is nested too deeply or too large; give a smaller one")
        code = 2
    except Exception as error:
        if os.environ.get("LLMPLAN_DEBUG"):
            raise
        _say(
            f"this is a fault of llmplan's, not of your input ({type(error).__name__}: {error}); LLMPLAN_DEBUG=1 shows where"
        )
        code = 1
    else:
        return
    raise SystemExit(code) from None


def _say(text: str) -> None:
    print(f"llmplan: {text[:LONGEST_LINE]}", file=sys.stderr)
