"""Hybrids among a scenario's options: each API with its cheapest self-hosted partner and split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import Catalog, load_catalog
from llmplan.cost.fleet import instances_needed, replicas_needed
from llmplan.options.comparison import options_of
from llmplan.options.table import Option, Options
from llmplan.router.costs import Router, Traffic
from llmplan.router.hybrid import HybridOption, SplitPlan, hybrid_options, split_plan
from llmplan.router.roc import from_auc
from llmplan.scenario import Scenario
from llmplan.units import TOKENS_PER_MTOK

Places: TypeAlias = npt.NDArray[np.intp]
SPLITS = np.linspace(0.05, 0.95, 19)
"""Shares of the fleet that are tried; all and nothing are options of their own."""


@dataclass(frozen=True)
class Hybrid:
    """A fleet and an API that share the traffic.

    Attributes
    ----------
    weak, strong: places of the self-hosted option and the API in the options.
    found: share, cost and quality.
    replicas, gpus_total: of the fleet, for the share it carries.
    """

    weak: int
    strong: int
    found: HybridOption
    replicas: int
    gpus_total: int


def assumed_plan(
    queries_per_day: float, days_per_month: float, splits: Floats = SPLITS, catalog: Catalog | None = None
) -> SplitPlan:
    """Return the loads under the base assumptions of data/router_assumptions.csv."""
    base = {row.assumption_id: row.base for row in (catalog or load_catalog()).router_assumptions.values()}
    router = Router(base["router-usd-per-million"] / 1e6, latency_ms=base["router-latency-ms"])
    traffic = Traffic(days_per_month=days_per_month)
    curve, multiplier = from_auc(base["router-auc"]), base["hard-token-multiplier"]
    return split_plan(queries_per_day, splits, curve, base["hard-share"], multiplier, traffic, router)


def find_hybrids(
    options: Options, queries_per_day: float, floor: float, catalog: Catalog | None = None
) -> list[Hybrid]:
    """Return one hybrid for each API that can make one, cheapest first. (7.1)-(7.5)

    A model paired with itself at a provider is no route by difficulty and is left out.

    Parameters
    ----------
    options: the scenario's; build them without a quality floor, since a hybrid's weak end may lie below it.
    floor: least quality of the hybrid; at 0 the splits with the least cost count.
    """
    plan = assumed_plan(queries_per_day, options.scenario.days_per_month, catalog=catalog)
    known = np.array([item.quality is not None for item in options.items], bool)
    own = np.flatnonzero(options.feasible & known & ~options.is_api)
    apis = np.flatnonzero(options.feasible & known & options.is_api)
    if not (len(own) and len(apis)):
        return []
    ways, usd = _cheapest_ways(options, own, plan.fleet_queries_per_day)
    quality = np.array(
        [item.quality if item.quality is not None else np.nan for item in options.items], float
    )
    models = np.array([item.model_id for item in options.items])
    differ = models[ways[:, :1]] != models[apis]
    prices = options.usd_per_query[apis]
    found = hybrid_options(plan, usd, quality[ways[:, 0]], prices, quality[apis], floor, differ)
    return [_hybrid(options, row, ways, apis, plan) for row in found]


def _cheapest_ways(options: Options, own: Places, loads: Floats) -> tuple[Places, Floats]:
    """Return, by model and format, the cheapest way at each load, (g, p), and its cost, (3, g, p)."""
    usd = options.take(own).monthly_usd(loads)
    usd = np.stack([usd.min(axis=0), usd[1], usd.max(axis=0)])
    names = [f"{options.items[i].model_id}@{options.items[i].precision_id}" for i in own]
    _, group = np.unique(names, return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(int(group.max()) + 1)]
    best = np.stack([rows[np.argmin(usd[1, rows], axis=0)] for rows in members])
    return own[best], usd[:, best, np.arange(len(loads))]


def _hybrid(options: Options, row: HybridOption, ways: Places, apis: Places, plan: SplitPlan) -> Hybrid:
    split = int(np.argmin(np.abs(plan.share_weak - row.share_weak)))
    weak = int(ways[row.fleet, split])
    spare = options.scenario.spare_replicas
    replicas = float(replicas_needed(row.fleet_queries_per_day, options.per_replica[1, weak], spare))
    instances = float(instances_needed(replicas, options.replicas_per_instance[1, weak]))
    gpus = int(instances * options.gpus_per_instance[1, weak])
    return Hybrid(weak, int(apis[row.api]), row, int(replicas), gpus)


def hybrid_rows(scenario: Scenario, catalog: Catalog | None = None) -> list[dict[str, Any]]:
    """Return a scenario's hybrids at its quality floor as rows of the comparison's table, cheapest first.

    The floor holds for the hybrid, not for its weak end; floors by task hold for both ends.
    """
    options = options_of(scenario.but(quality_floor=0.0) if scenario.quality_floor else scenario, catalog)
    found = find_hybrids(options, scenario.queries_per_day, scenario.quality_floor, catalog)
    return [hybrid_row(options, hybrid) for hybrid in found]


def hybrid_row(options: Options, hybrid: Hybrid) -> dict[str, Any]:
    """Return a hybrid as a row of the comparison's table; what it has not (one latency) is left out."""
    weak, strong, found = options.items[hybrid.weak], options.items[hybrid.strong], hybrid.found
    tokens = options.scenario.input_tokens + options.scenario.output_tokens
    return {
        "option_id": f"hybrid:{weak.option_id}+{strong.option_id}",
        "kind": "hybrid",
        "label": f"{found.share_weak:.0%} {weak.label}, {1 - found.share_weak:.0%} {strong.label}",
        "feasible": True,
        "reasons": (),
        "model_id": weak.model_id,
        "api_id": strong.option_id,
        "precision_id": weak.precision_id,
        "gpu_id": weak.gpu_id,
        "n_gpus": weak.n_gpus,
        "replicas": hybrid.replicas,
        "gpus_total": hybrid.gpus_total,
        "engine_id": weak.engine_id,
        "provider": weak.offers[1].provider if weak.offers else None,
        "price_kind": options.scenario.gpu_price_kind,
        "share_weak": found.share_weak,
        "monthly_usd_low": found.monthly_usd_low,
        "monthly_usd_base": found.monthly_usd_base,
        "monthly_usd_high": found.monthly_usd_high,
        "usd_per_query": found.usd_per_query,
        "usd_per_mtok": found.usd_per_query / tokens * TOKENS_PER_MTOK,
        "quality": found.quality,
        "basis": weak.basis,
        "measured_by": weak.measured_by,
        "licence_id": weak.licence_id,
        "source_ids": tuple(dict.fromkeys([*weak.source_ids, *strong.source_ids])),
        "prices_as_of": _oldest(weak, strong),
    }


def _oldest(*items: Option) -> Any:
    dates = [item.prices_as_of for item in items if item.prices_as_of is not None]
    return min(dates) if dates else None
