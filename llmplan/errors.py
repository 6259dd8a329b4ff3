"""Errors that a user can act on: each names the field, the value, the rule and the fix."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

_LIMITS: Final = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


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


def limit_rule(context: Mapping[str, Any]) -> str:
    """Return the limit that a refused number missed, in words, from the context of pydantic's error."""
    name = next(name for name in _LIMITS if name in context)
    return f"must be {_LIMITS[name]} {context[name]:g}"


def rule_and_fix(detail: Mapping[str, Any]) -> tuple[str, str]:
    """Return the rule that a value breaks and how to mend it, from one of pydantic's error details."""
    kind, context, message = str(detail["type"]), detail.get("ctx", {}), str(detail["msg"])
    if kind.startswith(("greater", "less")):
        rule = limit_rule(context)
        return rule, f"give a number {rule.removeprefix('must be ')}"
    if kind == "finite_number":
        return "must be a finite number", "give digits and one decimal point"
    if kind.startswith(("float", "int")):
        whole = "a whole number" if kind.startswith("int") else "a number"
        return f"must be {whole}", "give digits and one decimal point"
    if kind == "literal_error":
        return "is not one of the allowed words", f"use {context['expected']}"
    rule = message.removeprefix("Value error, ").removeprefix("Input ")
    return rule[:1].lower() + rule[1:], "give a value that keeps to this"
