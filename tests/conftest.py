"""What tests share: quiet threads, a Hypothesis profile, a seeded generator, tiny shards, a tiny recipe."""

import os

# Before NumPy, numba or torch are imported: idle OpenMP threads must not spin beside the other workers.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "beltline",
    deadline=None,  # the first numba or tensor call compiles
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("beltline")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240)


TINY_CLASSES = ("gun", "knife")
TINY_COLORS = ((60, 60, 60), (40, 80, 220))  # dark, bluish


def _tiny_scan(rng: np.random.Generator, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    pixels = np.full((64, 96, 3), 255, np.uint8)
    cv2.rectangle(pixels, (6, 6), (90, 58), (250, 210, 150), -1)
    cover = np.zeros((len(TINY_CLASSES), 64, 96), np.float32)
    for k in np.flatnonzero(present):
        x, y = rng.integers(8, 56), rng.integers(8, 32)
        w, h = rng.integers(16, 32), rng.integers(12, 24)
        pixels[y : y + h, x : x + w] = TINY_COLORS[k]
        cover[k, y : y + h, x : x + w] = 1
    cells = cover.reshape(len(TINY_CLASSES), 64 // 8, 8, 96 // 8, 8).mean((2, 4))
    return pixels.transpose(2, 0, 1), np.rint(255 * cells).astype(np.uint8)


def _write_tiny_shards(folder: Path, *, shards: int = 2, scans: int = 10, seed: int = 0) -> Path:
    from beltline.formats import write_shard

    rng = np.random.default_rng(seed)
    for index in range(shards):
        labels = (np.arange(scans)[:, None] + [0, scans // 4] < scans // 2).astype(np.uint8)
        labels = labels[rng.permutation(scans)]
        images, masks = zip(*(_tiny_scan(rng, row) for row in labels), strict=True)
        write_shard(
            folder, index, images=np.stack(images), masks=np.stack(masks), labels=labels, classes=TINY_CLASSES
        )
    return folder


@pytest.fixture(scope="session")
def write_tiny_shards() -> Callable[..., Path]:
    """``write(folder, shards=2, scans=10, seed=0)``: scans of 64 by 96 pixels, half with each class."""
    return _write_tiny_shards


@pytest.fixture(scope="session")
def tiny_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_tiny_shards(tmp_path_factory.mktemp("shards") / "train")


@pytest.fixture(scope="session")
def tiny_recipe():
    """Seconds of training: an eight-channel network, 64 by 64 pixels, float32."""
    from beltline.systems.chr.recipe import ChrRecipe
    from beltline.training.augment import NO_AUGMENTATION
    from beltline.training.settings import TrainingSettings

    return ChrRecipe(
        classes=TINY_CLASSES,
        backbone="resnet10t",
        backbone_channels=(8, 8, 8, 8),
        crop_height=64,
        crop_width=64,
        long_side=96,
        augmentation=dataclasses.replace(NO_AUGMENTATION, flip=0.5, noise=0.5),
        training=TrainingSettings(batch_size=4, steps=8, precision="32-true"),
    )
