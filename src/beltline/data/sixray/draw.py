"""Drawing images by name and seed: the same whatever the order of files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beltline.data.sixray.index import SixrayIndex, sortable

_POSITIVES, _NEGATIVES, _SIDES = 1, 2, 3  # three independent orders of one seed


def priorities(names: NDArray[np.str_], seed: int, stream: int = 0) -> NDArray[np.uint64]:
    """A pseudo-random 64-bit number for each name that depends on name, seed and stream alone.

    Source:
        FNV-1a over the letters, finished by the mixer of SplitMix64 (Steele et al. 2014).
    """
    if not len(names):
        return np.zeros(0, np.uint64)
    letters = np.ascontiguousarray(names).view(np.uint32).reshape(len(names), -1)
    mixed = np.full(len(names), 0xCBF29CE484222325, np.uint64)
    for column in letters.T:
        letter = column.astype(np.uint64)
        mixed = np.where(letter > 0, (mixed ^ letter) * np.uint64(0x100000001B3), mixed)
    mixed = mixed + np.uint64((seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def in_order(index: SixrayIndex, rows: NDArray[np.intp], seed: int, stream: int) -> NDArray[np.intp]:
    """Rows in the order of their priorities; names break a tie."""
    names = index.names[rows]
    return rows[np.lexsort((sortable(names), priorities(names, seed, stream)))]


def by_name(index: SixrayIndex, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows sorted by their names."""
    return rows[np.argsort(sortable(index.names[rows]))]


def _combination(index: SixrayIndex, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    return (index.labels[rows] >= 0) @ (1 << np.arange(len(index.classes)))


def part_positives(index: SixrayIndex, rows: NDArray[np.intp], seed: int, share: float) -> NDArray[np.bool_]:
    """Whether each positive is in the test list: every 1 / share-th of the row of class combinations."""
    shuffled = in_order(index, rows, seed, _POSITIVES)
    ordered = shuffled[np.argsort(_combination(index, shuffled), kind="stable")]
    steps = np.floor(np.arange(len(rows) + 1) * share + 0.5 + 1e-9)
    tests = ordered[np.diff(steps) > 0]
    return np.isin(rows, tests)


def part_negatives(
    index: SixrayIndex, rows: NDArray[np.intp], seed: int, share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(test, train) negatives, each in the order in which subsets draw them."""
    sides = in_order(index, rows, seed, _SIDES)
    cut = round(len(rows) * share)
    return (
        in_order(index, sides[:cut], seed, _NEGATIVES),
        in_order(index, sides[cut:], seed, _NEGATIVES),
    )


def at_most(index: SixrayIndex, rows: NDArray[np.intp], seed: int, most: int) -> NDArray[np.intp]:
    """Images so that no class has more than ``most``; classes fill up from the rarest on."""
    shuffled = in_order(index, rows, seed, _POSITIVES)
    has = index.labels[shuffled] >= 0
    taken = np.zeros(len(rows), np.bool_)
    counts = np.zeros(has.shape[1], np.int64)
    for k in np.argsort(has.sum(axis=0), kind="stable"):
        for i in np.flatnonzero(has[:, k] & ~taken):
            if (counts[has[i]] < most).all():
                taken[i] = True
                counts += has[i]
    return shuffled[taken]
