"""A measurement of one's own shifts the other loads of its replica, and no other replica."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.measurements import MeasuredPoint, learnt
from llmplan.measurements.neighbours import trust
from llmplan.replica import Configurations, ReplicaConfig, predict
from llmplan.sizing import SizeRequest, size

CATALOG = load_catalog()
ONE = ReplicaConfig("qwen3-14b", "bf16", "h100-sxm", 1, "vllm")
OTHER = replace(ONE, gpu_id="l40s", precision_id="fp8")
GRID = Configurations.from_configs(CATALOG, [ONE, OTHER])


def point(factor: float, clients: float = 16) -> MeasuredPoint:
    """One run that took `factor` times as long a token as predicted."""
    tpot = factor * float(predict(GRID, 1000, 300, clients).tpot_ms[0])
    names = (ONE.model_id, ONE.precision_id, ONE.gpu_id, ONE.n_gpus, ONE.engine_id, None)
    return MeasuredPoint(
        *names, 1000, 300, "closed_loop", clients, None, None, 100.0, tpot, "mean", "own.csv"
    )


def test_other_loads_move_by_the_shrunk_error_and_other_replicas_do_not() -> None:
    after, before = predict(learnt(GRID, [point(1.5)]), 2000, 500, 64), predict(GRID, 2000, 500, 64)
    moved = after.tpot_ms / before.tpot_ms
    assert moved == pytest.approx([exp(trust(CATALOG, 1) * log(1.5)), 1.0], rel=1e-3)


def test_more_points_are_trusted_more_and_agreeing_ones_change_nothing() -> None:
    weights = [trust(CATALOG, n) for n in (1, 3, 100)]
    assert 0 < weights[0] < weights[1] < weights[2] < 1
    same = predict(learnt(GRID, [point(1.0), point(1.0, 32)]), 2000, 500, 64)
    assert same.tpot_ms == pytest.approx(predict(GRID, 2000, 500, 64).tpot_ms, rel=1e-6)


def test_trust_by_hand() -> None:
    """Bands of exp(-/+ 0.128) seen and exp(-/+ 0.256) unseen: variances 0.01 within, 0.03 between: 0.75 of one."""
    ends = {"seen": 0.12816, "unseen": 0.25632}
    tpot = {name: (exp(-end), exp(end)) for name, end in ends.items()}
    fit = CATALOG.calibration.model_copy(update={"bands": CATALOG.calibration.bands | {"tpot": tpot}})
    assert trust(replace(CATALOG, calibration=fit), 1) == pytest.approx(0.75, rel=1e-3)


def test_size_at_another_load_is_shifted() -> None:
    request = SizeRequest(ONE.model_id, "bf16", "h100-sxm", 4000, 200, 1, "vllm", concurrency=8)
    plain, shifted = size(CATALOG, request), size(CATALOG, request, [point(1.5)])
    assert shifted.speed.tpot_ms > 1.1 * plain.speed.tpot_ms and shifted.speed.measured_by is None
    assert (
        np.isfinite(shifted.speed.requests_per_s)
        and shifted.speed.requests_per_s < plain.speed.requests_per_s
    )
