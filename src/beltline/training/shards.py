"""Training data as a folder of memory-mapped uint8 shards, readable while a generator still adds to it.

The layout, and the one function that writes it, are in `beltline.formats.shard_writer`.
N, H and W may differ between shards; H and W are multiples of 8, and of 32 where a classifier reads them.
Scans are stored as screening shows them to the network: cut to the bag, longer side at the recipe's
``long_side`` or above it, padded with white.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core import BadInputError
from beltline.formats import read_classes
from beltline.formats.shard_writer import STRIDE, complete_shards, shard_shapes
from beltline.training.ahead import built_ahead
from beltline.training.arrays import as_input
from beltline.training.augment import (
    AugmentationRange,
    apply_to_masks,
    apply_to_pixels,
    sample_augmentation,
    warp,
)
from beltline.training.classes import require_classes
from beltline.training.montage import draw_montage, draw_others
from beltline.training.sides import padded, reduction, to_long_side

UNKNOWN = 255
_BYTES = {np.dtype(np.uint8)}


class Batch(NamedTuple):
    """One batch of the starter classifier, as the loop hands it to the loss."""

    image: Tensor  # (B, 3, H, W) float32 in 0..1, white = air, not yet normalised
    labels: Tensor  # (B, K) float32: 0, 1 or NaN = not known
    masks: Tensor  # (B, K, H / 8, W / 8) float32 coverage in 0..1


@dataclass(frozen=True, eq=False)
class Shard:
    """One memory-mapped shard, classes already in the reader's order."""

    path: Path
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)


class Stored(NamedTuple):
    """A scan as it is stored: pixels (H, W, 3), coverage planes (K, H / 8, W / 8), labels (K,)."""

    pixels: NDArray[np.uint8]
    planes: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def open_shards(folder: Path, classes: Sequence[str]) -> list[Shard]:
    """Memory-map every complete shard of a folder, planes picked and ordered by ``classes``.

    Raises:
        BadInputError: If a class is missing in the folder or a shard's arrays do not belong together.
    """
    names = read_classes(folder)
    require_classes(folder, classes, names)
    order = [names.index(name) for name in classes]
    return [_open(path, order, len(names)) for path in complete_shards(folder)]


def require_shards(folder: Path, classes: Sequence[str]) -> list[Shard]:
    """`open_shards`, but a folder without any scan is an error.

    Raises:
        BadInputError: Also if there is no complete shard yet.
    """
    shards = open_shards(folder, classes)
    if not any(len(shard) for shard in shards):
        raise BadInputError(f"{folder}: no complete shard yet")
    return shards


def _open(path: Path, order: list[int], planes: int) -> Shard:
    try:
        images, masks = (np.load(path / f"{name}.npy", mmap_mode="r") for name in ("images", "masks"))
        labels = np.load(path / "labels.npy")
    except (OSError, EOFError, ValueError) as error:
        raise BadInputError(f"{path}: not a readable shard: {error}") from error
    fits = images.ndim == 4 and images.shape[1] == 3 and {a.dtype for a in (images, masks, labels)} == _BYTES
    if not fits or (masks.shape, labels.shape) != shard_shapes(images.shape, planes):
        shapes = ", ".join(f"{a.dtype} {a.shape}" for a in (images, masks, labels))
        raise BadInputError(f"{path}: images, masks and labels do not belong together: {shapes}")
    if order != list(range(masks.shape[1])):
        labels = labels[:, order]
        masks = _PickedPlanes(masks, order)
    return Shard(path, images, masks, labels)


class _PickedPlanes:
    """Planes of a memory-mapped array in another order, picked when an item is read."""

    def __init__(self, masks: NDArray[np.uint8], order: list[int]) -> None:
        self.masks, self.order = masks, order

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return np.asarray(self.masks[index])[self.order]


@dataclass(frozen=True)
class ShardBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the seed, ``i`` and the shards then present.

    Attributes:
        folder: Shard folder, listed anew every ``refresh`` batches.
        classes: Classes to train, in order.
        batch_size: Scans a batch.
        size: (H, W) of the network's input, multiples of 8.
        ranges: Augmentation.
        long_side: Scans that are stored larger are brought down to it; None for as they are.
        seed: Of order and augmentation.
        workers: Threads that prepare batches ahead (OpenCV and NumPy release the interpreter's lock).
        refresh: Batches between listings of the folder.
    """

    folder: Path
    classes: tuple[str, ...]
    batch_size: int
    size: tuple[int, int]
    ranges: AugmentationRange
    long_side: int | None = None
    seed: int = 0
    workers: int = 1
    refresh: int = 50

    def __call__(self, start: int, stride: int = 1) -> Iterator[Batch]:
        """Batches number ``start``, ``start + stride``, ..., prepared ahead, without end."""
        return built_ahead(lambda job: self.build(*job), self._jobs(start, stride), self.workers, "batches")

    def _jobs(self, start: int, stride: int) -> Iterator[tuple[list[Shard], int]]:
        shards: list[Shard] = []
        for number, index in enumerate(itertools.count(start, stride)):
            if number % self.refresh == 0:
                shards = require_shards(self.folder, self.classes)
            yield shards, index

    def build(self, shards: Sequence[Shard], index: int) -> Batch:
        """Batch number ``index`` from ``shards``."""
        ends = np.cumsum([len(shard) for shard in shards])
        image = np.empty((self.batch_size, *self.size, 3), np.uint8)
        labels = np.empty((self.batch_size, len(self.classes)), np.float32)
        masks = np.empty(
            (self.batch_size, len(self.classes), self.size[0] // STRIDE, self.size[1] // STRIDE), np.uint8
        )
        total = int(ends[-1])
        orders: dict[int, NDArray[np.int64]] = {}
        for row in range(self.batch_size):
            position = index * self.batch_size + row
            epoch = position // total
            if epoch not in orders:
                orders[epoch] = np.random.default_rng((self.seed, epoch)).permutation(total)
            item = int(orders[epoch][position % total])
            rng = np.random.default_rng((self.seed, 1, position))
            items = [item, *draw_others(rng, self.ranges.montage, total)]
            seen = montaged(rng, [_stored(shards, ends, int(one)) for one in items])
            image[row], labels[row], masks[row] = self.view(seen, rng)
        return _batch(image, labels, masks)

    def view(
        self, seen: Stored, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
        """One augmented scan: pixels (H, W, 3), labels (K,), coverage (K, H / 8, W / 8)."""
        ranges = zoomed(self.ranges, reduction(seen.pixels.shape[:2], self.long_side))
        aug = sample_augmentation(rng, ranges, source=seen.pixels.shape[:2], output=self.size)
        out = apply_to_pixels(seen.pixels, aug, self.size)
        covered = apply_to_masks(seen.planes, aug, self.size, stride=STRIDE)
        zoom = abs(np.linalg.det(aug.matrix[:2, :2]))
        return out, labels_after_crop(seen.labels, seen.planes, covered, zoom), covered


def _stored(shards: Sequence[Shard], ends: NDArray[np.int64], item: int) -> Stored:
    where = int(np.searchsorted(ends, item, side="right"))
    shard = shards[where]
    index = item - int(ends[where]) + len(shard)
    pixels = np.ascontiguousarray(np.moveaxis(shard.images[index], 0, 2))
    return Stored(pixels, np.asarray(shard.masks[index]), shard.labels[index])


def montaged(rng: np.random.Generator, scans: Sequence[Stored]) -> Stored:
    """Scans in one; a class is there if any has it, else not known if it is not known of one."""
    if len(scans) == 1:
        return scans[0]
    montage = draw_montage(rng, [one.pixels for one in scans])
    labels = np.stack([one.labels for one in scans])
    return Stored(
        montage.pixels([one.pixels for one in scans]),
        montage.planes([one.planes for one in scans]),
        np.where((labels == 1).any(0), np.uint8(1), labels.max(0)),
    )


def zoomed(ranges: AugmentationRange, factor: float) -> AugmentationRange:
    """Ranges with the zoom about another size than the stored one."""
    return ranges if factor == 1 else replace(ranges, zoom=(ranges.zoom[0] * factor, ranges.zoom[1] * factor))


def labels_after_crop(
    labels: NDArray[np.uint8],
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    zoom: float,
    *,
    lost: float = 0.1,
    kept: float = 0.4,
) -> NDArray[np.float32]:
    """Image labels after a crop, from the share of each class's area that is still in the frame.

    Args:
        labels: (K,) 0, 1 or 255.
        before: Coverage (K, h, w) of the whole scan.
        after: Coverage (K, h', w') of the crop.
        zoom: Area of an output pixel's worth of source, output over source.
        lost: Below this share the class counts as absent.
        kept: From this share on it counts as present; between the two it is not known.

    Returns:
        (K,) float32: 0, 1 or NaN.
    """
    out = np.where(labels == UNKNOWN, np.nan, labels).astype(np.float32)
    area = before.sum((1, 2), dtype=np.float64) * zoom
    share = after.sum((1, 2), dtype=np.float64) / np.maximum(area, 1e-9)
    judged = (labels == 1) & (area > 0)
    out[judged & (share < kept)] = np.nan
    out[judged & (share < lost)] = 0
    return out


def whole_scans(
    folder: Path,
    classes: Sequence[str],
    *,
    batch_size: int,
    limit: int | None = None,
    long_side: int | None = None,
) -> Iterator[Batch]:
    """Every scan of a shard folder once, in order, without augmentation.

    At its stored size, or brought down to ``long_side`` where it is stored larger.

    Raises:
        BadInputError: If the folder holds no complete shard.
    """
    left = math.inf if limit is None else limit
    for shard in require_shards(folder, classes):
        for first in range(0, len(shard), batch_size):
            rows = range(first, int(min(first + batch_size, len(shard), first + left)))
            if not rows:
                return
            yield _whole(shard, rows, long_side)
            left -= len(rows)


def _whole(shard: Shard, rows: range, long_side: int | None) -> Batch:
    part = slice(rows.start, rows.stop)
    images = np.ascontiguousarray(np.moveaxis(shard.images[part], 1, 3))
    masks = np.stack([np.asarray(shard.masks[row]) for row in rows])
    labels = shard.labels[part].astype(np.float32)
    labels[labels == UNKNOWN] = np.nan
    factor = reduction(images.shape[1:3], long_side)
    if factor < 1:
        assert long_side is not None
        images = np.stack([padded(to_long_side(image, long_side)[0]) for image in images])
        size = (images.shape[1] // STRIDE, images.shape[2] // STRIDE)
        scale = np.diag([factor, factor, 1.0])
        masks = np.stack([[warp(plane, scale, size, outside=0) for plane in planes] for planes in masks])
    return _batch(images, labels, masks)


def _batch(images: NDArray[np.uint8], labels: NDArray[np.float32], masks: NDArray[np.uint8]) -> Batch:
    return Batch(as_input(images), torch.from_numpy(labels), torch.from_numpy(masks).float().div_(255))
