"""The installed genai-prices data as entries, as of a day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from llmplan.prices.listed import CACHED, INPUT, OUTPUT, Listed, Prices, discounted, tiered
from llmplan.units import S_PER_HOUR, S_PER_MINUTE

PACKAGE: Final = "genai-prices"
_SAME_NAME: Final = tuple(
    re.findall(
        r"\S+",
        "openai anthropic google x-ai mistral deepseek cohere moonshotai minimax zai azure together fireworks groq "
        "cerebras novita",
    )
)
PROVIDERS: Final = dict(zip(_SAME_NAME, _SAME_NAME, strict=True)) | {
    "aws": "bedrock",
    "huggingface_sambanova": "sambanova",
    "huggingface_nebius": "huggingface-nebius",
}
"""Their provider id -> ours."""
_COLUMNS: Final = {
    INPUT: "input_mtok",
    OUTPUT: "output_mtok",
    CACHED: "cache_read_mtok",
    "image_input_usd_per_mtok": "input_image_mtok",
    "cache_write_usd_per_mtok": "cache_write_mtok",
    "cache_write_long_usd_per_mtok": "cache_write_1h_mtok",
}
_CLOUD_NAMES: Final = ("claude", "-maas")
"""Parts of names that the list has under google and Vertex AI bills."""


def source_id() -> str:
    return f"{PACKAGE}-{version(PACKAGE)}"


def listed(today: dt.date) -> Iterator[Listed]:
    """Yield the text models of the providers that are covered, at the prices of `today`."""
    from genai_prices.data import providers

    for provider in providers:
        if provider.id in PROVIDERS:
            for model in provider.models:
                entry = _entry(PROVIDERS[provider.id], model, today)
                if entry is not None:
                    yield entry


def _entry(provider: str, model: Any, today: dt.date) -> Listed | None:
    standard, peaks, later = _standing(model.prices, today)
    prices = _plain(standard)
    if INPUT not in prices or OUTPUT not in prices:
        return None
    prices |= tiered(_tiers(standard, prices)) | _variants(model, prices, today)
    hours, factor = _peak(standard, peaks)
    if factor:
        prices["peak_price_factor"] = factor
    in_cloud = provider == "google" and any(part in model.id for part in _CLOUD_NAMES)
    return Listed(
        provider="vertex-ai" if in_cloud else provider,
        name=model.id,
        prices=prices,
        is_current=not model.deprecated,
        context_tokens=model.context_window,
        peak_hours_utc=hours,
        notes=later,
        aliases=tuple(_equals(model.match)),
    )


def _equals(clause: Any) -> Iterator[str]:
    """Yield the exact names of a match clause."""
    if hasattr(clause, "equals"):
        yield clause.equals
    for part in getattr(clause, "or_", ()):
        yield from _equals(part)


def _standing(prices: Any, today: dt.date) -> tuple[Any, list[Any], tuple[str, ...]]:
    """Return the price outside special hours, the prices of special hours, and what is announced."""
    if not isinstance(prices, list):
        return prices, [], ()
    standard, peaks, later = prices[0].prices, [], []
    for item in prices:
        limit = item.constraint
        if hasattr(limit, "start_time"):
            peaks.append(item)
        elif limit is None or limit.start_date <= today:
            standard, peaks = item.prices, []
        else:
            figures = "/".join(f"{_base(getattr(item.prices, n)):g}" for n in ("input_mtok", "output_mtok"))
            later.append(f"from {limit.start_date}: {figures}")
    return standard, peaks, tuple(later)


def _base(price: Any) -> float:
    return float(getattr(price, "base", price))


def _plain(price: Any) -> Prices:
    found = ((column, getattr(price, theirs, None)) for column, theirs in _COLUMNS.items())
    return {column: _base(value) for column, value in found if value is not None}


def _tiers(price: Any, plain: Prices) -> dict[float, Prices]:
    found: dict[float, Prices] = {}
    for column in (INPUT, OUTPUT, CACHED):
        for tier in getattr(getattr(price, _COLUMNS[column]), "tiers", []):
            found.setdefault(float(tier.start), {})[column] = float(tier.price)
    own = {column: plain[column] for column in (INPUT, OUTPUT, CACHED) if column in plain}
    return {start: own | tier for start, tier in found.items()}


def _variants(model: Any, prices: Prices, today: dt.date) -> Prices:
    """Return the columns of batch, priority and flex; of several dated variants the last that has begun."""
    found: Prices = {}
    variants = [v for v in model.price_variants or [] if _has_begun(v.constraint, today)]
    for variant in sorted(variants, key=lambda v: getattr(v.constraint, "start_date", dt.date.min)):
        own = _plain(variant.prices)
        if variant.when == {"processing": "batch"}:
            keeps = {CACHED: prices[CACHED]} if CACHED in prices else {}  # no batch rate: the standard one
            found |= discounted(prices, keeps | own)
        tier = variant.when.get("service_tier")
        if tier in ("priority", "flex") and len(variant.when) == 1:
            found |= {f"{tier}_{column}": own[column] for column in (INPUT, OUTPUT, CACHED) if column in own}
    return found


def _has_begun(limit: Any, today: dt.date) -> bool:
    return limit is None or getattr(limit, "start_date", today) <= today


def _peak(standard: Any, peaks: list[Any]) -> tuple[str, float | None]:
    """Return the windows of dearer hours as `01-04 06-10` and the one factor; ("", None) where there are none."""
    usual = _plain(standard)
    factors = {
        round(price / usual[c], 6) for p in peaks for c, price in _plain(p.prices).items() if usual.get(c)
    }
    if len(factors) != 1:
        return "", None
    return " ".join(_window(peak.constraint) for peak in peaks), factors.pop()


def _window(limit: Any) -> str:
    hours = (
        round(t.hour + t.minute * S_PER_MINUTE / S_PER_HOUR, 2) for t in (limit.start_time, limit.end_time)
    )
    return "-".join(f"{hour:g}" for hour in hours)
