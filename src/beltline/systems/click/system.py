"""Click models as a system: how the engine trains, measures and exports them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from torch import nn

from beltline.core import BadInputError
from beltline.formats.click_shards import ClickShards, open_click_shards
from beltline.models.backbones import feature_backbone
from beltline.models.click import STRIDES, ClickModel
from beltline.screening import make_card
from beltline.screening.click import ClickSettings
from beltline.screening.click_windows import NESTED
from beltline.systems.chr.recipe import BACKBONE
from beltline.systems.click.data import ClickBatches
from beltline.systems.click.export import export_click
from beltline.systems.click.figures import (
    Bench,
    figures,
    first_clicks,
    fitted_quality,
    one_each,
    progress_figures,
    run_of,
    table,
)
from beltline.systems.click.loss import click_loss
from beltline.systems.click.recipe import ClickRecipe, build_model, click_resnet, options_of
from beltline.training.initial import read_start, take_over, take_over_part
from beltline.training.loop import Evaluate
from beltline.training.system import ExportRequest, Json, System
from beltline.training.uses import Use

WATCHED_SCANS = 60
TASK = "click"


def open_data(folder: Path, recipe: ClickRecipe) -> tuple[ClickShards, ClickRecipe]:
    """Click shards.

    Raises:
        BadInputError: If the folder holds none, no object is in them, or a number of the recipe is none.
    """
    if recipe.side < 64 or recipe.side % 32:
        raise BadInputError(f"side must be a multiple of 32 from 64 on, got {recipe.side}")
    for name in ("threats", "boxes", "close"):
        if not 0 <= getattr(recipe, name) <= 1:
            raise BadInputError(f"{name} must be in [0, 1], got {getattr(recipe, name):g}")
    if recipe.width < 1:
        raise BadInputError(f"width must be at least 1, got {recipe.width}")
    shards = open_click_shards(folder)
    if not len(shards.objects):
        raise BadInputError(f"{folder}: its click shards hold no object")
    return shards, recipe


def build_batches(recipe: ClickRecipe, shards: ClickShards) -> ClickBatches:
    """Augmented looks at drawn objects."""
    training = recipe.training
    return ClickBatches(
        shards, training.batch_size, recipe.side, recipe.augmentation, recipe.zoom, recipe.points,
        recipe.threats, recipe.boxes, recipe.close, training.seed, training.workers,
    )  # fmt: skip


def start_from(recipe: ClickRecipe, model: nn.Module) -> None:
    """ImageNet weights of the backbone, those of an earlier click model, or a classifier's backbone.

    Raises:
        BadInputError: If they do not fit.
    """
    if recipe.training.init:
        start = read_start(recipe.training.init)
        if start.has(BACKBONE):
            take_over_part(cast(ClickModel, model).body, start, BACKBONE)
            return
        found = take_over(model, start, ())
        if found.fresh:
            raise BadInputError(
                f"{recipe.training.init}: lacks {found.fresh[0]} or has it in another shape; set backbone,"
                " backbone_channels, width and energy as it has them, or start without it"
            )
    elif recipe.pretrained:
        known = feature_backbone(
            recipe.backbone, stages=len(STRIDES), pretrained=recipe.pretrained, options=options_of(recipe)
        )
        cast(ClickModel, model).body.load_state_dict(known.state_dict())


def bench_of(recipe: ClickRecipe, model: nn.Module, shards: ClickShards) -> Bench:
    """A model on objects, in the looks that its recipe is for."""
    settings = ClickSettings(size=recipe.side, zoom=recipe.zoom, points=recipe.points)
    return Bench(run_of(cast(ClickModel, model)), shards, settings)


def watch(recipe: ClickRecipe, shards: ClickShards) -> Evaluate:
    """Mean IoU after 1, 3 and 5 clicks on an object of each of the first scans."""
    rows = one_each(shards, WATCHED_SCANS)

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        return progress_figures(bench_of(recipe, model, shards), rows)

    return evaluate


def calibrate(recipe: ClickRecipe, model: nn.Module, shards: ClickShards, limit: int | None) -> Json:
    """What IoU the predicted quality stands for, from validation data; there are no thresholds to choose."""
    rows = one_each(shards, limit)
    first = first_clicks(bench_of(recipe, model, shards), rows)
    return {"thresholds": {}, "calibration": fitted_quality(first), "scans": len(rows)}


def measure(
    recipe: ClickRecipe, model: nn.Module, shards: ClickShards, chosen: Json | None, limit: int | None
) -> Json:
    """Figures on a test set."""
    return figures(bench_of(recipe, model, shards), one_each(shards, limit))


def export(recipe: ClickRecipe, model: nn.Module, request: ExportRequest) -> dict[str, float]:
    """See `beltline.systems.click.export.export_click`.

    Raises:
        BadInputError: If the network does not take what a click model is given in use.
    """
    if not recipe.energy:
        raise BadInputError("a click model without energy is for comparison only; it is not exported")
    card = make_card(
        request.name,
        NESTED,
        recipe.side,
        thresholds=request.calibration["thresholds"],
        calibration=request.calibration["calibration"],
        details=request.card,
        task=TASK,
    )
    return export_click(cast(ClickModel, model), request.path, card, half_weights=request.half_weights)


def uses_of(recipe: ClickRecipe, shards: ClickShards) -> tuple[Use[ClickRecipe], ...]:
    """Fields that do not count always."""
    never = "in no click model: windows are drawn about clicks and objects instead"
    names = ("zoom", "shift", "montage", "amplitude_swap", "amplitude_from")
    idle: list[Use[ClickRecipe]] = [Use(f"augmentation.{name}", lambda r: False, never) for name in names]
    return (Use("points", lambda r: r.zoom, "with zoom=true"), *idle)


SYSTEM: System[ClickRecipe, ClickShards] = System(
    name="click",
    recipes={"click_lite0": ClickRecipe, "click_resnet": click_resnet},
    open=open_data,
    build=build_model,
    batches=build_batches,
    loss=lambda recipe: click_loss,
    uses=uses_of,
    start=start_from,
    backbone=lambda model: cast(ClickModel, model).body,
    watch=watch,
    calibrate=calibrate,
    measure=measure,
    table=table,
    export=export,
)
