"""Pictures with their objects as a data set states them: what readers give, and verify, import, convert take.

Nothing is mended here: class names, corners and flags stay as written, damage is named beside the picture.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
Outline: TypeAlias = Sequence[Sequence[float]] | Mapping[str, Any]
"""COCO polygons, each x0, y0, x1, y1, ..., or one COCO run-length object."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Item:
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
        items: Its objects: none there if empty, nobody annotated if None.
        split: "train", "test", ... or "".
        size: (height, width) in pixels that the annotation states; None where it states none.
        subsets: Parts of the split it is in ("OL1", "easy").
        present: Whether the file is on disk.
        fault: Why its annotation cannot be read.
        extra: Fields that no format names, JSON values.
    """

    file: str
    items: tuple[Item, ...] | None
    split: str = ""
    size: tuple[int, int] | None = None
    subsets: tuple[str, ...] = ()
    present: bool = True
    fault: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def stem(self) -> str:
        """File name without folder and extension."""
        return self.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]


@dataclass(frozen=True, eq=False)
class Annotated:
    """Pictures of one data set or annotation folder.

    Attributes:
        root: Folder that the files are relative to.
        classes: Class names in the order of the set.
        pictures: Its pictures, those not on disk too.
        problems: What the reader met, by kind (see `public_verdict`): names or lines.
    """

    root: Path
    classes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)

    def __len__(self) -> int:
        return len(self.pictures)

    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in order of appearance."""
        return tuple(dict.fromkeys(picture.split for picture in self.pictures))


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


def usable_box(item: Item, size: tuple[int, int]) -> Box | None:
    """The box of an item with its corners ordered and clipped to (height, width); None without area."""
    left, right = sorted((item.box[0], item.box[2]))
    top, bottom = sorted((item.box[1], item.box[3]))
    left, right = (min(max(v, 0.0), float(size[1])) for v in (left, right))
    top, bottom = (min(max(v, 0.0), float(size[0])) for v in (top, bottom))
    return (left, top, right, bottom) if right > left and bottom > top else None
