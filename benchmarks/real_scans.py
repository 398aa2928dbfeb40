"""What a model does on real scans that you hold: AUC against benign bags, pointing, class against class.

    python benchmarks/real_scans.py DIR [--model FILE]

DIR holds ``index.csv`` (image, dataset, classes) and ``boxes.csv`` (image, class, xmin, ymin, xmax, ymax).
At the operating point: how many alarm. Beside every figure stands the trivial one: for image scores the mean
foreground brightness and the darkest share of the scan, for pointing the centre of the bag and its densest
spot, and a random point of the bag. Real scans are read only; nothing of them is written.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import canonical
from beltline.formats import read_scan
from beltline.metrics import roc_auc, wilson
from beltline.screening import load_model, screen_scan

MARGIN_PX = 15
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Row:
    """One scan: its folder, its true classes, the model's answer, and the trivial answers."""

    image: str
    folder: str
    classes: frozenset[str]
    scores: dict[str, float]
    points: dict[str, tuple[float, float]]
    boxes: dict[str, tuple[float, float, float, float]]
    alarms: frozenset[str]
    trivial: dict[str, float]
    trivial_points: dict[str, tuple[float, float]]


def trivial_answers(rgb: NDArray[np.float32]) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Image scores and points that know nothing of objects; rgb (H, W, 3) in 0..1."""
    y = rgb.mean(axis=2)
    front = y < 0.9
    rows, columns = np.nonzero(front)
    soft = cv2.GaussianBlur(y, (0, 0), 8)
    dense = np.unravel_index(int(np.argmin(soft)), soft.shape)
    scores = {"brightness": float(y[front].mean()), "dark share": float((y[front] < 0.35).mean())}
    pick = np.random.default_rng(0).integers(len(rows))
    points = {
        "centre of bag": (float(columns.mean()), float(rows.mean())),
        "densest spot": (float(dense[1]), float(dense[0])),
        "random": (float(columns[pick]), float(rows[pick])),
    }
    return scores, points


def screen_all(root: Path, model_file: str | None) -> list[Row]:
    """Screen every scan of the index."""
    model = load_model(model_file, trust=True) if model_file else load_model()
    rows = []
    with (root / "index.csv").open() as stream:
        for record in csv.DictReader(stream):
            scan = read_scan(root / record["image"])
            entry = screen_scan(scan, model, deadline_ms=60_000).report
            scores, points = trivial_answers(scan.pixels.transpose(1, 2, 0))
            rows.append(
                Row(
                    record["image"],
                    record["dataset"],
                    frozenset(canonical(c) for c in record["classes"].split(";") if c),
                    {f.label: f.probability for f in entry.classes},
                    {f.label: f.point for f in entry.classes if f.point},
                    {f.label: f.box for f in entry.classes if f.box},
                    frozenset(f.label for f in entry.classes if f.alarm),
                    scores,
                    points,
                )
            )
    return rows


def auc_with_interval(truth: NDArray[np.float64], score: NDArray[np.float64]) -> dict[str, float]:
    """AUC with a 95 % bootstrap interval over scans."""
    rng = np.random.default_rng(0)
    value = float(roc_auc(truth, score))
    drawn = []
    for _ in range(RESAMPLES):
        pick = rng.integers(0, len(truth), len(truth))
        if 0 < truth[pick].sum() < len(pick):
            drawn.append(float(roc_auc(truth[pick], score[pick])))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "auc": round(value, 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "n": len(truth),
    }


def image_level(rows: list[Row], label: str, positives: str, negatives: str) -> dict[str, object]:
    """AUC of one class between folders, beside the trivial scores (either direction counts for them)."""
    chosen = [r for r in rows if (r.folder == positives and label in r.classes) or r.folder == negatives]
    truth = np.array([float(label in r.classes) for r in chosen])
    table: dict[str, object] = {
        "model": auc_with_interval(truth, np.array([r.scores[label] for r in chosen]))
    }
    for name in chosen[0].trivial:
        value = float(roc_auc(truth, np.array([r.trivial[name] for r in chosen])))
        table[f"trivial: {name}"] = round(max(value, 1 - value), 3)
    return table


def within_source(rows: list[Row], label: str, folder: str) -> dict[str, object] | None:
    """AUC of a class among scans of one folder, which holds scans with and without it."""
    chosen = [r for r in rows if r.folder == folder]
    truth = np.array([float(label in r.classes) for r in chosen])
    if not 0 < truth.sum() < len(truth):
        return None
    table: dict[str, object] = {
        "model": auc_with_interval(truth, np.array([r.scores[label] for r in chosen]))
    }
    for name in chosen[0].trivial:
        value = float(roc_auc(truth, np.array([r.trivial[name] for r in chosen])))
        table[f"trivial: {name}"] = round(max(value, 1 - value), 3)
    return table


def alarm_rates(rows: list[Row]) -> dict[str, str]:
    """Scans that alarm at the model's operating point of 5 % on simulated bags, with 95 % intervals."""
    table = {}
    for label in ("gun", "knife"):
        of_class = [row for row in rows if row.folder.startswith("sixray") and label in row.classes]
        table[f"{label}: SIXray scans with one that alarm for it"] = _share(
            [label in r.alarms for r in of_class]
        )
    benign = [row for row in rows if row.folder == "sixray_negative"]
    table["sixray_negative: scans that alarm for anything"] = _share([bool(r.alarms) for r in benign])
    return table


def _share(hits: list[bool]) -> str:
    rate = wilson(sum(hits), len(hits))
    return f"{rate.hits}/{rate.trials} = {rate.value:.2f} [{rate.low:.2f}, {rate.high:.2f}]"


def read_boxes(root: Path) -> dict[tuple[str, str], list[tuple[float, ...]]]:
    """Boxes by image and class."""
    boxes: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    with (root / "boxes.csv").open() as stream:
        for record in csv.DictReader(stream):
            box = tuple(float(record[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes[record["image"], canonical(record["class"])].append(box)
    return boxes


def hit(point: tuple[float, float], boxes: list[tuple[float, ...]], margin: float) -> bool:
    """Whether a point lies in any box widened by a margin."""
    x, y = point
    return any(b[0] - margin <= x <= b[2] + margin and b[1] - margin <= y <= b[3] + margin for b in boxes)


def box_iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two xyxy boxes."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0.0) * max(h, 0.0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def pointing(rows: list[Row], root: Path, folder: str) -> dict[str, object]:
    """Pointing accuracy of the classes annotated with boxes, beside trivial points."""
    boxes = read_boxes(root)
    hits: dict[str, list[bool]] = defaultdict(list)
    overlaps: list[float] = []
    for row in (r for r in rows if r.folder == folder):
        for label in sorted(row.classes & set(row.scores)):
            target = boxes.get((row.image, label), [])
            if not target:
                continue
            point, box = row.points.get(label), row.boxes.get(label)  # a detector may have none of a class
            for name, margin in (("all", 0), (label, 0), (f"all, {MARGIN_PX} px margin", MARGIN_PX)):
                hits[f"model: {name}"].append(point is not None and hit(point, target, margin))
            overlaps.append(max(box_iou(box, b) for b in target) if box else 0.0)
            for name, point in row.trivial_points.items():
                hits[f"trivial: {name}"].append(hit(point, target, 0))
    table: dict[str, object] = {k: f"{sum(v)}/{len(v)} = {np.mean(v):.2f}" for k, v in sorted(hits.items())}
    table["box IoU, median"] = round(float(np.median(overlaps)), 3)
    table["box IoU of a half"] = f"{sum(o >= 0.5 for o in overlaps)}/{len(overlaps)}"
    return table


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--model", help="ONNX file; default the shipped model")
    parser.add_argument(
        "--scores", action="store_true", help="print every scan's gun and knife probability too"
    )
    arguments = parser.parse_args()
    rows = screen_all(arguments.root, arguments.model)
    out: dict[str, object] = {}
    for label in ("gun", "knife"):
        out[f"{label}: sixray_positive against sixray_negative"] = image_level(
            rows, label, "sixray_positive", "sixray_negative"
        )
        for folder in ("sixray_positive", "sixray_boxes"):
            if (found := within_source(rows, label, folder)) is not None:
                out[f"{label}: within {folder}"] = found
    out["alarms"] = alarm_rates(rows)
    out["pointing on sixray_boxes"] = pointing(rows, arguments.root, "sixray_boxes")
    out["pointing on pidray_boxes"] = pointing(rows, arguments.root, "pidray_boxes")
    if arguments.scores:
        keys = ("gun", "knife", "scissors")
        out["scores"] = {r.image: {k: round(r.scores.get(k, -1), 3) for k in keys} for r in rows}
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
