"""`llmplan accuracy`: contract of its answer, robustness, stored thresholds."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from llmplan.calibration.accuracy import report, score
from llmplan.calibration.accuracy_report import scatter
from llmplan.catalog import data_dir, load_catalog
from llmplan.catalog.measurements import read_measurements
from llmplan.cli import app

FIGURES = {"n", "mean_abs_pct", "median_abs_pct", "p90_abs_pct", "bias_pct", "band_coverage_pct"}
SHIPPED = data_dir() / "measured_serving.csv"


@pytest.fixture(scope="module")
def scored():
    return score(load_catalog(), read_measurements(SHIPPED, load_catalog()))


@pytest.fixture(scope="module")
def answer(scored):
    return report(scored)


def test_the_answer_has_the_promised_keys(answer):
    assert set(answer) == {"tpot", "ttft", "throughput", "unanswered", "slices"}
    for quantity in ("tpot", "ttft", "throughput"):
        assert set(answer[quantity]) == FIGURES
    assert {"model", "gpu", "engine", "precision", "arrival", "structure", "basis"} <= {
        part["by"] for part in answer["slices"]
    }


def test_every_shipped_row_is_answered_within_loose_thresholds(answer):
    assert answer["unanswered"] == []
    assert answer["tpot"]["median_abs_pct"] < 6
    assert answer["ttft"]["median_abs_pct"] < 30
    assert answer["throughput"]["mean_abs_pct"] < 15
    for quantity in ("tpot", "ttft", "throughput"):
        assert answer[quantity]["band_coverage_pct"] > 75


def test_slices_add_up(answer):
    for by in ("model", "arrival", "structure"):
        assert sum(part["tpot"]["n"] for part in answer["slices"] if part["by"] == by) == answer["tpot"]["n"]


def odd_rows(path):
    with SHIPPED.open(newline="") as file:
        reader = csv.DictReader(file)
        row = next(r for r in reader if r["tpot_ms"] and r["concurrency"])
    names = [name for name in row if name not in ("source_id", "as_of")]
    changes = [
        {"engine_id": "a-new-engine", "precision": "W4A8-experimental"},
        {"gpu_id": "tpu-v9"},
        {"model_id": "llama-9-900b"},
        {
            "model_id": "llama-3.1-8b-instruct",
            "tensor_parallel": "",
            "data_parallel": "",
            "expert_parallel": "",
        },
        {"arrival": "open_loop", "offered_rps": "", "concurrency": ""},
        {"n_gpus": "3", "tensor_parallel": "2"},
        {"model_id": "llama-3.1-405b", "n_gpus": "1", "tensor_parallel": "1"},
    ]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | change for change in changes)


def test_unknown_names_are_listed_and_the_rest_answered(tmp_path):
    odd_rows(tmp_path / "odd.csv")
    result = CliRunner().invoke(app, ["accuracy", str(tmp_path / "odd.csv"), "--json"])
    assert result.exit_code == 0
    got = json.loads(result.stdout)
    assert got["tpot"]["n"] == 5
    reasons = {row["line"]: row["reason"] for row in got["unanswered"]}
    assert set(reasons) == {3, 4}
    assert "unknown gpu" in reasons[3]
    assert "unknown model" in reasons[4]


def test_scoring_the_fitted_rows_says_so():
    result = CliRunner().invoke(app, ["accuracy", str(SHIPPED), "--json"])
    assert "in the fit" in json.loads(result.stdout)["note"]


def test_calibrate_writes_a_document(tmp_path):
    with SHIPPED.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model_id"] == "mixtral-8x22b"]
    with (tmp_path / "few.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    target = tmp_path / "calibration.json"
    result = CliRunner().invoke(app, ["calibrate", str(tmp_path / "few.csv"), "--output", str(target)])
    assert result.exit_code == 0, result.output
    assert json.loads(target.read_text())["rows"] == len(rows)


def test_the_scatter_is_well_formed_and_draws_every_point(scored):
    from xml.etree import ElementTree

    root = ElementTree.fromstring(scatter(scored))
    circles = [e for e in root.iter() if e.tag.endswith("circle")]
    assert len(circles) == int(np.isfinite(scored.measured).sum()) + 2


def test_cross_validated_scores_rows_held_out(tmp_path):
    with SHIPPED.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model_id"] == "mixtral-8x22b"]
    with (tmp_path / "few.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = CliRunner().invoke(app, ["accuracy", str(tmp_path / "few.csv"), "--cross-validated", "--json"])
    assert result.exit_code == 0, result.output
    got = json.loads(result.stdout)
    assert got["throughput"]["n"] == len(rows)
    assert "held out" in got["note"]
