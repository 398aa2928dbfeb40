"""Polygons of a mask: few points, an honest price, holes and parts kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from beltline.core.polygons import drawn_polygons, polygons_of

Y, X = np.mgrid[:120, :200]
DISC = np.hypot(X - 100, Y - 60) < 50
RING = DISC & (np.hypot(X - 100, Y - 60) > 20)
SLANTED = (np.abs(Y - 0.5 * X) < 3) & (X > 10) & (X < 190)


@pytest.mark.parametrize(("mask", "least"), [(DISC, 0.998), (RING, 0.995), (SLANTED, 0.93), (X >= 0, 1.0)])
def test_two_hundred_points_are_enough(mask, least):
    found = polygons_of(mask)
    assert found.points <= 200
    assert found.iou >= least
    assert found.left_out == 0


def test_the_price_is_that_of_the_polygons_drawn_by_others():
    found = polygons_of(DISC, 12)
    drawn = drawn_polygons(found.polygons, DISC.shape)
    assert found.points <= 12
    assert found.iou == pytest.approx((drawn & DISC).sum() / (drawn | DISC).sum())
    assert 0.8 < found.iou < polygons_of(DISC).iou


def test_a_hole_is_a_ring_of_its_polygon_and_a_part_is_a_polygon():
    two = RING | ((X > 170) & (Y < 30))
    found = polygons_of(two)
    assert sorted(len(polygon) for polygon in found.polygons) == [1, 2]
    assert found.iou > 0.99
    corner = next(polygon for polygon in found.polygons if len(polygon) == 1)
    xs, ys = np.array(corner[0]).T
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (171, 200, 0, 30)  # pixel edges


def test_what_is_too_small_is_said():
    speckled = DISC.copy()
    speckled[::4, :40:4] = True
    found = polygons_of(speckled)
    assert found.left_out > 0
    assert found.points <= 200
    assert 0.8 < found.iou < 1


def test_nothing_has_no_polygon():
    found = polygons_of(np.zeros((5, 6), bool))
    assert (found.polygons, found.points, found.iou) == ((), 0, 1.0)
    with pytest.raises(ValueError, match="at least 4 points, got 3"):
        polygons_of(DISC, 3)


@given(arrays(bool, (9, 11)), st.integers(4, 40))
def test_never_more_points_than_allowed(mask, most):
    found = polygons_of(mask, most)
    assert found.points <= most
    assert 0 <= found.iou <= 1
    for polygon in found.polygons:
        for ring in polygon:
            assert all(0 <= x <= 11 and 0 <= y <= 9 for x, y in ring)
