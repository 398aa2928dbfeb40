"""k-means beside scikit-learn's, twice the same, and where points are few."""

import pytest
import torch
from sklearn.cluster import KMeans
from torch.testing import assert_close

from beltline.models.k_means import k_means


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_it_finds_what_scikit_learn_finds():
    middles = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    points = middles.repeat(20, 1) + torch.randn(60, 2, generator=seeded())
    ours = k_means(points, 3, generator=seeded())
    theirs = KMeans(3, n_init=10, random_state=0).fit(points.numpy()).cluster_centers_
    assert_close(ours.centres[ours.centres.sum(1).argsort()], torch.tensor(theirs)[theirs.sum(1).argsort()])
    assert ours.members.reshape(20, 3).unique(dim=0).shape == (1, 3)


def test_the_same_generator_gives_the_same():
    points = torch.randn(30, 4, generator=seeded(1))
    first, again = (k_means(points, 5, generator=seeded(2)) for _ in range(2))
    assert torch.equal(first.centres, again.centres)
    assert torch.equal(first.members, again.members)


def test_every_centre_has_a_point_when_there_are_as_many():
    points = torch.randn(6, 2, generator=seeded(3))
    assert sorted(k_means(points, 6, generator=seeded()).members.tolist()) == list(range(6))


def test_equal_points_do_not_break_it():
    assert_close(k_means(torch.ones(5, 2), 3, generator=seeded()).centres, torch.ones(3, 2))


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="each of 3 centres, got 2 points"):
        k_means(torch.rand(2, 2), 3, generator=seeded())
