"""What a copy of SIXray lacks, and what in it is broken: every list, annotation and image looked into."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.data.annotations.image_check import ImageCheck, check_image
from beltline.data.sixray.boxes import Annotation, read_annotation
from beltline.data.sixray.index import Holdings, SixrayIndex, build_index, files_below, find_holdings
from beltline.data.sixray.lists import NAMES, read_label_list
from beltline.data.sixray.subsets import split_pairs
from beltline.data.sixray.verdict import FAULTS, NOTES, TABLE_1, SixrayVerdict
from beltline.data.verdict import findings_of

_ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.gz\d*)$", re.IGNORECASE)
_OUTSIDE_PX = 1.0
_CHUNK = 512
Chunk: TypeAlias = list[tuple[str, str]]
"""(name, path below the root) of some image files."""


def verify(
    root: str | Path,
    *,
    deep: bool = False,
    workers: int = 4,
    watch: Callable[[list[Chunk]], Iterable[Chunk]] = iter,
) -> SixrayVerdict:
    """Look into every list, annotation and image of a copy.

    Args:
        root: The copy.
        deep: Decode and hash every image, instead of looking at its header and end marker.
        workers: Threads that read files.
        watch: Passes chunks of image files on, to show progress.

    Raises:
        BadInputError: If the folder is no copy of SIXray at all.
    """
    holdings = find_holdings(root)
    found: dict[str, set[str]] = {kind: set() for kind in (*FAULTS, *NOTES)}
    found["packed"].update(
        path.name for path in holdings.root.iterdir() if path.is_file() and _ARCHIVE.search(path.name)
    )
    annotations, damaged = _read_annotations(holdings)
    found["damaged_xml"].update(damaged.values())
    index = build_index(_without_damaged(holdings, damaged, found["damaged_list"]))
    _look_at_lists(index, found)
    checks, images = _check_images(holdings, deep, workers, watch, keep=set(annotations))
    _look_at_images(index, holdings, checks, found)
    _look_at_boxes(index, annotations, checks, found)
    if deep:
        _look_at_content(index, checks, found)
    listed, on_disk = _counts(index, None, annotations), _counts(index, index.present, annotations)
    everything = all(on_disk[name] == count for name, count in TABLE_1.items() if name != "hammer")
    return SixrayVerdict(
        holdings.root, "complete" if everything else "partial", listed, on_disk, images,
        len(annotations), {name: len(rows) for name, rows in index.lists.items()}, deep,
        findings_of(found, FAULTS, NOTES),
    )  # fmt: skip


def _read_annotations(holdings: Holdings) -> tuple[dict[str, Annotation], dict[str, str]]:
    """Annotations by name, and why others cannot be read."""
    annotations, damaged = {}, {}
    for name, path in files_below(holdings.annotations):
        try:
            annotations[name] = read_annotation(holdings.root / path)
        except BadInputError as error:
            damaged[name] = str(error).removeprefix(f"{holdings.root}/")
    return annotations, damaged


def _without_damaged(holdings: Holdings, damaged: Mapping[str, str], damaged_lists: set[str]) -> Holdings:
    """The copy without lists and annotations that cannot be read."""
    good = {}
    for name, path in holdings.lists.items():
        try:
            read_label_list(path)
            good[name] = path
        except BadInputError as error:
            damaged_lists.add(str(error).removeprefix(f"{holdings.root}/"))
    annotations = {at: [n for n in names if n not in damaged] for at, names in holdings.annotations.items()}
    return replace(holdings, lists=good, annotations=annotations)


def _look_at_lists(index: SixrayIndex, found: dict[str, set[str]]) -> None:
    found["conflicting_labels"].update(index.conflicts)
    for name, rows in index.lists.items():
        unique, times = np.unique(rows, return_counts=True)
        found["repeated_rows"].update(f"{name}: {index.names[row]}" for row in unique[times > 1])
    for subset, train, test in split_pairs(index):
        both = np.intersect1d(train, test)
        found["split_overlap"].update(f"{subset or 'lists'}: {index.names[row]}" for row in both)


def _check_images(
    holdings: Holdings,
    deep: bool,
    workers: int,
    watch: Callable[[list[Chunk]], Iterable[Chunk]],
    *,
    keep: set[str],
) -> tuple[dict[str, ImageCheck], int]:
    """What there is to say about images, by path, and how many were looked into.

    A whole image of which nothing is needed later is forgotten at once: there are a million.
    """
    files = list(files_below(holdings.images))
    checks: dict[str, ImageCheck] = {}
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for chunk in watch([files[i : i + _CHUNK] for i in range(0, len(files), _CHUNK)]):
            looked = pool.map(lambda file: check_image(holdings.root / file[1], deep=deep), chunk)
            for (name, path), check in zip(chunk, looked, strict=True):
                if deep or check.fault is not None or check.wrong_type or name in keep:
                    checks[path] = check
    return checks, len(files)


def _look_at_images(
    index: SixrayIndex, holdings: Holdings, checks: Mapping[str, ImageCheck], found: dict[str, set[str]]
) -> None:
    for path, check in checks.items():
        if check.fault is not None:
            found["zero_byte" if check.empty else "unreadable"].add(f"{path}: {check.fault}")
        elif check.wrong_type:
            found["wrong_type"].add(path)
    found["missing_images"].update(index.names[~index.present].tolist())
    listed, seen = set(index.names.tolist()), set()
    for name, path in files_below(holdings.images):
        if name in seen:
            found["two_files"].add(path)
        seen.add(name)
    found["unlisted_images"] |= seen - listed
    found["xml_without_image"] |= {name for name, _ in files_below(holdings.annotations)} - seen


def _look_at_boxes(
    index: SixrayIndex,
    annotations: Mapping[str, Annotation],
    checks: Mapping[str, ImageCheck],
    found: dict[str, set[str]],
) -> None:
    rows = {index.names[row]: row for row in np.flatnonzero(index.annotated | index.positive).tolist()}
    found["positive_without_xml"].update(
        str(name) for name, row in rows.items() if index.present[row] and not index.annotated[row]
    )
    for name, annotation in annotations.items():
        row = rows.get(np.str_(name))
        check = checks.get(index.file(row) or "") if row is not None else None
        size = check.size if check is not None else None
        found_kinds = _box_findings(annotation, size)
        if row is not None:
            found_kinds |= _label_findings(annotation, index.labels[row], index.classes)
        for kind in found_kinds:
            found[kind].add(name)


def _box_findings(annotation: Annotation, size: tuple[int, int] | None) -> set[str]:
    kinds = set()
    x0, y0, x1, y1 = annotation.boxes.T
    if ((x1 <= x0) | (y1 <= y0)).any():
        kinds.add("empty_box")
    limit = size or annotation.size
    if limit is not None:
        height, width = limit
        over = np.concatenate([-x0, -y0, x1 - width, y1 - height])
        if (over > _OUTSIDE_PX).any():
            kinds.add("box_outside")
    if size is not None and annotation.size is not None and size != annotation.size:
        kinds.add("wrong_size")
    if annotation.empty_objects:
        kinds.add("empty_objects")
    if "hammer" in annotation.labels:
        kinds.add("hammer")
    if set(annotation.labels) - {*NAMES, "hammer"}:
        kinds.add("unknown_class")
    return kinds


def _label_findings(annotation: Annotation, labels: NDArray[np.int8], classes: tuple[str, ...]) -> set[str]:
    kinds = set()
    for value, name in zip(labels, classes, strict=True):
        if (value >= 0) and name not in annotation.labels:
            kinds.add("label_without_box")
        if value < 0 and name in annotation.labels:
            kinds.add("box_without_label")
    return kinds


def _look_at_content(
    index: SixrayIndex, checks: Mapping[str, ImageCheck], found: dict[str, set[str]]
) -> None:
    first: dict[bytes, int] = {}
    twins: list[tuple[int, int]] = []
    for row in np.flatnonzero(index.present).tolist():
        check = checks[index.file(row) or ""]
        if check.digest is not None:
            other = first.setdefault(check.digest, row)
            if other != row:
                twins.append((other, row))
    sides = [(set(a.tolist()), set(b.tolist())) for _, a, b in split_pairs(index)] if twins else []
    for a, b in twins:
        parted = any((a in x and b in y) or (b in x and a in y) for x, y in sides)
        found["content_in_both_splits" if parted else "same_content"].add(
            f"{index.names[a]} = {index.names[b]}"
        )


def _counts(
    index: SixrayIndex, keep: NDArray[np.bool_] | None, annotations: Mapping[str, Annotation]
) -> dict[str, int]:
    """Images by class, positive, negative, total; hammers are known from annotations alone."""
    chosen = np.ones(len(index), np.bool_) if keep is None else keep
    per_class = dict(zip(index.classes, (index.labels[chosen] >= 0).sum(axis=0).tolist(), strict=True))
    if "hammer" not in per_class:
        hammers = {name for name, a in annotations.items() if "hammer" in a.labels}
        per_class["hammer"] = len(hammers & set(index.names[chosen & index.annotated].tolist()))
    positive = int(index.positive[chosen].sum())
    total = int(chosen.sum())
    return {**per_class, "positive": positive, "negative": total - positive, "total": total}
