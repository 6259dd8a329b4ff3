"""Why an option is out, in plain words: every reason, not the first."""

from __future__ import annotations

from llmplan.catalog import ApiPrice, Catalog, Model
from llmplan.catalog.cache import kept
from llmplan.quality.relative import Quality
from llmplan.scenario import Scenario


def api_reasons(catalog: Catalog, scenario: Scenario, price: ApiPrice, quality: Quality) -> list[str]:
    """Return why an API or a hosted open model is out; empty when it is in."""
    reasons = []
    if price.status != "active" and price.api_id not in scenario.api_ids:
        reasons.append("no longer offered (historical price)")
    if scenario.data_stays_in_house:
        reasons.append("data must stay in house")
    if scenario.api_providers and price.provider not in scenario.api_providers:
        reasons.append(f"provider {price.provider} is not on the allow-list")
    model = catalog.models.get(price.model_id)
    context = price.max_context_tokens or (model.max_context_tokens if model else None)
    reasons += _context(scenario, context or least_known_context(catalog), known=context is not None)
    if model is not None:
        reasons += licence_reasons(catalog, scenario, model, self_hosted=False)
    return reasons + quality_reasons(scenario, overall(quality)) + task_reasons(scenario, quality)


def model_reasons(catalog: Catalog, scenario: Scenario, model: Model) -> list[str]:
    """Return why a model cannot be self-hosted in this scenario, whatever the hardware."""
    return _context(scenario, model.max_context_tokens) + licence_reasons(
        catalog, scenario, model, self_hosted=True
    )


def quality_reasons(scenario: Scenario, quality: float | None) -> list[str]:
    """Return why a quality misses the floor; a floor of 0 lets everything in."""
    if scenario.quality_floor <= 0:
        return []
    if quality is None:
        return [f"quality not known: too few benchmarks in common with {scenario.reference_api_id}"]
    if not quality >= scenario.quality_floor:
        return [f"quality {quality:.2f} below the floor {scenario.quality_floor:.2f}"]
    return []


def task_reasons(scenario: Scenario, quality: Quality, loss: float = 0.0) -> list[str]:
    """Return the tasks whose own floor is missed after a format's loss; an unscored task misses any floor."""
    reasons = []
    for task, floor in scenario.task_quality_floors:
        found = quality.by_task.get(task)
        if floor > 0 and found is None:
            reasons.append(f"{task}: quality not known, its floor is {floor:.2f}")
        elif found is not None and not found * (1 - loss) >= floor:
            reasons.append(f"{task}: quality {found * (1 - loss):.2f} below its floor {floor:.2f}")
    return reasons


def licence_reasons(catalog: Catalog, scenario: Scenario, model: Model, *, self_hosted: bool) -> list[str]:
    """Return what the licence forbids: commercial use at all, or above a number of users."""
    licence = catalog.licences[model.licence_id]
    reasons = []
    if self_hosted and scenario.commercial_use and licence.commercial_use == "no":
        reasons.append(f"licence {licence.name}: no commercial use without a grant")
    users = scenario.monthly_active_users
    if licence.mau_limit is not None and users is not None and users > licence.mau_limit:
        reasons.append(f"licence {licence.name}: above {licence.mau_limit:,} monthly users a grant is needed")
    return reasons


def needed_context_tokens(scenario: Scenario) -> float:
    """Return the context that one query needs: its tokens at the 95th percentile, or the stated minimum."""
    tokens_in = scenario.input_tokens_p95 or scenario.input_tokens
    tokens_out = scenario.output_tokens_p95 or scenario.output_tokens
    return max(float(scenario.min_context_tokens), tokens_in + tokens_out)


@kept(1)
def least_known_context(catalog: Catalog) -> int:
    """Return the smallest context that any token price states: what an unknown one is trusted to hold."""
    known = (price.max_context_tokens for price in catalog.apis.values())
    return min((tokens for tokens in known if tokens is not None), default=0)


def _context(scenario: Scenario, limit: int, known: bool = True) -> list[str]:
    needed = needed_context_tokens(scenario)
    if limit >= needed:
        return []
    stated = f"{limit:,} tokens below" if known else "not known, unlike"
    return [f"context {stated} the {needed:,.0f} needed"]


def overall(quality: Quality, loss: float = 0.0) -> float | None:
    """Return the overall quality after the loss to a storage format."""
    return None if quality.overall is None else quality.overall * (1 - loss)
