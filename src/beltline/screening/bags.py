"""Findings of the bags of one strip, brought together in pixels of the strip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from beltline.core import ClassFinding, Decision, InstanceFinding, Masks, ScanReport
from beltline.core.report import Box
from beltline.screening.prepare import Rectangle


def together(entry: ScanReport, bags: Sequence[ScanReport], regions: Sequence[Rectangle]) -> ScanReport:
    """The entry of a strip: it alarms if a bag does, and each class is that of the bag where it is surest.

    What alarms in any bag is listed under ``instances``, surest first. Where none alarms, and there was
    nothing to judge in one of them, there is no machine result for the strip.

    Args:
        entry: Path, sum and size of the strip.
        bags: Entries of its bags; without classes where a model found nothing to judge.
        regions: Where they lie.
    """
    size = (entry.height, entry.width)
    moved = [_moved(bag, region, size) for bag, region in zip(bags, regions, strict=True)]
    by_class: dict[str, list[ClassFinding]] = {}
    for finding in (finding for bag in moved for finding in bag.classes):
        by_class.setdefault(finding.label, []).append(finding)
    decision, reason = _decided(moved)
    return replace(
        entry,
        decision=decision,
        reason=reason,
        classes=tuple(max(findings, key=lambda f: f.probability) for findings in by_class.values()),
        instances=tuple(sorted((i for bag in moved for i in bag.objects), key=lambda i: -i.score)),
        bags=tuple((float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in regions),
        notes=tuple(f"bag {number}: {note}" for number, bag in enumerate(moved, 1) for note in bag.notes),
    )


def _decided(bags: Sequence[ScanReport]) -> tuple[Decision, str | None]:
    decisions = [bag.decision for bag in bags]
    if "alarm" in decisions:
        return "alarm", None
    if "no_machine_result" in decisions:
        number = decisions.index("no_machine_result")
        return "no_machine_result", f"bag {number + 1} of {len(bags)}: {bags[number].reason}"
    return "clear", None


def _moved(bag: ScanReport, region: Rectangle, size: tuple[int, int]) -> ScanReport:
    x, y = region[:2]
    return replace(
        bag,
        classes=tuple(_moved_class(finding, x, y) for finding in bag.classes),
        instances=tuple(_moved_instance(found, region, size) for found in bag.instances),
    )


def _moved_instance(found: InstanceFinding, region: Rectangle, size: tuple[int, int]) -> InstanceFinding:
    x, y, width, height = region
    mask = None
    if found.mask is not None:
        plane = np.zeros((1, *size), np.bool_)
        plane[0, y : y + height, x : x + width] = found.mask[0]
        mask = Masks.encode(plane)
    return replace(found, box=_shifted(found.box, x, y), mask=mask)


def _moved_class(finding: ClassFinding, x: float, y: float) -> ClassFinding:
    point = finding.point and (round(finding.point[0] + x, 1), round(finding.point[1] + y, 1))
    return replace(finding, point=point, box=finding.box and _shifted(finding.box, x, y))


def _shifted(box: Box, x: float, y: float) -> Box:
    x1, y1, x2, y2 = box
    return round(x1 + x, 1), round(y1 + y, 1), round(x2 + x, 1), round(y2 + y, 1)
