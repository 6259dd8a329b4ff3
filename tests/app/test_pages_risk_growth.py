"""The pages Risk and Growth: they show what the math says, wait to be asked, and never break the rest."""

import datetime as dt
import io
import zipfile

import pytest
from markupsafe import escape
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from llmplan.app.fields import Number
from llmplan.app.model import AppModel
from llmplan.app.pages.growth import GrowthPage, first_values, growth_fields, planned, volumes
from llmplan.app.pages.risk import RiskPage
from llmplan.app.widgets.base import View
from llmplan.errors import InputError
from llmplan.growth import compound_volumes
from llmplan.growth.planning import GrowthPlan
from llmplan.scenario import load_scenario
from llmplan.wording import DOLLAR, TODAY, capital, in_unit, without_hardware

ARTICLE = "article-as-computed"


def a_model(**changes: object) -> AppModel:
    return AppModel(load_scenario(ARTICLE).but(**changes))


def views(page: object) -> dict[str, View]:
    return {name: view for name, view in vars(page).items() if isinstance(view, View)}


def errors(page: object) -> dict[str, str]:
    return {name: view.error for name, view in views(page).items() if view.error}


def title(view: View) -> str:
    return str(view.figure["meta"]["title"])


@pytest.fixture(scope="module")
def risk_page() -> RiskPage:
    page = RiskPage(a_model())
    page.wanted["draws"] = "1000"
    page.open()
    page.flips.finish()  # what the browser asks for at rest
    page.open()
    return page


@pytest.fixture(scope="module")
def growth_page() -> GrowthPage:
    page = GrowthPage(a_model())
    page.open()
    return page


def test_risk_shows_the_numbers_of_the_math(risk_page: RiskPage) -> None:
    shown = risk_page.shown
    assert shown is not None
    assert errors(risk_page) == {}
    option = shown.risk.option(str(shown.risk.recommended_id))
    assert option is not None
    assert without_hardware(option.label) in risk_page.answer.html
    assert DOLLAR.short(shown.risk.saving.quantiles_usd[3]) in risk_page.figures.html
    assert "1,000 cases" in risk_page.answer.html
    assert "seed 0" in risk_page.answer.html
    assert DOLLAR.short(shown.bars[0].swing_usd) in title(risk_page.tornado)


def test_each_tipping_point_of_the_math_is_in_the_table(risk_page: RiskPage) -> None:
    tips = risk_page.flips.points or ()
    points = [(tip, point) for tip in tips for point in (tip.below, tip.above) if point is not None]
    assert points
    for tip, point in points:
        now = "" if tip.unit == TODAY else f"; now {in_unit(tip.base, tip.unit, DOLLAR)}"
        assert str(escape(f"{capital(point.condition)}{now}")) in risk_page.tipping.html
    assert ": outside" in risk_page.tipping.html and "gpt-4o API, $" in risk_page.tipping.html


def test_the_quality_ladder_names_the_choice_and_what_more_quality_costs(risk_page: RiskPage) -> None:
    shown = risk_page.shown
    assert shown is not None and len(shown.ladder) > 1
    assert shown.ladder[0].option_id == shown.risk.recommended_id
    for step in shown.ladder:
        assert str(escape(step.label)) in risk_page.ladder.html
        assert DOLLAR.short(step.monthly_usd) in risk_page.ladder.html


def test_every_chart_has_words_and_a_table(risk_page: RiskPage, growth_page: GrowthPage) -> None:
    charts = [risk_page.probability, risk_page.sides, risk_page.tornado, growth_page.cumulative]
    for view in [*charts, growth_page.waiting, growth_page.fleet]:
        meta = view.figure["meta"]
        assert meta["alt"]
        assert meta["what"]
        answer = view.answer({"table": True}, [])
        assert answer is not None
        assert all(len(column) > 0 for column in answer[0]["lists"])


def test_another_scenario_makes_the_page_stale_and_back_again_fresh() -> None:
    page = RiskPage(a_model())
    page.wanted["draws"] = "1000"
    page.open()
    before = page.answer.html
    page.model.change({"queries_per_day": 1000.0})
    page.refresh()
    assert "earlier scenario" in page.notice.html
    assert page.answer.html == before
    page.notice.answer({"action": "compute"}, [])
    assert page.notice.html == ""
    assert page.answer.html != before
    page.model.undo()
    page.refresh()
    assert page.notice.html == ""
    assert page.answer.html == before


def test_nothing_feasible_is_said_in_plain_words() -> None:
    model = a_model(quality_floor=1.5)
    risk, growth = RiskPage(model), GrowthPage(model)
    risk.open()
    growth.open()
    assert errors(risk) == {}
    assert "Nothing is feasible" in risk.answer.html
    assert errors(growth) == {}
    assert title(growth.fleet) == "No fleet"
    with pytest.raises(InputError):
        growth._operations()


def test_global_sensitivities_come_when_asked_for(risk_page: RiskPage) -> None:
    assert "figure" not in risk_page.sobol.figure
    risk_page.compute_sobol()
    assert risk_page.sobol_part.children == (risk_page.sobol,)
    assert "of the spread" in title(risk_page.sobol)


def plan_of_page(page: GrowthPage) -> GrowthPlan:
    return planned(page.model.scenario, page.model.catalog, page.wanted)


def test_growth_says_who_costs_least(growth_page: GrowthPage) -> None:
    assert errors(growth_page) == {}
    time = plan_of_page(growth_page).time
    assert without_hardware(time.best.label) in growth_page.answer.html
    assert DOLLAR.short(time.best.npv_usd) in growth_page.answer.html
    for option in time.options:
        assert DOLLAR.short(option.npv_usd) in growth_page.costs.html


def test_what_cannot_stay_is_not_called_staying(growth_page: GrowthPage) -> None:
    """What runs today is cheap over a plan where its price ends and the cheapest takes its place."""
    assert not plan_of_page(growth_page).forced_moves
    assert "until its price ends" not in growth_page.answer.html
    page = GrowthPage(AppModel(load_scenario("support-chat")))
    page.open()
    plan = plan_of_page(page)
    assert plan.incumbent_id in plan.forced_moves
    assert f"staying with {plan.today_label} until its price ends." in page.answer.html


def test_growth_draws_the_best_of_each_family(growth_page: GrowthPage) -> None:
    plan = plan_of_page(growth_page)
    drawn = plan.best_of_each()
    assert set(drawn.values()) == set(plan.families.values())
    for option_id, family in drawn.items():
        costs = [row.npv_usd for row in plan.time.options if plan.families[row.option_id] == family]
        assert plan.time.option(option_id).npv_usd == min(costs)


def test_moving_costs_and_the_way_to_pay_are_the_readers() -> None:
    model = a_model()
    values = first_values(model) | {"migration_rented": 123_456.0, "pay": "rented"}
    plan = planned(model.scenario, model.catalog, values)
    assert set(plan.families.values()) & {"reserved", "bought"} == set()
    rented = [key for key, family in plan.families.items() if family == "rented"]
    assert rented
    assert all(plan.time.option(key).flows_usd[0] == 123_456.0 for key in rented)


def test_every_figure_says_whether_it_is_a_month_or_a_year() -> None:
    units = {field.key: field.unit for field in growth_fields() if isinstance(field, Number)}
    assert units["growth"] == "a month"
    assert {units[key] for key in ("api_decline", "gpu_decline", "discount", "updates")} == {"a year"}


def test_volumes_follow_the_inputs() -> None:
    model = a_model()
    values = first_values(model) | {"growth": 0.1, "months": 12}
    expected = compound_volumes(model.scenario.queries_per_day, 0.1, 12)
    assert volumes(model.scenario, values).tolist() == expected.tolist()
    with pytest.raises(InputError, match="fewer months"):
        volumes(model.scenario, values | {"growth": 0.5, "months": 60})
    typed = values | {"shape": "series", "series": "1000, 2000", "months": 3}
    assert volumes(model.scenario, typed).tolist() == [1_000, 2_000, 2_000]
    for text in ("", "1000;2000", "1,2,3,4", "-1", "nan"):
        with pytest.raises(InputError, match="volumes"):
            volumes(model.scenario, typed | {"series": text})


def test_growth_waits_where_the_options_have_to_be_sized_anew() -> None:
    page = GrowthPage(a_model())
    page.open()
    page.model.change({"queries_per_day": 20_000.0})
    page.refresh()
    assert page.notice.html == ""
    page.model.change({"output_tokens": 123.0})
    page.refresh()
    assert "earlier scenario" in page.notice.html
    page.notice.answer({"action": "compute"}, [])
    assert page.notice.html == ""
    assert errors(page) == {}


def test_a_rule_broken_is_told_in_place(growth_page: GrowthPage) -> None:
    growth_page.change({"shape": "s_curve", "ceiling": 1.0})
    assert "ceiling" in growth_page.cumulative.error
    growth_page.change({"shape": "compound"})
    assert errors(growth_page) == {}


def test_the_operations_plan_is_a_whole_folder(growth_page: GrowthPage) -> None:
    name, mime, data = growth_page._operations()
    assert (name, mime) == ("llmplan-operations.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert {"operations/README.md", "operations/plan.json", "operations/launch/vllm.sh"} <= names
        assert archive.getinfo("operations/launch/vllm.sh").external_attr >> 16 == 0o755
        assert str(dt.datetime.now(tz=dt.UTC).year) in archive.read("operations/updates.csv").decode()


@pytest.mark.browser
def test_risk_in_the_browser(page: BrowserPage, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/?preset={ARTICLE}&page=risk")
    expect(page.get_by_role("heading", name="What would flip it")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("10,000 cases, each")).to_be_visible()
    page.get_by_label("Quality floor", exact=True).last.fill("70")
    page.keyboard.press("Enter")
    expect(page.get_by_text("computed for an earlier scenario")).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Recompute").click()
    expect(page.get_by_text("computed for an earlier scenario")).to_be_hidden(timeout=60_000)


@pytest.mark.browser
def test_growth_in_the_browser(page: BrowserPage, dashboard_url: str) -> None:
    page.goto(f"{dashboard_url}/?preset={ARTICLE}&page=growth")
    expect(page.get_by_role("heading", name="Four ways to pay for that fleet")).to_be_visible(timeout=60_000)
    page.get_by_label("Months", exact=True).last.fill("12")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Over 12 months")).to_be_visible(timeout=120_000)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Operations plan (ZIP)").click()
    assert waiting.value.suggested_filename == "llmplan-operations.zip"
