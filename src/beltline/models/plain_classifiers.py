"""The paper's plain classifiers: a trunk and the head that it was published with, for two classes.

Source:
    Durham's paper names VGG-16, SqueezeNet and ResNet-18/50; heads are torchvision's. That EfficientNet-Lite0
    has one linear layer on its last stage, without its convolution of 1280, is reconstructed, and so are the
    narrow heads of the small sizes.
"""

from __future__ import annotations

from torch import Tensor, nn

from beltline.models.part_classifier import CLASSES, PartClassifier
from beltline.models.part_trunks import Trunk

FULLY_CONNECTED = 512  # of the small VGG head; the published one has 4096 and is part of its trunk
CELLS = 3  # a side of what it sees


class PlainClassifier(PartClassifier):
    """A head on the last level of a trunk, trained by cross-entropy.

    Args:
        trunk: See `beltline.models.part_trunks`.
        head: From (B, C, h, w), or (B, C), to logits (B, 2).

    Example:
        >>> import torch
        >>> from beltline.models.part_trunks import tiny_trunk
        >>> model = pooled(tiny_trunk()).eval()
        >>> model(torch.rand(1, 3, 190, 150)).shape
        torch.Size([1, 2])
    """

    def __init__(self, trunk: Trunk, head: nn.Module) -> None:
        super().__init__(trunk)
        self.head = head

    def logits(self, normalised: Tensor) -> Tensor:
        """See `PartClassifier`."""
        found: Tensor = self.head(self.trunk(normalised)[-1])
        return found


def linear(trunk: Trunk) -> PlainClassifier:
    """One linear layer on a trunk that ends in a vector: VGG's and ResNet's head."""
    return PlainClassifier(trunk, nn.Linear(trunk.channels[-1], CLASSES))


def pooled(trunk: Trunk) -> PlainClassifier:
    """The same on the mean over the positions of a trunk that ends in a map."""
    return PlainClassifier(trunk, nn.Sequential(*_mean(), nn.Linear(trunk.channels[-1], CLASSES)))


def convolved(trunk: Trunk) -> PlainClassifier:
    """SqueezeNet's head: dropout, a 1x1 convolution and ReLU, then the mean over the positions.

    Logits are never negative, as published (torchvision's SqueezeNet 1.1, which draws its last convolution
    with a deviation of 0.01).
    """
    last = nn.Conv2d(trunk.channels[-1], CLASSES, 1)
    nn.init.normal_(last.weight, std=0.01)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return PlainClassifier(trunk, nn.Sequential(nn.Dropout(0.5), last, nn.ReLU(), *_mean()))


def fully_connected(trunk: Trunk, *, width: int = FULLY_CONNECTED) -> PlainClassifier:
    """VGG's head made narrow: pooled to 3x3, two layers with ReLU and dropout, then a linear one."""
    entering = trunk.channels[-1] * CELLS**2
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(CELLS),
        nn.Flatten(),
        *(nn.Linear(entering, width), nn.ReLU(), nn.Dropout()),
        *(nn.Linear(width, width), nn.ReLU(), nn.Dropout()),
        nn.Linear(width, CLASSES),
    )
    return PlainClassifier(trunk, head)


def _mean() -> tuple[nn.Module, nn.Module]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten()
