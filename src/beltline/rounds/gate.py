"""Whether a new model may take the old one's place, and whether another round is worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.metrics.paired import OfCounts, paired_bootstrap_of_counts

MARGIN = 0.01  # IoU that a new model may lose before it is called worse
CHANGE_LIMIT = 0.03  # share of objects that reviewers still change, below which rounds may stop
FEWEST = 5  # gate scans: below, no interval means anything
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a new model.

    Attributes:
        difference: Mean IoU of first proposals, new minus old.
        low: Lower end of its 95 % interval over scans.
        high: Upper end.
        margin: What it may lose.
        scans: Gate scans with an object.
        promoted: Not worse: the lower end lies above minus the margin.
    """

    difference: float
    low: float
    high: float
    margin: float
    scans: int
    promoted: bool

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @property
    def text(self) -> str:
        """One line."""
        found = f"{self.difference:+.3f} IoU [{self.low:+.3f}, {self.high:+.3f}] on {self.scans} gate scans"
        return f"{'not worse' if self.promoted else 'not shown to be as good'}: {found}"


def judged(
    before: Sequence[Sequence[float]],
    after: Sequence[Sequence[float]],
    *,
    rng: np.random.Generator,
    margin: float = MARGIN,
    resamples: int = 2000,
) -> Verdict:
    """Compare two models on the gate scans, scans drawn with replacement.

    Args:
        before: Of each scan, the IoU of every object with the old model's first proposal of it.
        after: With the new model's, same scans and objects.
        rng: Source of chance.
        margin: IoU that the new one may lose.
        resamples: Draws.

    Raises:
        ShapeError: If scans or objects differ.
        ValueError: If fewer than five scans hold an object.

    Example:
        >>> old, new = [[0.5], [0.6, 0.7]] * 10, [[0.6], [0.7, 0.8]] * 10
        >>> judged(old, new, rng=np.random.default_rng(0)).text
        'not worse: +0.100 IoU [+0.100, +0.100] on 20 gate scans'
    """
    if [len(one) for one in before] != [len(one) for one in after]:
        raise ShapeError("the gate needs the same scans and objects of both models")
    kept = [(a, b) for a, b in zip(before, after, strict=True) if len(a)]
    if len(kept) < FEWEST:
        raise ValueError(f"the gate needs at least {FEWEST} scans with an object, got {len(kept)}")
    found = paired_bootstrap_of_counts(
        [_mean_of([a for a, _ in kept])], [_mean_of([b for _, b in kept])], np.ones(len(kept), bool),
        rng=rng, resamples=resamples, draw_seeds=False,
    )  # fmt: skip
    promoted = bool(found.low > -margin)
    return Verdict(found.difference, found.low, found.high, margin, len(kept), promoted)


def may_stop(verdicts: Sequence[Mapping[str, Any]], change_rates: Sequence[float]) -> bool:
    """Whether the last two rounds brought nothing that shows, and reviewers hardly change anything any more.

    Args:
        verdicts: Of all rounds, see `Verdict.to_json`.
        change_rates: Share of objects that reviewers changed, of all rounds.
    """
    if len(verdicts) < 2 or not change_rates:
        return False
    flat = all(one["low"] <= 0 <= one["high"] for one in verdicts[-2:])
    return flat and change_rates[-1] < CHANGE_LIMIT


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Cohen's kappa of the classes that two readers gave the same objects; 1 where both say one class only.

    Raises:
        ShapeError: If they are not as many.
        ValueError: If there is none.

    Source:
        Cohen (1960), Educational and Psychological Measurement 20, 37.

    Example:
        >>> round(kappa(["gun", "gun", "knife", "knife"], ["gun", "knife", "knife", "knife"]), 2)
        0.5
    """
    if len(first) != len(second):
        raise ShapeError(f"kappa needs as many labels of both, got {len(first)} and {len(second)}")
    if not len(first):
        raise ValueError("kappa needs at least one object")
    one, two = np.asarray(first), np.asarray(second)
    agreed = float((one == two).mean())
    expected = sum(float((one == name).mean() * (two == name).mean()) for name in set(first) | set(second))
    return 1.0 if expected >= 1 else (agreed - expected) / (1 - expected)


def _mean_of(scans: Sequence[Sequence[float]]) -> OfCounts:
    """Mean over the objects of the scans drawn."""
    sums = np.array([sum(one) for one in scans], np.float64)
    sizes = np.array([len(one) for one in scans], np.float64)

    def values(counts: NDArray[np.int64]) -> Floats:
        return np.asarray((counts @ sums) / (counts @ sizes))

    return values
