"""Workload: peaks, profiles, contexts, and real traces."""

import numpy as np
import pytest
from pydantic import ValidationError

from llmplan.catalog import data_dir, load_catalog
from llmplan.errors import InputError
from llmplan.scenario import Scenario, load_scenario
from llmplan.scenario.workload import Workload, check_profile, filled_day, fleet_peak


def test_peak_by_hand() -> None:
    load = Workload(queries_per_day=86_400, input_tokens=10, output_tokens=10, peak_to_mean=3)
    assert load.mean_requests_per_s == 1
    assert load.peak_requests_per_s == 3
    assert load.hours_per_month == 720


def test_the_busiest_hour_of_the_profile_counts_when_it_is_higher() -> None:
    profile = (0.5, *(0.5 / 23 for _ in range(23)))
    load = Workload(
        queries_per_day=1, input_tokens=1, output_tokens=1, peak_to_mean=2, hourly_profile=profile
    )
    assert load.effective_peak_to_mean == 12


def test_a_profile_must_be_whole() -> None:
    with pytest.raises(InputError, match="24 values"):
        check_profile((1.0,))
    with pytest.raises(InputError, match="sum to 1"):
        check_profile((0.1,) * 24)


def test_cached_tokens_cannot_exceed_the_input() -> None:
    with pytest.raises(ValidationError, match="cached_input_tokens"):
        Workload(queries_per_day=1, input_tokens=10, output_tokens=1, cached_input_tokens=11)


def test_context_takes_the_percentiles_where_known() -> None:
    load = Workload(queries_per_day=1, input_tokens=100, output_tokens=10, input_tokens_p95=400)
    assert load.context_tokens == 410


def test_scenario_profiles_come_from_the_catalog() -> None:
    load = Scenario(profile_id="office-hours", peak_to_mean=1).workload(load_catalog())
    assert load.effective_peak_to_mean == pytest.approx(0.09 * 24)


def test_the_real_conversation_trace_gives_its_published_means() -> None:
    load = Workload.from_trace(data_dir() / "traces" / "azure_llm_2023.csv", "conversation")
    assert load.input_tokens == pytest.approx(1155, rel=0.03)
    assert load.output_tokens == pytest.approx(211, rel=0.03)
    assert load.peak_to_mean > 1


@pytest.mark.parametrize(("preset", "trace"), [("chat-real", "conversation"), ("coding-real", "code")])
def test_the_real_presets_carry_the_traces_figures(preset: str, trace: str) -> None:
    load = Workload.from_trace(data_dir() / "traces" / "azure_llm_2023.csv", trace)
    scenario = load_scenario(preset)
    for field in ("input_tokens", "output_tokens", "input_tokens_p95", "output_tokens_p95"):
        assert getattr(scenario, field) == pytest.approx(getattr(load, field), abs=0.5)
    assert scenario.peak_to_mean == pytest.approx(load.peak_to_mean, abs=0.005)


def test_queries_that_may_wait_fill_the_valleys() -> None:
    assert [float(fleet_peak(3.0, share)) for share in (0.0, 0.5, 0.9, 1.0)] == pytest.approx(
        [3.0, 1.5, 1.0, 1.0]
    )
    asked = Scenario(peak_to_mean=3.0, batch_share=0.5).workload()
    assert (asked.busiest_to_mean, asked.effective_peak_to_mean) == (3.0, 1.5)


def test_a_whole_day_stays_as_it_is_where_rounding_makes_it_a_hair_more() -> None:
    day = np.full(24, 1 / 23)
    day[2] = 0.0
    day[5] += 1e-15
    assert day.sum() > 1 and (filled_day(day) == day).all()
    waiting = filled_day(day / 2)
    assert waiting.sum() == pytest.approx(1) and waiting[2] == waiting[3] > day[3] / 2
