"""What the tokens of a query cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, TOKENS_PER_MTOK

Z_95 = 1.6448536269514722
"""Standard normal deviate that 95% stay below."""


@dataclass(frozen=True, eq=False)
class TokenPrices:
    """The token prices of many APIs, one array a column of data/api_prices.csv, each (n,); NaN: none."""

    input_usd_per_mtok: Floats
    output_usd_per_mtok: Floats
    cached_input_usd_per_mtok: Floats
    batch_discount: Floats
    long_context_from_tokens: Floats
    long_context_input_usd_per_mtok: Floats
    long_context_output_usd_per_mtok: Floats
    long_context_cached_input_usd_per_mtok: Floats
    peak_hours_per_day: Floats
    peak_days_per_week: Floats
    peak_price_factor: Floats


def token_prices(prices: Sequence[ApiPrice]) -> TokenPrices:
    """Return the prices of some APIs as columns."""
    names = [column.name for column in fields(TokenPrices)]
    return TokenPrices(*(np.array([getattr(price, name) for price in prices], float) for name in names))


def api_usd_per_query(
    price: ApiPrice | TokenPrices,
    input_tokens: npt.ArrayLike,
    output_tokens: npt.ArrayLike,
    cached_input_share: npt.ArrayLike = 0.0,
    batch_share: npt.ArrayLike = 0.0,
    input_sigma: float = 0.0,
) -> Floats:
    """Return USD a query, priced request by request. (1.1)-(1.3), (1.6)

    Parameters
    ----------
    price: token prices, of one API or of many (arrays that broadcast with the tokens); where the request's
        input exceeds `long_context_from_tokens` the whole request is priced at the long-context tier.
    input_tokens, output_tokens: tokens of one request, arrays that broadcast; the cached part is inside the
        input.
    cached_input_share, batch_share: shares in 0..1. Without a cached price cached tokens cost the full price;
        without a batch price batch requests do.
    input_sigma: spread of the logarithm of a request's input about its mean (`lognormal_sigma`); 0: all alike.
    """
    tokens_in, tokens_out = np.asarray(input_tokens, float), np.asarray(output_tokens, float)
    cached = tokens_in * np.asarray(cached_input_share, float)
    usd_in, usd_cached, usd_out = _tier(price, tokens_in, input_sigma)
    usd = ((tokens_in - cached) * usd_in + cached * usd_cached + tokens_out * usd_out) / TOKENS_PER_MTOK
    discount = 1 - np.asarray(batch_share, float) * np.nan_to_num(_number(price.batch_discount))
    return np.asarray(usd * discount * mean_price_factor(price))


def mean_price_factor(price: ApiPrice | TokenPrices) -> Floats:
    """Return the mean over a flat week of a price that is higher in some hours of some days. (0.3)"""
    hours, factor = _number(price.peak_hours_per_day), _number(price.peak_price_factor)
    days = _first(price.peak_days_per_week, np.asarray(float(DAYS_PER_WEEK)))
    share = hours * days / (HOURS_PER_DAY * DAYS_PER_WEEK)
    return np.nan_to_num(1 + (factor - 1) * share, nan=1.0)


def lognormal_sigma(mean: float, p95: float | None) -> float:
    """Return the sigma of a lognormal length from its mean and 95th percentile; 0 without one, or one below the mean. (1.6)

    The smaller root of sigma^2 / 2 - z sigma + ln(p95 / mean) = 0; a p95 beyond what the shape reaches (3.9 means)
    counts as that.
    """
    if p95 is None or p95 <= mean:
        return 0.0
    return Z_95 - math.sqrt(max(Z_95**2 - 2 * math.log(p95 / mean), 0.0))


def _long_shares(limit: Floats, tokens_in: Floats, sigma: float) -> tuple[Floats, Floats]:
    """Return the shares of input tokens, and of requests, in requests above a limit; NaN: no limit, 0. (1.6)"""
    with np.errstate(invalid="ignore"):
        if sigma <= 0:
            above = np.where(tokens_in > limit, 1.0, 0.0)
            return above, above
        far = (np.log(tokens_in) - np.log(limit)) / sigma
        return np.nan_to_num(_below(far + sigma / 2)), np.nan_to_num(_below(far - sigma / 2))


def _below(z: Floats) -> Floats:
    """Return the standard normal distribution function; SciPy's would take a tenth of the shell's start."""
    found: Floats = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])(z)
    return found


def _tier(price: ApiPrice | TokenPrices, tokens_in: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """Return the mean prices of an input, a cached and an output token over requests in and below the long tier."""
    usd_in, usd_out = _number(price.input_usd_per_mtok), _number(price.output_usd_per_mtok)
    plain_cached = _first(price.cached_input_usd_per_mtok, usd_in)
    of_tokens, of_requests = _long_shares(_number(price.long_context_from_tokens), tokens_in, sigma)
    long_in = _first(price.long_context_input_usd_per_mtok, usd_in)
    long_out = _first(price.long_context_output_usd_per_mtok, usd_out)
    scale = np.divide(long_in, usd_in, out=np.ones_like(long_in + usd_in), where=usd_in > 0)
    long_cached = _first(price.long_context_cached_input_usd_per_mtok, plain_cached * scale)
    return (
        usd_in + of_tokens * (long_in - usd_in),
        plain_cached + of_tokens * (long_cached - plain_cached),
        usd_out + of_requests * (long_out - usd_out),
    )


def _number(value: object) -> Floats:
    """Return a price, or many, as numbers; NaN where there is none."""
    return np.asarray(np.nan if value is None else value, float)


def _first(value: object, other: Floats) -> Floats:
    found = _number(value)
    return np.where(np.isnan(found), other, found)
