"""Every configuration of the reference data is a row of the catalog, or another checkpoint of one."""

import json
from pathlib import Path

import pytest

from llmplan.catalog import Catalog
from llmplan.huggingface.config import Config
from llmplan.huggingface.row import model_from_config
from llmplan.replica.memory import kv_cache_bytes_per_token

CASES = json.loads((Path(__file__).parent / "reference_configs.json").read_text())
SAME_AS = {
    "Qwen/Qwen3-32B-FP8-Static-PerTensor": "qwen3-32b",
    "Qwen/Qwen3-VL-32B-Thinking": "qwen3-vl-32b",
    "meta-llama/Meta-Llama-3.1-405B": "llama-3.1-405b",
    "meta-llama/Meta-Llama-3.1-70B": "llama-3.1-70b",
    "meta-llama/Meta-Llama-3.1-8B": "llama-3.1-8b",
    "mistralai/Mixtral-8x22B-v0.1": "mixtral-8x22b",
    "mistralai/Mixtral-8x7B-v0.1": "mixtral-8x7b",
    "nvidia/Llama-3.1-70B-Instruct-FP8": "llama-3.1-70b",
}
"""Repositories that the table of checkpoints leaves out: another one stands for that model in that format."""


@pytest.mark.parametrize("name", CASES)
def test_a_configuration_is_the_row_of_its_model(catalog: Catalog, name: str) -> None:
    repository = name.replace("--", "/", 1)
    stored = {row.repository: row.model_id for row in catalog.checkpoints}
    row = catalog.model(stored.get(repository) or SAME_AS[repository])
    counted = model_from_config(Config(CASES[name]["config"]), name)
    # the row of MiniMax M3 has the vision tower that its own file leaves out, as have the rows of Llama 4
    towers = (row.vision_params_b or 0) - (counted.vision_params_b or 0)
    assert row.total_params_b - max(0, towers) == pytest.approx(counted.total_params_b, rel=0.01)
    assert kv_cache_bytes_per_token(row, 2) == kv_cache_bytes_per_token(counted, 2)
    assert row.state_bytes_per_sequence == counted.state_bytes_per_sequence
    assert row.kv_layers == counted.kv_layers


def test_licences_that_models_are_said_to_have(catalog: Catalog) -> None:
    def licence(model_id: str):
        return catalog.licence(catalog.model(model_id).licence_id)

    assert licence("minimax-m2.7").commercial_use == "no"
    assert not licence("llama-4-scout").granted_in_eu
    assert licence("llama-3.3-70b").granted_in_eu
    assert catalog.model("gemma-4-31b").licence_id == "apache-2.0"
