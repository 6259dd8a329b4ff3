"""`llmplan ops`: what runs the chosen fleet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from llmplan.catalog import Catalog
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError
from llmplan.scenario import Scenario

FIRST_YEAR, LAST_YEAR = 2000, 2100
OptionId = Annotated[
    str | None, typer.Option("--option", help="Self-hosted or routed option; default: the cheapest.")
]
ApiId = Annotated[str | None, typer.Option("--api", help="API behind the fleet; default: the reference API.")]
Hybrid = Annotated[
    bool, typer.Option(help="The cheapest routed option at the quality floor: its fleet and its API.")
]
StrongShare = Annotated[
    float,
    typer.Option(help="Routed: share of the queries routed to the API; the fleet is sized for the rest."),
]
Start = Annotated[str | None, typer.Option(help="First day of the update calendar, as 2026-12-01.")]


@with_scenario
def ops(
    scenario: Scenario,
    catalog: Catalog,
    out: Annotated[Path, typer.Option(help="Folder to write; new, empty or an earlier plan.")],
    option: OptionId = None,
    api: ApiId = None,
    hybrid: Hybrid = False,
    strong_share: StrongShare = 0.0,
    start: Start = None,
    json: Json = False,
) -> None:
    """Write launch commands, alert rules, autoscaling, gateway, updates and storage of the chosen fleet."""
    from llmplan.operations import fleet_files, write_operations
    from llmplan.operations.choosing import api_tier, plan_of, self_hosted_place
    from llmplan.operations.loads_by_query import PREFIX, hybrid_loads
    from llmplan.operations.writing import plan_document
    from llmplan.options import evaluate

    if not 0 <= strong_share < 1:
        raise InputError("--strong-share", strong_share, "must lie in [0, 1)", "give a share, as 0.3")
    down, up = 1 - strong_share, strong_share
    named = (option or "").startswith(PREFIX)
    if hybrid or named:
        _refuse_beside_hybrid(option=None if named else option, api=api, strong_share=strong_share)
        loads = hybrid_loads(scenario, catalog, option)
        option, api, down, up = loads.weak_id, loads.api_id, loads.fleet_share, loads.api_share
        scenario = scenario.but(quality_floor=0.0)
    strong = scenario.queries_per_day * up
    comparison = evaluate(scenario.but(queries_per_day=scenario.queries_per_day * down), catalog)
    chosen = plan_of(comparison, self_hosted_place(comparison, option), catalog)
    tier = api_tier(comparison, catalog, api, strong)
    files = fleet_files(chosen, tier, catalog, _date(start), scenario.currency)
    write_operations(out, files)
    if json:
        print_json({"out": str(out), "files": sorted(files), **plan_document(chosen)})
    else:
        print_table(f"{chosen.option_id} -> {out}", ("file",), [(name,) for name in sorted(files)])


def _refuse_beside_hybrid(**given: object) -> None:

    for name, value in given.items():
        if value:
            flag = "--" + name.replace("_", "-")
            raise InputError(flag, value, "is settled by the hybrid", "leave it out, or leave --hybrid out")


def _date(text: str | None) -> dt.date:

    if text is None:
        return dt.date.today()
    try:
        start = dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("--start", text, "is not a date", "write it as 2026-12-01") from None
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        rule = f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}"
        raise InputError("--start", text, rule, "write it as 2026-12-01")
    return start


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(ops)
