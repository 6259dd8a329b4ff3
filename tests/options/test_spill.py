"""A fleet for the base load, an API for the peaks."""

import math

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.cost.billing import FleetHours
from llmplan.options import evaluate
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


def test_fleets_that_are_paid_by_use_take_no_peaks_away() -> None:
    found = evaluate(ASKED.but(billing_modes=("autoscaled",)), CATALOG)
    assert not [item for item in found.options.items if item.split_by == "load"]
    pairs = pairs_of(evaluate(ASKED.but(billing_modes=("always_on", "autoscaled")), CATALOG).alone, CATALOG)
    assert pairs is not None and pairs.options.market.steady[pairs.options.rent_row[pairs.fleets]].any()
