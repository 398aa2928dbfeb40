"""A mask mended by outlines around what is wrong: added where it misses, cut off where it is too much.

What CVAT and Label Studio offer as polygon, brush and eraser on a mask. As in `beltline.rounds.tracing`, the
hand is given every advantage, and shakes.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.core.polygons import Polygon, drawn_polygons, outlines_of
from beltline.metrics.segmentation import mask_iou
from beltline.rounds.tracing import AIR, Traced, shaken

Mask = NDArray[np.bool_]
VERTICES = range(4, 25)  # of one outline
REACHES = (0, 2, 4, 8)  # pixels by which an outline may lead through what needs no change: where it is easy
ENOUGH = 0.8  # of a region's pixels: then more vertices are not worth it
CRUMB = 8  # pixels: nobody outlines less


def mended(
    truth: Mask, mask: Mask, rng: np.random.Generator, *, goal: float = 0.9, jitter_px: float = 1.0, most: int
) -> Traced | None:
    """The mask after outlines around its largest errors, one after the other, until it is good.

    Args:
        truth: (H, W) bool, not empty.
        mask: (H, W) bool, what is there.
        rng: Of the hand.
        goal: IoU to stop at.
        jitter_px: Standard deviation of each vertex along x and y.
        most: Vertices that may be spent.

    Returns:
        The mask and the vertices of all outlines; None where the goal is not reached with so many.

    Example:
        >>> truth = np.zeros((60, 90), bool); truth[20:40, 20:70] = True
        >>> half = truth.copy(); half[:, 50:] = False
        >>> mended(truth, half, np.random.default_rng(0), jitter_px=0, most=20).vertices
        4
    """
    lines = mask_window(truth | mask, AIR)
    inside, found, vertices = truth[lines], mask[lines].copy(), 0
    while mask_iou(inside, found) < goal:
        stroke = _stroke(inside, found, rng, goal, jitter_px)
        if stroke is None or vertices + stroke[1] > most:
            return None
        found, vertices = stroke[0], vertices + stroke[1]
    whole = np.zeros(truth.shape, bool)
    whole[lines] = found
    return Traced(whole, vertices)


def _stroke(
    truth: Mask, mask: Mask, rng: np.random.Generator, goal: float, jitter_px: float
) -> tuple[Mask, int] | None:
    """The mask after one outline around its largest error, and the vertices; None where none helps.

    The fewest vertices that reach the goal, or else those that bring most each; chosen before the hand
    shakes, because the luckiest of many shakes would be no hand.
    """
    region, missed = _largest_error(truth, mask)
    if region.sum() < CRUMB:
        return None
    wrong = int((truth ^ mask).sum())
    free = truth & mask if missed else ~(truth | mask)
    best, worth = None, 0.0
    reaching: tuple[tuple[Polygon, ...], int] | None = None
    for polygons, vertices, drawn in _outlines(region, free):
        changed = _changed(mask, drawn, missed)
        gain = wrong - int((truth ^ changed).sum())
        if gain / vertices > worth:
            best, worth = (polygons, vertices), gain / vertices
        if mask_iou(truth, changed) >= goal and (reaching is None or vertices < reaching[1]):
            reaching = polygons, vertices
    chosen = reaching or best
    if chosen is None:
        return None
    drawn = drawn_polygons(shaken(chosen[0], rng, jitter_px), truth.shape)
    return _changed(mask, drawn, missed), chosen[1]


def _changed(mask: Mask, drawn: Mask, missed: bool) -> Mask:
    return mask | drawn if missed else mask & ~drawn


def _outlines(region: Mask, free: Mask) -> Iterator[tuple[tuple[Polygon, ...], int, Mask]]:
    """Outlines around a region, their vertices and what they enclose; for each reach the fewest first."""
    area = int(region.sum())
    for reach in REACHES:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
        around = region | ((cv2.dilate(region.astype(np.uint8), disc) > 0) & free)
        for allowed in VERTICES:
            polygons, _ = outlines_of(around, allowed)
            vertices = sum(len(ring) for polygon in polygons for ring in polygon)
            if not vertices:
                continue
            drawn = drawn_polygons(polygons, region.shape)
            yield polygons, vertices, drawn
            if int((drawn & region).sum()) - int((drawn & ~region & ~free).sum()) >= ENOUGH * area:
                break


def _largest_error(truth: Mask, mask: Mask) -> tuple[Mask, bool]:
    """The largest connected region that is wrong, and whether it is missed, not too much."""
    found, largest, missed = np.zeros(truth.shape, bool), 0, True
    for wrong, is_missed in ((truth & ~mask, True), (mask & ~truth, False)):
        _, parts, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=8)
        areas = stats[1:, cv2.CC_STAT_AREA]
        if len(areas) and areas.max() > largest:
            found, largest, missed = parts == 1 + areas.argmax(), int(areas.max()), is_missed
    return np.asarray(found, np.bool_), missed
