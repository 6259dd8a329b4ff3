"""Which hidden assumption would make a figure true."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from llmplan.catalog import ApiPrice
from llmplan.cost.hidden import LowBaseHigh
from llmplan.units import S_PER_DAY, S_PER_MINUTE, TOKENS_PER_MTOK


@dataclass(frozen=True)
class ImpliedTokens:
    """Mean tokens a query that would make two API months true at once."""

    input_tokens: float
    output_tokens: float


def implied_tokens(
    prices: tuple[ApiPrice, ApiPrice],
    usd_per_month: tuple[float, float],
    queries_per_day: float,
    days_per_month: float,
) -> ImpliedTokens | None:
    """Solve p_in x + p_out y = u for two APIs: the tokens behind two stated months.

    Returns None where the two prices are proportional (no unique answer) or an amount would be negative.
    """
    matrix = np.array([[p.input_usd_per_mtok, p.output_usd_per_mtok] for p in prices])
    each = np.array(usd_per_month) / (queries_per_day * days_per_month) * TOKENS_PER_MTOK
    if abs(np.linalg.det(matrix)) < 1e-9:
        return None
    tokens_in, tokens_out = (round(float(tokens), 6) for tokens in np.linalg.solve(matrix, each))
    return ImpliedTokens(tokens_in, tokens_out) if min(tokens_in, tokens_out) >= 0 else None


def implied_volume(usd_per_query: float, fleet_usd_per_month: float, days_per_month: float) -> float:
    """Return the queries a day at which a fleet of fixed cost comes to a price a query."""
    return fleet_usd_per_month / (usd_per_query * days_per_month)


def implied_fleet_usd(
    crossover_queries_per_day: float, api_usd_per_query: float, days_per_month: float
) -> float:
    """Return the monthly fleet cost that crosses an API at a given volume."""
    return crossover_queries_per_day * api_usd_per_query * days_per_month


def implied_gpus(fleet_usd: float, usd_per_gpu_month: float, hidden_usd: LowBaseHigh) -> tuple[float, float]:
    """Return the fewest and most GPUs that leave a fleet's cost for high and for low hidden costs."""
    return (fleet_usd - hidden_usd.high) / usd_per_gpu_month, (fleet_usd - hidden_usd.low) / usd_per_gpu_month


def least_usd_per_query(
    fleet_usd_per_month: float, requests_per_minute: float, days_per_month: float
) -> float:
    """Return the price a query of a fleet that is busy every minute of the month."""
    if not requests_per_minute > 0:
        return math.inf
    return fleet_usd_per_month / (requests_per_minute / S_PER_MINUTE * S_PER_DAY * days_per_month)
