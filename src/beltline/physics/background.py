"""Air is white: finding the background colour of a pseudo-colour scan and bringing it to 255."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

DARKEST_AIR = 185.0  # luminance (0..255) under which the brightest pixels are no longer taken for air
LARGEST_GAIN = 1.35


def background_color(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colour of air in a scan.

    The median of the brightest two per cent of the pixels, at a quarter of the resolution: scanners draw
    air brighter than anything else, whether white, yellowish or light grey.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        (3,) float32 in 0..255; white when the scan shows no air (its brightest pixels are dark).

    Source: reconstructed.
    """
    step = max(min(rgb.shape[:2]) // 160, 1)
    small = rgb[::step, ::step].reshape(-1, 3).astype(np.float32)
    luminance = small @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    brightest = small[luminance >= np.quantile(luminance, 0.98)]
    color = np.median(brightest, axis=0).astype(np.float32)
    if float(color.min()) < DARKEST_AIR:
        return np.full(3, 255.0, dtype=np.float32)
    return color


def whiten_background(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale each channel so that air becomes 255, by at most a factor of 1.35.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        (H, W, 3) uint8; dense pixels hardly move, since the scaling is proportional.
    """
    gain = np.clip(255.0 / background_color(rgb), 1.0, LARGEST_GAIN)
    table = np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.LUT(rgb, table[None]))
