"""The fit behind ability and tokens: hand-worked, recovered from simulation, indifferent to order."""

import numpy as np
import pytest

from llmplan.arrays import Floats
from llmplan.quality.factors import Evidence, Factors, Settings, fit_factors, sigmoid

NORMAL = 1e9
"""Degrees of freedom at which Student's t is a normal."""


def _evidence(variant: list[int], item: list[int], value: Floats, sd: float = 0.05) -> Evidence:
    one = np.ones(len(value))
    return Evidence(np.array(variant), np.array(item), np.asarray(value, dtype=float), sd * one, one)


def test_one_variant_one_item_is_the_shrunk_mean() -> None:
    """Linear, loading held at 1: theta and b share the figure as their prior variances say."""
    settings = Settings(
        (1.0,), NORMAL, intercept_sd=2.0, loading_sd=1e-6, effort_sd=1e-6, family_sd=1e-6, rounds=400
    )
    prior, none = np.eye(1), np.zeros(1)
    fit = fit_factors(
        _evidence([0], [0], np.array([3.0]), 1.0), prior, none, np.array([0]), settings, logistic=False
    )
    # The item's family centres on the item itself (its only member, half shrunk), so b + theta nears the figure;
    # theta's own normal equation still holds: (3 - b) / (1 + 1 / 1) with noise and prior of variance 1.
    b, theta = fit.items[0, 0], fit.ability[0, 0]
    assert theta == pytest.approx((3.0 - b) / 2.0, abs=1e-6)
    assert fit.ability_sd[0, 0] == pytest.approx(np.sqrt(0.5), abs=1e-6)


def test_the_linear_predictor_is_b_plus_a_theta_plus_c_h() -> None:
    factors = Factors(np.array([[2.0, -1.0]]), np.zeros((1, 2)), np.array([[0.5, 1.0, 0.25, 0.1]]))
    eta = factors.linear(np.array([0]), np.array([0]), np.array([0.8]))
    assert eta[0] == pytest.approx(0.5 + 2.0 - 0.25 + 0.08)
    assert sigmoid(np.array([0.0]))[0] == 0.5


def _simulated(seed: int) -> tuple[Evidence, Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    n, m = 60, 24
    ability, level, loading = rng.normal(0, 1, n), rng.normal(0, 0.7, m), rng.uniform(0.7, 1.3, m)
    variant, item = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.arange(m), indexing="ij"))
    truth = sigmoid(level[item] + loading[item] * ability[variant])
    value = np.clip(truth + rng.normal(0, 0.03, len(truth)), 0, 1)
    seen = rng.random(len(truth)) < 0.5
    one = np.ones(seen.sum())
    return Evidence(variant[seen], item[seen], value[seen], 0.05 * one, one), ability, truth, seen


SETTINGS = Settings((1.0,), tail=4.0)


def test_known_parameters_are_recovered_from_simulated_scores() -> None:
    evidence, ability, truth, seen = _simulated(1)
    effort, family = np.zeros(60), np.arange(24)
    fit = fit_factors(evidence, np.eye(60), effort, family, SETTINGS, logistic=True)
    assert np.corrcoef(fit.ability[:, 0], ability)[0, 1] > 0.98
    variant, item = (grid.ravel() for grid in np.meshgrid(np.arange(60), np.arange(24), indexing="ij"))
    error = np.abs(sigmoid(fit.linear(variant, item, effort)) - truth)[~seen]
    assert error.mean() < 0.025


def test_the_order_of_scores_does_not_matter() -> None:
    e, *_ = _simulated(2)
    order = np.random.default_rng(0).permutation(len(e.value))
    mixed = Evidence(*(part[order] for part in (e.variant, e.item, e.value, e.sd, e.weight)))
    one, other = (
        fit_factors(x, np.eye(60), np.zeros(60), np.arange(24), SETTINGS, logistic=True) for x in (e, mixed)
    )
    np.testing.assert_allclose(one.ability, other.ability, atol=1e-8)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_lower_score_never_raises_a_model(seed: int) -> None:
    e, *_ = _simulated(seed)
    place = int(np.argmax(e.value * (e.variant == 7)))
    lower = e.value.copy()
    lower[place] -= 0.1
    normal = Settings((1.0,), NORMAL)
    before, after = (
        fit_factors(
            Evidence(e.variant, e.item, value, e.sd, e.weight),
            np.eye(60),
            np.zeros(60),
            np.arange(24),
            normal,
            True,
        ).ability[7, 0]
        for value in (e.value, lower)
    )
    assert after < before


def test_one_wild_figure_hardly_moves_a_robust_fit() -> None:
    e, *_ = _simulated(6)
    wild = e.value.copy()
    wild[np.flatnonzero(e.variant == 3)[0]] = 0.0
    moved = []
    for tail in (1.5, NORMAL):
        settings = Settings((1.0,), tail)
        pair = [
            fit_factors(
                Evidence(e.variant, e.item, v, e.sd, e.weight),
                np.eye(60),
                np.zeros(60),
                np.arange(24),
                settings,
                True,
            ).ability[3, 0]
            for v in (e.value, wild)
        ]
        moved.append(abs(pair[1] - pair[0]))
    assert moved[0] < 0.5 * moved[1]
