"""Everything that can be told apart in a scan: by optical depth, quick, or by clicks all over it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from beltline.synthesis.diffusion.promptable import Mask, Pixels, Segment, check_picture
from beltline.synthesis.domains import optical_depth
from beltline.synthesis.placement import AIR_DEPTH, silhouette

LEVELS = 12  # of optical depth
LEAST_SHARE = 1e-3  # of the picture; smaller parts are crumbs
SAME = 0.8  # IoU from which two masks are of the same thing
GRID = 12


def depth_masks(picture: Pixels) -> list[Mask]:
    """Connected parts of a scan that are denser than their surroundings, at several levels of depth.

    The levels are quantiles of the optical depth in the bag; a part that hardly shrinks from level to level
    comes once. The air around the bag and the bag come first. About 0.1 s for 800 x 600 pixels.

    Args:
        picture: (H, W, 3) uint8, white = air.

    Returns:
        Masks (H, W); nested, as those of SAM are.

    Source:
        Ours, after the maximally stable regions of Matas et al. (2002).
    """
    check_picture(picture)
    shares = np.asarray(np.moveaxis(picture, 2, 0) / 255, np.float32)
    depth = cv2.GaussianBlur(optical_depth(shares, "color"), (5, 5), 1.2).astype(np.float32)
    bag = silhouette(depth)
    if not bag.any():
        return [~bag]
    inside = depth[bag & (depth > AIR_DEPTH)]
    if not len(inside):
        return [~bag, bag]
    found = [~bag, bag]
    for level in np.unique(np.quantile(inside, np.linspace(0.05, 0.97, LEVELS))):
        found += list(_parts(depth > level))
    return distinct(found)


def everything(segment: Segment, picture: Pixels, *, grid: int = GRID) -> list[Mask]:
    """What a segmenter cuts out at clicks all over the bag: SAM's automatic mode, without its scores.

    Clicks into air are left out, and masks of what is known already. One call of the segmenter a click: with
    our click model some ten seconds a scan, so do it once and keep the masks.

    Args:
        segment: A promptable segmenter.
        picture: (H, W, 3) uint8, white = air.
        grid: Clicks along each side of the picture.

    Returns:
        Masks (H, W), the air around the bag and the bag first.

    Raises:
        ValueError: If the grid is smaller than 1.
    """
    height, width = check_picture(picture)
    if grid < 1:
        raise ValueError(f"grid must be at least 1, got {grid}")
    depth = optical_depth(np.asarray(np.moveaxis(picture, 2, 0) / 255, np.float32), "color")
    bag = silhouette(depth)
    found = [~bag, bag]
    places = (np.arange(grid) + 0.5) / grid
    for y in (places * height).astype(int):
        for x in (places * width).astype(int):
            if depth[y, x] > AIR_DEPTH:
                found.append(segment(picture, None, np.array([[x, y, 1]], np.float32)))
    return distinct(found)


def distinct(masks: list[Mask]) -> list[Mask]:
    """The masks that are not empty and no copies, by an IoU of 0.8, of earlier ones; in their order."""
    kept: list[Mask] = []
    areas: list[int] = []
    for mask in masks:
        area = int(mask.sum())
        if not area:
            continue
        x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
        window = np.s_[y : y + height, x : x + width]
        if any(
            SAME * max(area, other_area) <= min(area, other_area)
            and _iou(int((mask[window] & other[window]).sum()), area, other_area) >= SAME
            for other, other_area in zip(kept, areas, strict=True)
        ):
            continue
        kept.append(mask)
        areas.append(area)
    return kept


def _iou(common: int, area: int, other: int) -> float:
    return common / (area + other - common)


def _parts(mask: Mask) -> Iterator[Mask]:
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= LEAST_SHARE * mask.size)
    for number in large[large > 0]:
        yield parts == number
