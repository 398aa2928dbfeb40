"""Pictures with two items and an everyday thing each, for the tests of the XSeg experiment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from beltline.models.sam_encoder import SamSize
from beltline.protocols.xseg.data import Bag, ClickSet, Found, keep_set
from beltline.protocols.xseg.plan import XsegScale

SIZE = SamSize(width=16, depth=1, heads=2, global_blocks=(0,), table=8, window=4, out=16, mlp=16)
COLORS = ((40, 60, 160), (60, 120, 60), (240, 150, 60))  # two items, an everyday thing
TINY = XsegScale(
    sam=SIZE,
    methods=("SAM frozen", "SAM tuned", "APSAM", "DeepLabV3+", "APSAM without EAE", "APSAM released"),
    deciding_seeds=(0, 1),
    pretraining=2,
    steps=2,
    batch=4,
    clicks=3,
    draws=2,
    min_area=4,
)


def bags(count: int, seed: int = 0) -> Iterator[Bag]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        picture, found = np.full((48, 64, 3), 255, np.uint8), []
        for kind, left in enumerate((2, 22, 42)):
            corner = np.array([left, 4]) + rng.integers(0, (6, 24))
            mask = np.zeros((48, 64), np.uint8)
            cv2.rectangle(mask, corner.tolist(), (corner + rng.integers(8, 14, 2)).tolist(), 1, -1)
            picture[mask > 0] = COLORS[kind]
            label = kind if kind < 2 else 0
            found.append(Found(label, kind < 2, float(rng.random()), float(kind), mask > 0))
        yield picture, found


def tiny_set(folder: Path, count: int = 4, seed: int = 0) -> ClickSet:
    labels, made_of = ("gun", "knife"), {"seed": seed}
    return keep_set(folder, bags(count, seed), labels, side=TINY.side, min_area=4, made_of=made_of)
