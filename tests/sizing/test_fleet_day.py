"""A fleet by hour: worked by hand."""

import numpy as np
import pytest

from llmplan.scenario import Scenario
from llmplan.sizing import fleet_day


def test_a_flat_day_by_hand() -> None:
    """86,400 queries a day are one a second; at a ceiling of 50 % a replica of 0.5/s takes 0.25/s: four, and a spare."""
    scenario = Scenario(
        queries_per_day=86_400, utilisation_ceiling=0.5, spare_replicas=1, profile_id=None, peak_to_mean=1
    )
    day = fleet_day(scenario, 0.5)
    np.testing.assert_allclose(day.queries, 3_600)
    assert day.needed.tolist() == [5.0] * 24
    assert (day.rented, day.peak_to_mean, day.idle_share) == (5.0, 1.0, 0.0)


def test_the_peak_is_rented_all_day() -> None:
    """Twice the mean at the peak: eight replicas and a spare where the flat hours need five."""
    scenario = Scenario(
        queries_per_day=86_400, utilisation_ceiling=0.5, spare_replicas=1, profile_id=None, peak_to_mean=2
    )
    day = fleet_day(scenario, 0.5)
    assert day.rented == 9.0
    assert day.idle_share == pytest.approx(4 / 9)


def test_a_profile_never_needs_more_than_is_rented() -> None:
    scenario = Scenario(queries_per_day=400_000, profile_id="office-hours")
    day = fleet_day(scenario, 1.5)
    assert day.queries.sum() == pytest.approx(400_000)
    assert day.needed.max() <= day.rented
    assert day.needed[day.queries.argmax()] == day.needed.max()


def test_queries_that_may_wait_level_the_day() -> None:
    urgent = Scenario(profile_id="office-hours", peak_to_mean=1.0)
    days = [fleet_day(urgent.but(batch_share=share), 1.0) for share in (0.0, 0.4, 1.0)]
    assert [float(day.queries.sum()) for day in days] == pytest.approx([urgent.queries_per_day] * 3)
    peaks = [float(day.queries.max()) for day in days]
    assert peaks[0] > peaks[1] > peaks[2] == pytest.approx(urgent.queries_per_day / 24)
