"""The window that a threat is painted in: cut, laid back, boxes there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core.square_window import LEAST_SIDE, SquareWindow, window_around

COORDINATE = st.integers(-40, 200)


@given(COORDINATE, COORDINATE, st.integers(2, 150), st.integers(2, 150), st.floats(-1, 1), st.floats(-1, 1))
def test_a_window_holds_its_box(left: int, top: int, w: int, h: int, right: float, down: float) -> None:
    box = (left, top, left + w, top + h)
    window = window_around(box, 256, shift=(right, down))
    assert window.side >= max(LEAST_SIDE, 2 * max(w, h) - 1)
    x1, y1, x2, y2 = window.box_inside(box)
    slack = window.scale + 1e-3  # sides and corners are whole pixels
    assert -slack <= x1 < x2 <= 256 + slack
    assert -slack <= y1 < y2 <= 256 + slack
    np.testing.assert_allclose(window.box_outside(window.box_inside(box)), box, atol=1e-3)


def test_what_is_cut_and_laid_back_is_where_it_was() -> None:
    planes = np.random.default_rng(0).random((2, 60, 80), dtype=np.float32)
    window = SquareWindow(top=20, left=50, side=40, size=40)  # reaches out to the right
    square = window.cut(planes, air=1.0)
    assert (square[:, :, 30:] == 1).all()
    np.testing.assert_array_equal(square[:, :, :30], planes[:, 20:60, 50:80])
    np.testing.assert_array_equal(window.put(planes, square), planes)
    weight = np.zeros((40, 40), np.float32)
    weight[5:10, 5:10] = 1
    changed = np.argwhere(window.put(planes, square * 0, weight) != planes)
    assert changed[:, 1].min() == 25
    assert changed[:, 1].max() == 29
    assert changed[:, 2].min() == 55
    assert changed[:, 2].max() == 59
    assert SquareWindow(top=500, left=0, side=40, size=40).put(planes, square).tolist() == planes.tolist()


def test_a_window_without_a_side_is_refused() -> None:
    with pytest.raises(ValueError, match="side and size must be positive, got 0 and 8"):
        SquareWindow(0, 0, 0, 8)
