"""What stands against a recommendation, weighed: the three that weigh most are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options import Comparison, Option
from llmplan.quality.precision import precision_loss
from llmplan.quality.variants import RELATIVES
from llmplan.wording import Currency, probability, share

TOLD = 3
PLANNING_DAYS = 3 * 365
"""How far ahead a plan looks."""
SURE = 0.8
"""From this probability on doubt about the kind is no caveat."""
CLOSE = 0.1
"""A rival dearer by less than this share is close."""
WIDE_PRICE = 1.5
"""A dearest offer above this times the cheapest is a wide range."""
LOW_LOAD = 0.3
"""Below this mean load most of the fleet idles."""
NEAR_FLOOR = 0.02
"""A quality within this of its floor is near it."""
Weighed = tuple[float, str]


def caveats_of(found: Comparison, catalog: Catalog, p_right: float, regret_usd: float) -> tuple[str, ...]:
    """Return the three caveats that weigh most, the weightiest first.

    Weights are between 0 and 1 and rank only: how far the figure behind each could change the decision.
    """
    place = found.order[0]
    item = found.options.items[place]
    rows = [
        *_doubt(p_right, regret_usd, found.scenario.currency),
        *_close_rival(found),
        *_quality(found, catalog, item),
        *_dates(item),
        *_end(catalog, item),
    ]
    rows += _PAID[item.kind](found, catalog, item, place)
    ranked = sorted(rows, key=lambda row: (-row[0], row[1]))
    return tuple(text for _, text in ranked[:TOLD])


def _doubt(p_right: float, regret_usd: float, money: Currency) -> Iterator[Weighed]:
    if p_right < SURE:
        yield (
            1.0,
            f"In {probability(1 - p_right)} of cases it misses the floor or another kind is cheaper; choosing now costs "
            f"{money.whole(regret_usd)} a month on average, against what turns out best.",
        )


def _close_rival(found: Comparison) -> Iterator[Weighed]:
    base = found.best_usd
    model = found.options.items[found.order[0]].model_id
    for place in found.order[1:]:
        other, cost = found.options.items[place], float(found.base_usd[place])
        if not cost <= base * (1 + CLOSE):
            return
        if other.model_id != model:
            more = (
                f"only {found.scenario.currency.whole(cost - base)} a month dearer"
                if cost > base
                else "no dearer"
            )
            yield 0.6, f"{other.label} is {more}: choose between the two by quality and effort."
            return


def _quality(found: Comparison, catalog: Catalog, item: Option) -> Iterator[Weighed]:
    scenario = found.scenario
    reference, floor = scenario.reference_api_id, scenario.quality_floor
    if item.quality is None:
        return
    if floor <= 0 and item.quality < 1:
        text = f"No quality floor is set: this option reaches {share(item.quality)} of {reference}'s quality."
        yield min(0.95, 0.5 + 2 * (1 - item.quality)), text
    elif floor > 0 and item.quality < floor + NEAR_FLOOR:
        yield (
            0.8,
            f"Its quality, {share(item.quality)}, is close to the floor of {share(floor)}: "
            f"it reaches it with a chance of {probability(item.meets_floor)}.",
        )
    if item.quality_stands_on == RELATIVES:
        text = "Nobody has published scores of it; its quality is what its relatives say"
        yield 0.84, f"{text}: test it on a sample of your queries."
    worst = _quality_at_worst(catalog, item)
    if worst is not None and floor > 0 and worst < floor:
        text = f"At the largest loss measured for {item.precision_id} its quality is {share(worst)}"
        yield 0.82, f"{text}, below the floor of {share(floor)}."
    yield 0.25, "Quality rests on public benchmarks, not on your own queries: test both on a sample."


def _quality_at_worst(catalog: Catalog, item: Option) -> float | None:
    if item.kind != "self_hosted" or item.precision_id is None or item.quality is None:
        return None
    _, base, high = precision_loss(catalog, catalog.models[item.model_id], item.precision_id)
    return item.quality / (1 - base) * (1 - high)


def _dates(item: Option) -> Iterator[Weighed]:
    if item.prices_as_of is not None:
        yield 0.2, f"Its prices are as of {item.prices_as_of.isoformat()}."


def end_of(catalog: Catalog, item: Option) -> dt.date | None:
    """Return the day on which the provider of an option's tokens stops to answer; None: none within a plan's months."""
    price = catalog.apis.get(item.api_id or "")
    if price is None or price.ends_on is None or (price.ends_on - catalog.today).days > PLANNING_DAYS:
        return None
    return price.ends_on


def _end(catalog: Catalog, item: Option) -> Iterator[Weighed]:
    end = end_of(catalog, item)
    if end is not None:
        price = catalog.apis[str(item.api_id)]
        who = catalog.provider_name(price.provider)
        yield 0.97, f"{who} ends {price.provider_model} on {end}: a move away is forced by then."


def _token(found: Comparison, catalog: Catalog, item: Option, place: int) -> Iterator[Weighed]:
    del place
    scenario = found.scenario
    yield 0.45, f"Every query leaves for {catalog.provider_name(item.provider or 'the provider')}."
    targets = (scenario.ttft_limit_ms, scenario.tpot_limit_ms, scenario.answer_limit_ms)
    if any(limit is not None for limit in targets):
        yield 0.5, "Latency targets are not checked for token prices: measure the provider at your peak."
    own = found.cheapest("self_hosted")
    rival = None if own is None else found.options.items[own]
    if rival is not None and rival.basis == "extrapolated":
        yield 0.4, f"The throughput of the best self-hosted rival, {rival.label}, is extrapolated."


def _fleet(found: Comparison, catalog: Catalog, item: Option, place: int) -> Iterator[Weighed]:
    yield from throughput_caveats(item)
    yield from gpu_price_caveats(item, found.scenario.currency)
    yield from _hidden(found, place)
    yield from _late(found, item, place)
    load = float(found.utilisation[place])
    if load < LOW_LOAD:
        yield 0.5, f"The fleet is loaded to {share(load)} on average: idle hours are paid for."
    engine = catalog.engines.get(item.engine_id or "")
    if engine is not None and engine.status != "active":
        yield 0.6, f"{engine.name} is in {engine.status}: plan for a change of engine."
    licence = catalog.licences.get(item.licence_id or "")
    if licence is not None and licence.commercial_use == "conditions":
        yield 0.4, f"{licence.name} sets conditions: read them before you build on it."


def _late(found: Comparison, item: Option, place: int) -> Iterator[Weighed]:
    """Say who misses the targets while a replica starts, and what a token price for them would add."""
    late = found.late_share(place, item)
    if late and item.start_s is not None:
        usd = found.late_usd(place, late)
        waits = "outside its hours" if item.billing_mode == "office_hours" else f"up to {item.start_s:,.0f} s"
        instead = (
            ""
            if usd is None
            else f"; by the token they would cost {found.scenario.currency.whole(usd)} a month"
        )
        yield (
            min(1.0, 0.6 + late),
            f"{share(late)} of queries wait {waits} for a replica, whatever the target{instead}.",
        )


def throughput_caveats(item: Option) -> Iterator[Weighed]:
    """Say how well the rate of a replica is known."""
    weight = {"extrapolated": 0.9, "calibrated": 0.55}.get(item.basis or "", 0.0)
    if weight and item.requests_per_s is not None:
        high, base, low = item.requests_per_s
        yield (
            weight,
            f"A replica's {base:,.2f} requests/s are {item.basis}, between {low:,.2f} and {high:,.2f} in "
            "8 of 10 cases: measure before you commit.",
        )


def gpu_price_caveats(item: Option, money: Currency) -> Iterator[Weighed]:
    """Say how far the offers for a GPU lie apart."""
    if item.offers is not None:
        low, base, high = (offer.usd_per_gpu_hour for offer in item.offers)
        if high > WIDE_PRICE * low:
            least, price, most = (money.each(usd) for usd in (low, base, high))
            text = f"The GPU is priced at {price}/h; offers run from {least} to {most}/h."
            yield float(np.clip(0.5 + 0.1 * np.log2(high / low), 0.5, 0.8)), text


def _hidden(found: Comparison, place: int) -> Iterator[Weighed]:
    gpus, total = float(found.gpus_total[place]), float(found.base_usd[place])
    low, base, high = (float(found.options.hidden.usd(gpus, side)) for side in range(3))
    if total > 0 and base > 0 and high > low:
        least, sure, most = (found.scenario.currency.whole(usd) for usd in (low, base, high))
        text = f"People and hidden costs are {sure} of it and could be {least} to {most}."
        yield 0.45 + 0.5 * base / total, text


def _hybrid(found: Comparison, catalog: Catalog, item: Option, place: int) -> Iterator[Weighed]:
    del catalog, place
    part, money = item.share_weak or 0.0, found.scenario.currency
    by_load = (
        "That peaks can leave for the API at once rests on the daily profile: test it on your own traffic."
    )
    yield (
        (0.6, by_load)
        if item.split_by == "load"
        else (
            0.95,
            f"That the fleet can answer {share(part)} at this quality rests on an assumed router: "
            "test one on your own queries.",
        )
    )
    yield from throughput_caveats(item)
    yield from gpu_price_caveats(item, money)
    yield 0.45, f"{share(1 - part)} of queries leave for the API."


_PAID = {"api": _token, "hosted": _token, "self_hosted": _fleet, "hybrid": _hybrid}
