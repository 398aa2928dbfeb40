"""Outlines of masks for people: on a picture, with the clicks that made them, and as a path of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.polygons import outlines_of
from beltline.core.report import Box
from beltline.screening.labels import MARK, WHITE

_SHIFT = 4  # bits of a pixel's fraction in OpenCV's coordinates
_PATH_POINTS = 120  # of an outline on a page; a report may hold hundreds


def draw_outline(
    canvas: NDArray[np.uint8],
    mask: NDArray[Any],
    scale: NDArray[np.float64],
    *,
    color: tuple[int, int, int] = MARK,
) -> None:
    """Draw the outline of a mask, holes too, cased in white.

    Args:
        canvas: RGB (h, w, 3); drawn upon.
        mask: (H, W) of the scan.
        scale: (x, y) pixels of the canvas a pixel of the scan.
        color: RGB.
    """
    polygons, _ = outlines_of(mask, 600)
    rings = [
        np.round((np.array(ring) * scale - 0.5) * 2**_SHIFT).astype(np.int32)
        for polygon in polygons
        for ring in polygon
    ]
    for line, width in ((WHITE, 4), (color, 2)):
        cv2.polylines(canvas, rings, True, line, width, cv2.LINE_AA, _SHIFT)


def draw_clicks(
    picture: NDArray[np.uint8],
    mask: NDArray[Any],
    points: Sequence[tuple[int, int]],
    labels: Sequence[int],
    *,
    box: Box | None = None,
) -> NDArray[np.uint8]:
    """The picture with the outline of what was cut out and its clicks: upright crosses on it, others beside.

    Args:
        picture: RGB (h, w, 3); left as it is.
        mask: (H, W) of the scan.
        points: xy of each click, pixels of the scan.
        labels: 1 on the object, 0 beside it.
        box: The box that was given, pixels of the scan.
    """
    canvas = picture.copy()
    scale = np.array([canvas.shape[1] / mask.shape[1], canvas.shape[0] / mask.shape[0]])
    draw_outline(canvas, mask, scale)
    for color, width in ((WHITE, 4), (MARK, 2)):
        if box is not None:
            first, last = (tuple(int(v) for v in np.array(corner) * scale) for corner in (box[:2], box[2:]))
            cv2.rectangle(canvas, first, last, color, max(width - 1, 1), cv2.LINE_AA)
        for point, label in zip(points, labels, strict=True):
            middle = tuple(int(v) for v in (np.array(point) + 0.5) * scale)
            kind = cv2.MARKER_CROSS if label else cv2.MARKER_TILTED_CROSS
            cv2.drawMarker(canvas, middle, color, kind, 14, width, cv2.LINE_AA)
    return canvas


def svg_path(mask: NDArray[Any]) -> str:
    """The outline of a mask as the ``d`` of an SVG path, pixels of the scan.

    Example:
        >>> square = np.zeros((9, 9), bool); square[2:7, 2:7] = True
        >>> svg_path(square)[:16]
        'M2 2.5L2 6.5L2.5'
    """
    polygons, _ = outlines_of(mask, _PATH_POINTS)
    return "".join(
        "M" + "L".join(f"{x:g} {y:g}" for x, y in ((round(x, 1), round(y, 1)) for x, y in ring)) + "Z"
        for polygon in polygons
        for ring in polygon
    )
