"""Why an option is out, in plain words: every reason, not the first."""

from __future__ import annotations

from llmplan.catalog import ApiPrice, Catalog, Model
from llmplan.catalog.cache import kept
from llmplan.cost.classes import surcharge
from llmplan.options.standing import lengths_of, needed_context_tokens
from llmplan.quality.floor import assured_quality, chance_to_meet, reaches
from llmplan.quality.variants import Standing
from llmplan.scenario import Scenario
from llmplan.units import MS_PER_S
from llmplan.wording import probability, share

API_SPEED = "api-output-tokens-per-s"


def api_reasons(catalog: Catalog, scenario: Scenario, price: ApiPrice) -> list[str]:
    """Return why an API or a hosted open model is out, whatever the effort that it is asked at."""
    reasons = []
    if price.has_ended(catalog.today):
        reasons.append(f"ended on {price.ends_on}")
    elif price.status != "active" and price.api_id not in scenario.api_ids:
        reasons.append("no longer offered (historical price)")
    if scenario.data_stays_in_house and not (
        scenario.in_house == "cloud" and price.provider in own_account_clouds(catalog)
    ):
        reasons.append("data must stay in house")
    if surcharge(price, scenario.regions) is None:
        reasons.append(f"processing cannot be held to {', '.join(scenario.regions)}")
    if scenario.api_providers and price.provider not in scenario.api_providers:
        reasons.append(f"provider {catalog.provider_name(price.provider)} is not on the allow-list")
    model = catalog.models.get(price.model_id)
    takes = price.takes_images or (model.vision_params_b if model else None)
    reasons += _images(scenario, "takes no images" if model else "is not known to take images", takes)
    if model is not None:
        reasons += licence_reasons(catalog, scenario, model, self_hosted=False)
    return reasons


def context_of(catalog: Catalog, price: ApiPrice) -> tuple[int, bool]:
    """Return the context tokens that a price takes, and whether they are known: else the least that any states."""
    model = catalog.models.get(price.model_id)
    context = price.max_context_tokens or (model.max_context_tokens if model else None)
    return context or least_known_context(catalog), context is not None


def answer_reasons(catalog: Catalog, scenario: Scenario, standing: Standing) -> list[str]:
    """Return why a model at an effort is out at every price, whatever its overall quality."""
    return [*_waits(catalog, scenario, standing), *task_reasons(scenario, standing)]


@kept(1)
def own_account_clouds(catalog: Catalog) -> frozenset[str]:
    """Return the providers that serve models within the customer's own account."""
    return frozenset(row.provider for row in catalog.api_providers if row.in_own_account)


def _waits(catalog: Catalog, scenario: Scenario, standing: Standing) -> list[str]:
    """Return why a reader would wait too long for the first visible token or the last, however fast the provider. (11.7)"""
    speed, lengths = catalog.assumptions.get(API_SPEED), lengths_of(scenario, standing)
    if speed is None or scenario.batch_share == 1:
        return []
    thinking = "tokens of reasoning before the first visible one"
    waits = (
        ("TTFT of", lengths.reasoning, thinking, scenario.ttft_limit_ms),
        ("answer in", lengths.output, "tokens", scenario.answer_limit_ms),
    )
    return [
        f"{what} {tokens / speed.high:,.1f} s at best: {tokens:,.0f} {which} at {speed.high:,.0f} tokens/s, above "
        f"{limit:,.0f} ms"
        for what, tokens, which, limit in waits
        if limit is not None and tokens / speed.high * MS_PER_S > limit
    ]


def model_reasons(catalog: Catalog, scenario: Scenario, model: Model, standing: Standing) -> list[str]:
    """Return why a model cannot be self-hosted in this scenario, whatever the hardware."""
    return [
        *context_reasons(scenario, standing, model.max_context_tokens),
        *_images(scenario, "takes no images", model.vision_params_b),
        *licence_reasons(catalog, scenario, model, self_hosted=True),
    ]


def _images(scenario: Scenario, otherwise: str, takes: float | None) -> list[str]:
    """Return why queries with images cannot be asked."""
    return [] if takes or not scenario.images_per_query else [otherwise]


def quality_reasons(
    floor: float, scenario: Scenario, standing: Standing, loss: float, assured: float
) -> list[str]:
    """Return why a quality after a format's loss misses the floor; assured: the highest floor that it reaches."""
    return _below(floor, scenario.floor_chance, standing.moments(loss), assured)


def _below(floor: float, asked: float, moments: tuple[float, float, float], assured: float) -> list[str]:
    if reaches(floor, assured):
        return []
    quality = moments[0]
    if quality < floor:
        return [f"quality {share(quality)}, below the floor of {share(floor)}"]
    chance = probability(float(chance_to_meet(floor, *moments)))
    return [
        f"quality {share(quality)} reaches the floor of {share(floor)} with {chance}, not with the {share(asked)} asked for"
    ]


def floor_asked(scenario: Scenario, of: str = "") -> str:
    """Return the quality that is asked for and how surely; `of`: whose, where that is not clear."""
    whose = f" of {of}" if of else ""
    return f"{share(scenario.quality_floor)}{whose} with a chance of {share(scenario.floor_chance)}"


def task_reasons(scenario: Scenario, standing: Standing, loss: float = 0.0) -> list[str]:
    """Return the tasks whose own floor is missed, or met too seldom, after a format's loss."""
    reasons = []
    for task, floor in scenario.task_quality_floors:
        moments = standing.moments(loss, task)
        assured = float(assured_quality(scenario.floor_chance, *moments))
        reasons += [f"{task}: {why}" for why in _below(floor, scenario.floor_chance, moments, assured)]
    return reasons


def licence_reasons(catalog: Catalog, scenario: Scenario, model: Model, *, self_hosted: bool) -> list[str]:
    """Return what the licence forbids: commercial use, companies of the EU, more users than it allows."""
    licence = catalog.licences[model.licence_id]
    reasons = []
    if self_hosted and scenario.commercial_use and licence.commercial_use == "no":
        reasons.append(f"licence {licence.name}: no commercial use without a grant")
    if self_hosted and scenario.eu_company and not licence.granted_in_eu:
        reasons.append(f"licence {licence.name}: not granted to companies of the European Union")
    users = scenario.monthly_active_users
    if licence.mau_limit is not None and users is not None and users > licence.mau_limit:
        reasons.append(f"licence {licence.name}: above {licence.mau_limit:,} monthly users a grant is needed")
    return reasons


@kept(1)
def least_known_context(catalog: Catalog) -> int:
    """Return the smallest context that any token price states: what an unknown one is trusted to hold."""
    known = (price.max_context_tokens for price in catalog.apis.values())
    return min((tokens for tokens in known if tokens is not None), default=0)


def context_reasons(scenario: Scenario, standing: Standing, limit: int, known: bool = True) -> list[str]:
    """Return why a query of a model at an effort is longer than the context."""
    needed = needed_context_tokens(scenario, standing)
    if limit >= needed:
        return []
    stated = f"{limit:,} tokens below the" if known else "not known,"
    return [f"context {stated} {needed:,.0f} needed"]
