"""Which scans people see next: uncertain, disputed, rare and new ones, and a tenth by chance.

The tenth by chance is what makes figures of a round honest: the others were chosen because they are hard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError
from beltline.rounds.records import Pick

Floats = NDArray[np.float64]
PARTS = ("entropy", "disagreement", "rarity", "novelty")


@dataclass(frozen=True)
class PickWeights:
    """How much each part of the score counts; every part lies in 0..1 before.

    Attributes:
        entropy: Of the detector's scores.
        disagreement: 1 - IoU of two prompts.
        rarity: Of the classes that seem to be there, among those labelled so far.
        novelty: Distance to what is labelled or picked already.
        chance: Share that is drawn by chance instead, in [0, 1].
    """

    entropy: float = 1.0
    disagreement: float = 1.0
    rarity: float = 1.0
    novelty: float = 1.0
    chance: float = 0.1

    def __post_init__(self) -> None:
        if min(self.entropy, self.disagreement, self.rarity, self.novelty) < 0 or not 0 <= self.chance <= 1:
            raise ValueError(f"weights must be 0 or more and chance in [0, 1], got {self}")


BY_CHANCE = PickWeights(chance=1.0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """N scans that may be picked.

    Attributes:
        items: (N,) their numbers.
        chances: (N, K) chance of each class.
        disagreement: (N,) in [0, 1].
        embeddings: (N, D).
    """

    items: Sequence[int]
    chances: Floats
    disagreement: Floats
    embeddings: NDArray[np.float32]

    def __post_init__(self) -> None:
        rows = {len(self.items), len(self.chances), len(self.disagreement), len(self.embeddings)}
        if len(rows) != 1:
            raise ShapeError(f"candidates need as many rows in every column, got {sorted(rows)}")


def pick(
    candidates: Candidates,
    count: int,
    *,
    labelled: Floats,
    seen: NDArray[np.float32],
    rng: np.random.Generator,
    weights: PickWeights | None = None,
) -> list[Pick]:
    """Pick scans one after the other, each far from those before it.

    ``w1 entropy + w2 disagreement + w3 rarity + w4 novelty``; novelty is the distance to the nearest scan
    that is labelled or picked, so it falls as neighbours are picked (k-centre, greedily).

    Args:
        candidates: From whom.
        count: How many; fewer where there are fewer.
        labelled: (K,) objects of each class labelled so far.
        seen: (M, D) embeddings of what is labelled; M may be 0.
        rng: Source of chance.
        weights: See `PickWeights`.

    Returns:
        The most wanted first; ``why`` is the part that says most, or ``chance``.

    Source:
        Sener and Savarese, Active learning for convolutional neural networks: a core-set approach (2018).
    """
    weights = weights or PickWeights()
    total = min(count, len(candidates.items))
    by_chance = _round_up_by(rng, weights.chance * total)
    drawn = rng.permutation(len(candidates.items))[: min(by_chance, total)]
    fixed = _fixed_parts(candidates, labelled)
    distance = _distances(candidates.embeddings, seen)
    reach = float(distance.max(initial=0.0)) or 1.0
    free = np.ones(len(distance), bool)
    picked = []
    for row in drawn:
        picked.append(_made(candidates, int(row), fixed, distance / reach, weights, "chance"))
        distance = _nearer(distance, candidates.embeddings, int(row))
        free[row] = False
    while len(picked) < total:
        novelty = np.clip(distance / reach, 0, 1)
        score = _weighted(fixed, novelty, weights)
        row = int(np.where(free, score, -math.inf).argmax())
        picked.append(_made(candidates, row, fixed, novelty, weights, None))
        distance = _nearer(distance, candidates.embeddings, row)
        free[row] = False
    chosen = [one for one in picked if one.why != "chance"]
    return chosen + [one for one in picked if one.why == "chance"]


def entropies(chances: Floats) -> Floats:
    """(N,) mean binary entropy of the classes, in bits.

    Example:
        >>> entropies(np.array([[0.5, 0.5], [1.0, 0.0]])).tolist()
        [1.0, 0.0]
    """
    p = np.clip(np.asarray(chances, np.float64), 1e-12, 1 - 1e-12)
    bits = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return np.asarray(np.where(bits < 1e-9, 0.0, bits).mean(axis=1))


def rarities(chances: Floats, labelled: Floats) -> Floats:
    """(N,) the largest chance of a class over the root of 1 + how many of it are labelled."""
    return np.asarray((np.asarray(chances) / np.sqrt(1 + np.asarray(labelled))).max(axis=1, initial=0.0))


def _fixed_parts(candidates: Candidates, labelled: Floats) -> Floats:
    """(3, N) entropy, disagreement and rarity, each in 0..1."""
    parts = np.stack([
        entropies(candidates.chances),
        np.asarray(candidates.disagreement, np.float64),
        rarities(candidates.chances, labelled),
    ])  # fmt: skip
    largest = parts.max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(parts / np.where(largest > 0, largest, 1.0))


def _weighted(fixed: Floats, novelty: Floats, weights: PickWeights) -> Floats:
    shares = np.array([weights.entropy, weights.disagreement, weights.rarity])
    return np.asarray(shares @ fixed + weights.novelty * novelty)


def _distances(points: NDArray[np.float32], seen: NDArray[np.float32]) -> Floats:
    """(N,) to the nearest that is seen; from the middle of all where nothing is."""
    if not len(points):
        return np.zeros(0)
    if not len(seen):
        return np.asarray(np.linalg.norm(points - points.mean(axis=0), axis=1), np.float64)
    found: Floats = np.full(len(points), np.inf)
    squares = (points.astype(np.float64) ** 2).sum(axis=1)
    for part in np.array_split(seen.astype(np.float64), max(1, len(seen) // 512)):
        away = squares[:, None] - 2 * points @ part.T + (part**2).sum(axis=1)
        found = np.minimum(found, away.min(axis=1))
    return np.asarray(np.sqrt(np.maximum(found, 0)), np.float64)


def _nearer(distance: Floats, points: NDArray[np.float32], row: int) -> Floats:
    away = np.linalg.norm(points - points[row], axis=1)
    return np.asarray(np.minimum(distance, away), np.float64)


def _made(
    candidates: Candidates, row: int, fixed: Floats, novelty: Floats, weights: PickWeights, why: str | None
) -> Pick:
    parts = (*fixed[:, row], novelty[row])
    shares = [getattr(weights, name) * part for name, part in zip(PARTS, parts, strict=True)]
    scores = {name: round(float(part), 4) for name, part in zip(PARTS, parts, strict=True)}
    total = {"score": round(float(sum(shares)), 4)}
    return Pick(int(candidates.items[row]), why or PARTS[int(np.argmax(shares))], {**scores, **total})


def _round_up_by(rng: np.random.Generator, wanted: float) -> int:
    """A whole number whose mean is what is wanted, so that small picks get their share of chance too."""
    whole = math.floor(wanted)
    return whole + int(rng.random() < wanted - whole)
