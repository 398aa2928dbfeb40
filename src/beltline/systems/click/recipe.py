"""The recipe of click models: a small network on windows of simulated bags, and its rivals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from beltline.models.backbones import Pretrained
from beltline.models.click import ClickModel
from beltline.models.normalisation import Normalisation
from beltline.systems.click.prompts import Points
from beltline.training.augment import AugmentationRange
from beltline.training.settings import TrainingSettings


def _augmentation() -> AugmentationRange:
    # windows are drawn about clicks and objects, so that nothing is enlarged or shifted a second time
    return AugmentationRange(zoom=(1.0, 1.0), shift=0.0, amplitude_swap=0.0)


def _training() -> TrainingSettings:
    return TrainingSettings(lr=1e-3, frozen_stages=3, frozen_norm=True)


@dataclass(frozen=True)
class ClickRecipe:
    """Hyperparameters of a click model; every field can be set from the command line.

    Attributes:
        backbone: One with levels at strides 4, 8, 16 and 32, display name or a name in timm.
        backbone_channels: Widths of the four ResNet stages, empty for the backbone's own.
        normalisation: See `beltline.models.normalisation`.
        pretrained: Start from ImageNet weights, see `beltline.systems.chr.recipe`.
        width: Channels of the pyramid.
        side: Of the network's image in training and in use, pixels, a multiple of 32.
        energy: Whether the largest and smallest colour, or the two transmissions, enter.
        zoom: Whether there is a second, closer look.
        points: What the second look adds to the click: ``apg``, ``random`` or ``none``.
        threats: Share of prohibited things among the objects drawn, which is what users click on most.
        boxes: Share of the prompts that have a box, every second one nothing else.
        close: Share of the looks that are as close as a second one in use, or one around a box.
        augmentation: Flips, turns and colours; nothing is enlarged or shifted here.
        training: Steps, rate, precision, start. ``init`` takes a click model with the same network, or a
            classifier with the same backbone.
    """

    backbone: str = "EfficientNet-Lite0"
    backbone_channels: tuple[int, ...] = ()
    normalisation: Normalisation = "backbone"
    pretrained: Pretrained = "package"
    width: int = 64
    side: int = 256
    energy: bool = True
    zoom: bool = True
    points: Points = "apg"
    threats: float = 0.5
    boxes: float = 0.15
    close: float = 0.5
    augmentation: AugmentationRange = field(default_factory=_augmentation)
    training: TrainingSettings = field(default_factory=_training)


def click_resnet() -> ClickRecipe:
    """The arm beside the one that ships: a narrow ResNet-18 from random weights, nothing held still."""
    return ClickRecipe(
        backbone="resnet18",
        backbone_channels=(32, 64, 128, 256),
        normalisation="xray",
        pretrained=False,
        training=TrainingSettings(lr=1e-3),
    )


def options_of(recipe: ClickRecipe) -> dict[str, Any]:
    """What timm is told of the recipe's backbone beside its name."""
    return {"channels": recipe.backbone_channels} if recipe.backbone_channels else {}


def build_model(recipe: ClickRecipe) -> ClickModel:
    """The recipe's network with weights drawn from its seed.

    Raises:
        ValueError: If the backbone has other levels.
    """
    torch.manual_seed(recipe.training.seed)
    return ClickModel(
        backbone=recipe.backbone,
        width=recipe.width,
        energy=recipe.energy,
        normalisation=recipe.normalisation,
        **options_of(recipe),
    )
