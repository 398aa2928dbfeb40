"""Training and measuring on list files: boxes as planes, the paper's recipe from lists to figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from beltline.cli.app import main
from beltline.core import BadInputError, Instances
from beltline.data.annotations import ImageList
from beltline.systems.chr import lists
from beltline.systems.chr.data import ShardData, open_data
from beltline.systems.chr.figures import mask_boxes
from beltline.systems.chr.lists import (
    box_planes,
    classes_of,
    holds_lists,
    read_list,
    scaled_boxes,
    whole_list,
)
from beltline.systems.chr.system import SYSTEM
from beltline.training import run as engine
from beltline.training.recipe_values import read_recipe

CLASSES = ("gun", "knife")
TINY = (
    "classes=gun,knife", "backbone=resnet18", "backbone_channels=8,8,8,8", "crop_height=64", "crop_width=64",
    "warp=72", "long_side=64", "batch_size=4", "accumulate=1", "epochs=1", "precision=32-true", "workers=1",
)  # fmt: skip


def planned_steps(recipe, folder):
    data, recipe = open_data(folder, recipe)
    return data.steps(recipe)


def load_recipe(name, changes=()):
    return read_recipe(name, changes, SYSTEM.recipes).recipe


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
    named = read_recipe("chr_paper", TINY, SYSTEM.recipes)
    assert engine.train(SYSTEM, named, subset, run).step == 2
    engine.calibrate(SYSTEM, run, subset)
    found = engine.evaluate(SYSTEM, run, subset)
    assert found["scans"] == 10
    assert set(found["classes"]) == set(CLASSES)
    written = json.loads((run / "recipe.json").read_text())
    assert (written["recipe"], written["normalisation"]) == ("chr_paper", "backbone")
    # as versions before wrote it: every recipe by the starter's name
    before = {**written, "recipe": "chr_starter", "normalisation": "imagenet"}
    (run / "recipe.json").write_text(json.dumps(before))
    assert (
        engine.evaluate(SYSTEM, run, subset)["classes"] == found["classes"]
    )  # of a ResNet the two are the same


def test_steps_that_are_named_take_the_place_of_epochs(subset: Path, tmp_path: Path) -> None:
    without = [change for change in TINY if not change.startswith("epochs")]
    recipe = load_recipe("chr_paper", (*without, "steps=3"))
    assert planned_steps(recipe, subset) == 3
    run = tmp_path / "run"
    assert engine.train(SYSTEM, recipe, subset, run).step == 3
    assert planned_steps(load_recipe(str(run / "recipe.json")), subset) == 3
    file = tmp_path / "mine.json"
    file.write_text('{"recipe": "chr_paper", "steps": 7}')
    assert planned_steps(load_recipe(str(file), without), subset) == 7
    with pytest.raises(BadInputError, match="steps and --set epochs both"):
        load_recipe("chr_paper", (*TINY, "steps=3"))


def test_a_run_by_epochs_may_go_on_by_steps(subset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert engine.train(SYSTEM, load_recipe("chr_paper", TINY), subset, run).step == 2
    longer = load_recipe(str(run / "recipe.json"), ("steps=4",))
    assert engine.train(SYSTEM, longer, subset, run, resume=True).step == 4


def test_epochs_are_of_lists_and_refused_on_shards(tiny_shards: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", TINY)
    with pytest.raises(BadInputError, match=r"epochs=1 count passes over a list .* --set steps="):
        engine.train(SYSTEM, recipe, tiny_shards, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "when"),
    [
        ("crop_width=32", "on shards"),
        ("augmentation.flip=0", "on shards"),
        ("warmup=0.1", "schedule=cosine"),
    ],
)
def test_a_change_that_lists_do_not_heed_is_refused(
    subset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, when: str
) -> None:
    words = ["train", "chr", "--data", str(subset), "--out", str(tmp_path / "run"), "--recipe", "chr_paper"]
    assert main([*words, "--set", change]) == 3
    err = capsys.readouterr().err
    assert f"--set {change.partition('=')[0]} would change nothing" in err
    assert when in err


def test_masks_cannot_be_trained_on_lists(subset: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", (*TINY, "mask_weight=1.0"))
    with pytest.raises(BadInputError, match="no masks"):
        engine.train(SYSTEM, recipe, subset, tmp_path / "run")


def test_classes_that_lists_do_not_hold_are_named(subset: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", (*TINY, "classes=gun,axe"))
    with pytest.raises(BadInputError, match=r"no class axe; it has gun, knife.* --set classes=gun,"):
        engine.train(SYSTEM, recipe, subset, tmp_path / "run")


def test_the_papers_recipe_is_that_of_the_released_code() -> None:
    recipe = load_recipe("chr_paper")
    assert recipe.classes == ("gun", "knife", "wrench", "pliers", "scissors")
    training = recipe.training
    assert (training.optimizer, training.lr, training.weight_decay, training.schedule) == (
        "sgd",
        0.01,
        1e-4,
        "constant",
    )
    assert training.batch_size * training.accumulate == 320
    assert (recipe.epochs, recipe.pooling, recipe.mask_weight) == (15, "avg", 0)


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Three classes that a colour tells apart, as ILSVRC lays them out."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4)):
        for k, name in enumerate(("axe", "brush", "cup")):
            folder = tmp_path / "images" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 60, (40, 60, 3), np.uint8)
                pixels[..., k] += 150
                Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "images"


def test_class_folders_are_a_list_with_one_hot_labels(class_folders: Path) -> None:
    assert holds_lists(class_folders)
    assert classes_of(class_folders) == ("axe", "brush", "cup")
    found = read_list(class_folders, "test", ("cup", "axe", "brush"))
    assert len(found) == 12
    assert found.labels.sum(0).tolist() == [4, 4, 4]
    assert all(found.classes[row.argmax()] in found.files[i] for i, row in enumerate(found.labels))


def test_single_labels_are_learnt_and_measured_without_calibration(class_folders: Path) -> None:
    run = class_folders.parent / "run"
    changes = [c for c in TINY if not c.startswith("classes")]
    recipe = load_recipe("chr_single_label", [*changes, "epochs=8", "optimizer=adamw", "lr=0.003"])
    engine.train(SYSTEM, recipe, class_folders, run)
    assert json.loads((run / "recipe.json").read_text())["classes"] == ["axe", "brush", "cup"]
    found = engine.evaluate(SYSTEM, run, class_folders)
    assert found["scans"] == 12
    assert found["top1_error"] < 0.2
    assert found["top3_error"] == 0  # there are three classes
    with pytest.raises(BadInputError, match="no thresholds to choose"):
        engine.calibrate(SYSTEM, run, class_folders)


def test_cross_entropy_refuses_lists_of_several_labels(subset: Path, tmp_path: Path) -> None:
    recipe = load_recipe("chr_paper", (*TINY, "loss=cross_entropy"))
    with pytest.raises(BadInputError, match="exactly one class"):
        engine.train(SYSTEM, recipe, subset, tmp_path / "run")


def test_balanced_sampling_is_for_lists(
    subset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = _images(tmp_path).take([0, *[1, 5, 7] * 3])  # one positive, nine negatives
    monkeypatch.setattr(lists, "read_subset", lambda folder, split, difficult: rare)

    def share(sampling: str) -> float:
        recipe = load_recipe("chr_paper", (*TINY, f"sampling={sampling}"))
        drawn = open_data(subset, recipe)[0].batches(recipe)(0)
        labels = np.concatenate([next(drawn).labels.numpy() for _ in range(20)])
        return float((labels == 1).any(1).mean())

    assert share("natural") == pytest.approx(0.1, abs=0.03)
    assert share("balanced") == pytest.approx(0.5, abs=0.05)
    with pytest.raises(BadInputError, match="lists of image files"):
        ShardData(tmp_path).batches(load_recipe("chr_starter", ("sampling=balanced",)))
