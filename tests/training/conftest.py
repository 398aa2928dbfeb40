"""Tiny shards of drawn blocks, a tiny recipe, and one trained and exported run."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from beltline.formats import write_shard
from beltline.formats.shard_writer import STRIDE
from beltline.training.augment import NO_AUGMENTATION
from beltline.training.recipes.chr_starter import ChrStarterRecipe

CLASSES = ("gun", "knife")
COLORS = ((60, 60, 60), (40, 80, 220))  # dark, bluish


def _scan(rng: np.random.Generator, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.full((64, 96, 3), 255, np.uint8)
    cv2.rectangle(pixels, (6, 6), (90, 58), (250, 210, 150), -1)
    cover = np.zeros((len(CLASSES), 64, 96), np.float32)
    for k in np.flatnonzero(present):
        x, y = rng.integers(8, 56), rng.integers(8, 32)
        w, h = rng.integers(16, 32), rng.integers(12, 24)
        pixels[y : y + h, x : x + w] = COLORS[k]
        cover[k, y : y + h, x : x + w] = 1
    cells = cover.reshape(len(CLASSES), 64 // STRIDE, STRIDE, 96 // STRIDE, STRIDE).mean((2, 4))
    return pixels.transpose(2, 0, 1), np.rint(255 * cells).astype(np.uint8)


def _write(folder: Path, *, shards: int = 2, scans: int = 10, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for index in range(shards):
        labels = (np.arange(scans)[:, None] + [0, scans // 4] < scans // 2).astype(np.uint8)
        labels = labels[rng.permutation(scans)]
        images, masks = zip(*(_scan(rng, row) for row in labels), strict=True)
        write_shard(
            folder, index, images=np.stack(images), masks=np.stack(masks), labels=labels, classes=CLASSES
        )
    return folder


@pytest.fixture(scope="session")
def write_tiny_shards() -> Callable[..., Path]:
    """``write(folder, shards=2, scans=10, seed=0)``: scans of 64 by 96 pixels, half with each class."""
    return _write


@pytest.fixture(scope="session")
def tiny_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("shards") / "train")


@pytest.fixture(scope="session")
def tiny_recipe() -> ChrStarterRecipe:
    """Seconds of training: an eight-channel network, 64 by 64 pixels, float32."""
    return ChrStarterRecipe(
        classes=CLASSES,
        backbone="resnet10t",
        backbone_channels=(8, 8, 8, 8),
        crop_height=64,
        crop_width=64,
        long_side=96,
        batch_size=4,
        steps=8,
        precision="32-true",
        workers=1,
        augmentation=dataclasses.replace(NO_AUGMENTATION, flip=0.5, noise=0.5),
    )
