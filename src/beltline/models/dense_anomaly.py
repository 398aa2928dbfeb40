"""Two looks by one network: where devices are in a scan, and where in a device something is hidden.

A pretrained backbone and a small pyramid at stride 4, taught by exact masks. The first look is at the whole
scan, the second at each device alone on white. It sees a part among its neighbours, where a classifier of
single superpixels sees it alone, and costs one pass a device instead of one a part.

Source:
    Reconstructed: what a user would build today beside Durham's classifiers of superpixels. Pyramid: Lin et
    al., Feature pyramid networks (2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from beltline.core.errors import ShapeError
from beltline.models.backbones import Pretrained, expected_input, feature_backbone

STRIDE = 4
LEVELS, COARSEST = 4, 32
DEVICE, HIDDEN = 0, 1  # channels
CHANNELS = 2
TOP_SHARE = 0.01  # of a device's places: their mean logit is the device's
RARE = 4.0  # weight of places where something is hidden, which are few
WHOLE = 0.5  # weight of the device's own loss
SURE_BENIGN = -3.0  # logit that all places start from


class DenseAnomaly(nn.Module):
    """See the module.

    Args:
        backbone: One with levels at strides 4, 8, 16, 32: display name, or a name in timm.
        width: Channels of the pyramid.
        pretrained: See `feature_backbone`.
        options: Further arguments of ``timm.create_model``.

    Raises:
        ValueError: If the backbone has other levels.

    Example:
        >>> model = DenseAnomaly(backbone="resnet10t", width=16, channels=(8, 8, 8, 8)).eval()
        >>> model(torch.rand(2, 3, 64, 96)).shape
        torch.Size([2, 2, 16, 24])
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        *,
        backbone: str = "EfficientNet-Lite0",
        width: int = 64,
        pretrained: Pretrained = False,
        **options: Any,
    ) -> None:
        super().__init__()
        self.body = feature_backbone(backbone, stages=LEVELS, pretrained=pretrained, options=options)
        info: Any = self.body.feature_info
        if info.reduction() != [STRIDE, 8, 16, COARSEST]:
            raise ValueError(f"{backbone} has levels at strides {info.reduction()}, expected 4, 8, 16, 32")
        expected = expected_input(backbone)
        for name, values in (("mean", expected.mean), ("spread", expected.std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.lateral = nn.ModuleList(_block(count, width, 1) for count in info.channels())
        self.smooth = nn.ModuleList(_separable(width) for _ in range(LEVELS))
        self.head = nn.Sequential(_separable(width), _separable(width), nn.Conv2d(width, CHANNELS, 1))
        last: Any = self.head[-1]
        nn.init.constant_(last.bias, SURE_BENIGN)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 2, H / 4, W / 4): a device is here, something is hidden here.

        Args:
            images: (B, 3, H, W) RGB in [0, 1]; of whole scans the first channel counts, of devices on white
                the second. H and W multiples of 32.

        Raises:
            ShapeError: If the shape is another.
        """
        if images.ndim != 4 or images.shape[1] != 3 or any(side % COARSEST for side in images.shape[2:]):
            raise ShapeError(
                f"expected images (B, 3, H, W), H and W multiples of {COARSEST}, got {tuple(images.shape)}"
            )
        levels = self.body((images - self.mean) / self.spread)
        sides = [lateral(level) for lateral, level in zip(self.lateral, levels, strict=True)]
        merged = self.smooth[-1](sides[-1])
        for finer in range(LEVELS - 2, -1, -1):
            merged = self.smooth[finer](sides[finer] + interpolate(merged, scale_factor=2.0, mode="nearest"))
        logits: Tensor = self.head(merged)
        return logits


def finding_loss(logits: Tensor, device: Tensor) -> Tensor:
    """Cross-entropy and Dice of the places where devices are; 0 of no scan.

    Args:
        logits: (B, 1, h, w).
        device: (B, 1, h, w) share of each place that is device, in [0, 1].

    Example:
        >>> round(finding_loss(torch.full((1, 1, 8, 8), -20.0), torch.zeros(1, 1, 8, 8)).item(), 4)
        0.0
    """
    if not len(logits):
        return logits.sum()
    logits = logits.float()
    entropy = binary_cross_entropy_with_logits(logits, device)
    probs = logits.sigmoid()
    overlap, total = (probs * device).sum((1, 2, 3)), (probs + device).sum((1, 2, 3))
    dice: Tensor = 1 - (2 * overlap + 1) / (total + 1)
    return entropy + dice.mean()


def dense_loss(logits: Tensor, hidden: Tensor, device: Tensor) -> Mapping[str, Tensor]:
    """Cross-entropy of the places of a device, and of the device itself by its surest places.

    Args:
        logits: (B, 1, h, w).
        hidden: (B, 1, h, w) share of each place that is concealed, in [0, 1].
        device: (B, 1, h, w) share that is device, and in which it shows what is concealed; other places do
            not count, and a device that shows nothing of it counts as little.

    Returns:
        ``loss``, and its parts ``places`` and ``whole``.

    Example:
        >>> found = dense_loss(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8))
        >>> round(found["places"].item(), 4), round(found["whole"].item(), 4)  # ln 2
        (0.6931, 0.6931)
    """
    logits = logits.float()
    entropy = binary_cross_entropy_with_logits(logits, hidden, reduction="none")
    weight = device * (1 + (RARE - 1) * hidden)
    places = (entropy * weight).sum() / weight.sum().clamp(min=1)
    concealing = (hidden > 0.5).flatten(1).any(1)
    shown = torch.where(concealing, (hidden * device).flatten(1).amax(1), 1.0)
    said = device_logits(logits, device)
    whole = binary_cross_entropy_with_logits(said, concealing.float(), reduction="none")
    whole = (whole * shown).sum() / shown.sum().clamp(min=1)
    return {"loss": places + WHOLE * whole, "places": places, "whole": whole}


def device_logits(logits: Tensor, device: Tensor, *, share: float = TOP_SHARE) -> Tensor:
    """(B,) mean logit of the surest places of each device; arguments as for `dense_loss`.

    Example:
        >>> logits, device = torch.tensor([[1.0, 5.0], [3.0, 9.0]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]])
        >>> device_logits(logits[None, None], device[None, None])
        tensor([5.])
    """
    inside = logits.masked_fill(device <= 0.5, -torch.inf).flatten(1)
    count = max(round(share * inside.shape[1]), 1)
    top = inside.topk(count, dim=1).values
    there = top.isfinite()
    total = top.masked_fill(~there, 0).sum(1)
    return total / there.sum(1).clamp(min=1)


def _block(inside: int, outside: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU())


def _separable(width: int) -> nn.Sequential:
    depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(width), *_block(width, width, 1))
