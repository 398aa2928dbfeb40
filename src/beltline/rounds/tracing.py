"""An outline drawn by hand: the fewest vertices that reach an IoU, set by a hand that shakes.

This is annotation without a model, so the hand is given every advantage: it knows the best polygon of any
number of vertices beforehand, and stops at the first that is good enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.core.polygons import Polygon, drawn_polygons, outlines_of
from beltline.metrics.segmentation import mask_iou

Mask = NDArray[np.bool_]
MOST, AIR = 120, 8  # vertices; pixels around the object


@dataclass(frozen=True, eq=False)
class Traced:
    """An outline.

    Attributes:
        mask: (H, W) that it encloses.
        vertices: Points of all its rings.
    """

    mask: Mask
    vertices: int


def traced(truth: Mask, rng: np.random.Generator, *, goal: float = 0.9, jitter_px: float = 1.0) -> Traced:
    """The outline of an object with the fewest vertices that reach the goal.

    Args:
        truth: (H, W) bool, not empty.
        rng: Of the hand.
        goal: IoU to stop at. Of an object too small for a shaking hand, the best outline tried.
        jitter_px: Standard deviation of each vertex along x and y.

    Example:
        >>> square = np.zeros((90, 90), bool); square[20:70, 20:70] = True
        >>> traced(square, np.random.default_rng(0), jitter_px=0).vertices
        4
    """
    lines = mask_window(truth, AIR)
    inside, best, reached = truth[lines], None, -1.0
    for polygons, vertices in _finer(inside):
        drawn = drawn_polygons(shaken(polygons, rng, jitter_px), inside.shape)
        iou = mask_iou(inside, drawn)
        if iou > reached:
            best, reached = (drawn, vertices), iou
        if iou >= goal:
            break
    assert best is not None  # an object has an outline
    mask = np.zeros(truth.shape, bool)
    mask[lines] = best[0]
    return Traced(mask, best[1])


def _finer(mask: Mask) -> Iterator[tuple[tuple[Polygon, ...], int]]:
    """Polygons of more and more vertices, and how many."""
    allowed, last = 4, 0
    while allowed <= MOST:
        polygons, _ = outlines_of(mask, allowed)
        vertices = sum(len(ring) for polygon in polygons for ring in polygon)
        if vertices > last:
            yield polygons, vertices
        last = max(last, vertices)
        allowed += 1 if allowed < 24 else 4


def shaken(polygons: tuple[Polygon, ...], rng: np.random.Generator, jitter_px: float) -> tuple[Polygon, ...]:
    """Polygons with every vertex set by a hand whose standard deviation is so many pixels."""

    def ring(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        moved = np.asarray(points) + rng.normal(0, jitter_px, (len(points), 2))
        return [(float(x), float(y)) for x, y in moved]

    return tuple(tuple(ring(points) for points in polygon) for polygon in polygons)
