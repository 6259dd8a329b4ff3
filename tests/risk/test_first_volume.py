"""The first volume at which a fleet is cheaper, draw by draw, against whole volumes one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.options import break_even
from llmplan.risk.breakeven import first_volume_cheaper
from llmplan.risk.draws import own_usd, sample
from llmplan.risk.problem import problem_of, realise
from llmplan.scenario import Scenario
from tests.risk.synthetic_options import Fleet, options_of

LAST = 4000


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1e-4, 0.2),
    st.floats(1.5, 900),
    st.floats(1, 5000),
    st.sampled_from([1, 2, 8]),
    st.floats(0, 2000),
    st.floats(0, 500),
    st.integers(0, 2),
)
def test_first_volume_equals_brute_force(
    usd: float, each: float, rent: float, per: int, flat: float, people: float, spare: int
) -> None:
    scenario = Scenario(spare_replicas=spare, utilisation_ceiling=1, peak_to_mean=1)
    fleet = Fleet(each, rent, per, per, band=(0.6, 1.5), price=(0.8, 1.7))
    options = options_of({"a": usd}, [fleet], scenario, (flat, flat, flat), (people,) * 3, (3, 3, 3))
    problem = problem_of(options, load_catalog(), None)
    drawn = realise(problem, sample(problem, 7))
    found = first_volume_cheaper(problem, drawn, 1, 0)
    volumes = np.arange(1, LAST + 1, dtype=float)
    for draw in range(7):
        part = slice(draw, draw + 1)
        own = own_usd(problem, drawn, 1, volumes[:, None], part)[:, 0]
        cheaper = own < volumes * drawn.usd_per_query[0, draw] * scenario.days_per_month
        expected = volumes[cheaper][0] if cheaper.any() else None
        if expected is None:
            assert found[draw] > LAST
        else:
            assert found[draw] == expected


def test_without_ranges_it_is_the_comparisons_break_even() -> None:
    options = options_of({"a": 0.004}, [Fleet(1000, 100)])
    problem = problem_of(options, load_catalog(), None)
    found = first_volume_cheaper(problem, realise(problem, problem.base_draw()), 1, 0)
    assert found[0] == break_even(options, [1], 0).crossings_queries_per_day[0] == 834


def test_never_is_infinite() -> None:
    problem = problem_of(options_of({"a": 1e-6}, [Fleet(1000, 100)]), load_catalog(), None)
    drawn = realise(problem, problem.base_draw(3))
    assert first_volume_cheaper(problem, drawn, 1, 0) == pytest.approx([np.inf] * 3)
