import numpy as np
import pytest

from llmplan.errors import InputError
from llmplan.growth import CostPart, PlanOption, PurchasePart, cash_flows, exit_usd
from llmplan.growth.cash import purchase_flows, updates_by_month

FLAT = np.full(12, 1_000.0)


def per_query(usd):
    return lambda volume: volume * 30 * usd


def test_bills_follow_volume_and_price():
    # half price after a year: 0.5 ** (month / 12)
    part = CostPart("tokens", per_query(0.01), decline_per_year=0.5)
    flows = cash_flows(PlanOption("api", "API", (part,)), np.array([1_000.0, 2_000.0]))
    assert flows == pytest.approx([0, 300, 600 * 0.5 ** (1 / 12)])


def test_a_term_fixes_price_and_amount():
    decline = 1 - 0.9**12  # ten per cent a month
    part = CostPart("rent", lambda v: v, decline, term_months=3)
    volume = np.array([100.0, 50.0, 150.0, 80.0])
    flows = cash_flows(PlanOption("r", "reserved", (part,)), volume)
    # month 2 pays the commitment; month 3 buys 50 more at 0.81; month 4 starts a term at 0.729
    assert flows[1:] == pytest.approx([100, 100, 100 + 50 * 0.81, 80 * 0.729])


def test_leaving_a_term_early_pays_the_rest():
    option = PlanOption("r", "reserved", (CostPart("rent", lambda v: v, 0.0, term_months=12),))
    assert exit_usd(option, FLAT, 0, 5) == 7 * 1_000
    assert exit_usd(option, FLAT, 0, 12) == 0
    assert exit_usd(option, FLAT, 0, 0) == 0
    on_demand = PlanOption("d", "on demand", (CostPart("rent", lambda v: v),))
    assert exit_usd(on_demand, FLAT, 0, 5) == 0


def test_updates_spread_over_the_year():
    assert updates_by_month(4, 12).tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert updates_by_month(24, 3).tolist() == [2, 2, 2]
    assert updates_by_month(7, 60).sum() == 35


def test_migration_comes_first_and_updates_after():
    option = PlanOption("s", "self", migration_usd=500, updates_per_year=12, update_usd=40)
    assert cash_flows(option, FLAT[:3]).tolist() == [500, 40, 40, 40]
    assert cash_flows(option, FLAT[:3], start=2).tolist() == [0, 0, 500, 40]


def test_servers_are_bought_replaced_and_sold():
    # life 2 months, 20 % residual, no price decline, one server per 1,000 queries/day
    part = PurchasePart(
        "servers", lambda v: np.ceil(v / 1_000), 100.0, 5.0, life_months=2, residual_share=0.2
    )
    flows, owned = purchase_flows(part, np.array([1_000.0, 2_000.0, 2_000.0]), 0, 3)
    # m1: buy 1. m2: buy 1. m3: the first is sold for 20 and replaced. End: ages 2 and 1 sold for 20 and 60
    assert owned.tolist() == [1, 2, 2]
    assert flows == pytest.approx([100, 100 + 5, 100 - 20 + 10, 10 - 20 - 60])


def test_shrinking_need_sells_nothing_early():
    part = PurchasePart(
        "servers", lambda v: np.ceil(v / 1_000), 100.0, 5.0, life_months=48, residual_share=0.0
    )
    _, owned = purchase_flows(part, np.array([3_000.0, 1_000.0, 1_000.0]), 0, 3)
    assert owned.tolist() == [3, 3, 3]


def test_buying_costs_what_rent_at_the_same_cash_would():
    # no residual and no running cost: the outlay is all there is, over exactly one life
    part = PurchasePart("servers", np.ones_like, 1_200.0, 0.0, life_months=12, residual_share=0.0)
    rent = CostPart("rent", lambda v: np.full_like(v, 100.0))
    bought = cash_flows(PlanOption("b", "buy", purchases=(part,)), FLAT).sum()
    assert bought == pytest.approx(cash_flows(PlanOption("r", "rent", (rent,)), FLAT).sum())


def test_the_parts_of_a_split_run_add_up_without_terms():
    option = PlanOption("api", "API", (CostPart("tokens", per_query(0.01), 0.3),))
    volume = np.linspace(1_000, 5_000, 12)
    whole = cash_flows(option, volume)
    assert cash_flows(option, volume, 0, 7) + cash_flows(option, volume, 7) == pytest.approx(whole)


def test_a_start_outside_the_plan_is_refused():
    with pytest.raises(InputError, match="start"):
        cash_flows(PlanOption("a", "a"), FLAT, start=13)
