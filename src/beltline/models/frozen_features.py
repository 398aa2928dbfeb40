"""Features of a backbone that no training touches, of two strides and locally averaged, for one-class models.

Source:
    Locally aware patch features: Roth et al., Towards total recall in industrial anomaly detection (CVPR
    2022), section 3.1; there levels 2 and 3 of a WideResNet-50, whose strides are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate

from beltline.core.errors import ShapeError
from beltline.models.backbones import Pretrained, feature_backbone
from beltline.models.normalisation import Normalisation, normalisation_of

STRIDES = (8, 16)


class FrozenFeatures(nn.Module):
    """Pictures to a map of features at stride 8; always in eval mode, never with gradients.

    Only the layers up to stride 16 are kept.

    Args:
        backbone: One with levels at strides 8 and 16: display name, or a name in timm.
        pretrained: See `feature_backbone`; features of random weights tell little.
        normalisation: See `beltline.models.normalisation`.
        options: Further arguments of ``timm.create_model``.

    Attributes:
        channels: Of the map.

    Raises:
        ValueError: If the backbone has other levels, or as `feature_backbone`.

    Example:
        >>> features = FrozenFeatures("resnet10t", pretrained=False, channels=(8, 8, 8, 8))
        >>> features(torch.rand(1, 3, 64, 96)).shape
        torch.Size([1, 16, 8, 12])
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        backbone: str = "EfficientNet-Lite0",
        *,
        pretrained: Pretrained = "package",
        normalisation: Normalisation = "backbone",
        **options: Any,
    ) -> None:
        super().__init__()
        body: Any = feature_backbone(backbone, pretrained=pretrained, options=options)
        info = body.feature_info
        self.levels = _levels(body, backbone)
        self.channels: int = sum(info.channels()[info.reduction().index(stride)] for stride in STRIDES)
        for name, values in zip(("mean", "spread"), normalisation_of(normalisation, backbone), strict=True):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> FrozenFeatures:
        """Stays in eval mode whatever is asked: batch statistics of a few pictures are no ImageNet's."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Features (B, C, H / 8, W / 8) of both levels, averaged 3 by 3, the coarser resized to the finer.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], white is air.

        Raises:
            ShapeError: If the shape is another.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ShapeError(f"expected images (B, 3, H, W), got {tuple(images.shape)}")
        feature, found = (images - self.mean) / self.spread, []
        for level in self.levels:
            feature = level(feature)
            # zeros beyond the border are no features; they do not count
            found.append(avg_pool2d(feature, 3, 1, 1, count_include_pad=False))
        finer = found[0].shape[-2:]
        same = [interpolate(each, finer, mode="bilinear", align_corners=False) for each in found[1:]]
        return torch.cat([found[0], *same], 1)


def places_of(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, h, w) bool: places of which at least half is device.

    Args:
        masks: (B, 1, H, W), bool or in [0, 1]: 1 on the device, 0 in air.
        size: (h, w) of the map.

    Raises:
        ShapeError: If the masks have another shape.
    """
    if masks.ndim != 4 or masks.shape[1] != 1:
        raise ShapeError(f"expected masks (B, 1, H, W), got {tuple(masks.shape)}")
    return adaptive_avg_pool2d(masks.float(), size)[:, 0] >= 0.5


def check_masks(images: Tensor, masks: Tensor) -> None:
    """Each picture has its mask.

    Raises:
        ShapeError: If the masks are not (B, 1, H, W) of these images.
    """
    wanted = (len(images), 1, *images.shape[-2:])
    if tuple(masks.shape) != wanted:
        raise ShapeError(f"expected masks {wanted} like the images, got {tuple(masks.shape)}")


def _levels(body: Any, backbone: str) -> nn.ModuleList:
    """The modules up to each stride, in the order they run."""
    info = body.feature_info
    ends = {
        name: stride
        for name, stride in zip(info.module_name(), info.reduction(), strict=True)
        if stride in STRIDES
    }
    levels, steps = nn.ModuleList(), []
    for name, module in _steps(body):
        steps.append(module)
        if name in ends:
            levels.append(nn.Sequential(*steps))
            steps = []
    if len(levels) != len(STRIDES) or tuple(ends.values()) != STRIDES:
        raise ValueError(
            f"{backbone} has its last levels at strides {info.reduction()}, expected a sequence of stages"
            f" with one level at each of {STRIDES}; EfficientNet-Lite0 and the ResNets are such"
        )
    return levels


def _steps(body: Any) -> Iterator[tuple[str, nn.Module]]:
    for name, child in body.named_children():
        if name == "blocks":  # timm's name for a sequence of stages
            yield from ((f"{name}.{number}", stage) for number, stage in child.named_children())
        else:
            yield name, child
