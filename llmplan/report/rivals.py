"""Which options the charts draw, and where self-hosting pays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from llmplan.catalog.cache import kept
from llmplan.kinds import TOKEN, Kind
from llmplan.options import BreakEven, Comparison, Options, break_even
from llmplan.options.fleet_api_pairs import feasible_contenders

Rivals: TypeAlias = tuple[tuple[int, BreakEven], ...]
"""(token price's place, where the cheapest self-hosted option at each volume costs less)."""


def best_places(found: Comparison) -> list[int]:
    """Return the places of the cheapest option of each kind."""
    return [place for kind in Kind if (place := found.cheapest(kind)) is not None]


def _own_places(options: Options) -> list[int]:
    return np.flatnonzero(options.feasible & options.is_self_hosted).tolist()


@kept(1)
def rivals_of(alone: Options) -> Rivals:
    """Return, for the cheapest token price of each kind, where any feasible self-hosted option beats it.

    alone: the options of one kind, which no volume changes.
    """
    own, found = feasible_contenders(alone).tolist(), []
    for kind in TOKEN if own else ():
        mine = np.flatnonzero(alone.feasible & alone.is_api & (alone.items.kind == kind))
        if len(mine):
            place = int(mine[np.lexsort((alone.preference[mine], alone.usd_per_query[mine]))[0]])
            found.append((place, break_even(alone, own, place)))
    return tuple(found)


def first_to_pay(found: Comparison, rivals: Rivals) -> list[int]:
    """Return the self-hosted option that is the first to beat the cheapest token price as volume grows.

    Counted from today's volume on; where nothing changes above it, from the smallest. Empty for never.
    """
    starts = [low for _, rival in nearest(found, rivals) for low, _ in rival.self_hosted_cheaper]
    ahead = [low for low in starts if low > found.scenario.queries_per_day] or starts
    if not ahead:
        return []
    return [_cheapest_own(found.alone, ahead[0])]


@kept(4)
def _cheapest_own(alone: Options, queries_per_day: float) -> int:
    """Return the place of the self-hosted option that is the cheapest at a volume."""
    own = _own_places(alone)
    return own[int(np.argmin(alone.take(own).monthly_usd(queries_per_day, sides=(1,))[0, :, 0]))]


def nearest(found: Comparison, rivals: Rivals) -> Rivals:
    """Return the cheapest token price's rival alone."""
    return tuple(sorted(rivals, key=lambda pair: float(found.base_usd[pair[0]]))[:1])
