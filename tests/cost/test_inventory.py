"""What owned GPUs cost, and how far they carry a fleet before it rents."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.cost.inventory import (
    Owned,
    owned_replicas,
    power_usd_per_gpu_hour,
    standing_usd_per_gpu_month,
    with_owned,
)
from llmplan.cost.ownership import OwnershipTerms, ownership_cost
from llmplan.cost.rent import Lot, Rents, rents_of

TERMS = OwnershipTerms(4, 0.2, 0.08, 0.05, 0.12, 1.4, 450, 200)


def as_they_are(rents: Rents) -> Rents:
    return rents


def test_replicas_stay_inside_a_server() -> None:
    assert owned_replicas(4, 8, 1) == 4 and owned_replicas(4, 8, 8) == 0
    assert owned_replicas(20, 8, 3) == 2 * 2 + 1


def test_a_new_owned_gpu_costs_what_a_bought_one_does() -> None:
    bought = ownership_cost(285_000, 22_300, 8, 700, TERMS, 720)
    standing = standing_usd_per_gpu_month(307_300 / 8, None, 0, TERMS)
    assert standing is not None
    hour = power_usd_per_gpu_hour(8, 700, TERMS) + (standing + 200 / 8) / 720
    assert hour == pytest.approx(float(bought.usd_per_gpu_hour), rel=1e-12)


def test_age_and_book_value_are_two_ways_to_say_the_same() -> None:
    aged = standing_usd_per_gpu_month(40_000, None, 3, TERMS)
    assert aged == pytest.approx(standing_usd_per_gpu_month(None, 40_000 * (1 - 0.8 * 3 / 4), 3, TERMS))
    # By hand at the end of its life: nothing falls, capital on the residual, upkeep.
    assert standing_usd_per_gpu_month(40_000, None, 4, TERMS) == pytest.approx((8_000 * 0.08 + 2_000) / 12)
    assert standing_usd_per_gpu_month(None, None, 0, TERMS) is None


def test_owned_replicas_go_first_and_rented_ones_follow() -> None:
    rented = rents_of([[[Lot(1, 2.0, 1)]]])
    found = with_owned(rented, {0: Owned(4, 1, 0.1, 0.0)}, math.inf, as_they_are)
    assert found.usd_per_hour[1, 0, [1, 4, 6]] == pytest.approx([0.1, 0.4, 0.4 + 2 * 2.0])
    assert found.own_gpus is not None and found.own_gpus[1, 0, [1, 6]].tolist() == [1, 4]
    assert found.slope[1, 0] == pytest.approx(2.0)
    rows, far = np.array([0]), np.array([1000.0])
    assert found.usd(1, rows, far)[0] == pytest.approx(0.4 + 996 * 2.0)


def test_what_is_owned_but_dear_stays_off() -> None:
    rented = rents_of([[[Lot(1, 2.0, 1)]]])
    found = with_owned(rented, {0: Owned(4, 1, 0.5, 1.6)}, math.inf, as_they_are)
    assert np.array_equal(found.usd_per_hour, rented.usd_per_hour)


def test_without_an_offer_the_owned_ones_are_all_there_is() -> None:
    found = with_owned(rents_of([[]]), {0: Owned(2, 1, 0.1, 0.0)}, math.inf, as_they_are)
    assert found.usd_per_hour[1, 0, 2] == pytest.approx(0.2) and math.isinf(found.usd_per_hour[1, 0, 3])


def test_a_limit_takes_the_lots_that_keep_it() -> None:
    """Eight at 8 USD or one at 2: ten replicas within twelve GPUs are a node and two singles, not two nodes."""
    lots = [Lot(8, 8.0, 8), Lot(1, 5.0, 1)]
    assert rents_of([[lots]]).gpus[1, 0, 10] == 16
    found = rents_of([[lots]], 12)
    assert found.gpus[1, 0, 10] == 10 and found.usd_per_hour[1, 0, 10] == pytest.approx(18)
    assert math.isinf(found.usd_per_hour[1, 0, 13])
    # A seller of nodes alone drops out of the ranks where a node is too many.
    assert rents_of([[[Lot(8, 8.0, 8)], [Lot(1, 5.0, 1)]]], 4).usd_per_hour[:, 0, 2].tolist() == [10] * 3


lot = st.tuples(st.integers(1, 8), st.floats(0.5, 40), st.integers(1, 8)).map(
    lambda v: Lot(v[0], v[1], v[0] * v[2])
)


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.lists(lot, min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(1, 20),
    st.floats(0.01, 50),
)
def test_an_inventory_never_raises_rent_or_gpus(sellers: list[list[Lot]], count: int, usd: float) -> None:
    rented = rents_of([sellers])
    found = with_owned(rented, {0: Owned(count, 1, usd, 0.0)}, math.inf, as_they_are)
    assert (found.usd_per_hour <= rented.usd_per_hour + 1e-9).all() and (found.gpus <= rented.gpus).all()
