"""What a variant scores above its ability: taken from relatives and from those of like ability."""

import numpy as np
import pytest

from llmplan.arrays import Floats
from llmplan.quality.factors import Factors
from llmplan.quality.fit_ability import FARTHEST, STRENGTH_NEAR, Scores, alike, strengths_of
from llmplan.quality.names import Variant
from llmplan.quality.tables import Item

NAMES = ("alpha-1", "beta-1", "gamma-1", "delta-1", "omega-1")
"""Five models of five lines; nobody has measured the last one."""
MEASURED = len(NAMES) - 1


def strengths(error: Floats, ability: Floats) -> Floats:
    """Return the strengths where every model is expected to score one half and the measured ones score that far off."""
    item = Item("one", "family", 100, 1.0, "2026-01-01")
    variants, places = tuple(Variant(name, "none") for name in NAMES), np.arange(MEASURED)
    value = 0.5 + error
    scores = Scores(variants, (item,), ("family",), np.array([0]), places, np.zeros(MEASURED, int), value)
    n = len(NAMES)
    factors = Factors(ability, np.zeros((n, 2)), np.zeros((1, 4)))
    return strengths_of(scores, scores.evidence(), factors, np.zeros(n), {"none": 0.0, "medium": 0.8})[:, 0]


def test_likeness_by_hand() -> None:
    found = alike(np.array([[0.0, 0.0], [STRENGTH_NEAR, 0.0], [0.0, 0.0]]))
    assert found == pytest.approx(
        np.array([[1, np.exp(-0.5), 1], [np.exp(-0.5), 1, np.exp(-0.5)], [1, np.exp(-0.5), 1]])
    )


def test_one_of_like_ability_is_good_at_the_same_things_and_a_far_one_is_not() -> None:
    good, near, far = np.full(MEASURED, 0.1), np.zeros((MEASURED + 1, 2)), np.zeros((MEASURED + 1, 2))
    far[-1] = 9 * STRENGTH_NEAR
    assert 0.03 < strengths(good, near)[-1] < 0.1
    assert strengths(good, far)[-1] == pytest.approx(0, abs=1e-9)
    assert (strengths(good, far)[:-1] > 0.03).all()


@pytest.mark.parametrize("seed", range(10))
def test_strengths_turn_with_their_figures_and_stay_within_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    error, ability = rng.normal(0, 0.1, MEASURED), rng.normal(0, 0.5, (MEASURED + 1, 2))
    found = strengths(error, ability)
    np.testing.assert_allclose(strengths(-error, ability), -found, atol=1e-12)
    assert np.abs(found).max() <= 1.5 * np.abs(error).max()
    wild = error.copy()
    wild[0] = 0.45
    capped = wild.copy()
    capped[0] = FARTHEST
    np.testing.assert_allclose(strengths(wild, ability), strengths(capped, ability), atol=1e-12)
