"""Checks of what fits, what it costs to rent, and what it serves."""

from __future__ import annotations

import numpy as np

from llmplan.catalog import ArticleCost, Claim
from llmplan.claims.context import SEQUENCE_TOKENS, Context, check, requests_per_minute
from llmplan.claims.verdicts import Finding, Implied, Verdict, implied, number, point
from llmplan.queueing import ServiceCurve, open_loop, service_curve
from llmplan.queueing.simulation.calibrated import simulated_replica
from llmplan.replica import Configurations, ReplicaConfig, capacity
from llmplan.replica.memory import memory_plan, smallest_gpu_count, weights_gb
from llmplan.units import S_PER_MINUTE

COMFORTABLE_SEQUENCES = 4
"""Fewest sequences at once that one developer's tools would call comfortable: a chat, a completion, two tests."""
USEFUL_SPEED_SHARE = 0.5
"""Consumer cards are no hindrance when those that hold the model serve at least this share of one big card's rate."""

FLEETS = (1, 4)
"""Replicas of the fleets whose knee is looked for."""


def _row(context: Context, claim: Claim) -> ArticleCost:
    return context.catalog.article_hardware[claim.subject or ""]


@check("hardware_fits")
def hardware_fits(context: Context, claim: Claim) -> Finding:
    """See how many sequences of the article's own query a hardware row holds at once."""
    row = _row(context, claim)
    catalog = context.catalog
    model, gpu = catalog.model(row.model_id), catalog.gpu(row.gpu_id)
    config = ReplicaConfig(row.model_id, row.precision_id, row.gpu_id, row.n_gpus, "vllm")
    plan = memory_plan(catalog, config, SEQUENCE_TOKENS)
    held = float(plan.max_concurrent_sequences)
    have = row.n_gpus * gpu.memory_gb
    why = f"weights {plan.weights_gb:,.1f} GB of {have:,.0f} GB on the cards: "
    why += f"room for {held:,.0f} sequences at once" if plan.fits else plan.reason
    if not plan.fits:
        needed = smallest_gpu_count(catalog, config, SEQUENCE_TOKENS)
        why += f"; it needs {needed} of them" if needed else f"; not even eight {gpu.name} hold it"
    verdict: Verdict = "holds" if plan.fits else "does not hold"
    return Finding(why, held, held, held, verdict=verdict, sources=(model.source_id, gpu.source_id))


@check("hardware_cost")
def hardware_cost(context: Context, claim: Claim) -> Finding:
    """Compare a hardware row's month with today's on-demand prices."""
    row = _row(context, claim)
    return _month(context, claim, row.gpu_id, row.n_gpus)


@check("gpu_month")
def gpu_month(context: Context, claim: Claim) -> Finding:
    """Compare a GPU's month with today's on-demand prices."""
    gpu_id, count = context.parts(claim)
    return _month(context, claim, gpu_id, int(count))


def _month(context: Context, claim: Claim, gpu_id: str, count: int) -> Finding:
    demand = context.gpu_month(gpu_id, count)
    if demand is None:
        return Finding("no on-demand price of it in the data", verdict="cannot be checked")
    usd, sources = demand
    why = f"on demand, around the clock, cheapest {number(usd.low)}, median {number(usd.base)}, dearest {number(usd.high)}"
    for kind, name in (("reserved_1y", "one-year commitment"), ("spot", "spot")):
        other = context.gpu_month(gpu_id, count, kind)
        if other is not None:
            why += f"; {name} {number(other[0].base)}"
    gpu_hours = count * context.stated.workload(context.catalog).hours_per_month
    each = [month / gpu_hours for month in (claim.claimed_low, claim.claimed_high) if month is not None]
    hidden = (implied("GPU price", "USD/GPU-hour", *each),) if each else ()
    return Finding(why, *usd, sources=sources, implied=hidden)


@check("card_memory")
def card_memory(context: Context, claim: Claim) -> Finding:
    """Add up the memory of a hardware row's cards."""
    row = _row(context, claim)
    gpu = context.catalog.gpu(row.gpu_id)
    why = f"{row.n_gpus} x {gpu.memory_gb:g} GB; a program sees {gpu.memory_gib_usable:g} GiB of each"
    return point(row.n_gpus * gpu.memory_gb, why, gpu.source_id)


@check("comfortable")
def comfortable(context: Context, claim: Claim) -> Finding:
    """See how many sequences a small card holds at 16 bit and at 4 bit."""
    model_id, gpu_id = context.parts(claim)
    catalog = context.catalog
    model, gpu = catalog.model(model_id), catalog.gpu(gpu_id)
    plans = {
        name: memory_plan(catalog, ReplicaConfig(model_id, name, gpu_id, 1, "vllm"), SEQUENCE_TOKENS)
        for name in ("fp16", "int8", "w4a16")
    }
    held = {name: plan.max_concurrent_sequences for name, plan in plans.items()}
    why = "sequences of 2,500 tokens at once: " + ", ".join(f"{name} {count}" for name, count in held.items())
    why += "; the card has no BF16 and no FP8" if gpu.bf16_tflops is None else ""
    enough = [count >= COMFORTABLE_SEQUENCES for count in held.values()]
    verdict: Verdict = "holds" if all(enough) else "depends" if any(enough) else "does not hold"
    low, high = float(min(held.values())), float(max(held.values()))
    return Finding(
        why, low, float(held["int8"]), high, verdict=verdict, sources=(gpu.source_id, model.source_id)
    )


@check("requests_per_minute")
def rate(context: Context, claim: Claim) -> Finding:
    """Compare a claimed rate with what the replica serves flat out, at short and at stated prompts."""
    model_id, precision_id, gpu_id, count = context.parts(claim)
    stated = requests_per_minute(context.replica(model_id, precision_id, gpu_id, int(count)))
    short = requests_per_minute(context.replica(model_id, precision_id, gpu_id, int(count), 500, 200))
    long = requests_per_minute(context.replica(model_id, precision_id, gpu_id, int(count), 8000, 500))
    why = (
        f"flat out: {number(stated.base)} at 2,000 + 500 tokens, {number(short.base)} at 500 + 200, "
        f"{number(long.base)} at 8,000 + 500: the rate says nothing without the prompt length"
    )
    hidden = _implied_prompt(context, claim)
    return Finding(why, stated.low, stated.base, stated.high, implied=hidden)


def _implied_prompt(context: Context, claim: Claim) -> tuple[Implied, ...]:
    """Find the prompt lengths at which one replica reaches the claimed rates with the article's answers."""
    model_id, precision_id, gpu_id, count = context.parts(claim)
    prompts = np.geomspace(10, 30_000, 60)
    config = ReplicaConfig(model_id, precision_id, gpu_id, int(count), "vllm")
    configs = Configurations.from_configs(context.catalog, [config] * len(prompts))
    rates = capacity(configs, prompts, context.stated.output_tokens).requests_per_s * S_PER_MINUTE
    wanted = [
        rate for rate in (claim.claimed_low, claim.claimed_high) if rate and rates[-1] <= rate <= rates[0]
    ]
    found = [float(np.interp(-rate, -rates, prompts)) for rate in wanted]
    return (implied("input", "tokens/query", *found),) if found else ()


@check("consumer_gpu")
def consumer_gpu(context: Context, claim: Claim) -> Finding:
    """See how many consumer cards hold the model, and what they serve beside one data-centre card."""
    model_id, precision_id, consumer, datacentre = context.parts(claim)
    catalog = context.catalog
    card, big = catalog.gpu(consumer), catalog.gpu(datacentre)
    config = ReplicaConfig(model_id, precision_id, consumer, 1, "vllm")
    count = smallest_gpu_count(catalog, config, SEQUENCE_TOKENS)
    size = weights_gb(catalog.model(model_id), catalog.precision(precision_id))
    if count is None:
        why = f"{size:.1f} GB of weights do not fit eight {card.name}: memory, not bandwidth"
        return Finding(why, 0.0, 0.0, 0.0, verdict="holds")
    served = requests_per_minute(context.replica(model_id, precision_id, consumer, count))
    other = requests_per_minute(context.replica(model_id, precision_id, datacentre, 1))
    bandwidth = count * card.bandwidth_gb_s
    why = (
        f"{size:.1f} GB of weights do not fit one {card.name} ({card.memory_gb:.0f} GB) but {count} of them, "
        f"with {bandwidth:,.0f} GB/s together against {big.bandwidth_gb_s:,.0f} of one {big.name}: memory is what "
        f"rules out one card; {count} serve {number(served.base)} requests/min against {number(other.base)}"
    )
    verdict: Verdict = "does not hold" if served.base >= USEFUL_SPEED_SHARE * other.base else "depends"
    return Finding(why, *served, verdict=verdict, sources=(card.source_id, big.source_id))


@check("weights_range")
def weights_range(context: Context, claim: Claim) -> Finding:
    """Compare a range of checkpoint sizes with those of the article's models, 4 bit to native."""
    catalog = context.catalog
    sizes = []
    for name in context.parts(claim)[0].split(","):
        model = catalog.model(name)
        sizes += [
            (weights_gb(model, catalog.precision(precision_id)), f"{name} {precision_id}")
            for precision_id in (model.native_precision_id, "w4a16")
        ]
    sizes.sort()
    middle = sizes[len(sizes) // 2][0]
    why = f"from {sizes[0][0]:.1f} GB ({sizes[0][1]}) to {sizes[-1][0]:,.0f} GB ({sizes[-1][1]})"
    return Finding(why, sizes[0][0], middle, sizes[-1][0])


@check("scaling_rule")
def scaling_rule(context: Context, claim: Claim) -> Finding:
    """Find the load at which the tail of the time to first token doubles: the knee of the queue."""
    model_id, precision_id, gpu_id, count = context.parts(claim)
    knees = knee_utilisation(context, model_id, precision_id, gpu_id, int(count))
    why = (
        f"the 95th percentile of TTFT doubles over its value at low load at {knees[0]:.0%} utilisation with one "
        f"replica and at {knees[1]:.0%} with four: the fewer the replicas, the lower the ceiling must be"
    )
    return Finding(why, min(knees), sum(knees) / 2, max(knees))


def knee_utilisation(
    context: Context, model_id: str, precision_id: str, gpu_id: str, n_gpus: int
) -> tuple[float, ...]:
    """Return, for fleets of one and four replicas, the utilisation at which TTFT's 95th percentile doubles.

    Doubles over its value at a tenth of saturation; queries of the article's 2,000 + 500 tokens; the highest
    utilisation of the formula's range where it never does.
    """
    config = ReplicaConfig(model_id, precision_id, gpu_id, n_gpus, "vllm")
    replica = simulated_replica(Configurations.from_configs(context.catalog, [config]), 2000, 500)
    curve = service_curve(replica.steps, replica.limits, 2000, 500)
    return tuple(_knee(curve, fleet) for fleet in FLEETS)


def _knee(curve: ServiceCurve, replicas: int) -> float:
    shares = np.linspace(0.1, 0.8, 29)
    found = open_loop(curve, shares * curve.saturation_requests_per_s * replicas, replicas, percentiles=(95,))
    tail = found.ttft_ms[0]
    over = np.flatnonzero(tail >= 2 * tail[0])
    return float(shares[over[0]]) if over.size else float(shares[-1])
