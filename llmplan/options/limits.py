"""Which limit of a scenario stands in the way where nothing is feasible."""

from __future__ import annotations

from collections import Counter

from llmplan.catalog.cache import kept
from llmplan.options.comparison import Comparison

LIMITS = {
    "quality": "the quality floor",
    "TTFT": "the latency target",
    "TPOT": "the latency target",
    "answer": "the latency target",
    "licence": "the licence",
    "context": "the context length",
    "data": "keeping data in house",
    "provider": "the list of providers",
}
"""What the first word of a reason is about."""


def limit_of(reason: str) -> str:
    """Return the limit that a reason speaks of, by its first word."""
    return LIMITS.get(reason.split(maxsplit=1)[0], "what can be rented, run or offered")


@kept(1)
def in_the_way(found: Comparison) -> str:
    """Say which limit stands alone against the most options, as a clause."""
    limits = [{limit_of(reason) for reason in item.reasons} for item in found.options.items]
    alone = Counter(next(iter(those)) for those in limits if len(those) == 1)
    if not alone:
        return "every one of them breaks several of its limits"
    limit, count = alone.most_common(1)[0]
    return f"{limit} alone rules out {count:,} of {len(limits):,}"
