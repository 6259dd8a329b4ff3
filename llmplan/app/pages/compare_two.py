"""Two scenarios side by side: both answers, their key figures, and what causes the difference."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from llmplan.app.fields import Select
from llmplan.app.model import AppModel
from llmplan.app.pages.differences import SUBJECTS, Difference, difference
from llmplan.app.pages.page import card, cards, table
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts.waterfall import waterfall_figure
from llmplan.report import Report
from llmplan.report.headlines import kpi_cards

BUTTONS = (("pin", "Keep the present one as B"), ("swap", "Swap A and B"), ("unpin", "Stop comparing"))


class CompareTwo:
    """The present scenario (A) beside a pinned one (B); nothing is shown while none is pinned."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.subject = "best"
        self.buttons = HtmlView(on_action=self.act)
        self.controls = ControlPanel(
            [Select("subject", "Cost of", SUBJECTS)], {}, self.change, label="Compare"
        )
        self.present, self.pinned = HtmlView(), HtmlView()
        self.bridge, self.fields = ChartView(), HtmlView()
        self._parts = [
            self.buttons,
            columns([self.present, self.pinned]),
            box([self.controls], "lp-inline"),
            columns([self.bridge, self.fields]),
        ]
        self.root = self.body = stack([])

    def act(self, name: str, _value: str | None) -> None:
        """Pin the present scenario as B, swap A and B, or stop comparing."""
        model = self.model
        if name == "pin":
            model.pinned = model.scenario
        elif name == "unpin":
            model.pinned = None
        elif name == "swap" and model.pinned is not None:
            was, model.pinned = model.pinned, model.scenario
            model.load(was)
        self.refresh()

    def change(self, changes: dict[str, Any]) -> None:
        """Look at the cost of another kind of option."""
        self.subject = changes.get("subject", self.subject)
        self.refresh()

    def refresh(self) -> None:
        """Show both scenarios; nothing while none is pinned."""
        pinned, present = self.model.pinned, self.model.scenario
        self.buttons.show(_buttons(BUTTONS) if pinned is not None else "")
        if (pinned is not None) != bool(self.body.children):
            self.body.children = self._parts if pinned is not None else []
        if pinned is None:
            return
        # Both sides in one currency: that of the present scenario.
        pinned = pinned.but(
            currency_symbol=present.currency_symbol, currency_per_usd=present.currency_per_usd
        )
        with guarded(self.present, self.pinned):
            self.present.show(_side("A, now", self.model.report))
            self.pinned.show(_side("B, kept", self.model.report_for(pinned)))
        with guarded(self.bridge, self.fields):
            self._show_bridge(difference(self.model, pinned, present, self.subject))

    def _show_bridge(self, found: Difference) -> None:
        money = self.model.scenario.currency
        rows = [(step.words, step.was, step.now, money.change(step.usd_added)) for step in found.steps]
        heads = ("What differs", "B", "A", "A month")
        body = (
            table(heads, list(rows), "What differs", numbers=(3,))
            if rows
            else Markup("<p>A and B are alike. Change an input on the left: A follows, B stays.</p>")
        )
        self.fields.show(card("What causes the difference", body))
        if found.start_usd is None or found.end_usd is None:
            side = "B" if found.start_usd is None else "A"
            self.bridge.show(
                {"data": [], "layout": {}},
                title=f"No feasible option of this kind in {side}",
                alt="No waterfall.",
                height=120,
            )
            return
        change = found.end_usd - found.start_usd
        word = (
            "as much as"
            if round(change, 2) == 0
            else f"{money.short(abs(change))} {'more' if change > 0 else 'less'} than"
        )
        steps = [(step.words, step.usd_added or 0.0) for step in found.charted]
        self.bridge.show(
            waterfall_figure(steps, ("B, kept", found.start_usd), "A, now", money),
            title=f"A costs {word} B a month",
            what="From B to A: one differing input after the other is set to A's value, in this order.",
            alt=f"B costs {money.short(found.start_usd)}, A {money.short(found.end_usd)}; "
            + "; ".join(f"{name} {money.change(added)}" for name, added in steps),
            table={
                "step": [name for name, _ in steps],
                f"{money.name} a month": [money.of(added) for _, added in steps],
            },
            filename="difference",
            height=380,
        )


def _buttons(names: tuple[tuple[str, str], ...]) -> Markup:
    buttons = Markup("").join(
        Markup('<button type="button" class="lp-button" data-action="{}">{}</button>').format(*pair)
        for pair in names
    )
    return Markup('<div class="lp-actions">{}</div>').format(buttons)


def _side(name: str, report: Report) -> Markup:
    head = f"{name}: {report.scenario.name}, {report.scenario.queries_per_day:,.0f} queries a day"
    body = Markup("<p>{}.</p>").format(report.finding) + cards(kpi_cards(report))
    return card(head, body)
