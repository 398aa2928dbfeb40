"""What a user, a first look or a detector gives: clicks, a mask so far, a box, none of them perfect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.point_generator import PointGenerator, click_region
from beltline.metrics.clicks import random_clicks
from beltline.screening.click_windows import Box
from beltline.systems.click.looks import Look, Mask, Rng

Points = Literal["apg", "random", "none"]
Soft = NDArray[np.float32]

MASK_AT_FIRST, MASK_CLOSE = 0.2, 0.6  # probability of a mask so far
MENDS = 0.35  # probability that the click mends the mask instead of lying anywhere on the object
ADDED = 0.7  # probability that a second look at a mask has the two added points
BOX_ALONE = 0.5  # of the prompts with a box
BESIDE = 0.15  # probability of clicks beside the object
JITTER = 0.08  # of a box's sides
BLURRED = 0.5


@dataclass(frozen=True, eq=False)
class Prompt:
    """What is given, in pixels of a `Look`.

    Attributes:
        points: (N, 2) xy, pixel centres are integers.
        labels: (N,) 1 on the object, 0 beside it.
        previous: (E, E) in [0, 1], or None.
        box: xyxy, or None.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int64]
    previous: Soft | None = None
    box: Box | None = None


def draw_prompt(rng: Rng, look: Look, points: Points, boxes: float) -> Prompt:
    """A prompt for the object of a look.

    Args:
        rng: Source of chance.
        look: What is looked at.
        points: What a second look adds to the click, see `beltline.screening.click.ClickSettings`.
        boxes: Probability of a box around the object; every second box is all that is given.
    """
    box = _shaken_box(rng, look.mask) if rng.random() < boxes else None
    if box is not None and rng.random() < BOX_ALONE:
        return Prompt(np.zeros((0, 2)), np.zeros(0, np.int64), None, box)
    has_mask = rng.random() < (MASK_CLOSE if look.close else MASK_AT_FIRST)
    previous = damaged(rng, look) if has_mask else None
    clicks = [(*look.click, 1)]
    if previous is not None and rng.random() < MENDS:
        clicks = [wrong_place(rng, look.mask & _framed(look), (previous > 0.5) & _framed(look)) or clicks[0]]
    elif previous is not None and look.close and rng.random() < ADDED:
        clicks += [(x, y, 1) for x, y in added_points(rng, look, previous, points)]
    if rng.random() < BESIDE:
        clicks += [(x, y, 0) for x, y in beside(rng, look)]
    table = np.array(clicks, np.float64)
    return Prompt(table[:, :2], table[:, 2].astype(np.int64), previous, box)


def damaged(rng: Rng, look: Look) -> Soft:
    """A first mask of the object as a model might give it: the wrong one of the nested, moved, grown, cut."""
    kind = rng.choice(3, p=[0.25, 0.6, 0.15])
    mask = (look.nested[kind] > 127).astype(np.uint8)
    extent = max(3.0, float(np.sqrt(mask.sum())))
    if rng.random() < 0.4:
        dx, dy = rng.normal(0, 0.08 * extent, 2)
        mask = cv2.warpAffine(mask, np.array([[1, 0, dx], [0, 1, dy]]), mask.shape[::-1])
    if rng.random() < 0.5:
        radius = int(rng.integers(1, max(2, round(0.12 * extent)) + 1))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        grown = cv2.dilate(mask, disc) if rng.random() < 0.6 else cv2.erode(mask, disc)
        mask = grown if grown.any() else mask
    if rng.random() < 0.4:
        mask = _halved(rng, mask)
    soft = mask.astype(np.float32)
    if rng.random() < BLURRED:
        soft = cv2.GaussianBlur(soft, (0, 0), rng.uniform(0.5, 0.5 + 0.04 * extent))
    return np.asarray(soft, np.float32)


def _halved(rng: Rng, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What lies on one side of a line through a pixel of the mask; all of it where nothing would be left."""
    pixels = np.argwhere(mask)
    if not len(pixels):
        return mask
    y, x = pixels[rng.integers(len(pixels))]
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    kept = mask * (((columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)) >= 0).astype(np.uint8)
    return kept if kept.any() else mask


def wrong_place(rng: Rng, wanted: Mask, found: Mask) -> tuple[float, float, int] | None:
    """A click that mends: in the deeper of what is missed and what is too much, well inside it.

    Args:
        rng: Source of chance; every second click is the deepest place.
        wanted: (H, W).
        found: (H, W).

    Returns:
        x, y and 1 for missed or 0 for too much; None where nothing is wrong.

    Source:
        Sofiiuk et al., RITM (2021): clicks at random where the depth exceeds half of the deepest.
    """
    depths = [_depth(wanted & ~found), _depth(found & ~wanted)]
    deepest = [float(depth.max()) for depth in depths]
    if max(deepest) == 0:
        return None
    which = int(deepest[1] >= deepest[0])
    limit = deepest[which] if rng.random() < 0.5 else deepest[which] / 2
    places = np.argwhere(depths[which] >= max(limit, 1e-3))
    y, x = places[rng.integers(len(places))]
    return float(x), float(y), 1 - which


def _depth(region: Mask) -> NDArray[np.float32]:
    away = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(away, np.float32)


def added_points(rng: Rng, look: Look, previous: Soft, points: Points) -> NDArray[np.float64]:
    """The two points that a second look adds, of the first mask: right or wrong as that mask is."""
    if points == "none":
        return np.zeros((0, 2))
    if points == "apg":
        picture = look.picture.astype(np.float32) / 255
        seed = int(rng.integers(2**31))
        pair = PointGenerator().points(picture, previous, look.click, seed=seed)
        return np.asarray(pair, np.float64)
    pixels = np.argwhere(click_region(previous > 0.5, look.click))[:, ::-1]
    return np.asarray(pixels[rng.integers(len(pixels), size=2)], np.float64)


def beside(rng: Rng, look: Look) -> NDArray[np.float64]:
    """One or two clicks (N, 2) in the window but not on the object, every second one near it."""
    away = cv2.distanceTransform((~look.mask).astype(np.uint8), cv2.DIST_L2, 3)
    there = (away > 3) & _framed(look)
    near = there & (away < 0.12 * look.window.side)
    count = int(rng.integers(1, 3))
    chosen = near if rng.random() < 0.6 and near.any() else there
    if not chosen.any():
        return np.zeros((0, 2))
    return random_clicks(chosen, count, rng=rng, margin=0).astype(np.float64)


def _framed(look: Look) -> Mask:
    frame = np.zeros(look.mask.shape, bool)
    first, last = look.window.left, look.window.left + look.window.side
    frame[first:last, first:last] = True
    return frame


def _shaken_box(rng: Rng, mask: Mask) -> Box | None:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        return None
    sides: Any = np.array([width, height, width, height])
    x1, y1, x2, y2 = np.array([x, y, x + width, y + height]) + sides * rng.normal(0, JITTER / 2, 4)
    return float(x1), float(y1), float(max(x2, x1 + 1)), float(max(y2, y1 + 1))
