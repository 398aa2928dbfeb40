"""What a detector is worth: detections of a source, and the figures of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core import Sample
from beltline.metrics import (
    AREA_EDGES,
    OCCLUSION_EDGES,
    Calibration,
    MissTable,
    fit_platt,
    known_mean,
    miss_table,
    roc_auc,
    threshold_at_pfa,
)
from beltline.metrics.detection_coco import coco_average_precision
from beltline.metrics.detections import (
    Boxes,
    detection_ap,
    froc,
    match_detections,
    recall_and_precision,
    scan_scores,
)
from beltline.metrics.operating_points import scan_thresholds
from beltline.models.detection_small import SCORE_FLOOR
from beltline.models.detector import ObjectDetector
from beltline.training.arrays import as_input
from beltline.training.sides import padded, to_long_side
from beltline.training.sources import Source, as_picture, numbers_of
from beltline.training.tables import point, rate_text, whole_scan_lines

Floats = NDArray[np.float64]
IOU, SURE = 0.5, 0.5  # the usual point of detection tables
FALSE_ALARMS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
PFAS = (0.01, 0.02, 0.05, 0.1, 0.2)
USUAL = "0.05"  # the point of which misses are counted


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was found in the scans of a source, and what is there; boxes in pixels of the source's scans.

    Attributes:
        found: Detections.
        objects: Objects, some ignored.
        scans: Number of scans.
        area: (M,) share of the scan that each object's box covers.
        occlusion: (M,) share of each object's optical depth that is other things', NaN where not known.
    """

    found: Boxes
    objects: Boxes
    scans: int
    area: Floats
    occlusion: Floats

    def labels(self, classes: int) -> NDArray[np.float32]:
        """(scans, classes) 1 where the scan holds the class, NaN where only an ignored object of it."""
        out = np.zeros((self.scans, classes), np.float32)
        counted = self.objects.counted
        out[self.objects.image[~counted], self.objects.label[~counted]] = np.nan
        out[self.objects.image[counted], self.objects.label[counted]] = 1
        return out


def detect(model: ObjectDetector, source: Source, long_side: int, *, limit: int | None = None) -> Evaluation:
    """Run a detector over a source, scan by scan, as it is used: longer side at ``long_side``, white around.

    Args:
        model: Trained.
        source: Scans with boxes.
        long_side: Pixels.
        limit: The first so many scans; all if None.
    """
    scans = len(source) if limit is None else min(limit, len(source))
    device = next(model.parameters()).device
    found: list[NDArray[Any]] = []
    there: list[NDArray[Any]] = []
    for row in range(scans):
        sample = source[row]
        height, width = sample.scan.height, sample.scan.width
        pixels, factor = to_long_side(as_picture(sample.scan), long_side)
        with torch.no_grad():
            (hits,) = model.predict(as_input(padded(pixels)[None]).to(device))
        boxes = np.clip(hits.boxes.float().cpu().numpy() / factor, 0, [width, height] * 2)
        found.append(_columns(row, hits.labels.cpu().numpy(), boxes, hits.scores.float().cpu().numpy()))
        there.append(_objects(row, sample, source.classes))
    f = np.concatenate(found) if found else np.zeros((0, 7))
    o = np.concatenate(there) if there else np.zeros((0, 9))
    return Evaluation(
        Boxes(f[:, 0].astype(int), f[:, 1].astype(int), f[:, 2:6], f[:, 6]),
        Boxes(o[:, 0].astype(int), o[:, 1].astype(int), o[:, 2:6], ignored=o[:, 6].astype(bool)),
        scans,
        o[:, 7],
        o[:, 8],
    )


def _objects(row: int, sample: Sample, classes: Sequence[str]) -> Floats:
    found = sample.instances
    assert found is not None
    area = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(1) / (sample.scan.height * sample.scan.width)
    unknown = np.full(len(found), np.nan, np.float32)
    occlusion = unknown if found.occlusion is None else found.occlusion
    return _columns(row, numbers_of(found.labels, classes), found.boxes, ~found.counted, area, occlusion)


def _columns(row: int, labels: NDArray[Any], boxes: NDArray[Any], *more: NDArray[Any]) -> Floats:
    parts = [np.full(len(labels), row), labels, *boxes.reshape(-1, 4).T, *more]
    return np.stack(parts, 1).astype(np.float64)


def progress_figures(seen: Evaluation, classes: int) -> dict[str, float]:
    """The few numbers to watch while training."""
    matched = match_detections(seen.found, seen.objects, iou=IOU)
    recall, precision = recall_and_precision(matched, seen.objects, classes, score=SURE)
    return {
        "ap_50": float(known_mean(detection_ap(matched, seen.objects, classes))),
        "recall": float(known_mean(recall)),
        "precision": float(known_mean(precision)),
        "froc_1": float(froc(matched, seen.objects, seen.scans, alarms=(1.0,))[0]),
    }


@dataclass(frozen=True)
class Thresholds:
    """K score thresholds for each false-alarm rate, keys like ``"0.05"``, chosen on validation data.

    Attributes:
        scan: Of the whole scan, whichever class alarms.
        by_class: Of each class alone.
    """

    scan: Mapping[str, Sequence[float]]
    by_class: Mapping[str, Sequence[float]]


NO_THRESHOLDS = Thresholds({}, {})


def fitted_calibration(seen: Evaluation, classes: int) -> dict[str, list[float]]:
    """``scale`` and ``bias``, K each, from validation data.

    ``sigmoid(scale * logit(score) + bias)`` is the chance that a scan holds the class whose best box has the
    score. Slope 1 and offset 0 where the scores do not rank.
    """
    scores = np.clip(scan_scores(seen.found, seen.scans, classes), SCORE_FLOOR, 1 - 1e-6)
    labels, odds = seen.labels(classes), np.log(scores / (1 - scores))
    fitted = [fit_platt(labels[:, k], odds[:, k]) for k in range(classes)]
    kept = [c if c.scale > 0 else Calibration(1.0, 0.0) for c in fitted]
    return {"scale": [c.scale for c in kept], "bias": [c.offset for c in kept]}


def chosen_thresholds(seen: Evaluation, classes: int) -> Thresholds:
    """Thresholds for `PFAS` from validation data."""
    scores, labels = scan_scores(seen.found, seen.scans, classes), seen.labels(classes)
    return Thresholds(
        {f"{pfa:g}": scan_thresholds(labels, scores, pfa) for pfa in PFAS},
        {
            f"{pfa:g}": [threshold_at_pfa(labels[:, k], scores[:, k], pfa) for k in range(classes)]
            for pfa in PFAS
        },
    )


def figures(
    seen: Evaluation, classes: Sequence[str], thresholds: Thresholds = NO_THRESHOLDS
) -> dict[str, Any]:
    """Everything that ``beltline evaluate`` says of a detector.

    Args:
        seen: From `detect`.
        classes: K names.
        thresholds: Of `chosen_thresholds`, chosen on other data.

    Returns:
        ``classes`` (average precision, recall and precision at IoU 0.5 and score 0.5; ``scan`` judges scans
        by the class's best box: AUC, and with thresholds PD and PFA), ``mean``, ``coco``, ``froc`` (share
        found by false alarms a scan), ``misses`` by size and occlusion at score 0.5 or at the threshold of
        5 % false alarms, and with thresholds ``whole_scan``: PD and PFA with intervals.
    """
    count = len(classes)
    matched = match_detections(seen.found, seen.objects, iou=IOU)
    ap = detection_ap(matched, seen.objects, count)
    recall, precision = recall_and_precision(matched, seen.objects, count, score=SURE)
    number = np.bincount(seen.objects.label[seen.objects.counted], minlength=count)
    share = froc(matched, seen.objects, seen.scans, alarms=FALSE_ALARMS)
    limits = thresholds.scan.get(USUAL, [SURE] * count)
    of_scans = _of_scans(seen, count, thresholds.by_class)
    scores = np.zeros(len(seen.objects))
    scores[matched.object[matched.hit]] = matched.score[matched.hit]
    return {
        "scans": seen.scans,
        "objects": int(number.sum()),
        "classes": {
            name: {"objects": int(n), "ap": float(a), "recall": float(r), "precision": float(p), "scan": s}
            for name, n, a, r, p, s in zip(classes, number, ap, recall, precision, of_scans, strict=True)
        },
        "mean": {
            name: float(known_mean(each))
            for name, each in (("ap", ap), ("recall", recall), ("precision", precision))
        },
        "coco": coco_average_precision(seen.found, seen.objects, count, images=range(seen.scans)),
        "froc": {f"{at:g}": float(value) for at, value in zip(FALSE_ALARMS, share, strict=True)},
        "misses": {
            "size": _misses(seen, classes, scores, limits, seen.area, AREA_EDGES),
            "occlusion": _misses(seen, classes, scores, limits, seen.occlusion, OCCLUSION_EDGES),
        },
        **({"whole_scan": _whole_scan(seen, count, thresholds.scan)} if thresholds.scan else {}),
    }


def _misses(
    seen: Evaluation,
    classes: Sequence[str],
    scores: Floats,
    thresholds: Sequence[float],
    attribute: Floats,
    edges: Sequence[float],
) -> dict[str, Any]:
    kept = seen.objects.counted
    one_hot = np.eye(len(classes))[seen.objects.label[kept]]
    table: MissTable = miss_table(
        one_hot.reshape(-1, len(classes)),
        one_hot * scores[kept, None],
        thresholds,
        attribute=np.where(one_hot == 1, attribute[kept, None], np.nan),
        edges=edges,
    )
    pooled = table.pooled()
    return {
        "edges": list(edges),
        "missed": pooled.missed[0].tolist(),
        "objects": pooled.total[0].tolist(),
        "not_known": int(pooled.unbinned[0]),
        "classes": {name: table.missed[k].tolist() for k, name in enumerate(classes)},
    }


def _of_scans(
    seen: Evaluation, classes: int, thresholds: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    # of each class: how well its best box tells scans with it from scans without it
    scores, labels = scan_scores(seen.found, seen.scans, classes), seen.labels(classes)
    return [
        {
            "positives": int((truth == 1).sum()),
            "auc": float(roc_auc(truth, score)),
            "operating_points": {pfa: point(truth, score, limits[k]) for pfa, limits in thresholds.items()},
        }
        for k, (truth, score) in enumerate(zip(labels.T, scores.T, strict=True))
    ]


def _whole_scan(seen: Evaluation, classes: int, thresholds: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    # the scan alarms when any class does; a scan is positive when it holds any
    scores, labels = scan_scores(seen.found, seen.scans, classes), seen.labels(classes)
    truth = np.where((labels == 1).any(1), 1.0, np.where(np.isnan(labels).any(1), np.nan, 0.0))
    return {
        pfa: point(truth, (scores - np.asarray(limits)).max(1), 0.0) for pfa, limits in thresholds.items()
    }


def table(found: Mapping[str, Any]) -> list[str]:
    """Figures as ``beltline evaluate`` shows them."""
    rows = {**found["classes"], "mean": {"objects": found["objects"], **found["mean"]}}
    lines = [
        "class              objects     AP  recall  precision   (IoU 0.5; recall, precision at score 0.5)"
    ]
    for name, row in rows.items():
        ap, recall, precision = (f"{row[key]:.3f}" for key in ("ap", "recall", "precision"))
        lines.append(f"{name:18s} {row['objects']:>7}  {ap:>5}  {recall:>6}  {precision:>9}")
    lines += _scan_lines(found["classes"])
    lines.append("COCO " + ", ".join(f"{key} {value:.3f}" for key, value in found["coco"].items()))
    lines += [f"found at {rate} false alarms a scan: {share:.3f}" for rate, share in found["froc"].items()]
    for name, misses in found["misses"].items():
        edges = zip(misses["edges"], misses["edges"][1:], misses["missed"], misses["objects"], strict=False)
        bins = "; ".join(f"{low:g} to {high:g}: {missed} of {n}" for low, high, missed, n in edges)
        lines.append(f"missed by {name}: {bins}; not known: {misses['not_known']}")
    return [*lines, *whole_scan_lines(found)]


def _scan_lines(classes: Mapping[str, Any]) -> list[str]:
    lines = ["scans by the class's best box    AUC   PD@5% [95 % interval]    PFA"]
    for name, row in classes.items():
        scan = row["scan"]
        line = f"{name:18s} {scan['positives']:>7}      {scan['auc']:.3f}"
        if at := scan["operating_points"].get(USUAL):
            line += f"   {rate_text(at['pd'])}  {at['pfa']['value']:6.3f}"
        lines.append(line)
    return lines
