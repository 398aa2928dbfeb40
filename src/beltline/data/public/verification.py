"""What a copy of a public set lacks, and what in it is broken: lists, annotations and images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from beltline.core import Progress
from beltline.data.annotations.annotated import Annotated, Picture
from beltline.data.public.record import PublicSet
from beltline.data.verdict import SetVerdict
from beltline.data.verification import Checks, CopyToVerify, object_remarks, verify_copy

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "damaged_annotation": "annotations that cannot be read",
        "far_outline": "outlines that lead far outside any image; their boxes count",
        "split_overlap": "images in two splits",
        "subset_stranger": "images that a part names, but not its split",
        "dangling": "objects of an image or class that the file does not have",
        "content_in_two_splits": "the same picture under two names in two splits",
    }
)
NOTES: Mapping[str, str] = MappingProxyType(
    {
        "missing_splits": "splits of which nothing is there",
        "unnamed_classes": "no list of class names",
        "missing_lists": "lists that are not there; the images of the folder count",
        "unread_truth": "ground truth in MATLAB files; not read: save the matrix as ground_truth.txt",
        "unlisted_images": "images on disk that no list names; readers leave them out",
        "not_annotated": "images without annotation",
        "annotation_without_image": "annotations whose image is not on disk",
        "subset_overlap": "images in two parts of one split",
        "in_no_subset": "images in no part of their split",
        "other_name": "annotations whose lines name another image; the file's own name counts",
        "wrong_extension": "images found under another extension than the annotation says",
        "odd_outline": "masks that are neither polygons nor run lengths; their boxes count",
        "counts_differ": "splits or parts with another count than published",
    }
)


def verify_public_set(
    known: PublicSet,
    root: str | Path,
    *,
    deep: bool = False,
    workers: int = 4,
    on_progress: Progress | None = None,
) -> SetVerdict:
    """Look into every list, annotation and image of a copy.

    Args:
        known: Which set.
        root: The copy.
        deep: Decode and hash every image, instead of looking at its header and end marker.
        workers: Threads that read files.
        on_progress: Told what is read, then image files as they are looked into.

    Raises:
        BadInputError: If the folder is no copy of it at all.
    """
    data = known.read(root, on_progress=on_progress)
    there = [picture for picture in data.pictures if picture.present]
    splits = {picture.file: picture.split for picture in there}
    classes = data.classes if known.names_its_classes else known.classes
    summary = _summary(known, data, there, classes)

    def look(checks: Checks) -> Iterator[tuple[str, str]]:
        yield from ((kind, name) for kind, names in data.problems.items() for name in names)
        for picture in data.pictures:
            yield from _picture_remarks(picture, checks, classes)
        if not known.own_names:
            yield from _name_remarks(data.pictures)
        if (release := summary.release) is not None:
            for part in release.differing(summary.on_disk):
                yield "counts_differ", f"{part}: {summary.on_disk.get(part, 0):,d}"

    def twins(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for a, b in pairs:
            yield "same_content" if splits[a] == splits[b] else "content_in_two_splits", f"{a} = {b}"

    copy = CopyToVerify(summary, list(splits), FAULTS, NOTES, look, twins)
    return verify_copy(copy, deep=deep, workers=workers, on_progress=on_progress)


def _summary(
    known: PublicSet, data: Annotated, there: Sequence[Picture], classes: Sequence[str]
) -> SetVerdict:
    listed = _part_counts(data.pictures)
    objects = Counter(dict.fromkeys(classes, 0))
    for picture in there:
        objects.update(item.label for item in picture.objects or ())
    return SetVerdict(
        data.root, known.title, known.nearest(listed), listed, _part_counts(there), dict(objects),
        annotations=sum(picture.objects is not None for picture in data.pictures),
        lists=dict(Counter(picture.split for picture in data.pictures if picture.split)),
    )  # fmt: skip


def _part_counts(pictures: Iterable[Picture]) -> dict[str, int]:
    return dict(Counter(part for picture in pictures for part in picture.parts()))


def _picture_remarks(picture: Picture, checks: Checks, classes: Sequence[str]) -> Iterator[tuple[str, str]]:
    check = checks.get(picture.file)
    if check is None:
        yield "missing_images", picture.file
    if picture.objects is None and picture.fault is None:
        yield "not_annotated", picture.file
    if picture.fault is not None:
        yield "damaged_annotation", picture.fault
    yield from object_remarks(picture, check.size if check is not None else None, classes)


def _name_remarks(pictures: Iterable[Picture]) -> Iterator[tuple[str, str]]:
    first: dict[str, Picture] = {}
    for picture in pictures:
        other = first.setdefault(picture.stem, picture)
        if other.split != picture.split:
            yield "split_overlap", f"{other.split}, {picture.split}: {picture.stem}"
