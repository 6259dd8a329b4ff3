import csv
import datetime as dt
import io
import json
from dataclasses import replace

import pytest
import yaml
from plan_sample import SAMPLE

from llmplan.errors import InputError
from llmplan.operations import (
    ApiTier,
    operations_files,
    storage_list,
    thresholds,
    update_calendar,
    write_operations,
)

API = ApiTier("openai", "gpt-4o", 2.5, 10.0, 4_000.0, 30)


def files(api=API):
    updates = update_calendar(SAMPLE, dt.date(2026, 1, 1), 4, 1.5, 800)
    return operations_files(SAMPLE, api, updates, storage_list(SAMPLE, 3))


def test_every_file_parses():
    for name, text in files().items():
        assert text.endswith("\n")
        if name.endswith(".yaml"):
            assert yaml.safe_load(text)
            assert "&id" not in text
        if name.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(text)))
            assert len(rows) > 1 and len({len(row) for row in rows}) == 1
    plan = json.loads(files()["plan.json"])
    assert plan["thresholds"]["queue_requests"] == thresholds(SAMPLE).queue_requests
    assert plan["plan"]["replicas"] == 5


def test_an_amd_fleet_has_no_nvidia_files():
    names = operations_files(replace(SAMPLE, gpu_vendor="amd"), API, (), storage_list(SAMPLE, 3))
    assert not any("tensorrt" in name for name in names) and "kubernetes/vllm-service.yaml" in names


def test_without_an_api_there_is_no_gateway():
    assert "litellm/config.yaml" in files() and "litellm/config.yaml" not in files(None)


def test_the_first_page_states_the_plan():
    page = files()["README.md"]
    assert "5 replicas of 2 x h100-sxm (10 GPUs" in page and "vllm serve" in page
    assert "4 a year, 6 working days, 4,800 USD" in page


def test_a_folder_is_written_whole_and_replaced_whole(tmp_path):
    out = tmp_path / "deep" / "ops"
    write_operations(out, files())
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == set(files())
    assert (out / "launch" / "vllm.sh").stat().st_mode & 0o111
    (out / "stale.txt").write_text("x")
    write_operations(out, files(None))
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == set(files(None))
    assert [p.name for p in out.parent.iterdir()] == ["ops"]  # nothing left beside it


def test_a_failure_leaves_the_old_folder(tmp_path):
    out = tmp_path / "ops"
    write_operations(out, files())
    with pytest.raises(TypeError):
        write_operations(out, {**files(), "z.txt": 3})
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == set(files())
    assert [p.name for p in tmp_path.iterdir()] == ["ops"]


def test_somebody_else_s_folder_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="--out"):
        write_operations(tmp_path, files())
    with pytest.raises(InputError, match="--out"):
        write_operations(tmp_path / "mine.txt", files())
    (tmp_path / "empty").mkdir()
    write_operations(tmp_path / "empty", files())
    assert (tmp_path / "empty" / "plan.json").is_file()
