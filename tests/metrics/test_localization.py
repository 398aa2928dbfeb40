"""Pointing game, boxes of maps and IoU by hand and against torchvision's definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import box_iou
from beltline.metrics import (
    best_iou,
    box_from_cam,
    corloc,
    peak_over_stages,
    peak_point,
    peak_points,
    peaks_over_stages,
    pointing_accuracy,
    pointing_hit,
    pointing_share,
)

BOX = [[10, 20, 30, 40]]


def test_peak_is_the_centre_of_its_cell():
    cam = np.zeros((4, 5))
    cam[1, 3] = 1
    assert peak_point(cam, (80, 100)) == (70, 30)
    assert peak_point(cam, (4, 5)) == (3.5, 1.5)


def test_equal_peaks_all_count():
    """A measure that took the first one would answer otherwise for the picture turned round."""
    cam = np.array([[3.0, 0, 0], [0, 0, 3]])
    box = [[0, 0, 10, 10]]  # of the first peak
    for turned, own in ((cam, box), (cam[::-1, ::-1], [[20, 10, 30, 20]])):
        peaks = peak_points(turned, (20, 30))
        assert sorted(map(tuple, peaks.tolist())) == [(5, 5), (25, 15)]
        assert pointing_share(peaks, own) == 0.5
    assert peak_point(np.ones((2, 2)), (20, 20)) == (5, 5)  # one point, where one is asked for: the first
    assert len(peaks_over_stages([np.ones((2, 2)), np.ones((1, 1))], (20, 20))) == 5


def test_peak_scales_each_axis_on_its_own():
    cam = np.zeros((2, 2))
    cam[1, 0] = 1
    assert peak_point(cam, (100, 8)) == (2, 75)


def test_the_highest_pixel_of_all_stages_counts():
    fine, coarse = np.zeros((4, 4)), np.zeros((2, 2))
    fine[0, 3], coarse[1, 0] = 4.0, 5.0
    assert peak_over_stages([fine, coarse], (16, 32)) == (8, 12)  # the centre of the coarse cell
    assert peak_over_stages([fine, coarse - 2], (16, 32)) == (28, 2)
    assert peak_over_stages([fine], (16, 32)) == peak_point(fine, (16, 32))
    assert peak_over_stages([coarse - 9, fine - 9], (16, 32)) == (8, 12)  # logits may all be negative


def test_maps_of_one_range_vote():
    """The strong coarse map decides on the raw scale; scaled, two stages outvote it."""
    one, two, loud = (np.zeros((4, 4)) for _ in range(3))
    one[0, 3], two[0, 3], loud[3, 0] = 1.0, 2.0, 50.0
    assert peak_over_stages([one, two, loud], (4, 4)) == (0.5, 3.5)
    assert peak_over_stages([one, two, loud], (4, 4), scale="minmax") == (3.5, 0.5)


def test_a_flat_map_has_no_vote():
    cam = np.zeros((4, 4))
    cam[2, 1] = 1e-3
    assert peak_over_stages([np.full((2, 2), 7.0), cam], (4, 4), scale="minmax") == (1.5, 2.5)


def test_scaled_maps_meet_at_image_size():
    # fine: 1 at x = 1, 0.9 at x = 6; coarse, half-pixel bilinear to 8: 0 at x = 1, 1 at x = 6
    fine = np.zeros((1, 8))
    fine[0, 1], fine[0, 6] = 10.0, 9.0
    coarse = np.array([[-3.0, 1.0]])
    assert peak_over_stages([fine, coarse], (8, 8), scale="minmax")[0] == 6.5


@given(st.integers(0, 999))
def test_raw_peak_is_that_of_the_interpolated_maps(seed):
    """PyTorch's bilinear interpolation to image size, then the argmax over pixels and stages."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    # cells of 3 and 9 pixels have a pixel at their centre; either map may be the higher one
    maps = [
        rng.permutation(n * n).reshape(n, n) + shift for n, shift in ((9, 0.5), (3, rng.choice([71.0, 73])))
    ]
    whole = [
        torch.nn.functional.interpolate(torch.tensor(cam)[None, None], (27, 27), mode="bilinear")[0, 0]
        for cam in maps
    ]
    highest = torch.stack(whole).amax(0)
    x, y = peak_over_stages(maps, (27, 27))
    assert highest[int(y), int(x)].item() == pytest.approx(highest.max().item())


@given(st.integers(0, 999), st.floats(0.1, 10), st.floats(-5, 5))
def test_scaled_peak_does_not_depend_on_each_maps_range(seed, gain, offset):
    rng = np.random.default_rng(seed)
    maps = [rng.permutation(n * n).reshape(n, n).astype(float) for n in (6, 3)]
    moved = [maps[0] * round(gain + 1), maps[1] + round(offset)]
    assert peak_over_stages(maps, (30, 30), scale="minmax") == pytest.approx(
        peak_over_stages(moved, (30, 30), scale="minmax")
    )


@pytest.mark.parametrize(
    ("maps", "scale", "message"),
    [
        ([], "raw", "finite"),
        ([np.zeros(3)], "raw", r"\(3,\)"),
        ([np.full((2, 2), np.nan)], "raw", "finite"),
        ([np.zeros((2, 2))], "softmax", "'raw', 'minmax'"),
    ],
)
def test_stages_without_a_peak_are_refused(maps, scale, message):
    with pytest.raises(ValueError, match=message):
        peak_over_stages(maps, (8, 8), scale=scale)


@pytest.mark.parametrize(
    ("point", "margin", "hit"),
    [
        ((20, 30), 0, True),
        ((10, 20), 0, True),
        ((9.9, 30), 0, False),
        ((5, 30), 5, True),
        ((4.9, 30), 5, False),
        ((7, 16), 5, True),  # a corner is missed by 3 and 4: 5 pixels
        ((7, 16), 4.9, False),
        ((33, 44), 5, True),
        ((45, 40), 15, True),
        ((46, 40), 15, False),
    ],
)
def test_pointing_by_hand(point, margin, hit):
    assert pointing_hit(point, BOX, margin=margin) is hit


def test_any_box_will_do_and_none_is_a_miss():
    assert pointing_hit((55, 55), [[0, 0, 1, 1], [50, 50, 60, 60]])
    assert not pointing_hit((55, 55), np.zeros((0, 4)), margin=1000)


def test_pointing_accuracy_is_hits_over_trials_then_the_mean_of_the_classes():
    mean, each = pointing_accuracy([True, False, True, True], [0, 0, 0, 2], 3)
    assert each[[0, 2]] == pytest.approx([2 / 3, 1])
    assert np.isnan(each[1])
    assert mean == pytest.approx((2 / 3 + 1) / 2)
    mean, each = pointing_accuracy([], [], 2)
    assert np.isnan(mean)
    assert np.isnan(each).all()


def test_box_is_the_component_of_the_peak():
    cam = np.zeros((6, 8))
    cam[1:3, 1:4] = 0.9
    cam[1, 1] = 1.0
    cam[4:6, 6:8] = 0.95  # another blob, not connected
    assert box_from_cam(cam, (60, 80)) == (10, 10, 40, 30)


def test_diagonal_neighbours_belong_together():
    cam = np.zeros((5, 5))
    cam[1, 1], cam[2, 2], cam[4, 4] = 1, 0.8, 0.8
    assert box_from_cam(cam, (5, 5)) == (1, 1, 3, 3)


def test_relative_threshold_counts_from_the_median():
    cam = np.full((5, 5), 10.0)  # the bag's background is at 10, not at 0
    cam[2, 1:4] = [13, 20, 16]
    assert box_from_cam(cam, (5, 5), threshold=0.5) == (2, 2, 4, 3)
    assert box_from_cam(cam, (5, 5), threshold=0.3) == (1, 2, 4, 3)
    assert box_from_cam(cam, (5, 5), threshold=12.0, relative=False) == (1, 2, 4, 3)


def test_the_peak_alone_below_an_absolute_threshold():
    cam = np.zeros((4, 4))
    cam[3, 0] = 0.2
    assert box_from_cam(cam, (8, 8), threshold=0.9, relative=False) == (0, 6, 2, 8)


def test_a_flat_map_gives_the_whole_image():
    assert box_from_cam(np.zeros((3, 4)), (30, 40)) == (0, 0, 40, 30)


@given(st.integers(0, 999), st.floats(0.05, 0.95), st.floats(0.1, 10), st.floats(-5, 5))
def test_box_holds_the_peak_whatever_the_scale_of_the_map(seed, threshold, gain, offset):
    cam = np.random.default_rng(seed).integers(0, 9, (7, 9)).astype(float)
    size = (70, 90)
    box = box_from_cam(cam, size, threshold=threshold)
    assert pointing_hit(peak_point(cam, size), [box])
    moved = cam + np.round(offset)  # whole numbers, so that the comparison is exact
    assert box_from_cam(moved, size, threshold=threshold) == pytest.approx(box)
    assert box_from_cam(cam * 2.0, size, threshold=threshold) == pytest.approx(box)


@given(st.integers(0, 999))
def test_best_iou_is_the_best_of_the_matrix(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 50, (6, 2))
    boxes = np.hstack([corner, corner + rng.uniform(1, 50, (6, 2))])
    expected = box_iou(boxes[:1], boxes[1:]).max()
    assert best_iou(boxes[0], boxes[1:]) == pytest.approx(expected, abs=1e-5)


def test_iou_by_hand():
    assert best_iou([0, 0, 2, 2], [[1, 1, 3, 3]]) == pytest.approx(1 / 7)
    assert best_iou([0, 0, 2, 2], [[5, 5, 6, 6], [0, 0, 2, 2]]) == 1
    assert best_iou([0, 0, 2, 2], []) == 0
    assert best_iou([1, 1, 1, 1], [[1, 1, 1, 1]]) == 0


def test_corloc_counts_the_boundary_and_nothing_is_nan():
    assert corloc([0.5, 0.49, 0.9, 0.0]) == 0.5
    assert corloc([0.5, 0.49], threshold=0.4) == 1
    assert np.isnan(corloc([]))
