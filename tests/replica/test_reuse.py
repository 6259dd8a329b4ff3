"""Prefix caches: what they save, what they keep, and that more of it never hurts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.options import evaluate
from llmplan.replica import Configurations, ReplicaConfig, reuse
from llmplan.replica.constants import fitted
from llmplan.replica.reuse import own_prefixes
from llmplan.replica.step import prefill
from llmplan.scenario import Scenario

LONG = Scenario(
    model_ids=("llama-3.1-70b",),
    gpu_ids=("h100-sxm",),
    precision_ids=("fp8",),
    engine_ids=("vllm",),
    api_ids=("claude-sonnet-5",),
    input_tokens=8_000,
    output_tokens=300,
    queries_per_day=100_000,
)
CONFIG = ReplicaConfig("llama-3.1-70b", "fp8", "h100-sxm", 2, "vllm")
GAPS = np.array([1.0, 60.0, 300.0]), np.array([0.1, 0.3, 0.8])


def rates(scenario: Scenario) -> dict[str, float]:
    items = evaluate(scenario).options.items
    return {item.option_id: item.requests_per_s[1] for item in items if item.kind == "self_hosted"}  # type: ignore[index]


def test_a_shared_prefix_multiplies_the_rate_by_hand() -> None:
    """8,000 + 300 tokens on two H100: prefill bound; at 95% cached by hand 2.8 to 4.2 requests/s."""
    place = "llama-3.1-70b@fp8@2xh100-sxm@vllm"
    assert 0.7 < rates(LONG)[place] < 1.3
    assert 2.8 < rates(LONG.but(cached_input_share=0.95))[place] < 4.2


@pytest.mark.parametrize(("share", "usd"), [(0, 85_500), (0.5, 53_100), (0.85, 30_420), (0.95, 23_940)])
def test_caching_helps_both_sides(share: float, usd: float) -> None:
    """100,000 queries a day of 8,000 + 300 tokens: Sonnet at $3, $0.30 and $15 by hand; the own fleet gets cheaper too."""
    asked = LONG.but(api_ids=("claude-sonnet-4-6",), token_basis="equal")
    plain, cached = (evaluate(asked.but(cached_input_share=part)) for part in (0.0, share))
    api = cached.options.index("claude-sonnet-4-6")
    assert cached.monthly_usd[1, api] == pytest.approx(usd)
    own = cached.options.index("llama-3.1-70b@fp8@2xh100-sxm@vllm")
    assert (cached.monthly_usd[1, own] < plain.monthly_usd[1, own]) == (share > 0)


def test_what_is_cached_needs_no_prefill_but_is_attended_to() -> None:
    c = Configurations.from_configs(load_catalog(), [CONFIG])
    k = fitted(c.catalog).values(c)
    tokens = np.array([8_000.0])
    whole, rest, short = (
        float(p.marginal_s[0])
        for p in (prefill(c, k, tokens), prefill(c, k, tokens, tokens / 10), prefill(c, k, tokens / 10))
    )
    assert short < rest < 0.2 * whole


@settings(deadline=None, max_examples=8)
@given(
    st.sampled_from([("shared", True), ("own", True), ("own", False)]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([None, 95.0]),
)
def test_a_higher_cached_share_never_costs_more_nor_slows_a_fleet(
    how: tuple[str, bool], a: float, b: float, percentile: float | None
) -> None:
    asked = LONG.but(cached_prefix=how[0], cache_aware_routing=how[1], latency_percentile=percentile)
    less, more = (asked.but(cached_input_share=share) for share in sorted((a, b)))
    for place, rate in rates(less).items():
        assert rates(more)[place] >= rate * (1 - 1e-9)
    alone = [evaluate(s).alone for s in (less, more)]
    own = [
        options.take(np.flatnonzero(options.is_self_hosted)) for options in alone
    ]  # APIs may charge for writing
    usd = [options.monthly_usd(1e5, sides=(1,))[0, :, 0] for options in own]
    shorter = min(len(usd[0]), len(usd[1]))
    assert (usd[1][:shorter] <= usd[0][:shorter] * (1 + 1e-9)).all()


def test_own_prefixes_stay_as_long_as_cache_and_rate_let_them() -> None:
    """At a fixed rate h solves h = c F(C / (lambda (1 - h))), to a step; round-robin keeps its part of it."""
    c = Configurations.from_configs(load_catalog(), [CONFIG])
    tokens, rate = np.array([8_000.0]), 0.05
    held = own_prefixes(c, tokens, 0.9, GAPS, 1.0, lambda _: np.array([rate]))
    hit = float(held.tokens[0]) / 8_000
    per_token = 80 * 2 * 8 * 128 * 2 / 2  # layers, keys and values, heads, dimension, bytes, two GPUs
    cache = 0.5 * float(c.kv_room_bytes[0]) / per_token
    assert hit == pytest.approx(0.9 * np.interp(cache / (rate * 8_000 * (1 - hit)), *GAPS), abs=1 / 32)
    assert float(held.shared_tokens[0]) == 0
    halved = own_prefixes(c, tokens, 0.9, GAPS, 0.5, lambda _: np.array([rate]))
    assert 0 < float(halved.tokens[0]) < float(held.tokens[0])
    busier = own_prefixes(c, tokens, 0.9, GAPS, 1.0, lambda _: np.array([20 * rate]))
    assert float(busier.tokens[0]) < float(held.tokens[0])


@pytest.mark.parametrize(
    ("trace", "input_tokens", "seconds", "off"),
    [("conversation", 144_793_823, 3_537, 0.012), ("synthetic", 61_194_628, 1_022, 0.064)],
)
def test_hit_share_is_that_of_an_lru_over_real_blocks(
    trace: str, input_tokens: float, seconds: float, off: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An independent oracle: an LRU run over the blocks of Mooncake's traces, at every cache size.

    Only cache over arriving tokens counts, so the replica's rate is set to that ratio of the trace.
    """
    monkeypatch.setattr(reuse, "STEPS", 1_024)
    lru = pd.read_csv(Path(__file__).parent.parent / "data" / "mooncake_lru_hitshare.csv")
    lru = lru[lru["trace"] == trace]
    gaps = sorted((row.gap_s, row.share_within) for row in load_catalog().reuse_gaps if row.trace == trace)
    cdf = np.array([gap for gap, _ in gaps]), np.array([share for _, share in gaps])
    c, tokens = Configurations.from_configs(load_catalog(), [CONFIG]), np.array([8_000.0])
    own_cache = 0.5 * float(c.kv_room_bytes[0]) / (80 * 2 * 8 * 128 * 2 / 2)
    everything = float(lru["hit_share_1_replica_tail_first"].max())
    for cache, share in zip(lru["fleet_cache_tokens"], lru["hit_share_1_replica_tail_first"], strict=True):
        rate = np.array([input_tokens / seconds * own_cache / cache / 8_000])
        held = own_prefixes(c, tokens, everything, cdf, 1.0, lambda _, rate=rate: rate)  # type: ignore[misc]
        assert float(held.tokens[0]) / 8_000 == pytest.approx(share, abs=off + 1 / 1_024)


def test_a_conversations_own_prefix_saves_less_than_a_shared_one() -> None:
    share = {"cached_input_share": 0.85}
    own = rates(LONG.but(**share, cached_prefix="own"))
    shared = rates(LONG.but(**share))
    assert all(own[place] <= shared[place] for place in own)
