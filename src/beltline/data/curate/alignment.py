"""How alike two pictures are once one is laid over the other: what confirms a duplicate.

Source:
    Alignment by the enhanced correlation coefficient: Evangelidis and Psarakis, Parametric Image Alignment
    Using Enhanced Correlation Coefficient Maximization (PAMI 2008), as OpenCV has it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 48
"""Side of the square pictures that are compared; 150,000 of them take 350 MB."""
FURTHEST = 0.15
"""Part of the side, and of the scale, that an alignment may move or change."""
_BROAD = 2.25  # blur taken away, pixels: what is left is where things lie, not how dark a bag is
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1e-3)
_SMOOTH = 3


def thumbnail(luminance: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture (H, W), 0..255, shrunken to (THUMBNAIL, THUMBNAIL) whatever its shape."""
    side = (THUMBNAIL, THUMBNAIL)
    small = cv2.resize(np.ascontiguousarray(luminance), side, interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(np.rint(small), 0, 255), dtype=np.uint8)


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Correlation of the detail of two thumbnails after an affine alignment.

    Args:
        first: (S, S), in the orientation of the second.
        second: (S, S).

    Returns:
        In [-1, 1], 1 for the same picture; 0 where one of them shows nothing. Different bags come to 0.65 at
        most in what we simulated, the same picture cropped by 3 % or in another palette to 0.9 and more.

    Example:
        >>> bag = np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8)
        >>> round(likeness(bag, bag), 3), likeness(bag, np.full_like(bag, 9))
        (1.0, 0.0)
    """
    one, other = _detail(first), _detail(second)
    if not one.any() or not other.any():
        return 0.0
    plain = float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
    warp = np.eye(2, 3, dtype=np.float32)
    try:
        aligned, warp = cv2.findTransformECC(one, other, warp, cv2.MOTION_AFFINE, _STEPS, None, _SMOOTH)
    except cv2.error:  # it does not converge: the two have little in common
        return plain
    change = warp - np.eye(2, 3, dtype=np.float32)
    change[:, 2] = (change @ np.array([one.shape[1] / 2, one.shape[0] / 2, 1], np.float32)) / THUMBNAIL
    return max(plain, float(aligned)) if np.abs(change).max() <= FURTHEST else plain


def _detail(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    sharp = picture.astype(np.float32)
    return np.asarray(sharp - cv2.GaussianBlur(sharp, (0, 0), _BROAD))
