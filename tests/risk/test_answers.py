"""Answers: by hand where a draw has one cause, and properties of probabilities, regret and information."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from llmplan.catalog import Catalog, load_catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.kinds import Kind
from llmplan.options import evaluate
from llmplan.recommend import recommend
from llmplan.risk import assess, sample
from llmplan.risk.answers import (
    information,
    kind_shares,
    option_risks,
    perfect_information,
    saving_of,
)
from llmplan.risk.causes import RiskInput
from llmplan.risk.distributions import latin_hypercube, normal_deviate
from llmplan.risk.draws import monthly_usd
from llmplan.risk.frames import (
    curve_frame,
    information_frame,
    inputs_frame,
    options_frame,
    sobol_frame,
    tornado_frame,
)
from llmplan.risk.problem import Problem, make_problem, problem_of, realise
from llmplan.risk.sensitivity import outcome_usd, sobol, tornado
from llmplan.scenario import Scenario, load_scenario
from tests.risk.synthetic_options import Fleet, options_of

CERTAIN = {"api_price_factor": (1, 1), "hosted_price_factor": (1, 1)}
SMALL = Scenario().but(
    api_ids=("gpt-4o",),
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4",),
    engine_ids=("vllm",),
    queries_per_day=60_000,
    token_basis="equal",
)


def one_cause(low: float = 0.5, high: float = 2.0) -> Problem:
    """An API at 300 a month, a fleet at 240 whose only uncertainty is a GPU price from low to high."""
    scenario = Scenario().but(
        spare_replicas=0,
        utilisation_ceiling=1,
        peak_to_mean=1,
        queries_per_day=1000,
        ranges={**CERTAIN, "gpu_price_factor": (low, high)},
    )
    options = options_of({"a": 0.01}, [Fleet(5000, 240)], scenario)
    return problem_of(options, load_catalog(), 1)


def test_one_cause_by_hand() -> None:
    # triangular on 0.5, 1, 2: P(240 x < 300) = F(1.25) = 1 - 0.75^2 / (1.5 x 1) = 0.625
    problem = one_cause()
    assert problem.names == ("gpu_price",)
    u = sample(problem, 20_000)
    drawn = realise(problem, u)
    usd = monthly_usd(problem, drawn)
    assert kind_shares(problem, usd, drawn.meets)["self_hosted"] == pytest.approx(0.625, abs=1e-3)
    # E[x] = 3.5 / 3; E[(x - 1.25)+] = 0.75^3 / (3 x 1.5) = 0.09375
    rows = {row.option_id: row for row in option_risks(problem, usd, drawn.meets)}
    assert rows["own0"].mean_usd == pytest.approx(240 * 3.5 / 3, rel=1e-4)
    assert rows["own0"].expected_regret_usd == pytest.approx(240 * 0.09375, rel=1e-2)
    # the fleet is the better single choice (280 against 300); knowing the price saves its expected regret
    assert perfect_information(usd) == pytest.approx(240 * 0.09375, rel=1e-2)
    worth = information(problem.inputs, u, usd)
    assert [row.input_id for row in worth] == ["gpu_price"]
    assert worth[0].usd_per_month == pytest.approx(240 * 0.09375, rel=0.02)


def test_saving_and_break_even_of_one_cause() -> None:
    problem = one_cause()
    u = sample(problem, 5000)
    drawn = realise(problem, u)
    saving = saving_of(problem, drawn, monthly_usd(problem, drawn))
    assert saving is not None and (saving.self_hosted_id, saving.token_id) == ("own0", "a")
    assert saving.p_cheaper == pytest.approx(0.625, abs=2e-3)
    middle = saving.quantiles_usd[3]
    assert saving.break_even_queries_per_day[3] == pytest.approx((300 - middle) / 0.3, abs=1.01)
    assert saving.p_never == 0


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 1), st.floats(1, 3), st.floats(0, 0.2), st.floats(0, 3))
def test_a_wider_range_never_narrows_a_cost(low: float, high: float, more_low: float, more: float) -> None:
    widths = []
    for problem in (one_cause(low, high), one_cause(low - more_low, high + more)):
        if not problem.names:
            widths.append(0.0)
            continue
        usd = monthly_usd(problem, realise(problem, sample(problem, 400)))
        widths.append(float(np.ptp(np.quantile(usd[1], [0.1, 0.9]))))
    assert widths[1] >= widths[0] - 1e-9


def test_wider_ranges_of_every_kind_widen_the_scenarios_cost() -> None:
    """One input at a time: the cost follows each in one direction, so that nested ranges have nested quantiles."""
    still = {
        "queries_per_day": (60_000, 60_000),
        "gpu_price_factor": (1, 1),
        "throughput_factor": (1, 1),
        "hidden_cost_factor": (1, 1),
        "devops-usd-per-month": (3500, 3500),
    }

    def width(**ranges: tuple[float, float]) -> float:
        whole = ("hidden_cost_factor",) if "devops-usd-per-month" in ranges else ()  # one line of it
        held = {name: at for name, at in still.items() if name not in whole}
        scenario = SMALL.but(ranges={**CERTAIN, **held, **ranges})
        risk = assess(scenario, draws=2000, curve=False)
        row = next(row for row in risk.options if row.option_id == risk.recommended_id)
        return row.quantiles_usd[5] - row.quantiles_usd[1]

    for name, narrow, wide in (
        ("queries_per_day", (50_000, 70_000), (20_000, 200_000)),
        ("gpu_price_factor", (0.9, 1.1), (0.5, 2.5)),
        ("throughput_factor", (0.9, 1.1), (0.2, 2)),
        ("hidden_cost_factor", (0.9, 1.1), (0.4, 2.5)),
        ("devops-usd-per-month", (3000, 4000), (1000, 9000)),
    ):
        assert width(**{name: wide}) >= width(**{name: narrow}) - 1e-6
        assert width(**{name: wide}) > 0


def test_zero_ranges_reproduce_the_comparison() -> None:
    names = ("gpu_price_factor", "throughput_factor", "hidden_cost_factor")
    scenario = SMALL.but(ranges={**CERTAIN, **dict.fromkeys(names, (1, 1))})
    risk, found = assess(scenario, draws=200, queries_per_day=[100, 60_000, 1e6]), evaluate(scenario)
    assert risk.inputs == () and risk.information == ()
    assert risk.perfect_information_usd == pytest.approx(0, abs=1e-9)
    assert found.recommended is not None and risk.recommended_id == found.recommended.option_id
    row = risk.option(found.recommended.option_id)
    assert row is not None and row.p_cheapest == 1 and row.expected_regret_usd == 0
    assert row.quantiles_usd == pytest.approx([float(found.monthly_usd[1, found.order[0]])] * 7)
    assert risk.by_volume is not None
    for volume, p in zip(risk.by_volume.queries_per_day, risk.by_volume.p_kind, strict=True):
        there = evaluate(scenario.but(queries_per_day=float(volume))).recommended
        assert there is not None and p[["api", "hosted", "self_hosted"].index(there.kind)] == 1


def test_same_seed_same_answer_and_another_differs() -> None:
    first, again = assess(SMALL, draws=500, curve=False), assess(SMALL, draws=500, curve=False)
    other = assess(SMALL, draws=500, seed=1, curve=False)
    assert first.options[0] == again.options[0]
    assert first.options[0].quantiles_usd != other.options[0].quantiles_usd
    assert first.p_kind["api"] == pytest.approx(other.p_kind["api"], abs=0.05)


def test_regret_and_information_are_consistent() -> None:
    risk = assess(SMALL.but(ranges={"queries_per_day": (20_000, 120_000)}), draws=4000, curve=False)
    least = min(row.expected_regret_usd for row in risk.options)
    assert risk.perfect_information_usd == pytest.approx(least)
    assert all(row.expected_regret_usd >= 0 for row in risk.options)
    assert all(0 <= row.usd_per_month <= risk.perfect_information_usd * 1.05 for row in risk.information)
    assert sum(risk.p_kind.values()) == pytest.approx(1)
    assert sum(row.p_cheapest for row in risk.options) == pytest.approx(1)


def test_what_the_floor_seldom_lets_in_never_wins(catalog: Catalog) -> None:
    scenario = load_scenario("support-chat", catalog)
    risk, advice = (
        assess(scenario, catalog, draws=2000, queries_per_day=[50_000]),
        recommend(scenario, catalog, tipping=False),
    )
    feasible = {item.option_id: item.feasible for item in make_problem(scenario, catalog).options.items}
    out = [row for row in risk.options if not feasible[row.option_id]]
    assert out and all(row.p_cheapest == 0 for row in out)
    curve, kind = risk.by_volume, str(advice.kind)
    assert curve is not None and risk.p_kind[kind] >= risk.p_holds
    assert curve.p_kind[0][list(Kind).index(Kind(kind))] == pytest.approx(risk.p_kind[kind], abs=0.03)
    assert risk.p_holds == pytest.approx(advice.p_right, abs=0.03)


def test_a_hybrid_that_is_the_cheapest_of_all_stands_beside_the_rest() -> None:
    scenario = Scenario().but(
        api_ids=("gpt-4o", "gpt-4.1"),
        model_ids=("llama-3.1-8b",),
        gpu_ids=("l4", "h100-sxm"),
        engine_ids=("vllm",),
        queries_per_day=200_000,
        token_basis="equal",
        model_quality={"llama-3.1-8b": 0.8, "gpt-4.1": 1.05},
        quality_floor=0.9,
    )
    risk, advice = assess(scenario, curve=False), recommend(scenario, tipping=False)
    assert risk.recommended_id == advice.option_id and advice.kind == "hybrid"
    assert risk.p_kind == advice.p_kind and sum(risk.p_kind.values()) == pytest.approx(1)
    row = risk.option(str(risk.recommended_id))
    assert row is not None and row.kind == "hybrid" and advice.monthly_usd is not None
    assert row.base_usd == pytest.approx(advice.monthly_usd[1])
    assert row.p_cheapest == risk.p_kind["hybrid"] and row.expected_regret_usd == advice.expected_regret_usd
    assert min(other.expected_regret_usd for other in risk.options) >= 0
    assert {f"throughput:vllm:{basis}" for basis in ("calibrated", "extrapolated")} & {
        cause.input_id for cause in risk.inputs
    }
    assert len(risk.information) == len(risk.inputs)


def test_noise_is_worth_nothing() -> None:
    problem = one_cause()
    usd = monthly_usd(problem, realise(problem, sample(problem, 4000)))
    noise = np.random.default_rng(5).random((1, 4000))
    assert information(problem.inputs, noise, usd)[0].usd_per_month < 1.0


@pytest.mark.parametrize(("mean", "known", "unknown"), [(0, 10, 5), (5, 10, 5), (20, 10, 5)])
def test_information_agrees_with_the_closed_form(mean: float, known: float, unknown: float) -> None:
    """One option costs 1,000, the other 1,000 + N(mean, known^2 + unknown^2): unit normal loss integrals."""
    u = latin_hypercube(("known", "unknown"), 10_000, seed=3)
    dear = 1000 + mean + known * normal_deviate(u[0]) + unknown * normal_deviate(u[1])
    usd = np.stack([np.full(10_000, 1000.0), dear])

    def worth(spread: float) -> float:
        z = mean / spread
        return float(min(0, mean) - mean * norm.cdf(-z) + spread * norm.pdf(z))

    rows = tuple(RiskInput(name, name, "", 0, 1, 2, "") for name in ("known", "unknown"))
    found = {row.input_id: row.usd_per_month for row in information(rows, u, usd)}
    assert perfect_information(usd) == pytest.approx(worth(np.hypot(known, unknown)), abs=0.15)
    assert found["known"] == pytest.approx(worth(known), abs=0.15)
    assert found["unknown"] == pytest.approx(worth(unknown), abs=0.3)


def test_token_ranges_move_prices_exactly_and_rates_downwards() -> None:
    scenario = SMALL.but(
        ranges={**CERTAIN, "input_tokens": (500, 1000, 2500), "output_tokens": (100, 300, 600)}
    )
    risk = assess(scenario, draws=800, curve=False)
    assert {"input_tokens", "output_tokens"} <= {row.input_id for row in risk.inputs}
    api = next(row for row in risk.options if row.option_id == "gpt-4o")
    scale = 60_000 * 30 / 1e6
    low, high = (500 * 2.5 + 100 * 10) * scale, (2500 * 2.5 + 600 * 10) * scale
    assert low < api.quantiles_usd[0] < api.base_usd < api.quantiles_usd[-1] < high


def test_unknown_and_impossible_ranges_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="queries_per_day"):
        assess(SMALL.but(ranges={"querys_per_day": (1, 2)}))
    with pytest.raises(UnknownNameError):
        assess(SMALL.but(ranges={"gpu_usd_per_hour.l5": (1, 2)}))
    with pytest.raises(InputError, match="must be at most 1"):
        assess(SMALL.but(ranges={"utilisation_ceiling": (0.5, 1.2)}))
    with pytest.raises(InputError, match="must be above 0"):
        assess(SMALL.but(ranges={"queries_per_day": (0, 5)}))
    for name, numbers, words in (
        ("gpu_price_factor", (0, 1), "above 0"),
        ("gpu_price_factor", (1e-300, 1e300), "at most 1e"),
        ("gpus-per-people-step", (0, 5), "above 0"),
        ("peak_to_mean", (0.5, 2), "must be at least 1"),
        ("queries_per_day", (1, 1e12), "must be at most"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            assess(SMALL.but(ranges={name: numbers}), draws=100, curve=False)
        assert caught.value.field == f"ranges.{name}"


@pytest.mark.parametrize(
    ("name", "number", "changes"),
    [
        ("queries_per_day", 90_000, {"queries_per_day": 90_000}),
        ("cached_input_share", 0.4, {"cached_input_share": 0.4}),
        ("gpu_usd_per_hour.l4", 1.1, {"gpu_usd_per_hour": {"l4": 1.1}}),
        ("utilisation_ceiling", 0.5, {"utilisation_ceiling": 0.5}),
        ("peak_to_mean", 3.0, {"peak_to_mean": 3.0}),
    ],
)
def test_a_range_without_width_holds_its_value_in_every_draw(
    name: str, number: float, changes: dict[str, Any]
) -> None:
    """The base case stays; the draws cost what a scenario of that value costs."""
    sure = {**CERTAIN, "gpu_price_factor": (1, 1), "throughput_factor": (1, 1), "hidden_cost_factor": (1, 1)}
    risk = assess(SMALL.but(ranges={**sure, name: (number, number)}), draws=100, curve=False)
    there = evaluate(SMALL.but(**changes))
    usd = {item.option_id: cost for item, cost in zip(there.options.items, there.monthly_usd[1], strict=True)}
    assert [row.input_id for row in risk.inputs] == ["gpu_price" if name.startswith("gpu") else name]
    alone = [row for row in risk.options if row.kind != "hybrid"]  # a hybrid there has another split
    assert alone
    for row in alone:
        assert row.quantiles_usd == pytest.approx([usd[row.option_id]] * len(risk.levels))


def test_a_gpus_own_price_range_in_dollars() -> None:
    scenario = SMALL.but(ranges={**CERTAIN, "gpu_usd_per_hour.l4": (0.2, 3.0)})
    wide, narrow = (
        assess(scenario, draws=500, curve=False),
        assess(SMALL.but(ranges={**CERTAIN, "gpu_usd_per_hour.l4": (0.7, 0.71)}), draws=500, curve=False),
    )
    spread = [np.ptp(risk.options[0].quantiles_usd) for risk in (wide, narrow)]
    assert spread[0] > spread[1]


def test_nothing_feasible_is_an_answer() -> None:
    risk = assess(SMALL.but(quality_floor=1.45))
    assert (risk.recommended_id, risk.options, risk.p_kind, risk.by_volume) == (None, (), {}, None)


def test_tornado_holds_the_rest_at_base() -> None:
    scenario = SMALL.but(ranges={"queries_per_day": (20_000, 120_000)})
    bars = tornado(scenario)
    assert [bar.swing_usd for bar in bars] == sorted((bar.swing_usd for bar in bars), reverse=True)
    found = evaluate(scenario)
    own, token = found.cheapest("self_hosted"), found.cheapest("api")
    assert own is not None and token is not None
    saving = float(found.monthly_usd[1, token] - found.monthly_usd[1, own])
    assert {round(bar.usd_at_base, 6) for bar in bars} == {round(saving, 6)}
    volume = next(bar for bar in bars if bar.input_id == "queries_per_day")
    from llmplan.risk.distributions import triangular_quantile

    for level, usd in ((0.1, volume.usd_at_low), (0.9, volume.usd_at_high)):
        there = evaluate(scenario.but(queries_per_day=float(triangular_quantile(level, 2e4, 6e4, 1.2e5, 0))))
        own, token = there.cheapest("self_hosted"), there.cheapest("api")
        assert own is not None and token is not None
        assert usd == pytest.approx(float(there.monthly_usd[1, token] - there.monthly_usd[1, own]))


def test_sobol_of_an_additive_model_by_hand() -> None:
    # price of the API and of the GPU act additively on the saving: first = total = variance shares
    scenario = Scenario().but(
        spare_replicas=0,
        utilisation_ceiling=1,
        peak_to_mean=1,
        queries_per_day=1000,
        ranges={"api_price_factor": (0.5, 1.5), "gpu_price_factor": (0.5, 1.5)},
    )
    problem = problem_of(options_of({"a": 0.01}, [Fleet(5000, 150)], scenario), load_catalog(), 1)
    assert outcome_usd(problem, problem.base_draw(), "saving")[0] == pytest.approx(150)
    from unittest.mock import patch

    with patch("llmplan.risk.sensitivity.make_problem", return_value=problem):
        indices = {row.input_id: row for row in sobol(scenario, samples=1024)}
    expected = {"api_price": 300**2 / (300**2 + 150**2), "gpu_price": 150**2 / (300**2 + 150**2)}
    for name, share in expected.items():
        assert indices[name].first == pytest.approx(share, abs=0.03)
        assert indices[name].total == pytest.approx(share, abs=0.03)
        assert indices[name].total_ci95 > 0


def test_sensitivities_need_an_outcome() -> None:
    with pytest.raises(InputError, match="power of two"):
        sobol(SMALL, samples=1000)
    with pytest.raises(InputError, match="no API"):
        tornado(SMALL.but(data_stays_in_house=True))
    assert tornado(SMALL.but(data_stays_in_house=True), outcome="cost")


def test_frames_hold_one_row_each() -> None:
    risk = assess(SMALL, draws=300, queries_per_day=[1e3, 1e5])
    assert risk.by_volume is not None
    assert len(options_frame(risk)) == len(risk.options)
    assert len(inputs_frame(risk)) == len(information_frame(risk)) == len(risk.inputs)
    frame = curve_frame(risk.by_volume)
    assert (frame[["p_api", "p_hosted", "p_self_hosted"]].sum(axis=1) - 1).abs().max() < 1e-9
    assert frame["saving_usd_p05"].le(frame["saving_usd_p95"]).all()
    assert "swing_usd" in tornado_frame(tornado(SMALL)) and len(sobol_frame(sobol(SMALL, samples=4))) > 0
