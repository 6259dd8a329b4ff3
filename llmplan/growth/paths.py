"""How volume grows and prices fall, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.options.breakeven import MAX_QUERIES_PER_DAY
from llmplan.units import MONTHS_PER_YEAR

MAX_MONTHS: Final = 60


def month_numbers(months: int) -> Floats:
    """Return 0, 1, ..., months - 1; raise InputError unless 1 <= months <= 60."""
    if not 1 <= months <= MAX_MONTHS:
        raise InputError("months", months, f"must be 1 to {MAX_MONTHS}", "plan at most five years ahead")
    return np.arange(months, dtype=float)


def compound_volumes(start_queries_per_day: float, growth_per_month: float, months: int) -> Floats:
    """Return volumes that grow by the same share each month, equation (8b.1). [queries/day]

    The first month has `start_queries_per_day`; `growth_per_month` may be negative, above -1.
    """
    _positive("start_queries_per_day", start_queries_per_day)
    if not -1 < growth_per_month < 10:
        raise InputError("growth_per_month", growth_per_month, "must lie in (-1, 10)", "give a share, as 0.1")
    path = np.asarray(start_queries_per_day * (1 + growth_per_month) ** month_numbers(months))
    if path.max() > MAX_QUERIES_PER_DAY:
        rule = f"takes the volume above {MAX_QUERIES_PER_DAY:,} queries a day"
        raise InputError("growth_per_month", growth_per_month, rule, "plan fewer months or less growth")
    return path


def s_curve_volumes(
    start_queries_per_day: float, ceiling_queries_per_day: float, midpoint_month: float, months: int
) -> Floats:
    """Return logistic growth from the start towards a ceiling, equation (8b.2). [queries/day]

    `midpoint_month` is when half the ceiling is reached; the start must lie below that half.
    """
    _positive("start_queries_per_day", start_queries_per_day)
    _positive("midpoint_month", midpoint_month)
    if not 2 * start_queries_per_day < ceiling_queries_per_day <= MAX_QUERIES_PER_DAY:
        rule = (
            f"must exceed twice the start ({2 * start_queries_per_day:,.0f}), up to {MAX_QUERIES_PER_DAY:,}"
        )
        raise InputError("ceiling_queries_per_day", ceiling_queries_per_day, rule, "raise the ceiling")
    ratio = ceiling_queries_per_day / start_queries_per_day - 1
    steepness = np.log(ratio) / midpoint_month
    return np.asarray(ceiling_queries_per_day / (1 + ratio * np.exp(-steepness * month_numbers(months))))


def series_volumes(queries_per_day: Sequence[float], months: int) -> Floats:
    """Return the given monthly volumes; the last one holds for the months after it. [queries/day]

    More volumes than months are refused: a plan that leaves some out would answer another question.
    """
    given = np.asarray(queries_per_day, float)
    if given.ndim != 1 or given.size == 0 or not np.all((given > 0) & (given <= MAX_QUERIES_PER_DAY)):
        rule = f"must be positive numbers up to {MAX_QUERIES_PER_DAY:,}"
        raise InputError("volumes", list(queries_per_day), rule, "give one a month")
    month = month_numbers(months).astype(int)
    if given.size > months:
        rule = f"are more than the {months} months of the plan"
        raise InputError("volumes", f"{given.size} values", rule, "plan as many months, or give fewer values")
    return np.asarray(given[np.minimum(month, given.size - 1)])


def numbers(field: str, text: str) -> list[float]:
    """Read numbers with commas between, as a user types a series; InputError names `field`."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(field, text, "must be numbers with commas between", "as 1000,2000") from None


def price_factors(decline_per_year: float, months: int, field: str = "decline_per_year") -> Floats:
    """Return each month's price over today's, equation (8b.3); a negative decline is a rise. [-]

    `field`: what an error calls it.
    """
    if not -1 <= decline_per_year < 1:
        raise InputError(field, decline_per_year, "must lie in [-1, 1)", "give a share, as 0.2")
    return np.asarray((1 - decline_per_year) ** (month_numbers(months) / MONTHS_PER_YEAR))


def _positive(field: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise InputError(field, value, "must be above 0", "give a positive number")
