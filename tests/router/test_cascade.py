"""Cascades: the peers' figures and hand-worked cases."""

import csv
from pathlib import Path

import numpy as np
import pytest

from llmplan.errors import InputError
from llmplan.router import cascade as cas
from llmplan.router.costs import Tier, Traffic
from llmplan.router.measures import ibc_lift
from llmplan.router.queries import read_queries

ROOT = Path(__file__).parents[2]
NAMES = {"mmlu_pro_70b_gpt4o": "mmlu_pro_llama31_70b_vs_gpt4o", "gsm8k": "gsm8k"}
ONE_MONTH = Traffic(days_per_month=1)


def test_automix_program_from_the_queries():
    """The peer escalates where 1 - score lies below its threshold; weak leg 1, verifier 1, strong 5 or 50."""
    data = read_queries(ROOT / "data" / "router_eval.csv")
    with (ROOT / "tests/data/router_eval_peer_automix.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        queries = data[NAMES[row["dataset"]]]
        weak_usd, strong_usd = float(row["c_slm"]), float(row["c_llm"])
        up = 1 - queries.scores["lr"] < float(row["threshold"])
        quality = np.where(up, queries.strong_quality, queries.weak_quality).mean(keepdims=True)
        found = cas.Cascade(up.mean(keepdims=True), quality, np.ones(1))
        tiers = [Tier("weak", weak_usd), Tier("strong", strong_usd)]
        usd = cas.cascade_usd(found, tiers, 1, ONE_MONTH, float(row["verifier_cost"]))
        assert found.escalated[0] == pytest.approx(float(row["escalated"]), abs=2e-4)
        assert found.quality[0] == pytest.approx(float(row["perf"]), abs=2e-4)
        assert usd[0, 0] == pytest.approx(float(row["avg_cost"]), rel=1e-3)
        lift = ibc_lift(
            found.quality,
            usd[:, 0],
            queries.weak_quality.mean(),
            weak_usd,
            queries.strong_quality.mean(),
            strong_usd,
        )
        assert lift[0] == pytest.approx(float(row["ibc_lift"]), abs=0.01)


def test_verifier_by_hand():
    # p .6, t .9, f .2: .06 right and .32 wrong answers escalate.
    found = cas.from_verifier(0.6, 0.9, 0.2, 0.95, 0.5)
    assert found.escalated == pytest.approx([0.38])
    assert found.quality == pytest.approx([0.54 + 0.06 * 0.95 + 0.32 * 0.5])
    tiers = [Tier("w", 0.01, latency_ms=100), Tier("s", 0.1, latency_ms=300)]
    assert cas.cascade_usd(found, tiers, 10, ONE_MONTH, 0.002)[0, 0] == pytest.approx(10 * (0.012 + 0.038))
    assert cas.cascade_latency_ms(found, tiers, 20) == pytest.approx([120 + 114])


def test_a_blind_verifier_only_costs():
    found = cas.from_verifier(0.6, [0.0, 1.0], [0.0, 1.0], 0.9, 0.5)
    assert found.escalated == pytest.approx([1, 0])
    tiers = [Tier("w", 0.02), Tier("s", 0.1)]
    usd = cas.cascade_usd(found, tiers, 1, ONE_MONTH, 0.01)[:, 0]
    assert usd[0] > 0.1 and usd[1] > 0.02


def test_fallback_is_not_paid_twice():
    found = cas.from_verifier(0.6, 1.0, 0.0, 1.0, 1.0)
    tiers = [Tier("w", fleet_usd=lambda q: np.ceil(q)), Tier("s", 1.0)]
    usd = cas.cascade_usd(found, tiers, 10, Traffic(fallback=0.5, days_per_month=1))
    assert usd[0, 0] == pytest.approx(5 + 5 + 5 * 0.4)


def test_probabilities_are_checked():
    with pytest.raises(InputError):
        cas.from_verifier(0.6, 1.2, 0.1, 1, 1)
    with pytest.raises(InputError):
        cas.from_verifier(float("nan"), 0.9, 0.1, 1, 1)
