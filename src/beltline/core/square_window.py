"""A square of a scan around a box, brought to one size and back: where a threat is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.boxes import overlap

Floats = NDArray[np.float32]
SHARE = 0.5  # of the window's side that the longer side of the box takes
LEAST_SIDE = 96  # pixels of the scan; a smaller window would only show the same pixels larger


@dataclass(frozen=True)
class SquareWindow:
    """A square of a scan; what sticks out of the scan is air.

    Attributes:
        top: First row, pixels of the scan; may be negative.
        left: First column.
        side: Pixels of the scan along each side.
        size: Pixels of the picture that it is brought to.

    Raises:
        ValueError: If side or size is not positive.

    Example:
        >>> window = SquareWindow(top=0, left=-10, side=128, size=64)
        >>> window.cut(np.zeros((1, 100, 100), np.float32), air=1.0)[0, 0, [0, 4, 6, 63]].tolist()
        [1.0, 1.0, 0.0, 1.0]
        >>> window.box_inside((0, 0, 20, 10)).tolist()
        [5.0, 0.0, 15.0, 5.0]
    """

    top: int
    left: int
    side: int
    size: int

    def __post_init__(self) -> None:
        if self.side < 1 or self.size < 1:
            raise ValueError(f"side and size must be positive, got {self.side} and {self.size}")

    @property
    def scale(self) -> float:
        """Pixels of the picture a pixel of the scan."""
        return self.size / self.side

    def cut(self, planes: NDArray[Any], air: float) -> Floats:
        """The window of planes (C, H, W), as (C, size, size) float32; ``air`` is the value outside."""
        square = np.full((planes.shape[0], self.side, self.side), air, np.float32)
        met = overlap(planes.shape[1:], square.shape[1:], (self.top, self.left))
        if met is not None:
            there, here = met
            square[(slice(None), *here)] = planes[(slice(None), *there)]
        return _resized(square, self.size)

    def put(self, planes: Floats, square: Floats, weight: Floats | None = None) -> Floats:
        """Planes (C, H, W) with the window laid back into them.

        Args:
            planes: Stays as it is.
            square: (C, size, size).
            weight: (size, size) share of the window that counts, in [0, 1]; all of it if None.
        """
        found = planes.copy()
        met = overlap(planes.shape[1:], (self.side, self.side), (self.top, self.left))
        if met is None:
            return found
        there, here = met
        new = _resized(square, self.side)[(slice(None), *here)]
        share: Any = 1.0 if weight is None else _resized(weight[None], self.side)[(slice(None), *here)]
        old = planes[(slice(None), *there)]
        found[(slice(None), *there)] = old + share * (new - old)
        return found

    def box_inside(self, box: Sequence[float]) -> Floats:
        """A box of the scan, xyxy pixels, in pixels of the picture."""
        corner = np.array([self.left, self.top] * 2)
        return np.asarray((np.asarray(box) - corner) * self.scale, np.float32)

    def box_outside(self, box: Sequence[float]) -> Floats:
        """A box of the picture in pixels of the scan."""
        corner = np.array([self.left, self.top] * 2)
        return np.asarray(np.asarray(box) / self.scale + corner, np.float32)


def window_around(
    box: Sequence[float],
    size: int,
    *,
    share: float = SHARE,
    shift: tuple[float, float] = (0.0, 0.0),
    least: int = LEAST_SIDE,
) -> SquareWindow:
    """The window in which a threat is painted into a box.

    Args:
        box: xyxy pixels of the scan.
        size: Pixels of the picture.
        share: Of the window's side that the longer side of the box takes.
        shift: Of the window against the box's centre, right and down, as a share of what keeps the box in.
        least: Shortest side of the window, pixels of the scan.

    Example:
        >>> window_around((100, 100, 200, 140), 256)
        SquareWindow(top=20, left=50, side=200, size=256)
    """
    x1, y1, x2, y2 = (float(v) for v in box)
    longest = max(x2 - x1, y2 - y1)
    side = max(round(longest / share), least)
    free_x, free_y = (side - (x2 - x1)) / 2, (side - (y2 - y1)) / 2
    left = (x1 + x2 - side) / 2 + shift[0] * free_x
    top = (y1 + y2 - side) / 2 + shift[1] * free_y
    return SquareWindow(round(top), round(left), side, size)


def _resized(planes: Floats, size: int) -> Floats:
    if planes.shape[1] == size:
        return planes
    how = cv2.INTER_AREA if size < planes.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(plane, (size, size), interpolation=how) for plane in planes])
