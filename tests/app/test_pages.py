"""Every page without a browser: what it shows, what changes it, and how it fails."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from llmplan.app.dashboard import PAGES, WITHOUT_SCENARIO, Dashboard
from llmplan.app.model import AppModel
from llmplan.app.pages.compare_two import CompareTwo
from llmplan.app.pages.cost_curves import CostCurvesPage
from llmplan.app.pages.hardware import HardwarePage
from llmplan.app.pages.routing import RoutingPage, routing_fields
from llmplan.app.pages.sources import SourcesPage
from llmplan.app.widgets.base import PLAIN_FAILURE, View
from llmplan.app.widgets.chart_view import ChartView
from llmplan.catalog import load_catalog
from llmplan.options import Option
from llmplan.router.costs import Router
from llmplan.routing import RouteRequest, plan_route
from llmplan.wording import DOLLAR, without_hardware


def views(root: Any) -> Iterator[View]:
    """Yield every view below a box."""
    for child in getattr(root, "children", ()):
        yield from views(child)
    if isinstance(root, View):
        yield root


def charts(page: Any) -> list[ChartView]:
    return [view for view in views(page.root) if isinstance(view, ChartView)]


@pytest.fixture(scope="module")
def model() -> AppModel:
    return AppModel()


@pytest.fixture(autouse=True)
def start_over(model: AppModel) -> None:
    model.pinned = None
    model.load_preset("support-chat")


QUICK_PAGES = ("decision", "cost_curves", "hardware", "routing", "article", "sources")


def test_the_pages_stand_in_their_order() -> None:
    wanted = [
        "decision",
        "cost_curves",
        "hardware",
        "routing",
        "risk",
        "growth",
        "traffic",
        "article",
        "sources",
    ]
    assert [name for name in wanted if name in PAGES] == list(PAGES)
    assert set(QUICK_PAGES) <= set(PAGES)


@pytest.mark.parametrize("name", QUICK_PAGES)
def test_a_page_shows_titles_alternatives_and_no_error(name: str, model: AppModel) -> None:
    page = PAGES[name][1](model)
    page.refresh()
    assert [view.error for view in views(page.root) if view.error] == []
    for chart in charts(page):
        meta = chart.figure["meta"]
        assert meta["title"] and meta["alt"] and meta["what"]
        assert chart.figure["data"]


@pytest.mark.parametrize("name", [name for name in QUICK_PAGES if name not in WITHOUT_SCENARIO])
def test_a_page_follows_the_scenario(name: str, model: AppModel) -> None:
    page = PAGES[name][1](model)
    page.refresh()
    before = [chart.figure for chart in charts(page)]
    model.change({"queries_per_day": 2_000_000})
    page.refresh()
    assert [chart.figure for chart in charts(page)] != before


@pytest.mark.parametrize("name", [name for name in QUICK_PAGES if name not in WITHOUT_SCENARIO])
def test_a_page_makes_records_of_what_it_shows_only(
    name: str, model: AppModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, make, new = [0], Option._make, Option.__new__

    def counted(build: Callable[..., Option], *args: Any, **kwargs: Any) -> Option:
        made[0] += 1
        return build(*args, **kwargs)

    monkeypatch.setattr(Option, "_make", partial(counted, make))
    monkeypatch.setattr(Option, "__new__", partial(counted, new))
    PAGES[name][1](model).refresh()
    assert made[0] < len(model.report.comparison.options) / 10


@pytest.mark.parametrize("name", [name for name in QUICK_PAGES if name not in WITHOUT_SCENARIO])
def test_a_scenario_that_nothing_meets_is_said_in_words(name: str, model: AppModel) -> None:
    model.change({"quality_floor": 1.5})
    page = PAGES[name][1](model)
    page.refresh()
    errors = {view.error for view in views(page.root) if view.error}
    assert PLAIN_FAILURE not in errors


def test_only_the_open_page_is_refreshed() -> None:
    shown = Dashboard(("decision", "cost_curves"))
    shown.go("cost_curves")
    shown.go("decision")
    other = charts(shown._made["cost_curves"])[0]
    before = other.figure
    shown.model.change({"queries_per_day": 3_000_000})
    assert other.figure is before
    shown.go("cost_curves")
    assert other.figure is not before


def test_pages_without_a_scenario_stand_alone() -> None:
    shown = Dashboard(("decision", "sources"))
    shown.go("sources")
    assert shown.panel not in list(views(shown.root))
    shown.go("decision")
    assert shown.panel in list(views(shown.root))


def test_the_fleet_that_the_headline_speaks_of_is_drawn(model: AppModel) -> None:
    """It may be another configuration of a model than the one that costs least today."""
    page = CostCurvesPage(model)
    page.refresh()
    assert set(model.report.curve_places) < set(page._volumes().places)
    told = page.answer.html.partition(" from ")[2].partition(" ")[0]
    marks = [label["text"] for label in page.curve.figure["layout"]["annotations"]]
    assert told in marks


def test_cost_curves_change_unit_scale_bands_and_lines(model: AppModel) -> None:
    page = CostCurvesPage(model)
    page.refresh()
    month = page.curve.figure
    page.change({"unit": "query"})
    assert page.curve.figure["layout"]["yaxis"]["title"] == "USD per 1,000 queries"
    page.change({"unit": "month", "scale": "linear"})
    assert page.curve.figure["layout"]["yaxis"].get("type") != "log"
    page.change({"scale": "log", "bands": False})
    assert len(page.curve.figure["data"]) < len(month["data"])
    page.change({"options": ["api:gpt-4o"]})
    assert [trace["name"] for trace in page.curve.figure["data"]] == ["gpt-4o API"]


def test_cost_over_model_size_reaches_from_one_to_hundreds_of_billions(model: AppModel) -> None:
    page = CostCurvesPage(model)
    page.refresh()
    answer = page.sizes.answer({"table": True}, [])
    assert answer is not None
    table = dict(zip(answer[0]["columns"], answer[0]["lists"], strict=True))
    sizes = table["billions of parameters"]
    assert min(sizes) < 2 and max(sizes) > 600


def test_hardware_follows_the_cheapest_until_the_reader_chooses(model: AppModel) -> None:
    page = HardwarePage(model)
    page.refresh()
    own = model.report.comparison.cheapest("self_hosted")
    assert own is not None
    assert page.controls.values["model_id"] == model.report.option(own).model_id
    page.change(
        {"model_id": "llama-3.1-405b", "precision_id": "bf16", "gpu_id": "a100-80gb-sxm", "n_gpus": "8"}
    )
    assert "cannot run" in page.answer.html and "What would fit" in page.answer.html
    assert "too much" in page.memory.figure["meta"]["title"]
    assert [view.error for view in views(page.root) if view.error] == []
    page.change({"cheapest": True})
    assert "fits" in page.answer.html


def test_hardware_lays_published_points_over_the_curves(model: AppModel) -> None:
    from llmplan.measurements.use import published_points

    point = next(
        p
        for p in published_points(load_catalog())
        if p.concurrency and p.ttft_ms and p.gpu_id == "h200-sxm" and p.arrival == "closed_loop"
    )
    model.change(
        {"input_tokens": point.input_tokens, "output_tokens": point.output_tokens}
        | {"input_tokens_p95": None, "output_tokens_p95": None}
    )
    page = HardwarePage(model)
    names = ("model_id", "precision_id", "gpu_id", "engine_id")
    page.change({name: getattr(point, name) for name in names} | {"n_gpus": str(point.n_gpus)})
    assert "measured" in [trace.get("name") for trace in page.curves["ttft_ms"].figure["data"]]


def test_routing_answers_to_its_own_inputs(model: AppModel) -> None:
    model.change({"queries_per_day": 1_000_000})
    page = RoutingPage(model)
    page.refresh()
    answers = [page.answer.html]
    for change in (
        {"share": 0.4},
        {"accuracy": 0.7},
        {"goal": "floor"},
        {"weak": "gpt-4o-mini"},
    ):
        page.change(change)
        answers.append(page.answer.html)
    assert len(set(answers)) == len(answers)
    assert page.flow.figure["data"][0]["type"] == "sankey"
    page.change({"mix": "article-70-30", "in_house": ["classification"]})
    assert "Keeping the marked tasks in house costs" in page.tasks.html
    assert [view.error for view in views(page.root) if view.error] == []


def test_routing_says_why_another_share_goes_down_than_is_easy(model: AppModel) -> None:
    """Of 80 % easy a classifier right in 90 % keeps 72, and sends 2 of the 20 hard down: 74."""
    page = RoutingPage(model)
    page.refresh()
    page.change({"share": 0.8, "accuracy": 0.9})
    assert "Sending 74%" in page.answer.html and "80% are easy; the classifier sends down" in page.answer.html
    assert "72% of all queries that are easy, and 2% that are hard" in page.answer.html


def test_routing_follows_what_runs_today_and_the_floor_of_the_scenario(model: AppModel) -> None:
    page = RoutingPage(model)
    page.refresh()
    found = model.report.comparison
    best = found.recommended
    assert best is not None
    assert "gpt-4o alone" in page.answer.html
    assert f"{best.label} is the cheapest" in page.answer.html
    assert DOLLAR.short(float(found.monthly_usd[1, found.order[0]])) in page.answer.html
    own = found.cheapest("self_hosted")
    assert own is not None and without_hardware(model.report.option(own).label) in page.answer.html
    model.change({"reference_api_id": "gpt-4o-mini", "quality_floor": 0.9})
    page.refresh()
    assert "gpt-4o-mini alone" in page.answer.html
    assert "at a quality of 90%" in page.tasks.html


def test_routing_asks_its_ends_at_the_chosen_efforts_as_the_shell_does(model: AppModel) -> None:
    model.change({"token_basis": "today"})
    page = RoutingPage(model)
    page.change({"weak": "gpt-5-mini", "strong": "gpt-5", "weak_effort": "minimal", "strong_effort": "low"})
    names = ("gpt-5-mini@minimal", "gpt-5@low")
    plan = plan_route(
        RouteRequest(
            model.report.scenario, *names, share_weak=0.7, accuracy=0.9, router=Router(5.23e-6),
            hard_token_multiplier=1.14,
        ),
        model.catalog,
    )  # fmt: skip
    assert all(name in page.answer.html for name in names)
    assert DOLLAR.short(plan.monthly_usd[1]) in page.answer.html
    page.change({"weak": "cheapest", "weak_effort": "none"})
    assert "gpt-5@low" in page.answer.html
    page.change({"strong": "gpt-4o"})
    assert "is not a known effort" in page.answer.error


def test_routing_tells_a_fleet_from_a_price_of_the_same_id(model: AppModel) -> None:
    (weak,) = (field for field in routing_fields(model.catalog) if field.key == "weak")
    keys = [key for key, _ in weak.options]
    assert len(set(keys)) == len(keys) and {"glm-5", "glm-5@"} <= set(keys)


def test_routing_splits_by_what_was_moved_last(model: AppModel) -> None:
    model.change({"queries_per_day": 1_000_000})
    page = RoutingPage(model)
    page.change({"threshold": 0.2})
    assert page.wanted["goal"] == page.controls.values["goal"] == "threshold"
    page.change({"share": 0.6})
    assert page.wanted["goal"] == page.controls.values["goal"] == "share"
    page.change({"goal": "floor", "share": 0.7})
    assert page.wanted["goal"] == "floor"


def test_routing_shows_caches_outages_and_what_a_task_may_lose(model: AppModel) -> None:
    model.change({"queries_per_day": 1_000_000})
    page = RoutingPage(model)
    page.change(
        {
            "weak": "llama-3.1-70b",
            "semantic_hits": 0.2,
            "false_hits": 0.1,
            "availability": 0.95,
            "mix": "article-70-30",
        }
    )
    link = page.flow.figure["data"][0]["link"]
    names = [label.partition("<br>")[0] for label in page.flow.figure["data"][0]["node"]["label"]]
    pairs = {(names[a], names[b]) for a, b in zip(link["source"], link["target"], strict=True)}
    assert ("queries", "cache") in pairs and ("llama-3.1-70b", "gpt-4o") in pairs
    assert "loses too much" in page.tasks.html


def test_routing_keeps_the_articles_point_at_its_unit_prices(model: AppModel) -> None:
    page = RoutingPage(model)
    page.refresh()
    marks = {trace["name"]: trace for trace in page.frontier.figure["data"]}
    article = next(trace for name, trace in marks.items() if name.startswith("the article"))
    usd = memory_of(article["x"])
    assert usd == pytest.approx(50_000 * 30 * (0.7 * 0.001 + 0.3 * 0.015), rel=1e-6)


def memory_of(array: dict[str, Any]) -> float:
    """Return the first float32 of an encoded array."""
    import numpy as np

    return float(np.frombuffer(array["data"], "<f4")[0])


def test_two_scenarios_stand_side_by_side_until_stopped(model: AppModel) -> None:
    compare = CompareTwo(model)
    compare.refresh()
    assert compare.body.children == ()
    compare.act("pin", None)
    assert "Stop comparing" in compare.buttons.html
    model.change({"queries_per_day": 500_000})
    compare.refresh()
    assert "A, now" in compare.present.html and "B, kept" in compare.pinned.html
    assert "more than B" in compare.bridge.figure["meta"]["title"]
    compare.act("swap", None)
    assert model.scenario.queries_per_day == 50_000
    assert "less than B" in compare.bridge.figure["meta"]["title"]
    compare.act("unpin", None)
    assert compare.body.children == ()


def test_a_link_that_only_compares_is_shown() -> None:
    shown = Dashboard(("decision",))
    shown.on_link({"preset": "support-chat", "compare": "preset=rag"})
    assert "B, kept: RAG" in shown._made["decision"].compare.pinned.html


def test_sources_are_filtered_and_saved(model: AppModel) -> None:
    page = SourcesPage(model)
    page.refresh()
    assert "gpt-4o" in page.rows.html
    page.change({"table": "gpu_prices", "words": "h100-nvl secure"})
    assert ">h100-nvl<" in page.rows.html and ">h100-sxm<" not in page.rows.html
    page.change({"words": "no such words"})
    assert "0 rows" in page.rows.html
    files = [button._build() for button in page.files.children]
    assert {name for name, _, _ in files} >= {
        "llmplan-apis.csv",
        "llmplan-gpu-prices.csv",
        "llmplan-models.csv",
    }
    for _, kind, content in files:
        lines = content.decode().splitlines()
        assert kind == "text/csv" and len(lines) > 5 and "source_id" in lines[0]


def test_the_hardware_page_rests_on_a_measurement(tmp_path: Path) -> None:
    from llmplan.app.dashboard import show
    from llmplan.scenario import Scenario

    file = tmp_path / "mine.csv"
    head = "model_id,precision,gpu_id,n_gpus,engine_id,isl_tokens,osl_tokens,arrival,concurrency"
    row = "llama-3.1-8b,fp8,h100-sxm,1,vllm,1000,250,closed_loop,32,1234,200,20"
    file.write_text(f"{head},output_tokens_per_s,ttft_ms,tpot_ms\n{row}\n")
    own = Scenario(
        model_ids=("llama-3.1-8b",),
        gpu_ids=("h100-sxm",),
        precision_ids=("fp8",),
        engine_ids=("vllm",),
        input_tokens=1000,
        output_tokens=250,
        measured_csv=str(file),
    )
    page = HardwarePage(AppModel(own))
    page.change({"model_id": "llama-3.1-8b", "precision_id": "fp8", "gpu_id": "h100-sxm", "n_gpus": "1"})
    assert "your measurement (mine.csv line 2)" in page.figures.html
    assert show("hardware", scenario=own) is not None
    board = Dashboard(["hardware"])
    said = board.on_file(b'measured_csv = "/etc/passwd"')
    assert "left out" in said
    assert board.model.scenario.measured_csv is None
