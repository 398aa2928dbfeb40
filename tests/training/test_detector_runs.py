"""Detectors from a set to figures: scans fitted and boxes with them, resume, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from beltline.core import BadInputError, Instances
from beltline.formats import SetWriter
from beltline.training.detection import DetectionBatches
from beltline.training.detection_sets import detection_classes, fit_square, read_detection_set
from beltline.training.detector_runs import (
    DetectorRecipe,
    detector_figures,
    evaluate_detector,
    is_detector,
    load_detector,
    load_detector_recipe,
    train_detector,
)
from beltline.training.recipes import load_recipe

CLASSES = ("gun", "knife")
RECIPE = DetectorRecipe(side=64, steps=3, batch_size=2, lr=1e-3, precision="32-true")


def write_set(folder: Path, count: int = 4) -> Path:
    """Grey boxes on white, 100 x 60; every second scan is benign."""
    writer = SetWriter(folder, classes=CLASSES)
    for row in range(count):
        image = np.full((60, 100, 3), 255, np.uint8)
        found = Instances(np.zeros((0, 4)), ())
        if row % 2 == 0:
            image[10:40, 20:60] = 90
            found = Instances(np.array([[20, 10, 60, 40]]), (CLASSES[row // 2 % 2],))
        writer.add(f"bag{row}", image=image, instances=found)
    writer.finish()
    return folder


def write_shards(folder: Path) -> Path:
    images = np.full((3, 3, 32, 48), 255, np.uint8)
    images[:, :, 8:24, 12:36] = 60
    shard = folder / "shard_00000"
    shard.mkdir(parents=True)
    (folder / "classes.json").write_text(json.dumps(["knife", "saw"]), encoding="utf-8")
    np.save(shard / "images.npy", images)
    np.save(shard / "objects.npy", np.array([[0, 0, 12, 8, 36, 24], [2, 1, 12, 8, 36, 24]], np.float32))
    return folder


def test_scans_are_fitted_and_boxes_with_them(tmp_path: Path):
    found = read_detection_set(write_set(tmp_path / "set"), CLASSES, 50)
    assert found.images.shape == (4, 50, 50, 3)
    np.testing.assert_allclose(found.objects, [[0, 0, 10, 5, 30, 20], [2, 1, 10, 5, 30, 20]])
    assert found.images[0, 6:19, 11:29].max() < 120
    assert (found.images[0, 30:] == 255).all()  # below the scan


def test_shards_are_read_in_the_classes_asked_for(tmp_path: Path):
    folder = write_shards(tmp_path / "shards")
    assert detection_classes(folder) == ("knife", "saw")
    found = read_detection_set(folder, CLASSES, 96)
    np.testing.assert_allclose(found.objects, [[0, 1, 24, 16, 72, 48]])  # the saw is nobody's
    assert len(found) == 3


def test_a_square_keeps_the_aspect():
    square, factor = fit_square(np.zeros((30, 60, 3), np.uint8), 120)
    assert factor == 2
    assert (square[:60] == 0).all()
    assert (square[60:] == 255).all()


def test_from_a_set_to_figures(tmp_path: Path):
    data = write_set(tmp_path / "set")
    train_detector(RECIPE, data, tmp_path / "run")
    assert is_detector(tmp_path / "run")
    recipe, model = load_detector(tmp_path / "run")
    assert recipe == replace(RECIPE, classes=CLASSES)
    found = evaluate_detector(tmp_path / "run", data)
    assert found["scans"] == 4
    assert [row["objects"] for row in found["classes"].values()] == [1, 1]
    assert found == json.loads((tmp_path / "run" / "evaluation.json").read_text(encoding="utf-8"))
    assert not model.training


def test_perfect_boxes_get_perfect_figures(tmp_path: Path):
    test = read_detection_set(write_set(tmp_path / "set"), CLASSES, 50)
    truth = test.boxes()
    found = detector_figures(replace(truth, score=np.array([0.9, 0.8])), test, CLASSES)
    assert found["mean"] == {"ap": 1, "recall": 1, "precision": 1}
    assert found["froc"]["0.05"] == 1
    assert found["pd_at_pfa_0.05"][0] == 1


def test_resume_equals_uninterrupted(tmp_path: Path):
    data = write_set(tmp_path / "set")
    train_detector(RECIPE, data, tmp_path / "whole")

    class Stopped(Exception):
        pass

    class Breaking(DetectionBatches):
        def build(self, index):
            if index == 2:
                raise Stopped
            return super().build(index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("beltline.training.detector_runs.DetectionBatches", Breaking)
        with pytest.raises(Stopped):
            train_detector(RECIPE, data, tmp_path / "stopped", checkpoint_steps=1)
    train_detector(RECIPE, data, tmp_path / "stopped", resume=True)
    first, second = (load_detector(tmp_path / name)[1].state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_recipes_are_changed_by_text_and_checked():
    recipe = load_detector_recipe("detector", ["side=128", "classes=gun,knife", "detector=RetinaNet small"])
    assert (recipe.side, recipe.classes, recipe.detector) == (128, CLASSES, "RetinaNet small")
    with pytest.raises(BadInputError, match="no detector"):
        load_detector_recipe("detector", ["detector=YOLO"])
    with pytest.raises(BadInputError, match="neither a file nor one of detector"):
        load_detector_recipe("chr_starter")
    with pytest.raises(BadInputError, match="chr_starter"):
        load_recipe("detector")


def test_refusals_name_the_way_out(tmp_path: Path):
    data = write_set(tmp_path / "set")
    with pytest.raises(BadInputError, match="holds none of saw"):
        read_detection_set(data, ("saw",), 32)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="beltline data shards"):
        detection_classes(tmp_path / "empty")
    shards = write_shards(tmp_path / "shards")
    (shards / "shard_00000" / "objects.npy").unlink()
    with pytest.raises(BadInputError, match="no boxes"):
        read_detection_set(shards, ("knife",), 32)
    train_detector(replace(RECIPE, steps=1), data, tmp_path / "run")
    with pytest.raises(BadInputError, match="--resume"):
        train_detector(replace(RECIPE, steps=1), data, tmp_path / "run")
    with pytest.raises(BadInputError, match="train detector"):
        load_detector(tmp_path / "empty")
