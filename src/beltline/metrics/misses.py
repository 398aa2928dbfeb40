"""What was missed: detected items by class and by a property such as size or occlusion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.operating_points import Rate, wilson

AREA_EDGES = (0.0, 0.02, 0.05, 1.0)
"""Share of the scan's area that the item covers."""
OCCLUSION_EDGES = (0.0, 0.1, 0.3, 1.0)
"""Share of the optical depth along the item's rays that belongs to other things."""


@dataclass(frozen=True, eq=False)
class MissTable:
    """Detected and total of the items present, a row a class, a column a bin.

    Attributes:
        edges: (B + 1,) ascending; bin b holds low <= property < high, the last one also its high edge.
        detected: (K, B) items whose score reaches the threshold.
        total: (K, B) items present.
        unbinned: (K,) items present whose property is NaN or outside the edges, in no column.
        confidence: Of the intervals.
    """

    edges: NDArray[np.float64]
    detected: NDArray[np.int64]
    total: NDArray[np.int64]
    unbinned: NDArray[np.int64]
    confidence: float = 0.95

    @property
    def missed(self) -> NDArray[np.int64]:
        """(K, B) false negatives."""
        return self.total - self.detected

    def rate(self, row: int, column: int) -> Rate:
        """Share detected of one class in one bin, with Wilson's interval."""
        return wilson(
            int(self.detected[row, column]), int(self.total[row, column]), confidence=self.confidence
        )

    def rates(self) -> tuple[tuple[Rate, ...], ...]:
        """K rows of B shares."""
        rows, columns = self.total.shape
        return tuple(tuple(self.rate(row, column) for column in range(columns)) for row in range(rows))

    def miss_rate(self, row: int, column: int) -> Rate:
        """Share missed of one class in one bin, with Wilson's interval."""
        return wilson(int(self.missed[row, column]), int(self.total[row, column]), confidence=self.confidence)

    def miss_rates(self) -> tuple[tuple[Rate, ...], ...]:
        """K rows of B shares missed."""
        rows, columns = self.total.shape
        return tuple(tuple(self.miss_rate(row, column) for column in range(columns)) for row in range(rows))

    def pooled(self) -> "MissTable":
        """All classes as one row."""
        return MissTable(
            self.edges,
            self.detected.sum(axis=0, keepdims=True),
            self.total.sum(axis=0, keepdims=True),
            self.unbinned.sum(keepdims=True),
            self.confidence,
        )


def miss_table(
    labels: ArrayLike,
    scores: ArrayLike,
    thresholds: ArrayLike,
    *,
    attribute: ArrayLike | None = None,
    edges: ArrayLike = (-np.inf, np.inf),
    confidence: float = 0.95,
) -> MissTable:
    """Items detected at given thresholds, by class and by bins of a property.

    Args:
        labels: (N, K) 1 present, 0 or NaN not counted.
        scores: (N, K); a score alarms when it is greater than or equal to the threshold.
        thresholds: (K,), chosen on validation data.
        attribute: (N, K) property of the item of class k in scan n, for instance the share of the area it
            covers, with `AREA_EDGES`, or its occlusion, with `OCCLUSION_EDGES`; NaN where absent or not
            known. Without it, one bin holds everything.
        edges: (B + 1,) ascending edges of the bins.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: If shapes do not fit, edges do not ascend, a present item's score is not finite or a label
            is none of 0, 1, NaN.

    Example:
        >>> area = [[0.01], [0.04], [0.04], [np.nan]]
        >>> table = miss_table([[1], [1], [1], [0]], [[0.2], [0.9], [0.5], [0.9]], [0.5], attribute=area,
        ...                    edges=AREA_EDGES)
        >>> table.detected.tolist(), table.total.tolist()
        ([[0, 2, 0]], [[1, 2, 0]])
    """
    truth, value = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    limit, edge = np.asarray(thresholds, np.float64), np.asarray(edges, np.float64)
    known = np.zeros(truth.shape) if attribute is None else np.asarray(attribute, np.float64)
    _check(truth, value, limit, edge, known)
    present = truth == 1
    column = np.searchsorted(edge, known, side="right") - 1
    column[known == edge[-1]] = len(edge) - 2
    column[np.isnan(known)] = -1
    inside = present & (column >= 0) & (column < len(edge) - 1)
    classes = np.broadcast_to(np.arange(truth.shape[1]), truth.shape)
    bins = len(edge) - 1
    alarm = value >= limit

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        flat = classes[which] * bins + column[which]
        return np.bincount(flat, minlength=truth.shape[1] * bins).reshape(-1, bins)

    return MissTable(
        edge, count(inside & alarm), count(inside), (present & ~inside).sum(axis=0), float(confidence)
    )


def object_misses(
    ious: ArrayLike,
    groups: ArrayLike,
    num_groups: int,
    *,
    iou: float = 0.5,
    attribute: ArrayLike | None = None,
    edges: ArrayLike = (-np.inf, np.inf),
    confidence: float = 0.95,
) -> MissTable:
    """Objects cut out well enough, by class or material and by bins of a property.

    Args:
        ious: (N,) IoU of each object's mask.
        groups: (N,) row of each object, 0..K-1: its class, or its material.
        num_groups: K.
        iou: An object with less is missed.
        attribute: (N,) property of each object, see `miss_table`.
        edges: (B + 1,) ascending edges of the bins.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: If shapes do not fit, a group is not in 0..K-1, edges do not ascend or an IoU is not
            finite.

    Example:
        >>> table = object_misses([0.9, 0.3, 0.5, 0.2], [0, 0, 1, 1], 2, attribute=[0.03, 0.01, 0.01, 0.01],
        ...                       edges=AREA_EDGES)
        >>> table.missed.tolist(), table.pooled().miss_rate(0, 0).value
        ([[1, 0, 0], [1, 0, 0]], 0.6666666666666666)
    """
    values, group = np.asarray(ious, np.float64), np.asarray(groups)
    known = np.zeros(values.shape) if attribute is None else np.asarray(attribute, np.float64)
    if values.ndim != 1 or group.shape != values.shape or known.shape != values.shape:
        raise ValueError(
            f"ious, groups and attribute must be (N,), got {values.shape}, {group.shape} and {known.shape}"
        )
    rows = group[:, None] == np.arange(num_groups)
    if not rows.any(axis=1).all():
        raise ValueError(f"groups must be in 0..{num_groups - 1}, got {np.unique(group).tolist()}")
    each = [np.broadcast_to(column[:, None], rows.shape) for column in (values, known)]
    limits = np.full(num_groups, iou)
    return miss_table(rows, each[0], limits, attribute=each[1], edges=edges, confidence=confidence)


def _check(
    truth: NDArray[np.float64],
    value: NDArray[np.float64],
    limit: NDArray[np.float64],
    edge: NDArray[np.float64],
    known: NDArray[np.float64],
) -> None:
    if truth.ndim != 2 or value.shape != truth.shape or known.shape != truth.shape:
        raise ValueError(
            "labels, scores and attribute must be one (N, K),"
            f" got {truth.shape}, {value.shape} and {known.shape}"
        )
    if limit.shape != truth.shape[1:]:
        raise ValueError(f"expected a threshold for each of {truth.shape[1]} classes, got {limit.shape}")
    if edge.ndim != 1 or len(edge) < 2 or not (np.diff(edge) > 0).all():
        raise ValueError(f"edges must be at least two ascending numbers, got {edge.tolist()}")
    if not (np.isin(truth, (0.0, 1.0)) | np.isnan(truth)).all():
        raise ValueError("labels must be 0, 1 or NaN; map SIXray's -1 to 0 first")
    if not np.isfinite(value[truth == 1]).all():
        raise ValueError("scores of the items present must be finite")
