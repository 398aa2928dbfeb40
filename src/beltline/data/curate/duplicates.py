"""Which pictures are one picture: candidates by their codes, confirmed by laying one over the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from beltline.core import Progress, counted
from beltline.data.annotations.annotated import Picture
from beltline.data.curate.alignment import likeness
from beltline.data.curate.code_index import CodeIndex
from beltline.data.curate.codes import ORIENTATIONS, oriented
from beltline.data.curate.measures import Measures

COMPARED = 16
"""Candidates that a picture is laid over, the nearest by code; bounds the time where many look alike."""
_SPLITS = ("test", "val")


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
    min_likeness: float = 0.7,
    may_be_one: Callable[[int, int], bool] = lambda number, twin: True,
    on_progress: Progress | None = None,
) -> tuple[list[Duplicate], list[Duplicate]]:
    """Pictures that are the same as a better one.

    Each is compared with those that are kept so far, so what is given up is always like the very picture
    that stays, not like one that is like one that stays. Time grows about as the number of pictures does.

    Args:
        measures: Of N pictures.
        ranked: Numbers of those that may be given up, the best first.
        fixed: Numbers of those that stay in any case; they are compared with the ranked alone.
        bits: See `CodeIndex`.
        min_likeness: See `likeness`.
        may_be_one: Asked of a picture and a kept one that are alike.
        on_progress: Told pictures.

    Returns:
        The duplicates, and those that would be if they might be one with their twin.
    """
    kept = _Kept(measures, bits)
    for number in fixed:
        kept.take(number)
    found, apart = [], []
    for number in counted(ranked, on_progress):
        alike = kept.like(number, min_likeness)
        twin = next((one for one in alike if may_be_one(number, one.twin)), None)
        if twin is not None:
            found.append(twin)
            continue
        kept.take(number)
        apart += alike[:1]
    return found, apart


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

    def like(self, number: int, least: float) -> list[Duplicate]:
        """The kept pictures that are as much like this one, the most alike first."""
        same = self._by_digest.get(self._measures.digests[number].tobytes())
        if same is not None:
            return [Duplicate(number, same, 1.0, ORIENTATIONS[0])]
        near, _, turns = self._index.near(self._measures.codes[number])
        own, others = self._measures.thumbnails[number], self._measures.thumbnails
        found = []
        for place, turn in zip(near[:COMPARED], turns[:COMPARED], strict=True):
            twin = self._numbers[place]
            alike = likeness(oriented(own, int(turn)), others[twin])
            if alike >= least:
                found.append(Duplicate(number, twin, alike, ORIENTATIONS[turn]))
        return sorted(found, key=lambda one: -one.likeness)


def best_first(measures: Measures, pictures: Sequence[Picture], numbers: Iterable[int]) -> list[int]:
    """Numbers of pictures in the order in which they may stay.

    Those of a test or validation split first, so that what leaks goes from training; then annotated before
    not, coloured before grey, the largest, the sharpest. A picture that was enlarged counts as large.
    """

    def place(number: int) -> tuple[int, bool, bool, int, float]:
        picture = pictures[number]
        split = _SPLITS.index(picture.split) if picture.split in _SPLITS else len(_SPLITS)
        height, width = (int(side) for side in measures.sizes[number])
        grey = not measures.colored[number]
        return split, not _is_annotated(picture), grey, -height * width, -float(measures.sharpness[number])

    return sorted(numbers, key=place)


def agree(one: Picture, other: Picture) -> bool:
    """Whether two pictures may be one by what is in them: a bag with and one without a gun are not."""
    if one.objects is not None and other.objects is not None:
        return Counter(i.label for i in one.objects) == Counter(i.label for i in other.objects)
    theirs = other.labels or {}
    return all(theirs.get(name, 0) in (0, value) for name, value in (one.labels or {}).items() if value)


def _is_annotated(picture: Picture) -> bool:
    return picture.objects is not None or any((picture.labels or {}).values())
