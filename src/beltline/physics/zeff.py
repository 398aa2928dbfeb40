"""Effective atomic number from two transmissions.

The ratio lnT_low / lnT_high of one material falls with thickness (beam hardening), so it names no material
by itself: aluminium and 10 mm of steel share a ratio.  Instead each pixel is compared with calibration
materials **at its own lnT_high**, and Z is interpolated between them.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics.materials import bin_mu_per_mm
from beltline.physics.spectra import spectrum

FloatMap = NDArray[np.float32]

CALIBRATION_Z = {"pe": 5.5, "water": 7.5, "ptfe": 8.5, "al": 13.0, "ti": 22.0, "fe": 26.0, "cu": 29.0}
Z_RANGE = (5.0, 30.0)
AIR_DEPTH = 0.004
_DEPTH_MAX = 7.0
_DEPTHS = 384
_RATIOS = 1024
_RATIO_RANGE = (1.0, 4.2)
_REMAP_LIMIT = 32766


def calibration_low_depth(high_depth: NDArray[np.float64], tube_kv: int = 160) -> NDArray[np.float64]:
    """-lnT_low of every calibration material where its -lnT_high equals ``high_depth``.

    Args:
        high_depth: Optical depth of the high channel, shape (D,), > 0.
        tube_kv: Tube voltage in kV.

    Returns:
        Shape (7, D), in the order of :data:`CALIBRATION_Z`.
    """
    beam = spectrum(tube_kv)
    rows = []
    for material in CALIBRATION_Z:
        mu = bin_mu_per_mm(material)
        thickness = np.geomspace(1e-5, 60.0, 3000) / (beam.high @ mu)
        passed = np.exp(-np.outer(thickness, mu))
        high, low = -np.log(passed @ beam.high), -np.log(passed @ beam.low)
        rows.append(high_depth * np.interp(high_depth, high, low / high))
    return np.array(rows)


@cache
def _table(tube_kv: int) -> FloatMap:
    """Z on a grid of (sqrt(-lnT_high), lnT_low / lnT_high), shape (_DEPTHS, _RATIOS)."""
    depth = np.linspace(np.sqrt(AIR_DEPTH), np.sqrt(_DEPTH_MAX), _DEPTHS) ** 2
    ratios = calibration_low_depth(depth, tube_kv) / depth
    grid = np.linspace(*_RATIO_RANGE, _RATIOS)
    numbers = np.array(list(CALIBRATION_Z.values()))
    rows = []
    for column in ratios.T:
        inner = np.interp(grid, column, numbers)
        slope_below = (numbers[1] - numbers[0]) / (column[1] - column[0])
        slope_above = (numbers[-1] - numbers[-2]) / (column[-1] - column[-2])
        inner = np.where(grid < column[0], numbers[0] + slope_below * (grid - column[0]), inner)
        rows.append(np.where(grid > column[-1], numbers[-1] + slope_above * (grid - column[-1]), inner))
    return np.asarray(np.clip(np.array(rows), *Z_RANGE), np.float32)


def effective_atomic_number(
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    *,
    smoothing_sigma_px: float = 0.0,
    tube_kv: int = 160,
) -> FloatMap:
    """Effective atomic number per pixel.

    Args:
        low: Low-energy transmission, shape (H, W), in (0, 1].
        high: High-energy transmission, same shape.
        smoothing_sigma_px: Gaussian smoothing of Z, weighted by attenuation so that air does not bleed into
            objects; 0 = none.  Noise-free maps need none, detected ones about 0.8.
        tube_kv: Tube voltage of the calibration.

    Returns:
        Z in [5, 30], float32 (H, W); 0 in air (-lnT_high below 0.004).

    Raises:
        ValueError: If the shapes differ or are not (H, W).

    Source:
        reconstructed: interpolation between calibration materials at equal lnT_high ("H-L curve").
        Lead reads far too low (K edge at 88 keV), as in real scanners.
    """
    if low.ndim != 2 or low.shape != high.shape:
        raise ValueError(f"low and high must both be (H, W), got {low.shape} and {high.shape}")
    if low.size == 0:
        return np.zeros(low.shape, np.float32)
    depth_low = -cv2.log(np.clip(low, 1e-6, None, dtype=np.float32))
    depth_high = -cv2.log(np.clip(high, 1e-6, None, dtype=np.float32))
    solid = np.maximum(depth_high, np.float32(AIR_DEPTH))
    first = np.float32(np.sqrt(AIR_DEPTH))
    y = (np.sqrt(solid) - first) * np.float32((_DEPTHS - 1) / (np.sqrt(_DEPTH_MAX) - first))
    x = (depth_low / solid - np.float32(_RATIO_RANGE[0])) * np.float32((_RATIOS - 1) / np.ptp(_RATIO_RANGE))
    z = _remap(_table(tube_kv), x.astype(np.float32), y.astype(np.float32))
    z[depth_high < AIR_DEPTH] = 0.0
    if smoothing_sigma_px > 0:
        return _smooth(z, depth_high, smoothing_sigma_px)
    return z


def _remap(table: FloatMap, x: FloatMap, y: FloatMap) -> FloatMap:
    """Bilinear table lookup, clamped at the borders; in pieces where OpenCV's size limit asks for it."""
    for axis in (0, 1):
        if x.shape[axis] > _REMAP_LIMIT:
            cuts = range(_REMAP_LIMIT, x.shape[axis], _REMAP_LIMIT)
            parts = zip(np.split(x, cuts, axis), np.split(y, cuts, axis), strict=True)
            return np.concatenate([_remap(table, *part) for part in parts], axis)
    return np.asarray(cv2.remap(table, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _smooth(z: FloatMap, depth: FloatMap, sigma_px: float) -> FloatMap:
    """Attenuation-weighted Gaussian mean of Z; air stays 0."""
    weight = np.where(z > 0, np.minimum(depth, np.float32(1.0)), np.float32(0.0))
    size = 2 * int(np.ceil(3 * sigma_px)) + 1
    top = cv2.GaussianBlur(z * weight, (size, size), sigma_px)
    bottom = cv2.GaussianBlur(weight, (size, size), sigma_px)
    smooth = top / np.maximum(bottom, np.float32(1e-6))
    return np.where(z > 0, smooth, np.float32(0.0)).astype(np.float32)
