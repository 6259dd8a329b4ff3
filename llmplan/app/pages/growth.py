"""Growth: the comparison over months, when to switch, what waiting costs, the fleet through the week."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.base import guarded
from llmplan.app.chart_view import ChartView
from llmplan.app.controls import ControlPanel
from llmplan.app.layout import box, columns, stack, toolbar
from llmplan.app.model import AppModel
from llmplan.app.pages.growth_shown import (
    FURTHER,
    LATE_MONTHS,
    FleetShown,
    GrowthShown,
    first_values,
    fleet_shown,
    growth_fields,
    operations_zip,
    volumes,
    work_out,
)
from llmplan.app.pages.on_demand import Notice
from llmplan.app.pages.page import card, cards, table
from llmplan.app.parts import DownloadButton, HtmlView
from llmplan.charts.style import NOTHING_HEIGHT, nothing_figure
from llmplan.scenario import Scenario
from llmplan.wording import share, short_volume, usd, volume

OPEN = "–"
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
        quick = self._computed is None or _same_options(self.model.scenario, self._computed)
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
            self.costs.show(card("What each option costs over the plan", _cost_table(shown)))
            self.leaders.show(card("Who is ahead when", _leader_table(shown)))

    def _show_answer(self, shown: GrowthShown) -> None:
        self.answer.show(Markup('<p class="lp-answer">{}.</p>').format(_finding(shown)))
        self.figures.show(cards(_kpis(shown)))

    def _show_cumulative(self, shown: GrowthShown) -> None:
        from llmplan.charts.growth import FAMILY_NAMES, cumulative_figure

        payback = {key: switch.payback_month_now for key, switch in shown.switches.items()}
        names = {key: f"{FAMILY_NAMES[family]}: {_label(shown, key)}" for key, family in shown.drawn.items()}
        self.cumulative.show(
            cumulative_figure(shown.plan, shown.drawn, payback),
            title=_payback_title(shown),
            what="Payments added up, the move and servers bought included. Diamond: the month by which a move made "
            "now has paid back. A fall at the end: servers sold.",
            alt="; ".join(
                f"{name}: {usd(shown.plan.option(key).tco_usd)} in all, paid back by {_month(payback.get(key))}"
                for key, name in names.items()
            ),
            table={
                "end of month": np.arange(len(shown.plan.queries_per_day) + 1),
                **{name: np.round(shown.plan.option(key).cumulative_usd, 2) for key, name in names.items()},
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
            s.candidate_id: f"{FAMILY_NAMES[shown.families[s.candidate_id]]}: {_label(shown, s.candidate_id)}"
            for s in switches
        }
        self.waiting.show(
            waiting_figure(switches, shown.families),
            title=_waiting_title(shown),
            what="What switching in a month costs above switching in that option's best month, in present dollars.",
            alt="; ".join(f"{names[s.candidate_id]}: best month {_when(s.best_month)}" for s in switches),
            table={
                "month of the switch": np.arange(1, len(shown.plan.queries_per_day) + 1),
                **{names[s.candidate_id]: np.round(s.cost_of_waiting_usd[:-1], 2) for s in switches},
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
            title=_fleet_title(shown),
            what=f"Replicas through the week of month {shown.month}, {volume(shown.queries_per_day)} queries a day: "
            f"{shown.label}. Replicas that start are billed.",
            alt=f"Always on: {always.peak_replicas} replicas. Autoscaled: {week.autoscaled_replicas.min():.1f} to "
            f"{week.autoscaled_replicas.max():.1f}.",
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
        self.modes.show(card("Four ways to pay for that fleet", _mode_table(shown)))
        self.files_lead.show(card("Operations plan", _operations_lead(shown)))

    def _operations(self) -> tuple[str, str, bytes]:
        return operations_zip(self.model.scenario, self.model.catalog, dt.datetime.now(tz=dt.UTC).date())


def _same_options(scenario: Scenario, other: Scenario) -> bool:
    """Say whether two scenarios differ in name and volume only: then they share their options."""
    plain = {"name": "", "queries_per_day": 1.0}
    return scenario.model_copy(update=plain) == other.model_copy(update=plain)


def _label(shown: GrowthShown, option_id: str) -> str:
    return shown.plan.option(option_id).label


def _month(month: int | None) -> str:
    return "never" if month is None else "the start" if month == 0 else f"month\N{NO-BREAK SPACE}{month}"


def _when(index: int | None) -> str:
    return "never" if index is None else "now" if index == 0 else f"month\N{NO-BREAK SPACE}{index + 1}"


def _finding(shown: GrowthShown) -> str:
    plan, best = shown.plan, shown.plan.best
    months, first = len(plan.queries_per_day), plan.option(shown.incumbent_id)
    today = first.label.removesuffix(", in place")
    if best.option_id == shown.incumbent_id:
        return (
            f"Over {months} months nothing beats staying with {today}: {usd(best.npv_usd)} in present dollars"
        )
    switch = shown.switches[best.option_id]
    paid = "" if switch.payback_month is None else f", paid back by {_month(switch.payback_month)}"
    return (
        f"Over {months} months {best.label} costs least: {usd(best.npv_usd)} in present dollars, "
        f"{usd(first.npv_usd - best.npv_usd)} less than staying with {today}. Best moment to switch: "
        f"{_when(switch.best_month)}{paid}"
    )


def _kpis(shown: GrowthShown) -> list[tuple[str, str, str]]:
    plan = shown.plan
    path, best = plan.queries_per_day, plan.best
    entries = [
        (
            "Volume",
            f"{short_volume(path[0])} to {short_volume(path[-1])}/day",
            f"first to last of {len(path)} months",
        ),
        ("Least present cost", usd(best.npv_usd), best.label),
    ]
    own = shown.best_own_id
    if own is None:
        entries.append(("Self-hosting", OPEN, "no way to pay for it is feasible"))
    else:
        switch, row = shown.switches[own], plan.option(own)
        entries.append(("Best self-hosting", usd(row.npv_usd), row.label))
        paid = _month(switch.payback_month_now)
        entries.append(
            (
                "Self-hosting now pays back",
                paid if switch.payback_month_now is None else f"by {paid}",
                f"best month to switch: {_when(switch.best_month)}",
            )
        )
    return entries


def _payback_title(shown: GrowthShown) -> str:
    own = shown.best_own_id
    if own is None:
        return "What each option has cost, month by month"
    today = shown.plan.option(shown.incumbent_id).label.removesuffix(", in place")
    month = shown.switches[own].payback_month_now
    if month is None:
        return f"Self-hosting does not pay back against {today} within the plan"
    return f"Self-hosting pays back against {today} by {_month(month)}"


def _waiting_title(shown: GrowthShown) -> str:
    best = shown.plan.best.option_id
    if best == shown.incumbent_id:
        return "What a switch costs above its best month"
    switch = shown.switches[best]
    late = switch.cost_of_waiting_usd[:-1]
    at = min((switch.best_month or 0) + LATE_MONTHS, len(late) - 1)
    waited = at - (switch.best_month or 0)
    if waited <= 0:
        return f"Best month to switch: {_when(switch.best_month)}"
    return f"Switching {waited} months late costs {usd(float(late[at]))}"


def _cost_table(shown: GrowthShown) -> Markup:
    from llmplan.charts.growth import FAMILY_NAMES

    rows: list[tuple[object, ...]] = []
    late = min(LATE_MONTHS, len(shown.plan.queries_per_day) - 1)
    for row in sorted(shown.plan.options, key=lambda option: option.npv_usd):
        switch = shown.switches.get(row.option_id)
        rows.append(
            (
                row.label,
                FAMILY_NAMES[shown.families[row.option_id]].removeprefix("Best "),
                usd(row.npv_usd),
                usd(row.tco_usd),
                usd(shown.options[row.option_id].migration_usd),
                usd(float(row.flows_usd[0])),
                OPEN if switch is None else _when(switch.best_month),
                OPEN if switch is None else _month(switch.payback_month_now),
                OPEN if switch is None else usd(float(switch.cost_of_waiting_usd[late])),
            )
        )
    heads = (
        "Option",
        "Sort",
        "Present cost",
        "Total",
        "Moving",
        "At the start",
        "Switch",
        "Paid back",
        f"In month {late + 1}",
    )
    lead = Markup(
        '<p class="lp-help">Present cost: every payment discounted at {} a year. Paid back: for a switch made now. '
        "In month {}: what switching only then costs above the best month.</p>"
    ).format(share(shown.plan.discount_per_year), late + 1)
    return lead + table(heads, rows, "Costs over the plan", numbers=(2, 3, 4, 5, 8))


def _leader_table(shown: GrowthShown) -> Markup:
    rows: list[tuple[object, ...]] = [
        (
            f"{first} to {last}" if last > first else f"{first}",
            _label(shown, key),
            usd(float(shown.plan.option(key).cumulative_usd[last])),
        )
        for first, last, key in shown.leaders()
    ]
    heads = ("Months", "Has cost least so far", "By then")
    return table(heads, rows, "The leader of each month", numbers=(2,))


def _fleet_title(shown: FleetShown) -> str:
    always, _, scaled, _ = shown.week.modes
    saved = always.usd_per_month - scaled.usd_per_month
    if saved < 0.005 * always.usd_per_month:
        count = always.peak_replicas
        late = f", {always.slo_miss_share:.0%} of requests late" if always.slo_miss_share >= 0.01 else ""
        return f"Autoscaling saves nothing: {count} {'replica' if count == 1 else 'replicas'} round the clock{late}"
    return (
        f"Autoscaling saves {usd(saved)} a month ({saved / always.usd_per_month:.0%}); "
        f"requests late: {_small(scaled.slo_miss_share)}"
    )


def _small(value: float) -> str:
    return "none" if value < 5e-7 else f"{value:.2%}" if value >= 5e-5 else "under 0.01%"


def _mode_table(shown: FleetShown) -> Markup:
    rows: list[tuple[object, ...]] = [
        (
            mode.mode.capitalize(),
            mode.peak_replicas,
            f"{mode.replica_hours_per_month:,.0f}",
            usd(mode.usd_per_month),
            _small(mode.slo_miss_share),
            f"{mode.mean_wait_s:.2g} s" if mode.mean_wait_s >= 0.001 else "none",
            share(mode.unserved_share) if mode.unserved_share > 0 else "none",
        )
        for mode in shown.week.modes
    ]
    window = shown.week.window
    lead = Markup(
        '<p class="lp-help">Late: waits more than {:.3g} s for a replica. Active window: {} days a week from '
        "{:02d}:00 to {:02d}:00; the rest goes to the cheapest token price. A replica takes {:.0f} s to start.</p>"
    ).format(
        shown.week.wait_limit_s,
        window.days,
        window.start_hour,
        window.end_hour % 24,
        shown.week.policy.scale_up_lag_s,
    )
    heads = ("Billing", "Most replicas", "Replica-hours", "USD/month", "Late", "Mean wait", "Left to an API")
    return lead + table(heads, rows, "Billing modes", numbers=(1, 2, 3, 4, 5, 6))


def _operations_lead(shown: FleetShown) -> Markup:
    return Markup(
        "<p>If self-hosting is chosen: launch commands, alert rules, autoscaling manifests, gateway configuration, "
        'update calendar and storage for the cheapest fleet of the scenario.</p><p class="lp-help">{}</p>'
    ).format(shown.label)
