"""Which options the charts draw, and where self-hosting pays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from llmplan.kinds import PURE
from llmplan.options import BreakEven, Comparison, break_even

Rivals: TypeAlias = tuple[tuple[int, BreakEven], ...]
"""(token price's place, where the cheapest self-hosted option at each volume costs less)."""


def best_places(found: Comparison) -> list[int]:
    """Return the places of the cheapest option of each kind."""
    return [place for kind in PURE if (place := found.cheapest(kind)) is not None]


def _own_places(found: Comparison) -> list[int]:
    return [place for place in found.order if found.options.items[place].kind == "self_hosted"]


def rivals_of(found: Comparison) -> Rivals:
    """Return, for the cheapest token price of each kind, where any feasible self-hosted option beats it."""
    own = _own_places(found)
    tokens = [place for place in best_places(found) if found.options.is_api[place]] if own else []
    return tuple((place, break_even(found.options, own, place)) for place in tokens)


def first_to_pay(found: Comparison, rivals: Rivals) -> list[int]:
    """Return the self-hosted option that is the first to beat the cheapest token price as volume grows.

    Counted from today's volume on; where nothing changes above it, from the smallest. Empty for never.
    """
    starts = [low for _, rival in nearest(found, rivals) for low, _ in rival.self_hosted_cheaper]
    ahead = [low for low in starts if low > found.scenario.queries_per_day] or starts
    if not ahead:
        return []
    own = _own_places(found)
    return [own[int(np.argmin(found.options.take(own).monthly_usd(ahead[0], sides=(1,))[0, :, 0]))]]


def nearest(found: Comparison, rivals: Rivals) -> Rivals:
    """Return the cheapest token price's rival alone."""
    return tuple(sorted(rivals, key=lambda pair: float(found.monthly_usd[1, pair[0]]))[:1])
