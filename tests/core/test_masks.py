import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from beltline.core import Masks, ShapeError

stacks = st.tuples(st.integers(1, 4), st.integers(1, 17), st.integers(1, 13)).flatmap(
    lambda shape: arrays(bool, shape)
)


@given(stacks)
def test_encoding_is_undone_by_decoding(stack):
    assert np.array_equal(Masks.encode(stack).decode(), stack)


@given(stacks)
def test_the_bytes_are_those_of_pycocotools(stack):
    theirs = [coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"] for mask in stack]
    assert list(Masks.encode(stack).counts) == theirs


@given(stacks)
def test_json_and_back(stack):
    masks = Masks.encode(stack)
    again = Masks.from_coco(json.loads(json.dumps(masks.to_coco())), masks.size)
    assert again.counts == masks.counts


@given(stacks)
def test_areas_and_boxes_are_counted_pixels(stack):
    masks = Masks.encode(stack)
    assert masks.areas().tolist() == stack.sum((1, 2)).tolist()
    for mask, (left, top, right, bottom) in zip(stack, masks.boxes(), strict=True):
        if not mask.any():
            assert (left, top, right, bottom) == (0, 0, 0, 0)
            continue
        rows, columns = np.nonzero(mask)
        expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert (left, top, right, bottom) == expected


@given(stacks)
def test_iou_is_the_counted_one(stack):
    iou = Masks.encode(stack).iou(Masks.encode(stack))
    both = (stack[:, None] & stack[None]).sum((2, 3))
    either = (stack[:, None] | stack[None]).sum((2, 3))
    assert iou == pytest.approx(np.divide(both, either, out=np.zeros(both.shape), where=either > 0))


def test_masks_may_overlap():
    stack = np.ones((2, 3, 4), bool)
    assert Masks.encode(stack).decode().sum(0).max() == 2


def test_uncompressed_runs_of_other_tools_are_read():
    masks = Masks.from_coco([{"size": [2, 3], "counts": [1, 2, 3]}], (2, 3))
    assert masks[0].ravel(order="F").tolist() == [False, True, True, False, False, False]


def test_no_masks():
    empty = Masks.encode(np.zeros((0, 4, 5), bool))
    assert empty.decode().shape == (0, 4, 5)
    assert empty.boxes().shape == (0, 4)
    assert len(empty) == 0


def test_selecting_and_iterating():
    stack = np.eye(3, dtype=bool)[:, None, :]
    masks = Masks.encode(stack)
    assert np.array_equal(np.stack(list(masks)), stack)
    assert np.array_equal(masks.take([2, 0]).decode(), stack[[2, 0]])


def test_sizes_must_agree():
    with pytest.raises(ShapeError, match=r"\(N, H, W\)"):
        Masks.encode(np.ones((3, 4), bool))
    with pytest.raises(ShapeError, match="size"):
        Masks.from_coco([{"size": [2, 3], "counts": "06"}], (3, 2))
    with pytest.raises(ShapeError, match="against"):
        Masks.encode(np.ones((1, 3, 4))).iou(Masks.encode(np.ones((1, 4, 3))))
