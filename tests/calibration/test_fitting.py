"""The fit's two stages: families first, then what single replicas add."""

from dataclasses import replace

import numpy as np
import pytest

from llmplan.calibration.fitting import (
    NEGLIGIBLE,
    OWN,
    PUBLISHER,
    _descended,
    _evened,
    _problem,
    family_parameters,
    fit,
    publisher_parameters,
    replica_parameters,
)
from llmplan.calibration.observations import observe
from llmplan.catalog import data_dir, load_catalog
from llmplan.catalog.measurements import read_measurements
from llmplan.catalog.publishers import publisher_of
from llmplan.replica import Configurations, ReplicaConfig
from llmplan.replica.constants import Calibration, constants, fitted


@pytest.fixture(scope="module")
def some(catalog):
    rows = read_measurements(data_dir() / "measured_serving.csv", load_catalog())
    chosen = [m for m in rows if m.model_id == "mixtral-8x7b"]
    return observe(catalog, chosen)[0]


def test_the_stages_share_no_unknown(some):
    family, own = family_parameters(some), replica_parameters(some)
    assert {p.factor for p in own} == {OWN}
    assert OWN not in {p.factor for p in family}
    assert sum(p.factor is None for p in family) == len(constants(load_catalog()))


def test_n_rows_of_a_replica_count_as_their_square_root(some):
    weights = np.ones(len(some.rows))
    factor = _evened(some, weights) ** 2
    replicas = np.array([m.replica for m in some.rows])
    sums = {name: factor[replicas == name].sum() for name in replicas}
    sizes = {name: (replicas == name).sum() for name in replicas}
    scale = {sums[name] / np.sqrt(sizes[name]) for name in sums}
    assert max(scale) == pytest.approx(min(scale))
    assert factor.mean() == pytest.approx(1.0)


def test_rows_held_out_do_not_count_towards_their_replica(some):
    weights = np.ones(len(some.rows))
    weights[1::2] = 0.0
    kept = _evened(some, weights)[::2]
    fewer = observe_rows(some, slice(None, None, 2))
    assert kept / kept[0] == pytest.approx(fewer / fewer[0])


def observe_rows(some, part):
    from llmplan.catalog import load_catalog

    obs, _ = observe(load_catalog(), some.rows[part])
    return _evened(obs, np.ones(len(obs.rows)))


def test_only_the_replica_that_is_slower_than_its_family_gets_a_pace_of_its_own(some):
    """Rows made by the model itself, one replica's rates cut by a fifth."""
    start = np.repeat(
        np.log([c.start for c in constants(load_catalog())])[:, None], len(some.configurations), axis=1
    )
    outputs = some.outputs({c.name: np.exp(start[i]) for i, c in enumerate(constants(load_catalog()))})
    measured = outputs[:, some.best(outputs)]
    slow = np.array([m.gpu_id == "l40s" and m.engine_id == "tensorrt-llm" for m in some.rows])
    measured[2, slow] += np.log(0.8)
    weights = np.ones_like(measured)
    weights[:2] = 0.0
    own = replica_parameters(some)
    found = _descended(_problem(replace(some, measured=measured), own, start, weights)).x
    paces = {
        p.level: x
        for p, x in zip(own, found, strict=True)
        if constants(load_catalog())[p.constant].name == "decode_pace"
    }
    assert 0.05 < paces.pop("tensorrt-llm-v0:mixtral-8x7b:l40s:fp8") < np.log(1 / 0.8) + 0.05
    assert max(abs(x) for x in paces.values()) < 0.01


def test_what_one_publisher_adds_to_all_its_runs_is_no_familys(catalog, some):
    """Rows made by the model itself; one publisher's hosts are a third slower, and the fit says so of none."""
    rows = read_measurements(data_dir() / "measured_serving.csv", catalog)
    dense = observe(catalog, [m for m in rows if m.model_id == "qwen3-32b"])[0]
    logs = np.repeat(np.log([c.start for c in dense.constants])[:, None], len(dense.configurations), axis=1)
    outputs = dense.outputs({c.name: np.exp(logs[i]) for i, c in enumerate(dense.constants)})
    measured = outputs[:, dense.best(outputs)]
    slow = np.array([publisher_of(m.source_title) == "GPUStack performance" for m in dense.rows])
    assert 0 < slow.sum() < len(slow)
    measured[2, slow] -= np.log(4 / 3)
    measured[:2] = np.nan
    assert {p.factor for p in publisher_parameters(dense)} == {PUBLISHER}
    assert publisher_parameters(some) == []
    found = fit(replace(dense, measured=measured), np.ones(len(dense.rows)))
    assert PUBLISHER not in found.effects.get("decode_pace", {})


def test_an_unseen_replica_runs_at_its_familys_pace(catalog):
    c = Configurations.from_configs(catalog, [ReplicaConfig("mistral-large-2", "fp8", "h100-sxm", 8, "vllm")])
    k = fitted(c.catalog).values(c)
    base = fitted(load_catalog()).base
    for name in ("decode_pace", "prefill_pace"):
        assert k[name][0] == pytest.approx(np.exp(base[name]))


def test_the_shipped_fit_is_small_and_every_number_says_something():
    """No table of measurements: far fewer numbers than measured values, none negligible."""
    document = load_catalog().calibration.model_dump()
    levels = [x for factors in document["effects"].values() for by in factors.values() for x in by.values()]
    assert min(abs(x) for x in levels) >= NEGLIGIBLE  # as rounded in the file
    measured = sum(q["all"]["n"] for q in document["errors"]["kept-back points"].values())
    assert len(levels) + len(document["base"]) < measured / 6


def test_values_multiply_base_and_deviations_by_hand(catalog):
    c = Configurations.from_configs(catalog, [ReplicaConfig("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm")])
    fitted = Calibration(
        {"layer_overhead_s": np.log(2e-5)}, {"layer_overhead_s": {"generation": {"vllm": np.log(1.5)}}}
    )
    assert fitted.values(c)["layer_overhead_s"][0] == pytest.approx(3e-5)


def test_no_efficiency_exceeds_what_physics_allows(catalog):
    c = Configurations.from_configs(catalog, [ReplicaConfig("llama-3.1-8b", "w4a16", "l4", 1, "vllm")])
    absurd = Calibration({constant.name: 5.0 for constant in constants(load_catalog())}, {})
    k = absurd.values(c)
    assert k["weight_bandwidth_efficiency"][0] == k["prefill_compute_efficiency"][0] == 1.0
    assert k["kv_bandwidth_efficiency"][0] == 2.0
    assert k["queue_weight"][0] == pytest.approx(np.exp(5.0))
