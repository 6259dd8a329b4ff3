"""What the hardware page shows: one replica sized, its curves, its fleet by hour, its rivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llmplan.app.model import AppModel
from llmplan.arrays import Floats
from llmplan.cost.fleet import queries_per_day_of_one_replica, replicas_by_hour, replicas_needed
from llmplan.errors import InputError
from llmplan.measurements import read_points_of
from llmplan.replica import ReplicaConfig
from llmplan.sizing import (
    LatencyCurve,
    SizeAnswer,
    SizeRequest,
    latency_curve,
    memory_breakdown,
    size,
    what_binds,
)
from llmplan.units import HOURS_PER_DAY
from llmplan.wording import milliseconds

METRICS = ("ttft_ms", "tpot_ms", "output_tokens_per_s")
NO_LIMIT_MS = 1e12
CONCURRENCY = np.unique(np.round(np.geomspace(1, 256, 33)))
SHOWN_CONFIGURATIONS = 12


@dataclass(frozen=True)
class Shown:
    """One replica: sized, its memory by part, and its curves where it can run."""

    config: ReplicaConfig
    label: str
    answer: SizeAnswer
    memory: list[dict[str, Any]]
    curve: LatencyCurve | None


@dataclass(frozen=True)
class FleetByHour:
    """Replicas needed by hour (24,), the hour's queries, and the replicas rented all day."""

    needed: Floats
    queries: Floats
    rented: float
    note: str


def cheapest_config(model: AppModel) -> ReplicaConfig:
    """Return the configuration of the scenario's cheapest fleet, feasible or not."""
    found = model.report.comparison
    place = found.cheapest("self_hosted")
    items = found.options.items
    if place is None:
        usd_month = found.monthly_usd[1]
        own = [i for i, item in enumerate(items) if item.kind == "self_hosted"]
        place = min(own, key=lambda i: float(usd_month[i]), default=None)
    if place is None:
        rule = "no model can be self-hosted under it"
        raise InputError("scenario", model.scenario.name, rule, "allow other models or GPUs")
    item = items[place]
    return ReplicaConfig(
        item.model_id, item.precision_id or "", item.gpu_id or "", item.n_gpus or 1, item.engine_id or ""
    )


def config_of(model: AppModel, present: ReplicaConfig | None, changes: dict[str, Any]) -> ReplicaConfig:
    """Return the configuration after the reader's changes."""
    config = present or cheapest_config(model)
    known = {k: v for k, v in changes.items() if k in ("model_id", "precision_id", "gpu_id", "engine_id")}
    if "n_gpus" in changes:
        known["n_gpus"] = int(changes["n_gpus"])
    return replace(config, **known)


def shown_replica(model: AppModel, chosen: ReplicaConfig | None) -> Shown:
    """Size a configuration for the present scenario."""
    config, scenario, catalog = chosen or cheapest_config(model), model.scenario, model.catalog
    workload = scenario.workload(catalog)
    request = SizeRequest(
        config.model_id,
        config.precision_id,
        config.gpu_id,
        scenario.input_tokens,
        scenario.output_tokens,
        config.n_gpus,
        config.engine_id,
        ttft_limit_ms=scenario.ttft_limit_ms or NO_LIMIT_MS,
        tpot_limit_ms=scenario.tpot_limit_ms or NO_LIMIT_MS,
        latency_percentile=scenario.latency_percentile,
    )
    points = read_points_of(catalog, scenario.measured_csv) if scenario.measured_csv else ()
    answer = size(catalog, request, points)
    running = answer.speed.concurrency
    memory = memory_breakdown(catalog, config, workload.context_tokens, running)
    curve = None
    if answer.fits and answer.speed.requests_per_s is not None:
        lengths = (scenario.input_tokens, scenario.output_tokens)
        curve = latency_curve(catalog, config, *lengths, CONCURRENCY, points)
    name, gpu = catalog.model(config.model_id).name, catalog.gpu(config.gpu_id).name
    precision, engine = catalog.precision(config.precision_id).name, catalog.engine(config.engine_id).name
    return Shown(
        config, f"{name} in {precision} on {config.n_gpus} x {gpu} with {engine}", answer, memory, curve
    )


def fleet_by_hour(model: AppModel, shown: Shown) -> FleetByHour | None:
    """Return the fleet by hour under the scenario's profile; None where the replica has no capacity."""
    scenario, rate = model.scenario, shown.answer.speed.requests_per_s
    if not rate or not shown.answer.speed.within_targets:
        return None
    workload = scenario.workload(model.catalog)
    flat = workload.hourly_profile is None
    shares = np.asarray(workload.hourly_profile or np.full(HOURS_PER_DAY, 1 / HOURS_PER_DAY), float)
    ceiling, spare = scenario.utilisation_ceiling, scenario.spare_replicas
    needed = replicas_by_hour(shares, scenario.queries_per_day, rate, ceiling, spare)
    peak = workload.effective_peak_to_mean
    each = queries_per_day_of_one_replica(rate, peak, ceiling)
    rented = float(replicas_needed(scenario.queries_per_day, each, spare))
    note = (
        f"The scenario has no daily profile, so the hours are alike; the peak within them is {peak:.3g} x the mean."
        if flat
        else f"Profile {scenario.profile_id}; sized for a peak of {peak:.3g} x the mean."
    )
    return FleetByHour(needed, shares * scenario.queries_per_day, rented, note)


def cheapest_rows(model: AppModel, model_id: str) -> list[tuple[object, ...]]:
    """Return the model's cheapest configurations as rows of a table."""
    report = model.report
    rows: list[tuple[object, ...]] = []
    for place in report.comparison.order:
        item = report.option(place)
        if item.kind != "self_hosted" or item.model_id != model_id:
            continue
        rows.append(
            (
                item.label,
                report.money.short(float(report.comparison.monthly_usd[1, place])),
                int(report.comparison.gpus_total[place]),
                f"{item.requests_per_s[1]:,.2f}" if item.requests_per_s else "–",
                milliseconds(item.ttft_ms),
                milliseconds(item.tpot_ms),
                what_binds(item.binding or "", item.concurrency or 0),
            )
        )
        if len(rows) == SHOWN_CONFIGURATIONS:
            break
    return rows
