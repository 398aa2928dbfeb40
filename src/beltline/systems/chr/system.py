"""CHR as a system: how the engine trains, measures and exports it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from torch import nn

from beltline.core import BadInputError
from beltline.models.backbones import feature_backbone, load_backbone_weights
from beltline.screening import make_card
from beltline.screening.tasks.classification import CLASSIFICATION
from beltline.systems.chr.data import ChrData, ListData, open_data
from beltline.systems.chr.export import export_onnx
from beltline.systems.chr.figures import (
    build_evaluate,
    calibrate,
    figures,
    ranking_figures,
    score,
    single_label_figures,
    table,
)
from beltline.systems.chr.paper import chr_paper, chr_single_label
from beltline.systems.chr.recipe import (
    BACKBONE,
    ChrRecipe,
    Normalised,
    build_loss,
    build_model,
    chr_lite0,
    classifier_of,
    options_of,
)
from beltline.training.initial import read_start, take_over
from beltline.training.system import ExportRequest, Json, System
from beltline.training.uses import Use


def start_from(recipe: ChrRecipe, model: nn.Module) -> None:
    """ImageNet weights of the backbone, those of a file, or a whole network from an earlier run.

    Raises:
        BadInputError: If the earlier one has another backbone: its heads alone would be worth nothing.
    """
    begun = recipe.training.init or recipe.backbone_weights
    if recipe.pretrained and not begun:
        known = feature_backbone(recipe.backbone, pretrained=recipe.pretrained, options=options_of(recipe))
        classifier_of(model).backbone.load_state_dict(known.state_dict())
    if recipe.backbone_weights:
        load_backbone_weights(cast(Normalised, model).classifier, Path(recipe.backbone_weights))
    if recipe.training.init:
        start = read_start(recipe.training.init)
        found = take_over(model, start, recipe.classes)
        strangers = [name for name in found.fresh if name.startswith(BACKBONE)]
        if strangers:
            raise BadInputError(
                f"{start.name}: its backbone lacks {strangers[0]} or has it in another shape; set backbone"
                " and backbone_channels as it has them, or start without it"
            )


def calibrate_on(recipe: ChrRecipe, model: nn.Module, data: ChrData, limit: int | None) -> Json:
    """Calibration, thresholds and box threshold, chosen on validation data.

    Of lists the training list is used, which a network knows: its probabilities are then too sure of
    themselves, its thresholds too high. SIXray has no validation split.

    Raises:
        BadInputError: If a class is present in no scan or in all of them, or no scan is without any: nothing
            can be chosen then.
    """
    if recipe.loss == "cross_entropy":
        raise BadInputError("a run of single labels has no thresholds to choose; evaluate it as it is")
    found = score(recipe, model, data, limit=limit, split="train")
    for name, truth in zip(recipe.classes, found.labels.T, strict=True):
        present, absent = int((truth == 1).sum()), int((truth == 0).sum())
        if not (present and absent):
            raise BadInputError(
                f"calibration needs scans with and without {name}, got {present} and {absent}"
            )
    if not (found.labels == 0).all(1).any():
        raise BadInputError("calibration needs scans without any of the classes, got none")
    return {**calibrate(found), "scans": len(found.labels)}


def measure_on(
    recipe: ChrRecipe, model: nn.Module, data: ChrData, chosen: Json | None, limit: int | None
) -> Json:
    """Figures on a test set, those with thresholds where some were chosen."""
    scores = score(recipe, model, data, limit=limit, boxes=chosen is not None)
    if recipe.loss == "cross_entropy":
        return {"scans": len(scores.labels), **single_label_figures(scores)}
    if chosen is None:
        return ranking_figures(scores, recipe.classes)
    return figures(scores, chosen, recipe.classes)


def export_to(recipe: ChrRecipe, model: nn.Module, request: ExportRequest) -> dict[str, float]:
    """See `beltline.systems.chr.export.export_onnx`."""
    chosen = request.calibration
    card = make_card(
        request.name,
        recipe.classes,
        recipe.long_side,
        thresholds=chosen["scan_thresholds"] if "scan_thresholds" in chosen else chosen["thresholds"],
        calibration=chosen["calibration"],
        box_threshold=chosen["box_threshold"],
        details=request.card,
        task=CLASSIFICATION.name,
    )
    return export_onnx(cast(Normalised, model), request.path, card, half_weights=request.half_weights)


def uses_of(recipe: ChrRecipe, data: ChrData) -> tuple[Use[ChrRecipe], ...]:
    """Fields that do not count with every loss, or not on this kind of data."""
    lists = isinstance(data, ListData)
    on_lists, on_shards = "on lists of image files, not on shards", "on shards, not on lists of image files"
    return (
        Use("loss_mode", _balances, "with loss=bce and variant CH or CHR"),
        Use(
            "epsilon",
            lambda r: _balances(r) and r.loss_mode in ("drop_easy", "paper_literal"),
            "with loss=bce, variant CH or CHR, and loss_mode=drop_easy or paper_literal",
        ),
        Use("normalise", lambda r: r.loss == "bce", "with loss=bce"),
        Use("pretrained", lambda r: not (r.training.init or r.backbone_weights),
            "without init and backbone_weights"),
        Use("warp", lambda r: lists, on_lists),
        Use("crop_width", lambda r: not lists or r.crop_width == r.crop_height,
            f"{on_shards}, which are cut to squares of crop_height"),
        Use("augmentation", lambda r: not lists, f"{on_shards}, which are flipped and cropped as published"),
    )  # fmt: skip


def _balances(recipe: ChrRecipe) -> bool:
    return recipe.loss == "bce" and recipe.variant in ("CH", "CHR")


SYSTEM: System[ChrRecipe, ChrData] = System(
    name="chr",
    recipes={
        "chr_starter": ChrRecipe,
        "chr_lite0": chr_lite0,
        "chr_paper": chr_paper,
        "chr_single_label": chr_single_label,
    },
    open=open_data,
    build=build_model,
    batches=lambda recipe, data: data.batches(recipe),
    loss=build_loss,
    uses=uses_of,
    start=start_from,
    backbone=lambda model: classifier_of(model).backbone,
    default="chr_lite0",
    steps=lambda recipe, data: data.steps(recipe),
    watch=build_evaluate,
    calibrate=calibrate_on,
    measure=measure_on,
    table=table,
    export=export_to,
)
