"""Decision: what to do, in ten seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from markupsafe import Markup

from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.app.pages import decision_parts as parts
from llmplan.app.pages.compare_two import CompareTwo
from llmplan.app.pages.page import Page, show_parts
from llmplan.app.widgets.base import View
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.layout import columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.recommend import Recommendation
from llmplan.report import Report


class DecisionPage(Page):
    """The answer, key figures, the cost curve, quality against cost, the map, the bill, the options, what would flip it."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.compare = CompareTwo(model)
        self.curve, self.frontier = ChartView(), ChartView()
        self.map, self.bill = ChartView(), ChartView()
        self.sure, self.options, self.stamp = HtmlView(on_action=self.act), HtmlView(), HtmlView()
        self.flips = Flips(model)
        self._parts: dict[HtmlView | ChartView, Callable[[Report], Any]] = {
            self.answer: parts.answer,
            self.figures: parts.figures,
            self.curve: parts.curve_chart,
            self.frontier: parts.frontier_chart,
            self.map: parts.map_chart,
            self.bill: parts.bill_chart,
            self.options: parts.options_card,
            self.stamp: parts.stamp,
        }
        self.root = stack(
            [
                self.answer,
                self.figures,
                self.compare.root,
                columns([self.curve, self.frontier]),
                self.map,
                columns([self.bill, self.sure]),
                self.options,
                self.stamp,
            ]
        )

    def refresh(self) -> None:
        """Show the present scenario's answer; how sure it is follows where that is not known yet."""
        self._show(self._report)

    def follow(self) -> None:
        """Show the answer, the key figures and the curve."""
        moving = {self.answer: parts.answer, self.figures: parts.figures, self.curve: parts.curve_chart}
        show_parts(self._report, moving)

    def open(self) -> None:
        """Show the answer and how sure it is."""
        self._show(self._weighed)

    def _show(self, work: Callable[[], Report]) -> None:
        show_parts(work, {**self._parts, self.sure: self._sure})
        self.compare.refresh()

    def prepared(self, report: Report) -> dict[View, dict[str, Any]]:
        """Return everything but how sure it is, which is worked out while the reader rests."""
        return {view: view.state_of(make(report)) for view, make in self._parts.items()}

    def act(self, name: str, _value: str | None) -> None:
        """Do what no slider waits for; the browser asks for it while the reader rests."""
        report = self.model.report
        if name == "weigh" and not report.is_weighed:
            self.model.aside.ask(("weigh", report.scenario), self._weigh, self._take_advice)
        elif name == "flip":
            self.flips.step(self._take_flips)

    def _weigh(self) -> Iterator[Recommendation]:
        yield self.model.report.advice

    def _take_advice(self, found: Callable[[], Recommendation]) -> None:
        told = {self.answer: parts.answer, self.sure: self._sure}
        show_parts(lambda: self.model.report.weighed(found()), told)

    def _take_flips(self, take: Callable[[], None]) -> None:
        def news() -> Report:
            take()
            return self.model.report

        show_parts(news, {self.sure: self._sure})

    def _report(self) -> Report:
        return self.model.report

    def _weighed(self) -> Report:
        return self.model.report.weighed(self.model.report.advice)

    def _sure(self, report: Report) -> Markup:
        return parts.sure_cards(report, self.flips)
