"""The recipes of anomaly models: what looks, at what, and how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import torch
from torch import nn

from beltline.core import BadInputError
from beltline.core.device_parts import OBJECT_SIZE, PART_SIZE
from beltline.formats.device_shards import SCAN_SIDE
from beltline.models.backbones import feature_backbone, load_backbone_weights
from beltline.models.dense_anomaly import DenseAnomaly
from beltline.models.draem import Draem, draem
from beltline.models.mask_rcnn import MaskRcnn
from beltline.models.part_classifiers import PartClassifier, Size, build_part_classifier
from beltline.training.augment import AugmentationRange
from beltline.training.initial import read_start, take_over
from beltline.training.settings import TrainingSettings

#: What a model is asked about: every place of a device in one pass, the same beside the benign device that it
#: draws, each part alone, the device whole, or a whole scan, where in it devices are.
Level = Literal["places", "twins", "part", "object", "scan"]
DENSE, DRAEM, MASK_RCNN = "dense", "DRAEM", "Mask R-CNN"
#: Classifiers that go with one level alone.
LEVEL_OF: Mapping[str, Level] = MappingProxyType({DENSE: "places", DRAEM: "twins", MASK_RCNN: "scan"})
DENSE_BACKBONE = "EfficientNet-Lite0"


def _augmentation() -> AugmentationRange:
    # devices are cut out on pure white in use, so that no tint may colour the air here
    return AugmentationRange(zoom=(0.8, 1.05), aspect=0.1, tint=0.0, amplitude_swap=0.0)


def _training() -> TrainingSettings:
    return TrainingSettings(lr=1e-3)


@dataclass(frozen=True)
class AnomalyRecipe:
    """Hyperparameters of an anomaly model; every field can be set from the command line.

    Attributes:
        classifier: ``dense`` for `DenseAnomaly`, ``DRAEM``, ``Mask R-CNN`` for `MaskRcnn`, else a name of
            `beltline.models.part_classifiers`.
        level: What it is asked about: ``places`` with ``dense``, ``twins`` with ``DRAEM``, ``scan`` with
            ``Mask R-CNN``, else ``part`` or ``object``.
        size: Of all but ``dense``: ``published``, ``small`` or ``tiny``.
        height: Of the picture that it sees, pixels.
        width_px: Its width.
        width: Channels of the dense model's pyramid.
        scans: Whole scans in each of its batches, in which it learns to find devices.
        kinds: What is taught of what is concealed, as the set names it; empty for all kinds.
        hardest: Difficulty up to which it is taught, in (0, 1]; what is hidden well teaches little, and at
            first it is noise. Where the difficulty is not known all is taught.
        twins: Whether batches of the dense model hold devices beside their twins, which the batch's
            statistics tell apart: a first stage that learns faster where to look, and of devices by
            themselves little. A second one without it starts from there (``init``).
        weights: File with ImageNet weights of a published trunk; empty takes a package's where there are any,
            and leaves random ones where not.
        augmentation: Flips, turns and colours.
        training: Steps, rate, precision, start.
    """

    classifier: str = DENSE
    level: Level = "places"
    size: Size = "small"
    height: int = 256
    width_px: int = 256
    width: int = 64
    scans: int = 4
    kinds: tuple[str, ...] = ()
    hardest: float = 1.0
    twins: bool = False
    weights: str = ""
    augmentation: AugmentationRange = field(default_factory=_augmentation)
    training: TrainingSettings = field(default_factory=_training)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.height, self.width_px


def anomaly_part() -> AnomalyRecipe:
    """A classifier of single parts, small enough for a CPU."""
    height, width = PART_SIZE
    return AnomalyRecipe("EfficientNet-Lite0", "part", "small", height, width)


def anomaly_object() -> AnomalyRecipe:
    """The same of whole devices."""
    height, width = OBJECT_SIZE
    return AnomalyRecipe("EfficientNet-Lite0", "object", "small", height, width)


def anomaly_paper() -> AnomalyRecipe:
    """Durham's best: DFL on VGG-16, parts of 190x150, SGD with momentum 0.9 and rate 0.001, batches of 64."""
    height, width = PART_SIZE
    training = TrainingSettings(
        batch_size=64,
        optimizer="sgd",
        lr=1e-3,
        weight_decay=0.0,
        schedule="constant",
        warmup=0.0,
        ema_decay=0.0,
    )
    return AnomalyRecipe("DFL", "part", "published", height, width, training=training)


def anomaly_draem() -> AnomalyRecipe:
    """DRAEM, which draws the benign device and tells what differs; taught by twins, not by textures."""
    return AnomalyRecipe(DRAEM, "twins", "small", 192, 192)


def anomaly_scan() -> AnomalyRecipe:
    """Mask R-CNN that finds the devices in a scan, small enough for a CPU."""
    training = TrainingSettings(batch_size=4, lr=5e-4)
    return AnomalyRecipe(MASK_RCNN, "scan", "small", SCAN_SIDE, SCAN_SIDE, training=training)


def build_model(recipe: AnomalyRecipe) -> nn.Module:
    """The recipe's network, weights drawn from its seed.

    Raises:
        ValueError: If there is no such classifier, or it does not fit the level.
    """
    torch.manual_seed(recipe.training.seed)
    owner = LEVEL_OF.get(recipe.classifier)
    if recipe.level != owner and (owner or recipe.level in LEVEL_OF.values()):
        each = " and ".join(f"level {level} with classifier {name}" for name, level in LEVEL_OF.items())
        raise ValueError(f"{each} alone go together, got {recipe.level} and {recipe.classifier}")
    if recipe.classifier == DENSE:
        return DenseAnomaly(width=recipe.width)
    if recipe.classifier == DRAEM:
        return draem(recipe.size)
    if recipe.classifier == MASK_RCNN:
        return MaskRcnn(recipe.size, side=recipe.height)
    return build_part_classifier(recipe.classifier, size=recipe.size, pretrained=False)


def start_from(recipe: AnomalyRecipe, model: nn.Module) -> None:
    """ImageNet weights of the trunk, from the recipe's file or a package; or those of an earlier run.

    Raises:
        BadInputError: If they do not fit.
    """
    if recipe.training.init:
        take_over(model, read_start(recipe.training.init), ())
    elif isinstance(model, DenseAnomaly):
        pretrained = feature_backbone(DENSE_BACKBONE, stages=4, pretrained="package")
        model.body.load_state_dict(pretrained.state_dict())
    elif isinstance(model, Draem):
        return  # it has no pretrained part
    elif isinstance(model, MaskRcnn) and not recipe.weights:
        with suppress(BadInputError):  # the published trunk comes in no package
            packaged = MaskRcnn(recipe.size, side=recipe.height, pretrained="package")
            model.body.load_state_dict(packaged.body.state_dict())
    elif recipe.weights:
        trunk = trunk_of(model)
        assert trunk is not None
        load_backbone_weights(trunk, Path(recipe.weights))
    else:
        begun, trunk = build_part_classifier(recipe.classifier, size=recipe.size), trunk_of(model)
        assert trunk is not None
        trunk.load_state_dict(begun.trunk.backbone.state_dict())


def trunk_of(model: nn.Module) -> nn.Module | None:
    """The part of a model that begins with ImageNet weights; None where none does."""
    if isinstance(model, Draem):
        return None
    if isinstance(model, DenseAnomaly | MaskRcnn):
        return model.body
    assert isinstance(model, PartClassifier)
    return model.trunk.backbone
