"""The one interface of all fusion methods: two aligned colour pictures and a mask in, one picture out.

The methods that need no training stand here; learned ones come from `beltline.synthesis.fusion`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError

RIM = 8  # pixels
Rgb: TypeAlias = NDArray[np.uint8]

#: (bag, item, mask) -> fused. Bag, item and fused are (H, W, 3) uint8, item white where it is not; mask is
#: (H, W) float32 in [0, 1].
Fuser: TypeAlias = Callable[[Rgb, Rgb, NDArray[np.float32]], Rgb]


def copy_paste(bag: Rgb, item: Rgb, mask: NDArray[np.float32]) -> Rgb:
    """The item in place of the bag (Dwibedi et al. 2017, unblended): what lies over or under it is lost."""
    checked(bag, item, mask)
    return mixed(bag, item.astype(np.float32), mask)


def alpha_blend(bag: Rgb, item: Rgb, mask: NDArray[np.float32], *, alpha: float = 0.5) -> Rgb:
    """A weighted mean under the mask, ``alpha`` of the item: no physics, but common in toolboxes."""
    checked(bag, item, mask)
    return mixed(bag, alpha * item.astype(np.float32) + (1 - alpha) * bag, mask)


def product(bag: Rgb, item: Rgb, mask: NDArray[np.float32]) -> Rgb:
    """Threat image projection on pseudo-colour, channel by channel: bag times item over white.

    Exact for transmissions (RWSC-Fusion, equation 4), an approximation for colours.
    """
    checked(bag, item, mask)
    return mixed(bag, bag.astype(np.float32) * item / 255.0, mask)


def poisson(bag: Rgb, item: Rgb, mask: NDArray[np.float32]) -> Rgb:
    """Poisson blending (Pérez et al. 2003) with mixed gradients, by OpenCV."""
    checked(bag, item, mask)
    if not (mask > 0).any():
        return bag.copy()
    # OpenCV wants the region clear of the border, places it by the middle of its bounding box and erodes it
    # by 3 pixels. A rim around the item lets its own outline count among the gradients; without it items
    # come out pale.
    wide = [np.pad(a, ((RIM, RIM), (RIM, RIM), (0, 0)), mode="edge") for a in (item, bag)]
    region = np.pad(np.where(mask > 0, 255, 0).astype(np.uint8), RIM)
    region = np.asarray(cv2.dilate(region, np.ones((2 * RIM - 3,) * 2, np.uint8)), np.uint8)
    left, top, width, height = cv2.boundingRect(region)
    middle = (left + width // 2, top + height // 2)
    blended = cv2.seamlessClone(wide[0], wide[1], region, middle, cv2.MIXED_CLONE)
    return mixed(bag, blended[RIM:-RIM, RIM:-RIM].astype(np.float32), mask)


UNTRAINED: Mapping[str, Fuser] = MappingProxyType(
    {"copy-paste": copy_paste, "alpha blending": alpha_blend, "Poisson": poisson, "product": product}
)


def mixed(bag: Rgb, inside: NDArray[np.float32], mask: NDArray[np.float32]) -> Rgb:
    """``inside`` (0..255) under the mask, the bag elsewhere."""
    share = mask[..., None]
    return np.clip(np.round((1 - share) * bag + share * inside), 0, 255).astype(np.uint8)


def checked(bag: Rgb, item: Rgb, mask: NDArray[np.float32]) -> None:
    """Refuse pictures that do not belong together.

    Raises:
        ShapeError: If bag and item are not (H, W, 3) and the mask (H, W), all of one size.
    """
    if bag.ndim != 3 or bag.shape[2] != 3 or item.shape != bag.shape or mask.shape != bag.shape[:2]:
        raise ShapeError(
            "bag and item must be (H, W, 3) and the mask (H, W) of the same size,"
            f" got {bag.shape}, {item.shape} and {mask.shape}"
        )
