"""Where the two points lie: in the click's region, far apart, off its edge, never anywhere else."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beltline.core.errors import ShapeError
from beltline.core.point_generator import (
    PointGenerator,
    click_region,
    farthest_pair,
    snap_inwards,
    two_means,
)

FEATURES = ("colour", "xy", "both")
WHITE = np.ones((3, 40, 60), np.float32)


def bar(left: int = 5, right: int = 55) -> np.ndarray:
    """A soft mask with a bar ten pixels high in an image of 40 by 60."""
    probs = np.zeros((40, 60), np.float32)
    probs[10:20, left:right] = 0.9
    return probs


@st.composite
def scenes(draw):
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 32))
    coarse = draw(arrays(np.float32, (4, 4), elements=st.floats(0, 1, width=32)))
    probs = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST).reshape(height, width)
    seed = draw(st.integers(0, 5))
    image = np.random.default_rng(seed).random((3, height, width), np.float32).round(draw(st.integers(0, 2)))
    if draw(st.booleans()):
        probs, image = probs.copy(), image.copy()
        probs[0, 0] = image[0, 0, 0] = np.nan
    click = (draw(st.floats(-2, 40)), draw(st.floats(-2, 30)))
    return image, probs, click, seed


@given(scenes(), st.sampled_from(FEATURES), st.sampled_from([0.0, 0.1]))
def test_points_lie_in_the_region_of_the_click(scene, features, jitter):
    image, probs, click, seed = scene
    generator = PointGenerator(features=features, jitter=jitter)
    points = generator.points(image, probs, click, seed=seed)
    assert points.shape == (2, 2)
    assert np.isfinite(points).all()
    x, y = points.astype(int).T
    assert click_region(np.nan_to_num(probs) > 0.5, click)[y, x].all()
    assert np.array_equal(points, generator.points(image, probs, click, seed=seed))


@pytest.mark.parametrize("features", ["xy", "both"])
def test_the_points_of_a_bar_lie_at_its_ends(features):
    (x1, y1), (x2, y2) = sorted(PointGenerator(features=features).points(WHITE, bar(), (30, 15)).tolist())
    assert x1 < 12
    assert x2 > 47  # beyond the height of the image: x is the column
    assert 12 <= y1 <= 17
    assert 12 <= y2 <= 17


def test_an_upright_bar_gives_the_same_points_with_the_axes_exchanged():
    lying = PointGenerator().points(WHITE, bar(), (30, 15))
    upright = PointGenerator().points(WHITE.transpose(0, 2, 1), bar().T, (15, 30))
    assert np.ptp(lying[:, 0]) > 35 > 10 > np.ptp(lying[:, 1])
    assert np.ptp(upright[:, 1]) > 35 > 10 > np.ptp(upright[:, 0])


def test_colours_part_a_handle_from_a_blade():
    image = WHITE.copy()
    image[:, 10:20, 40:55] = 0.2  # the handle
    points = PointGenerator(features="colour").points(image, bar(), (20, 15))
    assert sorted(x >= 40 for x, _ in points) == [False, True]


def test_only_the_part_under_the_click_counts():
    probs = bar(5, 25) + bar(35, 55)
    assert (PointGenerator().points(WHITE, probs, (10, 15))[:, 0] < 25).all()
    assert (PointGenerator().points(WHITE, probs, (50, 15))[:, 0] >= 35).all()


def test_a_click_beside_the_mask_keeps_the_points_near_the_click():
    points = PointGenerator().points(WHITE, bar(), (30, 35))
    assert (np.abs(points - [30, 35]) <= 2).all()


def test_points_are_off_the_edge():
    probs = bar()
    depth = cv2.distanceTransform((probs > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    x, y = PointGenerator().points(WHITE, probs, (30, 15)).astype(int).T
    assert (depth[y, x] >= 4).all()


def test_one_cluster_falls_back_to_two_pixels_by_probability():
    probs = bar()
    probs[10:20, 5:30] = 0.51
    probs[10:20, 30:55] = 0.51  # of one colour and one probability: nothing to cluster
    generator = PointGenerator(features="colour")
    drawn = {tuple(generator.points(WHITE, probs, (30, 15), seed=seed).ravel()) for seed in range(5)}
    assert len(drawn) > 1


def test_a_ring_that_its_smaller_box_misses_falls_back():
    probs = np.zeros((40, 60), np.float32)
    cv2.rectangle(probs, (10, 5), (50, 35), 1, 1)
    generator = PointGenerator(jitter=0.4)
    for seed in range(6):  # half of them scale the box down
        x, y = generator.points(WHITE, probs, (10, 20), seed=seed).astype(int).T
        assert click_region(probs > 0.5, (10, 20))[y, x].all()


def test_clusters_closer_than_the_least_distance_count_as_one():
    far = PointGenerator(features="xy", min_distance=0.2)
    never = PointGenerator(features="xy", min_distance=2.0)
    spread = [np.ptp(g.points(WHITE, bar(), (30, 15), seed=3)[:, 0]) for g in (far, never)]
    assert spread[0] > spread[1]


@given(
    arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 20)),
    arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 20)),
)
def test_the_farthest_pair_is_that_of_all_pairs(first, second):
    size = np.array([20, 7])
    pair, distance = farthest_pair(first, second, size)
    everything = np.linalg.norm((first[:, None] - second) / size, axis=2)
    assert distance == pytest.approx(everything.max())
    assert np.linalg.norm((pair[0] - pair[1]) / size) == pytest.approx(distance)


def test_two_means_agree_with_scikit_learn(rng):
    from sklearn.cluster import KMeans

    values = np.concatenate([rng.normal(0, 1, (80, 3)), rng.normal(4, 1, (40, 3))])
    ours = two_means(values, rng)
    theirs = KMeans(2, n_init=5, random_state=0).fit_predict(values).astype(bool)
    assert (ours == theirs).all() or (ours == ~theirs).all()


def test_snapping_reaches_no_farther_than_allowed():
    region = np.zeros((30, 30), bool)
    region[5:25, 5:25] = True
    assert snap_inwards(region, np.array([[5, 15]]), 3).tolist() == [[8, 15]]


def test_the_oracle_wants_the_truth_and_uses_nothing_else():
    truth = bar(5, 25) + bar(35, 55) > 0
    image = WHITE.copy()
    image[:, :, 30:] = 0.3  # the two parts differ in colour
    oracle = PointGenerator(oracle=True)
    points = oracle.points(image, np.zeros((40, 60)), (0, 0), truth=truth)
    x, y = points.astype(int).T
    assert truth[y, x].all()
    assert sorted(x >= 30) == [False, True]  # reaches a part that no click has named
    with pytest.raises(ValueError, match="only with it"):
        oracle.points(image, bar(), (30, 15))
    with pytest.raises(ValueError, match="only with it"):
        PointGenerator().points(image, bar(), (30, 15), truth=truth)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="40, 60"):
        PointGenerator().points(WHITE.transpose(0, 2, 1), bar(), (30, 15))
    with pytest.raises(ValueError, match="'colour', 'xy' or 'both'"):
        PointGenerator(features="shape")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="jitter"):
        PointGenerator(jitter=0.7)
