"""What relatives say: nearer relatives share more, and a new model starts at its predecessor plus a step."""

import numpy as np
import pytest

from llmplan.quality.ability import Scale
from llmplan.quality.kinship import Spread, covariance, placed
from llmplan.quality.names import Variant

EFFORTS = {"none": 0.0, "medium": 0.8, "high": 1.0}


def _correlations(*variants: str) -> np.ndarray:
    prior = covariance([Variant(*v.split("@")) for v in variants], EFFORTS, {}, Spread(common=0.001))
    sd = np.sqrt(np.diag(prior))
    return prior / np.outer(sd, sd)


def test_nearer_relatives_share_more() -> None:
    r = _correlations("gpt-5-4@high", "gpt-5-4@medium", "gpt-5-5@high", "gpt-5-6@high", "llama-3-1-70b@none")
    same_model, next_version, two_on, stranger = r[0, 1:]
    assert 1 > same_model > next_version > two_on > stranger
    assert stranger == pytest.approx(0.0, abs=1e-3)


def test_the_covariance_is_symmetric_and_positive() -> None:
    prior = covariance(
        [Variant("gpt-5", "high"), Variant("gpt-5-mini", "none")], EFFORTS, {"gpt-5": 0.2}, Spread()
    )
    np.testing.assert_allclose(prior, prior.T)
    assert np.linalg.eigvalsh(prior).min() > 0


def test_a_new_model_is_placed_by_its_line_and_less_surely_than_those_with_figures() -> None:
    known = tuple(Variant(f"gpt-5-{minor}", "high") for minor in (1, 2, 3))
    levels = np.array([[0.0], [0.4], [0.8]])
    scale = Scale(known, levels, np.full((3, 1), 0.05), np.ones(1), EFFORTS, {}, Spread())
    placed = scale.including([Variant("gpt-5-4", "high"), Variant("unheard-of", "none")])
    new, stranger = (placed.place[v] for v in (Variant("gpt-5-4", "high"), Variant("unheard-of", "none")))
    assert placed.ability[new, 0] > 0.8, "the line's usual step goes on"
    assert placed.ability_sd[new, 0] < placed.ability_sd[stranger, 0]
    assert placed.ability_sd[new, 0] > 0.05
    np.testing.assert_array_equal(placed.ability[:3], levels)


def test_new_variants_are_placed_as_the_conditional_normal_of_the_whole_covariance() -> None:
    known = [
        Variant(*v.split("@")) for v in ("gpt-5@none", "gpt-5@high", "gpt-5-mini@high", "llama-3-70b@none")
    ]
    new = [
        Variant(*v.split("@")) for v in ("gpt-5@medium", "gpt-5-5@none", "gpt-5-5@high", "gpt-5-nano@high")
    ]
    years, spread = {"gpt-5": 0.3, "gpt-5-5": 1.1}, Spread()
    prior, n = covariance([*known, *new], EFFORTS, years, spread), len(known)
    weights = prior[n:, :n] @ np.linalg.inv(prior[:n, :n] + 0.2**2 * np.eye(n))
    gain, variance = placed(known, new, EFFORTS, years, spread, observed_sd=0.2)
    np.testing.assert_allclose(gain, weights, atol=1e-12)
    np.testing.assert_allclose(variance, np.diag(prior[n:, n:] - weights @ prior[:n, n:]), atol=1e-12)
