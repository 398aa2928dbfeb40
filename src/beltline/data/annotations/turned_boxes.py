"""Rectangles that were turned in an annotation tool, as the polygons that they then are."""

from __future__ import annotations

import math

from beltline.data.annotations.annotated import Box, Outline, are_places
from beltline.data.annotations.coco import outline_box


def turned_box(box: Box, degrees: float, about: tuple[float, float]) -> tuple[Box, Outline | None]:
    """A rectangle turned clockwise, as pictures are seen, about a point: its box, and its polygon if turned.

    Args:
        box: Left, top, right, bottom before, in pixels.
        degrees: How far.
        about: x and y of what stays in place, in pixels.

    Raises:
        ValueError: If a number is not finite, or far outside any image.

    Example:
        >>> turned_box((1, 1, 5, 2), 90, (1, 1))
        ((0.0, 1.0, 1.0, 5.0), [[1.0, 1.0, 1.0, 5.0, 0.0, 5.0, 0.0, 1.0]])
    """
    if not are_places((*box, degrees)):
        raise ValueError("a rectangle that is not finite or far outside")
    if degrees % 360 == 0:
        return box, None
    left, top, right, bottom = box
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    polygon: list[float] = []
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        x, y = x - about[0], y - about[1]
        polygon += round(about[0] + x * cos - y * sin, 6), round(about[1] + x * sin + y * cos, 6)
    return outline_box([polygon]), [polygon]
