"""A painter small enough to be trained within a test: dense squares of two classes on a grey bag.

Its windows are small too; it paints in larger ones all the same, because it is convolutional.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from beltline.cli.app import main
from beltline.formats.inpainting_shards import (
    InpaintingWindow,
    write_inpainting_classes,
    write_inpainting_shard,
)

TINY = ["--set", "latent_widths=8,8,8,8", "--set", "batch_size=2", "--set", "precision=32-true"]


def tiny_painter(root: Path, *, channels: int = 2, recipe: str = "xsyn_seen") -> Path:
    """A run folder of a painter of guns and knives; its autoencoder lies beside it."""
    data, rng, windows = root / "windows", np.random.default_rng(0), []
    for number in range(4):
        bag = np.full((channels, 64, 64), 60, np.uint8) + rng.integers(0, 9, (channels, 64, 64), np.uint8)
        mask = np.zeros((64, 64), bool)
        mask[20:45, 17:47] = True
        painted = np.where(mask, bag + np.uint8(80 + 40 * (number % 2)), bag)
        windows.append(InpaintingWindow(painted, bag, mask, (number % 2, (17, 20, 47, 45), 1.0, 0.3)))
    write_inpainting_shard(data, 0, windows)
    write_inpainting_classes(data, ("gun", "knife"))
    words = ["train", "xsyn", "--data", str(data), *TINY]
    first = ["--recipe", "xsyn_autoencoder", "--set", "steps=4", "--out", str(root / "autoencoder")]
    assert main([*words, *first]) == 0
    second = ["--recipe", recipe, "--set", f"autoencoder={root / 'autoencoder'}", "--set", "widths=8,16,16"]
    steps = ["--set", "steps=3", "--set", "turns=1", "--out", str(root / "painter")]
    assert main([*words, *second, *steps]) == 0
    return root / "painter"
