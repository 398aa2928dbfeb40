"""What a copy of a data set lacks, and what in it is broken: what all sets have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeAlias

from beltline.core import Progress
from beltline.data.annotations.annotated import AnnotatedObject, Picture
from beltline.data.annotations.image_check import ImageCheck, check_image
from beltline.data.verdict import FAULTS, NOTES, SetVerdict, findings_of

_ARCHIVE = re.compile(r"\.(zip|rar|7z|tar|tgz|tar\.gz\d*)$", re.IGNORECASE)
_OUTSIDE_PX = 1.0
_OUTLINE_PX = 2.0
_CHUNK = 512
Remarks: TypeAlias = Iterable[tuple[str, str]]
"""Kinds of findings, each with the name of what was found."""
Checks: TypeAlias = Mapping[str, ImageCheck]


@dataclass(frozen=True, eq=False)
class CopyToVerify:
    """A copy whose lists and annotations were read, and what only its set knows about it.

    Attributes:
        summary: What is known before an image is opened.
        files: Its image files, as paths below the root.
        faults: Meaning of each kind of fault that only this set has.
        notes: Same for notes.
        look: ``look(checks)`` tells what there is to say about lists and annotations.
        twins: ``twins(pairs)`` tells what two files of the same content mean.
        measured: Whether ``look`` needs the size of a file. A whole image of which nothing is needed later is
            forgotten at once: there may be a million.
    """

    summary: SetVerdict
    files: Sequence[str]
    faults: Mapping[str, str]
    notes: Mapping[str, str]
    look: Callable[[Checks], Remarks]
    twins: Callable[[Sequence[tuple[str, str]]], Remarks]
    measured: Callable[[str], bool] = field(default=lambda file: True)


def verify_copy(
    copy: CopyToVerify, *, deep: bool = False, workers: int = 4, on_progress: Progress | None = None
) -> SetVerdict:
    """Look into every image of a copy, and let its set look into the rest.

    Args:
        copy: What is there.
        deep: Decode and hash every image, instead of looking at its header and end marker.
        workers: Threads that read files.
        on_progress: Told image files.
    """
    root = copy.summary.root
    faults, notes = {**copy.faults, **FAULTS}, {**NOTES, **copy.notes}
    found: dict[str, set[str]] = {kind: set() for kind in (*faults, *notes)}
    found["packed"].update(p.name for p in root.iterdir() if p.is_file() and _ARCHIVE.search(p.name))
    kept: dict[str, ImageCheck] = {}
    first: dict[bytes, str] = {}
    twins = []
    for file, check in _checks(copy, deep, workers, on_progress):
        if check.fault is not None:
            found["zero_byte" if check.empty else "unreadable"].add(f"{file}: {check.fault}")
        elif check.wrong_type:
            found["wrong_type"].add(file)
        if check.digest is not None and (other := first.setdefault(check.digest, file)) != file:
            twins.append((other, file))
        if copy.measured(file):
            kept[file] = check
    for kind, name in chain(copy.look(kept), copy.twins(twins) if twins else ()):
        found[kind].add(name)
    findings = findings_of(found, faults, notes)
    return replace(copy.summary, images=len(copy.files), deep=deep, findings=findings)


def object_remarks(
    picture: Picture, size: tuple[int, int] | None, classes: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What there is to say about the objects of a picture.

    Args:
        picture: As the set annotates it.
        size: (height, width) of the image itself; None where it is not known.
        classes: Of the set.
    """
    if size is not None and picture.size is not None and size != picture.size:
        yield "wrong_size", picture.file
    for item in picture.objects or ():
        for kind in _kinds(item, size or picture.size):
            yield kind, picture.file
        if item.label not in classes:
            yield "unknown_class", f"{picture.file}: {item.label}"


def _checks(
    copy: CopyToVerify, deep: bool, workers: int, on_progress: Progress | None
) -> Iterator[tuple[str, ImageCheck]]:
    """Every file with what a look into it told."""
    root, files = copy.summary.root, copy.files
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for start in range(0, len(files), _CHUNK):
            chunk = files[start : start + _CHUNK]
            yield from zip(
                chunk, pool.map(lambda file: check_image(root / file, deep=deep), chunk), strict=True
            )
            if on_progress is not None:
                on_progress(start + len(chunk), len(files), chunk[-1])


def _kinds(item: AnnotatedObject, size: tuple[int, int] | None) -> Iterator[str]:
    left, top, right, bottom = item.box
    if right < left or bottom < top:
        yield "swapped_corners"
    elif right == left or bottom == top:
        yield "empty_box"
    if size is not None and max(-left, -top, right - size[1], bottom - size[0]) > _OUTSIDE_PX:
        yield "box_outside"
    if isinstance(item.outline, Mapping):
        if size is not None and tuple(item.outline["size"]) != size:
            yield "outline_other_size"
    elif item.outline:
        xs = [x for polygon in item.outline for x in polygon[0::2]]
        ys = [y for polygon in item.outline for y in polygon[1::2]]
        if max(left - min(xs), top - min(ys), max(xs) - right, max(ys) - bottom) > _OUTLINE_PX:
            yield "outline_outside_box"
