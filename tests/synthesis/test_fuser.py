"""Fusion methods without training: identities and what they lose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.synthesis.fuser import UNTRAINED, copy_paste, poisson, product


def scene(seed: int = 0):
    rng = np.random.default_rng(seed)
    bag = rng.integers(60, 255, (40, 50, 3)).astype(np.uint8)
    mask = np.zeros((40, 50), np.float32)
    mask[10:30, 5:25] = 1
    item = np.where(mask[..., None] > 0, rng.integers(20, 200, (40, 50, 3)), 255).astype(np.uint8)
    return bag, item, mask


@pytest.mark.parametrize("name", sorted(UNTRAINED))
@given(seed=st.integers(0, 99))
def test_outside_the_mask_the_bag_is_untouched(name, seed):
    bag, item, mask = scene(seed)
    fused = UNTRAINED[name](bag, item, mask)
    np.testing.assert_array_equal(fused[mask == 0], bag[mask == 0])
    assert fused.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(UNTRAINED))
def test_an_empty_mask_gives_the_bag(name):
    bag, item, mask = scene()
    np.testing.assert_array_equal(UNTRAINED[name](bag, item, np.zeros_like(mask)), bag)


def test_product_knows_white_as_nothing_and_does_not_care_for_order():
    bag, item, mask = scene()
    everywhere = np.ones_like(mask)
    np.testing.assert_array_equal(product(bag, np.full_like(bag, 255), everywhere), bag)
    np.testing.assert_array_equal(product(bag, item, everywhere), product(item, bag, everywhere))
    assert (product(bag, item, mask) <= bag).all()


def test_copy_paste_shows_the_item_and_hides_the_bag():
    bag, item, mask = scene()
    np.testing.assert_array_equal(copy_paste(bag, item, mask)[mask == 1], item[mask == 1])


def test_poisson_keeps_the_steps_of_the_item_against_the_white_around_it():
    bag = np.full((60, 60, 3), 200, np.uint8)
    mask = np.zeros((60, 60), np.float32)
    mask[20:40, 15:45] = 1
    item = np.full_like(bag, 255)
    item[20:40, 15:45] = 120
    item[28:32, 20:40] = 60
    fused = poisson(bag, item, mask).astype(int)
    # the bag's 200 less the step from white to item, and the step inside
    assert fused[24, 30, 0] == pytest.approx(200 - (255 - 120), abs=5)
    assert fused[24, 30, 0] - fused[30, 30, 0] == pytest.approx(60, abs=5)
    # a mask that touches the border of the picture is no error, and nothing moves
    edge = np.zeros_like(mask)
    edge[:20, :30] = 1
    assert poisson(bag, item, edge).shape == bag.shape


def test_wrong_shapes_are_named():
    bag, item, mask = scene()
    with pytest.raises(ShapeError, match=r"\(40, 50\)"):
        product(bag, item[:-1], mask)
