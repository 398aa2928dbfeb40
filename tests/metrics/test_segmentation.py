"""Overlap of masks against scikit-learn, outlines point by point as DAVIS defines them, models by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.metrics import (
    RELEASE_SMOOTH,
    boundary_f,
    instance_overlaps,
    mask_dice,
    mask_iou,
    miou_of_counts,
    paired_miou,
    scan_overlap,
)

MEASURES = (mask_iou, mask_dice, boundary_f)
EMPTY, FULL = np.zeros((6, 9), bool), np.ones((6, 9), bool)


@st.composite
def mask_pairs(draw):
    """Two masks of one size, of specks and slabs, empty and full ones among them."""
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    height, width = rng.integers(1, 15, 2)
    masks = rng.random((2, height, width)) < rng.choice([0, 0.1, 0.5, 1], (2, 1, 1))
    top, left = rng.integers(0, height), rng.integers(0, width)
    masks[rng.integers(0, 2), top:, left:] ^= True
    return masks


@given(mask_pairs())
def test_overlap_agrees_with_scikit_learn(pair):
    reference = pytest.importorskip("sklearn.metrics")
    first, second = (mask.ravel() for mask in pair)
    assert mask_iou(*pair) == pytest.approx(reference.jaccard_score(first, second, zero_division=1.0))
    assert mask_dice(*pair) == pytest.approx(reference.f1_score(first, second, zero_division=1.0))


@given(mask_pairs())
def test_measures_are_symmetric_and_1_on_equal_masks_only(pair):
    first, second = pair
    for measure in MEASURES:
        assert measure(first, second) == measure(second, first)
        assert 0 <= measure(first, second) <= 1
        assert measure(first, first) == measure(second, second) == 1
        assert measure(first, second) == pytest.approx(measure(first.T, second.T))
    assert (mask_iou(first, second) == 1) == (first == second).all()
    iou = mask_iou(first, second)
    assert mask_dice(first, second) == pytest.approx(2 * iou / (1 + iou))


@pytest.mark.parametrize("measure", MEASURES)
def test_empty_masks(measure):
    assert measure(EMPTY, EMPTY) == 1
    assert measure(EMPTY, FULL) == measure(FULL, EMPTY) == 0


def outline_by_hand(mask):
    height, width = mask.shape
    points = []
    for y, x in np.ndindex(height, width):
        beside = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
        if any(v < height and u < width and mask[v, u] != mask[y, x] for v, u in beside):
            points.append((y, x))
    return points


@given(mask_pairs(), st.sampled_from([0, 0.008, 0.1, 0.3]))
def test_boundary_f_by_its_definition(pair, tolerance):
    """Every distance between points of the outlines, one by one."""
    one, other = (outline_by_hand(mask) for mask in pair)
    if not one or not other or pair[0].any() != pair[1].any():
        expected = float(not one and not other and pair[0].any() == pair[1].any())
    else:
        reach = math.ceil(tolerance * math.hypot(*pair[0].shape))
        away = np.array([[(a - c) ** 2 + (b - d) ** 2 for c, d in other] for a, b in one])
        near = away <= reach**2
        precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
        expected = 2 * precision * recall / max(precision + recall, 1e-12)
    assert boundary_f(*pair, tolerance=tolerance) == pytest.approx(expected)


@given(mask_pairs())
def test_boundary_f_agrees_with_dilated_outlines(pair):
    """DAVIS's own way: each outline dilated by a disc, here of scikit-image."""
    morphology = pytest.importorskip("skimage.morphology")
    outlines = []
    for mask in pair:
        east, south, both = (np.zeros_like(mask) for _ in range(3))
        east[:, :-1], south[:-1], both[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
        outline = mask ^ east | mask ^ south | mask ^ both
        outline[-1], outline[:, -1] = mask[-1] ^ east[-1], mask[:, -1] ^ south[:, -1]
        outline[-1, -1] = False
        outlines.append(outline)
    one, other = outlines
    if not one.any() or not other.any():
        return  # there Beltline's answer is its own, see the docstring
    disc = morphology.disk(math.ceil(0.1 * math.hypot(*pair[0].shape)))
    precision = one[morphology.dilation(other, disc)].sum() / one.sum()
    recall = other[morphology.dilation(one, disc)].sum() / other.sum()
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert boundary_f(*pair, tolerance=0.1) == pytest.approx(expected)


@pytest.mark.parametrize(("shift", "near"), [(8, True), (9, False)])
def test_tolerance_is_a_share_of_the_diagonal(shift, near):
    first, second = np.zeros((2, 600, 800), bool)  # diagonal 1000: 8 pixels
    first[100:, 100:], second[100 + shift :, 100:] = True, True
    assert (boundary_f(first, second) == 1) == near


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("first", "error", "message"),
    [
        (np.zeros((9, 6)), ValueError, "probs > 0.5"),
        (np.zeros((9, 6), bool), ShapeError, r"\(9, 6\) and \(6, 9\)"),
        (np.zeros((1, 6, 9), bool), ShapeError, r"\(H, W\)"),
        (np.zeros((0, 9), bool), ShapeError, r"\(H, W\)"),
    ],
)
def test_no_masks_are_refused(measure, first, error, message):
    with pytest.raises(error, match=message):
        measure(first, EMPTY)


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf])
def test_no_tolerance_is_refused(tolerance):
    with pytest.raises(ValueError, match="share of the diagonal"):
        boundary_f(FULL, FULL, tolerance=tolerance)


def test_a_bytes_mask_is_a_mask():
    mask = np.uint8([[0, 255, 255]])
    assert mask_iou(mask, [[False, True, False]]) == 0.5


def two_knives():
    truths = np.zeros((2, 10, 20), bool)
    truths[0, 2:4, 2:12], truths[1, 6:8, 2:12] = True, True
    return truths


def test_merged_objects_and_objects_alone_answer_differently():
    """Each click gave the other knife: right for the release, all wrong for one who clicked."""
    truths = two_knives()
    assert scan_overlap(truths, truths[::-1]) == (1, 1)
    assert (instance_overlaps(truths, truths[::-1]) == 0).all()
    assert instance_overlaps(truths, truths[[0, 0]]).tolist() == [[1, 1], [0, 0]]


def test_merged_objects_are_smoothed_as_released():
    truths = two_knives()
    iou, dice = scan_overlap(truths, truths[:1])
    assert iou == (20 + RELEASE_SMOOTH) / (40 + RELEASE_SMOOTH) != 0.5
    assert dice == (40 + RELEASE_SMOOTH) / (60 + RELEASE_SMOOTH)
    assert scan_overlap(truths[:0], truths[:0]) == (1, 1)
    assert 0 < scan_overlap(truths[:0], truths)[0] < 1e-6  # not 0, as released
    assert instance_overlaps(truths[:0], truths[:0]).shape == (0, 2)


def test_stacks_that_do_not_fit_are_refused():
    truths = two_knives()
    with pytest.raises(ShapeError, match="a mask for each object"):
        instance_overlaps(truths, truths[:1])
    with pytest.raises(ShapeError, match="N, H, W"):
        scan_overlap(truths[0], truths)
    with pytest.raises(ValueError, match="whole numbers"):
        scan_overlap(truths, truths / 2)


@given(st.integers(0, 999))
def test_mean_of_counts_is_the_mean_of_the_repeated_scans(seed):
    rng = np.random.default_rng(seed)
    ious, scan = rng.random(12), rng.integers(0, 5, 12)
    counts = rng.integers(0, 3, (8, 6))  # the last scan has no object
    for found, count in zip(miou_of_counts(ious, scan)(counts), counts, strict=True):
        drawn = np.concatenate([ious[scan == row] for row in np.repeat(np.arange(6), count)] or [[]])
        assert found == pytest.approx(drawn.mean() if len(drawn) else np.nan, nan_ok=True)


def test_objects_of_one_scan_are_no_witnesses_of_their_own(rng):
    """Forty alike objects in each of eight scans: the interval is that of eight, not of 320."""
    scan = np.repeat([f"bag {n}" for n in range(8)], 40)
    gain = np.repeat(rng.normal(0.02, 0.1, 8), 40)
    weak = rng.uniform(0.4, 0.6, 320)
    found = paired_miou(weak, weak + gain, scan, rng=rng)
    alone = paired_miou(weak, weak + gain, np.arange(320), rng=rng)
    one_each = paired_miou(weak[::40], (weak + gain)[::40], scan[::40], rng=rng)
    assert found.difference == pytest.approx(gain.mean())
    assert found.high - found.low > 4 * (alone.high - alone.low)
    assert found.high - found.low == pytest.approx(one_each.high - one_each.low, rel=0.1)


def test_one_object_a_scan_agrees_with_scipy(rng):
    stats = pytest.importorskip("scipy.stats")
    weak, strong = rng.random((2, 60))
    found = paired_miou(weak, strong, np.arange(60), rng=rng, resamples=2000)
    expected = stats.bootstrap((strong - weak,), np.mean, method="percentile", rng=rng).confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.015)


def test_seeds_are_paired_and_order_of_objects_is_none(rng):
    firsts, scan = rng.random((3, 30)), np.arange(30) // 3
    seconds = firsts + np.array([[0.1], [0.2], [0.3]])
    found = paired_miou(firsts, seconds, scan, rng=np.random.default_rng(1), draw_seeds=False)
    assert (found.low, found.high) == pytest.approx((0.2, 0.2))
    assert found.seeds == 3
    order = rng.permutation(30)
    moved = paired_miou(
        firsts[:, order], seconds[:, order], scan[order], rng=np.random.default_rng(1), draw_seeds=False
    )
    assert moved.difference == pytest.approx(found.difference)


def test_equal_models_do_not_differ(rng):
    ious = rng.random(20)
    found = paired_miou(ious, ious, np.arange(20) // 2, rng=rng)
    assert (found.difference, found.low, found.high, found.below_zero) == (0, 0, 0, 0.5)
    assert not found.clear


@pytest.mark.parametrize(
    ("first", "second", "scan", "message"),
    [
        ([0.5], [0.5, 0.6], [0], "of both models"),
        ([0.5, 0.6], [0.5, 0.6], [0], "of both models"),
        ([], [], [], "N at least 1"),
        ([0.5], [np.nan], [0], "finite"),
    ],
)
def test_ious_that_do_not_fit_are_refused(rng, first, second, scan, message):
    with pytest.raises(ValueError, match=message):
        paired_miou(first, second, scan, rng=rng)
