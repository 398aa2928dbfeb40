"""A folder of real scans and what is true of them, seen by a model; `real_scans` takes its figures from here.

The folder holds the scans and two tables; other columns are ignored:

- ``index.csv``, a row a scan: ``image`` (path below the folder), ``dataset`` (which set; what stands before
  the first underscore is its source, as ``sixray`` of ``sixray_boxes``), ``image_label`` (begins with
  "negative" for a benign scan; without the column a scan of no class is benign), ``classes`` (with
  semicolons, in any public set's spelling; empty for a threat of unknown class).
- ``boxes.csv``, a row an object: ``image``, ``class``, ``xmin``, ``ymin``, ``xmax``, ``ymax`` in pixels;
  may be missing.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import canonical
from beltline.core.taxonomy import DATASETS
from beltline.formats import read_scan
from beltline.screening import ScreeningModel, screen_scan
from beltline.screening.own_thresholds import score_benign

ANY = "any"
ENOUGH_BENIGN = 10  # a set with fewer benign scans gives none to compare with
Floats = NDArray[np.float64]
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Seen:
    """One scan: what is true of it, what the model answers, and the trivial answers."""

    image: str
    dataset: str
    benign: bool
    classes: frozenset[str]
    raw: Floats
    scores: dict[str, float]
    alarms: frozenset[str]
    points: dict[str, Point]
    boxes: dict[str, Box]
    trivial: dict[str, float]
    trivial_points: dict[str, Point]

    @property
    def source(self) -> str:
        """What several sets have in common."""
        return self.dataset.split("_")[0]

    def holds(self, label: str) -> bool:
        """Whether an item of the class is in it, or any threat."""
        return not self.benign if label == ANY else label in self.classes


def trivial_answers(rgb: NDArray[np.float32]) -> tuple[dict[str, float], dict[str, Point]]:
    """Image scores and points that know nothing of objects; rgb (H, W, 3) in 0..1."""
    y = rgb.mean(axis=2)
    front = y < 0.9
    rows, columns = np.nonzero(front)
    soft = cv2.GaussianBlur(y, (0, 0), 8)
    dense = np.unravel_index(int(np.argmin(soft)), soft.shape)
    scores = {"brightness": float(y[front].mean()), "dark share": float((y[front] < 0.35).mean())}
    pick = np.random.default_rng(0).integers(len(rows))
    points = {
        "centre of the bag": (float(columns.mean()), float(rows.mean())),
        "densest spot": (float(dense[1]), float(dense[0])),
        "random point": (float(columns[pick]), float(rows[pick])),
    }
    return scores, points


def screen_all(root: Path, model: ScreeningModel) -> tuple[list[Seen], list[str]]:
    """Every scan of the index, and the images without a machine result."""
    with (root / "index.csv").open(encoding="utf-8") as stream:
        records = list(csv.DictReader(stream))
    seen = {record["image"]: look(root, record, model) for record in records}
    return [s for s in seen.values() if s], [image for image, s in seen.items() if s is None]


def look(root: Path, record: dict[str, str], model: ScreeningModel) -> Seen | None:
    """Screen one scan of the index; None without a machine result."""
    scan = read_scan(root / record["image"])
    entry = screen_scan(scan, model, deadline_ms=60_000).report
    if entry.decision == "no_machine_result":
        return None
    raw = score_benign([root / record["image"]], model).scores.max(axis=0)
    labels = [canonical(name) for name in model.card.classes]
    classes = named(record["classes"].split(";"), record["dataset"])
    found = {canonical(finding.label): finding for finding in entry.classes}
    return Seen(
        record["image"], record["dataset"],
        record["image_label"].startswith("negative") if "image_label" in record else not classes,
        frozenset(classes), raw,
        {**dict(zip(labels, raw.tolist(), strict=True)), ANY: max(f.probability for f in entry.classes)},
        frozenset([*(label for label, f in found.items() if f.alarm), *[ANY] * (entry.decision == "alarm")]),
        {label: f.point for label, f in found.items() if f.point},
        {label: f.box for label, f in found.items() if f.box},
        *trivial_answers(scan.pixels.transpose(1, 2, 0)),
    )  # fmt: skip


def named(classes: Sequence[str], dataset: str) -> list[str]:
    """Taxonomy names of published ones; empty cells are none."""
    source = dataset.split("_")[0]
    return [canonical(c, source if source in DATASETS else None) for c in classes if c.strip()]


def groups(seen: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Scans by set, and by source where it has several sets."""
    by_set, by_source = defaultdict(list), defaultdict(list)
    for scan in seen:
        by_set[scan.dataset].append(scan)
        by_source[scan.source].append(scan)
    several = {name: scans for name, scans in by_source.items() if len({s.dataset for s in scans}) > 1}
    return {**by_set, **several}


def benign_sets(seen: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Benign scans of each source, out of the sets that have enough of them."""
    counts = Counter(scan.dataset for scan in seen if scan.benign)
    found = defaultdict(list)
    for scan in seen:
        if scan.benign and counts[scan.dataset] >= ENOUGH_BENIGN:
            found[scan.source].append(scan)
    return dict(found)


def with_threats(seen: Sequence[Seen], source: str) -> dict[str, list[Seen]]:
    """Scans of a source that hold a threat, by set and together."""
    return groups([s for s in seen if not s.benign and s.source == source])


def read_boxes(root: Path) -> dict[tuple[str, str], list[Box]]:
    """Boxes by image and class; none without the table."""
    boxes: dict[tuple[str, str], list[Box]] = defaultdict(list)
    if not (root / "boxes.csv").is_file():
        return boxes
    with (root / "boxes.csv").open(encoding="utf-8") as stream:
        for record in csv.DictReader(stream):
            x1, y1, x2, y2 = (float(record[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes[record["image"], canonical(record["class"])].append((x1, y1, x2, y2))
    return boxes
