"""What came back from an annotation tool beside what went out: kept, changed, relabelled, added, deleted.

Objects are known by the ids that they went out with (`object_facts.with_object_ids`), and where a tool
dropped those, by overlap and label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Masks, ShapeError, box_iou
from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.losses import LOST, UNREAD
from beltline.data.annotations.object_facts import PREDICTED, object_id, with_object_ids
from beltline.data.annotations.polygons import run_length

LEAST_IOU = 0.5
"""Overlap from which an object without an id is taken for the one of the same label that went out."""
LEAST_IOU_RELABELLED = 0.9
"""The same for one of another label: transparent objects lie on each other, and each is its own."""
_SAME_PX = 0.01  # CVAT writes corners with two digits


@dataclass(frozen=True)
class Match:
    """An object that went out and what became of it.

    Attributes:
        picture: File of the picture, as it went out.
        sent: Position among its objects that went out.
        returned: Position among those that came back.
        iou: Overlap of the two masks, or of the boxes where one has no mask.
        by_overlap: Whether no id told it.
    """

    picture: str
    sent: int
    returned: int
    iou: float
    by_overlap: bool = False


@dataclass(frozen=True, eq=False)
class Returned:
    """A set that came back, object by object; each is in one of the five lists.

    Attributes:
        unchanged: Same label, same mask bit by bit; a box within a hundredth of a pixel.
        changed: Same label, other shape.
        relabelled: Other label; whether the shape is another too, the overlap tells.
        added: Picture and position of objects that nobody sent.
        deleted: Picture and position of objects that went out and did not come back.
        pictures: The picture that came back for each that went out, by the file of the latter.
        missing: Files that did not come back, or that nobody annotated yet; of these nothing is known.
        notes: What was odd, a line each.
    """

    unchanged: tuple[Match, ...]
    changed: tuple[Match, ...]
    relabelled: tuple[Match, ...]
    added: tuple[tuple[str, int], ...]
    deleted: tuple[tuple[str, int], ...]
    pictures: Mapping[str, Picture] = field(default_factory=lambda: MappingProxyType({}))
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def by_overlap(self) -> int:
        """Objects that no id told."""
        return sum(match.by_overlap for match in (*self.unchanged, *self.changed, *self.relabelled))

    def lines(self) -> list[str]:
        """For people."""
        ious = [match.iou for match in self.changed]
        mean = f" (mean IoU {np.mean(ious):.3f})" if ious else ""
        counts = (
            (len(self.pictures), "images came back"), (len(self.missing), "images did not"),
            (len(self.unchanged), "objects unchanged"), (len(self.changed), f"changed{mean}"),
            (len(self.relabelled), "relabelled"), (len(self.added), "added"), (len(self.deleted), "deleted"),
            (self.by_overlap, "of them known by overlap and label alone: without an id of theirs"),
        )  # fmt: skip
        return [f"{count:10,d} {words}" for count, words in counts if count] + list(self.notes)


def compare_returned(sent: Annotated, returned: Annotated) -> Returned:
    """Tell what became of each object that went out.

    A picture is known by its file, else by the name of the file without folders, else without extension. Ids
    come first. An object without one, with one of another picture, or with one that a nearer object has, is
    compared by overlap with what is left: `LEAST_IOU` for the same label, `LEAST_IOU_RELABELLED` for another.

    Args:
        sent: What went out: best the converted folder read back. Of the set that was converted, objects that
            `convert` left out (boxes without area) count as deleted.
        returned: What a reader gave of the tool's export.

    Raises:
        BadInputError: If no picture that came back was sent.
    """
    sent = with_object_ids(sent)
    notes: list[str] = []
    pairs = _pairs(sent.pictures, returned.pictures, notes)
    if returned.pictures and not pairs:
        first = returned.pictures[0].file
        raise BadInputError(
            f"{returned.root}: none of {len(returned)} images that came back was sent, first {first[:80]}"
        )
    owners = {object_id(item): p.file for p in sent.pictures for item in p.objects or ()}
    done = [
        _Comparison(sent.pictures[i], back, owners, notes)
        for i, back in pairs.items()
        if _can_be_compared(sent.pictures[i], back, notes)
    ]
    notes += [
        f"{LOST[kind]}: {line}"
        for problem, kind in UNREAD.items()
        for line in returned.problems.get(problem, ())
    ]
    _note_labels(sent, [one.back for one in done], notes)
    there = {one.sent.file for one in done}
    return Returned(
        tuple(match for one in done for match in one.unchanged),
        tuple(match for one in done for match in one.changed),
        tuple(match for one in done for match in one.relabelled),
        tuple((one.sent.file, k) for one in done for k in one.added),
        tuple((one.sent.file, k) for one in done for k in one.deleted),
        MappingProxyType({one.sent.file: one.back for one in done}),
        tuple(picture.file for picture in sent.pictures if picture.file not in there),
        tuple(notes),
    )


class _Comparison:
    """The objects of one picture."""

    def __init__(
        self, sent: Picture, back: Picture, owners: Mapping[str | None, str], notes: list[str]
    ) -> None:
        self.sent, self.back, self._notes = sent, back, notes
        self.unchanged: list[Match] = []
        self.changed: list[Match] = []
        self.relabelled: list[Match] = []
        self._before, self._after = _Shapes(sent, back), _Shapes(back, sent)
        self._iou = self._before.iou(self._after)
        self._drawn = 0
        self.deleted, self.added = list(range(len(self._before))), list(range(len(self._after)))
        self._by_id(owners)
        self._by_overlap(LEAST_IOU, lambda before, after: before.label == after.label)
        self._by_overlap(LEAST_IOU_RELABELLED, lambda before, after: True)
        if self._drawn:
            notes.append(f"{sent.file}: {self._drawn} masks came back as polygons, which have no holes")

    def _by_id(self, owners: Mapping[str | None, str]) -> None:
        ids = {object_id(item): k for k, item in enumerate(self._before.items)}
        claims: dict[int, list[int]] = {}
        for k, item in enumerate(self._after.items):
            found = object_id(item)
            if found in ids and found is not None:
                claims.setdefault(ids[found], []).append(k)
            elif found in owners and found is not None:
                where = f"{self.sent.file}: object {k + 1} has the id {found!r}"
                self._notes.append(f"{where} of {owners[found]}; taken as without id")
        for before, claimants in claims.items():
            nearest = max(claimants, key=lambda k: self._iou[before, k])
            if len(claimants) > 1:
                where = f"{self.sent.file}: {len(claimants)} objects have the id"
                found = object_id(self._before.items[before])
                self._notes.append(f"{where} {found!r}; the nearest keeps it")
            self._match(before, nearest, by_overlap=False)

    def _by_overlap(self, least: float, fits: Callable[[AnnotatedObject, AnnotatedObject], bool]) -> None:
        """Nearest first, each object once."""
        pairs = sorted(
            (-self._iou[i, k], i, k)
            for i in self.deleted
            for k in self.added
            if self._iou[i, k] >= least and fits(self._before.items[i], self._after.items[k])
        )
        for _, before, after in pairs:
            if before in self.deleted and after in self.added:
                self._match(before, after, by_overlap=True)

    def _match(self, before: int, after: int, *, by_overlap: bool) -> None:
        self.deleted.remove(before)
        self.added.remove(after)
        one, other = self._before.items[before], self._after.items[after]
        match = Match(self.sent.file, before, after, float(self._iou[before, after]), by_overlap)
        if one.label != other.label:
            self.relabelled.append(match)
        elif self._before.same(before, self._after, after):
            self.unchanged.append(match)
        else:
            self.changed.append(match)
        was_mask, is_polygon = isinstance(one.outline, Mapping), isinstance(other.outline, list | tuple)
        self._drawn += was_mask and is_polygon


class _Shapes:
    """Masks of the objects that have one, and the boxes of all."""

    def __init__(self, picture: Picture, other: Picture) -> None:
        self.items = picture.objects or ()
        self.boxes = np.array([item.box for item in self.items], np.float64).reshape(-1, 4)
        size = picture.size or other.size
        self._masks = [None if size is None else _mask(item, size) for item in self.items]

    def __len__(self) -> int:
        return len(self.items)

    def iou(self, other: _Shapes) -> NDArray[np.float64]:
        """Of every pair, shape (N, M)."""
        iou = np.asarray(box_iou(self.boxes, other.boxes), np.float64)
        rows = [k for k, mask in enumerate(self._masks) if mask is not None]
        columns = [k for k, mask in enumerate(other._masks) if mask is not None]
        if rows and columns:
            iou[np.ix_(rows, columns)] = _joined(self._masks).iou(_joined(other._masks))
        return iou

    def same(self, number: int, other: _Shapes, others: int) -> bool:
        """Whether two are one shape."""
        mine, theirs = self._masks[number], other._masks[others]
        if mine is None or theirs is None:
            near = np.abs(self.boxes[number] - other.boxes[others]).max() <= _SAME_PX
            return mine is None and theirs is None and bool(near)
        return mine.counts == theirs.counts


def _mask(item: AnnotatedObject, size: tuple[int, int]) -> Masks | None:
    if not item.outline:
        return None
    try:
        return Masks.from_coco([run_length(item.outline, size)], size)
    except ShapeError:  # of another size: then its box counts
        return None


def _joined(masks: Sequence[Masks | None]) -> Masks:
    there = [mask for mask in masks if mask is not None]
    return Masks(tuple(count for mask in there for count in mask.counts), there[0].size)


def _pairs(sent: Sequence[Picture], returned: Sequence[Picture], notes: list[str]) -> dict[int, Picture]:
    """The picture that came back for the one at a position."""
    places = [_places(sent, key) for key in _KEYS]
    pairs: dict[int, Picture] = {}
    for back in returned:
        found = (place.get(key(back)) for place, key in zip(places, _KEYS, strict=True))
        position = next((number for number in found if number is not None), None)
        if position is None:
            notes.append(f"{back.file}: was not sent; passed over")
        elif position in pairs:
            notes.append(f"{back.file}: came back twice; the first counts")
        else:
            pairs[position] = back
    return pairs


def _can_be_compared(sent: Picture, back: Picture, notes: list[str]) -> bool:
    """Whether somebody looked at a picture that came back, and it is whole."""
    if back.fault is not None:
        notes.append(f"{back.file}: cannot be read ({back.fault})")
        return False
    if sent.size and back.size and sent.size != back.size:
        came, went = (f"{size[1]}x{size[0]}" for size in (back.size, sent.size))
        notes.append(f"{back.file}: came back as {came} but went out as {went}; passed over")
        return False
    return back.objects is not None and back.extra.get(PREDICTED) is not True


def _places(pictures: Sequence[Picture], key: Callable[[Picture], str]) -> dict[str, int]:
    """Positions by a name, where only one picture has it."""
    counts = Counter(map(key, pictures))
    return {key(picture): i for i, picture in enumerate(pictures) if counts[key(picture)] == 1}


_KEYS: tuple[Callable[[Picture], str], ...] = (
    lambda picture: picture.file,
    lambda picture: picture.file.rsplit("/", 1)[-1],
    lambda picture: picture.stem,
)


def _note_labels(sent: Annotated, pictures: Iterable[Picture], notes: list[str]) -> None:
    known = {*sent.classes, *(item.label for picture in sent.pictures for item in picture.objects or ())}
    counts = Counter(item.label for p in pictures for item in p.objects or () if item.label not in known)
    for label, count in counts.items():
        notes.append(f"{count} objects are called {label!r}, which is no class that was sent")
