import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_sample import SAMPLE, sample

from llmplan.operations import monitoring_list, thresholds


def test_levels_by_hand():
    at = thresholds(SAMPLE)
    assert (at.ttft_s, at.tpot_s) == (2.0, 0.05)
    assert at.queue_wait_s == pytest.approx(1.5)  # 2,000 - 500 ms
    assert at.queue_requests == pytest.approx(6)  # at 4 requests/s
    assert at.busy_sequences == pytest.approx(44.8)  # 64 x 0.7
    assert at.requests_per_s == pytest.approx(2.8)
    assert at.expected_output_tokens_per_s == pytest.approx(840)
    assert at.sick_output_tokens_per_s == pytest.approx(420)
    assert at.kv_cache_share == pytest.approx(0.8)
    assert at.fleet_requests_per_s == pytest.approx(11.2)  # four of five carry the load


def test_without_targets_the_alarm_is_at_twice_the_expectation():
    at = thresholds(sample(ttft_limit_ms=None, tpot_limit_ms=None))
    assert (at.ttft_s, at.tpot_s) == (1.0, 0.08)


def test_a_target_below_the_expectation_leaves_no_queue():
    at = thresholds(sample(ttft_limit_ms=400))
    assert at.queue_wait_s == 0 and at.queue_requests == 1


@given(st.floats(0.1, 1), st.integers(1, 500), st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_alarms_lie_above_what_is_expected(ceiling, concurrency, rate):
    plan = sample(
        utilisation_ceiling=ceiling,
        concurrency=concurrency,
        requests_per_s=rate,
        max_concurrent_sequences=500,
    )
    at = thresholds(plan)
    assert at.sick_output_tokens_per_s < at.expected_output_tokens_per_s
    assert at.kv_cache_share <= 0.95 and at.busy_sequences <= max(1, concurrency)
    assert monitoring_list(plan)[0].signal.startswith("time to first token")


def test_the_list_holds_the_same_numbers():
    at, items = thresholds(SAMPLE), {item.signal: item for item in monitoring_list(SAMPLE)}
    assert items["requests waiting, a replica"].alarm == at.queue_requests
    assert items["requests that fail"].alarm == at.failed_share == 0.01
    memory = items["GPU memory in use (GPU exporter)"]
    assert memory.expected == SAMPLE.memory_in_use_share < memory.alarm
    assert items["requests, the whole fleet"].alarm == at.fleet_requests_per_s
    # 5.787 / 4 replicas over 4 requests/s of 64 sequences
    assert items["requests running, a replica"].expected == pytest.approx(23.15, rel=1e-3)
