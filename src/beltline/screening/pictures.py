"""Pictures for people: the scan as a screener knows it, boxes drawn on it, soft heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ClassFinding, InstanceFinding, Masks, Scan
from beltline.core.report import Box, Point
from beltline.screening.labels import JUDGED, MARK, WHITE, Rectangle, draw_labels
from beltline.screening.outlines import draw_outline
from beltline.screening.prepare import color_planes


def display_picture(scan: Scan, *, long_side: int) -> NDArray[np.uint8]:
    """RGB picture (h, w, 3) of a scan, colours as they came, never enlarged beyond ``long_side``."""
    planes = color_planes(scan)
    height, width = planes[0].shape
    scale = min(1.0, long_side / max(width, height))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    different = [planes[0]] if planes[0] is planes[1] else planes
    small = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in different]
    if len(small) == 1:
        small = small * 3
    picture: Any = cv2.merge([np.clip(plane * 255 + 0.5, 0, 255).astype(np.uint8) for plane in small])
    return np.asarray(picture, dtype=np.uint8)


def frame_color(picture: NDArray[np.uint8]) -> str:
    """Median colour "r g b" of a picture's outermost pixels, mostly its air."""
    rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return " ".join(str(int(v)) for v in np.median(rim, axis=0))


def jpeg(picture: NDArray[np.uint8], *, quality: int = 82) -> bytes:
    """JPEG bytes of an RGB picture."""
    return _encode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(picture: NDArray[np.uint8]) -> bytes:
    """PNG bytes of an RGB or RGBA picture."""
    swapped = picture[:, :, [2, 1, 0, *range(3, picture.shape[2])]]
    return _encode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def heat_png(activation: NDArray[np.float32]) -> bytes:
    """A class map as a small transparent PNG in the mark colour, soft at its feet."""
    strength = cv2.GaussianBlur(activation, (0, 0), 1.5)
    strength = np.clip((strength - 0.25) / 0.75, 0, 1)
    levels = np.round(strength * 12) / 12 * 120  # few levels keep the file near one kilobyte
    picture = np.empty((*activation.shape, 4), dtype=np.uint8)
    picture[:, :, :3] = MARK
    picture[:, :, 3] = levels
    return png(picture)


def draw_findings(
    picture: NDArray[np.uint8],
    findings: Sequence[ClassFinding],
    *,
    scan_size: tuple[int, int],
    instances: Sequence[InstanceFinding] = (),
) -> NDArray[np.uint8]:
    """The picture with box, class and score of every object, or else box and point of every alarmed class.

    An object that was cut out shows its outline, and its box thinner. What was judged without an alarm shows
    its outline alone, in another colour.

    The surest lies on top. Labels never cover each other; where the picture is too full for them, it grows
    downwards.

    Args:
        picture: RGB (h, w, 3); left as it is.
        findings: Of one scan; those without alarm are left out, all of them where there are objects.
        instances: Objects of the scan.
        scan_size: (width, height) of the scan, to which boxes and points refer.
    """
    canvas = picture.copy()
    scale = np.array([canvas.shape[1] / scan_size[0], canvas.shape[0] / scan_size[1]])
    marks = [_Mark(f.label, f.score, f.box, None, f.mask) for f in instances if f.alarm]
    if not instances:
        alarms = [f for f in findings if f.alarm]
        marks = [_Mark(f.label, f.probability, f.box, f.point, None) for f in alarms if f.box and f.point]
    for found in instances:
        if not found.alarm and found.mask is not None:
            draw_outline(canvas, found.mask[0], scale, color=JUDGED)
    marks.sort(key=lambda mark: -mark.score)
    boxes = [_on_canvas(mark.box, scale) for mark in marks]
    for mark, box in zip(reversed(marks), reversed(boxes), strict=True):
        _draw_mark(canvas, box, mark, scale)
    texts = [f"{mark.label.replace('_', ' ')} {mark.score * 100:.0f}%" for mark in marks]
    return draw_labels(canvas, texts, boxes)


class _Mark(NamedTuple):
    label: str
    score: float
    box: Box
    point: Point | None
    mask: Masks | None


def _on_canvas(box: Box, scale: NDArray[np.float64]) -> Rectangle:
    x1, y1, x2, y2 = (int(value) for value in np.array(box) * np.tile(scale, 2))
    return x1, y1, x2, y2


def _draw_mark(canvas: NDArray[np.uint8], box: Rectangle, mark: _Mark, scale: NDArray[np.float64]) -> None:
    for color, width in ((WHITE, 4), (MARK, 2)) if mark.mask is None else ((WHITE, 2), (MARK, 1)):
        cv2.rectangle(canvas, box[:2], box[2:], color, width, cv2.LINE_AA)
        if mark.point is not None:
            middle = tuple(int(value) for value in np.array(mark.point) * scale)
            cv2.drawMarker(canvas, middle, color, cv2.MARKER_CROSS, 14, width, cv2.LINE_AA)
    if mark.mask is not None:
        draw_outline(canvas, mark.mask[0], scale)


def _encode(suffix: str, picture: NDArray[np.uint8], options: list[int]) -> bytes:
    done, payload = cv2.imencode(suffix, np.ascontiguousarray(picture), options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {picture.shape} picture as {suffix}")
    return bytes(payload)
