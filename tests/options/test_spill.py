"""A fleet for the base load, an API for the peaks."""

import math

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.cost.billing import FleetHours
from llmplan.options import evaluate, options_of
from llmplan.options.by_hour import THRESHOLDS, fleets_by_hour, least_usd_by_hour
from llmplan.options.fleet_api_pairs import pairs_of
from llmplan.scenario import Scenario

CATALOG = load_catalog()
ASKED = Scenario(
    api_ids=("gpt-4o", "gpt-4o-mini"),
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4", "a10g"),
    engine_ids=("vllm",),
    precision_ids=("bf16", "int8"),
    queries_per_day=900_000,
    profile_id="office-hours",
    spare_replicas=0,
)


def test_what_is_above_a_level_by_hand() -> None:
    """Two hours of equal load and one of twice that: half the peak's load is a quarter of the queries short."""
    hours = FleetHours(np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.5, 1.0]), 0)
    assert hours.spilled([0, 0.5, 0.75, 1]).tolist() == [1, 0.25, 0.125, 0]
    # A stated peak above the hours' own: every hour bursts alike.
    burst = FleetHours(hours.shares, hours.load / 2, 0)
    assert burst.spilled(0.5) == pytest.approx(0.25)


def test_a_month_is_whole_replicas_and_the_tokens_above_them() -> None:
    found = evaluate(ASKED, CATALOG)
    spills = [p for p in found.order if found.options.items[p].split_by == "load"]
    assert spills
    for place in spills:
        item, options = found.options.items[place], found.options
        weak, strong = options.index(str(item.weak_id)), options.index(str(item.strong_id))
        load, volume = float(options.fleet_load[place]), ASKED.queries_per_day
        replicas = volume * load / options.per_replica[1, weak]
        assert replicas == pytest.approx(round(replicas)) == found.replicas[place]
        up = options.hours.spilled(load)
        assert item.share_weak == pytest.approx(1 - up)
        tokens = up * volume * ASKED.days_per_month * options.usd_per_query[strong]
        fleet = options.take([weak]).fleet_usd(np.array([volume * load]), 1)[0, 0]
        assert found.monthly_usd[1, place] == pytest.approx(fleet + tokens)
        assert item.quality == min(options.quality[weak], options.quality[strong])


def test_the_best_number_of_replicas_is_near_that_of_every_number_tried() -> None:
    found = evaluate(ASKED, CATALOG)
    best = next(p for p in found.order if found.options.items[p].split_by == "load")
    item, options = found.options.items[best], found.options
    weak, strong = options.index(str(item.weak_id)), options.index(str(item.strong_id))
    each, volume = float(options.per_replica[1, weak]), ASKED.queries_per_day
    loads = np.arange(1, math.ceil(volume / each)) * each / volume
    fleet = options.take([weak]).fleet_usd(volume * loads, 1)[0]
    tokens = options.hours.spilled(loads) * volume * ASKED.days_per_month * options.usd_per_query[strong]
    assert found.monthly_usd[1, best] <= (fleet + tokens).min() * 1.05


def test_both_ends_reach_the_floor_by_themselves() -> None:
    for floor in (0.5, 0.9):
        for item in evaluate(ASKED.but(quality_floor=floor), CATALOG).options.items:
            if item.split_by == "load":
                assert item.quality is not None and item.quality >= floor


def test_hours_chosen_by_hand() -> None:
    """Half a replica, one and a half and three of them: what fills no more than half of one goes elsewhere."""
    hours = FleetHours(np.array([0.1, 0.3, 0.6]), np.array([1 / 6, 0.5, 1.0]), 1)
    replicas, spilled = hours.chosen_by_hour(3.0, 0.5)
    assert replicas.tolist() == [0, 1, 3] and hours.with_spare(replicas).tolist() == [0, 2, 4]
    assert spilled == pytest.approx(0.1 + 0.3 * (1 - 1 / 1.5))


@pytest.mark.parametrize("volume", [30_000, 200_000, 900_000])
def test_a_fleet_for_each_hour_is_paid_by_the_hour_and_near_the_best_of_all(volume: float) -> None:
    """Every number of replicas in every hour tried; the one found is at most what the starts cost above that."""
    asked = ASKED.but(billing_modes=("always_on", "autoscaled"), queries_per_day=volume)
    found = evaluate(asked, CATALOG)
    best = next(p for p in found.order if found.options.items[p].split_by == "load")
    item, options = found.options.items[best], found.options
    assert item.billing_mode == "autoscaled" and found.monthly_usd[1, best] < min(
        found.monthly_usd[1, found.cheapest("self_hosted")], np.inf
    )
    weak, strong = (
        options.index(str(item.weak_id).removesuffix("@autoscaled")),
        options.index(str(item.strong_id)),
    )
    filled = volume / options.per_replica[1, weak] * options.hours.load / options.hours.load.max()
    count = np.arange(math.ceil(filled.max()) + 1)
    rent = options.take([weak]).rent_usd(count[None].astype(float), 1)[0] / len(filled)
    rent[0] = 0.0
    month = volume * asked.days_per_month * options.usd_per_query[strong]
    left = np.maximum(1 - count / filled[:, None], 0) * options.hours.shares[:, None] * month
    lines = options.hidden.fleet_usd(
        options.gpus_of(np.full((len(options), 1), found.replicas[best]))[[best]],
        found.replicas[[best], None],
        options.hours_per_month,
        1,
    )[0, 0]
    least = (rent + left).min(axis=1).sum() + lines
    assert least <= found.monthly_usd[1, best] <= 1.05 * least
    # Each hour's replicas, and the part of an hour before more of them, from those that its threshold leaves.
    ways = [options.hours.chosen_by_hour(filled.max(), at) for at in THRESHOLDS]
    replicas, spilled = min(ways, key=lambda way: abs(1 - float(way[1]) - item.share_weak))
    assert 1 - spilled == pytest.approx(item.share_weak) and replicas.max() == found.replicas[best]
    early, part = (
        np.maximum(replicas, np.roll(replicas, -1)),
        CATALOG.assumption("replica-start-s").base / 3600,
    )
    paid = sum((1 - part) * rent[int(n)] + part * rent[int(m)] for n, m in zip(replicas, early, strict=True))
    assert found.monthly_usd[1, best] == pytest.approx(paid + lines + float(spilled) * month)


@pytest.mark.parametrize("volume", [2e4, 3e5, 4e6, 5e7])
def test_no_fleet_by_hour_costs_less_than_its_least(volume: float) -> None:
    options = options_of(ASKED.but(billing_modes=("autoscaled",)), CATALOG)
    own = options.take(np.flatnonzero(options.is_self_hosted & options.feasible))
    least, found = least_usd_by_hour(own, volume), fleets_by_hour(own, np.array([volume])).usd[..., 0]
    assert (found.min(axis=1) >= least).all() and (least > 0).any() == (volume > 1e5)
    assert least.max() < found.max()


def test_fleets_that_stop_when_idle_take_no_peaks_away_and_whose_hours_are_bought_take_none_by_the_hour() -> (
    None
):
    for more in ({"billing_modes": ("scale_to_zero",)}, {"billing_modes": ("office_hours",)}):
        found = evaluate(ASKED.but(**more), CATALOG)
        assert not [item for item in found.options.items if item.split_by == "load"]
    bought = evaluate(
        ASKED.but(billing_modes=("autoscaled",), gpu_price_kind="bought", gpu_ids=("l4",)), CATALOG
    )
    assert {i.billing_mode for i in bought.options.items if i.split_by == "load"} <= {"always_on"}
    pairs = pairs_of(evaluate(ASKED.but(billing_modes=("always_on", "autoscaled")), CATALOG).alone, CATALOG)
    assert pairs is not None and pairs.options.market.steady[pairs.options.rent_row[pairs.fleets]].any()
