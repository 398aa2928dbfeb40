"""What a promptable segmenter is to the synthesis: a picture, a box and clicks in, a mask out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError

Pixels: TypeAlias = NDArray[np.uint8]  # (H, W, 3)
Box: TypeAlias = tuple[float, float, float, float]  # xyxy, pixels, right and bottom exclusive
Points: TypeAlias = NDArray[np.float32]  # (N, 3): x, y, and 1 on the object or 0 beside it
Mask: TypeAlias = NDArray[np.bool_]  # (H, W)
Segment: TypeAlias = Callable[[Pixels, Box | None, Points], Mask]
"""A promptable segmenter: picture (H, W, 3), box or None, points (N, 3) with N >= 0, to the object's mask
(H, W), which may be empty. Box and points lie in the picture."""

NO_POINTS: Points = np.zeros((0, 3), np.float32)


def box_in_picture(box: Sequence[float], shape: tuple[int, int], *, scale: float = 1.0) -> Box:
    """A box, made larger around its middle, cut to the picture.

    Args:
        box: xyxy, pixels.
        shape: (H, W) of the picture.
        scale: Of both sides.

    Raises:
        ShapeError: If the box has not four numbers.
        ValueError: If nothing of it lies in the picture.

    Example:
        >>> box_in_picture((10, 10, 30, 20), (100, 32), scale=1.2)
        (8.0, 9.0, 32.0, 21.0)
    """
    if len(box) != 4:
        raise ShapeError(f"expected a box of four numbers (xyxy), got {len(box)}")
    x1, y1, x2, y2 = (float(value) for value in box)
    dx, dy = (scale - 1) / 2 * (x2 - x1), (scale - 1) / 2 * (y2 - y1)
    height, width = shape
    found = max(x1 - dx, 0.0), max(y1 - dy, 0.0), min(x2 + dx, float(width)), min(y2 + dy, float(height))
    if not (found[0] < found[2] and found[1] < found[3]):  # NaN too
        raise ValueError(
            f"box {tuple(float(value) for value in box)} holds nothing of a picture of {width} x {height}"
            " pixels; give it as x1, y1, x2, y2"
        )
    return found


def pixels_of_box(box: Box, shape: tuple[int, int]) -> Mask:
    """(H, W) bool: the pixels that a box touches."""
    inside = np.zeros(shape, np.bool_)
    x1, y1 = (int(np.floor(value)) for value in box[:2])
    x2, y2 = (int(np.ceil(value)) for value in box[2:])
    inside[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)] = True
    return inside


def check_picture(picture: NDArray[Any]) -> tuple[int, int]:
    """(H, W) of a picture.

    Raises:
        ShapeError: If it is not (H, W, 3).
        ValueError: If it is not of 8 bits.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ShapeError(f"expected a picture (H, W, 3), got {picture.shape}")
    if picture.dtype != np.uint8:
        raise ValueError(f"expected a picture of 8 bits (uint8), got {picture.dtype}; multiply shares by 255")
    return picture.shape[0], picture.shape[1]
