"""One detector of the experiment: its training set, its training, what it finds in the test set."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from beltline.formats import write_json
from beltline.metrics.detections import Boxes
from beltline.models.detection import ObjectDetector, build_detector
from beltline.protocols.cells import RESULT, build_fabric, folder_of, read_result, save_arrays, short_run
from beltline.protocols.rwsc.data import RwscData
from beltline.protocols.rwsc.plan import DetectorCell, RwscScale
from beltline.protocols.rwsc.synthesis import fused_images
from beltline.systems.detector.arrays import DetectionBatches, DetectionSet, detection_loss, find, joined
from beltline.training.loop import fit
from beltline.training.schedule import cosine
from beltline.training.weight_decay import decay_groups

FOUND = "found.npz"


def run_cell(cell: DetectorCell, data: RwscData, scale: RwscScale, folder: Path) -> None:
    """Train and measure one detector.

    Writes ``result.json`` and ``found.npz``: image, label, box and score of every detection in ``data.test``.

    Args:
        cell: Which.
        data: All sets.
        scale: How much.
        folder: Of the experiment.
    """
    out = folder_of(folder, cell)
    training = training_set(cell, data, scale, folder)
    began = time.monotonic()
    torch.manual_seed(cell.seed)
    model = build_detector(scale.detector, len(data.classes), scale.size)
    result = fit(
        model,
        DetectionBatches(training, scale.detector_batch, cell.seed),
        detection_loss,
        torch.optim.AdamW(decay_groups(model.parameters(), 0.02), lr=scale.lr),
        steps=scale.detector_steps,
        options=short_run(schedule=cosine(warmup=0.05), ema_decay=0.99),
        fabric=build_fabric(),
    )
    found = find(cast(ObjectDetector, result.model), np.asarray(data.test.images))
    out.mkdir(parents=True, exist_ok=True)
    assert found.score is not None
    save_arrays(out / FOUND, image=found.image, label=found.label, box=found.box, score=found.score)
    write_json(
        out / RESULT,
        {
            "cell": asdict(cell),
            "images": len(training),
            "objects": np.bincount(training.objects.label, minlength=len(data.classes)).tolist(),
            "steps": scale.detector_steps,
            "loss": result.values.get("loss"),
            "seconds": round(time.monotonic() - began, 1),
        },
    )


def training_set(cell: DetectorCell, data: RwscData, scale: RwscScale, folder: Path) -> DetectionSet:
    """The images and boxes of a setting.

    R: both halves. R/2: the first half and the benign bags. S: the first half and the benign bags with a
    threat of the first half's articles in each, class by class as many as in the second half. S+: both halves
    and those.
    """
    if cell.setting == "R":
        return joined(data.first, data.second)
    if cell.setting == "R/2":
        return joined(data.first, DetectionSet(data.pairs.bag, Boxes.of_rows([])))
    synthetic = DetectionSet(fused_images(cell.method, data, scale, folder), data.objects)
    real = (data.first,) if cell.setting == "S" else (data.first, data.second)
    return joined(*real, synthetic)


def read_cell(out: Path) -> tuple[dict[str, Any], Boxes]:
    """What `run_cell` wrote."""
    result, arrays = read_result(out, FOUND)
    return result, Boxes(arrays["image"], arrays["label"], arrays["box"], arrays["score"])
