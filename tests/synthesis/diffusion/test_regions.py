"""Regions obey their rule, whatever the masks; proposals find what lies in a bag."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from beltline.core import ShapeError, box_iou
from beltline.synthesis.diffusion.proposals import depth_masks, distinct, everything
from beltline.synthesis.diffusion.regions import RULES, RegionRule, free_regions, propose, region_of

RULE = RegionRule(4, 40, picture_px=144)
SHAPE = (12, 12)


def bag() -> np.ndarray:
    """A bag with a block, a bottle on its right, and a bright hole between."""
    picture = np.full((300, 400, 3), 255, np.uint8)
    picture[40:260, 40:360] = (250, 210, 160)
    picture[80:140, 80:160] = (60, 80, 160)
    cv2.circle(picture, (280, 180), 30, (220, 130, 40), -1)
    return picture


@given(
    masks=st.lists(hnp.arrays(np.bool_, SHAPE), max_size=8),
    box=st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(6, 12), st.integers(6, 12)),
)
def test_regions_obey_the_rule_and_the_two_largest_masks_are_none(masks, box) -> None:
    found = free_regions(masks, SHAPE, [box], RULE)
    areas = sorted((int(mask.sum()) for mask in masks if mask.any()), reverse=True)
    assert len(found) <= max(len(areas) - 2, 0)
    assert [region.area_px for region in found] == sorted((region.area_px for region in found), reverse=True)
    for region in found:
        assert 4 <= region.area_px <= 40
        assert region.area_px <= areas[1]
        assert box_iou([region.box], [box])[0, 0] < 0.2


@given(mask=hnp.arrays(np.bool_, SHAPE).filter(np.any))
def test_a_region_and_its_whole_mask_are_the_same(mask) -> None:
    assert (region_of(mask).whole(SHAPE) == mask).all()


def test_areas_are_scaled_to_the_picture() -> None:
    assert RULES["pidray"].areas((448, 480)) == (500, 30_000)
    assert RULES["opixray"].areas((1908, 1225)) == (2_100, 120_000)


def test_what_lies_in_a_bag_is_proposed_after_air_and_bag() -> None:
    masks = depth_masks(bag())
    assert masks[0][5, 5]
    assert masks[1][45:255, 45:355].all()
    regions = propose(bag(), depth_masks, rule=RULES["pidray"])
    boxes = np.array([region.box for region in regions])
    for truth in ([80, 80, 160, 140], [250, 150, 311, 211]):
        assert box_iou([truth], boxes).max() > 0.85  # blurred, so a little larger
    assert box_iou([[40, 40, 360, 260]], boxes).max() < 0.5


def test_a_known_object_is_no_region() -> None:
    regions = propose(bag(), depth_masks, [(80, 80, 160, 140)])
    assert len(regions) > 0
    assert max(box_iou([(80, 80, 160, 140)], [region.box])[0, 0] for region in regions) < 0.2


def test_an_empty_belt_has_no_regions() -> None:
    assert propose(np.full((60, 80, 3), 255, np.uint8), depth_masks) == ()


def test_everything_is_asked_for_once_over_what_is_not_air() -> None:
    picture, asked = bag(), []

    def flooded(pixels, box, points):
        ((x, y, label),) = points.astype(int)
        asked.append((x, y))
        assert box is None
        assert label == 1
        return (pixels == pixels[y, x]).all(2)

    masks = everything(flooded, picture, grid=12)
    assert all((picture[y, x] != 255).any() for x, y in asked)
    boxes = [region.box for region in free_regions(masks, picture.shape[:2])]
    assert (80, 80, 160, 140) in boxes
    assert len(masks) == 4  # air, bag, block, bottle; the sheet is nearly the bag
    with pytest.raises(ValueError, match="grid"):
        everything(flooded, picture, grid=0)


@given(masks=st.lists(hnp.arrays(np.bool_, SHAPE), max_size=6))
def test_distinct_masks_are_distinct_and_stand_for_all(masks) -> None:
    kept = distinct(masks)

    def iou(a, b) -> float:
        return (a & b).sum() / (a | b).sum()

    assert all(iou(a, b) < 0.8 for i, a in enumerate(kept) for b in kept[:i])
    assert all(any(iou(mask, a) >= 0.8 for a in kept) for mask in masks if mask.any())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ShapeError, match="masks"):
        free_regions([np.ones((3, 3), bool)], SHAPE)
    with pytest.raises(ValueError, match="areas"):
        RegionRule(50, 5, picture_px=100)
    with pytest.raises(ValueError, match="most_iou"):
        RegionRule(5, 50, picture_px=100, most_iou=0)
    with pytest.raises(ValueError, match="8 bits"):
        depth_masks(np.ones((9, 9, 3)))
