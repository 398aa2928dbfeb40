"""A mask as polygons of few points, and what that costs.

Points count pixel edges, which are whole numbers, as in COCO. A polygon is a list of rings: the outline,
then its holes, as in GeoJSON; COCO's own polygons have no holes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Ring: TypeAlias = list[tuple[float, float]]
Polygon: TypeAlias = tuple[Ring, ...]

MOST_POINTS = 200
_FINER = 3  # OpenCV's outlines run through pixel centres; those of finer pixels tell the edge
_LEAST = 0.3  # pixels: below that a polygon only follows the stairs
_HALVINGS = 20


@dataclass(frozen=True)
class Polygons:
    """A mask's polygons.

    Attributes:
        polygons: Each the outline and its holes.
        iou: Of the polygons, drawn again, with the mask.
        left_out: Parts and holes too small to be kept.
    """

    polygons: tuple[Polygon, ...]
    iou: float
    left_out: int = 0

    @property
    def points(self) -> int:
        """How many in all."""
        return sum(len(ring) for polygon in self.polygons for ring in polygon)


def polygons_of(mask: NDArray[Any], most: int = MOST_POINTS) -> Polygons:
    """The polygons of a mask with at most so many points, as near to it as that allows.

    Args:
        mask: (H, W) bool.
        most: Points in all, 4 or more.

    Raises:
        ValueError: If fewer than 4 points are allowed.

    Example:
        >>> square = np.zeros((20, 20), bool); square[5:15, 5:15] = True
        >>> found = polygons_of(square)
        >>> len(found.polygons), found.points, found.iou
        (1, 8, 1.0)
    """
    if most < 4:
        raise ValueError(f"polygons need at least 4 points, got {most}")
    polygons, left_out = outlines_of(mask, most)
    region = np.asarray(mask, bool)
    drawn = drawn_polygons(polygons, region.shape)
    union = np.count_nonzero(drawn | region)
    iou = np.count_nonzero(drawn & region) / union if union else 1.0
    return Polygons(polygons, float(iou), left_out)


def outlines_of(mask: NDArray[Any], most: int = MOST_POINTS) -> tuple[tuple[Polygon, ...], int]:
    """The polygons alone, and how many parts and holes were left out; see `polygons_of`."""
    region = np.asarray(mask, bool)
    rings, outer = _rings(region)
    kept = sorted(range(len(rings)), key=lambda i: -cv2.contourArea(rings[i]))[: most // 4]
    low, high = _LEAST, float(max(region.shape))
    found = _simplified(rings, kept, low)
    if _points(found) > most:
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            tried = _simplified(rings, kept, middle)
            low, high = (middle, high) if _points(tried) > most else (low, middle)
        found = _simplified(rings, kept, high)
    polygons = _nested(found, outer)
    return polygons, len(rings) - sum(len(polygon) for polygon in polygons)


def drawn_polygons(polygons: tuple[Polygon, ...], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Polygons as a mask (H, W), by COCO's rules."""
    from pycocotools import mask as coco

    drawn = np.zeros(shape, bool)
    for outline, *holes in polygons:
        area, *gaps = (
            np.asarray(coco.decode(coco.frPyObjects([np.ravel(ring).tolist()], *shape))[..., 0], bool)
            for ring in (outline, *holes)
        )
        for gap in gaps:
            area &= ~gap
        drawn |= area
    return drawn


def _rings(region: NDArray[np.bool_]) -> tuple[list[NDArray[np.float32]], list[int]]:
    """Rings (M, 2) along pixel edges, and of each the ring whose hole it is, or -1."""
    x, y, w, h = cv2.boundingRect(region.astype(np.uint8))
    finer = region[y : y + h, x : x + w].astype(np.uint8).repeat(_FINER, axis=0).repeat(_FINER, axis=1)
    if not finer.size:
        return [], []
    found, tree = cv2.findContours(finer, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    corner = np.array([x, y], np.float32)
    rings = [_edges(np.asarray(ring, np.int32)[:, 0]) + corner for ring in found]
    return rings, np.asarray(tree)[0, :, 3].tolist()


def _edges(centres: NDArray[np.int32]) -> NDArray[np.float32]:
    """Middles of the pixel edges that a ring of finer pixels passes: of a slanting edge they lie in line."""
    third = centres % _FINER
    middles = (third == 1).any(axis=1)
    return np.asarray(((centres + np.array([0, 0.5, 1])[third]) / _FINER)[middles], np.float32)


def _simplified(rings: list[NDArray[np.float32]], kept: list[int], epsilon: float) -> dict[int, Ring]:
    """By number, without those that collapse."""
    found = {number: cv2.approxPolyDP(rings[number], epsilon, closed=True)[:, 0] for number in kept}
    return {
        number: [(round(float(x), 2), round(float(y), 2)) for x, y in ring]
        for number, ring in found.items()
        if len(ring) >= 3
    }


def _points(rings: dict[int, Ring]) -> int:
    return sum(map(len, rings.values()))


def _nested(rings: dict[int, Ring], outer: list[int]) -> tuple[Polygon, ...]:
    tops = [number for number in rings if outer[number] < 0]
    return tuple(
        (rings[top], *(ring for number, ring in rings.items() if outer[number] == top)) for top in tops
    )
