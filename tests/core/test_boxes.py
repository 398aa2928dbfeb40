import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from beltline.core import (
    ShapeError,
    as_boxes,
    box_area,
    box_iou,
    clip_boxes,
    mask_window,
    overlap,
    xywh_to_xyxy,
    xyxy_to_xywh,
)

corner = st.integers(0, 200)
side = st.integers(1, 100)
xywh_list = st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=6)


@given(xywh_list)
def test_corner_and_size_forms_are_inverse(xywh):
    assert np.array_equal(xyxy_to_xywh(xywh_to_xyxy(xywh)), np.array(xywh, np.float32))


@given(xywh_list, xywh_list)
def test_iou_agrees_with_pycocotools(a, b):
    ours = box_iou(xywh_to_xyxy(a), xywh_to_xyxy(b))
    theirs = coco.iou(np.array(a, float), np.array(b, float), [0] * len(b))
    assert ours == pytest.approx(theirs, abs=1e-5)


@given(xywh_list)
def test_iou_is_symmetric_and_one_with_itself(xywh):
    boxes = xywh_to_xyxy(xywh)
    iou = box_iou(boxes, boxes)
    assert np.array_equal(iou, iou.T)
    assert np.diag(iou) == pytest.approx(1)


def test_empty_boxes_overlap_nothing():
    point = [[3, 3, 3, 3]]
    assert box_iou(point, point).tolist() == [[0]]
    assert box_iou(np.zeros((0, 4)), point).shape == (0, 1)


@given(xywh_list)
def test_clipping_stays_inside_and_never_grows(xywh):
    boxes = xywh_to_xyxy(xywh)
    clipped = clip_boxes(boxes, height=90, width=120)
    assert (clipped[:, [0, 2]] <= 120).all()
    assert (clipped[:, [1, 3]] <= 90).all()
    assert (box_area(clipped) <= box_area(boxes)).all()


def test_sizes_given_as_corners_are_refused():
    with pytest.raises(ValueError, match="xywh_to_xyxy"):
        as_boxes([[50, 60, 10, 20]])


def test_wrong_shape_and_nan_are_refused():
    with pytest.raises(ShapeError, match=r"\(N, 4\)"):
        as_boxes([[1, 2, 3]])
    with pytest.raises(ValueError, match="finite"):
        as_boxes([[0, 0, np.nan, 1]])


@pytest.mark.parametrize("corner", [(0, 0), (-2, 3), (4, -1), (5, 6), (-9, 0), (0, 8)])
def test_a_picture_lies_where_its_pixels_are(corner: tuple[int, int]) -> None:
    whole, part = np.zeros((7, 8), int), np.arange(1, 13).reshape(3, 4)
    met = overlap(whole.shape, part.shape, corner)
    if met is not None:
        whole[met[0]] = part[met[1]]
    for (row, column), value in np.ndenumerate(part):
        at = row + corner[0], column + corner[1]
        if 0 <= at[0] < 7 and 0 <= at[1] < 8:
            assert whole[at] == value
            whole[at] = 0
    assert not whole.any()


def test_the_window_of_a_mask_stays_in_the_picture() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1:3, 4] = True
    assert mask_window(mask) == (slice(1, 3), slice(4, 5))
    assert mask_window(mask, 3) == (slice(0, 5), slice(1, 6))
    with pytest.raises(ValueError, match="empty mask"):
        mask_window(np.zeros((2, 2), bool))
