"""GDXray, group Baggages: grey scans in series, boxes of the objects of interest in some.

Source:
    Mery et al., GDXray (J. Nondestructive Evaluation 2015, doi 10.1007/s10921-015-0315-7); folders,
    ground truth files and terms read in pyxvis and a public repack, which also counts GDXray+ (9,700
    images of baggage); the count of 2015 and what single series show recalled. Boxes have no class: it
    comes from the series. domingomery.ing.puc.cl/material/gdxray,
    github.com/computervision-xray-testing/pyxvis.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from beltline.core import BadInputError, Progress, counted
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Picture,
    are_places,
    images_in,
    read_or_fault,
)
from beltline.data.annotations.fake import fake_pictures, write_picture, write_text
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release
from beltline.formats.limits import bad, read_bytes

GROUP = "Baggages"
OBJECT = "Object"
SHOWN = {"B0008": "Knife", "B0049": "Handgun", "B0050": "Shuriken", "B0051": "Razor_blade"}
"""Series that show one kind of object [recalled]; in all others a box is an ``Object``."""
CLASSES = (*SHOWN.values(), OBJECT)
TRUTHS = ("ground_truth.txt", "BoundingBox.txt")
_SERIES = re.compile(r"B\d{4}")


def read_gdxray(root: str | Path, *, on_progress: Progress | None = None) -> Annotated:
    """Read the series of the group Baggages, each a part of the one split; told series.

    A series without ground truth is not annotated; in one with it an image without box has no object.

    Raises:
        BadInputError: If there is no series.
    """
    root = Path(root)
    top = root / GROUP if (root / GROUP).is_dir() else root
    series = sorted(p.name for p in top.iterdir() if _SERIES.fullmatch(p.name)) if top.is_dir() else []
    if not series:
        raise BadInputError(f"{root}: expected {GROUP}/B0001 and so on, found none; name the folder above")
    problems: dict[str, list[str]] = {}
    below = f"{GROUP}/" if top != root else ""
    told = counted(series, on_progress, name=str)
    pictures = [p for name in told for p in _read_series(root, f"{below}{name}", name, problems)]
    return Annotated(root, CLASSES, tuple(pictures), {k: tuple(v) for k, v in problems.items()})


def read_truth(path: Path, label: str) -> dict[int, list[AnnotatedObject]]:
    """Objects by image number: rows of ``image left right top bottom``, pixels counted from 1.

    Raises:
        BadInputError: If a row has not five finite numbers.
    """
    found: dict[int, list[AnnotatedObject]] = defaultdict(list)
    for number, line in enumerate(read_bytes(path).decode("utf-8", errors="replace").splitlines(), start=1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        try:
            image, left, right, top, bottom = (float(value) for value in fields)
            image_number = int(image)
        except (ValueError, OverflowError) as error:
            raise bad(
                path, f"line {number}: expected 'image left right top bottom', got {line[:60]!r}"
            ) from error
        if not are_places((image, left, right, top, bottom)):
            raise bad(path, f"line {number}: expected numbers in reach of an image, got {line[:60]!r}")
        left, right = sorted((left, right))
        top, bottom = sorted((top, bottom))  # some rows of the set have them the wrong way round
        found[image_number].append(AnnotatedObject(label, (left - 1, top - 1, right, bottom)))
    return found


def fake_gdxray(out: Path, *, each: int, seed: int) -> None:
    """Write a tiny tree of its shape: three series, one of them without ground truth."""
    rng = np.random.default_rng(seed)
    for series, truth in (("B0001", False), ("B0046", True), ("B0049", True)):
        folder = f"{GROUP}/{series}"
        files = [f"{folder}/{series}_{number:04d}.png" for number in range(1, each + 1)]
        rows = []
        for number, picture in enumerate(fake_pictures([OBJECT], files, rng=rng), start=1):
            write_picture(out, picture, rng=rng)
            for item in picture.objects or ():
                left, top, right, bottom = item.box
                rows.append(f"{number:14.7e} {left + 1:14.7e} {right:14.7e} {top + 1:14.7e} {bottom:14.7e}")
        if truth:
            write_text(out / folder / TRUTHS[0], rows)


def _read_series(root: Path, folder: str, series: str, problems: dict[str, list[str]]) -> list[Picture]:
    files = images_in(root / folder)
    truth = next((name for name in TRUTHS if (root / folder / name).is_file()), None)
    boxes, fault = None, None
    if truth is not None:
        read = partial(read_truth, label=SHOWN.get(series, OBJECT))
        boxes, fault = read_or_fault(read, root, root / folder / truth)
    elif (root / folder / "BoundingBox.mat").is_file():
        problems.setdefault("unread_truth", []).append(f"{folder}/BoundingBox.mat")
    pictures, numbers = [], set()
    for stem, name in files.items():
        tail = stem.rpartition("_")[2]
        if not stem.startswith(f"{series}_") or not tail.isdigit():
            problems.setdefault("unlisted_images", []).append(f"{folder}/{name}")
            continue
        numbers.add(int(tail))
        items = None if boxes is None else tuple(boxes.get(int(tail), ()))
        pictures.append(Picture(f"{folder}/{name}", items, GROUP, None, (series,), fault=fault))
    orphans = sorted(set(boxes or ()) - numbers)
    problems.setdefault("annotation_without_image", []).extend(f"{folder}/{truth}: {n}" for n in orphans)
    return pictures


GDXRAY = PublicSet(
    name="gdxray",
    title="GDXray Baggages",
    classes=CLASSES,
    read=read_gdxray,
    fake=fake_gdxray,
    releases=(Release("GDXray 2015", {GROUP: 8_150}, (GROUP,)), Release("GDXray+", {GROUP: 9_700})),
    terms="Free for research and education; no redistribution, no commercial use. (C) D. Mery, PUC Chile.",
)
