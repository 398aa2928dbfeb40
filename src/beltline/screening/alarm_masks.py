"""Every alarm of a scan cut out by the click model; the decision stays as it was.

A detector's object is cut out by its box and the middle of it. A classifier's box only points at the evidence
and may hold a part of the object, which would be all that is cut out: there the point alone counts.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace

from beltline.core import Masks, Scan, ScanReport
from beltline.core.report import Box, Point
from beltline.screening.cards import one_line
from beltline.screening.clicker import Clicker


@dataclass(frozen=True)
class MaskTally:
    """How many alarms were to be cut out and how many were not, with the first reason.

    Attributes:
        alarms: Places of alarms.
        without: Those that got no mask.
        reason: Why the first of them got none.
    """

    alarms: int = 0
    without: int = 0
    reason: str = ""

    def __add__(self, other: MaskTally) -> MaskTally:
        return MaskTally(
            self.alarms + other.alarms, self.without + other.without, self.reason or other.reason
        )

    def warning(self) -> tuple[str, ...]:
        """For the report's reader, if anything is missing."""
        if not self.without:
            return ()
        return (f"no mask for {self.without} of {self.alarms} alarms; the first: {self.reason}",)


def with_masks(
    entry: ScanReport, scan: Scan, clicker: Clicker, *, boxed: Collection[str], deadline_ms: float
) -> tuple[ScanReport, MaskTally]:
    """The entry with a mask for each of its objects, of a classifier for the place of each class that alarms.

    Whatever goes wrong, the entry keeps its decision, and what could not be cut out has no mask.

    Args:
        entry: Of a screened scan.
        scan: The same scan.
        clicker: From `load_clicker`.
        boxed: Labels whose boxes hold whole objects, as a detector's do.
        deadline_ms: From the decoded scan; what screening has left of it is the time there is.
    """
    started = time.perf_counter()
    used_ms = entry.ms.get("total", 0.0) - entry.ms.get("read", 0.0)
    until = started + (deadline_ms - used_ms) / 1000
    objects, tally = [], MaskTally()
    for found in entry.objects:
        if found.mask is not None:  # a model that cuts out what it finds
            objects.append(found)
            continue
        box, left_s = found.box if found.label in boxed else None, until - time.perf_counter()
        mask, reason = _mask(entry.point_of(found), box, scan, clicker, left_s)
        objects.append(replace(found, mask=mask))
        tally += MaskTally(1, int(mask is None), f"{entry.path}: {reason}" if mask is None else "")
    if not objects:
        return entry, tally
    took = round((time.perf_counter() - started) * 1000, 2)
    ms = {**entry.ms, "masks": took, "total": round(entry.ms.get("total", 0.0) + took, 2)}
    return replace(entry, instances=tuple(objects), ms=ms), tally


def _mask(
    point: Point, box: Box | None, scan: Scan, clicker: Clicker, left_s: float
) -> tuple[Masks | None, str]:
    click = (min(int(point[0]), scan.width - 1), min(int(point[1]), scan.height - 1))
    try:
        mask = clicker.cut(scan, [click], box=box, timeout_s=left_s).mask
    except Exception as error:  # whatever it is, the alarm stands, and the report says what it lacks
        return None, one_line(error)
    return (Masks.encode(mask[None]), "") if mask.any() else (None, f"nothing found at {click[0]},{click[1]}")
