"""What one click cuts out: a first look around it, a second, closer one at what the first one found.

The first soft mask tells where to look and which points to add, which is APSAM's idea (XSeg, CVPR 2026, arXiv
2604.03706). NumPy and OpenCV only: whoever calls brings the network, as ONNX or in training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core.errors import ShapeError
from beltline.core.point_generator import PointGenerator, click_region
from beltline.screening.click_windows import (
    NESTED,
    ZOOM_MARGIN,
    Box,
    ClickWindow,
    Image,
    first_window,
    wider_window,
    zoom_window,
)

RunClick: TypeAlias = Callable[[Mapping[str, Image]], Mapping[str, NDArray[Any]]]
"""The network: ``image`` (1, 3, S, S), ``energy`` (1, 2, S, S) and ``guide`` (1, 4, S/4, S/4), float32, to
``logits`` (1, 3, S/4, S/4) and ``quality`` (1, 3)."""

MASK_THRESHOLD = 0.5
WIDENINGS = 2  # looks from farther away at what leads out of the first window


@dataclass(frozen=True)
class ClickSettings:
    """How to look.

    Attributes:
        size: Pixels of the network's image along each side, a multiple of 32.
        which: The candidate that is answered, one of `NESTED`, or ``surest``, that of the best quality.
        zoom: Look again, closer, at what the first look found.
        points: Added to the second look: two of APSAM's generator (``apg``), two anywhere on the first mask
            (``random``), or ``none``.
        margin: Side of the second window, of the longer side of the first mask.
        seed: Of the points.
    """

    size: int = 256
    which: str = "object"
    zoom: bool = True
    points: Literal["apg", "random", "none"] = "apg"
    margin: float = ZOOM_MARGIN
    seed: int = 0

    def __post_init__(self) -> None:
        if self.which not in (*NESTED, "surest"):
            raise ValueError(f"which must be one of {', '.join(NESTED)} or surest, got {self.which!r}")
        if self.points not in ("apg", "random", "none"):
            raise ValueError(f"points must be apg, random or none, got {self.points!r}")


@dataclass(frozen=True, eq=False)
class Cutout:
    """The network's answer to some clicks, before any after-care (`click_care`).

    Attributes:
        planes: (3, S/4, S/4) float32, probabilities of the window, in the order of `NESTED`.
        quality: (3,) predicted IoU of each.
        chosen: Which of the three is the answer.
        window: Of the last look.
        shape: (H, W) of the picture.
    """

    planes: Image
    quality: NDArray[np.float64]
    chosen: int
    window: ClickWindow
    shape: tuple[int, int]

    def plane(self, number: int) -> Image:
        """Probabilities (H, W) of one candidate at the picture's size, 0 outside the window."""
        return self.window.paste(self.planes[number], self.shape)

    @property
    def probs(self) -> Image:
        """Probabilities (3, H, W) of all candidates at the picture's size."""
        return np.stack([self.plane(number) for number in range(len(self.planes))])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The answer (H, W), nothing mended."""
        return np.asarray(self.plane(self.chosen) > MASK_THRESHOLD)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What stays the same from look to look."""

    run: RunClick
    picture: NDArray[Any]
    energies: NDArray[Any]
    box: Box | None
    settings: ClickSettings


@dataclass(frozen=True, eq=False)
class _Look:
    window: ClickWindow
    image: Image  # (3, S, S)
    probs: Image  # (3, S/4, S/4)
    quality: NDArray[np.float64]
    chosen: int

    def pasted(self, shape: tuple[int, int]) -> Cutout:
        return Cutout(self.probs, self.quality, self.chosen, self.window, shape)


@dataclass(frozen=True, eq=False)
class _Seen:
    """The object in the first look: in pixels of its image, but for the extent, which is of the picture."""

    soft: Image
    region: NDArray[np.bool_]
    anchor: tuple[float, float]
    extent: Box


def cut_out(
    run: RunClick,
    picture: NDArray[Any],
    energies: NDArray[Any],
    bag: Sequence[float],
    points: ArrayLike,
    labels: ArrayLike,
    box: Box | None = None,
    previous: NDArray[Any] | None = None,
    settings: ClickSettings | None = None,
) -> Cutout:
    """Cut out what is clicked.

    Without a previous mask the first look is around the clicks, or the box where there is one, and the second
    at what the first one found; where that leads out of the first window, wider ones come between. With a
    previous mask, a single look at it and the clicks is enough.

    Args:
        run: The network.
        picture: (3, H, W) uint8, or float in [0, 1]; RGB, air white.
        energies: (2, H, W) alike; see `energy_channels`.
        bag: xyxy of the bag in the picture.
        points: (N, 2) xy, whole pixels; N may be 0 where there is a box or a previous mask.
        labels: (N,) 1 on the object, 0 beside it.
        box: xyxy around the object.
        previous: (H, W) bool or in [0, 1]: the mask so far.
        settings: See `ClickSettings`.

    Raises:
        ShapeError: If arrays do not fit each other.
        ValueError: If there is neither a positive click nor a box nor a previous mask with a pixel.
    """
    scene = _Scene(run, picture, energies, box, settings or ClickSettings())
    shape = (int(picture.shape[1]), int(picture.shape[2]))
    clicks, signs = _checked(picture, energies, points, labels, previous)
    extent = None if previous is None else _extent(np.asarray(previous) > MASK_THRESHOLD)
    if not (signs == 1).any() and box is None and extent is None:
        raise ValueError("expected a click on the object, a box or a mask to begin with, got none of them")
    if extent is not None and scene.settings.zoom:
        window = zoom_window(_united(extent, clicks[signs == 1]), scene.settings.size, scene.settings.margin)
        return _look(scene, window, clicks, signs, previous).pasted(shape)
    first = _look(scene, _first_window(scene, clicks, signs, bag, extent), clicks, signs, previous)
    if not scene.settings.zoom:
        return first.pasted(shape)
    seen = _seen(first, clicks[signs == 1], box)
    for _ in range(WIDENINGS):
        if seen is None or not first.window.cuts_off(seen.extent, shape):
            break
        first = _look(scene, wider_window(first.window, seen.extent), clicks, signs, previous)
        seen = _seen(first, clicks[signs == 1], box)
    if seen is None:  # nothing there to look at more closely
        return first.pasted(shape)
    return _closer(scene, first, seen, clicks, signs, shape).pasted(shape)


def _checked(
    picture: NDArray[Any],
    energies: NDArray[Any],
    points: ArrayLike,
    labels: ArrayLike,
    previous: NDArray[Any] | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    shape = picture.shape[1:]
    if picture.ndim != 3 or len(picture) != 3 or energies.shape != (2, *shape):
        raise ShapeError(
            f"expected a picture (3, H, W) and energies (2, H, W), got {picture.shape} and {energies.shape}"
        )
    if previous is not None and previous.shape != shape:
        raise ShapeError(f"expected a previous mask of {shape}, got {previous.shape}")
    clicks = np.asarray(points, np.float64).reshape(-1, 2)
    signs = np.asarray(labels, np.int64).reshape(-1)
    if len(clicks) != len(signs):
        raise ShapeError(f"expected a label for each point, got {len(clicks)} and {len(signs)}")
    return clicks, signs


def _look(
    scene: _Scene,
    window: ClickWindow,
    clicks: NDArray[np.float64],
    signs: NDArray[np.int64],
    previous: NDArray[Any] | None,
) -> _Look:
    image, energy = window.cut(scene.picture, air=1.0), window.cut(scene.energies, air=1.0)
    guide = window.guide(clicks, signs, previous=previous, box=scene.box)
    found = scene.run({"image": image[None], "energy": energy[None], "guide": guide[None]})
    quality = np.asarray(found["quality"][0], np.float64)
    probs = 1 / (1 + np.exp(-np.clip(np.asarray(found["logits"][0], np.float32), -30, 30)))
    which = scene.settings.which
    chosen = int(quality.argmax()) if which == "surest" else NESTED.index(which)
    return _Look(window, image, probs.astype(np.float32), quality, chosen)


def _first_window(
    scene: _Scene,
    clicks: NDArray[np.float64],
    signs: NDArray[np.int64],
    bag: Sequence[float],
    extent: Box | None,
) -> ClickWindow:
    """Around the box, or the mask so far, or the clicks on the object; large enough to hold them all."""
    size = scene.settings.size
    if scene.box is not None:
        return zoom_window(_united(scene.box, clicks[signs == 1]), size, scene.settings.margin)
    x1, y1, x2, y2 = extent or _united(None, clicks[signs == 1])
    sides = (round(bag[2] - bag[0]), round(bag[3] - bag[1]))
    window = first_window(((x1 + x2) / 2, (y1 + y2) / 2), sides, size)
    wide = zoom_window((x1, y1, x2, y2), size, scene.settings.margin)
    return wide if wide.side > window.side else window


def _seen(first: _Look, clicks: NDArray[np.float64], box: Box | None) -> _Seen | None:
    """What the first look found at the clicks on the object; None where there is nothing."""
    size = first.window.size
    soft = np.asarray(cv2.resize(first.probs[first.chosen], (size, size)), np.float32)
    anchors = _anchors(first.window, soft, clicks, box)
    region = np.zeros(soft.shape, bool)
    for anchor in anchors:
        region |= click_region(soft > MASK_THRESHOLD, anchor)
    extent = _extent(region & (soft > MASK_THRESHOLD))
    if extent is None:
        return None
    return _Seen(soft, region, anchors[0], first.window.to_picture(extent))


def _closer(
    scene: _Scene,
    first: _Look,
    seen: _Seen,
    clicks: NDArray[np.float64],
    signs: NDArray[np.int64],
    shape: tuple[int, int],
) -> _Look:
    """The second look, with the first one's mask and two points on it."""
    size, settings = scene.settings.size, scene.settings
    window = zoom_window(_united(seen.extent, clicks[signs == 1]), size, settings.margin)
    places = _pixels(first.window, _added(settings, first.image, seen), shape)
    more = np.concatenate([clicks, places]), np.concatenate([signs, np.ones(len(places), np.int64)])
    return _look(scene, window, *more, first.window.paste(first.probs[first.chosen], shape))


def _anchors(
    window: ClickWindow, soft: Image, clicks: NDArray[np.float64], box: Box | None
) -> list[tuple[float, float]]:
    """Pixels of the window that the object holds: its clicks, or else the mask's deepest in the box."""
    if len(clicks):
        return [(float(x), float(y)) for x, y in np.floor(window.to_window(clicks + 0.5))]
    inside = np.zeros(soft.shape, np.uint8)
    assert box is not None  # or there would be clicks
    (x1, y1), (x2, y2) = window.to_window([box[:2], box[2:]]).round().astype(int).clip(0)
    inside[y1:y2, x1:x2] = soft[y1:y2, x1:x2] > MASK_THRESHOLD
    depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return [(float(x), float(y))]


def _added(settings: ClickSettings, image: Image, seen: _Seen) -> NDArray[np.float64]:
    """Points (0 or 2, 2) xy for the second look, pixels of the first window's image."""
    if settings.points == "none":
        return np.zeros((0, 2))
    if settings.points == "apg":
        pair = PointGenerator().points(image, seen.soft, seen.anchor, seed=settings.seed)
        return np.asarray(pair, np.float64)
    pixels = np.argwhere(seen.region)[:, ::-1]
    drawn = np.random.default_rng(settings.seed).integers(len(pixels), size=2)
    return np.asarray(pixels[drawn], np.float64)


def _extent(mask: NDArray[np.bool_]) -> Box | None:
    """Tight box of a mask, right and bottom exclusive; None where it is empty."""
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return (float(x), float(y), float(x + w), float(y + h)) if w else None


def _united(box: Box | None, clicks: NDArray[np.float64]) -> Box:
    """The box around a box and the pixels of clicks; at least one of them is there."""
    corners = np.concatenate([np.reshape(box or (), (-1, 2)), clicks, clicks + 1])
    (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
    return float(x1), float(y1), float(x2), float(y2)


def _pixels(window: ClickWindow, points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Pixels of the window's image as whole pixels of the picture."""
    places = np.floor((points + 0.5) / window.scale + [window.left, window.top])
    return np.clip(places, 0, [shape[1] - 1, shape[0] - 1])
