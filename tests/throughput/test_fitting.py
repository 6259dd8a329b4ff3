"""The fit's two stages: families first, then what single replicas add."""

import numpy as np
import pytest

from llmplan.catalog import data_dir
from llmplan.measurements import read_measurements
from llmplan.throughput import Configurations, ReplicaConfig, load_calibration
from llmplan.throughput.constants import Calibration, constants, load_document
from llmplan.throughput.fitting import (
    NEGLIGIBLE,
    OWN,
    _evened,
    family_parameters,
    fit,
    replica_parameters,
    row_weights_of,
)
from llmplan.throughput.observations import observe


@pytest.fixture(scope="module")
def some(catalog):
    rows = read_measurements(data_dir() / "measured_serving.csv")
    chosen = [m for m in rows if m.model_id == "mixtral-8x7b"]
    return observe(catalog, chosen)[0]


def test_the_stages_share_no_unknown(some):
    family, own = family_parameters(some), replica_parameters(some)
    assert {p.factor for p in own} == {OWN}
    assert OWN not in {p.factor for p in family}
    assert sum(p.factor is None for p in family) == len(constants())


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


def test_a_replica_of_its_own_speed_keeps_it_and_leaves_its_family_alone(some):
    """All rows of one replica slowed by a third: its own pace takes part of it."""
    from dataclasses import replace

    weights = row_weights_of(some)
    mask = np.array([m.gpu_id == "l40s" for m in some.rows])
    slow = some.measured.copy()
    slow[2, mask] -= 0.4
    before, after = fit(some, weights), fit(replace(some, measured=slow), weights)
    level = next(n for n in after.effects["decode_pace"][OWN] if "l40s" in n)
    earlier = before.effects.get("decode_pace", {}).get(OWN, {}).get(level, 0.0)
    assert after.effects["decode_pace"][OWN][level] > earlier


def test_an_unseen_replica_runs_at_its_familys_pace(catalog):
    c = Configurations.from_configs(catalog, [ReplicaConfig("mistral-large-2", "fp8", "h100-sxm", 8, "vllm")])
    k = load_calibration().values(c)
    base = load_calibration().base
    for name in ("decode_pace", "prefill_pace"):
        assert k[name][0] == pytest.approx(np.exp(base[name]))


def test_the_shipped_fit_is_small_and_every_number_says_something():
    """No table of measurements: far fewer numbers than measured values, none negligible."""
    document = load_document()
    levels = [x for factors in document["effects"].values() for by in factors.values() for x in by.values()]
    assert min(abs(x) for x in levels) > NEGLIGIBLE
    measured = sum(q["all"]["n"] for q in document["errors"]["kept-back points"].values())
    assert len(levels) + len(document["base"]) < measured / 6


def test_values_multiply_base_and_deviations_by_hand(catalog):
    c = Configurations.from_configs(catalog, [ReplicaConfig("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm")])
    fitted = Calibration(
        {"layer_overhead_s": np.log(2e-5)}, {"layer_overhead_s": {"generation": {"vllm": np.log(1.5)}}}
    )
    assert fitted.values(c)["layer_overhead_s"][0] == pytest.approx(3e-5)
