"""Threat image projection on pseudo-colour alone: back to two energies, multiplied, coloured again.

The way back is a table, and approximate: a palette does not tell all atomic numbers apart. The product of
colours channel by channel (`beltline.synthesis.fuser.product`) is the baseline.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import (
    CALIBRATION_Z,
    ColorStyle,
    approximate_transmission_and_zeff,
    calibration_low_depth,
    colorize,
    guess_style,
)
from beltline.synthesis.fuser import Rgb, checked, mixed
from beltline.synthesis.noise import Noise, lacking

Floats = NDArray[np.float32]
NUMBERS, LEVELS = 64, 512
DARKEST = 1e-3


def project_color(
    bag: Rgb,
    item: Rgb,
    mask: NDArray[np.float32],
    *,
    style: str | ColorStyle | None = None,
    noise: Noise | None = None,
    rng: np.random.Generator | None = None,
) -> Rgb:
    """A `beltline.synthesis.fuser.Fuser` by approximate physics.

    Args:
        bag: (H, W, 3) uint8.
        item: (H, W, 3) uint8, white elsewhere, in the same look.
        mask: (H, W) float32 in [0, 1].
        style: The look; None guesses it from the bag.
        noise: Of the mean transmission behind the bag's colours; with ``rng``, what the product lacks of it
            is added.
        rng: Of the noise.

    Source:
        RWSC-Fusion, equation 4, in the transmissions that an approximate inverse of the colours gives (ours).
    """
    checked(bag, item, mask)
    look = guess_style(bag) if style is None else style
    both = [low_and_high(picture, look) for picture in (bag, item)]
    inside = np.where(mask > 0, both[1], np.float32(1))
    low, high = both[0] * inside
    if noise is not None and rng is not None:
        # colours tell one brightness, so both channels get the same grain
        extra = lacking(both[0].mean(axis=0), inside.mean(axis=0), noise, rng)
        low, high = np.clip([low + extra, high + extra], DARKEST, 1).astype(np.float32)
    return mixed(bag, colorize(low, high, look).astype(np.float32), mask)


def low_and_high(rgb: Rgb, style: str | ColorStyle) -> Floats:
    """(2, H, W) approximate low- and high-energy transmission of a pseudo-colour picture."""
    mean, zeff = approximate_transmission_and_zeff(rgb, style)
    ratio = _ratio_table()
    depth = -np.log(np.clip(mean, DARKEST, 1.0))
    first, last = min(CALIBRATION_Z.values()), max(CALIBRATION_Z.values())
    x = (np.clip(zeff, first, last) - first) * ((NUMBERS - 1) / (last - first))
    y = depth * ((LEVELS - 1) / -np.log(DARKEST))
    high = cv2.remap(ratio, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR) * depth
    # mean = (low + high) / 2 in transmission
    high_share = np.exp(-high)
    low_share = np.clip(2 * mean - high_share, DARKEST, 1.0)
    found: Floats = np.stack([low_share, high_share]).astype(np.float32)
    return found


@cache
def _ratio_table() -> Floats:
    """(LEVELS, NUMBERS) high-energy depth over the depth of the mean transmission."""
    high = np.geomspace(1e-4, 12.0, 2000)
    low = calibration_low_depth(high)  # (materials, depths)
    mean = -np.log((np.exp(-low) + np.exp(-high)) / 2)
    wanted = np.linspace(0, -np.log(DARKEST), LEVELS)
    wanted[0] = wanted[1] / 10
    of_material = np.stack([np.interp(wanted, m, high) / wanted for m in mean], 1)  # (LEVELS, materials)
    atomic = np.array(list(CALIBRATION_Z.values()))
    grid = np.linspace(atomic[0], atomic[-1], NUMBERS)
    return np.stack([np.interp(grid, atomic, row) for row in of_material]).astype(np.float32)
