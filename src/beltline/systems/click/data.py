"""Batches of the click model: looks at objects of click shards, what is given, and what is wanted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.formats.click_shards import ClickShards
from beltline.formats.draw_weights import draw_weights
from beltline.screening.click_windows import STRIDE
from beltline.systems.click.looks import Bag, Lens, Look, Rng, close_square, interior_click, wide_square
from beltline.systems.click.prompts import Points, Prompt, draw_prompt
from beltline.training.ahead import built_ahead
from beltline.training.augment import AugmentationRange

CLICKS = 6  # rows of a table of clicks: most that a prompt and its corrections have
NO_CLICK = -1.0
PER_BAG = 2  # objects drawn of one bag, whose pictures take as long to decode as all the rest
TRANSMISSIONS = 0.5  # probability that a bag's energies are the scanner's; else they are of its colours


class ClickBatch(NamedTuple):
    """B looks.

    Attributes:
        image: (B, 3, S, S) float32 in [0, 1].
        energy: (B, 2, S, S) float32 in [0, 1].
        guide: (B, 4, S / 4, S / 4) float32, see `beltline.screening.click_windows`.
        clicks: (B, 6, 3) float32: x and y in pixels of the image, and 1, 0 or -1 for none.
        wanted: (B, 3, S / 4, S / 4) float32, share of each cell that part, object and group cover.
        seed: (1,) int64, of the corrections.
    """

    image: Tensor
    energy: Tensor
    guide: Tensor
    clicks: Tensor
    wanted: Tensor
    seed: Tensor


class ClickSample(NamedTuple):
    """One row of a `ClickBatch`."""

    image: NDArray[np.float32]
    energy: NDArray[np.float32]
    guide: NDArray[np.float32]
    clicks: NDArray[np.float32]
    wanted: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClickBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the shards, the seed and ``i``.

    Attributes:
        shards: Objects with their masks.
        batch_size: Looks a batch.
        size: Pixels of the network's image along each side.
        ranges: Augmentation.
        zoom: Whether there are close looks.
        points: What second looks add to the click.
        threats: Probability that the first object drawn of a bag is prohibited.
        boxes: Probability that a box is given.
        close: Probability of a close look, where there are any.
        seed: Of everything.
        workers: Threads that prepare batches ahead.
    """

    shards: ClickShards
    batch_size: int
    size: int
    ranges: AugmentationRange
    zoom: bool = True
    points: Points = "apg"
    threats: float = 0.5
    boxes: float = 0.15
    close: float = 0.5
    seed: int = 0
    workers: int = 1

    def __call__(self, start: int, stride: int = 1) -> Iterator[ClickBatch]:
        """Batches number ``start``, ``start + stride``, ..., prepared ahead, without end."""
        return built_ahead(self.build, itertools.count(start, stride), self.workers, "clicks")

    def build(self, index: int) -> ClickBatch:
        """Batch number ``index``."""
        samples: list[ClickSample] = []
        for bag, first in enumerate(range(0, self.batch_size, PER_BAG)):
            rng = np.random.default_rng((self.seed, 1, index, bag))
            samples += self.samples(rng, min(PER_BAG, self.batch_size - first))
        columns = (torch.from_numpy(np.stack(column)) for column in zip(*samples, strict=True))
        image, energy, guide, clicks, wanted = columns
        return ClickBatch(image, energy, guide, clicks, wanted, torch.tensor([index]))

    def samples(self, rng: Rng, count: int) -> list[ClickSample]:
        """Drawn objects of one bag, looked at and asked for; the first decides on the bag."""
        rows = [self._drawn(rng, slice(None))]
        image = int(self.shards.objects["image"][rows[0]])
        inside = self.shards.rows(image)
        rows += [self._drawn(rng, slice(inside[0], inside[-1] + 1)) for _ in range(1, count)]
        energies = self.shards.energies(image) if rng.random() < TRANSMISSIONS else None
        bag = Bag(self.shards.picture(image), energies, self.shards.bag(image))
        looks = [self._look(rng, bag, row) for row in rows]
        return [sample_of(look, draw_prompt(rng, look, self.points, self.boxes)) for look in looks]

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return draw_weights(self.shards.objects, threats=self.threats)

    def _drawn(self, rng: Rng, rows: slice) -> int:
        """A row of some, families, sizes and occlusions evenly."""
        edges = np.cumsum(self._weights[rows])
        place = np.searchsorted(edges, rng.random() * edges[-1], side="right")
        return int(min(place, len(edges) - 1)) + (rows.start or 0)

    def _look(self, rng: Rng, bag: Bag, row: int) -> Look:
        click = interior_click(rng, self.shards.mask(row))
        nested = self.shards.nested(row, click)
        close = self.zoom and bool(rng.random() < self.close)
        square = close_square(rng, click, nested) if close else wide_square(rng, click, bag.box)
        return Lens(self.size, self.ranges).look(rng, square, bag, nested, click, close=close)


def sample_of(look: Look, prompt: Prompt) -> ClickSample:
    """What the network gets of a look, by the same way as in use, and what is wanted of it."""
    window = look.window
    guide = window.guide(prompt.points, prompt.labels, previous=prompt.previous, box=prompt.box)
    clicks = np.full((CLICKS, 3), NO_CLICK, np.float32)
    placed = window.to_window(prompt.points + 0.5)
    clicks[: len(placed)] = np.column_stack([placed, prompt.labels])[:CLICKS]
    cells = (window.size // STRIDE,) * 2
    covered = window.cut(look.nested, air=0.0)
    wanted = np.stack([cv2.resize(plane, cells, interpolation=cv2.INTER_AREA) for plane in covered])
    image, energy = window.cut(look.picture, air=1.0), window.cut(look.energies, air=1.0)
    return ClickSample(image, energy, guide, clicks, wanted)
