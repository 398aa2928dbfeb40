"""What a report claims of a difference between two methods: seeds and test scans vary, each on its own.

Another training is another seed (weights, order, which positives): Student's interval over the paired
differences of the seeds. Another test set is another draw of scans: a bootstrap over them, the trainings held
fixed. Drawing three seeds with replacement, as one bootstrap over both does, makes intervals too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

from beltline.metrics import PairedDifference, seed_interval

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
