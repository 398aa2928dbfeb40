"""A painted toy scene: an object over a bag, attention to it, a promptable segmenter without a network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from beltline.synthesis.diffusion.promptable import Box, Mask, Pixels, Points

SIDE = 128


@dataclass(frozen=True, eq=False)
class Painted:
    background: Pixels
    picture: Pixels
    mask: Mask
    box: Box  # the true one
    layout: Box  # larger, as a painted object seldom fills its box
    attention: np.ndarray  # (16, 16)


def painted(*, offset: tuple[int, int] = (0, 0), knife: bool = False) -> Painted:
    """An L of steel over a thin sheet, attention blurred and moved by cells.

    Or a knife, blade and handle, with attention that has one sharp peak, on the handle.
    """
    background = np.full((SIDE, SIDE, 3), 235, np.uint8)
    background[10:118, 8:120] = (250, 200, 140)
    x1, y1, x2, y2 = 40, 50, 88, 74
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y1 : y1 + 9, x1:x2] = mask[y1:y2, x1 : x1 + 9] = True
    if knife:
        mask[y1:y2, x1:x2] = True
    picture = background.copy()
    picture[mask] = (40, 60, 150)
    attention = cv2.resize(mask.astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA)
    attention = cv2.GaussianBlur(np.roll(attention, offset, (0, 1)), (0, 0), 0.8) + 0.02
    if knife:
        picture[y1:y2, 64:x2] = (60, 140, 60)
        attention[7, 9] += 1.5
    layout = (x1 - 14.0, y1 - 12.0, x2 + 10.0, y2 + 16.0)
    return Painted(background, picture, mask, (40.0, 50.0, 88.0, 74.0), layout, attention)


def region_growing(picture: Pixels, box: Box | None, points: Points) -> Mask:
    """What is joined to the clicks and like them, near the box; without clicks what is unlike most of it."""
    values = picture.astype(np.float32)
    near = np.zeros(picture.shape[:2], bool)
    x1, y1, x2, y2 = (int(value) for value in box or (0, 0, picture.shape[1], picture.shape[0]))
    near[max(y1 - 4, 0) : y2 + 4, max(x1 - 4, 0) : x2 + 4] = True
    if not (points[:, 2] == 1).any():
        return near & (np.abs(values - np.median(values[near], axis=0)).max(2) > 60)

    def joined(sign: int) -> Mask:
        found = np.zeros_like(near)
        for x, y in points[points[:, 2] == sign, :2].astype(int):
            alike = near & (np.abs(values - values[y, x]).max(2) < 30)
            _, parts = cv2.connectedComponents(alike.astype(np.uint8))
            found |= alike & (parts == parts[y, x])
        return found

    return joined(1) & ~joined(0)
