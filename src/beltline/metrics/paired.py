"""Is one model better than another: differences on the same scans, with intervals over scans and seeds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.ranking import known_mean, known_pairs, tie_ends

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
OfCounts = Callable[[Counts], Floats]
"""Counts (R, N), how often each resample holds each scan, to the metric of each resample (R,)."""

CHUNK = 4_000_000  # counts held at a time


@dataclass(frozen=True)
class PairedDifference:
    """Second model minus first.

    Attributes:
        difference: On all scans, mean over the seeds.
        low: Lower end of the interval.
        high: Upper end.
        below_zero: Share of the resamples in which the second is worse, ties counting half; NaN without any.
        resamples: Draws in which both have a value.
        seeds: Trainings of each model.
    """

    difference: float
    low: float
    high: float
    below_zero: float
    resamples: int
    seeds: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def mean_ap_of_counts(labels: Floats, scores: Floats) -> OfCounts:
    """Mean average precision of resamples; the scores are sorted once for all of them.

    The value of a resample is exactly that of `mean_average_precision` on its rows (``np.repeat``), classes
    without a positive in it left out.

    Args:
        labels: (N, K) 1, 0 or NaN.
        scores: (N, K).
    """
    classes = [_ap_of_counts(labels[:, k], scores[:, k]) for k in range(labels.shape[1])]

    def values(counts: Counts) -> Floats:
        return np.asarray(known_mean(np.stack([of_counts(counts) for of_counts in classes]), 0))

    return values


def metric_of_counts(metric: Callable[[Floats, Floats], float]) -> Callable[[Floats, Floats], OfCounts]:
    """Any metric of labels and scores, evaluated anew on the rows of each resample.

    Args:
        metric: ``metric(labels, scores)`` of (N, K) arrays, for instance PD at a fixed PFA.
    """

    def prepare(labels: Floats, scores: Floats) -> OfCounts:
        def values(counts: Counts) -> Floats:
            rows = [np.repeat(np.arange(len(labels)), count) for count in counts]
            return np.array([metric(labels[row], scores[row]) for row in rows])

        return values

    return prepare


def paired_bootstrap(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    rng: np.random.Generator,
    statistic: Callable[[Floats, Floats], OfCounts] = mean_ap_of_counts,
    resamples: int = 1000,
    confidence: float = 0.95,
    stratified: bool = True,
    draw_seeds: bool = True,
) -> PairedDifference:
    """Difference of a metric between two models on the same scans, with a percentile interval.

    Both models see the same draw of scans, and so does every seed: scans and seeds cross, and each is drawn
    with replacement. Few seeds are drawn too narrowly (by ``sqrt((S - 1) / S)``); see `seed_interval`.

    Args:
        labels: (N,) or (N, K) 1, 0, or NaN left out.
        first: Scores of the first model, shaped as the labels, or (S, ...) for S seeds.
        second: Scores of the second model on the same seeds in the same order.
        rng: Source of chance.
        statistic: `mean_ap_of_counts`, or ``metric_of_counts(metric)`` for any other.
        resamples: Draws; those without a value (no positive) are left out.
        confidence: Of the interval, in (0, 1).
        stratified: Draw scans with an item and scans without apart, so that a rare class stays as rare.
        draw_seeds: False holds the trainings fixed: the interval is then of the test scans alone.

    Raises:
        ValueError: If shapes do not fit, a label or score is no label or score, or ``resamples`` is below 1.

    Source:
        Efron and Tibshirani (1993), percentile method; Owen, The pigeonhole bootstrap (2007), for crossed
        factors.

    Example:
        >>> labels, rng = np.arange(400) % 4 == 0, np.random.default_rng(0)
        >>> weak, strong = labels + rng.normal(size=400), 3 * labels + rng.normal(size=400)
        >>> found = paired_bootstrap(labels, weak, strong, rng=rng)
        >>> found.clear, found.below_zero
        (True, 0.0)
    """
    truth, ones, others = _aligned(labels, first, second)
    if resamples < 1 or not 0 < confidence < 1:
        raise ValueError(f"needs resamples >= 1, confidence in (0, 1), got {resamples} and {confidence}")
    firsts = [statistic(truth, scores) for scores in ones]
    seconds = [statistic(truth, scores) for scores in others]
    strata = _strata(truth) if stratified else [np.arange(len(truth))]
    return _bootstrap(firsts, seconds, strata, rng, resamples, confidence, draw_seeds)


def paired_bootstrap_of_counts(
    firsts: Sequence[OfCounts],
    seconds: Sequence[OfCounts],
    holds: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
    draw_seeds: bool = True,
) -> PairedDifference:
    """`paired_bootstrap` for metrics of whole scans, such as average precision of detections.

    Args:
        firsts: The metric of the first model, one a seed; see `OfCounts`.
        seconds: Of the second model on the same seeds in the same order.
        holds: (N,) bool, whether a scan holds an item; those with and those without are drawn apart.
        rng: Source of chance.
        resamples: Draws.
        confidence: Of the interval, in (0, 1).
        draw_seeds: See `paired_bootstrap`.

    Raises:
        ValueError: If there are not equally many seeds of both, or none.
    """
    if len(firsts) != len(seconds) or not firsts:
        raise ValueError(f"needs the same seeds of both models, got {len(firsts)} and {len(seconds)}")
    strata = _strata(np.asarray(holds, np.float64).reshape(-1, 1))
    return _bootstrap(firsts, seconds, strata, rng, resamples, confidence, draw_seeds)


def _bootstrap(
    firsts: Sequence[OfCounts],
    seconds: Sequence[OfCounts],
    strata: list[NDArray[np.intp]],
    rng: np.random.Generator,
    resamples: int,
    confidence: float,
    draw_seeds: bool,
) -> PairedDifference:
    rows = sum(map(len, strata))

    def differences(counts: Counts) -> Floats:  # (S, R)
        return np.stack([b(counts) - a(counts) for a, b in zip(firsts, seconds, strict=True)])

    exact = differences(np.ones((1, rows), np.int64)).mean()
    drawn = []
    size = max(1, CHUNK // rows)
    for start in range(0, resamples, size):
        draws = min(size, resamples - start)
        found = differences(_draw_counts(rng, strata, draws))
        seeds = np.broadcast_to(np.arange(len(firsts)), found.shape[::-1])  # (R, S)
        if draw_seeds:
            seeds = rng.integers(0, len(firsts), found.shape[::-1])
        drawn.append(np.take_along_axis(found.T, seeds, axis=1).mean(axis=1))
    return _summary(float(exact), np.concatenate(drawn), confidence, len(firsts))


def seed_interval(differences: ArrayLike, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of the differences of S paired seeds and Student's interval: would another training agree.

    Args:
        differences: (S,) second minus first, one a seed, at least two.
        confidence: Of the interval, in (0, 1).

    Returns:
        Mean, low, high.

    Raises:
        ValueError: If there are fewer than two.

    Source:
        Student (1908), paired samples.

    Example:
        >>> [round(value, 3) for value in seed_interval([0.02, 0.03, 0.04])]
        [0.03, 0.005, 0.055]
    """
    values = np.asarray(differences, np.float64).ravel()
    if len(values) < 2:
        raise ValueError(f"an interval over seeds needs at least two of them, got {len(values)}")
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    spread = _student_quantile(confidence, len(values) - 1) * error
    mean = float(values.mean())
    return mean, mean - spread, mean + spread


def _aligned(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats, Floats]:
    # labels (N, K), scores (S, N, K)
    truth, ones, others = (np.asarray(values, np.float64) for values in (labels, first, second))
    if truth.ndim not in (1, 2) or not truth.size:
        raise ValueError(f"labels must be (N,) or (N, K) with at least one scan, got {truth.shape}")
    if ones.shape != others.shape or ones.shape[ones.ndim - truth.ndim :] != truth.shape:
        raise ValueError(
            f"scores must be shaped as the labels {truth.shape}, or with seeds (S, ...) before,"
            f" got {ones.shape} and {others.shape}"
        )
    if ones.ndim - truth.ndim not in (0, 1) or not ones.size:
        raise ValueError(f"scores may have one axis of seeds before {truth.shape}, got {ones.shape}")
    for scores in (*ones.reshape(-1, truth.size), *others.reshape(-1, truth.size)):
        known_pairs(truth, scores)
    columns = truth.reshape(len(truth), -1)
    return columns, ones.reshape(-1, *columns.shape), others.reshape(-1, *columns.shape)


def _strata(truth: Floats) -> list[NDArray[np.intp]]:
    holds = (truth == 1).any(axis=1)
    return [rows for rows in (np.flatnonzero(holds), np.flatnonzero(~holds)) if len(rows)]


def _draw_counts(rng: np.random.Generator, strata: list[NDArray[np.intp]], draws: int) -> Counts:
    counts = np.empty((draws, sum(map(len, strata))), np.int64)
    for rows in strata:
        picked = rng.integers(0, len(rows), (draws, len(rows)))
        picked += np.arange(draws)[:, None] * len(rows)
        counts[:, rows] = np.bincount(picked.ravel(), minlength=picked.size).reshape(draws, len(rows))
    return counts


def _ap_of_counts(labels: Floats, scores: Floats) -> OfCounts:
    known = np.flatnonzero(~np.isnan(labels))
    order = known[np.argsort(-scores[known])]
    found = labels[order] == 1
    positive = order[found]
    ends = tie_ends(scores[order])[found]  # where the tie of each positive ends; draws of one scan tie too
    until = np.unique(ends)
    segments = np.append(0, until[:-1] + 1)  # from behind the last such tie up to this one's end
    tie = np.searchsorted(until, ends)

    def values(counts: Counts) -> Floats:
        if not len(positive):
            return np.full(len(counts), np.nan)
        drawn = counts[:, positive]
        rows = np.cumsum(np.add.reduceat(counts[:, order[: until[-1] + 1]], segments, axis=1), axis=1)
        hits = np.cumsum(drawn, axis=1)[:, np.searchsorted(ends, until, side="right") - 1]
        precision = (hits / np.maximum(rows, 1))[:, tie]
        total = drawn.sum(axis=1)
        return np.where(total > 0, (precision * drawn).sum(axis=1) / np.maximum(total, 1), np.nan)

    return values


def _summary(exact: float, drawn: Floats, confidence: float, seeds: int) -> PairedDifference:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return PairedDifference(exact, math.nan, math.nan, math.nan, 0, seeds)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    below = (drawn < 0).mean() + (drawn == 0).mean() / 2
    return PairedDifference(exact, float(low), float(high), float(below), len(drawn), seeds)


def _student_quantile(confidence: float, freedom: int) -> float:
    # |t| is below it with the given probability
    low, high = 0.0, 1.0
    while _student_within(high, freedom) < confidence:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_within(middle, freedom) < confidence else (low, middle)
    return high


def _student_within(t: float, freedom: int) -> float:
    # Abramowitz and Stegun 26.7.3 and 26.7.4: the probability of |t| as a finite sum, exact for whole freedom
    angle = math.atan2(t, math.sqrt(freedom))
    term, total = (1.0, 0.0) if freedom % 2 == 0 else (math.cos(angle), 0.0)
    for step in range(freedom // 2):
        total += term
        index = 2 * step + (1 if freedom % 2 == 0 else 2)
        term *= math.cos(angle) ** 2 * index / (index + 1)
    if freedom % 2 == 0:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + math.sin(angle) * total)
