"""Risk: how sure the answer is, what it could cost to be wrong, and what would change it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from markupsafe import Markup

from llmplan.app.fields import Button, Number, Select
from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.app.pages import risk_parts as parts
from llmplan.app.pages.page import Page, StaleNotice, show_parts
from llmplan.app.widgets.chart_view import ChartView, no_chart
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView

DRAWS = (1_000, 10_000, 50_000)
FIELDS = (
    Select("draws", "Cases", tuple((str(n), f"{n:,}") for n in DRAWS)),
    Number("seed", "Seed", 0, 999_999, step=1),
    Button("compute", "Compute"),
)
KEPT = 8
"""Answers that a reader can go back to at once."""


class RiskPage(Page):
    """Probabilities over volume, spreads, tornado, tipping points, regret and the worth of knowing more."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.wanted: dict[str, Any] = {"draws": "10000", "seed": 0}
        self.shown: parts.RiskAnswers | None = None
        self._kept: OrderedDict[Hashable, parts.RiskAnswers] = OrderedDict()
        self.controls = ControlPanel(FIELDS, self.wanted, self.change, label="Cases")
        self.notice = StaleNotice(self.compute)
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.probability, self.sides = ChartView(), ChartView()
        self.tornado, self.information, self.sobol = ChartView(), ChartView(), ChartView()
        self.flips = Flips(model)
        self.tipping = HtmlView(on_action=lambda _name, _value: self.flip())
        self.ladder, self.quantiles = HtmlView(), HtmlView()
        self.regret, self.inputs = HtmlView(), HtmlView()
        self.ask_sobol = HtmlView(on_action=lambda _name, _value: self.compute_sobol())
        for view in (self.probability, self.sides, self.tornado, self.information):
            view.show(no_chart("Working it out ..."))
        self.sobol_part = stack([self.ask_sobol])
        self.root = stack(
            [
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
                box([self.controls], "lp-inline"),
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
        known = self.shown is None or self._key in self._kept
        self.notice.say(stale=not known)
        if known:
            self.compute()

    def open(self) -> None:
        """Work the present scenario out, since the reader has come to see it."""
        self.compute()

    def compute(self) -> None:
        """Work the present scenario out and show it, what is quick first."""
        self.notice.say(stale=False)
        show_parts(
            self._answers,
            {
                self.answer: parts.answer,
                self.figures: parts.figures,
                self.tornado: parts.tornado_chart,
                self.information: parts.information_chart,
                self.ladder: parts.ladder_card,
                self.quantiles: parts.quantile_card,
                self.regret: parts.regret_card,
                self.inputs: parts.inputs_card,
                self.ask_sobol: parts.ask_sobol,
                self.probability: parts.probability_chart,
                self.sides: parts.sides_chart,
                self.tipping: self._tipping,
            },
        )
        self._show_sobol()

    def flip(self) -> None:
        """Work out what another input would have to be; the browser asks for it while the reader rests."""
        if self._key in self._kept:
            self.flips.step(self._take_flips)

    def _take_flips(self, take: Callable[[], None]) -> None:
        def news() -> parts.RiskAnswers:
            take()
            return self._answers()

        show_parts(news, {self.tipping: self._tipping})

    def _tipping(self, shown: parts.RiskAnswers) -> Markup:
        return parts.tipping_card(self.flips, shown)

    def compute_sobol(self) -> None:
        """Work the global sensitivities out and show them."""
        self.compute()
        show_parts(self._answers, {self.sobol: parts.sobol_chart})
        self._show_sobol()

    def _show_sobol(self) -> None:
        """Show the global sensitivities where they are known, else the button that asks for them."""
        known = self.shown is not None and "sobol" in vars(self.shown)
        if known:
            show_parts(self._answers, {self.sobol: parts.sobol_chart})
        self.sobol_part.children = [self.sobol if known else self.ask_sobol]

    @property
    def _key(self) -> Hashable:
        unnamed = self.model.scenario.model_copy(update={"name": ""})
        return unnamed, self.wanted["draws"], self.wanted["seed"]

    def _answers(self) -> parts.RiskAnswers:
        """Return the present scenario's answers, those of before where they are kept."""
        key = self._key
        if key not in self._kept:
            found = parts.RiskAnswers(self.model.report, int(self.wanted["draws"]), int(self.wanted["seed"]))
            _ = found.risk  # where this fails, every part says why
            self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.shown = self._kept[key]
        return self.shown
