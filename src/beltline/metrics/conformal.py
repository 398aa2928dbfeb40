"""Thresholds from benign scans alone: how many are needed, which score counts, and what rate comes out.

A scan alarms when its score is above the k-th smallest of n benign ones, k = ceil((n + 1)(1 - pfa)). Then a
new benign scan of the same kind alarms with probability pfa at most, whatever the scores are like. The rate
of one such threshold is itself a draw: of the distribution Beta(n + 1 - k, k).

Source:
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005); Bates et al., Testing for
    Outliers with Conformal p-values (arXiv 2104.08279) for the spread of the rate.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def conformal_rank(count: int, pfa: float) -> int:
    """Which of ``count`` benign scores, from the smallest, is the last that does not alarm.

    Args:
        count: Benign scans.
        pfa: Wanted share of benign scans that alarm, in (0, 1).

    Raises:
        ValueError: If so few scans cannot promise so low a rate.

    Example:
        >>> conformal_rank(100, 0.05)
        96
    """
    if not 0 < pfa < 1:
        raise ValueError(f"pfa must be in (0, 1), got {pfa}")
    rank = math.ceil((count + 1) * (1 - pfa) - 1e-9)
    if rank > count:
        raise ValueError(f"{count} benign scans are too few for a rate of {pfa:g}: {fewest(pfa)} are needed")
    return rank


def fewest(pfa: float) -> int:
    """How many benign scans a rate needs at least.

    Example:
        >>> fewest(0.05), fewest(0.01)
        (19, 99)
    """
    return math.ceil(1 / pfa - 1 - 1e-9)


def true_rate_range(count: int, rank: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Where the false-alarm rate of such a threshold lies, on new scans of the same kind.

    Args:
        count: Benign scans.
        rank: See `conformal_rank`.
        confidence: Of the range, in (0, 1).

    Returns:
        Quantiles of Beta(count + 1 - rank, rank).

    Example:
        >>> [round(value, 3) for value in true_rate_range(100, 96)]
        [0.016, 0.099]
    """
    tail = (1 - confidence) / 2
    low, high = (_beta_quantile(p, count + 1 - rank, rank) for p in (tail, 1 - tail))
    return low, high


def _beta_quantile(share: float, a: int, b: int) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _beta_below(middle, a, b) < share else (low, middle)
    return (low + high) / 2


def _beta_below(x: float, a: int, b: int) -> float:
    # P(Beta(a, b) <= x) = P(Binomial(a + b - 1, x) >= a) for whole a and b; the shorter tail is summed
    trials = a + b - 1
    few = a <= trials - a + 1
    hits = np.arange(0, a) if few else np.arange(a, trials + 1)
    log_choose = _log_factorial(trials) - _log_factorial(hits) - _log_factorial(trials - hits)
    tail = float(np.exp(log_choose + hits * math.log(x) + (trials - hits) * math.log1p(-x)).sum())
    return 1 - tail if few else tail


def _log_factorial(values: ArrayLike) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.vectorize(lambda n: math.lgamma(n + 1), otypes=[float])(values)
    return found
