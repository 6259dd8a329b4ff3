"""What a classifier can tell apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.router import roc

shares = st.floats(0, 1)


@pytest.mark.parametrize("auc", [0.5, 0.62, 0.75, 0.99, 1.0])
def test_binormal_curve_has_its_area(auc):
    assert roc.from_auc(auc).auc == pytest.approx(auc, abs=1e-4)


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95, 1.0])
def test_accuracy_is_a_point_of_its_curve(accuracy):
    curve = roc.from_accuracy(accuracy)
    hard = 0.3
    up = hard * accuracy + (1 - hard) * (1 - accuracy)
    recall, fpr = curve.rates_at(up, hard)
    assert recall == pytest.approx(accuracy, abs=2e-4)
    assert fpr == pytest.approx(1 - accuracy, abs=2e-4)


def test_error_matrix_by_hand():
    curve = roc.from_error_matrix(0.9, 0.2)
    recall, fpr = curve.rates_at([0.0, 0.41, 1.0], 0.3)
    assert recall.tolist() == pytest.approx([0, 0.9, 1])
    assert fpr.tolist() == pytest.approx([0, 0.2, 1])
    assert curve.auc == pytest.approx(0.85)


def test_scores_give_the_empirical_curve():
    hard = np.array([True, False, True, False])
    curve = roc.from_scores([0.9, 0.8, 0.8, 0.1], hard)
    assert curve.recall.tolist() == [0, 0.5, 1, 1]
    assert curve.false_positive_rate.tolist() == [0, 0, 0.5, 1]


@given(st.floats(0.5, 1), shares, st.floats(0.01, 0.99))
def test_rates_add_up_to_the_share(auc, up, hard):
    recall, fpr = roc.from_auc(auc).rates_at(up, hard)
    assert hard * recall + (1 - hard) * fpr == pytest.approx(up, abs=1e-9)


@given(st.floats(0.5, 1), st.floats(0.5, 1), st.floats(0.01, 0.99))
def test_better_classifier_finds_more_hard_queries_at_any_share(one, other, hard):
    grid = np.linspace(0, 1, 51)
    worse, better = (roc.from_accuracy(a).rates_at(grid, hard)[0] for a in sorted((one, other)))
    assert np.all(better >= worse - 1e-9)


def test_posterior_threshold():
    curve = roc.from_auc(0.8)
    ups = [curve.share_up_from_posterior(t, 0.3) for t in (0, 0.1, 0.3, 0.6, 1)]
    assert ups[0] == pytest.approx(1) and ups == sorted(ups, reverse=True)
    assert roc.perfect().share_up_from_posterior(0.5, 0.3) == pytest.approx(0.3)
    # At P(hard | score) = n the likelihood ratio is 1: the point farthest above the diagonal.
    up = curve.share_up_from_posterior(0.3, 0.3)
    recall, fpr = curve.rates_at(up, 0.3)
    assert recall - fpr == pytest.approx((curve.recall - curve.false_positive_rate).max(), abs=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: roc.from_auc(0.4),
        lambda: roc.from_auc(float("nan")),
        lambda: roc.from_accuracy(1.1),
        lambda: roc.from_error_matrix(0.1, 0.5),
        lambda: roc.from_error_matrix(float("nan"), 0.5),
        lambda: roc.from_separation(-1),
        lambda: roc.from_scores([1, 2], np.array([True, True])),
    ],
)
def test_values_against_rules(call):
    with pytest.raises(InputError):
        call()
