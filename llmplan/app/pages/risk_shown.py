"""What the risk page shows: worked out in a second or two, and its tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llmplan.app.fields import Button, Field, Number, Select
from llmplan.app.model import AppModel
from llmplan.kinds import Kind
from llmplan.recommend.ladder import QualityStep, quality_ladder
from llmplan.recommend.tipping import Tipping
from llmplan.risk import Risk
from llmplan.risk.sensitivity import Bar, SobolIndex
from llmplan.wording import Currency, probability, short_volume, volume

if TYPE_CHECKING:
    from llmplan.risk.sensitivity import Outcome

DRAWS = (1_000, 10_000, 50_000)
SOBOL_SAMPLES = 1024
CURVE_POINTS = 121
OPEN = "–"


@dataclass(frozen=True, eq=False)
class RiskShown:
    """The answers under uncertainty of one scenario, draws and seed.

    outcome: what the tornado shows: "saving", or "cost" where only one side is feasible.
    has_curve: whether the curve over volumes is worked out yet. tips: None: not yet.
    ladder: the cheapest option at every quality floor.
    """

    risk: Risk
    outcome: Outcome
    bars: tuple[Bar, ...]
    ladder: tuple[QualityStep, ...]
    tips: tuple[Tipping, ...] | None = None
    has_curve: bool = False

    @property
    def kind(self) -> Kind | None:
        """The recommended option's kind."""
        row = self.risk.option(self.risk.recommended_id or "")
        return None if row is None else row.kind

    @property
    def money(self) -> Currency:
        """The currency that the page is in."""
        return self.risk.scenario.currency


def first_values() -> dict[str, Any]:
    """Return the page's inputs at the start."""
    return {"draws": "10000", "seed": 0}


def risk_fields() -> list[Field]:
    """Return the page's inputs."""
    return [
        Select("draws", "Draws", tuple((str(n), f"{n:,}") for n in DRAWS)),
        Number("seed", "Seed", 0, 999_999, step=1),
        Button("compute", "Compute"),
    ]


def work_out(model: AppModel, draws: int, seed: int) -> Iterator[RiskShown]:
    """Yield the present scenario's answers under uncertainty: the quick ones, then the curve, then the tips."""
    from llmplan.options import volume_axis
    from llmplan.risk import assess, make_problem, sample, volume_curve
    from llmplan.risk.sensitivity import tornado

    scenario, catalog = model.scenario, model.catalog
    found = assess(scenario, catalog, draws, seed, curve=False)
    outcome: Outcome = "saving" if found.saving is not None else "cost"
    bars = () if found.recommended_id is None else tornado(scenario, catalog, outcome)
    first = RiskShown(found, outcome, bars, quality_ladder(model.report.comparison))
    yield first
    curve = None
    if found.options:
        problem = make_problem(scenario, catalog)
        curve = volume_curve(problem, sample(problem, draws, seed), volume_axis(CURVE_POINTS))
    second = replace(first, risk=replace(found, by_volume=curve), has_curve=True)
    yield second
    yield replace(second, tips=model.report.tipping)


def work_out_sobol(model: AppModel, shown: RiskShown) -> tuple[SobolIndex, ...]:
    """Work out the global sensitivities of what is shown; some seconds."""
    from llmplan.risk.sensitivity import sobol

    return sobol(shown.risk.scenario, model.catalog, shown.outcome, SOBOL_SAMPLES, shown.risk.seed)


def finding(shown: RiskShown) -> str:
    """Say in a sentence how sure the recommendation is."""
    risk, kind = shown.risk, shown.kind
    row = risk.option(risk.recommended_id or "")
    if row is None or kind is None:
        return "Nothing is feasible, so there is nothing to be sure of: the Decision page has the reasons"
    p, regret = risk.p_kind.get(kind, 0.0), rounded(row.expected_regret_usd)
    sure = "all" if p == 1 else f"{probability(p)} of"
    wrong = f"choosing it now costs {shown.money.short(regret)} a month more than hindsight would, on average"
    return (
        f"{row.label} is the choice: its kind ({kind.label}) is the cheapest in {sure} {risk.draws:,} draws, "
        f"this very option in {probability(row.p_cheapest)}; "
        + (wrong if regret else "hindsight would choose the same")
    )


def kpis(shown: RiskShown) -> list[tuple[str, str, str]]:
    """Return the key figures: probability, saving, break-even, worth of knowing."""
    risk = shown.risk
    others = ", ".join(
        f"{Kind(kind).label} {probability(p)}"
        for kind, p in risk.p_kind.items()
        if p > 0 and kind != shown.kind
    )
    p = risk.p_kind.get(shown.kind or "", math.nan)
    entries = [
        (
            f"P({shown.kind.label if shown.kind else 'nothing'} is cheapest)",
            probability(p),
            others or "no other kind wins",
        ),
        *_saving_kpis(risk, shown.money),
    ]
    worth = rounded(risk.perfect_information_usd)
    note = (
        "the most that any study of prices and speeds can be worth"
        if worth
        else "no study could change the choice"
    )
    return [*entries, ("Knowing everything, a month", shown.money.short(worth), note)]


def _saving_kpis(risk: Risk, money: Currency) -> list[tuple[str, str, str]]:
    saving = risk.saving
    if saving is None:
        nothing = "only one side is feasible"
        return [("Self-hosting saves a month", OPEN, nothing), ("Self-hosting pays from", OPEN, nothing)]
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
    spread = f"80% between {break_even(first)} and {break_even(last)}"
    note = "in none of the draws, at any volume"
    if saving.p_never < 1:
        note = spread + (f"; never in {probability(saving.p_never)}" if saving.p_never > 0 else "")
    return [costs, ("Self-hosting pays from, queries a day", break_even(half), note)]


def rounded(usd_value: float) -> float:
    """Return a worth without the crumbs of arithmetic: below a cent it is nothing."""
    return usd_value if abs(usd_value) >= 0.005 else 0.0


def break_even(queries_per_day: float) -> str:
    """Return a break-even volume in words."""
    if not math.isfinite(queries_per_day):
        return "never"
    return volume(queries_per_day) if queries_per_day < 100_000 else short_volume(queries_per_day)
