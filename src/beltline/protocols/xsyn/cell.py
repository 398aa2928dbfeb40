"""One detector of the experiment: real and made windows in every batch, its training, what it finds."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from beltline.formats import write_json
from beltline.metrics.detections import Boxes
from beltline.models.detection import ObjectDetector, build_detector
from beltline.protocols.cells import RESULT, build_fabric, folder_of, read_result, save_arrays, short_run
from beltline.protocols.xsyn.data import XsynData, pictures
from beltline.protocols.xsyn.plan import XsynCell, XsynScale
from beltline.systems.detector.arrays import (
    DetectionBatch,
    DetectionBatches,
    DetectionSet,
    detection_loss,
    find,
)
from beltline.training.loop import fit
from beltline.training.schedule import cosine
from beltline.training.weight_decay import decay_groups

FOUND = "found.npz"


@dataclass(frozen=True, eq=False)
class LooksBatches:
    """Batches for `fit` of which a fixed share is made: every arm looks at real windows equally often.

    Attributes:
        real: Real windows.
        made: What the arm adds.
        batch_size: Pictures a batch.
        share: Of them that are made; at least one of each kind.
        seed: Of order and flips.
    """

    real: DetectionSet
    made: DetectionSet
    batch_size: int
    share: float
    seed: int = 0

    def __call__(self, start: int, stride: int = 1) -> Iterator[DetectionBatch]:
        """Batches number ``start``, ``start + stride``, ... without end."""
        return map(self.build, itertools.count(start, stride))

    def build(self, index: int) -> DetectionBatch:
        """Batch number ``index``; depends on nothing but the sets, the seed and the index."""
        made = self.made_of_batch
        first = DetectionBatches(self.real, self.batch_size - made, self.seed).build(index)
        if not made:
            return first
        second = DetectionBatches(self.made, made, self.seed + 1_000_003).build(index)
        return DetectionBatch(torch.cat([first.image, second.image]), first.targets + second.targets)

    @property
    def made_of_batch(self) -> int:
        """How many pictures of a batch are made."""
        if not self.share:
            return 0
        return min(max(round(self.share * self.batch_size), 1), self.batch_size - 1)


def real_set(cell: XsynCell, data: XsynData, scale: XsynScale) -> DetectionSet:
    """The real windows of a cell as detectors see them: the first ones."""
    return pictures(data.real.first(scale.real_windows(cell.percent)), data.view, scale.shown)


def run_cell(cell: XsynCell, made: DetectionSet, data: XsynData, scale: XsynScale, folder: Path) -> None:
    """Train and measure one detector.

    Writes ``result.json`` and ``found.npz``: image, label, box and score of every detection in ``data.test``.

    Args:
        cell: Which.
        made: What its arm adds.
        data: All sets.
        scale: How much.
        folder: Of the experiment.
    """
    began, real = time.monotonic(), real_set(cell, data, scale)
    batches = LooksBatches(real, made, scale.detector_batch, scale.made_share, cell.seed)
    model, loss = trained(cell.detector, cell.seed, batches, len(data.classes), scale)
    found = find(model, np.asarray(data.test.images))
    out = folder_of(folder, cell)
    out.mkdir(parents=True, exist_ok=True)
    assert found.score is not None
    save_arrays(out / FOUND, image=found.image, label=found.label, box=found.box, score=found.score)
    write_json(
        out / RESULT,
        {
            "cell": asdict(cell),
            "real": len(real),
            "made": len(made),
            "looks": {
                "real": scale.detector_steps * (scale.detector_batch - batches.made_of_batch),
                "made": scale.detector_steps * batches.made_of_batch,
            },
            "objects": {
                name: np.bincount(one.objects.label, minlength=len(data.classes)).tolist()
                for name, one in (("real", real), ("made", made))
            },
            "steps": scale.detector_steps,
            "loss": loss,
            "seconds": round(time.monotonic() - began, 1),
        },
    )


def trained(
    detector: str, seed: int, batches: Any, classes: int, scale: XsynScale
) -> tuple[ObjectDetector, float | None]:
    """A detector trained on batches, and its last loss."""
    torch.manual_seed(seed)
    model = build_detector(detector, classes, scale.shown)
    result = fit(
        model,
        batches,
        detection_loss,
        torch.optim.AdamW(decay_groups(model.parameters(), 0.02), lr=scale.lr),
        steps=scale.detector_steps,
        options=short_run(schedule=cosine(warmup=0.05), ema_decay=0.99),
        fabric=build_fabric(),
    )
    return cast(ObjectDetector, result.model), result.values.get("loss")


def read_cell(out: Path) -> tuple[dict[str, Any], Boxes]:
    """What `run_cell` wrote."""
    result, arrays = read_result(out, FOUND)
    return result, Boxes(arrays["image"], arrays["label"], arrays["box"], arrays["score"])
