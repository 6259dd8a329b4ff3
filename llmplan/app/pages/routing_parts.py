"""What each part of the Routing page shows: the route asked for, beside the optimum and the article's point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart
from llmplan.app.widgets.html import card, note, paragraph, table
from llmplan.charts.routing import RoutePoint, flow_figure, frontier_figure
from llmplan.report import Report
from llmplan.routing import RoutePlan
from llmplan.wording import NOTHING, Currency, counted, share, short_volume, without_hardware

ARTICLE_SHARE = 0.7
ARTICLE_WEAK_USD, ARTICLE_STRONG_USD = 0.001, 0.015
HEIGHT, LEGEND = 400, 110
SAME_SHARE = 0.005
"""Within which two shares are told as one."""


@dataclass(frozen=True, eq=False)
class Routed:
    """A route, its report, and what stands beside it: None where it is out of reach.

    decision: the scenario's answer over all options. tasks: None where no task is scored for both models.
    """

    decision: Report
    route: RoutePlan
    report: dict[str, Any]
    tasks: dict[str, Any] | None
    optimum: RoutePlan | None
    article: RoutePlan | None

    @property
    def floor(self) -> float:
        """The least quality, which the optimum keeps."""
        return self.decision.scenario.quality_floor

    @property
    def weak(self) -> str:
        item = self.route.sides.item(self.route.way)
        shown = item is not None and "@" in self.route.request.weak
        return without_hardware(item.label) if item is not None and shown else self.route.request.weak

    @property
    def flows(self) -> list[dict[str, Any]]:
        """Where the queries go, the weak end by its name."""
        named = {self.route.sides.weak_label: self.weak}
        return [
            row | {end: named.get(row[end], row[end]) for end in ("source", "target")}
            for row in self.report["flows"]
        ]

    @property
    def strong(self) -> str:
        return self.route.request.strong

    @property
    def money(self) -> Currency:
        """The currency that the page is in."""
        return self.route.request.scenario.currency


def answer(shown: Routed) -> Markup:
    """Say what the split costs, saves and keeps of the quality."""
    found, saving = shown.report, shown.report["saving_pct"]
    verdict = (
        f"{shown.strong} alone is free"
        if saving is None
        else f"{abs(saving):.0f}% {'less' if saving >= 0 else 'more'} than {shown.strong} alone"
    )
    cost = shown.money.short(found["monthly_usd"]["base"])
    sentence = (
        f"Sending {share(found['share_weak'])} to {shown.weak} costs {cost} a month, {verdict}, at "
        f"{share(found['quality'])} of today's quality"
    )
    return (
        html.answer(sentence)
        + html.facts([*_sent_down(found), ("Decision", _against_the_answer(shown))])
        + html.bullets(found["notes"], "lp-help")
    )


def _sent_down(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say why another share goes to the cheaper end than is easy: the classifier errs both ways."""
    wrong = found["misrouting"]
    easy, hard = 1 - wrong["hard_share"], wrong["hard_sent_down_share"]
    right = easy - wrong["easy_sent_up_share"]
    if abs(right + hard - found["share_weak"]) > SAME_SHARE or share(right) == share(easy):
        return []
    words = f"{share(right)} of all queries that are easy, and {share(hard)} that are hard but taken for easy"
    return [(f"{share(easy)} are easy; the classifier sends down", words)]


def _against_the_answer(shown: Routed) -> str:
    """Say what the scenario's answer over all options costs."""
    found = shown.decision.comparison
    item = found.recommended
    if item is None:
        return "no option meets the scenario"
    cost = shown.money.short(found.best_usd)
    return f"over all options {item.label} is the cheapest: {cost} a month at {share(item.quality)} of the quality"


def figures(shown: Routed) -> Markup:
    """Return the key figures: cost, fleet, misrouting, from which volume it pays."""
    found, money = shown.report, shown.money
    fleet, usd, wrong, worth = (
        found[name] for name in ("fleet", "monthly_usd", "misrouting", "worth_from_queries_per_day")
    )
    where = (
        "at a unit price"
        if fleet["option_id"] is None
        else f"{fleet['label']}, {counted(fleet['gpus_total'], 'GPU')}"
    )
    first = worth["first"] if worth else None
    pays = NOTHING if worth is None else "never" if first is None else f"from {short_volume(first)}/day"
    lost = f"easy queries sent up; hard ones sent down lose {share(wrong['quality_lost'])} of quality"
    return html.cards(
        [
            ("A month", money.short(usd["base"]), money.range(usd["low"], usd["high"])),
            ("A month for the easy queries", money.short(fleet["monthly_usd"]["base"]), where),
            ("Misrouting costs", f"{money.short(wrong['strong_usd_for_easy'])}/month", lost),
            ("This split pays", pays, f"against {shown.strong} alone"),
        ]
    )


def flow_chart(shown: Routed) -> Chart:
    """Draw where the queries of a day go, and what each end costs."""
    flows, money = shown.flows, shown.money
    paid = {row["target"]: row["monthly_usd"] for row in flows if row["monthly_usd"] > 0}
    dearest = max(paid, key=lambda target: paid[target], default="nothing")
    return Chart(
        flow_figure(flows, shown.weak, shown.strong, money),
        title=f"Most of the money goes to {dearest}: {money.short(paid.get(dearest, 0.0))} a month",
        what="Where the queries of a day go; width by queries, with what each end costs a month.",
        alt="; ".join(
            f"{row['source']} to {row['target']}: {row['queries_per_day']:,.0f} queries a day, "
            f"{money.short(row['monthly_usd'])} a month"
            for row in flows
        ),
        table={
            "from": [row["source"] for row in flows],
            "to": [row["target"] for row in flows],
            "queries a day": [round(row["queries_per_day"]) for row in flows],
            f"{money.name} a month": [round(money.of(row["monthly_usd"]), 2) for row in flows],
        },
        filename="traffic-flow",
        height=HEIGHT,
    )


def frontier_chart(shown: Routed) -> Chart:
    """Draw quality against cost of every split, with the points that it is compared with."""
    route, money, points = shown.route, shown.money, _points(shown)
    usd, quality = route.cheapest_of_each_split
    weak, strong = money.each(ARTICLE_WEAK_USD), money.each(ARTICLE_STRONG_USD)
    return Chart(
        frontier_figure(usd, quality, shown.report["frontier"], points, shown.floor, money),
        title=_frontier_title(shown),
        what="Quality against cost of every split, the fleet re-sized for each. Dashed: the "
        f"quality floor. The article: 70% at {weak} a query, 30% at {strong}.",
        alt="; ".join(f"{p.name}: {money.short(p.monthly_usd)}, quality {p.quality:.3f}" for p in points),
        table={
            "share of easy queries": route.plan.share_weak,
            f"{money.name} a month": money.of(usd),
            "quality": quality,
        },
        filename="routing-frontier",
        height=HEIGHT + LEGEND,
    )


def _points(shown: Routed) -> list[RoutePoint]:
    route, found = shown.route, shown.report
    usd, quality = route.cheapest_of_each_split
    points = [RoutePoint(f"all to {shown.strong}", float(usd[0]), float(quality[0]), "square", "@1")]
    if found["all_weak_usd"] is not None:
        points.append(
            RoutePoint("all to the easy queries' model", float(usd[-1]), float(quality[-1]), "square", "@8")
        )
    for name, other, symbol, colour in (
        ("the article's 70% : 30% at unit prices", shown.article, "x", "@2"),
        ("cheapest at the quality floor", shown.optimum, "diamond", "@4"),
    ):
        if other is not None:
            points.append(RoutePoint(name, other.monthly_usd[1], other.chosen_quality, symbol, colour))
    found_best = shown.decision.comparison
    if (item := found_best.recommended) is not None and item.quality is not None:
        cost = found_best.best_usd
        points.append(
            RoutePoint("the Decision page's answer", cost, item.quality, "hexagram", item.kind.colour)
        )
    return [*points, RoutePoint("this split", found["monthly_usd"]["base"], found["quality"], "star", "@5")]


def _frontier_title(shown: Routed) -> str:
    best = shown.optimum
    if best is None:
        return "No split of these two reaches the quality floor"
    cost = shown.money.short(best.monthly_usd[1])
    if best.share_weak == 0:
        return f"Of these two, {shown.strong} alone is the cheapest at the quality floor: {cost}"
    return f"Of these two, cheapest at the quality floor: {share(best.share_weak)} to {shown.weak}, {cost}"


def tasks_card(shown: Routed) -> Markup:
    """Return which task goes where, and what keeping some in house costs."""
    found = shown.tasks
    if found is None:
        return card("By task", paragraph("No task of the mix is scored for both models."))
    ends = {"weak": shown.weak, "strong": shown.route.sides.strong_label}
    rows = [
        (
            row["task"],
            ends[row["goes_to"]] + (" (stays in house)" if row["stays_in_house"] else ""),
            share(row["share"]),
            share(row["weak_quality"]) + ("" if row["within_tolerance"] else " (loses too much)"),
            share(row["strong_quality"]),
            shown.money.short(row["strong_monthly_usd"]),
            row["article"] or NOTHING,
        )
        for row in found["rows"]
    ]
    heads = (
        "Task",
        "Goes to",
        "Share",
        "Easy queries' model",
        "Hard ones' model",
        "All to the hard ones' model, a month",
        "The article",
    )
    lead = f"Whole tasks to one end at a quality of {share(found['floor'])}."
    if not found["floor_reached"]:
        lead += " The least quality is out of reach for whole tasks."
    if found["not_scored"]:
        lead += f" Left out, not scored for both: {', '.join(found['not_scored'])}."
    listed = table(heads, rows, "Tasks and where they go", (2, 3, 4, 5))
    shadow = found["shadow_price_usd"]
    if shadow is None:
        return card("By task", note(lead), listed)
    kept = f"Keeping the marked tasks in house costs {shown.money.short(shadow)} a month."
    return card("By task", note(lead), listed, paragraph(kept))
