import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.screening import Letterbox, point_and_box
from beltline.screening.localize import activation

BOX = Letterbox((1000, 700), (100.0, 50.0), (800.0, 600.0), (0, 8), (448, 336), (448, 352))


@given(row=st.integers(2, 18), column=st.integers(1, 26))
def test_a_hot_cell_is_found_where_it_is(row: int, column: int) -> None:
    cam = np.zeros((22, 28), np.float32)
    cam[row, column] = 5
    (x, y), (x1, y1, x2, y2) = point_and_box(cam, BOX, box_threshold=0.4)
    expected_x, expected_y = BOX.to_scan(np.array([[(column + 0.5) * 16, (row + 0.5) * 16]]))[0]
    half = 8 * 800 / 448
    assert abs(x - expected_x) <= half
    assert abs(y - expected_y) <= half
    assert x1 <= x <= x2
    assert y1 <= y <= y2
    assert x2 - x1 <= 4 * half
    assert y2 - y1 <= 4 * half


def test_box_holds_only_the_component_of_the_point() -> None:
    cam = np.zeros((22, 28), np.float32)
    cam[4:7, 4:9] = 4
    cam[5, 5] = 5
    cam[15:18, 20:24] = 4.5  # another thing, elsewhere
    _, (x1, y1, x2, y2) = point_and_box(cam, BOX, box_threshold=0.4)
    assert x2 < 500
    assert y2 < 300
    assert x2 - x1 > 3 * 16 * 800 / 448
    assert y2 - y1 > 2 * 16 * 800 / 448


def test_a_higher_threshold_gives_a_smaller_box() -> None:
    y, x = np.mgrid[:22, :28]
    cam = -((x - 14.0) ** 2 + (y - 11.0) ** 2).astype(np.float32)
    areas = []
    for threshold in (0.2, 0.5, 0.8):
        _, (x1, y1, x2, y2) = point_and_box(cam, BOX, box_threshold=threshold)
        areas.append((x2 - x1) * (y2 - y1))
    assert areas[0] > areas[1] > areas[2] > 0


@pytest.mark.parametrize("level", [-3.0, 0.0, 7.0])
def test_flat_map_still_gives_a_point_and_a_box_inside(level: float) -> None:
    (x, y), (x1, y1, x2, y2) = point_and_box(np.full((1, 1), level, np.float32), BOX, box_threshold=0.5)
    assert 100 <= x1 <= x <= x2 <= 900
    assert 50 <= y1 <= y <= y2 <= 650


def test_activation_is_zero_at_the_median_and_one_at_the_top() -> None:
    field = np.array([[-4, -4, -4], [-4, 2, -1]], np.float32)
    scaled = activation(field)
    assert scaled.max() == 1
    assert scaled[0, 0] == 0
    assert scaled[1, 2] == pytest.approx(0.5)
