"""Which pictures are one picture: candidates by their codes, confirmed by laying one over the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from beltline.core import Progress, counted
from beltline.data.curate.alignment import likeness
from beltline.data.curate.code_index import CodeIndex
from beltline.data.curate.codes import ORIENTATIONS, oriented
from beltline.data.curate.measures import Measures

COMPARED = 16
"""Candidates that a picture is laid over, the nearest by code; bounds the time where many look alike."""


@dataclass(frozen=True)
class Duplicate:
    """A picture and the one that is kept in its place.

    Attributes:
        number: The picture that is given up.
        twin: The one that stays.
        likeness: Correlation of their detail; 1 for files of the same bytes.
        orientation: How the given up one is turned to lie as its twin does, one of `ORIENTATIONS`.
    """

    number: int
    twin: int
    likeness: float
    orientation: str


def find_duplicates(
    measures: Measures,
    ranked: Sequence[int],
    *,
    fixed: Iterable[int] = (),
    bits: int = 10,
    min_likeness: float = 0.85,
    on_progress: Progress | None = None,
) -> list[Duplicate]:
    """Pictures that are the same as a better one.

    Each is compared with those that are kept so far, so what is given up is always like the very picture
    that stays, not like one that is like one that stays. Time grows about as the number of pictures does.

    Args:
        measures: Of N pictures.
        ranked: Numbers of those that may be given up, the best first.
        fixed: Numbers of those that stay in any case; they are compared with the ranked alone.
        bits: See `CodeIndex`.
        min_likeness: See `likeness`.
        on_progress: Told pictures.
    """
    kept = _Kept(measures, bits)
    for number in fixed:
        kept.take(number)
    found = []
    for number in counted(ranked, on_progress):
        duplicate = kept.twin_of(number, min_likeness)
        if duplicate is None:
            kept.take(number)
        else:
            found.append(duplicate)
    return found


class _Kept:
    """The pictures that stay, found by code or by their bytes."""

    def __init__(self, measures: Measures, bits: int) -> None:
        self._measures = measures
        self._index = CodeIndex(len(measures), bits=bits)
        self._numbers: list[int] = []
        self._by_digest: dict[bytes, int] = {}

    def take(self, number: int) -> None:
        self._index.add(self._measures.codes[number])
        self._numbers.append(number)
        self._by_digest.setdefault(self._measures.digests[number].tobytes(), number)

    def twin_of(self, number: int, least: float) -> Duplicate | None:
        """The kept picture that is most like this one, if it is enough so."""
        same = self._by_digest.get(self._measures.digests[number].tobytes())
        if same is not None:
            return Duplicate(number, same, 1.0, ORIENTATIONS[0])
        near, _, turns = self._index.near(self._measures.codes[number])
        own, others = self._measures.thumbnails[number], self._measures.thumbnails
        best = Duplicate(number, number, -1.0, ORIENTATIONS[0])
        for place, turn in zip(near[:COMPARED], turns[:COMPARED], strict=True):
            twin = self._numbers[place]
            alike = likeness(oriented(own, int(turn)), others[twin])
            if alike > best.likeness:
                best = Duplicate(number, twin, alike, ORIENTATIONS[turn])
        return best if best.likeness >= least else None


def ranked(measures: Measures, numbers: Iterable[int], annotated: Sequence[bool]) -> list[int]:
    """Numbers with the best picture first: annotated before not, then the largest, then the sharpest."""

    def worth(number: int) -> tuple[bool, int, float]:
        height, width = (int(side) for side in measures.sizes[number])
        return not annotated[number], -height * width, -float(np.float32(measures.sharpness[number]))

    return sorted(numbers, key=worth)
