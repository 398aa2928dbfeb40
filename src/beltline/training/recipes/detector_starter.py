"""The recipe of detectors: a small one-stage net on simulated bags, or any net of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import nn

from beltline.models.detection import Detector, build_detector
from beltline.models.detection_small import SmallDetector
from beltline.training.augment import AugmentationRange
from beltline.training.loop import FitOptions
from beltline.training.schedule import constant, cosine
from beltline.training.weight_decay import decay_groups

STARTER = "Starter"


@dataclass(frozen=True)
class DetectorRecipe:
    """Hyperparameters of a detector; every field can be set from the command line.

    Attributes:
        recipe: Name that the recipe is known by.
        classes: Classes in order; empty for those of the set that is trained on.
        detector: Key of `beltline.models.detection.DETECTORS`.
        backbone: Of the starter: name in timm with levels at strides 8, 16 and 32.
        backbone_channels: Of the starter: widths of the four ResNet stages, empty for the backbone's own.
        width: Of the starter: channels of pyramid and head.
        convolutions: Of the starter: of each branch of the head.
        long_side: Longer side of the scans in training and in use, a multiple of 32.
        crop_height: Height of the training crops, a multiple of 32.
        crop_width: Width of the training crops, a multiple of 32.
        batch_size: Scans a step.
        accumulate: Batches a step.
        lr: Peak learning rate of AdamW.
        weight_decay: Not applied to biases and normalisation.
        schedule: ``cosine`` to 0, or ``constant``.
        warmup: Share of the run.
        steps: Upper bound of optimizer steps.
        max_minutes: Planned length; the schedule anneals to 0 by then.
        ema_decay: Averaged weights; 0 for none.
        precision: Fabric's name, for example bf16-mixed or 32-true.
        seed: Of weights, order and augmentation.
        workers: Threads that prepare batches.
        init: Folder of an earlier run, or name of a shipped model, to start from: a detector with the same
            network, or, for the starter, a classifier with its backbone; empty for random weights.
        augmentation: Ranges; tilts are 0 because upright boxes around tilted ones are too large.
    """

    recipe: Literal["detector_starter", "detector_detr"] = "detector_starter"
    classes: tuple[str, ...] = ()
    detector: str = STARTER
    backbone: str = "resnet18"
    backbone_channels: tuple[int, ...] = (32, 64, 128, 256)
    width: int = 48
    convolutions: int = 2
    long_side: int = 640
    crop_height: int = 448
    crop_width: int = 640
    batch_size: int = 16
    accumulate: int = 1
    lr: float = 2e-3
    weight_decay: float = 0.02
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: float = 0.03
    steps: int = 20_000
    max_minutes: float | None = None
    ema_decay: float = 0.998
    precision: str = "bf16-mixed"
    seed: int = 0
    workers: int = 1
    init: str = ""
    augmentation: AugmentationRange = field(default_factory=lambda: AugmentationRange(tilt_deg=0.0))


def detector_detr() -> DetectorRecipe:
    """RT-DETRv2, narrow: a lower learning rate and a longer warm-up than convolutions need."""
    return DetectorRecipe(
        recipe="detector_detr", detector="RT-DETRv2 small", lr=4e-4, weight_decay=1e-4, warmup=0.05
    )


#: Recipes of ``beltline train detector`` by name.
DETECTOR_RECIPES: Mapping[str, Callable[[], DetectorRecipe]] = {
    "detector_starter": DetectorRecipe,
    "detector_detr": detector_detr,
}


def build_model(recipe: DetectorRecipe) -> Detector:
    """The recipe's network with weights drawn from its seed.

    Raises:
        ValueError: If the table has no such detector.
    """
    torch.manual_seed(recipe.seed)
    if recipe.detector != STARTER:
        return build_detector(recipe.detector, len(recipe.classes), recipe.long_side)
    options = {"channels": recipe.backbone_channels} if recipe.backbone_channels else {}
    return SmallDetector(
        len(recipe.classes),
        backbone=recipe.backbone,
        width=recipe.width,
        convolutions=recipe.convolutions,
        **options,
    )


def build_optimizer(recipe: DetectorRecipe, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW; weights of two and more dimensions decay."""
    return torch.optim.AdamW(decay_groups(model, recipe.weight_decay), lr=recipe.lr, betas=(0.9, 0.99))


def fit_options(recipe: DetectorRecipe, **changes: Any) -> FitOptions:
    """Options of the loop from a recipe."""
    values: dict[str, Any] = {
        "max_minutes": recipe.max_minutes,
        "schedule": cosine(warmup=recipe.warmup) if recipe.schedule == "cosine" else constant(),
        "accumulate": recipe.accumulate,
        "ema_decay": recipe.ema_decay or None,
    }
    return FitOptions(**{**values, **changes})


def build_fabric(recipe: DetectorRecipe) -> Fabric:
    """One device: a GPU where there is one, else the CPU, at the recipe's precision."""
    return Fabric(accelerator="auto", devices=1, precision=recipe.precision)  # type: ignore[arg-type]


def as_json(recipe: DetectorRecipe) -> dict[str, Any]:
    """The recipe as plain values."""
    return asdict(recipe)
