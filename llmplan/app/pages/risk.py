"""Risk: how sure the answer is, what it could cost to be wrong, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.pages.on_demand import Notice, OnDemand
from llmplan.app.pages.page import card, cards
from llmplan.app.pages.risk_shown import (
    RiskShown,
    finding,
    first_values,
    kpis,
    risk_fields,
    rounded,
    work_out,
    work_out_sobol,
)
from llmplan.app.pages.risk_tables import (
    inputs_table,
    ladder_table,
    quantile_table,
    regret_table,
    tipping_table,
)
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts.style import NOTHING_HEIGHT, nothing_figure
from llmplan.kinds import PURE, Kind
from llmplan.risk.sensitivity import SobolIndex
from llmplan.wording import probability, share

BAR_HEIGHT, LEAST_HEIGHT = 46, 240
ASK_SOBOL = Markup(
    '<p class="lp-help">Which cause matters when all vary at once? Takes some seconds. '
    '<button type="button" class="lp-button" data-action="sobol">Compute</button></p>'
)


class RiskPage:
    """Probabilities over volume, spreads, tornado, tipping points, regret and the worth of knowing more."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.wanted = first_values()
        self.controls = ControlPanel(risk_fields(), self.wanted, self.change, label="Draws")
        self.found: OnDemand[RiskShown] = OnDemand()
        self.global_found: OnDemand[tuple[SobolIndex, ...]] = OnDemand()
        self.notice = Notice(self.compute)
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.probability, self.sides = ChartView(), ChartView()
        self.tornado, self.information, self.sobol = ChartView(), ChartView(), ChartView()
        self.tipping, self.ladder, self.quantiles = HtmlView(), HtmlView(), HtmlView()
        self.regret, self.inputs = HtmlView(), HtmlView()
        for view in (self.probability, self.sides, self.tornado, self.information):
            _nothing(view, "Working it out ...")
        self.ask_sobol = HtmlView(on_action=lambda _name, _value: self.compute_sobol())
        self.sobol_part = stack([self.ask_sobol])
        self.root = stack(
            [
                box([self.controls], "lp-inline"),
                self.notice,
                self.answer,
                self.figures,
                columns([self.probability, self.sides]),
                self.tipping,
                self.ladder,
                columns([self.tornado, self.information]),
                self.quantiles,
                self.regret,
                self.sobol_part,
                self.inputs,
            ]
        )

    def change(self, changes: dict[str, Any]) -> None:
        """Take other draws, or compute when asked to."""
        asked = changes.pop("compute", None) is not None
        self.wanted |= changes
        if asked:
            self.compute()
        else:
            self.refresh()

    def refresh(self) -> None:
        """Show what is known of the present scenario; work it out the first time only."""
        if self.found.shown is None:
            self.compute()
            return
        known = self.found.find(self._key)
        self.notice.say(stale=known is None)
        if known is not None:
            self._show(known)

    def open(self) -> None:
        """Work the present scenario out, since the reader has come to see it."""
        self.compute()

    @property
    def _key(self) -> tuple[Any, ...]:
        unnamed = self.model.scenario.model_copy(update={"name": ""})
        return unnamed, self.wanted["draws"], self.wanted["seed"]

    def compute(self) -> None:
        """Work the present scenario out and show it, part by part as it comes."""
        self.notice.say(stale=False)
        with guarded(self.answer, *self._parts):
            for shown in self.found.answer(self._key, self._work):
                self._show(shown)

    def _work(self) -> Iterator[RiskShown]:
        return work_out(self.model, int(self.wanted["draws"]), int(self.wanted["seed"]))

    @property
    def _parts(self) -> tuple[HtmlView | ChartView, ...]:
        charts = (self.probability, self.sides, self.tornado, self.information)
        return (self.figures, *charts, self.tipping, self.ladder, self.quantiles, self.regret, self.inputs)

    def _show(self, shown: RiskShown) -> None:
        parts: list[tuple[HtmlView | ChartView, Callable[[RiskShown], None]]] = [
            (self.answer, self._show_answer),
            (self.probability, self._show_probability),
            (self.sides, self._show_sides),
            (self.tornado, self._show_tornado),
            (self.information, self._show_information),
            (self.tipping, self._show_tipping),
            (self.ladder, self._show_ladder),
            (self.quantiles, self._show_quantiles),
            (self.regret, self._show_regret),
            (self.inputs, self._show_inputs),
            (self.ask_sobol, self._show_sobol),
        ]
        late = {
            self.probability: shown.has_curve,
            self.sides: shown.has_curve,
            self.tipping: shown.tips is not None,
        }
        for view, show in parts:
            if late.get(view, True):
                with guarded(view):
                    show(shown)

    def _stamp(self, shown: RiskShown) -> str:
        risk = shown.risk
        return f"{risk.draws:,} draws, seed {risk.seed}; {self.model.report.stamp}"

    def _show_answer(self, shown: RiskShown) -> None:
        self.answer.show(
            Markup(
                '<p class="lp-answer">{}.</p><p class="lp-help">{:,} draws of {} causes, seed {}; {:.1f} s.</p>'
            ).format(
                finding(shown), shown.risk.draws, len(shown.risk.inputs), shown.risk.seed, self.found.seconds
            )
        )
        self.figures.show(cards(kpis(shown)) if shown.risk.recommended_id else Markup(""))

    def _show_probability(self, shown: RiskShown) -> None:
        curve = shown.risk.by_volume
        if curve is None:
            _nothing(self.probability, "No probabilities: nothing is feasible")
            return
        from llmplan.charts.risk import probability_figure

        now = shown.risk.scenario.queries_per_day
        words = ", ".join(
            f"{Kind(kind).label} {probability(p)}" for kind, p in shown.risk.p_kind.items() if p > 0
        )
        self.probability.show(
            probability_figure(curve, now),
            title=f"Cheapest at {now:,.0f} a day: {words}",
            what="Share of the draws in which each kind of option is the cheapest, by volume; the areas add up to 100%.",
            alt=f"Probability of being cheapest over volume. At {now:,.0f} queries a day: {words}. {_changes(curve)}",
            table={
                "queries a day": [f"{v:,.0f}" for v in curve.queries_per_day],
                **{f"P({kind.label})": np.round(curve.p_kind[:, i], 4) for i, kind in enumerate(PURE)},
            },
            filename="probability-by-volume",
            footnote=self._stamp(shown),
            height=380,
        )

    def _show_sides(self, shown: RiskShown) -> None:
        curve = shown.risk.by_volume
        if curve is None:
            _nothing(self.sides, "No costs: nothing is feasible")
            return
        from llmplan.charts.risk import sides_figure

        names = [f"{level:.0%}" for level in curve.levels]
        sides = (
            ("token price", curve.token_usd),
            ("own fleet", curve.self_hosted_usd),
            ("saving", curve.saving_usd),
        )
        self.sides.show(
            sides_figure(curve, shown.risk.scenario.queries_per_day, shown.money),
            title=_sides_title(shown),
            what="The cheapest token price and the cheapest own fleet of each draw: line: median; band: 80% of the draws.",
            alt=f"Cost over volume of both sides. {_sides_title(shown)}.",
            table={
                "queries a day": [f"{v:,.0f}" for v in curve.queries_per_day],
                **{
                    f"{side}, {name}": shown.money.of(usd_at[:, i])
                    for side, usd_at in sides
                    for i, name in enumerate(names)
                },
            },
            filename="cost-under-uncertainty",
            footnote=self._stamp(shown),
            height=380,
        )

    def _show_tornado(self, shown: RiskShown) -> None:
        if not shown.bars:
            _nothing(self.tornado, "No cause moves the answer")
            return
        from llmplan.charts.risk import tornado_figure

        word = "saving of self-hosting" if shown.outcome == "saving" else "cost of the choice"
        first = shown.bars[0]
        axis = "a month saved by self-hosting" if shown.outcome == "saving" else "a month"
        figure = tornado_figure(shown.bars, axis, shown.money)
        count = len(figure["layout"]["yaxis"]["categoryarray"])
        self.tornado.show(
            figure,
            title=f"The {word} hangs most on {first.label}: {shown.money.short(first.swing_usd)} a month between its ends",
            what=f"The {word} with one cause at a time at its 10th and 90th percentile, the others at base (dotted).",
            alt="; ".join(
                f"{b.label}: {shown.money.short(b.usd_at_low)} to {shown.money.short(b.usd_at_high)}"
                for b in shown.bars[:count]
            ),
            table={
                "cause": [b.label for b in shown.bars],
                "at its 10th percentile": [round(shown.money.of(b.usd_at_low), 2) for b in shown.bars],
                "base": [round(shown.money.of(b.usd_at_base), 2) for b in shown.bars],
                "at its 90th percentile": [round(shown.money.of(b.usd_at_high), 2) for b in shown.bars],
            },
            filename="tornado",
            footnote=self._stamp(shown),
            height=_height(count),
        )

    def _show_information(self, shown: RiskShown) -> None:
        rows = [row for row in shown.risk.information if rounded(row.usd_per_month) > 0]
        if not rows:
            _nothing(
                self.information,
                "More knowledge would not change the choice",
                "What knowing a cause exactly before choosing would save on average. Here: nothing, for every cause.",
            )
            return
        from llmplan.charts.risk import information_figure

        figure = information_figure(rows, shown.money)
        count = len(figure["layout"]["yaxis"]["categoryarray"])
        top = rows[0]
        self.information.show(
            figure,
            title=f"Most worth knowing: {top.label}, {shown.money.short(top.usd_per_month)} a month",
            what="What knowing a cause exactly before choosing would save on average: the most to spend on finding out.",
            alt="; ".join(
                f"{row.label}: {shown.money.short(row.usd_per_month)} a month" for row in rows[:count]
            ),
            table={
                "cause": [row.label for row in rows],
                f"{shown.money.name} a month": [round(shown.money.of(row.usd_per_month), 2) for row in rows],
            },
            filename="worth-of-knowing",
            footnote=self._stamp(shown),
            height=_height(count),
        )

    def _show_tipping(self, shown: RiskShown) -> None:
        lead = Markup(
            '<p class="lp-help">Each input alone, the rest held: the nearest value at which another kind of option '
            "becomes the cheapest, those within the range expected first. Both sides of each value were priced.</p>"
        )
        self.tipping.show(card("What would flip it", lead + tipping_table(shown.tips or (), shown.money)))

    def _show_ladder(self, shown: RiskShown) -> None:
        scenario = shown.risk.scenario
        lead = Markup(
            '<p class="lp-help">The cheapest option at every quality floor, in percent of {}, the other '
            "constraints held; asked for now: {}.</p>"
        ).format(
            scenario.reference_api_id, share(scenario.quality_floor) if scenario.quality_floor else "none"
        )
        self.ladder.show(card("What the quality floor does", lead + ladder_table(shown.ladder, shown.money)))

    def _show_quantiles(self, shown: RiskShown) -> None:
        self.quantiles.show(card("Saving and break-even", quantile_table(shown)))

    def _show_regret(self, shown: RiskShown) -> None:
        lead = Markup(
            '<p class="lp-help">Regret: what an option costs above the one that turns out cheapest, draw by draw.</p>'
        )
        body = regret_table(shown) if shown.risk.options else Markup("<p>No option to choose.</p>")
        self.regret.show(card("What choosing each option now risks", lead + body))

    def _show_inputs(self, shown: RiskShown) -> None:
        body = Markup("<details><summary>{} causes and their ranges</summary>{}</details>").format(
            len(shown.risk.inputs), inputs_table(shown.risk, shown.money)
        )
        self.inputs.show(card("What is uncertain", body))

    def _show_sobol(self, shown: RiskShown) -> None:
        """Show the global sensitivities where they are known, else the button that asks for them."""
        known = self.global_found.find(self._key)
        possible = shown.risk.recommended_id is not None
        self.ask_sobol.show(card("All causes at once", ASK_SOBOL) if possible else Markup(""))
        if known is not None:
            self._draw_sobol(shown, known)
        self.sobol_part.children = [self.ask_sobol if known is None else self.sobol]

    def compute_sobol(self) -> None:
        """Work the global sensitivities out and show them."""
        with guarded(self.ask_sobol):
            self.compute()
            shown = self.found.shown
            if shown is not None:
                list(self.global_found.answer(self._key, lambda: [work_out_sobol(self.model, shown)]))
                self._show_sobol(shown)

    def _draw_sobol(self, shown: RiskShown, rows: tuple[SobolIndex, ...]) -> None:
        from llmplan.charts.risk import sobol_figure

        figure = sobol_figure(rows)
        count = len(figure["layout"]["yaxis"]["categoryarray"])
        if not count:
            _nothing(self.sobol, "No cause moves the answer")
            return
        word = "saving" if shown.outcome == "saving" else "cost"
        self.sobol.show(
            figure,
            title=f"{rows[0].total:.0%} of the spread of the {word} is due to {rows[0].label}",
            what="Sobol indices: share of the variance by cause, alone and with interactions; whiskers: 95% confidence.",
            alt="; ".join(f"{r.label}: {r.first:.2f} alone, {r.total:.2f} in all" for r in rows[:count]),
            table={
                "cause": [r.label for r in rows],
                "alone": [round(r.first, 4) for r in rows],
                "± alone": [round(r.first_ci95, 4) for r in rows],
                "in all": [round(r.total, 4) for r in rows],
                "± in all": [round(r.total_ci95, 4) for r in rows],
            },
            filename="sobol-indices",
            footnote=self._stamp(shown),
            height=_height(count + 1),
        )


def _height(bars: int) -> int:
    return max(LEAST_HEIGHT, 130 + BAR_HEIGHT * bars)


def _nothing(view: ChartView, title: str, what: str = "") -> None:
    view.show(nothing_figure(), title=title, alt=f"{title}.", what=what, height=NOTHING_HEIGHT)


def _changes(curve: Any) -> str:
    """Say where the most probable kind changes."""
    best = np.argmax(curve.p_kind, axis=1)
    turns = np.flatnonzero(np.diff(best))
    said = [
        f"{PURE[best[i + 1]].head} leads from {curve.queries_per_day[i + 1]:,.0f} a day" for i in turns[:4]
    ]
    return "; ".join(said) if said else "The same kind leads at every volume."


def _sides_title(shown: RiskShown) -> str:
    saving = shown.risk.saving
    if saving is None:
        return "Only one side is feasible"
    middle = saving.quantiles_usd[shown.risk.levels.index(0.5)]
    word = "saves" if middle >= 0 else "costs more by"
    return f"Self-hosting {word} {shown.money.short(abs(middle))} a month in the median draw"
