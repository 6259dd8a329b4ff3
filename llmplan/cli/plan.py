"""`llmplan plan`: the comparison over months."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.catalog import Catalog
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError
from llmplan.scenario import Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmplan.growth import SwitchPlan
    from llmplan.growth.autoscaling.planned import CheapestWeek
    from llmplan.growth.options import PricePaths
    from llmplan.growth.planning import GrowthPlan
    from llmplan.growth.timeline import OptionPlan
    from llmplan.wording import Currency

DEFAULT_MONTHS = 36
DEFAULT_MIDPOINT = 12.0
LATE_MONTHS = 12
SHORTEST_WAIT_S = 1e-4
Months = Annotated[
    int | None, typer.Option(help="Months to plan, 1 to 60. Default: 36, or one for each of --volumes.")
]
Growth = Annotated[
    float | None,
    typer.Option(help="Growth of the volume a month, as 0.05. Default: the log's of --usage, or data/."),
]
Ceiling = Annotated[float | None, typer.Option(help="S-curve: queries a day that growth levels off at.")]
Midpoint = Annotated[
    float | None, typer.Option(help="S-curve: month in which half the ceiling is reached. Default: 12.")
]
Volumes = Annotated[
    str | None, typer.Option(help="Queries a day of each month, commas between; last one holds.")
]
Discount = Annotated[float | None, typer.Option(help="Discount rate a year, as 0.08. Default: data/.")]
ApiDecline = Annotated[float | None, typer.Option(help="Fall of API prices a year, as 0.2. Default: data/.")]
GpuDecline = Annotated[float | None, typer.Option(help="Fall of GPU rents a year, as 0.15. Default: data/.")]
Updates = Annotated[float | None, typer.Option(help="Model updates a year. Default: data/.")]
UpdateDays = Annotated[float | None, typer.Option(help="Working days an update takes. Default: data/.")]
Migration = Annotated[
    float | None, typer.Option(help="One-off cost of moving to any other option, USD. Default: data/.")
]
Incumbent = Annotated[str | None, typer.Option(help="API that runs today. Default: the reference API.")]


@with_scenario
def plan(
    scenario: Scenario,
    catalog: Catalog,
    months: Months = None,
    growth: Growth = None,
    ceiling: Ceiling = None,
    midpoint: Midpoint = None,
    volumes: Volumes = None,
    discount: Discount = None,
    api_decline: ApiDecline = None,
    gpu_decline: GpuDecline = None,
    updates_per_year: Updates = None,
    days_per_update: UpdateDays = None,
    migration_usd: Migration = None,
    incumbent: Incumbent = None,
    json: Json = False,
    logged_growth: float | None = None,
) -> None:
    """Plan over months: growth, falling prices, rent or buy, when to switch, the fleet by hour."""
    from llmplan.growth.autoscaling.planned import cheapest_week
    from llmplan.growth.options import price_paths
    from llmplan.growth.planning import plan_growth

    if logged_growth is not None and ceiling is None and volumes is None and growth is None:
        growth = logged_growth
        typer.echo(f"The volume grows by {growth:.1%} a month, as the log's weeks do.", err=True)
    path = _volumes(scenario, catalog, months, growth, ceiling, midpoint, volumes)
    paths = price_paths(catalog, api_decline, gpu_decline, updates_per_year, days_per_update)
    rate = catalog.assumption("capital-cost-per-year").base if discount is None else discount
    found = plan_growth(scenario, catalog, path, paths, rate, incumbent, migration_usd)
    fleet = cheapest_week(scenario, catalog, scenario.weekend_factor)
    if json:
        print_json(plan_json(scenario, found, paths, fleet))
    else:
        _print_plan(found, fleet, scenario.currency)


def _volumes(
    scenario: Scenario,
    catalog: Catalog,
    months: int | None,
    growth: float | None,
    ceiling: float | None,
    midpoint: float | None,
    volumes: str | None,
) -> NDArray[Any]:
    from llmplan.growth import compound_volumes, numbers, s_curve_volumes, series_volumes

    shapes = {"--growth": growth, "--ceiling": ceiling, "--volumes": volumes}
    given = [flag for flag, value in shapes.items() if value is not None]
    if len(given) > 1:
        raise InputError(" and ".join(given), "given", "contradict each other", "give one of them")
    if midpoint is not None and ceiling is None:
        raise InputError("--midpoint", midpoint, "belongs to an S-curve", "give --ceiling with it")
    if volumes is not None:
        series = numbers("--volumes", volumes)
        return series_volumes(series, len(series) if months is None else months)
    months = DEFAULT_MONTHS if months is None else months
    if ceiling is not None:
        midpoint = DEFAULT_MIDPOINT if midpoint is None else midpoint
        return s_curve_volumes(scenario.queries_per_day, ceiling, midpoint, months)
    share = catalog.assumption("volume-growth-per-month").base if growth is None else growth
    return compound_volumes(scenario.queries_per_day, share, months)


def plan_json(
    scenario: Scenario,
    found: GrowthPlan,
    paths: PricePaths,
    fleet: CheapestWeek | None,
) -> dict[str, Any]:
    """Return the document that `plan --json` prints; costs in USD, months counted from 1."""
    result = found.time
    return {
        "scenario": scenario.to_dict(),
        "months": len(result.queries_per_day),
        "queries_per_day": result.queries_per_day,
        "discount_per_year": result.discount_per_year,
        "price_paths": dict(paths.__dict__),
        "incumbent": found.incumbent_id,
        "best": result.best.option_id,
        "options": [
            {
                "option_id": o.option_id,
                "label": o.label,
                "npv_usd": o.npv_usd,
                "tco_usd": o.tco_usd,
                "migration_usd": found.options[o.option_id].migration_usd,
                "upfront_usd": o.flows_usd[0],
                "monthly_usd": o.flows_usd[1:],
                "cumulative_usd": o.cumulative_usd[1:],
            }
            for o in result.options
        ],
        "forced_moves": [
            {
                "option_id": option_id,
                "ends_on": move.ends_on,
                "month": move.month + 1,
                "to": move.to.option_id,
                "migration_usd": move.to.migration_usd,
                "npv_usd": found.forced_usd(option_id),
            }
            for option_id, move in found.forced_moves.items()
        ],
        "leader_by_month": result.leader_by_month,
        "switches": [_switch_json(switch) for switch in found.switches.values()],
        "fleet": None if fleet is None else _fleet_json(fleet),
    }


def _switch_json(switch: SwitchPlan) -> dict[str, Any]:
    return {
        "candidate": switch.candidate_id,
        "best_month": None if switch.best_month is None else switch.best_month + 1,
        "payback_month": switch.payback_month,
        "payback_month_now": switch.payback_month_now,
        "saving_usd": switch.saving_usd,
        "npv_usd_by_month": switch.npv_usd[:-1],
        "npv_usd_never": switch.npv_usd[-1],
        "cost_of_waiting_usd": switch.cost_of_waiting_usd[:-1],
    }


def _fleet_json(fleet: CheapestWeek) -> dict[str, Any]:
    week = fleet.week
    return {
        "option_id": fleet.serving.option_id,
        "replicas_by_hour": week.week.replicas_by_hour,
        "wait_limit_s": week.wait_limit_s,
        "window": dict(week.window.__dict__),
        "modes": [dict(mode.__dict__) for mode in week.modes],
    }


def _print_plan(found: GrowthPlan, fleet: CheapestWeek | None, money: Currency) -> None:
    from llmplan.growth.planning import forced_lines

    result, volumes = found.time, found.time.queries_per_day
    title = f"{len(volumes)} months, {volumes[0]:,.0f} to {volumes[-1]:,.0f} queries a day, discounted at "
    heads = (
        "option",
        f"NPV of cost, {money.name}",
        f"total, {money.name}",
        "best month to switch",
        "paid back by month",
        f"{LATE_MONTHS} months late, {money.name}",
    )
    options = sorted(result.options, key=lambda o: o.npv_usd)
    rows = [_cells(o, found.switches.get(o.option_id), money) for o in options]
    print_table(f"{title}{100 * result.discount_per_year:.4g}% a year", heads, rows)
    for line in forced_lines(found, money):
        print(line)
    if fleet is not None:
        _print_fleet(fleet, money)


def _cells(option: OptionPlan, switch: SwitchPlan | None, money: Currency) -> tuple[str, ...]:
    best = "-" if switch is None else "never" if switch.best_month is None else str(switch.best_month + 1)
    payback = "-" if switch is None or switch.payback_month is None else str(switch.payback_month)
    usd = money.amount(option.npv_usd), money.amount(option.tco_usd)
    return option.label, *usd, best, payback, _late(switch, money)


def _print_fleet(fleet: CheapestWeek, money: Currency) -> None:
    rows = [
        (
            mode.mode,
            mode.peak_replicas,
            money.amount(mode.usd_per_month),
            f"{mode.slo_miss_share:.2%}",
            f"{mode.mean_wait_s:.2g}" if mode.mean_wait_s >= SHORTEST_WAIT_S else "0",
        )
        for mode in fleet.week.modes
    ]
    heads = ("billing", "most replicas", f"{money.name} a month", "late", "mean wait, s")
    print_table(f"Fleet by hour: {fleet.serving.option_id}", heads, rows)


def _late(switch: SwitchPlan | None, money: Currency) -> str:
    """What the switch costs more when made so many months after its best one; "-" where the plan ends before."""
    if switch is None or switch.best_month is None:
        return "-"
    month = switch.best_month + LATE_MONTHS
    return money.amount(switch.cost_of_waiting_usd[month]) if month < len(switch.npv_usd) - 1 else "-"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(plan)
