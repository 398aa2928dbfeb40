"""Pairs with a true composite: the truth is the bag plus the item, measured."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from beltline.simulate.fusion_pairs import FusionPairs, FusionPlan, open_fusion_pairs, write_fusion_pairs
from beltline.simulate.library import ObjectLibrary, bake_library

PLAN = FusionPlan(
    {"gun": 3, "pliers": 3}, size=64, style="any", items=(3, 8), garments=(0, 2), filled=0.3, seed=4
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ObjectLibrary:
    return bake_library(
        tmp_path_factory.mktemp("library"), seed=2, split="train", pixel_mm=5.0, each=1, threats_each=2
    )


@pytest.fixture(scope="module")
def folder(library: ObjectLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pairs") / "set"
    write_fusion_pairs(out, library, PLAN)
    return out


@pytest.fixture(scope="module")
def pairs(folder: Path) -> FusionPairs:
    return open_fusion_pairs(folder)


def test_truth_is_the_product_of_transmissions_up_to_noise_and_hardening(pairs: FusionPairs):
    bag, item, truth = (a.astype(float) for a in (pairs.bag_dual, pairs.item_dual, pairs.truth_dual))
    covered = (pairs.mask > 0)[:, None] & np.ones((1, 2, 1, 1), bool)
    product = bag * item
    # filtration hardens the beam: an item behind a bag lets more through than the product of the two says
    assert np.median((truth - product)[covered]) > -0.01
    assert np.abs(truth - product)[covered].mean() < 0.05
    assert np.abs(truth - bag)[covered].mean() > 3 * np.abs(truth - product)[covered].mean()


def test_away_from_the_item_truth_and_bag_agree_but_for_scatter(pairs: FusionPairs):
    far = np.stack([~_near(mask > 0, 8) for mask in pairs.mask])
    difference = np.abs(pairs.truth.astype(int) - pairs.bag)[far]
    assert far.any()
    assert difference.mean() < 3.0  # the same noise: two draws would differ by 10 and more


def test_the_item_stands_alone_on_white(pairs: FusionPairs):
    assert (pairs.item[pairs.mask == 0] == 255).all()
    assert pairs.item[pairs.mask == 255].mean() < 200
    assert len(pairs) == 6
    assert pairs.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_plan_gives_the_same_set_again_and_never_mixes_with_another(
    library: ObjectLibrary, folder: Path, pairs: FusionPairs, tmp_path: Path
):
    again = write_fusion_pairs(tmp_path / "again", library, PLAN)
    np.testing.assert_array_equal(again.truth, pairs.truth)
    assert again.styles == pairs.styles
    with pytest.raises(ValueError, match=r"another plan: counts was .*, now {.gun.: 4}; name a new folder"):
        write_fusion_pairs(folder, library, replace(PLAN, counts={"gun": 4}))


def test_what_cannot_be_made_is_refused_by_name(library: ObjectLibrary, tmp_path: Path):
    with pytest.raises(ValueError, match="no unicorn"):
        write_fusion_pairs(tmp_path / "a", library, replace(PLAN, counts={"unicorn": 1}))
    with pytest.raises(ValueError, match="fits into 4 pixels"):
        write_fusion_pairs(tmp_path / "b", library, replace(PLAN, size=4))
    with pytest.raises(ValueError, match="no complete set"):
        open_fusion_pairs(tmp_path / "b")


def _near(mask: np.ndarray, reach: int) -> np.ndarray:
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
