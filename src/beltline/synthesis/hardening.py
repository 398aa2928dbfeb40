"""Beam hardening between bag and item: what the product of two dual-energy scans leaves out.

The bag filters the beam, so that an item behind it absorbs less than alone. Both are read as water and iron,
the thicknesses added, and the product corrected by what the polychromatic law says of the sum.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import basis_vector, dual_energy_transmission

Floats = NDArray[np.float32]
PAIR = ("water", "fe")
DEEPEST = 6.0  # -ln of the high channel
DEPTHS, RATIOS = 160, 96
RATIO_RANGE = (1.02, 3.2)  # low over high optical depth
NEWTON_STEPS = 12
ROW = 256  # pixels
DARKEST = np.float32(2e-3)


def hardening_factor(bag: Floats, item: Floats, *, tube_kv: int = 160) -> Floats:
    """Transmission of bag and item together over the product of both.

    Args:
        bag: (2, H, W) low and high transmission.
        item: (2, H, W) of the item alone.
        tube_kv: Tube voltage of the spectrum.

    Returns:
        (2, H, W) >= 1, and 1 where there is no item.

    Source:
        Two-material decomposition (Alvarez and Macovski 1976), forward by `beltline.physics`.
    """
    covered = (item < 0.995).any(axis=0)
    # only covered pixels are worth the table look-ups; in rows, since a picture has a largest width
    count = int(covered.sum())
    if not count:
        return np.ones(item.shape, np.float32)
    packed = np.ones((2, 2, -(-count // ROW) * ROW), np.float32)
    packed[0, :, :count], packed[1, :, :count] = bag[:, covered], item[:, covered]
    parts = [_decomposed(pixels.reshape(2, -1, ROW), tube_kv) for pixels in packed]
    alone = [_transmission(thickness, tube_kv) for thickness in parts]
    both = _transmission(parts[0] + parts[1], tube_kv)
    ratio = both / np.maximum(alone[0] * alone[1], np.float32(1e-6))
    factor = np.ones(item.shape, np.float32)
    factor[:, covered] = np.clip(ratio, 1, 4).reshape(2, -1)[:, :count]
    return factor


def without_bag(before: Floats, after: Floats, *, tube_kv: int = 160) -> Floats:
    """(2, H, W) transmission of what was added between two pictures, as it would be seen alone."""
    old, new = (
        np.stack([cv2.GaussianBlur(plane, (5, 5), 1.0) for plane in pixels]) for pixels in (before, after)
    )
    alone = _transmission(_decomposed(new, tube_kv) - _decomposed(old, tube_kv), tube_kv)
    # nothing absorbs more of high energies than of low ones: left as it is, for the quality gate to see
    quotient = np.clip(new / np.maximum(old, DARKEST), DARKEST, 1)
    return np.where(quotient[0] > 1.02 * quotient[1], quotient, alone).astype(np.float32)


def _transmission(thickness: Floats, tube_kv: int) -> Floats:
    vectors = np.stack([basis_vector(name) for name in PAIR]).astype(np.float32)
    basis = np.tensordot(vectors.T, thickness, axes=1).astype(np.float32)
    return np.stack(dual_energy_transmission(basis, tube_kv=tube_kv))


def _decomposed(pixels: Floats, tube_kv: int) -> Floats:
    """(2, H, W) mm of water and of iron; negative where a material is lighter than water."""
    low, high = (-np.log(np.clip(plane, DARKEST, 1)) for plane in pixels)
    solid = np.maximum(high, np.float32(1e-3))
    y = np.sqrt(np.minimum(solid, DEEPEST) / DEEPEST) * (DEPTHS - 1)
    span = RATIO_RANGE[1] - RATIO_RANGE[0]
    x = (np.clip(low / solid, *RATIO_RANGE) - RATIO_RANGE[0]) * ((RATIOS - 1) / span)
    x, y = x.astype(np.float32), y.astype(np.float32)
    found = [cv2.remap(t, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for t in _table(tube_kv)]
    air = high < 2e-3
    return np.stack([np.where(air, np.float32(0), plane) for plane in found]).astype(np.float32)


@cache
def _table(tube_kv: int) -> tuple[Floats, Floats]:
    """Thickness of water and of iron, each (DEPTHS, RATIOS), by Newton's method."""
    depth = (np.linspace(0, 1, DEPTHS) ** 2 * DEEPEST).clip(1e-4)[:, None] * np.ones(RATIOS)
    wanted = np.stack([depth * np.linspace(*RATIO_RANGE, RATIOS), depth])
    vectors = np.stack([basis_vector(name) for name in PAIR]).astype(np.float64)

    def depths(thickness: NDArray[np.float64]) -> NDArray[np.float64]:
        basis = np.tensordot(vectors.T, thickness, axes=1).astype(np.float32)
        return -np.log(np.stack(dual_energy_transmission(basis, tube_kv=tube_kv)).astype(np.float64))

    thickness = np.stack([50 * depth, 0.0 * depth])
    for _ in range(NEWTON_STEPS):
        now = depths(thickness)
        steps = (0.5, 0.02)
        columns = []
        for axis, step in enumerate(steps):
            moved = thickness.copy()
            moved[axis] += step
            columns.append((depths(moved) - now) / step)
        (a, c), (b, d) = columns  # of low and high by water, by iron
        off = wanted - now
        determinant = a * d - b * c
        safe = np.where(np.abs(determinant) < 1e-9, 1e-9, determinant)
        move = np.stack([(d * off[0] - b * off[1]) / safe, (a * off[1] - c * off[0]) / safe])
        thickness = thickness + np.clip(move, -40, 40) * 0.9
        thickness = np.clip(thickness, [[[-30]], [[-3]]], [[[700]], [[60]]])
    water, iron = thickness.astype(np.float32)
    return water, iron
