"""The answer as a sentence: what to do, what it costs, against what, and where that flips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from llmplan.kinds import TOKEN, Kind
from llmplan.options import BreakEven, Comparison
from llmplan.options.breakeven import Interval
from llmplan.options.limits import in_the_way
from llmplan.wording import joined, share, short_volume, volume, without_hardware

SHORT_FROM = 100_000
MOST_TOLD = 10_000_000
"""Volume above which a break-even is told as beyond reach: 116 requests/s, day and night."""


def finding(found: Comparison, rivals: Mapping[int, BreakEven]) -> str:
    """Return one sentence for a slide's title, its sums in the scenario's currency.

    Parameters
    ----------
    rivals: by the place of a token price: where self-hosting is cheaper than it.
    """
    if (best := found.best) is None:
        return f"No option meets this scenario: {in_the_way(found)}"
    item = found.options.items[best]
    doing = {"self_hosted": "Self-host", "hybrid": "Route"}.get(item.kind, "Use")
    if item.split_by == "load":
        doing = "Self-host"
    cost = found.scenario.currency.short(found.best_usd)
    against = _alone(found, best) if item.kind == "hybrid" else _against(found, best, rivals)
    return f"{doing} {without_hardware(item.label)}: {cost} a month; {against}"


def where_cheaper(intervals: Sequence[Interval], per: str = " queries/day") -> str:
    """Say at which volumes something is cheaper, every interval, in two figures; `BreakEven.verdict` is exact.

    Stretches that two figures do not part are told as one.
    """
    if not intervals:
        return "never"
    if intervals[0] == (1, None):
        return "at any volume"
    near = [_rounded(low, high) for low, high in intervals if low <= MOST_TOLD]
    if not near:
        return f"not below {short_volume(MOST_TOLD).replace('M', ' million')}{per}"
    parted: list[tuple[float, float]] = []
    for low, high in near:
        if parted and low <= parted[-1][1]:
            low, high = parted.pop()[0], high
        parted.append((low, high))
    again = [] if len(near) == len(intervals) else [f"again above {short_volume(MOST_TOLD)}"]
    return f"{joined([*map(_stretch, parted), *again])}{per}"


def _rounded(low: float, high: float | None) -> tuple[float, float]:
    """Return an interval in two figures; above what is told it has no end."""
    ends = math.inf if high is None or high > MOST_TOLD else float(f"{high:.2g}")
    return float(f"{low:.2g}"), ends


def _stretch(ends: tuple[float, float]) -> str:
    low, high = ends
    if high == math.inf:
        return f"from {at_volume(low)}"
    return f"at about {at_volume(low)}" if low == high else f"from {at_volume(low)} to {at_volume(high)}"


def at_volume(queries_per_day: float) -> str:
    """Return a volume in words: whole below 100,000, three figures above."""
    return volume(queries_per_day) if queries_per_day < SHORT_FROM else short_volume(queries_per_day)


def _alone(found: Comparison, best: int) -> str:
    """Say what the best option of one kind costs beside a hybrid."""
    other = found.cheapest("api", "hosted", "self_hosted")
    if other is None:
        return "no single option is feasible"
    more = times_as_much(float(found.base_usd[other] / found.base_usd[best]))
    item = found.options.items[other]
    return f"{'self-hosting' if item.kind == Kind.SELF_HOSTED else item.label} alone costs {more}"


def _against(found: Comparison, best: int, rivals: Mapping[int, BreakEven]) -> str:
    own = found.options.items[best].kind == "self_hosted"
    other = found.cheapest(*(TOKEN if own else (Kind.SELF_HOSTED,)))
    if other is None:
        return "no API is feasible" if own else "no self-hosted option is feasible"
    more = times_as_much(float(found.base_usd[other] / found.base_usd[best]))
    asked = found.scenario.queries_per_day
    if own:
        return f"{found.options.items[other].label} costs {more}{_below(rivals.get(other), asked)}"
    rival = rivals.get(best)
    pays = f"pays {_above(rival, asked)}" if rival and rival.self_hosted_cheaper else "never pays"
    pays = pays.replace("pays not below", "does not pay below")
    return f"self-hosting costs {more} and {pays}"


def times_as_much(ratio: float) -> str:
    """Say how a dearer cost compares, from a ratio of at least 1."""
    if not math.isfinite(ratio):
        return "more"
    if ratio < 1.005:
        return "the same"
    if ratio < 1.995:
        return f"{share(ratio - 1)} more"
    return f"{ratio:,.0f} times as much" if ratio >= 9.95 else f"{ratio:.1f} times as much"


def _above(rival: BreakEven, queries_per_day: float) -> str:
    ahead = [pair for pair in rival.self_hosted_cheaper if pair[0] > queries_per_day]
    return where_cheaper(ahead) if ahead else "at no higher volume"


def _below(rival: BreakEven | None, queries_per_day: float) -> str:
    """Name the volume at which self-hosting begins to pay, where that lies below the one asked for."""
    held = [low for low, high in rival.self_hosted_cheaper if low <= queries_per_day] if rival else []
    return (
        f" (less below {at_volume(_rounded(held[-1], None)[0])} queries/day)" if held and held[-1] > 1 else ""
    )
