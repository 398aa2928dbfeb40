"""What was added to a bag: found through noise and on any air, nothing where nothing was added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.metrics import best_iou
from beltline.synthesis.diffusion.extent import added_depth, change_outside, extent_of_difference


def clutter(rng, size=96):
    """Smooth transmissions (2, H, W) between air and dense cloth."""
    coarse = rng.uniform(0.3, 1.0, (2, size // 12, size // 12))
    return np.kron(coarse, np.ones((12, 12))).astype(np.float32)


def with_item(bag, box, depth=0.4):
    x1, y1, x2, y2 = box
    full = bag.copy()
    full[:, y1:y2, x1:x2] *= np.float32(np.exp(-depth))
    return full


@given(
    x=st.integers(4, 50),
    y=st.integers(4, 50),
    w=st.integers(10, 40),
    h=st.integers(10, 40),
    seed=st.integers(0, 99),
)
def test_an_item_in_noise_is_found_to_a_pixel(x, y, w, h, seed):
    rng = np.random.default_rng(seed)
    bag = clutter(rng)
    noisy = [scan + rng.normal(0, 0.01, scan.shape) for scan in (bag, with_item(bag, (x, y, x + w, y + h)))]
    found = extent_of_difference(*noisy)
    assert np.abs(found.box - (x, y, x + w, y + h)).max() <= 2  # noise that touches it counts as item
    assert found.mask[y : y + h, x : x + w].mean() > 0.99


def test_the_depth_that_was_added_is_exact_without_noise(rng):
    bag = clutter(rng)
    depth = added_depth(bag, with_item(bag, (10, 20, 40, 30)))
    np.testing.assert_allclose(depth[20:30, 10:40], 0.4, rtol=1e-4)
    assert np.abs(depth[40:]).max() < 1e-6


def test_a_picture_tells_the_same_whatever_the_air_is(rng):
    bag = clutter(rng).mean(0)
    full = with_item(bag[None], (10, 20, 40, 30))[0]
    extents = [
        extent_of_difference(
            *(np.repeat((air * scan)[..., None], 3, 2).astype(np.uint8) for scan in (bag, full))
        )
        for air in (255, 220)
    ]
    assert all(best_iou(extent.box, [10, 20, 40, 30]) > 0.8 for extent in extents)
    assert np.abs(extents[0].box - extents[1].box).max() <= 1


def test_noise_alone_and_an_item_taken_away_are_no_extent(rng):
    bag = clutter(rng)
    again = bag + rng.normal(0, 0.01, bag.shape).astype(np.float32)
    for after in (bag, again):
        found = extent_of_difference(bag, after)
        assert not found.found
        assert np.isnan(found.box).all()
    assert not extent_of_difference(with_item(bag, (10, 20, 40, 30)), bag).found


def test_the_largest_region_is_the_item(rng):
    bag = clutter(rng)
    full = with_item(with_item(bag, (10, 20, 40, 40)), (70, 70, 76, 76))
    assert extent_of_difference(bag, full, smoothing_px=0).box.tolist() == [10, 20, 40, 40]


def test_what_opaque_metal_hides_has_no_extent():
    steel = np.full((2, 64, 64), 0.01, np.float32)
    assert not extent_of_difference(steel, with_item(steel, (10, 10, 40, 40))).found


def test_only_what_lies_outside_of_the_window_counts(rng):
    bag = clutter(rng)
    inside = with_item(bag, (10, 20, 40, 30))
    assert change_outside(bag, inside, (10, 20, 40, 30)) == 0
    assert change_outside(bag, inside, (9.6, 19.2, 40.4, 30.9)) == 0
    assert change_outside(bag, inside, (11, 20, 40, 30)) > 0
    assert change_outside(bag, bag + np.float32(0.25), (0, 0, 50, 50)) == pytest.approx(0.25)
    assert np.isnan(change_outside(bag, inside, (-5, -5, 200, 200)))


def test_what_does_not_fit_is_refused(rng):
    bag = clutter(rng)
    with pytest.raises(ShapeError, match="must be alike"):
        extent_of_difference(bag, bag[:, :-1])
    with pytest.raises(ShapeError, match="must be alike"):
        change_outside(bag, np.zeros((2, 96, 96), np.uint8), (0, 0, 1, 1))
    with pytest.raises(ShapeError, match=r"uint8 \(3, 96, 96\)"):
        added_depth(np.zeros((3, 96, 96), np.uint8), np.zeros((3, 96, 96), np.uint8))
    with pytest.raises(ValueError, match="threshold > 0"):
        extent_of_difference(bag, bag, 0)
