"""What a click model looks at: a square window of a scan, its energy channels, a guide with the clicks.

Training and use both come through here, so that they feed the same tensors. NumPy and OpenCV only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core.errors import ShapeError

Image = NDArray[np.float32]
Box = tuple[float, float, float, float]  # xyxy, pixels of the picture

STRIDE = 4  # pixels of the network's image a pixel of guide and logits
GUIDE = ("positive", "negative", "previous", "box")
#: Candidates of the answer, small to large: the material clicked, the object, all of its kind that touch.
NESTED = ("part", "object", "group")
RADIUS = 6.0  # of the disc around a click, pixels of the network's image
FIRST_SHARE = 0.6  # side of the first window, of the longer side of the bag
ZOOM_MARGIN = 1.4  # side of the second window, of the longer side of the first mask
WIDER = 1.6  # side of a window, of the side of one that cut the object off
MIN_SIDE = 48  # pixels; a smaller window would only show the same pixels larger


@dataclass(frozen=True)
class ClickWindow:
    """A square of a picture, brought to the network's size; what sticks out of the picture is air.

    Attributes:
        left: First column, pixels of the picture; may be negative.
        top: First row.
        side: Pixels of the picture along each side.
        size: Pixels of the network's image along each side, a multiple of 32.

    Example:
        >>> window = ClickWindow(left=-10, top=0, side=128, size=64)
        >>> window.cut(np.zeros((3, 100, 100), np.float32), air=1.0)[0, 0, [0, 4, 6, 63]].tolist()
        [1.0, 1.0, 0.0, 1.0]
    """

    left: int
    top: int
    side: int
    size: int

    def __post_init__(self) -> None:
        if self.side < 1 or self.size < 32 or self.size % 32:
            raise ValueError(
                f"side must be positive and size a multiple of 32, got {self.side} and {self.size}"
            )

    @property
    def scale(self) -> float:
        """Pixels of the network's image a pixel of the picture."""
        return self.size / self.side

    def cut(self, planes: NDArray[Any], air: float) -> Image:
        """The window of planes (C, H, W), as (C, size, size) float32.

        Args:
            planes: uint8 comes out divided by 255, floats as they are.
            air: Value outside the picture, as it comes out.
        """
        channels, height, width = planes.shape
        divisor = 255.0 if planes.dtype == np.uint8 else 1.0
        square = np.full((self.side, self.side, channels), air * divisor, planes.dtype)
        met = self._met(height, width)
        if met is not None:
            there, here = met
            square[there] = np.moveaxis(planes[(slice(None), *here)], 0, 2)
        shrinks = self.size < self.side
        small = cv2.resize(
            square, (self.size, self.size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        small = small.reshape(self.size, self.size, channels)  # OpenCV drops a single channel
        return np.ascontiguousarray(np.moveaxis(small, 2, 0), np.float32) / np.float32(divisor)

    def to_window(self, points: ArrayLike) -> NDArray[np.float64]:
        """Places (N, 2) xy of the picture in pixels of the network's image; pixel edges are integers."""
        corner = np.array([self.left, self.top], np.float64)
        return (np.asarray(points, np.float64).reshape(-1, 2) - corner) * self.scale

    def to_picture(self, box: Box) -> Box:
        """A box of the network's image in pixels of the picture."""
        x1, y1, x2, y2 = np.array(box) / self.scale + np.tile([self.left, self.top], 2)
        return float(x1), float(y1), float(x2), float(y2)

    def cuts_off(self, box: Box, shape: tuple[int, int]) -> bool:
        """Whether a box of the picture reaches a side beyond which the picture (H, W) goes on."""
        near = 2 / self.scale
        starts = ((box[0], self.left), (box[1], self.top))
        ends = ((box[2], self.left + self.side, shape[1]), (box[3], self.top + self.side, shape[0]))
        return any(side > 0 and at <= side + near for at, side in starts) or any(
            side < last and at >= side - near for at, side, last in ends
        )

    def guide(
        self,
        points: ArrayLike,
        labels: Sequence[int] | NDArray[Any],
        *,
        previous: NDArray[Any] | None = None,
        box: Box | None = None,
    ) -> Image:
        """Clicks, mask and box as maps (4, size / 4, size / 4) float32 in [0, 1], in the order of `GUIDE`.

        Args:
            points: (N, 2) xy, whole pixels of the picture; N may be 0.
            labels: (N,): 1 on the object, 0 beside it; others are left out.
            previous: (H, W) of the picture in [0, 1] or bool, the mask so far.
            box: A box around the object, pixels of the picture.

        Raises:
            ShapeError: If points and labels differ in number.
        """
        cells = self.size // STRIDE
        placed = self.to_window(np.asarray(points, np.float64).reshape(-1, 2) + 0.5)
        labels = np.asarray(labels).reshape(-1)
        if len(placed) != len(labels):
            raise ShapeError(f"expected a label for each point, got {len(placed)} and {len(labels)}")
        maps = np.zeros((4, cells, cells), np.float32)
        centres = (np.arange(cells) + 0.5) * STRIDE
        for (x, y), label in zip(placed, labels, strict=True):
            if label in (0, 1):
                away = np.hypot(centres[None, :] - x, centres[:, None] - y) / RADIUS
                np.maximum(maps[1 - int(label)], np.clip(2 - 2 * away, 0, 1), out=maps[1 - int(label)])
        if previous is not None:
            maps[2] = _shrunk(self.cut(np.asarray(previous, np.float32)[None], air=0.0)[0], cells)
        if box is not None:
            (x1, y1), (x2, y2) = self.to_window([box[:2], box[2:]])
            across = np.clip((np.minimum(centres + 2, x2) - np.maximum(centres - 2, x1)) / STRIDE, 0, 1)
            down = np.clip((np.minimum(centres + 2, y2) - np.maximum(centres - 2, y1)) / STRIDE, 0, 1)
            maps[3] = down[:, None] * across[None, :]
        return maps

    def paste(self, probs: NDArray[Any], shape: tuple[int, int]) -> Image:
        """Probabilities (h, w) of the window as a picture (H, W) float32, 0 outside the window."""
        square = cv2.resize(
            np.asarray(probs, np.float32), (self.side, self.side), interpolation=cv2.INTER_LINEAR
        )
        picture = np.zeros(shape, np.float32)
        met = self._met(*shape)
        if met is not None:
            there, here = met
            picture[here] = square[there]
        return picture

    def _met(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        # rows and columns in the window, and in the picture
        x1, y1 = max(self.left, 0), max(self.top, 0)
        x2, y2 = min(self.left + self.side, width), min(self.top + self.side, height)
        if x1 >= x2 or y1 >= y2:
            return None
        there = np.s_[y1 - self.top : y2 - self.top, x1 - self.left : x2 - self.left]
        return there, np.s_[y1:y2, x1:x2]


def first_window(click: tuple[float, float], bag: tuple[int, int], size: int) -> ClickWindow:
    """The window around a first click: more than half of the bag, so that any object fits.

    Args:
        click: xy, pixels of the picture.
        bag: Width and height of the bag, pixels of the picture.
        size: Of the network's image.
    """
    side = max(round(FIRST_SHARE * max(bag)), MIN_SIDE)
    return ClickWindow(round(click[0] - side / 2), round(click[1] - side / 2), side, size)


def zoom_window(box: Box, size: int, margin: float = ZOOM_MARGIN) -> ClickWindow:
    """The window around a first mask, by its box.

    Args:
        box: xyxy, pixels of the picture.
        size: Of the network's image.
        margin: Side of the window, of the longer side of the box.
    """
    x1, y1, x2, y2 = box
    side = max(round(margin * max(x2 - x1, y2 - y1)), MIN_SIDE)
    return ClickWindow(round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side, size)


def wider_window(window: ClickWindow, box: Box) -> ClickWindow:
    """A larger window around what another one cut off.

    Args:
        window: The other one.
        box: xyxy of what it shows of the object, pixels of the picture.
    """
    x1, y1, x2, y2 = box
    side = round(WIDER * window.side)
    return ClickWindow(round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side, window.size)


def energy_channels(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Largest and smallest colour (2, H, W) of a picture (3, H, W): the paper's proxy of two energies.

    Source:
        XSeg (CVPR 2026, arXiv 2604.03706), energy-aware encoder. Of a dual-energy scan the two
        transmissions, high and low, take their place.
    """
    return np.stack([picture.max(axis=0), picture.min(axis=0)])


def _shrunk(plane: Image, cells: int) -> Image:
    return np.asarray(cv2.resize(plane, (cells, cells), interpolation=cv2.INTER_AREA), np.float32)
