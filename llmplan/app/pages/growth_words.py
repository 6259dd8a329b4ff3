"""Growth in words and tables: what the page says of a plan."""

from __future__ import annotations

from markupsafe import Markup

from llmplan.app.pages.growth_shown import (
    LATE_MONTHS,
    FleetShown,
    GrowthShown,
)
from llmplan.app.pages.page import table
from llmplan.wording import counted, share, short_volume

OPEN = "–"


def option_label(shown: GrowthShown, option_id: str) -> str:
    """Return an option's name."""
    return shown.plan.option(option_id).label


def month_name(month: int | None) -> str:
    """Return a month of the plan in words."""
    return "never" if month is None else "the start" if month == 0 else f"month\N{NO-BREAK SPACE}{month}"


def month_of_switch(index: int | None) -> str:
    """Return in words when a switch is made; index 0 is now."""
    return "never" if index is None else "now" if index == 0 else f"month\N{NO-BREAK SPACE}{index + 1}"


def finding(shown: GrowthShown) -> str:
    """Return the page's answer: what costs least over the months, and when to switch."""
    plan, best = shown.plan, shown.plan.best
    months, first = len(plan.queries_per_day), plan.option(shown.incumbent_id)
    today = first.label.removesuffix(", in place")
    if best.option_id == shown.incumbent_id:
        cost = shown.money.short(best.npv_usd)
        return f"Over {months} months nothing beats staying with {today}: {cost} in present money"
    switch = shown.switches[best.option_id]
    paid = "" if switch.payback_month is None else f", paid back by {month_name(switch.payback_month)}"
    return (
        f"Over {months} months {best.label} costs least: {shown.money.short(best.npv_usd)} in present money, "
        f"{shown.money.short(first.npv_usd - best.npv_usd)} less than staying with {today}. Best moment to switch: "
        f"{month_of_switch(switch.best_month)}{paid}"
    )


def kpis(shown: GrowthShown) -> list[tuple[str, str, str]]:
    """Return the key figures: what, figure, note."""
    plan = shown.plan
    path, best = plan.queries_per_day, plan.best
    entries = [
        (
            "Volume",
            f"{short_volume(path[0])} to {short_volume(path[-1])}/day",
            f"first to last of {len(path)} months",
        ),
        ("Least present cost", shown.money.short(best.npv_usd), best.label),
    ]
    own = shown.best_own_id
    if own is None:
        entries.append(("Self-hosting", OPEN, "no way to pay for it is feasible"))
    else:
        switch, row = shown.switches[own], plan.option(own)
        entries.append(("Best self-hosting", shown.money.short(row.npv_usd), row.label))
        paid = month_name(switch.payback_month_now)
        entries.append(
            (
                "Self-hosting now pays back",
                paid if switch.payback_month_now is None else f"by {paid}",
                f"best month to switch: {month_of_switch(switch.best_month)}",
            )
        )
    return entries


def payback_title(shown: GrowthShown) -> str:
    """Return when self-hosting pays back, as a chart's title."""
    own = shown.best_own_id
    if own is None:
        return "What each option has cost, month by month"
    today = shown.plan.option(shown.incumbent_id).label.removesuffix(", in place")
    month = shown.switches[own].payback_month_now
    if month is None:
        return f"Self-hosting does not pay back against {today} within the plan"
    return f"Self-hosting pays back against {today} by {month_name(month)}"


def waiting_title(shown: GrowthShown) -> str:
    """Return what waiting costs, as a chart's title."""
    best = shown.plan.best.option_id
    if best == shown.incumbent_id:
        return "What a switch costs above its best month"
    switch = shown.switches[best]
    late = switch.cost_of_waiting_usd[:-1]
    at = min((switch.best_month or 0) + LATE_MONTHS, len(late) - 1)
    waited = at - (switch.best_month or 0)
    if waited <= 0:
        return f"Best month to switch: {month_of_switch(switch.best_month)}"
    return f"Switching {waited} months late costs {shown.money.short(float(late[at]))}"


def cost_table(shown: GrowthShown) -> Markup:
    """Return what each option costs over the plan."""
    from llmplan.charts.growth import FAMILY_NAMES

    rows: list[tuple[object, ...]] = []
    late = min(LATE_MONTHS, len(shown.plan.queries_per_day) - 1)
    for row in sorted(shown.plan.options, key=lambda option: option.npv_usd):
        switch = shown.switches.get(row.option_id)
        rows.append(
            (
                row.label,
                FAMILY_NAMES[shown.families[row.option_id]].removeprefix("Best "),
                shown.money.short(row.npv_usd),
                shown.money.short(row.tco_usd),
                shown.money.short(shown.options[row.option_id].migration_usd),
                shown.money.short(float(row.flows_usd[0])),
                OPEN if switch is None else month_of_switch(switch.best_month),
                OPEN if switch is None else month_name(switch.payback_month_now),
                OPEN if switch is None else shown.money.short(float(switch.cost_of_waiting_usd[late])),
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


def leader_table(shown: GrowthShown) -> Markup:
    """Return who has cost least so far, by month."""
    rows: list[tuple[object, ...]] = [
        (
            f"{first} to {last}" if last > first else f"{first}",
            option_label(shown, key),
            shown.money.short(float(shown.plan.option(key).cumulative_usd[last])),
        )
        for first, last, key in shown.leaders()
    ]
    heads = ("Months", "Has cost least so far", "By then")
    return table(heads, rows, "The leader of each month", numbers=(2,))


def fleet_title(shown: FleetShown) -> str:
    """Return what autoscaling saves, as a chart's title."""
    always, _, scaled, _ = shown.week.modes
    saved = always.usd_per_month - scaled.usd_per_month
    if saved < 0.005 * always.usd_per_month:
        count = always.peak_replicas
        late = f", {always.slo_miss_share:.0%} of requests late" if always.slo_miss_share >= 0.01 else ""
        return f"Autoscaling saves nothing: {counted(count, 'replica')} round the clock{late}"
    return (
        f"Autoscaling saves {shown.money.short(saved)} a month ({saved / always.usd_per_month:.0%}); "
        f"requests late: {small(scaled.slo_miss_share)}"
    )


def small(value: float) -> str:
    """Return a small share in words."""
    return "none" if value < 5e-7 else f"{value:.2%}" if value >= 5e-5 else "under 0.01%"


def mode_table(shown: FleetShown) -> Markup:
    """Return the ways to pay for the fleet through a week."""
    rows: list[tuple[object, ...]] = [
        (
            mode.mode.capitalize(),
            mode.peak_replicas,
            f"{mode.replica_hours_per_month:,.0f}",
            shown.money.short(mode.usd_per_month),
            small(mode.slo_miss_share),
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
    heads = ("Billing", "Most replicas", "Replica-hours", "A month", "Late", "Mean wait", "Left to an API")
    return lead + table(heads, rows, "Billing modes", numbers=(1, 2, 3, 4, 5, 6))


def operations_lead(shown: FleetShown) -> Markup:
    """Return what the operations plan holds, and for which fleet."""
    return Markup(
        "<p>If self-hosting is chosen: launch commands, alert rules, autoscaling manifests, gateway configuration, "
        'update calendar and storage for the cheapest fleet of the scenario.</p><p class="lp-help">{}</p>'
    ).format(shown.label)
