"""All codes within a few bits of one, out of a hundred thousand, without comparing it with each.

Source:
    Norouzi, Punjani and Fleet, Fast Exact Search in Hamming Space with Multi-Index Hashing (PAMI 2014): two
    codes that differ in r bits differ in at most r // 4 of one of four bands, so that looking up each band
    with that many bits changed finds them all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from beltline.data.curate.codes import BANDS, Codes, all_orientations

Ints: TypeAlias = NDArray[np.int32]
F = TypeVar("F", bound=Callable[..., Any])
_BAND_BITS = 64 // BANDS
MOST_BITS = 15
"""Widest search: beyond it a band would have to be looked up with four bits changed, thousands of times."""


class CodeIndex:
    """Codes by number, which grows.

    Args:
        capacity: Most codes that it will hold.
        bits: Codes are near that differ in at most so many bits, 0 to `MOST_BITS`.

    Raises:
        ValueError: If ``bits`` is outside its range.

    Example:
        >>> index = CodeIndex(8, bits=2)
        >>> index.add(np.uint64(0b1110)), index.add(np.uint64(0b1000))
        (0, 1)
        >>> numbers, distances, orientations = index.near(np.uint64(0b1100))
        >>> numbers.tolist(), distances.tolist(), orientations.tolist()
        ([0, 1], [1, 1], [0, 0])
    """

    def __init__(self, capacity: int, *, bits: int) -> None:
        if not 0 <= bits <= MOST_BITS:
            raise ValueError(f"codes are near within 0 to {MOST_BITS} bits, got {bits}")
        self._bits, self._count = bits, 0
        self._codes = np.zeros(capacity, np.uint64)
        self._first = np.full((BANDS, 1 << _BAND_BITS), -1, np.int32)
        self._next = np.full((BANDS, capacity), -1, np.int32)
        self._probes = _changes(bits // BANDS)
        self._distance = np.full(capacity, -1, np.int32)  # scratch: of those found already
        self._found = np.empty((2, capacity), np.int32)

    def __len__(self) -> int:
        return self._count

    def add(self, code: np.uint64) -> int:
        """Take a code; its number."""
        number, self._count = self._count, self._count + 1
        self._codes[number] = code
        for band in range(BANDS):
            word = int(code) >> band * _BAND_BITS & 0xFFFF
            self._next[band, number] = self._first[band, word]
            self._first[band, word] = number
        return number

    def near(self, code: np.uint64) -> tuple[Ints, Ints, Ints]:
        """Codes near to that of a picture in any orientation, nearest first.

        Returns:
            Their numbers, the bits in which they differ, and the orientation in which the picture with
            ``code`` comes nearest to them, each (M,).
        """
        turned = all_orientations(np.array([code], np.uint64))[0]
        count = _search(
            turned,
            self._bits,
            self._probes,
            self._codes,
            self._first,
            self._next,
            self._distance,
            self._found,
        )
        numbers, orientations = self._found[:, :count].copy()
        distances = self._distance[numbers]
        self._distance[numbers] = -1
        order = np.lexsort((numbers, distances))
        return numbers[order], distances[order], orientations[order]


def _changes(bits: int) -> NDArray[np.uint16]:
    """Every word of a band with at most so many bits set, the fewest first."""
    words = []
    for count in range(bits + 1):
        for places in itertools.combinations(range(_BAND_BITS), count):
            words.append(sum(1 << place for place in places))
    return np.array(words, np.uint16)


def _compiled(function: F) -> F:
    return cast(F, njit(cache=True)(function))


@_compiled
def _set_bits(word: np.uint64) -> int:
    """How many bits are set.

    Source: Warren, Hacker's Delight, section 5-1.
    """
    x = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@_compiled
def _search(
    turned: Codes,
    bits: int,
    probes: NDArray[np.uint16],
    codes: Codes,
    first: Ints,
    following: Ints,
    distance: Ints,
    found: Ints,
) -> int:
    """Fill ``found`` with number and orientation of each near code, ``distance`` with its bits; how many."""
    count = 0
    for orientation in range(len(turned)):
        code = turned[orientation]
        for band in range(first.shape[0]):
            word = (code >> np.uint64(16 * band)) & np.uint64(0xFFFF)
            for probe in probes:
                number = first[band, word ^ np.uint64(probe)]
                while number >= 0:
                    apart = _set_bits(code ^ codes[number])
                    if apart <= bits:
                        if distance[number] < 0:
                            found[0, count] = number
                            found[1, count] = orientation
                            distance[number] = apart
                            count += 1
                        elif apart < distance[number]:
                            distance[number] = apart
                            for place in range(count):
                                if found[0, place] == number:
                                    found[1, place] = orientation
                    number = following[band, number]
    return count
