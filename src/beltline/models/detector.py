"""The interface of every detector: a loss of images and boxes, and boxes of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

MEAN, SPREAD = 0.8, 0.25  # of scans, which are mostly white


class Target(NamedTuple):
    """What is in one image.

    Attributes:
        boxes: (M, 4) float32, x1, y1, x2, y2 in pixels.
        labels: (M,) int64 from 0.
    """

    boxes: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image, best first.

    Attributes:
        boxes: (M, 4) float32, x1, y1, x2, y2 in pixels.
        labels: (M,) int64 from 0.
        scores: (M,) float32 in [0, 1].
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor


class ObjectDetector(nn.Module, ABC):
    """A detector of any make; images are (B, 3, H, W) in [0, 1], not normalised."""

    def forward(self, images: Tensor, targets: Sequence[Target] | None = None) -> Any:
        """`loss` where targets are given, else `predict`."""
        return self.predict(images) if targets is None else self.loss(images, targets)

    @abstractmethod
    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """Named losses of a batch, scalars; their sum is to be minimised."""

    @abstractmethod
    def predict(self, images: Tensor) -> list[Detections]:
        """Boxes in each image."""
