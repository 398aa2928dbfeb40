"""What a copy of a public set lacks, and what in it is broken: lists, annotations and images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.image_check import ImageCheck, check_image
from beltline.data.public.record import PublicSet
from beltline.data.public.verdict import FAULTS, NOTES, SetVerdict
from beltline.data.verdict import findings_of

_ARCHIVE = re.compile(r"\.(zip|rar|7z|tar|tgz|tar\.gz\d*)$", re.IGNORECASE)
_OUTSIDE_PX = 1.0
_OUTLINE_PX = 2.0
_CHUNK = 512


def verify_public_set(
    known: PublicSet,
    root: str | Path,
    *,
    deep: bool = False,
    workers: int = 4,
    watch: Callable[[list[list[Picture]]], Iterable[list[Picture]]] = iter,
) -> SetVerdict:
    """Look into every list, annotation and image of a copy.

    Args:
        known: Which set.
        root: The copy.
        deep: Decode and hash every image, instead of looking at its header and end marker.
        workers: Threads that read files.
        watch: Passes chunks of pictures on, to show progress.

    Raises:
        BadInputError: If the folder is no copy of it at all.
    """
    data = known.read(root)
    found: dict[str, set[str]] = {kind: set() for kind in (*FAULTS, *NOTES)}
    for kind, names in data.problems.items():
        found[kind].update(names)
    found["packed"].update(p.name for p in data.root.iterdir() if p.is_file() and _ARCHIVE.search(p.name))
    checks = _check_images(data, deep, workers, watch)
    for picture in data.pictures:
        _look_at_picture(picture, checks.get(picture.file), known.classes, found)
    if not known.own_names:
        _look_at_names(data, found)
    _look_at_content(data, checks, found)
    return _verdict(known, data, found, len(checks), deep)


def part_counts(pictures: Iterable[Picture]) -> dict[str, int]:
    """Images by split, by part of a split, and ``all``."""
    counts: Counter[str] = Counter()
    for picture in pictures:
        counts.update(part for part in (picture.split, *picture.subsets, "all") if part)
    return dict(counts)


def _check_images(
    data: Annotated,
    deep: bool,
    workers: int,
    watch: Callable[[list[list[Picture]]], Iterable[list[Picture]]],
) -> dict[str, ImageCheck]:
    there = [picture for picture in data.pictures if picture.present]
    checks: dict[str, ImageCheck] = {}
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for chunk in watch([there[i : i + _CHUNK] for i in range(0, len(there), _CHUNK)]):
            looked = pool.map(lambda picture: check_image(data.root / picture.file, deep=deep), chunk)
            checks.update(zip((picture.file for picture in chunk), looked, strict=True))
    return checks


def _look_at_picture(
    picture: Picture, check: ImageCheck | None, classes: tuple[str, ...], found: dict[str, set[str]]
) -> None:
    if check is None:
        found["missing_images"].add(picture.file)
    elif check.fault is not None:
        found["zero_byte" if check.empty else "unreadable"].add(f"{picture.file}: {check.fault}")
    elif check.wrong_type:
        found["wrong_type"].add(picture.file)
    if picture.objects is None and picture.fault is None:
        found["not_annotated"].add(picture.file)
    actual = check.size if check is not None else None
    if actual is not None and picture.size is not None and actual != picture.size:
        found["wrong_size"].add(picture.file)
    for item in picture.objects or ():
        for kind in _box_findings(item, actual or picture.size):
            found[kind].add(picture.file)
        if item.label not in classes:
            found["unknown_class"].add(f"{picture.file}: {item.label}")


def _box_findings(item: AnnotatedObject, size: tuple[int, int] | None) -> set[str]:
    left, top, right, bottom = item.box
    kinds = set()
    if right < left or bottom < top:
        kinds.add("swapped_corners")
    elif right == left or bottom == top:
        kinds.add("empty_box")
    if size is not None and max(-left, -top, right - size[1], bottom - size[0]) > _OUTSIDE_PX:
        kinds.add("box_outside")
    if isinstance(item.outline, Mapping):
        if size is not None and tuple(item.outline["size"]) != size:
            kinds.add("outline_other_size")
    elif item.outline:
        xs = [x for polygon in item.outline for x in polygon[0::2]]
        ys = [y for polygon in item.outline for y in polygon[1::2]]
        over = max(left - min(xs), top - min(ys), max(xs) - right, max(ys) - bottom)
        if over > _OUTLINE_PX:
            kinds.add("outline_outside_box")
    return kinds


def _look_at_names(data: Annotated, found: dict[str, set[str]]) -> None:
    first: dict[str, Picture] = {}
    for picture in data.pictures:
        other = first.setdefault(picture.stem, picture)
        if other.split != picture.split:
            found["split_overlap"].add(f"{other.split}, {picture.split}: {picture.stem}")


def _look_at_content(data: Annotated, checks: Mapping[str, ImageCheck], found: dict[str, set[str]]) -> None:
    first: dict[bytes, Picture] = {}
    for picture in data.pictures:
        check = checks.get(picture.file)
        if check is None or check.digest is None:
            continue
        other = first.setdefault(check.digest, picture)
        if other.file != picture.file:
            kind = "same_content" if other.split == picture.split else "content_in_two_splits"
            found[kind].add(f"{other.file} = {picture.file}")


def _verdict(
    known: PublicSet, data: Annotated, found: dict[str, set[str]], images: int, deep: bool
) -> SetVerdict:
    listed = part_counts(data.pictures)
    on_disk = part_counts(picture for picture in data.pictures if picture.present)
    release = known.nearest(listed)
    published = dict(release.counts) if release else {}
    differ = {f"{part}: {on_disk.get(part, 0):,d}" for part, n in published.items() if on_disk.get(part) != n}
    found["counts_differ"] = differ
    state: Literal["complete", "partial", "unknown"] = "partial" if differ else "complete"
    objects: Counter[str] = Counter(dict.fromkeys(known.classes, 0))
    for picture in data.pictures:
        if picture.present:
            objects.update(item.label for item in picture.objects or ())
    return SetVerdict(
        data.root, known.title, state if published else "unknown", release.name if release else "",
        release.recalled if release else (), published, listed, on_disk, dict(objects), images, deep,
        findings_of(found, FAULTS, NOTES),
    )  # fmt: skip
