"""`llmplan risk`, `llmplan recommend`: how sure, what would flip it, and what to do."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError
from llmplan.kinds import Kind
from llmplan.wording import probability

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.recommend import Recommendation
    from llmplan.recommend.tipping import Tipping
    from llmplan.risk import Risk, VolumeCurve
    from llmplan.risk.sensitivity import Bar, SobolIndex
    from llmplan.scenario import Scenario

Range = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        help="What is uncertain: NAME=LOW:HIGH or NAME=LOW:BASE:HIGH; a field, an assumption, a factor.",
    ),
]
Draws = Annotated[int, typer.Option(help="Draws.", min=100, max=1_000_000)]
Seed = Annotated[int, typer.Option(help="Seed of the draws.", min=0)]
Tip = Annotated[bool, typer.Option("--tipping/--no-tipping", help="Search the tipping points as well.")]
Sobol = Annotated[
    int, typer.Option(help="Base samples of the Sobol indices, a power of two; 0: none.", min=0)
]
Points = Annotated[int, typer.Option(help="Volumes of the probability curve.", min=2, max=2_000)]


@with_scenario
def risk(
    scenario: Scenario,
    catalog: Catalog,
    ranges: Range = None,
    draws: Draws = 10_000,
    seed: Seed = 0,
    points: Points = 200,
    sobol: Sobol = 0,
    tipping: Tip = True,
    json: Json = False,
) -> None:
    """Say how sure the comparison is: probabilities, quantiles, regret, sensitivities, tipping points."""
    from llmplan.options import volume_axis
    from llmplan.recommend.tipping import tipping_points
    from llmplan.risk import assess

    scenario = with_ranges(scenario, ranges)
    found = assess(scenario, catalog, draws, seed, volume_axis(points))
    bars, indices = sensitivities(scenario, catalog, found, sobol, seed)
    tips = tipping_points(scenario, catalog) if tipping else ()
    if json:
        print_json(risk_json(found, bars, indices, tips))
    else:
        print_risk(found, bars, indices, tips)


def with_ranges(scenario: Scenario, ranges: list[str] | None) -> Scenario:
    """Return the scenario with the ranges of the --range flags added."""
    if not ranges:
        return scenario
    return scenario.but(ranges={**dict(scenario.ranges), **dict(_range(text) for text in ranges)})


def _range(text: str) -> tuple[str, tuple[float, ...]]:
    name, sign, numbers = text.partition("=")
    try:
        values = tuple(float(number) for number in numbers.split(":"))
    except ValueError:
        values = ()
    if not sign or len(values) not in (2, 3):
        fix = "write for example --range queries_per_day=20000:50000:90000"
        raise InputError("--range", text, "is not NAME=LOW:HIGH or NAME=LOW:BASE:HIGH", fix)
    return name.strip(), values


def sensitivities(
    scenario: Scenario, catalog: Catalog, found: Risk, samples: int, seed: int
) -> tuple[tuple[Bar, ...], tuple[SobolIndex, ...]]:
    """Return the tornado and the Sobol indices of the saving, or of the cost where only one side is feasible."""
    from llmplan.risk.sensitivity import Outcome, sobol, tornado

    if found.recommended_id is None:
        return (), ()
    outcome: Outcome = "cost" if found.saving is None else "saving"
    bars = tornado(scenario, catalog, outcome)
    return bars, sobol(scenario, catalog, outcome, samples, seed) if samples else ()


def risk_json(
    found: Risk, bars: tuple[Bar, ...], indices: tuple[SobolIndex, ...], tips: tuple[Tipping, ...]
) -> dict[str, Any]:
    """Return the JSON document of `llmplan risk`; keys carry units."""
    names = [_name(level) for level in found.levels]
    return {
        "scenario": found.scenario.to_dict(),
        "draws": found.draws,
        "seed": found.seed,
        "recommended": found.recommended_id,
        "p_holds": found.p_holds,
        "p_cheapest_kind": found.p_kind,
        "inputs": [asdict(row) for row in found.inputs],
        "options": [
            {
                "id": row.option_id,
                "label": row.label,
                "kind": row.kind,
                "p_meets_floor": row.p_meets,
                "p_cheapest": row.p_cheapest,
                "monthly_usd": {
                    "base": row.base_usd,
                    "mean": row.mean_usd,
                    **dict(zip(names, row.quantiles_usd, strict=True)),
                },
                "expected_regret_usd_per_month": row.expected_regret_usd,
                "regret_p90_usd_per_month": row.regret_p90_usd,
            }
            for row in found.options
        ],
        "self_hosting_against_token_price": _saving(found, names),
        "perfect_information_usd_per_month": found.perfect_information_usd,
        "evaluation_usd_per_month": found.evaluation_usd,
        "information": [asdict(row) for row in found.information],
        "by_volume": [] if found.by_volume is None else _curve(found.by_volume),
        "tornado": [{**asdict(bar), "swing_usd": bar.swing_usd} for bar in bars],
        "sobol": [asdict(row) for row in indices],
        "tipping_points": [asdict(row) for row in tips],
    }


def _name(level: float) -> str:
    return f"p{level * 100:02.0f}"


def _saving(found: Risk, names: list[str]) -> dict[str, Any] | None:
    saving = found.saving
    if saving is None:
        return None
    return {
        "self_hosted": saving.self_hosted_id,
        "token_price": saving.token_id,
        "p_self_hosted_cheaper": saving.p_cheaper,
        "saving_usd_per_month": {
            "mean": saving.mean_usd,
            **dict(zip(names, saving.quantiles_usd, strict=True)),
        },
        "break_even_queries_per_day": dict(zip(names, saving.break_even_queries_per_day, strict=True)),
        "p_never": saving.p_never,
    }


def _curve(curve: VolumeCurve) -> list[dict[str, Any]]:
    middle = curve.levels.index(0.5)
    return [
        {
            "queries_per_day": float(volume),
            **{f"p_{kind}": float(curve.p_kind[row, i]) for i, kind in enumerate(Kind)},
            "token_usd_per_month_p50": float(curve.token_usd[row, middle]),
            "self_hosted_usd_per_month_p50": float(curve.self_hosted_usd[row, middle]),
            "saving_usd_per_month": {
                _name(level): float(curve.saving_usd[row, i]) for i, level in enumerate(curve.levels)
            },
        }
        for row, volume in enumerate(curve.queries_per_day)
    ]


def print_risk(
    found: Risk, bars: tuple[Bar, ...], indices: tuple[SobolIndex, ...], tips: tuple[Tipping, ...]
) -> None:
    """Print the answers as tables for people."""
    if found.recommended_id is None:
        typer.echo("Nothing is feasible: see llmplan compare --json for the reasons.")
        return
    shares = ", ".join(f"{Kind(kind).label} {probability(p)}" for kind, p in found.p_kind.items())
    typer.echo(f"Cheapest in {found.draws:,} draws: {shares}. Recommended: {found.recommended_id}")
    _print_options(found)
    _print_worth(found)
    for line in _sides(found):
        typer.echo(line)
    _print_bars(found, bars)
    if indices:
        shown = [
            (row.label, f"{row.first:.2f}", f"{row.total:.2f} ± {row.total_ci95:.2f}") for row in indices[:8]
        ]
        print_table("Sobol indices", ("input", "alone", "in all"), shown)
    for row in tips:
        if row.nearest is not None:
            typer.echo(row.sentence)


def _print_options(found: Risk) -> None:
    low, high = found.levels.index(0.1), found.levels.index(0.9)
    money = found.scenario.currency
    rows = [
        (
            row.option_id,
            probability(row.p_meets),
            probability(row.p_cheapest),
            money.amount(row.base_usd),
            f"{money.amount(row.quantiles_usd[low])} to {money.amount(row.quantiles_usd[high])}",
            money.amount(row.expected_regret_usd),
        )
        for row in found.options[:8]
    ]
    heads = ("option", "P(meets the floor)", "P(cheapest of those)", "base", "p10-p90", "expected regret")
    print_table(f"{money.name} a month", heads, rows)


def _print_worth(found: Risk) -> None:
    money, title = found.scenario.currency, "Worth of knowing before choosing"
    known = [row for row in found.information if row.usd_per_month >= 0.005]
    worth = [(row.label, f"{money.of(row.usd_per_month):,.2f}") for row in known]
    if worth:
        print_table(title, ("input", f"{money.name}/month"), worth[:6])
    else:
        typer.echo(f"{title}: nothing, for every input alone.")


def _print_bars(found: Risk, bars: tuple[Bar, ...]) -> None:
    money = found.scenario.currency
    wide = [bar for bar in bars if bar.swing_usd >= 0.5]
    rows = [(bar.label, money.amount(bar.usd_at_low), money.amount(bar.usd_at_high)) for bar in wide]
    outcome = "Cost of the choice" if found.saving is None else "Saving of self-hosting"
    title = f"{outcome}, one input at a time, {money.name}/month"
    print_table(title, ("input", "at p10", "at p90"), rows[:8])


def _sides(found: Risk) -> list[str]:
    """Say what perfect knowledge is worth, what self-hosting saves, and from which volume."""
    low, middle, high = (found.levels.index(level) for level in (0.1, 0.5, 0.9))
    money = found.scenario.currency
    lines = [f"Knowing everything before choosing: {money.short(found.perfect_information_usd)} a month."]
    if found.has_floor:
        lines.append(f"A week of evaluation is worth at most {money.short(found.evaluation_usd)} a month.")
    saving = found.saving
    if saving is not None:
        least, half, most = (saving.quantiles_usd[i] for i in (low, middle, high))
        first, median, last = (saving.break_even_queries_per_day[i] for i in (low, middle, high))
        lines += [
            f"Self-hosting saves {money.short(half)} a month, p10-p90 {money.short(least)} to {money.short(most)}.",
            f"It breaks even at {_volume(median)}, p10-p90 {_volume(first)} to {_volume(last)} queries/day.",
        ]
    return lines


def _volume(queries_per_day: float) -> str:
    return f"{queries_per_day:,.0f}" if math.isfinite(queries_per_day) else "no volume"


@with_scenario
def recommend(
    scenario: Scenario,
    catalog: Catalog,
    ranges: Range = None,
    seed: Seed = 0,
    tipping: Tip = True,
    json: Json = False,
) -> None:
    """Say what to do and why, in plain words: option, margin, confidence, caveats, what would flip it."""
    from llmplan.recommend import recommend as recommendation

    scenario = with_ranges(scenario, ranges)
    found = recommendation(scenario, catalog, tipping, seed=seed)
    if json:
        print_json(found.to_dict())
    else:
        print_recommendation(found)


def print_recommendation(found: Recommendation) -> None:
    """Print a recommendation as text."""
    typer.echo(found.headline)
    typer.echo(f"\n{found.reason}")
    if found.why_these_tokens:
        typer.echo(f"\n{found.why_these_tokens}")
    from llmplan.recommend.ladder import ladder_lines
    from llmplan.recommend.relaxing import relaxing_sentences

    flips = [*([found.outlook] if found.outlook else []), *found.flips]
    parts = {"Caveats": found.caveats, "What would flip it": flips}
    if found.option_id is None:
        parts["What would have to give"] = relaxing_sentences(found.relaxed, found.scenario.currency)
    reference = found.scenario.reference_api_id
    parts[f"The cheapest by quality floor, in percent of {reference}'s"] = ladder_lines(
        found.quality_ladder, found.scenario.currency
    )
    for title, lines in parts.items():
        if lines:
            typer.echo(f"\n{title}:")
            for line in lines:
                typer.echo(f"- {line}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(risk)
    app.command()(recommend)
