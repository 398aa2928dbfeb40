"""Training and measuring on list files: boxes as planes, the paper's recipe from lists to figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from beltline.core import BadInputError, Instances
from beltline.data.image_list import ImageList
from beltline.training import lists
from beltline.training.assessment import mask_boxes
from beltline.training.lists import box_planes, scaled_boxes, whole_list
from beltline.training.recipes import load_recipe
from beltline.training.runs import calibrate_run, evaluate_run, planned_steps, train_chr

CLASSES = ("gun", "knife")
TINY = (
    "classes=gun,knife", "backbone=resnet18", "backbone_channels=8,8,8,8", "crop_height=64", "crop_width=64",
    "warp=72", "long_side=64", "batch_size=4", "accumulate=1", "epochs=1", "precision=32-true", "workers=1",
)  # fmt: skip


def _images(root: Path, count: int = 10) -> ImageList:
    rng = np.random.default_rng(0)
    labels = np.zeros((count, 2), np.float32)
    labels[::2, 0] = labels[::3, 1] = 1
    for i in range(count):
        Image.fromarray(rng.integers(0, 256, (50, 100, 3), np.uint8)).save(root / f"{i}.png")

    def boxes(row: int) -> Instances | None:
        places = {"gun": (0, 0, 50, 50), "knife": (50, 0, 100, 25)}
        found = [name for k, name in enumerate(CLASSES) if labels[row, k]]
        return Instances(np.array([places[n] for n in found], np.float32).reshape(-1, 4), tuple(found))

    return ImageList(root, tuple(f"{i}.png" for i in range(count)), labels, CLASSES, boxes)


@pytest.fixture
def subset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    images = _images(tmp_path)
    (tmp_path / "train.csv").write_text("here")
    monkeypatch.setattr(lists, "read_subset", lambda folder, split, difficult: images)
    return tmp_path


def test_boxes_scale_each_axis_on_its_own(tmp_path: Path) -> None:
    found = scaled_boxes(_images(tmp_path), 0, 64)
    assert [(k, box.tolist()) for k, box in found] == [(0, [0, 0, 32, 64]), (1, [32, 0, 64, 32])]


def test_planes_hold_the_share_of_each_cell(tmp_path: Path) -> None:
    images = _images(tmp_path)
    planes = box_planes(images, 0, 64)
    assert planes.shape == (2, 8, 8)
    assert planes[0].sum() == pytest.approx(32)  # half of the image
    assert planes[1].sum() == pytest.approx(16)
    assert box_planes(images, 1, 64).sum() == 0
    odd = box_planes(images, 0, 40)  # 5 cells: the gun ends in the middle of one
    np.testing.assert_allclose(odd[0, 0], [1, 1, 0.5, 0, 0], atol=1e-6)


def test_whole_lists_come_with_labels_and_planes(tmp_path: Path) -> None:
    images = _images(tmp_path)
    batches = list(whole_list(images, batch_size=4, size=64, limit=6))
    assert [len(b.image) for b in batches] == [4, 2]
    assert batches[0].masks.shape == (4, 2, 8, 8)
    np.testing.assert_array_equal(batches[1].labels.numpy(), images.labels[4:6])


def test_a_plane_with_two_objects_has_two_boxes() -> None:
    plane = np.zeros((8, 8), np.float32)
    plane[1:3, 1:4] = 1
    plane[6, 6] = 1
    assert sorted(mask_boxes(plane).tolist()) == [[8, 8, 32, 24], [48, 48, 56, 56]]
    assert mask_boxes(np.zeros((8, 8), np.float32)).shape == (0, 4)


def test_the_papers_recipe_runs_from_lists_to_figures(subset: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", TINY)
    assert planned_steps(recipe, subset) == 2  # 10 images, 4 a step
    run = tmp_path / "run"
    assert train_chr(recipe, subset, run).step == 2
    calibrate_run(run, subset)
    found = evaluate_run(run, subset)
    assert found["scans"] == 10
    assert set(found["classes"]) == set(CLASSES)
    assert json.loads((run / "recipe.json").read_text())["normalisation"] == "imagenet"


def test_masks_cannot_be_trained_on_lists(subset: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", (*TINY, "mask_weight=1.0"))
    with pytest.raises(BadInputError, match="no masks"):
        train_chr(recipe, subset, tmp_path / "run")


def test_classes_that_lists_do_not_hold_are_named(subset: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", (*TINY, "classes=gun,axe"))
    with pytest.raises(BadInputError, match="wants axe"):
        train_chr(recipe, subset, tmp_path / "run")


def test_the_papers_recipe_is_that_of_the_released_code() -> None:
    recipe = load_recipe("chr_paper")
    assert recipe.classes == ("gun", "knife", "wrench", "pliers", "scissors")
    assert (recipe.optimizer, recipe.lr, recipe.weight_decay, recipe.schedule) == (
        "sgd",
        0.01,
        1e-4,
        "constant",
    )
    assert recipe.batch_size * recipe.accumulate == 320
    assert (recipe.epochs, recipe.pooling, recipe.mask_weight) == (15, "avg", 0)
