import numpy as np
import pytest

from llmplan.growth import CostPart, PlanOption, compound_volumes, payback_month, switch_plan
from llmplan.growth.switching import switch_flows


def tokens(usd_per_query=0.01, **more):
    return PlanOption("api", "API", (CostPart("tokens", lambda v: v * 30 * usd_per_query, **more),))


def fleet(usd=3_000.0, migration=0.0, **more):
    return PlanOption(
        "self", "self", (CostPart("rent", lambda v: np.full_like(v, usd), **more),), (), migration
    )


def test_the_best_moment_is_when_the_bill_crosses_the_rent():
    # 3,000 + 500 a month: tokens pass $3,000 a month at month index 7 (3,000 exactly at 10,000/day)
    volume = np.arange(1, 13) * 1_250.0
    plan = switch_plan(tokens(), fleet(), volume, 0.0)
    assert plan.best_month == 7  # equal costs in month index 7: the earliest of the equals
    by_hand = sum(min(v * 0.3, 3_000) for v in volume)
    assert plan.npv_usd[7] == pytest.approx(by_hand)
    assert plan.npv_usd[-1] == pytest.approx((volume * 0.3).sum())
    assert plan.cost_of_waiting_usd[7] == 0 and np.all(plan.cost_of_waiting_usd >= 0)
    assert plan.cost_of_waiting_usd[10] == pytest.approx(sum(v * 0.3 - 3_000 for v in volume[7:10]))


def test_never_is_an_answer():
    plan = switch_plan(tokens(), fleet(), np.full(24, 1_000.0), 0.08)
    assert plan.best_month is None and plan.payback_month is None and plan.saving_usd == 0


def test_migration_moves_payback_by_hand():
    # saving 1,000 a month against 4,500: ahead by the end of the fifth month
    plan = switch_plan(tokens(), fleet(2_000, migration=4_500), np.full(12, 10_000.0), 0.0)
    assert plan.best_month == 0 and plan.payback_month == 5 and plan.payback_month_now == 5
    assert plan.saving_usd == pytest.approx(12 * 1_000 - 4_500)


def test_every_moment_against_brute_force():
    volume = compound_volumes(2_000, 0.08, 36)
    incumbent, candidate = tokens(decline_per_year=0.2), fleet(2_500, migration=20_000)
    plan = switch_plan(incumbent, candidate, volume, 0.08)
    i = 1.08 ** (1 / 12) - 1
    for month in range(37):
        usd = 20_000 / (1 + i) ** month if month < 36 else 0.0
        for k in range(36):
            bill = volume[k] * 0.3 * 0.8 ** (k / 12) if k < month else 2_500
            usd += bill / (1 + i) ** (k + 1)
        assert plan.npv_usd[month] == pytest.approx(usd)


def test_a_running_term_delays_the_switch():
    volume = np.full(24, 10_000.0)
    reserved = PlanOption("old", "reserved", (CostPart("rent", lambda v: v * 0.3, term_months=12),))
    plan = switch_plan(reserved, fleet(2_900), volume, 0.0)
    assert plan.best_month == 0  # before the first term begins
    assert np.argmin(plan.npv_usd[1:24]) + 1 == 12  # within a term, leaving pays both
    assert switch_flows(reserved, fleet(2_900), volume, 5)[5] == pytest.approx(3_000 + 7 * 3_000)


def test_an_incumbent_pays_no_migration():
    option = fleet(1_000, migration=9_999)
    assert switch_flows(option, tokens(), np.full(3, 1.0), 3).tolist() == [0, 1_000, 1_000, 1_000]


def test_payback_counts_the_lasting_crossing_only():
    without = np.array([0.0, 10, 10, 10, 10])
    assert payback_month(without, np.array([5.0, 0, 30, 0, 0])) == 4
    assert payback_month(without, np.zeros(5)) == 0
    assert payback_month(without, np.array([100.0, 0, 0, 0, 0])) is None
    assert payback_month(without, without) is None
