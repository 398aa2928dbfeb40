"""Which window of a scan an item is painted in, which of its latents, and what can be painted at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beltline.core.square_window import SquareWindow, window_around
from beltline.synthesis.diffusion.promptable import Box
from beltline.synthesis.diffusion.window_painter import WindowPainter

Floats = NDArray[np.float32]


def window_of(shape: tuple[int, int], box: Box, painter: WindowPainter) -> SquareWindow:
    """The window around a box, or the whole scan (H, W) in the middle of a square, as the painter likes."""
    if not painter.whole:
        return window_around(box, painter.size)
    side = max(shape)
    return SquareWindow((shape[0] - side) // 2, (shape[1] - side) // 2, side, painter.size)


def cells_of(window: SquareWindow, box: Box, cell: int) -> Floats:
    """(S, S) float32: 1 in the latents, of so many pixels, that a box of the scan touches.

    Example:
        >>> cells_of(SquareWindow(0, 0, 32, 32), (9, 0, 12, 3), 8).sum(1)[[0, 7, 8]].tolist()
        [8.0, 8.0, 0.0]
    """
    x1, y1, x2, y2 = (int(value) for value in np.clip(_whole(window, box, cell), 0, window.size))
    weight = np.zeros((window.size, window.size), np.float32)
    weight[y1:y2, x1:x2] = 1
    return weight


def painted_box(window: SquareWindow, box: Box, cell: int) -> Box:
    """What may change in the scan, xyxy pixels: the whole latents of a box, and what resizing mixes in."""
    x1, y1, x2, y2 = (float(v) for v in window.box_outside(_whole(window, box, cell).tolist()))
    rim = 1 + 1 / window.scale
    return x1 - rim, y1 - rim, x2 + rim, y2 + rim


def apart(places: Sequence[tuple[SquareWindow, Box]], cell: int) -> list[list[int]]:
    """Batches of places (by number) where what may change does not meet, each as early as it can."""
    batches: list[list[int]] = []
    boxes = [painted_box(window, box, cell) for window, box in places]
    for number, box in enumerate(boxes):
        free = (batch for batch in batches if not any(_meet(box, boxes[other]) for other in batch))
        batch = next(free, None)
        if batch is None:
            batches.append([number])
        else:
            batch.append(number)
    return batches


def _whole(window: SquareWindow, box: Box, cell: int) -> Floats:
    inside = window.box_inside(box) / np.float32(cell)
    return np.asarray(np.concatenate([np.floor(inside[:2]), np.ceil(inside[2:])]) * cell, np.float32)


def _meet(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
