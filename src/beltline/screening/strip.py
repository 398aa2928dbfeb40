"""Long strips of belt: where one holds several bags, each is screened on its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from beltline.core import Scan
from beltline.screening.prepare import Rectangle, objects_on, shrunk_to, white_picture

STRIP = 4.0  # length over width from which a scan is cut; no bag of public sets is longer than 3.1
LONGEST = STRIP  # what is longer and cannot be cut is more likely several bags than one
_ACROSS = 64  # pixels across the strip in the picture in which bags are looked for
_GAP = 0.06  # of the strip's width: air that parts two bags; no item lies across a column of air

Interval = tuple[float, float]


def bags_on(scan: Scan) -> list[Rectangle]:
    """Rectangles (x, y, width, height) of the bags on a strip, in order along the belt.

    None of a scan less than four times as long as wide, or of an empty belt: that is screened as it is. A
    strip is cut where there is air right across, for 6 % of its width along the belt; only air is left out.
    """
    length, across = max(scan.width, scan.height), min(scan.width, scan.height)
    if length < STRIP * across:
        return []
    lies = scan.width >= scan.height
    overview = shrunk_to(white_picture(scan), round(_ACROSS * length / across))
    boxes = [box if lies else (box[1], box[0], box[3], box[2]) for box in objects_on(overview)]
    scale = length / max(overview.shape[1:])
    found = _parted(((x * scale, (x + w) * scale) for x, _, w, _ in boxes), _GAP * across)
    margin = _GAP * across / 2
    ends = [(int(max(a - margin, 0)), int(np.ceil(min(b + margin, length)))) for a, b in found]
    return [(a, 0, b - a, across) if lies else (0, a, across, b - a) for a, b in ends]


def cut(scan: Scan, region: Rectangle) -> Scan:
    """The part of a scan inside a rectangle."""
    x, y, w, h = region
    return replace(scan, pixels=scan.pixels[:, y : y + h, x : x + w])


def too_long(region: Rectangle) -> str | None:
    """Why a bag of this size cannot be judged, or None."""
    length, across = max(region[2:]), min(region[2:])
    if length <= LONGEST * across:
        return None
    return (
        f"{length} x {across} pixels without a gap of air, more than {LONGEST:g} times as long as wide: "
        "too long for one bag; cut the strip into bags"
    )


def _parted(intervals: Iterable[Interval], gap: float) -> list[Interval]:
    """Intervals joined where less than ``gap`` lies between them."""
    joined: list[Interval] = []
    for first, last in sorted(intervals):
        if joined and first - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
