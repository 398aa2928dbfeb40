"""The judge's detector: the shipped one, which saw none of these windows and no painted item."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beltline.core import Instances, Scan
from beltline.screening import load_model
from beltline.screening.localize import boxes_on_scan

MODEL = "starter-detector-2"
AROUND = 0.4  # of a window's side, air on each side of it: the detector was taught whole scans


def judges_detector() -> Callable[[NDArray[np.uint8]], Instances]:
    """A function of a picture (H, W, 3) that gives what passes the loosest thresholds the model ships with.

    Few items that are really there pass (the report says how many), so a loose threshold tells the most.

    Raises:
        MissingExtraError: If the model is not shipped.
    """
    model = load_model(MODEL)
    thresholds = model.card.thresholds[max(model.card.thresholds)]

    def detect(picture: NDArray[np.uint8]) -> Instances:
        margin = round(AROUND * picture.shape[0])
        framed = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
        planes = np.ascontiguousarray(np.moveaxis(framed, 2, 0), np.float32) / np.float32(255)
        prepared = model.task.prepare(Scan(planes, "color", ("r", "g", "b")), model.card)
        found = model.run(prepared.inputs)
        sure = found.scores >= thresholds[found.labels]
        boxes = boxes_on_scan(found.boxes[sure], prepared.letterbox) - margin
        names = tuple(model.card.classes[label] for label in found.labels[sure])
        ordered = np.concatenate([boxes[:, :2], np.maximum(boxes[:, 2:], boxes[:, :2])], axis=1)
        return Instances(ordered, names, scores=found.scores[sure].astype(np.float32))

    return detect
