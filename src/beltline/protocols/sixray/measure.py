"""Figures of a cell from its scores: average precision, pointing, detection at fixed false alarms, misses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.metrics import pointing_hit
from beltline.models.chr import cascade_logits
from beltline.protocols.sixray.parts import Part

PFA = 0.05
POINTING_MARGIN = 15.0 / 600.0  # of the longer side: 15 pixels of an image 600 pixels wide


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures of one cell.

    Attributes:
        ap: (K,) average precision of the mean over stages, at the subset's imbalance.
        ap_top: (K,) the same of the coarsest stage alone, which is what the released code scores.
        ap_cascade: (K,) the same of `beltline.models.chr.cascade_logits`, which needs no other training.
        pointing: (K,) share of present classes whose highest map pixel lies in a box of the class.
        pointing_margin: (K,) the same with a tolerance of 15 pixels on an image 600 pixels wide.
        pd: (K,) share of present items found at a false-alarm rate of 5 % a class.
        found: (M, K) bool, decided at that rate.
        hits: (M, K) float, 1 and 0 where the class is present, else NaN.
    """

    ap: NDArray[np.float64]
    ap_top: NDArray[np.float64]
    ap_cascade: NDArray[np.float64]
    pointing: NDArray[np.float64]
    pointing_margin: NDArray[np.float64]
    pd: NDArray[np.float64]
    found: NDArray[np.bool_]
    hits: NDArray[np.float64]


def measure(part: Part, logits: NDArray[np.float32], points: NDArray[np.float32]) -> Measured:
    """Figures of one cell; arguments as in `beltline.protocols.sixray.cell.run_cell`."""
    mean, top = logits.mean(1), logits[:, -1]
    cascade = cascade_logits(torch.from_numpy(logits)).numpy()
    classes = range(len(part.classes))
    hits, near = pointing_hits(part, points), pointing_hits(part, points, margin=POINTING_MARGIN)
    found = np.stack([mean[:, k] > _threshold(part, mean[:, k], k) for k in classes], axis=1)
    present = part.test_labels == 1
    return Measured(
        ap=np.array([weighted_ap(part.test_labels[:, k], mean[:, k], part.weights) for k in classes]),
        ap_top=np.array([weighted_ap(part.test_labels[:, k], top[:, k], part.weights) for k in classes]),
        ap_cascade=np.array(
            [weighted_ap(part.test_labels[:, k], cascade[:, k], part.weights) for k in classes]
        ),
        pointing=known_mean(hits, 0),
        pointing_margin=known_mean(near, 0),
        pd=known_mean(np.where(present, found, np.nan), 0),
        found=found,
        hits=hits,
    )


def weighted_ap(
    labels: NDArray[np.float32], scores: NDArray[np.float32], weights: NDArray[np.float64]
) -> float:
    """Average precision where image ``i`` counts ``weights[i]`` times.

    With whole weights it is the average precision of the set with its images repeated, ties in the order of
    the list, except that a repeated positive takes the precision at its last copy.

    Args:
        labels: (M,) 1, 0, or NaN left out.
        scores: (M,).
        weights: (M,) not negative.

    Returns:
        AP in [0, 1]; NaN without a positive.
    """
    known = ~np.isnan(labels)
    order = np.argsort(-scores[known], kind="stable")
    truth = (labels[known] == 1)[order]
    weight = weights[known][order]
    positives = weight * truth
    if positives.sum() == 0:
        return float("nan")
    precision = np.cumsum(positives) / np.maximum(np.cumsum(weight), 1e-12)
    return float((precision * positives).sum() / positives.sum())


def pointing_hits(part: Part, points: NDArray[np.float32], *, margin: float = 0.0) -> NDArray[np.float64]:
    """(M, K): 1 where the class's point lies in one of its boxes, 0 where not, NaN where it is absent.

    Args:
        part: Its boxes.
        points: (M, K, 2).
        margin: Tolerance as a share of the longer side.
    """
    hits = np.full(points.shape[:2], np.nan)
    tolerance = margin * max(part.test_size)
    for row, k in {(int(o[0]), int(o[1])) for o in part.objects}:
        if np.isnan(points[row, k, 0]):
            continue
        mine = (part.objects[:, 0] == row) & (part.objects[:, 1] == k)
        point = (float(points[row, k, 0]), float(points[row, k, 1]))
        hits[row, k] = pointing_hit(point, part.objects[mine, 2:6], margin=tolerance)
    return hits


def _threshold(part: Part, scores: NDArray[np.float32], k: int) -> float:
    """Score that a share PFA of the images without class ``k`` exceed, weights counted."""
    absent = part.test_labels[:, k] == 0
    order = np.argsort(scores[absent])
    weight = np.cumsum(part.weights[absent][order])
    index = int(np.searchsorted(weight, (1 - PFA) * weight[-1]))
    return float(scores[absent][order][min(index, len(order) - 1)])


def known_mean(values: NDArray[np.float64], axis: int | None = None) -> Any:
    """Mean of the entries that are not NaN along an axis, NaN where there are none."""
    known = ~np.isnan(values)
    total = known.sum(axis)
    return np.where(total > 0, np.where(known, values, 0).sum(axis) / np.maximum(total, 1), np.nan)
