"""The recommended model's success and tokens as inputs whose tipping points are sought: any other option may win."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options import Options
from llmplan.recommend.tipping.flip_search import Input, cheapest, percents
from llmplan.risk.distributions import Z_P90
from llmplan.risk.models import Models, models_of
from llmplan.risk.tokens import token_usd_per_query
from llmplan.wording import TODAY

FURTHEST = 8.0
"""Tokens are tried up to so many times those expected, and down to that part of them."""


def model_inputs(few: Options, catalog: Catalog) -> list[Input]:
    """Return the success and the output tokens of the model that is recommended, where they are uncertain."""
    best, _ = cheapest(few)
    if best is None:
        return []
    models, place = models_of(few, catalog), few.index(best.option_id)
    name = best.label.partition(" on ")[0].partition(" at ")[0].removesuffix(" API")
    rows = np.flatnonzero((few.items.model_id == best.model_id) & (few.items.effort == best.effort))
    found = []
    if models.floor > 0 and models.sd[place] > 0:
        found.append(_success(few, models, rows, place, name))
    low, high = models.spent[:, place].tolist()
    if low < high:
        found.append(_tokens(few, models, rows, catalog, name, (low, high)))
    return found


def _success(few: Options, models: Models, rows: np.ndarray, place: int, name: str) -> Input:
    base, floor, half = float(few.quality[place]), models.floor, Z_P90 * float(models.sd[place])
    edges = {base * floor / float(q) for q in few.quality[rows] if q > 0}
    edges |= {float(np.nextafter(edge, 0)) for edge in edges}
    low = 0.5 * min(base, floor)

    def at(value: float) -> Options:
        quality = few.quality.copy()
        quality[rows] *= value / base
        assured = np.minimum(
            few.items.assured, quality
        )  # what let it in stays until its success misses the floor
        return replace(few, items=replace(few.items, quality=quality, assured=assured))

    return Input(
        "model_success",
        f"the success of {name}",
        "share of today's",
        base,
        low,
        base,
        at,
        percents,
        exact=False,
        grid=tuple(sorted({low, base, *(edge for edge in edges if low < edge < base)})),
        expected=(base - half, base + half),
        by_option=True,
    )


def _tokens(
    few: Options, models: Models, rows: np.ndarray, catalog: Catalog, name: str, band: tuple[float, float]
) -> Input:
    return Input(
        "model_output_tokens",
        f"the output of {name}",
        TODAY,
        1.0,
        1 / FURTHEST,
        FURTHEST,
        _spending(few, models, rows, catalog),
        percents,
        is_scale=True,
        expected=band,
        by_option=True,
    )


def _spending(few: Options, models: Models, rows: np.ndarray, catalog: Catalog) -> Callable[[float], Options]:
    """Return the options when the model spends so many times the tokens expected of it. (8.15), (8.16)"""
    part, scenario = few.take(rows), few.scenario
    names = ("input_tokens", "output_tokens", "cached_input_share", "batch_share")
    fields = {name: np.array([float(getattr(scenario, name))]) for name in names}

    def at(value: float) -> Options:
        usd, rate = few.usd_per_query.copy(), few.per_replica.copy()
        usd[rows] = token_usd_per_query(part, catalog, fields, [np.array([value])] * len(rows))[:, 0]
        rate[:, rows] /= 1 + models.written[rows] * (value - 1)
        return replace(few, usd_per_query=usd, per_replica=rate)

    return at
