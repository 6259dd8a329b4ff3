"""`llmplan portfolio`: the apps of a usage folder planned together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.catalog import Catalog
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.cli.usage import Folder
from llmplan.errors import UnknownNameError
from llmplan.scenario import Scenario

if TYPE_CHECKING:
    from llmplan.portfolio.apps import App, Bills
    from llmplan.portfolio.plan import FirstMove, Portfolio, SharedFleet
    from llmplan.portfolio.tables import Planned
    from llmplan.wording import Currency

MOST_APPS = 12
Most = Annotated[int, typer.Option("--apps", help="Apps planned, those of most tokens.", min=1, max=50)]
MayWait = Annotated[
    list[str] | None,
    typer.Option("--may-wait", help="An app whose queries may wait for a valley; may be repeated."),
]

Out = Annotated[
    Path | None, typer.Option("--out", help="File to write too: .xlsx, .html, .pptx or .csv.", dir_okay=False)
]
Template = Annotated[Path | None, typer.Option(help="Your own .pptx or .potx, for --out FILE.pptx.")]


@with_scenario
def portfolio(
    usage: Folder,
    scenario: Scenario,
    catalog: Catalog,
    apps: Most = MOST_APPS,
    may_wait: MayWait = None,
    out: Out = None,
    template: Template = None,
    json: Json = False,
) -> None:
    """Plan the apps of a usage folder together: which stay, move or share a fleet, and what to move first."""
    from llmplan.portfolio.apps import apps_of, bills_of
    from llmplan.portfolio.plan import plan_portfolio
    from llmplan.portfolio.tables import Planned
    from llmplan.usage.summary import read_usage, summary

    held = read_usage(usage)
    found = apps_of(held, scenario, catalog, apps)
    for name in may_wait or ():
        if name not in {app.name for app in found}:
            raise UnknownNameError("app", name, [app.name for app in found])
    planned = plan_portfolio(found, catalog, frozenset(may_wait or ()), _progress)
    bills = bills_of(held, scenario, catalog)
    told = Planned(summary(held), planned, scenario.currency, _stamp(scenario))
    if out is not None:
        _write(out, told, template)
    if json:
        print_json(portfolio_json(planned, bills))
    else:
        _print(told, scenario.currency)
        for line in bills.in_words(scenario.currency):
            typer.echo(line)


def _write(out: Path, plan: Planned, template: Path | None) -> None:
    from llmplan.export.files import write_whole
    from llmplan.export.portfolio import portfolio_bytes

    typer.echo(
        f"Wrote {write_whole(out, portfolio_bytes(plan, out.suffix.removeprefix('.'), template))}", err=True
    )


def _stamp(scenario: Scenario) -> str:
    made = f"llmplan {version('llmplan')}, {date.today():%Y-%m-%d}"
    return f"Scenario {scenario.name} with each app's own traffic · {made}"


def _progress(apps: Sequence[App]) -> Iterable[App]:
    from tqdm import tqdm

    return tqdm(apps, desc="comparing", unit="app", delay=1, disable=None)


def portfolio_json(found: Portfolio, bills: Bills) -> dict[str, Any]:
    """Return the document that `portfolio --json` prints; bills in USD a month at base prices."""
    return {
        "today_usd": found.today_usd,
        "after_usd": found.after_usd,
        "saving_usd": found.today_usd - found.after_usd,
        "bills": {
            "billed_usd": bills.billed,
            "paid_usd": bills.paid,
            "list_usd": bills.listed,
            "paid_to_list": _ratio(bills.paid, bills.listed),
            "billed_to_list": _ratio(bills.billed, bills.listed),
            "billed_to_paid": _ratio(bills.billed, bills.paid),
        },
        "apps": [
            {
                "app": app.name,
                "today_usd": app.today_usd,
                "paid_usd": app.paid_usd,
                "list_usd": app.list_usd,
                "paid_to_list": app.paid_to_list,
                "models": app.models,
                "action": verdict.action,
                "option_id": verdict.option_id,
                "label": verdict.label,
                "after_usd": verdict.after_usd,
                "saving_usd": None
                if app.today_usd is None or verdict.after_usd is None
                else app.today_usd - verdict.after_usd,
                "alone": dict(vars(verdict.alone)),
                "taken": app.taken,
                "scenario": app.scenario.to_dict(),
                "week": app.week,
            }
            for app, verdict in zip(found.apps, found.verdicts, strict=True)
        ],
        "fleet": None if found.fleet is None else _fleet_json(found, found.fleet),
        "first_moves": [_move_json(move) for move in found.first_moves],
    }


def _ratio(usd: float | None, of_usd: float | None) -> float | None:
    return usd / of_usd if usd is not None and of_usd else None


def _fleet_json(found: Portfolio, fleet: SharedFleet) -> dict[str, Any]:
    return {
        "option_id": fleet.option_id,
        "label": fleet.label,
        "apps": [found.apps[place].name for place in fleet.apps],
        "replicas": fleet.replicas,
        "replicas_apart": fleet.apart_replicas,
        "replicas_unbatched": fleet.unbatched_replicas,
        "gpus": fleet.gpus,
        "monthly_usd": fleet.monthly_usd,
        "replicas_by_hour": fleet.replicas_by_hour,
    }


def _move_json(move: FirstMove) -> dict[str, Any]:
    return {**vars(move), "payback_months": move.payback_months}


def _print(told: Planned, money: Currency) -> None:
    found = told.found

    def usd(amount: float | None) -> str:
        return "–" if amount is None else money.amount(amount)

    rows = [
        (
            app.name,
            usd(app.today_usd),
            usd(app.list_usd),
            verdict.action,
            verdict.label,
            usd(verdict.after_usd),
        )
        for app, verdict in zip(found.apps, found.verdicts, strict=True)
    ]
    heads = ("app", f"today, {money.name} a month", "at list", "do", "with", f"then, {money.name} a month")
    print_table("Apps, planned together", heads, rows)
    saved = found.today_usd - found.after_usd
    typer.echo(
        f"Together {money.whole(found.today_usd)} a month today, {money.whole(found.after_usd)} after all moves: "
        f"{money.whole(saved)} less."
    )
    typer.echo(told.fleet_line)
    if found.fleet is not None:
        typer.echo(f"It runs on {found.fleet.gpus} GPUs for {money.whole(found.fleet.monthly_usd)} a month.")
    for place, move in enumerate(found.first_moves, start=1):
        typer.echo(
            f"{place}. {', '.join(move.apps)} to {move.label}: {money.whole(move.saving_usd)} a month, "
            f"{money.whole(move.one_off_usd)} once, paid back in {move.paid_back_in}."
        )
    if told.taken_line:
        typer.echo(told.taken_line)


def register(app: typer.Typer) -> None:
    """Add the command to the shell."""
    app.command()(portfolio)
