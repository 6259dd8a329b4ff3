"""Sizing answers: the hard facts, what binds, what would fit, the cheapest configurations."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from llmplan.catalog import Catalog, load_catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.measurements import MeasuredPoint
from llmplan.measurements.use import published_points
from llmplan.replica import Configurations, ReplicaConfig, capacity, predict
from llmplan.replica.config import EngineSettings
from llmplan.replica.reuse import PromptCache, reuse_rule
from llmplan.sizing import (
    Load,
    SizeAnswer,
    SizeRequest,
    article_pairings,
    cheapest_price,
    latency_curve,
    memory_breakdown,
    search,
    simulate_load,
    size,
    waiting_curve,
)


@pytest.fixture(name="catalog")
def _catalog() -> Catalog:
    return load_catalog()


def sized(model: str, precision: str, gpu: str, n: int | None = None, **more: Any) -> SizeAnswer:
    lengths: dict[str, Any] = {"input_tokens": 2000.0, "output_tokens": 500.0} | more
    return size(load_catalog(), SizeRequest(model, precision, gpu, n_gpus=n, **lengths))


def test_405b_at_16_bit_does_not_fit_eight_80_gb_cards_and_what_would() -> None:
    answer = sized("llama-3.1-405b", "bf16", "a100-80gb-sxm", 8)
    assert (answer.fits, answer.binding, answer.max_concurrent_sequences) == (False, "memory", 0)
    assert answer.weights_gb == pytest.approx(812, rel=0.005)
    assert answer.speed.requests_per_s is None
    changes = {(o.change, o.precision_id, o.gpu_id, o.n_gpus) for o in answer.would_fit}
    assert ("more nodes", "bf16", "a100-80gb-sxm", 16) in changes
    assert ("other format", "int8", "a100-80gb-sxm", 8) in changes
    assert ("other format", "w4a16", "a100-80gb-sxm", 8) in changes
    assert ("other GPU", "bf16", "h200-sxm", 8) in changes
    assert all(o.max_concurrent_sequences >= 1 for o in answer.would_fit)
    assert not any(o.precision_id == "fp8" and o.gpu_id.startswith("a100") for o in answer.would_fit)


@pytest.mark.parametrize(
    ("model", "precision", "gpu", "n", "engine", "settings", "first"),
    [
        ("llama-3.1-70b", "bf16", "l4", 3, None, {}, "other count"),
        ("gpt-oss-120b", "mxfp4", "h100-sxm", 3, None, {}, "other count"),
        ("qwen2.5-7b", "bf16", "h100-sxm", 8, None, {}, "other count"),
        ("kimi-k3", "fp16", "a100-80gb-sxm", 8, None, {}, "other GPU"),  # no one change does
        ("glm-5", "fp16", "rtx-5090", 2, "sglang", {"gpu_memory_utilisation": 0.5}, "other GPU"),
        ("llama-3.3-70b", "bf16", "h100-sxm", 1, None, {}, "other count"),
        ("llama-3.1-8b", "fp8", "h100-sxm", 1, "ollama", {}, "other engine"),
        ("qwen2.5-72b", "fp8", "h100-sxm", 4, "tgi", {"data_parallel": 2}, "other engine"),
        ("qwen2.5-0.5b", "gguf-q3-k-s", "h100-sxm", 2, "vllm", {"pipeline_parallel": 2}, "other format"),
        ("mistral-small-2409", "gguf-q3-k-s", "mi300x", 16, "vllm", {}, "other count"),
        ("gemma-2-27b", "fp8", "h100-sxm", 1, "vllm", {"max_model_len": 64_000}, "shorter context"),
        ("qwen3-8b", "w4a16", "rtx-4090", 1, "vllm", {"gpu_memory_utilisation": 0.2}, "other share"),
    ],
)
def test_whatever_is_named_in_place_of_a_refusal_works(
    model: str,
    precision: str,
    gpu: str,
    n: int,
    engine: str | None,
    settings: dict[str, Any],
    first: str,
) -> None:
    refused = sized(model, precision, gpu, n, engine_id=engine, settings=EngineSettings(**settings))
    named = [(o.precision_id, o.gpu_id, o.n_gpus, o.engine_id, o.gpu_memory_share) for o in refused.would_fit]
    assert not refused.starts and refused.would_fit[0].change == first
    assert len(set(named)) == len(named)
    for option, (precision_id, gpu_id, n_gpus, engine_id, share) in zip(
        refused.would_fit, named, strict=True
    ):
        asked = settings | {"gpu_memory_utilisation": share}
        if option.change == "shorter context":
            asked |= {"max_model_len": None}
        started = {"engine_id": engine_id, "settings": EngineSettings(**asked), "concurrency": 1.0}
        answer = sized(model, precision_id, gpu_id, n_gpus, **started)
        assert answer.starts, (gpu_id, n_gpus, answer.reason)


def test_the_share_that_would_do_is_named_once() -> None:
    refused = sized("llama-3.3-70b", "fp8", "h100-sxm", 1, input_tokens=15_000.0, output_tokens=1_000.0)
    other = next(option for option in refused.would_fit if option.change == "other share")
    assert f"a memory share of {other.gpu_memory_share:g} would hold one" in refused.starts_reason
    assert (
        other.note.startswith(f"a memory share of {other.gpu_memory_share:g}: ")
        and "1 sequence" in other.note
    )
    assert other.max_concurrent_sequences == 1


def test_the_nearest_number_of_gpus_is_named_first() -> None:
    def counts(*asked: Any) -> list[int]:
        return [o.n_gpus for o in sized(*asked).would_fit if o.change == "other count"]

    assert counts("qwen2.5-7b", "bf16", "h100-sxm", 8) == [4]  # 28 heads
    assert counts("llama-3.1-8b", "bf16", "h100-sxm", 3) == [2]


def test_405b_at_4_bit_does_not_fit_two_but_four() -> None:
    answer = sized("llama-3.1-405b", "w4a16", "a100-80gb-sxm", 2)
    assert not answer.fits
    assert answer.would_fit[0].n_gpus == 4
    assert sized("llama-3.1-405b", "w4a16", "a100-80gb-sxm").n_gpus == 4


def test_70b_at_16_bit_fits_two_cards_with_room_for_some_sequences() -> None:
    answer = sized("llama-3.1-70b", "bf16", "a100-80gb-sxm")
    assert (answer.fits, answer.n_gpus) == (True, 2)
    assert 15 <= answer.max_concurrent_sequences <= 25
    assert answer.kv_cache_bytes_per_token == 327_680


@pytest.mark.parametrize(("precision", "gpu"), [("bf16", "t4"), ("fp8", "t4"), ("fp8", "a100-80gb-sxm")])
def test_a_format_that_the_card_lacks_is_an_answer_with_a_reason(precision: str, gpu: str) -> None:
    answer = sized("llama-3.1-8b", precision, gpu)
    assert (answer.fits, answer.binding) == (False, "hardware")
    assert "has no hardware for" in answer.reason
    assert any(option.gpu_id == gpu for option in answer.would_fit)


@pytest.mark.parametrize(
    ("model", "name", "gpu", "meant"),
    [
        ("llama-3.1-8b", "int4", "a100-80gb-sxm", "w4a16"),
        ("llama-3.1-8b", "w8a8-int8", "a100-80gb-sxm", "int8"),
        ("gpt-oss-120b", "fp4", "h100-sxm", "mxfp4"),
    ],
)
def test_usual_spellings_of_formats(model: str, name: str, gpu: str, meant: str) -> None:
    answer = sized(model, name, gpu)
    assert (answer.fits, answer.precision_id) == (True, meant)


def test_no_replica_with_a_published_run_is_refused(catalog: Catalog) -> None:
    """But GPU counts that cannot be right (their weights alone exceed the cards) and FP8 without FP8 cores."""
    replicas = {
        (p.model_id, p.precision_id, p.gpu_id, p.n_gpus, p.engine_id)
        for p in published_points(load_catalog())
        if p.precision_id in catalog.precisions and p.engine_id in catalog.engines
    }
    refused = {
        replica
        for replica in replicas
        if not sized(
            *replica[:4], engine_id=replica[4], input_tokens=500.0, output_tokens=100.0, concurrency=1.0
        ).fits
    }
    without_cores = {("fp8", "a100-80gb-sxm"), ("fp8", "a800-sxm-80gb")}
    assert {replica for replica in refused if replica[1:3] not in without_cores} <= {
        ("qwen3-235b-a22b", "fp8", "h200-sxm", 1, "vllm"),
        ("glm-4.5-air", "bf16", "h100-sxm", 1, "sglang"),
        ("glm-4.5-air", "bf16", "h100-sxm", 2, "sglang"),
    }


def test_8b_at_16_bit_does_not_fit_one_t4() -> None:
    assert not sized("llama-3.1-8b", "fp16", "t4", 1).fits


def test_an_engine_that_does_not_serve_it_is_an_answer() -> None:
    answer = sized("llama-3.1-8b", "bf16", "h100-sxm", 1, engine_id="ollama")
    assert (answer.fits, answer.binding) == (False, "engine")
    assert "vllm" in answer.reason


def test_counts_that_cannot_be_split() -> None:
    assert sized("llama-3.1-8b", "bf16", "h100-sxm", 3).binding == "parallelism"
    assert sized("llama-3.1-8b", "bf16", "h100-sxm", 12).binding == "parallelism"
    six = sized("mistral-large-2", "bf16", "h100-sxm", 6)  # divides its 96 heads, but nobody rents it
    assert (six.fits, six.binding) == (False, "parallelism")
    assert {4, 8} & {option.n_gpus for option in six.would_fit}
    assert sized("qwen2.5-7b", "bf16", "h100-sxm", 8).binding == "parallelism"  # 28 heads


def test_a_prompt_beyond_the_models_context() -> None:
    answer = sized("llama-3.1-8b", "bf16", "h100-sxm", 1, input_tokens=200_000.0)
    assert (answer.fits, answer.binding) == (False, "context")


def test_replicas_over_nodes_are_pipelines_whose_speed_is_extrapolated() -> None:
    answer = sized("llama-3.1-405b", "bf16", "a100-80gb-sxm", 16)
    assert answer.fits
    assert answer.config.pipeline_parallel == 2 and answer.speed.basis == "extrapolated"
    assert "2 pipeline stages" in answer.reason


def test_without_concurrency_the_latency_targets_hold() -> None:
    answer = sized("llama-3.1-70b", "fp8", "h100-sxm", 2)
    speed = answer.speed
    assert speed.ttft_ms is not None and speed.ttft_ms <= 2000
    assert speed.tpot_ms is not None and speed.tpot_ms <= 100
    assert speed.requests_per_s is not None and speed.requests_per_s > 0
    assert speed.requests_per_s_p10 is not None and speed.requests_per_s_p90 is not None
    assert speed.requests_per_s_p10 < speed.requests_per_s < speed.requests_per_s_p90


@pytest.mark.parametrize(
    ("more", "cached"),
    [({}, 0.0), ({"max_model_len": 65_536.0}, 0.0), ({"max_sequences": 16.0}, 0.0), ({}, 0.5)],
)
def test_size_and_search_count_the_same_sequences(
    catalog: Catalog, more: dict[str, float], cached: float
) -> None:
    """A longest sequence that an engine must take says nothing of how many shorter ones it holds."""
    settings, held = EngineSettings(**more), PromptCache(cached, "shared")
    request = SizeRequest("llama-3.1-8b", "bf16", "h100-sxm", 2000, 500, 1, "vllm", settings=settings)
    own = size(catalog, replace(request, cached=held))
    one = Configurations.from_configs(catalog, [own.config])
    best = capacity(one, 2000, 500, reuse=reuse_rule(catalog, held))
    assert own.max_concurrent_sequences == best.max_concurrent_sequences[0]


def test_with_concurrency_it_is_the_prediction_there(catalog: Catalog) -> None:
    answer = sized("llama-3.1-70b", "fp8", "h100-sxm", 2, concurrency=16.0, engine_id="vllm")
    one = Configurations.from_configs(catalog, [ReplicaConfig("llama-3.1-70b", "fp8", "h100-sxm", 2, "vllm")])
    found = predict(one, 2000, 500, 16)
    assert answer.speed.tpot_ms == pytest.approx(found.tpot_ms[0])
    assert answer.speed.concurrency == 16
    assert answer.speed.basis == found.basis[0]


def test_targets_out_of_reach_are_told() -> None:
    answer = sized("llama-3.1-70b", "w4a16", "t4", ttft_limit_ms=10.0)
    assert answer.fits
    assert answer.binding == "latency target"
    assert "even with one client" in answer.reason


@pytest.mark.parametrize(
    ("fields", "near"),
    [
        (("llama-3.1-7b", "bf16", "h100-sxm"), "llama-3.1-70b"),
        (("llama-3.1-8b", "bf-16", "h100-sxm"), "bf16"),
        (("llama-3.1-8b", "bf16", "h100"), "h100-sxm"),
    ],
)
def test_unknown_names_offer_near_ones(fields: tuple[str, str, str], near: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        sized(*fields)
    assert near in caught.value.near


@pytest.mark.parametrize(
    "changes",
    [
        {"input_tokens": 0.0},
        {"output_tokens": float("nan")},
        {"concurrency": 0.5},
        {"concurrency": 1e30},
        {"ttft_limit_ms": -1.0},
        {"latency_percentile": 30.0},
    ],
)
def test_impossible_requests_are_errors(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        sized("llama-3.1-8b", "bf16", "h100-sxm", 1, **changes)


def test_search_is_sorted_complete_and_priced_right(catalog: Catalog) -> None:
    rows = search(catalog, "llama-3.1-70b", 2000, 500, gpu_ids=("h100-sxm", "a100-80gb-sxm", "t4"))
    feasible = [row for row in rows if row.feasible]
    costs = [row.usd_per_request for row in feasible if row.usd_per_request is not None]
    assert costs == sorted(costs)
    assert all(row.reason for row in rows if not row.feasible)
    best = feasible[0]
    assert best.usd_per_hour is not None
    assert best.usd_per_request == pytest.approx(best.usd_per_hour / best.requests_per_s / 3600)
    assert best.ttft_ms <= 2000 and best.tpot_ms <= 100
    keys = {(row.precision_id, row.gpu_id, row.n_gpus, row.engine_id) for row in rows}
    assert len(keys) == len(rows)
    assert ("bf16", "a100-80gb-sxm", 2, "vllm") in keys
    assert not any(precision == "fp8" and gpu == "a100-80gb-sxm" for precision, gpu, _, _ in keys)
    known = {"memory", "batch limit", "bandwidth", "compute", "latency target"}
    assert {row.binding for row in rows} <= known
    assert all(":" in row.binds for row in feasible)


def test_search_agrees_with_capacity_and_tighter_targets_cost_more(catalog: Catalog) -> None:
    wide = search(catalog, "llama-3.1-8b", 1000, 300, gpu_ids=("h100-sxm",), engine_ids=("vllm",))
    tight = search(catalog, "llama-3.1-8b", 1000, 300, 200, 15, gpu_ids=("h100-sxm",), engine_ids=("vllm",))
    assert (tight[0].usd_per_request or np.inf) >= (wide[0].usd_per_request or 0)
    row = wide[0]
    config = ReplicaConfig(row.model_id, row.precision_id, row.gpu_id, row.n_gpus, row.engine_id)
    found = capacity(Configurations.from_configs(catalog, [config]), 1000, 300, 2000, 100)
    assert row.requests_per_s == pytest.approx(found.requests_per_s[0])


@pytest.mark.parametrize("cached", [PromptCache(0.9), PromptCache(0.9, "own", False)])
def test_size_and_search_know_what_prefix_caches_hold(catalog: Catalog, cached: PromptCache) -> None:
    """Both say the rate that `compare` sizes with, above that of new prompts; at a concurrency too."""
    lengths, names = (8_000, 300), {"precision_ids": ["fp8"], "gpu_ids": ["h100-sxm"], "engine_ids": ["vllm"]}
    row = next(r for r in search(catalog, "llama-3.1-70b", *lengths, **names, cached=cached) if r.n_gpus == 2)
    request = SizeRequest("llama-3.1-70b", "fp8", "h100-sxm", *lengths, 2, "vllm", cached=cached)
    speed, plain = (size(catalog, r).speed for r in (request, replace(request, cached=PromptCache())))
    assert speed.requests_per_s == pytest.approx(row.requests_per_s)
    assert row.requests_per_s > plain.requests_per_s  # type: ignore[operator]
    few = (
        size(catalog, replace(r, concurrency=8)).speed
        for r in (request, replace(request, cached=PromptCache()))
    )
    first, second = (s.ttft_ms for s in few)
    assert first < second  # type: ignore[operator]


def test_search_rests_on_own_measurements(catalog: Catalog) -> None:
    point = MeasuredPoint(
        "llama-3.1-8b",
        "fp8",
        "h100-sxm",
        1,
        "vllm",
        None,
        1000,
        300,
        "closed_loop",
        64,
        None,
        90_000,
        90,
        5,
        "mean",
        "me",
    )
    rows = search(catalog, "llama-3.1-8b", 1000, 300, gpu_ids=("h100-sxm",), measured=[point])
    assert (rows[0].precision_id, rows[0].engine_id, rows[0].basis) == ("fp8", "vllm", "measured")
    assert rows[0].requests_per_s == pytest.approx(300)


def test_search_checks_names(catalog: Catalog) -> None:
    for bad in ({"gpu_ids": ("h100",)}, {"engine_ids": ("vlm",)}, {"precision_ids": ("fp9",)}):
        with pytest.raises(UnknownNameError):
            search(catalog, "llama-3.1-8b", 1000, 300, **bad)


def test_the_cheapest_offer_is_an_active_whole_card_in_whole_lots(catalog: Catalog) -> None:
    for gpu_id, n in (("h100-sxm", 1), ("h100-sxm", 8), ("a100-80gb-sxm", 2)):
        price = cheapest_price(catalog, gpu_id, n)
        assert price is not None
        assert price.row.status == "active"
        assert price.usd_per_hour >= n * price.row.usd_per_gpu_hour - 1e-9
    assert cheapest_price(catalog, "t4", 8, "reserved_short") is None


def test_what_the_articles_pairings_would_serve(catalog: Catalog) -> None:
    rows = {row["row_id"]: row for row in article_pairings(catalog, 2000, 500)}
    assert len(rows) == len(catalog.article_hardware)
    assert not rows["405b-fp16-8x-a100"]["fits"]
    assert not rows["405b-int4-2x-a100"]["fits"]
    two = rows["70b-fp16-2x-a100"]
    assert two["fits"]
    assert two["queries_per_day"] == pytest.approx(two["requests_per_s"] * 86_400)
    # two A100 do not carry 100,000 queries a day of 2,000 + 500 tokens at the 70 % rule
    assert two["queries_per_day"] * 0.7 < 100_000


def test_memory_by_part_adds_up_to_the_card(catalog: Catalog) -> None:
    config = ReplicaConfig("llama-3.1-70b", "bf16", "a100-80gb-sxm", 2, "vllm")
    rows = memory_breakdown(catalog, config, 2500)
    assert [row["part"] for row in rows] == [
        "weights",
        "overhead",
        "KV cache in use",
        "KV cache free",
        "kept back",
    ]
    assert sum(row["gib"] for row in rows) == pytest.approx(catalog.gpu("a100-80gb-sxm").memory_gib_usable)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    few = memory_breakdown(catalog, config, 2500, sequences=4)
    assert few[2]["gib"] == pytest.approx(4 * 2500 * 327_680 / 2 / 2**30)


def test_memory_that_is_missing_is_shown(catalog: Catalog) -> None:
    rows = memory_breakdown(
        catalog, ReplicaConfig("llama-3.1-405b", "bf16", "a100-80gb-sxm", 8, "vllm"), 2500
    )
    assert rows[-1]["part"] == "missing"
    assert rows[0]["gib"] + rows[1]["gib"] - rows[-1]["gib"] == pytest.approx(79.2, abs=0.5)


def test_latency_curve_has_bands_and_measured_points(catalog: Catalog) -> None:
    config = ReplicaConfig("llama-3.3-70b", "fp8", "h100-sxm", 2, "tensorrt-llm")
    curve = latency_curve(catalog, config, 5000, 500, [1, 5, 25, 50, 150])
    found = curve.prediction
    assert found.ttft_ms.shape == curve.concurrency.shape == (5,)
    assert np.all(found.tpot_ms_p10 < found.tpot_ms) and np.all(found.tpot_ms < found.tpot_ms_p90)
    assert {point.concurrency for point in curve.points} >= {1.0, 50.0, 150.0}
    with pytest.raises(InputError):
        latency_curve(catalog, config, 5000, 500, [0])


def test_waiting_curve_rises_to_saturation_and_honours_a_target(catalog: Catalog) -> None:
    config = ReplicaConfig("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm")
    found = waiting_curve(catalog, config, 1000, 300, 3, ttft_limit_ms=300)
    assert found.ttft_ms.shape == (3, 32)
    assert np.all(np.diff(found.ttft_ms[:, found.valid], axis=0) >= 0)
    assert found.ttft_ms[-1, -1] > 2 * found.ttft_ms[-1, 0]
    assert found.queries_per_day == pytest.approx(found.requests_per_s * 86_400)
    best = found.requests_per_s_for_target
    assert best is not None and 0 < best < found.requests_per_s[-1]
    alone = predict(Configurations.from_configs(catalog, [config]), 1000, 300, 1).ttft_ms[0]
    assert found.ttft_ms[0, 0] == pytest.approx(alone, rel=0.2)


def own_point(**changes: float | str | None) -> MeasuredPoint:
    point = MeasuredPoint(
        *("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm", None, 1000, 300, "closed_loop", 64),
        *(None, 6000, 250, 10, "mean", "my run"),
    )
    return replace(point, **changes)


def test_one_replica_rests_on_its_measurement(catalog: Catalog) -> None:
    request = SizeRequest("llama-3.1-8b", "fp8", "h100-sxm", 1000, 300, 1, "vllm")
    speed = size(catalog, request, [own_point()]).speed
    assert (speed.ttft_ms, speed.tpot_ms, speed.output_tokens_per_s) == (250, 10, 6000)
    assert (speed.requests_per_s, speed.requests_per_s_p10, speed.requests_per_s_p90) == (20, 20, 20)
    assert (speed.basis, speed.measured_by, speed.within_targets) == ("measured", "my run", True)
    tight = size(catalog, replace(request, ttft_limit_ms=200.0), [own_point()])
    assert (tight.fits, tight.speed.within_targets) == (True, False)
    assert "TTFT 250 ms exceeds 200 ms" in tight.reason
    other = size(catalog, replace(request, input_tokens=2000.0), [own_point()]).speed
    assert other.measured_by is None


def test_at_a_concurrency_only_a_load_test_of_as_many_clients_counts(catalog: Catalog) -> None:
    request = SizeRequest("llama-3.1-8b", "fp8", "h100-sxm", 1000, 300, 1, "vllm", concurrency=64.0)
    assert size(catalog, request, [own_point()]).speed.measured_by == "my run"
    assert size(catalog, replace(request, concurrency=8.0), [own_point()]).speed.measured_by is None


def test_what_ran_fits_whatever_the_tables_say(catalog: Catalog) -> None:
    request = SizeRequest("llama-3.1-8b", "fp8", "a100-80gb-sxm", 1000, 300, 1, "vllm")
    assert not size(catalog, request).fits
    answer = size(catalog, request, [own_point(gpu_id="a100-80gb-sxm")])
    assert (answer.fits, answer.speed.measured_by) == (True, "my run")


def test_an_open_loop_point_has_its_clients_by_littles_law() -> None:
    """20 requests/s that take 0.25 + 299 x 0.01 s each: 64.8 at once."""
    assert own_point(concurrency=None, offered_rps=20).clients == pytest.approx(20 * (0.25 + 299 * 0.010))


def test_missed_targets_serve_nothing(catalog: Catalog) -> None:
    assert sized("llama-3.1-70b", "w4a16", "t4", ttft_limit_ms=10.0).speed.within_targets is False
    rows = article_pairings(catalog, 2000, 500, ttft_limit_ms=1.0)
    assert {row["queries_per_day"] for row in rows} == {0.0}


def test_the_published_cliff_of_two_h100(catalog: Catalog) -> None:
    """Llama 3.3 70B, FP8, 5,000 + 500: 835 ms at 50 clients, 7,996 ms at 100, throughput nearly flat."""
    request = SizeRequest("llama-3.3-70b", "fp8", "h100-sxm", 5000, 500, 2, "tensorrt-llm")
    loads = (Load(concurrency=n, load_test=True) for n in (50, 100))
    few, many = (simulate_load(catalog, request, load).simulation for load in loads)
    assert few["ttft_ms_mean"] == pytest.approx(835, rel=0.25)
    assert 0.5 * 7996 < many["ttft_ms_mean"] < 2 * 7996
    assert few["output_tokens_per_s"] == pytest.approx(814, rel=0.15)
    assert many["output_tokens_per_s"] / few["output_tokens_per_s"] < 1.25


@pytest.mark.parametrize(("clients", "ttft_ms"), [(8, 37.8), (32, 40.4), (64, 43.1), (128, 58.6)])
def test_clients_out_of_step_wait_as_an_engine_measured_so(
    catalog: Catalog, clients: int, ttft_ms: float
) -> None:
    """vLLM 0.25.1, 8B on one H200, 1,000 + 500 tokens: in step they wait four times as long."""
    request = SizeRequest("llama-3.1-8b", "bf16", "h200-sxm", 1000, 500, 1, "vllm")
    answer = simulate_load(catalog, request, Load(concurrency=clients))
    assert answer.simulation["ttft_ms_mean"] == pytest.approx(ttft_ms, rel=0.2)
    assert answer.formula is not None and answer.formula["valid"]
    assert answer.formula["ttft_ms_mean"] == pytest.approx(answer.simulation["ttft_ms_mean"], rel=0.1)
    together = simulate_load(catalog, request, Load(concurrency=clients, load_test=True))
    assert together.simulation["ttft_ms_mean"] > 1.3 * answer.simulation["ttft_ms_mean"]


@pytest.mark.parametrize(
    "load",
    [
        {"requests_per_s": 1e9},
        {"requests_per_s": float("nan")},
        {"concurrency": 10**8},
        {"requests_per_s": 1.0, "requests": 10**11},
        {"requests_per_s": 1.0, "replicas": 10**9},
        {"requests_per_s": 1.0, "speed": 0.0},
    ],
)
def test_loads_that_no_simulation_ends_are_errors(load: dict[str, float]) -> None:
    with pytest.raises(InputError, match=str(next(reversed(load)))):
        Load(**load)


def test_wide_spreads_are_simulated_without_a_formula(catalog: Catalog) -> None:
    request = SizeRequest("llama-3.1-8b", "fp8", "h100-sxm", 500, 100, 1, "vllm")
    answer = simulate_load(catalog, request, Load(requests_per_s=2.0, output_cv=3.0, requests=300))
    assert answer.formula is None
    assert answer.simulation["n_requests"] > 200


@pytest.mark.parametrize("load", [Load(concurrency=24, output_cv=0.3), Load(requests_per_s=4.0)])
def test_a_simulation_knows_what_prefix_caches_hold(catalog: Catalog, load: Load) -> None:
    """Each share is quicker than the last; a shared prefix is the formula's and the prediction's."""
    request = SizeRequest("llama-3.1-8b", "bf16", "h100-sxm", 4000, 300, 1, "vllm")
    load = replace(load, requests=1500)
    shared = [PromptCache(share, "shared") for share in (0.0, 0.5, 0.9)]
    runs = [simulate_load(catalog, replace(request, cached=cached), load) for cached in shared]
    assert [run.cached_tokens for run in runs] == [0, 2000, pytest.approx(3600)]
    for name in ("ttft_ms_mean", "tpot_ms_mean"):
        times = [run.simulation[name] for run in runs]
        assert times[0] > times[1] > times[2]
    for cached, run in zip(shared, runs, strict=True):
        assert run.formula is not None
        assert run.simulation["tpot_ms_mean"] == pytest.approx(run.formula["tpot_ms_mean"], rel=0.08)
        if load.concurrency is not None:
            asked = replace(request, cached=cached, concurrency=float(load.concurrency))
            assert run.simulation["tpot_ms_mean"] == pytest.approx(
                size(catalog, asked).speed.tpot_ms, rel=0.08
            )
    own = simulate_load(catalog, replace(request, cached=PromptCache(0.9, "own")), load)
    assert 0 < own.cached_tokens < 3600
    assert own.to_dict()["load"]["cached_tokens"] == own.cached_tokens


def test_a_simulated_pipeline_counts_the_sequences_of_all_its_stages(catalog: Catalog) -> None:
    settings = EngineSettings(pipeline_parallel=2)
    request = SizeRequest("llama-3.3-70b", "fp8", "h100-sxm", 1000, 200, 4, "vllm", settings=settings)
    run = simulate_load(catalog, request, Load(concurrency=64, requests=400))
    assert run.formula is not None
    for figures in (run.simulation, run.formula):
        assert figures["running_sequences"] == pytest.approx(64, rel=0.1)
