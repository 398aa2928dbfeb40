"""MEFNet (TIP 2020): weight maps predicted at low resolution, sharpened by a guided filter."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

DILATIONS = (1, 2, 4, 8, 16, 1)
RADIUS, EPSILON = 1, 1e-4


class AdaptiveNorm(nn.Module):
    """a x + b BN(x), as in the released code."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(1))
        self.b = nn.Parameter(torch.zeros(1))
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        mixed: Tensor = self.a * x + self.b * self.norm(x)
        return mixed


class MefNet(nn.Module):
    """Dilated convolutions on each luminance alone, softmax over the two, guided upsampling.

    Args:
        width: Channels; 24 in the released code.
        side: Longer side at which weights are predicted; 128 in the released code.
    """

    def __init__(self, width: int = 24, side: int = 128) -> None:
        super().__init__()
        self.side = side
        before = [1, *[width] * (len(DILATIONS) - 1)]
        self.layers = nn.ModuleList(
            nn.Conv2d(n, width, 3, padding=d, dilation=d, bias=False)
            for n, d in zip(before, DILATIONS, strict=True)
        )
        self.norms = nn.ModuleList(AdaptiveNorm(width) for _ in DILATIONS)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, bag: Tensor, item: Tensor) -> Tensor:
        """Two (B, 1, H, W) in [0, 1] to their weighted mean."""
        maps = []
        for image in (bag, item):
            share = min(1.0, self.side / max(image.shape[-2:]))
            small = interpolate(image, scale_factor=share, mode="bilinear") if share < 1 else image
            maps.append(guided_upsample(small, self._predicted(small), image).abs())
        first, second = maps
        total = first + second + 1e-8
        return (first * bag + second * item) / total

    def _predicted(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = leaky_relu(norm(layer(x)), 0.2)
        out: Tensor = self.out(x)
        return out


def guided_upsample(small: Tensor, values: Tensor, large: Tensor) -> Tensor:
    """Fast guided filter (He and Sun 2015): ``values`` on ``small`` brought to ``large``, edges kept."""

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, 2 * RADIUS + 1, 1, RADIUS, count_include_pad=False)

    m, v = mean(small), mean(values)
    slope = (mean(small * values) - m * v) / (mean(small * small) - m * m + EPSILON)
    offset = v - slope * m
    size = large.shape[-2:]
    slope, offset = (interpolate(x, size=size, mode="bilinear") for x in (slope, offset))
    return slope * large + offset
