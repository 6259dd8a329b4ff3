"""One price list's entry for one name of one provider, in the columns of data/api_prices.csv."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

Prices = dict[str, float]
"""Column of data/api_prices.csv -> price in USD per million tokens (or a share, a count, a factor)."""

INPUT: Final = "input_usd_per_mtok"
OUTPUT: Final = "output_usd_per_mtok"
CACHED: Final = "cached_input_usd_per_mtok"


@dataclass(frozen=True)
class Listed:
    """An entry.

    Attributes
    ----------
    provider: as in data/api_prices.csv. name: the provider's own, without the list's prefix.
    prices: what is stated, by column.
    ends_on: day from which the provider answers no more; None: not stated.
    is_current: False where the list marks it as deprecated without a date.
    surcharges: area -> share added for processing held there.
    takes_images: whether the list says that queries may hold images.
    """

    provider: str
    name: str
    prices: Prices
    ends_on: dt.date | None = None
    is_current: bool = True
    context_tokens: int | None = None
    surcharges: dict[str, float] = field(default_factory=dict)
    peak_hours_utc: str = ""
    notes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    takes_images: bool = False

    def ended(self, today: dt.date) -> bool:
        """Say whether the offer is over."""
        return not self.is_current or (self.ends_on is not None and self.ends_on <= today)


def discounted(prices: Prices, batch: Prices) -> Prices:
    """Return the batch columns: the share taken off input and output, and the cached price where that differs.

    Where input and output are discounted by different shares the smaller one counts.
    """
    shares = [1 - batch[c] / prices[c] for c in (INPUT, OUTPUT) if batch.get(c) is not None and prices.get(c)]
    if not shares or min(shares) <= 0:
        return {}
    found = {"batch_discount": round(min(shares), 4)}
    cached, own = prices.get(CACHED), batch.get(CACHED)
    if cached is not None and own is not None and abs(own - cached * (1 - min(shares))) > 1e-9:
        found["batch_cached_input_usd_per_mtok"] = own
    return found


def tiered(tiers: dict[float, Prices]) -> Prices:
    """Return the columns of the first two context tiers above the standard one, by the tokens they start at."""
    found: Prices = {}
    for prefix, start in zip(("long_context", "longer_context"), sorted(tiers), strict=False):
        if INPUT in tiers[start] and OUTPUT in tiers[start]:
            found[f"{prefix}_from_tokens"] = start
            found |= {f"{prefix}_{column}": price for column, price in tiers[start].items()}
    return found
