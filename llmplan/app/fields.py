"""The inputs of a control panel, and the limits that hold whatever the browser sends."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from llmplan.errors import InputError

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A typed number.

    Attributes
    ----------
    min, max: limits in the value's own unit; step: what values are multiples of (None: any);
    times: what it is multiplied by where it is shown, in `unit`; percent: times 100 with a % sign;
    decimals: shown digits after the point (None: as fits).
    empty: what holds where the box is left empty; without it the box may not be empty. hint: shown on hover.
    """

    key: str
    label: str
    min: float
    max: float
    unit: str = ""
    group: str = ""
    help: str = ""
    step: float | None = None
    decimals: int | None = None
    percent: bool = False
    empty: str = ""
    times: float = 1.0
    hint: str = ""
    type: ClassVar[str] = "number"

    def clean(self, value: Any) -> float | int | None:
        """Return the value inside the limits, None for an empty box that may be; else raise `InputError`."""
        if value is None and self.empty:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(self.key, value, "must be a number", f"give {self.min:g} to {self.max:g}")
        inside = min(max(value, self.min), self.max)
        if self.step is None:
            return inside
        stepped = min(round(inside / self.step) * self.step, self.max)
        return int(stepped) if float(self.step).is_integer() and float(stepped).is_integer() else stepped


@dataclass(frozen=True, slots=True)
class Slider(Number):
    """A slider with its typed number; `log` spreads it evenly over the decades (min above 0).

    `digits` is how many significant digits a logarithmic slider rounds to.
    """

    log: bool = False
    digits: int = 3
    type: ClassVar[str] = "slider"


@dataclass(frozen=True, slots=True)
class _Choice:
    """What offers options: (value, label) pairs."""

    key: str
    label: str
    options: Options
    group: str = ""
    help: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Select(_Choice):
    """One of several."""

    type: ClassVar[str] = "select"

    def clean(self, value: Any) -> str:
        """Return the value if it is one of the options."""
        known = [option for option, _ in self.options]
        if not isinstance(value, str) or value not in known:
            raise InputError(self.key, value, "is not one of the choices", f"use {', '.join(known[:8])}")
        return value


@dataclass(frozen=True, slots=True)
class MultiSelect(_Choice):
    """Any number of several; values come as a tuple in their order."""

    type: ClassVar[str] = "multi"

    def clean(self, value: Any) -> list[str]:
        """Return those of the options that were chosen; unknown ones are dropped."""
        if not isinstance(value, (list, tuple)):
            raise InputError(self.key, value, "must be a list of choices", "send a list")
        chosen = {item for item in value if isinstance(item, str)}
        return [option for option, _ in self.options if option in chosen] if chosen else []


@dataclass(frozen=True, slots=True)
class Check:
    """Yes or no."""

    key: str
    label: str
    group: str = ""
    help: str = ""
    hint: str = ""
    type: ClassVar[str] = "check"

    def clean(self, value: Any) -> bool:
        """Return the value if it is true or false."""
        if not isinstance(value, bool):
            raise InputError(self.key, value, "must be true or false", "send true or false")
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """A short line of text; control characters are dropped."""

    key: str
    label: str
    max_length: int = 120
    group: str = ""
    help: str = ""
    type: ClassVar[str] = "text"

    def clean(self, value: Any) -> str:
        """Return the text without control characters, cut at `max_length`."""
        if not isinstance(value, str):
            raise InputError(self.key, value, "must be text", "send a line of text")
        return "".join(c for c in value[: self.max_length] if c.isprintable())


@dataclass(frozen=True, slots=True)
class Button:
    """A button: pressing it reports its key as changed; set its value to False to disable it."""

    key: str
    label: str
    group: str = ""
    help: str = ""
    type: ClassVar[str] = "button"

    def clean(self, value: Any) -> bool:
        """Return whether it was pressed (or, set from Python, whether it can be)."""
        return value is True


Field = Number | Slider | Select | MultiSelect | Check | Text | Button


def describe(field: Field) -> dict[str, Any]:
    """Return the field as the browser takes it."""
    return {"type": field.type, **asdict(field)}
