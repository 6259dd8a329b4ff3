"""`llmplan models`: every model at every effort it offers, with quality, tokens and bands."""

from __future__ import annotations

from typing import Any

from llmplan.catalog import Catalog
from llmplan.quality.calibrate import offered
from llmplan.quality.multiplier import load_task_tokens, output_tokens_multiplier
from llmplan.quality.tables import names
from llmplan.quality.tasks import as_points, load_task_quality, quality_of

TODAY = ("gpt-4o", None)
"""Against what multipliers are stated where no scenario says: the model of the article."""


def model_rows(catalog: Catalog) -> list[dict[str, Any]]:
    """Return a row per model and effort; quality in percent of tasks that succeed, tokens against GPT-4o's.

    Every model with a price, today's or an earlier one that a scenario may name, and every one that can be hosted.
    """
    quoted = {api.model_id for api in catalog.apis.values()}
    priced = {api.model_id for api in catalog.apis.values() if api.status == "active"}
    hosted = {model.model_id for model in catalog.models.values() if model.status != "measured only"}
    return [
        _row(catalog, model_id, effort, model_id in priced, model_id in hosted)
        for model_id, effort in offered(catalog)
        if model_id in quoted or model_id in hosted
    ]


def _row(catalog: Catalog, model_id: str, effort: str, priced: bool, hosted: bool) -> dict[str, Any]:
    known = load_task_tokens(catalog)
    long = [task for task in known.tasks if task not in known.short]
    tokens = output_tokens_multiplier(catalog, model_id, effort, dict.fromkeys(long, 1.0), TODAY)
    quality = {
        task: quality_of(catalog, model_id, effort, {task: 1.0}) for task in load_task_quality(catalog).tasks
    }
    return {
        "model_id": model_id,
        "effort": effort,
        "default": names(catalog).variant(model_id).effort == effort,
        "quality": {
            "overall": as_points(quality_of(catalog, model_id, effort)),
            "by_task": {task: as_points(band) for task, band in quality.items()},
        },
        "output_token_multiplier": {
            "low": round(tokens.low, 2),
            "base": round(tokens.base, 2),
            "high": round(tokens.high, 2),
        },
        "priced": priced,
        "self_hostable": hosted,
    }
