"""Threat image projection: an item laid over a bag, by the law of attenuation.

I_fb = I_f I_b / I_0 (RWSC-Fusion, equations 1 to 4): transmissions multiply, basis maps (thicknesses) add.
Addition of basis maps is exact; the product of measured transmissions leaves out beam hardening: the bag
filters the beam that the item would see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError, mask_window, overlap
from beltline.synthesis.threat import CHANNELS, Domain, Threat

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Projection:
    """A bag with an item in it.

    Attributes:
        pixels: (C, H, W) float32, in the bag's domain.
        mask: (H, W) float32 in [0, 1], coverage by the item, hidden parts included.
        box: x1, y1, x2, y2 in pixels of what is covered by half and more; x2, y2 exclusive.
        corner: Row and column of the threat's first pixel in the bag.
    """

    pixels: Floats
    mask: Floats
    box: tuple[int, int, int, int]
    corner: tuple[int, int]


def project(bag: Floats, threat: Threat, corner: tuple[int, int], *, strength: float = 1.0) -> Projection:
    """Lay a threat over a bag of the same domain.

    Args:
        bag: (C, H, W) float32: six basis maps, low and high transmission, grey transmission or colour in
            [0, 1]. Colour is multiplied channel by channel, which is no physics; see
            `beltline.synthesis.tip_color` for better.
        threat: The item.
        corner: Row and column of its first pixel; it may reach over the border.
        strength: Times the thickness; 1 is what was scanned.

    Raises:
        ShapeError: If the bag has not the channels of the threat's domain.
        ValueError: If nothing of the item would lie in the picture, or ``strength`` is not positive.

    Example:
        >>> pixels, mask = np.full((1, 2, 2), 0.5, np.float32), np.ones((2, 2), np.float32)
        >>> half = Threat(pixels, mask, "grey", "gun", article="a")
        >>> project(np.full((1, 3, 3), 0.5, np.float32), half, (1, 1)).pixels[0]
        array([[0.5 , 0.5 , 0.5 ],
               [0.5 , 0.25, 0.25],
               [0.5 , 0.25, 0.25]], dtype=float32)
    """
    if bag.ndim != 3 or len(bag) != CHANNELS[threat.domain]:
        raise ShapeError(
            f"a bag for a {threat.domain} threat must be ({CHANNELS[threat.domain]}, H, W), got {bag.shape}"
        )
    if strength <= 0:
        raise ValueError(f"strength must be positive, got {strength}")
    met = overlap(bag.shape[1:], threat.mask.shape, corner)
    if met is None:
        raise ValueError(
            f"an item of {threat.mask.shape} pixels at {corner} lies outside a bag of {bag.shape[1:]}"
        )
    there, here = met
    item = threat.pixels[(slice(None), *here)]
    pixels = np.array(bag, np.float32)
    pixels[(slice(None), *there)] = _laid_over(pixels[(slice(None), *there)], item, threat.domain, strength)
    mask = np.zeros(bag.shape[1:], np.float32)
    mask[there] = threat.mask[here]
    return Projection(pixels, mask, box_of(mask), corner)


def _laid_over(bag: Floats, item: Floats, domain: Domain, strength: float) -> Floats:
    if domain == "basis":
        return bag + np.float32(strength) * item
    return bag * (item if strength == 1 else item ** np.float32(strength))


def box_of(mask: Floats) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the pixels covered by half and more; of all covered ones where none is.

    Raises:
        ValueError: If the mask is empty.
    """
    covered = mask >= 0.5 if (mask >= 0.5).any() else mask > 0
    rows, columns = mask_window(covered)
    return columns.start, rows.start, columns.stop, rows.stop
