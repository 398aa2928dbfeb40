"""Is a method better than another: paired differences over the same test images and seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import known_mean, weighted_average_precision
from beltline.metrics.paired import Counts, OfCounts
from beltline.protocols.claims import Claim, compared

Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], OfCounts]


@dataclass(frozen=True, eq=False)
class Run:
    """What the comparison needs of one cell.

    Attributes:
        labels: (M, K) 1, 0 or NaN; the same for every seed.
        scores: (M, K).
        hits: (M, K) from 0 to 1, or NaN where the class is absent: the pointing game.
        weights: (M,) how many images each stands for.
    """

    labels: NDArray[np.float32]
    scores: NDArray[np.float32]
    hits: Floats
    weights: Floats


def compare(
    first: Sequence[Run], second: Sequence[Run], *, resamples: int = 400, seed: int = 0
) -> tuple[Claim, Claim]:
    """Differences of mean average precision and of mean pointing accuracy, second minus first.

    Args:
        first: One run a seed.
        second: The other method on the same seeds, in the same order.
        resamples: Draws of the bootstrap, see `beltline.metrics.paired_bootstrap`.
        seed: Of the draws.

    Raises:
        ValueError: If there are not equally many runs of both.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"compare needs the same seeds of both, got {len(first)} and {len(second)}")
    truth = first[0].labels.astype(np.float64)
    holds = (truth == 1).any(axis=1)

    def claim(values: Callable[[Run], Floats], statistic: Statistic) -> Claim:
        of_first, of_second = ([statistic(truth, values(run)) for run in runs] for runs in (first, second))
        return compared(of_first, of_second, holds, resamples=resamples, seed=seed)

    return (
        claim(lambda run: run.scores.astype(np.float64), weighted_map_of_counts(first[0].weights)),
        claim(lambda run: np.nan_to_num(run.hits), mean_hits_of_counts),
    )


def weighted_map_of_counts(weights: Floats) -> Statistic:
    """Mean average precision of resamples in which an image counts ``weights`` times each time it is drawn.

    Args:
        weights: (M,).
    """

    def prepare(labels: Floats, scores: Floats) -> OfCounts:
        def values(counts: Counts) -> Floats:
            each = np.stack(
                [
                    weighted_average_precision(labels[:, k], scores[:, k], counts * weights)
                    for k in range(labels.shape[1])
                ]
            )
            return np.asarray(known_mean(each, 0))

        return values

    return prepare


def mean_hits_of_counts(labels: Floats, hits: Floats) -> OfCounts:
    """Mean over the classes of the share of hits among the images that hold the class."""
    present = (labels == 1).astype(np.float64)

    def values(counts: Counts) -> Floats:
        total = counts @ present
        shares = np.where(total > 0, counts @ (hits * present) / np.maximum(total, 1), np.nan)
        return np.asarray(known_mean(shares, 1))

    return values
