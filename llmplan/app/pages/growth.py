"""Growth: the comparison over months, when to switch, what waiting costs, the fleet through the week."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.pages.growth_shown import (
    FURTHER,
    FleetShown,
    GrowthShown,
    first_values,
    fleet_shown,
    growth_fields,
    operations_zip,
    volumes,
    work_out,
)
from llmplan.app.pages.growth_words import (
    cost_table,
    finding,
    fleet_title,
    kpis,
    leader_table,
    mode_table,
    month_name,
    month_of_switch,
    operations_lead,
    option_label,
    payback_title,
    waiting_title,
)
from llmplan.app.pages.on_demand import Notice
from llmplan.app.pages.page import card, cards
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack, toolbar
from llmplan.app.widgets.parts import DownloadButton, HtmlView
from llmplan.charts.style import NOTHING_HEIGHT, nothing_figure
from llmplan.options.comparison import same_options
from llmplan.scenario import Scenario
from llmplan.wording import counted, volume

HEIGHT = 380


class GrowthPage:
    """Cumulative cost with payback, the best month to switch, present costs, the fleet by hour, the operations plan."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.wanted = first_values(model)
        self._computed: Scenario | None = None
        self._fleet_of: tuple[Scenario, int, float, float] | None = None
        self.controls = ControlPanel(
            growth_fields(model), self.wanted, self.change, label="Plan", closed_groups=[FURTHER]
        )
        self.notice = Notice(self.compute)
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.cumulative, self.waiting, self.fleet = ChartView(), ChartView(), ChartView()
        self.leaders, self.costs, self.modes = HtmlView(), HtmlView(), HtmlView()
        self.files_lead = HtmlView()
        files = toolbar([DownloadButton("Operations plan (ZIP)", self._operations)])
        self.root = stack(
            [
                box([self.controls], "lp-inline"),
                self.notice,
                self.answer,
                self.figures,
                columns([self.cumulative, self.waiting]),
                self.costs,
                self.leaders,
                self.fleet,
                self.modes,
                self.files_lead,
                files,
            ]
        )

    def change(self, changes: dict[str, Any]) -> None:
        """Plan with other inputs."""
        self.wanted |= changes
        self.compute()

    def refresh(self) -> None:
        """Follow the scenario where that is quick: the options are known, or nothing is shown yet."""
        quick = self._computed is None or same_options(self.model.scenario, self._computed)
        self.notice.say(stale=not quick)
        if quick:
            self.compute()

    def open(self) -> None:
        """Plan the present scenario, since the reader has come to see it."""
        self.compute()

    def compute(self) -> None:
        """Plan the present scenario and show it."""
        self.notice.say(stale=False)
        self._computed = self.model.scenario
        shown = None
        with guarded(self.answer, self.figures, self.cumulative, self.waiting, self.costs, self.leaders):
            shown = work_out(self.model, self.wanted)
            self._show_answer(shown)
        if shown is not None:
            self._show_plan(shown)
        with guarded(self.fleet, self.modes, self.files_lead):
            self._follow_fleet()

    def _follow_fleet(self) -> None:
        """Work the week out anew where something of it has changed: prices over time do not."""
        path = volumes(self.model.scenario, self.wanted)
        month = min(int(self.wanted["fleet_month"]), len(path))
        asked = self.model.scenario, month, float(path[month - 1]), self.wanted["weekend"]
        if asked != self._fleet_of:
            self._show_fleet(fleet_shown(self.model, *asked[1:]))
            self._fleet_of = asked

    def _show_plan(self, shown: GrowthShown) -> None:
        with guarded(self.cumulative):
            self._show_cumulative(shown)
        with guarded(self.waiting):
            self._show_waiting(shown)
        with guarded(self.costs, self.leaders):
            self.costs.show(card("What each option costs over the plan", cost_table(shown)))
            self.leaders.show(card("Who is ahead when", leader_table(shown)))

    def _show_answer(self, shown: GrowthShown) -> None:
        self.answer.show(Markup('<p class="lp-answer">{}.</p>').format(finding(shown)))
        self.figures.show(cards(kpis(shown)))

    def _show_cumulative(self, shown: GrowthShown) -> None:
        from llmplan.charts.growth import FAMILY_NAMES, cumulative_figure

        payback = {key: switch.payback_month_now for key, switch in shown.switches.items()}
        names = {
            key: f"{FAMILY_NAMES[family]}: {option_label(shown, key)}" for key, family in shown.drawn.items()
        }
        self.cumulative.show(
            cumulative_figure(shown.plan, shown.drawn, payback, shown.money),
            title=payback_title(shown),
            what="Payments added up, the move and servers bought included. Diamond: the month by which a move made "
            "now has paid back. A fall at the end: servers sold.",
            alt="; ".join(
                f"{name}: {shown.money.short(shown.plan.option(key).tco_usd)} in all, paid back by "
                f"{month_name(payback.get(key))}"
                for key, name in names.items()
            ),
            table={
                "end of month": np.arange(len(shown.plan.queries_per_day) + 1),
                **{
                    name: np.round(shown.money.of(shown.plan.option(key).cumulative_usd), 2)
                    for key, name in names.items()
                },
            },
            filename="cumulative-cost",
            footnote=self.model.report.stamp,
            height=HEIGHT,
        )

    def _show_waiting(self, shown: GrowthShown) -> None:
        from llmplan.charts.growth import FAMILY_NAMES, waiting_figure

        switches = [shown.switches[key] for key in shown.drawn if key in shown.switches]
        if not switches:
            title = "Nothing to switch to"
            self.waiting.show(nothing_figure(), title=title, alt=f"{title}.", height=NOTHING_HEIGHT)
            return
        names = {
            s.candidate_id: f"{FAMILY_NAMES[shown.families[s.candidate_id]]}: {option_label(shown, s.candidate_id)}"
            for s in switches
        }
        self.waiting.show(
            waiting_figure(switches, shown.families, shown.money),
            title=waiting_title(shown),
            what="What switching in a month costs above switching in that option's best month, in present money.",
            alt="; ".join(
                f"{names[s.candidate_id]}: best month {month_of_switch(s.best_month)}" for s in switches
            ),
            table={
                "month of the switch": np.arange(1, len(shown.plan.queries_per_day) + 1),
                **{
                    names[s.candidate_id]: np.round(shown.money.of(s.cost_of_waiting_usd[:-1]), 2)
                    for s in switches
                },
            },
            filename="cost-of-waiting",
            footnote=self.model.report.stamp,
            height=HEIGHT,
        )

    def _show_fleet(self, shown: FleetShown | None) -> None:
        if shown is None:
            self.modes.show(Markup(""))
            self.files_lead.show(card("Operations plan", Markup("<p>Self-hosting is not feasible here.</p>")))
            text = "The Decision page says why."
            self.fleet.show(
                nothing_figure(), title="No fleet", alt="No fleet.", what=text, height=NOTHING_HEIGHT
            )
            return
        from llmplan.charts.growth import DAYS, fleet_week_figure, week_shown

        always = shown.week.modes[0]
        policy = shown.week.policy
        week = week_shown(
            shown.week.week, always.peak_replicas, policy.replica_requests_per_s, policy.target_utilisation
        )
        self.fleet.show(
            fleet_week_figure(week),
            title=fleet_title(shown),
            what=f"Replicas through the week of month {shown.month}, {volume(shown.queries_per_day)} queries a day: "
            f"{shown.label}. Replicas that start are billed.",
            alt=f"Always on: {counted(always.peak_replicas, 'replica')}. Autoscaled: "
            f"{week.autoscaled_replicas.min():.1f} to {week.autoscaled_replicas.max():.1f}.",
            table={
                "hour": [f"{DAYS[i // 24]} {i % 24:02d}:00" for i in range(len(week.load_replicas))],
                "load, replicas": np.round(week.load_replicas, 3),
                "always on": np.full(len(week.load_replicas), week.static_replicas),
                "autoscaled": np.round(week.autoscaled_replicas, 3),
                "late share": np.round(week.late_share, 6),
            },
            filename="fleet-by-hour-of-week",
            footnote=self.model.report.stamp,
            height=340,
        )
        self.modes.show(card("Four ways to pay for that fleet", mode_table(shown)))
        self.files_lead.show(card("Operations plan", operations_lead(shown)))

    def _operations(self) -> tuple[str, str, bytes]:
        return operations_zip(self.model.scenario, self.model.catalog, dt.datetime.now(tz=dt.UTC).date())
