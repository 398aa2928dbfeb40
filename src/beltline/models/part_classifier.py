"""The interface of every classifier of devices and their parts: is something hidden in this picture?

Source:
    The task, its sizes and its table of classifiers: Durham's paper on object and sub-component level anomaly
    detection in X-ray scans of electronics. It trains all of them by cross-entropy from ImageNet weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from beltline.core.errors import ShapeError
from beltline.models.part_trunks import Trunk

CLASSES = 2  # benign, anomalous
LEAST_SIDE = 64  # pixels
CHUNK = 16  # pictures that `trunk_features` looks at together


class PartClassifier(nn.Module, ABC):
    """Is something hidden in this picture of a device, or of a part of one?

    Attributes:
        trunk: What starts from ImageNet weights, so that training can freeze it or give it a smaller rate;
            all else is drawn at random. `beltline.models.backbones.load_backbone_weights` reads a file of it.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        for name, values in (("mean", trunk.mean), ("spread", trunk.spread)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 2) of benign and anomalous.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], white is air, not normalised; H and W from 64 px on.

        Raises:
            ShapeError: If the shape is another.
        """
        return self.logits(self.normalised(images))

    @abstractmethod
    def logits(self, normalised: Tensor) -> Tensor:
        """Logits (B, 2) of images as the trunk expects them, (B, 3, H, W)."""

    def losses(self, images: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """What to minimise, "loss", and the parts that it is made of; plain cross-entropy has none.

        Args:
            images: As for `forward`.
            labels: (B,) int64: 0 benign, 1 anomalous.

        Raises:
            ShapeError: If one of the shapes is another.
            ValueError: If the labels are not int64.
        """
        check_labels(images, labels)
        return {"loss": cross_entropy(self(images), labels)}

    def begin(self, images: Tensor, labels: Tensor) -> None:  # most have nothing to begin
        """Start from training pictures what is not drawn at random; call it once, before the first step.

        Args:
            images: Training pictures (N, 3, H, W), as for `forward`.
            labels: (N,) int64, both classes among them.
        """

    def normalised(self, images: Tensor) -> Tensor:
        """Images as the trunk expects them.

        Raises:
            ShapeError: If they are not (B, 3, H, W), H and W from 64 px on.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < LEAST_SIDE:
            raise ShapeError(
                f"expected images (B, 3, H, W), H and W from {LEAST_SIDE} px on, got {tuple(images.shape)}"
            )
        return (images - self.mean) / self.spread

    def trunk_features(self, images: Tensor) -> Iterator[list[Tensor]]:
        """The trunk's levels, some pictures at a time, in eval mode and without gradients; for `begin`."""
        with torch.no_grad(), _in_use(self):
            for chunk in images.split(CHUNK):
                yield self.trunk(self.normalised(chunk.to(self.mean.device)))


def check_labels(images: Tensor, labels: Tensor) -> None:
    """Raise what `PartClassifier.losses` says of labels."""
    if labels.shape != images.shape[:1]:
        raise ShapeError(f"expected labels ({len(images)},), got {tuple(labels.shape)}")
    if labels.dtype != torch.int64:
        raise ValueError(f"expected labels of int64, 0 benign and 1 anomalous, got {labels.dtype}")


@contextmanager
def _in_use(model: nn.Module) -> Iterator[None]:
    """Eval mode, and back to each module's own."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
