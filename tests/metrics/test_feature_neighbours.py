"""Nearest neighbours of features: scikit-learn's; copies are told from what is new."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from beltline.core import ShapeError
from beltline.metrics.feature_neighbours import memorisation, nearest, reaches


def normal(seed, rows, channels=16):
    return np.random.default_rng(seed).normal(size=(rows, channels))


def test_the_nearest_are_those_of_scikit_learn():
    made, train = normal(0, 700), normal(1, 300)
    found = nearest(made, train)
    distance, row = NearestNeighbors(n_neighbors=1).fit(train).kneighbors(made)
    np.testing.assert_allclose(found.distance, distance[:, 0], rtol=1e-9)
    assert (found.row == row[:, 0]).all()


def test_a_copy_lies_at_nought_however_far_from_the_origin():
    train = normal(0, 50) + 1000
    assert nearest(train[10:20], train).row.tolist() == list(range(10, 20))
    assert nearest(train[10:20], train).distance.max() < 1e-4
    assert (reaches(np.repeat(train, 2, axis=0), 1) < 1e-4).all()


def test_reaches_are_those_of_scikit_learn():
    rows = normal(0, 600)
    expected = NearestNeighbors(n_neighbors=4).fit(rows).kneighbors(rows)[0][:, 3]
    np.testing.assert_allclose(reaches(rows, 3), expected, rtol=1e-9)
    with pytest.raises(ValueError, match=r"1\.\.599"):
        reaches(rows, 600)


def test_what_is_new_is_as_far_from_the_training_set_as_what_was_held_out():
    found = memorisation(normal(0, 2000), normal(1, 500), normal(2, 2000), percentile=10)
    assert found.share == pytest.approx(0.10, abs=0.03)
    assert found.ratio == pytest.approx(1, abs=0.03)


def test_copies_are_found_and_named():
    train = normal(1, 500)
    made = np.concatenate([train[:30] + 0.01 * normal(3, 30), normal(0, 70)])
    found = memorisation(made, train, normal(2, 500))
    assert found.share == pytest.approx(0.30 + 0.7 * 0.05, abs=0.06)
    assert (found.made.distance[:30] < found.limit).all()
    assert found.made.row[:30].tolist() == list(range(30))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="percentile"):
        memorisation(normal(0, 5), normal(1, 5), normal(2, 5), percentile=100)
    with pytest.raises(ShapeError, match="16 and 4"):
        nearest(normal(0, 5), normal(1, 5, 4))
    with pytest.raises(ValueError, match="at least 1"):
        nearest(normal(0, 5), normal(1, 0))
