"""Rents: the cheapest mix of a provider's lots, and providers ranked by what this fleet costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.cost.rent import MOST, Lot, priced_by_the_gpu, rents_of
from llmplan.options import Comparison, evaluate
from llmplan.options.comparison_rows import comparison_row
from llmplan.options.offers import OWN_PRICE, market
from llmplan.scenario import Scenario

ROW = np.array([0])
lots = st.lists(
    st.builds(
        lambda holds, usd, each: Lot(holds, usd * holds, each * holds),
        st.sampled_from([1, 2, 4, 8]),
        st.floats(0.5, 10),
        st.sampled_from([1, 2]),
    ),
    min_size=1,
    max_size=3,
)


def best(scenario: Scenario) -> tuple[Comparison, int]:
    found = evaluate(scenario)
    place = found.cheapest("self_hosted")
    assert place is not None
    return found, place


A100 = Scenario(
    model_ids=("llama-3.1-8b",),
    gpu_ids=("a100-80gb-sxm",),
    precision_ids=("bf16",),
    engine_ids=("vllm",),
    api_ids=("gpt-4o",),
    queries_per_day=10_000,
    engineering_usd_per_month=0,
)


def test_two_a100_are_rented_singly_where_that_costs_less() -> None:
    """Two replicas: 1.0685 x 2 at vast.ai, 2.70 x 2 in the middle (15,552 as a node of eight), 4.0963 x 8 at Azure."""
    found, place = best(A100)
    assert found.replicas[place] == 2
    assert found.monthly_usd[:, place] == pytest.approx([1_538.64, 3_888, 23_594.688])
    row = comparison_row(found, place)
    assert (row["gpus_total"], row["usd_per_gpu_hour"]) == (2, pytest.approx(2.7))


def test_a_fleet_of_two_is_ranked_by_what_it_pays_by_hand() -> None:
    """One seller of single cards and nodes at 2.70, one of cheap cards, one of nodes at 5.00: a month of 720 hours."""
    sellers = [[Lot(1, 2.7, 1), Lot(8, 8 * 2.7, 8)], [Lot(1, 1.0685, 1)], [Lot(8, 8 * 5.0, 8)]]
    month = rents_of([sellers]).usd_per_hour[:, 0, 2] * 720
    assert month == pytest.approx([1_538.64, 3_888, 28_800])  # the node alone: 15,552


@pytest.mark.parametrize(
    ("gpu_id", "volume"), [("l4", 300_000), ("a100-80gb-sxm", 10_000), ("h200-sxm", 4e6)]
)
def test_an_own_price_keeps_the_lots_and_moves_with_itself(gpu_id: str, volume: float) -> None:
    """Setting the list price changes nothing; a cent more costs more, in proportion to the GPUs."""
    asked = A100.but(
        gpu_ids=(gpu_id,), queries_per_day=volume, precision_ids=("fp8",) if gpu_id == "l4" else ("bf16",)
    )
    found, place = best(asked)
    price, gpus = float(comparison_row(found, place)["usd_per_gpu_hour"]), found.gpus_total[place]  # type: ignore[arg-type]
    for own in (price, price + 0.01):
        again = evaluate(asked.but(gpu_usd_per_hour={gpu_id: own}))
        same = again.options.index(found.options.items[place].option_id)
        assert again.gpus_total[same] == gpus
        more = gpus * (own - price) * 720
        assert again.monthly_usd[1, same] == pytest.approx(found.monthly_usd[1, place] + more)
        assert comparison_row(again, same)["provider"] == OWN_PRICE


def test_a_cent_above_the_list_price_never_lowers_a_fleet() -> None:
    """L4 at 0.40 against a list price of 0.39: the lot of the offer is kept."""
    asked = A100.but(gpu_ids=("l4",), queries_per_day=300_000, precision_ids=("fp8",))
    usd = [best(asked.but(gpu_usd_per_hour={"l4": own})) for own in (0.39, 0.40)]
    assert usd[1][0].rent_usd[usd[1][1]] == pytest.approx(usd[0][0].rent_usd[usd[0][1]] * 0.40 / 0.39)


@settings(deadline=None, max_examples=15)
@given(st.lists(lots, min_size=1, max_size=4))
def test_every_side_is_monotone_and_ordered_and_no_mix_is_cheaper(sellers: list[list[Lot]]) -> None:
    rents = rents_of([sellers])
    usd = rents.usd_per_hour[:, 0]
    assert (np.diff(usd, axis=1) >= -1e-9).all()
    assert (usd[0] <= usd[1] + 1e-6).all() and (usd[1] <= usd[2] + 1e-6).all()
    singles = [min(np.ceil(7 / lot.replicas) * lot.usd_per_hour for lot in sold) for sold in sellers]
    assert usd[0, 7] <= min(singles) + 1e-9


@settings(deadline=None, max_examples=10)
@given(lots, st.integers(1, 400))
def test_beyond_the_table_the_lots_repeat(sold: list[Lot], more: int) -> None:
    """One provider's cheapest mix for a large fleet, counted on to there."""
    rents = rents_of([[sold]])
    usd = [0.0]
    for replicas in range(1, MOST + more + 1):
        usd.append(min(usd[max(replicas - lot.replicas, 0)] + lot.usd_per_hour for lot in sold))
    assert float(rents.usd(1, ROW, np.array([MOST + float(more)]))[0]) == pytest.approx(usd[-1])


@settings(deadline=None, max_examples=10)
@given(st.lists(lots, min_size=1, max_size=3))
def test_no_fleet_pays_less_for_a_replica_than_the_least(sellers: list[list[Lot]]) -> None:
    rents, fleets = rents_of([sellers]), np.arange(1.0, 3 * MOST)
    for side in range(3):
        each = rents.usd(side, ROW, fleets) / fleets
        assert each.min() >= rents.least_usd_per_replica[side, 0] * (1 - 1e-9)


def test_nothing_offered_costs_infinity_and_so_does_an_endless_fleet() -> None:
    rents = rents_of([[], [[Lot(1, 2.0, 1)]]])
    assert np.isinf(rents.usd(1, ROW, np.array([1.0]))).all()
    assert np.isinf(rents.usd(1, ROW + 1, np.array([np.inf]))).all()


def test_an_own_price_without_offers_comes_in_lots_of_a_replica() -> None:
    scenario = Scenario(gpu_usd_per_hour={"h100-nvl": 2.0}, gpu_providers=("aws",))
    found = market(load_catalog(), scenario, [("h100-nvl", 2), ("h100-sxm", 1)])
    assert found.rents.usd_per_hour[:, 0, 3].tolist() == [12.0] * 3
    assert found.rents.gpus[1, 0, 3] == 6
    assert (found.rents.usd_per_hour[:, 1, 1] > 0).all()


def test_a_price_of_ones_own_is_paid_for_every_gpu_rented() -> None:
    rents = rents_of([[[Lot(4, 80.0, 8)], [Lot(1, 30.0, 2)]]])
    own = priced_by_the_gpu(rents, np.array([1.5]))
    assert own.usd_per_hour[:, 0, 3].tolist() == [12.0] * 3  # eight GPUs at 80 beat three pairs at 90
