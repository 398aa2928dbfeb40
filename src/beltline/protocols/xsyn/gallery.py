"""A contact sheet of painted items: what the generator saw and made, where it looked, its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics import best_iou
from beltline.screening.labels import JUDGED, MARK, WHITE
from beltline.synthesis.diffusion.extent import added_depth

Pixels = NDArray[np.uint8]
Color = tuple[int, int, int]
MASKED = "masked"
COLUMNS = ("bag", MASKED, "painted", "added (magenta)", "attention", "boxes")
COMPOSITE = "item really in it"
PAPER, INK, HIDDEN = 255, (60, 60, 60), (170, 170, 170)
GAP, LINE = 4, 18  # pixels between tiles, and of a line of text
DASH = 5  # pixels
FULL_DEPTH = 0.7  # optical depth shown in full colour


@dataclass(frozen=True, eq=False)
class GalleryItem:
    """One row: an item painted into a window.

    Attributes:
        caption: Its class, or whatever a reader should know.
        bag: (H, W, 3) uint8, the window before.
        painted: (H, W, 3) uint8, the window after.
        layout: xyxy pixels of the window that was asked for.
        attention: (h, w) of the item, any scale from 0; None where there is none.
        refined: xyxy of the refined box, or None.
        truth: xyxy of the true extent, or None.
        composite: (H, W, 3) uint8, the same bag with an item really in it; None where nobody knows.

    Raises:
        ShapeError: If the pictures differ in shape.
    """

    caption: str
    bag: Pixels
    painted: Pixels
    layout: ArrayLike
    attention: NDArray[np.floating] | None = None
    refined: ArrayLike | None = None
    truth: ArrayLike | None = None
    composite: Pixels | None = None

    def __post_init__(self) -> None:
        shapes = {p.shape for p in (self.bag, self.painted, self.composite) if p is not None}
        if len(shapes) > 1 or len(self.bag.shape) != 3 or self.bag.shape[2] != 3:
            raise ShapeError(f"expected pictures (H, W, 3) of one shape, got {sorted(shapes)}")


def contact_sheet(items: Sequence[GalleryItem], *, tile: int = 150, hidden: bool = True) -> Pixels:
    """A row for each item: bag, masked, painted, what was added, attention, boxes; a composite where known.

    Added depth is magenta, green what became brighter. The layout box is dashed grey, the refined one solid
    magenta, the true extent solid green; the line below a row tells how far each overlaps the true one.

    Args:
        items: At least one, windows of one shape.
        tile: Side that the longer side of a window is drawn with, pixels.
        hidden: Whether the painter did not see the bag in the layout box; a column shows what it saw.

    Returns:
        RGB (h, w, 3).

    Raises:
        ValueError: If there is no item.
        ShapeError: If windows differ in shape.
    """
    if not items:
        raise ValueError("a contact sheet needs at least one item")
    if len({item.bag.shape for item in items}) > 1:
        raise ShapeError(f"windows differ in shape: {sorted({item.bag.shape for item in items})}")
    with_truth = any(item.composite is not None for item in items)
    columns = [name for name in COLUMNS if hidden or name != MASKED]
    names = [*columns, COMPOSITE] if with_truth else columns
    rows = []
    for item in items:
        pictures = _views(item, tile)
        pictures = pictures if hidden else [pictures[0], *pictures[2:]]
        pictures += [_composite(item, pictures[0])] if with_truth else []
        rows += [_beside(pictures), _text_line(caption(item), len(pictures), pictures[0].shape[1])]
    width = rows[0].shape[1]
    header = np.full((LINE, width, 3), PAPER, np.uint8)
    for number, name in enumerate(names):
        _write(header, name, GAP + number * (width - GAP) // len(names))
    return np.vstack([header, *rows])


def caption(item: GalleryItem) -> str:
    """What stands below a row.

    Example:
        >>> blank = np.full((8, 8, 3), 255, np.uint8)
        >>> caption(GalleryItem("gun", blank, blank, (0, 0, 8, 4), refined=(0, 0, 6, 4), truth=(0, 0, 4, 4)))
        'gun: layout 0.50, refined 0.67 of the true extent'
    """
    if item.truth is None:
        return item.caption
    named = {"layout": item.layout, "refined": item.refined}
    overlaps = [f"{name} {best_iou(box, item.truth):.2f}" for name, box in named.items() if box is not None]
    return f"{item.caption}: {', '.join(overlaps)} of the true extent"


def added_picture(bag: Pixels, painted: Pixels) -> Pixels:
    """What was added in optical depth, magenta on white; green what became brighter."""
    strength = np.clip(added_depth(bag, painted) / FULL_DEPTH, -1, 1)[..., None]
    more, less = (np.array(color, np.float32) for color in (MARK, JUDGED))
    colors = 255 - np.maximum(strength, 0) * (255 - more) - np.maximum(-strength, 0) * (255 - less)
    return np.asarray(np.round(colors), np.uint8)


def heat_picture(attention: NDArray[np.floating], over: Pixels) -> Pixels:
    """An attention map in colours, brightest at its peak; a quarter of the picture shines through."""
    height, width = over.shape[:2]
    smooth = cv2.resize(attention.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    levels = np.clip(255 * smooth / max(float(smooth.max()), 1e-12), 0, 255).astype(np.uint8)
    colors = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return np.asarray(0.75 * colors + 0.25 * over, np.uint8)


def _views(item: GalleryItem, tile: int) -> list[Pixels]:
    scale = tile / max(item.bag.shape[:2])
    masked = item.bag.copy()
    x1, y1, x2, y2 = np.round(np.clip(np.asarray(item.layout, np.float64), 0, None)).astype(int)
    masked[y1:y2, x1:x2] = HIDDEN
    blank = np.full_like(item.bag, PAPER)
    heat = blank if item.attention is None else heat_picture(item.attention, item.painted)
    plain = [item.bag, masked, item.painted, added_picture(item.bag, item.painted), heat, item.painted]
    shown = [_fitted(picture, scale) for picture in plain]
    # all casings first: none hides the line of another box
    for box in (item.truth, item.refined, item.layout):
        _draw_box(shown[-1], box, scale, WHITE, width=4)
    for box, color in ((item.truth, JUDGED), (item.refined, MARK)):
        _draw_box(shown[-1], box, scale, color, width=2)
    _draw_box(shown[-1], item.layout, scale, INK, width=1, dashed=True)
    return shown


def _composite(item: GalleryItem, like: Pixels) -> Pixels:
    if item.composite is None:
        return np.full_like(like, PAPER)
    return _fitted(item.composite, like.shape[1] / item.composite.shape[1])


def _fitted(picture: Pixels, scale: float) -> Pixels:
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = tuple(max(round(side * scale), 1) for side in picture.shape[1::-1])
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _draw_box(
    canvas: Pixels,
    box: ArrayLike | None,
    scale: float,
    color: Color,
    *,
    width: int,
    dashed: bool = False,
) -> None:
    """A rectangle; one of NaN, or none, draws nothing."""
    corners = None if box is None else np.asarray(box, np.float64) * scale
    if corners is None or not np.isfinite(corners).all():
        return
    x1, y1 = (int(value) for value in corners[:2])
    x2, y2 = (max(int(value) - 1, 0) for value in corners[2:])
    if not dashed:
        cv2.rectangle(canvas, (x1, y1), (x2, y2), color, width)
        return
    for start in range(x1, x2, 2 * DASH):
        for y in (y1, y2):
            cv2.line(canvas, (start, y), (min(start + DASH, x2), y), color, width)
    for start in range(y1, y2, 2 * DASH):
        for x in (x1, x2):
            cv2.line(canvas, (x, start), (x, min(start + DASH, y2)), color, width)


def _beside(pictures: Sequence[Pixels]) -> Pixels:
    gap = np.full((pictures[0].shape[0], GAP, 3), PAPER, np.uint8)
    return np.hstack([part for picture in pictures for part in (gap, picture)] + [gap])


def _text_line(text: str, tiles: int, width: int) -> Pixels:
    line = np.full((LINE, tiles * (width + GAP) + GAP, 3), PAPER, np.uint8)
    _write(line, text, GAP)
    return line


def _write(canvas: Pixels, text: str, x: int) -> None:
    cv2.putText(canvas, text, (x, LINE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
