"""Detections against boxes: matching, average precision, operating points of a scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.paired import Counts, OfCounts
from beltline.metrics.ranking import known_mean, tie_ends

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes in many scans, as columns; detections have scores, objects have none.

    Attributes:
        image: (N,) int64, row of the scan.
        label: (N,) int64, class.
        box: (N, 4) float64, x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
        score: (N,) float64, or None for objects.
        ignored: (N,) bool, objects that are neither missed nor found (VOC's difficult, COCO's crowd apart).

    Raises:
        ShapeError: If the columns differ in length.
    """

    image: NDArray[np.int64]
    label: NDArray[np.int64]
    box: Floats
    score: Floats | None = None
    ignored: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", np.asarray(self.image, np.int64))
        object.__setattr__(self, "label", np.asarray(self.label, np.int64))
        object.__setattr__(self, "box", np.asarray(self.box, np.float64).reshape(-1, 4))
        columns = [self.image, self.label, self.box, self.score, self.ignored]
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) > 1:
            raise ShapeError(f"columns of boxes must have one length, got {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.image)

    @classmethod
    def of_rows(cls, rows: ArrayLike) -> Boxes:
        """Objects from a table (N, 6): image, class, x1, y1, x2, y2, as shards and windows store them."""
        table = np.asarray(rows, np.float64).reshape(-1, 6)
        return cls(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(N,) the boxes that are not ignored."""
        return np.ones(len(self), np.bool_) if self.ignored is None else ~self.ignored

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Boxes:
        """Some of the boxes."""
        score = None if self.score is None else self.score[rows]
        ignored = None if self.ignored is None else self.ignored[rows]
        return Boxes(self.image[rows], self.label[rows], self.box[rows], score, ignored)


@dataclass(frozen=True, eq=False)
class Matched:
    """What became of every detection and object at one IoU threshold.

    Attributes:
        order: Indices of the detections that count, best score first.
        hit: (len(order),) bool, the detection found an object of its class that no better one had found.
        object: (len(order),) int64, the object found, -1 for none.
        image: (len(order),) scan of each detection.
        label: (len(order),) class of each detection.
        score: (len(order),) its score.
    """

    order: NDArray[np.intp]
    hit: NDArray[np.bool_]
    object: NDArray[np.int64]
    image: NDArray[np.int64]
    label: NDArray[np.int64]
    score: Floats


def iou_matrix(first: ArrayLike, second: ArrayLike) -> Floats:
    """(N, M) intersection over union of boxes x1, y1, x2, y2; 0 where both are empty."""
    a, b = (np.asarray(x, np.float64).reshape(-1, 4) for x in (first, second))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    area = np.clip(a[:, 2:] - a[:, :2], 0, None).prod(1)[:, None] + np.clip(
        b[:, 2:] - b[:, :2], 0, None
    ).prod(1)
    union = area - common
    shares: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def match_detections(found: Boxes, objects: Boxes, *, iou: float = 0.5) -> Matched:
    """Match greedily, best score first, each detection to the object of its class and scan with most overlap.

    An object is found once; a further detection of it is a false alarm. A detection whose best free object
    is an ignored one counts as neither. Detections of one score go by their boxes, whatever their order.

    Args:
        found: Detections with scores.
        objects: What is there.
        iou: Smallest overlap of a hit.

    Raises:
        ValueError: If the detections have no scores.

    Source:
        COCO's evaluation (an object already found is passed over, the best free one counts).
    """
    if found.score is None:
        raise ValueError("detections need scores")
    ignored = ~objects.counted
    order = np.lexsort((*found.box.T, found.label, found.image, -found.score))
    hit, matched = np.zeros(len(found), bool), np.full(len(found), -1, np.int64)
    dropped = np.zeros(len(found), bool)
    groups: dict[tuple[int, int], list[int]] = {}
    for index in order:
        groups.setdefault((int(found.image[index]), int(found.label[index])), []).append(int(index))
    for (image, label), members in groups.items():
        there = np.flatnonzero((objects.image == image) & (objects.label == label))
        overlap = iou_matrix(found.box[members], objects.box[there])
        free = np.ones(len(there), bool)
        for index, row in zip(members, overlap, strict=True):
            candidates = np.where((free | ignored[there]) & (row >= iou), row, -1.0)
            wanted = np.where(ignored[there], -1.0, candidates)  # real objects before ignored ones
            best = int((wanted if wanted.max(initial=-1) >= 0 else candidates).argmax()) if len(there) else -1
            if best < 0 or candidates[best] < 0:
                continue
            if ignored[there[best]]:
                dropped[index] = True
            else:
                hit[index], matched[index], free[best] = True, there[best], False
    order = order[~dropped[order]]
    return Matched(
        order, hit[order], matched[order], found.image[order], found.label[order], found.score[order]
    )


def detection_ap_of_counts(matched: Matched, objects: Boxes, classes: int) -> OfCounts:
    """Mean average precision of resamples of the scans, for `paired_bootstrap_of_counts`.

    All-point average precision with the precision envelope (VOC 2010), tied scores as one step. Classes
    without an object in a resample are left out of its mean.

    Args:
        matched: From `match_detections`.
        objects: What is there; ignored ones do not count.
        classes: Number of classes.
    """

    def values(counts: Counts) -> Floats:
        each = np.stack([_ap(counts, matched, objects, k) for k in range(classes)])
        return np.asarray(known_mean(each, 0))

    return values


def detection_ap(matched: Matched, objects: Boxes, classes: int) -> Floats:
    """(classes,) all-point average precision with envelope; NaN for classes without an object."""
    scans = 1 + max(matched.image.max(initial=0), objects.image.max(initial=0))
    once = np.ones((1, scans), np.int64)
    return np.array([_ap(once, matched, objects, k)[0] for k in range(classes)])


def _ap(counts: Counts, matched: Matched, objects: Boxes, label: int) -> Floats:
    total = counts[:, objects.image[objects.counted & (objects.label == label)]].sum(1)
    mine = matched.label == label
    weight = counts[:, matched.image[mine]].astype(np.float64)
    hits = weight * matched.hit[mine]
    if not mine.any():
        return np.where(total > 0, 0.0, np.nan)
    ends = tie_ends(matched.score[mine])  # detections of one score are one step
    precision = np.cumsum(hits, 1)[:, ends] / np.maximum(np.cumsum(weight, 1)[:, ends], 1e-12)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.where(total > 0, (envelope * hits).sum(1) / np.maximum(total, 1), np.nan)


def recall_and_precision(
    matched: Matched, objects: Boxes, classes: int, *, score: float = 0.5
) -> tuple[Floats, Floats]:
    """(classes,) recall and precision of the detections with at least ``score``; NaN where undefined."""
    there = np.bincount(objects.label[objects.counted], minlength=classes).astype(np.float64)
    sure = matched.score >= score
    claimed = np.bincount(matched.label[sure], minlength=classes).astype(np.float64)
    right = np.bincount(matched.label[sure & matched.hit], minlength=classes).astype(np.float64)
    nothing = np.full(classes, np.nan)
    return (
        np.divide(right, there, out=nothing.copy(), where=there > 0),
        np.divide(right, claimed, out=nothing.copy(), where=claimed > 0),
    )


def froc(
    matched: Matched, objects: Boxes, scans: int, *, alarms: ArrayLike = (0.125, 0.25, 0.5, 1, 2, 4)
) -> Floats:
    """Share of the objects found at so many false alarms a scan, over all classes (free-response ROC).

    Args:
        matched: From `match_detections`.
        objects: What is there.
        scans: Number of scans looked at, benign ones too.
        alarms: False alarms a scan, ascending.

    Returns:
        One share for each of ``alarms``; NaN without objects.
    """
    allowed = np.asarray(alarms, np.float64)
    total = int(objects.counted.sum())
    if total == 0:
        return np.full(len(allowed), np.nan)
    ends = np.unique(tie_ends(matched.score))  # no threshold lies between equal scores
    false = np.cumsum(~matched.hit)[ends] / scans
    right = np.append(0, np.cumsum(matched.hit)[ends]) / total
    reached: Floats = right[np.searchsorted(false, allowed, side="right")]
    return reached


def scan_scores(found: Boxes, scans: int, classes: int) -> Floats:
    """(scans, classes) best score of each class in each scan, 0 for none: what ranks scans by a detector."""
    if found.score is None:
        raise ValueError("detections need scores")
    best = np.zeros((scans, classes))
    np.maximum.at(best, (found.image, found.label), found.score)
    return best
