"""The answer as a sentence: what to do, what it costs, against what, and where that flips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmplan.decision import BreakEven, Comparison
from llmplan.wording import usd, volume

TOKEN_KINDS = ("api", "hosted")


def finding(
    found: Comparison, rivals: Mapping[int, BreakEven], hybrid: Mapping[str, Any] | None = None
) -> str:
    """Return one sentence for a slide's title.

    Parameters
    ----------
    rivals: by the place of an API: where the cheapest self-hosted option is cheaper than it.
    hybrid: the cheapest hybrid's row of the table, the answer where nothing else costs less.
    """
    if hybrid is not None and _is_cheapest(found, float(hybrid["monthly_usd_base"])):
        return _routed(found, hybrid)
    if not found.order:
        return "No option meets this scenario: loosen the quality floor, the latency targets or the licence"
    best = found.order[0]
    item = found.options.items[best]
    doing = f"Self-host {item.label}" if item.kind == "self_hosted" else f"Use {item.label}"
    return f"{doing}: {usd(float(found.monthly_usd[1, best]))} a month; {_against(found, best, rivals)}"


def _is_cheapest(found: Comparison, monthly_usd: float) -> bool:
    return not found.order or monthly_usd < float(found.monthly_usd[1, found.order[0]])


def _routed(found: Comparison, hybrid: Mapping[str, Any]) -> str:
    cost = float(hybrid["monthly_usd_base"])
    sentence = f"Route {hybrid['label']}: {usd(cost)} a month"
    if not found.order:
        return f"{sentence}; no single option is feasible"
    best = found.order[0]
    return f"{sentence}; {found.options.items[best].label} alone costs {_more(float(found.monthly_usd[1, best]) / cost)}"


def _against(found: Comparison, best: int, rivals: Mapping[int, BreakEven]) -> str:
    own = found.options.items[best].kind == "self_hosted"
    other = found.cheapest(*(TOKEN_KINDS if own else ("self_hosted",)))
    if other is None:
        return "no API is feasible" if own else "no self-hosted option is feasible"
    more = _more(float(found.monthly_usd[1, other] / found.monthly_usd[1, best]))
    if own:
        return f"{found.options.items[other].label} costs {more}"
    return f"self-hosting costs {more} and {_flip(rivals.get(best), found.scenario.queries_per_day)}"


def _more(ratio: float) -> str:
    """Say how a dearer cost compares, from a ratio of at least 1."""
    if ratio < 1.005:
        return "the same"
    if ratio < 1.995:
        return f"{ratio - 1:.0%} more"
    return f"{ratio:,.0f} times as much" if ratio >= 9.95 else f"{ratio:.1f} times as much"


def _flip(rival: BreakEven | None, queries_per_day: float) -> str:
    above = [low for low, _ in rival.self_hosted_cheaper if low > queries_per_day] if rival else []
    return f"becomes cheaper from {volume(above[0])} queries/day" if above else "never becomes cheaper"
