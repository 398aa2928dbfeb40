"""The RWSC experiment on sets off the disk: halves, items cut out, counts matched, nothing but colours."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError, Instances
from beltline.formats import SetWriter
from beltline.metrics.detections import Boxes
from beltline.protocols.rwsc import SCALES, RealSets, reproduce_rwsc
from beltline.protocols.rwsc.real import cut_items, picked, real_data, rows_of
from beltline.systems.detector.arrays import DetectionSet

CLASSES = ("gun", "knife")
SCALE = replace(
    SCALES["smoke"], size=96, quality_pairs=3, fusion_steps=2, detector_steps=2, detector_batch=4, seeds=(0,),
    methods=("copy-paste", "TIP", "RWSC"), quality=("copy-paste", "TIP", "RWSC", "RWSC taught"),
)  # fmt: skip


def bag_with(rng: np.random.Generator, items: int) -> tuple[np.ndarray, list[list[int]]]:
    """An orange bag on white with dark bars in it, in the colours of an organic and a metal."""
    image = np.full((110, 120, 3), 252, np.uint8)
    image[8:102, 8:112] = (238, 200, 150)
    boxes = []
    for number in range(items):
        y, x = 16 + 40 * number + int(rng.integers(0, 6)), int(rng.integers(16, 60))
        image[y : y + 12, x : x + 34] = (40, 70, 130)
        boxes.append([x, y, x + 34, y + 12])
    return image, boxes


def write(folder: Path, items: list[int], seed: int) -> Path:
    rng = np.random.default_rng(seed)
    writer = SetWriter(folder, classes=CLASSES)
    for row, count in enumerate(items):
        image, boxes = bag_with(rng, count)
        labels = tuple(CLASSES[(row + k) % 2] for k in range(count))
        writer.add(f"bag{row:02d}", image=image, instances=Instances(np.array(boxes).reshape(-1, 4), labels))
    writer.finish()
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> RealSets:
    root = tmp_path_factory.mktemp("sets")
    return RealSets(
        write(root / "positives", [1, 2, 1, 2, 1, 1, 0, 2], 1),
        write(root / "bags", [0, 0, 0], 2),
        write(root / "test", [1, 1, 0, 0], 3),
    )


def test_halves_pairs_and_counts(sets: RealSets):
    data = real_data(sets, SCALE, lambda text: None)
    assert len(data.first) + len(data.second) == 7  # one scan without items is no positive
    assert abs(len(data.first) - len(data.second)) <= 1
    assert len(data.pairs) == len(data.second)
    wanted = np.bincount(data.second.objects.label, minlength=2)
    np.testing.assert_array_equal(np.bincount(data.objects.label, minlength=2), wanted)
    for row, (x1, y1, x2, y2) in zip(data.objects.image, data.objects.box.astype(int), strict=True):
        mask = data.pairs.mask[row]
        assert mask[y1:y2, x1:x2].mean() > 100
        inside = data.pairs.item[row][y1:y2, x1:x2]
        assert inside.min() < 150  # something dark lies there
        assert (data.pairs.item[row][mask == 0] == 255).mean() > 0.97
    assert data.pairs.truth is None


def test_the_experiment_runs_without_what_needs_a_truth(sets: RealSets, tmp_path: Path):
    report = reproduce_rwsc(tmp_path, sets=sets, scale=SCALE)
    text = report.read_text(encoding="utf-8")
    assert "6 of 6 detectors trained" in text  # R, R/2, and S and S+ of two methods
    assert "Scans of a real set" in text
    assert "TIP" not in {path.name.split("--")[1] for path in (tmp_path / "cells").iterdir()}
    assert "RWSC taught" not in text
    assert "--bags BAGS" in (tmp_path / "card.json").read_text(encoding="utf-8")


def test_picked_images_keep_their_boxes():
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    objects = np.array([[0, 0, 0, 0, 1, 1], [2, 1, 0, 0, 2, 2], [3, 0, 0, 0, 1, 1]], np.float32)
    found = picked(DetectionSet(images, Boxes.of_rows(objects)), np.array([2, 3]))
    assert found.images[:, 0, 0, 0].tolist() == [2, 3]
    assert (found.objects.image.tolist(), found.objects.label.tolist()) == ([0, 1], [1, 0])


def test_refusals_name_the_way_out(sets: RealSets):
    with pytest.raises(BadInputError, match="name benign scans"):
        real_data(replace(sets, bags=sets.positives), SCALE, lambda text: None)
    flat = DetectionSet(np.full((1, 64, 64, 3), 250, np.uint8), Boxes.of_rows([[0, 0, 8, 8, 30, 30]]))
    with pytest.raises(BadInputError, match="no item of gun"):
        cut_items(flat, CLASSES)


def test_fewer_pairs(sets: RealSets):
    pairs = real_data(sets, SCALE, lambda text: None).pairs
    assert len(rows_of(pairs, 2)) == 2
    assert rows_of(pairs, 2).classes == CLASSES
