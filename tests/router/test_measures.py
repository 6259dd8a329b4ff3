"""Measures of a router: hand-worked values, the peers' programs, cases that break them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.router import measures
from llmplan.router.oracle import oracle_frontier
from llmplan.router.queries import QueryOutcomes, read_queries
from llmplan.router.router_eval import EvaluationSettings, baselines, evaluate

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "tests" / "data"
NAMES = {"mmlu_pro_70b_gpt4o": "mmlu_pro_llama31_70b_vs_gpt4o", "gsm8k": "gsm8k"}


@pytest.fixture(scope="module")
def real() -> dict[str, QueryOutcomes]:
    return read_queries(ROOT / "data" / "router_eval.csv")


def peer_rows(name: str) -> list[dict[str, str]]:
    with (PEERS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def outcomes(score, weak, strong, weak_usd=None, strong_usd=None) -> QueryOutcomes:
    n = len(score)
    columns = [np.asarray(column, float) for column in (weak, strong)]
    usd = [
        np.full(n, 1.0) if weak_usd is None else weak_usd,
        np.full(n, 10.0) if strong_usd is None else strong_usd,
    ]
    return QueryOutcomes(
        "d",
        {"r": np.asarray(score, float)},
        *columns,
        *(np.asarray(u, float) for u in usd),
        np.full(n, "all"),
    )


def curve_of(data: QueryOutcomes, bins: int | None = None) -> measures.RouterCurve:
    if bins is None:
        return measures.exact_curve(data.scores["r"], data.weak, data.strong)
    return measures.binned_curve(data.scores["r"], data.weak, data.strong, bins)


def test_by_hand():
    # Four queries; only the one with the highest score needs the strong model.
    data = outcomes([0.9, 0.3, 0.2, 0.1], [0, 1, 1, 1], [1, 1, 1, 1])
    curve = curve_of(data)
    assert curve.share_strong.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.quality.tolist() == [0.75, 1, 1, 1, 1]
    assert curve.usd_per_query.tolist() == [1, 3.25, 5.5, 7.75, 10]
    assert measures.apgr(curve) == pytest.approx(0.875)
    assert measures.cpt_pct(curve, 0.5) == pytest.approx(12.5)
    found = measures.aiq(curve.usd_per_query, curve.quality)
    assert found.paper == pytest.approx((0.875 * 2.25 + 6.75) / 9)
    assert found.code == pytest.approx((0.875 * 2.25 + 6.75) / 10)


@pytest.mark.parametrize(
    "row", peer_rows("router_eval_peer_metrics.csv"), ids=lambda r: f"{r['dataset']}-{r['router']}"
)
def test_routellm_program(real, row):
    data = real[NAMES[row["dataset"]]]
    router = row["router"].removeprefix("score_")
    if router in data.scores:
        found = evaluate(data, router, EvaluationSettings(bins=10, bootstrap=2))
        assert found["apgr"] == pytest.approx(float(row["apgr"]), abs=0.0001)
        for key in ("cpt20", "cpt50", "cpt80"):
            assert found[key] == pytest.approx(float(row[key].rstrip("%")), abs=0.011)
        assert 100 * found["auc"] == pytest.approx(float(row["auc"]), abs=0.001)
    elif router == "random":
        # The peer draws one seed; the expectation over seeds is exactly one half.
        assert float(row["apgr"]) == pytest.approx(0.5, abs=0.02)
        assert baselines(data, EvaluationSettings())["random"]["apgr"] == 0.5
    else:
        # The peer's per-category scores are not in the file; the rule is fitted anew, out of fold.
        rule = baselines(data, EvaluationSettings())["task_rule"]
        assert rule["apgr"] == pytest.approx(float(row["apgr"]), abs=0.015)
    assert data.weak_quality.mean() * 100 == pytest.approx(float(row["weak"]))
    assert data.strong_quality.mean() * 100 == pytest.approx(float(row["strong"]))
    assert len(data) == int(row["n"])


def test_routellm_curves(real):
    rows = [row for row in peer_rows("router_eval_peer_curves.csv") if row["method"].startswith("score_")]
    points = {}
    for row in rows:
        points.setdefault((row["dataset"], row["method"].removeprefix("score_")), []).append(row)
    for (dataset, router), peer in points.items():
        data = real[NAMES[dataset]]
        if router not in data.scores:
            continue
        curve = measures.binned_curve(data.scores[router], data.weak, data.strong, 10)
        peer = sorted(peer, key=lambda row: float(row["strong_percentage"]))
        # Scores in the file are rounded to six digits: one query may change side.
        assert 100 * curve.share_strong == pytest.approx(
            [float(r["strong_percentage"]) for r in peer], abs=0.01
        )
        assert 100 * curve.quality == pytest.approx([float(r["accuracy"]) for r in peer], abs=0.02)


def test_exact_curve_of_the_issued_figures(real):
    found = evaluate(real["mmlu_pro_llama31_70b_vs_gpt4o"], "lr", EvaluationSettings(bootstrap=2))
    assert found["apgr"] == pytest.approx(0.6607, abs=5e-5)
    assert found["aiq"] == pytest.approx(0.6837, abs=5e-5)
    assert found["aiq_code"] == pytest.approx(0.6412, abs=5e-5)


@pytest.mark.parametrize(
    "row", peer_rows("router_eval_peer_aiq.csv"), ids=lambda r: f"{r['dataset']}-{r['router']}"
)
def test_routerbench_program(row):
    points = np.array(json.loads(row["points"] if row["points"].startswith("[") else row["hull_points"]))
    assert points.shape[1] == 2
    found = measures.aiq(points[:, 0], points[:, 1])
    assert found.paper == pytest.approx(float(row["paper_AIQ"]), abs=2e-5)
    assert found.code == pytest.approx(float(row["peer_AIQ_code"]), abs=2e-5)
    assert found.usd_max == pytest.approx(float(row["cmax"]), rel=1e-5)


@pytest.mark.parametrize("router", ["lr", "knn"])
@pytest.mark.parametrize("dataset", NAMES)
def test_aiq_from_queries(real, dataset, router):
    peer = next(
        r
        for r in peer_rows("router_eval_peer_aiq.csv")
        if (r["dataset"], r["router"]) == (dataset, f"score_{router}")
    )
    found = evaluate(real[NAMES[dataset]], router, EvaluationSettings(bootstrap=2))
    assert found["aiq"] == pytest.approx(float(peer["paper_AIQ"]), abs=5e-5)
    assert found["aiq_code"] == pytest.approx(float(peer["peer_AIQ_code"]), abs=1e-4)


def test_automix_program():
    for row in peer_rows("router_eval_peer_automix.csv"):
        v = {key: float(value) for key, value in row.items() if key != "dataset"}
        assert v["avg_cost"] == pytest.approx(v["c_slm"] + v["verifier_cost"] + v["escalated"] * v["c_llm"])
        lift = measures.ibc_lift(
            v["perf"], v["avg_cost"], v["slm_perf"], v["c_slm"], v["llm_perf"], v["c_llm"]
        )
        assert lift == pytest.approx(v["ibc_lift"], abs=1e-6)


@pytest.mark.parametrize(("strong", "usd"), [(0.9, 0.5), (0.9, 1.0), (0.4, 2.0), (0.5, 2.0)])
def test_no_lift_over_a_model_that_is_not_dearer_and_better(strong, usd):
    assert np.isnan(measures.ibc_lift(0.7, 1.5, 0.5, 1.0, strong, usd))


def test_naive_blend_hides_that_routed_queries_are_longer(real):
    found = evaluate(real["mmlu_pro_llama31_70b_vs_gpt4o"], "lr", EvaluationSettings(bootstrap=2))[
        "naive_blend"
    ]
    assert found["saving_pct"] == pytest.approx(57, abs=0.5)
    assert found["naive_saving_pct"] == pytest.approx(65, abs=0.7)
    # 43 / 35 by whole percents is 23 % more; unrounded it is 24.3 %.
    assert found["excess_pct"] == pytest.approx(24.3, abs=0.05)


def test_the_same_scores_as_a_cascade_pay_the_weak_model_for_all(real):
    data = real["mmlu_pro_llama31_70b_vs_gpt4o"]
    found = evaluate(data, "lr", EvaluationSettings(bootstrap=2))
    up = np.argsort(-data.scores["lr"], kind="stable")[: round(0.3 * len(data))]
    usd = data.weak_usd.mean() + data.strong_usd[up].sum() / len(data)
    assert found["cascade"]["usd_per_query"] == pytest.approx(usd, rel=1e-3)
    assert found["cascade"]["quality"] == pytest.approx(0.6775, abs=5e-4)
    one_shot = found["naive_blend"]
    assert one_shot["usd_per_query"] < found["cascade"]["usd_per_query"]
    gains = (0.6775 - found["weak_quality"]) / (usd - data.weak_usd.mean())
    ends = (found["strong_quality"] - found["weak_quality"]) / (data.strong_usd - data.weak_usd).mean()
    assert found["cascade"]["ibc_lift"] == pytest.approx(gains / ends - 1, abs=0.01)


def test_strong_share_needed_by_floor(real):
    found = evaluate(real["mmlu_pro_llama31_70b_vs_gpt4o"], "lr", EvaluationSettings(bootstrap=2))
    shares = {
        floor: (round(100 * row["share_strong"]), round(100 * row["share_strong_random"]))
        for floor, row in found["cheapest_at_floor"].items()
    }
    assert shares == {"0.9": (11, 22), "0.95": (36, 61), "0.97": (55, 77), "0.99": (78, 92)}
    assert found["classifier"]["share_needed"] == pytest.approx(0.168, abs=5e-4)
    assert found["classifier"]["roc_auc"] == pytest.approx(0.62, abs=5e-3)
    assert found["classifier"]["precision"] == pytest.approx(0.245, abs=5e-4)
    assert found["classifier"]["recall"] == pytest.approx(0.437, abs=5e-4)


def test_oracle_is_best_of_both(real):
    data = real["mmlu_pro_llama31_70b_vs_gpt4o"]
    found = baselines(data, EvaluationSettings())["oracle"]
    assert found["share_strong"] == pytest.approx(0.168, abs=5e-4)
    assert 100 * found["quality"] == pytest.approx(79.646, abs=5e-4)
    assert found["frontier"][-1]["quality"] == pytest.approx(found["quality"])


def test_tied_scores_follow_the_mean_over_random_orders():
    rng = np.random.default_rng(1)
    score = rng.integers(0, 3, 60) / 2
    weak, strong = rng.integers(0, 2, 60), rng.integers(0, 2, 60) | (rng.random(60) < 0.5)
    tied = measures.apgr(curve_of(outcomes(score, weak, strong)))
    broken = [
        measures.apgr(curve_of(outcomes(score + 1e-6 * rng.random(60), weak, strong))) for _ in range(400)
    ]
    assert tied == pytest.approx(np.mean(broken), abs=4 * np.std(broken) / 20)


@pytest.mark.parametrize("bins", [None, 1, 10, 100])
def test_constant_score_is_a_random_router(bins):
    data = outcomes([0.5] * 4, [0, 0, 1, 1], [1, 1, 1, 1])
    curve = curve_of(data, bins)
    assert measures.apgr(curve) == pytest.approx(0.5)
    assert measures.cpt_pct(curve, 0.2) == pytest.approx(20)


def test_bins_with_ties_are_the_peers_loop():
    """RouteLLM's loop over quantiles, written out; its own cut of tied scores into bins raises."""
    rng = np.random.default_rng(4)
    score = rng.integers(0, 4, 300) / 3
    data = outcomes(score, rng.integers(0, 2, 300), rng.random(300) < 0.5 + 0.3 * score)
    thresholds = np.quantile(score, np.linspace(0, 1, 11))
    up = [score >= t if i < 10 else score > t for i, t in enumerate(thresholds)][::-1]
    curve = curve_of(data, 10)
    assert curve.share_strong == pytest.approx([row.mean() for row in up])
    assert curve.quality == pytest.approx(
        [np.where(row, data.strong_quality, data.weak_quality).mean() for row in up]
    )
    # Four groups, each wider than a bin: the bins lose nothing of the exact curve.
    assert measures.apgr(curve) == pytest.approx(measures.apgr(curve_of(data)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=0, max_size=12), st.sampled_from([0.2, 0.5, 0.8]))
def test_interpolated_cpt_is_a_crossing_and_the_first_of_a_rising_curve(between, target):
    quality = np.array([0.1, *between, 0.9])
    share = np.linspace(0, 1, len(quality))

    def curve_through(values):
        return measures.RouterCurve(share, values, share, share)

    found = measures.cpt_interpolated_pct(curve_through(quality), target)
    assert np.interp(found / 100, share, quality) == pytest.approx(0.1 + target * 0.8, abs=1e-6)
    assert found >= measures.cpt_pct(curve_through(quality), target) - 1e-6
    rising = curve_through(0.1 + 0.8 * np.sort(share**2))
    assert measures.cpt_interpolated_pct(rising, target) == pytest.approx(measures.cpt_pct(rising, target))


def test_interpolated_cpt_of_a_worse_or_an_equal_strong_model():
    falling = measures.RouterCurve(np.array([0, 0.5, 1]), np.array([0.9, 0.5, 0.1]), *np.zeros((2, 3)))
    assert measures.cpt_interpolated_pct(falling, 0.5) == pytest.approx(50)
    level = measures.RouterCurve(np.array([0, 0.5, 1]), np.array([0.5, 0.9, 0.5]), *np.zeros((2, 3)))
    assert np.isnan(measures.cpt_interpolated_pct(level, 0.5))


def test_without_costs_what_needs_them_is_null():
    nothing = np.full(4, np.nan)
    data = outcomes([0.9, 0.3, 0.2, 0.1], [0, 1, 1, 1], [1, 1, 1, 1], nothing, nothing)
    found = evaluate(data, "r", EvaluationSettings(bootstrap=2))
    assert found["apgr"] == pytest.approx(0.875)
    for key in ("aiq", "aiq_code", "aiq_exact", "aiq_code_exact", "naive_blend", "cascade"):
        assert found[key] is None
    assert found["cheapest_at_floor"]["0.95"]["mixed"] == {
        "share_strong": pytest.approx(0.2),
        "usd_per_query": None,
    }
    assert any("no costs" in note for note in found["notes"])


def test_tied_scores_reach_a_floor_by_mixing():
    # All alike: a threshold sends up all or nothing, a coin the share that the floor asks for.
    data = outcomes([0.5] * 4, [0, 1, 1, 0], [1, 1, 1, 1])
    row = evaluate(data, "r", EvaluationSettings(floors=(0.75,)))["cheapest_at_floor"]["0.75"]
    assert row["share_strong"] == 1
    assert row["mixed"] == {"share_strong": pytest.approx(0.5), "usd_per_query": pytest.approx(5.5)}


def test_a_gap_of_rounding_is_none():
    data = outcomes([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.3, 0.1, 0.2])
    found = evaluate(data, "r", EvaluationSettings())
    assert found["apgr"] is None and found["cpt20"] is None
    assert baselines(data, EvaluationSettings())["random"]["apgr"] is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 5), min_size=1, max_size=20), st.floats(0, 1))
def test_mixing_is_never_dearer_than_a_threshold_or_chance(rows, floor):
    data = outcomes(*(np.array(column, float) for column in zip(*rows, strict=True)))
    found = evaluate(data, "r", EvaluationSettings(floors=(floor,), bootstrap=2))
    (row,) = found["cheapest_at_floor"].values()
    assert (row["mixed"] is None) == (row["share_strong"] is None)
    if row["mixed"] is not None:
        assert row["mixed"]["usd_per_query"] <= row["usd_per_query"] + 1e-9
    if row["share_strong_random"] is not None:
        usd = found["weak_usd_per_query"], found["strong_usd_per_query"]
        chance = usd[0] + row["share_strong_random"] * (usd[1] - usd[0])
        assert row["mixed"]["usd_per_query"] <= chance + 1e-9


def test_strong_model_also_cheaper():
    data = outcomes([0.9, 0.5, 0.1], [0, 1, 0], [1, 1, 0], weak_usd=[2, 2, 2], strong_usd=[1, 1, 1])
    found = evaluate(data, "r", EvaluationSettings(bootstrap=2))
    assert found["aiq"] == pytest.approx(2 / 3)
    assert found["cheapest_at_floor"]["0.95"]["share_strong"] == 1
    assert [point["usd_per_query"] for point in found["frontier"]] == [1]
    assert any("also the cheaper" in note for note in found["notes"])


def test_no_gap_leaves_pgr_undefined():
    data = outcomes([0.9, 0.1], [1, 0], [0, 1])
    found = evaluate(data, "r", EvaluationSettings(bootstrap=2))
    assert found["apgr"] is None and found["cpt50"] is None
    assert any("undefined" in note for note in found["notes"])


@pytest.mark.parametrize("bins", [None, 10])
def test_one_row(bins):
    found = evaluate(outcomes([0.5], [0], [1]), "r", EvaluationSettings(bins=bins))
    assert found["n"] == 1 and found["apgr"] == pytest.approx(0.5)
    assert found["cheapest_at_floor"]["0.95"]["held_out"] is None


def test_free_models():
    found = evaluate(outcomes([0.5, 0.2], [0, 1], [1, 1], [0, 0], [0, 0]), "r", EvaluationSettings())
    assert found["naive_blend"]["excess_pct"] is None
    assert found["aiq"] == 1


samples = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 5), st.integers(0, 5)),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(samples)
def test_hull_is_monotone_concave_and_above_every_point(rows):
    score, weak, strong, weak_usd, strong_usd = (
        np.array(column, float) for column in zip(*rows, strict=True)
    )
    curve = curve_of(outcomes(score, weak, strong, weak_usd, strong_usd))
    hull = measures.non_decreasing_hull(curve.usd_per_query, curve.quality)
    usd, quality = curve.usd_per_query[hull], curve.quality[hull]
    assert np.all(np.diff(usd) > 0) and np.all(np.diff(quality) > 0)
    slopes = np.diff(quality) / np.diff(usd)
    assert np.all(np.diff(slopes) < 1e-9)
    assert np.all(np.interp(curve.usd_per_query, usd, quality) >= curve.quality - 1e-9)


@settings(max_examples=60, deadline=None)
@given(samples)
def test_nothing_breaks_and_bounds_hold(rows):
    data = outcomes(*(np.array(column, float) for column in zip(*rows, strict=True)))
    for bins in (None, 10):
        found = evaluate(data, "r", EvaluationSettings(bins=bins, bootstrap=3))
        assert found["aiq"] is not None
        best = np.maximum(data.weak_quality, data.strong_quality).mean()
        assert found["aiq"] <= best + 1e-9
        assert (found["apgr"] is None) == (found["weak_quality"] == found["strong_quality"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=1, max_size=6))
def test_oracle_frontier_against_every_assignment(rows):
    weak, strong, weak_usd, strong_usd = (np.array(column, float) for column in zip(*rows, strict=True))
    data = outcomes(np.zeros(len(rows)), weak, strong, weak_usd, strong_usd)
    frontier = oracle_frontier(data)
    n = len(rows)
    masks = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    quality, usd = (
        np.where(masks, strong, weak).mean(axis=1),
        np.where(masks, strong_usd, weak_usd).mean(axis=1),
    )
    hull = measures.non_decreasing_hull(usd, quality)
    assert frontier.quality[-1] == pytest.approx(quality.max())
    assert np.interp(usd[hull], frontier.usd_per_query, frontier.quality) == pytest.approx(quality[hull])
