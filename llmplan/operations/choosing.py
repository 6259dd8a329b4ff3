"""From a comparison to a ServingPlan: the cheapest feasible self-hosted option, or a named one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from llmplan.catalog import Catalog, Gpu
from llmplan.cost.billing import replica_start_s
from llmplan.cost.fleet import replicas_needed
from llmplan.errors import InputError, UnknownNameError
from llmplan.operations.checkpoints import checkpoint, repositories_of
from llmplan.operations.gateway import ApiTier
from llmplan.operations.launch import LAUNCHERS
from llmplan.operations.plan import ServingPlan
from llmplan.options import Comparison, Option
from llmplan.options.reserved import units_for, usd_per_unit_hour
from llmplan.options.standing import fleet_context_tokens, lengths_of, standing_of, today_id
from llmplan.replica.config import EngineSettings
from llmplan.replica.memory import Draft, default_share, draft_of, engine_memory, memory_plan
from llmplan.scenario import Scenario

CONTEXT_STEP: Final = 1024
MEAN_TO_LONGEST: Final = 4
"""Longest sequence over the mean where no percentile is known; half of it where one is."""
SPILL_SHARE: Final = 0.1
"""Share of the fleet's queries that the gateway's budget lets spill to the API."""


def self_hosted_place(comparison: Comparison, option_id: str | None = None) -> int:
    """Return the place of the named self-hosted option, or of the cheapest feasible one with a launcher.

    Raises InputError where nothing self-hosted is feasible (with the most frequent reason), the named option is
    not, or its engine has no launcher; UnknownNameError where it is not a self-hosted option of the scenario.
    """
    options, items = comparison.options, comparison.options.items
    own = {items.option_id[place]: int(place) for place in np.flatnonzero(options.is_self_hosted)}
    if option_id is not None:
        if option_id not in own:
            raise UnknownNameError("self-hosted option", option_id, own)
        place = own[option_id]
        if not items[place].feasible:
            raise InputError("option", option_id, "; ".join(items[place].reasons), "choose a feasible option")
        if items[place].engine_id not in LAUNCHERS:
            rule = f"runs in {items[place].engine_id}, for which there is no launch command"
            raise InputError("option", option_id, rule, f"choose one in {', '.join(LAUNCHERS)}")
        return place
    ranked = (place for place in comparison.order if options.is_self_hosted[place])
    best = next((place for place in ranked if items[place].engine_id in LAUNCHERS), None)
    if best is None and comparison.cheapest("self_hosted") is not None:
        rule = "has feasible options only in engines without a launch command"
        raise InputError("engine_ids", comparison.scenario.engine_ids, rule, f"allow {', '.join(LAUNCHERS)}")
    if best is None:
        raise InputError("scenario", comparison.scenario.name, _why_none(comparison), "loosen that limit")
    return best


def _why_none(comparison: Comparison) -> str:
    """The most frequent reason among the options that come nearest: those with the fewest reasons."""
    options = comparison.options
    refused = [options.items[place].reasons for place in np.flatnonzero(options.is_self_hosted)]
    if not refused:
        return "has no self-hosted option at all"
    fewest = min(len(reasons) for reasons in refused)
    near = [reason for reasons in refused if len(reasons) == fewest for reason in reasons]
    return f"no self-hosted option is feasible, most often: {max(sorted(set(near)), key=near.count)}"


def plan_of(comparison: Comparison, place: int, catalog: Catalog) -> ServingPlan:
    """Return one feasible self-hosted option of a comparison as a ServingPlan."""
    item, scenario = comparison.options.items[place], comparison.scenario
    gpu, (settings, draft) = catalog.gpu(str(item.gpu_id)), _settings_of(item, scenario, catalog)
    standing = standing_of(scenario, catalog, item.model_id, item.effort)
    lengths, needed = lengths_of(scenario, standing), fleet_context_tokens(scenario, standing)
    memory = memory_plan(catalog, item.replica_config(EngineSettings.of(scenario)), needed)
    concurrency = max(1, math.floor(item.concurrency or 1))
    return ServingPlan(
        option_id=item.option_id,
        model_id=item.model_id,
        precision_id=str(item.precision_id),
        gpu_id=str(item.gpu_id),
        engine_id=str(item.engine_id),
        n_gpus=item.n_gpus or 1,
        replicas=int(comparison.replicas[place]),
        spare_replicas=scenario.spare_replicas,
        input_tokens=lengths.input,
        output_tokens=lengths.output,
        context_tokens=scenario.max_model_len
        or longest_sequence(
            needed,
            scenario.input_tokens_p95 is not None,
            catalog.model(item.model_id).max_context_tokens,
            memory.max_concurrent_sequences,
        ),
        max_concurrent_sequences=max(concurrency, memory.max_concurrent_sequences),
        concurrency=concurrency,
        ttft_ms=item.ttft_ms or 0.0,
        tpot_ms=item.tpot_ms or 0.0,
        output_tokens_per_s=item.output_tokens_per_s or 0.0,
        requests_per_s=item.requests_per_s[1] if item.requests_per_s else 0.0,
        queries_per_day=scenario.queries_per_day,
        peak_to_mean=scenario.workload(catalog).effective_peak_to_mean,
        utilisation_ceiling=scenario.utilisation_ceiling,
        ttft_limit_ms=scenario.ttft_limit_ms,
        tpot_limit_ms=scenario.tpot_limit_ms,
        weights_gb=memory.weights_gb,
        weights_gib_per_gpu=memory.weights_gib_per_gpu,
        kv_gib_per_gpu=memory.kv_gib_per_gpu,
        overhead_gib_per_gpu=memory.overhead_gib_per_gpu,
        usable_gib_per_gpu=memory.usable_gib_per_gpu,
        settings=settings,
        memory_shares=_memory_shares(catalog, gpu, settings),
        kv_bytes=memory.kv_bytes,
        start_s=float(replica_start_s(catalog, memory.weights_gb)),
        gpu_vendor=gpu.vendor,
        repositories=repositories_of(catalog, item.model_id),
        draft_repository=_draft_repository(catalog, draft),
    )


def _settings_of(item: Option, scenario: Scenario, catalog: Catalog) -> tuple[EngineSettings, Draft | None]:
    """Return the settings that the engine gets and what drafts for it; without a draft nothing is guessed ahead."""
    settings = EngineSettings.of(scenario)
    draft = draft_of(catalog, catalog.model(item.model_id), str(item.engine_id), settings)
    return (settings if draft else replace(settings, speculative_tokens=0)), draft


def _memory_shares(catalog: Catalog, gpu: Gpu, settings: EngineSettings) -> dict[str, float]:
    """Return the share of a GPU's memory that each engine takes: as asked, else its own default."""
    asked, engines = settings.gpu_memory_utilisation, catalog.engine_memory
    return {name: asked or default_share(engine_memory(engines, name), gpu) for name in LAUNCHERS}


def longest_sequence(needed: float, is_percentile: bool, model_limit: int, sequences_in_memory: int) -> int:
    """Return the longest sequence to accept: room above what is needed, within model and KV cache. [tokens]

    needed: tokens of a query, a percentile's or the mean's.

    Paged KV caches take memory for tokens in use only, so a long limit costs nothing as long as one such
    sequence fits.
    """
    wanted = needed * (MEAN_TO_LONGEST / 2 if is_percentile else MEAN_TO_LONGEST)
    room = needed * max(1, sequences_in_memory)
    rounded = math.ceil(min(wanted, room) / CONTEXT_STEP) * CONTEXT_STEP
    return int(min(model_limit, max(rounded, math.ceil(needed))))


def _api_place(comparison: Comparison, catalog: Catalog, api_id: str | None) -> int | None:
    options = comparison.options
    sold = options.is_api | options.is_reserved
    apis = {options.items.option_id[place]: int(place) for place in np.flatnonzero(sold)}
    if api_id is not None:
        if api_id not in apis:
            raise UnknownNameError("API of the scenario", api_id, apis)
        return apis[api_id]
    reference = apis.get(today_id(comparison.scenario, catalog))
    if reference is not None and comparison.options.items[reference].feasible:
        return reference
    return comparison.cheapest("api", "hosted")


def api_tier(
    comparison: Comparison, catalog: Catalog, api_id: str | None = None, strong_queries_per_day: float = 0.0
) -> ApiTier | None:
    """Return the strong tier behind the fleet: the named API, else the reference, else the cheapest.

    None where no API is feasible. Its budget holds the queries routed to it, `strong_queries_per_day`, and a
    tenth of the fleet's queries that may spill to it; where it is reserved, its units are for these, and the budget
    holds what they cannot take.
    """
    place = _api_place(comparison, catalog, api_id)
    if place is None:
        return None
    item = comparison.options.items[place]
    price = catalog.api(str(item.api_id))
    scenario = comparison.scenario
    queries = strong_queries_per_day + SPILL_SHARE * scenario.queries_per_day
    return ApiTier(
        provider=price.provider,
        provider_model=price.provider_model,
        input_usd_per_mtok=price.input_usd_per_mtok,
        output_usd_per_mtok=price.output_usd_per_mtok,
        usd_per_month=queries * scenario.days_per_month * float(comparison.options.usd_per_query[place]),
        days_per_month=scenario.days_per_month,
        reserved=_reserved_words(comparison, place, queries),
    )


def _reserved_words(comparison: Comparison, place: int, queries_per_day: float) -> str:
    """Say how many units are reserved for some queries, and what they cost; "" for an API by the token."""
    options, row = comparison.options, comparison.options.items[place].reserved
    if row is None:
        return ""
    load = queries_per_day * float(options.fleet_load[place])
    units = float(units_for(row, replicas_needed(load, options.per_replica[1, place])))
    usd = units * usd_per_unit_hour(row, options.hours_per_month) * options.hours_per_month
    money = comparison.scenario.currency
    sum_shown = f"{money.amount(usd)} {money.name}"
    return f"{units:,.0f} {row.unit.upper()} ({row.commitment.replace('_', ' ')}), {sum_shown} a month"


def _draft_repository(catalog: Catalog, draft: Draft | None) -> str:
    """Return where the small model that drafts is published; "" where none does."""
    if draft is None or draft.model is None or draft.precision is None:
        return ""
    small = draft.model.model_id
    return checkpoint(repositories_of(catalog, small), small, draft.precision.precision_id).repository
