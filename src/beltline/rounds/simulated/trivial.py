"""Masks from a box by rules that know no item: what a proposal must beat before its IoU says anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.metrics.segmentation import mask_iou
from beltline.rounds.annotator import Mask
from beltline.rounds.simulated.world import World
from beltline.screening.prepare import white_picture

Window = NDArray[np.uint8]  # (h, w, 3) RGB inside the box


def whole_box(window: Window) -> Mask:
    """All of it."""
    return np.ones(window.shape[:2], bool)


def ellipse(window: Window) -> Mask:
    """The ellipse that touches its sides."""
    rows, columns = np.ogrid[: window.shape[0], : window.shape[1]]
    height, width = window.shape[:2]
    away = ((rows + 0.5) / height - 0.5) ** 2 + ((columns + 0.5) / width - 0.5) ** 2
    return np.asarray(away <= 0.25)


def dark(window: Window) -> Mask:
    """What is darker than Otsu's threshold."""
    grey = window.mean(2).astype(np.uint8)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(grey <= threshold)


RULES: Mapping[str, Callable[[Window], Mask]] = {
    "the whole box": whole_box,
    "an ellipse in the box": ellipse,
    "what is dark in the box": dark,
}


def trivial_ious(world: World) -> dict[str, float]:
    """Mean IoU of each rule on the test scans, given the true box of every object."""
    found: dict[str, list[float]] = {name: [] for name in RULES}
    for number in world.test:
        picture = white_picture(world.scan(number))
        for thing in world.truth(number):
            x, y, width, height = cv2.boundingRect(thing.mask.astype(np.uint8))
            lines = np.s_[y : y + height, x : x + width]
            for name, rule in RULES.items():
                mask = np.zeros(thing.mask.shape, bool)
                mask[lines] = rule(picture[lines])
                found[name].append(mask_iou(thing.mask, mask))
    return {name: float(np.mean(ious)) for name, ious in found.items() if ious}
