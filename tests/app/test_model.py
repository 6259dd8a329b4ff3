"""The headless model: changes, history, links, and what is worked out once."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from llmplan.app.fields import Slider
from llmplan.app.fields_of_scenario import scenario_fields, values_of
from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.catalog import data_dir, load_catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.export.files import export_bytes
from llmplan.kinds import Kind
from llmplan.options import Options
from llmplan.options.table import SIDES
from llmplan.recommend import recommend
from llmplan.scenario import FIELDS, Scenario, load_scenario, scenario_names
from llmplan.wording import without_hardware


@pytest.fixture
def model() -> AppModel:
    return AppModel()


def test_a_change_is_checked_and_a_bad_one_changes_nothing(model: AppModel) -> None:
    before = model.scenario
    with pytest.raises(InputError):
        model.change({"queries_per_day": -1})
    with pytest.raises(UnknownNameError):
        model.change({"gpu_ids": ("no-such-card",)})
    assert model.scenario == before and not model.can_undo


def test_undo_and_redo_walk_the_history(model: AppModel) -> None:
    first = model.scenario
    model.change({"queries_per_day": 1_000})
    model.load_preset("rag")
    model.undo()
    assert model.scenario.queries_per_day == 1_000 and model.preset == "support-chat"
    model.undo()
    assert model.scenario == first and not model.can_undo
    model.redo()
    model.redo()
    assert model.scenario == load_scenario("rag") and not model.can_redo
    model.reset()
    assert model.scenario == load_scenario("rag")


def test_a_change_after_undo_forgets_what_was_ahead(model: AppModel) -> None:
    model.change({"queries_per_day": 1_000})
    model.undo()
    model.change({"queries_per_day": 2_000})
    assert not model.can_redo


def test_a_link_carries_the_scenario_there_and_back(model: AppModel) -> None:
    model.change({"queries_per_day": 123_000, "quality_floor": 0.7, "gpu_ids": ("l4", "h100-sxm")})
    other = AppModel()
    other.open_query(model.query)
    assert other.scenario == model.scenario and other.ignored == ()


def test_a_bad_link_opens_with_what_counts_and_names_the_rest(model: AppModel) -> None:
    model.open_query({"queries_per_day": "70000", "no_such_field": "1", "quality_floor": "many"})
    assert model.scenario.queries_per_day == 70_000
    assert len(model.ignored) == 2 and "no_such_field" in model.ignored[0]
    model.open_query({"model_ids": "no-such-model"})
    assert model.scenario == load_scenario("support-chat")
    assert "no-such-model" in model.ignored[-1]


def test_a_link_carries_the_scenario_compared_with(model: AppModel) -> None:
    model.pinned = model.scenario
    model.change({"queries_per_day": 123_000})
    other = AppModel()
    other.open_query(model.query)
    assert other.pinned == model.pinned and other.scenario == model.scenario
    assert other.ignored == ()
    other.open_query({"compare": "queries_per_day=-1&model_ids=no-such-model"})
    assert len(other.ignored) == 2
    other.open_query({"compare": "&".join(f"a{i}=1" for i in range(101))})
    assert "compare" in other.ignored[0]


def test_the_answer_is_what_recommend_says_whatever_came_before(model: AppModel) -> None:
    """Edits that once kept a shortlist of other constraints: data in house, tight limits, long prompts."""
    path: tuple[dict[str, Any], ...] = (
        {"data_stays_in_house": True},
        {"tpot_limit_ms": 15.0},
        {
            "input_tokens": 30_000.0,
            "output_tokens": 1_000.0,
            "input_tokens_p95": None,
            "output_tokens_p95": None,
        },
        {"ttft_limit_ms": 500.0},
        {"data_stays_in_house": False, "ttft_limit_ms": 5_000.0, "queries_per_day": 3_000_000.0},
    )
    for changes in path:
        model.change(changes)
        advice = recommend(model.scenario, model.catalog, tipping=False)
        monthly = None if advice.monthly_usd is None else dict(zip(SIDES, advice.monthly_usd, strict=True))
        assert model.answer == {
            "option_id": advice.option_id,
            "kind": advice.kind,
            "monthly_usd": monthly,
            "quality": advice.quality,
        }
        if advice.label:
            assert without_hardware(advice.label) in model.report.finding


def test_a_hybrid_is_the_answer_where_it_costs_least(model: AppModel) -> None:
    model.load_preset("chat-real")
    own = {"model_quality": (("qwen3-14b", 0.9),), "model_ids": ("qwen3-14b",), "api_ids": ("gpt-4o",)}
    model.change({"quality_floor": 0.95, "queries_per_day": 3_000_000.0, **own})
    assert model.answer["kind"] == "hybrid" and model.report.finding.startswith("Route ")


def test_a_volume_moves_without_new_options_and_a_scenario_back_costs_nothing(model: AppModel) -> None:
    def options() -> Options:
        return model.report.comparison.alone

    first = options()
    model.change({"queries_per_day": 77_000})
    assert options() is first
    model.change({"input_tokens": 900.0, "input_tokens_p95": None})
    assert options() is not first
    model.undo()
    assert options() is first


def test_a_scenario_of_ones_own_has_no_preset() -> None:
    model = AppModel(Scenario(name="mine", queries_per_day=10))
    assert model.preset is None
    other = AppModel()
    other.open_query(model.query)
    assert other.scenario == model.scenario and other.ignored == ()


def test_a_link_is_short_and_starts_from_the_default_preset(model: AppModel) -> None:
    assert model.query == {}
    model.open_query({"queries_per_day": "70000", "output_tokens": "-1"})
    assert model.scenario == load_scenario("support-chat").but(queries_per_day=70_000)
    assert model.query == {"queries_per_day": "70000"}
    model.load_preset("rag")
    assert model.query == {"preset": "rag"}


def test_one_bad_field_of_a_link_does_not_take_the_others_along(model: AppModel) -> None:
    model.open_query({"queries_per_day": "70000", "gpu_ids": "no-such-card", "profile_id": "no-such"})
    assert model.scenario == load_scenario("support-chat").but(queries_per_day=70_000)
    assert len(model.ignored) == 2


@pytest.mark.parametrize("preset", scenario_names())
def test_every_value_that_can_be_taken_away_travels_in_the_link(model: AppModel, preset: str) -> None:
    model.load_preset(preset)
    taken = {name: None for name, field in FIELDS.items() if field.is_optional}
    model.change(taken | {"input_tokens": 90_000.0, "output_tokens": 7.0})
    other = AppModel()
    other.open_query(model.query)
    assert other.ignored == () and other.scenario == model.scenario


@pytest.mark.usefixtures("no_flips")
def test_the_currency_is_shown_travels_and_costs_no_new_options(model: AppModel) -> None:
    options = model.report.comparison.alone
    model.change({"currency_symbol": "€", "currency_per_usd": 0.5})
    assert model.report.comparison.alone is options
    assert "€" in model.report.finding and "$" not in model.report.finding
    other = AppModel()
    other.open_query(model.query)
    assert other.scenario == model.scenario
    with pytest.raises(InputError):
        model.change({"currency_symbol": "<b>"})
    whole = model.report
    page = export_bytes(whole, "html").decode()
    cost = whole.money.short(float(whole.comparison.monthly_usd[1, whole.comparison.order[0]]))
    assert cost.startswith("€") and cost in page


FEW: dict[str, Any] = {
    "model_ids": ("llama-3.1-8b", "llama-3.3-70b", "qwen3-30b-a3b"),
    "gpu_ids": ("l4", "a100-80gb-sxm", "h100-sxm"),
    "engine_ids": ("vllm",),
    "api_ids": ("gpt-4o", "gpt-4o-mini", "deepinfra/llama-3.1-8b-turbo"),
}


def test_flips_are_those_that_recommend_finds(model: AppModel) -> None:
    flips = Flips(model)
    model.load_preset("rag")
    model.change(FEW)
    flips.finish()
    assert flips.sentences == recommend(model.scenario, model.catalog).flips
    assert flips.steps_done > 10, "an input a step"


def test_flips_start_again_when_the_scenario_changes_half_way(model: AppModel) -> None:
    model.change({"queries_per_day": 54_321, **FEW})
    flips = Flips(model)
    flips.step()
    assert flips.sentences is None
    model.change({"queries_per_day": 12_345})
    flips.finish()
    model.undo()
    assert flips.sentences is None


def test_a_drag_is_one_step_back(model: AppModel) -> None:
    before = model.scenario
    for queries in (60_000, 70_000, 80_000):
        model.change({"queries_per_day": queries}, drag=7)
    model.change({"queries_per_day": 90_000}, drag=8)
    model.change({"input_tokens": 900})
    for queries in (90_000, 80_000):
        model.undo()
        assert model.scenario == before.but(queries_per_day=queries)
    model.undo()
    assert model.scenario == before and not model.can_undo
    model.redo()
    model.change({"queries_per_day": 85_000})
    model.undo()
    assert model.scenario.queries_per_day == 80_000


def test_the_peaks_slider_begins_where_it_moves_something() -> None:
    model = AppModel()
    own = model.scenario.but(peak_to_mean=1.0).workload(model.catalog).busiest_to_mean
    slider = next(f for f in scenario_fields(model.catalog, model.scenario) if f.key == "peak_to_mean")
    assert isinstance(slider, Slider) and own > 1 and slider.min == own
    shown = values_of(model.scenario.but(peak_to_mean=1.0), None, model.catalog)
    assert shown["peak_to_mean"] == own


def test_a_folders_own_preset_is_shown_as_that_preset(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "support-chat.toml").write_text("queries_per_day = 777\n")
    shutil.copyfile(data_dir() / "gpus.csv", tmp_path / "gpus.csv")
    model = AppModel(catalog=load_catalog(tmp_path))
    assert model.scenario.queries_per_day == 777
    assert values_of(model.scenario, model.preset, model.catalog)["preset"] == "support-chat"
    model.change({"queries_per_day": 778})
    assert values_of(model.scenario, model.preset, model.catalog)["preset"] == "custom"


def test_open_models_leave_hosted_ones_out_too() -> None:
    model = AppModel()
    model.change({"model_ids": ("llama-3.3-70b",)})
    items = model.report.comparison.options.items
    hosted = {m for m, kind in zip(items.model_id, items.kind, strict=True) if kind == Kind.HOSTED}
    assert hosted == {"llama-3.3-70b"}
    labels = [item.label for item in items if item.kind == Kind.HOSTED]
    assert len(set(labels)) == len(labels)
