"""The step model: hand-worked values and properties."""

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.replica import Configurations, ReplicaConfig
from llmplan.replica.config import EngineSettings
from llmplan.replica.constants import constants
from llmplan.replica.step import (
    cached_bytes,
    collective_s,
    decode_step,
    expert_share_touched,
    prefill,
    smooth_max,
)


def plain(n: int, **changes: float) -> dict[str, np.ndarray]:
    """Constants of an ideal machine: efficiencies 1, overheads 0."""
    values = {c.name: 1.0 if c.unit == "1" else 0.0 for c in constants(load_catalog())}
    values |= {"unpack_work": 0.0, "prefill_unpack_work": 0.0, "half_efficiency_tokens": 0.0}
    return {name: np.full(n, changes.get(name, value)) for name, value in values.items()}


def one(catalog, *args, **kwargs) -> Configurations:
    return Configurations.from_configs(catalog, [ReplicaConfig(*args, **kwargs)])


def test_kernels_unpack_an_8_bit_cache(catalog):
    """Half the bytes at half the pace take as long; at full pace half as long."""
    load = np.array([32.0]), np.array([4000.0])
    full, half = (
        one(
            catalog,
            "llama-3.1-8b",
            "bf16",
            "h100-sxm",
            1,
            "vllm",
            settings=EngineSettings(kv_cache_dtype=name),
        )
        for name in ("bf16", "fp8")
    )
    whole = decode_step(full, plain(1, quantised_kv_efficiency=0.5), *load).kv_s
    for pace, share in ((0.5, 1.0), (1.0, 0.5)):
        packed = decode_step(half, plain(1, quantised_kv_efficiency=pace), *load).kv_s
        assert packed == pytest.approx(share * whole)


def test_an_ideal_decode_step_of_one_sequence_reads_the_weights_once(catalog):
    c = one(catalog, "llama-3.1-8b", "bf16", "a100-80gb-sxm", 1, "vllm")
    parts = decode_step(c, plain(1), np.array([1.0]), np.array([1000.0]))
    embedding = 128256 * 4096 * 2
    weights = 8.03e9 * 2 - embedding  # the input embedding is looked up, not read
    cache = 1000 * 131072
    assert parts.weights_s[0] == pytest.approx(weights / 2039e9, rel=1e-6)
    assert parts.kv_s[0] == pytest.approx(cache / 2039e9, rel=1e-6)
    assert parts.total_s[0] == pytest.approx((weights + cache) / 2039e9, rel=1e-3)


def test_an_ideal_prefill_is_two_flops_a_parameter_and_token_plus_attention(catalog):
    c = one(catalog, "llama-3.1-8b", "bf16", "a100-80gb-sxm", 1, "vllm")
    tokens = 4096.0
    got = prefill(c, plain(1), np.array([tokens])).marginal_s[0]
    body = 8.03e9 - 2 * 128256 * 4096
    attention = 4 * (tokens**2 / 2) * 32 * 4096
    assert got == pytest.approx((2 * body * tokens + attention) / 312e12, rel=1e-6)


def test_experts_touched_in_expectation():
    share = expert_share_touched(np.array([8.0, 0.0]), np.array([2.0, 0.0]), np.array([1.0, 5.0]))
    assert share == pytest.approx([0.25, 0.0])
    assert expert_share_touched(np.array([8.0]), np.array([2.0]), np.array([2.0]))[0] == pytest.approx(
        1 - 0.75**2
    )


def test_sliding_windows_bound_what_a_step_reads(catalog):
    c = one(catalog, "gpt-oss-120b", "mxfp4", "h100-sxm", 1, "vllm")
    token = 2 * 8 * 64 * 2  # keys and values of 8 heads of 64 at 16 bit
    assert cached_bytes(c, np.array([10_000.0]), c.window_tokens)[0] == (18 * 10_000 + 18 * 128) * token
    assert cached_bytes(c, np.array([100.0]), c.window_tokens)[0] == 36 * 100 * token


def test_two_ranks_exchange_a_message_twice_a_layer(catalog):
    c = one(catalog, "llama-3.1-8b", "bf16", "a100-80gb-sxm", 2, "vllm")
    got = collective_s(c, plain(1, collective_latency_s=1e-5), np.array([4.0]))[0]
    message = 4 * 4096 * 2
    assert got == pytest.approx(2 * 32 * (1e-5 + message / 300e9))
    single = one(catalog, "llama-3.1-8b", "bf16", "a100-80gb-sxm", 1, "vllm")
    assert collective_s(single, plain(1), np.array([4.0]))[0] == 0.0


def test_cards_that_do_not_reach_each_other_send_all_through_the_host(catalog):
    """Two cards on PCIe 4.0 without peer access: 39 us for 10 KB, 10.9 ms for 20 MB (SGLang, pull request 39605)."""
    own = {c.name: c.start for c in constants(catalog)}
    told = ("collective_latency_s", "link_efficiency", "host_copy_latency_s", "host_copy_efficiency")
    k = plain(1, **{name: own[name] for name in told})
    by_host = EngineSettings(peer_to_peer=False)
    c, near = (
        one(catalog, "llama-3.1-8b", "bf16", "a100-80gb-pcie", 2, "vllm", settings=s)
        for s in (by_host, EngineSettings())
    )
    for message, seconds in ((10e3, 39e-6), (20e6, 10.9e-3)):
        tokens = np.array([message / (4096 * 2)])
        assert collective_s(c, k, tokens)[0] / (2 * 32) == pytest.approx(seconds, rel=0.15)
        assert collective_s(near, k, tokens)[0] < 0.4 * collective_s(c, k, tokens)[0]
    geforce = one(catalog, "llama-3.1-8b", "bf16", "rtx-4090", 2, "vllm")
    bridged = one(catalog, "llama-3.1-8b", "bf16", "a100-80gb-sxm", 2, "vllm", settings=by_host)
    assert (geforce.by_host[0], bridged.by_host[0]) == (1.0, 0.0)


def test_mla_cache_is_read_whole_by_every_rank(catalog):
    two = one(catalog, "deepseek-v3", "fp8", "h200-sxm", 8, "sglang")
    spread = one(catalog, "deepseek-v3", "fp8", "h200-sxm", 8, "sglang", data_parallel=8, expert_parallel=8)
    batch, context = np.array([64.0]), np.array([4000.0])
    k = plain(1)
    assert decode_step(two, k, batch, context).kv_s[0] == pytest.approx(
        8 * decode_step(spread, k, batch, context).kv_s[0]
    )


def test_unpacking_weights_costs_compute_only(catalog):
    int4 = one(catalog, "llama-3.1-8b", "w4a16", "a100-80gb-sxm", 1, "vllm")
    context = np.array([500.0])
    for batch, slower in ((1.0, False), (256.0, True)):
        free = decode_step(int4, plain(1), np.array([batch]), context).total_s[0]
        paid = decode_step(int4, plain(1, unpack_work=3.0), np.array([batch]), context).total_s[0]
        assert bool(paid > 1.5 * free) is slower


def test_smooth_max_lies_between_the_maximum_and_the_sum():
    a, b = np.array([1.0, 3.0, 2.0]), np.array([1.0, 1.0, 100.0])
    got = smooth_max(a, b)
    assert np.all(got >= np.maximum(a, b))
    assert np.all(got <= a + b)


@pytest.mark.parametrize(("field", "factor"), [("bandwidth", 2.0), ("flops", 2.0), ("link_bandwidth", 2.0)])
def test_faster_hardware_never_slows_a_step(catalog, field, factor):
    from dataclasses import replace

    c = one(catalog, "llama-3.1-70b", "fp8", "h100-sxm", 4, "vllm")
    better = replace(c, **{field: getattr(c, field) * factor})
    k = plain(1, collective_latency_s=1e-5)
    for batch in (1.0, 64.0, 512.0):
        before = decode_step(c, k, np.array([batch]), np.array([2000.0])).total_s[0]
        after = decode_step(better, k, np.array([batch]), np.array([2000.0])).total_s[0]
        assert after <= before
