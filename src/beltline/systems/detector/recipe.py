"""The recipe of detectors: a small one-stage net on simulated bags, or any net of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from beltline.models.backbones import Pretrained
from beltline.models.detection import ObjectDetector, build_detector
from beltline.models.detection_small import SmallDetector
from beltline.models.normalisation import Normalisation
from beltline.training.augment import AugmentationRange
from beltline.training.settings import TrainingSettings

STARTER = "Starter"


@dataclass(frozen=True)
class DetectorRecipe:
    """Hyperparameters of a detector; every field can be set from the command line.

    Attributes:
        classes: Classes in order; empty for those of the set that is trained on.
        detector: Key of `beltline.models.detection.DETECTORS`.
        backbone: Of the starter: one with levels at strides 8, 16 and 32, display name or a name in timm.
        backbone_channels: Of the starter: widths of the four ResNet stages, empty for the backbone's own.
        normalisation: Of the starter: see `beltline.models.normalisation`.
        pretrained: Of the starter: start from ImageNet weights, see `beltline.systems.chr.recipe`.
        width: Of the starter: channels of pyramid and head.
        convolutions: Of the starter: of each branch of the head.
        long_side: Longer side of the scans in training and in use, a multiple of 32.
        crop_height: Height of the training crops, a multiple of 32.
        crop_width: Width of the training crops, a multiple of 32.
        augmentation: Ranges; tilts are 0 because upright boxes around tilted ones are too large.
        training: Steps, rate, precision, start. ``init`` takes a detector with the same network, or, for the
            starter, a classifier with its backbone.
    """

    classes: tuple[str, ...] = ()
    detector: str = STARTER
    backbone: str = "resnet18"
    backbone_channels: tuple[int, ...] = (32, 64, 128, 256)
    normalisation: Normalisation = "xray"
    pretrained: Pretrained = False
    width: int = 48
    convolutions: int = 2
    long_side: int = 640
    crop_height: int = 448
    crop_width: int = 640
    augmentation: AugmentationRange = field(default_factory=lambda: AugmentationRange(tilt_deg=0.0))
    training: TrainingSettings = field(default_factory=TrainingSettings)


def detector_lite0() -> DetectorRecipe:
    """The starter that ships: EfficientNet-Lite0 from its ImageNet weights, out of a package."""
    return DetectorRecipe(
        backbone="EfficientNet-Lite0",
        backbone_channels=(),
        normalisation="backbone",
        pretrained="package",
        width=64,
        crop_height=384,
        crop_width=448,
        training=TrainingSettings(lr=7e-4),
    )


def detector_detr() -> DetectorRecipe:
    """RT-DETRv2, narrow: a lower learning rate and a longer warm-up than convolutions need."""
    return DetectorRecipe(
        detector="RT-DETRv2 small", training=TrainingSettings(lr=4e-4, weight_decay=1e-4, warmup=0.05)
    )


def options_of(recipe: DetectorRecipe) -> dict[str, Any]:
    """What timm is told of the recipe's backbone beside its name."""
    return {"channels": recipe.backbone_channels} if recipe.backbone_channels else {}


def build_model(recipe: DetectorRecipe) -> ObjectDetector:
    """The recipe's network with weights drawn from its seed.

    Raises:
        ValueError: If the table has no such detector.
    """
    torch.manual_seed(recipe.training.seed)
    if recipe.detector != STARTER:
        return build_detector(recipe.detector, len(recipe.classes), recipe.long_side)
    return SmallDetector(
        len(recipe.classes),
        backbone=recipe.backbone,
        width=recipe.width,
        convolutions=recipe.convolutions,
        normalisation=recipe.normalisation,
        **options_of(recipe),
    )
