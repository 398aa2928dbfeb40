"""Detectors from recipe to figures: train on a set, measure on another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from beltline.core import BadInputError
from beltline.formats import write_json
from beltline.metrics import wilson
from beltline.metrics.detections import (
    Boxes,
    Matched,
    detection_ap,
    froc,
    match_detections,
    recall_and_precision,
    scan_scores,
)
from beltline.metrics.operating_points import threshold_at_pfa
from beltline.models.detection import DETECTORS, Detector, build_detector
from beltline.training.checkpoint import WEIGHTS, load_weights
from beltline.training.detection import DetectionBatches, DetectionSet, detection_loss, find
from beltline.training.detection_sets import detection_classes, read_detection_set
from beltline.training.loop import FitOptions, FitResult, fit
from beltline.training.recipes import read_recipe
from beltline.training.schedule import cosine

RECIPE, RESULT, EVALUATION = "recipe.json", "result.json", "evaluation.json"
NAME = "detector"
ALARMS = (0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class DetectorRecipe:
    """How to train a detector.

    Attributes:
        detector: Key of `beltline.models.detection.DETECTORS`.
        classes: Names; empty for those of the data.
        side: Side of the square the scans are fitted into, pixels.
        steps: Optimizer steps.
        max_minutes: Planned length; the schedule ends then.
        batch_size: Images a step.
        lr: Peak learning rate of AdamW.
        weight_decay: Of weights with two and more dimensions.
        warmup: Share of the training in which the learning rate rises.
        ema_decay: Of the averaged weights.
        precision: Of Lightning Fabric.
        seed: Of weights, order and turns.
    """

    detector: str = "FCOS small"
    classes: tuple[str, ...] = ()
    side: int = 320
    steps: int = 2_000
    max_minutes: float | None = None
    batch_size: int = 16
    lr: float = 2e-3
    weight_decay: float = 0.02
    warmup: float = 0.05
    ema_decay: float = 0.995
    precision: str = "bf16-mixed"
    seed: int = 0


def load_detector_recipe(name_or_file: str = NAME, changes: Sequence[str] = ()) -> DetectorRecipe:
    """``detector``, or a JSON file of fields, changed by ``key=value`` texts.

    Raises:
        BadInputError: If the file, a field or the detector is not known.
    """
    recipe = read_recipe(name_or_file, changes, {NAME: DetectorRecipe})
    if recipe.detector not in DETECTORS:
        raise BadInputError(f"no detector {recipe.detector!r}; there is {', '.join(DETECTORS)}")
    return recipe


def train_detector(
    recipe: DetectorRecipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    log_steps: int = 50,
    checkpoint_steps: int = 200,
) -> FitResult:
    """Train on a set or on shards.

    Args:
        recipe: What and how.
        data: See `beltline.training.detection_sets`.
        out: Run folder: recipe.json, checkpoint, weights, metrics, and result.json once it is finished.
        resume: Go on from the folder's checkpoint.
        log_steps: Steps between lines of progress.
        checkpoint_steps: Steps between checkpoints.

    Raises:
        BadInputError: If the data do not fit, or ``out`` holds a run of another recipe.
    """
    recipe = replace(recipe, classes=recipe.classes or detection_classes(data))
    written = {"recipe": NAME, **asdict(recipe)}
    path = out / RECIPE
    if path.is_file() and (not resume or json.loads(path.read_text(encoding="utf-8")) != _plain(written)):
        raise BadInputError(f"{out}: holds a run already; choose another folder, or --resume with its recipe")
    training = read_detection_set(data, recipe.classes, recipe.side)
    torch.manual_seed(recipe.seed)
    model = build_detector(recipe.detector, len(recipe.classes), recipe.side)
    write_json(path, written)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    result = fit(
        model,
        DetectionBatches(training, recipe.batch_size, recipe.seed),
        detection_loss,
        torch.optim.AdamW(groups, lr=recipe.lr),
        steps=recipe.steps,
        options=FitOptions(
            schedule=cosine(warmup=recipe.warmup),
            max_minutes=recipe.max_minutes,
            ema_decay=recipe.ema_decay,
            resume=resume,
            log_steps=log_steps,
            checkpoint_steps=checkpoint_steps,
        ),
        out=out,
        fabric=Fabric(accelerator="auto", devices=1, precision=recipe.precision),  # type: ignore[arg-type]
    )
    write_json(out / RESULT, {"step": result.step, "minutes": round(result.minutes, 2), **result.values})
    return result


def is_detector(run: Path) -> bool:
    """Whether a run folder is one of a detector."""
    path = run / RECIPE
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("recipe") == NAME


def load_detector(run: Path) -> tuple[DetectorRecipe, Detector]:
    """Recipe and trained model of a run.

    Raises:
        BadInputError: If ``run`` holds no weights of a detector.
    """
    if not is_detector(run) or not (run / WEIGHTS).is_file():
        raise BadInputError(f"{run}: holds no trained detector; make one with beltline train detector")
    recipe = load_detector_recipe(str(run / RECIPE))
    model = build_detector(recipe.detector, len(recipe.classes), recipe.side)
    load_weights(model, run / WEIGHTS)
    model.eval()
    return recipe, model


def evaluate_detector(run: Path, data: Path) -> dict[str, Any]:
    """What a detector finds in a test set; writes evaluation.json.

    Returns:
        By class and as a mean: AP at IoU 0.5, recall and precision at score 0.5; share of the objects found
        at given false alarms a scan (FROC); share of the scans with an object that alarm where 5 % of those
        without do, with Wilson's interval.
    """
    recipe, model = load_detector(run)
    test = read_detection_set(data, recipe.classes, recipe.side)
    found = detector_figures(find(model, test.images), test, recipe.classes)
    write_json(run / EVALUATION, found)
    return found


def detector_figures(found: Boxes, test: DetectionSet, classes: Sequence[str]) -> dict[str, Any]:
    """The figures of `evaluate_detector`, of boxes found."""
    truth = test.boxes()
    matched: Matched = match_detections(found, truth)
    precision_at = recall_and_precision(matched, truth, len(classes))
    columns = {
        "ap": detection_ap(matched, truth, len(classes)),
        "recall": precision_at[0],
        "precision": precision_at[1],
    }
    counts = np.bincount(truth.label, minlength=len(classes))
    figures: dict[str, Any] = {
        "scans": len(test),
        "classes": {
            name: {"objects": int(counts[k]), **{key: _number(value[k]) for key, value in columns.items()}}
            for k, name in enumerate(classes)
        },
        "mean": {
            key: _number(float(np.nanmean(v))) if np.isfinite(v).any() else None for key, v in columns.items()
        },
        "froc": dict(
            zip(map(str, ALARMS), map(_number, froc(matched, truth, len(test), alarms=ALARMS)), strict=True)
        ),
    }
    holds = np.isin(np.arange(len(test)), truth.image)
    if holds.any() and not holds.all():
        best = scan_scores(found, len(test), len(classes)).max(1)
        alarms = best[holds] >= threshold_at_pfa(holds, best, 0.05)
        rate = wilson(int(alarms.sum()), len(alarms))
        figures["pd_at_pfa_0.05"] = [rate.value, rate.low, rate.high]
    return figures


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _plain(values: dict[str, Any]) -> Any:
    return json.loads(json.dumps(values))
