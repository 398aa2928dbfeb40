"""Background occlusion by physics: what a region of the bag absorbs is laid over the object.

Source:
    Transmissions multiply (RWSC-Fusion, equations 1 to 4, as in `beltline.synthesis.tip`). Proposed for
    comparison with the blend in latent space (methods 5.3); how a region is parted from its surroundings is
    that of `beltline.synthesis.cutting`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.synthesis.cutting import RING, filled
from beltline.synthesis.diffusion.bom import Occlusion, check_fits
from beltline.synthesis.domains import DARKEST

Floats = NDArray[np.float32]


def occlude_transmission(transmission: Floats, background: Floats, occlusions: Iterable[Occlusion]) -> Floats:
    """Transmissions with regions of the background laid over them.

    ``T' = T * (T_region / T_around)^a``: the region's own transmission, relative to what goes on around it,
    with a share a of its thickness. Where a region is thinner than its surroundings nothing is laid.

    Args:
        transmission: (C, H, W), low and high, of the painted scan.
        background: (C, H, W), of the scan before.
        occlusions: Drawn with ``cell=1``; their weight is the share of the thickness, 1 for all of it.

    Returns:
        (C, H, W) float32, nowhere brighter; outside the windows as it was, bit by bit.

    Raises:
        ShapeError: If the two differ in shape, or an occlusion was drawn for a larger grid.
        ValueError: If a transmission is below 0 or not finite.
    """
    if transmission.ndim != 3 or transmission.shape != background.shape:
        raise ShapeError(
            f"expected transmissions (C, H, W) of one shape, got {transmission.shape} and {background.shape}"
        )
    for name, planes in (("transmission", transmission), ("background", background)):
        if not np.isfinite(planes).all() or planes.min() < 0:
            raise ValueError(f"{name} must be finite and at least 0; attenuation needs exp(-attenuation)")
    out = np.array(transmission, np.float32)
    for one in occlusions:
        check_fits(one, transmission.shape[1:], background.shape[1:])
        out[(slice(None), *one.window)] *= own_transmission(background, one) ** one.weight
    return out


def own_transmission(background: Floats, one: Occlusion) -> Floats:
    """What the region of an occlusion lets through by itself (C, h, w) in (0, 1]."""
    shape = np.zeros(background.shape[1:], np.uint8)
    shape[one.source_window] = one.weight > 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RING + 1, 2 * RING + 1))
    rows, columns = (slice(max(part.start - RING, 0), part.stop + RING) for part in one.source_window)
    inside = shape[rows, columns]
    around = (cv2.dilate(inside, disc) > 0) & (inside == 0)
    planes = np.asarray(background[:, rows, columns], np.float32)
    if not around.any():  # a region that is all of the scan has no surroundings
        return np.ones((len(planes), *one.weight.shape), np.float32)
    under = np.stack([filled(plane, around) for plane in planes])
    alone: NDArray[Any] = np.clip(planes / np.maximum(under, DARKEST), DARKEST, 1)
    top, left = one.source[0] - rows.start, one.source[1] - columns.start
    height, width = one.weight.shape
    return np.asarray(alone[:, top : top + height, left : left + width], np.float32)
