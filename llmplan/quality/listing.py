"""`llmplan models`: every model at every effort it offers, with quality, tokens and bands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice, Catalog
from llmplan.quality.ability import Band
from llmplan.quality.calibrate import offered
from llmplan.quality.multiplier import mixed_multipliers, tokens_of
from llmplan.quality.tables import names
from llmplan.quality.tasks import as_points, qualities_of, success_of

TODAY = ("gpt-4o", None)
"""Against what multipliers are stated where no scenario says: the model of the article."""


def model_rows(catalog: Catalog) -> list[dict[str, Any]]:
    """Return a row per model and effort; quality in percent of tasks that succeed, tokens against GPT-4o's.

    Every model with a price, today's or an earlier one that a scenario may name, and every one that can be hosted.
    """
    quoted = {api.model_id for api in catalog.apis.values()}
    priced: dict[str, list[ApiPrice]] = {}
    for api in catalog.apis.values():
        if api.is_offered(catalog.today):
            priced.setdefault(api.model_id, []).append(api)
    hosted = {model.model_id for model in catalog.models.values() if model.status != "measured only"}
    models = [row for row in offered(catalog) if row[0] in quoted or row[0] in hosted]
    known = names(catalog)
    variants, today = [known.variant(*model) for model in models], known.variant(*TODAY)
    tokens = tokens_of(catalog, [*variants, today])
    long = dict.fromkeys((task for task in tokens.tasks if task not in tokens.short), 1.0)
    factors = mixed_multipliers(tokens, variants, long, today)
    overall = qualities_of(catalog, models)
    by_task = {
        task: qualities_of(catalog, models, {task: 1.0}) for task in success_of(catalog, variants).tasks
    }
    return [
        {
            "model_id": model_id,
            "effort": effort,
            "default": known.variant(model_id).effort == effort,
            "quality": {
                "overall": _points(overall, i),
                "by_task": {task: _points(bands, i) for task, bands in by_task.items()},
            },
            "output_token_multiplier": {
                side: round(float(factors[row, i]), 2) for row, side in enumerate(("low", "base", "high"))
            },
            "priced": model_id in priced,
            "ends_on": _last_day(catalog, model_id, priced.get(model_id, [])),
            "self_hostable": model_id in hosted,
        }
        for i, (model_id, effort) in enumerate(models)
    ]


def _points(bands: Floats, place: int) -> dict[str, Any]:
    return as_points(Band(*np.asarray(bands[:, place], float).tolist()))


def _last_day(catalog: Catalog, model_id: str, prices: Sequence[ApiPrice]) -> dt.date | None:
    """Return the day on which a model's maker ends it, or where others alone sell it the last of them; None: open."""
    model = catalog.other_models.get(model_id)
    makers = [price for price in prices if model is not None and price.provider == model.owner]
    ends = [price.ends_on for price in makers or prices]
    return max((end for end in ends if end), default=None) if all(ends) else None
