"""Tipping points in plain words: what takes over, where, and whether that is to be expected."""

from __future__ import annotations

from llmplan.kinds import Kind
from llmplan.recommend.tipping.flip_search import MANY, Input
from llmplan.recommend.tipping.records import Tipping, TippingPoint
from llmplan.wording import capital

TAKES_OVER = {
    Kind.API: "an API wins",
    Kind.HOSTED: "a hosted open model wins",
    Kind.SELF_HOSTED: "self-hosting wins",
    Kind.HYBRID: "routing wins",
}


def sentence(row: Input, found: Tipping) -> str:
    """Say what changes where, one clause a tipping point."""
    parts = [
        f"{takes_over(point)} if {point.condition}{_beyond(row, point)}"
        for point in (found.below, found.above)
        if point is not None
    ]
    if parts:
        return capital("; ".join(parts)) + "."
    span = f"from {row.text(row.low)} to {row.text(row.high)}"
    return f"{capital(row.label)}: no value {span} changes the recommendation."


def condition(row: Input, shown: float, change_pct: float | None) -> str:
    """Say how far an input has to move: GPU prices rise to 3.4 times today's; parameters as in `TippingPoint`."""
    verb = ("fall" if shown < row.base else "rise") + ("" if row.plural else "s")
    return f"{row.label} {verb} {_amount(row, shown, change_pct)}"


def _amount(row: Input, shown: float, change_pct: float | None) -> str:
    """Return how far an input has to move: a scale by percent or to a multiple, others to a value."""
    if row.is_scale:
        return scale_words(shown)
    if row.is_share or row.unit == "replicas" or change_pct is None:
        return f"to {row.text(shown)}"
    ratio = 1 + change_pct / 100
    return f"to {row.text(shown)} ({_percent(change_pct) if ratio < MANY else f'{_times(ratio)} as much'})"


def _percent(change: float) -> str:
    """Return a change in whole percent; what is not gone altogether has not fallen by 100 %."""
    return f"{max(change, -99.9):+.1f}%" if -100 < change < -99.5 else f"{change:+.0f}%"


def takes_over(point: TippingPoint) -> str:
    """Return what wins at a tipping point."""
    return "nothing is feasible" if point.kind is None else f"{TAKES_OVER[Kind(point.kind)]} ({point.label})"


def _beyond(row: Input, point: TippingPoint) -> str:
    """Say that a point lies outside the range that the input is expected to keep to."""
    if point.within_expected is not False or row.expected is None:
        return ""
    low, high = (scale_change(end) if row.is_scale else row.text(end) for end in row.expected)
    return f", outside the {low} to {high} expected"


def scale_words(ratio: float) -> str:
    """Return how far a scale moves: by so many percent, from three times on to so many times today's."""
    return f"by {100 * abs(ratio - 1):.4g}%" if ratio < MANY else f"to {_times(ratio)} today's"


def scale_change(ratio: float) -> str:
    """Return a ratio to today as a change in whole percent."""
    change = round(100 * (ratio - 1))
    return f"{change:+d}%" if change else "0%"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 100 else f"{ratio:.2g} times"
