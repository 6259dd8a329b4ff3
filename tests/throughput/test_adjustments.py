"""Adjustments: neutral outside the data, bounded drift, Little's law kept."""

import numpy as np
import pytest

from llmplan.throughput import Calibration, Configurations, ReplicaConfig, load_calibration
from llmplan.throughput.adjustments import REACH, adjusted, drifts, log_adjustment
from llmplan.throughput.queue import closed_loop

LOAD = np.array([1500.0]), np.array([800.0]), np.array([24.0])


def one(catalog, model="llama-3.1-70b"):
    return Configurations.from_configs(catalog, [ReplicaConfig(model, "fp8", "h100-sxm", 4, "vllm")])


def test_the_typical_load_has_no_drift_and_far_loads_a_bounded_one():
    assert all(value[0] == 0 for name, value in drifts(*LOAD).items() if name)
    far = drifts(np.array([1e6]), np.array([1.0]), np.array([1e5]))
    assert far["input"][0] == REACH
    assert far["output"][0] == -REACH


def test_a_replica_outside_the_data_is_left_alone(catalog):
    c = one(catalog, "mistral-large-2")
    for quantity in ("tpot", "ttft", "throughput"):
        assert log_adjustment(load_calibration(), quantity, c, *LOAD)[0] == 0.0


def test_terms_add_up_by_hand(catalog):
    c = one(catalog)
    name = str(c.levels("replica")[0])
    fitted = Calibration({}, {}, {"tpot": {"replica|": {name: 0.1}, "replica|clients": {name: 0.05}}})
    isl, osl, _ = LOAD
    got = log_adjustment(fitted, "tpot", c, isl, osl, np.array([24.0 * np.e]))
    assert got[0] == pytest.approx(0.15)


def test_the_rate_follows_from_littles_law(catalog):
    c = one(catalog)
    isl, osl, clients = LOAD
    service = closed_loop(c, load_calibration().values(c), isl, osl, clients)
    name = str(c.levels("replica")[0])
    slower = Calibration({}, {}, {"tpot": {"replica|": {name: np.log(2.0)}}})
    after = adjusted(service, slower, c, isl, osl, clients)
    assert after.tpot_s[0] == pytest.approx(2 * service.tpot_s[0])
    cycle = service.ttft_s[0] + 799 * service.tpot_s[0]
    doubled = service.ttft_s[0] + 799 * 2 * service.tpot_s[0]
    assert after.requests_per_s[0] == pytest.approx(service.requests_per_s[0] * cycle / doubled)


def test_waiting_clients_do_not_slow_those_in_the_batch() -> None:
    """Beyond the cache every further client waits; the rate of a replica with a TTFT factor of its own stays."""
    from llmplan.catalog import load_catalog
    from llmplan.throughput import Configurations, ReplicaConfig, predict

    replica = ReplicaConfig("llama-3.1-70b", "fp8", "h200-sxm", 1, "tensorrt-llm")
    loads = [200, 300, 500, 900]
    found = predict(Configurations.from_configs(load_catalog(), [replica] * 4), 1000, 300, loads)
    assert found.requests_per_s == pytest.approx([found.requests_per_s[-1]] * 4, rel=0.05)
    assert list(found.ttft_ms) == sorted(found.ttft_ms)
