"""Figures of a cell from its scores: average precision, pointing, detection at fixed false alarms, misses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.metrics import known_mean, pointing_share, weighted_average_precision
from beltline.models.chr import cascade_logits
from beltline.protocols.sixray.parts import SubsetData

Logits = NDArray[np.float32]
Points = NDArray[np.float32]
PFA = 0.05
POINTING_MARGIN = 15.0 / 600.0  # of the longer side: 15 pixels of an image 600 pixels wide


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures of one cell.

    Attributes:
        ap: (K,) average precision of the mean over stages, at the subset's imbalance.
        ap_top: (K,) the same of the coarsest stage alone, which is what the released code scores.
        ap_cascade: (K,) the same of `beltline.models.chr.cascade_logits` at the epsilon of the training.
        pointing: (K,) share of present classes whose highest map pixel lies in a box of the class.
        pointing_margin: (K,) the same with a tolerance of 15 pixels on an image 600 pixels wide.
        pd: (K,) share of present items found at a false-alarm rate of 5 % a class.
        found: (M, K) bool, decided at that rate.
        hits: (M, K) where the class is present 1, 0, or the share of equal peaks that hit; else NaN.
    """

    ap: NDArray[np.float64]
    ap_top: NDArray[np.float64]
    ap_cascade: NDArray[np.float64]
    pointing: NDArray[np.float64]
    pointing_margin: NDArray[np.float64]
    pd: NDArray[np.float64]
    found: NDArray[np.bool_]
    hits: NDArray[np.float64]


def measure(part: SubsetData, logits: Logits, points: Points, *, epsilon: float) -> Measured:
    """Figures of one cell.

    Args:
        part: Its subset.
        logits: (M, S, K) of the stages, fine to coarse.
        points: (P, 4) as `beltline.protocols.sixray.cell.score` gives them.
        epsilon: Of the method, for the cascade.
    """
    mean, top = logits.mean(1), logits[:, -1]
    cascade = cascade_logits(torch.from_numpy(logits), epsilon=epsilon).numpy()
    classes = range(len(part.classes))
    hits, near = pointing_hits(part, points), pointing_hits(part, points, margin=POINTING_MARGIN)
    found = np.stack([mean[:, k] > _threshold(part, mean[:, k], k) for k in classes], axis=1)
    present = part.test_labels == 1
    return Measured(
        ap=_precisions(part, mean),
        ap_top=_precisions(part, top),
        ap_cascade=_precisions(part, cascade),
        pointing=known_mean(hits, 0),
        pointing_margin=known_mean(near, 0),
        pd=known_mean(np.where(present, found, np.nan), 0),
        found=found,
        hits=hits,
    )


def _precisions(part: SubsetData, scores: Points) -> NDArray[np.float64]:
    labels = part.test_labels
    each = [
        weighted_average_precision(labels[:, k], scores[:, k], part.weights) for k in range(labels.shape[1])
    ]
    return np.array(each, np.float64)


def pointing_hits(part: SubsetData, points: Points, *, margin: float = 0.0) -> NDArray[np.float64]:
    """(M, K): 1 where the class's point lies in one of its boxes, 0 where not, NaN where it is absent.

    Of equal peaks the share that hits counts.

    Args:
        part: Its boxes.
        points: (P, 4): image, class, x, y.
        margin: Tolerance as a share of the longer side.
    """
    hits = np.full(part.test_labels.shape, np.nan)
    tolerance = margin * max(part.test_size)
    pointed = _by_pair(points)
    for pair, boxes in _by_pair(part.objects).items():
        if pair in pointed:
            hits[pair] = pointing_share(pointed[pair][:, 2:4], boxes[:, 2:6], margin=tolerance)
    return hits


def _by_pair(rows: Points) -> dict[tuple[int, int], Points]:
    # rows begin with image and class
    found: dict[tuple[int, int], list[Points]] = {}
    for row in rows:
        found.setdefault((int(row[0]), int(row[1])), []).append(row)
    return {pair: np.stack(mine) for pair, mine in found.items()}


def _threshold(part: SubsetData, scores: NDArray[np.float32], k: int) -> float:
    """Score that a share PFA of the images without class ``k`` exceed, weights counted."""
    absent = part.test_labels[:, k] == 0
    order = np.argsort(scores[absent])
    weight = np.cumsum(part.weights[absent][order])
    index = int(np.searchsorted(weight, (1 - PFA) * weight[-1]))
    return float(scores[absent][order][min(index, len(order) - 1)])
