"""Where devices are in a scan: from the logits of a first look to one mask for each."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.device_parts import frame_in

LEAST_SHARE = 0.002  # of the picture; smaller ones are no devices
FINER = 4  # pixels a place of the logits is made of before it is cut to the picture
MOST = 6  # devices of a scan, the largest
NEVER = -20.0


def find_devices(logits: NDArray[np.floating[Any]], size: tuple[int, int]) -> list[NDArray[np.bool_]]:
    """Masks (H, W) of the devices, the largest first; those that touch are one.

    Args:
        logits: (h, w) of a picture framed as `beltline.core.device_parts.framed` does: above 0 is device.
        size: (H, W) of the picture.

    Example:
        >>> logits = np.full((16, 16), -3.0); logits[4:10, 4:12] = 3.0
        >>> [int(mask.sum()) for mask in find_devices(logits, (64, 64))]
        [764]
    """
    fine = tuple(FINER * side for side in logits.shape)
    large = cv2.resize(logits.astype(np.float32), fine[::-1], interpolation=cv2.INTER_LINEAR)
    inner = np.ascontiguousarray(large[frame_in(size, (fine[0], fine[1]))], np.float32)
    count, parts, stats, _ = cv2.connectedComponentsWithStats((inner > 0).astype(np.uint8), connectivity=4)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    order = np.argsort(-areas, kind="stable")[:MOST]
    return [_mask(inner, parts == k + 1, size) for k in order if areas[k] >= LEAST_SHARE * inner.size]


def _mask(logits: NDArray[np.float32], mine: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """One device enlarged, its holes filled."""
    around = cv2.dilate(mine.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    alone = np.where(mine | (around & (logits <= 0)), logits, NEVER).astype(np.float32)
    large = cv2.resize(alone, size[::-1], interpolation=cv2.INTER_LINEAR) > 0
    outlines, _ = cv2.findContours(large.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(size, np.uint8)
    cv2.drawContours(filled, list(outlines), -1, 1, cv2.FILLED)
    return filled.astype(bool)
