"""Checks of the article's costs, crossovers, hidden lines and hybrid."""

from __future__ import annotations

from llmplan.catalog import ApiPrice, Claim
from llmplan.claims.context import Context, check, requests_per_minute
from llmplan.claims.implied import (
    implied_fleet_usd,
    implied_gpus,
    implied_tokens,
    implied_volume,
    least_usd_per_query,
)
from llmplan.claims.verdicts import Finding, Verdict, number, point
from llmplan.cost import LowBaseHigh, api_usd_per_query, fixed_costs
from llmplan.decision import break_even, options_of
from llmplan.fleet import queries_per_day_of_one_replica
from llmplan.units import S_PER_DAY, S_PER_MINUTE

SONNET = "claude-sonnet-4-5"
MODEL, FORMAT, GPU = "llama-3.1-70b", "w4a16", "a100-80gb-sxm"
CEILING, PEAK_TO_MEAN = "utilisation-ceiling", 2.0
"""A day with a peak twice its mean: the mildest that real traffic shows (docs/method.md, section 4)."""


def _usd_per_query(price: ApiPrice, input_tokens: float) -> float:
    return float(api_usd_per_query(price, input_tokens, 500))


@check("api_month")
def api_month(context: Context, claim: Claim) -> Finding:
    """Price a month of the stated tokens, and find the tokens behind the article's figure."""
    api_id, volume = context.parts(claim)
    price = context.catalog.api(api_id)
    days = context.stated.days_per_month
    stated = _usd_per_query(price, context.stated.input_tokens) * float(volume) * days
    found = _implied(context, float(volume))
    why = f"2,000 + 500 tokens at {price.input_usd_per_mtok:g}/{price.output_usd_per_mtok:g} USD per million"
    if found is not None:
        why += f"; both API figures follow from {found[0]:,.0f} input + {found[1]:,.0f} output tokens a query instead"
    return point(stated, why, price.source_id)


def _implied(context: Context, volume: float) -> tuple[float, float] | None:
    claims = context.catalog.claims
    months = [claims.get(f"api-{name}-{volume:.0f}") for name in ("gpt-4o", "sonnet")]
    usd = [row.claimed_low for row in months if row is not None and row.claimed_low is not None]
    if len(usd) != 2:
        return None
    prices = (context.catalog.api("gpt-4o"), context.catalog.api(SONNET))
    found = implied_tokens(prices, (usd[0], usd[1]), volume, context.stated.days_per_month)
    return (found.input_tokens, found.output_tokens) if found else None


@check("self_hosted_month")
def self_hosted_month(context: Context, claim: Claim) -> Finding:
    """Size the fleet for the volume's peak at the 70 % ceiling and price it with the hidden lines."""
    count, volume = (int(part) for part in context.parts(claim))
    rate = _requests_per_s(context)
    days_capacity = rate * S_PER_DAY * count
    ceiling = context.catalog.assumption(CEILING).base
    each = float(queries_per_day_of_one_replica(rate, PEAK_TO_MEAN, ceiling))
    month = _fleet_month(context, max(1, -(-volume // each)))
    why = (
        f"{count} A100 serve {rate * count * S_PER_MINUTE:.0f} requests/min flat out ({days_capacity:,.0f} a day); "
        f"with a peak twice the mean at {ceiling:.0%} load {volume:,} queries/day need {-(-volume // each):.0f} of "
        "them; GPUs on demand and the hidden lines"
    )
    return Finding(why, *month, sources=_gpu_sources(context))


def _requests_per_s(context: Context, input_tokens: float = 2000) -> float:
    found = context.replica(MODEL, FORMAT, GPU, 1, input_tokens)
    return requests_per_minute(found).base / S_PER_MINUTE


def _fleet_month(context: Context, gpus: float) -> LowBaseHigh:
    fixed = fixed_costs(context.catalog)
    rent = context.gpu_month(GPU, int(gpus))
    usd = rent[0] if rent else LowBaseHigh(float("nan"), float("nan"), float("nan"))
    return LowBaseHigh(*(usd[side] + float(fixed.usd(gpus, side)) for side in range(3)))


def _gpu_sources(context: Context) -> tuple[str, ...]:
    rent = context.gpu_month(GPU, 1)
    return rent[1] if rent else ()


@check("cheaper_side")
def cheaper_side(context: Context, claim: Claim) -> Finding:
    """Compare a month of GPT-4o with the cheapest fleet that carries the volume."""
    volume, _ = context.parts(claim)
    api, own = _both_sides(context, float(volume))
    why = f"GPT-4o {number(api)} USD a month, self-hosting {number(own.base)} ({number(own.low)} to {number(own.high)})"
    verdict: Verdict = "holds" if own.low > api else "depends" if own.base > api else "does not hold"
    return Finding(
        why, own.low / api, own.base / api, own.high / api, verdict=verdict, sources=_gpu_sources(context)
    )


@check("times_cheaper")
def times_cheaper(context: Context, claim: Claim) -> Finding:
    """Divide a month of GPT-4o by a month of the fleet that carries the volume at its peak."""
    volume = float(claim.subject or 0)
    api, own = _both_sides(context, volume)
    article = context.catalog.claims
    said = [article[f"api-{name}-{volume:.0f}"].claimed_low for name in ("gpt-4o", "sonnet")]
    bill = article[f"self-hosted-{volume:.0f}"].claimed_low
    why = f"GPT-4o {number(api)} against a fleet for the peak {number(own.base)} USD a month"
    if bill and all(said):
        ratios = [usd / bill for usd in said if usd]
        why += f"; the article's own figures give {min(ratios):.1f} to {max(ratios):.1f} times"
    return Finding(why, api / own.high, api / own.base, api / own.low, sources=_gpu_sources(context))


def _both_sides(context: Context, volume: float) -> tuple[float, LowBaseHigh]:
    days = context.stated.days_per_month
    api = _usd_per_query(context.catalog.api("gpt-4o"), context.stated.input_tokens) * volume * days
    each = _requests_per_s(context) * S_PER_DAY * context.catalog.assumption(CEILING).base / PEAK_TO_MEAN
    return api, _fleet_month(context, max(1.0, -(-volume // each)))


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
    hidden = _implied_fleet(context, claim, int(count))
    low, base, high = firsts
    if base == float("inf"):
        text = "never at base cost" + (
            "" if low == float("inf") else f"; from {number(low)} queries/day at best"
        )
        return Finding(hidden, low, base, high, text=text, sources=_gpu_sources(context))
    return Finding(hidden, low, base, high, sources=_gpu_sources(context))


def _first_volume(intervals: tuple[tuple[int, int | None], ...]) -> float:
    return float(intervals[0][0]) if intervals else float("inf")


def _implied_fleet(context: Context, claim: Claim, count: int) -> str:
    """Say which fleet at which token count would cross where the article says."""
    model_id, precision_id = context.parts(claim)[:2]
    usd_query = _usd_per_query(context.catalog.api("gpt-4o"), context.computed.input_tokens)
    volumes = (claim.claimed_low or 0.0, claim.claimed_high or 0.0)
    fleet = [implied_fleet_usd(volume, usd_query, context.stated.days_per_month) for volume in volumes]
    rows = [
        row
        for row in context.catalog.article_hardware.values()
        if (row.model_id, row.precision_id) == (model_id, precision_id)
    ]
    each = (rows[0].usd_per_month_low + rows[0].usd_per_month_high) / 2 / rows[0].n_gpus
    total = context.catalog.assumption("article-hidden-total-usd-per-month")
    gpus = implied_gpus(fleet[1], each, LowBaseHigh(total.low, total.base, total.high))
    return (
        f"rests on hidden assumptions: at {usd_query:.4f} USD a query (1,000 + 500 tokens) the claimed volume is a "
        f"fleet of {number(fleet[0])} to {number(fleet[1])} USD a month whatever it must carry; {count} of the "
        f"article's GPUs at {number(each)} plus its hidden costs of {number(total.low)} to {number(total.high)} are "
        f"{number(count * each + total.low)} to {number(count * each + total.high)} ({max(0.0, gpus[0]):.1f} to "
        f"{max(0.0, gpus[1]):.1f} such GPUs would fit the bill). Computed here: 2,000 + 500 tokens, replicas for a "
        "peak twice the mean, all hidden lines"
    )


@check("hidden_line")
def hidden_line(context: Context, claim: Claim) -> Finding:
    """Compare the people line with published staffing; the other lines have nothing to be compared with."""
    catalog = context.catalog
    if claim.subject != "devops-usd-per-month":
        return Finding("no independent figure in the data", verdict="cannot be checked")
    share, salary = catalog.assumption("fte-rented"), catalog.assumption("fte-usd-per-month")
    low, base, high = (getattr(share, side) * getattr(salary, side) for side in ("low", "base", "high"))
    why = f"{share.base:g} of an engineer at {salary.base:,.0f} USD a month, loaded"
    return Finding(why, low, base, high, sources=(share.source_id, salary.source_id))


@check("hidden_total")
def hidden_total(context: Context, _claim: Claim) -> Finding:
    """Add the article's five lines up."""
    rows = [c for c in context.catalog.claims.values() if c.check == "hidden_line"]
    low, high = (sum(getattr(row, side) or 0.0 for row in rows) for side in ("claimed_low", "claimed_high"))
    why = f"the sum of its {len(rows)} lines; model updates come on top"
    return Finding(why, low, (low + high) / 2, high, sources=("article",))


@check("engineering_consistent")
def engineering_consistent(context: Context, _claim: Claim) -> Finding:
    """Compare an example's engineering with the article's own DevOps line."""
    line = context.catalog.claims["devops"]
    low, high = line.claimed_low or 0.0, line.claimed_high or 0.0
    why = f"the article's own DevOps line says {number(low)} to {number(high)} USD a month"
    return Finding(why, low, (low + high) / 2, high, sources=("article",))


@check("self_hosted_query")
def self_hosted_query(context: Context, claim: Claim) -> Finding:
    """Find the least price a query of the article's fleet, and the volume that its figure needs."""
    fleet_usd = float(claim.subject or 0)
    speed = context.catalog.claims["a100-70b-rpm"]
    fast, slow = speed.claimed_high or 0.0, speed.claimed_low or 0.0
    days = context.stated.days_per_month
    dear = least_usd_per_query(fleet_usd, 2 * slow, days)
    cheap = least_usd_per_query(fleet_usd, 2 * fast, days)
    volume = implied_volume(claim.claimed_low or 0.0, fleet_usd, days)
    room = 2 * fast / S_PER_MINUTE * S_PER_DAY
    why = (
        f"{number(claim.claimed_low or 0)} USD needs {volume:,.0f} queries/day at {number(fleet_usd)} USD a month, but "
        f"two A100 at the article's {number(fast)} requests/min carry {room:,.0f}: the least is {number(cheap)}; at "
        f"100,000 a day it is {number(fleet_usd / (100_000 * days))}"
    )
    return Finding(why, cheap, (cheap + dear) / 2, dear, sources=("article",))


@check("api_query")
def api_query(context: Context, claim: Claim) -> Finding:
    """Price one query at the stated and at the implied tokens."""
    price = context.catalog.api(claim.subject or "")
    stated, implied = (_usd_per_query(price, s.input_tokens) for s in (context.stated, context.computed))
    why = f"{stated:.4f} at 2,000 + 500 tokens, {implied:.4f} at 1,000 + 500: it fits neither"
    return Finding(why, implied, stated, stated, sources=(price.source_id,))


@check("blend")
def blend(context: Context, claim: Claim) -> Finding:
    """Blend two unit prices."""
    share, weak, strong = (float(part) for part in context.parts(claim))
    usd = share * weak + (1 - share) * strong
    exact = claim.claimed_low == round(usd, 3)
    why = f"{share:.0%} x {weak:g} + {1 - share:.0%} x {strong:g} = {usd:.4f}"
    verdict: Verdict = "holds within range" if exact else "does not hold"
    why += ", which the article rounds; a fleet's price a query also depends on its share (docs/method.md, section 7)"
    return Finding(why, usd, usd, usd, verdict=verdict, sources=("article",))


@check("blend_saving")
def blend_saving(context: Context, claim: Claim) -> Finding:
    """Compute the saving of the blend against the strong model alone, unrounded."""
    share, weak, strong = (float(part) for part in context.parts(claim))
    saving = (1 - (share * weak + (1 - share) * strong) / strong) * 100
    rounded = claim.claimed_low is not None and abs(saving - claim.claimed_low) < 0.5
    why = f"{saving:.1f} % before rounding; 67 % follows only from the blend rounded down to 0.005"
    return Finding(
        why, saving, saving, saving, verdict="holds" if rounded else "does not hold", sources=("article",)
    )
