"""Anomaly models as a system: how the engine trains and measures them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from beltline.core import ANOMALY, BadInputError
from beltline.formats.device_shards import DeviceShards, open_device_shards
from beltline.models.dense_anomaly import (
    COARSEST,
    DEVICE,
    HIDDEN,
    DenseAnomaly,
    dense_loss,
    finding_loss,
)
from beltline.models.part_classifier import LEAST_SIDE, PartClassifier
from beltline.screening import make_card
from beltline.systems.anomaly import figures
from beltline.systems.anomaly.data import (
    AnomalyBatches,
    PictureBatch,
    PlaceBatch,
    ScanBatch,
    TwinBatch,
    as_images,
)
from beltline.systems.anomaly.export import export_anomaly
from beltline.systems.anomaly.finding import finder_of, finding_figures
from beltline.systems.anomaly.judge import judge
from beltline.systems.anomaly.recipe import (
    AnomalyRecipe,
    anomaly_draem,
    anomaly_object,
    anomaly_paper,
    anomaly_part,
    anomaly_scan,
    build_model,
    start_from,
    trunk_of,
)
from beltline.training.loop import Evaluate, Loss
from beltline.training.system import ExportRequest, Json, System
from beltline.training.uses import Use

SQUARE = ("places", "twins", "scan")  # levels whose picture is square
WATCHED = 60  # devices
BEGIN_WITH = 64  # pictures that what is not drawn at random begins with


def open_data(folder: Path, recipe: AnomalyRecipe) -> tuple[DeviceShards, AnomalyRecipe]:
    """Device shards.

    Raises:
        BadInputError: If the folder holds none, or the picture's size does not fit the model.
    """
    least, step = (COARSEST * 2, COARSEST) if recipe.level in SQUARE else (LEAST_SIDE, 1)
    if any(side < least or side % step for side in recipe.shape):
        raise BadInputError(
            f"height and width_px must be multiples of {step} from {least} on, got {recipe.shape}"
        )
    if recipe.level in SQUARE and recipe.height != recipe.width_px:
        raise BadInputError(
            f"height and width_px of {recipe.classifier} must be the same, got {recipe.shape}"
        )
    shards = open_device_shards(folder)
    unknown = [name for name in recipe.kinds if name not in shards.kinds]
    if unknown:
        raise BadInputError(f"kinds: {unknown[0]} is none of {', '.join(shards.kinds) or 'none'}")
    if recipe.level == "scan" and not shards.scans:
        raise BadInputError(
            f"{folder}: holds no whole scans, in which alone {recipe.classifier} finds devices"
        )
    return shards, recipe


def build_batches(recipe: AnomalyRecipe, shards: DeviceShards) -> AnomalyBatches:
    """Devices, or pictures of them.

    Raises:
        BadInputError: If there is nothing to learn from.
    """
    batches = AnomalyBatches(shards, recipe)
    if recipe.level == "scan":
        return batches
    benign, anomalous = batches.rows_of
    if recipe.level == "twins" and not batches.beside:
        raise BadInputError(f"{recipe.classifier} learns from devices beside their twins, and there are none")
    if recipe.level == "places" and not batches.concealing:
        raise BadInputError("it is known of no device where something is concealed; train anomaly_object")
    if recipe.level in ("part", "object") and not (len(benign) and len(anomalous)):
        raise BadInputError(
            f"a {recipe.level} must be there of both kinds, got {len(benign)} benign and {len(anomalous)}"
            " anomalous"
        )
    return batches


def begin(recipe: AnomalyRecipe, model: nn.Module, shards: DeviceShards) -> None:
    """What a classifier begins with instead of chance, from the first training pictures."""
    if isinstance(model, PartClassifier):
        batches, first = AnomalyBatches(shards, recipe), []
        rng = np.random.default_rng((recipe.training.seed, 2))
        for number in range(BEGIN_WITH):
            first.append(batches.picture(rng, int(rng.choice(batches.rows_of[number % 2]))))
        model.begin(as_images(first), torch.arange(len(first)) % 2)


def loss_of(recipe: AnomalyRecipe) -> Loss:
    """Cross-entropy of places, or the losses of whatever else is trained."""

    def places(model: nn.Module, batch: PlaceBatch) -> Mapping[str, Tensor]:
        # in one pass, so that normalisation sees in training what it averages for use
        logits = model(torch.cat([batch.images, batch.scans]))
        close, wide = logits.split([len(batch.images), len(batch.scans)])
        found = dense_loss(close[:, HIDDEN, None], batch.hidden, batch.device)
        devices = finding_loss(wide[:, DEVICE, None], batch.found)
        return {**found, "loss": found["loss"] + devices, "devices": devices}

    def pictures(model: Any, batch: PictureBatch) -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = model.losses(batch.images, batch.labels)
        return found

    def scans(model: Any, batch: ScanBatch) -> Mapping[str, Tensor]:
        found = model.losses(batch.images, batch.masks)
        return {"loss": torch.stack(list(found.values())).sum(), **found}

    def twins(model: Any, batch: TwinBatch) -> Mapping[str, Tensor]:
        found: Mapping[str, Tensor] = model.losses(*batch)
        return found

    kinds: dict[str, Loss] = {"places": places, "twins": twins, "scan": scans}
    return kinds.get(recipe.level, pictures)


def rows_of(shards: DeviceShards, limit: int | None) -> NDArray[np.int64]:
    """The first devices."""
    return np.arange(len(shards) if limit is None else min(limit, len(shards)))


def watch(recipe: AnomalyRecipe, shards: DeviceShards) -> Evaluate:
    """Areas under curves on the first devices, or how well they are found."""

    def find(model: nn.Module) -> Mapping[str, float]:
        return {"iou": finding_figures(finder_of(recipe, model), shards, WATCHED)["iou"] or 0.0}

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        judged = judge(recipe, model, shards, rows_of(shards, WATCHED))
        return {"part_auc": figures.figures(judged, shards, None)["part_auc"]}

    return find if recipe.level == "scan" else evaluate


def calibrate(recipe: AnomalyRecipe, model: nn.Module, shards: DeviceShards, limit: int | None) -> Json:
    """Probabilities, the fusion, thresholds.

    Raises:
        BadInputError: If nothing can be chosen on this data, or for this model.
    """
    if recipe.level == "scan":
        raise BadInputError(
            f"{recipe.classifier} finds devices and judges none: there is nothing to calibrate"
        )
    try:
        chosen = figures.calibrate(judge(recipe, model, shards, rows_of(shards, limit)))
    except ValueError as error:
        raise BadInputError(f"cannot calibrate: {error}") from error
    return {**chosen, "rule": dict(shards.rule)}


def measure(
    recipe: AnomalyRecipe, model: nn.Module, shards: DeviceShards, chosen: Json | None, limit: int | None
) -> Json:
    """Figures on a test set; of a model that sees whole scans also how well it finds devices."""
    finds = recipe.level in ("places", "scan")
    found = finding_figures(finder_of(recipe, model), shards, limit) if finds else {}
    if recipe.level == "scan":
        return {"finding": found}
    judged = figures.figures(judge(recipe, model, shards, rows_of(shards, limit)), shards, chosen)
    return {**judged, "finding": found} if found else judged


def export(recipe: AnomalyRecipe, model: nn.Module, request: ExportRequest) -> dict[str, float]:
    """See `beltline.systems.anomaly.export.export_anomaly`.

    Raises:
        BadInputError: If the model looks at single pictures, which costs too much time at a belt.
    """
    if not isinstance(model, DenseAnomaly):
        raise BadInputError(
            f"{recipe.classifier} looks at single pictures and is for comparison; export classifier=dense"
        )
    chosen = request.calibration
    how = {name: chosen[name] for name in ("fusion", "gate", "part_threshold", "rule") if name in chosen}
    card = make_card(
        request.name,
        (ANOMALY,),
        recipe.height,
        thresholds=chosen["thresholds"],
        calibration=chosen["calibration"],
        details={**request.card, "anomaly": how},
        task="anomaly",
    )
    return export_anomaly(model, request.path, card, half_weights=request.half_weights)


def uses_of(recipe: AnomalyRecipe, shards: DeviceShards) -> tuple[Use[AnomalyRecipe], ...]:
    """Fields that do not count always."""
    never = "in no anomaly model: a picture is of one device"
    names = ("montage", "amplitude_swap", "amplitude_from")
    idle: list[Use[AnomalyRecipe]] = [Use(f"augmentation.{name}", lambda r: False, never) for name in names]
    return (
        Use("size", lambda r: r.level != "places", "with any classifier but dense"),
        Use("width", lambda r: r.level == "places", "with classifier=dense"),
        Use("scans", lambda r: r.level == "places", "with classifier=dense"),
        Use("twins", lambda r: r.level == "places", "with classifier=dense"),
        Use(
            "weights",
            lambda r: r.level not in ("places", "twins"),
            "with a part classifier or Mask R-CNN",
        ),
        *idle,
    )


SYSTEM: System[AnomalyRecipe, DeviceShards] = System(
    name="anomaly",
    recipes={
        "anomaly_dense": AnomalyRecipe,
        "anomaly_part": anomaly_part,
        "anomaly_object": anomaly_object,
        "anomaly_paper": anomaly_paper,
        "anomaly_draem": anomaly_draem,
        "anomaly_scan": anomaly_scan,
    },
    open=open_data,
    build=build_model,
    batches=build_batches,
    loss=loss_of,
    uses=uses_of,
    start=start_from,
    begin=begin,
    backbone=trunk_of,
    watch=watch,
    calibrate=calibrate,
    measure=measure,
    table=figures.table,
    export=export,
)
