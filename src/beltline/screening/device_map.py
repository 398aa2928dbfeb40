"""From a device to the logits of its places and of its parts, the same way in training as in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core.device_parts import CutDevice, frame_in, framed
from beltline.core.superpixels import NOTHING

Floats = NDArray[np.floating[Any]]
RunPlaces = Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]
"""``image`` (1, 3, H, W) float32 in 0..1 to ``logits`` (1, 2, H / 4, W / 4): device here, hidden here."""
DEVICE, HIDDEN = 0, 1
SUREST = 0.1  # share of a part whose mean logit is the part's: what is hidden may be smaller than a part


def place_logits(run: RunPlaces, device: CutDevice, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Logit of each pixel (h, w) of a device that something is hidden there.

    Args:
        run: The network.
        device: Cut out of a scan.
        shape: (H, W) of the network's image.
    """
    image = image_of(device.rgb, shape)
    logits = np.asarray(run({"image": image})["logits"], np.float32)[0, HIDDEN]
    rows, columns = frame_in(device.mask.shape, logits.shape)
    inner = np.ascontiguousarray(logits[rows, columns])
    size = (device.mask.shape[1], device.mask.shape[0])
    return np.asarray(cv2.resize(inner, size, interpolation=cv2.INTER_LINEAR), np.float32)


def image_of(picture: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A picture (h, w, 3) on white as the network's image (1, 3, H, W) in 0..1."""
    planes = framed(picture, shape).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes, np.float32) / np.float32(255)


def part_logits(device: CutDevice, places: Floats, *, surest: float = SUREST) -> NDArray[np.float64]:
    """Logit of each part (P,): the mean over its surest places.

    Args:
        device: With its parts.
        places: (h, w) logits.
        surest: Share of a part's places that count, in (0, 1].

    Example:
        >>> scan = np.full((120, 200, 3), 90, np.uint8)
        >>> from beltline.core.device_parts import cut_device
        >>> device = cut_device(scan, np.ones((120, 200), bool), pixel_mm=0.8)
        >>> places = np.zeros((120, 200)); places[:20, :20] = 5.0
        >>> found = part_logits(device, places)
        >>> int(found.argmax()), round(float(found.max()), 1), round(float(found.min()), 1)
        (0, 5.0, 0.0)
    """
    inside = device.labels != NOTHING
    labels, values = device.labels[inside], np.asarray(places, np.float64)[inside]
    order = np.lexsort((-values, labels))
    sizes = device.areas
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    counts = np.maximum(np.rint(surest * sizes), 1)
    taken = rank < counts[labels[order]]
    return np.asarray(np.bincount(labels[order][taken], values[order][taken], len(sizes)) / counts)
