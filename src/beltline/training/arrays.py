"""Batches from images that lie decoded in one array: simulated windows, small sets that fit in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core import ShapeError

Sampling = Literal["natural", "balanced"]
Flips = Literal["none", "horizontal", "all"]


class ImageBatch(NamedTuple):
    """Images and their labels."""

    image: Tensor  # (B, 3, H, W) float32 in 0..1, white = air, not yet normalised
    labels: Tensor  # (B, K) float32: 0, 1 or NaN = not known


@dataclass(frozen=True, eq=False)
class ArrayBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the seed and ``i``.

    Attributes:
        images: (N, S, S, 3) uint8, may be memory mapped.
        labels: (N, K) float32.
        rows: Which images to use.
        batch_size: Images a batch.
        size: Side of the random crop.
        sampling: ``natural`` goes through all rows epoch by epoch; ``balanced`` draws half of every batch
            from the images with a class, each class equally often, the rest from those without any.
        flips: ``horizontal`` as in the released CHR recipe; ``all`` adds vertical flips and transposition,
            because a bag on a belt has no upright.
        seed: Of order, crops and flips.

    Raises:
        ShapeError: If images and labels do not belong together or the crop is larger than the images.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.float32]
    rows: NDArray[np.intp]
    batch_size: int
    size: int
    sampling: Sampling = "natural"
    flips: Flips = "horizontal"
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ShapeError(f"one label row an image, got {len(self.labels)} for {len(self.images)}")
        if self.size > min(self.images.shape[1:3]):
            raise ShapeError(f"crops of {self.size} pixels do not fit in images {self.images.shape[1:3]}")

    def __call__(self, start: int, stride: int = 1) -> Iterator[ImageBatch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        return map(self.build, itertools.count(start, stride))

    def build(self, index: int) -> ImageBatch:
        """Batch number ``index``."""
        chosen = self._natural(index) if self.sampling == "natural" else self._balanced(index)
        image = np.empty((self.batch_size, self.size, self.size, 3), np.uint8)
        for slot, row in enumerate(chosen):
            rng = np.random.default_rng((self.seed, 1, index, slot))
            image[slot] = self._crop(self.images[row], rng)
        return ImageBatch(as_input(image), torch.from_numpy(np.ascontiguousarray(self.labels[chosen])))

    def _natural(self, index: int) -> NDArray[np.intp]:
        positions = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        epochs = positions // len(self.rows)
        chosen = np.empty(self.batch_size, np.intp)
        for epoch in np.unique(epochs):
            order = np.random.default_rng((self.seed, int(epoch))).permutation(self.rows)
            chosen[epochs == epoch] = order[positions[epochs == epoch] % len(self.rows)]
        return chosen

    def _balanced(self, index: int) -> NDArray[np.intp]:
        rng = np.random.default_rng((self.seed, 2, index))
        truth = self.labels[self.rows] == 1
        benign = self.rows[~truth.any(1)]
        occurring = np.flatnonzero(truth.any(0))
        chosen = np.empty(self.batch_size, np.intp)
        for slot in range(self.batch_size):
            if slot < self.batch_size // 2:
                k = int(rng.choice(occurring))
                chosen[slot] = rng.choice(self.rows[truth[:, k]])
            else:
                chosen[slot] = rng.choice(benign)
        return chosen

    def _crop(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        top, left = rng.integers(0, np.array(image.shape[:2]) - self.size + 1)
        out = image[top : top + self.size, left : left + self.size]
        if self.flips != "none" and rng.random() < 0.5:
            out = out[:, ::-1]
        if self.flips == "all":
            if rng.random() < 0.5:
                out = out[::-1]
            if rng.random() < 0.5:
                out = out.transpose(1, 0, 2)
        return out


def as_input(images: NDArray[np.uint8]) -> Tensor:
    """(B, H, W, 3) uint8 as (B, 3, H, W) float32 in 0..1, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float().div_(255)


def whole_arrays(
    images: NDArray[np.uint8], rows: Sequence[int] | NDArray[np.intp], *, batch_size: int = 64
) -> Iterator[tuple[NDArray[np.intp], Tensor]]:
    """Uncropped images in order, for measuring: (rows of the batch, (B, 3, S, S))."""
    chosen = np.asarray(rows, np.intp)
    for first in range(0, len(chosen), batch_size):
        part = chosen[first : first + batch_size]
        yield part, as_input(np.asarray(images[part]))
