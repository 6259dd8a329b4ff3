"""Two scenarios side by side: both answers, their key figures, and what causes the difference."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from llmplan.app.fields import Select
from llmplan.app.model import AppModel
from llmplan.app.pages.page import show_parts
from llmplan.app.widgets.chart_view import Chart, ChartView, no_chart
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.html import button, card, cards, paragraph, table
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts.waterfall import waterfall_figure
from llmplan.options import evaluate
from llmplan.options.differences import Difference, difference
from llmplan.report import Report
from llmplan.report.headlines import kpi_cards
from llmplan.scenario import FIELDS, Scenario
from llmplan.scenario.text import field_text
from llmplan.wording import Currency, in_unit, shortened

BUTTONS = {"pin": "Keep the present one as B", "swap": "Swap A and B", "unpin": "Stop comparing"}
SUBJECTS = (
    ("best", "The cheapest option"),
    ("api", "The cheapest frontier API"),
    ("hosted", "The cheapest hosted open model"),
    ("self_hosted", "The cheapest self-hosted"),
)
LONGEST = 60


class CompareTwo:
    """The present scenario (A) beside a pinned one (B); nothing is shown while none is pinned."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.subject = "best"
        self.buttons = HtmlView(on_action=self.act)
        choice = Select("subject", "Cost of", SUBJECTS)
        self.controls = ControlPanel([choice], {}, self.change, label="Compare")
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
        if (pinned is not None) != bool(self.body.children):
            self.body.children = self._parts if pinned is not None else []
        if pinned is None:
            return
        buttons = Markup("").join(button(action, text) for action, text in BUTTONS.items())
        self.buttons.show(Markup('<div class="lp-actions">{}</div>').format(buttons))
        # Both sides in one currency: that of the present scenario.
        money = {name: getattr(present, name) for name in ("currency_symbol", "currency_per_usd")}
        kept = pinned.but(**money)
        show_parts(lambda: self.model.report, {self.present: lambda report: _side("A, now", report)})
        show_parts(
            lambda: self.model.report_for(kept), {self.pinned: lambda report: _side("B, kept", report)}
        )
        show_parts(
            lambda: difference(kept, present, self._cost),
            {
                self.fields: lambda found: _fields_card(found, present.currency),
                self.bridge: lambda found: _bridge_chart(found, present.currency),
            },
        )

    def _cost(self, scenario: Scenario) -> float | None:
        """Return the monthly cost of the cheapest feasible option of the subject; None where there is none."""
        found = evaluate(scenario, self.model.catalog)
        place = found.cheapest(*(key for key, _ in SUBJECTS if self.subject in ("best", key)))
        return None if place is None else float(found.base_usd[place])


def _side(name: str, report: Report) -> Markup:
    head = f"{name}: {report.scenario.name}, {report.scenario.queries_per_day:,.0f} queries a day"
    return card(head, paragraph(f"{report.finding}."), cards(kpi_cards(report)))


def _fields_card(found: Difference, money: Currency) -> Markup:
    title = "Where the difference comes from"
    if not found.steps:
        alike = "A and B are alike. Change an input on the left: A follows, B stays."
        return card(title, paragraph(alike))
    rows = [
        (
            FIELDS[s.field].about.label,
            _short(s.field, s.was, money),
            _short(s.field, s.now, money),
            money.change(s.usd_added),
        )
        for s in found.steps
    ]
    return card(title, table(("What differs", "B", "A", "A month"), rows, "What differs", (3,)))


def _bridge_chart(found: Difference, money: Currency) -> Chart:
    """Draw the way from B's cost to A's, one differing input after the other."""
    if found.start_usd is None or found.end_usd is None:
        side = "B" if found.start_usd is None else "A"
        return no_chart(f"No feasible option of this kind in {side}")
    change = found.end_usd - found.start_usd
    compared = f"{money.short(abs(change))} {'more' if change > 0 else 'less'} than"
    steps = [(FIELDS[step.field].about.label, step.usd_added) for step in found.steps if step.usd_added]
    return Chart(
        waterfall_figure(steps, ("B, kept", found.start_usd), "A, now", money),
        title=f"A costs {compared if round(change, 2) else 'as much as'} B a month",
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


def _short(field: str, value: Any, money: Currency) -> str:
    """Return a field's value as people read it, what holds in its place where it is empty."""
    about = FIELDS[field].about
    if value is None or value == ():
        text = about.empty
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = in_unit(value, about.unit, money)
    else:
        text = field_text(field, value)
    return shortened(text, LONGEST)
