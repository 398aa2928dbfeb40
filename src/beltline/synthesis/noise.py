"""How noisy a scan is, and the noise that a product of two scans lacks.

A product of bag and item has the wrong noise twice. It carries that of the item's own scan, so that an item
over air is too noisy; and the bag's is darkened with it, t**2 B/N in place of t B/N, so that an item over
dense things is too smooth. Hence items are smoothed when they are cut, and what the quantum noise of the
darker picture lacks is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics.detector import Detector, grain
from beltline.synthesis.threat import Domain

Floats = NDArray[np.float32]
BLOCK = 8
FLAT = 0.2  # the noise of this quantile of the blocks of one brightness is taken: others show structure
BRIGHTEST = 0.95  # air is clipped, and has no noise to learn from
GRAIN_PX = 0.9
MOST_QUANTA = 1e6  # keeps stabilised values within the digits of float32
_KERNEL = (
    np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32) / 6
)  # Immerkær 1996; white noise keeps its sigma
_WIDE = np.kron(_KERNEL, np.array([[1, 0], [0, 0]], np.float32))[:-1, :-1]


@dataclass(frozen=True)
class Noise:
    """Variance of a transmission T: ``T / quanta + read**2``.

    Attributes:
        quanta: Detected in a pixel of air.
        read: Sigma of what does not depend on the signal.
        share: Part of the noise that is coarse grain, see `beltline.physics.detector.grain`.
    """

    quanta: float
    read: float
    share: float

    def variance(self, transmission: Floats) -> Floats:
        """Of every pixel, shape as given."""
        return np.asarray(transmission / np.float32(self.quanta) + np.float32(self.read**2), np.float32)


_USUAL = Detector()
USUAL = Noise(_USUAL.photons_low, _USUAL.electronic_sigma / _USUAL.photons_low, _USUAL.grain_share)


def estimate_noise(plane: Floats) -> Noise:
    """Noise of one channel, from the flattest blocks of each brightness.

    Args:
        plane: (H, W) transmission; one that is too small or too clipped gives the usual noise.

    Source:
        Immerkær 1996 (a Laplacian that ignores planes) in blocks of 8 pixels, fitted by brightness (ours).
    """
    levels, fine, wide = (_blocks(a) for a in _responses(plane))
    mean = levels.mean(axis=1)
    seen = (mean > 0.02) & (mean < BRIGHTEST) & (levels.max(axis=1) < BRIGHTEST)
    if seen.sum() < 24:
        return USUAL
    sigma, sigma_wide, mean = fine[seen].std(axis=1), wide[seen].std(axis=1), mean[seen]
    edges = np.quantile(mean, np.linspace(0, 1, 9))
    rows = []
    for low, high in pairwise(edges):
        of = (mean >= low) & (mean <= high)
        if of.sum() >= 3:
            rows.append((float(mean[of].mean()), _flattest(sigma[of]), _flattest(sigma_wide[of])))
    level, found, found_wide = np.array(rows).T
    share = _share(float(np.median(found / np.maximum(found_wide, 1e-9))))
    return _fit(level, (found / _gain_of(share)) ** 2, share)


def denoised(pixels: Floats, domain: Domain) -> Floats:
    """Smoothed where only noise varies, edges kept; basis maps have no noise and stay.

    Source:
        Anscombe's transform generalised to read noise, then a bilateral filter (Tomasi and Manduchi 1998).
    """
    if domain == "basis":
        return pixels
    planes = []
    for plane in pixels:
        noise = estimate_noise(plane)
        n, floor = np.float32(noise.quanta), np.float32(noise.quanta**2 * noise.read**2)
        stable = 2 * np.sqrt(np.maximum(plane, 0) * n + floor)  # its noise has sigma 1
        off = np.asarray(cv2.bilateralFilter(stable.astype(np.float32), 7, 3.5, 1.6), np.float32) - stable
        smooth = plane + (stable * off / 2 + off * off / 4) / n
        planes.append(np.clip(smooth, 0, max(float(plane.max()), 1.0)))
    return np.stack(planes).astype(np.float32)


def lacking(bag: Floats, item: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """The noise to add to ``bag * item`` of one channel, so that it has that of a scan of both.

    ``variance = V(B t) - t**2 V(B)`` with V of `Noise` and a noise-free item t; it is zero where t = 1.

    Args:
        bag: (H, W) transmission as measured.
        item: (H, W) transmission of the smoothed item.
        noise: Of the bag's scan.
        rng: Source of chance.
    """
    missing = noise.variance(bag * item) - item * item * noise.variance(bag)
    sigma = np.sqrt(np.maximum(missing, np.float32(0)))
    height, width = bag.shape
    return np.asarray(sigma * grain((height, width), noise.share, GRAIN_PX, rng), np.float32)


def _responses(plane: Floats) -> tuple[Floats, Floats, Floats]:
    fine, wide = (np.asarray(cv2.filter2D(plane, -1, k), np.float32) for k in (_KERNEL, _WIDE))
    return plane, fine, wide


def _blocks(plane: Floats) -> Floats:
    height, width = (n // BLOCK for n in plane.shape)
    cut = plane[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(height * width, BLOCK * BLOCK)


def _flattest(sigmas: NDArray[Any]) -> float:
    return float(np.quantile(sigmas, FLAT))


@cache
def _gains() -> NDArray[np.float64]:
    """(19, 3) share of coarse grain, and what the flattest blocks of unit noise show to both kernels."""
    rows = []
    for share in np.linspace(0, 0.9, 19):
        field = grain((512, 512), float(share), GRAIN_PX, np.random.default_rng(0))
        _, fine, wide = _responses(field)
        rows.append((share, *(_flattest(_blocks(a).std(axis=1)) for a in (fine, wide))))
    return np.array(rows)


def _share(ratio: float) -> float:
    table = _gains()
    return float(np.interp(-ratio, -table[:, 1] / table[:, 2], table[:, 0]))


def _gain_of(share: float) -> float:
    table = _gains()
    return float(np.interp(share, table[:, 0], table[:, 1]))


def _fit(level: NDArray[np.float64], variance: NDArray[np.float64], share: float) -> Noise:
    """Weighted least squares of ``variance = slope * level + floor`` with both positive."""
    weight = 1 / np.maximum(variance, 1e-12)
    matrix = np.stack([level, np.ones_like(level)], 1) * weight[:, None]
    slope, floor = np.linalg.lstsq(matrix, variance * weight, rcond=None)[0]
    if slope <= 0:
        slope, floor = 1 / MOST_QUANTA, float(np.median(variance))
    if floor < 0:
        slope, floor = float(np.median(variance / level)), 0.0
    return Noise(float(np.clip(1 / slope, 50, MOST_QUANTA)), float(np.sqrt(max(floor, 0.0))), share)


def local_sigma(plane: Floats) -> Floats:
    """(H, W) sigma of the noise in windows of 5 pixels, structure mostly left out."""
    fine = _responses(plane)[1]
    mean = cv2.boxFilter(fine * fine, -1, (5, 5))
    return np.sqrt(np.maximum(mean, np.float32(1e-12)))
