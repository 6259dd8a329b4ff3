"""Checks of the article's costs, crossovers and hybrid."""

from __future__ import annotations

import math
from dataclasses import replace

from llmplan.catalog import ApiPrice, Claim
from llmplan.claims.context import Context, check, requests_per_minute
from llmplan.claims.implied import (
    implied_fleet_usd,
    implied_gpus,
    implied_tokens,
    implied_volume,
    least_usd_per_query,
)
from llmplan.claims.verdicts import Finding, Implied, Verdict, implied, number, point
from llmplan.cost.fleet import queries_per_day_of_one_replica
from llmplan.cost.hidden import LowBaseHigh, hidden_costs
from llmplan.cost.month import api_usd_per_query
from llmplan.options import break_even, options_of
from llmplan.scenario import Scenario
from llmplan.units import S_PER_DAY, S_PER_MINUTE, TOKENS_PER_MTOK

APIS = ("gpt-4o", "claude-sonnet-4-5")
"""The two APIs that the article prices."""
MODEL, FORMAT, GPU = "llama-3.1-70b", "w4a16", "a100-80gb-sxm"
CEILING, PEAK_TO_MEAN = "utilisation-ceiling", 2.0
"""A day with a peak twice its mean: the mildest that real traffic shows (docs/method.md, section 4)."""
PRINTED_DECIMALS = 3
"""The article prints unit prices in thousandths of a dollar."""


def _usd_per_query(price: ApiPrice, query: Scenario) -> float:
    return float(api_usd_per_query(price, query.input_tokens, query.output_tokens))


@check("api_month")
def api_month(context: Context, claim: Claim) -> Finding:
    """Price a month of the stated tokens, and find the tokens behind the article's figures."""
    api_id, volume = context.parts(claim)
    price = context.catalog.api(api_id)
    stated, days = context.stated, context.stated.days_per_month
    usd = _usd_per_query(price, stated) * float(volume) * days
    why = f"{_tokens(stated)} at {price.input_usd_per_mtok:g}/{price.output_usd_per_mtok:g} USD per million"
    return replace(point(usd, why, price.source_id), implied=_implied_tokens(context, float(volume)))


def _tokens(scenario: Scenario) -> str:
    return f"{scenario.input_tokens:,.0f} + {scenario.output_tokens:,.0f} tokens"


@check("implied_tokens")
def tokens_behind(context: Context, claim: Claim) -> Finding:
    """Solve for the tokens a query from which the article's months of both APIs follow."""
    side, volume = context.parts(claim)
    found = {item.what: item.low for item in _implied_tokens(context, float(volume))}
    if side not in found:
        return Finding("no token counts give both of its API months", verdict="does not hold")
    why = "solved from its months of GPT-4o and Claude Sonnet at list prices"
    return point(found[side], why, *(context.catalog.api(name).source_id for name in APIS))


def _implied_tokens(context: Context, volume: float) -> tuple[Implied, ...]:
    claims = context.catalog.claims
    months = [claims.get(f"api-{name}-{volume:.0f}") for name in ("gpt-4o", "sonnet")]
    usd = [row.claimed_low for row in months if row is not None and row.claimed_low is not None]
    if len(usd) != 2:
        return ()
    prices = (context.catalog.api(APIS[0]), context.catalog.api(APIS[1]))
    found = implied_tokens(prices, (usd[0], usd[1]), volume, context.stated.days_per_month)
    if found is None:
        return ()
    each = (("input", found.input_tokens), ("output", found.output_tokens))
    return tuple(implied(name, "tokens/query", tokens) for name, tokens in each)


@check("self_hosted_month")
def self_hosted_month(context: Context, claim: Claim) -> Finding:
    """Size the fleet for the volume's peak at the 70 % ceiling and price it with the hidden lines."""
    count, volume = (int(part) for part in context.parts(claim))
    rate = _requests_per_s(context)
    ceiling = context.catalog.assumption(CEILING).base
    each = float(queries_per_day_of_one_replica(rate, PEAK_TO_MEAN, ceiling))
    needed = max(1, math.ceil(volume / each))
    month = _fleet_month(context, needed)
    why = (
        f"{count} A100 serve {rate * count * S_PER_MINUTE:.0f} requests/min flat out "
        f"({rate * S_PER_DAY * count:,.0f} a day), {count * each:,.0f} queries/day with a peak twice the mean at "
        f"{ceiling:.0%} load; {volume:,} need {needed}; GPUs on demand and the hidden lines"
    )
    return Finding(why, *month, sources=_gpu_sources(context))


def _requests_per_s(context: Context, input_tokens: float = 2000) -> float:
    found = context.replica(MODEL, FORMAT, GPU, 1, input_tokens)
    return requests_per_minute(found).base / S_PER_MINUTE


def _fleet_month(context: Context, gpus: float) -> LowBaseHigh:
    hidden = hidden_costs(context.catalog)
    rent = context.gpu_month(GPU, int(gpus))
    usd = rent[0] if rent else LowBaseHigh(float("nan"), float("nan"), float("nan"))
    return LowBaseHigh(*(usd[side] + float(hidden.usd(gpus, side)) for side in range(3)))


def _gpu_sources(context: Context) -> tuple[str, ...]:
    rent = context.gpu_month(GPU, 1)
    return rent[1] if rent else ()


@check("cheaper_side")
def cheaper_side(context: Context, claim: Claim) -> Finding:
    """Divide a month of the fleet that carries the volume by a month of the dearest of the APIs."""
    volume, names = context.parts(claim)
    usd = {name: _api_month(context, name, float(volume)) for name in names.split(",")}
    own, dearest = _own_month(context, float(volume)), max(usd.values())
    why = "; ".join(f"{name} {number(value)}" for name, value in usd.items())
    why += f" USD a month; self-hosting {number(own.base)} ({number(own.low)} to {number(own.high)})"
    ratios = (own.low / dearest, own.base / dearest, own.high / dearest)
    return Finding(why, *ratios, sources=_gpu_sources(context))


@check("times_cheaper")
def times_cheaper(context: Context, claim: Claim) -> Finding:
    """Divide a month of GPT-4o by a month of the fleet that carries the volume at its peak."""
    volume = float(claim.subject or 0)
    api, own = _api_month(context, APIS[0], volume), _own_month(context, volume)
    article = context.catalog.claims
    said = [article[f"api-{name}-{volume:.0f}"].claimed_low for name in ("gpt-4o", "sonnet")]
    bill = article[f"self-hosted-{volume:.0f}"].claimed_low
    why = f"GPT-4o {number(api)} against a fleet for the peak {number(own.base)} USD a month"
    if bill and all(said):
        ratios = [usd / bill for usd in said if usd]
        why += f"; the article's own figures give {min(ratios):.1f} to {max(ratios):.1f} times"
    fleets = [api / ratio for ratio in (claim.claimed_low, claim.claimed_high) if ratio]
    return Finding(
        why,
        api / own.high,
        api / own.base,
        api / own.low,
        sources=_gpu_sources(context),
        implied=(implied("fleet", "USD/month", *fleets),) if fleets else (),
    )


def _api_month(context: Context, api_id: str, volume: float) -> float:
    usd = _usd_per_query(context.catalog.api(api_id), context.stated)
    return usd * volume * context.stated.days_per_month


def _own_month(context: Context, volume: float) -> LowBaseHigh:
    ceiling = context.catalog.assumption(CEILING).base
    each = queries_per_day_of_one_replica(_requests_per_s(context), PEAK_TO_MEAN, ceiling)
    return _fleet_month(context, max(1, math.ceil(volume / float(each))))


@check("crossover")
def crossover(context: Context, claim: Claim) -> Finding:
    """Find the first volume from which self-hosting is cheaper than GPT-4o on the capacity-true staircase."""
    model_id, precision_id, gpus, count = context.parts(claim)
    scenario = context.stated.but(
        model_ids=(model_id,),
        precision_ids=(precision_id,),
        gpu_ids=tuple(gpus.split(",")),
        api_ids=("gpt-4o",),
        utilisation_ceiling=context.catalog.assumption(CEILING).base,
        peak_to_mean=PEAK_TO_MEAN,
        engineering_usd_per_month=None,
    )
    options = options_of(scenario, context.catalog)
    own = [i for i, item in enumerate(options.items) if item.kind == "self_hosted"]
    firsts = [
        _first_volume(break_even(options, own, options.index("gpt-4o"), side).self_hosted_cheaper)
        for side in range(3)
    ]
    why, hidden = _implied_fleet(context, claim, int(count))
    low, base, high = firsts
    text = ""
    if base == float("inf"):
        best = "" if low == float("inf") else f"; from {number(low)} queries/day at best"
        text = f"never at base cost{best}"
    return Finding(why, low, base, high, text=text, sources=_gpu_sources(context), implied=hidden)


def _first_volume(intervals: tuple[tuple[int, int | None], ...]) -> float:
    return float(intervals[0][0]) if intervals else float("inf")


def _implied_fleet(context: Context, claim: Claim, count: int) -> tuple[str, tuple[Implied, ...]]:
    """Find the fleet, whatever it must carry, that crosses GPT-4o at the tokens behind the article's prices."""
    model_id, precision_id = context.parts(claim)[:2]
    usd_query = _usd_per_query(context.catalog.api(APIS[0]), context.computed)
    days = context.stated.days_per_month
    volumes = (claim.claimed_low or 0.0, claim.claimed_high or 0.0)
    fleet = [implied_fleet_usd(volume, usd_query, days) for volume in volumes]
    row = next(
        row
        for row in context.catalog.article_hardware.values()
        if (row.model_id, row.precision_id) == (model_id, precision_id)
    )
    each = (row.usd_per_month_low + row.usd_per_month_high) / 2 / row.n_gpus
    total = context.catalog.assumption("article-hidden-total-usd-per-month")
    gpus = implied_gpus(fleet[1], each, LowBaseHigh(total.low, total.base, total.high))
    bill = f"{number(count * each + total.low)} to {number(count * each + total.high)} USD a month"
    why = (
        f"computed for {_tokens(context.stated)}, replicas for a peak twice the mean and all hidden lines. "
        f"At {usd_query:.4f} USD a query ({_tokens(context.computed)}) {count} of the article's GPUs at "
        f"{number(each)} plus its hidden costs are {bill}, which never grow"
    )
    if gpus[1] < 1:
        why += "; the hidden costs alone leave nothing for a GPU"
        return why, (implied("fleet", "USD/month", *fleet),)
    return why, (
        implied("fleet", "USD/month", *fleet),
        implied("fleet size", "GPUs", max(0.0, gpus[0]), gpus[1]),
    )


@check("self_hosted_query")
def self_hosted_query(context: Context, claim: Claim) -> Finding:
    """Find the least price a query of the article's fleet, and the volume that its figure needs."""
    fleet_usd, count, volume = (float(part) for part in context.parts(claim))
    speed = context.catalog.claims["a100-70b-rpm"]
    fast, slow = speed.claimed_high or 0.0, speed.claimed_low or 0.0
    days = context.stated.days_per_month
    dear, cheap = (least_usd_per_query(fleet_usd, count * rate, days) for rate in (slow, fast))
    needed = implied_volume(claim.claimed_low or 0.0, fleet_usd, days)
    room = count * fast / S_PER_MINUTE * S_PER_DAY
    why = (
        f"at {number(fleet_usd)} USD a month; {count:.0f} A100 at the article's {number(fast)} requests/min carry "
        f"{room:,.0f} queries/day, so the least is {number(cheap)}; at {volume:,.0f} a day it is "
        f"{number(fleet_usd / (volume * days))}"
    )
    hidden = (implied("volume", "queries/day", needed),)
    return Finding(why, cheap, (cheap + dear) / 2, dear, sources=("article",), implied=hidden)


@check("api_query")
def api_query(context: Context, claim: Claim) -> Finding:
    """Price one query at the stated and at the implied tokens."""
    price, stated = context.catalog.api(claim.subject or ""), context.stated
    usd = [_usd_per_query(price, scenario) for scenario in (stated, context.computed)]
    why = f"{usd[0]:.4f} at {_tokens(stated)}, {usd[1]:.4f} at {_tokens(context.computed)}"
    answer_usd = price.output_usd_per_mtok * stated.output_tokens / TOKENS_PER_MTOK
    prompt = ((claim.claimed_low or 0.0) - answer_usd) / price.input_usd_per_mtok * TOKENS_PER_MTOK
    hidden = (implied("input", "tokens/query", prompt),) if prompt > 0 else ()
    return Finding(why, min(usd), usd[0], max(usd), sources=(price.source_id,), implied=hidden)


@check("blend")
def blend(context: Context, claim: Claim) -> Finding:
    """Blend two unit prices."""
    share, weak, strong = (float(part) for part in context.parts(claim))
    usd = share * weak + (1 - share) * strong
    as_printed = claim.claimed_low == round(usd, PRINTED_DECIMALS)
    why = f"{share:.0%} x {weak:g} + {1 - share:.0%} x {strong:g} = {usd:.4f}"
    why += "; a fleet's price a query also depends on its share (docs/method.md, section 7)"
    verdict: Verdict = "holds within range" if as_printed else "does not hold"
    return Finding(why, usd, usd, usd, verdict=verdict, sources=("article",))


@check("blend_saving")
def blend_saving(context: Context, claim: Claim) -> Finding:
    """Compute the saving of the blend against the strong model alone, in whole percent as the article prints it."""
    share, weak, strong = (float(part) for part in context.parts(claim))
    usd = share * weak + (1 - share) * strong
    saving, from_rounded = ((1 - each / strong) * 100 for each in (usd, round(usd, PRINTED_DECIMALS)))
    why = f"1 - {usd:.4f} / {strong:g}"
    if round(saving) != claim.claimed_low == round(from_rounded):
        why += (
            f"; the article's figure follows from the blend rounded to {round(usd, PRINTED_DECIMALS):g} first"
        )
    verdict: Verdict = "holds" if round(saving) == claim.claimed_low else "does not hold"
    return Finding(why, saving, saving, saving, verdict=verdict, sources=("article",))
