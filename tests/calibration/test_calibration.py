"""The fit: reproducible, shrunk, cross-validated; the shipped file belongs to the shipped rows."""

import json

import numpy as np
import pytest

from llmplan.calibration import fitting
from llmplan.calibration.accuracy import error_summary
from llmplan.calibration.calibrate import calibrate, distance_of, fingerprint
from llmplan.calibration.fitting import fit, row_weights_of
from llmplan.calibration.observations import observe, predicted
from llmplan.calibration.validation import PROTOCOLS, folds_of, is_own
from llmplan.catalog import data_dir, load_catalog
from llmplan.catalog.measurements import read_measurements
from llmplan.replica.constants import constants, fitted


@pytest.fixture(scope="module")
def some(catalog):
    rows = read_measurements(data_dir() / "measured_serving.csv", load_catalog())
    chosen = [m for m in rows if m.model_id == "llama-3.1-70b" and m.gpu_id in ("h100-sxm", "h200-sxm")]
    return observe(catalog, chosen[::6])[0]


@pytest.fixture(scope="module")
def best(some):
    return fit(some, row_weights_of(some))


def test_the_fit_is_the_same_to_the_digit(some, best):
    again = fit(some, row_weights_of(some))
    assert best.base == again.base
    assert best.effects == again.effects


def test_the_fit_beats_the_starting_values(some, best):
    from llmplan.replica.constants import Calibration

    def size(calibration):
        values, _ = predicted(some, calibration)
        return np.nanmedian(np.abs(values - some.measured), axis=1)

    end, start = size(best), size(Calibration({}, {}))
    assert np.all(end < start)
    assert end[0] < 0.08


def test_rows_of_weight_0_do_not_matter(some):
    from dataclasses import replace

    weights = row_weights_of(some)
    weights[::2] = 0.0
    spoilt = some.measured.copy()
    spoilt[:, ::2] += 5.0
    assert fit(some, weights).base == fit(replace(some, measured=spoilt), weights).base


def test_folds_keep_repeats_and_groups_together(some):
    groups = folds_of(some, "groups")
    by_group = {}
    for m, fold in zip(some.rows, groups, strict=True):
        by_group.setdefault((m.model_id, m.gpu_id, m.engine_id), set()).add(int(fold))
    assert all(len(folds) == 1 for folds in by_group.values())
    assert set(folds_of(some, "points")) == {0, 1, 2}


def test_a_source_is_left_out_whole_unless_it_is_most_of_the_data(catalog):
    rows = read_measurements(data_dir() / "measured_serving.csv", catalog)
    obs, _ = observe(catalog, rows[::7])
    folds = folds_of(obs, "sources")
    own = {int(f) for m, f in zip(obs.rows, folds, strict=True) if m.source_title.startswith("GPUStack")}
    assert len(own) == 1 and own != {-1}
    assert {int(f) for m, f in zip(obs.rows, folds, strict=True) if m.source_title.startswith("aiconf")} == {
        -1
    }


def test_own_runs_are_left_out_by_model(catalog):
    rows = read_measurements(data_dir() / "measured_serving.csv", catalog)
    obs, _ = observe(catalog, [m for m in rows if m.model_id in ("llama-3.1-8b", "gpt-oss-20b")])
    by_fold = {}
    for m, fold in zip(obs.rows, folds_of(obs, "own models"), strict=True):
        assert bool(fold >= 0) is is_own(m)
        by_fold.setdefault(int(fold), set()).add((m.model_id, m.precision))
    kept_back = [keys for fold, keys in by_fold.items() if fold >= 0]
    assert len(kept_back) == 3 and all(len(keys) == 1 for keys in kept_back)


def test_calibrate_on_a_few_rows_gives_a_whole_document(catalog):
    rows = read_measurements(data_dir() / "measured_serving.csv", load_catalog())
    obs, _ = observe(catalog, [m for m in rows if m.model_id == "qwen3-32b"][::16])
    document, _ = calibrate(obs, "2026-01-01")
    assert document["fit_date"] == "2026-01-01"
    assert set(document["base"]) == {c.name for c in constants(load_catalog())}
    assert set(document["errors"]) == {f"kept-back {name}" for name in PROTOCOLS}
    assert document["errors"]["kept-back points"]["tpot"]["all"]["n"] == np.isfinite(obs.measured[0]).sum()
    json.dumps(document, allow_nan=False)


def test_the_shipped_calibration_names_every_constant_and_keeps_its_promise():
    document = load_catalog().calibration.model_dump()
    assert set(document["base"]) == {c.name for c in constants(load_catalog())}
    errors = document["errors"]
    points, groups = errors["kept-back points"], errors["kept-back groups"]
    assert points["tpot"]["dense"]["median_abs_pct"] <= 6
    assert points["tpot"]["all"]["mean_abs_pct"] <= 13
    assert points["ttft"]["all"]["mean_abs_pct"] <= 55
    assert points["throughput"]["all"]["median_abs_pct"] <= 8.5
    assert groups["tpot"]["all"]["median_abs_pct"] <= 12.5
    assert groups["throughput"]["all"]["median_abs_pct"] <= 14
    assert groups["throughput"]["all"]["mean_abs_pct"] <= 26
    assert errors["kept-back sources"]["tpot"]["all"]["median_abs_pct"] <= 18
    assert errors["kept-back models"]["tpot"]["all"]["median_abs_pct"] <= 17
    assert errors["kept-back own models"]["ttft"]["all"]["mean_abs_pct"] <= 25


def test_the_shipped_fit_comes_out_of_the_shipped_rows(catalog, monkeypatch):
    """A further step of the fit from the shipped constants moves no prediction by much: it is that fit's end."""
    monkeypatch.setattr(fitting, "FEW_ITERATIONS", 1)
    obs, unanswered = observe(catalog, read_measurements(data_dir() / "measured_serving.csv", catalog))
    assert not unanswered and catalog.calibration.rows == len(obs.rows)
    shipped = fitted(catalog)
    again = fit(obs, row_weights_of(obs), shipped)
    change = np.abs(predicted(obs, again)[0] - predicted(obs, shipped)[0])
    assert np.nanmedian(change) < 0.01
    assert np.nanquantile(change, 0.95) < 0.1


def test_the_shipped_fit_names_the_shipped_rows_constants_and_model(catalog):
    """Whoever changes one of them runs `llmplan calibrate --docs docs`."""
    obs, _ = observe(catalog, read_measurements(data_dir() / "measured_serving.csv", catalog))
    assert catalog.calibration.inputs == fingerprint(obs)


def test_another_weight_row_or_model_has_another_name(some):
    from dataclasses import replace

    now = fingerprint(some)
    c = some.configurations
    assert now == fingerprint(some)
    assert now != fingerprint(replace(some, measured=some.measured + 0.01))
    assert now != fingerprint(replace(some, configurations=replace(c, bandwidth=c.bandwidth * 1.01)))


def test_a_kept_back_row_is_near_as_its_prediction_will_be(some):
    chosen = predicted(some, fitted(some.configurations.catalog))[1]
    assert set(distance_of(some, chosen, "points")) == {"seen"}
    replicas = some.configurations.take(chosen).levels("replica")
    folds = folds_of(some, "groups")
    for name, fold, tier in zip(replicas, folds, distance_of(some, chosen, "groups"), strict=True):
        elsewhere = ((replicas == name) & (folds != fold)).any()
        assert (tier == "seen") is bool(elsewhere)


def test_errors_by_hand():
    got = error_summary(np.log([1.1, 0.9, 1.2, np.nan]))
    assert got["n"] == 3
    assert got["mean_abs_pct"] == pytest.approx(13.33, abs=0.01)
    assert got["bias_pct"] == pytest.approx(10)
    assert error_summary(np.array([np.nan]))["mean_abs_pct"] is None
