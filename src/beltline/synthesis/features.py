"""What is measured of an item in a picture: its edges, its depth, its size and its material."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import ColorStyle, approximate_transmission_and_zeff, effective_atomic_number
from beltline.synthesis.hardening import without_bag
from beltline.synthesis.threat import Domain

Floats = NDArray[np.float32]
CONTRAST = 0.15  # optical depth that an edge needs to be judged
DARK = 0.02  # transmission under which nothing is read
COLOR_TRUST = 0.4  # in atomic numbers that are read from colours


@dataclass(frozen=True, eq=False)
class Alone:
    """Low and high optical depth (measured), or depth times cube of the atomic number, and depth."""

    first: Floats
    second: Floats
    readable: NDArray[np.bool_]
    measured: bool

    def material(self, mask: Floats) -> tuple[float, float]:
        """See `features`."""
        read = (mask >= 0.5) & self.readable
        if read.sum() < 20:
            return float("nan"), float("nan")
        mean = float(self.first[read].sum() / max(float(self.second[read].sum()), 1e-3))
        if not self.measured:
            return float("nan"), COLOR_TRUST * float(np.cbrt(np.clip(mean, 0, 30**3)))
        seen = read & (self.second > 0.07)
        if seen.sum() < 20:
            return mean, float("nan")
        item = (np.exp(-plane) for plane in (self.first, self.second))
        return mean, float(np.median(effective_atomic_number(*item, smoothing_sigma_px=1.0)[seen]))


def item_alone(before: Floats, after: Floats, domain: Domain, look: ColorStyle | None) -> Alone | None:
    """What of the difference is the item's: low and high optical depth, or depth and its material."""
    if domain == "dual":
        low, high = -np.log(np.clip(without_bag(before, after), 1e-3, 1)).astype(np.float32)
        return Alone(low, high, after.min(axis=0) > DARK, measured=True)
    if domain != "color":
        return None
    depths, products = [], []
    for pixels in (before, after):
        seen, number = approximate_transmission_and_zeff(rgb_of(pixels), look)
        depths.append(-np.log(np.clip(seen, 1e-3, 1)))
        products.append(depths[-1] * number**3)  # photoelectric absorption weighs materials so
    return Alone(products[1] - products[0], depths[1] - depths[0], depths[1] < 4, measured=False)


def features(depth: Floats, alone: Alone | None, mask: Floats, pixel_mm: float | None) -> tuple[float, ...]:
    """What is compared with exemplars of a class.

    Args:
        depth: (H, W) optical depth that the item adds; two energies tell a better one.
        alone: What tells its material, or None.
        mask: (H, W) its coverage.
        pixel_mm: Side of a pixel, or None.

    Returns:
        Logarithms of the mean optical depth and of the diagonal (mm, or pixels where unknown); low over high
        optical depth and atomic number, of colours 0.4 times an approximate one; nan where nothing tells.
    """
    size = float(np.log(diagonal(mask, pixel_mm)))
    material = (float("nan"), float("nan")) if alone is None else alone.material(mask)
    if alone is not None and alone.measured and (mask * alone.readable).any():
        depth = -np.log((np.exp(-alone.first) + np.exp(-alone.second)) / 2).astype(np.float32)
        mask = mask * alone.readable
    return (float(np.log(max(mean_under(depth, mask), 1e-3))), size, *material)


def steepness(added: Floats, mask: Floats) -> float | None:
    """Share of an edge's height that falls within one pixel, the 0.7 quantile along the outline.

    1 is a hard cut; a detector's blur leaves about 0.4.

    Args:
        added: (H, W) optical depth that the item adds.
        mask: (H, W) its coverage.

    Returns:
        None where the item has no edge of sufficient contrast.
    """
    solid = (mask >= 0.5).astype(np.uint8)
    high, low = (
        op(np.ascontiguousarray(added, np.float32), np.ones((7, 7), np.uint8))
        for op in (cv2.dilate, cv2.erode)
    )
    across = np.abs(np.diff(added, axis=1, append=added[:, -1:]))
    down = np.abs(np.diff(added, axis=0, append=added[-1:]))
    step = np.maximum(across, down)
    rim = cv2.dilate(solid, np.ones((3, 3), np.uint8)) - cv2.erode(solid, np.ones((3, 3), np.uint8))
    height = high - low
    judged = (rim > 0) & (height > CONTRAST)
    if judged.sum() < 12:
        return None
    share = cv2.dilate(step, np.ones((3, 3), np.uint8))[judged] / height[judged]
    return float(np.quantile(share, 0.7))


def mean_under(plane: Floats, mask: Floats) -> float:
    """Mean of a plane, weighted by coverage."""
    return float((plane * mask).sum() / max(float(mask.sum()), 1e-6))


def diagonal(mask: Floats, pixel_mm: float | None) -> float:
    """Of the smallest turned rectangle, so that a turn leaves it as it is."""
    points = np.argwhere(mask >= 0.5 * mask.max())[:, ::-1].astype(np.float32)
    (_, sides, _) = cv2.minAreaRect(np.ascontiguousarray(points))
    return float(np.hypot(sides[0], sides[1])) * (pixel_mm or 1.0) + 1e-3


def rgb_of(pixels: Floats) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of (3, H, W) in [0, 1]."""
    return np.ascontiguousarray(np.round(255 * np.moveaxis(pixels, 0, 2)).astype(np.uint8))
