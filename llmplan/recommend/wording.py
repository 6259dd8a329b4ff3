"""Numbers in sentences: rounded the same way wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence

KIND_WORDS = {
    "api": "API",
    "hosted": "hosted open model",
    "self_hosted": "self-hosted option",
    "hybrid": "hybrid",
}


def usd(value: float | None) -> str:
    """Return dollars: whole from 100 on, cents below."""
    if value is None:
        return "-"
    return f"${value:,.0f}" if abs(value) >= 100 else f"${value:,.2f}"


def usd_small(value: float) -> str:
    """Return a price of one query in three figures, without exponent."""
    decimals = 2
    while decimals < 9 and value and abs(value) < 10.0 ** (2 - decimals):
        decimals += 1
    return f"${value:,.{decimals}f}"


def percent(value: float | None) -> str:
    """Return percent: whole from 10 on, one decimal below, at most two figures short of 100."""
    if value is None:
        return "-"
    text = f"{value:.0f}" if abs(value) >= 10 or value == 0 else f"{value:.1f}"
    return f"{text}%"


def joined(parts: Sequence[str], last: str = "and") -> str:
    """Return parts as an enumeration."""
    if not parts:
        return "nothing"
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
