"""Heat maps: the attention of one instance at the picture's size, and what of it is hot."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.synthesis.diffusion.promptable import Box, Mask, box_in_picture, pixels_of_box

Level = Literal["otsu", "half"]
Heat = NDArray[np.float32]  # (H, W)
REACH = 1.2  # of the box, in which a thresholded heat map counts


def heat_map(attention: NDArray[Any], shape: tuple[int, int]) -> Heat:
    """Attention (h, w) at the picture's size (H, W), float32 in [0, 255], the largest value 255.

    Bicubic, as released; what overshoots is cut off. Attention that is 0 everywhere stays so.
    """
    small = np.asarray(attention, np.float32)
    if small.ndim != 2 or 0 in small.shape:
        raise ShapeError(f"expected an attention map (h, w) of one instance, got {small.shape}")
    if not np.isfinite(small).all() or small.min() < 0:
        raise ValueError("attention must be finite and at least 0: what the softmax gave, not its logits")
    largest = float(small.max())
    if largest == 0:
        return np.zeros(shape, np.float32)
    large = cv2.resize(255 / largest * small, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(large, 0, 255).astype(np.float32)


def over_level(heat: Heat, box: Box, level: Level) -> Mask:
    """What is hot inside the box made 1.2 times as large: over Otsu's level there, or half of the largest.

    Args:
        heat: (H, W) in [0, 255].
        box: xyxy, pixels.
        level: Which one.

    Source:
        Reconstructed: the way without a segmenter (methods 5.2, last lines).
    """
    near = pixels_of_box(box_in_picture(box, heat.shape, scale=REACH), heat.shape)
    values = heat[near]
    limit = otsu(values) if level == "otsu" else float(values.max()) / 2
    return near & (heat > limit)


def otsu(values: NDArray[np.floating[Any]]) -> float:
    """Otsu's level of values in [0, 255]."""
    whole = np.clip(values, 0, 255).astype(np.uint8)[:, None]
    limit, _ = cv2.threshold(whole, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(limit)
