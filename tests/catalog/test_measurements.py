"""Reading measured rows: traps of the published file."""

import math

import pytest

from llmplan.catalog import data_dir, load_catalog
from llmplan.catalog.measurements import Measurement, datasets, measurement_of, read_measurements
from llmplan.errors import InputError

ROW = {
    "model_id": "Llama-3.1-8B",
    "precision": "FP8",
    "gpu_id": "h100-sxm",
    "n_gpus": "8",
    "engine_id": "",
    "isl_tokens": "1024",
    "osl_tokens": "",
    "arrival": "closed_loop",
    "concurrency": "x",
}


def measurement(row: dict[str, str]) -> Measurement:
    return measurement_of(row, datasets(load_catalog()))


def test_blank_cells_and_letter_case():
    m = measurement(ROW)
    assert m.model_id == "llama-3.1-8b"
    assert m.precision == "fp8"
    assert m.engine_id == "unstated"
    assert math.isnan(m.concurrency)
    assert math.isnan(m.tensor_parallel)
    assert m.data_parallel == 1
    assert m.output_tokens == 512


def test_a_data_set_gives_lengths_and_limits():
    m = measurement(ROW | {"isl_tokens": "OpenOrca", "arrival": "server"})
    assert m.output_tokens == pytest.approx(294.45)
    assert (m.ttft_limit_ms, m.tpot_limit_ms) == (2000, 200)
    tight = measurement(
        ROW
        | {
            "model_id": "llama-2-70b",
            "isl_tokens": "MLPerf dataset",
            "scenario_as_published": "MLPerf Interactive",
        }
    )
    assert (tight.ttft_limit_ms, tight.tpot_limit_ms) == (450, 40)


def test_random_lengths_of_the_dump_are_a_tenth_shorter():
    row = ROW | {"source_title": "aiconfigurator silicon_sample.csv", "published": "2026-03-25"}
    assert measurement(row).input_tokens == pytest.approx(921.6)
    assert measurement(row | {"published": ""}).input_tokens == 1024


def test_the_shipped_file_is_read_whole():
    rows = read_measurements(data_dir() / "measured_serving.csv", load_catalog())
    assert len(rows) == 3812
    assert rows[0].line == 2


def test_missing_files_and_columns_are_errors(tmp_path):
    with pytest.raises(InputError):
        read_measurements(tmp_path / "none.csv", load_catalog())
    (tmp_path / "bad.csv").write_text("model_id,gpu\na,b\n")
    with pytest.raises(InputError, match="missing"):
        read_measurements(tmp_path / "bad.csv", load_catalog())
