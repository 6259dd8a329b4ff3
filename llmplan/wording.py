"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LEAST_SHORTENED_USD = 9_999.5
_STEPS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Currency:
    """The money that people are shown. All sums are worked out in USD; only what is read is converted.

    Attributes
    ----------
    symbol: what stands before a sum: $, €, CHF.
    per_usd: how much of it one US dollar buys; a rate of the user's own, not of the catalog.
    """

    symbol: str = "$"
    per_usd: float = 1.0

    @property
    def name(self) -> str:
        """What heads and axes call it."""
        return "USD" if self == DOLLAR else self.symbol.strip()

    @property
    def note(self) -> str:
        """The rate, for a footer; empty for dollars."""
        return "" if self == DOLLAR else f"{self.symbol.strip()} at {self.per_usd:g} per USD"

    def of(self, usd: Any) -> Any:
        """Return US dollars, a number or an array of them, in this currency."""
        return usd * self.per_usd

    def short(self, usd: float | None) -> str:
        """Return US dollars in this currency, short: $0.0026, $3.20, $2,250, €22.5k; a dash for no number."""
        if usd is None or not math.isfinite(usd):
            return "–"
        value = self.of(usd)
        return f"{'-' if value < 0 else ''}{self.symbol}{_short_sum(abs(value))}"

    def full(self, usd: float) -> str:
        """Return US dollars in this currency, with cents: $22,512.40, $0.000034."""
        value = self.of(usd)
        return f"{self.symbol}{value:,.2f}" if abs(value) >= 1 or not value else f"{self.symbol}{value:.6g}"


DOLLAR = Currency()
_shown = DOLLAR


def show_money_in(currency: Currency) -> None:
    """Have this process show money in a currency from now on, as a locale does for numbers."""
    global _shown
    _shown = currency


def shown_currency() -> Currency:
    """Return the currency that money is shown in."""
    return _shown


@contextmanager
def money_in(currency: Currency) -> Iterator[None]:
    """Show money in a currency within a block."""
    before = _shown
    show_money_in(currency)
    try:
        yield
    finally:
        show_money_in(before)


def usd(value: float | None) -> str:
    """Return dollars short, in the currency shown: $0.0026, $0.60, $950, $22.5k, $1.35M; a dash for none."""
    return _shown.short(value)


def usd_range(low: float, high: float) -> str:
    """Return a range of dollars, $3,346 to $17.9k; a price without one is a list price."""
    return "list price" if low == high else f"{usd(low)} to {usd(high)}"


def usd_in_full(value: float) -> str:
    """Return dollars with their cents, in the currency shown: $22,512.40, $0.000034."""
    return _shown.full(value)


def _short_sum(value: float) -> str:
    for step, unit in _STEPS:
        if value >= max(step * 0.9995, LEAST_SHORTENED_USD):
            return f"{_three_figures(value / step)}{unit}"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 0.1 or value == 0:
        return f"{value:,.2f}".removesuffix(".00")
    return f"{float(f'{value:.2g}'):.10f}".rstrip("0")


def _three_figures(value: float) -> str:
    """Return a value of at least 1 in three figures, without needless zeros: 1.35, 22.5, 950."""
    text = f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def volume(value: float) -> str:
    """Return a count with separators, whole where it is: 31,000 or 12.5."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def short_volume(value: float) -> str:
    """Return a count for an axis or a table head: 100, 1k, 2.5M."""
    for step, unit in _STEPS:
        if value >= step * 0.9995:
            return f"{_three_figures(value / step)}{unit}"
    return f"{value:,.0f}"


def parameters(billions: float) -> str:
    """Return a model's size: 8.03B, 70.6B, 1,030B."""
    return f"{billions:,.0f}B" if billions >= 100 else f"{billions:.3g}B"


def share(value: float | None) -> str:
    """Return a share as percent; a dash for none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.0%}"


def quality_shown(value: float | None, at_least: bool) -> str:
    """Return a quality as percent of the reference's: 95%, ≥ 104% for a lower bound; a dash for none."""
    return ("≥ " if at_least and value is not None else "") + share(value)


def probability(p: float) -> str:
    """Return a probability as percent; never 0% or 100% where it is not certain."""
    if 0 < p < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= p < 1 else share(p)


def milliseconds(value: float | None) -> str:
    """Return a latency: 85 ms, 1.2 s; a dash where it is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


KIND_NAMES = {
    "api": "API",
    "hosted": "hosted open model",
    "self_hosted": "self-hosted",
    "hybrid": "hybrid",
}


def kind_name(kind: str) -> str:
    """Return the plain name of an option's kind."""
    return KIND_NAMES.get(kind, kind.replace("_", " "))
