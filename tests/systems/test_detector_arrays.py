"""Detectors: turned boxes, gradients, a batch overfitted, bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import ShapeError
from beltline.metrics.detections import Boxes, detection_ap, match_detections
from beltline.models.detection import DETECTORS, Target, build_detector
from beltline.synthesis.tip import box_of
from beltline.systems.detector.arrays import (
    DetectionBatches,
    DetectionSet,
    detection_loss,
    find,
    joined,
    turned,
)

SMALL = [name for name in DETECTORS if name.endswith("small")]


def squares(count: int = 4, size: int = 64, seed: int = 0) -> DetectionSet:
    """Dark squares of class 0 and bright ones of class 1 on white."""
    rng = np.random.default_rng(seed)
    images = np.full((count, size, size, 3), 250, np.uint8)
    objects = []
    for row in range(count):
        x, y = rng.integers(2, size - 34, 2)
        w, h = rng.integers(16, 32, 2)
        label = row % 2
        images[row, y : y + h, x : x + w] = (30, 30, 30) if label == 0 else (230, 120, 40)
        objects.append((row, label, x, y, x + w, y + h))
    return DetectionSet(images, Boxes.of_rows(objects))


@given(
    turn=st.integers(0, 7),
    x=st.integers(0, 10),
    y=st.integers(0, 20),
    w=st.integers(1, 9),
    h=st.integers(1, 9),
)
def test_boxes_turn_with_their_picture(turn, x, y, w, h):
    image = np.zeros((30, 20, 3), np.uint8)
    image[y : y + h, x : x + w] = 255
    moved, boxes = turned(image, np.array([[x, y, x + w, y + h]], np.float32), turn)
    assert box_of(moved[..., 0].astype(np.float32) / 255) == tuple(boxes[0].astype(int))


def test_sets_are_joined_with_their_rows_moved():
    a, b = squares(2), squares(3)
    both = joined(a, b)
    assert len(both) == 5
    assert both.objects.image.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(both.objects.box[2:], b.objects.box)
    np.testing.assert_array_equal(both.objects.label[2:], b.objects.label)


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name):
    torch.manual_seed(0)
    detector = build_detector(name, 2, 64)
    batch = DetectionBatches(squares(), 4).build(0)
    parts = detection_loss(detector, batch)
    parts["loss"].backward()
    silent = [n for n, p in detector.named_parameters() if p.requires_grad and p.grad is None]
    assert silent == []
    assert torch.isfinite(parts["loss"])


def test_a_benign_image_is_a_lesson_too():
    detector = build_detector("FCOS small", 2, 64)
    empty = Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    found = detector.loss(torch.rand(2, 3, 64, 64), [empty, empty])
    assert all(torch.isfinite(v) for v in found.values())


def test_a_batch_is_overfitted():
    torch.manual_seed(0)
    data = squares()
    detector = build_detector("FCOS small", 2, 64)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=2e-3)
    images = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
    boxes, labels = (torch.from_numpy(column) for column in (data.objects.box, data.objects.label))
    targets = [Target(box[None].float(), label[None]) for box, label in zip(boxes, labels, strict=True)]
    for _ in range(60):
        optimizer.zero_grad()
        torch.stack(list(detector.loss(images, targets).values())).sum().backward()
        optimizer.step()
    found = find(detector, data.images)
    truth = data.objects
    assert np.mean(detection_ap(match_detections(found, truth), truth, 2)) > 0.9


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="there is FCOS small"):
        build_detector("YOLO", 2, 64)
    with pytest.raises(ShapeError, match="up to 4 of 1"):
        DetectionSet(np.zeros((1, 8, 8, 3), np.uint8), Boxes.of_rows([[4, 0, 0, 0, 1, 1]]))
