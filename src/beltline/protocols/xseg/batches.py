"""Training batches: a picture, one of its instances, a click anywhere on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.protocols.xseg.data import ClickSet
from beltline.protocols.xseg.plan import Protocol
from beltline.protocols.xseg.prompts import Batch, pixel_of


@dataclass(frozen=True, eq=False)
class ClickBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the seed and ``i``.

    Attributes:
        data: The set.
        rows: Instances to train on.
        batch: Pictures a batch.
        seed: Of order, turns and clicks.
        protocol: ``per_instance``: every instance as often; ``image_union``: every picture as often, all its
            instances as one.
        corrected: Share of batches with a second click.
    """

    data: ClickSet
    rows: NDArray[np.intp]
    batch: int
    seed: int
    protocol: Protocol = "per_instance"
    corrected: float = 0.0

    def __call__(self, start: int, stride: int = 1) -> Iterator[Batch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        return map(self.build, itertools.count(start, stride))

    def build(self, index: int) -> Batch:
        """Batch number ``index``."""
        rng = np.random.default_rng((self.seed, index))
        parts = [self._one(int(number), rng) for number in self._chosen(index)]
        images, masks, clicks = (np.stack(column) for column in zip(*parts, strict=True))
        return Batch(
            torch.from_numpy(images),
            torch.from_numpy(clicks),
            torch.from_numpy(masks[:, None]),
            torch.from_numpy(rng.integers(0, 2**31, self.batch)),
            bool(rng.random() < self.corrected),
        )

    @cached_property
    def _groups(self) -> list[NDArray[np.intp]]:
        if self.protocol == "per_instance":
            return list(self.rows[:, None])
        images = self.data.instances["image"][self.rows]
        return [self.rows[images == image] for image in np.unique(images)]

    def _chosen(self, index: int) -> NDArray[np.intp]:
        count = len(self._groups)
        positions = np.arange(index * self.batch, (index + 1) * self.batch)
        chosen = np.empty(self.batch, np.intp)
        for epoch in np.unique(positions // count):
            order = np.random.default_rng((self.seed, 1, int(epoch))).permutation(count)
            mine = positions // count == epoch
            chosen[mine] = order[positions[mine] % count]
        return chosen

    def _one(
        self, group: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]:
        rows = self._groups[group]
        image = np.moveaxis(self.data.pictures[int(self.data.instances["image"][rows[0]])], 2, 0)
        mask = self.data.masks(rows).any(0)
        turn, mirrored = int(rng.integers(4)), bool(rng.integers(2))  # a bag on a belt has no upright
        image, mask = (np.rot90(planes, turn, (-2, -1)) for planes in (image, mask))
        if mirrored:
            image, mask = image[..., ::-1], mask[..., ::-1]
        click = np.array(pixel_of(mask, rng), np.int64)
        return np.ascontiguousarray(image), np.ascontiguousarray(mask), click
