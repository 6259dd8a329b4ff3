"""Draws priced in blocks after pruning, against a plain loop over draws, volumes and every option."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.cost.fleet import replicas_needed
from llmplan.kinds import Kind
from llmplan.options import Options, evaluate
from llmplan.risk.draws import LEVELS, monthly_usd, quantiles, sample, volume_curve
from llmplan.risk.problem import Draws, Problem, make_problem, problem_of, realise
from llmplan.scenario import Scenario
from tests.hidden_costs import hidden
from tests.risk.synthetic_options import Fleet, options_of

VOLUMES = np.array([1.0, 40.0, 700.0, 1000.0, 9000.0, 123456.0])

fleets = st.builds(
    Fleet,
    each=st.floats(20, 3000),
    rent=st.floats(50, 4000),
    per=st.sampled_from([1, 2, 4, 8]),
    gpus=st.sampled_from([1, 2, 8]),
    band=st.tuples(st.floats(0.4, 1), st.floats(1, 2)),
    price=st.tuples(st.floats(0.5, 1), st.floats(1, 2.5)),
    engine=st.sampled_from(["vllm", "sglang"]),
    basis=st.sampled_from(["calibrated", "extrapolated"]),
)


def plain_usd(problem: Problem, drawn: Draws, place: int, volume: float, draw: int) -> float:
    """Price one option at one draw and volume with the cost functions of the comparison."""
    options = problem.options
    if options.items[place].api_id is not None:
        return float(drawn.usd_per_query[place, draw]) * volume * problem.scenario.days_per_month
    sides = (drawn.flat_usd[draw], drawn.people_usd[draw], drawn.gpus_per_step[draw])
    fixed = hidden(*((float(side),) * 3 for side in sides))
    replicas = replicas_needed(volume, drawn.per_replica[place, draw], problem.scenario.spare_replicas)
    part, count = options.take([place]), np.array([[float(replicas)]])
    rent = float(part.rent_usd(count, 1)[0, 0] * drawn.rent_ratio[place, draw])
    return rent + float(fixed.usd(part.gpus_of(count)[0, 0], 1))


def small(rows: list[Fleet], spare: int = 0) -> Options:
    scenario = Scenario(spare_replicas=spare, utilisation_ceiling=1, peak_to_mean=1, queries_per_day=900)
    usd = {"a": 0.004, "host/b": 0.003}
    return options_of(usd, rows, scenario, (50, 100, 200), (300, 500, 900), (4, 8, 16))


@settings(max_examples=40, deadline=None)
@given(st.lists(fleets, min_size=1, max_size=7), st.integers(0, 2))
def test_pruned_blocks_equal_a_plain_loop_over_every_option(rows: list[Fleet], spare: int) -> None:
    catalog, options = load_catalog(), small(rows, spare)
    whole, pruned = (problem_of(options, catalog, None, prune=prune) for prune in (False, True))
    assert pruned.names == whole.names
    u = sample(whole, 23, seed=3)
    drawn = realise(whole, u)
    curve = volume_curve(pruned, u, VOLUMES)
    own = [i for i, item in enumerate(whole.options.items) if item.api_id is None]
    for row, volume in enumerate(VOLUMES):
        usd = np.array(
            [[plain_usd(whole, drawn, i, volume, d) for d in range(23)] for i in range(len(whole.options))]
        )
        best, cheapest_own = usd.min(axis=0), usd[own].min(axis=0)
        mine = [usd[[k == kind for k in whole.kinds]] for kind in Kind]
        share = [np.mean(rows.min(axis=0, initial=np.inf) <= best) for rows in mine]
        assert curve.p_kind[row] == pytest.approx(share)
        assert curve.self_hosted_usd[row] == pytest.approx(np.quantile(cheapest_own, LEVELS))
        saved = usd[:2].min(axis=0) - cheapest_own
        assert curve.saving_usd[row] == pytest.approx(np.quantile(saved, LEVELS), rel=1e-9, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(fleets, min_size=1, max_size=7))
def test_probabilities_sum_to_one(rows: list[Fleet]) -> None:
    problem = problem_of(small(rows), load_catalog(), None)
    curve = volume_curve(problem, sample(problem, 40), VOLUMES)
    assert curve.p_cheapest.sum(axis=1) == pytest.approx(np.ones(len(VOLUMES)))
    assert curve.p_kind.sum(axis=1) == pytest.approx(np.ones(len(VOLUMES)))


def test_blocks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Fleet(300, 500, band=(0.6, 1.6), price=(0.7, 1.9)),
        Fleet(900, 1100, band=(0.8, 1.2), engine="sglang"),
    ]
    problem = problem_of(small(rows), load_catalog(), None)
    u = sample(problem, 500)
    large = volume_curve(problem, u, VOLUMES)
    monkeypatch.setattr("llmplan.risk.draws.VOLUMES_PER_BLOCK", 3)
    monkeypatch.setattr("llmplan.risk.draws.DRAWS_PER_BLOCK", 77)
    small_blocks = volume_curve(problem, u, VOLUMES)
    assert np.array_equal(large.p_cheapest, small_blocks.p_cheapest)
    assert np.array_equal(large.saving_usd, small_blocks.saving_usd)


def test_the_base_draw_is_the_comparison() -> None:
    scenario = Scenario().but(
        model_ids=("llama-3.1-8b",), gpu_ids=("l4", "a100-80gb-sxm"), api_ids=("gpt-4o", "gpt-4o-mini")
    )
    found, problem = evaluate(scenario), make_problem(scenario)
    usd = monthly_usd(problem, realise(problem, problem.base_draw()))[:, 0]
    places = [found.options.index(item.option_id) for item in problem.options.items]
    assert usd == pytest.approx(found.monthly_usd[1, places])
    assert problem.base_place is not None and found.recommended is not None
    assert problem.options.items[problem.base_place].option_id == found.recommended.option_id
    assert usd[problem.base_place] == usd.min()


def test_a_shared_cause_moves_options_together() -> None:
    rows = [
        Fleet(300, 500, price=(0.5, 2), band=(0.5, 2)),
        Fleet(400, 900, price=(0.8, 1.4), band=(0.7, 1.4)),
        Fleet(500, 900, band=(0.7, 1.4), engine="sglang"),
    ]
    problem = problem_of(small(rows), load_catalog(), None, prune=False)
    drawn = realise(problem, sample(problem, 2000))
    ranks = drawn.rent_ratio[2:4].argsort(axis=1)
    assert np.array_equal(ranks[0], ranks[1])
    rates = np.corrcoef(np.log(drawn.per_replica[2:]))
    assert rates[0, 1] == pytest.approx(1, abs=0.02) and abs(rates[0, 2]) < 0.1


def test_one_side_only_leaves_the_other_without_figures() -> None:
    options = options_of({}, [Fleet(300, 500)])
    curve = volume_curve(problem_of(options, load_catalog(), None), np.zeros((0, 10)), [5.0])
    assert curve.p_kind.tolist() == [[0, 0, 1, 0]]
    assert np.isnan(curve.saving_usd).all() and curve.self_hosted_usd[0, 0] == 500


def test_quantiles_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=(3, 101))
    assert quantiles(values, LEVELS) == pytest.approx(np.quantile(values, LEVELS, axis=1).T)
    assert quantiles(np.full((1, 9), np.inf), (0.5,)).tolist() == [[np.inf]]
