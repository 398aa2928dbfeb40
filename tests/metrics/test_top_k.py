"""Top-k error against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from beltline.metrics.top_k import top_k_error


@pytest.mark.parametrize("k", [1, 2, 5])
def test_is_one_minus_scikit_learns_accuracy(k):
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(200, 8)), rng.integers(0, 8, 200)
    expected = 1 - top_k_accuracy_score(labels, scores, k=k, labels=range(8))
    assert top_k_error(scores, labels, k=k) == pytest.approx(expected)


def test_by_hand():
    scores = [[3, 2, 1], [1, 2, 3], [2, 3, 1]]
    assert top_k_error(scores, [0, 0, 0]) == pytest.approx(2 / 3)
    assert top_k_error(scores, [0, 0, 0], k=2) == pytest.approx(1 / 3)
    assert top_k_error(scores, [0, 0, 0], k=3) == 0


def test_ties_and_nan_give_no_credit():
    assert top_k_error(np.zeros((4, 3)), [0, 1, 2, 0]) == 1
    assert top_k_error(np.zeros((4, 3)), [0, 1, 2, 0], k=3) == 0
    assert top_k_error([[np.nan, 1.0], [1.0, 0.0]], [1, 0]) == 0.5
    assert top_k_error([[np.nan, 1.0]], [0], k=2) == 1


def test_no_images_is_nan():
    assert np.isnan(top_k_error(np.zeros((0, 3)), np.zeros(0, int)))


@pytest.mark.parametrize(
    ("labels", "k", "message"),
    [
        ([0, 1], 1, "N, K"),
        ([0, 1, 3], 1, r"0\.\.2"),
        ([0, 1, -1], 1, r"0\.\.2"),
        ([0.0, 1.0, 2.0], 1, "integers"),
        ([0, 1, 2], 4, r"k must be in 1\.\.3, got 4"),
        ([0, 1, 2], 0, "k must be"),
    ],
)
def test_refuses_what_does_not_fit(labels, k, message):
    with pytest.raises(ValueError, match=message):
        top_k_error(np.zeros((3, 3)), labels, k=k)
