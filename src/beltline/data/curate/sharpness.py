"""How sharp a scan is, at one scale, so that neither larger pictures nor more air around a bag count."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE = 384
"""Pixels of the longer side at which sharpness is measured; smaller pictures are taken as they are."""
AIR_STEP = 12.0
"""Grey levels that a pixel must be darker than air to count."""
_FEWEST = 100  # pixels that are not air; with fewer the whole picture counts


def sharpness(luminance: NDArray[np.float32]) -> float:
    """Variance of the Laplacian over the pixels that are not air.

    Blur takes it away; a picture that was enlarged lacks it as one out of focus does. Shrinking to
    `LONG_SIDE` first makes pictures of all sizes comparable: at their own resolution large ones would be
    called blurred because their edges spread over more pixels.

    Args:
        luminance: (H, W), 0..255.

    Returns:
        At least 0, squared grey levels.

    Source:
        Variance of the Laplacian as focus measure: Pech-Pacheco et al., Diatom autofocusing in brightfield
        microscopy (ICPR 2000). XSeg's pipeline has a Laplacian filter whose threshold is not published.

    Example:
        >>> noise = np.random.default_rng(0).uniform(0, 200, (200, 300)).astype(np.float32)
        >>> sharpness(cv2.GaussianBlur(noise, (0, 0), 2)) < 0.01 * sharpness(noise)
        True
    """
    height, width = luminance.shape
    scale = LONG_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        luminance = np.asarray(cv2.resize(luminance, size, interpolation=cv2.INTER_AREA), np.float32)
    edges = cv2.Laplacian(luminance, cv2.CV_32F)
    inside = luminance < np.percentile(luminance, 98) - AIR_STEP
    counted = edges[inside] if np.count_nonzero(inside) >= _FEWEST else edges
    return float(np.var(counted))
