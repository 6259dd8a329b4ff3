"""Scenarios in links: there and back, and what a bad link is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.scenario import Scenario, load_scenario, scenario_names
from llmplan.scenario.text import field_text, field_value, scenario_from_query, scenario_to_query


def test_a_link_holds_only_what_differs() -> None:
    scenario = load_scenario("rag").but(queries_per_day=50_000)
    assert scenario_to_query(scenario, "rag") == {"preset": "rag", "queries_per_day": "50000"}
    assert scenario_to_query(Scenario()) == {}


@pytest.mark.parametrize("name", scenario_names())
def test_every_preset_travels_without_its_name(name: str) -> None:
    scenario = load_scenario(name)
    found, preset, ignored = scenario_from_query(scenario_to_query(scenario))
    assert (found, preset, ignored) == (scenario, None, ())


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1, 1e9),
    st.sampled_from(["rag", "support-chat", None]),
    st.lists(st.sampled_from(["t4", "l4", "h100-sxm"]), unique=True),
    st.one_of(st.none(), st.integers(1, 10_000)),
    st.dictionaries(st.sampled_from(["code", "rag-qa"]), st.integers(1, 9), max_size=2),
    st.booleans(),
)
def test_there_and_back(
    volume: float,
    preset: str | None,
    gpus: list[str],
    limit: int | None,
    mix: dict[str, int],
    stays: bool,
) -> None:
    start = load_scenario(preset) if preset else Scenario()
    scenario = start.but(
        queries_per_day=float(f"{volume:.10g}"),
        gpu_ids=tuple(gpus),
        ttft_limit_ms=limit,
        task_mix=mix,
        data_stays_in_house=stays,
        ranges={"queries_per_day": (10.0, 20.0, 30.0)},
    )
    assert scenario_from_query(scenario_to_query(scenario, preset)) == (scenario, preset, ())


def test_a_bad_link_keeps_what_is_good_and_says_what_was_ignored() -> None:
    query = {
        "preset": "no-such",
        "queries_per_day": "1000",
        "input_tokens": "-3",
        "colour": "red",
        "measured_csv": "/etc/passwd",
        "gpu_usd_per_hour": "t4:cheap",
    }
    found, preset, ignored = scenario_from_query(query)
    assert found == Scenario(queries_per_day=1000)
    assert preset is None
    assert len(ignored) == 5
    assert [
        word
        for word in ("no-such", "input_tokens", "colour", "measured_csv", "NAME:NUMBER")
        if word not in " ".join(ignored)
    ] == []


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*Scenario.model_fields, "preset", "x"]), st.text(max_size=30), max_size=6
    )
)
def test_no_link_breaks_the_page(query: dict[str, str]) -> None:
    found, _, ignored = scenario_from_query(query)
    assert isinstance(found, Scenario)
    assert all(isinstance(text, str) for text in ignored)


def test_values_as_the_shell_writes_them() -> None:
    assert field_value("gpu_ids", "t4, l4") == ("t4", "l4")
    assert field_value("gpu_usd_per_hour", "t4:0.3,l4:0.6") == {"t4": 0.3, "l4": 0.6}
    assert field_value("data_stays_in_house", "true") is True
    assert field_value("ranges", "queries_per_day:10~20") == {"queries_per_day": [10.0, 20.0]}
    assert field_text("ttft_limit_ms", None) == "none"
    with pytest.raises(InputError, match="NAME:NUMBER"):
        field_value("task_mix", "code=1")


def test_a_mean_may_stand_before_the_percentile_it_needs() -> None:
    scenario = Scenario(input_tokens=40_000, input_tokens_p95=90_000)
    found, _, ignored = scenario_from_query({"input_tokens": "40000", "input_tokens_p95": "90000"})
    assert (found, ignored) == (scenario, ())
    later, _, ignored = scenario_from_query(
        {"input_tokens": "300000", "input_tokens_p95": "none"}, lambda _found: None
    )
    assert later.input_tokens_p95 is None and ignored == ()


def test_a_caller_may_refuse_fields_for_reasons_of_its_own() -> None:
    def check(found: Scenario) -> None:
        if found.gpu_ids:
            raise InputError("gpu_ids", found.gpu_ids, "is not known", "use another")

    found, _, ignored = scenario_from_query({"gpu_ids": "x", "queries_per_day": "7"}, check)
    assert found == Scenario(queries_per_day=7)
    assert len(ignored) == 1 and "gpu_ids" in ignored[0]


@pytest.mark.parametrize("text", ["{'a': 1}", "[1, 2]", "7", "a,b"])
def test_pairs_that_are_none_are_refused_in_words(text: str) -> None:
    _, _, ignored = scenario_from_query({"task_mix": text})
    assert len(ignored) == 1 and "unpack" not in ignored[0] and "iterable" not in ignored[0]


def test_a_preset_figure_taken_away_survives_the_link() -> None:
    preset = "article-as-computed"
    changed = load_scenario(preset).but(engineering_usd_per_month=None)
    query = scenario_to_query(changed, preset)
    assert query["engineering_usd_per_month"] == "none"
    assert scenario_from_query(query)[0].engineering_usd_per_month is None
