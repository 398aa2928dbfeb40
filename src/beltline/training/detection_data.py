"""Scans with boxes for detectors: sets of `beltline simulate` and the like, and training shards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats import MAX_PIXELS, ScanSet, read_classes, read_set
from beltline.formats.shard_writer import STRIDE
from beltline.models.detector import Target
from beltline.physics import whiten_background
from beltline.training.ahead import built_ahead
from beltline.training.arrays import as_input
from beltline.training.augment import (
    Augmentation,
    AugmentationRange,
    apply_to_pixels,
    sample_augmentation,
)
from beltline.training.classes import require_classes
from beltline.training.detection import DetectionBatch
from beltline.training.files import read_pixels
from beltline.training.shards import Shard, require_shards

Floats = NDArray[np.float32]
COVERED = 128  # of 255: a cell of a coverage plane counts as the object


class Annotated(NamedTuple):
    """One scan and what is in it.

    Attributes:
        pixels: (H, W, 3) uint8, white = air.
        boxes: (M, 4) float32, xyxy pixels.
        labels: (M,) int64, place in the source's classes.
        ignored: (M,) bool, neither to be found nor missed.
        occlusion: (M,) float32 in [0, 1], NaN where not known.
    """

    pixels: NDArray[np.uint8]
    boxes: Floats
    labels: NDArray[np.int64]
    ignored: NDArray[np.bool_]
    occlusion: Floats


class Source(Protocol):
    """Scans with boxes, by number."""

    def __len__(self) -> int:
        """How many scans."""
        ...

    def __getitem__(self, index: int) -> Annotated:
        """One of them."""
        ...


@dataclass(frozen=True, eq=False)
class SetSource:
    """A set as `beltline simulate` or `beltline synthesize` writes it, or any COCO set of that layout.

    Objects of other classes are background. Those with COCO's ``iscrowd`` or VOC's ``difficult`` are ignored.

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

    def __getitem__(self, index: int) -> Annotated:
        row = self.rows[index]
        known = [a for a in self.data.annotations[row] if a["label"] in self.classes]
        xywh = np.array([a["bbox"] for a in known], np.float32).reshape(-1, 4)
        pixels = read_pixels(
            self.data.path(row), MAX_PIXELS
        )  # never smaller than the file: boxes are in pixels
        record = self.data.records[row]
        if pixels.shape[:2] != (record["height"], record["width"]):
            raise BadInputError(
                f"{self.data.path(row)}: is {pixels.shape[1]}x{pixels.shape[0]}, annotations.json"
                f" says {record['width']}x{record['height']}"
            )
        return Annotated(
            whiten_background(pixels),  # as screening and shards have it
            np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1),
            np.array([self.classes.index(a["label"]) for a in known], np.int64),
            np.array([bool(a.get("iscrowd") or a.get("difficult")) for a in known], np.bool_),
            np.array([a.get("occlusion", np.nan) for a in known], np.float32),
        )


@dataclass(frozen=True, eq=False)
class ShardSource:
    """Training shards; boxes from ``objects.npy``, in older shards from the coverage planes.

    Boxes from coverage are good to a cell of 8 pixels, and touching objects of a class become one.

    Attributes:
        shards: Memory-mapped, classes in the wanted order.
        objects: Of each shard (M, 6): scan, class in the wanted order, box; None where not stored.
    """

    shards: tuple[Shard, ...]
    objects: tuple[Floats | None, ...]

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def __getitem__(self, index: int) -> Annotated:
        for shard, objects in zip(self.shards, self.objects, strict=True):
            if index < len(shard):
                return _of_shard(shard, objects, index)
            index -= len(shard)
        raise IndexError(f"no scan {index} behind the last shard")


def _of_shard(shard: Shard, objects: Floats | None, index: int) -> Annotated:
    if objects is None:
        found = boxes_of_coverage(np.asarray(shard.masks[index]))
    else:
        found = objects[objects[:, 0] == index, 1:]
    return Annotated(
        np.ascontiguousarray(np.moveaxis(shard.images[index], 0, 2)),
        np.ascontiguousarray(found[:, 1:], np.float32),
        found[:, 0].astype(np.int64),
        np.zeros(len(found), np.bool_),
        np.full(len(found), np.nan, np.float32),
    )


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


def open_source(folder: Path, classes: Sequence[str] = ()) -> tuple[Source, tuple[str, ...]]:
    """Scans with boxes from a set or a folder of shards, and their classes.

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
        return SetSource(data, wanted, rows), wanted
    if (folder / "classes.json").is_file():
        return _shard_source(folder, classes)
    raise BadInputError(
        f"{folder}: expected a set (annotations.json, as beltline simulate writes it) or shards"
    )


def _shard_source(folder: Path, classes: Sequence[str]) -> tuple[Source, tuple[str, ...]]:
    names = read_classes(folder)
    wanted = tuple(classes) or names
    shards = tuple(require_shards(folder, wanted))
    objects: list[Floats | None] = []
    for shard in shards:
        path = shard.path / "objects.npy"
        objects.append(_renumbered(np.load(path), names, wanted) if path.is_file() else None)
    return ShardSource(shards, tuple(objects)), wanted


def _renumbered(objects: Floats, names: Sequence[str], wanted: Sequence[str]) -> Floats:
    place = np.array([wanted.index(name) if name in wanted else -1 for name in names], np.float32)
    objects = objects.astype(np.float32)
    objects[:, 1] = place[objects[:, 1].astype(np.int64)]
    return objects[objects[:, 1] >= 0]


def to_long_side(item: Annotated, long_side: int) -> tuple[Annotated, float]:
    """The scan with its longer side at ``long_side`` pixels, and the factor."""
    height, width = item.pixels.shape[:2]
    factor = long_side / max(height, width)
    if factor == 1:
        return item, 1.0
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(item.pixels, size, interpolation=how), np.uint8)
    return item._replace(pixels=pixels, boxes=(item.boxes * factor).astype(np.float32)), factor


def padded(pixels: NDArray[np.uint8], multiple: int = 32) -> NDArray[np.uint8]:
    """White added at the right and the bottom until both sides are multiples."""
    height, width = pixels.shape[:2]
    out = np.full((-(-height // multiple) * multiple, -(-width // multiple) * multiple, 3), 255, np.uint8)
    out[:height, :width] = pixels
    return out


def apply_to_boxes(
    boxes: Floats, aug: Augmentation, size: tuple[int, int], *, least: float = 0.3
) -> tuple[Floats, NDArray[np.bool_]]:
    """Upright boxes around the warped ones, cut to the frame, and which of them remain.

    Args:
        boxes: (M, 4) xyxy of the source.
        aug: Drawn augmentation; a tilt makes the upright boxes larger than the objects.
        size: (H, W) of the output.
        least: Share of a box's area that must still be in the frame.
    """
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]  # (M, 4, 2)
    moved = corners @ aug.matrix[:2, :2].T + aug.matrix[:2, 2]
    whole = np.concatenate([moved.min(1), moved.max(1)], 1)
    cut = np.clip(whole, 0, [size[1], size[0]] * 2)
    area, left = ((b[:, 2:] - b[:, :2]).prod(1) for b in (whole, cut))
    return cut.astype(np.float32), (left >= least * area) & (cut[:, 2:] - cut[:, :2] >= 2).all(1)


@dataclass(frozen=True, eq=False)
class SourceBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the source, the seed and ``i``.

    Attributes:
        source: Scans with boxes.
        batch_size: Scans a batch.
        long_side: To which a scan's longer side is brought before it is augmented, pixels.
        size: (H, W) of the network's input, multiples of 32.
        ranges: Augmentation.
        seed: Of order and augmentation.
        workers: Threads that prepare batches ahead.
    """

    source: Source
    batch_size: int
    long_side: int
    size: tuple[int, int]
    ranges: AugmentationRange
    seed: int = 0
    workers: int = 1

    def __call__(self, start: int, stride: int = 1) -> Iterator[DetectionBatch]:
        """Batches number ``start``, ``start + stride``, ..., prepared ahead, without end."""
        return built_ahead(self.build, itertools.count(start, stride), self.workers, "boxes")

    def build(self, index: int) -> DetectionBatch:
        """Batch number ``index``."""
        images, targets = [], []
        for position in range(index * self.batch_size, (index + 1) * self.batch_size):
            epoch, place = divmod(position, len(self.source))
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.source))
            rng = np.random.default_rng((self.seed, 1, position))
            pixels, target = self.view(self.source[int(order[place])], rng)
            images.append(pixels)
            targets.append(target)
        return DetectionBatch(as_input(np.stack(images)), targets)

    def view(self, item: Annotated, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Target]:
        """One augmented scan (H, W, 3) with its target; ignored objects are left out of it."""
        item, _ = to_long_side(item, self.long_side)
        aug = sample_augmentation(rng, self.ranges, source=item.pixels.shape[:2], output=self.size)
        boxes, there = apply_to_boxes(item.boxes, aug, self.size)
        there &= ~item.ignored
        target = Target(torch.from_numpy(boxes[there]), torch.from_numpy(item.labels[there]))
        return apply_to_pixels(item.pixels, aug, self.size), target
