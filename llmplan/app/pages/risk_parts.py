"""What each part of the Risk page shows: sentences, charts and tables of the answers under uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.flips import Flips
from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart, no_chart
from llmplan.app.widgets.html import KeyFigure, card, note, paragraph, table
from llmplan.charts.risk import (
    information_figure,
    probability_figure,
    sides_figure,
    sobol_figure,
    tornado_figure,
)
from llmplan.kinds import Kind
from llmplan.options import volume_axis
from llmplan.recommend.ladder import QualityStep, floor_percent, quality_ladder, whole_steps
from llmplan.recommend.tipping import Tipping, TippingPoint
from llmplan.recommend.tipping.sentences import scale_change
from llmplan.report import Report
from llmplan.risk import OptionRisk, Risk, VolumeCurve, assess, make_problem, sample, volume_curve
from llmplan.risk.sensitivity import Bar, Outcome, SobolIndex, sobol, tornado
from llmplan.wording import (
    NOTHING,
    TODAY,
    Currency,
    capital,
    in_unit,
    probability,
    share,
    short_volume,
    volume,
    without_hardware,
)

CURVE_POINTS = 121
SOBOL_SAMPLES = 1024
MOST_OPTIONS = 12
CURVE_HEIGHT, BAR_HEIGHT, LEAST_HEIGHT = 380, 46, 240


@dataclass(frozen=True, eq=False)
class RiskAnswers:
    """The answers under uncertainty of a report's scenario, each worked out when it is first asked for."""

    report: Report
    draws: int
    seed: int

    @cached_property
    def risk(self) -> Risk:
        """The draws at the scenario's own volume; well under a second."""
        return assess(self.report.scenario, self.report.catalog, self.draws, self.seed, curve=False)

    @property
    def kind(self) -> Kind | None:
        """The recommended option's kind."""
        row = self.risk.option(self.risk.recommended_id or "")
        return None if row is None else row.kind

    @property
    def outcome(self) -> Outcome:
        """What the sensitivities are of: the saving, or the cost where only one side is feasible."""
        return "saving" if self.risk.saving is not None else "cost"

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """The tornado; empty where nothing is feasible."""
        if self.risk.recommended_id is None:
            return ()
        return tornado(self.report.scenario, self.report.catalog, self.outcome)

    @cached_property
    def ladder(self) -> tuple[QualityStep, ...]:
        """The cheapest option at every quality floor."""
        return whole_steps(quality_ladder(self.report.comparison, self.report.catalog))

    @cached_property
    def curve(self) -> VolumeCurve | None:
        """The draws over volumes; a second. None where nothing is feasible."""
        if not self.risk.options:
            return None
        volumes = volume_axis(CURVE_POINTS)
        problem = make_problem(self.report.scenario, self.report.catalog, volumes)
        return volume_curve(problem, sample(problem, self.draws, self.seed), volumes)

    @cached_property
    def sobol(self) -> tuple[SobolIndex, ...]:
        """The global sensitivities; some seconds."""
        return sobol(self.report.scenario, self.report.catalog, self.outcome, SOBOL_SAMPLES, self.seed)

    @property
    def money(self) -> Currency:
        """The currency that the page is in."""
        return self.report.money

    @property
    def stamp(self) -> str:
        """What a chart's footnote says."""
        return f"{self.draws:,} cases, seed {self.seed}; {self.report.stamp}"


def answer(shown: RiskAnswers) -> Markup:
    """Say how sure the recommendation is, what it rests on and what it costs to be wrong."""
    drawn = f"{shown.draws:,} cases, each with {len(shown.risk.inputs)} inputs drawn from their ranges; seed {shown.seed}."
    return html.answer(_finding(shown)) + html.facts(_facts(shown)) + note(drawn)


def _finding(shown: RiskAnswers) -> str:
    """Say in a sentence how sure the recommendation is."""
    risk, kind = shown.risk, shown.kind
    row = risk.option(risk.recommended_id or "")
    if row is None or kind is None:
        return "Nothing is feasible, so there is nothing to be sure of: the Decision page has the reasons"
    sure = "all" if risk.p_holds == 1 else f"{probability(risk.p_holds)} of"
    reaches = "reaches the floor and " if risk.has_floor else ""
    return f"{without_hardware(row.label)} {reaches}is of the cheapest kind in {sure} {risk.draws:,} cases"


def _facts(shown: RiskAnswers) -> list[tuple[str, str]]:
    """Return (what, in words) of what the finding rests on, and what being wrong costs."""
    risk = shown.risk
    row = risk.option(risk.recommended_id or "")
    if row is None or shown.kind is None:
        return []
    regret = rounded(row.expected_regret_usd)
    wrong = f"{shown.money.short(regret)} a month on average, against what turns out best"
    reaches = (
        [("Reaches the quality floor", f"in {probability(row.p_meets)} of cases")] if risk.has_floor else []
    )
    return [
        *reaches,
        ("This very option is the cheapest", f"in {probability(row.p_cheapest)} of cases"),
        ("Choosing it now costs", wrong if regret else "nothing: nothing else turns out cheaper"),
    ]


def figures(shown: RiskAnswers) -> Markup:
    """Return the key figures: probability, saving, break-even, worth of knowing."""
    risk = shown.risk
    if risk.recommended_id is None:
        return Markup("")
    others = ", ".join(
        f"{Kind(kind).label} {probability(p)}"
        for kind, p in risk.p_kind.items()
        if p > 0 and kind != shown.kind
    )
    p = risk.p_kind.get(shown.kind or "", math.nan)
    entries = [
        (
            f"{shown.kind.head if shown.kind else 'Nothing'} stays the cheapest kind",
            probability(p),
            others or "no other kind wins",
        ),
        *_saving_kpis(shown),
    ]
    worth = rounded(risk.perfect_information_usd)
    note = (
        "the most that any study of prices and speeds can be worth"
        if worth
        else "no study could change the choice"
    )
    if risk.has_floor:
        tells = "the most that testing the candidates on your own tasks can be worth"
        entries.append(
            ("A week of evaluation, a month", shown.money.short(rounded(risk.evaluation_usd)), tells)
        )
    return html.cards([*entries, ("Knowing everything, a month", shown.money.short(worth), note)])


def _saving_kpis(shown: RiskAnswers) -> list[KeyFigure]:
    risk, money = shown.risk, shown.money
    saving = risk.saving
    if saving is None:
        nothing = _lonely(shown)
        return [
            ("Self-hosting saves a month", NOTHING, nothing),
            ("Self-hosting pays from", NOTHING, nothing),
        ]
    low, middle, high = (risk.levels.index(level) for level in (0.1, 0.5, 0.9))
    usd_low, usd_mid, usd_high = (saving.quantiles_usd[i] for i in (low, middle, high))
    first, half, last = (saving.break_even_queries_per_day[i] for i in (low, middle, high))
    if usd_mid >= 0:
        costs = (
            "Self-hosting saves",
            f"{money.short(usd_mid)}/month",
            f"80% between {money.short(usd_low)} and {money.short(usd_high)}",
        )
    else:
        span = f"80% between {money.short(-usd_high)} and {money.short(-usd_low)}"
        costs = "Self-hosting costs more a month", money.short(-usd_mid), span
    # Both options are held: at another volume another fleet may pay, which the curve beside shows.
    note = "in none of the cases, at any volume"
    if math.isfinite(first):
        never = f"; never in {probability(saving.p_never)}" if saving.p_never > 0 else ""
        note = f"80% between {_break_even(first)} and {_break_even(last)}{never}"
    elif saving.p_never < 1:
        note = f"never in {probability(saving.p_never)} of the cases"
    return [costs, ("This very fleet pays from, queries a day", _break_even(half), note)]


def probability_chart(shown: RiskAnswers) -> Chart:
    """Draw which kind is the cheapest in how many draws, over volume."""
    curve = shown.curve
    if curve is None:
        return no_chart("No probabilities: nothing is feasible")
    now = shown.report.scenario.queries_per_day
    words = ", ".join(
        f"{Kind(kind).label} {probability(p)}" for kind, p in shown.risk.p_kind.items() if p > 0
    )
    return Chart(
        probability_figure(curve, now),
        title=f"Cheapest at {now:,.0f} a day: {words}",
        what="Share of the cases in which each kind of option is the cheapest, by volume; the areas add up to 100%.",
        alt=f"How often each kind is the cheapest, over volume. At {now:,.0f} queries a day: {words}. {_changes(curve)}",
        table={
            "queries a day": [f"{v:,.0f}" for v in curve.queries_per_day],
            **{
                f"share of cases: {kind.label}": np.round(curve.p_kind[:, i], 4)
                for i, kind in enumerate(Kind)
            },
        },
        filename="probability-by-volume",
        footnote=shown.stamp,
        height=CURVE_HEIGHT,
    )


def sides_chart(shown: RiskAnswers) -> Chart:
    """Draw the cost of both sides over volume, with the spread of the draws."""
    curve = shown.curve
    if curve is None:
        return no_chart("No costs: nothing is feasible")
    sides = {"token price": curve.token_usd, "own fleet": curve.self_hosted_usd, "saving": curve.saving_usd}
    title = _sides_title(shown)
    return Chart(
        sides_figure(curve, shown.report.scenario.queries_per_day, shown.money),
        title=title,
        what="The cheapest token price and the cheapest own fleet of each case: line: median; band: 80% of the cases.",
        alt=f"Cost over volume of both sides. {title}.",
        table={
            "queries a day": [f"{v:,.0f}" for v in curve.queries_per_day],
            **{
                f"{side}, {level:.0%}": shown.money.of(usd[:, i])
                for side, usd in sides.items()
                for i, level in enumerate(curve.levels)
            },
        },
        filename="cost-under-uncertainty",
        footnote=shown.stamp,
        height=CURVE_HEIGHT,
    )


def tornado_chart(shown: RiskAnswers) -> Chart:
    """Draw what each input alone does to the outcome."""
    if not shown.bars:
        return no_chart("No input moves the answer")
    saves, money, bars = shown.outcome == "saving", shown.money, shown.bars
    word = "saving of self-hosting" if saves else "cost of the choice"
    figure = tornado_figure(bars, "a month saved" if saves else "a month", money)
    count = _bars_in(figure)
    return Chart(
        figure,
        title=f"The {word} hangs most on {bars[0].label}: {money.short(bars[0].swing_usd)} a month between its ends",
        what=f"The {word} with one input at a time at its 10th and 90th percentile, the others at base (dotted).",
        alt="; ".join(
            f"{bar.label}: {money.short(bar.usd_at_low)} to {money.short(bar.usd_at_high)}"
            for bar in bars[:count]
        ),
        table={
            "input": [bar.label for bar in bars],
            "at its 10th percentile": [round(money.of(bar.usd_at_low), 2) for bar in bars],
            "base": [round(money.of(bar.usd_at_base), 2) for bar in bars],
            "at its 90th percentile": [round(money.of(bar.usd_at_high), 2) for bar in bars],
        },
        filename="tornado",
        footnote=shown.stamp,
        height=_height(count),
    )


def information_chart(shown: RiskAnswers) -> Chart:
    """Draw what knowing each input would be worth."""
    money = shown.money
    rows = [row for row in shown.risk.information if rounded(row.usd_per_month) > 0]
    what = "What knowing an input exactly before choosing would save on average"
    if not rows:
        return no_chart(
            "More knowledge would not change the choice", f"{what}. Here: nothing, for every input."
        )
    figure = information_figure(rows, money)
    count = _bars_in(figure)
    return Chart(
        figure,
        title=f"Most worth knowing: {rows[0].label}, {money.short(rows[0].usd_per_month)} a month",
        what=f"{what}: the most to spend on finding out.",
        alt="; ".join(f"{row.label}: {money.short(row.usd_per_month)} a month" for row in rows[:count]),
        table={
            "input": [row.label for row in rows],
            f"{money.name} a month": [round(money.of(row.usd_per_month), 2) for row in rows],
        },
        filename="worth-of-knowing",
        footnote=shown.stamp,
        height=_height(count),
    )


def sobol_chart(shown: RiskAnswers) -> Chart:
    """Draw the share of the outcome's variance that each input is to blame for."""
    rows = shown.sobol
    figure = sobol_figure(rows)
    count = _bars_in(figure)
    if not count:
        return no_chart("No input moves the answer")
    return Chart(
        figure,
        title=f"{rows[0].total:.0%} of the spread of the {shown.outcome} is due to {rows[0].label}",
        what="Sobol indices: share of the variance by input, alone and with interactions; whiskers: 95% confidence.",
        alt="; ".join(f"{row.label}: {row.first:.2f} alone, {row.total:.2f} in all" for row in rows[:count]),
        table={
            "input": [row.label for row in rows],
            "alone": [round(row.first, 4) for row in rows],
            "± alone": [round(row.first_ci95, 4) for row in rows],
            "in all": [round(row.total, 4) for row in rows],
            "± in all": [round(row.total_ci95, 4) for row in rows],
        },
        filename="sobol-indices",
        footnote=shown.stamp,
        height=_height(count + 1),
    )


def ask_sobol(shown: RiskAnswers) -> Markup:
    """Offer the global sensitivities."""
    if shown.risk.recommended_id is None:
        return Markup("")
    text = "Which input matters when all vary at once? Takes some seconds. "
    return card("All inputs at once", note(text + html.button("sobol", "Compute")))


def _bars_in(figure: Any) -> int:
    return len(figure["layout"]["yaxis"]["categoryarray"])


def _height(bars: int) -> int:
    return max(LEAST_HEIGHT, 130 + BAR_HEIGHT * bars)


def _changes(curve: VolumeCurve) -> str:
    """Say where the most probable kind changes."""
    best = np.argmax(curve.p_kind, axis=1)
    turns = np.flatnonzero(np.diff(best))
    said = [
        f"{list(Kind)[best[i + 1]].head} leads from {curve.queries_per_day[i + 1]:,.0f} a day"
        for i in turns[:4]
    ]
    return "; ".join(said) if said else "The same kind leads at every volume."


def _lonely(shown: RiskAnswers) -> str:
    """Say which side has no option that would do."""
    none = "no token price meets" if shown.kind == Kind.SELF_HOSTED else "no fleet of one's own meets"
    return f"{none} the limits"


def _sides_title(shown: RiskAnswers) -> str:
    saving = shown.risk.saving
    if saving is None:
        return capital(_lonely(shown))
    middle = saving.quantiles_usd[shown.risk.levels.index(0.5)]
    word = "saves" if middle >= 0 else "costs more by"
    return f"Self-hosting {word} {shown.money.short(abs(middle))} a month in the middle case"


def quantile_card(shown: RiskAnswers) -> Markup:
    """Return the quantiles of the saving and of the break-even volume."""
    risk, saving, money = shown.risk, shown.risk.saving, shown.money
    title = "Saving and break-even"
    if saving is None:
        return card(
            title, paragraph("Only one of the two sides is feasible: there is no saving to speak of.")
        )
    labels = {row.option_id: row.label for row in risk.options}
    own, token = (labels.get(key, key) for key in (saving.self_hosted_id, saving.token_id))
    lead = (
        f"{own} against {token}, each the best of its side in the base case. Self-hosting costs less in "
        f"{probability(saving.p_cheaper)} of the cases."
    )
    rows = [
        (f"{share(level)} of cases are below", money.short(usd), _break_even(volume))
        for level, usd, volume in zip(
            risk.levels, saving.quantiles_usd, saving.break_even_queries_per_day, strict=True
        )
    ]
    rows.append(("mean", money.short(saving.mean_usd), NOTHING))
    heads = ("Quantile", "Saving a month", "Break-even, queries/day")
    return card(title, note(lead), table(heads, rows, "Quantiles of saving and break-even", (1, 2)))


def regret_card(shown: RiskAnswers) -> Markup:
    """Return the options with probability, spread and regret."""
    risk, money = shown.risk, shown.money
    title = "What choosing each option now risks"
    lead = note(
        "Too dear by: what an option costs above the one that turns out cheapest of those that reach the floor, case by "
        "case; where it misses the floor itself, the choice is undone for the cheapest option sure to reach it. What "
        "reaches the floor less surely than asked is not recommended, however little it risks."
    )
    if not risk.options:
        return card(title, lead, paragraph("No option to choose."))
    low, high = risk.levels.index(0.1), risk.levels.index(0.9)
    shown_rows = _worth_showing(risk)
    rows = [
        (
            row.label + (" (recommended)" if row.option_id == risk.recommended_id else ""),
            probability(row.p_meets) if risk.has_floor else NOTHING,
            probability(row.p_cheapest),
            money.short(row.base_usd),
            f"{money.short(row.quantiles_usd[low])} to {money.short(row.quantiles_usd[high])}",
            money.short(rounded(row.expected_regret_usd)),
            money.short(rounded(row.regret_p90_usd)),
        )
        for row in shown_rows
    ]
    heads = (
        "Option",
        "Reaches the floor in",
        "Cheapest of those in",
        "Base, a month",
        "80% between",
        "Too dear by, on average",
        "Too dear by, 1 in 10",
    )
    chosen = next((i for i, row in enumerate(shown_rows) if row.option_id == risk.recommended_id), None)
    listed = table(
        heads, rows, "Regret of choosing each option now", range(1, 7), chosen=chosen, style="lp-long-names"
    )
    return card(title, lead, listed)


def _worth_showing(risk: Risk) -> list[OptionRisk]:
    """Return the options of least regret, the best of each kind and the recommended one."""
    kinds: dict[str, OptionRisk] = {}
    for row in risk.options:
        kinds.setdefault(row.kind, row)
    chosen = [row for row in risk.options if row.option_id == risk.recommended_id]
    kept = [*kinds.values(), *chosen]
    kept += risk.options[: MOST_OPTIONS - len(kept)]
    return [row for row in risk.options if row in kept]


def tipping_card(flips: Flips, shown: RiskAnswers) -> Markup:
    """Return the values that flip the recommendation, who takes over, and what range is expected, once they are known."""
    if flips.points is None:
        return card("What would flip it", flips.asking())
    lead = (
        "Each input alone, the rest held: the nearest value at which another kind of option becomes the cheapest, "
        "those within the range expected first. Both sides of each value were priced."
    )
    money, tips = shown.money, flips.points
    rows = [
        (
            f"{capital(point.condition)}{_now(tip, money)}",
            _winner(point, money),
            _expected(tip, point, money),
        )
        for tip in tips
        for point in (tip.below, tip.above)
        if point is not None
    ]
    heads = ("It flips when", "Then the choice is", "Expected range")
    none = paragraph("No single input, moved alone, changes the kind of option to choose.")
    return card(
        "What would flip it",
        note(lead),
        table(heads, rows, "Tipping points") if rows else none,
        _calm(tips, money),
    )


def _calm(tips: Sequence[Tipping], money: Currency) -> Markup:
    """Return the inputs that flip nothing, with what was searched."""
    rows = [
        (capital(tip.label), f"{in_unit(tip.low, tip.unit, money)} to {in_unit(tip.high, tip.unit, money)}")
        for tip in tips
        if tip.nearest is None
    ]
    if not rows:
        return Markup("")
    listed = table(("Input", "Searched"), rows, "Inputs that flip nothing")
    return html.folded(f"{len(rows)} inputs that flip nothing alone", listed)


def _now(tip: Tipping, money: Currency) -> str:
    return "" if tip.unit == TODAY else f"; now {in_unit(tip.base, tip.unit, money)}"


def _winner(point: TippingPoint, money: Currency) -> str:
    if point.label is None or point.kind is None:
        return "nothing is feasible"
    kind = "" if point.kind == Kind.API else f" ({Kind(point.kind).label})"
    return f"{point.label}{kind}, {money.short(point.monthly_usd)} a month"


def _expected(tip: Tipping, point: TippingPoint, money: Currency) -> str:
    """Return the range that the input is expected to keep to, and whether the point lies in it."""
    if tip.expected_low is None or tip.expected_high is None:
        return NOTHING
    ends = (tip.expected_low, tip.expected_high)
    low, high = (scale_change(end) if tip.unit == TODAY else in_unit(end, tip.unit, money) for end in ends)
    return f"{low} to {high}: {'inside' if point.within_expected else 'outside'}"


def ladder_card(shown: RiskAnswers) -> Markup:
    """Return the cheapest option at every quality floor, the lowest first."""
    scenario = shown.report.scenario
    now = share(scenario.quality_floor) if scenario.quality_floor else "none"
    sure = share(scenario.floor_chance)
    lead = (
        f"The cheapest option that reaches a floor, in whole percent of {scenario.reference_api_id}, with a chance of "
        f"{sure}, the other constraints held; asked for now: {now}."
    )
    rows = [
        (f"up to {floor_percent(step.quality)}", step.label, shown.money.short(step.monthly_usd))
        for step in shown.ladder
    ]
    none = paragraph("No option with a known quality meets the other constraints.")
    listed = table(("Quality floor", "Cheapest option", "A month"), rows, "Quality ladder", (2,))
    return card("What the quality floor does", note(lead), listed if rows else none)


def inputs_card(shown: RiskAnswers) -> Markup:
    """Return what is uncertain, how far, and where the range comes from."""
    rows = [
        (
            capital(row.label),
            *(in_unit(value, row.unit, shown.money) for value in (row.low, row.base, row.high)),
            row.source,
        )
        for row in shown.risk.inputs
    ]
    heads = ("Input", "Low", "Base", "High", "Where the range comes from")
    listed = table(heads, rows, "What is uncertain", (1, 2, 3))
    return card("What is uncertain", html.folded(f"{len(rows)} inputs and their ranges", listed))


def rounded(usd_value: float) -> float:
    """Return a worth without the crumbs of arithmetic: below a cent it is nothing."""
    return usd_value if abs(usd_value) >= 0.005 else 0.0


def _break_even(queries_per_day: float) -> str:
    """Return a break-even volume in words."""
    if not math.isfinite(queries_per_day):
        return "never"
    return volume(queries_per_day) if queries_per_day < 100_000 else short_volume(queries_per_day)
