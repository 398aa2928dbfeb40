"""One set of pictures against another, by their features: Frechet and kernel distance, precision, recall.

All take features (N, D) of pictures, one row each, of whatever network; figures of different networks cannot
be compared. None is called FID or KID: those names belong to Inception-v3's features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError
from beltline.metrics.feature_neighbours import as_features, distances_in_rows, reaches

Floats = NDArray[np.float64]
MOST_IN_SUBSET = 1000  # of the kernel distance, as published


def frechet_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Frechet distance of the Gaussians that two sets of features are taken for.

    ``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))``, covariances over N - 1. It is biased: fewer pictures give
    a larger distance, so compare at equal N, and beside the distance of two halves of the real set.

    Args:
        first: (N, D), N >= 2.
        second: (M, D), M >= 2.

    Raises:
        ShapeError: If the sets are not (N, D) and (M, D).
        ValueError: If one has fewer than two rows, or a feature is not finite.

    Source:
        Heusel et al., GANs trained by a two time-scale update rule (2017), eq. 6. With S = A'A of centred
        rows the trace of the root is the sum of the singular values of A1 A2': no root of a singular matrix.

    Example:
        >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
        9.0
    """
    a, b = _two_sets(first, second, fewest=2)
    shift = a.mean(0) - b.mean(0)
    roots = [_covariance_root(rows) for rows in (a, b)]
    spread = sum(float((root**2).sum()) for root in roots)
    common = float(np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum())
    return max(float(shift @ shift) + spread - 2 * common, 0.0)


@dataclass(frozen=True)
class KernelDistance:
    """Squared maximum mean discrepancy over subsets.

    Attributes:
        mean: Over the subsets; about 0, and as often below as above, where both sets are of one distribution.
        std: Over the subsets.
        subsets: How many.
        size: Rows that each takes of either set.
    """

    mean: float
    std: float
    subsets: int
    size: int


def kernel_distance(
    first: ArrayLike,
    second: ArrayLike,
    *,
    rng: np.random.Generator,
    subsets: int = 100,
    size: int | None = None,
) -> KernelDistance:
    """Unbiased squared maximum mean discrepancy with the kernel ``(x . y / D + 1)^3``, over random subsets.

    Args:
        first: (N, D).
        second: (M, D).
        rng: Source of chance.
        subsets: Draws, each without replacement.
        size: Rows of either set in a draw, at least 2; None takes half of the smaller set, at most 1000, so
            that the draws differ.

    Raises:
        ShapeError: If the sets are not (N, D) and (M, D).
        ValueError: If a set is smaller than ``size``, or a feature is not finite.

    Source:
        Binkowski et al., Demystifying MMD GANs (2018), section 4.
    """
    a, b = _two_sets(first, second, fewest=2)
    fewer = min(len(a), len(b))
    rows = max(min(fewer // 2, MOST_IN_SUBSET), 2) if size is None else size
    if not 2 <= rows <= fewer or subsets < 1:
        raise ValueError(f"needs subsets >= 1 of 2 to {fewer} rows, got {subsets} of {rows}")
    found = [
        _squared_discrepancy(
            a[rng.choice(len(a), rows, replace=False)], b[rng.choice(len(b), rows, replace=False)]
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(found)), float(np.std(found)), subsets, rows)


class PrecisionRecall(NamedTuple):
    """Of made pictures: share that looks real, and share of the real ones that is covered; both in [0, 1]."""

    precision: float
    recall: float


def precision_and_recall(real: ArrayLike, made: ArrayLike, *, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall: shares inside the other set's k-nearest-neighbour balls.

    Args:
        real: (N, D), N > k.
        made: (M, D), M > k; as many as real ones, or the two are not alike.
        k: The neighbour within a set that a ball reaches to.

    Raises:
        ShapeError: If the sets are not (N, D) and (M, D).
        ValueError: If a set has no k-th neighbour, or a feature is not finite.

    Source:
        Kynkaanniemi et al., Improved precision and recall metric (2019), eq. 1 and 2; k = 3.

    Example:
        >>> real, made = [[0.0], [1.0], [2.0], [3.0]], [[2.9], [4.5], [4.6], [9.0]]
        >>> precision_and_recall(real, made, k=1)
        PrecisionRecall(precision=0.25, recall=0.5)
    """
    a, b = _two_sets(real, made, fewest=k + 1)
    real_reach, made_reach = reaches(a, k), reaches(b, k)
    looks_real = np.zeros(len(b), np.bool_)
    covered = np.zeros(len(a), np.bool_)
    for rows, distances in distances_in_rows(b, a):
        looks_real[rows] = (distances <= real_reach).any(1)
        covered |= (distances <= made_reach[rows, None]).any(0)
    return PrecisionRecall(float(looks_real.mean()), float(covered.mean()))


def diversity(features: ArrayLike) -> float:
    """Mean Euclidean distance of every two pictures of one set; read it beside that of the real set.

    Args:
        features: (N, D), N >= 2.

    Raises:
        ShapeError: If they are not (N, D).
        ValueError: If there are fewer than two, or one is not finite.

    Example:
        >>> diversity([[0.0], [1.0], [2.0]])
        1.3333333333333333
    """
    rows = as_features(features, fewest=2)
    total = sum(float(distances.sum()) for _, distances in distances_in_rows(rows, rows))
    return total / (len(rows) * (len(rows) - 1))


def _two_sets(first: ArrayLike, second: ArrayLike, *, fewest: int) -> tuple[Floats, Floats]:
    a, b = as_features(first, fewest=fewest), as_features(second, fewest=fewest)
    if a.shape[1] != b.shape[1]:
        raise ShapeError(
            f"both sets need features of one network, got {a.shape[1]} and {b.shape[1]} of a picture"
        )
    return a, b


def _covariance_root(rows: Floats) -> Floats:
    """R, at most (D, D), with ``R' R`` the covariance."""
    centred = (rows - rows.mean(0)) / np.sqrt(len(rows) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r"), np.float64)


def _squared_discrepancy(a: Floats, b: Floats) -> float:
    def kernel(x: Floats, y: Floats) -> Floats:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    pairs = len(a) * (len(a) - 1)
    within = sum(float(own.sum() - np.trace(own)) for own in (kernel(a, a), kernel(b, b)))
    return within / pairs - 2 * float(kernel(a, b).mean())
