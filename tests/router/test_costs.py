"""A month of routed traffic: the article's figures, hand-worked cases, bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.router import optimum, roc
from llmplan.router.costs import (
    Router,
    Tier,
    Traffic,
    latency_ms,
    one_shot_usd,
    quality_served,
)
from llmplan.router.policies import cut_grid, from_classes, population

SONNET = 0.0135
FREE = Router()


def staircase(each: float, usd: float):
    return lambda load: usd * np.maximum(1, np.ceil(load / each * (1 - 1e-12)))


def fixed(usd: float):
    return lambda load: np.full(np.shape(load), usd)


def mean_quality(policies):
    """Quality over all queries, shape (p,)."""
    return (policies.share * policies.quality).sum(axis=1)


def two(weak_quality=0.9, strong_quality=1.0, hard=0.3, curve=None, cuts=None, multiplier=1.0):
    people = population([weak_quality, strong_quality], hard, multiplier)
    return from_classes(curve or roc.perfect(), people, cut_grid(2, 101) if cuts is None else cuts)


def test_article_arithmetic():
    tiers = [Tier("70B", 0.001), Tier("Sonnet", 0.015)]
    usd = one_shot_usd(two(cuts=[[0.3]]), tiers, 1000, Traffic(), FREE).total[0, 0] / 30_000
    assert usd == pytest.approx(0.0052)
    assert 100 * (1 - usd / 0.015) == pytest.approx(65.3, abs=0.05)


def test_article_unit_price_needs_a_volume():
    weak = Tier("70B", fleet_usd=fixed(7000.0))
    volumes = np.array([7000 / 30 / 0.001, 100_000])
    unit = weak.monthly_usd(volumes, 30) / volumes / 30
    assert volumes[0] == pytest.approx(233_000, rel=0.002)
    assert unit == pytest.approx([0.001, 0.0023], abs=5e-5)
    assert weak.monthly_usd(np.array([70_000.0]), 30)[0] / 70_000 / 30 == pytest.approx(0.0033, abs=5e-5)


def test_article_hybrid_is_dearer_than_the_api_at_its_first_volume():
    tiers = [Tier("70B", fleet_usd=fixed(3500.0)), Tier("Sonnet", SONNET)]
    usd = one_shot_usd(two(cuts=[[0.3], [1.0]]), tiers, 10_000, Traffic(), FREE).total[:, 0]
    assert usd == pytest.approx([4715, 4050])


@pytest.mark.parametrize(("fleet", "volume"), [(3500, 12_300), (7000, 24_700)])
def test_break_even_volume_of_the_article(fleet, volume):
    found = optimum.break_even_queries_per_day(fleet, 0.7, SONNET, 30)
    assert found == pytest.approx(volume, abs=50)
    tiers = [Tier("70B", fleet_usd=fixed(float(fleet))), Tier("Sonnet", SONNET)]
    policies = two(cuts=[[0.3]])

    def routed(volumes):
        return one_shot_usd(policies, tiers, volumes, Traffic(), FREE).total[0]

    first = optimum.first_volume_worth(routed, lambda q: SONNET * 30 * q, [1e6])
    assert first == int(np.floor(found)) + 1


def test_a_classifier_dearer_than_its_saving_never_pays():
    assert optimum.break_even_queries_per_day(3500, 0.7, SONNET, 30, router_usd_per_query=0.01) == float(
        "inf"
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 400), st.integers(1, 300), st.floats(0.2, 0.9), st.floats(0.001, 0.05))
def test_first_volume_on_the_staircase_against_every_volume(each, usd, share, price):
    tiers = [Tier("w", fleet_usd=staircase(each, float(usd))), Tier("s", price)]
    policies = two(cuts=[[1 - share]])

    def routed(volumes):
        return one_shot_usd(policies, tiers, volumes, Traffic(), FREE).total[0]

    def pure(volumes):
        return np.minimum(price * 30 * volumes, tiers[0].monthly_usd(volumes, 30))

    most = 3000
    weak_share = policies.share[0, 0]
    steps = np.concatenate([np.arange(1, most) * each / weak_share, np.arange(1, most) * float(each), [most]])
    every = np.arange(1, most + 1, dtype=float)
    wins = np.flatnonzero(routed(every) < pure(every))
    found = optimum.first_volume_worth(routed, pure, steps[steps <= most])
    assert found == (int(wins[0]) + 1 if len(wins) else None)


def test_misrouting_by_hand():
    # 30 % hard; recall .9, false-positive rate .2: 27 + 14 = 41 % go up, 3 % hard stay down.
    policies = two(0.8, 1.0, 0.3, roc.from_error_matrix(0.9, 0.2), [[0.41]])
    assert policies.share[0] == pytest.approx([0.59, 0.41])
    assert mean_quality(policies) == pytest.approx(1 - 0.1 * 0.2)


def test_hard_queries_are_longer():
    policies = two(hard=0.3, cuts=[[0.3]], multiplier=2.0)
    tiers = [Tier("w", 0.001), Tier("s", 0.01)]
    cost = one_shot_usd(policies, tiers, 1, Traffic(days_per_month=1), FREE)
    # The mean query is 1.3 easy ones; the hard 30 % make 0.6 / 1.3 of the work.
    assert cost.parts["s"][0, 0] == pytest.approx(0.01 * 0.6 / 1.3)
    assert cost.total[0, 0] == pytest.approx(0.01 * 0.6 / 1.3 + 0.001 * 0.7 / 1.3)


def test_caches_fallback_and_classifier_by_hand():
    traffic = Traffic(exact_hits=0.2, semantic_hits=0.25, false_hits=0.1, usd_per_lookup=1e-4, fallback=0.1)
    assert traffic.missed == pytest.approx(0.6)
    tiers = [Tier("w", fleet_usd=staircase(100, 1.0)), Tier("s", 0.01)]
    policies = two(0.9, 1.0, 0.3, cuts=[[0.3]])
    cost = one_shot_usd(policies, tiers, 1000, traffic, Router(usd_per_query=1e-5, fleet_queries=0.02))
    assert cost.loads["w"][0, 0] == pytest.approx(600 * (0.7 * 0.9 + 0.02))
    assert cost.parts["w"][0, 0] == 4
    assert cost.parts["s"][0, 0] == pytest.approx(600 * 0.3 * 0.01 * 30)
    assert cost.parts["fallback"][0, 0] == pytest.approx(600 * 0.07 * 0.01 * 30)
    assert cost.parts["router"][0, 0] == pytest.approx(600 * 1e-5 * 30)
    assert cost.parts["cache"][0, 0] == pytest.approx(800 * 1e-4 * 30)
    assert cost.total[0, 0] == pytest.approx(sum(part[0, 0] for part in cost.parts.values()))
    # 2 % of the answers come from another question's cache entry and count 0.
    assert quality_served(policies, tiers, traffic) == pytest.approx(0.98)


def test_pure_splits_pay_no_classifier():
    policies = two(cuts=[[0.0], [0.5], [1.0]])
    cost = one_shot_usd(policies, [Tier("w", 1.0), Tier("s", 1.0)], 1, Traffic(), Router(0.5))
    assert (cost.parts["router"][:, 0] > 0).tolist() == [False, True, False]
    tiers = [Tier("w", latency_ms=1), Tier("s", latency_ms=3)]
    assert latency_ms(policies, tiers, Router(latency_ms=10)).tolist() == [1, 12, 3]


def test_three_tiers_by_hand():
    people = population([0.6, 0.8, 1.0], 0.5)
    policies = from_classes(roc.perfect(), people, [[0.5, 0.2]])
    assert policies.share[0] == pytest.approx([0.5, 0.3, 0.2])
    # Easy ones are right everywhere; the hard ones of the middle tier score .6, of the top tier 1.
    assert mean_quality(policies)[0] == pytest.approx(0.5 + 0.3 * 0.6 + 0.2)


def test_cut_grid_holds_the_pure_splits():
    for tiers in (2, 3, 4):
        cuts = cut_grid(tiers, 200)
        assert len(cuts) <= 201 and np.all(np.diff(cuts, axis=1) <= 0)
        assert {0.0, 1.0} <= set(cuts[:, 0])


def test_too_few_hard_queries_for_the_gap():
    with pytest.raises(InputError, match=r"at least 0\.300"):
        population([0.7, 1.0], 0.2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: population([0.9, 1], 1.5),
        lambda: population([0.9, 1], 0.3, 0.0),
        lambda: Router(-1),
        lambda: Router(float("nan")),
        lambda: Traffic(exact_hits=2),
        lambda: Traffic(fallback=float("nan")),
        lambda: Traffic(usd_per_lookup=float("inf")),
        lambda: Traffic(false_hit_quality=-1),
        lambda: Traffic(days_per_month=0),
        lambda: two(cuts=[[0.2, 0.1]]),
        lambda: two(cuts=[[1.2]]),
    ],
)
def test_values_against_rules(call):
    with pytest.raises(InputError):
        call()


plans = st.tuples(
    st.floats(100, 1e6), st.floats(50, 1e5), st.floats(10, 5000), st.floats(0.0005, 0.05), st.floats(0.7, 1.0)
)


@settings(max_examples=60, deadline=None)
@given(plans, st.floats(0.5, 1), st.floats(0.6, 1.0))
def test_best_split_is_never_dearer_than_the_best_pure_option(plan, accuracy, floor):
    volume, each, usd, price, weak_quality = plan
    tiers = [Tier("w", fleet_usd=staircase(each, usd)), Tier("s", price)]
    policies = two(weak_quality, 1.0, 0.4, roc.from_accuracy(accuracy))
    total = one_shot_usd(policies, tiers, volume, Traffic(), FREE).total[:, 0]
    best = optimum.cheapest_at_floor(total, mean_quality(policies), floor)
    pure = [float(tier.monthly_usd(np.array(volume), 30)) for tier in tiers]
    allowed = [
        cost for cost, quality in zip(pure, (weak_quality, 1.0), strict=True) if quality >= floor - 1e-9
    ]
    assert total[best] <= min(allowed) * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(plans, st.floats(0.5, 1), st.floats(0.5, 1), st.floats(0.6, 1.0))
def test_a_more_accurate_classifier_never_hurts(plan, one, other, floor):
    volume, each, usd, price, weak_quality = plan
    tiers = [Tier("w", fleet_usd=staircase(each, usd)), Tier("s", price)]
    found = []
    for accuracy in sorted((one, other)):
        policies = two(weak_quality, 1.0, 0.4, roc.from_accuracy(accuracy))
        total = one_shot_usd(policies, tiers, volume, Traffic(), FREE).total[:, 0]
        found.append(
            (total[optimum.cheapest_at_floor(total, mean_quality(policies), floor)], mean_quality(policies))
        )
    assert found[1][0] <= found[0][0] * (1 + 1e-12)
    assert np.all(found[1][1] >= found[0][1] - 1e-9)
