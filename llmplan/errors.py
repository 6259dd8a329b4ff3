"""Errors that a user can act on: each names the field, the value, the rule and the fix."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class LlmplanError(Exception):
    """Base of every error that llmplan raises on purpose; the CLI prints it without a traceback."""


class InputError(LlmplanError, ValueError):
    """A value breaks a rule.

    Attributes
    ----------
    field, value, rule, fix: what was given, what was expected and how to mend it.
    """

    def __init__(self, field: str, value: object, rule: str, fix: str) -> None:
        self.field, self.value, self.rule, self.fix = field, value, rule, fix
        super().__init__(f"{field} = {value!r}: {rule}; {fix}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.field, self.value, self.rule, self.fix)


class UnknownNameError(InputError):
    """A name that the catalog does not hold; `near` lists the closest names it does hold."""

    def __init__(self, field: str, value: str, known: Iterable[str]) -> None:
        names = sorted(known)
        self.known = tuple(names)
        self.near = tuple(near_names(value, names))
        fix = f"did you mean {', '.join(self.near)}?" if self.near else f"use one of {', '.join(names[:12])}"
        super().__init__(field, value, f"is not a known {field}", fix)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.field, self.value, self.known)


def near_names(value: str, known: Sequence[str], n: int = 3) -> list[str]:
    """Return up to `n` known names that look like `value`, best first (case is ignored)."""
    lower = value.lower()
    hits = sorted((name for name in known if lower and lower in name.lower()), key=len)
    close = get_close_matches(lower, known, n=n, cutoff=0.5)
    return list(dict.fromkeys([*hits, *close]))[:n]
