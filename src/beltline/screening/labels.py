"""Labels on a picture: each beside its box, none over another, none cut off."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

MARK = (214, 0, 92)  # RGB; magenta, the one hue that no pseudo-colour table uses
JUDGED = (11, 107, 93)  # of what was looked at and gave no alarm
WHITE = (255, 255, 255)
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5
_GRID = 12  # pixels between the places that are tried along a row
_NEAR = 3  # pixels up to which a label needs no line to its box

Rectangle = tuple[int, int, int, int]  # x1, y1, x2, y2; right and bottom exclusive


def draw_labels(
    canvas: NDArray[np.uint8], texts: Sequence[str], boxes: Sequence[Rectangle]
) -> NDArray[np.uint8]:
    """Write every text beside its box; those that find no room stand in rows added below the picture.

    Args:
        canvas: RGB (h, w, 3); drawn upon.
        texts: The most important first: it gets the best place.
        boxes: Of each text.

    Returns:
        RGB (h or more, w, 3).
    """
    height, width = canvas.shape[:2]
    sizes = [_text_size(text, width) for text in texts]
    places = place_labels((width, height), sizes, boxes)
    for place, box in zip(places, boxes, strict=True):
        if place is not None:
            _draw_line(canvas, place, box)
    for place, text in zip(places, texts, strict=True):
        if place is not None:
            _draw_text(canvas, text, place)
    homeless = [index for index, place in enumerate(places) if place is None]
    if not homeless:
        return canvas
    rows = _in_rows([sizes[index] for index in homeless], width, top=height)
    strip = np.full((rows[-1][3] - height, width, 3), 255, np.uint8)
    longer = np.ascontiguousarray(np.concatenate([canvas, strip]))
    for index, place in zip(homeless, rows, strict=True):
        _draw_text(longer, texts[index], place)
    return longer


def place_labels(
    canvas: tuple[int, int], sizes: Sequence[tuple[int, int]], boxes: Sequence[Rectangle]
) -> list[Rectangle | None]:
    """Where labels go, in turn: the free place that is nearest to their box; None where there is none.

    Args:
        canvas: (width, height).
        sizes: (width, height) of each label.
        boxes: What each belongs to.

    Example:
        >>> place_labels((100, 60), [(40, 10), (40, 10)], [(5, 20, 50, 40)] * 2)
        [(5, 10, 45, 20), (5, 40, 45, 50)]
    """
    taken: list[Rectangle] = []
    places: list[Rectangle | None] = []
    for size, box in zip(sizes, boxes, strict=True):
        spots = _spots(canvas, size, box)
        free = spots[~_covered(spots, size, taken)]
        place = None
        if len(free):
            x, y = (int(value) for value in free[0])
            place = (x, y, x + size[0], y + size[1])
            taken.append(place)
        places.append(place)
    return places


def _spots(canvas: tuple[int, int], size: tuple[int, int], box: Rectangle) -> NDArray[np.int64]:
    """Corners (N, 2) inside the canvas: the usual places first, then a grid from near to far."""
    (width, height), (x1, y1, x2, y2) = size, box
    usual = [
        (x1, y1 - height),
        (x2 - width, y1 - height),
        (x1, y2),
        (x2 - width, y2),
        (x2, y1),
        (x1 - width, y1),
    ]
    columns, rows = np.meshgrid(
        np.arange(0, max(canvas[0] - width, 0) + 1, _GRID), np.arange(0, canvas[1] - height + 1, height)
    )
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    middle = grid + np.array(size) / 2
    nearest = np.clip(middle, (x1, y1), (x2, y2))
    order = np.argsort(np.hypot(*((middle - nearest) / size).T), kind="stable")
    spots = np.concatenate([np.array(usual, dtype=np.int64), grid[order]])
    spots[:, 0] = np.clip(spots[:, 0], 0, max(canvas[0] - width, 0))
    return spots[(spots[:, 1] >= 0) & (spots[:, 1] + height <= canvas[1])]


def _covered(
    spots: NDArray[np.int64], size: tuple[int, int], taken: Sequence[Rectangle]
) -> NDArray[np.bool_]:
    covered = np.zeros(len(spots), dtype=bool)
    for x1, y1, x2, y2 in taken:
        right, bottom = spots[:, 0] + size[0], spots[:, 1] + size[1]
        covered |= (spots[:, 0] < x2) & (right > x1) & (spots[:, 1] < y2) & (bottom > y1)
    return covered


def _in_rows(sizes: Sequence[tuple[int, int]], width: int, *, top: int) -> list[Rectangle]:
    x, y, places = 0, top, []
    for w, h in sizes:
        if x and x + w > width:
            x, y = 0, y + h + 1
        places.append((x, y, x + w, y + h))
        x += w + 1
    return places


def _text_size(text: str, width: int) -> tuple[int, int]:
    (w, h), base = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    return min(w + 8, width), h + base + 6


def _draw_text(canvas: NDArray[np.uint8], text: str, place: Rectangle) -> None:
    x1, y1, x2, y2 = place
    (width, _), base = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    scale = _FONT_SCALE * min(1.0, (x2 - x1 - 4) / max(width, 1))  # a picture narrower than its label
    cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), MARK, -1)
    corner = (x1 + (4 if scale == _FONT_SCALE else 2), y2 - base - 3)
    cv2.putText(canvas, text, corner, _FONT, scale, WHITE, 1, cv2.LINE_AA)


def _draw_line(canvas: NDArray[np.uint8], place: Rectangle, box: Rectangle) -> None:
    """From a label that had to move away to the nearest point of its box."""
    x1, y1, x2, y2 = place
    middle = np.add(box[:2], box[2:]) // 2
    start = np.clip(middle, (x1, y1), (x2 - 1, y2 - 1))
    end = np.clip(start, box[:2], box[2:])
    if np.abs(start - end).max() > _NEAR:
        cv2.line(canvas, start.tolist(), end.tolist(), WHITE, 3, cv2.LINE_AA)
        cv2.line(canvas, start.tolist(), end.tolist(), MARK, 1, cv2.LINE_AA)
