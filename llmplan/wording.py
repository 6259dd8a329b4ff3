"""Numbers, money and lists as people read them: every surface writes them through this module."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "–"
LEAST_SHORTENED = 9_999.5
_STEPS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
VOLUME_FORMAT = '[>=1000000]0,,"M";[>=1000]0,"k";0'
"""A spreadsheet's format of a volume on an axis."""
FLEET = re.compile(r", [^,]+ on \d+x [^,]+, [^,]+")
"""What follows the model, and its effort, in a fleet's label."""
OFFER = re.compile(r" API\b| at [^,]+")
"""What tells who offers a model, in the label of a token price."""
TODAY = "ratio to today"
"""Unit of what is told as a multiple of today's value."""


@dataclass(frozen=True)
class Currency:
    """The money that people are shown. All sums are worked out in USD; only what is read is converted.

    Every method takes US dollars. Names that end in `_format` are number formats of spreadsheets, for values
    that are converted already.

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
        """Return a sum, short: $0.0026, $3.20, $2,250, €22.5k; a dash for no number."""
        return self._signed(usd, _short_sum)

    def whole(self, usd: float | None) -> str:
        """Return a sum for a sentence: $22,512, cents below 100; a dash for no number."""
        return self._signed(usd, lambda value: f"{value:,.0f}" if value >= 100 else f"{value:,.2f}")

    def each(self, usd: float | None) -> str:
        """Return the price of one query or hour in three figures, without exponent: $2.10, $0.00260."""
        return self._signed(usd, lambda value: f"{value:,.{max(2, _decimals(value, 3))}f}")

    def full(self, usd: float) -> str:
        """Return a sum with its cents, a price of less than 1 in six figures: $22,512.40, $0.000034."""
        return self._signed(
            usd, lambda value: f"{value:,.2f}" if value >= 1 or not value else number(value, 6)
        )

    def change(self, usd: float | None) -> str:
        """Return a difference with its sign: +$2,250, −$1.00k."""
        sign = "" if usd is None else "−" if usd < 0 else "+"
        return sign + self.short(None if usd is None else abs(usd))

    def amount(self, usd: float) -> str:
        """Return a sum without its symbol, for a column whose head names the currency: 22,512."""
        return f"{self.of(usd):,.0f}"

    def range(self, low: float, high: float) -> str:
        """Return a range, $3,346 to $17.9k; a price without one is a list price."""
        return "list price" if low == high else f"{self.short(low)} to {self.short(high)}"

    def ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of an axis, values that are converted already: all with as many decimals."""
        most = max((abs(value) for value in values), default=0.0)
        step, unit = next(((step, unit) for step, unit in _STEPS if most >= step), (1.0, ""))
        decimals = next((d for d in range(9) if _are_whole(values, step / 10**d)), 9)
        return [
            f"{'-' if value < 0 else ''}{self.symbol}{abs(value) / step:,.{decimals}f}{unit}"
            if value
            else f"{self.symbol}0"
            for value in values
        ]

    @property
    def cents_format(self) -> str:
        """€1,234.50"""
        return f"{self._quoted}#,##0.00"

    @property
    def whole_format(self) -> str:
        """€1,235"""
        return f"{self._quoted}#,##0"

    @property
    def price_format(self) -> str:
        """€0.0600, and up to eight places where they are needed; €0 where there is none."""
        each = f"{self._quoted}#,##0.0000####"
        return f"{each};-{each};{self._quoted}0"

    @property
    def short_format(self) -> str:
        """€1.35M, €22.5k, €950: for labels."""
        sign = self._quoted
        return f'[>=1000000]{sign}0.00,,"M";[>=10000]{sign}0.0,"k";{sign}#,##0'

    def ticks_format(self, least: float) -> str:
        """€1M, €10k, €100 on an axis of powers of ten; below 1 the tens and hundredths show."""
        sign = self._quoted
        if least < 1:
            return f"[>=1000]{sign}#,##0;[>=1]{sign}0;{sign}0.00##"
        return f'[>=1000000]{sign}#,##0,,"M";[>=1000]{sign}#,##0,"k";{sign}0'

    @property
    def _quoted(self) -> str:
        return f'"{self.symbol}"' if self.symbol else ""

    def _signed(self, usd: float | None, text: Any) -> str:
        if usd is None or not math.isfinite(usd):
            return NOTHING
        value = self.of(usd)
        return f"{'-' if value < 0 else ''}{self.symbol}{text(abs(value))}"


DOLLAR = Currency()


def _are_whole(values: Sequence[float], step: float) -> bool:
    return all(abs(value / step - round(value / step)) < 1e-6 for value in values)


def _short_sum(value: float) -> str:
    for step, unit in _STEPS:
        if value >= max(step * 0.9995, LEAST_SHORTENED):
            return f"{_three_figures(value / step)}{unit}"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 0.1 or value == 0:
        return f"{value:,.2f}".removesuffix(".00")
    return number(value, 2)


def _three_figures(value: float) -> str:
    """Return a value of at least 1 in three figures: 1.35, 22.5, 12.0, 950."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _decimals(value: float, figures: int) -> int:
    """Return how many decimals show so many figures of a value."""
    return max(0, figures - 1 - math.floor(math.log10(abs(value)))) if value else 0


def number(value: float, figures: int = 4) -> str:
    """Return a number in so many figures, whole digits always, never an exponent: 12,345, 0.0026."""
    if not math.isfinite(value):
        return NOTHING
    value = float(f"{value:.{figures}g}") if abs(value) < 10.0**figures else value
    text = f"{value:,.{min(_decimals(value, figures), 15)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def volume(value: float) -> str:
    """Return a count with separators, whole where it is: 31,000 or 12.5."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def short_volume(value: float) -> str:
    """Return a count for an axis or a table head: 100, 1k, 2.5M."""
    for step, unit in _STEPS:
        if value >= step * 0.9995:
            text = _three_figures(value / step)
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{unit}"
    return f"{value:,.0f}"


def counted(count: float, noun: str) -> str:
    """Return how many of something there are: 1 replica, 2 replicas."""
    return f"{count:,.0f} {noun}{'' if count == 1 else 's'}"


def month_words(month: int | None) -> str:
    """Return a month of a plan: the start, month 15; never for none."""
    return "never" if month is None else "the start" if month == 0 else f"month\N{NO-BREAK SPACE}{month}"


def parameters(billions: float) -> str:
    """Return a model's size: 8.03B, 70.6B, 1,030B."""
    return f"{billions:,.0f}B" if billions >= 100 else f"{billions:.3g}B"


def share(value: float | None) -> str:
    """Return a share as percent, whole from 10 on, one decimal below: 95%, 4.5%; a dash for none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    percent = 100 * value
    text = f"{percent:,.0f}" if abs(percent) >= 9.95 else f"{percent:.1f}".removesuffix(".0")
    return f"{'0' if text == '-0' else text}%"


def probability(p: float | None) -> str:
    """Return a probability as whole percent; what comes near certain is never said to be it."""
    if p is None or not math.isfinite(p):
        return NOTHING
    if 0 < p < 0.005:
        return "<1%"
    return ">99%" if p >= 0.995 else f"{p:.0%}"


def milliseconds(value: float | None) -> str:
    """Return a latency: 85 ms, 1.2 s; a dash where it is not known."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def in_unit(value: float, unit: str, money: Currency) -> str:
    """Return an input's value with its unit: 70% of reference, $2.10/GPU-hour, 31,000 queries/day."""
    if unit == TODAY:
        return "today's" if value == 1 else f"{number(value)} × today's"
    if unit.startswith("share"):
        return f"{number(100 * value)}%{unit.removeprefix('share')}"
    if unit.startswith("USD"):
        return f"{money.each(value) if abs(value) < 100 else money.short(value)}{unit.removeprefix('USD')}"
    return f"{number(value)} {unit.removeprefix('ratio')}".strip()


def joined(parts: Sequence[str], last: str = "and") -> str:
    """Return parts as an enumeration: a, b and c; nothing for none."""
    if not parts:
        return "nothing"
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def without_hardware(label: str) -> str:
    """Return an option's label for a headline: of its fleets the model, without format, card and engine."""
    return FLEET.sub("", label)


def model_name(label: str) -> str:
    """Return what answers and its effort, of an option's label: neither who offers it nor what it runs on."""
    return OFFER.sub("", without_hardware(label)).rpartition("/")[2]


def shortened(text: str, letters: int) -> str:
    """Return a text cut to so many letters, the cut marked."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def capital(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]
