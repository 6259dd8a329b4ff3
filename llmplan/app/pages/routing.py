"""Routing: part of the traffic to a cheap model, the rest to a strong one; what that costs and loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmplan.app.fields import Field, MultiSelect, Number, Select, Slider
from llmplan.app.model import AppModel
from llmplan.app.pages import routing_parts as parts
from llmplan.app.pages.page import Page, show_parts
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.kinds import Kind
from llmplan.options.standing import effort_name
from llmplan.quality import tables
from llmplan.report import Report
from llmplan.router.costs import Router, Traffic
from llmplan.router.task_mixes import preset_tolerance, task_mix, task_mixes
from llmplan.routing import RoutePlan, RouteRequest, plan_route
from llmplan.routing.by_task import task_report
from llmplan.routing.report import route_report

TASKS_GROUP, TRAFFIC_GROUP = "Tasks that stay in house", "Caches and outages"
SCENARIO_MIX, BEST_FLEET, RUNS_TODAY, AS_SOLD = "scenario", "cheapest", "today", "default"
"""Choices that follow the scenario: its tasks, its cheapest fleet, what runs today, the effort that goes with a name."""
GOALS = (
    ("share", "A share I choose"),
    ("threshold", "A threshold I choose"),
    ("floor", "Cheapest at the quality floor"),
)


class RoutingPage(Page):
    """The route's answer, its flow, the frontier, and which task goes where."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.wanted = first_values(model.catalog)
        fields, closed = routing_fields(model.catalog), [TASKS_GROUP, TRAFFIC_GROUP]
        self.controls = ControlPanel(fields, self.wanted, self.change, label="Route", closed_groups=closed)
        self.answer, self.figures, self.tasks = HtmlView(live=True), HtmlView(), HtmlView()
        self.flow, self.frontier = ChartView(), ChartView()
        self.root = stack(
            [
                self.answer,
                self.figures,
                columns([self.flow, self.frontier]),
                box([self.controls], "lp-inline"),
                self.tasks,
            ]
        )

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
        show_parts(
            lambda: routed(self.model.report, self.wanted),
            {
                self.answer: parts.answer,
                self.figures: parts.figures,
                self.flow: parts.flow_chart,
                self.frontier: parts.frontier_chart,
                self.tasks: parts.tasks_card,
            },
        )


def first_values(catalog: Catalog) -> dict[str, Any]:
    """Return the page's inputs at the start: the article's split between the scenario's own ends."""
    assumed = catalog.router_assumptions
    return {
        "weak": BEST_FLEET,
        "strong": RUNS_TODAY,
        "weak_effort": AS_SOLD,
        "strong_effort": AS_SOLD,
        "goal": "share",
        "share": parts.ARTICLE_SHARE,
        "threshold": 0.5,
        "accuracy": 0.9,
        "router_usd": assumed["router-usd-per-million"].base,
        "hard_cost": assumed["hard-token-multiplier"].base,
        "mix": SCENARIO_MIX,
        "in_house": [],
        "exact_hits": 0.0,
        "semantic_hits": 0.0,
        "false_hits": 0.0,
        "availability": 1.0,
    }


def routing_fields(catalog: Catalog) -> list[Field]:
    """Return the page's inputs."""
    own = [
        (m.model_id + "@" * (m.model_id in catalog.apis), f"{m.name}, own fleet")
        for m in catalog.models.values()
        if m.status != "measured only"
    ]
    apis = [a for a in catalog.apis.values() if a.is_offered(catalog.today)]
    paid = [(a.api_id, f"{a.api_id}, by token") for a in apis]
    strong = tuple((a.api_id, a.api_id) for a in apis if a.kind != "hosted_open")
    efforts = [(effort, effort_name(effort)) for effort in tables.efforts(catalog) if effort.isalpha()]
    mixes = ((SCENARIO_MIX, "As the scenario"), *((m.mix_id, m.name) for m in task_mixes(catalog).values()))
    return [
        Select("weak", "Easy queries go to", ((BEST_FLEET, "The cheapest own fleet"), *own, *paid)),
        Select("weak_effort", "They are asked at", ((AS_SOLD, "Default, or any"), *efforts)),
        Select("strong", "Hard ones go to", ((RUNS_TODAY, "What runs today"), *strong)),
        Select("strong_effort", "They are asked at", ((AS_SOLD, "Today's, or default"), *efforts)),
        Select("goal", "Split by", GOALS),
        Slider("share", "Share of easy queries", 0, 1, "", percent=True, step=0.01),
        Slider("threshold", "Counts as hard from", 0, 1, "sure", percent=True, step=0.01),
        Slider("accuracy", "Classifier's accuracy", 0.5, 1, "", percent=True, step=0.01),
        Number("router_usd", "Classifier's price", 0, 100_000, "USD/million queries"),
        Slider("hard_cost", "Hard query over an easy one", 1, 5, "x its cost", step=0.01),
        Select("mix", "Task mix", mixes),
        MultiSelect("in_house", "Tasks", tuple(tables.task_names(catalog).items()), TASKS_GROUP),
        Slider("exact_hits", "Exact cache answers", 0, 0.9, "", TRAFFIC_GROUP, percent=True, step=0.01),
        Slider(
            "semantic_hits", "Semantic cache, of the rest", 0, 0.9, "", TRAFFIC_GROUP, percent=True, step=0.01
        ),
        Slider("false_hits", "Of its hits, wrong", 0, 1, "", TRAFFIC_GROUP, percent=True, step=0.01),
        Slider("availability", "A replica is up", 0.9, 1, "", TRAFFIC_GROUP, percent=True, step=0.001),
    ]


def routed(report: Report, values: Mapping[str, Any]) -> parts.Routed:
    """Work out the route for the page's inputs, and what it is compared with; InputError where none is possible."""
    catalog, request = report.catalog, _request(report, values)
    floor = report.scenario.quality_floor
    route = plan_route(request, catalog)
    mix = dict(request.scenario.task_mix)
    kept = [task for task in values["in_house"] if not mix or task in mix]
    preset = values["mix"] != SCENARIO_MIX
    tolerance = preset_tolerance(catalog, values["mix"], kept) if preset else {}
    article = replace(
        request,
        share_weak=parts.ARTICLE_SHARE,
        threshold=None,
        quality_floor=None,
        accuracy=None,
        weak_usd_per_query=parts.ARTICLE_WEAK_USD,
        strong_usd_per_query=parts.ARTICLE_STRONG_USD,
        router=Router(),
        hard_token_multiplier=1.0,
        traffic=None,
        availability=None,
    )
    best = replace(request, share_weak=None, threshold=None, quality_floor=floor)
    return parts.Routed(
        report,
        route,
        route_report(route),
        task_report(route, catalog, kept, tolerance, floor=floor),
        optimum=_or_none(best, catalog),
        article=_or_none(article, catalog),
    )


def _request(report: Report, values: Mapping[str, Any]) -> RouteRequest:
    scenario, catalog = report.scenario, report.catalog
    weak, strong = _ends(report, values)
    if values["mix"] != SCENARIO_MIX:
        scenario = scenario.but(task_mix=task_mix(catalog, values["mix"]).shares)
    goals = {"share": {"share_weak": values["share"]}, "threshold": {"threshold": values["threshold"]}}
    goal = goals.get(values["goal"], {"quality_floor": scenario.quality_floor})
    router = Router(values["router_usd"] / 1e6)
    return RouteRequest(
        scenario,
        weak,
        strong,
        accuracy=values["accuracy"],
        hard_token_multiplier=values["hard_cost"],
        router=router,
        traffic=Traffic(values["exact_hits"], values["semantic_hits"], values["false_hits"]),
        availability=values["availability"],
        **goal,
    )


def _ends(report: Report, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return both ends by name, with the efforts that were chosen behind them."""
    weak, strong = (
        "" if values[f"{end}_effort"] == AS_SOLD else f"@{values[f'{end}_effort']}"
        for end in ("weak", "strong")
    )
    today = report.scenario.reference_api_id
    return (
        _best_fleet(report, weak) if values["weak"] == BEST_FLEET else values["weak"] + weak,
        (today if values["strong"] == RUNS_TODAY else values["strong"]) + strong,
    )


def _best_fleet(report: Report, effort: str) -> str:
    """Return the cheapest self-hosted option at an effort ("": any), or else the weak model that routing assumes."""
    found = report.comparison
    kinds, efforts = found.options.items.kind, found.options.items.effort
    fleets = (place for place in found.order if kinds[place] == Kind.SELF_HOSTED)
    place = next((place for place in fleets if not effort or f"@{efforts[place]}" == effort), None)
    return RouteRequest.weak + effort if place is None else report.option(place).option_id


def _or_none(request: RouteRequest, catalog: Catalog) -> RoutePlan | None:
    try:
        return plan_route(request, catalog)
    except InputError:
        return None
