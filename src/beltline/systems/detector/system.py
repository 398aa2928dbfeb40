"""Detectors as a system: how the engine trains, measures and exports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from torch import nn

from beltline.core import BadInputError
from beltline.models.backbones import feature_backbone
from beltline.models.detection import DETECTORS, ObjectDetector
from beltline.models.detection_small import SmallDetector
from beltline.screening import make_card
from beltline.screening.tasks.detection import DETECTION
from beltline.systems.chr.recipe import BACKBONE
from beltline.systems.detector.arrays import detection_loss
from beltline.systems.detector.data import SourceBatches
from beltline.systems.detector.export import export_detector
from beltline.systems.detector.figures import (
    NO_THRESHOLDS,
    Thresholds,
    chosen_thresholds,
    detect,
    figures,
    fitted_calibration,
    progress_figures,
    table,
)
from beltline.systems.detector.recipe import (
    STARTER,
    DetectorRecipe,
    build_model,
    detector_detr,
    detector_lite0,
    options_of,
)
from beltline.training.augment import require_amplitudes
from beltline.training.initial import read_start, take_over, take_over_part
from beltline.training.loop import Evaluate
from beltline.training.sources import Source, open_source
from beltline.training.system import ExportRequest, Json, System
from beltline.training.uses import Use

VALIDATION_SCANS = 200
BODY = "body."  # how the names of the starter's backbone begin


def open_data(folder: Path, recipe: DetectorRecipe) -> tuple[Source, DetectorRecipe]:
    """Scans with boxes, and the recipe with their classes where it names none.

    Raises:
        BadInputError: If the folder does not fit, or the recipe's detector or a side is none.
    """
    if recipe.detector not in DETECTORS:
        raise BadInputError(f"no detector {recipe.detector!r}; there is {', '.join(DETECTORS)}")
    for name in ("long_side", "crop_height", "crop_width"):
        value = getattr(recipe, name)
        if value < 32 or value % 32:
            raise BadInputError(f"{name} must be a multiple of 32, got {value}")
    if recipe.width < 1:
        raise BadInputError(f"width must be at least 1, got {recipe.width}")
    source = open_source(folder, recipe.classes)
    return source, replace(recipe, classes=source.classes)


def build_batches(recipe: DetectorRecipe, source: Source) -> SourceBatches:
    """Augmented batches."""
    training = recipe.training
    size = (recipe.crop_height, recipe.crop_width)
    require_amplitudes(recipe.augmentation, size)
    return SourceBatches(
        source, training.batch_size, recipe.long_side, size, recipe.augmentation, training.seed,
        training.workers,
    )  # fmt: skip


def start_from(recipe: DetectorRecipe, model: nn.Module) -> None:
    """ImageNet weights of the starter's backbone, or those of an earlier detector or a classifier's backbone.

    Raises:
        BadInputError: If they do not fit, or the earlier detector has another backbone: its heads alone would
            be worth nothing.
    """
    init = recipe.training.init
    if not init:
        if recipe.pretrained and isinstance(model, SmallDetector):
            known = feature_backbone(
                recipe.backbone, pretrained=recipe.pretrained, options=options_of(recipe)
            )
            model.body.load_state_dict(known.state_dict())
        return
    start = read_start(init)
    if not start.has(BACKBONE):
        found = take_over(model, start, recipe.classes)
        if strangers := [name for name in found.fresh if name.startswith(BODY)]:
            raise BadInputError(
                f"{init}: its backbone lacks {strangers[0]} or has it in another shape; set backbone and"
                " backbone_channels as it has them, or start without it"
            )
    elif isinstance(model, SmallDetector):
        take_over_part(model.body, start, BACKBONE)
    else:
        raise BadInputError(f"{init}: a classifier's backbone fits the detector {STARTER} only")


def watch(recipe: DetectorRecipe, source: Source) -> Evaluate:
    """A few numbers of the first scans, for use while training."""

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        seen = detect(cast(ObjectDetector, model), source, recipe.long_side, limit=VALIDATION_SCANS)
        return progress_figures(seen, len(recipe.classes))

    return evaluate


def calibrate(recipe: DetectorRecipe, model: nn.Module, source: Source, limit: int | None) -> Json:
    """Calibration and thresholds for false-alarm rates, chosen on validation data.

    Raises:
        BadInputError: If no scan is without any of the classes.
    """
    seen = detect(cast(ObjectDetector, model), source, recipe.long_side, limit=limit)
    count = len(recipe.classes)
    if not (seen.labels(count) == 0).all(1).any():
        raise BadInputError("calibration needs scans without any of the classes, got none")
    thresholds = chosen_thresholds(seen, count)
    return {
        "thresholds": thresholds.scan,
        "class_thresholds": thresholds.by_class,
        "calibration": fitted_calibration(seen, count),
        "scans": seen.scans,
    }


def measure(
    recipe: DetectorRecipe, model: nn.Module, source: Source, chosen: Json | None, limit: int | None
) -> Json:
    """Figures on a test set, those at false-alarm rates where thresholds were chosen."""
    seen = detect(cast(ObjectDetector, model), source, recipe.long_side, limit=limit)
    return figures(seen, recipe.classes, thresholds_of(chosen) if chosen else NO_THRESHOLDS)


def thresholds_of(chosen: Json) -> Thresholds:
    """The thresholds in what `calibrate` gave."""
    return Thresholds(chosen["thresholds"], chosen.get("class_thresholds", {}))


def export(recipe: DetectorRecipe, model: nn.Module, request: ExportRequest) -> dict[str, float]:
    """See `beltline.systems.detector.export.export_detector`.

    Raises:
        BadInputError: If it is another detector than the starter, or half weights are asked for.
    """
    if request.half_weights:
        raise BadInputError("a detector is stored in full precision (under 20 MB); leave --half out")
    if not isinstance(model, SmallDetector):
        raise BadInputError(f"{recipe.detector} is not exported; only the starter detector is")
    card = make_card(
        request.name,
        recipe.classes,
        recipe.long_side,
        thresholds=request.calibration["thresholds"],
        calibration=request.calibration.get("calibration"),
        details=request.card,
        task=DETECTION.name,
    )
    return export_detector(model, request.path, card)


def uses_of(recipe: DetectorRecipe, source: Source) -> tuple[Use[DetectorRecipe], ...]:
    """Fields that are the starter's own."""
    own = ("backbone", "backbone_channels", "normalisation", "pretrained", "width", "convolutions")
    return tuple(Use(name, lambda r: r.detector == STARTER, f"with detector={STARTER}") for name in own)


SYSTEM: System[DetectorRecipe, Source] = System(
    name="detector",
    recipes={
        "detector_starter": DetectorRecipe,
        "detector_lite0": detector_lite0,
        "detector_detr": detector_detr,
    },
    open=open_data,
    build=build_model,
    batches=build_batches,
    loss=lambda recipe: detection_loss,
    uses=uses_of,
    start=start_from,
    backbone=lambda model: getattr(model, "body", None),
    default="detector_lite0",
    watch=watch,
    calibrate=calibrate,
    measure=measure,
    table=table,
    export=export,
)
