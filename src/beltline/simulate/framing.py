"""A composed bag photographed and laid into a canvas of fixed size, as training shards show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import dual_energy_transmission, whiten_background
from beltline.simulate.composed import Composed
from beltline.simulate.draws import Rng
from beltline.simulate.photograph import Look, check_style, draw_look, photograph

# Numbers of the looks in ``style.npy``; a new look goes to the end, so that old shards read as before.
STYLE_NUMBERS = ("random", "grey", "tray", "white", "unseen", "olive")
Styles = tuple[tuple[str, float], ...]
MIXED_STYLES: Styles = (("random", 0.6), ("any", 0.4))


@dataclass(frozen=True)
class Frame:
    """Where a bag lies in a canvas.

    Attributes:
        shape: (H, W) of the canvas.
        turned: Whether the bag is laid on its side: rows become columns.
        bag: (h, w) of the bag's own canvas, after it was turned.
        size: (h, w) of the bag in the canvas.
        corner: Row and column of its first pixel there.
    """

    shape: tuple[int, int]
    turned: bool
    bag: tuple[int, int]
    size: tuple[int, int]
    corner: tuple[int, int]

    @property
    def lines(self) -> tuple[slice, slice]:
        """Rows and columns of the bag in the canvas."""
        (top, left), (h, w) = self.corner, self.size
        return slice(top, top + h), slice(left, left + w)

    def lay(self, plane: NDArray[Any], air: float = 0) -> NDArray[Any]:
        """A map of the bag (h, w) or (h, w, C) in the canvas, averaged over the pixels it loses."""
        if self.turned:
            plane = np.ascontiguousarray(plane.swapaxes(0, 1))
        canvas = np.full((*self.shape, *plane.shape[2:]), air, plane.dtype)
        canvas[self.lines] = cv2.resize(plane, self.size[::-1], interpolation=cv2.INTER_AREA)
        return canvas

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (N, 4) xyxy of the bag in pixels of the canvas."""
        if self.turned:
            boxes = boxes[:, [1, 0, 3, 2]]
        stretch = np.array([self.size[1] / self.bag[1], self.size[0] / self.bag[0]] * 2)
        return np.asarray(boxes * stretch + np.array(self.corner[::-1] * 2))


@dataclass(frozen=True, eq=False)
class FramedPicture:
    """A photographed bag and the frame it belongs into.

    Attributes:
        rgb: (h, w, 3) uint8 of the bag, white = air.
        low: (h, w) float32 measured transmission of low energy.
        high: Of high energy.
        clear_low: Of low energy, without noise and blur.
        style: Name of the look.
        frame: Where it lies in the canvas.
    """

    rgb: NDArray[np.uint8]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    clear_low: NDArray[np.float32]
    style: str
    frame: Frame


def check_styles(styles: Styles) -> None:
    """Refuse looks or shares that nothing can be drawn from.

    Raises:
        ValueError: For an unknown look, a share below 0, or none above it.
    """
    for style, share in styles:
        check_style(style)
        if not 0 <= share < math.inf:
            raise ValueError(f"share of style {style} must be a number from 0, got {share}")
    if not sum(share for _, share in styles):
        raise ValueError("shares of styles must not all be 0")


def look_of(rng: Rng, styles: Styles) -> Look:
    """A look, its style drawn by the shares."""
    names, shares = zip(*styles, strict=True)
    return draw_look(rng, str(rng.choice(names, p=np.array(shares) / sum(shares))))


def framed_picture(rng: Rng, bag: Composed, styles: Styles, shape: tuple[int, int]) -> FramedPicture:
    """Photograph a bag in a drawn look and draw where it lies in a canvas of the shape (H, W)."""
    look = look_of(rng, styles)
    low, high = dual_energy_transmission(bag.basis)
    photo = photograph(low, high, look, rng)
    frame = _draw_frame(rng, photo.rgb.shape, shape)
    return FramedPicture(whiten_background(photo.rgb), photo.low, photo.high, low, look.name, frame)


def _draw_frame(rng: Rng, bag: Sequence[int], shape: tuple[int, int]) -> Frame:
    """A bag lies along the canvas and fills most of it, anywhere."""
    turned = bag[0] > bag[1]
    height, width = (bag[1], bag[0]) if turned else (bag[0], bag[1])
    scale = min(shape[0] / height, shape[1] / width) * rng.uniform(0.8, 1.0)
    size = max(int(height * scale), 8), max(int(width * scale), 8)
    top = int(rng.integers(0, shape[0] - size[0] + 1))
    left = int(rng.integers(0, shape[1] - size[1] + 1))
    return Frame(shape, turned, (height, width), size, (top, left))
