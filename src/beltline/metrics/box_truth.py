"""Boxes of several sources against where an item truly is: which source draws the better box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.localization import best_iou, corloc
from beltline.metrics.paired import Counts, OfCounts, PairedDifference, paired_bootstrap_of_counts

Floats = NDArray[np.float64]


def row_iou(boxes: ArrayLike, truth: ArrayLike) -> Floats:
    """(N,) intersection over union of each box with its own truth; NaN where there is no truth.

    A box that is not known (a row with NaN) has an overlap of 0.

    Args:
        boxes: (N, 4) xyxy pixels.
        truth: (N, 4), rows of NaN where an item has no extent.

    Raises:
        ShapeError: If the shapes are not (N, 4) and alike.

    Example:
        >>> row_iou([[0, 0, 4, 2], [0, 0, 1, 1]], [[2, 0, 4, 2], [float("nan")] * 4]).tolist()
        [0.5, nan]
    """
    a, b = (np.asarray(each, np.float64) for each in (boxes, truth))
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 4:
        raise ShapeError(f"boxes and their truths must both be (N, 4), got {a.shape} and {b.shape}")
    overlaps = np.array([best_iou(box, true) for box, true in zip(a, b, strict=True)], np.float64)
    return np.where(np.isnan(b).any(1), np.nan, overlaps)


@dataclass(frozen=True)
class BoxAgreement:
    """What boxes of several sources are worth on the same items.

    Attributes:
        items: Those with an extent; the others are left out everywhere.
        iou: Mean overlap with the true extent, by source; NaN without items.
        half: Share with an overlap of at least 0.5, by source; a detector that is trained on less learns a
            box that is judged wrong.
        over_reference: Mean overlap minus that of the reference, by other source, with a bootstrap interval
            over the items.
    """

    items: int
    iou: Mapping[str, float]
    half: Mapping[str, float]
    over_reference: Mapping[str, PairedDifference]


def box_agreement(
    sources: Mapping[str, ArrayLike],
    truth: ArrayLike,
    *,
    reference: str,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> BoxAgreement:
    """Overlap of each source's boxes with the true extents, and paired differences to the reference.

    Args:
        sources: (N, 4) xyxy pixels by source, for example ``layout`` and ``CAR``, the same items in each.
        truth: (N, 4), rows of NaN where an item has no extent.
        reference: The source that others are compared with.
        rng: Source of chance.
        resamples: Draws of items, all sources on the same ones.

    Raises:
        ShapeError: If shapes are not (N, 4) and alike.
        ValueError: If the reference is not among the sources.
    """
    if reference not in sources:
        raise ValueError(f"no source {reference!r} to compare with; there is {', '.join(sources)}")
    overlaps = {name: row_iou(boxes, truth) for name, boxes in sources.items()}
    known = np.isfinite(overlaps[reference])
    overlaps = {name: values[known] for name, values in overlaps.items()}
    items = int(known.sum())
    return BoxAgreement(
        items,
        {name: float(values.mean()) if items else float("nan") for name, values in overlaps.items()},
        {name: corloc(values) for name, values in overlaps.items()},
        {
            name: paired_bootstrap_of_counts(
                [_mean_of_counts(overlaps[reference])],
                [_mean_of_counts(values)],
                np.ones(items),
                rng=rng,
                resamples=resamples,
            )
            for name, values in overlaps.items()
            if name != reference and items
        },
    )


def box_agreement_by_class(
    sources: Mapping[str, ArrayLike],
    truth: ArrayLike,
    labels: Sequence[str],
    *,
    reference: str,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> dict[str, BoxAgreement]:
    """`box_agreement` of each class, in alphabetical order.

    Args:
        sources: See `box_agreement`.
        truth: See `box_agreement`.
        labels: N names.
        reference: See `box_agreement`.
        rng: Source of chance.
        resamples: See `box_agreement`.

    Raises:
        ShapeError: If the counts differ.
        ValueError: If the reference is not among the sources.
    """
    names, extents = np.asarray(labels), np.asarray(truth, np.float64)
    if names.shape != extents.shape[:1]:
        raise ShapeError(f"{len(extents)} extents but {len(names)} labels")
    found = {}
    for label in sorted(set(labels)):
        rows = names == label
        own = {name: np.asarray(boxes)[rows] for name, boxes in sources.items()}
        found[label] = box_agreement(own, extents[rows], reference=reference, rng=rng, resamples=resamples)
    return found


def _mean_of_counts(values: Floats) -> OfCounts:
    def means(counts: Counts) -> Floats:
        return np.asarray(counts @ values / counts.sum(1), np.float64)

    return means
