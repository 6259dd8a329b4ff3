"""Time in pictures: cumulative cost with payback, the cost of switching late, the fleet through the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.charts.style import GROUND, Figure, figure_of, line_trace, money_axis, money_hover, upright
from llmplan.growth import SwitchPlan, TimePlan
from llmplan.growth.autoscaling import FleetWeek
from llmplan.kinds import Kind
from llmplan.wording import Currency

FAMILY_NAMES = {
    "incumbent": "Runs today",
    "api": "Best API",
    "hosted": "Best hosted open model",
    "rented": "Self-hosted, rented",
    "reserved": "Self-hosted, reserved",
    "bought": "Self-hosted, bought",
    "hybrid": Kind.HYBRID.short,
}
FAMILY_STYLES = {
    "incumbent": ("@8", "dot"),
    "api": ("@1", "solid"),
    "hosted": ("@2", "dash"),
    "rented": ("@3", "solid"),
    "reserved": ("@6", "longdash"),
    "bought": ("@5", "longdashdot"),
    "hybrid": ("@4", "dashdot"),
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS_PER_DAY = 24


@dataclass(frozen=True, eq=False)
class WeekShown:
    """A week of a fleet, by hour.

    load_replicas: replicas that the load alone would keep at the target utilisation. (168,)
    static_replicas: of the fleet that never changes. autoscaled_replicas: mean billed. (168,)
    late_share: of the autoscaled fleet's requests. (168,)
    """

    load_replicas: Floats
    static_replicas: int
    autoscaled_replicas: Floats
    late_share: Floats


def week_shown(
    week: FleetWeek, static_replicas: int, replica_requests_per_s: float, target: float
) -> WeekShown:
    """Return a week of minutes as hours.

    Parameters
    ----------
    replica_requests_per_s: what a replica sustains; target: the utilisation that the autoscaler keeps.
    """
    by_hour = week.offered_requests_per_s.reshape(len(DAYS) * HOURS_PER_DAY, -1)
    weights = np.maximum(by_hour, 1e-12)
    late = week.late_share.reshape(by_hour.shape)
    return WeekShown(
        load_replicas=np.asarray(by_hour.mean(axis=1) / (replica_requests_per_s * target)),
        static_replicas=static_replicas,
        autoscaled_replicas=week.replicas_by_hour,
        late_share=np.asarray((late * weights).sum(axis=1) / weights.sum(axis=1)),
    )


def cumulative_figure(
    plan: TimePlan, drawn: Mapping[str, str], payback: Mapping[str, int | None], money: Currency
) -> Figure:
    """Draw what each option has cost by the end of each month, and where it has paid back.

    Parameters
    ----------
    drawn: option id -> family. payback: option id -> month by which a switch made now has paid back.
    """
    months = np.arange(len(plan.queries_per_day) + 1)
    data: list[Figure] = []
    marks: list[Figure] = []
    for option_id, family in drawn.items():
        option = plan.option(option_id)
        colour, dash = FAMILY_STYLES[family]
        data.append(_cost_line(months, option.cumulative_usd, FAMILY_NAMES[family], colour, dash, money))
        month = payback.get(option_id)
        if month is not None and family != "incumbent":
            marks.append(
                _mark(month, float(option.cumulative_usd[month]), colour, FAMILY_NAMES[family], money)
            )
    for mark in marks[1:]:
        mark["showlegend"] = False
    every = np.concatenate([np.asarray(line["y"], float) for line in data]) if data else np.zeros(1)
    return figure_of(
        [*data, *marks],
        xaxis=_months(len(months) - 1),
        yaxis=_sums(money, "so far", float(every.min()), float(every.max())),
        annotations=_month_names(marks),
    )


def waiting_figure(switches: Sequence[SwitchPlan], families: Mapping[str, str], money: Currency) -> Figure:
    """Draw what switching in each month costs above switching in the best one, in present money."""
    data = []
    for switch in switches:
        colour, dash = FAMILY_STYLES[families[switch.candidate_id]]
        late = switch.cost_of_waiting_usd[:-1]
        name = FAMILY_NAMES[families[switch.candidate_id]]
        data.append(_cost_line(np.arange(1, len(late) + 1), late, name, colour, dash, money))
    highest = max((float(np.max(line["y"])) for line in data), default=1.0)
    count = max((len(line["x"]) for line in data), default=1)
    return figure_of(
        data,
        xaxis={**_months(count), "title": "Month of the switch"},
        yaxis=_sums(money, "above the best month", 0.0, highest),
    )


def fleet_week_figure(week: WeekShown) -> Figure:
    """Draw the replicas of a week by hour: always on, autoscaled, and what the load alone asks for."""
    hours = np.arange(len(week.load_replicas) + 1)
    static = np.full(len(hours), float(week.static_replicas))
    scaled = np.append(week.autoscaled_replicas, week.autoscaled_replicas[-1])
    load = np.append(week.load_replicas, week.load_replicas[-1])
    top = max(static[0], float(scaled.max()), float(load.max()))
    data = [
        line_trace(hours, static, "Always on", "@8", "%{y:.0f} replicas", dash="dash"),
        line_trace(hours, scaled, "Autoscaled", "@3", "%{y:.3~g} replicas", shape="hv"),
        line_trace(hours, load, "Load at the target utilisation", "@1", "%{y:.2f}", dash="dot", width=1.5),
    ]
    ticks = [day * HOURS_PER_DAY + HOURS_PER_DAY / 2 for day in range(len(DAYS))]
    nights = [upright(day * HOURS_PER_DAY, "@grid", "solid", 1.0) for day in range(1, len(DAYS))]
    return figure_of(
        data,
        xaxis={
            "title": "",
            "range": [0, float(hours[-1])],
            "tickvals": ticks,
            "ticktext": list(DAYS),
            "showgrid": False,
        },
        yaxis={"title": "Replicas", "range": [0, top * 1.15], "dtick": max(1, round(top / 5))},
        shapes=nights,
    )


def _cost_line(
    months: npt.ArrayLike, usd: Floats, name: str, colour: str, dash: str, money: Currency
) -> Figure:
    hover = f"month %{{x:.0f}}: {money_hover(money, 'y')}"
    return line_trace(months, money.of(usd), name, colour, hover, dash=dash)


def _mark(month: int, cost_usd: float, colour: str, name: str, money: Currency) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": np.array([float(month)]),
        "y": np.array([money.of(cost_usd)]),
        "name": "paid back (month)",
        "legendgroup": "payback",
        "marker": {"color": colour, "symbol": "diamond", "size": 11, "line": {"color": "@ink", "width": 1}},
        "hovertemplate": f"{name}: paid back by month {month}, {money.short(cost_usd)} so far<extra></extra>",
    }


def _month_names(marks: Sequence[Figure]) -> list[Figure]:
    """Say each month in which something has paid back, once, on a ground that no line shines through.

    Above the highest mark of the month; of neighbouring months one to the right, the next to the left.
    """
    tops: dict[float, float] = {}
    for mark in marks:
        month, usd = float(mark["x"][0]), float(mark["y"][0])
        tops[month] = max(usd, tops.get(month, usd))
    months = sorted(tops)
    return [
        {
            "x": month,
            "y": tops[month],
            "text": f"{month:.0f}",
            "xanchor": ("left", "right")[(len(months) - 1 - place) % 2],
            "yanchor": "bottom",
            "yshift": 6,
            "showarrow": False,
            "bgcolor": GROUND,
            "font": {"size": 12},
        }
        for place, month in enumerate(months)
    ]


def _months(count: int) -> Figure:
    step = 1 if count <= 12 else 6 if count <= 36 else 12
    return {"title": "Month", "range": [0, count + 0.5], "dtick": step, "tick0": 0}


def _sums(money: Currency, title: str, low: float, high: float) -> Figure:
    pad = 0.06 * (high - min(low, 0.0)) or 1.0
    return money_axis(money, title, low - pad if low < 0 else 0.0, high + pad, automargin=True)
