"""Two points of a soft mask: what is within it falls into two clusters, and the points lie farthest apart.

Pure NumPy and OpenCV, the same on every machine for one seed.

Source:
    XSeg (CVPR 2026, arXiv 2604.03706), adaptive point generator. The paper gives the order of its steps;
    features, distance and snapping are reconstructed. The released code is another (`PointGenerator.oracle`):
    it clusters the colours under the true mask, in training and in evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.errors import ShapeError

Features = Literal["colour", "xy", "both"]
Pixels = NDArray[np.intp]  # (M, 2) xy
Values = NDArray[np.float64]

CLICK_RADIUS = 2  # pixels around a click that belong to the region whatever the mask says
ITERATIONS = 50
RELEASED_PAIRS = 6


@dataclass(frozen=True)
class PointGenerator:
    """Turns one click and the soft mask it gave into two points on the item.

    Attributes:
        features: What is clustered beside the probability: ``colour``, place (``xy``) or both.
        xy_weight: Of the place in box sides; colours are in [0, 1].
        threshold: A pixel belongs to the mask above this probability.
        min_distance: In box sides; clusters whose farthest points are closer count as one.
        max_pixels: That many pixels are clustered, drawn at random.
        jitter: The box is scaled by 1 - jitter to 1 + jitter: 0.1 in training, 0 to be deterministic.
        reach: How far a point may move inwards, in longer box sides.
        oracle: Reproduce the released code: `points` must be given the true mask, whose colours are
            clustered, and keeps the farthest of six random pairs. Scores made so are no one-click scores.

    Example:
        >>> probs = np.zeros((40, 60), np.float32)
        >>> probs[10:20, 5:55] = 0.9
        >>> PointGenerator(features="xy").points(np.ones((3, 40, 60), np.float32), probs, (30, 15))
        array([[50., 15.],
               [ 9., 14.]], dtype=float32)
    """

    features: Features = "both"
    xy_weight: float = 0.5
    threshold: float = 0.5
    min_distance: float = 0.2
    max_pixels: int = 2000
    jitter: float = 0.0
    reach: float = 0.1
    oracle: bool = False

    def __post_init__(self) -> None:
        if self.features not in ("colour", "xy", "both"):
            raise ValueError(f"features must be 'colour', 'xy' or 'both', got {self.features!r}")
        if not 0 <= self.jitter < 0.5:
            raise ValueError(f"jitter must be in [0, 0.5), got {self.jitter}")

    def points(
        self,
        image: NDArray[Any],
        probs: NDArray[Any],
        click: tuple[float, float],
        *,
        truth: NDArray[Any] | None = None,
        seed: int = 0,
    ) -> NDArray[np.float32]:
        """Two points (2, 2) xy in pixels, both on the item's region around the click.

        Args:
            image: (3, H, W) in [0, 1].
            probs: (H, W) in [0, 1], the soft mask of the click; NaN counts as 0.
            click: xy, pixels; outside the image it is taken to the nearest pixel.
            truth: (H, W), the true mask; wanted with ``oracle``, refused without.
            seed: Of what is drawn at random.

        Raises:
            ShapeError: If image and masks differ in size.
            ValueError: If the truth is given without ``oracle`` or missing with it.
        """
        if (truth is not None) != self.oracle:
            raise ValueError("the true mask goes with oracle=True, and only with it")
        height, width = probs.shape
        if image.shape != (3, height, width) or (truth is not None and truth.shape != probs.shape):
            raise ShapeError(f"expected an image (3, {height}, {width}), and a truth of its size; got others")
        rng = np.random.default_rng(seed)
        if truth is not None:
            return _released_points(image, np.asarray(truth) > 0, rng)
        probs = np.nan_to_num(np.asarray(probs, np.float64))
        region = click_region(probs > self.threshold, click)
        box = _scaled_box(region, 1 + self.jitter * rng.uniform(-1, 1))
        pair = self._farthest(np.asarray(image, np.float64), probs, region, box, rng)
        if pair is None:
            pair = _drawn_pair(region, probs, rng)
        reach = max(1, round(self.reach * max(box[2] - box[0], box[3] - box[1])))
        return snap_inwards(region, pair, reach).astype(np.float32)

    def _farthest(
        self, image: Values, probs: Values, region: NDArray[np.bool_], box: Box, rng: np.random.Generator
    ) -> Pixels | None:
        x1, y1, x2, y2 = box
        size = np.array([x2 - x1, y2 - y1])
        pixels: Pixels = _xy(region[y1:y2, x1:x2]) + np.array([x1, y1], np.intp)
        if len(pixels) > self.max_pixels:
            pixels = pixels[rng.choice(len(pixels), self.max_pixels, replace=False)]
        x, y = pixels.T
        columns = [probs[y, x][:, None]]
        if self.features != "xy":
            columns.append(image[:, y, x].T)
        if self.features != "colour":
            columns.append(self.xy_weight * (pixels - [x1, y1]) / size)
        if not len(pixels):  # a hollow region, its box scaled down
            return None
        second = two_means(np.nan_to_num(np.concatenate(columns, 1)), rng)
        if not second.any() or second.all():
            return None
        pair, distance = farthest_pair(pixels[~second], pixels[second], size)
        return pair if distance >= self.min_distance else None


Box = tuple[int, int, int, int]  # x1, y1, x2, y2, right and bottom exclusive


def click_region(mask: NDArray[np.bool_], click: tuple[float, float]) -> NDArray[np.bool_]:
    """The mask's part that holds the click, and a small disk around the click.

    Args:
        mask: (H, W).
        click: xy, pixels.
    """
    height, width = mask.shape
    x, y = (int(np.clip(round(at), 0, side - 1)) for at, side in zip(click, (width, height), strict=True))
    rows, columns = np.ogrid[:height, :width]
    disk = (rows - y) ** 2 + (columns - x) ** 2 <= CLICK_RADIUS**2
    _, parts = cv2.connectedComponents((mask | disk).astype(np.uint8), connectivity=8)
    region: NDArray[np.bool_] = parts == parts[y, x]
    return region


def two_means(values: Values, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows (M, F) belong to the second of two clusters (M,), by K-means with far first centres.

    All rows alike are one cluster: nothing is in the second.
    """
    first = values[rng.integers(len(values))]
    away = np.square(values - first).sum(1)
    if away.max() == 0:
        return np.zeros(len(values), bool)
    centres = np.stack([first, values[rng.choice(len(values), p=away / away.sum())]])
    second = np.zeros(len(values), bool)
    for _ in range(ITERATIONS):
        distances = np.square(values[:, None] - centres).sum(2)
        moved: NDArray[np.bool_] = distances[:, 1] < distances[:, 0]
        if (moved == second).all() or moved.all() or not moved.any():
            return moved
        second = moved
        centres = np.stack([values[~second].mean(0), values[second].mean(0)])
    return second


def farthest_pair(first: Pixels, second: Pixels, size: NDArray[Any]) -> tuple[Pixels, float]:
    """The farthest pixels (2, 2) of two sets (M, 2) and (N, 2), and their distance in box sides.

    Exact: a distance is largest at corners of the convex hulls, also where the axes are scaled.
    """
    ours, theirs = _hull(first), _hull(second)
    distances = np.linalg.norm((ours[:, None] - theirs) / size, axis=2)
    row, column = np.unravel_index(distances.argmax(), distances.shape)
    return np.stack([ours[row], theirs[column]]), float(distances[row, column])


def snap_inwards(region: NDArray[np.bool_], points: Pixels, reach: int) -> Pixels:
    """Each point's deepest pixel of the region within a square of so many pixels, the nearest of equals.

    Args:
        region: (H, W); what lies outside the image counts as outside the region.
        points: (N, 2) xy in the region.
        reach: Pixels to each side.
    """
    depth = cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    snapped = []
    for x, y in points:
        left, top = max(x - reach, 0), max(y - reach, 0)
        near = depth[top : y + reach + 1, left : x + reach + 1]
        best = _xy(near == near.max()) + np.array([left, top], np.intp)
        snapped.append(best[np.square(best - [x, y]).sum(1).argmin()])
    return np.stack(snapped)


def _scaled_box(region: NDArray[np.bool_], scale: float) -> Box:
    height, width = region.shape
    xs, ys = np.flatnonzero(region.any(0)), np.flatnonzero(region.any(1))
    bounds = []
    for low, high, side in ((xs[0], xs[-1] + 1, width), (ys[0], ys[-1] + 1, height)):
        middle, half = (low + high) / 2, scale * (high - low) / 2
        bounds.append((max(0, round(middle - half)), min(side, round(middle + half))))
    (x1, x2), (y1, y2) = bounds
    return int(x1), int(y1), int(x2), int(y2)


def _drawn_pair(region: NDArray[np.bool_], probs: Values, rng: np.random.Generator) -> Pixels:
    pixels = _xy(region)
    weights = probs[region] + 1e-6  # the disk around a click may have no probability at all
    chosen: Pixels = pixels[rng.choice(len(pixels), 2, replace=len(pixels) < 2, p=weights / weights.sum())]
    return chosen


def _released_points(
    image: NDArray[Any], truth: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    pixels = _xy(truth)
    if not len(pixels):
        raise ValueError("the true mask is empty: there is no oracle without an item")
    second = two_means(image[:, truth].T.astype(np.float64), rng)
    if not second.any() or second.all():
        return rng.choice(pixels, 2).astype(np.float32)
    ours = rng.choice(pixels[~second], RELEASED_PAIRS)
    theirs = rng.choice(pixels[second], RELEASED_PAIRS)
    size = np.array(truth.shape[::-1])
    best = np.linalg.norm((ours - theirs) / size, axis=1).argmax()
    return np.stack([ours[best], theirs[best]]).astype(np.float32)


def _hull(pixels: Pixels) -> Pixels:
    return cv2.convexHull(pixels.astype(np.int32))[:, 0].astype(np.intp)


def _xy(mask: NDArray[np.bool_]) -> Pixels:
    return np.argwhere(mask)[:, ::-1]
