"""Detectors on images that lie decoded in one array: batches, loss, and what a detector finds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from beltline.core import ShapeError
from beltline.metrics.detections import Boxes
from beltline.models.detector import ObjectDetector, Target
from beltline.training.arrays import as_input

Floats = NDArray[np.float32]


class DetectionBatch(NamedTuple):
    """Images (B, 3, S, S) in [0, 1] and what is in them."""

    image: Tensor
    targets: list[Target]


@dataclass(frozen=True, eq=False)
class DetectionSet:
    """Images with boxes.

    Attributes:
        images: (N, S, S, 3) uint8, may be memory mapped.
        objects: In pixels; sorted by image or not.

    Raises:
        ShapeError: If an object lies in no image.
    """

    images: NDArray[np.uint8]
    objects: Boxes

    def __post_init__(self) -> None:
        named = self.objects.image
        if len(named) and not 0 <= named.min() <= named.max() < len(self.images):
            raise ShapeError(f"objects name images up to {named.max()} of {len(self.images)}")

    def __len__(self) -> int:
        return len(self.images)


def joined(*sets: DetectionSet) -> DetectionSet:
    """Several sets as one, in memory."""
    firsts = np.cumsum([0, *(len(s) for s in sets[:-1])])
    objects = Boxes(
        np.concatenate([s.objects.image + first for s, first in zip(sets, firsts, strict=True)]),
        np.concatenate([s.objects.label for s in sets]),
        np.concatenate([s.objects.box for s in sets]),
    )
    return DetectionSet(np.concatenate([s.images for s in sets]), objects)


@dataclass(frozen=True, eq=False)
class DetectionBatches:
    """Batches for `fit`, epoch by epoch in random order, flipped and turned; see `Batches`.

    Attributes:
        data: Images with boxes.
        batch_size: Images a batch.
        seed: Of order and flips.
    """

    data: DetectionSet
    batch_size: int
    seed: int = 0

    def __call__(self, start: int, stride: int = 1) -> Iterator[DetectionBatch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        return map(self.build, itertools.count(start, stride))

    def build(self, index: int) -> DetectionBatch:
        """Batch number ``index``; depends on nothing but the seed and the index."""
        rng = np.random.default_rng((self.seed, 1, index))
        images, targets = [], []
        for position in range(index * self.batch_size, (index + 1) * self.batch_size):
            epoch, place = divmod(position, len(self.data))
            row = np.random.default_rng((self.seed, epoch)).permutation(len(self.data))[place]
            objects = self.data.objects.take(self.data.objects.image == row)
            boxes = objects.box.astype(np.float32)
            image, boxes = turned(self.data.images[row], boxes, int(rng.integers(8)))
            images.append(image)
            targets.append(Target(torch.from_numpy(boxes), torch.from_numpy(objects.label)))
        return DetectionBatch(as_input(np.stack(images)), targets)


def turned(image: NDArray[np.uint8], boxes: Floats, turn: int) -> tuple[NDArray[np.uint8], Floats]:
    """One of the eight flips and quarter turns of an image (H, W, 3) and its boxes (M, 4)."""
    x1, y1, x2, y2 = boxes.reshape(-1, 4).T
    if turn & 4:
        image, x1, y1, x2, y2 = image.swapaxes(0, 1), y1, x1, y2, x2
    height, width = image.shape[:2]
    if turn & 1:
        image, y1, y2 = image[::-1], height - y2, height - y1
    if turn & 2:
        image, x1, x2 = image[:, ::-1], width - x2, width - x1
    return image, np.ascontiguousarray(np.stack([x1, y1, x2, y2], 1), dtype=np.float32)


def detection_loss(model: nn.Module, batch: DetectionBatch) -> Mapping[str, Tensor]:
    """The losses of a `ObjectDetector` and their sum, for `fit`."""
    parts: Mapping[str, Tensor] = model(batch.image, batch.targets)
    return {**parts, "loss": torch.stack([value.float() for value in parts.values()]).sum()}


def find(model: ObjectDetector, images: NDArray[np.uint8], *, batch_size: int = 16) -> Boxes:
    """What a detector finds in (N, S, S, 3) uint8 images, as columns for the metrics."""
    model.eval()
    image, label, box, score = [], [], [], []
    for first in range(0, len(images), batch_size):
        for row, found in enumerate(
            model.predict(as_input(np.array(images[first : first + batch_size]))), first
        ):
            image.append(np.full(len(found.scores), row))
            label.append(found.labels.cpu().numpy())
            box.append(found.boxes.float().cpu().numpy())
            score.append(found.scores.double().cpu().numpy())
    return Boxes(*(np.concatenate(column) for column in (image, label, box, score)))
