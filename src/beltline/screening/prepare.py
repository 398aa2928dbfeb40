"""From a scan of any quantity, size and look to the network's image, and the map back to its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan

STRIDE = 32
MIN_SIDE = 8
_OVERVIEW = 256  # pixels along the longer side of the picture in which the bag is looked for
_COLOR_SIDE = 1024  # dual-energy scans are coloured at most this large; edges are drawn in pixels
_AIR_LUMINANCE = 0.7
_AIR_CHROMA = 0.12
_CONTENT = 0.05
_MARGIN = 0.02
_DENSE = 0.3

Rectangle = tuple[int, int, int, int]  # x, y, width, height


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

    def to_network(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 2) of the scan in pixels of the network's image; the inverse of `to_scan`."""
        scale = np.divide(self.content, self.region)
        return np.asarray((points - np.array(self.origin)) * scale + np.array(self.pad), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Network input ``image`` (1, 3, H, W) float32, RGB in 0..1, air 1, and the way back."""

    image: NDArray[np.float32]
    letterbox: Letterbox


def prepare(scan: Scan, *, long_side: int = 448) -> Prepared:
    """Bring a scan to the form the screening model was trained on.

    Dual-energy scans are coloured by physics in the default style, single-channel ones become grey. The
    air around the bag is cut off, the air that is left made white without touching dense parts, and the
    region fitted with white into an image whose longer side is ``long_side``.

    Args:
        scan: Any scan of at least 8 by 8 pixels.
        long_side: Longer side of the result, a multiple of 32.

    Raises:
        BadInputError: If the scan is smaller than 8 pixels on a side or not finite.
    """
    planes, (width, height) = _large_enough(color_planes(scan))
    overview = _resize_planes(planes, *_fit(width, height, min(_OVERVIEW, max(width, height))))
    if not np.isfinite(overview).all():
        raise BadInputError("the scan holds NaN or infinite pixels")
    air = estimate_air(overview)
    x, y, w, h = find_bag(overview, air, (width, height))
    letterbox = _letterbox(scan, (width, height), (x, y, w, h), long_side)
    region = [plane[y : y + h, x : x + w] for plane in planes]
    content = whiten_air(_resize_planes(region, *letterbox.content), air)
    image = np.ones((1, 3, letterbox.size[1], letterbox.size[0]), dtype=np.float32)
    left, top = letterbox.pad
    target = image[0, :, top : top + letterbox.content[1], left : left + letterbox.content[0]]
    target[:] = content
    return Prepared(image, letterbox)


def prepare_whole(scan: Scan, *, long_side: int) -> Prepared:
    """Bring a scan to the form a detector was trained, calibrated and evaluated on.

    The colours are those of `prepare`, in 256 steps; air is made white by proportion and none is cut off. The
    longer side becomes ``long_side``, and white is added at the right and the bottom.

    Args:
        scan: Any scan of at least 8 by 8 pixels.
        long_side: Longer side of the scan's picture, a multiple of 32.

    Raises:
        BadInputError: If the scan is smaller than 8 pixels on a side.
    """
    from beltline.physics import whiten_background  # classifiers do without the package

    planes, size = _large_enough(color_planes(scan))
    levels = [np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8) for plane in planes]
    white = whiten_background(np.stack(levels, axis=2))
    letterbox = replace(_letterbox(scan, size, (0, 0, *size), long_side), pad=(0, 0))
    width, height = letterbox.content
    if letterbox.content != size:
        how = cv2.INTER_AREA if width < size[0] or height < size[1] else cv2.INTER_LINEAR
        white = np.asarray(cv2.resize(white, letterbox.content, interpolation=how), dtype=np.uint8)
    image = np.ones((1, 3, letterbox.size[1], letterbox.size[0]), dtype=np.float32)
    np.divide(np.moveaxis(white, 2, 0), np.float32(255), out=image[0, :, :height, :width])
    return Prepared(image, letterbox)


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


def find_bag(
    overview: NDArray[np.float32], air: NDArray[np.float32], scan_size: tuple[int, int]
) -> Rectangle:
    """Rectangle (x, y, width, height) of the scan that holds everything but air, with a margin.

    Cautious: cut is only what surely shows nothing, specks and single lines along the frame aside.
    An empty scan comes back whole.
    """
    width, height = scan_size
    content = (np.abs(overview - air[:, None, None]).max(axis=0) > _CONTENT).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(content, connectivity=8)
    kept = [box for box in stats[1:] if _is_object(box, content.shape)]
    if not kept:
        return 0, 0, width, height
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in kept], dtype=float)
    scale = np.array([width / content.shape[1], height / content.shape[0]])
    margin = _MARGIN * max(width, height)
    x1, y1 = np.floor(corners[:, :2].min(axis=0) * scale - margin).clip(0).astype(int)
    x2, y2 = np.ceil(corners[:, 2:].max(axis=0) * scale + margin).clip(None, scan_size).astype(int)
    if min(x2 - x1, y2 - y1) < MIN_SIDE:
        return 0, 0, width, height
    return int(x1), int(y1), int(x2 - x1), int(y2 - y1)


def whiten_air(image: NDArray[np.float32], air: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch each channel so that ``air`` becomes 1; below 0.3 nothing changes, between it blends.

    The stretch is monotonic in every channel, so no order of brightness is lost.

    Args:
        image: (3, h, w) float32 in 0..1.
        air: (3,) colour of the empty belt.
    """
    if (air > 0.995).all():
        return np.asarray(np.clip(image, 0.0, 1.0), dtype=np.float32)
    white = air[:, None, None]
    blend = np.clip((image - _DENSE) / (white - _DENSE), 0.0, 1.0)
    blend *= blend * (3 - 2 * blend)
    stretched = image * (1 + (1 / white - 1) * blend)
    return np.asarray(np.clip(stretched, 0.0, 1.0), dtype=np.float32)


def _large_enough(planes: list[NDArray[np.float32]]) -> tuple[list[NDArray[np.float32]], tuple[int, int]]:
    height, width = planes[0].shape
    if min(height, width) < MIN_SIDE:
        raise BadInputError(f"a scan needs at least {MIN_SIDE} x {MIN_SIDE} pixels, got {width} x {height}")
    return planes, (width, height)


def _colorized(low: NDArray[np.float32], high: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    from beltline.physics import STYLES, colorize  # compiles kernels; colour scans do without

    height, width = low.shape
    if max(height, width) > _COLOR_SIDE:
        low, high = _resize_planes([low, high], *_fit(width, height, _COLOR_SIDE))
    rgb = colorize(low, high, STYLES["white"])
    return [plane.astype(np.float32) / 255.0 for plane in cv2.split(rgb)]


def _fit(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = long_side / max(width, height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _resize_planes(planes: list[NDArray[np.float32]], width: int, height: int) -> NDArray[np.float32]:
    shrinks = width <= planes[0].shape[1] and height <= planes[0].shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if planes[0] is planes[1]:
        gray = cv2.resize(planes[0], (width, height), interpolation=how)
        return np.broadcast_to(gray, (3, height, width))
    resized = [
        cv2.resize(np.ascontiguousarray(plane), (width, height), interpolation=how) for plane in planes
    ]
    return np.asarray(resized, dtype=np.float32)


def _is_object(box: NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    x, y, w, h, area = (int(v) for v in box)
    on_frame = x == 0 or y == 0 or x + w == shape[1] or y + h == shape[0]
    return area >= 6 and not (on_frame and min(w, h) <= 2)


def _letterbox(scan: Scan, planes: tuple[int, int], region: Rectangle, long_side: int) -> Letterbox:
    x, y, w, h = region
    scan_size = (scan.pixels.shape[2], scan.pixels.shape[1])
    fx, fy = scan_size[0] / planes[0], scan_size[1] / planes[1]  # 1 unless color_planes shrank the scan
    content = _fit(w, h, long_side)
    size = (_network_side(content[0]), _network_side(content[1]))
    pad = ((size[0] - content[0]) // 2, (size[1] - content[1]) // 2)
    return Letterbox(scan_size, (x * fx, y * fy), (w * fx, h * fy), pad, content, size)


def _network_side(content: int) -> int:
    return max(-(-content // STRIDE) * STRIDE, 2 * STRIDE)
