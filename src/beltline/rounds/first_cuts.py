"""What a click model is worth on scans whose truth is known: first proposals of every object."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from beltline.core import Scan
from beltline.metrics.segmentation import mask_iou
from beltline.rounds.annotator import Thing
from beltline.screening import Clicker

SHAKE = 0.03  # of a side: standard deviation of each edge of the box, as of a quick hand or a detector


def first_ious(clicker: Clicker, scan: Scan, things: Sequence[Thing], *, seed: int = 0) -> list[float]:
    """IoU of the first mask from a box around each object, the box a little off.

    Args:
        clicker: The click model.
        scan: The scan.
        things: What was reviewed on it.
        seed: Of how far boxes are off; the same for all models that are compared.
    """
    rng = np.random.default_rng(seed)
    found = []
    for thing in things:
        x, y, width, height = cv2.boundingRect(thing.mask.astype(np.uint8))
        off = rng.normal(0, SHAKE, 4) * [width, height, width, height]
        x1, y1, x2, y2 = (np.array([x, y, x + width, y + height]) + off).tolist()
        box = (x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))
        found.append(mask_iou(thing.mask, clicker.cut(scan, box=box).mask))
    return found
