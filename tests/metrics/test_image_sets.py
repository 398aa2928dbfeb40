"""Distances of two sets of features: cases by hand, scipy and scikit-learn, torchmetrics and prdc."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from beltline.core import ShapeError
from beltline.metrics.image_sets import diversity, frechet_distance, kernel_distance, precision_and_recall


def two_sets(first=120, second=90, channels=12):
    rng = np.random.default_rng(7)
    return rng.normal(size=(first, channels)), rng.normal(0.4, 1.3, size=(second, channels))


def with_root_of_the_product(a, b):
    """The definition, as most implementations compute it."""
    shift, spreads = a.mean(0) - b.mean(0), [np.cov(x, rowvar=False) for x in (a, b)]
    return shift @ shift + np.trace(spreads[0] + spreads[1] - 2 * sqrtm(spreads[0] @ spreads[1]).real)


def test_frechet_distance_is_that_of_the_root_of_the_product():
    a, b = two_sets()
    assert frechet_distance(a, b) == pytest.approx(with_root_of_the_product(a, b), rel=1e-9)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)


@pytest.mark.parametrize(("sizes", "printed"), [((120, 90, 12), 4.97639046), ((60, 40, 64), 77.520661)])
def test_frechet_distance_is_that_of_torchmetrics(sizes, printed):
    """Printed by torchmetrics 1.9.0; in the second case the covariances are singular."""
    assert frechet_distance(*two_sets(*sizes)) == pytest.approx(printed, rel=1e-7)


def test_frechet_distance_of_gaussians_known_in_closed_form():
    """One channel: (m1 - m2)^2 + (s1 - s2)^2."""
    a, b = np.array([[0.0], [2.0]]), np.array([[10.0], [16.0]])
    s1, s2 = np.std([0, 2], ddof=1), np.std([10, 16], ddof=1)
    assert frechet_distance(a, b) == pytest.approx(12.0**2 + (s1 - s2) ** 2)


def test_frechet_distance_of_a_set_to_itself_is_nought_and_turning_both_changes_nothing():
    a, b = two_sets()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-9)


def unbiased_by_scikit_learn(a, b):
    within = [polynomial_kernel(x, degree=3, gamma=1 / x.shape[1], coef0=1) for x in (a, b)]
    across = polynomial_kernel(a, b, degree=3, gamma=1 / a.shape[1], coef0=1)
    off = [k[~np.eye(len(k), dtype=bool)].mean() for k in within]
    return sum(off) - 2 * across.mean()


def test_kernel_distance_of_one_whole_subset_is_that_of_scikit_learn_and_torchmetrics(rng):
    a, b = two_sets(90, 90)
    found = kernel_distance(a, b, rng=rng, subsets=1, size=90)
    assert found.mean == pytest.approx(unbiased_by_scikit_learn(a, b), rel=1e-10)
    a, b = two_sets()
    found = kernel_distance(a[:90], b, rng=rng, subsets=1, size=90)
    assert found.mean == pytest.approx(1.1221305463512832, rel=1e-10)  # printed by torchmetrics 1.9.0


def test_kernel_distance_has_no_bias_where_both_sets_are_alike(rng):
    pool = np.random.default_rng(0).normal(size=(400, 8))
    found = kernel_distance(pool[:200], pool[200:], rng=rng, subsets=200, size=20)
    assert abs(found.mean) < 3 * found.std / np.sqrt(20)
    assert found.size == 20
    apart = kernel_distance(pool[:200], pool[200:] + 1, rng=rng, subsets=50, size=20)
    assert apart.mean > found.mean + 3 * found.std


def test_kernel_distance_draws_half_of_the_smaller_set_so_that_the_draws_differ(rng):
    found = kernel_distance(*two_sets(), rng=rng, subsets=5)
    assert found.size == 45
    assert found.std > 0


def by_scikit_learn(real, made, k):
    def inside(balls, points):
        search = NearestNeighbors(n_neighbors=k + 1).fit(balls)
        reach = search.kneighbors(balls)[0][:, k]
        near = np.linalg.norm(points[:, None] - balls, axis=2)
        return (near <= reach).any(1).mean()

    return inside(real, made), inside(made, real)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_are_those_of_scikit_learns_neighbours(k):
    a, b = two_sets()
    assert precision_and_recall(a, b, k=k) == pytest.approx(by_scikit_learn(a, b, k))


@pytest.mark.parametrize(("k", "printed"), [(3, (0.36666667, 0.96666667)), (5, (0.51111111, 0.975))])
def test_precision_and_recall_are_those_of_prdc(k, printed):
    """Printed by prdc 0.2."""
    assert precision_and_recall(*two_sets(), k=k) == pytest.approx(printed)


def test_a_generator_of_one_picture_is_precise_and_recalls_little():
    real = np.random.default_rng(0).normal(size=(200, 4))
    made = real[:1] + 1e-3 * np.random.default_rng(1).normal(size=(200, 4))
    found = precision_and_recall(real, made)
    assert found.precision == 1
    assert found.recall < 0.02


def test_diversity_is_the_mean_of_all_pairs():
    a, _ = two_sets(700)  # more than are held at a time
    assert diversity(a) == pytest.approx(pdist(a).mean(), rel=1e-9)
    assert diversity(np.ones((5, 3))) == 0


@pytest.mark.parametrize("metric", [frechet_distance, precision_and_recall])
def test_sets_that_do_not_fit_are_refused(metric):
    a, b = two_sets()
    with pytest.raises(ShapeError, match="12 and 11"):
        metric(a, b[:, :11])
    with pytest.raises(ShapeError, match="one row a picture"):
        metric(a[0], b)
    with pytest.raises(ValueError, match="at least"):
        metric(a, b[:1])
    with pytest.raises(ValueError, match="finite"):
        metric(a, b * np.nan)


def test_subsets_larger_than_a_set_are_refused(rng):
    with pytest.raises(ValueError, match="2 to 90 rows, got 3 of 91"):
        kernel_distance(*two_sets(), rng=rng, subsets=3, size=91)
