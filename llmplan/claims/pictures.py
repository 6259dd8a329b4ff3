"""The numbers behind the article check's three charts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.claims.checks_costs import CEILING, FORMAT, GPU, MODEL, PEAK_TO_MEAN
from llmplan.claims.context import Context, requests_per_minute
from llmplan.cost.fleet import queries_per_day_of_one_replica, replicas_needed
from llmplan.cost.hidden import LowBaseHigh, hidden_costs
from llmplan.cost.month import api_usd_per_query
from llmplan.replica import Configurations, ReplicaConfig, capacity
from llmplan.units import S_PER_MINUTE


@dataclass(frozen=True)
class HardwareCost:
    """A hardware row of the article: its range, and today's on-demand month."""

    name: str
    claimed_low: float
    claimed_high: float
    computed: LowBaseHigh


def hardware_costs(catalog: Catalog) -> list[HardwareCost]:
    """Return the article's hardware rows that have an on-demand price, USD a month."""
    context = Context.of(catalog)
    rows = []
    for row in catalog.article_hardware.values():
        month = context.gpu_month(row.gpu_id, row.n_gpus)
        if month is not None:
            model, gpu = catalog.models[row.model_id], catalog.gpus[row.gpu_id]
            size, bits = (
                model.name.removeprefix("Llama-3.1-"),
                catalog.precisions[row.precision_id].weight_bits,
            )
            name = f"{size} at {bits:.0f} bit, {row.n_gpus} x {gpu.name.removeprefix('NVIDIA ')}"
            rows.append(HardwareCost(name, row.usd_per_month_low, row.usd_per_month_high, month[0]))
    return rows


@dataclass(frozen=True)
class CrossoverLines:
    """Monthly USD over volumes: an API, the article's fleet that never grows, the fleet for the peak.

    Attributes
    ----------
    queries_per_day, api_usd, flat_usd, fleet_usd: the lines.
    usd_per_query: of the API.
    flat_crossing, fleet_crossing: first volume at which either fleet costs no more than the API; infinite: none
        in the picture. [queries/day]
    flat_crossing_usd, fleet_crossing_usd: the month's cost there.
    claimed: the article's range. [queries/day]
    """

    queries_per_day: Floats
    api_usd: Floats
    flat_usd: Floats
    fleet_usd: Floats
    usd_per_query: float
    flat_crossing: float
    flat_crossing_usd: float
    fleet_crossing: float
    fleet_crossing_usd: float
    claimed: tuple[float, float]


def crossover_lines(catalog: Catalog, points: int = 300) -> CrossoverLines:
    """Return the lines behind the article's 30,000 to 50,000 queries a day, and the capacity-true ones."""
    context = Context.of(catalog)
    volumes = np.geomspace(1_000, 1_000_000, points)
    days = context.computed.days_per_month
    price = catalog.api("gpt-4o")
    each = float(api_usd_per_query(price, context.computed.input_tokens, context.computed.output_tokens))
    hidden = catalog.assumption("article-hidden-total-usd-per-month").base
    flat = catalog.assumption("article-gpu-2x-usd-per-month").base + hidden
    found = context.replica(MODEL, FORMAT, GPU, 1, context.computed.input_tokens)
    rate = requests_per_minute(found).base / S_PER_MINUTE
    ceiling = catalog.assumption(CEILING).base
    per_replica = float(queries_per_day_of_one_replica(rate, PEAK_TO_MEAN, ceiling))
    month = context.gpu_month(GPU, 1)
    rent = month[0].base if month else float("nan")

    def fleet_usd(replicas: Floats) -> Floats:
        return np.asarray(replicas * rent + hidden_costs(catalog).usd(replicas, 1))

    most = int(replicas_needed(volumes[-1:], per_replica)[0])
    crossing = first_crossing(fleet_usd(np.arange(1.0, most + 1)), per_replica, each * days)
    claim = catalog.claims["crossover-70b"]
    return CrossoverLines(
        queries_per_day=volumes,
        api_usd=np.asarray(each * volumes * days),
        flat_usd=np.full(points, flat),
        fleet_usd=fleet_usd(replicas_needed(volumes, per_replica)),
        usd_per_query=each,
        flat_crossing=flat / (each * days),
        flat_crossing_usd=flat,
        fleet_crossing=crossing,
        fleet_crossing_usd=crossing * each * days,
        claimed=(claim.claimed_low or 0.0, claim.claimed_high or 0.0),
    )


def first_crossing(fleet_usd: Floats, per_replica: float, api_usd_per_daily_query: float) -> float:
    """Return the first volume at which a fleet costs no more than an API, exactly on its staircase. [queries/day]

    Parameters
    ----------
    fleet_usd: monthly cost of 1, 2, ... replicas. (n,)
    per_replica: queries/day that one carries.
    api_usd_per_daily_query: what a query every day costs over a month.
    """
    replicas = np.arange(1, len(fleet_usd) + 1)
    level = np.maximum(fleet_usd / api_usd_per_daily_query, (replicas - 1) * per_replica)
    carried = np.flatnonzero(level <= replicas * per_replica)
    return float(level[carried[0]]) if carried.size else float("inf")


@dataclass(frozen=True)
class RequestRates:
    """Requests a minute of one replica by prompt length, with the claimed band.

    `stated_tokens`: the article's prompt, and `stated_rate` the rate there; `longest_prompt`: the prompt at which
    the rate is the lowest claimed one, infinite where it never is that low, 0 where it is always lower.
    """

    input_tokens: Floats
    low: Floats
    base: Floats
    high: Floats
    claimed: tuple[float, float]
    stated_tokens: float
    stated_rate: float
    longest_prompt: float


def request_rates(catalog: Catalog, points: int = 40) -> RequestRates:
    """Return what one A100 with the 70B at 4 bit serves flat out, 500 output tokens, by prompt length."""
    tokens = np.geomspace(100, 30_000, points)
    config = ReplicaConfig(MODEL, FORMAT, GPU, 1, "vllm")
    found = capacity(Configurations.from_configs(catalog, [config] * points), tokens, 500)
    claim = catalog.claims["a100-70b-rpm"]
    rates = (found.requests_per_s_p10, found.requests_per_s, found.requests_per_s_p90)
    low, base, high = (np.asarray(rate * S_PER_MINUTE) for rate in rates)
    least = claim.claimed_low or 0.0
    stated = Context.of(catalog).stated.input_tokens
    return RequestRates(
        input_tokens=tokens,
        low=low,
        base=base,
        high=high,
        claimed=(least, claim.claimed_high or 0.0),
        stated_tokens=stated,
        stated_rate=float(np.interp(stated, tokens, base)),
        longest_prompt=float(np.interp(-least, -base, tokens, left=0.0, right=float("inf"))),
    )
