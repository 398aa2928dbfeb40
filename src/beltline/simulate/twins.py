"""Where a second thing of a kind comes to lie so that it touches the first one, or lies over a part of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beltline.core import overlap
from beltline.simulate.draws import Rng

TOUCHING = 0.5  # share of twins that just touch; the rest lie over each other
MOST_OVERLAP = 0.5  # of the smaller one's pixels
DIRECTIONS = 6  # tried until one leads to a place in the bag
MIN_DEPTH = 0.05
STEP_PX = 2


def corner_beside(
    rng: Rng,
    depth: NDArray[np.float32],
    corner: tuple[int, int],
    twin: NDArray[np.float32],
    canvas: Sequence[int],
    inner: Sequence[int],
) -> tuple[int, int] | None:
    """Slide a twin towards a thing from a random side until they overlap as much as was drawn.

    Args:
        rng: Source of chance.
        depth: (h, w) optical depth of the thing.
        corner: Row and column of its first pixel in the canvas.
        twin: (h, w) optical depth of the twin.
        canvas: (H, W) of the canvas.
        inner: (height, width) of the bag in pixels, in the middle of the canvas; the twin's middle stays in
            it.

    Returns:
        Row and column of the twin's first pixel; None where no side leads to a place in the bag.
    """
    first, second = depth > MIN_DEPTH, twin > MIN_DEPTH
    share = 0.0 if rng.random() < TOUCHING else rng.uniform(0, MOST_OVERLAP)
    wanted = share * min(int(first.sum()), int(second.sum()))
    middle = np.array(corner) + (np.array(depth.shape) - twin.shape) / 2
    for angle in rng.uniform(0, 2 * np.pi, DIRECTIONS):
        towards = np.array([np.sin(angle), np.cos(angle)])
        spot = _slid(first, corner, second, middle, towards, wanted)
        off = np.abs(spot + np.array(twin.shape) / 2 - np.array(canvas) / 2)
        if (off < np.array(inner) / 2).all():
            return int(spot[0]), int(spot[1])
    return None


def _slid(
    first: NDArray[np.bool_],
    corner: tuple[int, int],
    second: NDArray[np.bool_],
    middle: NDArray[np.float64],
    towards: NDArray[np.float64],
    wanted: float,
) -> NDArray[np.int64]:
    """The farthest place along a direction, from the middle, at which more than ``wanted`` pixels meet."""
    reach = int(np.hypot(*(np.array(first.shape) + second.shape))) // 2
    for away in range(reach, 0, -STEP_PX):
        spot = np.round(middle + towards * away).astype(int)
        met = overlap(first.shape, second.shape, spot - np.array(corner))
        if met is not None and np.count_nonzero(first[met[0]] & second[met[1]]) > wanted:
            return spot
    return np.round(middle).astype(int)
