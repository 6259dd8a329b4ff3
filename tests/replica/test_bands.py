"""Bands: quantiles of held-out errors, coarser slices where data is thin, never narrower far away."""

from dataclasses import replace

import numpy as np
import pytest

from llmplan.replica import Configurations, ReplicaConfig
from llmplan.replica.bands import FAR, SEEN, UNSEEN, band_factors, fit_bands, slice_keys, tiers


def test_a_band_covers_80_percent_of_the_errors_it_was_made_of():
    errors = np.random.default_rng(1).normal(0.1, 0.2, 500)
    bands = fit_bands(errors, [("one", "all")] * 500)
    low, high = bands["one"]
    inside = (-errors >= np.log(low)) & (-errors <= np.log(high))
    assert inside.mean() == pytest.approx(0.8, abs=0.02)
    assert low <= 1 <= high


def test_thin_slices_have_no_band_of_their_own():
    errors = np.linspace(-0.2, 0.2, 60)
    keys = [("thin", "all")] * 10 + [("thick", "all")] * 50
    assert set(fit_bands(errors, keys)) == {"thick", "all"}


def test_blank_measurements_do_not_count():
    errors = np.where(np.arange(100) < 50, np.nan, 0.1)
    assert set(fit_bands(errors, [("all",)] * 100)) == {"all"}


def test_far_from_the_data_is_never_narrower_than_near_it(catalog):
    c = Configurations.from_configs(
        catalog,
        [
            ReplicaConfig("qwen3-8b", "bf16", gpu, 1, engine)
            for gpu in ("h100-sxm", "l4")
            for engine in ("vllm", "tensorrt-llm", "sglang")
        ],
    )
    basis = np.full(len(c), "calibrated", dtype=object)
    every = ("tpot", "ttft", "throughput")
    nearer = band_factors(c, every, basis, "closed_loop", np.full(len(c), UNSEEN, dtype=object))
    farther = band_factors(c, every, basis, "closed_loop", np.full(len(c), FAR, dtype=object))
    for near, far in zip(nearer, farther, strict=True):
        assert np.all(far[0] <= near[0])
        assert np.all(far[1] >= near[1])


@pytest.mark.parametrize(
    ("seen", "meant"),
    [
        ({}, (0.7, 1.5)),  # too few errors of that arrival: those of unseen replicas, where they are wider
        ({"seen:server": (0.95, 1.05)}, (0.95, 1.05)),
    ],
)
def test_a_kind_of_arrival_with_few_errors_has_the_band_of_farther_ones(catalog, seen, meant):
    bands = {
        SEEN: (0.9, 1.1),
        UNSEEN: (0.8, 1.2),
        "unseen:server": (0.7, 1.5),
        "far:server": (0.1, 9.0),
    } | seen
    fit = catalog.calibration.model_copy(update={"bands": catalog.calibration.bands | {"tpot": bands}})
    one = [ReplicaConfig("qwen3-8b", "bf16", "h100-sxm", 1, "vllm")]
    c = Configurations.from_configs(replace(catalog, calibration=fit), one)
    asked = (np.array(["calibrated"], dtype=object), "server", np.array([SEEN], dtype=object))
    low, high = band_factors(c, ("tpot",), *asked)[0]
    assert (low[0], high[0]) == meant


def test_a_replica_of_the_data_is_seen(catalog):
    c = Configurations.from_configs(
        catalog,
        [
            ReplicaConfig("llama-3.1-70b", "fp8", "h200-sxm", 4, "tensorrt-llm"),
            ReplicaConfig("mistral-large-2", "fp8", "h100-sxm", 4, "vllm"),
        ],
    )
    assert tiers(c, np.array(["calibrated", "extrapolated"], dtype=object)).tolist() == ["seen", "far"]


def test_keys_go_from_fine_to_coarse():
    assert slice_keys("seen", "offline", "moe")[-1] == "seen"
