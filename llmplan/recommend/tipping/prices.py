"""Prices and costs whose tipping points are sought: each is a scale, and the fleet's own GPU price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from llmplan.catalog import Catalog
from llmplan.cost.rent import priced_by_the_gpu
from llmplan.options import Options
from llmplan.options.offers import why_no_offer
from llmplan.options.pruning import can_win, features_of
from llmplan.options.token_rows import priced
from llmplan.quality.floor import reaches
from llmplan.recommend.tipping.flip_search import Input, cheapest, contenders


def price_inputs(few: Options, catalog: Catalog) -> list[Input]:
    """Return the scales of token prices, of GPU prices, of hidden costs and of throughput."""
    kinds = set(few.items.kind)
    found = []
    for kind, label in (("api", "API prices"), ("hosted", "the prices of hosted open models")):
        if kind in kinds:
            mine = few.items.kind == kind
            found.append(_scale_input(f"{kind}_price_scale", label, _scaled_tokens(few, mine), plural=True))
    token = np.flatnonzero(few.is_api & few.feasible)
    if len(token):
        best = int(token[np.argmin(few.usd_per_query[token])])
        at = _scaled_tokens(few, np.arange(len(few)) == best)
        name = few.items[best].option_id
        changes = _token_price_changes(few, catalog, best)
        found.append(_scale_input(f"price_scale:{name}", f"the price of {name}", at, changes))
    if np.any(few.is_self_hosted):
        found.append(_scale_input("gpu_price_scale", "GPU prices", _scaled_rent(few), plural=True))
        hidden = _scaled_hidden(few)
        found.append(_scale_input("hidden_cost_scale", "people and hidden costs", hidden, plural=True))
        found.append(_scale_input("throughput_scale", "the throughput of a replica", _scaled_rate(few)))
    return found


def _no_changes(value: float) -> dict[str, Any] | None:
    del value
    return None


def _scale_input(
    name: str,
    label: str,
    at: Callable[[float], Options],
    changes: Callable[[float], dict[str, Any] | None] = _no_changes,
    plural: bool = False,
) -> Input:
    return Input(
        name,
        label,
        "ratio to today",
        1.0,
        0.01,
        100.0,
        at,
        lambda value: f"{value:.4g} times today's",
        changes,
        plural=plural,
        is_scale=True,
    )


def _scaled_tokens(few: Options, mine: Any) -> Callable[[float], Options]:
    return lambda value: replace(few, usd_per_query=few.usd_per_query * np.where(mine, value, 1.0))


def _scaled_rent(few: Options) -> Callable[[float], Options]:
    return lambda value: replace(few, rent_factor=few.rent_factor * value)


def _scaled_rate(few: Options) -> Callable[[float], Options]:
    return lambda value: replace(few, per_replica=few.per_replica * value)


def _scaled_hidden(few: Options) -> Callable[[float], Options]:
    def at(value: float) -> Options:
        lines = tuple(replace(line, usd=line.usd.times(value)) for line in few.hidden.lines)
        return replace(few, hidden=replace(few.hidden, lines=lines))

    return at


def _token_price_changes(
    few: Options, catalog: Catalog, place: int
) -> Callable[[float], dict[str, Any] | None]:
    """Return the scenario fields that scale one API's prices, where its tiers do not stand in the way."""
    api_id = few.items[place].option_id
    price = catalog.apis.get(api_id)
    if price is None or price.long_context_from_tokens is not None:
        return lambda _: None
    now = priced(price, few.scenario)

    def changes(value: float) -> dict[str, Any]:
        found = {}
        for name in ("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"):
            usd = getattr(now, name)
            if usd is not None:
                own: Mapping[str, float] = dict(getattr(few.scenario, f"api_{name}"))
                found[f"api_{name}"] = {**own, api_id: usd * value}
        return found

    return changes


def gpu_price_input(options: Options, few: Options, catalog: Catalog, by_kind: bool = True) -> Input | None:
    """Return the price of the best fleet's GPU, in USD a GPU-hour, as the scenario's own price has it.

    An own price is one price in the lots of the base offers. Where that alone, at today's price, would change the
    answer (offers of other sizes at other prices), the offers of the catalog move in proportion; no scenario field
    says the same.
    """
    best, _ = cheapest(_fleets(few))
    if best is None or best.offers is None or best.gpu_id is None:
        return None
    gpu_id, base = best.gpu_id, best.offers[1].usd_per_gpu_hour
    if gpu_id in dict(few.scenario.owned_gpus):
        return None  # what is owned has no rent to vary
    few = _contenders_apart(options, catalog, gpu_id)
    own = _own_price(options, few, catalog, gpu_id)
    continuous = _answer(own(base), by_kind) == _answer(few, by_kind)
    mine = few.items.gpu_id == gpu_id
    prices = dict(few.scenario.gpu_usd_per_hour)

    def at(value: float) -> Options:
        if value == base:
            return few
        if continuous:
            return own(value)
        return replace(few, rent_factor=few.rent_factor * np.where(mine, value / base, 1.0))

    def changes(value: float) -> dict[str, Any] | None:
        return {"gpu_usd_per_hour": {**prices, gpu_id: value}} if continuous else None

    return Input(
        f"gpu_usd_per_hour:{gpu_id}",
        f"the price of {catalog.gpus[gpu_id].name if gpu_id in catalog.gpus else gpu_id}",
        "USD/GPU-hour",
        base,
        base / 100,
        base * 100,
        at,
        lambda v: f"{few.scenario.currency.each(v)}/GPU-hour",
        changes,
    )


def _contenders_apart(options: Options, catalog: Catalog, gpu_id: str) -> Options:
    """Return the contenders on one GPU and those on the others: a price that moves alone can part the two."""
    here = options.items.gpu_id == gpu_id
    kept = [contenders(options.take(np.flatnonzero(side)), catalog).items.option_id for side in (~here, here)]
    return options.take([options.index(option_id) for part in kept for option_id in part])


def _fleets(options: Options) -> Options:
    return options.take(np.flatnonzero(options.is_self_hosted))


def _answer(options: Options, by_kind: bool) -> str | None:
    item, _ = cheapest(options)
    return None if item is None else item.kind if by_kind else item.option_id


def _own_price(options: Options, few: Options, catalog: Catalog, gpu_id: str) -> Callable[[float], Options]:
    """Return the options at a price of one's own for a GPU, in the lots of its base offers."""
    scenario, on_gpu = few.scenario, few.items.gpu_id == gpu_id
    others = [options.index(option_id) for option_id in few.items.option_id[~on_gpu]]
    both = options.take([*others, *_on_gpu(options, catalog, gpu_id)])
    mine = np.isin(np.arange(len(both.market.sellers)), both.rent_row[both.items.gpu_id == gpu_id])

    def at(value: float) -> Options:
        prices = {**dict(scenario.gpu_usd_per_hour), gpu_id: value}
        changed = scenario.model_copy(update={"gpu_usd_per_hour": tuple(sorted(prices.items()))})
        rents = priced_by_the_gpu(both.market.rents, np.where(mine, value, np.nan))
        return replace(both, scenario=changed, market=replace(both.market, rents=rents))

    return at


def _on_gpu(options: Options, catalog: Catalog, gpu_id: str) -> list[int]:
    """Return the options on a GPU that nothing but the floor keeps out once a price for it is given, best ones only."""
    here = np.flatnonzero((options.items.gpu_id == gpu_id) & (options.per_replica[1] > 0))
    places = []
    for place in here.tolist():
        item, unpriced = options.items[place], 0
        if not options.feasible[place] and not options.near_floor[place]:
            unpriced = item.reasons.count(why_no_offer(catalog, options.scenario, gpu_id, item.n_gpus or 1))
        below = not reaches(options.scenario.quality_floor, options.items.assured[place])
        if len(item.reasons) <= unpriced + int(below):
            places.append(place)
    found = options.take(places)
    features = features_of(found.merits, *found.rent_profiles())
    keep = np.flatnonzero(can_win(features, found.items.formats))
    return [places[i] for i in keep]
