"""How much of what the price lists call current data/api_prices.csv offers, provider by provider."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmplan.prices.merging import Offer


@dataclass(frozen=True)
class Covered:
    """A provider's text models that a list holds and none calls ended: how many, and those that no row offers."""

    listed: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        return 1 - len(self.missing) / self.listed


def coverage(
    offers: Iterable[Offer], rows: Iterable[Mapping[str, str]], today: dt.date
) -> dict[str, Covered]:
    """Return it by provider, the name "all" last.

    An offer counts unless a list, under any of its names, or the mapping table calls it ended.
    """
    current = {
        (entry.provider, entry.name)
        for offer in offers
        if not any(entry.ended(today) for entry in offer.by_source.values())
        if offer.reading.rule is None or offer.reading.rule.status is None
        for entry in (*offer.by_source.values(), *offer.in_areas.values())
        if not entry.ended(today)
    }
    offered = {
        (row["provider"], name)
        for row in rows
        if row["status"] == "active"
        for name in (row["provider_model"], *row["aliases"].split())
    }
    missing = sorted(current - offered)
    count = Counter(provider for provider, _ in current)
    found = {
        provider: Covered(count[provider], tuple(name for p, name in missing if p == provider))
        for provider in sorted(count)
    }
    return found | {"all": Covered(len(current), tuple("/".join(pair) for pair in missing))}
