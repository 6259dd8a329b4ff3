import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.growth.autoscaling import STEPS_PER_WEEK, minute_loads, week_profile


@given(peak=st.floats(1, 12), weekend=st.floats(0, 1.5), queries=st.floats(1, 1e7))
@settings(max_examples=30, deadline=None)
def test_a_week_keeps_its_volume(peak, weekend, queries):
    week = week_profile(None, weekend, peak)
    assert week.shape == (168,) and week.mean() == pytest.approx(1)
    loads = minute_loads(queries, week)
    assert loads.shape == (STEPS_PER_WEEK,) and np.all(loads >= 0)
    assert loads.sum() * 60 == pytest.approx(7 * queries)


@pytest.mark.parametrize("peak", [1.0, 1.5, 2.0, 3.8, 10.0])
def test_the_bell_day_has_the_stated_peak(peak):
    day = week_profile(None, 1.0, peak)[:24]
    assert day.max() / day.mean() == pytest.approx(peak, rel=1e-6)
    assert day.argmax() == 14 or peak == 1


def test_a_given_day_and_a_quiet_weekend():
    day = [0.0] * 8 + [1 / 12] * 12 + [0.0] * 4
    week = week_profile(day, 0.5)
    assert week[120:].sum() == pytest.approx(week[:24].sum())  # two half days
    assert week[10] == pytest.approx(2 * week[130])


@pytest.mark.parametrize(
    "call",
    [
        lambda: week_profile([1.0] * 23),
        lambda: week_profile([-1.0] + [1.0] * 23),
        lambda: week_profile([0.0] * 24),
        lambda: week_profile(None, 1.0, 0.5),
        lambda: week_profile(None, float("nan")),
        lambda: minute_loads(0, np.ones(168)),
        lambda: minute_loads(1, np.ones(24)),
    ],
)
def test_odd_weeks_are_refused(call):
    with pytest.raises(InputError):
        call()
