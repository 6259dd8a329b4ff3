"""Rows as loads on replicas: names, precisions, splits."""

import numpy as np
import pytest

from llmplan.calibration.observations import observe, resolve, resolve_precision
from llmplan.catalog.measurements import measurement_of
from llmplan.replica.config import DEFAULTS

ROW = {
    "model_id": "llama-3.1-70b",
    "precision": "fp8",
    "gpu_id": "h200-sxm",
    "n_gpus": "8",
    "engine_id": "vllm",
    "isl_tokens": "1000",
    "osl_tokens": "500",
    "arrival": "offline",
    "output_tokens_per_s": "20000",
}


def of(catalog, **changes):
    return observe(catalog, [measurement_of(ROW | changes, {}, 2)])


def test_a_blank_split_tries_every_one_that_fits(catalog):
    obs, _ = of(catalog)
    assert [config.n_gpus for config in obs.configurations.configs] == [1, 2, 4, 8]
    assert obs.replicas.tolist() == [8, 4, 2, 1]
    large, _ = of(catalog, model_id="llama-3.1-405b")
    assert [config.n_gpus for config in large.configurations.configs] == [4, 8]


def test_the_best_split_is_the_one_with_the_highest_rate(catalog):
    obs, _ = of(catalog)
    outputs = np.zeros((3, 4))
    outputs[2] = [1.0, 3.0, 2.0, 0.0]
    assert obs.best(outputs).tolist() == [1]


def test_stated_degrees_give_one_replica(catalog):
    obs, _ = of(catalog, tensor_parallel="2", data_parallel="2", arrival="closed_loop", concurrency="64")
    config = obs.configurations.configs[0]
    assert (config.n_gpus, config.data_parallel) == (4, 2)
    assert obs.replicas.tolist() == [2]
    assert obs.clients.tolist() == [32]


RUN = {"source_title": "aiconfigurator silicon_sample.csv", "published": "2025-10-29", "tensor_parallel": "8"}


def test_a_run_is_started_as_its_publishers_scripts_say(catalog):
    known = of(catalog, **RUN)[0].configurations
    assert known.settings[0].kv_cache_dtype == "fp8" and known.engine_version[0] == "0.10.2"
    named = of(catalog, **RUN, engine_version="0.19")[0].configurations
    assert named.engine_version[0] == "0.19"
    for changes in ({"source_title": "GPUStack performance lab"}, {"published": ""}, {"engine_id": "sglang"}):
        other = of(catalog, **RUN | changes)[0].configurations
        assert other.settings[0] == DEFAULTS and other.kv_bytes[0] == 2.0
    assert known.kv_bytes[0] == 1.0


def test_a_layout_that_the_publishers_scripts_do_not_know_is_read_as_theirs(catalog):
    run = RUN | {"model_id": "minimax-m2.5", "gpu_id": "h100-sxm", "n_gpus": "4", "published": "2026-03-28"}
    layout = {"tensor_parallel": "1", "data_parallel": "4", "expert_parallel": "4"}
    config = of(catalog, **run | layout)[0].configurations.configs[0]
    assert (config.tensor_parallel, config.data_parallel, config.settings.max_sequences) == (4, 1, 256)


def test_the_last_settings_before_a_run_count(catalog):
    run = RUN | {"model_id": "gpt-oss-120b", "gpu_id": "b200-sxm", "precision": "fp4", "concurrency": "64"}
    then, now = (
        of(catalog, **run | {"published": day})[0].configurations for day in ("2025-11-02", "2026-02-25")
    )
    assert (then.kv_bytes[0], now.kv_bytes[0]) == (2.0, 1.0)
    assert (then.batch_limit[0], now.batch_limit[0]) == (64, 512)


def test_a_row_that_cannot_fit_is_still_answered(catalog):
    obs, unanswered = of(catalog, model_id="llama-3.1-405b", n_gpus="1", tensor_parallel="1")
    assert not unanswered
    assert len(obs.configurations) == 1


@pytest.mark.parametrize(
    ("precision", "model", "gpu", "expected"),
    [
        ("w8a8-int8", "llama-3.1-8b", "a100-80gb-sxm", "int8"),
        ("fp4", "gpt-oss-120b", "h100-sxm", "mxfp4"),
        ("fp4", "llama-3.1-70b", "b200-sxm", "fp4"),
        ("unstated", "llama-3.1-70b", "h100-sxm", "fp8"),
        ("unstated", "llama-3.1-8b", "a100-80gb-sxm", "bf16"),
        ("bf16", "llama-3.1-8b", "t4", "fp16"),
    ],
)
def test_precisions_by_other_names(catalog, precision, model, gpu, expected):
    m = measurement_of(ROW | {"precision": precision}, {})
    assert resolve_precision(catalog, m, model, gpu) == expected


def test_spaces_and_underscores_in_names_are_hyphens(catalog):
    obs, unanswered = of(catalog, model_id="Llama 3.1_70B", gpu_id="H200 SXM")
    assert not unanswered
    assert obs.configurations.configs[0].gpu_id == "h200-sxm"


def test_names_with_suffixes_mean_their_longest_beginning(catalog):
    assert resolve("llama-3.1-70b-instruct", catalog.models) == "llama-3.1-70b"
    assert resolve("nothing-like-it", catalog.models) is None
