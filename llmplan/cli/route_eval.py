"""`llmplan route-eval`: routers checked against per-query outcomes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.errors import InputError

if TYPE_CHECKING:
    from llmplan.router.queries import TokenPrices


LEAST_SHOWN = 5e-4


def register(app: typer.Typer) -> None:
    """Add the command to the shell."""
    app.command("route-eval")(route_eval)


def route_eval(
    file: Annotated[
        Path, typer.Argument(help="CSV, one row a query: score_<router>, qualities, costs or tokens.")
    ],
    bins: Annotated[
        int | None, typer.Option(help="Quantile bins of the curve, 10 as RouteLLM; default: exact.")
    ] = None,
    floor: Annotated[
        list[float] | None, typer.Option(help="Quality floor as a share of the strong model's.")
    ] = None,
    strong_share: Annotated[float, typer.Option(help="Share at which the naive blend is shown.")] = 0.30,
    weak_price: Annotated[
        str | None, typer.Option(help="Re-price from tokens: INPUT,OUTPUT USD per million, or an API id.")
    ] = None,
    strong_price: Annotated[str | None, typer.Option(help="The same for the strong model.")] = None,
    weak_quality: Annotated[
        float | None, typer.Option(help="Mean quality, for a file without outcomes.")
    ] = None,
    strong_quality: Annotated[
        float | None, typer.Option(help="Mean quality, for a file without outcomes.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(min=1, help="Resamples of the held-out half.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the split and the resampling.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure routers on real queries: APGR, CPT, AIQ, the frontier, the cheapest threshold at a floor."""
    from llmplan.router.floors import FLOORS
    from llmplan.router.queries import read_queries
    from llmplan.router.router_eval import EvaluationSettings, baselines, evaluate

    settings = EvaluationSettings(bins, tuple(floor or FLOORS), strong_share, bootstrap, seed)
    data = read_queries(file, _prices(weak_price, strong_price), weak_quality, strong_quality)
    result = {
        "datasets": {
            name: {router: evaluate(outcomes, router, settings) for router in outcomes.scores}
            for name, outcomes in data.items()
        },
        "baselines": {name: baselines(outcomes, settings) for name, outcomes in data.items()},
        "settings": {"bins": bins, "bootstrap": bootstrap, "seed": seed},
    }
    if as_json:
        print_json(result)
    else:
        _print_tables(result)


def _prices(weak: str | None, strong: str | None) -> "TokenPrices | None":
    if weak is None and strong is None:
        return None
    from llmplan.router.queries import TokenPrices

    if weak is None or strong is None:
        raise InputError(
            "prices", weak or strong, "both models need a price", "give --weak-price and --strong-price"
        )
    return TokenPrices(*_pair("weak-price", weak), *_pair("strong-price", strong))


def _pair(option: str, text: str) -> tuple[float, float]:
    try:
        input_usd, output_usd = (float(part) for part in text.split(","))
    except ValueError:
        from llmplan.catalog import load_catalog

        price = load_catalog().api(text)
        return price.input_usd_per_mtok, price.output_usd_per_mtok
    if not (0 <= input_usd < float("inf") and 0 <= output_usd < float("inf")):
        raise InputError(
            option, text, "prices must be at least 0", "give INPUT,OUTPUT in USD per million tokens"
        )
    return input_usd, output_usd


def _print_tables(result: dict[str, Any]) -> None:
    columns = ("router", "n", "weak", "strong", "APGR", "CPT50", "AIQ", "ROC")
    keys = ("n", "weak_quality", "strong_quality", "apgr", "cpt50", "aiq")
    for name, routers in result["datasets"].items():
        rows = [
            [router, *(_text(row[key]) for key in keys), _text(row["classifier"]["roc_auc"])]
            for router, row in routers.items()
        ]
        print_table(name, columns, rows)
        for router, row in routers.items():
            _print_floors(router, row)


def _print_floors(router: str, row: dict[str, Any]) -> None:
    columns = ("floor", "strong %", "random %", "saving %", "held out", "5-95 %", "P(met)", "P, safe")
    rows = []
    for floor, found in row["cheapest_at_floor"].items():
        trial, safe = found["held_out"] or {}, found["held_out_safe"] or {}
        low, high = _text(trial.get("quality_p5")), _text(trial.get("quality_p95"))
        shares = _pct(found["share_strong"]), _pct(found["share_strong_random"])
        met = _text(trial.get("probability_floor_met")), _text(safe.get("probability_floor_met"))
        saving, quality = _text(found.get("saving_pct")), _text(trial.get("quality"))
        rows.append([f"{float(floor):.0%}", *shares, saving, quality, f"{low}-{high}", *met])
    print_table(f"{router}: cheapest threshold at a quality floor", columns, rows)
    blend = row["naive_blend"]
    if blend is not None:
        print(
            f"{router}: {blend['share_strong']:.0%} strong costs {_text(blend['excess_pct'])} % more than "
            f"the naive blend: saves {_text(blend['saving_pct'])} %, not {_text(blend['naive_saving_pct'])} %"
        )
    cascade = row["cascade"]
    if cascade is not None:
        print(
            f"{router}: as a cascade that escalates {cascade['share_escalated']:.0%}, saves "
            f"{_text(cascade['saving_pct'])} %, IBC lift {_text(cascade['ibc_lift'])}"
        )
    for note in row["notes"]:
        print(f"{router}: {note}")


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    if abs(value) < LEAST_SHOWN:
        value = 0
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}" if abs(value) < 1 else f"{value:.1f}"


def _pct(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}"
