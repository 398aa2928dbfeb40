"""From a scan of any quantity, size and look to the network's image, and the map back to its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan
from beltline.physics import STYLES, colorize, whiten_background

STRIDE = 32
MIN_SIDE = 8
_OVERVIEW = 256  # pixels along the longer side of the picture in which the bag is looked for
_COLOR_SIDE = 1024  # dual-energy scans are coloured at most this large; edges are drawn in pixels
_AIR_LUMINANCE = 0.7
_AIR_CHROMA = 0.12
_CONTENT = 0.05
_MARGIN = 0.02
_SPECK = 6  # pixels of the overview; less is no object

Rectangle = tuple[int, int, int, int]  # x, y, width, height
Picture = TypeVar("Picture", NDArray[np.uint8], NDArray[np.float32])


@dataclass(frozen=True)
class Letterbox:
    """Where a scan lies in the network's image; all lengths in pixels, (x, y) or (width, height).

    Attributes:
        scan_size: Size of the scan.
        origin: Left top corner of the region cut from the scan.
        region: Size of that region.
        pad: Left top corner of the region's picture in the network's image.
        content: Size of the region's picture there.
        size: Size of the network's image, multiples of 32.
    """

    scan_size: tuple[int, int]
    origin: tuple[float, float]
    region: tuple[float, float]
    pad: tuple[int, int]
    content: tuple[int, int]
    size: tuple[int, int]

    def to_scan(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the network's image in pixels of the scan; pixel edges are integers."""
        scale = np.divide(self.region, self.content)
        return np.asarray((points - np.array(self.pad)) * scale + np.array(self.origin), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a model is fed, and the way back.

    Attributes:
        inputs: By the graph's names; ``image`` is (1, 3, H, W) float32, RGB in 0..1, air 1. A task may add
            what it looks at later.
        letterbox: Where the scan lies in the image.
    """

    inputs: Mapping[str, NDArray[Any]]
    letterbox: Letterbox

    @property
    def image(self) -> NDArray[np.float32]:
        """The input that every model has."""
        return self.inputs["image"]


def prepare(scan: Scan, *, long_side: int = 448) -> Prepared:
    """Bring a scan to the form the classifier was trained on.

    Of its `white_picture`, the air around the bag is cut off, and the rest fitted with white into an image
    whose longer side is ``long_side``.

    Args:
        scan: Any scan of at least 8 by 8 pixels.
        long_side: Longer side of the result, a multiple of 32.

    Raises:
        BadInputError: If the scan is smaller than 8 pixels on a side.
    """
    picture = white_picture(scan)
    region = find_bag(shrunk_to(picture, _OVERVIEW), (picture.shape[1], picture.shape[0]))
    return _fitted(picture, region, _letterbox(scan, picture, region, long_side))


def prepare_whole(scan: Scan, *, long_side: int) -> Prepared:
    """Bring a scan to the form a detector was trained, calibrated and evaluated on.

    Its `white_picture`, none of it cut off: the longer side becomes ``long_side``, and white is added at the
    right and the bottom.

    Args:
        scan: Any scan of at least 8 by 8 pixels.
        long_side: Longer side of the scan's picture, a multiple of 32.

    Raises:
        BadInputError: If the scan is smaller than 8 pixels on a side.
    """
    picture = white_picture(scan)
    whole = (0, 0, picture.shape[1], picture.shape[0])
    return _fitted(picture, whole, replace(_letterbox(scan, picture, whole, long_side), pad=(0, 0)))


def white_picture(scan: Scan) -> NDArray[np.uint8]:
    """The scan's colours with white air, (H, W, 3) uint8: what training stores and reads, too.

    Dual-energy scans are coloured by physics in the default style (and very large ones come back smaller),
    single-channel ones become grey. The whitening is `beltline.physics.whiten_background`.

    Raises:
        BadInputError: If the scan is smaller than 8 pixels on a side.
    """
    if min(scan.height, scan.width) < MIN_SIDE:
        raise BadInputError(
            f"a scan needs at least {MIN_SIDE} x {MIN_SIDE} pixels, got {scan.width} x {scan.height}"
        )
    planes = color_planes(scan)
    different = planes[:1] if planes[0] is planes[1] else planes
    levels = [cv2.convertScaleAbs(plane, alpha=255) for plane in different]  # rounds, and holds to 0..255
    return whiten_background(np.asarray(cv2.merge(levels * (3 // len(levels))), dtype=np.uint8))


def shrunk_to(picture: NDArray[np.uint8], long_side: int) -> NDArray[np.float32]:
    """A picture (H, W, 3) uint8 as (3, h, w) float32 in 0..1, its longer side at most ``long_side``."""
    height, width = picture.shape[:2]
    small = _resized(picture, _fit(width, height, min(long_side, max(width, height))))
    return np.divide(np.moveaxis(small, 2, 0), np.float32(255), dtype=np.float32)


def color_planes(scan: Scan) -> list[NDArray[np.float32]]:
    """Red, green and blue planes (H, W) in 0..1 of a scan of any quantity; air is bright.

    Very large dual-energy scans come back smaller (averaged in intensity), never larger.
    """
    pixels = np.exp(-scan.pixels) if scan.quantity == "attenuation" else scan.pixels
    count = pixels.shape[0]
    if scan.quantity != "color" and count >= 2:
        return _colorized(pixels[0], pixels[1])
    if count >= 3:
        return [np.ascontiguousarray(pixels[c], dtype=np.float32) for c in range(3)]
    gray = np.ascontiguousarray(pixels[0], dtype=np.float32)
    return [gray, gray, gray]


def estimate_air(overview: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour of the empty belt: the commonest bright, nearly grey tone, the frame counting four times.

    Args:
        overview: (3, h, w) float32 in 0..1.

    Returns:
        (3,) float32; white when hardly anything is bright and grey.
    """
    luminance = overview.sum(axis=0) * np.float32(1 / 3)
    chroma = overview.max(axis=0) - overview.min(axis=0)
    likely = (luminance > _AIR_LUMINANCE) & (chroma < _AIR_CHROMA)
    if likely.mean() < 0.005:
        return np.ones(3, dtype=np.float32)
    weight = np.ones_like(luminance)
    weight[[0, -1], :] = 4
    weight[:, [0, -1]] = 4
    tones = overview[:, likely]
    bins = np.minimum((luminance[likely] - _AIR_LUMINANCE) * (60 / (1 - _AIR_LUMINANCE)), 59).astype(np.int32)
    counts = np.bincount(bins, weights=weight[likely], minlength=60)
    peak = int(np.argmax(np.convolve(counts, [1, 2, 1], mode="same")))
    near = np.abs(bins - peak) <= 1
    return np.median(tones[:, near], axis=1).astype(np.float32)


def find_bag(overview: NDArray[np.float32], scan_size: tuple[int, int]) -> Rectangle:
    """Rectangle (x, y, width, height) of the scan that holds everything but air, with a margin.

    Cautious: cut is only what surely shows nothing, specks and single lines along the frame aside.
    An empty scan comes back whole.

    Args:
        overview: (3, h, w) float32 in 0..1.
        scan_size: Width and height of the scan in pixels.
    """
    width, height = scan_size
    kept = objects_on(overview)
    if not kept:
        return 0, 0, width, height
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in kept], dtype=float)
    scale = np.array([width / overview.shape[2], height / overview.shape[1]])
    margin = _MARGIN * max(width, height)
    x1, y1 = np.floor(corners[:, :2].min(axis=0) * scale - margin).clip(0).astype(int)
    x2, y2 = np.ceil(corners[:, 2:].max(axis=0) * scale + margin).clip(None, scan_size).astype(int)
    if min(x2 - x1, y2 - y1) < MIN_SIDE:
        return 0, 0, width, height
    return int(x1), int(y1), int(x2 - x1), int(y2 - y1)


def objects_on(overview: NDArray[np.float32]) -> list[Rectangle]:
    """Rectangles of what differs from the air of an overview (3, h, w), in its pixels.

    Specks and single lines along the frame are none.
    """
    air = estimate_air(overview)[:, None, None]
    content = (np.abs(overview - air).max(axis=0) > _CONTENT).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(content, connectivity=8)
    boxes = [(int(x), int(y), int(w), int(h)) for x, y, w, h, area in stats[1:] if area >= _SPECK]
    return [box for box in boxes if not _is_line_on_frame(box, content.shape)]


def _colorized(low: NDArray[np.float32], high: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    height, width = low.shape
    if max(height, width) > _COLOR_SIDE:
        low, high = (_resized(plane, _fit(width, height, _COLOR_SIDE)) for plane in (low, high))
    rgb = colorize(low, high, STYLES["white"])
    return [plane.astype(np.float32) / 255.0 for plane in cv2.split(rgb)]


def _fit(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = long_side / max(width, height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    height, width = picture.shape[:2]
    if size == (width, height):
        return picture
    how = cv2.INTER_AREA if size[0] < width or size[1] < height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=picture.dtype)


def _fitted(picture: NDArray[np.uint8], region: Rectangle, letterbox: Letterbox) -> Prepared:
    x, y, w, h = region
    content = _resized(np.ascontiguousarray(picture[y : y + h, x : x + w]), letterbox.content)
    image = np.ones((1, 3, letterbox.size[1], letterbox.size[0]), dtype=np.float32)
    left, top = letterbox.pad
    target = image[0, :, top : top + letterbox.content[1], left : left + letterbox.content[0]]
    np.divide(np.moveaxis(content, 2, 0), np.float32(255), out=target)
    return Prepared({"image": image}, letterbox)


def _is_line_on_frame(box: Rectangle, shape: tuple[int, ...]) -> bool:
    x, y, w, h = box
    return (x == 0 or y == 0 or x + w == shape[1] or y + h == shape[0]) and min(w, h) <= 2


def _letterbox(scan: Scan, picture: NDArray[np.uint8], region: Rectangle, long_side: int) -> Letterbox:
    x, y, w, h = region
    scan_size = (scan.pixels.shape[2], scan.pixels.shape[1])
    fx, fy = scan_size[0] / picture.shape[1], scan_size[1] / picture.shape[0]  # 1 unless the picture shrank
    content = _fit(w, h, long_side)
    size = (_network_side(content[0]), _network_side(content[1]))
    pad = ((size[0] - content[0]) // 2, (size[1] - content[1]) // 2)
    return Letterbox(scan_size, (x * fx, y * fy), (w * fx, h * fy), pad, content, size)


def _network_side(content: int) -> int:
    return max(-(-content // STRIDE) * STRIDE, 2 * STRIDE)
