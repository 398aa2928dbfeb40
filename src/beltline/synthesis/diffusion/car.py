"""Cross-attention refinement (CAR): the box that fits what was painted, read from where the model looked.

NumPy and OpenCV only; whoever calls brings the attention map and a promptable segmenter.

Source:
    Xsyn's inference script (methods 5.2). The way without a segmenter is reconstructed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError, box_iou
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
Level = Literal["otsu", "half"]
Heat = NDArray[np.float32]

DEPTHS = (1, 2, 3, 4)
REACH = 1.2  # of the box, in which a thresholded heat map counts
LEAST_CHANGE = 12.0  # of 255: less is the autoencoder's noise, not an object


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
    return _refined(largest_box(mask), mask, points, heat, box, settings)


def refine_by_change(
    attention: NDArray[Any],
    picture: Pixels,
    background: Pixels,
    box: Sequence[float],
    settings: CarSettings | None = None,
) -> Refined:
    """The box of what was painted, without a segmenter: where the picture changed and the model looked.

    Of the changed regions in the box made 1.2 times as large, those that the hot part of the heat map
    touches count; the rectangle around the largest one is the box. So a coarse or displaced map says which
    change is meant, and the change says how far it goes.

    Args:
        attention: (h, w), as for `refine_box`.
        picture: (H, W, 3) uint8, painted.
        background: (H, W, 3) uint8, the same before.
        box: Layout box, xyxy, pixels.
        settings: ``threshold`` and ``least_iou`` are used.

    Raises:
        ShapeError: If an array has another shape.
        ValueError: As `refine_box`.

    Source:
        Reconstructed: threshold, difference, largest component (methods 5.2); how they are combined is ours.
    """
    settings = settings or CarSettings()
    shape = check_picture(picture)
    if background.shape != picture.shape:
        raise ShapeError(f"expected a background {picture.shape}, as the picture, got {background.shape}")
    layout = box_in_picture(box, shape)
    heat = heat_map(attention, shape)
    hot = _over_level(heat, layout, settings.threshold)
    mask = _met_by(_changed(picture, background, layout), hot)
    return _refined(largest_box(mask), mask, NO_POINTS, heat, box, settings)


def heat_map(attention: NDArray[Any], shape: tuple[int, int]) -> Heat:
    """Attention (h, w) at the picture's size (H, W), float32 in [0, 255], the largest value 255.

    Bicubic, as released; what overshoots is cut off. Attention that is 0 everywhere stays so.
    """
    small = np.asarray(attention, np.float32)
    if small.ndim != 2 or 0 in small.shape:
        raise ShapeError(f"expected an attention map (h, w) of one instance, got {small.shape}")
    if not np.isfinite(small).all() or small.min() < 0:
        raise ValueError("attention must be finite and at least 0: what the softmax gave, not its logits")
    largest = float(small.max())
    if largest == 0:
        return np.zeros(shape, np.float32)
    large = cv2.resize(255 / largest * small, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(large, 0, 255).astype(np.float32)


def mask_of_heat(heat: Heat, box: Box, segment: Segment, settings: CarSettings) -> Mask:
    """Mask A (H, W): the hot part of a heat map, see ``CarSettings.heat``."""
    if settings.heat == "threshold":
        return _over_level(heat, box, settings.threshold)
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


def _refined(
    found: Box | None,
    mask: Mask,
    points: Points,
    heat: Heat,
    box: Sequence[float],
    settings: CarSettings,
) -> Refined:
    x1, y1, x2, y2 = (float(value) for value in box)
    layout = (x1, y1, x2, y2)
    if found is None or _iou(found, layout) < settings.least_iou:
        return Refined(layout, np.zeros_like(mask), points, heat, kept=True)
    return Refined(found, mask, points, heat, kept=False)


def _iou(box: Box, other: Box) -> float:
    return float(box_iou([box], [other])[0, 0])


def _over_level(heat: Heat, box: Box, level: Level) -> Mask:
    """What is hot inside the box made larger: over Otsu's level there, or half of the largest value."""
    near = pixels_of_box(box_in_picture(box, heat.shape, scale=REACH), heat.shape)
    values = heat[near]
    limit = _otsu(values) if level == "otsu" else float(values.max()) / 2
    return near & (heat > limit)


def _otsu(values: NDArray[np.floating[Any]]) -> float:
    whole = np.clip(values, 0, 255).astype(np.uint8)[:, None]
    limit, _ = cv2.threshold(whole, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(limit)


def _changed(picture: Pixels, background: Pixels, box: Box) -> Mask:
    """Where the picture changed near the box, gaps of a few pixels closed."""
    change = cv2.absdiff(picture, background).max(axis=2).astype(np.float32)
    change = np.asarray(cv2.GaussianBlur(change, (5, 5), 1.0), np.float32)
    near = pixels_of_box(box_in_picture(box, change.shape, scale=REACH), change.shape)
    changed = near & (change > max(_otsu(change[near]) / 2, LEAST_CHANGE))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, disc) > 0


def _met_by(mask: Mask, hot: Mask) -> Mask:
    """The largest of a mask's parts that the hot pixels touch."""
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    areas = np.bincount(parts.ravel(), minlength=count)
    met = np.bincount(parts[hot], minlength=count) > 0
    met[0] = False
    if not met.any():
        return np.zeros_like(mask)
    found: Mask = parts == int(np.where(met, areas, 0).argmax())
    return found


def _checked(mask: NDArray[Any], shape: tuple[int, ...]) -> Mask:
    if mask.shape != shape:
        raise ShapeError(f"expected a mask {shape} of the segmenter, as its picture, got {mask.shape}")
    return np.asarray(mask) > 0
