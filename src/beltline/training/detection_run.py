"""A detector's run folder: recipe.json, metrics.jsonl, weights, and its measurements."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from beltline.core import BadInputError
from beltline.models.detection import DETECTORS, Detector
from beltline.models.detection_small import SmallDetector
from beltline.training.checkpoint import WEIGHTS, load_weights
from beltline.training.detection import detection_loss
from beltline.training.detection_data import SourceBatches, open_source
from beltline.training.detection_figures import (
    NO_THRESHOLDS,
    Thresholds,
    chosen_thresholds,
    detect,
    figures,
    fitted_calibration,
    progress_figures,
)
from beltline.training.initial import read_start, take_over, take_over_backbone
from beltline.training.loop import FitResult, fit
from beltline.training.recipes import building, read_recipe
from beltline.training.recipes.detector_starter import (
    DETECTOR_RECIPES,
    STARTER,
    DetectorRecipe,
    as_json,
    build_fabric,
    build_model,
    build_optimizer,
    fit_options,
)
from beltline.training.run_folder import (
    CALIBRATION,
    EVALUATION,
    RECIPE,
    read_calibration,
    require_run,
    require_same_recipe,
    write_values,
)

VALIDATION_SCANS = 200


def load_detector_recipe(name_or_file: str, changes: Sequence[str] = ()) -> DetectorRecipe:
    """A recipe of a detector; see `beltline.training.recipes.read_recipe`.

    Raises:
        BadInputError: If the recipe, a field or the detector is not known.
    """
    recipe = read_recipe(name_or_file, changes, DETECTOR_RECIPES)
    if recipe.detector not in DETECTORS:
        raise BadInputError(f"no detector {recipe.detector!r}; there is {', '.join(DETECTORS)}")
    return recipe


def is_detector_run(run: Path) -> bool:
    """Whether a run folder holds a detector."""
    if not (run / RECIPE).is_file():
        return False
    recipe = json.loads((run / RECIPE).read_text(encoding="utf-8"))
    return isinstance(recipe, dict) and recipe.get("recipe") in DETECTOR_RECIPES


def train_detector(
    recipe: DetectorRecipe,
    data: Path,
    out: Path,
    *,
    validation: Path | None = None,
    evaluate_steps: int = 1000,
    checkpoint_steps: int = 200,
    log_steps: int = 20,
    resume: bool = False,
) -> FitResult:
    """Train a detector on a set or on shards.

    Args:
        recipe: Hyperparameters.
        data: Folder of a set (``annotations.json``) or of shards.
        out: Run folder.
        validation: Set or shards to measure on while training; its first 200 scans.
        evaluate_steps: Steps between measurements.
        checkpoint_steps: Steps between checkpoints.
        log_steps: Steps between lines of progress.
        resume: Go on from the folder's checkpoint.

    Raises:
        BadInputError: If ``out`` holds another run, ``resume`` meets another recipe, or the data does not
            fit. Nothing is written then.
    """
    source, classes = open_source(data, recipe.classes)
    recipe = replace(recipe, classes=classes)
    written = as_json(recipe)
    require_same_recipe(out, written, resume=resume)
    _check_sides(recipe)
    evaluate = _build_evaluate(recipe, validation) if validation else None
    with building():
        model, fabric = _started(recipe), build_fabric(recipe)
        optimizer = build_optimizer(recipe, model)
    out.mkdir(parents=True, exist_ok=True)
    write_values(out / RECIPE, written)
    batches = SourceBatches(
        source,
        recipe.batch_size,
        recipe.long_side,
        (recipe.crop_height, recipe.crop_width),
        recipe.augmentation,
        recipe.seed,
        recipe.workers,
    )
    return fit(
        model,
        batches,
        detection_loss,
        optimizer,
        steps=recipe.steps,
        options=fit_options(
            recipe,
            resume=resume,
            evaluate_steps=evaluate_steps if validation else 0,
            checkpoint_steps=checkpoint_steps,
            log_steps=log_steps,
        ),
        out=out,
        fabric=fabric,
        evaluate=evaluate,
    )


def load_detector(run: Path) -> tuple[DetectorRecipe, Detector, str]:
    """Recipe, model with its (averaged) weights in eval mode, and their SHA-256; also while a run goes on.

    Raises:
        BadInputError: If the folder is no run.
        UntrustedWeightsError: If the weights are not those that the run saved.
    """
    require_run(run)
    recipe = load_detector_recipe(str(run / RECIPE))
    model = build_model(recipe)
    digest = load_weights(model, run / WEIGHTS)
    return recipe, model.eval(), digest


def calibrate_detector(run: Path, validation: Path, *, limit: int | None = None) -> dict[str, Any]:
    """Choose calibration and thresholds for false-alarm rates on validation data; writes calibration.json.

    Raises:
        BadInputError: If no scan is without any of the classes.
    """
    recipe, model, digest = load_detector(run)
    source, _ = open_source(validation, recipe.classes)
    seen = detect(model, source, recipe.long_side, limit=limit)
    if not (seen.labels(len(recipe.classes)) == 0).all(1).any():
        raise BadInputError(f"{validation}: calibration needs scans without any of the classes, got none")
    thresholds = chosen_thresholds(seen, len(recipe.classes))
    chosen = {
        "thresholds": thresholds.scan,
        "class_thresholds": thresholds.by_class,
        "calibration": fitted_calibration(seen, len(recipe.classes)),
        "weights_sha256": digest,
        "scans": seen.scans,
    }
    write_values(run / CALIBRATION, chosen)
    return chosen


def evaluate_detector(run: Path, data: Path, *, limit: int | None = None) -> dict[str, Any]:
    """Figures on a test set, those at false-alarm rates where it was calibrated; writes evaluation.json.

    Raises:
        BadInputError: If the run was calibrated with other weights.
    """
    recipe, model, digest = load_detector(run)
    thresholds = run_thresholds(run, digest) if (run / CALIBRATION).is_file() else NO_THRESHOLDS
    source, _ = open_source(data, recipe.classes)
    found = figures(detect(model, source, recipe.long_side, limit=limit), recipe.classes, thresholds)
    write_values(run / EVALUATION, found)
    return found


def run_thresholds(run: Path, digest: str) -> Thresholds:
    """Thresholds of a calibrated run.

    Raises:
        BadInputError: If it is not calibrated, or was with other weights.
    """
    values = read_calibration(run, digest)
    return Thresholds(values["thresholds"], values.get("class_thresholds", {}))


def _started(recipe: DetectorRecipe) -> Detector:
    model = build_model(recipe)
    if not recipe.init:
        return model
    start = read_start(recipe.init)
    if not start.is_classifier:
        take_over(model, start, recipe.classes)
    elif isinstance(model, SmallDetector):
        take_over_backbone(model.body, start)
    else:
        raise BadInputError(f"{recipe.init}: a classifier's backbone fits the detector {STARTER} only")
    return model


def _build_evaluate(recipe: DetectorRecipe, validation: Path) -> Callable[[nn.Module], Mapping[str, float]]:
    source, _ = open_source(validation, recipe.classes)

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        seen = detect(cast(Detector, model), source, recipe.long_side, limit=VALIDATION_SCANS)
        return progress_figures(seen, len(recipe.classes))

    return evaluate


def _check_sides(recipe: DetectorRecipe) -> None:
    for name in ("long_side", "crop_height", "crop_width"):
        value = getattr(recipe, name)
        if value < 32 or value % 32:
            raise BadInputError(f"{name} must be a multiple of 32, got {value}")
    if recipe.width < 1:
        raise BadInputError(f"width must be at least 1, got {recipe.width}")
