"""Pointing by rules that know no item: what a map must beat before its pointing says anything.

Simulated windows are cut around an item, so that their centre is a good guess; metal is dark, so that the
darkest spot is one too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.metrics import known_mean, peak_points
from beltline.protocols.sixray.measure import POINTING_MARGIN, Points, pointing_hits
from beltline.protocols.sixray.parts import SubsetData

Grey = NDArray[np.float32]
Rule = Callable[[Grey], NDArray[np.float64]]
BLUR = 1 / 112  # of the shorter side: one pixel of a window; 4 pixels point 10 points worse


def centre(grey: Grey) -> NDArray[np.float64]:
    """(1, 2) x, y: the middle of the picture (H, W)."""
    return np.array([[grey.shape[1] / 2, grey.shape[0] / 2]])


def densest_spot(grey: Grey) -> NDArray[np.float64]:
    """(P, 2) x, y: where the blurred picture (H, W) is darkest, all of equal ones."""
    soft = cv2.GaussianBlur(grey, (0, 0), BLUR * min(grey.shape))
    return peak_points(-soft, (grey.shape[0], grey.shape[1]))


RULES: Mapping[str, Rule] = MappingProxyType(
    {"always the centre of the picture": centre, "always its densest spot": densest_spot}
)


def trivial_points(part: SubsetData, *, batch_size: int = 64) -> dict[str, Points]:
    """(P, 4) image, class, x, y of each of `RULES` on a subset's test images, as a cell's points are."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in RULES}
    for rows, images in part.whole(batch_size):
        for row, image in zip(rows, images.mean(1).numpy(), strict=True):
            present = np.flatnonzero(part.test_labels[row] == 1)
            if not len(present):
                continue
            scale = np.array(part.test_size[::-1]) / image.shape[::-1]
            for name, rule in RULES.items():
                points = rule(image) * scale
                found[name] += [(float(row), float(k), x, y) for k in present for x, y in points]
    return {name: np.array(points, np.float32).reshape(-1, 4) for name, points in found.items()}


def trivial_pointing(part: SubsetData) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """(K,) pointing accuracy of each of `RULES`, strict and with the margin of 15 pixels."""
    return {
        name: (
            known_mean(pointing_hits(part, points), 0),
            known_mean(pointing_hits(part, points, margin=POINTING_MARGIN), 0),
        )
        for name, points in trivial_points(part).items()
    }
