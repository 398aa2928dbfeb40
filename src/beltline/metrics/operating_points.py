"""Detection at a fixed false-alarm rate: thresholds from validation data, rates with intervals on test data.

PD is the share of scans with the item that alarm, PFA the share without it that alarm. A score alarms when it
is greater than or equal to the threshold.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.metrics.ranking import known_pairs


@dataclass(frozen=True)
class Rate:
    """A share with its interval.

    Attributes:
        value: Share in [0, 1], NaN without trials.
        low: Lower end of the interval.
        high: Upper end.
        hits: Numerator.
        trials: Denominator.
    """

    value: float
    low: float
    high: float
    hits: int
    trials: int


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it does on a set."""

    threshold: float
    pd: Rate
    pfa: Rate


@dataclass(frozen=True, eq=False)
class PdPfaCurve:
    """PD against PFA at every distinct threshold, from the strictest to the laxest."""

    thresholds: NDArray[np.float64]  # (T,), descending, starts with infinity
    pd: NDArray[np.float64]  # (T,)
    pfa: NDArray[np.float64]  # (T,)


def threshold_at_pfa(labels: ArrayLike, scores: ArrayLike, pfa: float) -> float:
    """Smallest threshold at which at most a share ``pfa`` of the negatives alarm.

    Args:
        labels: (N,) 1, 0, or NaN left out; choose on validation data.
        scores: (N,).
        pfa: Wanted share in [0, 1).

    Returns:
        A number between two scores (just above a negative's score, not equal to it), so that it carries over.

    Raises:
        ValueError: If there is no negative or ``pfa`` is out of range.

    Example:
        >>> threshold_at_pfa([0, 0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.9], 0.25)
        0.35
    """
    if not 0 <= pfa < 1:
        raise ValueError(f"pfa must be in [0, 1), got {pfa}")
    truth, value = known_pairs(labels, scores)
    negative = np.sort(value[~truth])[::-1]
    if negative.size == 0:
        raise ValueError("threshold_at_pfa needs at least one negative")
    allowed = math.floor(pfa * negative.size + 1e-9)
    blocked = negative[allowed]  # must not alarm
    above = value[value > blocked]
    just_above = float(np.nextafter(blocked, np.inf))
    # the middle of two neighbouring floats may round down to the blocked one
    return max(just_above, float((blocked + above.min()) / 2)) if above.size else just_above


def rates_at_threshold(
    labels: ArrayLike, scores: ArrayLike, threshold: float, *, confidence: float = 0.95
) -> OperatingPoint:
    """PD and PFA of a given threshold with Wilson intervals."""
    truth, value = known_pairs(labels, scores)
    alarm = value >= threshold
    return OperatingPoint(
        float(threshold),
        wilson(int(alarm[truth].sum()), int(truth.sum()), confidence=confidence),
        wilson(int(alarm[~truth].sum()), int((~truth).sum()), confidence=confidence),
    )


def pd_pfa_curve(labels: ArrayLike, scores: ArrayLike) -> PdPfaCurve:
    """The whole trade-off (an ROC curve) of one class; PD or PFA is NaN where the class of scans is empty."""
    truth, value = known_pairs(labels, scores)
    order = np.argsort(-value, kind="stable")
    value, truth = value[order], truth[order]
    last = np.flatnonzero(np.append(np.diff(value), -1)[: value.size])  # end of each run of equal scores
    hits, false = np.cumsum(truth)[last], np.cumsum(~truth)[last]
    with np.errstate(invalid="ignore"):
        pd = np.append(0, hits) / truth.sum()
        pfa = np.append(0, false) / (~truth).sum()
    return PdPfaCurve(np.append(np.inf, value[last]), pd, pfa)


def wilson(hits: int, trials: int, *, confidence: float = 0.95) -> Rate:
    """A binomial share with Wilson's score interval.

    Raises:
        ValueError: If ``hits`` is not in 0..``trials``.

    Source:
        Wilson (1927), eq. of the score interval; sensible at 0 and 1 and for few trials.

    Example:
        >>> rate = wilson(9, 10)
        >>> round(rate.low, 3), round(rate.high, 3)
        (0.596, 0.982)
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"wilson needs 0 <= hits <= trials, got {hits} of {trials}")
    if trials == 0:
        return Rate(math.nan, 0.0, 1.0, 0, 0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return Rate(share, max(0.0, min(low, share)), min(1.0, max(high, share)), hits, trials)


def bootstrap_interval(
    statistic: Callable[[NDArray[np.int64]], float],
    count: int,
    *,
    rng: np.random.Generator,
    repeats: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of any statistic of ``count`` scans.

    For a paired comparison let ``statistic`` return the difference of two models on the same rows.

    Args:
        statistic: Takes row indices (with repetitions), returns a number; NaN results are left out.
        count: Number of scans.
        rng: Source of chance.
        repeats: Resamples.
        confidence: Of the interval.

    Source:
        Efron and Tibshirani (1993), percentile method.
    """
    draws = np.array([statistic(rng.integers(0, count, count)) for _ in range(repeats)])
    draws = draws[np.isfinite(draws)]
    if draws.size == 0:
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def choose_thresholds(
    labels: ArrayLike, scores: ArrayLike, pfas: tuple[float, ...] = (0.05, 0.1)
) -> Mapping[str, tuple[float, ...]]:
    """Thresholds a class for each false-alarm rate, keys ``pfa_0.05`` and so on.

    Args:
        labels: (N, K).
        scores: (N, K).
        pfas: Wanted shares, each class on its own.
    """
    truth, value = np.asarray(labels), np.asarray(scores)
    return {
        f"pfa_{pfa:g}": tuple(threshold_at_pfa(truth[:, k], value[:, k], pfa) for k in range(truth.shape[1]))
        for pfa in pfas
    }


def scan_thresholds(labels: ArrayLike, scores: ArrayLike, pfa: float, *, rounds: int = 30) -> list[float]:
    """Thresholds per class at which at most a share ``pfa`` of the empty scans alarm for any class.

    With K classes each at its own PFA of 5 %, a bag that holds none of them alarms far more often than that.
    Every class gets the same share q of false alarms, and q is the largest that keeps the whole scan at
    ``pfa`` (bisection).

    Args:
        labels: (N, K) 1, 0, or NaN; a scan counts as empty if all its labels are known to be 0.
        scores: (N, K).
        pfa: Share of empty scans that may alarm, in (0, 1).
        rounds: Bisection steps.

    Returns:
        K thresholds; choose them on validation data.

    Raises:
        ValueError: If no scan is known to be empty.

    Source:
        Reconstructed.
    """
    truth, values = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    empty = (truth == 0).all(axis=1)
    if not empty.any():
        raise ValueError("scan thresholds need scans without any of the classes, got none")
    calm = values[empty]

    def at(share: float) -> list[float]:
        return [threshold_at_pfa(np.zeros(len(calm)), calm[:, k], share) for k in range(calm.shape[1])]

    low, high = 0.0, pfa
    for _ in range(rounds):
        middle = (low + high) / 2
        alarmed = (calm >= np.array(at(middle))).any(axis=1).mean()
        low, high = (middle, high) if alarmed <= pfa else (low, middle)
    return at(low)
