"""Findings of the bags of one strip, brought together in pixels of the strip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from beltline.core import ClassFinding, InstanceFinding, ScanReport
from beltline.core.report import Box
from beltline.screening.prepare import Rectangle


def together(entry: ScanReport, bags: Sequence[ScanReport], regions: Sequence[Rectangle]) -> ScanReport:
    """The entry of a strip: it alarms if a bag does, and each class is that of the bag where it is surest.

    What alarms in any bag is listed under ``instances``, surest first.

    Args:
        entry: Path, sum and size of the strip.
        bags: Decided entries of its bags, alarm or clear.
        regions: Where they lie.
    """
    moved = [_moved(bag, region) for bag, region in zip(bags, regions, strict=True)]
    by_class = zip(*(bag.classes for bag in moved), strict=True)
    return replace(
        entry,
        decision="alarm" if any(bag.decision == "alarm" for bag in moved) else "clear",
        classes=tuple(max(findings, key=lambda f: f.probability) for findings in by_class),
        instances=tuple(sorted((i for bag in moved for i in _instances(bag)), key=lambda i: -i.score)),
        bags=tuple((float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in regions),
    )


def _instances(bag: ScanReport) -> list[InstanceFinding]:
    """A detector's objects; of a classifier the places of the classes that alarm."""
    seen = [InstanceFinding(f.label, f.probability, f.box) for f in bag.classes if f.alarm and f.box]
    return list(bag.instances) or seen


def _moved(bag: ScanReport, region: Rectangle) -> ScanReport:
    x, y = region[:2]
    return replace(
        bag,
        classes=tuple(_moved_class(finding, x, y) for finding in bag.classes),
        instances=tuple(replace(found, box=_shifted(found.box, x, y)) for found in bag.instances),
    )


def _moved_class(finding: ClassFinding, x: float, y: float) -> ClassFinding:
    point = finding.point and (round(finding.point[0] + x, 1), round(finding.point[1] + y, 1))
    return replace(finding, point=point, box=finding.box and _shifted(finding.box, x, y))


def _shifted(box: Box, x: float, y: float) -> Box:
    x1, y1, x2, y2 = box
    return round(x1 + x, 1), round(y1 + y, 1), round(x2 + x, 1), round(y2 + y, 1)
