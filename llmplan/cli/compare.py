"""`llmplan compare`, `llmplan breakeven`: the decision from the shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError
from llmplan.wording import Currency, number, share

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.options import BreakEven, Comparison, Options
    from llmplan.scenario import Scenario

NAMED_MODELS = 6
_OWN_FIGURE = re.compile(r"\b(quality|TTFT|TPOT|context) [\d.,]+( ms| tokens)?| with [<>]?\d+%(?=,)")
"""What differs from model to model in a reason that they share."""
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
    "quality_stands_on",
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
    """Compare every option for a workload: APIs, hosted open models, self-hosting, routing."""
    from llmplan.options import evaluate

    found = evaluate(scenario, catalog)
    if json:
        print_json(comparison_json(found), indented=False)
    else:
        print_comparison(found, top)
        _tell_unknown(scenario, catalog)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return the JSON document of `llmplan compare`: a contract, keys carry units.

    It holds every feasible option, and of those that are out one for each model, format and GPU.
    """
    from llmplan.options.comparison_rows import comparison_columns
    from llmplan.options.rows import first_of_each

    items, out = found.options.items, np.flatnonzero(~found.options.feasible)
    alone = np.where(found.options.is_self_hosted, -1, np.arange(len(items)))
    rest = first_of_each(
        out, alone, *(items.numbers(name) for name in ("model_id", "precision_id", "gpu_id"))
    )
    best = found.recommended
    pieces = comparison_columns(found, [*found.order, *rest.tolist()])
    return {
        "scenario": found.scenario.to_dict(),
        "recommended": None if best is None else best.option_id,
        "options": [option for piece in pieces for option in options_json(piece)],
    }


def options_json(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of options that are given as columns of the table."""
    from llmplan.options.comparison_rows import rows_of

    monthly = rows_of({side: columns[f"monthly_usd_{side}"] for side in ("low", "base", "high")})
    listed = {field: columns[field] for field in JSON_FIELDS}
    ends = {"id": columns["option_id"], "monthly_usd": [*monthly]}, {"precision": columns["precision_id"]}
    return rows_of(ends[0] | listed | ends[1])


def print_comparison(found: Comparison, top: int) -> None:
    """Print the cheapest way to each model as a table, then what to do and what is out."""
    from llmplan.options.comparison_rows import comparison_rows
    from llmplan.options.rows import first_of_each

    items, order = found.options.items, np.array(found.order, np.intp)
    rows = list(comparison_rows(found, first_of_each(order, *items.kind_and_model)[:top].tolist()))
    money = found.scenario.currency
    columns = ("option", f"{money.name}/month", "low to high", f"{money.name}/query", "quality", "GPUs")
    title = f"{found.scenario.queries_per_day:,.0f} queries/day: the cheapest way to each model"
    print_table(title, columns, [_cells(row, money) for row in rows])
    best = found.recommended
    if best is not None:
        cost = money.short(found.best_usd)
        typer.echo(f"Cheapest feasible: {best.label} ({best.option_id}), {cost} a month.")
    else:
        typer.echo("Nothing is feasible.")
    for reason, names in models_left_out(found.options).items():
        more = f" and {len(names) - NAMED_MODELS} more" if len(names) > NAMED_MODELS else ""
        typer.echo(f"Out: {', '.join(names[:NAMED_MODELS])}{more}: {reason}.")
    if found.scenario.measured_csv is not None:
        from llmplan.options.table import measurements_used

        typer.echo(f"Measurements: {measurements_used(found.options)}.")


def _tell_unknown(scenario: Scenario, catalog: Catalog) -> None:
    """Say how many offers are no options since nobody has published a score of their model."""
    from llmplan.options.standing import compared_prices

    offered = sum(price.is_offered(catalog.today) for price in catalog.apis.values())
    compared = sum(price.is_offered(catalog.today) for price in compared_prices(scenario, catalog))
    if not scenario.api_ids and offered > compared:
        typer.echo(
            f"Not compared: {offered - compared} prices of models without a published score; name them with --api-ids, "
            "or give --model-quality."
        )


def _cells(row: dict[str, Any], money: Currency) -> tuple[str, ...]:
    low, base, high = (money.amount(row[f"monthly_usd_{side}"]) for side in ("low", "base", "high"))
    return (
        row["label"],
        base,
        "" if low == high else f"{low} to {high}",
        number(money.of(row["usd_per_query"]), 3),
        share(row["quality"]),
        str(row["gpus_total"] or ""),
    )


def models_left_out(options: Options) -> dict[str, list[str]]:
    """Return, by what stands against its nearest option, the models that are feasible in no way at all."""
    items = options.items
    inside = set(items.model_id[items.feasible])
    nearest: dict[str, tuple[str, ...]] = {}
    outside = np.flatnonzero([model_id not in inside for model_id in items.model_id])
    for place in outside[np.argsort(~items.only_floor[outside], kind="stable")]:
        known = nearest.get(items.model_id[place])
        if known is not None and len(known) == 1:
            continue
        item = items[place]
        if known is None or len(item.reasons) < len(known):
            nearest[item.model_id] = item.reasons
    found: dict[str, list[str]] = {}
    for model_id, reasons in nearest.items():
        short = "; ".join(_OWN_FIGURE.sub(r"\1", reason) for reason in reasons)
        found.setdefault(short, []).append(model_id)
    return found


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
    from llmplan.options import break_even, options_of
    from llmplan.sizing.support import precision_named

    catalog.api(api), catalog.gpu(gpu)
    precision = precision_named(catalog, catalog.model(model), precision).precision_id
    scenario = scenario.but(
        api_ids=(api,),
        model_ids=(model,),
        precision_ids=(precision,),
        gpu_ids=(gpu,),
        engine_ids=(catalog.engine(engine).engine_id,) if engine else (),
        quality_floor=0,
    )
    options = options_of(scenario, catalog)
    own, place = self_hosted_places(options, n_gpus), options.index(api)
    units = [i for i, item in enumerate(options.items) if item.reserved]
    reserved = break_even(options, units, place) if units else None
    low, found, high = (break_even(options, own, place, side) for side in range(3))
    reasons = sorted({reason for i in own for reason in options.items[i].reasons})
    reasons += [] if own else [_why_none(catalog, precision, gpu, engine)]
    result = {
        "api": api,
        "model_id": model,
        "precision": precision,
        "gpu_id": gpu,
        "crossings_queries_per_day": found.crossings_queries_per_day,
        "self_hosted_cheaper": found.self_hosted_cheaper,
        "verdict": found.verdict,
        "at_low_cost": _intervals(low),
        "at_high_cost": _intervals(high),
        "reserved_capacity": None if reserved is None else _intervals(reserved),
        "configurations": [options.items[i].option_id for i in own],
        "reasons": reasons,
    }
    print_json(result) if json else _print_breakeven(result)


def _print_breakeven(found: dict[str, Any]) -> None:
    from llmplan.report.finding import where_cheaper

    def where(side: dict[str, Any]) -> str:
        return where_cheaper(side["self_hosted_cheaper"])

    typer.echo("Self-hosting {model_id} ({precision}, {gpu_id}) against {api}:".format(**found))
    typer.echo(f"  cheaper: {where(found)}")
    if found["self_hosted_cheaper"]:
        ends = (where(found["at_low_cost"]), where(found["at_high_cost"]))
        typer.echo(f"  at the low end of its cost: {ends[0]}; at the high end: {ends[1]}")
    if found["reserved_capacity"] is not None:
        line = where(found["reserved_capacity"])
        typer.echo(f"  {found['api']} in reserved units against by the token: {line}")
    for reason in found["reasons"]:
        typer.echo(f"  mind: {reason}")


def _intervals(found: BreakEven) -> dict[str, Any]:
    return {
        "crossings_queries_per_day": found.crossings_queries_per_day,
        "self_hosted_cheaper": found.self_hosted_cheaper,
    }


def _why_none(catalog: Catalog, precision_id: str, gpu_id: str, engine_id: str | None) -> str:
    """Return why a format runs on a GPU in no way, or not under the engine asked for."""
    from llmplan.sizing.support import engine_for, why_not

    precision, gpu = catalog.precision(precision_id), catalog.gpu(gpu_id)
    engine = catalog.engine(engine_id) if engine_id else engine_for(catalog, precision, gpu, None)
    found = why_not(catalog, engine, precision, gpu)
    return found[1] if found else f"no replica of 1, 2, 4 or 8 {gpu.name} serves the model"


def self_hosted_places(options: Options, n_gpus: int | None) -> list[int]:
    """Return the places of the self-hosted options, of one GPU count where given."""
    own = np.flatnonzero(options.is_self_hosted).tolist()
    if n_gpus is None or not own:
        return own
    counts = sorted({int(n) for n in options.items.n_gpus[own]})
    if n_gpus not in counts:
        fix = f"give one of {', '.join(map(str, counts))}"
        raise InputError("n_gpus", n_gpus, "is no size of a replica that is worth asking about", fix)
    return [i for i in own if options.items.n_gpus[i] == n_gpus]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(compare)
    app.command()(breakeven)
