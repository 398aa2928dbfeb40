"""Bags and items paired by chance: batches for fusion networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.simulate.fusion_pairs import FusionPairs
from beltline.training.arrays import as_input


class PairBatch(NamedTuple):
    """What `FusionBatches` yields; pictures (B, 3, S, S) in [0, 1]."""

    bag: Tensor
    item: Tensor
    mask: Tensor  # (B, 1, S, S) in [0, 1]
    truth: Tensor | None  # where asked for


@dataclass(frozen=True, eq=False)
class FusionBatches:
    """Bags and items paired by chance, so that no truth exists, or together with their truth.

    Attributes:
        pairs: From `beltline.simulate.fusion_pairs`, or of the same make.
        batch_size: Pairs a batch.
        seed: Of pairing and flips.
        taught: Keep a bag with its item and give the true composite.
        crop: Side of the squares, a multiple of 4; 0 for whole pictures.
    """

    pairs: FusionPairs
    batch_size: int
    seed: int = 0
    taught: bool = False
    crop: int = 0

    def __call__(self, start: int, stride: int = 1) -> Iterator[PairBatch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        return map(self.build, itertools.count(start, stride))

    def build(self, index: int) -> PairBatch:
        """Batch number ``index``; depends on nothing but the seed and the index."""
        rng = np.random.default_rng((self.seed, index))
        bags, items = rng.integers(0, len(self.pairs), (2, self.batch_size))
        if self.taught:
            bags = items
        truth = self.pairs.truth
        masks = self.pairs.mask[items]
        corners = [self._corner(mask, rng) for mask in masks]
        turn = int(rng.integers(8))

        def cut(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
            side = self.crop or pictures.shape[1]
            parts = [p[r : r + side, c : c + side] for p, (r, c) in zip(pictures, corners, strict=True)]
            return _turned(np.stack(parts), turn)

        return PairBatch(
            as_input(cut(self.pairs.bag[bags])),
            as_input(cut(self.pairs.item[items])),
            torch.from_numpy(cut(masks)).float()[:, None] / 255,
            as_input(cut(truth[items])) if self.taught and truth is not None else None,
        )

    def _corner(self, mask: NDArray[np.uint8], rng: np.random.Generator) -> tuple[int, int]:
        """Where a square begins that holds a point of the item; anywhere if there is no item."""
        if not self.crop:
            return 0, 0
        rows, columns = np.nonzero(mask)
        last = np.array(mask.shape) - self.crop
        if not len(rows):
            row, column = rng.integers(0, last + 1)
            return int(row), int(column)
        point = int(rng.integers(len(rows)))
        low = np.array([rows[point], columns[point]]) - self.crop + 1
        corner = rng.integers(np.clip(low, 0, last), np.clip(low + self.crop - 1, 0, last) + 1)
        return int(corner[0]), int(corner[1])


def _turned(images: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    images = images.swapaxes(1, 2) if turn & 4 else images
    return np.ascontiguousarray(images[:, :: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1])
