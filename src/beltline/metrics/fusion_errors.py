"""How far a fused image is from the truth, from its sources, and from the bag where nothing was put in."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.fusion_edges import luminance

Floats = NDArray[np.float64]


def mean_absolute_error(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None) -> float:
    """MAE in the unit of the images; NaN over an empty mask.

    Args:
        image: (H, W) or (H, W, C).
        truth: Same shape.
        mask: (H, W), counted where it is over 0.5; None for everything. The paper's ablation takes the region
            outside the item, against the bag: ``mean_absolute_error(fused, bag, item < 0.5)``.

    Raises:
        ShapeError: If shapes do not fit.
    """
    return _mean(np.abs(_difference(image, truth)), mask)


def psnr(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None, *, peak: float = 255.0) -> float:
    """Peak signal to noise ratio in dB; infinite for equal images, NaN over an empty mask.

    Args:
        image: (H, W) or (H, W, C).
        truth: Same shape.
        mask: See `mean_absolute_error`.
        peak: Highest value possible.
    """
    return _decibel(_mean(_difference(image, truth) ** 2, mask), peak)


def source_psnr(first: ArrayLike, second: ArrayLike, fused: ArrayLike, *, peak: float = 255.0) -> float:
    """PSNR against both sources, their squared errors averaged: the reading of fusion benchmarks.

    A fused image differs from its sources where it must, so this cannot be high.

    Source:
        Reconstructed: the printed values near 18 dB fit it.
    """
    errors = [_mean(_difference(fused, source) ** 2, None) for source in (first, second)]
    return _decibel(sum(errors) / 2, peak)


def luminance_error(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Mean absolute difference of luminance, 0..255, of RGB images (H, W, 3); see `mean_absolute_error`."""
    return mean_absolute_error(luminance(image), luminance(truth), mask)


def saturation_error(image: ArrayLike, truth: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Mean absolute difference of HSV saturation, 0..1, of RGB images (H, W, 3)."""
    return mean_absolute_error(saturation(image), saturation(truth), mask)


def saturation(rgb: ArrayLike) -> Floats:
    """HSV saturation (H, W) in 0..1 of RGB (H, W, 3) in any range from 0; 0 for black."""
    pixels = np.asarray(rgb, np.float64)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ShapeError(f"a colour image must be (H, W, 3), got {pixels.shape}")
    high, low = pixels.max(2), pixels.min(2)
    share: Floats = np.divide(high - low, high, out=np.zeros_like(high), where=high > 0)
    return share


def _difference(image: ArrayLike, truth: ArrayLike) -> Floats:
    first, second = np.asarray(image, np.float64), np.asarray(truth, np.float64)
    if first.shape != second.shape or first.ndim not in (2, 3):
        raise ShapeError(
            f"expected two images (H, W) or (H, W, C) of one shape, got {first.shape} and {second.shape}"
        )
    return first - second


def _mean(values: Floats, mask: ArrayLike | None) -> float:
    if mask is None:
        return float(values.mean())
    chosen = np.asarray(mask) > 0.5
    if chosen.shape != values.shape[:2]:
        raise ShapeError(f"the mask of images {values.shape} must be {values.shape[:2]}, got {chosen.shape}")
    return float(values[chosen].mean()) if chosen.any() else math.nan


def _decibel(squared: float, peak: float) -> float:
    if math.isnan(squared):
        return math.nan
    return 10 * math.log10(peak**2 / squared) if squared > 0 else math.inf
