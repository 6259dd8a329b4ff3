"""What fields of a scenario may hold besides plain numbers and words: checked as they are made."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from llmplan.catalog import shipped_assumption
from llmplan.scenario.about import Ids, Pairs, Ranges
from llmplan.units import HOURS_PER_DAY

HOURS_OF_WEEK = tuple(
    f"{day}-{hour:02d}"
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for hour in range(HOURS_PER_DAY)
)
NONE = "none"
"""How TOML and links, which have no null, say that a value is taken away."""


def _pairs(value: Any) -> Any:
    items = list(value.items() if isinstance(value, Mapping) else value)
    if not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in items):
        raise ValueError("give names, each with its number")
    return tuple(sorted((str(key), number) for key, number in items))


def _ranges(value: Any) -> Any:
    items = value.items() if isinstance(value, Mapping) else value
    return tuple(sorted((str(key), tuple(numbers)) for key, numbers in items))


def _ordered(value: Ranges) -> Ranges:
    for name, numbers in value:
        if len(numbers) not in (2, 3):
            raise ValueError(f"{name}: give low and high, or low, base and high")
        if not (numbers[0] >= 0 and list(numbers) == sorted(numbers) and numbers[-1] < float("inf")):
            raise ValueError(f"{name}: needs 0 <= low <= base <= high, all finite")
    return value


def _qualities(value: Pairs) -> Pairs:
    if not all(0 <= share <= 1.5 for _, share in value):
        raise ValueError("shares of the reference's quality must lie between 0 and 1.5")
    return value


def _shares(value: Pairs) -> Pairs:
    if not all(0 <= share < float("inf") for _, share in value):
        raise ValueError("shares must be at least 0")
    if value and not sum(share for _, share in value) > 0:
        raise ValueError("at least one share must be above 0")
    return value


def _hours_of_week(value: Pairs) -> Pairs:
    unknown = [name for name, _ in value if name not in HOURS_OF_WEEK]
    if unknown:
        raise ValueError(f"{unknown[0]}: hours of the week are {HOURS_OF_WEEK[0]} to {HOURS_OF_WEEK[-1]}")
    return value


def _prices(value: Pairs) -> Pairs:
    if not all(0 <= price < float("inf") for _, price in value):
        raise ValueError("prices must be at least 0")
    return value


def _counts(value: Pairs) -> Pairs:
    if not all(count == int(count) for _, count in value):
        raise ValueError("must be whole numbers")
    return value


def _token_counts(value: Pairs) -> Pairs:
    if not all(name.isdecimal() and int(name) > 0 for name, _ in value):
        raise ValueError("must be whole numbers of tokens above 0, each with its share of requests")
    return value


def _symbol(value: str) -> str:
    if not all(unicodedata.category(mark) == "Sc" or mark.isalpha() for mark in value):
        raise ValueError("must be a currency's sign or letters, such as €, R$ or CHF")
    return value


def _readable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must hold printable characters only")
    return value


EMPTY = BeforeValidator(lambda value: None if value == NONE else value)
"""For a field that may be without a value."""
Names = Annotated[Ids, AfterValidator(lambda value: tuple(dict.fromkeys(value)))]
Qualities = Annotated[Pairs, BeforeValidator(_pairs), AfterValidator(_qualities)]
Shares = Annotated[Pairs, BeforeValidator(_pairs), AfterValidator(_shares)]
WeekShares = Annotated[Shares, AfterValidator(_hours_of_week)]
LengthShares = Annotated[Shares, AfterValidator(_token_counts)]
Prices = Annotated[Pairs, BeforeValidator(_pairs), AfterValidator(_prices)]
Counts = Annotated[Pairs, BeforeValidator(_pairs), AfterValidator(_prices), AfterValidator(_counts)]
Uncertain = Annotated[Ranges, BeforeValidator(_ranges), AfterValidator(_ordered)]
Label = Annotated[str, AfterValidator(_readable)]
Symbol = Annotated[Label, Field(min_length=1, max_length=4), AfterValidator(_symbol)]


def limits(gt: float | None = None, ge: float | None = None, le: float | None = None) -> Any:
    """Return the limits of a number that has to be finite."""
    return Field(gt=gt, ge=ge, le=le, allow_inf_nan=False)


def assumed(assumption_id: str) -> Any:
    """Return a field's default: an assumption of the shipped catalog."""
    return Field(default_factory=lambda: shipped_assumption(assumption_id))
