"""Routing: part of the traffic to a cheap model, the rest to a strong one; what that costs and loses."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.pages.page import card, cards, table
from llmplan.app.pages.routing_shown import (
    ARTICLE_STRONG_USD,
    ARTICLE_WEAK_USD,
    TASKS_GROUP,
    TRAFFIC_GROUP,
    ShownRoute,
    first_values,
    routing_fields,
    shown_route,
)
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts.routing import RoutePoint, flow_figure, frontier_figure
from llmplan.wording import Currency, counted, share, short_volume


class RoutingPage:
    """The route's answer, its flow, the frontier, and which task goes where."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.wanted = first_values(model.catalog)
        self.controls = ControlPanel(
            routing_fields(model.catalog),
            self.wanted,
            self.change,
            label="Route",
            closed_groups=[TASKS_GROUP, TRAFFIC_GROUP],
        )
        self.answer, self.figures, self.tasks = HtmlView(live=True), HtmlView(), HtmlView()
        self.flow, self.frontier = ChartView(), ChartView()
        self.root = stack(
            [
                box([self.controls], "lp-inline"),
                self.answer,
                self.figures,
                columns([self.flow, self.frontier]),
                self.tasks,
            ]
        )

    @property
    def money(self) -> Currency:
        """The currency that the page is in."""
        money: Currency = self.model.scenario.currency
        return money

    def change(self, changes: dict[str, Any]) -> None:
        """Route otherwise; who moves the share or the threshold means to split by it."""
        moved = [key for key in ("share", "threshold") if key in changes]
        if moved and "goal" not in changes:
            changes = changes | {"goal": moved[-1]}
            self.controls.show({"goal": moved[-1]})
        self.wanted |= changes
        self.refresh()

    def refresh(self) -> None:
        """Route the present scenario."""
        shown = None
        with guarded(self.answer, self.figures, self.flow, self.frontier, self.tasks):
            shown = shown_route(self.model, self.wanted)
            self._show_answer(shown)
        if shown is None:
            return
        with guarded(self.flow):
            self._show_flow(shown)
        with guarded(self.frontier):
            self._show_frontier(shown)
        with guarded(self.tasks):
            self.tasks.show(_task_card(shown, self.money))

    def _show_answer(self, shown: ShownRoute) -> None:
        found = shown.report
        base, saving = found["monthly_usd"]["base"], found["saving_pct"]
        strong, weak = self.wanted["strong"], self.wanted["weak"]
        verdict = (
            f"{abs(saving):.0f}% {'less' if saving >= 0 else 'more'} than {strong} alone"
            if saving is not None
            else f"{strong} alone is free"
        )
        sentence = (
            f"Sending {share(found['share_weak'])} to {weak} costs {self.money.short(base)} a month, {verdict}, at "
            f"{found['quality']:.1%} of the reference's quality"
        )
        notes = Markup("").join(Markup("<li>{}</li>").format(note) for note in found["notes"])
        self.answer.show(
            Markup('<p class="lp-answer">{}.</p><ul class="lp-help">{}</ul>').format(sentence, notes)
        )
        self.figures.show(cards(_kpis(shown, self.money)))

    def _show_flow(self, shown: ShownRoute) -> None:
        flows = shown.report["flows"]
        parts = [(row["target"], row["monthly_usd"]) for row in flows if row["monthly_usd"] > 0]
        most = max(parts, key=lambda pair: pair[1], default=("nothing", 0.0))
        self.flow.show(
            flow_figure(flows, self.wanted["weak"], self.wanted["strong"], self.money),
            title=f"Most of the money goes to {most[0]}: {self.money.short(most[1])} a month",
            what="Where the queries of a day go; width by queries, with what each end costs a month.",
            alt="; ".join(
                f"{row['source']} to {row['target']}: {row['queries_per_day']:,.0f} queries a day, "
                f"{self.money.short(row['monthly_usd'])} a month"
                for row in flows
            ),
            table={
                "from": [row["source"] for row in flows],
                "to": [row["target"] for row in flows],
                "queries a day": [round(row["queries_per_day"]) for row in flows],
                f"{self.money.name} a month": [round(self.money.of(row["monthly_usd"]), 2) for row in flows],
            },
            filename="traffic-flow",
            height=400,
        )

    def _show_frontier(self, shown: ShownRoute) -> None:
        route = shown.route
        ways = np.argmin(route.total_usd[1], axis=0)
        splits = np.arange(len(ways))
        every_usd, every_quality = route.total_usd[1][ways, splits], route.quality[ways, splits]
        points = _points(shown)
        weak, strong = (self.money.each(usd) for usd in (ARTICLE_WEAK_USD, ARTICLE_STRONG_USD))
        self.frontier.show(
            frontier_figure(
                every_usd, every_quality, shown.report["frontier"], points, self.wanted["floor"], self.money
            ),
            title=_frontier_title(shown, self.wanted["strong"], self.money),
            what="Quality against cost of every split, the fleet re-sized for each. Dashed: the least "
            f"quality. The article: 70% at {weak} a query, 30% at {strong}.",
            alt="; ".join(
                f"{p.name}: {self.money.short(p.monthly_usd)}, quality {p.quality:.3f}" for p in points
            ),
            table={
                "share to the weak model": route.plan.share_weak,
                f"{self.money.name} a month": self.money.of(every_usd),
                "quality": every_quality,
            },
            filename="routing-frontier",
            height=400,
        )


def _points(shown: ShownRoute) -> list[RoutePoint]:
    route, found = shown.route, shown.report
    points = [
        RoutePoint(
            "all to the strong model", route.all_strong_usd, float(route.quality[0, 0]), "square", "@1"
        )
    ]
    if found["all_weak_usd"] is not None:
        way = int(np.argmin(route.total_usd[1, :, -1]))
        usd_month, quality = float(route.total_usd[1, way, -1]), float(route.quality[way, -1])
        points.append(RoutePoint("all to the weak model", usd_month, quality, "square", "@8"))
    if shown.article is not None:
        usd_month, quality = shown.article.monthly_usd[1], shown.article.chosen_quality
        points.append(RoutePoint("the article's 70% : 30% at unit prices", usd_month, quality, "x", "@2"))
    if shown.optimum is not None:
        best = shown.optimum
        points.append(
            RoutePoint(
                "cheapest at the least quality", best.monthly_usd[1], best.chosen_quality, "diamond", "@4"
            )
        )
    return [*points, RoutePoint("this split", found["monthly_usd"]["base"], found["quality"], "star", "@5")]


def _frontier_title(shown: ShownRoute, strong: str, money: Currency) -> str:
    best = shown.optimum
    if best is None:
        return "No split reaches the least quality"
    if best.share_weak == 0:
        return f"The cheapest way to the least quality is {strong} alone"
    cost = money.short(best.monthly_usd[1])
    return f"Cheapest at the least quality: {share(best.share_weak)} to the weak model, {cost}"


def _kpis(shown: ShownRoute, money: Currency) -> list[tuple[str, str, str]]:
    found, wrong = shown.report, shown.report["misrouting"]
    fleet, usd_month = found["fleet"], found["monthly_usd"]
    worth = found["worth_from_queries_per_day"]
    first = worth["first"] if worth else None
    where = (
        "at a unit price"
        if fleet["option_id"] is None
        else f"{fleet['label']}, {counted(fleet['gpus_total'], 'GPU')}"
    )
    pays = "–" if worth is None else "never" if first is None else f"from {short_volume(first)}/day"
    return [
        ("A month", money.short(usd_month["base"]), money.range(usd_month["low"], usd_month["high"])),
        ("A month of the weak end", money.short(fleet["monthly_usd"]["base"]), where),
        (
            "Misrouting costs",
            f"{money.short(wrong['strong_usd_for_easy'])}/month",
            f"easy queries sent up; hard ones sent down lose {wrong['quality_lost']:.1%} of quality",
        ),
        ("This split pays", pays, "against the strong model alone"),
    ]


def _task_card(shown: ShownRoute, money: Currency) -> Markup:
    if shown.tasks is None:
        return card("By task", Markup("<p>No task of the mix is scored for both models.</p>"))
    ends = {"weak": shown.route.sides.weak_label, "strong": shown.route.sides.strong_label}
    rows: list[tuple[object, ...]] = [
        (
            row["task"],
            ends[row["goes_to"]] + (" (stays in house)" if row["stays_in_house"] else ""),
            share(row["share"]),
            share(row["weak_quality"]) + ("" if row["within_tolerance"] else " (loses too much)"),
            share(row["strong_quality"]),
            money.short(row["strong_monthly_usd"]),
            row["article"] or "–",
        )
        for row in shown.tasks["rows"]
    ]
    heads = ("Task", "Goes to", "Share", "Weak", "Strong", "Strong, a month", "The article")
    shadow = shown.tasks["shadow_price_usd"]
    kept = (
        Markup("<p>Keeping the marked tasks in house costs {} a month.</p>").format(money.short(shadow))
        if shadow is not None
        else Markup("")
    )
    reached = "" if shown.tasks["floor_reached"] else " The least quality is out of reach for whole tasks."
    left_out = ", ".join(shown.tasks["not_scored"])
    missing = f" Left out, not scored for both: {left_out}." if left_out else ""
    lead = Markup('<p class="lp-help">Whole tasks to one end at a quality of {}.{}{}</p>').format(
        share(shown.tasks["floor"]), reached, missing
    )
    return card("By task", lead + table(heads, rows, "Tasks and where they go", numbers=(2, 3, 4, 5)) + kept)
