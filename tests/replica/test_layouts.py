"""Stages, copies and adapters: a replica's layout in memory and in speed."""

from dataclasses import replace

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.replica import Configurations, ReplicaConfig, capacity, predict
from llmplan.replica.config import EngineSettings
from llmplan.replica.memory import adapter_gib, gpu_memory, memory_plan
from llmplan.sizing import Load, SizeRequest, simulate_load, size

CATALOG = load_catalog()
NAMES = ("llama-3.3-70b", "fp8", "h100-sxm")


def asked(n_gpus: int, settings: EngineSettings, model: str = "llama-3.3-70b") -> ReplicaConfig:
    return ReplicaConfig.started(model, "fp8", "h100-sxm", n_gpus, "vllm", settings)


def one(config: ReplicaConfig) -> Configurations:
    return Configurations.from_configs(CATALOG, [config])


def test_a_pipeline_is_its_stages_each_with_a_share_of_the_clients() -> None:
    pipeline = one(asked(4, EngineSettings(pipeline_parallel=2)))
    stage = replace(one(asked(2, EngineSettings())), kv_room_bytes=pipeline.kv_room_bytes)
    whole, part = predict(pipeline, 1000, 300, 64), predict(stage, 1000, 300, 32)
    assert whole.tpot_ms == pytest.approx(part.tpot_ms)
    assert whole.ttft_ms == pytest.approx(part.ttft_ms)
    assert whole.requests_per_s == pytest.approx(2 * part.requests_per_s)
    assert whole.running_sequences == pytest.approx(2 * part.running_sequences)


def test_a_pipeline_decodes_one_sequence_no_faster_than_one_of_its_stages() -> None:
    pipeline, tensor = (asked(4, EngineSettings(pipeline_parallel=p)) for p in (2, 1))
    alone = [predict(one(config), 1000, 300, 1).tpot_ms[0] for config in (pipeline, tensor)]
    assert alone[0] > 1.3 * alone[1]
    best = capacity(one(pipeline), 1000, 300)
    assert (
        best.requests_per_s[0] > 0
        and best.concurrency[0] <= memory_plan(CATALOG, pipeline, 1300).kv_cache_tokens
    )


@pytest.mark.parametrize("model", ["llama-3.3-70b", "deepseek-v3"])
def test_copies_of_attention_take_its_weights_each(model: str) -> None:
    plain, copied = (gpu_memory(CATALOG, asked(8, EngineSettings(data_parallel=d), model)) for d in (1, 4))
    shared = float(plain.cut_gib)
    copies = (float(plain.stored_gib) - shared) * (1 / 2 - 1 / 8)
    assert float(copied.weights_gib) - float(plain.weights_gib) == pytest.approx(copies)
    assert (shared > 0) is (model == "deepseek-v3")


def test_an_adapter_by_hand() -> None:
    """Llama 3.1 8B, rank 16: q and o 4,096 to 4,096, k and v to 1,024, three of 4,096 and 14,336, 32 layers."""
    model = CATALOG.models["llama-3.1-8b"]
    numbers = 32 * 16 * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 14336))
    assert sum(adapter_gib(model, 16)) == pytest.approx(numbers * 2 / 2**30)
    settings = EngineSettings(lora_adapters=10)
    held, none = (gpu_memory(CATALOG, asked(1, s, "llama-3.1-8b")) for s in (settings, EngineSettings()))
    assert float(held.weights_gib - none.weights_gib) == pytest.approx(10 * numbers * 2 / 2**30)


def test_adapters_slow_steps_and_prompts_by_the_catalogs_share() -> None:
    loss = CATALOG.assumption("lora-throughput-loss").base
    plain, held = (predict(one(asked(2, EngineSettings(lora_adapters=n))), 1000, 300, 16) for n in (0, 4))
    assert plain.tpot_ms[0] / held.tpot_ms[0] == pytest.approx(1 - loss, rel=0.01)


def test_degrees_must_multiply_to_the_gpus() -> None:
    with pytest.raises(InputError, match="product of the parallel degrees, 4"):
        SizeRequest(*NAMES, 1000, 300, 8, settings=EngineSettings(tensor_parallel=2, pipeline_parallel=2))
    with pytest.raises(InputError, match="multiple of the parallel degrees, 3"):
        SizeRequest(*NAMES, 1000, 300, 4, settings=EngineSettings(data_parallel=3))
    found = size(CATALOG, SizeRequest(*NAMES, 1000, 300, settings=EngineSettings(tensor_parallel=2)))
    assert found.n_gpus == 2


def test_a_simulated_pipeline_agrees_with_its_prediction() -> None:
    request = SizeRequest(*NAMES, 1000, 200, 4, settings=EngineSettings(pipeline_parallel=2), concurrency=16)
    found = simulate_load(CATALOG, request, Load(concurrency=16, output_cv=0.5, requests=160))
    assert found.simulation["tpot_ms_mean"] == pytest.approx(found.size.speed.tpot_ms, rel=0.1)
    assert np.isfinite(found.simulation["ttft_ms_mean"])
