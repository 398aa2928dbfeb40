"""Augmented batches of scans with boxes, for detectors of any size of scan."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.formats.shard_writer import STRIDE
from beltline.models.detector import Target
from beltline.systems.detector.arrays import DetectionBatch
from beltline.training.ahead import built_ahead
from beltline.training.arrays import as_input
from beltline.training.augment import Augmentation, AugmentationRange, apply_to_pixels, sample_augmentation
from beltline.training.montage import draw_montage, draw_others
from beltline.training.sides import padded, to_long_side
from beltline.training.sources import Source, as_picture, numbers_of

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


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
            others = draw_others(rng, self.ranges.montage, len(self.source))
            seen = [self.opened(int(one)) for one in (order[place], *others)]
            pixels, target = self.view(montaged(rng, seen, self.long_side), rng)
            images.append(pixels)
            targets.append(target)
        return DetectionBatch(as_input(np.stack(images)), targets)

    def opened(self, index: int) -> Opened:
        """A scan of the source at the long side; ignored objects are left out."""
        sample = self.source[index]
        found = sample.instances
        assert found is not None
        pixels, factor = to_long_side(as_picture(sample.scan), self.long_side)
        labels = numbers_of(found.labels, self.source.classes)
        return Opened(pixels, (found.boxes * factor).astype(np.float32)[found.counted], labels[found.counted])

    def view(self, seen: Opened, rng: np.random.Generator) -> tuple[Pixels, Target]:
        """One augmented scan (H, W, 3) with its target."""
        aug = sample_augmentation(rng, self.ranges, source=seen.pixels.shape[:2], output=self.size)
        boxes, there = apply_to_boxes(seen.boxes, aug, self.size)
        target = Target(torch.from_numpy(boxes[there]), torch.from_numpy(seen.labels[there]))
        return apply_to_pixels(seen.pixels, aug, self.size), target


class Opened(NamedTuple):
    """A scan (H, W, 3) with its objects: boxes (M, 4) xyxy in its pixels, numbers of classes (M,)."""

    pixels: Pixels
    boxes: Floats
    labels: NDArray[np.int64]


def montaged(rng: np.random.Generator, scans: Sequence[Opened], long_side: int) -> Opened:
    """Scans in one, at the long side."""
    if len(scans) == 1:
        return scans[0]
    pixels = [padded(one.pixels, STRIDE) for one in scans]
    montage = draw_montage(rng, pixels)
    picture, factor = to_long_side(montage.pixels(pixels), long_side)
    boxes = montage.boxes([one.boxes for one in scans]) * np.float32(factor)
    return Opened(picture, boxes, np.concatenate([one.labels for one in scans]))
