"""Counted parameters and KV bytes against what makers publish, file by file."""

import json
from functools import cache
from pathlib import Path

import pytest

from llmplan.catalog import Model
from llmplan.huggingface.config import Config
from llmplan.huggingface.row import model_from_config
from llmplan.replica.memory import kv_cache_bytes_per_token

HERE = Path(__file__).parent
CASES = {
    name: case
    for file in ("reference_configs.json", "family_configs.json")
    for name, case in json.loads((HERE / file).read_text()).items()
}
"""Configurations as published, cut to what shapes depend on: those of the reference data, and of other families
with the totals of their model cards and safetensors (heads for later tokens left out)."""


@cache
def counted(name: str) -> Model:
    return model_from_config(Config(CASES[name]["config"]), name)


@pytest.mark.parametrize("name", CASES)
def test_a_configuration_counts_as_published(name: str) -> None:
    case, model = CASES[name], counted(name)
    error = model.total_params_b / case["total_params_b"] - 1
    assert abs(error) < 0.02, f"{name}: {model.total_params_b} counted, {error:+.2%}"
    assert kv_cache_bytes_per_token(model, 2.0) == pytest.approx(case["kv_bytes_per_token"], rel=1e-12)
    assert model.active_params_b <= model.total_params_b


def test_few_files_are_off_by_more_than_half_a_percent() -> None:
    off = {name: counted(name).total_params_b / case["total_params_b"] - 1 for name, case in CASES.items()}
    assert (
        sorted(name for name, error in off.items() if abs(error) > 0.005 and "DeepSeek-V4-Pro" not in name)
        == []
    )
