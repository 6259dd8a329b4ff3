"""Quality and tokens as causes: closed forms against draws, a sure fallback, pruning against every option."""

import numpy as np
import pytest
from scipy.stats import norm

from llmplan.catalog import load_catalog
from llmplan.options import evaluate
from llmplan.options.standing import standings_of
from llmplan.recommend.tipping import tipping_points
from llmplan.risk import assess, make_problem, sample
from llmplan.risk.answers import chance_to_hold, undone, winners, worth_of_evaluation
from llmplan.risk.draws import monthly_usd
from llmplan.risk.models import LEAST_CHANCE, QUALITY, TODAY, TOKENS, models_of
from llmplan.risk.problem import Problem, problem_of, realise
from llmplan.risk.tokens import resized
from llmplan.scenario import Scenario, load_scenario

APIS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1-mini", "deepinfra/llama-3.1-8b-turbo")
FLOORED = Scenario().but(
    api_ids=APIS,
    model_ids=("llama-3.1-8b", "qwen3-8b"),
    gpu_ids=("l4", "h100-sxm"),
    engine_ids=("vllm",),
    queries_per_day=60_000,
    quality_floor=0.85,
)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return make_problem(FLOORED)


def test_the_share_of_draws_that_reach_the_floor_is_the_closed_form(problem: Problem) -> None:
    drawn = realise(problem, sample(problem, 10_000))
    chance = problem.models.chance()
    others = np.arange(len(chance)) != problem.safe_place
    assert drawn.meets.mean(axis=1)[others] == pytest.approx(chance[others], abs=0.015)
    assert np.any((chance > 0.1) & (chance < 0.9))
    known = standings_of(FLOORED, load_catalog())
    for place, item in enumerate(problem.options.items):
        if item.precision_id is None and item.kind != "hybrid":
            standing = known[item.model_id, str(item.effort)]
            assert chance[place] == pytest.approx(standing.meets(FLOORED.quality_floor), abs=1e-6)


def test_the_base_case_reaches_the_floor_where_its_quality_does(problem: Problem) -> None:
    drawn = realise(problem, problem.base_draw())
    assert drawn.meets[:, 0].tolist() == (problem.options.quality >= FLOORED.quality_floor).tolist()


def test_what_is_feasible_reaches_the_floor_with_the_chance_asked_for(problem: Problem) -> None:
    chance = problem.models.chance()
    assert (chance >= FLOORED.floor_chance).tolist() == problem.options.feasible.tolist()
    (best,) = (item for item in problem.options.items if item.option_id == assess_id(problem))
    risk = assess(FLOORED, draws=4000, curve=False).option(best.option_id)
    assert risk is not None and risk.p_meets == pytest.approx(best.meets_floor, abs=1e-6)


def assess_id(problem: Problem) -> str:
    assert problem.base_place is not None and problem.base_place != problem.safe_place
    return str(problem.options.items.option_id[problem.base_place])


def test_what_runs_today_reaches_its_own_quality_for_sure() -> None:
    scenario = FLOORED.but(quality_floor=1.0)
    found = evaluate(scenario)
    models = models_of(found.alone, load_catalog())
    assert models.chance()[found.alone.index("gpt-4o")] == 1


def test_without_a_floor_quality_is_no_cause_and_with_equal_tokens_neither_are_tokens() -> None:
    free = make_problem(FLOORED.but(quality_floor=0))
    assert not any(name.startswith(QUALITY) or name == TODAY for name in free.names)
    assert any(name.startswith(TOKENS) for name in free.names)
    equal = make_problem(FLOORED.but(quality_floor=0, token_basis="equal"))
    assert not any(name.startswith((QUALITY, TOKENS)) for name in equal.names)


def test_more_tokens_cost_what_they_cost(problem: Problem) -> None:
    """At the 90th percentile of its tokens alone, an API's output is paid that much more often."""
    place = problem.options.index("gpt-4.1-mini")
    u = problem.base_draw(2)
    u[problem.names.index(f"{TOKENS}gpt-4.1-mini"), 1] = 0.9
    usd = monthly_usd(problem, realise(problem, u))[place]
    item, price = problem.options.items[place], load_catalog().api("gpt-4.1-mini")
    assert item.lengths is not None and item.output_tokens is not None
    more = (item.output_tokens.high / item.output_tokens.base - 1) * item.lengths.output
    queries = FLOORED.queries_per_day * FLOORED.days_per_month
    assert usd[1] - usd[0] == pytest.approx(more * price.output_usd_per_mtok / 1e6 * queries, rel=1e-6)


def test_a_fleets_rate_falls_with_its_tokens_about_as_when_it_is_sized_anew() -> None:
    """Work by the token, against the sizing model at the 90th percentile of output tokens.

    Half of the fleets lie within two fifths up to five times the tokens, within four fifths up to twenty.
    """
    scenario, catalog = FLOORED.but(queries_per_day=1e6, quality_floor=0), load_catalog()
    found = evaluate(scenario, catalog)
    own = np.flatnonzero(found.alone.is_self_hosted & found.alone.feasible)[::7]
    few = found.alone.take(own)
    models = models_of(few, catalog)
    predicted = np.array(
        [np.asarray(models.rate(i, lambda _: np.array([1.2815515655]))).item() for i in range(len(own))]
    )
    for factor in sorted(set(models.spent[1].tolist())):
        mine = models.spent[1] == factor
        moved = scenario.but(output_tokens=scenario.output_tokens * factor)
        there = resized(few.take(np.flatnonzero(mine)), catalog, moved)
        assert there is not None
        rate = dict(zip(there.items.option_id, there.per_replica[1], strict=True))
        ids = few.items.option_id[mine]
        actual = np.array([rate.get(name, np.nan) for name in ids]) / few.per_replica[1, mine]
        assert abs(np.log(np.nanmedian(actual / predicted[mine]))) < np.log(1.4 if factor < 5 else 1.8)


def test_a_choice_that_misses_the_floor_costs_what_the_surest_costs(problem: Problem) -> None:
    drawn = realise(problem, sample(problem, 500))
    usd = monthly_usd(problem, drawn)
    chosen, safe = undone(problem, usd, drawn.meets), problem.safe_place
    assert safe is not None and drawn.meets[safe].all()
    miss = ~drawn.meets
    assert np.array_equal(chosen[miss], np.broadcast_to(usd[safe], usd.shape)[miss])
    assert np.array_equal(chosen.min(axis=0), np.where(drawn.meets, usd, np.inf).min(axis=0))
    assert drawn.meets[winners(problem, usd, drawn.meets), np.arange(500)].all()


def test_an_evaluation_is_worth_what_it_saves_by_hand(problem: Problem) -> None:
    """Two options: 100 with half a chance to reach the floor, 300 for sure. Blind, the cheap one is tried: 200."""
    few = problem_of(problem.options.take([0, 1]), load_catalog(), 0, prune=False)
    usd, safe = np.full((2, 1000), 100.0), few.safe_place
    assert safe is not None
    usd[safe] = 300
    meets = np.ones((2, 1000), bool)
    meets[1 - safe, ::2] = False
    assert worth_of_evaluation(few, usd, meets) == pytest.approx(0)
    # A dearer rival that reaches it exactly where the cheap one does not: knowing which one saves.
    usd, meets = np.vstack([usd, np.full(1000, 150.0)]), np.vstack([meets, ~meets[1 - safe]])
    # Blind: 0.5 x 100 + 0.5 x 300 = 200; knowing: 0.5 x 100 + 0.5 x 150 = 125.
    assert worth_of_evaluation(few, usd, meets) == pytest.approx(75)


@pytest.mark.parametrize("name", ["support-chat", "batch-classification"])
def test_what_is_left_out_hardly_ever_wins(name: str) -> None:
    """Every token price priced in every draw: those that the pruning drops win less often than it allows."""
    scenario, catalog = load_scenario(name, load_catalog()), load_catalog()
    found, kept = evaluate(scenario), make_problem(scenario)
    apis = found.alone.is_api & (found.alone.feasible | found.alone.near_floor)
    own = [found.alone.index(i) for i in kept.options.items.option_id if "hybrid" not in i]
    places = np.union1d(np.flatnonzero(apis), own)
    whole = problem_of(found.alone.take(places), catalog, None, prune=False)
    drawn = realise(whole, sample(whole, 1000))
    won = np.unique(winners(whole, monthly_usd(whole, drawn), drawn.meets), return_counts=True)
    dropped = ~np.isin(whole.options.items.option_id[won[0]], kept.options.items.option_id)
    assert won[1][dropped].sum() / 1000 <= 2 * LEAST_CHANCE


def test_confidence_is_no_more_than_the_chance_to_reach_the_floor() -> None:
    for seed in range(4):  # with so few draws one of them has more than its share that reach it
        risk = assess(FLOORED, draws=100, seed=seed, curve=False)
        row = risk.option(risk.recommended_id or "")
        assert row is not None and risk.p_holds <= row.p_meets < 1
    assert 0 <= risk.evaluation_usd <= risk.perfect_information_usd + 1e-6


def test_confidence_counts_only_what_the_floor_lets_in(problem: Problem) -> None:
    """What is not sure enough would not have been chosen: even for nothing it leaves the confidence as it is."""
    drawn = realise(problem, sample(problem, 1000))
    usd = monthly_usd(problem, drawn)
    free = np.where(problem.options.feasible[:, None], usd, 0.0)
    assert (free < usd).any() and problem.base_place is not None
    held = chance_to_hold(problem, usd, drawn.meets)
    assert chance_to_hold(problem, free, drawn.meets) == held > 0


def test_the_recommended_models_success_flips_at_the_floor() -> None:
    (found,) = tipping_points(FLOORED, only=["model_success"])
    best = evaluate(FLOORED).recommended
    assert best is not None and found.base == pytest.approx(best.quality) and found.above is None
    assert found.below is not None and found.below.option_id != best.option_id
    assert found.below.value == pytest.approx(FLOORED.quality_floor, rel=0.02)
    half = norm.ppf(0.9) * standings_of(FLOORED, load_catalog())[best.model_id, str(best.effort)].quality_sd
    assert found.expected_low == pytest.approx(found.base - half, rel=0.05)


def test_the_recommended_models_tokens_flip_where_a_rival_costs_as_much() -> None:
    (found,) = tipping_points(FLOORED, only=["model_output_tokens"])
    best = evaluate(FLOORED).recommended
    assert best is not None and found.above is not None and found.above.value > 1
    assert found.above.monthly_usd is not None and found.above.option_id != best.option_id
