"""Batches of painters and of their autoencoders: windows with a threat and without it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.formats.inpainting_shards import InpaintingWindows
from beltline.models import patch_codec
from beltline.models.latents import CELL, LATENTS
from beltline.models.painter import STEPS, LoneBatch, PaintBatch
from beltline.systems.xsyn.latents import TURNS, Latents, encoded, turned
from beltline.systems.xsyn.recipe import XsynRecipe
from beltline.training.ahead import built_ahead


@dataclass(frozen=True, eq=False)
class XsynBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the windows, the recipe and ``i``.

    Attributes:
        data: Windows.
        recipe: Its stage says what a batch is: a `PaintBatch`, a `LoneBatch` where threats are painted alone,
            or windows (B, C, S, S) uint8, half of them with their threats, for the autoencoder.
    """

    data: InpaintingWindows
    recipe: XsynRecipe

    def __call__(self, start: int, stride: int = 1) -> Iterator[PaintBatch | LoneBatch | Tensor]:
        """Batches number ``start``, ``start + stride``, ..., prepared ahead, without end."""
        _ = self._shares  # once, before several threads ask for them
        build: Callable[[int], PaintBatch | LoneBatch | Tensor]
        if self.recipe.stage == "autoencoder":
            build = self.windows
        elif self.recipe.alone:
            build = self.lone
        else:
            _, build = self.latents, self.paintings
        workers = max(self.recipe.training.workers, 1)
        return built_ahead(build, itertools.count(start, stride), workers, "windows")

    def windows(self, index: int) -> Tensor:
        """Windows (B, C, S, S) uint8."""
        rng, rows = self._drawn(index)
        split = len(rows) // 2
        pixels = np.concatenate([self.data.painted(rows[:split]), self.data.bag(rows[split:])])
        return torch.from_numpy(turned(pixels, int(rng.integers(TURNS))))

    def paintings(self, index: int) -> PaintBatch:
        """Latents of windows with their threats and without, and how much noise is laid over them."""
        rng, rows = self._drawn(index)
        turn = int(rng.integers(self.recipe.turns))
        side = self.data.shape[1]
        labels = self._labels(rng, rows)
        shape = (len(rows), LATENTS, side // CELL, side // CELL)
        return PaintBatch(
            torch.from_numpy(self.latents[turn].painted[rows]).float(),
            torch.from_numpy(self.latents[turn].bag[rows]).float(),
            torch.from_numpy(labels),
            torch.from_numpy(turned_boxes(np.float32(1 / side) * self.data.windows["box"][rows], turn)),
            torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)),
            torch.from_numpy(rng.integers(0, STEPS, len(rows))),
        )

    def lone(self, index: int) -> LoneBatch:
        """Windows of lone threats, and how much noise is laid over their latents."""
        rng, rows = self._drawn(index)
        turn = int(rng.integers(self.recipe.turns))
        side = self.data.shape[1]
        shape = (len(rows), patch_codec.LATENTS, *(side // patch_codec.CELL,) * 2)
        return LoneBatch(
            torch.from_numpy(turned(self.data.painted(rows), turn)),
            torch.from_numpy(self._labels(rng, rows)),
            torch.from_numpy(turned_boxes(np.float32(1 / side) * self.data.windows["box"][rows], turn)),
            torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)),
            torch.from_numpy(rng.integers(0, STEPS, len(rows))),
        )

    @cached_property
    def latents(self) -> tuple[Latents, ...]:
        """Of all windows, one a turn; encoded once and kept beside the data."""
        return encoded(self.data, self.recipe)

    def _drawn(self, index: int) -> tuple[np.random.Generator, NDArray[np.int64]]:
        rng = np.random.default_rng((self.recipe.training.seed, 1, index))
        return rng, rng.choice(len(self.data), self.recipe.training.batch_size, p=self._shares)

    def _labels(self, rng: np.random.Generator, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Classes, some of them not told."""
        labels: NDArray[np.int64] = self.data.windows["label"][rows].astype(np.int64)
        labels[rng.random(len(rows)) < self.recipe.nameless] = len(self.recipe.classes)
        return labels

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """How often each window is drawn: each class as often as the others, and as it is mentioned."""
        labels, often = self.data.windows["label"], self.recipe.often
        wanted = np.array([1 + often.count(name) for name in self.data.classes], np.float64)
        shares = (wanted / np.maximum(np.bincount(labels, minlength=len(wanted)), 1))[labels]
        return np.asarray(shares / shares.sum())


def turned_boxes(boxes: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """Boxes (B, 4) xyxy in [0, 1], turned as their pictures are.

    Example:
        >>> print(turned_boxes(np.array([[0.1, 0.2, 0.3, 0.6]], np.float32), 5).round(2))
        [[0.4 0.1 0.8 0.3]]
    """
    x1, y1, x2, y2 = np.clip(boxes, 0, 1).T
    if turn & 4:
        x1, y1, x2, y2 = y1, x1, y2, x2
    if turn & 1:
        x1, x2 = 1 - x2, 1 - x1
    if turn & 2:
        y1, y2 = 1 - y2, 1 - y1
    return np.asarray(np.stack([x1, y1, x2, y2], axis=1), np.float32)
