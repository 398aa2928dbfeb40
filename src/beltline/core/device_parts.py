"""A device cut out of a scan, and its parts as a classifier sees them.

Source:
    Durham's object and sub-component anomaly detection: white around the object, 224x224 pixels for an object
    and 190x150 for a part. How large a part is, and how much of an anomaly makes one anomalous: inferred.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.boxes import mask_window
from beltline.core.errors import ShapeError
from beltline.core.superpixels import NOTHING, Distance, count_of, superpixels

OBJECT_SIZE = (224, 224)  # (H, W)
PART_SIZE = (190, 150)  # (H, W)
AIR = 255
SEEN_SIDE = 20.0  # pixels; regions are found in a picture that was brought down until they are so large
ANOMALOUS, BENIGN, IGNORED = 1, 0, -1
SHARE_OF_PART, SHARE_OF_ANOMALY = 0.1, 0.5


@dataclass(frozen=True)
class PartRule:
    """How a device is cut into parts.

    Attributes:
        side_mm: Of a part, if all were square.
        least: Fewest parts.
        most: Most parts.
        unsized: Parts of a device in a scan whose pixels have no known size.
        distance: See `superpixels`.
    """

    side_mm: float = 38.0
    least: int = 8
    most: int = 60
    unsized: int = 24
    distance: Distance = "paper"


@dataclass(frozen=True, eq=False)
class CutDevice:
    """A device on white.

    Attributes:
        rgb: (h, w, 3) uint8; white beside the device.
        mask: (h, w) bool, the device.
        labels: (h, w) int32 parts from 0, -1 beside the device.
        corner: Row and column of the first pixel in the scan.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    labels: NDArray[np.int32]
    corner: tuple[int, int]

    def within(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What a mask (H, W) of the scan covers of the device, (h, w)."""
        (top, left), (height, width) = self.corner, self.mask.shape
        return np.asarray(mask[top : top + height, left : left + width] & self.mask)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return int(self.labels.max()) + 1

    @property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of each part, (P,)."""
        return np.bincount(self.labels[self.labels != NOTHING], minlength=self.parts)


def cut_device(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], pixel_mm: float | None, rule: PartRule | None = None
) -> CutDevice:
    """Cut a device out and into parts.

    Args:
        rgb: (H, W, 3) the scan, white = air.
        mask: (H, W) the device.
        pixel_mm: Side of a pixel; None if unknown.
        rule: How; the default if None.

    Raises:
        ShapeError: If the shapes do not fit.
        ValueError: If the mask is empty, or a pixel has no size.

    Example:
        >>> scan = np.full((300, 400, 3), 255, np.uint8); scan[50:250, 40:360] = (90, 140, 60)
        >>> device = cut_device(scan, scan[..., 0] < 255, pixel_mm=0.8)
        >>> device.rgb.shape, device.corner, device.parts
        ((200, 320, 3), (50, 40), 28)
    """
    if rgb.shape[:2] != mask.shape or rgb.ndim != 3:
        raise ShapeError(f"expected a scan (H, W, 3) and a mask (H, W), got {rgb.shape} and {mask.shape}")
    if not mask.any():
        raise ValueError("the mask of the device is empty")
    if pixel_mm is not None and not pixel_mm > 0:
        raise ValueError(f"pixel_mm must be above 0, got {pixel_mm}")
    rule = rule or PartRule()
    window = mask_window(mask)
    inside = mask[window]
    cut = np.where(inside[..., None], rgb[window], AIR).astype(np.uint8)
    return CutDevice(cut, inside, _parts(cut, inside, rule, pixel_mm), (window[0].start, window[1].start))


def _parts(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], rule: PartRule, pixel_mm: float | None
) -> NDArray[np.int32]:
    """Regions of a smaller picture, enlarged again: they cost a fraction and are as good."""
    area = int(mask.sum())
    count = rule.unsized
    if pixel_mm is not None:
        count = count_of(area, (rule.side_mm / pixel_mm) ** 2, least=rule.least, most=rule.most)
    scale = min(1.0, SEEN_SIDE / float(np.sqrt(area / count)))
    size = (max(round(mask.shape[1] * scale), 1), max(round(mask.shape[0] * scale), 1))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    found = superpixels(np.asarray(small, np.uint8), count, mask=inside, distance=rule.distance)
    large = cv2.resize(found.astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    labels = np.where(mask, large.astype(np.int32), NOTHING)
    return _gapless(_filled(labels, mask))


def _filled(labels: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Pixels of the device that enlarging left without a part get the nearest one."""
    known = labels != NOTHING
    if (known >= mask).all() or not known.any():
        return np.where(mask, np.maximum(labels, 0), NOTHING).astype(np.int32)
    free = (~known).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    owner = np.zeros(int(nearest.max()) + 1, np.int32)
    owner[nearest[known]] = labels[known]
    return np.where(mask, owner[nearest], NOTHING).astype(np.int32)


def _gapless(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    known, number = np.unique(labels[labels != NOTHING], return_inverse=True)
    found = np.full(labels.shape, NOTHING, np.int32)
    found[labels != NOTHING] = number if len(known) else NOTHING
    return found


def framed(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture (h, w, 3) in the middle of white of the aspect of ``size`` (H, W), brought to that size.

    Example:
        >>> framed(np.zeros((10, 40, 3), np.uint8), (190, 150)).shape
        (190, 150, 3)
    """
    rows, columns = frame_in(rgb.shape[:2], size)
    inner = (columns.stop - columns.start, rows.stop - rows.start)
    way = cv2.INTER_AREA if inner[1] < rgb.shape[0] else cv2.INTER_LINEAR
    canvas = np.full((*size, 3), AIR, np.uint8)
    canvas[rows, columns] = cv2.resize(rgb, inner, interpolation=way)
    return canvas


def frame_in(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a frame ``size`` (H, W) that a picture of ``shape`` (h, w) fills, aspect kept.

    Example:
        >>> frame_in((10, 40), (190, 150))
        (slice(76, 114, None), slice(0, 150, None))
    """
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height, width = (min(max(round(n * scale), 1), most) for n, most in zip(shape, size, strict=True))
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return slice(top, top + height), slice(left, left + width)


def object_picture(device: CutDevice, size: tuple[int, int] = OBJECT_SIZE) -> NDArray[np.uint8]:
    """The whole device (H, W, 3) on white, as the paper shows it to a classifier."""
    return framed(device.rgb, size)


def part_pictures(device: CutDevice, size: tuple[int, int] = PART_SIZE) -> NDArray[np.uint8]:
    """Each part (P, H, W, 3) alone on white, as the paper shows it to a classifier."""
    pictures = []
    for number in range(device.parts):
        mine = device.labels == number
        window = mask_window(mine)
        alone = np.where(mine[window][..., None], device.rgb[window], AIR).astype(np.uint8)
        pictures.append(framed(alone, size))
    return np.stack(pictures)


def part_labels(
    device: CutDevice,
    anomaly: NDArray[np.bool_] | None,
    *,
    share: float = SHARE_OF_PART,
    share_of_anomaly: float = SHARE_OF_ANOMALY,
) -> NDArray[np.int8]:
    """What each part is.

    Args:
        device: Cut and in parts.
        anomaly: (H, W) mask in the scan; None or empty if nothing is concealed.
        share: Of a part that the anomaly covers, from which it is anomalous.
        share_of_anomaly: Of the anomaly that lies in a part, from which it is anomalous however large it is;
            the part that holds most of it always is.

    Returns:
        (P,): 1 anomalous, 0 benign, -1 touched by the anomaly but too little to be taught or judged.

    Example:
        >>> scan = np.full((120, 200, 3), 90, np.uint8)
        >>> device = cut_device(scan, np.ones((120, 200), bool), pixel_mm=0.8)
        >>> hidden = np.zeros((120, 200), bool); hidden[10:40, 10:40] = True
        >>> labels = part_labels(device, hidden)
        >>> int((labels == 1).sum()) >= 1, int((labels == 0).sum()) >= 1
        (True, True)
    """
    if anomaly is None or not anomaly.any():
        return np.zeros(device.parts, np.int8)
    inside = device.within(anomaly)
    overlap = np.bincount(device.labels[inside], minlength=device.parts)
    held = overlap / max(int(inside.sum()), 1)
    found = np.where(overlap > 0, IGNORED, BENIGN).astype(np.int8)
    found[(overlap >= share * device.areas) & (overlap > 0)] = ANOMALOUS
    found[held >= share_of_anomaly] = ANOMALOUS
    if inside.any():
        found[int(overlap.argmax())] = ANOMALOUS
    return found
