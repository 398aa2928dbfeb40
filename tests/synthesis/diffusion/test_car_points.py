"""Clicks read off a heat map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from beltline.core import ShapeError
from beltline.synthesis.diffusion.car_points import median_points, point_beside, top_points

SHAPE = (7, 9)
heats = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 255, width=16))
masks = hnp.arrays(np.bool_, SHAPE)


@given(heat=heats, mask=masks, depth=st.integers(1, 4))
def test_median_points_lie_in_the_mask_and_are_no_more_than_the_splits_give(heat, mask, depth) -> None:
    points = median_points(heat, mask, depth)
    x, y, label = points.T.astype(int)
    assert mask[y, x].all()
    assert (label == 1).all()
    assert len(points) <= 2**depth - 1
    assert len(points) == min(2**depth - 1, mask.sum()) or mask.sum() < 2 ** (depth + 1)
    assert len({*zip(x, y, strict=True)}) == len(points)


@given(heat=heats, mask=masks, depth=st.integers(2, 4))
def test_a_deeper_split_keeps_the_points_of_the_one_before(heat, mask, depth) -> None:
    before, points = median_points(heat, mask, depth - 1), median_points(heat, mask, depth)
    assert (points[: len(before)] == before).all()


@given(heat=heats, mask=masks.filter(np.any))
def test_the_first_point_is_the_median_and_the_order_of_heat_alone_counts(heat, mask) -> None:
    x, y, _ = median_points(heat, mask, 1)[0].astype(int)
    assert (heat[mask] < heat[y, x]).sum() <= mask.sum() / 2
    assert (heat[mask] > heat[y, x]).sum() <= mask.sum() / 2
    # 2^k is exact, so equal values stay equal
    assert (median_points(heat * 4, mask, 3) == median_points(heat, mask, 3)).all()


def test_the_points_are_spread_over_the_range_where_the_hottest_are_not() -> None:
    heat = np.arange(256, dtype=np.float32).reshape(16, 16)
    mask = np.ones((16, 16), bool)
    values = [heat[y, x] for x, y, _ in median_points(heat, mask, 4).astype(int)]
    assert sorted(values) == list(range(16, 256, 16))  # the sixteenths
    hottest = [heat[y, x] for x, y, _ in top_points(heat, mask).astype(int)]
    assert hottest == list(range(255, 239, -1))


@given(heat=heats, mask=masks, box=masks)
def test_the_negative_point_is_the_coldest_in_the_box_beside_the_mask(heat, mask, box) -> None:
    point = point_beside(heat, mask, box)
    if not (box & ~mask).any():
        assert point.shape == (0, 3)
        return
    ((x, y, label),) = point.astype(int)
    assert label == 0
    assert box[y, x]
    assert not mask[y, x]
    assert heat[y, x] == heat[box & ~mask].min()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="depth"):
        median_points(np.ones(SHAPE), np.ones(SHAPE, bool), 0)
    with pytest.raises(ShapeError, match="one size"):
        top_points(np.ones(SHAPE), np.ones((2, 2), bool))
