"""Where cost curves cross, and which of them is the cheapest from which volume."""

from __future__ import annotations

import numpy as np

from llmplan.options.breakeven import break_even
from llmplan.options.maps import Curves
from llmplan.options.rows import Option


def crossings_of(curves: Curves, most_pairs: int) -> tuple[float, ...]:
    """Return the volumes [queries/day] at which a self-hosted curve crosses one of token prices, exactly.

    most_pairs: of curves, the first of which are looked at; each takes some milliseconds.
    """
    options = curves.options
    paid = np.flatnonzero(options.is_api).tolist()
    pairs = [(own, token) for own in np.flatnonzero(options.is_self_hosted).tolist() for token in paid]
    found = (break_even(options, [own], token) for own, token in pairs[:most_pairs])
    return tuple(sorted({float(x) for pair in found for x in pair.crossings_queries_per_day}))


def leaders_of(curves: Curves) -> list[tuple[float, Option]]:
    """Return from which volume [queries/day] which option is the cheapest of those drawn."""
    base = curves.monthly_usd[1]
    if not base.size:
        return []
    best = np.argmin(base, axis=0)
    starts = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist()]
    return [(float(curves.queries_per_day[i]), curves.options.items[int(best[i])]) for i in starts]
