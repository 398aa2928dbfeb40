"""Cross-attention refinement (CAR): the box that fits what was painted, read from where the model looked.

NumPy and OpenCV only; whoever calls brings the attention map and a promptable segmenter.

Source:
    Xsyn's inference script (methods 5.2); without a segmenter: `beltline.synthesis.diffusion.car_change`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError, box_iou
from beltline.synthesis.diffusion.car_heat import Heat, Level, heat_map, over_level
from beltline.synthesis.diffusion.car_points import median_points, point_beside, top_points
from beltline.synthesis.diffusion.promptable import (
    NO_POINTS,
    Box,
    Mask,
    Pixels,
    Points,
    Segment,
    box_in_picture,
    check_picture,
    pixels_of_box,
)

PointChoice = Literal["median", "box", "top"]
HeatMask = Literal["segmenter", "negative", "threshold"]

DEPTHS = (1, 2, 3, 4)


@dataclass(frozen=True)
class CarSettings:
    """How a box is refined; the defaults are the released code's.

    Attributes:
        points: Of the last prompt: by recursive ``median`` splitting, the ``top`` 16, or only the ``box``.
        depth: Of the splitting, 1 to 4: 1, 3, 7 or 15 points.
        heat: How the heat map becomes mask A: by the ``segmenter``, to which it is shown as it is, hot
            bright; by the segmenter shown its ``negative``, hot dark, as an item is in a scan; or by a
            ``threshold``.
        threshold: ``otsu``, or ``half`` of the largest value, inside the box made 1.2 times as large.
        least_iou: A refined box that meets the layout box by less is not believed; 0 believes all, as
            released.
    """

    points: PointChoice = "median"
    depth: int = 4
    heat: HeatMask = "segmenter"
    threshold: Level = "otsu"
    least_iou: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in (("points", PointChoice), ("heat", HeatMask), ("threshold", Level)):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(f"{name} must be one of {get_args(choices)}, got {getattr(self, name)!r}")
        if self.depth not in DEPTHS:
            raise ValueError(f"depth must be one of {DEPTHS}, got {self.depth!r}")
        if not 0 <= self.least_iou < 1:
            raise ValueError(f"least_iou must be in [0, 1), got {self.least_iou}")


@dataclass(frozen=True, eq=False)
class Refined:
    """What refinement gave.

    Attributes:
        box: xyxy, pixels: the refined box, or the layout box where there is none.
        mask: (H, W) bool, the object; empty where the layout box was kept.
        points: (N, 3), the clicks of the last prompt.
        heat: (H, W) float32 in [0, 255], the attention at the picture's size.
        kept: The layout box was kept, because nothing was found.
    """

    box: Box
    mask: Mask
    points: Points
    heat: Heat
    kept: bool


def refine_box(
    attention: NDArray[Any],
    picture: Pixels,
    box: Sequence[float],
    segment: Segment,
    settings: CarSettings | None = None,
) -> Refined:
    """The box of what was painted for one instance.

    Mask A is cut out of the heat map, a negative and up to 15 positive points are read off it, and with them
    and the layout box the object is cut out of the picture: the rectangle around its largest contour.

    Args:
        attention: (h, w), at least 0: cross-attention of the instance over the whole picture, any scale.
        picture: (H, W, 3) uint8, white = air, before any occlusion.
        box: Layout box, xyxy, pixels of the picture.
        segment: A promptable segmenter.
        settings: Which variant; the released one if None.

    Raises:
        ShapeError: If an array has another shape, a mask of the segmenter's too.
        ValueError: If the attention is not finite or below 0, or the box lies outside the picture.

    Source:
        Xsyn's inference script. That an instance without any attention is cut out by its box alone is
        reconstructed.

    Example:
        >>> picture = np.full((64, 64, 3), 255, np.uint8); picture[20:40, 24:50] = 60
        >>> attention = cv2.resize((picture[..., 0] < 100).astype(np.float32), (16, 16))
        >>> found = refine_box(attention, picture, (16, 12, 60, 48), lambda p, b, xy: p[..., 0] < 100)
        >>> found.box, found.kept, len(found.points)
        ((24.0, 20.0, 50.0, 40.0), False, 16)
    """
    settings = settings or CarSettings()
    shape = check_picture(picture)
    layout = box_in_picture(box, shape)
    heat = heat_map(attention, shape)
    points = NO_POINTS
    if settings.points != "box" and heat.any():
        points = _clicks(heat, mask_of_heat(heat, layout, segment, settings), layout, settings)
    mask = _checked(segment(picture, layout, points), shape)
    return refined_of(mask, box, heat, settings, points=points)


def mask_of_heat(heat: Heat, box: Box, segment: Segment, settings: CarSettings) -> Mask:
    """Mask A (H, W): the hot part of a heat map, see ``CarSettings.heat``."""
    if settings.heat == "threshold":
        return over_level(heat, box, settings.threshold)
    shown = heat if settings.heat == "segmenter" else 255 - heat
    picture = np.repeat(shown.astype(np.uint8)[..., None], 3, axis=2)
    return _checked(segment(picture, box, NO_POINTS), heat.shape)


def largest_box(mask: Mask) -> Box | None:
    """The rectangle around the largest contour of a mask; None where it is empty."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    x, y, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
    return float(x), float(y), float(x + width), float(y + height)


def _clicks(heat: Heat, mask: Mask, box: Box, settings: CarSettings) -> Points:
    if not mask.any():
        return NO_POINTS
    on = median_points(heat, mask, settings.depth) if settings.points == "median" else top_points(heat, mask)
    return np.concatenate([on, point_beside(heat, mask, pixels_of_box(box, heat.shape))])


def refined_of(
    mask: Mask,
    box: Sequence[float],
    heat: Heat,
    settings: CarSettings,
    *,
    points: Points = NO_POINTS,
) -> Refined:
    """The rectangle around the largest contour of an object's mask, or the layout box."""
    x1, y1, x2, y2 = (float(value) for value in box)
    layout, found = (x1, y1, x2, y2), largest_box(mask)
    if found is None or box_iou([found], [layout]).item() < settings.least_iou:
        return Refined(layout, np.zeros_like(mask), points, heat, kept=True)
    return Refined(found, mask, points, heat, kept=False)


def _checked(mask: NDArray[Any], shape: tuple[int, ...]) -> Mask:
    if mask.shape != shape:
        raise ShapeError(f"expected a mask {shape} of the segmenter, as its picture, got {mask.shape}")
    return np.asarray(mask) > 0
