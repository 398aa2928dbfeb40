"""Recipes of CHR: hyperparameters, the network and the loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from beltline.core import STARTER_CLASSES
from beltline.models.backbones import Pretrained, Triple, expected_input
from beltline.models.chr import (
    Chr,
    ChrOutput,
    LossMode,
    Normalise,
    Pooling,
    Variant,
    Wiring,
    build_chr,
    cam_mask_loss,
    class_balanced_loss,
    hierarchical_cross_entropy,
)
from beltline.models.multilabel_losses import asymmetric_loss
from beltline.models.normalisation import Normalisation, normalisation_of
from beltline.training.augment import AugmentationRange
from beltline.training.loop import Loss
from beltline.training.settings import TrainingSettings
from beltline.training.shards import Batch

STARTER_TRAINING = TrainingSettings(batch_size=32)
BACKBONE = "classifier.backbone."  # how the names of the backbone's tensors begin in a `Normalised`
SIDE = 32  # crops and scans are multiples of it, the coarsest stage's stride


@dataclass(frozen=True)
class ChrRecipe:
    """Hyperparameters of the classifier; every field can be set from the command line.

    Attributes:
        classes: Classes in order; empty for those of the list that is trained on.
        backbone: Name in timm.
        backbone_channels: Widths of the four ResNet stages, empty for the backbone's own.
        variant: plain, H, CH, HR or CHR.
        wiring: released, or light for less added cost on wide backbones.
        pooling: avg as in the paper; lse or topk for small objects and mask supervision.
        loss: ``bce`` (class-balanced according to variant and ``loss_mode``), ``asymmetric``, or
            ``cross_entropy`` for images of exactly one class.
        loss_mode: See `beltline.models.chr.keep_negatives`; used where the variant has a C.
        epsilon: Same.
        normalise: Same.
        mask_weight: Weight of the mask supervision of every stage's class map; 0 is the paper.
        crop_height: Height of the training crops, a multiple of 32; 0 for the backbone's, see `with_sides`.
        crop_width: Width of the training crops, likewise.
        warp: Side to which image files of a list are warped before the crop; shards are cropped as they are.
            0 for the backbone's.
        long_side: Longer side of the scans at screening, a multiple of 32, to which shards of larger ones are
            brought down; the square side to which image files are warped when measured. 0 for the
            backbone's.
        sampling: ``balanced`` repeats the positives of a list until they are as many as the negatives.
        epochs: Passes over a list of image files, which then decide the steps; 0 leaves it to ``steps``.
        normalisation: ``xray`` about the mean of scans, ``backbone`` as its ImageNet weights expect it, or
            ``imagenet``: as most of them do, and as earlier runs did with all of them.
        pretrained: Start from the backbone's ImageNet weights: ``package`` for those that lie in a package,
            as EfficientNet-Lite0's; true fetches others by the network.
        backbone_weights: File of backbone weights, for machines without one; empty for none.
        augmentation: Ranges.
        training: Steps, rate, precision, start.
    """

    classes: tuple[str, ...] = STARTER_CLASSES
    backbone: str = "resnet10t"
    backbone_channels: tuple[int, ...] = (48, 96, 192, 384)
    variant: Variant = "CHR"
    wiring: Wiring = "released"
    pooling: Pooling = "lse"
    loss: Literal["bce", "asymmetric", "cross_entropy"] = "bce"
    loss_mode: LossMode = "drop_easy"
    epsilon: float = 0.05
    normalise: Normalise = "all"
    mask_weight: float = 1.0
    crop_height: int = 320
    crop_width: int = 320
    warp: int = 256
    long_side: int = 448
    sampling: Literal["natural", "balanced"] = "natural"
    epochs: float = 0.0
    normalisation: Normalisation = "xray"
    pretrained: Pretrained = False
    backbone_weights: str = ""
    augmentation: AugmentationRange = field(default_factory=AugmentationRange)
    training: TrainingSettings = STARTER_TRAINING


def chr_lite0() -> ChrRecipe:
    """The starter that ships: EfficientNet-Lite0 from its ImageNet weights, out of a package."""
    return ChrRecipe(
        classes=(),
        backbone="EfficientNet-Lite0",
        backbone_channels=(),
        wiring="light",
        normalisation="backbone",
        pretrained="package",
        crop_height=320,
        crop_width=320,
        long_side=512,
        training=TrainingSettings(batch_size=16, lr=7e-4),
    )


class Normalised(nn.Module):
    """The classifier with its input normalisation: takes (B, 3, H, W) in 0..1, white = air."""

    mean: Tensor
    spread: Tensor

    def __init__(self, classifier: Chr, normalisation: tuple[Triple, Triple]) -> None:
        super().__init__()
        self.classifier = classifier
        for name, values in zip(("mean", "spread"), normalisation, strict=True):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, image: Tensor) -> ChrOutput:
        """See `Chr.forward`."""
        output: ChrOutput = self.classifier((image - self.mean) / self.spread)
        return output


def options_of(recipe: ChrRecipe) -> dict[str, Any]:
    """What timm is told of the recipe's backbone beside its name."""
    return {"channels": recipe.backbone_channels} if recipe.backbone_channels else {}


def build_model(recipe: ChrRecipe) -> Normalised:
    """The recipe's network with weights drawn from its seed."""
    torch.manual_seed(recipe.training.seed)
    classifier = build_chr(
        recipe.backbone,
        len(recipe.classes),
        backbone_options=options_of(recipe),
        variant=recipe.variant,
        wiring=recipe.wiring,
        pooling=recipe.pooling,
    )
    return Normalised(classifier, normalisation_of(recipe.normalisation, recipe.backbone))


def with_sides(recipe: ChrRecipe) -> ChrRecipe:
    """The recipe with sides that it leaves open (0) as its backbone's weights expect them.

    Crops and scans get the side of the weights, up to the next multiple of 32: 224, and 320 for the 299 of
    Inception-v3. Files are warped to an eighth more, 256 of 224 as in the released code.
    """
    side = -(-expected_input(recipe.backbone).size // SIDE) * SIDE
    return replace(
        recipe,
        crop_height=recipe.crop_height or side,
        crop_width=recipe.crop_width or side,
        long_side=recipe.long_side or side,
        warp=recipe.warp or round(side * 8 / 7),
    )


def classifier_of(model: nn.Module) -> Chr:
    """The `Chr` inside a model of `build_model`, whatever Fabric wrapped around it."""
    inner = getattr(model, "module", model)
    found = getattr(inner, "classifier", inner)
    if not isinstance(found, Chr):
        raise TypeError(f"expected a model of build_model, got {type(model).__name__}")
    return found


def build_loss(recipe: ChrRecipe) -> Loss:
    """Image loss of the variant plus, where ``mask_weight`` > 0, mask supervision of every stage's map."""
    mode: LossMode = recipe.loss_mode if recipe.variant in ("CH", "CHR") else "all"

    def image_loss(logits: Tensor, labels: Tensor) -> Tensor:
        if recipe.loss == "asymmetric":
            return asymmetric_loss(logits, labels)
        if recipe.loss == "cross_entropy":
            return hierarchical_cross_entropy(logits, labels.argmax(1))
        return class_balanced_loss(
            logits, labels, mode=mode, epsilon=recipe.epsilon, normalise=recipe.normalise
        )

    def loss(model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        output: ChrOutput = model(batch.image)
        image_term = image_loss(output.logits, batch.labels)
        if recipe.mask_weight == 0:
            return {"loss": image_term}
        heads = classifier_of(model).cams_with_bias(output)
        mask_term = torch.stack([cam_mask_loss(cam, batch.masks) for cam in heads]).mean()
        return {"loss": image_term + recipe.mask_weight * mask_term, "image": image_term, "mask": mask_term}

    return loss
