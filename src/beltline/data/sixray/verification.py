"""What a copy of SIXray lacks, and what in it is broken: every list, annotation and image looked into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress
from beltline.data.annotations.annotated import Picture, read_or_fault, stem_of
from beltline.data.sixray.boxes import Annotation, read_annotation
from beltline.data.sixray.index import Holdings, SixrayIndex, build_index, files_below, find_holdings
from beltline.data.sixray.lists import ANNOTATED, read_label_list
from beltline.data.sixray.subsets import split_pairs
from beltline.data.verdict import Release, SetVerdict
from beltline.data.verification import Checks, CopyToVerify, Remarks, object_remarks, verify_copy

T = TypeVar("T")

TABLE_1: Mapping[str, int] = MappingProxyType(
    {
        "gun": 3131, "knife": 1943, "wrench": 2199, "pliers": 3961, "scissors": 983, "hammer": 60,
        "positive": 8929, "negative": 1_050_302, "total": 1_059_231,
    }
)  # fmt: skip
"""Images by class, one may hold several: Miao et al., SIXray (CVPR 2019), Table 1."""
RELEASE = Release("CVPR 2019, Table 1", TABLE_1, unlisted=("hammer",))

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "damaged_list": "label lists that cannot be read",
        "split_overlap": "images in the train and the test list of one subset",
        "conflicting_labels": "images that two lists label differently",
        "damaged_xml": "annotations that cannot be read",
        "content_in_both_splits": "the same picture under two names in train and test",
    }
)
NOTES: Mapping[str, str] = MappingProxyType(
    {
        "unlisted_images": "images on disk that no list names, so without known labels",
        "two_files": "images that lie in two folders; the first counts",
        "xml_without_image": "annotations whose image is not on disk",
        "positive_without_xml": "positive images without boxes (normal for train)",
        "label_without_box": "annotated images with a label but no box of that class",
        "box_without_label": "annotated images with a box but no label of that class",
        "empty_objects": "annotations with empty <object/> tags; readers skip them",
        "hammer": "annotations with a hammer, which is not among the five classes",
    }
)


def verify(
    root: str | Path, *, deep: bool = False, workers: int = 4, on_progress: Progress | None = None
) -> SetVerdict:
    """Look into every list, annotation and image of a copy.

    Args:
        root: The copy.
        deep: Decode and hash every image, instead of looking at its header and end marker.
        workers: Threads that read files.
        on_progress: Told image files.

    Raises:
        BadInputError: If the folder is no copy of SIXray at all.
    """
    holdings = find_holdings(root)
    files = {path: holdings.root / path for _, path in files_below(holdings.annotations)}
    read, damaged = _sorted_out(read_annotation, holdings.root, files)
    annotations, spoilt = {stem_of(path): read[path] for path in read}, {stem_of(path) for path in damaged}
    damaged_lists = _sorted_out(read_label_list, holdings.root, holdings.lists)[1]
    lists = {name: path for name, path in holdings.lists.items() if name not in damaged_lists}
    sound = {place: [n for n in names if n not in spoilt] for place, names in holdings.annotations.items()}
    index = build_index(replace(holdings, lists=lists, annotations=sound))

    def look(checks: Checks) -> Remarks:
        yield from (("damaged_list", error) for error in damaged_lists.values())
        yield from (("damaged_xml", error) for error in damaged.values())
        yield from _list_remarks(index)
        yield from _file_remarks(index, holdings)
        yield from _box_remarks(index, annotations, checks)

    copy = CopyToVerify(
        _summary(index, annotations), [path for _, path in files_below(holdings.images)], FAULTS, NOTES, look,
        twins=lambda pairs: _twin_remarks(index, pairs),
        measured=lambda file: stem_of(file) in annotations,
    )  # fmt: skip
    return verify_copy(copy, deep=deep, workers=workers, on_progress=on_progress)


def _sorted_out(
    read: Callable[[Path], T], root: Path, files: Mapping[str, Path]
) -> tuple[dict[str, T], dict[str, str]]:
    """What files hold, and why others cannot be read, each by its key."""
    looked = {name: read_or_fault(read, root, path) for name, path in files.items()}
    damaged = {name: fault for name, (_, fault) in looked.items() if fault is not None}
    return {name: found for name, (found, _) in looked.items() if found is not None}, damaged


def _list_remarks(index: SixrayIndex) -> Iterator[tuple[str, str]]:
    yield from (("conflicting_labels", name) for name in index.conflicts)
    for name, rows in index.lists.items():
        unique, times = np.unique(rows, return_counts=True)
        yield from (("repeated_rows", f"{name}: {index.names[row]}") for row in unique[times > 1])
    for subset, train, test in split_pairs(index):
        both = np.intersect1d(train, test)
        yield from (("split_overlap", f"{subset or 'lists'}: {index.names[row]}") for row in both)


def _file_remarks(index: SixrayIndex, holdings: Holdings) -> Iterator[tuple[str, str]]:
    yield from (("missing_images", name) for name in index.names[~index.present].tolist())
    seen: set[str] = set()
    for name, path in files_below(holdings.images):
        if name in seen:
            yield "two_files", path
        seen.add(name)
    yield from (("unlisted_images", name) for name in seen.difference(index.names.tolist()))
    xml = {name for name, _ in files_below(holdings.annotations)}
    yield from (("xml_without_image", name) for name in xml - seen)


def _box_remarks(
    index: SixrayIndex, annotations: Mapping[str, Annotation], checks: Checks
) -> Iterator[tuple[str, str]]:
    without = index.names[index.positive & index.present & ~index.annotated]
    yield from (("positive_without_xml", name) for name in without.tolist())
    rows = {str(index.names[row]): row for row in np.flatnonzero(index.annotated).tolist()}
    for name, annotation in annotations.items():
        row = rows.get(name)
        check = checks.get(index.file(row) or "") if row is not None else None
        picture = Picture(name, annotation.objects, size=annotation.size)
        yield from object_remarks(picture, check.size if check is not None else None, ANNOTATED)
        if annotation.empty_objects:
            yield "empty_objects", name
        if "hammer" in annotation.labels:
            yield "hammer", name
        if row is not None:
            for value, label in zip(index.labels[row], index.classes, strict=True):
                if (value >= 0) != (label in annotation.labels):
                    yield "label_without_box" if value >= 0 else "box_without_label", name


def _twin_remarks(index: SixrayIndex, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    names = [sorted(stem_of(file) for file in pair) for pair in pairs]
    sides = [tuple(set(index.names[rows].tolist()) for rows in pair) for _, *pair in split_pairs(index)]
    for a, b in names:
        if a != b:  # else one image that lies in two folders
            parted = any((a in x and b in y) or (b in x and a in y) for x, y in sides)
            yield "content_in_both_splits" if parted else "same_content", f"{a} = {b}"


def _summary(index: SixrayIndex, annotations: Mapping[str, Annotation]) -> SetVerdict:
    listed, on_disk = (_counts(index, rows, annotations) for rows in (slice(None), index.present))
    there = set(index.names[index.present & index.annotated].tolist())
    found = Counter(i.label for name, a in annotations.items() if name in there for i in a.objects)
    return SetVerdict(
        index.root, "SIXray", RELEASE, listed, on_disk, {**dict.fromkeys(ANNOTATED, 0), **found},
        annotations=len(annotations), lists={name: len(rows) for name, rows in index.lists.items()},
    )  # fmt: skip


def _counts(
    index: SixrayIndex, rows: slice | NDArray[np.bool_], annotations: Mapping[str, Annotation]
) -> dict[str, int]:
    """Images by class, positive, negative, total; hammers are known from annotations alone."""
    counts = index.counts(rows)
    if "hammer" in counts:
        return counts
    annotated = index.names[rows][index.annotated[rows]].tolist()
    hammers = sum(name in annotations and "hammer" in annotations[name].labels for name in annotated)
    return {"hammer": hammers, **counts}
