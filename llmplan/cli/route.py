"""`llmplan route`: part of the traffic to one's own fleet, the rest to an API."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.output import print_json
from llmplan.cli.route_tables import print_route, print_tiers
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.routing.plan import RoutePlan
    from llmplan.routing.request import RouteRequest
    from llmplan.scenario import Scenario

Number = float | None


def register(app: typer.Typer) -> None:
    """Add the command to the shell."""
    app.command("route")(route)


@with_scenario
def route(
    scenario: Scenario,
    catalog: Catalog,
    weak: Annotated[
        str, typer.Option(help="Model, self-hosted option or API id, MODEL@EFFORT too; several with commas.")
    ] = "llama-3.1-70b",
    strong: Annotated[str, typer.Option(help="API id, or API@EFFORT.")] = "gpt-4o",
    share: Annotated[Number, typer.Option(help="Share of queries meant for the weak model.")] = None,
    threshold: Annotated[Number, typer.Option(help="P(hard) from which a query goes up.")] = None,
    quality_floor: Annotated[Number, typer.Option(help="Cheapest split of this quality or better.")] = None,
    budget_usd: Annotated[Number, typer.Option(help="Best split within this many USD a month.")] = None,
    classifier_accuracy: Annotated[
        Number, typer.Option(help="0.5 a coin, 1 never errs (the default).")
    ] = None,
    classifier_auc: Annotated[Number, typer.Option(help="Area under its ROC curve, instead.")] = None,
    error_matrix: Annotated[
        str | None,
        typer.Option(help="Or RECALL,FPR: the hard and the easy queries sent up, each a share of its class."),
    ] = None,
    hard_share: Annotated[Number, typer.Option(help="Queries that need the strong model.")] = None,
    hard_token_multiplier: Annotated[
        float, typer.Option(help="Cost of a hard query over an easy one.")
    ] = 1.0,
    router_usd_per_query: Annotated[float, typer.Option(help="Price of one classification.")] = 0.0,
    router_fleet_share: Annotated[float, typer.Option(help="Its work on the fleet, in queries.")] = 0.0,
    router_latency_ms: Annotated[float, typer.Option(help="Latency that it adds.")] = 0.0,
    exact_hits: Annotated[float, typer.Option(help="Share that an exact cache answers.")] = 0.0,
    semantic_hits: Annotated[float, typer.Option(help="Share of the rest that a semantic cache does.")] = 0.0,
    false_hits: Annotated[float, typer.Option(help="Share of semantic hits that are wrong.")] = 0.0,
    lookup_usd_per_query: Annotated[float, typer.Option(help="Price of one cache lookup.")] = 0.0,
    fallback: Annotated[
        float, typer.Option(help="Share of the fleet's queries that spill to the API.")
    ] = 0.0,
    availability: Annotated[
        Number, typer.Option(help="Share of the time that a replica is up; the rest spills to the API.")
    ] = None,
    strong_latency_ms: Annotated[Number, typer.Option(help="Time to the API's whole answer.")] = None,
    verifier: Annotated[
        str | None, typer.Option(help="Also as a cascade: P(accept right),P(accept wrong).")
    ] = None,
    verifier_usd_per_query: Annotated[float, typer.Option(help="Price of one verification.")] = 0.0,
    verifier_latency_ms: Annotated[float, typer.Option(help="Time of one verification.")] = 0.0,
    queries: Annotated[Path | None, typer.Option(help="One's own queries (CSV as for route-eval).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Which data set of that file.")] = None,
    router: Annotated[str | None, typer.Option(help="Which router's scores cut them.")] = None,
    weak_usd_per_query: Annotated[Number, typer.Option(help="Unit price instead of a fleet.")] = None,
    strong_usd_per_query: Annotated[Number, typer.Option(help="Unit price instead of tokens.")] = None,
    weak_quality: Annotated[Number, typer.Option(help="Instead of the catalog's, reference = 1.")] = None,
    strong_quality: Annotated[Number, typer.Option(help="Instead of the catalog's, reference = 1.")] = None,
    task_mix: Annotated[str | None, typer.Option(help="Preset mix, or TASK:SHARE,TASK:SHARE.")] = None,
    task_tolerance: Annotated[
        str | None, typer.Option(help="Quality that a task can lose, TASK:LOSS,TASK:LOSS.")
    ] = None,
    task_tokens: Annotated[
        str | None, typer.Option(help="Length of a task's query over another's, TASK:FACTOR,TASK:FACTOR.")
    ] = None,
    keep_in_house: Annotated[str | None, typer.Option(help="Tasks that may not leave, with commas.")] = None,
    as_json: Json = False,
) -> None:
    """Route between a self-hosted model and an API: cost, quality, fleet and the cheapest split."""
    from llmplan.router.costs import Router, Traffic
    from llmplan.routing.queries import read_own_queries
    from llmplan.routing.request import RouteRequest

    request = RouteRequest(
        scenario=_with_mix(scenario, task_mix, catalog),
        weak=weak,
        strong=strong,
        share_weak=share,
        threshold=threshold,
        quality_floor=quality_floor,
        budget_usd=budget_usd,
        accuracy=classifier_accuracy,
        auc=classifier_auc,
        error_matrix=None if error_matrix is None else _two("error-matrix", error_matrix),
        hard_share=hard_share,
        hard_token_multiplier=hard_token_multiplier,
        router=Router(router_usd_per_query, router_fleet_share, router_latency_ms),
        traffic=Traffic(
            exact_hits, semantic_hits, false_hits, usd_per_lookup=lookup_usd_per_query, fallback=fallback
        ),
        weak_usd_per_query=weak_usd_per_query,
        strong_usd_per_query=strong_usd_per_query,
        weak_quality=weak_quality,
        strong_quality=strong_quality,
        availability=availability,
        strong_latency_ms=strong_latency_ms,
    )
    if queries is not None:
        own = read_own_queries(request, queries, dataset, catalog)
        request = replace(request, queries=own, query_router=router)
    names = [name.strip() for name in weak.split(",") if name.strip()]
    if len(names) > 1:
        for_two = {"verifier": verifier, "keep-in-house": keep_in_house}
        for_two |= {"task-tolerance": task_tolerance, "task-tokens": task_tokens}
        _several_tiers(request, names, catalog, for_two, as_json)
        return
    tasks = _Tasks(task_mix, task_tolerance, task_tokens, keep_in_house)
    check = _Verifier(verifier, verifier_usd_per_query, verifier_latency_ms)
    _two_tiers(request, catalog, tasks, check, as_json)


@dataclass(frozen=True)
class _Tasks:
    """What the shell was told of tasks, as it was written; None where nothing was."""

    mix: str | None
    tolerance: str | None
    tokens: str | None
    keep_in_house: str | None

    def report(self, plan: RoutePlan, catalog: Catalog) -> Any:
        """Return what each task's route is worth."""
        from llmplan.router.task_mixes import preset_tolerance
        from llmplan.routing.by_task import task_report

        kept = tuple(part.strip() for part in (self.keep_in_house or "").split(",") if part.strip())
        preset = self.mix if self.mix and ":" not in self.mix else None
        tolerance = {} if preset is None else preset_tolerance(catalog, preset, kept)
        tolerance |= _by_task("task-tolerance", self.tolerance)
        return task_report(plan, catalog, kept, tolerance, _by_task("task-tokens", self.tokens))


@dataclass(frozen=True)
class _Verifier:
    """What looks at the weak model's answers: P(accept right),P(accept wrong) as written, its price and time."""

    accepts: str | None
    usd_per_query: float
    latency_ms: float

    def report(self, plan: RoutePlan) -> Any:
        """Return the same plan as a cascade; None without a verifier."""
        from llmplan.routing.cascade import cascade_report

        if self.accepts is None:
            return None
        return cascade_report(plan, *_two("verifier", self.accepts), self.usd_per_query, self.latency_ms)


def _two_tiers(
    request: RouteRequest, catalog: Catalog, tasks: _Tasks, verifier: _Verifier, as_json: bool
) -> None:
    from llmplan.routing.plan import plan_route
    from llmplan.routing.report import route_report

    plan = plan_route(request, catalog)
    result = {
        "scenario": plan.request.scenario.to_dict(),
        "weak": request.weak,
        "strong": request.strong,
        **route_report(plan),
        "tasks": tasks.report(plan, catalog),
        "cascade": verifier.report(plan),
    }
    if as_json:
        print_json(result)
    else:
        print_route(result, request.scenario.currency)


def _two(option: str, text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(option, text, "is not two numbers", "write for example 0.9,0.2") from None
    return first, second


def _by_task(option: str, text: str | None) -> dict[str, float]:
    """Return TASK:NUMBER,TASK:NUMBER as a table."""
    try:
        pairs = [part.partition(":") for part in text.split(",")] if text else []
        return {task.strip(): float(number) for task, _, number in pairs}
    except ValueError:
        rule = "is not TASK:NUMBER,TASK:NUMBER"
        raise InputError(option, text, rule, "write code:0.3,rag-qa:0.7") from None


def _several_tiers(
    request: RouteRequest,
    names: list[str],
    catalog: Catalog,
    for_two: dict[str, str | None],
    as_json: bool,
) -> None:
    from llmplan.routing.tiers import plan_tiers, tier_report

    for option, text in for_two.items():
        if text is not None:
            raise InputError(option, text, "is for two tiers", "name one weak model, or leave it out")
    found = tier_report(plan_tiers(request, names, catalog))
    result = {"scenario": request.scenario.to_dict(), "weak": names, "strong": request.strong, **found}
    if as_json:
        print_json(result)
    else:
        print_tiers(result, request.scenario.currency)


def _with_mix(scenario: Scenario, text: str | None, catalog: Catalog) -> Scenario:
    if text is None:
        return scenario
    if ":" not in text:
        from llmplan.router.task_mixes import task_mix

        return scenario.but(task_mix=task_mix(catalog, text).shares)
    return scenario.but(task_mix=_by_task("task-mix", text))
