"""What a report claims of a difference between two methods: seeds and test scans vary, each on its own.

Another training is another seed (weights, order, which positives): Student's interval over the paired
differences of the seeds. Another test set is another draw of scans: a bootstrap over them, the trainings held
fixed. Drawing three seeds with replacement, as one bootstrap over both does, makes intervals too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.metrics import PairedDifference, seed_interval
from beltline.metrics.paired import OfCounts, paired_bootstrap_of_counts

FEWEST_SEEDS = 3  # below, no difference is called clear


@dataclass(frozen=True)
class Claim:
    """Second method minus first.

    Attributes:
        each: The difference of each seed on all test scans.
        scans: Mean over the seeds, with the bootstrap interval over the test scans alone.
    """

    each: tuple[float, ...]
    scans: PairedDifference

    @property
    def difference(self) -> float:
        """Mean over the seeds."""
        return self.scans.difference

    @property
    def interval(self) -> tuple[float, float] | None:
        """Student's interval over the seeds, None for a single one."""
        if len(self.each) < 2:
            return None
        _, low, high = seed_interval(self.each)
        return low, high

    @property
    def clear(self) -> bool:
        """Whether at least three seeds, and both intervals leave out 0."""
        if len(self.each) < FEWEST_SEEDS or self.interval is None:
            return False
        low, high = self.interval
        return self.scans.clear and (low > 0 or high < 0)


def compared(
    firsts: Sequence[OfCounts],
    seconds: Sequence[OfCounts],
    holds: NDArray[np.bool_],
    *,
    resamples: int = 400,
    seed: int = 0,
) -> Claim:
    """Second method minus first, on the same seeds and the same test scans.

    Args:
        firsts: The metric of the first method, one a seed; see `beltline.metrics.paired.OfCounts`.
        seconds: Of the second method on the same seeds, in the same order.
        holds: (N,) whether a scan holds an item.
        resamples: Draws of the bootstrap.
        seed: Of the draws.
    """
    once = np.ones((1, len(holds)), np.int64)
    each = [float((b(once) - a(once))[0]) for a, b in zip(firsts, seconds, strict=True)]
    rng = np.random.default_rng(seed)
    scans = paired_bootstrap_of_counts(firsts, seconds, holds, rng=rng, resamples=resamples, draw_seeds=False)
    return Claim(tuple(each), scans)


def over_seeds(claim: Claim) -> str:
    """``+1.2 [-0.3, +2.9]`` in points with Student's interval; ``+1.2`` for a single seed."""
    middle = f"{100 * claim.difference:+.1f}"
    if claim.interval is None:
        return middle
    low, high = claim.interval
    return f"{middle} [{100 * low:+.1f}, {100 * high:+.1f}]"


def over_scans(claim: Claim) -> str:
    """``[-0.3, +2.9]`` in points: the bootstrap interval over test scans."""
    return f"[{100 * claim.scans.low:+.1f}, {100 * claim.scans.high:+.1f}]"
