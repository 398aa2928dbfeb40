"""SLIC superpixels of an object: regions of even colour and about equal size, inside its mask.

Source:
    Achanta et al., SLIC superpixels (2012), with the distance of Durham's paper on anomalies in electronics
    (its equation 1, the typing errors corrected) or the usual one. Seeds on a grid clipped to the mask, and
    loose bits that go to the nearest region: reconstructed.
"""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.errors import ShapeError

Distance = Literal["paper", "usual"]
COMPACTNESS = 20.0  # the paper's m
ITERATIONS = 10
LOOSE = 0.15  # regions smaller than this share of the mean one join their neighbours
NOTHING = -1

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.int32]


def superpixels(
    rgb: NDArray[np.uint8],
    count: int,
    *,
    mask: NDArray[np.bool_] | None = None,
    compactness: float = COMPACTNESS,
    distance: Distance = "paper",
    iterations: int = ITERATIONS,
) -> Labels:
    """Cut what lies under a mask into about ``count`` regions.

    ``D = d_lab + (m / S) d_xy`` ("paper") or ``D^2 = d_lab^2 + (m / S)^2 d_xy^2`` ("usual"), with d_lab in
    CIELAB and S the side of a region if all were square.

    Args:
        rgb: (H, W, 3), white = air.
        count: Regions wished for, at least 1.
        mask: (H, W); all of the picture if None.
        compactness: m; larger ones make squarer regions.
        distance: Which one.
        iterations: Rounds of assignment.

    Returns:
        (H, W) int32: regions numbered from 0 in reading order of their middles, -1 beside the mask. Connected
        where the mask is. Deterministic.

    Raises:
        ShapeError: If the shapes do not fit.
        ValueError: If count, compactness or iterations is too small, or the distance unknown.

    Example:
        >>> picture = np.full((40, 60, 3), 255, np.uint8); picture[:, 40:] = (200, 120, 40)
        >>> found = superpixels(picture, 6)
        >>> int(found.max()) + 1, bool((found[:, 39] != found[:, 40]).all())
        (6, True)
    """
    _check(rgb, count, mask, compactness, distance, iterations)
    inside = np.ones(rgb.shape[:2], np.bool_) if mask is None else mask
    if not inside.any():
        return np.full(rgb.shape[:2], NOTHING, np.int32)
    lab: Floats = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    side = float(np.sqrt(inside.sum() / count))
    centres = _seeds(lab, inside, side)
    labels = _assign(lab, inside, centres, side, compactness, distance)
    for _ in range(iterations - 1):
        centres = _means(lab, labels, centres)
        labels = _assign(lab, inside, centres, side, compactness, distance)
    return _numbered(_joined(labels, inside, LOOSE * side * side))


def count_of(area_px: float, part_px: float, *, least: int = 8, most: int = 60) -> int:
    """How many regions an object is cut into: one for each ``part_px`` pixels, within bounds.

    Source:
        The paper gives no number; inferred.

    Example:
        >>> [count_of(area, 48 * 48) for area in (9_000, 60_000, 400_000)]
        [8, 26, 60]
    """
    if part_px <= 0:
        raise ValueError(f"part_px must be above 0, got {part_px}")
    return int(np.clip(round(area_px / part_px), least, most))


def _check(
    rgb: NDArray[np.uint8],
    count: int,
    mask: NDArray[np.bool_] | None,
    compactness: float,
    distance: str,
    iterations: int,
) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ShapeError(f"expected a picture (H, W, 3), got {rgb.shape}")
    if mask is not None and mask.shape != rgb.shape[:2]:
        raise ShapeError(f"expected a mask {rgb.shape[:2]}, got {mask.shape}")
    if count < 1 or iterations < 1 or compactness <= 0:
        raise ValueError(
            "count and iterations must be at least 1 and compactness above 0, got "
            f"{count}, {iterations}, {compactness}"
        )
    if distance not in ("paper", "usual"):
        raise ValueError(f"distance must be paper or usual, got {distance!r}")


def _seeds(lab: Floats, inside: NDArray[np.bool_], side: float) -> Floats:
    """Centres (K, 5), L a b y x: the mask's pixels of each square of a grid, at their mean; few are none."""
    rows, columns = np.nonzero(inside)
    top, left = rows.min(), columns.min()
    down = max(round((rows.max() + 1 - top) / side), 1)
    across = max(round((columns.max() + 1 - left) / side), 1)
    row = ((rows - top) * down) // (rows.max() + 1 - top)
    column = ((columns - left) * across) // (columns.max() + 1 - left)
    square = row * across + column
    sizes = np.bincount(square, minlength=down * across)
    kept = sizes >= min(0.25 * side * side, sizes.max())
    number = np.cumsum(kept) - 1
    mine = kept[square]
    values = np.column_stack([lab[rows, columns], rows, columns])[mine]
    return _mean_of(values, number[square[mine]], int(kept.sum()))


def _mean_of(values: Floats, group: NDArray[np.signedinteger[Any]], groups: int) -> Floats:
    sizes = np.bincount(group, minlength=groups)
    sums = [np.bincount(group, weights=column, minlength=groups) for column in values.T]
    return (np.stack(sums, 1) / np.maximum(sizes, 1)[:, None]).astype(np.float32)


def _assign(
    lab: Floats,
    inside: NDArray[np.bool_],
    centres: Floats,
    side: float,
    compactness: float,
    distance: Distance,
) -> Labels:
    """The nearest centre of each pixel, among those whose square of twice the side holds it."""
    height, width = inside.shape
    best = np.full(inside.shape, np.inf, np.float32)
    labels = np.full(inside.shape, NOTHING, np.int32)
    weight, reach = np.float32(compactness / side), int(np.ceil(side)) + 1
    for number, (lightness, a, b, y, x) in enumerate(centres):
        rows = slice(max(int(y) - reach, 0), min(int(y) + reach + 1, height))
        columns = slice(max(int(x) - reach, 0), min(int(x) + reach + 1, width))
        colour = np.square(lab[rows, columns] - np.array([lightness, a, b], np.float32)).sum(2)
        dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - y
        dx = np.arange(columns.start, columns.stop, dtype=np.float32) - x
        place = np.square(dy) + np.square(dx)
        if distance == "paper":
            found = np.sqrt(colour) + weight * np.sqrt(place)
        else:
            found = colour + weight * weight * place
        nearer = (found < best[rows, columns]) & inside[rows, columns]
        best[rows, columns][nearer] = found[nearer]
        labels[rows, columns][nearer] = number
    return labels


def _means(lab: Floats, labels: Labels, centres: Floats) -> Floats:
    rows, columns = np.nonzero(labels != NOTHING)
    group = labels[rows, columns]
    values = np.column_stack([lab[rows, columns], rows, columns])
    found = _mean_of(values, group, len(centres))
    empty = np.bincount(group, minlength=len(centres)) == 0
    found[empty] = centres[empty]
    return found


def _joined(labels: Labels, inside: NDArray[np.bool_], least: float) -> Labels:
    """The largest piece of each region, where it is large enough; all else goes to what is nearest."""
    pieces = [_largest(labels == number) for number in range(int(labels.max()) + 1)]
    sizes = [int(piece.sum()) for piece in pieces]
    kept = np.full(labels.shape, NOTHING, np.int32)
    for number, (piece, size) in enumerate(zip(pieces, sizes, strict=True)):
        if size >= min(least, max(sizes)):
            kept[piece] = number
    free = (kept == NOTHING).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(int(nearest.max()) + 1, np.int32)
    owner[nearest[free == 0]] = kept[free == 0]
    return np.where(inside, owner[nearest], NOTHING).astype(np.int32)


def _largest(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, parts, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    if count <= 2:
        return region
    found: NDArray[np.bool_] = parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return found


def _numbered(labels: Labels) -> Labels:
    """Numbers without gaps, in reading order of the regions' middles."""
    rows, columns = np.nonzero(labels != NOTHING)
    known, group = np.unique(labels[rows, columns], return_inverse=True)
    middles = _mean_of(np.column_stack([rows, columns]).astype(np.float32), group, len(known))
    order = np.lexsort((middles[:, 1], middles[:, 0]))
    number = np.empty(len(known), np.int32)
    number[order] = np.arange(len(known), dtype=np.int32)
    found = np.full(labels.shape, NOTHING, np.int32)
    found[rows, columns] = number[group]
    return found
