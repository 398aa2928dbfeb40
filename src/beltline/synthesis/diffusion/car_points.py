"""Which pixels of a heat map become clicks: recursive median splitting, the hottest, and one beside.

Source:
    Xsyn's cross-attention refinement (methods 5.2, steps 3 and 4), after its released code; order among equal
    pixels reconstructed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.synthesis.diffusion.promptable import NO_POINTS, Mask, Points

Heat = NDArray[np.floating[Any]]  # (H, W)
TOP = 16  # points of the ablation that takes the hottest


def median_points(heat: Heat, mask: Mask, depth: int) -> Points:
    """Positive points by recursive median splitting.

    The pixel of median heat inside the mask is a point; so is that of those below it and that of those above
    it, and so on. The points are thus spread over the heat's whole range, and over the object: a single sharp
    peak draws one or two of them, where it would draw all of the hottest.

    Args:
        heat: (H, W).
        mask: (H, W), where points may lie.
        depth: n: 2^n - 1 points at most, fewer where the mask has fewer pixels.

    Returns:
        (N, 3): x, y, 1; the median of all first. No pixel twice; equal ones in reading order.

    Raises:
        ShapeError: If heat and mask differ in size.
        ValueError: If the depth is below 1.

    Example:
        >>> heat = np.arange(7, dtype=np.float32)[None]
        >>> median_points(heat, heat > 0, 2)[:, 0].tolist()
        [4.0, 2.0, 6.0]
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    ordered = _by_heat(heat, mask)
    spans, chosen = [(0, len(ordered))], []
    for _ in range(depth):
        halves = []
        for first, end in spans:
            if first == end:
                continue
            middle = (first + end) // 2
            chosen.append(middle)
            halves += [(first, middle), (middle + 1, end)]
        spans = halves
    return _points(ordered[chosen], heat.shape[1], 1)


def top_points(heat: Heat, mask: Mask, count: int = TOP) -> Points:
    """The hottest pixels of a mask (N, 3): x, y, 1, the hottest first; the released code's ablation."""
    return _points(_by_heat(heat, mask)[::-1][:count], heat.shape[1], 1)


def point_beside(heat: Heat, mask: Mask, inside: Mask) -> Points:
    """One negative point: where the heat is least inside the box but outside the mask.

    Args:
        heat: (H, W).
        mask: (H, W), the object as far as it is known.
        inside: (H, W), the box.

    Returns:
        (1, 3): x, y, 0; (0, 3) where the mask fills the box.
    """
    return _points(_by_heat(heat, inside & ~mask)[:1], heat.shape[1], 0)


def _by_heat(heat: Heat, mask: Mask) -> NDArray[np.intp]:
    """Flat numbers of the mask's pixels, the coldest first, equal ones in reading order."""
    if heat.ndim != 2 or heat.shape != mask.shape:
        raise ShapeError(f"expected heat and mask (H, W) of one size, got {heat.shape} and {mask.shape}")
    pixels = np.flatnonzero(mask)
    return pixels[np.argsort(heat.ravel()[pixels], kind="stable")]


def _points(pixels: NDArray[np.intp], width: int, label: int) -> Points:
    if not len(pixels):
        return NO_POINTS
    rows, columns = np.divmod(pixels, width)
    return np.stack([columns, rows, np.full(len(pixels), label)], axis=1).astype(np.float32)
