"""Scans with their objects, by number: sets of `beltline simulate` and the like, and training shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances, Sample, Scan
from beltline.formats import MAX_PIXELS, ScanSet, read_classes, read_set
from beltline.formats.shard_writer import STRIDE
from beltline.physics import whiten_background
from beltline.training.classes import require_classes
from beltline.training.files import read_pixels
from beltline.training.shards import Shard, require_shards

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
COVERED = 128  # of 255: a cell of a coverage plane counts as the object


class Source(Protocol):
    """Annotated scans in colour, white = air, by number."""

    @property
    def classes(self) -> tuple[str, ...]:
        """K names; objects of other classes are background and left out."""
        ...

    def __len__(self) -> int:
        """How many scans."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """One of them, with ``instances``."""
        ...


def as_scan(pixels: Pixels) -> Scan:
    """A picture (H, W, 3) uint8 as a scan in colour."""
    planes = np.asarray(np.moveaxis(pixels, 2, 0) / np.float32(255), np.float32)
    return Scan(np.ascontiguousarray(planes), "color", ("r", "g", "b"))


def as_picture(scan: Scan) -> Pixels:
    """The picture (H, W, 3) uint8 of a scan in colour, exactly as `as_scan` took it."""
    return np.ascontiguousarray(np.moveaxis(np.rint(255 * scan.pixels).astype(np.uint8), 0, 2))


@dataclass(frozen=True, eq=False)
class SetSource:
    """A set as `beltline simulate` or `beltline synthesize` writes it, or any COCO set of that layout.

    Attributes:
        data: The set, read as colour.
        classes: K names.
        rows: The set's scans that count: those somebody annotated.
    """

    data: ScanSet
    classes: tuple[str, ...]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        row = self.rows[index]
        path, record = self.data.path(row), self.data.records[row]
        pixels = read_pixels(path, MAX_PIXELS)  # never smaller than the file: boxes are in pixels
        if pixels.shape[:2] != (record["height"], record["width"]):
            raise BadInputError(
                f"{path}: is {pixels.shape[1]}x{pixels.shape[0]}, annotations.json"
                f" says {record['width']}x{record['height']}"
            )
        found = self.data.instances(row)
        assert found is not None  # rows are those that somebody annotated
        known = [number for number, label in enumerate(found.labels) if label in self.classes]
        scan = as_scan(whiten_background(pixels))  # as screening and shards have it
        return Sample(scan, instances=found.take(known))


@dataclass(frozen=True, eq=False)
class ShardSource:
    """Training shards; boxes from ``objects.npy``, in older shards from the coverage planes.

    Boxes from coverage are good to a cell of 8 pixels, and touching objects of a class become one.

    Attributes:
        shards: Memory-mapped, classes in the wanted order.
        objects: Of each shard (M, 6): scan, class in the wanted order, box; None where not stored.
        classes: K names.
    """

    shards: tuple[Shard, ...]
    objects: tuple[Floats | None, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def __getitem__(self, index: int) -> Sample:
        for shard, objects in zip(self.shards, self.objects, strict=True):
            if index < len(shard):
                return self._of_shard(shard, objects, index)
            index -= len(shard)
        raise IndexError(f"no scan {index} behind the last shard")

    def _of_shard(self, shard: Shard, objects: Floats | None, index: int) -> Sample:
        if objects is None:
            found = boxes_of_coverage(np.asarray(shard.masks[index]))
        else:
            found = objects[objects[:, 0] == index, 1:]
        scan = as_scan(np.moveaxis(shard.images[index], 0, 2))
        return Sample(scan, instances=Instances(found[:, 1:], names_of(found[:, 0], self.classes)))


def names_of(numbers: Iterable[Any], classes: Sequence[str]) -> tuple[str, ...]:
    """Names of classes by their numbers."""
    return tuple(classes[int(number)] for number in numbers)


def numbers_of(labels: Iterable[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Numbers of classes by their names, (N,)."""
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place[label] for label in labels], np.int64)


def boxes_of_coverage(planes: NDArray[np.uint8]) -> Floats:
    """(M, 5) class and box, xyxy pixels, of the connected parts of coverage planes (K, h, w).

    Example:
        >>> planes = np.zeros((2, 4, 6), np.uint8)
        >>> planes[1, 1:3, 2:5] = 255
        >>> boxes_of_coverage(planes).tolist()
        [[1.0, 16.0, 8.0, 40.0, 24.0]]
    """
    found = []
    for label, plane in enumerate(planes):
        if not plane.any():
            continue
        solid = (plane >= min(COVERED, int(plane.max()))).astype(np.uint8)  # thin things fill no cell
        count, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
        for x, y, w, h, _ in stats[1:count]:
            found.append((label, x, y, x + w, y + h))
    boxes = np.array(found, np.float32).reshape(-1, 5)
    boxes[:, 1:] *= STRIDE
    return boxes


def open_source(folder: Path, classes: Sequence[str] = ()) -> Source:
    """Scans with boxes from a set or a folder of shards.

    Args:
        folder: With ``annotations.json``, or with ``classes.json`` and shards.
        classes: Wanted ones; empty for all of the set's.

    Raises:
        BadInputError: If the folder is neither, lacks a class, or nobody annotated its scans.
    """
    if (folder / "annotations.json").is_file():
        data = read_set(folder)
        wanted = tuple(classes) or data.classes
        named = {a["label"] for found in data.annotations for a in found} | set(data.classes)
        require_classes(folder, wanted, sorted(named), offered=data.classes)
        rows = tuple(n for n, record in enumerate(data.records) if record.get("annotated", True))
        if not rows:
            raise BadInputError(f"{folder}: no annotated scan; a detector needs boxes")
        return SetSource(data, wanted, rows)
    if (folder / "classes.json").is_file():
        return _shard_source(folder, classes)
    raise BadInputError(
        f"{folder}: expected a set (annotations.json, as beltline simulate writes it) or shards"
    )


def _shard_source(folder: Path, classes: Sequence[str]) -> Source:
    names = read_classes(folder)
    wanted = tuple(classes) or names
    shards = tuple(require_shards(folder, wanted))
    objects: list[Floats | None] = []
    for shard in shards:
        path = shard.path / "objects.npy"
        objects.append(_renumbered(np.load(path), names, wanted) if path.is_file() else None)
    return ShardSource(shards, tuple(objects), wanted)


def _renumbered(objects: Floats, names: Sequence[str], wanted: Sequence[str]) -> Floats:
    place = np.array([wanted.index(name) if name in wanted else -1 for name in names], np.float32)
    objects = objects.astype(np.float32)
    objects[:, 1] = place[objects[:, 1].astype(np.int64)]
    return objects[objects[:, 1] >= 0]
