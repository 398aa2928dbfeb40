"""A painter made by hand: a dense rectangle in the middle of the box, its strength by the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.window_painter import PaintedWindows

Floats = NDArray[np.float32]
SHARE = 0.7  # of the box's sides


@dataclass(frozen=True, eq=False)
class HandPainter:
    channels: int = 2
    classes: tuple[str, ...] = ("gun", "knife")
    adds: bool = True
    opaque: bool = False
    misses: int = 0  # so many paintings come to nothing
    name: str = "by hand"
    sha256: str = "0" * 64
    size: int = 128
    cell: int = 8
    whole: bool = False
    batches: list[tuple[str, ...]] = field(default_factory=list)

    def prompt(self, label: str) -> str:
        return f"one {label}"

    def paint(
        self,
        bags: Floats,
        labels: Sequence[str],
        boxes: Floats,
        seeds: Sequence[int],
        settings: SamplerSettings,
        starts: Floats | None = None,
    ) -> PaintedWindows:
        begun = sum(len(batch) for batch in self.batches)
        self.batches.append(tuple(labels))
        windows = bags.copy()
        attention = np.full((len(bags), 16, 16), 0.01, np.float32)
        for row, box in enumerate(boxes):
            middle, half = (box[:2] + box[2:]) / 2, SHARE * (box[2:] - box[:2]) / 2
            x1, y1, x2, y2 = np.round(np.concatenate([middle - half, middle + half]) * self.size).astype(int)
            if begun + row >= self.misses:
                part = np.s_[row, :, max(y1, 0) : y2, max(x1, 0) : x2]
                amount = 1.0 if self.opaque else 0.35 + 0.1 * (seeds[row] % 1000) / 1000
                added = amount if self.channels == 2 else -amount
                windows[part] = np.clip((bags if starts is None else starts)[part] + added, 0, 1)
            at = np.round(16 * np.concatenate([middle - half, middle + half])).astype(int)
            attention[row, at[1] : at[3], at[0] : at[2]] = 1
        return PaintedWindows(windows, attention)

    def encode(self, windows: Floats) -> Floats:
        side = self.size // self.cell
        small = [
            np.stack([cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in w]) for w in windows
        ]
        return np.pad(np.stack(small), ((0, 0), (0, 4 - self.channels), (0, 0), (0, 0)))

    def decode(self, latents: Floats) -> Floats:
        block = np.ones((1, 1, self.cell, self.cell), np.float32)
        return np.asarray(np.kron(latents[:, : self.channels], block), np.float32)


def bag(number: int = 0, shape: tuple[int, int] = (160, 200)) -> Floats:
    """(2, H, W) transmissions of a bag with some denser things in it, values that 16 bits hold exactly."""
    rng = np.random.default_rng(number)
    depth = np.zeros((2, *shape), np.float32)
    depth[:, 10:-10, 12:-12] = 0.3
    for _ in range(6):
        y, x = int(rng.integers(16, shape[0] - 60)), int(rng.integers(16, shape[1] - 70))
        depth[:, y : y + int(rng.integers(24, 40)), x : x + int(rng.integers(24, 46))] += 0.25
    depth[1] *= 0.7
    grain = rng.normal(0, 0.004, depth.shape)
    return np.asarray(np.round(65535 * np.clip(np.exp(-depth) + grain, 0, 1)) / 65535, np.float32)
