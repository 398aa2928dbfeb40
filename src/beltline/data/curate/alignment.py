"""How alike two pictures are once one is laid over the other: what confirms a duplicate.

Source:
    Alignment by the enhanced correlation coefficient: Evangelidis and Psarakis, Parametric Image Alignment
    Using Enhanced Correlation Coefficient Maximization (PAMI 2008), as OpenCV has it. That the least alike
    window counts is ours: the same bag without its gun is another picture.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

THUMBNAIL = 48
"""Side of the square pictures that are compared; 150,000 of them take 350 MB."""
FURTHEST = 0.15
"""Part of the side, and of the scale, that an alignment may move or change."""
WINDOW = 13
"""Side of the windows that are compared, of thumbnails: a quarter of a bag, where a gun takes an eighth."""
_BROAD, _FINE = 2.25, 0.8  # blur taken away and left, pixels: where things lie, not how dark a bag is
_FEWEST = 0.1  # part of the picture's variance that a window needs to say something
_LEAST_PERCENT = 1.0
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1e-3)
_SMOOTH = 3


def thumbnail(luminance: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture (H, W), 0..255, shrunken to (THUMBNAIL, THUMBNAIL) whatever its shape."""
    side = (THUMBNAIL, THUMBNAIL)
    small = cv2.resize(np.ascontiguousarray(luminance), side, interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(np.rint(small), 0, 255), dtype=np.uint8)


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Correlation of the detail of two thumbnails, aligned, in the window where they are least alike.

    Args:
        first: (S, S), in the orientation of the second.
        second: (S, S).

    Returns:
        In [-1, 1], 1 for the same picture; 0 where one of them shows nothing.

    Example:
        >>> bag = np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8)
        >>> changed = bag.copy()
        >>> changed[20:32, 20:32] = bag[30:42, 3:15]
        >>> round(likeness(bag, bag), 3), likeness(bag, changed) < 0.5, likeness(bag, np.full_like(bag, 9))
        (1.0, True, 0.0)
    """
    one, other = _detail(first), _detail(second)
    if not one.any() or not other.any():
        return 0.0
    warp = alignment(one, other)
    moved, covered = (_moved(plane, warp) for plane in (other, np.ones_like(other)))
    return _least_alike(one, moved, covered > 0.99)


def alignment(first: Floats, second: Floats) -> Floats:
    """The affine map (2, 3) from places of the first picture to those of the second.

    The identity where none is found, or only one that moves or stretches by more than `FURTHEST`: pictures
    that have little in common are bent until something fits.
    """
    identity = np.eye(2, 3, dtype=np.float32)
    everywhere = np.full(first.shape, 255, np.uint8)
    try:
        _, warp = cv2.findTransformECC(
            first, second, identity.copy(), cv2.MOTION_AFFINE, _STEPS, everywhere, _SMOOTH
        )
    except cv2.error:
        return identity
    change = warp - identity
    middle = np.array([first.shape[1] / 2, first.shape[0] / 2, 1], np.float32)
    change[:, 2] = change @ middle / max(first.shape)
    return np.asarray(warp, np.float32) if np.abs(change).max() <= FURTHEST else identity


def _detail(picture: NDArray[np.uint8]) -> Floats:
    sharp = picture.astype(np.float32)
    return np.asarray(sharp - cv2.GaussianBlur(sharp, (0, 0), _BROAD))


def _moved(plane: Floats, warp: Floats) -> Floats:
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, warp, plane.shape[::-1], flags=way))


def _least_alike(one: Floats, other: Floats, covered: NDArray[np.bool_]) -> float:
    """Correlation in the window where it is lowest, of those with detail that lie in both pictures."""
    a, b = (np.asarray(cv2.GaussianBlur(plane, (0, 0), _FINE), np.float32) for plane in (one, other))
    b = b * (a.std() / max(float(b.std()), 1e-6))
    mean_a, mean_b = _mean(a), _mean(b)
    spread_a, spread_b = _mean(a * a) - mean_a**2, _mean(b * b) - mean_b**2
    inner = np.zeros(a.shape, bool)
    rim = WINDOW // 2
    inner[rim:-rim, rim:-rim] = True
    telling = inner & covered & (np.maximum(spread_a, spread_b) > _FEWEST * a.var())
    if not telling.any():
        return 0.0
    alike = (_mean(a * b) - mean_a * mean_b) / np.sqrt(np.maximum(spread_a * spread_b, 1e-6))
    return float(np.clip(np.percentile(alike[telling], _LEAST_PERCENT), -1, 1))


def _mean(plane: Floats) -> Floats:
    return np.asarray(cv2.boxFilter(plane, -1, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT))
