"""Replicas as arrays: names, generations, splits, grids."""

import numpy as np
import pytest

from llmplan.errors import InputError, UnknownNameError
from llmplan.replica import Configurations, ReplicaConfig
from llmplan.replica.config import engine_generation


def test_bytes_of_a_format_and_native_fp4(catalog):
    c = Configurations.from_configs(
        catalog,
        [
            ReplicaConfig("llama-3.1-70b", "fp8", "a100-80gb-sxm", 2, "vllm"),
            ReplicaConfig("llama-3.1-70b", "fp8", "h100-sxm", 2, "vllm"),
            ReplicaConfig("gpt-oss-120b", "mxfp4", "h100-sxm", 1, "vllm"),
            ReplicaConfig("gpt-oss-120b", "mxfp4", "b200-sxm", 1, "vllm"),
        ],
    )
    assert c.weight_only.tolist() == [1, 0, 1, 0]
    assert c.flops[0] == 312e12
    assert c.flops[1] == 1979e12
    assert c.levels("compute").tolist() == ["weight-only-8bit", "fp8", "weight-only-4bit", "fp4"]


@pytest.mark.parametrize(
    ("engine", "version", "generation"),
    [
        ("vllm", "0.7.3", "vllm-v0"),
        ("vllm", "0.19.0", "vllm"),
        ("vllm", "latest", "vllm"),
        ("tensorrt-llm", "0.17", "tensorrt-llm-v0"),
        ("tensorrt-llm", "1.0", "tensorrt-llm"),
        ("tensorrt-llm", "MLPerf v5.1 closed", "tensorrt-llm-tuned"),
        ("sglang", "0.5.6", "sglang"),
    ],
)
def test_generation_of_an_engine(engine, version, generation):
    assert engine_generation(engine, version) == generation


def test_unknown_names_offer_near_ones(catalog):
    with pytest.raises(UnknownNameError) as caught:
        Configurations.from_configs(catalog, [ReplicaConfig("llama-3.1-7b", "bf16", "l4", 1, "vllm")])
    assert "llama-3.1-8b" in caught.value.near


def test_data_parallel_must_divide_the_gpus(catalog):
    with pytest.raises(InputError):
        Configurations.from_configs(
            catalog, [ReplicaConfig("deepseek-v3", "fp8", "h200-sxm", 8, "sglang", data_parallel=3)]
        )


def test_take_keeps_every_array_in_step(catalog):
    names = ["llama-3.1-8b", "llama-3.1-70b", "deepseek-v3"]
    c = Configurations.from_configs(catalog, [ReplicaConfig(m, "fp8", "h200-sxm", 8, "vllm") for m in names])
    part = c.take(np.array([2, 0, 2]))
    assert [config.model_id for config in part.configs] == ["deepseek-v3", "llama-3.1-8b", "deepseek-v3"]
    assert part.layers.tolist() == [61, 32, 61]
    assert part.levels("model").tolist() == ["deepseek-v3", "llama-3.1-8b", "deepseek-v3"]


def test_grid_keeps_supported_pairs_only(catalog):
    c = Configurations.grid(
        catalog, ["llama-3.1-8b"], ["bf16", "fp8"], ["t4", "h100-sxm"], (1, 2), ["vllm", "tensorrt-llm"]
    )
    pairs = {(config.gpu_id, config.precision_id) for config in c.configs}
    assert ("h100-sxm", "fp8") in pairs
    assert ("t4", "fp8") not in pairs
    assert ("t4", "bf16") not in pairs
