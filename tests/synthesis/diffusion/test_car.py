"""The refined box on a toy scene whose object is known: better than the layout, honest where it is not."""

import numpy as np
import pytest
from tests.synthesis.diffusion.painted import Painted, painted, region_growing

from beltline.core import ShapeError, box_iou
from beltline.synthesis.diffusion.car import CarSettings, Refined, largest_box, refine_box
from beltline.synthesis.diffusion.car_change import refine_by_change
from beltline.synthesis.diffusion.car_heat import heat_map
from beltline.synthesis.diffusion.promptable import Box, Mask, Pixels, Points

OFFSETS = [(0, 0), (1, 0), (0, -1), (1, 1)]


def iou(scene: Painted, box: Box) -> float:
    return float(box_iou([scene.box], [box])[0, 0])


def refined(scene: Painted, settings: CarSettings | None = None) -> Refined:
    return refine_box(scene.attention, scene.picture, scene.layout, region_growing, settings)


@pytest.mark.parametrize("heat", ["segmenter", "negative", "threshold"])
@pytest.mark.parametrize("offset", OFFSETS)
def test_the_refined_box_is_nearer_to_the_object_than_the_layout(heat, offset) -> None:
    scene = painted(offset=offset)
    found = refined(scene, CarSettings(heat=heat))
    assert not found.kept
    assert iou(scene, found.box) > iou(scene, scene.layout) + 0.2


@pytest.mark.parametrize("offset", OFFSETS)
def test_without_a_segmenter_the_change_tells_the_extent_and_attention_which_change(offset) -> None:
    scene = painted(offset=offset)
    picture = scene.picture.copy()
    picture[44:48, 100:104] = 0  # another change in the layout box made larger, that nothing attends to
    found = refine_by_change(scene.attention, picture, scene.background, scene.layout)
    assert iou(scene, found.box) > 0.8
    assert not found.mask[44:48, 100:104].any()


def test_median_splitting_beats_the_hottest_points_where_the_map_has_one_sharp_peak() -> None:
    scene = painted(knife=True)
    spread, hottest = (
        refined(scene, CarSettings(points=points, heat="segmenter")) for points in ("median", "top")
    )
    assert (hottest.points[:16, 0] >= 64).all()  # on the handle, where the peak is
    assert iou(scene, spread.box) > iou(scene, hottest.box) + 0.2


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_points_of_the_last_prompt_lie_in_mask_a_and_the_negative_one_beside_it(depth) -> None:
    scene = painted(offset=(0, 1))
    prompts: list[tuple[Pixels, Box | None, Points, Mask]] = []

    def recording(picture: Pixels, box: Box | None, points: Points) -> Mask:
        mask = region_growing(picture, box, points)
        prompts.append((picture, box, points, mask))
        return mask

    found = refine_box(scene.attention, scene.picture, scene.layout, recording, CarSettings(depth=depth))
    (heat, heat_box, none, mask_a), (picture, box, points, _) = prompts
    assert heat_box == box == scene.layout
    assert len(none) == 0
    assert picture is scene.picture
    assert heat.max() == 255
    assert (heat[..., :1] == heat).all()
    on = points[points[:, 2] == 1, :2].astype(int)
    (beside,) = points[points[:, 2] == 0, :2].astype(int)
    assert len(on) == 2**depth - 1
    assert mask_a[on[:, 1], on[:, 0]].all()
    assert not mask_a[beside[1], beside[0]]
    x1, y1, x2, y2 = scene.layout
    assert x1 <= beside[0] < x2
    assert y1 <= beside[1] < y2
    assert (found.points == points).all()


def test_the_layout_box_is_kept_and_said_so_where_nothing_is_found() -> None:
    scene = painted()
    found = refine_box(
        scene.attention, scene.picture, scene.layout, lambda picture, box, points: np.zeros((128, 128), bool)
    )
    assert found.kept
    assert found.box == scene.layout
    assert not found.mask.any()
    unchanged = refine_by_change(scene.attention, scene.background, scene.background, scene.layout)
    assert unchanged.kept


def test_a_box_far_from_the_layout_is_not_believed_if_so_wished() -> None:
    scene = painted()

    def elsewhere(picture: Pixels, box: Box | None, points: Points) -> Mask:
        mask = np.zeros(picture.shape[:2], bool)
        mask[100:120, 100:120] = True
        return mask

    args = scene.attention, scene.picture, scene.layout, elsewhere
    assert refine_box(*args).box == (100, 100, 120, 120)
    assert refine_box(*args, CarSettings(least_iou=0.3)).kept


def test_an_instance_without_attention_is_cut_out_by_its_box_alone() -> None:
    scene = painted()
    by_box = refined(scene, CarSettings(points="box"))
    blind = refine_box(np.zeros((16, 16)), scene.picture, scene.layout, region_growing)
    assert blind.box == by_box.box
    assert len(blind.points) == len(by_box.points) == 0


def test_the_largest_contour_gives_the_box() -> None:
    mask = np.zeros((50, 60), bool)
    mask[2:6, 50:55] = mask[20:40, 10:30] = True
    assert largest_box(mask) == (10, 20, 30, 40)
    assert largest_box(np.zeros((5, 5), bool)) is None


def test_the_heat_map_does_not_depend_on_the_scale_of_the_attention(rng) -> None:
    attention = rng.random((16, 16)).astype(np.float32)
    heat = heat_map(attention, (64, 96))
    assert heat.shape == (64, 96)
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(255, abs=8)  # the largest cell's middle lies between pixels
    np.testing.assert_allclose(heat_map(attention * 1e-4, (64, 96)), heat, atol=1e-2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"points": "all"}, "points must"), ({"depth": 5}, "depth must"), ({"depth": 0}, "depth must"),
     ({"heat": "none"}, "heat must"), ({"threshold": "mean"}, "threshold must"),
     ({"least_iou": 1.0}, "least_iou")],
)  # fmt: skip
def test_unknown_settings_are_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        CarSettings(**settings)


def test_bad_input_is_refused_with_what_came() -> None:
    scene = painted()
    with pytest.raises(ShapeError, match="attention map"):
        refine_box(scene.attention[None], scene.picture, scene.layout, region_growing)
    with pytest.raises(ValueError, match="finite and at least 0"):
        refine_box(-scene.attention, scene.picture, scene.layout, region_growing)
    with pytest.raises(ValueError, match="holds nothing"):
        refine_box(scene.attention, scene.picture, (200, 200, 220, 220), region_growing)
    with pytest.raises(ValueError, match="8 bits"):
        refine_box(scene.attention, scene.picture / 255, scene.layout, region_growing)
    with pytest.raises(ShapeError, match="mask"):
        refine_box(scene.attention, scene.picture, scene.layout, lambda *prompt: np.ones((2, 2), bool))
    with pytest.raises(ShapeError, match="background"):
        refine_by_change(scene.attention, scene.picture, scene.background[:9], scene.layout)
