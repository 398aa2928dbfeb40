"""Pictures with their objects as a data set states them: what readers give, and verify, import, convert take.

Nothing is mended here: class names, corners and flags stay as written, damage is named beside the picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import numpy as np

from beltline.core import BadInputError

T = TypeVar("T")
Box: TypeAlias = tuple[float, float, float, float]
Outline: TypeAlias = Sequence[Sequence[float]] | Mapping[str, Any]
"""COCO polygons, each x0, y0, x1, y1, ..., or one COCO run-length object."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
FARTHEST_PX = 10_000_000
"""A coordinate beyond is damage: no side of a scan comes near it."""
LONGEST_OUTLINE_PX = 1_000_000
"""Masks are drawn point by point along their outline: one of a few bytes could fill the memory."""
LONGEST_NAME = 200
_SPLIT = re.compile(r"(?:[^\s./\\][^/\\]{0,62})?")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """One object of a picture.

    Attributes:
        label: Class name as the set writes it.
        box: Left, top, right, bottom in pixels; right and bottom exclusive.
        outline: Polygons or run lengths; None where there is only a box.
        difficult: VOC's flag: left out of average precision.
        truncated: VOC's flag: the object goes over the border of the picture.
        occluded: VOC's flag, or a set's own: another object covers it.
        crowd: COCO's flag: a group, not one object.
        extra: Fields that no format names, JSON values.
    """

    label: str
    box: Box
    outline: Outline | None = None
    difficult: bool = False
    truncated: bool = False
    occluded: bool = False
    crowd: bool = False
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Picture:
    """One image and what is known of it.

    Attributes:
        file: Path below the root, with forward slashes; the expected one where it is not on disk.
        objects: What is in it: none there if empty, nobody annotated if None.
        split: "train", "test", ... or "".
        size: (height, width) in pixels that the annotation states; None where it states none.
        subsets: Parts of the split it is in ("OL1", "easy").
        present: Whether the file is on disk.
        fault: Why its annotation cannot be read.
        labels: By class 1 present, -1 absent or 0 "difficult" in a list of the set; a class not named is
            absent. None where objects alone tell.
        extra: Fields that no format names, JSON values.
    """

    file: str
    objects: tuple[AnnotatedObject, ...] | None
    split: str = ""
    size: tuple[int, int] | None = None
    subsets: tuple[str, ...] = ()
    present: bool = True
    fault: str | None = None
    labels: Mapping[str, int] | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def stem(self) -> str:
        """File name without folder and extension."""
        return stem_of(self.file)

    def parts(self) -> tuple[str, ...]:
        """Under which names it counts: its split, its parts of the split, and ``all``."""
        return tuple(part for part in (self.split, *self.subsets, "all") if part)


@dataclass(frozen=True, eq=False)
class Annotated:
    """Pictures of one data set or annotation folder.

    Attributes:
        root: Folder that the files are relative to.
        classes: Class names in the order of the set.
        pictures: Its pictures, those not on disk too.
        problems: What the reader met, by kind of finding (see `verdict`): names or lines.
    """

    root: Path
    classes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)

    def __len__(self) -> int:
        return len(self.pictures)


def stem_of(file: str) -> str:
    """File name without folders and extension; a tenth of what ``PurePath`` takes, for a million of them."""
    return file.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def read_or_fault(read: Callable[[Path], T], root: Path, path: Path) -> tuple[T | None, str | None]:
    """What a file of a copy holds, or None and in a line, with its path below the root, why it is damaged."""
    try:
        return read(path), None
    except BadInputError as error:
        return None, str(error).removeprefix(f"{root}/")


def are_places(values: Iterable[Any]) -> bool:
    """Whether all are coordinates in pixels: finite numbers not beyond `FARTHEST_PX`.

    Example:
        >>> are_places([3, -0.5]), are_places([float("nan")]), are_places([1e12]), are_places([True])
        (True, False, False, False)
    """
    return all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= FARTHEST_PX for v in values
    )


def is_polygon(values: Any) -> bool:
    """Whether this is x0, y0, x1, y1, ... of three points in reach, at most `LONGEST_OUTLINE_PX` around."""
    if not isinstance(values, list) or len(values) < 6 or len(values) % 2:
        return False
    try:
        numbers = np.array(values)
    except ValueError:  # lists among the numbers
        return False
    if numbers.ndim != 1 or numbers.dtype.kind not in "if":
        return False
    points = numbers.astype(np.float64).reshape(-1, 2)
    if not np.abs(points).max() <= FARTHEST_PX:  # NaN is not either
        return False
    return bool(np.abs(points - np.roll(points, 1, axis=0)).max(axis=1).sum() <= LONGEST_OUTLINE_PX)


def class_name(text: Any) -> str:
    """A class name as a set writes it.

    Raises:
        ValueError: If it is no text of 1 to `LONGEST_NAME` printable letters.
    """
    name = str(text) if isinstance(text, str | int) else ""
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(f"a class name has 1 to {LONGEST_NAME} printable letters, got {str(text)[:40]!r}")
    return name


def split_name(text: Any) -> str:
    """The name of a split or part, which becomes the name of a file or folder.

    Raises:
        ValueError: If it could lead anywhere else ("../up"), or is no text.
    """
    if not isinstance(text, str) or not text.isprintable() or not _SPLIT.fullmatch(text):
        raise ValueError(f"a split is named by a word, as folders are, got {str(text)[:40]!r}")
    return text


def images_in(folder: Path) -> dict[str, str]:
    """File names of the images of one folder by their stem; empty if there is no folder.

    Of two images of one stem the first by name counts.
    """
    if not folder.is_dir():
        return {}
    found: dict[str, str] = {}
    for name in sorted(entry.name for entry in os.scandir(folder)):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in IMAGE_SUFFIXES:
            found.setdefault(stem, name)
    return found


def usable_box(item: AnnotatedObject, size: tuple[int, int] | None) -> Box | None:
    """The box of an object with its corners ordered and clipped to (height, width); None without area.

    Where the size is not known nothing is clipped.
    """
    left, right = sorted((item.box[0], item.box[2]))
    top, bottom = sorted((item.box[1], item.box[3]))
    if size is not None:
        left, right = (min(max(v, 0.0), float(size[1])) for v in (left, right))
        top, bottom = (min(max(v, 0.0), float(size[0])) for v in (top, bottom))
    return (left, top, right, bottom) if right > left and bottom > top else None
