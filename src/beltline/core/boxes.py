"""Rectangles: always (N, 4) xyxy in pixels, right and bottom exclusive."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core.errors import ShapeError


def as_boxes(boxes: Any) -> NDArray[np.float32]:
    """Boxes as float32 of shape (N, 4); an empty sequence gives (0, 4).

    Raises:
        ShapeError: If the shape is not (N, 4).
        ValueError: If a corner is not finite or right < left or bottom < top.

    Example:
        >>> as_boxes([]).shape
        (0, 4)
    """
    array = np.asarray(boxes, dtype=np.float32)
    if array.size == 0:
        return np.zeros((0, 4), dtype=np.float32)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ShapeError(f"boxes must be (N, 4), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("boxes must be finite")
    if (array[:, 2:] < array[:, :2]).any():
        raise ValueError("boxes must be xyxy with right >= left and bottom >= top; xywh needs xywh_to_xyxy")
    return array


def xywh_to_xyxy(xywh: Any) -> NDArray[np.float32]:
    """COCO's left, top, width, height to corners.

    Example:
        >>> xywh_to_xyxy([[2, 3, 4, 5]]).tolist()
        [[2.0, 3.0, 6.0, 8.0]]
    """
    array = np.asarray(xywh, dtype=np.float32).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, :2] + array[:, 2:]], axis=1)


def xyxy_to_xywh(boxes: Any) -> NDArray[np.float32]:
    """Corners to COCO's left, top, width, height."""
    array = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, 2:] - array[:, :2]], axis=1)


def box_area(boxes: Any) -> NDArray[np.float32]:
    """Areas in square pixels, shape (N,)."""
    array = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    return (array[:, 2] - array[:, 0]) * (array[:, 3] - array[:, 1])


def box_iou(boxes: Any, others: Any) -> NDArray[np.float32]:
    """Intersection over union of every pair, shape (N, M); 0 where both are empty.

    Example:
        >>> box_iou([[0, 0, 2, 2]], [[1, 0, 3, 2]]).round(3).tolist()
        [[0.3330000042915344]]
    """
    a = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    b = np.asarray(others, dtype=np.float32).reshape(-1, 4)
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(bottom_right - top_left, 0, None)
    overlap = sides[..., 0] * sides[..., 1]
    union = box_area(a)[:, None] + box_area(b)[None, :] - overlap
    iou: NDArray[np.float32] = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return iou


def clip_boxes(boxes: Any, *, height: int, width: int) -> NDArray[np.float32]:
    """Boxes cut to the scan, same shape; one wholly outside becomes empty at the border."""
    array = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    return np.clip(array, 0, np.array([width, height, width, height], dtype=np.float32))


Window = tuple[slice, slice]  # rows, columns


def mask_window(mask: NDArray[Any], margin: int = 0) -> Window:
    """Rows and columns that hold a mask, and ``margin`` pixels around it as far as the picture reaches.

    Args:
        mask: (H, W), with a pixel that is not 0.
        margin: Pixels.

    Raises:
        ValueError: If the mask is empty.

    Example:
        >>> disc = np.zeros((9, 9), bool); disc[3:5, 6] = True
        >>> mask_window(disc, 2)
        (slice(1, 7, None), slice(4, 9, None))
    """
    lines = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    if not len(lines[0]):
        raise ValueError("an empty mask has no box")
    rows, columns = (
        slice(max(int(line[0]) - margin, 0), min(int(line[-1]) + margin + 1, size))
        for line, size in zip(lines, mask.shape, strict=True)
    )
    return rows, columns


def overlap(whole: Sequence[int], part: Sequence[int], corner: Sequence[int]) -> tuple[Window, Window] | None:
    """Where a picture lies in a larger one, and what of it lies there.

    Args:
        whole: (H, W) of the larger one.
        part: (h, w) of the other.
        corner: Row and column of its first pixel, which may lie outside.

    Returns:
        Rows and columns in the larger picture and in the other; None where they do not meet.
    """
    low = [max(first, 0) for first in corner]
    high = [min(first + n, size) for first, n, size in zip(corner, part, whole, strict=True)]
    if high[0] <= low[0] or high[1] <= low[1]:
        return None
    row, column = corner
    there = slice(low[0], high[0]), slice(low[1], high[1])
    return there, (slice(low[0] - row, high[0] - row), slice(low[1] - column, high[1] - column))
