"""The box of what was painted without any segmenter: where the picture changed and the model looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.synthesis.diffusion.car import CarSettings, Refined, refined_of
from beltline.synthesis.diffusion.car_heat import REACH, heat_map, otsu, over_level
from beltline.synthesis.diffusion.extent import without_specks
from beltline.synthesis.diffusion.promptable import (
    Box,
    Mask,
    Pixels,
    box_in_picture,
    check_picture,
    pixels_of_box,
)

LEAST_CHANGE = 12.0  # of 255: less is the autoencoder's noise, not an object


def refine_by_change(
    attention: NDArray[Any],
    picture: Pixels,
    background: Pixels,
    box: Sequence[float],
    settings: CarSettings | None = None,
) -> Refined:
    """The box of what was painted, without a segmenter: where the picture changed and the model looked.

    Of the changed regions in the box made 1.2 times as large, those that the hot part of the heat map
    touches count, but for specks beside the largest one; the rectangle around them is the box. So a coarse or
    displaced map says which changes are meant, and these say how far the item goes. There are several where
    it falls apart over dense things.

    Args:
        attention: (h, w), as for `refine_box`.
        picture: (H, W, 3) uint8, painted.
        background: (H, W, 3) uint8, the same before.
        box: Layout box, xyxy, pixels.
        settings: ``threshold`` and ``least_iou`` are used.

    Raises:
        ShapeError: If an array has another shape.
        ValueError: As `refine_box`.

    Source:
        Reconstructed: threshold, difference, components (methods 5.2); how they are combined is ours.
    """
    settings = settings or CarSettings()
    shape = check_picture(picture)
    if background.shape != picture.shape:
        raise ShapeError(f"expected a background {picture.shape}, as the picture, got {background.shape}")
    layout = box_in_picture(box, shape)
    heat = heat_map(attention, shape)
    hot = over_level(heat, layout, settings.threshold)
    mask = without_specks(_met_by(_changed(picture, background, layout), hot))
    return refined_of(mask, box, heat, settings)


def _changed(picture: Pixels, background: Pixels, box: Box) -> Mask:
    """Where the picture changed near the box, gaps of a few pixels closed."""
    change = cv2.absdiff(picture, background).max(axis=2).astype(np.float32)
    change = np.asarray(cv2.GaussianBlur(change, (5, 5), 1.0), np.float32)
    near = pixels_of_box(box_in_picture(box, change.shape, scale=REACH), change.shape)
    changed = near & (change > max(otsu(change[near]) / 2, LEAST_CHANGE))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, disc) > 0


def _met_by(mask: Mask, hot: Mask) -> Mask:
    """Those of a mask's parts that the hot pixels touch."""
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    met = np.bincount(parts[hot], minlength=count) > 0
    met[0] = False
    return np.asarray(met[parts])
