"""Scenario: checked values, presets, TOML there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.options import evaluate
from llmplan.scenario import (
    Scenario,
    check_ids,
    load_scenario,
    make_scenario,
    scenario_from_toml,
    scenario_names,
    scenario_to_toml,
)

NAMED = {
    "article-as-computed",
    "article-as-stated",
    "support-chat",
    "rag",
    "batch-classification",
    "code-assistant",
    "chat-real",
    "coding-real",
}


def test_every_named_preset_loads_and_its_ids_exist() -> None:
    assert set(scenario_names()) >= NAMED
    for name in scenario_names():
        check_ids(load_scenario(name), load_catalog())


@pytest.mark.parametrize(
    ("preset", "gpt_4o", "sonnet"), [("article-as-computed", 2250, 3150), ("article-as-stated", 3000, 4050)]
)
def test_the_articles_api_months(preset: str, gpt_4o: float, sonnet: float) -> None:
    for factor in (1, 10):
        found = evaluate(load_scenario(preset).but(queries_per_day=10_000 * factor))
        usd = {item.option_id: found.monthly_usd[1, i] for i, item in enumerate(found.options.items)}
        assert usd["gpt-4o"] == pytest.approx(gpt_4o * factor)
        assert usd["claude-sonnet-4-5"] == pytest.approx(sonnet * factor)


def test_bad_values_name_field_value_rule_and_fix() -> None:
    with pytest.raises(InputError) as caught:
        Scenario().but(queries_per_day=float("nan"))
    assert caught.value.field == "queries_per_day"
    with pytest.raises(InputError, match="utilisation_ceiling = 0"):
        Scenario().but(utilisation_ceiling=0)


def test_an_unknown_field_offers_near_names() -> None:
    with pytest.raises(UnknownNameError) as caught:
        make_scenario({"querys_per_day": 1})
    assert "queries_per_day" in caught.value.near


def test_an_unknown_preset_offers_near_names() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_scenario("suport-chat")
    assert caught.value.near == ("support-chat",)


def test_unknown_ids_are_found_in_every_list() -> None:
    catalog = load_catalog()
    for field in ("api_ids", "model_ids", "gpu_ids", "engine_ids", "precision_ids", "gpu_providers"):
        with pytest.raises(UnknownNameError):
            check_ids(Scenario(**{field: ("nothing-like-it",)}), catalog)
    with pytest.raises(UnknownNameError):
        check_ids(Scenario(task_mix={"dancing": 1.0}), catalog)


def test_broken_toml_says_where() -> None:
    with pytest.raises(InputError, match="not valid TOML"):
        scenario_from_toml("queries_per_day = = 3")


def test_a_limit_taken_away_survives_toml() -> None:
    scenario = Scenario(ttft_limit_ms=None, task_mix={"code": 0.5, "rag-qa": 0.5}, gpu_ids=("t4",))
    assert scenario_from_toml(scenario_to_toml(scenario)) == scenario


@given(
    st.floats(1, 1e9),
    st.floats(1, 1e5),
    st.floats(0, 1),
    st.one_of(st.none(), st.floats(1, 1e4)),
    st.dictionaries(st.sampled_from(["t4", "h100-sxm", "l4"]), st.floats(0, 100), max_size=3),
)
def test_toml_there_and_back(
    volume: float, tokens: float, share: float, limit: float | None, prices: dict[str, float]
) -> None:
    scenario = Scenario(
        queries_per_day=volume,
        input_tokens=tokens,
        cached_input_share=share,
        tpot_limit_ms=limit,
        gpu_usd_per_hour=prices,
    )
    assert scenario_from_toml(scenario_to_toml(scenario)) == scenario


def test_presets_written_and_read_stay_the_same() -> None:
    for name in scenario_names():
        scenario = load_scenario(name)
        assert scenario_from_toml(scenario_to_toml(scenario)) == scenario
        assert make_scenario(scenario.to_dict()) == scenario


@pytest.mark.parametrize(
    ("field", "name", "near"),
    [
        ("gpu_usd_per_hour", "a100", "a100-80gb-sxm"),
        ("api_input_usd_per_mtok", "gpt4o", "gpt-4o"),
        ("api_output_usd_per_mtok", "gpt4o", "gpt-4o"),
        ("api_cached_input_usd_per_mtok", "gpt4o", "gpt-4o"),
    ],
)
def test_a_price_for_a_name_that_is_not_known_is_refused(field: str, name: str, near: str) -> None:
    """Silently ignored it would leave the catalog's price in the answer."""
    with pytest.raises(UnknownNameError, match=near):
        check_ids(Scenario().but(**{field: {name: 1.0}}), load_catalog())
    check_ids(Scenario().but(**{field: {near: 1.0}}), load_catalog())


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "queries_per_day = " + "9" * 5_000, "a = ["])
def test_a_file_that_no_one_can_read_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputError, match="scenario"):
        scenario_from_toml(text)


def test_names_count_once_and_a_byte_order_mark_not_at_all() -> None:
    found = scenario_from_toml("\ufeffgpu_ids = [" + '"l4", ' * 3_000 + '"t4"]')
    assert found.gpu_ids == ("l4", "t4")
