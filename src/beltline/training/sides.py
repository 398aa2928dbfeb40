"""Bringing scans to the sides that a network takes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
MULTIPLE = 32  # the coarsest stride of the networks


def to_long_side(pixels: Pixels, long_side: int) -> tuple[Pixels, float]:
    """A picture with its longer side at ``long_side`` pixels, and the factor."""
    height, width = pixels.shape[:2]
    factor = long_side / max(height, width)
    if factor == 1:
        return pixels, 1.0
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8), factor


def padded(pixels: Pixels, multiple: int = MULTIPLE) -> Pixels:
    """White added at the right and the bottom until both sides are multiples."""
    height, width = pixels.shape[:2]
    out = np.full((-(-height // multiple) * multiple, -(-width // multiple) * multiple, 3), 255, np.uint8)
    out[:height, :width] = pixels
    return out


def reduction(size: tuple[int, int], long_side: int | None) -> float:
    """Factor that brings a stored scan (H, W) down to a longer side; 1 where it is no larger.

    Example:
        >>> reduction((456, 640), 512), reduction((320, 448), 512), reduction((456, 640), None)
        (0.8, 1.0, 1.0)
    """
    return 1.0 if long_side is None else min(1.0, long_side / max(size))
