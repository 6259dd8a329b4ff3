"""What each part of the Growth page shows: sentences, charts and tables of a plan and of a fleet's week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart, no_chart
from llmplan.app.widgets.html import card, note, paragraph, table
from llmplan.charts.growth import (
    DAYS,
    FAMILY_NAMES,
    cumulative_figure,
    fleet_week_figure,
    waiting_figure,
    week_shown,
)
from llmplan.growth.autoscaling.planned import CheapestWeek
from llmplan.growth.planning import GrowthPlan, forced_lines
from llmplan.report.headlines import payback_title
from llmplan.scenario import Scenario
from llmplan.wording import (
    NOTHING,
    Currency,
    counted,
    month_words,
    share,
    short_volume,
    volume,
    without_hardware,
)

LATE_MONTHS = 12
PLAN_HEIGHT, FLEET_HEIGHT = 380, 340


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan over months, and what its charts are stamped with."""

    plan: GrowthPlan
    money: Currency
    stamp: str

    @property
    def months(self) -> int:
        """How many months are planned."""
        return len(self.plan.time.queries_per_day)

    def label(self, option_id: str) -> str:
        """Return an option's name."""
        return self.plan.time.option(option_id).label

    def named(self, option_id: str) -> str:
        """Return an option's family and name."""
        return f"{FAMILY_NAMES[self.plan.families[option_id]]}: {self.label(option_id)}"


@dataclass(frozen=True, eq=False)
class Week:
    """The cheapest fleet of a month of the plan; `found` is None where self-hosting is not feasible."""

    month: int
    scenario: Scenario
    found: CheapestWeek | None
    stamp: str


def answer(shown: Planned) -> Markup:
    """Say what costs least over the months, and when to switch."""
    best, money = shown.plan.time.best, shown.money
    cost = f"{money.short(best.npv_usd)} in present money"
    if best.option_id == shown.plan.incumbent_id:
        return html.answer(f"Over {shown.months} months nothing beats {_staying(shown.plan)}: {cost}")
    switch = shown.plan.switches[best.option_id]
    less = money.short(shown.plan.time.options[0].npv_usd - best.npv_usd)
    paid = "" if switch.payback_month is None else f", paid back by {month_words(switch.payback_month)}"
    return html.answer(
        f"Over {shown.months} months {without_hardware(best.label)} costs least: {cost}, {less} less than "
        f"{_staying(shown.plan)}. Best moment to switch: {_moment(switch.best_month)}{paid}"
    )


def _staying(plan: GrowthPlan) -> str:
    """Return what is done where nothing is switched: an API whose price ends is left then."""
    ends = plan.incumbent_id in plan.forced_moves
    return f"staying with {plan.today_label}{' until its price ends' if ends else ''}"


def forced_moves(shown: Planned) -> Markup:
    """Say which prices of the plan end within it, and what the move that this forces costs."""
    lines = forced_lines(shown.plan, shown.money)
    return Markup("").join(note(line) for line in lines)


def figures(shown: Planned) -> Markup:
    """Return the key figures: volume, least cost, self-hosting and its payback."""
    path, best, own = shown.plan.time.queries_per_day, shown.plan.time.best, shown.plan.best_own
    span = f"{short_volume(path[0])} to {short_volume(path[-1])}/day"
    entries = [
        ("Volume", span, f"first to last of {len(path)} months"),
        ("Least present cost", shown.money.short(best.npv_usd), best.label),
    ]
    if own is None:
        return html.cards([*entries, ("Self-hosting", NOTHING, "no way to pay for it is feasible")])
    row = shown.plan.time.option(own.candidate_id)
    paid = ("" if own.payback_month_now is None else "by ") + month_words(own.payback_month_now)
    against = f"against {shown.plan.today_label}, which runs today"
    if row.npv_usd > best.npv_usd:
        against += f"; {shown.money.short(row.npv_usd - best.npv_usd)} more than {best.label}"
    return html.cards(
        [
            *entries,
            ("Best self-hosting over the plan", shown.money.short(row.npv_usd), row.label),
            ("Self-hosting now pays back", paid, against),
        ]
    )


def cumulative_chart(shown: Planned) -> Chart:
    """Draw what each option has cost so far, month by month."""
    time, drawn = shown.plan.time, shown.plan.best_of_each()
    payback = {key: switch.payback_month_now for key, switch in shown.plan.switches.items()}
    return Chart(
        cumulative_figure(time, drawn, payback, shown.money),
        title=payback_title(shown.plan),
        what="Payments added up, the move and servers bought included. Diamond: the month by which a move made "
        "now has paid back. A fall at the end: servers sold.",
        alt="; ".join(
            f"{shown.named(key)}: {shown.money.short(time.option(key).tco_usd)} in all, paid back by "
            f"{month_words(payback.get(key))}"
            for key in drawn
        ),
        table={
            "end of month": np.arange(shown.months + 1),
            **{
                shown.named(key): np.round(shown.money.of(time.option(key).cumulative_usd), 2)
                for key in drawn
            },
        },
        filename="cumulative-cost",
        footnote=shown.stamp,
        height=PLAN_HEIGHT,
    )


def waiting_chart(shown: Planned) -> Chart:
    """Draw what a switch in each month costs above its best month."""
    switches = [shown.plan.switches[key] for key in shown.plan.best_of_each() if key in shown.plan.switches]
    if not switches:
        return no_chart("Nothing to switch to")
    return Chart(
        waiting_figure(switches, shown.plan.families, shown.money),
        title=_waiting_title(shown),
        what="What switching in a month costs above switching in that option's best month, in present money.",
        alt="; ".join(f"{shown.named(s.candidate_id)}: best month {_moment(s.best_month)}" for s in switches),
        table={
            "month of the switch": np.arange(1, shown.months + 1),
            **{
                shown.named(s.candidate_id): np.round(shown.money.of(s.cost_of_waiting_usd[:-1]), 2)
                for s in switches
            },
        },
        filename="cost-of-waiting",
        footnote=shown.stamp,
        height=PLAN_HEIGHT,
    )


def _waiting_title(shown: Planned) -> str:
    best = shown.plan.time.best.option_id
    if best == shown.plan.incumbent_id:
        return "What a switch costs above its best month"
    switch = shown.plan.switches[best]
    at, cost = switch.cost_of_waiting(LATE_MONTHS)
    waited = at - (switch.best_month or 0)
    if waited <= 0:
        return f"Best month to switch: {_moment(switch.best_month)}"
    return f"Switching {waited} months late costs {shown.money.short(cost)}"


def costs_card(shown: Planned) -> Markup:
    """Return what each option costs over the plan."""
    late = min(LATE_MONTHS, shown.months - 1)
    money, switches = shown.money, shown.plan.switches
    rows = []
    for row in sorted(shown.plan.time.options, key=lambda option: option.npv_usd):
        switch = switches.get(row.option_id)
        moments = (
            (NOTHING,) * 3
            if switch is None
            else (
                _moment(switch.best_month),
                month_words(switch.payback_month_now),
                money.short(float(switch.cost_of_waiting_usd[late])),
            )
        )
        sums = (
            row.npv_usd,
            row.tco_usd,
            shown.plan.options[row.option_id].migration_usd,
            float(row.flows_usd[0]),
        )
        family = FAMILY_NAMES[shown.plan.families[row.option_id]].removeprefix("Best ")
        rows.append((row.label, family, *map(money.short, sums), *moments))
    heads = ("Option", "Kind", "Present cost", "Total", "Moving", "At the start", "Switch", "Paid back")
    lead = (
        f"Present cost: every payment discounted at {share(shown.plan.time.discount_per_year)} a year. Paid back: for "
        f"a switch made now. In month {late + 1}: what switching only then costs above the best month."
    )
    listed = table((*heads, f"In month {late + 1}"), rows, "Costs over the plan", (2, 3, 4, 5, 8))
    return card("What each option costs over the plan", note(lead), listed)


def leaders_card(shown: Planned) -> Markup:
    """Return who has cost least so far, by month."""
    rows = [
        (
            f"{first} to {last}" if last > first else f"{first}",
            shown.label(key),
            shown.money.short(float(shown.plan.time.option(key).cumulative_usd[last])),
        )
        for first, last, key in shown.plan.leaders()
    ]
    heads = ("Months", "Has cost least so far", "By then")
    return card("Who is ahead when", table(heads, rows, "The leader of each month", (2,)))


def fleet_chart(shown: Week) -> Chart:
    """Draw the fleet by hour of the week, always on and autoscaled."""
    found = shown.found
    if found is None:
        return no_chart("No fleet", "The Decision page says why.")
    always, policy = found.week.modes[0], found.week.policy
    hours = week_shown(
        found.week.week, always.peak_replicas, policy.replica_requests_per_s, policy.target_utilisation
    )
    count = len(hours.load_replicas)
    return Chart(
        fleet_week_figure(hours),
        title=_fleet_title(found, shown.scenario.currency),
        what=f"Replicas through the week of month {shown.month}, {volume(shown.scenario.queries_per_day)} queries "
        f"a day: {found.label}. Replicas that start are billed.",
        alt=f"Always on: {counted(always.peak_replicas, 'replica')}. Autoscaled: "
        f"{hours.autoscaled_replicas.min():.1f} to {hours.autoscaled_replicas.max():.1f}.",
        table={
            "hour": [f"{DAYS[i // 24]} {i % 24:02d}:00" for i in range(count)],
            "load, replicas": np.round(hours.load_replicas, 3),
            "always on": np.full(count, hours.static_replicas),
            "autoscaled": np.round(hours.autoscaled_replicas, 3),
            "late share": np.round(hours.late_share, 6),
        },
        filename="fleet-by-hour-of-week",
        footnote=shown.stamp,
        height=FLEET_HEIGHT,
    )


def _fleet_title(found: CheapestWeek, money: Currency) -> str:
    """Say what autoscaling saves."""
    always, _, scaled, _ = found.week.modes
    saved = found.week.autoscaling_saves_usd
    if saved < 0.005 * always.usd_per_month:
        late = f", {always.slo_miss_share:.0%} of requests late" if always.slo_miss_share >= 0.01 else ""
        return f"Autoscaling saves nothing: {counted(always.peak_replicas, 'replica')} round the clock{late}"
    return (
        f"Autoscaling saves {money.short(saved)} a month ({saved / always.usd_per_month:.0%} of the rent); "
        f"requests late: {_small(scaled.slo_miss_share)}"
    )


def modes_card(shown: Week) -> Markup:
    """Return the ways to pay for the fleet through a week."""
    if shown.found is None:
        return Markup("")
    found, money = shown.found.week, shown.scenario.currency
    rows = [
        (
            mode.mode.capitalize(),
            mode.peak_replicas,
            f"{mode.replica_hours_per_month:,.0f}",
            money.short(mode.usd_per_month),
            _small(mode.slo_miss_share),
            f"{mode.mean_wait_s:.2g} s" if mode.mean_wait_s >= 0.001 else "none",
            share(mode.unserved_share) if mode.unserved_share > 0 else "none",
        )
        for mode in found.modes
    ]
    window = found.window
    lead = (
        f"Late: waits more than {found.wait_limit_s:.3g} s for a replica. Active window: {window.days} days a week "
        f"from {window.start_hour:02d}:00 to {window.end_hour % 24:02d}:00; the rest goes to the cheapest token "
        f"price. A replica takes {found.policy.scale_up_lag_s:.0f} s to start. Paid here: GPU rent, and tokens where an "
        "API takes over; people and the fleet's other costs come on top, the same in all four."
    )
    heads = (
        "Billing",
        "Most replicas",
        "Replica-hours",
        "Paid a month",
        "Late",
        "Mean wait",
        "Left to an API",
    )
    listed = table(heads, rows, "Billing modes", range(1, 7))
    return card("Four ways to pay for that fleet", note(lead), listed)


def operations_card(shown: Week) -> Markup:
    """Say what the operations plan holds, and for which fleet."""
    if shown.found is None:
        return card("Operations plan", paragraph("Self-hosting is not feasible here."))
    text = (
        "If self-hosting is chosen: launch commands, alert rules, autoscaling manifests, gateway configuration, "
        "update calendar and storage for the cheapest fleet of the scenario."
    )
    return card("Operations plan", paragraph(text), note(shown.found.label))


def _moment(index: int | None) -> str:
    """Return in words when a switch is made; index 0 is now."""
    return "now" if index == 0 else month_words(None if index is None else index + 1)


def _small(value: float) -> str:
    """Return a small share in words."""
    return "none" if value < 5e-7 else f"{value:.2%}" if value >= 5e-5 else "under 0.01%"
