import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.growth import CostPart, PlanOption, monthly_rate, net_present_usd, time_plan

GOLDEN = """
month  queries_per_day  api_usd  rent_usd  update_usd  self_usd  api_cumulative_usd  self_cumulative_usd
0                    0        0         0           0      4000                   0                 4000
1                 1000     3000      2000           0      2000                3000                 6000
2                 2000     5400      2000           0      2000                8400                 8000
3                 4000     9720      4000         600      4600               18120                12600
4                 4000     8748      4000           0      4000               26868                16600
"""
"""By hand: tokens at $0.10 a query and 30 days, falling 10 % a month (1, .9, .81, .729); a $2,000 server
serves 2,000 queries a day; migration $4,000; four updates a year at $600, the first in month 3."""


def golden_columns():
    lines = GOLDEN.strip().splitlines()
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[1:]])
    return dict(zip(lines[0].split(), rows.T, strict=True))


def golden_options():
    decline = 1 - 0.9**12
    api = PlanOption("api", "API", (CostPart("tokens", lambda v: v * 30 * 0.1, decline),))
    rent = CostPart("rent", lambda v: np.ceil(v / 2_000) * 2_000.0)
    own = PlanOption("self", "self-hosted", (rent,), migration_usd=4_000, updates_per_year=4, update_usd=600)
    return api, own


def test_the_golden_table():
    table = golden_columns()
    plan = time_plan(golden_options(), table["queries_per_day"][1:], 0.0)
    assert plan.option("api").flows_usd == pytest.approx(table["api_usd"])
    assert plan.option("self").flows_usd == pytest.approx(table["self_usd"])
    assert plan.option("api").cumulative_usd == pytest.approx(table["api_cumulative_usd"])
    assert plan.option("self").cumulative_usd == pytest.approx(table["self_cumulative_usd"])
    assert plan.option("api").tco_usd == pytest.approx(26_868)
    assert plan.leader_by_month == ("api", "self", "self", "self")
    assert plan.best.option_id == "self"


def test_without_discount_present_value_is_the_total():
    plan = time_plan(golden_options(), golden_columns()["queries_per_day"][1:], 0.0)
    for option in plan.options:
        assert option.npv_usd == pytest.approx(option.tco_usd)


@given(rate=st.floats(0.001, 0.5), months=st.integers(1, 60), usd=st.floats(1, 1e6))
@settings(max_examples=50, deadline=None)
def test_a_level_bill_has_the_annuity_s_present_value(rate, months, usd):
    flows = np.r_[0.0, np.full(months, usd)]
    i = (1 + rate) ** (1 / 12) - 1
    assert net_present_usd(flows, rate) == pytest.approx(usd * (1 - (1 + i) ** -months) / i)


@given(rate=st.floats(0.001, 0.5), decline=st.floats(0, 0.9), months=st.integers(1, 60))
@settings(max_examples=50, deadline=None)
def test_a_falling_bill_has_the_geometric_series_present_value(rate, decline, months):
    part = CostPart("tokens", lambda v: v, decline)
    plan = time_plan([PlanOption("a", "a", (part,))], np.full(months, 100.0), rate)
    ratio = ((1 - decline) / (1 + rate)) ** (1 / 12)
    closed = 100 / (1 + rate) ** (1 / 12) * (1 - ratio**months) / (1 - ratio)
    assert plan.options[0].npv_usd == pytest.approx(closed)


def test_twelve_monthly_rates_make_the_yearly_one():
    assert (1 + monthly_rate(0.08)) ** 12 == pytest.approx(1.08)


def test_bad_rates_and_empty_plans_are_refused():
    with pytest.raises(InputError, match="discount_per_year"):
        monthly_rate(float("nan"))
    with pytest.raises(InputError, match="options"):
        time_plan([], np.ones(3), 0.1)
