"""Prompts whose beginning the engine's prefix cache still holds: how many of their tokens (3.20, 3.21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.replica.configurations import Configurations
from llmplan.replica.step import cached_bytes
from llmplan.scenario import Scenario

STEPS: Final = 32
"""Hit shares that are told apart."""
LEFT_FOR_CACHE: Final = 0.5
"""Part of the KV room that finished prompts hold; the rest belongs to running ones."""


@dataclass(frozen=True, eq=False)
class Reuse:
    """Tokens of each request, shape (n,), that need no prefill; they still lie in KV and every step reads them.

    shared_tokens: those of them that all running sequences hold together, once.
    """

    tokens: Floats
    shared_tokens: Floats

    def take(self, index: Places) -> Reuse:
        """Return the entries at `index` (repeats allowed)."""
        return Reuse(self.tokens[index], self.shared_tokens[index])

    def fresh(self, input_tokens: Floats) -> Floats:
        """Tokens that a request's prefill works out: at least its last one."""
        return np.maximum(input_tokens - self.tokens, np.minimum(input_tokens, 1.0))


ReuseRule = Callable[[Configurations, Floats, Callable[[Reuse], Floats]], Reuse]
"""What prefix caches hold of the prompts, from replicas, their input tokens and their rate at a reuse."""


def no_reuse(n: int) -> Reuse:
    """Return that every prompt is new, for n replicas."""
    return Reuse(np.zeros(n), np.zeros(n))


def shared_prefix(input_tokens: Floats, share: float) -> Reuse:
    """Return the reuse of one prefix that all queries begin with: it stays cached, and is held once. (3.20)"""
    cached = input_tokens * share
    return Reuse(cached, cached)


def own_prefixes(
    c: Configurations,
    input_tokens: Floats,
    share: float,
    gaps_s: tuple[Floats, Floats],
    kept_by_routing: float,
    requests_per_s: Callable[[Reuse], Floats],
) -> Reuse:
    """Return the reuse of prefixes that belong to a conversation or a document each. (3.21)

    A block is still there when it is asked for again before as many new tokens came as the cache holds. The hit
    share h is the largest of `STEPS` with h <= share x routing x F(C / (lambda (1 - h))), lambda the input tokens/s
    of a replica that works at that hit share; so a larger share never lowers it.

    Parameters
    ----------
    gaps_s: times between two uses of a block [s], and the share of uses within each: F.
    kept_by_routing: share of hits that the balancer keeps: 1 where it sends a prefix where it lies.
    requests_per_s: a replica's rate at a reuse.
    """
    n = len(c)
    per_token = cached_bytes(c, input_tokens, c.window_held_tokens) / input_tokens
    room = LEFT_FOR_CACHE * np.maximum(c.kv_room_bytes, 0.0) * c.data_parallel / np.maximum(per_token, 1.0)
    low, high = np.zeros(n, np.intp), np.full(n, STEPS, np.intp)
    while (low < high - 1).any():
        middle = (low + high) // 2
        hit = middle / STEPS
        arriving = requests_per_s(Reuse(hit * input_tokens, np.zeros(n))) * input_tokens
        with np.errstate(divide="ignore", invalid="ignore"):
            stays_s = np.nan_to_num(room / (arriving * (1.0 - hit)), nan=0.0, posinf=1e9)
        found = hit <= share * kept_by_routing * np.interp(stays_s, *gaps_s, left=0.0)
        low, high = np.where(found, middle, low), np.where(found, high, np.maximum(middle, low + 1))
    return Reuse(low / STEPS * input_tokens, np.zeros(n))


REUSE_TRACES: Final = {"own": "conversation", "own-synthetic": "synthetic"}
"""Whose times between two uses of a block the cached prefixes have."""


class PromptCache(NamedTuple):
    """What of the prompts is asked for again, under the names of a scenario's fields."""

    cached_input_share: float = 0.0
    cached_prefix: str = "shared"
    cache_aware_routing: bool = True

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Return what a scenario says of it."""
        return cls(*(getattr(scenario, name) for name in cls._fields))


NOTHING_CACHED: Final = PromptCache()


def reuse_rule(catalog: Catalog, asked: PromptCache) -> ReuseRule | None:
    """Return what a replica's prefix cache holds of the prompts; None: nothing is cached. (3.20), (3.21)"""
    share = asked.cached_input_share
    if share <= 0:
        return None
    if asked.cached_prefix == "shared":
        return lambda _, input_tokens, __: shared_prefix(input_tokens, share)
    rows = [row for row in catalog.reuse_gaps if row.trace == REUSE_TRACES[asked.cached_prefix]]
    rows.sort(key=lambda row: row.gap_s)
    gaps = np.array([row.gap_s for row in rows]), np.array([row.share_within for row in rows])
    routing = 1.0 if asked.cache_aware_routing else catalog.assumption("round-robin-hit-share").base
    return lambda c, input_tokens, rate: own_prefixes(c, input_tokens, share, gaps, routing, rate)
