"""Which objects of a composed bag a user could see and click, with their masks in the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.simulate.composed import Composed, ComposedObject
from beltline.simulate.framing import Frame

SPECK_SHARE = 0.03  # of an object's pixels: less of a material in one place is no part of its own
SPECK_PX = 30
TOUCH_PX = 2  # distance of pixels of two things that touch: one pixel of background lies between at most

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Clickable:
    """An object that can be clicked.

    Attributes:
        thing: As composed.
        mask: (H, W) bool in the canvas, the whole object.
        metal: (H, W) bool, its pixels of metal; specks belong to what surrounds them.
        occlusion: Share of the optical depth along its pixels that is of other things.
    """

    thing: ComposedObject
    mask: Mask
    metal: Mask
    occlusion: float

    @property
    def kind(self) -> str:
        """What makes two things twins: the label of prohibited ones, else the family."""
        return f"threat:{self.thing.label}" if self.thing.threat else self.thing.family

    @cached_property
    def lines(self) -> tuple[slice, slice]:
        """Rows and columns that hold the mask."""
        return mask_window(self.mask)


def clickable_objects(
    bag: Composed,
    low: NDArray[np.float32],
    frame: Frame,
    *,
    garments: int,
    min_area_px: int,
    min_contrast: float,
    min_depth: float,
) -> list[Clickable]:
    """The objects that a user could see to click them.

    - The mask, in pixels of the canvas, has at least ``min_area_px``.
    - The object darkens the scan: without it the transmission of low energy, on the mean over its pixels,
      would be higher by ``min_contrast``. What lies behind something opaque darkens nothing.
    - It is no container; of garments, those that darken the scan most, as few users click cloth.

    Args:
        bag: As composed.
        low: (h, w) noise-free transmission of low energy.
        frame: Where the bag lies in the canvas.
        garments: Most garments that are listed.
        min_area_px: See above.
        min_contrast: See above, in [0, 1].
        min_depth: Optical depth from which a pixel is the object's; in the canvas, half a pixel counts.

    Returns:
        In the order of the bag, the lowest first.
    """
    contrasts = [contrast(bag, thing, low, min_depth) for thing in bag.objects]
    cloth = [number for number, thing in enumerate(bag.objects) if thing.role == "garment"]
    cloth.sort(key=lambda number: -contrasts[number])
    hidden = set(cloth[garments:])
    found = []
    for number, thing in enumerate(bag.objects):
        if number in hidden or contrasts[number] < min_contrast:
            continue
        one = _clickable(bag, thing, frame, min_depth)
        if one.mask.sum() >= min_area_px:
            found.append(one)
    return found


def contrast(bag: Composed, thing: ComposedObject, low: NDArray[np.float32], min_depth: float) -> float:
    """By how much a thing darkens its pixels, in transmission of low energy, on their mean; in [0, 1].

    The thing is taken out by its share of the optical depth, so that beam hardening counts.
    """
    covered = thing.depth > min_depth
    if not covered.any():
        return 0.0
    seen = np.clip(low[thing.lines][covered], 1e-6, 1)
    share = thing.depth[covered] / np.maximum(bag.optical_depth[thing.lines][covered], 1e-6)
    return float(np.mean(seen ** (1 - np.clip(share, 0, 1)) - seen))


def _clickable(bag: Composed, thing: ComposedObject, frame: Frame, min_depth: float) -> Clickable:
    covered = thing.depth > min_depth

    def laid(window: Mask) -> NDArray[np.float32]:
        plane = np.zeros(bag.basis.shape[1:], np.float32)
        plane[thing.lines] = window
        return frame.lay(plane)

    cover = laid(covered)
    mask, both = cover >= 0.5, covered & thing.metal
    if (both == covered).all() or not both.any():  # of one material, as most are
        metal = mask & both.any()
    else:
        metal = mask & (laid(both) >= 0.5 * cover)
    return Clickable(thing, mask, without_specks(metal, mask), bag.occlusion(thing, min_depth))


def without_specks(metal: Mask, mask: Mask) -> Mask:
    """The metal of an object, screws in plastic and holes in sheet given to what surrounds them.

    Args:
        metal: (H, W) bool, inside the mask.
        mask: (H, W) bool.
    """
    if metal.any() and (metal != mask).any():
        lines = mask_window(mask, 1)
        inner, rest = metal[lines], (mask & ~metal)[lines]
        least = max(SPECK_PX, SPECK_SHARE * int(mask.sum()))
        inner = inner & ~_specks(inner, rest, least)
        rest = mask[lines] & ~inner
        cleaned = np.zeros_like(metal)
        cleaned[lines] = inner | _specks(rest, inner, least)
        return cleaned
    return metal


def _specks(region: Mask, other: Mask, least: float) -> Mask:
    """Connected pieces of a region of fewer pixels than ``least`` that lie against the other one."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    near = cv2.dilate(other.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    beside = np.zeros(count, bool)
    beside[np.unique(pieces[near & region])] = True
    beside[0] = False
    return np.asarray((beside & (stats[:, cv2.CC_STAT_AREA] < least))[pieces])


def touching(kinds: Sequence[str], masks: Sequence[Mask]) -> tuple[list[int], list[int]]:
    """Which things of a kind touch each other in the picture, or lie over each other.

    Args:
        kinds: Of M things.
        masks: M masks (H, W) bool.

    Returns:
        For each the one it shares most pixels with once one is grown by `TOUCH_PX`, or -1; and the first of
        all that touch, directly or by others.
    """
    twins, most, groups = [-1] * len(kinds), [0] * len(kinds), list(range(len(kinds)))
    for one, two in ((a, b) for b in range(len(kinds)) for a in range(b) if kinds[a] == kinds[b]):
        shared = _shared(masks[one], masks[two])
        if not shared:
            continue
        for number, other in ((one, two), (two, one)):
            if shared > most[number]:
                twins[number], most[number] = other, shared
        joined = min(groups[one], groups[two])
        left = {groups[one], groups[two]}
        groups = [joined if group in left else group for group in groups]
    return twins, groups


def _shared(one: Mask, two: Mask) -> int:
    lines = mask_window(one, TOUCH_PX)
    side = 2 * TOUCH_PX + 1
    grown = cv2.dilate(one[lines].astype(np.uint8), np.ones((side, side), np.uint8))
    return int(np.count_nonzero(grown.astype(bool) & two[lines]))
