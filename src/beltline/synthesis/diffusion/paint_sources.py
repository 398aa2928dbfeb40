"""Scans to paint into: benign ones, annotated ones whose objects are painted anew, or boxes of a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.core import BadInputError, Instances, canonical, xywh_to_xyxy
from beltline.formats import find_scans, read_set
from beltline.formats.limits import bad
from beltline.formats.set_reader import ScanSet, read_annotations
from beltline.synthesis.diffusion.generators import PaintTask, repaint_tasks
from beltline.synthesis.diffusion.promptable import Box
from beltline.synthesis.made_set import Source
from beltline.synthesis.output import benign_scans


@dataclass(frozen=True, eq=False)
class PaintSource:
    """One scan to paint into.

    Attributes:
        scan: Its name, file and pixel side in mm.
        tasks: What is painted where; empty where that is drawn by chance.
        known: Objects that are there and stay annotated; None for none.
        over: Whether the tasks' boxes hold objects, which are painted anew.
    """

    scan: Source
    tasks: tuple[PaintTask, ...] = ()
    known: Instances | None = None
    over: bool = False


def benign_sources(folder: str | Path) -> list[PaintSource]:
    """Benign scans, see `benign_scans`: one object more is added to each.

    Raises:
        BadInputError: If there is none.
    """
    return [PaintSource(scan) for scan in benign_scans(folder)]


def annotated_sources(folder: str | Path) -> list[PaintSource]:
    """All scans of an annotated set, what they hold kept: Xsyn-A as published adds to these.

    Raises:
        BadInputError: If the folder is no set.
    """
    found = _set(folder)
    return [PaintSource(_scan(found, index), known=_known(found, index)) for index in range(len(found))]


def repaint_sources(folder: str | Path, classes: Collection[str]) -> list[PaintSource]:
    """Scans of an annotated set that hold objects of these classes, which are painted anew (Xsyn-M).

    Objects of other classes stay annotated.

    Raises:
        BadInputError: If the folder is no set, or no scan holds one.
    """
    found = _set(folder)
    sources = []
    for index in range(len(found)):
        known = _known(found, index)
        if known is None:
            continue
        mine = [row for row, label in enumerate(known.labels) if label in classes]
        if mine:
            tasks = repaint_tasks([known.labels[row] for row in mine], known.boxes[mine])
            kept = [row for row in range(len(known)) if row not in mine]
            sources.append(PaintSource(_scan(found, index), tasks, _rows(known, kept), over=True))
    if not sources:
        raise bad(
            Path(folder), f"no annotated {', '.join(sorted(classes))} to paint anew; name other classes"
        )
    return sources


def boxed_sources(folder: str | Path, boxes: str | Path, classes: Collection[str]) -> list[PaintSource]:
    """Scans for which a COCO file has boxes to paint into, found by the names of their files.

    Args:
        folder: Benign scans, or a set of them.
        boxes: A COCO file, for instance annotations.json of a set.
        classes: Those that are painted; boxes of others are left out.

    Raises:
        BadInputError: If the file is damaged, names scans that are not there, or holds no such box.
    """
    file = Path(boxes)
    _, records, annotations = read_annotations(file)
    scans = {name: (name, path, mm) for name, path, mm in benign_scans(folder)}
    sources, strangers = [], []
    for record, items in zip(records, annotations, strict=True):
        name = Path(record["file_name"]).stem
        wanted = [item for item in items if canonical(item["label"]) in classes]
        if wanted and name not in scans:
            strangers.append(name)
        elif wanted:
            labels = [canonical(item["label"]) for item in wanted]
            tasks = repaint_tasks(labels, [_box(file, record, item) for item in wanted])
            sources.append(PaintSource(scans[name], tasks))
    if strangers:
        raise bad(
            file,
            f"has boxes for {len(strangers)} scans that are no benign scans of {folder}, first"
            f" {strangers[0]}; scans are found by the names of their files",
        )
    if not sources:
        raise bad(file, f"no box of {', '.join(sorted(classes))}; name other classes")
    return sources


def _set(folder: str | Path) -> ScanSet:
    root = Path(folder)
    if not (root / "annotations.json").is_file():
        what = f"; it holds {len(find_scans(root))} scans without annotations" if root.is_dir() else ""
        raise bad(root, f"no annotations.json{what}. Give an annotated set, or boxes by --boxes FILE")
    return read_set(root)


def _scan(found: ScanSet, index: int) -> Source:
    record = found.records[index]
    return found.names[index], found.root / record.get("raw", record["file_name"]), record.get("pixel_mm")


def _known(found: ScanSet, index: int) -> Instances | None:
    known = found.instances(index)
    if known is None:
        return None
    named = tuple(canonical(label) for label in known.labels)
    return Instances(known.boxes, named, masks=known.masks, occlusion=known.occlusion)


def _rows(known: Instances, rows: Sequence[int]) -> Instances:
    masks = None if known.masks is None else known.masks.take(list(rows))
    occlusion = None if known.occlusion is None else known.occlusion[list(rows)]
    labels = tuple(known.labels[row] for row in rows)
    return Instances(known.boxes[list(rows)], labels, masks=masks, occlusion=occlusion)


def _box(file: Path, record: Mapping[str, Any], item: Mapping[str, Any]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in xywh_to_xyxy([item["bbox"]])[0])
    if not (0 <= x1 < x2 <= record["width"] and 0 <= y1 < y2 <= record["height"]):
        raise BadInputError(
            f"{file}: {record['file_name']} is {record['width']} x {record['height']} pixels, bbox"
            f" {item['bbox']} is empty or sticks out; give x, y, width, height within the scan"
        )
    return x1, y1, x2, y2
