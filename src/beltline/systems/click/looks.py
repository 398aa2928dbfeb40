"""Where a click model looks in training: a square of a bag around a click, warped and recoloured.

Half of the looks are as wide as the first one in use, around the click; half are as close as the second,
around the box of a first mask, which may have been the object, only a part of it, or its neighbour as well,
so that objects are cut off as they are in use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.metrics.clicks import random_clicks
from beltline.screening.click_windows import MIN_SIDE, NESTED, Box, ClickWindow, energy_channels
from beltline.training.augment import AugmentationRange, apply_to_pixels, sample_augmentation, warp

Rng = np.random.Generator
Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Point = tuple[float, float]

# Side of a wide look, of the longer side of the bag: from a little closer than in use, 0.6, to wide enough to
# show a thing as small as it is in luggage twice the size of ours.
FIRST_SHARES = (0.45, 1.5)
MARGINS = (1.15, 1.9)  # side of a close look, of the longer side of what it is around
WIDE_SHIFT, CLOSE_SHIFT = 0.08, 0.2  # of the side
REACH = 0.44  # of the side: how far from the middle the click may lie
AROUND_PART, AROUND_GROUP = 0.15, 0.15
SPARE = 0.15  # of the side, on every side: what a tilt or a stretch may bring in


@dataclass(frozen=True, eq=False)
class Look:
    """A square of a bag, ready to be cut.

    Attributes:
        picture: (3, E, E) uint8, as a scanner might have shown it.
        energies: (2, E, E) uint8.
        nested: (3, E, E) uint8 coverage times 255, in the order of `NESTED`.
        click: xy, pixels of the picture; pixel centres are integers.
        window: What the network sees of it.
        close: Whether it is a second look.
    """

    picture: Pixels
    energies: Pixels
    nested: Pixels
    click: Point
    window: ClickWindow
    close: bool

    @property
    def mask(self) -> Mask:
        """The object (E, E)."""
        return np.asarray(self.nested[NESTED.index("object")] > 127)


@dataclass(frozen=True, eq=False)
class Bag:
    """A bag.

    Attributes:
        picture: (3, H, W) uint8.
        energies: (2, H, W) uint8; None to make them from the colours.
        box: xyxy.
    """

    picture: Pixels
    energies: Pixels | None
    box: Box


@dataclass(frozen=True)
class Square:
    """Where to look: left and top, side, pixels of the bag's picture."""

    left: int
    top: int
    side: int


def interior_click(rng: Rng, mask: Mask) -> tuple[int, int]:
    """A pixel of the object, not at its edge."""
    x, y = random_clicks(mask, 1, rng=rng)[0]
    return int(x), int(y)


def wide_square(rng: Rng, click: Point, bag: Box) -> Square:
    """A first look."""
    longer = max(bag[2] - bag[0], bag[3] - bag[1])
    side = max(round(longer * math.exp(rng.uniform(*np.log(FIRST_SHARES)))), MIN_SIDE)
    return _square(np.array(click) + 0.5 + side * rng.uniform(-WIDE_SHIFT, WIDE_SHIFT, 2), click, side)


def close_square(rng: Rng, click: Point, nested: Mask) -> Square:
    """A second look, around one of the nested masks (3, H, W)."""
    part, group = AROUND_PART, 1 - AROUND_GROUP
    chance = rng.random()
    seen = nested[0 if chance < part else 2 if chance > group else 1]
    columns, rows = np.flatnonzero(seen.any(0)), np.flatnonzero(seen.any(1))
    low = np.array([columns[0], rows[0]])
    high = np.array([columns[-1] + 1, rows[-1] + 1])
    side = max(round(float((high - low).max()) * rng.uniform(*MARGINS)), MIN_SIDE)
    shift = side * rng.uniform(-CLOSE_SHIFT, CLOSE_SHIFT, 2)
    return _square((low + high) / 2 + shift, click, side)


def _square(middle: NDArray[Any], click: Point, side: int) -> Square:
    reach = REACH * side
    middle = np.clip(middle, np.array(click) + 0.5 - reach, np.array(click) + 0.5 + reach)
    left, top = np.round(middle - side / 2).astype(int)
    return Square(int(left), int(top), side)


@dataclass(frozen=True)
class Lens:
    """How what is in a square reaches the network.

    Attributes:
        size: Pixels of the network's image along each side.
        ranges: Of flips, turns and colours; nothing is enlarged or shifted here.
    """

    size: int
    ranges: AugmentationRange

    def look(self, rng: Rng, square: Square, bag: Bag, nested: Mask, click: Point, *, close: bool) -> Look:
        """Cut, warp and recolour.

        Args:
            rng: Source of chance.
            square: Where.
            bag: Of what.
            nested: (3, H, W).
            click: xy on the object.
            close: Whether it is a second look.
        """
        spare = round(SPARE * square.side)
        left, top, extent = square.left - spare, square.top - spare, square.side + 2 * spare
        size = (extent, extent)
        aug = sample_augmentation(rng, self.ranges, source=size, output=size)
        colours = apply_to_pixels(_cut(bag.picture, left, top, extent, 255), aug, size)
        seen = np.ascontiguousarray(np.moveaxis(colours, 2, 0))
        if bag.energies is None:
            energies = energy_channels(seen)
        else:
            warped = warp(_cut(bag.energies, left, top, extent, 255), aug.matrix, size, outside=255)
            energies = np.ascontiguousarray(np.moveaxis(warped, 2, 0))
        masks = _cut(nested.astype(np.uint8) * 255, left, top, extent, 0)
        masks = np.moveaxis(warp(masks, aug.matrix, size, outside=0), 2, 0)
        x, y, _ = aug.matrix @ [click[0] - left + 0.5, click[1] - top + 0.5, 1.0]
        edge = spare + 1, spare + square.side - 2
        place = float(np.clip(x - 0.5, *edge)), float(np.clip(y - 0.5, *edge))
        window = ClickWindow(spare, spare, square.side, self.size)
        return Look(seen, energies, np.ascontiguousarray(masks), place, window, close)


def _cut(planes: Pixels, left: int, top: int, extent: int, outside: int) -> Pixels:
    """A square (E, E, C) of planes (C, H, W)."""
    height, width = planes.shape[1:]
    square = np.full((extent, extent, len(planes)), outside, np.uint8)
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + extent, width), min(top + extent, height)
    if x1 < x2 and y1 < y2:
        inside = np.moveaxis(planes[:, y1:y2, x1:x2], 0, 2)
        square[y1 - top : y2 - top, x1 - left : x2 - left] = inside
    return square
