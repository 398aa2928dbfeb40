"""Is a method better than another: paired differences with intervals over images and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Mean difference and its 95 % interval.

    Attributes:
        mean: Second minus first, mean over seeds.
        low: 2.5 % point of the bootstrap.
        high: 97.5 % point.
        seeds: Number of seeds.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class Run:
    """What the comparison needs of one cell.

    Attributes:
        labels: (M, K) 1, 0 or NaN.
        scores: (M, K).
        hits: (M, K) 1, 0 or NaN: the pointing game.
        weights: (M,).
    """

    labels: NDArray[np.float32]
    scores: NDArray[np.float32]
    hits: Floats
    weights: Floats


def compare(
    first: Sequence[Run], second: Sequence[Run], *, resamples: int = 400, seed: int = 0
) -> tuple[Difference, Difference]:
    """Differences of mean average precision and of mean pointing accuracy, second minus first.

    Seeds are resampled, and within them the test images, positives and negatives apart (the imbalance is part
    of the protocol, not of chance); both methods see the same draw.

    Args:
        first: One run a seed.
        second: The other method on the same seeds, in the same order.
        resamples: Draws of the bootstrap.
        seed: Of the draws.

    Source:
        Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8: two stages.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"compare needs the same seeds of both, got {len(first)} and {len(second)}")
    rng = np.random.default_rng(seed)
    ranked = [(Ranked.of(a), Ranked.of(b)) for a, b in zip(first, second, strict=True)]
    drawn = np.empty((resamples, 2))
    for row in range(resamples):
        values = []
        for index in rng.integers(0, len(ranked), len(ranked)):
            counts = _draw(rng, ranked[index][0])
            values.append([b - a for a, b in zip(*(r.means(counts) for r in ranked[index]), strict=True)])
        drawn[row] = np.mean(values, axis=0)
    ones = [np.ones(len(a.weights)) for a, _ in ranked]
    exact = np.mean(
        [np.subtract(b.means(one), a.means(one)) for (a, b), one in zip(ranked, ones, strict=True)], axis=0
    )
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    made = [
        Difference(*map(float, values), seeds=len(first)) for values in zip(exact, low, high, strict=True)
    ]
    return made[0], made[1]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Scores sorted once, so that a resample costs one pass a class."""

    order: NDArray[np.intp]  # (M, K)
    truth: Floats  # (M, K) in that order, 1 or 0; unknown entries are taken out by ``known``
    known: Floats  # (M, K) in that order
    hits: Floats
    weights: Floats
    positive: NDArray[np.bool_]  # (M,)

    @classmethod
    def of(cls, run: Run) -> Ranked:
        """Sort the scores of each class, best first."""
        order = np.argsort(-run.scores, axis=0, kind="stable")
        labels = np.take_along_axis(run.labels, order, axis=0)
        known = ~np.isnan(labels)
        truth = (labels == 1).astype(np.float64)
        return cls(
            order, truth, known.astype(np.float64), run.hits, run.weights, (run.labels == 1).any(axis=1)
        )

    def means(self, counts: Floats) -> tuple[float, float]:
        """Mean AP and mean pointing accuracy over the classes, images counted ``counts`` times."""
        weight = (counts * self.weights)[self.order] * self.known
        hit = np.cumsum(weight * self.truth, axis=0)
        precision = hit / np.maximum(np.cumsum(weight, axis=0), 1e-12)
        total = hit[-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            ap = (precision * weight * self.truth).sum(axis=0) / total
            known = ~np.isnan(self.hits) * counts[:, None]
            pointing = (np.nan_to_num(self.hits) * known).sum(axis=0) / known.sum(axis=0)
        return _mean(ap), _mean(pointing)


def _draw(rng: np.random.Generator, ranked: Ranked) -> Floats:
    counts = np.zeros(len(ranked.weights))
    for group in (np.flatnonzero(ranked.positive), np.flatnonzero(~ranked.positive)):
        if len(group):
            np.add.at(counts, rng.choice(group, len(group)), 1)
    return counts


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
