"""`llmplan compare`, `llmplan breakeven`: the decision from the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.decision import Comparison, Options
    from llmplan.scenario import Scenario

JSON_FIELDS = (
    "label",
    "kind",
    "model_id",
    "api_id",
    "precision_id",
    "gpu_id",
    "n_gpus",
    "replicas",
    "gpus_total",
    "engine_id",
    "provider",
    "price_kind",
    "usd_per_query",
    "usd_per_mtok",
    "quality",
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "replica_requests_per_s",
    "utilisation",
    "share_weak",
    "basis",
    "measured_by",
    "licence_id",
    "feasible",
    "reasons",
    "source_ids",
    "prices_as_of",
)


@with_scenario
def compare(
    scenario: Scenario,
    catalog: Catalog,
    top: Annotated[int, typer.Option(help="Rows of the printed table.", min=1)] = 15,
    json: Json = False,
) -> None:
    """Compare every option for a workload: APIs, hosted open models, self-hosting, hybrids."""
    from llmplan.decision import evaluate
    from llmplan.decision.table import feasible_rows

    found = evaluate(scenario, catalog)
    rows = feasible_rows(found, catalog)
    if json:
        print_json(comparison_json(found, rows), indent=None)
    else:
        print_comparison(found, rows, top)


def comparison_json(found: Comparison, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON document of `llmplan compare`: a contract, keys carry units.

    It holds every feasible option, and of those that are out one for each model, format and GPU.
    """
    rest: dict[tuple[str, ...], int] = {}
    for place in np.flatnonzero(~found.options.feasible):
        item = found.options.items[place]
        key = (item.kind, item.model_id, item.api_id or "", item.precision_id or "", item.gpu_id or "")
        rest.setdefault(key, int(place))
    return {
        "scenario": found.scenario.to_dict(),
        "recommended": rows[0]["option_id"] if rows else None,
        "options": [option_json(row) for row in [*rows, *(found.row(place) for place in rest.values())]],
    }


def option_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return one option's JSON object from its row of the table."""
    monthly = {side: row[f"monthly_usd_{side}"] for side in ("low", "base", "high")}
    values = {field: row.get(field) for field in JSON_FIELDS}
    return {"id": row["option_id"], "monthly_usd": monthly, **values, "precision": row.get("precision_id")}


def print_comparison(found: Comparison, feasible: list[dict[str, Any]], top: int) -> None:
    """Print the cheapest way to each model as a table, then what to do."""
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in feasible:
        first.setdefault((row["kind"], row["model_id"]), row)
    rows = []
    for row in list(first.values())[:top]:
        usd = f"{row['monthly_usd_base']:,.0f}"
        band = f"{row['monthly_usd_low']:,.0f} to {row['monthly_usd_high']:,.0f}"
        quality = "-" if row["quality"] is None else f"{row['quality']:.2f}"
        rows.append((row["option_id"], row["kind"], usd, band, f"{row['usd_per_query']:.5f}", quality))
    columns = ("option", "kind", "USD/month", "low to high", "USD/query", "quality")
    print_table(f"{found.scenario.queries_per_day:,.0f} queries/day, cheapest of each model", columns, rows)
    if feasible:
        typer.echo(f"Cheapest feasible: {feasible[0]['label']}")
    else:
        typer.echo("Nothing is feasible: see --json for the reasons.")
    if found.scenario.measured_csv is not None:
        from llmplan.decision.measured import measurements_used

        typer.echo(f"Measurements: {measurements_used(found.options)}.")


@with_scenario
def breakeven(
    scenario: Scenario,
    catalog: Catalog,
    api: Annotated[str, typer.Option(help="API or hosted model to compare with, e.g. gpt-4o.")],
    model: Annotated[str, typer.Option(help="Open model to self-host.")],
    precision: Annotated[str, typer.Option(help="Storage format, e.g. w4a16.")],
    gpu: Annotated[str, typer.Option(help="GPU id, e.g. a100-80gb-sxm.")],
    n_gpus: Annotated[int | None, typer.Option(help="GPUs of a replica; default: the cheapest.")] = None,
    engine: Annotated[str | None, typer.Option(help="Engine; default: the cheapest at each volume.")] = None,
    json: Json = False,
) -> None:
    """Find every volume at which self-hosting one model starts or stops to be cheaper than an API."""
    from llmplan.decision import break_even, options_of

    catalog.api(api), catalog.model(model), catalog.precision(precision), catalog.gpu(gpu)
    scenario = scenario.but(
        api_ids=(api,),
        model_ids=(model,),
        precision_ids=(precision,),
        gpu_ids=(gpu,),
        engine_ids=(catalog.engine(engine).engine_id,) if engine else (),
        quality_floor=0,
    )
    options = options_of(scenario, catalog)
    own = self_hosted_places(options, n_gpus)
    found = break_even(options, own, options.index(api))
    reasons = sorted({reason for i in own for reason in options.items[i].reasons})
    if json:
        print_json(
            {
                "api": api,
                "model_id": model,
                "precision": precision,
                "gpu_id": gpu,
                "crossings_queries_per_day": found.crossings_queries_per_day,
                "self_hosted_cheaper": found.self_hosted_cheaper,
                "verdict": found.verdict,
                "configurations": [options.items[i].option_id for i in own],
                "reasons": reasons,
            }
        )
        return
    typer.echo(f"Self-hosting {model} ({precision}, {gpu}) is cheaper than {api}: {found.verdict}")
    for low, high in found.self_hosted_cheaper:
        typer.echo(f"  {low:,} to {'any volume above' if high is None else f'{high:,}'} queries/day")
    for reason in reasons if not found.self_hosted_cheaper else ():
        typer.echo(f"  {reason}")


def self_hosted_places(options: Options, n_gpus: int | None) -> list[int]:
    """Return the places of the self-hosted options, of one GPU count where given."""
    own = [i for i, item in enumerate(options.items) if item.kind == "self_hosted"]
    counts = sorted({options.items[i].n_gpus or 0 for i in own})
    if not own:
        raise InputError("precision", "-", "no engine runs this format on this GPU", "choose another pair")
    if n_gpus is None:
        return own
    if n_gpus not in counts:
        raise UnknownNameError("n_gpus", str(n_gpus), map(str, counts))
    return [i for i in own if options.items[i].n_gpus == n_gpus]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(compare)
    app.command()(breakeven)
