"""A mask as one polygon, for formats that hold no more, and what that loses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Masks, ShapeError
from beltline.data.annotations.annotated import FARTHEST_PX, LONGEST_OUTLINE_PX, Outline, is_polygon

_MOST_DIFFERENCE = 0.01


def run_length(outline: Outline, size: tuple[int, int]) -> dict[str, Any]:
    """Polygons or run lengths as one compressed COCO run-length object of (height, width).

    Raises:
        ShapeError: If run lengths are of another size or do not fill it, or a polygon leads far outside.
    """
    if isinstance(outline, Mapping):
        return Masks.from_coco([dict(outline)], size).to_coco()[0]
    from pycocotools import mask as coco

    polygons = [[float(v) for v in polygon] for polygon in outline if len(polygon) >= 6]
    if not polygons:
        return Masks.encode(np.zeros((1, *size), np.bool_)).to_coco()[0]
    if not all(is_polygon(polygon) for polygon in polygons):
        raise ShapeError(
            f"a polygon must lie within {FARTHEST_PX:,d} px and be at most {LONGEST_OUTLINE_PX:,d} px around"
        )
    merged = coco.merge(coco.frPyObjects(polygons, *size))
    return {"size": list(size), "counts": merged["counts"].decode("ascii")}


def one_polygon(outline: Outline, size: tuple[int, int]) -> tuple[list[float], tuple[str, ...]]:
    """The largest part of a mask of (height, width) as x0, y0, x1, y1, ... in pixels, and kinds of loss.

    A single polygon passes as it is. Run lengths and several parts are traced along the borders of their
    pixels, so that filling the polygon gives the part back.
    """
    if isinstance(outline, list | tuple) and len(outline) == 1 and len(outline[0]) >= 6:
        return [float(v) for v in outline[0]], ()
    mask = Masks.from_coco([run_length(outline, size)], size)[0]
    return _traced(mask)


def _traced(mask: NDArray[np.bool_]) -> tuple[list[float], tuple[str, ...]]:
    # Twice as large, every pixel is a block whose outer border OpenCV follows in steps of half a pixel.
    doubled = mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, hierarchy = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [k for k in range(len(contours)) if hierarchy[0][k][3] < 0] if len(contours) else []
    lost = set()
    if not outer:
        return [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], ("mask_overlap",)
    if len(outer) > 1:
        lost.add("mask_parts")
    if len(outer) < len(contours):
        lost.add("mask_holes")
    largest = max((contours[k] for k in outer), key=cv2.contourArea)
    points = largest.reshape(-1, 2).astype(np.float64)
    # A point on an even sample is a block's first half, on an odd one its last: out to the pixel's border.
    borders = np.where(points % 2 == 0, points / 2, (points + 1) / 2)
    borders = borders[(borders != np.roll(borders, 1, axis=0)).any(axis=1)]
    filled = _filled(borders, mask.shape)
    differ = np.logical_xor(filled, mask).sum() / max(1, mask.sum())
    if differ > _MOST_DIFFERENCE:
        lost.add("mask_overlap")
    return [float(v) for v in borders.ravel()], tuple(sorted(lost))


def _filled(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    size = (int(shape[0]), int(shape[1]))
    return Masks.from_coco([run_length([points.ravel().tolist()], size)], size)[0]
