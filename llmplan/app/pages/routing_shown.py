"""What the routing page shows: the route asked for, the optimum, the article's point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from llmplan.app.fields import Field, MultiSelect, Number, Select, Slider
from llmplan.app.model import AppModel
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.router.costs import Router, Traffic
from llmplan.router.task_mixes import preset_tolerance, task_mix, task_mixes
from llmplan.routing.by_task import task_report
from llmplan.routing.plan import RoutePlan, plan_route
from llmplan.routing.report import route_report
from llmplan.routing.request import RouteRequest
from llmplan.scenario import Scenario

ARTICLE_SHARE = 0.7
ARTICLE_WEAK_USD, ARTICLE_STRONG_USD = 0.001, 0.015
TASKS_GROUP, TRAFFIC_GROUP = "Tasks that stay in house", "Caches and outages"
SCENARIO_MIX = "scenario"
GOALS = (
    ("share", "A share I choose"),
    ("threshold", "A threshold I choose"),
    ("floor", "Cheapest at a quality"),
)


@dataclass(frozen=True)
class ShownRoute:
    """The route, its report, and what stands beside it: None where it is out of reach."""

    route: RoutePlan
    report: dict[str, Any]
    tasks: dict[str, Any] | None
    optimum: RoutePlan | None
    article: RoutePlan | None


def first_values(catalog: Catalog) -> dict[str, Any]:
    """Return the page's inputs at the start: the article's split under a classifier that errs."""
    assumed = catalog.router_assumptions
    return {
        "weak": "llama-3.1-70b",
        "strong": "gpt-4o",
        "goal": "share",
        "share": ARTICLE_SHARE,
        "threshold": 0.5,
        "floor": 0.95,
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
        (m.model_id, f"{m.name}, own fleet") for m in catalog.models.values() if m.status != "measured only"
    ]
    apis = [a for a in catalog.apis.values() if a.status == "active"]
    paid = [(a.api_id, f"{a.api_id}, by token") for a in apis]
    strong = tuple((a.api_id, a.api_id) for a in apis if a.kind != "hosted_open")
    mixes = ((SCENARIO_MIX, "As the scenario"), *((m.mix_id, m.name) for m in task_mixes(catalog).values()))
    tasks = dict.fromkeys((t.task_id, t.task_name) for t in catalog.tasks)
    return [
        Select("weak", "Weak model", (*own, *paid)),
        Select("strong", "Strong model", strong),
        Select("goal", "Split by", GOALS),
        Slider("share", "Meant for the weak model", 0, 1, "", percent=True, step=0.01),
        Slider("threshold", "Goes up from P(hard)", 0, 1, "", percent=True, step=0.01),
        Slider("floor", "Least quality", 0.5, 1.1, "of GPT-4o", percent=True, step=0.01),
        Slider("accuracy", "Classifier's accuracy", 0.5, 1, "", percent=True, step=0.01),
        Number("router_usd", "Classifier's price", 0, 100_000, "USD/million"),
        Slider("hard_cost", "Hard query over an easy one", 1, 5, "x its cost", step=0.01),
        Select("mix", "Task mix", mixes),
        MultiSelect("in_house", "Tasks", tuple(tasks), TASKS_GROUP),
        Slider("exact_hits", "Exact cache answers", 0, 0.9, "", TRAFFIC_GROUP, percent=True, step=0.01),
        Slider(
            "semantic_hits", "Semantic cache, of the rest", 0, 0.9, "", TRAFFIC_GROUP, percent=True, step=0.01
        ),
        Slider("false_hits", "Of its hits, wrong", 0, 1, "", TRAFFIC_GROUP, percent=True, step=0.01),
        Slider("availability", "A replica is up", 0.9, 1, "", TRAFFIC_GROUP, percent=True, step=0.001),
    ]


def shown_route(model: AppModel, values: dict[str, Any]) -> ShownRoute:
    """Work out the route for the page's inputs; InputError where none is possible."""
    catalog = model.catalog
    request = _request(model.scenario, values, catalog)
    route = plan_route(request, catalog)
    mix = dict(request.scenario.task_mix)
    kept = [task for task in values["in_house"] if not mix or task in mix]
    article = replace(
        request,
        share_weak=ARTICLE_SHARE,
        threshold=None,
        quality_floor=None,
        accuracy=None,
        weak_usd_per_query=ARTICLE_WEAK_USD,
        strong_usd_per_query=ARTICLE_STRONG_USD,
        router=Router(),
        hard_token_multiplier=1.0,
        traffic=None,
        availability=None,
    )
    best = replace(request, share_weak=None, threshold=None, quality_floor=values["floor"])
    return ShownRoute(
        route,
        route_report(route),
        task_report(route, catalog, kept, _tolerance(values["mix"], kept, catalog)),
        _or_none(best, catalog),
        _or_none(article, catalog),
    )


def _request(scenario: Scenario, values: dict[str, Any], catalog: Catalog) -> RouteRequest:
    if values["mix"] != SCENARIO_MIX:
        scenario = scenario.but(task_mix=task_mix(catalog, values["mix"]).shares)
    goals = {"share": "share_weak", "threshold": "threshold", "floor": "quality_floor"}
    goal: dict[str, Any] = {goals[values["goal"]]: values[values["goal"]]}
    router = Router(values["router_usd"] / 1e6)
    return RouteRequest(
        scenario,
        values["weak"],
        values["strong"],
        accuracy=values["accuracy"],
        hard_token_multiplier=values["hard_cost"],
        router=router,
        traffic=Traffic(values["exact_hits"], values["semantic_hits"], values["false_hits"]),
        availability=values["availability"],
        **goal,
    )


def _tolerance(mix: str, kept: list[str], catalog: Catalog) -> dict[str, float]:
    return {} if mix == SCENARIO_MIX else preset_tolerance(catalog, mix, kept)


def _or_none(request: RouteRequest, catalog: Catalog) -> RoutePlan | None:
    try:
        return plan_route(request, catalog)
    except InputError:
        return None
