"""Drawn bags: splits that share nothing, labels that follow the recipe, replay bit for bit, two views."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from beltline.simulate.bags import BagRecipe, draw_scene, split_of
from beltline.simulate.generate import (
    PREVIEW_RECIPE,
    PREVIEW_SCANNER,
    photograph_scene,
    preview,
    simulate_bag,
)
from beltline.simulate.scanner import scan_scene
from beltline.simulate.scene import Scene


def test_splits_share_no_item() -> None:
    seen = {}
    for split in ("train", "val", "test"):
        scenes = [draw_scene(s, replace(PREVIEW_RECIPE, split=split)) for s in range(4)]
        seen[split] = {(p.kind, p.seed) for scene in scenes for p in scene.placed}
        assert all(split_of(seed) == split for _, seed in seen[split])
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["val"]


def test_positive_bags_hold_what_was_asked_for_and_negative_ones_do_not() -> None:
    classes = ("gun", "knife")
    for seed in range(6):
        positive = simulate_bag(
            seed, recipe=replace(PREVIEW_RECIPE, positives=1.0, classes=classes), scanner=PREVIEW_SCANNER
        )
        assert {s.label for s in positive.views[0].seen if s.threat} & set(classes)
        negative = simulate_bag(
            seed, recipe=replace(PREVIEW_RECIPE, positives=0.0, classes=classes), scanner=PREVIEW_SCANNER
        )
        assert not {s.label for s in negative.views[0].seen} & set(classes)


def test_a_scene_replays_bit_for_bit_from_json() -> None:
    bag = preview(5)
    again = photograph_scene(
        Scene.from_json(json.loads(json.dumps(bag.scene.to_json()))), scanner=PREVIEW_SCANNER
    )
    np.testing.assert_array_equal(bag.photographs[0].rgb, again.photographs[0].rgb)
    np.testing.assert_array_equal(bag.views[0].low, again.views[0].low)


def test_another_version_of_the_record_is_refused() -> None:
    with pytest.raises(ValueError, match="schema_version must be 1"):
        Scene.from_json({"schema_version": 99})


def test_order_of_things_does_not_matter() -> None:
    scene = draw_scene(3, PREVIEW_RECIPE)
    turned = Scene(scene.seed, scene.placed[::-1], scene.turn_deg, scene.notes)
    first, second = (scan_scene(s, PREVIEW_SCANNER)[0] for s in (scene, turned))
    np.testing.assert_allclose(first.low, second.low, rtol=2e-4, atol=1e-6)


def test_masks_are_amodal_and_boxes_hold_them() -> None:
    for seen in preview(7).views[0].seen:
        rows, columns = np.nonzero(seen.mask)
        assert seen.box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert 0 < seen.share <= 1
        assert seen.occlusion == pytest.approx(1 - seen.share)


def test_an_object_darkens_where_its_mask_lies() -> None:
    scene = draw_scene(11, replace(PREVIEW_RECIPE, positives=1.0, classes=("gun",)))
    whole = scan_scene(scene, PREVIEW_SCANNER)[0]
    gun = next(s for s in whole.seen if s.label == "gun")
    without = Scene(
        scene.seed,
        tuple(p for i, p in enumerate(scene.placed) if i != gun.object_id),
        scene.turn_deg,
        scene.notes,
    )
    empty = scan_scene(without, PREVIEW_SCANNER)[0]
    assert whole.low.shape == empty.low.shape
    assert (whole.low[gun.mask] < empty.low[gun.mask]).all()
    np.testing.assert_allclose(whole.low[~gun.mask], empty.low[~gun.mask], rtol=0.03)


def test_two_views_name_the_same_objects() -> None:
    bag = simulate_bag(2, recipe=PREVIEW_RECIPE, scanner=replace(PREVIEW_SCANNER, views=2))
    above, side = ({s.object_id: s.label for s in view.seen} for view in bag.views)
    assert len(above) >= 2
    assert all(side[i] == label for i, label in above.items() if i in side)
    assert set(above) & set(side)


def test_recipes_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="classes must be among"):
        BagRecipe(classes=("sword",))
    with pytest.raises(ValueError, match="positives must be"):
        BagRecipe(positives=1.5)
