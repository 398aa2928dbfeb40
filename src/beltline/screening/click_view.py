"""A scan as a click model looks at it: white picture, energies, its bags. Made once for all clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import Scan
from beltline.screening.click_windows import Box, energy_channels
from beltline.screening.prepare import find_bag, shrunk_to, white_picture
from beltline.screening.strip import bags_on

_OVERVIEW = 256  # pixels along the longer side of the picture in which a bag is looked for


@dataclass(frozen=True, eq=False)
class ClickView:
    """What `cut_out` wants of a scan.

    Attributes:
        picture: (3, H, W) uint8, RGB, air white; of a very large dual-energy scan smaller than the scan.
        energies: (2, H, W) uint8: transmissions, high and low, or what stands for them.
        bags: xyxy of each bag, pixels of the picture; several on a strip.
        scale: Pixels of the scan a pixel of the picture, across and down.
    """

    picture: NDArray[np.uint8]
    energies: NDArray[np.uint8]
    bags: Sequence[Box]
    scale: tuple[float, float]

    def pixels(self, points: ArrayLike) -> NDArray[np.float64]:
        """Whole pixels (N, 2) xy of the scan as whole pixels of the picture."""
        return np.floor((np.asarray(points, np.float64).reshape(-1, 2) + 0.5) / self.scale)

    def box(self, box: Box | None) -> Box | None:
        """A box of the scan in the picture."""
        if box is None:
            return None
        x1, y1, x2, y2 = np.array(box) / np.tile(self.scale, 2)
        return float(x1), float(y1), float(x2), float(y2)

    def bag_at(self, place: tuple[float, float]) -> Box:
        """The bag that holds a pixel of the picture, or the nearest one."""
        x, y = place

        def away(bag: Box) -> float:
            return max(bag[0] - x, x - bag[2], 0) + max(bag[1] - y, y - bag[3], 0)

        return min(self.bags, key=away)


def view_of(scan: Scan) -> ClickView:
    """Prepare a scan for clicks.

    Raises:
        BadInputError: If the scan is smaller than 8 pixels on a side.
    """
    white = white_picture(scan)
    height, width = white.shape[:2]
    scale = (scan.width / width, scan.height / height)
    picture = np.ascontiguousarray(np.moveaxis(white, 2, 0))
    energies = _transmissions(scan, (width, height))
    if energies is None:
        energies = energy_channels(picture)
    return ClickView(picture, energies, _bags(scan, white, scale), scale)


def _transmissions(scan: Scan, size: tuple[int, int]) -> NDArray[np.uint8] | None:
    """High and low (2, h, w) of a dual-energy scan; None of any other."""
    if scan.quantity == "color" or len(scan.pixels) < 2:
        return None
    low_high = scan.pixels[:2] if scan.quantity == "transmission" else np.exp(-scan.pixels[:2])
    planes = [low_high[1], low_high[0]]
    if size != (scan.width, scan.height):
        planes = [np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA)) for plane in planes]
    return np.stack([np.asarray(cv2.convertScaleAbs(plane, alpha=255), np.uint8) for plane in planes])


def _bags(scan: Scan, white: NDArray[np.uint8], scale: tuple[float, float]) -> list[Box]:
    height, width = white.shape[:2]
    regions = np.array(bags_on(scan) or [(0, 0, scan.width, scan.height)]) / np.tile(scale, 2)
    found = []
    for left, top, across, down in regions.round().astype(int).tolist():
        part = white[top : min(top + down, height), left : min(left + across, width)]
        x, y, w, h = find_bag(shrunk_to(part, _OVERVIEW), (part.shape[1], part.shape[0]))
        found.append((float(left + x), float(top + y), float(left + x + w), float(top + y + h)))
    return found
