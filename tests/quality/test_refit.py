"""The shipped fits are what the shipped tables give, to the digit; what one figure more may and may not do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.arrays import Floats
from llmplan.catalog import load_catalog
from llmplan.quality import tables
from llmplan.quality.ability import load_ability
from llmplan.quality.calibrate import evidence
from llmplan.quality.factors import Evidence, Factors, Settings, fit_factors, sigmoid
from llmplan.quality.fit_ability import Scores, fit_ability
from llmplan.quality.fit_tokens import fit_tokens, gather_counts
from llmplan.quality.tokens import load_tokens

LAST_DIGIT = 1.01e-4
SLACK = 0.01
"""A quarter of a point: a far outlier is weighed down, and the others settle anew around it."""
N, M = 40, 12
SMALL = Settings((1.0,), tail=1.5, rounds=100)


@pytest.fixture(scope="module")
def scores() -> Scores:
    return evidence(load_catalog())


def test_the_shipped_ability_is_a_refit_of_the_shipped_scores(scores: Scores) -> None:
    shipped, again = load_ability(load_catalog()), fit_ability(scores, tables.efforts(load_catalog()))
    assert shipped.scale.variants == again.scale.variants and shipped.items == again.items
    np.testing.assert_allclose(shipped.scale.ability, again.scale.ability, rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(shipped.scale.ability_sd, again.scale.ability_sd, rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(shipped.coefficients, again.coefficients, rtol=0, atol=LAST_DIGIT)
    assert np.array_equal(shipped.own_families, again.own_families)
    np.testing.assert_allclose(shipped.strengths, again.strengths, rtol=0, atol=1.1e-3)


def test_the_shipped_tokens_are_a_refit_of_the_shipped_counts(scores: Scores) -> None:
    catalog, shipped = load_catalog(), load_tokens(load_catalog())
    counts = gather_counts(tables.task_tokens(catalog), tables.names(catalog), scores.variants)
    again = fit_tokens(counts, tables.efforts(catalog))
    assert shipped.scale.variants == again.scale.variants
    np.testing.assert_allclose(shipped.scale.ability, again.scale.ability, rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(shipped.coefficients, again.coefficients, rtol=0, atol=LAST_DIGIT)


def _made(seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    variant, item = (grid.ravel() for grid in np.meshgrid(np.arange(N), np.arange(M), indexing="ij"))
    ability, level = rng.normal(0, 1, N), rng.normal(0, 0.7, M)
    value = np.clip(sigmoid(level[item] + ability[variant]) + rng.normal(0, 0.03, N * M), 0, 1)
    seen = rng.random(N * M) < 0.7
    one = np.ones(int(seen.sum()))
    return Evidence(variant[seen], item[seen], value[seen], 0.07 * one, one)


def _fit(e: Evidence) -> Factors:
    return fit_factors(e, np.eye(N), np.zeros(N), np.arange(M), SMALL, logistic=True)


def _with(e: Evidence, variant: int, item: int, value: float) -> Evidence:
    def more(part: Floats, last: float) -> Floats:
        return np.append(part, np.asarray(last, part.dtype))

    return Evidence(
        *(map(more, (e.variant, e.item, e.value, e.sd, e.weight), (variant, item, value, 0.07, 1)))
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 5), st.integers(0, N - 1), st.integers(0, M - 1), st.floats(0.02, 1.0))
def test_adding_a_low_score_never_raises_a_model(seed: int, variant: int, item: int, short: float) -> None:
    """A figure below what the fit expects, by however much: the model's success on that item never rises."""
    e = _made(seed)
    before = _fit(e)
    pair = np.array([variant]), np.array([item])
    expected = float(sigmoid(before.linear(*pair, np.zeros(N)))[0])
    after = _fit(_with(e, variant, item, max(expected - short, 0.0)))
    assert after.ability[variant, 0] <= before.ability[variant, 0] + SLACK
    assert sigmoid(after.linear(*pair, np.zeros(N)))[0] <= expected + SLACK


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 5), st.permutations(range(M)))
def test_the_order_of_items_does_not_matter(seed: int, order: list[int]) -> None:
    e, places = _made(seed), np.array(order)
    mixed = Evidence(e.variant, places[e.item], e.value, e.sd, e.weight)
    np.testing.assert_allclose(_fit(e).ability, _fit(mixed).ability, atol=1e-6)
