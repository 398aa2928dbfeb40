"""AugMix: several short chains of colour operations, mixed with each other and with the scan itself.

Only operations that move no pixel, so that masks and boxes hold, and that keep white white: it is air. None
inverts the tone, for luminance rises with transmission on every scanner.

Source:
    Hendrycks et al., AugMix (2020), without its consistency loss; operations and strengths reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
CHAINS, DEPTH = 3, 3
_LUMA = np.array([0.299, 0.587, 0.114])


def augmix(pixels: Pixels, seed: int) -> Pixels:
    """A scan (H, W, 3) mixed with chains of its own variants; everything follows from the seed."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(CHAINS)) * (1 - rng.beta(1, 1))
    mixed = (1 - shares.sum()) * pixels.astype(np.float32)
    for share in shares:
        chain = pixels
        for choice in rng.integers(len(OPERATIONS), size=int(rng.integers(1, DEPTH + 1))):
            chain = OPERATIONS[choice](chain, float(rng.uniform(-1, 1)))
        mixed += np.float32(share) * chain
    return np.asarray(np.rint(mixed), np.uint8)


def tone(pixels: Pixels, strength: float) -> Pixels:
    """Raise to a power between 0.5 and 2."""
    return _by_level(pixels, 255 * (np.arange(256) / 255) ** (2.0**strength))


def contrast(pixels: Pixels, strength: float) -> Pixels:
    """Stretch or squeeze the distance to white by up to 40 %."""
    return _by_level(pixels, 255 - (1 + 0.4 * strength) * (255 - np.arange(256)))


def posterize(pixels: Pixels, strength: float) -> Pixels:
    """Keep between 8 and 64 levels of each channel."""
    levels = round(8 * 8 ** ((1 + strength) / 2)) - 1
    return _by_level(pixels, np.rint(np.arange(256) / 255 * levels) / levels * 255)


def equalize(pixels: Pixels, strength: float) -> Pixels:
    """Move the levels towards an even histogram of what is not air, at most half the way."""
    counts = np.bincount(pixels[::4, ::4].ravel(), minlength=256).astype(np.float64)
    counts[250:] = 0
    if not counts.any():
        return pixels
    even = 255 * np.cumsum(counts) / counts.sum()
    share = (1 + strength) / 4
    curve = share * even + (1 - share) * np.arange(256)
    curve[250:] = np.arange(250, 256)
    return _by_level(pixels, np.maximum.accumulate(curve))


def saturation(pixels: Pixels, strength: float) -> Pixels:
    """Scale the distance to grey by 0 to 2."""
    mixing = (1 + strength) * np.eye(3) - strength * np.tile(_LUMA, (3, 1))
    return _mixed(pixels, mixing)


def hue(pixels: Pixels, strength: float) -> Pixels:
    """Turn the hues by up to 40 degrees about the grey axis."""
    axis: Any = np.full(3, strength * np.deg2rad(40) / np.sqrt(3))
    return _mixed(pixels, cv2.Rodrigues(axis)[0])


def sharpness(pixels: Pixels, strength: float) -> Pixels:
    """Blur or sharpen."""
    soft: Any = cv2.GaussianBlur(pixels, (0, 0), 1.2)
    return np.asarray(cv2.addWeighted(pixels, 1 + strength, soft, -strength, 0), np.uint8)


OPERATIONS: tuple[Callable[[Pixels, float], Pixels], ...] = (
    tone, contrast, posterize, equalize, saturation, hue, sharpness,
)  # fmt: skip


def _by_level(pixels: Pixels, curve: NDArray[Any]) -> Pixels:
    return np.asarray(cv2.LUT(pixels, np.clip(np.rint(curve), 0, 255).astype(np.uint8)), np.uint8)


def _mixed(pixels: Pixels, mixing: NDArray[np.float64]) -> Pixels:
    # rows sum to 1, so white and grey stay as they are
    return np.asarray(cv2.transform(pixels, mixing), np.uint8)
