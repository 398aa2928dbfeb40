"""Nearest neighbours among features of pictures, and whether a generator copies what it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import ShapeError

Floats = NDArray[np.float64]
ROWS_AT_ONCE = 512


def as_features(features: ArrayLike, *, fewest: int = 1) -> Floats:
    """Features as float64 (N, D).

    Raises:
        ShapeError: If the shape is another.
        ValueError: If there are fewer than ``fewest`` rows, or one is not finite.
    """
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or not rows.shape[1]:
        raise ShapeError(f"features must be (N, D), one row a picture, got {rows.shape}")
    if len(rows) < fewest:
        raise ValueError(f"needs the features of at least {fewest} pictures, got {len(rows)}")
    if not np.isfinite(rows).all():
        raise ValueError("features must be finite")
    return rows


def distances_in_rows(first: Floats, second: Floats) -> Iterator[tuple[slice, Floats]]:
    """Euclidean distances of every two, a block of rows of the first set at a time: (n, M)."""
    lengths = (second**2).sum(1)
    for start in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, len(first)))
        block = first[rows]
        squares = (block**2).sum(1)[:, None] + lengths - 2 * block @ second.T
        if first is second:
            squares[np.arange(len(block)), np.arange(rows.start, rows.stop)] = 0  # rounding leaves a rest
        yield rows, np.sqrt(np.maximum(squares, 0))


def reaches(features: Floats, k: int) -> Floats:
    """(N,) distance of each row to its k-th nearest other row.

    Raises:
        ValueError: If there is no k-th other row.
    """
    if not 1 <= k < len(features):
        raise ValueError(f"k must be in 1..{len(features) - 1} among {len(features)} pictures, got {k}")
    found = np.empty(len(features))
    for rows, distances in distances_in_rows(features, features):
        found[rows] = np.partition(distances, k, axis=1)[:, k]  # the 0th is the row itself
    return found


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest row of another set.

    Attributes:
        distance: (N,) Euclidean.
        row: (N,) int64, which it is.
    """

    distance: Floats
    row: NDArray[np.int64]


def nearest(features: ArrayLike, others: ArrayLike) -> Nearest:
    """Of each row the nearest of another set, of equally near ones the first.

    Args:
        features: (N, D).
        others: (M, D), M >= 1.

    Raises:
        ShapeError: If the sets are not (N, D) and (M, D).
        ValueError: If a set is empty, or a feature is not finite.

    Example:
        >>> found = nearest([[0.0], [5.0]], [[4.0], [1.0]])
        >>> found.distance.tolist(), found.row.tolist()
        ([1.0, 1.0], [1, 0])
    """
    a, b = as_features(features), as_features(others)
    if a.shape[1] != b.shape[1]:
        raise ShapeError(
            f"both sets need features of one network, got {a.shape[1]} and {b.shape[1]} of a picture"
        )
    distance, row = np.empty(len(a)), np.empty(len(a), np.int64)
    for rows, distances in distances_in_rows(a, b):
        row[rows] = distances.argmin(1)
        distance[rows] = distances.min(1)
    return Nearest(distance, row)


@dataclass(frozen=True, eq=False)
class Memorisation:
    """How near made pictures come to those that their generator was trained on.

    Attributes:
        made: Made pictures to their nearest training picture.
        held: Real pictures that were held out, to theirs.
        limit: The distance that the nearest ``percentile`` percent of the held-out ones stay below.
        percentile: In (0, 100).
    """

    made: Nearest
    held: Nearest
    limit: float
    percentile: float

    @property
    def share(self) -> float:
        """Share of made pictures nearer than the limit; ``percentile / 100`` where nothing is memorised."""
        return float((self.made.distance < self.limit).mean())

    @property
    def ratio(self) -> float:
        """Median distance of made ones over that of held-out ones: far below 1 for copies; NaN over 0."""
        usual = float(np.median(self.held.distance))
        return float(np.median(self.made.distance)) / usual if usual else float("nan")


def memorisation(
    made: ArrayLike, train: ArrayLike, held: ArrayLike, *, percentile: float = 5.0
) -> Memorisation:
    """Distances of made pictures to their nearest training picture, beside those of held-out real ones.

    A picture that nobody trained on is some distance from the nearest that somebody did; what is made new
    should keep it too. A share far above ``percentile / 100`` tells of copies; a share below it may tell of
    pictures unlike any real one, which is for the Frechet distance to say.

    Args:
        made: (N, D).
        train: (M, D) of the pictures that the generator saw.
        held: (K, D) of real pictures that it did not see, of the same kind.
        percentile: Of the held-out distances, in (0, 100).

    Raises:
        ShapeError: If the sets differ in D.
        ValueError: If a set is empty, or the percentile is out of range.

    Source:
        Reconstructed; the comparison with held-out pictures follows Meehan et al., A non-parametric test to
        detect data-copying in generative models (2020), which tests ranks instead of one quantile.
    """
    if not 0 < percentile < 100:
        raise ValueError(f"percentile must be in (0, 100), got {percentile}")
    ours, theirs = nearest(made, train), nearest(held, train)
    return Memorisation(ours, theirs, float(np.percentile(theirs.distance, percentile)), percentile)
