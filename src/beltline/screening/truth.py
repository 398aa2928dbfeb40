"""Ground truth beside simulated or annotated sets, and how a report did against it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.core import FORMER, ScanReport, canonical, is_threat
from beltline.core.report import Box

ANNOTATIONS = "annotations.json"
MAX_BYTES = 2**30
_NEAR = 0.05  # a point counts as on target within this share of the longer side around the box


@dataclass(frozen=True)
class TruthItem:
    """A prohibited item that is in the scan: its label and box (x1, y1, x2, y2) in pixels."""

    label: str
    box: Box


@dataclass(frozen=True)
class Verdict:
    """How one scan's entry compares with its ground truth, per class.

    Attributes:
        hits: Classes present and alarmed.
        located: Hits whose point lies on an item of the class (within 5 % of the longer side).
        misses: Classes present, known to the model and not alarmed.
        unknown: Classes present that the model does not know.
        false_alarms: Classes alarmed and not present.
    """

    hits: tuple[str, ...] = ()
    located: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    false_alarms: tuple[str, ...] = ()


class TruthFinder:
    """Looks up the prohibited items of a file in the COCO ``annotations.json`` of its set, if any."""

    def __init__(self) -> None:
        self._sets: dict[Path, dict[str, tuple[TruthItem, ...]] | None] = {}

    def find(self, path: Path) -> tuple[TruthItem, ...] | None:
        """Prohibited items in a file's scan; None where the file belongs to no readable annotated set."""
        for root in (path.parent, path.parent.parent):
            items = self._load(root)
            if items is None:
                continue
            if path.name in items:
                return items[path.name]
            if path.stem in items:  # raw/NAME.npz beside images/NAME.png
                return items[path.stem]
        return None

    def _load(self, root: Path) -> dict[str, tuple[TruthItem, ...]] | None:
        if root not in self._sets:
            self._sets[root] = _read(root / ANNOTATIONS)
        return self._sets[root]


def judge(entry: ScanReport, truth: Sequence[TruthItem], *, classes: Sequence[str]) -> Verdict:
    """Compare one entry with its ground truth; an entry without machine result misses everything.

    So does one of several models that gave no result, of its own classes.

    Args:
        entry: Of one scan.
        truth: What is in it, by the taxonomy's names.
        classes: What the model knows, possibly by names of earlier versions; items of other classes are
            neither hits nor misses.
    """
    there = {item.label for item in truth}
    present = sorted(label for label in set(classes) if _now(label) in there)
    unknown = tuple(sorted(there - {_now(label) for label in classes}))
    known = {finding.label: finding for finding in entry.classes}
    if entry.decision == "no_machine_result":
        return Verdict(misses=tuple(present), unknown=unknown)
    hits = [label for label in present if label in known and known[label].alarm]
    reach = _NEAR * max(entry.width, entry.height)
    located = [
        label
        for label in hits
        if any(_holds(item.box, known[label].point, reach) for item in truth if item.label == _now(label))
    ]
    return Verdict(
        hits=tuple(hits),
        located=tuple(located),
        misses=tuple(label for label in present if label not in hits),
        unknown=unknown,
        false_alarms=tuple(f.label for f in entry.classes if f.alarm and f.label not in present),
    )


def _now(label: str) -> str:
    return FORMER.get(label, label)


def _holds(box: Box, point: tuple[float, float] | None, reach: float) -> bool:
    if point is None:
        return False
    x1, y1, x2, y2 = box
    return x1 - reach <= point[0] <= x2 + reach and y1 - reach <= point[1] <= y2 + reach


def _read(file: Path) -> dict[str, tuple[TruthItem, ...]] | None:
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            return None
        return _items_by_file(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, OverflowError, RecursionError, KeyError, TypeError, AttributeError):
        return None  # ground truth is a courtesy of the report; screening goes on without it


def _items_by_file(coco: Mapping[str, Any]) -> dict[str, tuple[TruthItem, ...]]:
    labels = {int(c["id"]): canonical(str(c["name"])) for c in coco["categories"]}
    names = {image["id"]: Path(str(image["file_name"])).name for image in coco["images"]}
    items: dict[str, list[TruthItem]] = {name: [] for name in names.values()}
    for annotation in coco["annotations"]:
        label = labels[int(annotation["category_id"])]
        if is_threat(label):
            x, y, width, height = (float(v) for v in annotation["bbox"])
            if not math.isfinite(x + y + width + height):
                raise ValueError(f"a box that is not finite: {annotation['bbox']}")
            x1, y1, x2, y2 = x, y, x + width, y + height
            items[names[annotation["image_id"]]].append(TruthItem(label, (x1, y1, x2, y2)))
    by_name = {name: tuple(found) for name, found in items.items()}
    return by_name | {Path(name).stem: found for name, found in by_name.items()}
