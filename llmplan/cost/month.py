"""What the tokens of a query cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice
from llmplan.cost.classes import Classes, Use, classes_of
from llmplan.units import TOKENS_PER_MTOK

PLAIN = Use()


def api_usd_per_query(
    price: ApiPrice | Classes,
    input_tokens: npt.ArrayLike,
    output_tokens: npt.ArrayLike,
    cached_input_share: npt.ArrayLike = 0.0,
    batch_share: npt.ArrayLike = 0.0,
    use: Use = PLAIN,
) -> Floats:
    """Return USD a query, priced request by request. (1.1)-(1.4), (1.6)-(1.11)

    Parameters
    ----------
    price: of one API, or the classes of one or many that hold for `use` (arrays that broadcast with the tokens);
        where a request's input exceeds the start of a context tier the whole request is priced at that tier.
    input_tokens, output_tokens: tokens of one request, arrays that broadcast; cached and written parts are inside
        the input.
    cached_input_share, batch_share: shares in 0..1.
    use: how they are asked for.
    """
    asked = classes_of([price], use).at(0) if isinstance(price, ApiPrice) else price
    tokens_in, tokens_out = np.asarray(input_tokens, float), np.asarray(output_tokens, float)
    read, waits = np.asarray(cached_input_share, float), np.asarray(batch_share, float)
    written = np.minimum(use.cache_write_share, 1 - read)
    of_tokens, of_requests = long_shares(asked.tier_from, tokens_in, use)
    images = image_factor(asked, tokens_in, use)
    in_tier = _mean_over_tiers(asked.tier_input, of_tokens)
    kinds = (
        (tokens_in * (1 - read - written), asked.input_usd * images * in_tier, asked.waiting_input),
        (
            tokens_in * read,
            asked.cached_usd * images * _mean_over_tiers(asked.tier_cached, of_tokens),
            asked.waiting_cached,
        ),
        (tokens_in * written, asked.write_usd * images * in_tier, asked.waiting_write),
        (
            tokens_out,
            asked.output_usd * _mean_over_tiers(asked.tier_output, of_requests),
            asked.waiting_output,
        ),
    )
    now, later = (1 - waits) * asked.hours_factor, waits * asked.waiting_hours_factor
    usd = sum(tokens * each * (now + later * waiting) for tokens, each, waiting in kinds)
    return np.asarray(usd / TOKENS_PER_MTOK)


def image_factor(asked: Classes, tokens_in: Floats, use: Use) -> Floats:
    """Return the mean price of input tokens over that of text, where some are an image's. (1.11)"""
    if not use.image_tokens:
        return np.ones_like(tokens_in)
    share = np.minimum(use.image_tokens / tokens_in, 1.0)
    return np.asarray(1 + share * (asked.image_over_input - 1))


def _mean_over_tiers(over_standard: Floats, shares: Floats) -> Floats:
    """Return the mean of a price over requests in and below context tiers, over the standard price. (1.6)"""
    first, second = over_standard
    return np.asarray(1 + shares[0] * (first - 1) + shares[1] * (second - first))


def long_shares(limits: Floats, tokens_in: Floats, use: Use) -> tuple[Floats, Floats]:
    """Return the shares of input tokens, and of requests, in requests above limits, (2, ...); NaN: no limit, 0. (1.6)"""
    limits = limits.reshape(limits.shape + (1,) * (tokens_in.ndim - limits.ndim + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        if use.input_lengths:
            return _beyond(use.input_lengths, limits / tokens_in)
        sigma = use.input_sigma
        if sigma <= 0:
            above = np.where(tokens_in > limits, 1.0, 0.0)
            return above, above
        far = (np.log(tokens_in) - np.log(limits)) / sigma
    return _below(far + sigma / 2), _below(far - sigma / 2)


def _beyond(lengths: Sequence[tuple[float, float]], over_mean: Floats) -> tuple[Floats, Floats]:
    """Return the shares of tokens, and of requests, of rising lengths above some multiples of the mean; NaN: 0."""
    ratios, shares = np.array(lengths).T
    first = np.searchsorted(ratios, over_mean, side="right")
    of_tokens, of_requests = (
        np.append(np.cumsum(part[::-1])[::-1], 0.0)[first] for part in (shares * ratios, shares)
    )
    return of_tokens, of_requests


def _below(z: Floats) -> Floats:
    """Return the standard normal distribution function, 0 at NaN; SciPy's would take a tenth of the shell's start."""
    found, known = np.zeros_like(z), np.isfinite(z)
    found[known] = [math.erfc(-x / math.sqrt(2)) / 2 for x in z[known].tolist()]
    return found
