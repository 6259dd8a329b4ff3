"""`llmplan route`: part of the traffic to one's own fleet, the rest to an API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import (
    Data,
    InputTokens,
    Json,
    OutputTokens,
    Preset,
    QueriesPerDay,
    Set,
    Trace,
    catalog_from,
    scenario_from_options,
)
from llmplan.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.decision.route_request import RouteRequest
    from llmplan.routing.queries import QueryOutcomes
    from llmplan.scenario import Scenario

Number = float | None


def register(app: typer.Typer) -> None:
    """Add the command to the shell."""
    app.command("route")(route)


def route(
    queries_per_day: QueriesPerDay = None,
    input_tokens: InputTokens = None,
    output_tokens: OutputTokens = None,
    weak: Annotated[
        str, typer.Option(help="Model, self-hosted option or API id; several with commas.")
    ] = "llama-3.1-70b",
    strong: Annotated[str, typer.Option(help="API id.")] = "gpt-4o",
    share: Annotated[Number, typer.Option(help="Share of queries meant for the weak model.")] = None,
    threshold: Annotated[Number, typer.Option(help="P(hard) from which a query goes up.")] = None,
    quality_floor: Annotated[Number, typer.Option(help="Cheapest split of this quality or better.")] = None,
    budget_usd: Annotated[Number, typer.Option(help="Best split within this many USD a month.")] = None,
    classifier_accuracy: Annotated[
        Number, typer.Option(help="0.5 a coin, 1 never errs (the default).")
    ] = None,
    classifier_auc: Annotated[Number, typer.Option(help="Area under its ROC curve, instead.")] = None,
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
    verifier: Annotated[
        str | None, typer.Option(help="Also as a cascade: P(accept right),P(accept wrong).")
    ] = None,
    verifier_usd_per_query: Annotated[float, typer.Option(help="Price of one verification.")] = 0.0,
    queries: Annotated[Path | None, typer.Option(help="Measured queries (CSV as for route-eval).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Which data set of that file.")] = None,
    router: Annotated[str | None, typer.Option(help="Which router's scores cut them.")] = None,
    weak_usd_per_query: Annotated[Number, typer.Option(help="Unit price instead of a fleet.")] = None,
    strong_usd_per_query: Annotated[Number, typer.Option(help="Unit price instead of tokens.")] = None,
    weak_quality: Annotated[Number, typer.Option(help="Instead of the catalog's, reference = 1.")] = None,
    strong_quality: Annotated[Number, typer.Option(help="Instead of the catalog's, reference = 1.")] = None,
    task_mix: Annotated[str | None, typer.Option(help="Preset mix, or TASK:SHARE,TASK:SHARE.")] = None,
    keep_in_house: Annotated[str | None, typer.Option(help="Tasks that may not leave, with commas.")] = None,
    preset: Preset = None,
    trace: Trace = None,
    settings: Set = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Route between a self-hosted model and an API: cost, quality, fleet and the cheapest split."""
    from llmplan.decision.route_cascade import cascade_report
    from llmplan.decision.route_report import route_report
    from llmplan.decision.route_request import RouteRequest
    from llmplan.decision.route_tasks import task_report
    from llmplan.decision.routed import plan_route
    from llmplan.routing.costs import Router, Traffic

    scenario = scenario_from_options(
        queries_per_day, input_tokens, output_tokens, preset, trace, None, settings
    )
    catalog = catalog_from(data)
    request = RouteRequest(
        scenario=_with_mix(scenario, task_mix),
        weak=weak,
        strong=strong,
        share_weak=share,
        threshold=threshold,
        quality_floor=quality_floor,
        budget_usd=budget_usd,
        accuracy=classifier_accuracy,
        auc=classifier_auc,
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
        queries=None if queries is None else _read_queries(queries, dataset),
        query_router=router,
    )
    names = [name.strip() for name in weak.split(",") if name.strip()]
    if len(names) > 1:
        _several_tiers(request, names, catalog, as_json)
        return
    plan = plan_route(request, catalog)
    kept = tuple(part.strip() for part in (keep_in_house or "").split(",") if part.strip())
    result = {
        "scenario": plan.request.scenario.to_dict(),
        "weak": weak,
        "strong": strong,
        **route_report(plan),
        "tasks": task_report(plan, catalog, kept),
        "cascade": None
        if verifier is None
        else cascade_report(plan, *_rates(verifier), verifier_usd_per_query),
    }
    if as_json:
        print_json(result)
    else:
        _print_tables(result)


def _rates(text: str) -> tuple[float, float]:
    try:
        right, wrong = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError("verifier", text, "is not RIGHT,WRONG", "write for example 0.9,0.2") from None
    return right, wrong


def _several_tiers(request: RouteRequest, names: list[str], catalog: Catalog, as_json: bool) -> None:
    from llmplan.decision.route_tiers import plan_tiers, tier_report

    found = tier_report(plan_tiers(request, names, catalog))
    result = {"scenario": request.scenario.to_dict(), "weak": names, "strong": request.strong, **found}
    if as_json:
        print_json(result)
        return
    rows = [
        (row["name"], f"{row['share']:.0%}", f"${row['monthly_usd']:,.0f}", row["option_id"] or "-")
        for row in result["tiers"]
    ]
    saving = "" if result["saving_pct"] is None else f", {result['saving_pct']:.1f} % less than the API alone"
    print_table("Tiers", ("tier", "share", "USD a month", "fleet"), rows)
    print(f"${result['monthly_usd']['base']:,.0f} a month{saving}, quality {result['quality']:.3f}")


def _read_queries(path: Path, dataset: str | None) -> QueryOutcomes:
    from llmplan.routing.queries import read_queries

    found = read_queries(path)
    name = dataset or next(iter(found))
    if name not in found:
        raise UnknownNameError("dataset", name, found)
    return found[name]


def _with_mix(scenario: Scenario, text: str | None) -> Scenario:
    if text is None:
        return scenario
    if ":" not in text:
        from llmplan.routing.assumptions import task_mix

        return scenario.but(task_mix=task_mix(text).shares)
    try:
        pairs = {
            name.strip(): float(share) for name, _, share in (part.partition(":") for part in text.split(","))
        }
    except ValueError:
        raise InputError(
            "task-mix", text, "is not TASK:SHARE,TASK:SHARE", "write code:0.3,rag-qa:0.7"
        ) from None
    return scenario.but(task_mix=pairs)


def _print_tables(result: dict[str, Any]) -> None:
    usd, fleet, parts = result["monthly_usd"], result["fleet"], result["breakdown"]
    rows = [
        ("Share to the weak model", f"{result['share_weak']:.1%}"),
        (
            "Cost a month, low - base - high",
            f"${usd['low']:,.0f} - ${usd['base']:,.0f} - ${usd['high']:,.0f}",
        ),
        ("Cost a query", f"${result['usd_per_query']:.5f}"),
        ("Quality (reference API = 1)", f"{result['quality']:.3f}"),
        ("All to the API", f"${result['all_strong_usd']:,.0f} a month"),
        ("Saving", "-" if result["saving_pct"] is None else f"{result['saving_pct']:.1f} %"),
        ("Fleet", _fleet_text(fleet)),
        *((f"  {name.removesuffix('_usd')}", f"${value:,.0f}") for name, value in parts.items() if value),
    ]
    print_table(f"{result['weak']} and {result['strong']}", ("", ""), rows)
    frontier = [
        (
            f"{row['share_weak']:.0%}",
            f"${row['monthly_usd']:,.0f}",
            f"{row['quality']:.3f}",
            row["option_id"] or "-",
        )
        for row in _every(result["frontier"], 8)
    ]
    print_table("Frontier", ("to weak", "USD a month", "quality", "fleet"), frontier)
    if result["tasks"] is not None:
        tasks = [
            (row["task"], f"{row['share']:.0%}", f"{row['weak_quality']:.2f}", f"{row['strong_quality']:.2f}",
             row["article"] or "-", row["goes_to"] or "-")
            for row in result["tasks"]["rows"]
        ]  # fmt: skip
        print_table("By task", ("task", "share", "weak", "strong", "article", "goes to"), tasks)
    cascade = result["cascade"]
    if cascade is not None:
        print(
            f"As a cascade: {cascade['escalated']:.0%} escalated, ${cascade['monthly_usd']['base']:,.0f} a month, "
            f"quality {cascade['quality']:.3f}"
        )
    for note in result["notes"]:
        print(f"- {note}")


def _fleet_text(fleet: dict[str, Any]) -> str:
    if fleet["option_id"] is None:
        return "at a unit price"
    if not fleet["replicas"]:
        return "none"
    return f"{fleet['label']}: {fleet['replicas']} replicas, {fleet['gpus_total']} GPUs"


def _every(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    step = max(1, -(-len(rows) // most))
    return rows[::step] + ([rows[-1]] if rows and (len(rows) - 1) % step else [])
