"""Prediction: bands, bases, arrival patterns, properties, the published cliff."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.replica import Configurations, ReplicaConfig, predict
from llmplan.replica.config import EngineSettings

CATALOG = load_catalog()


def replicas(*rows: tuple[str, str, str, int, str]) -> Configurations:
    return Configurations.from_configs(CATALOG, [ReplicaConfig(*row) for row in rows])


SOME = replicas(
    ("llama-3.1-8b", "bf16", "a100-80gb-sxm", 1, "vllm"),
    ("llama-3.1-70b", "fp8", "h100-sxm", 4, "vllm"),
    ("llama-3.1-70b", "w4a16", "l40s", 2, "vllm"),
    ("deepseek-r1", "fp8", "h200-sxm", 8, "sglang"),
    ("gpt-oss-120b", "mxfp4", "h100-sxm", 1, "tensorrt-llm"),
    ("llama-3.1-8b", "w3a16", "t4", 1, "vllm"),
)


def test_bands_enclose_the_value_and_everything_is_finite():
    p = predict(SOME, 1000, 500, 16)
    for name in ("ttft_ms", "tpot_ms", "output_tokens_per_s", "requests_per_s"):
        value = getattr(p, name)
        assert np.all(np.isfinite(value) & (value > 0))
        assert np.all(getattr(p, f"{name}_p10") <= value)
        assert np.all(getattr(p, f"{name}_p90") >= value)
    assert set(p.basis) <= {"measured", "calibrated", "extrapolated"}
    assert set(p.binding) <= {"memory", "bandwidth", "compute"}


def test_thin_data_answers_wide_and_labelled():
    p = predict(SOME, 1000, 500, 4)
    assert p.basis[5] == "extrapolated"
    spread = p.tpot_ms_p90 / p.tpot_ms_p10
    assert spread[5] > spread[3]


EIGHT_BIT = EngineSettings(kv_cache_dtype="fp8")


def started(engine_version: str, settings: EngineSettings = EIGHT_BIT, copies: int = 1) -> Configurations:
    """Four H100s with the model of rows whose publisher ran vLLM 0.10.2 with an 8-bit cache, cut in four."""
    names = ("llama-3.1-70b", "fp8", "h100-sxm", 4, "vllm", copies, 1, engine_version)
    return Configurations.from_configs(CATALOG, [ReplicaConfig(*names, settings=settings)])


def test_a_measured_row_is_labelled_measured():
    p = predict(started("0.10.2"), 1024, 1024, 32)
    assert p.basis[0] == "measured"
    assert p.tpot_ms[0] == pytest.approx(16.5, rel=0.15)
    assert predict(started("0.10.2"), 100, 30_000, 900).basis[0] != "measured"


@pytest.mark.parametrize(
    "asked", [started("latest"), started("0.10.2", EngineSettings()), started("0.10.2", copies=2)]
)
def test_what_another_generation_cache_or_cut_ran_is_not_measured(asked):
    assert predict(asked, 1024, 1024, 32).basis[0] != "measured"


def test_an_open_loop_is_measured_only_near_a_measured_rate():
    names = ("llama-3-8b", "bf16", "h100-sxm", 1, "vllm")
    c = Configurations.from_configs(CATALOG, [ReplicaConfig(*names, engine_version="0.7.3")])
    assert predict(c, 280, 310, None, "open_loop", 5.0).basis[0] == "measured"
    assert predict(c, 280, 310, None, "open_loop", 1.0).basis[0] != "measured"


def test_clients_that_wait_for_prefill_are_bound_by_compute_not_memory():
    c = replicas(("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm"))
    assert predict(c, 8000, 20, 32).binding[0] == "compute"


def test_littles_law_holds_in_a_closed_loop():
    p = predict(SOME, 1000, 500, 16)
    cycle_s = (p.ttft_ms + 499 * p.tpot_ms) / 1e3
    # the opening burst lengthens the mean TTFT, not the cycle
    assert np.all(p.requests_per_s * cycle_s >= 16 * 0.7)
    assert np.all(p.requests_per_s * cycle_s <= 16 * 1.6)


def test_the_published_cliff():
    c = replicas(("llama-3.1-70b", "fp8", "h100-sxm", 2, "tensorrt-llm"))
    p50, p100 = (predict(c, 5000, 500, n) for n in (50, 100))
    assert p100.ttft_ms[0] > 3 * p50.ttft_ms[0]
    assert p100.output_tokens_per_s[0] < 1.35 * p50.output_tokens_per_s[0]
    assert p100.binding[0] == "memory"


def test_weight_only_4_bit_buys_latency_not_capacity():
    c = replicas(
        ("llama-3.1-8b", "bf16", "a100-80gb-sxm", 1, "vllm"),
        ("llama-3.1-8b", "w4a16", "a100-80gb-sxm", 1, "vllm"),
    )
    assert predict(c, 280, 310, 1).tpot_ms[1] < predict(c, 280, 310, 1).tpot_ms[0]
    offline = predict(c, 280, 310, None, arrival="offline").output_tokens_per_s
    assert offline[1] < offline[0]


def test_open_loop_follows_the_offered_rate_until_it_saturates():
    c = replicas(("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm"))
    rates = np.array([0.5, 2.0, 8.0, 64.0])
    served = np.array([predict(c, 500, 200, None, "open_loop", r).requests_per_s[0] for r in rates])
    assert served[:2] == pytest.approx(rates[:2], rel=0.35)
    assert served[3] < 64
    waits = [predict(c, 500, 200, None, "open_loop", r).ttft_ms[0] for r in rates]
    assert waits == sorted(waits)


def test_all_at_once_waits_longer_than_a_closed_loop():
    burst = predict(SOME, 2000, 300, 64, "all_at_once")
    assert np.all(np.isfinite(burst.ttft_ms))
    assert burst.ttft_ms[1] > predict(SOME, 2000, 300, 4).ttft_ms[1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: predict(SOME, -1, 500, 16),
        lambda: predict(SOME, float("nan"), 500, 16),
        lambda: predict(SOME, 1000, 500, None),
        lambda: predict(SOME, 1000, 500, 16, "open_loop"),
        lambda: predict(SOME, 1000, 500, 16, "poisson"),
    ],
)
def test_bad_loads_name_the_field(call):
    with pytest.raises(InputError):
        call()


@settings(max_examples=25, deadline=None)
@given(
    st.floats(64, 8000),
    st.floats(32, 4000),
    st.sampled_from([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
)
def test_more_clients_never_slow_the_whole_replica_down_much(isl, osl, clients):
    few, many = predict(SOME, isl, osl, clients), predict(SOME, isl, osl, 2 * clients)
    assert np.all(many.requests_per_s >= 0.85 * few.requests_per_s)
    assert np.all(many.tpot_ms >= 0.8 * few.tpot_ms)


@settings(max_examples=15, deadline=None)
@given(st.floats(64, 8000), st.floats(32, 2000))
def test_longer_prompts_never_shorten_the_first_token_much(isl, osl):
    short, long = predict(SOME, isl, osl, 8), predict(SOME, 2 * isl, osl, 8)
    assert np.all(long.ttft_ms >= 0.9 * short.ttft_ms)


def test_waiting_clients_do_not_slow_those_in_the_batch() -> None:
    """Beyond the cache every further client waits; the rate of the replica stays."""
    replica = ReplicaConfig("llama-3.1-70b", "fp8", "h200-sxm", 1, "tensorrt-llm")
    loads = [200, 300, 500, 900]
    found = predict(Configurations.from_configs(load_catalog(), [replica] * 4), 1000, 300, loads)
    assert found.requests_per_s == pytest.approx([found.requests_per_s[-1]] * 4, rel=0.05)
    assert list(found.ttft_ms) == sorted(found.ttft_ms)
