"""Sets of the Beihang group: a folder of images, beside it a text file of boxes for each, lists of names.

Source:
    Read in the published loaders of OPIXray (DOAM/data/OPIXray.py) and HiXray (MuBo/data/HiXray.py):
    one line per object, ``image class left top right bottom``, in pixels of the image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from beltline.core import BadInputError, Progress, counted
from beltline.data.annotations.annotated import (
    Annotated,
    AnnotatedObject,
    Box,
    Picture,
    are_places,
    class_name,
    images_in,
    read_or_fault,
)
from beltline.data.annotations.fake import fake_pictures, write_picture, write_text
from beltline.data.annotations.set_files import read_names
from beltline.formats.limits import bad, read_bytes


@dataclass(frozen=True)
class BoxLineSplit:
    """Where one split lies; every path is below the root.

    Attributes:
        name: "train", "test", "domain1".
        images: Folder of images.
        annotations: Folder of text files.
        listing: File of image names, one a line; None, or not there: the images of the folder.
        subsets: Lists of parts of the split by their name.
    """

    name: str
    images: str
    annotations: str
    listing: str | None = None
    subsets: Mapping[str, str] = field(default_factory=dict)


def read_box_lines(path: Path) -> tuple[tuple[AnnotatedObject, ...], set[str]]:
    """Objects of one text file, and the stems of the images its lines name.

    Raises:
        BadInputError: If a line has not six fields, or a corner is no finite number.

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> path = Path(folder.name) / "009.txt"; _ = path.write_text("009.jpg Scissor 1 2 30 40")
        >>> read_box_lines(path)[0][0].box
        (1.0, 2.0, 30.0, 40.0)
        >>> folder.cleanup()
    """
    if path.is_file() and path.stat().st_size == 0:  # an image without objects
        return (), set()
    text = read_bytes(path).decode("utf-8", errors="replace")
    items, named = [], set()
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.lstrip("\ufeff").split()
        if not fields:
            continue
        if len(fields) != 6:
            raise bad(path, f"line {number}: expected 'image class left top right bottom', got {line[:80]!r}")
        items.append(AnnotatedObject(_label(path, number, fields[1]), _corners(path, number, fields[2:])))
        named.add(Path(fields[0]).stem)
    return tuple(items), named


def read_box_line_set(
    root: str | Path,
    splits: Iterable[BoxLineSplit],
    classes: tuple[str, ...],
    *,
    on_progress: Progress | None = None,
) -> Annotated:
    """Every split of a set of this kind, as far as it is there; told pictures.

    Raises:
        BadInputError: If no folder and no list of it is there.
    """
    root = Path(root)
    known = tuple(splits)
    here = [split for split in known if (root / split.images).is_dir() or _list_path(root, split)]
    if not here:
        expected = ", ".join(split.images for split in known)
        raise BadInputError(
            f"{root}: expected the folders {expected}, found none; name the folder above them"
        )
    problems: dict[str, list[str]] = {}
    listed = [_listed(root, split, problems) for split in here]
    rows = [(one, name) for one in listed for name in one.names]
    told = counted(rows, on_progress, name=lambda row: row[1])
    pictures = [_picture(root, one, name, problems) for one, name in told]
    missing = [split.name for split in known if split not in here]
    if missing:
        problems["missing_splits"] = missing
    return Annotated(root, classes, tuple(pictures), {kind: tuple(v) for kind, v in problems.items()})


def _list_path(root: Path, split: BoxLineSplit) -> Path | None:
    path = root / split.listing if split.listing else None
    return path if path is not None and path.is_file() else None


@dataclass(frozen=True)
class _Listed:
    """What there is of a split: names listed, image files by stem, stems of texts, members of its parts."""

    split: BoxLineSplit
    names: list[str]
    files: Mapping[str, str]
    texts: set[str]
    subsets: Mapping[str, set[str]]


def _listed(root: Path, split: BoxLineSplit, problems: dict[str, list[str]]) -> _Listed:
    files = images_in(root / split.images)
    path = _list_path(root, split)
    if path is None:
        names = sorted(files)
        if split.listing:
            problems.setdefault("missing_lists", []).append(split.listing)
    else:
        names = _unique(read_names(path), str(split.listing), problems)
        listed = set(names)
        unlisted = [f"{split.images}/{file}" for stem, file in files.items() if stem not in listed]
        problems.setdefault("unlisted_images", []).extend(unlisted)
    subsets = _subsets(root, split, set(names), problems)
    texts = {path.stem for path in (root / split.annotations).glob("*.txt")}
    orphans = [f"{split.annotations}/{stem}.txt" for stem in sorted(texts - set(files))]
    problems.setdefault("annotation_without_image", []).extend(orphans)
    return _Listed(split, names, files, texts, subsets)


def _picture(root: Path, listed: _Listed, name: str, problems: dict[str, list[str]]) -> Picture:
    split, items, fault = listed.split, None, None
    if name in listed.texts:
        items, fault = _items(root, f"{split.annotations}/{name}.txt", name, problems)
    file = f"{split.images}/{listed.files.get(name, name + '.jpg')}"
    parts = tuple(part for part, members in listed.subsets.items() if name in members)
    return Picture(file, items, split.name, None, parts, name in listed.files, fault)


def _items(
    root: Path, relative: str, name: str, problems: dict[str, list[str]]
) -> tuple[tuple[AnnotatedObject, ...] | None, str | None]:
    found, fault = read_or_fault(read_box_lines, root, root / relative)
    items, named = found or (None, set())
    if others := named - {name}:
        problems.setdefault("other_name", []).append(f"{relative} names {', '.join(sorted(others))}")
    return items, fault


def _unique(names: list[str], listing: str, problems: dict[str, list[str]]) -> list[str]:
    times = Counter(names)
    twice = (f"{listing}: {name}" for name, number in times.items() if number > 1)
    problems.setdefault("repeated_rows", []).extend(twice)
    return list(times)


def _subsets(
    root: Path, split: BoxLineSplit, names: set[str], problems: dict[str, list[str]]
) -> dict[str, set[str]]:
    """Members of each part that has a list; parts are to divide the split without rest and overlap."""
    found = {}
    for part, listing in split.subsets.items():
        if (root / listing).is_file():
            found[part] = set(_unique(read_names(root / listing), listing, problems))
        else:
            problems.setdefault("missing_lists", []).append(listing)
    strangers = sorted({name for members in found.values() for name in members} - names)
    problems.setdefault("subset_stranger", []).extend(f"{split.name}: {name}" for name in strangers)
    twice = sorted(name for name in names if sum(name in members for members in found.values()) > 1)
    problems.setdefault("subset_overlap", []).extend(f"{split.name}: {name}" for name in twice)
    if len(found) == len(split.subsets) and found:
        none = sorted(names - set().union(*found.values()))
        problems.setdefault("in_no_subset", []).extend(f"{split.name}: {name}" for name in none)
    return found


def _label(path: Path, number: int, text: str) -> str:
    try:
        return class_name(text)
    except ValueError as error:
        raise bad(path, f"line {number}: {error}") from error


def _corners(path: Path, number: int, fields: list[str]) -> Box:
    try:
        left, top, right, bottom = (float(value) for value in fields)
    except ValueError as error:
        raise bad(path, f"line {number}: corners must be numbers, got {str(fields)[:80]}") from error
    if not are_places((left, top, right, bottom)):
        raise bad(path, f"line {number}: corners must be in reach of an image, got {str(fields)[:80]}")
    return left, top, right, bottom


def fake_box_lines(
    root: Path, splits: Iterable[BoxLineSplit], classes: tuple[str, ...], *, each: int, seed: int
) -> None:
    """Write a tiny tree of this shape; parts of a split share its images in turn."""
    rng = np.random.default_rng(seed)
    for which, split in enumerate(splits):
        names = [f"{which}{number:05d}" for number in range(1, each + 1)]
        files = [f"{split.images}/{name}.jpg" for name in names]
        for name, picture in zip(
            names, fake_pictures(classes, files, rng=rng, split=split.name), strict=True
        ):
            write_picture(root, picture, rng=rng)
            rows = [(item.label, *(int(v) for v in item.box)) for item in picture.objects or ()]
            lines = [" ".join(map(str, (f"{name}.jpg", *row))) for row in rows]
            write_text(root / split.annotations / f"{name}.txt", lines)
        if split.listing:
            write_text(root / split.listing, names)
        for part, listing in enumerate(split.subsets.values()):
            write_text(root / listing, names[part :: len(split.subsets)])
