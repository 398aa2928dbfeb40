"""Ranking metrics: average precision in its three VOC manners, and the area under the ROC curve."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interpolation = Literal["allpoint", "11pt", "voc2010"]


def average_precision(
    labels: ArrayLike, scores: ArrayLike, *, interpolation: Interpolation = "allpoint"
) -> float:
    """Average precision of one class.

    Tied scores are one step: all of them have the precision at the end of the tie, so that the order of the
    input does not count.

    Args:
        labels: (N,) 1 present, 0 absent, NaN left out (VOC's ``difficult``).
        scores: (N,) any real scale.
        interpolation: ``allpoint`` mean of precision at each positive's rank (scikit-learn, and without ties
            the released CHR code); ``11pt`` VOC 2007; ``voc2010`` area under the monotone envelope.

    Returns:
        AP in [0, 1]; NaN without a positive.

    Source:
        Everingham et al., The PASCAL VOC challenge (2010 and 2015).

    Example:
        >>> average_precision([1, 0, 1], [0.9, 0.8, 0.7])
        0.8333333333333333
    """
    if interpolation not in get_args(Interpolation):
        raise ValueError(f"interpolation must be one of {get_args(Interpolation)}, got {interpolation!r}")
    truth, value = known_pairs(labels, scores)
    positives = int(truth.sum())
    if positives == 0:
        return float("nan")
    order = np.argsort(-value)
    found, ends = np.cumsum(truth[order]), tie_ends(value[order])
    at = ends[truth[order]]  # where the tie of each positive ends, best first
    precision = found[at] / (at + 1)
    if interpolation == "allpoint":
        return float(precision.mean())
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if interpolation == "voc2010":
        return float(envelope.mean())
    # first positive whose recall reaches each of 0, 0.1, ..., 1
    first = np.ceil(np.round(np.linspace(0, 1, 11) * positives, 9)).astype(int) - 1
    return float(envelope[np.maximum(first, 0)].mean())


def mean_average_precision(
    labels: ArrayLike, scores: ArrayLike, *, interpolation: Interpolation = "allpoint"
) -> tuple[float, NDArray[np.float64]]:
    """Mean over the classes that have a positive, and AP of each class.

    Args:
        labels: (N, K), see `average_precision`.
        scores: (N, K).
        interpolation: See `average_precision`.
    """
    truth, value = np.asarray(labels), np.asarray(scores)
    each = np.array(
        [
            average_precision(truth[:, k], value[:, k], interpolation=interpolation)
            for k in range(truth.shape[1])
        ]
    )
    return (float(np.nanmean(each)) if np.isfinite(each).any() else float("nan")), each


def known_mean(values: NDArray[np.float64], axis: int | None = None) -> Any:
    """Mean of the entries that are not NaN along an axis, NaN where there are none."""
    known = ~np.isnan(values)
    total = known.sum(axis)
    return np.where(total > 0, np.where(known, values, 0).sum(axis) / np.maximum(total, 1), np.nan)


def tie_ends(ordered: NDArray[np.float64]) -> NDArray[np.intp]:
    """(N,) index of the last of the equal neighbours of each of N sorted scores.

    Example:
        >>> tie_ends(np.array([9.0, 7.0, 7.0, 1.0])).tolist()
        [0, 2, 2, 3]
    """
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], [True] * min(len(ordered), 1)))
    return np.repeat(last, np.diff(last, prepend=-1))


def weighted_average_precision(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike
) -> NDArray[np.float64]:
    """`average_precision` (``allpoint``) of sets in which scan ``i`` counts ``weights[i]`` times.

    Args:
        labels: (N,) 1, 0, or NaN left out.
        scores: (N,).
        weights: (..., N) not negative; a row a set.

    Returns:
        (...) AP in [0, 1]; NaN without a positive.
    """
    truth, weight = np.asarray(labels, np.float64).ravel(), np.asarray(weights, np.float64)
    known = np.flatnonzero(~np.isnan(truth))
    of_known, value = known_pairs(labels, scores)
    order = np.argsort(-value)
    ordered = weight[..., known[order]]
    positive = ordered * of_known[order]
    at = tie_ends(value[order])[of_known[order]]
    precision = np.cumsum(positive, -1)[..., at] / np.maximum(np.cumsum(ordered, -1)[..., at], 1e-12)
    total = positive.sum(-1)
    found = (precision * positive[..., of_known[order]]).sum(-1)
    return np.asarray(np.where(total > 0, found / np.maximum(total, 1e-12), np.nan))


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: probability that a positive outranks a negative, ties counting half.

    Args:
        labels: (N,) 1, 0, or NaN left out.
        scores: (N,).

    Returns:
        AUC in [0, 1]; NaN without a positive or without a negative.

    Source:
        Mann-Whitney U.
    """
    truth, value = known_pairs(labels, scores)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        return float("nan")
    _, group, count = np.unique(value, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    rank = (last - (count - 1) / 2)[group]  # mean rank within ties, from 1
    u = rank[truth].sum() - positives * (positives + 1) / 2
    return float(u / (positives * negatives))


def known_pairs(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels as bool and scores as float64, entries with a NaN label left out.

    Raises:
        ValueError: If shapes differ, a score is not finite or a label is none of 0, 1, NaN.
    """
    truth = np.asarray(labels, dtype=np.float64).ravel()
    value = np.asarray(scores, dtype=np.float64).ravel()
    if truth.shape != value.shape:
        raise ValueError(f"labels and scores must have one length, got {truth.size} and {value.size}")
    known = ~np.isnan(truth)
    truth, value = truth[known], value[known]
    if not np.isin(truth, (0.0, 1.0)).all():
        raise ValueError("labels must be 0, 1 or NaN; map SIXray's -1 to 0 first")
    if not np.isfinite(value).all():
        raise ValueError(f"scores must be finite, {np.count_nonzero(~np.isfinite(value))} are not")
    return truth.astype(bool), value
