"""DeepLabV3+, a segmenter that does not look at clicks.

Source:
    Chen et al., DeepLabV3+ (arXiv 1802.02611): output stride 16, rates 6, 12 and 18, 48 low-level channels.
    Backbones of timm, atrous pyramid of torchvision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.backbones import IMAGENET_MEAN, IMAGENET_STD
from beltline.models.segmenter import ClickSegmenter
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
import timm  # noqa: E402  # after the operators
from torchvision.models.segmentation.deeplabv3 import ASPP  # noqa: E402

RATES = (6, 12, 18)
LOW_SHARE = 48 / 256  # of the head's channels, for the low level


class DeepLabV3Plus(ClickSegmenter):
    """DeepLabV3+ with one foreground class.

    Args:
        backbone: Of timm, a ResNet.
        side: Side of the square images, a multiple of 16 pixels.
        width: Channels of the head, 256 as published.
        pretrained: Start from ImageNet weights, which timm fetches.
        options: Further arguments of ``timm.create_model``.
    """

    promptable: ClassVar[bool] = False

    def __init__(
        self,
        backbone: str,
        side: int,
        *,
        width: int = 256,
        pretrained: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.side = side
        self.backbone: nn.Module = timm.create_model(
            backbone,
            features_only=True,
            out_indices=(1, 4),
            output_stride=16,
            pretrained=pretrained,
            **(options or {}),
        )
        low, high = self.backbone.feature_info.channels()  # type: ignore[operator,union-attr]
        self.pyramid = ASPP(high, RATES, width)
        reduced = round(width * LOW_SHARE)
        self.reduce = _layer(low, reduced, 1)
        self.head = nn.Sequential(
            _layer(width + reduced, width, 3), _layer(width, width, 3), nn.Conv2d(width, 1, 1)
        )

    def encode(self, image: Tensor) -> Tensor:
        """Mask logits (B, 1, side / 4, side / 4)."""
        mean, std = (image.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        low, high = self.backbone((image - mean) / std)
        raised = F.interpolate(self.pyramid(high), low.shape[2:], mode="bilinear", align_corners=False)
        out: Tensor = self.head(torch.cat([raised, self.reduce(low)], 1))
        return out

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`; the same for all clicks."""
        return embedding


def _layer(channels: int, out: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())


def deeplab_v3_plus(side: int = 512, *, pretrained: bool = False) -> DeepLabV3Plus:
    """The published one, on ResNet-101."""
    return DeepLabV3Plus("resnet101.tv_in1k", side, pretrained=pretrained)


def deeplab_v3_plus_small(side: int = 128) -> DeepLabV3Plus:
    """On a narrow ten-layer ResNet, for a CPU."""
    return DeepLabV3Plus("resnet10t", side, width=32, options={"channels": (16, 32, 64, 128)})
