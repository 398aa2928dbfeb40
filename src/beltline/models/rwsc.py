"""RWSC-Fusion (CVPR 2023): an item is fused into a bag with its style controlled region by region.

No code and no full text are public: what the poster does not say is marked reconstructed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

EdgeSign = Literal["pooled_minus", "minus_pooled", "absolute"]
TINY = 1e-5
SLOPE = 0.1


@dataclass(frozen=True)
class RwscSettings:
    """What the network is made of.

    Attributes:
        widths: Channels of the three scales; the published ones are inferred as 64, 128, 256.
        edge_attention: False leaves it out (first ablation of the paper).
        edge_sign: What is attended to: AP2D(F) - F (equation 5), its negative or its absolute value.
        edge_pool: Side of the average pool, odd.
        edge_residual: F + w F instead of w F; trains more stably (reconstructed).
        deviation: False leaves the deviation maps out (second ablation: mask average pooling only).
        residual: Style control corrects the composite's features instead of replacing them (ours): the
            network starts as the product of bag and item.
        paste: Give the bag itself outside the mask. False in training, or the loss outside the mask would
            mean nothing; what fuses pictures pastes anyway.
    """

    widths: tuple[int, int, int] = (64, 128, 256)
    edge_attention: bool = True
    edge_sign: EdgeSign = "pooled_minus"
    edge_pool: int = 3
    edge_residual: bool = True
    deviation: bool = True
    residual: bool = True
    paste: bool = False


class EdgeAttention(nn.Module):
    """w = sigmoid(M(AP2D(F) - F)), F~ = w F, M the mean over channels (equation 5).

    The order of the symbols is the poster's, the minus sign inferred.
    """

    def __init__(self, sign: EdgeSign, pool: int, residual: bool) -> None:
        super().__init__()
        if pool < 1 or pool % 2 == 0:
            raise ValueError(f"the pool must be odd and positive, got {pool}")
        self.sign, self.pool, self.residual = sign, pool, residual

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        pooled = avg_pool2d(features, self.pool, 1, self.pool // 2, count_include_pad=False)
        edges = (pooled - features).mean(1, keepdim=True)
        if self.sign == "minus_pooled":
            edges = -edges
        elif self.sign == "absolute":
            edges = edges.abs()
        weighted: Tensor = edges.sigmoid() * features
        return features + weighted if self.residual else weighted


class RegionStyle(nn.Module):
    """Region-wise style-controlled fusion at one scale (reconstructed from the poster's description).

    In each region, under the item and elsewhere, the composite's features are normalised; scale and shift
    come pixel by pixel from the style's mean over the region (mask average pooling) and from what deviates
    from it. Under the item the style is that of item and bag, elsewhere the bag's.
    """

    def __init__(self, channels: int, *, deviation: bool, residual: bool) -> None:
        super().__init__()
        hidden = min(channels, 128)
        self.residual = residual
        self.merge = nn.Conv2d(2 * channels, channels, 1)
        self.pooled = nn.Conv2d(channels, hidden, 3, padding=1)
        self.pooled_out = nn.Conv2d(hidden, 2 * channels, 3, padding=1)
        self.deviation = nn.Conv2d(channels, hidden, 3, padding=1) if deviation else None
        self.deviation_out = nn.Conv2d(hidden, 2 * channels, 3, padding=1) if deviation else None
        for last in (self.pooled_out, self.deviation_out):
            if last is not None:  # at the start scale 1 and shift 0 nearly, or no correction
                nn.init.normal_(last.weight, std=1e-3)
                nn.init.constant_(last.bias, 0.0)  # type: ignore[arg-type]  # there is a bias

    def forward(self, composite: Tensor, item: Tensor, bag: Tensor, mask: Tensor) -> Tensor:
        """Features (B, C, H, W) of composite, item and bag, mask (B, 1, H, W) in [0, 1]."""
        regions = (mask, 1 - mask)
        styles = (self.merge(torch.cat([item, bag], 1)), bag)
        means = [region_mean(s, r) for s, r in zip(styles, regions, strict=True)]
        pooled = sum(m * r for m, r in zip(means, regions, strict=True))
        control = self.pooled_out(relu(self.pooled(pooled)))
        if self.deviation is not None and self.deviation_out is not None:
            apart = sum((s - m) * r for s, m, r in zip(styles, means, regions, strict=True))
            control = control + self.deviation_out(relu(self.deviation(apart)))
        gain, shift = control.chunk(2, 1)
        calm = torch.zeros_like(composite)
        for region in regions:
            mean = region_mean(composite, region)
            spread = region_mean((composite - mean) ** 2, region)
            calm = calm + region * (composite - mean) / (spread + TINY).sqrt()
        styled: Tensor = composite + gain * calm + shift if self.residual else (1 + gain) * calm + shift
        return styled


def region_mean(features: Tensor, region: Tensor) -> Tensor:
    """Mean over a region (B, 1, H, W) in [0, 1]: (B, C, 1, 1); 0 where the region is empty."""
    return (features * region).sum((2, 3), keepdim=True) / (region.sum((2, 3), keepdim=True) + TINY)


class RwscFusion(nn.Module):
    """Encoder, edge attention, region-wise style control, decoder.

    Example:
        >>> model = RwscFusion(RwscSettings(widths=(8, 16, 32)))
        >>> white = torch.ones(1, 3, 32, 32)
        >>> model(white, white, torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 3, 32, 32])
    """

    def __init__(self, settings: RwscSettings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or RwscSettings()
        first, second, third = s.widths
        self.encoder = nn.ModuleList(
            [_block(3, first, 1), _block(first, second, 2), _block(second, third, 2)]
        )
        self.attention = (
            EdgeAttention(s.edge_sign, s.edge_pool, s.edge_residual) if s.edge_attention else None
        )
        self.style = nn.ModuleList(
            [RegionStyle(width, deviation=s.deviation, residual=s.residual) for width in s.widths]
        )
        self.decoder = nn.ModuleList([_block(third + second, second, 1), _block(second + first, first, 1)])
        self.out = nn.Conv2d(first, 3, 3, padding=1)

    def forward(self, bag: Tensor, item: Tensor, mask: Tensor) -> Tensor:
        """Fuse.

        Args:
            bag: (B, 3, H, W) in [0, 1], H and W multiples of 4.
            item: (B, 3, H, W) in [0, 1], white where the item is not.
            mask: (B, 1, H, W) in [0, 1].

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        composite = bag * item
        of_composite, of_item, of_bag = (self.encode(image) for image in (composite, item, bag))
        fused = []
        for level, style in enumerate(self.style):
            small = interpolate(mask, size=of_bag[level].shape[-2:], mode="area")
            fused.append(style(of_composite[level], of_item[level], of_bag[level], small))
        drawn = self.decode(fused)
        return mask * drawn + (1 - mask) * bag if self.settings.paste else drawn

    def reconstruct(self, image: Tensor) -> Tensor:
        """D(E(image)) without style control, for the reconstruction loss; (B, 3, H, W) in [0, 1]."""
        return self.decode(self.encode(image))

    def encode(self, image: Tensor) -> list[Tensor]:
        """Features of the three scales, after edge attention."""
        found = []
        features = image
        for block in self.encoder:
            features = block(features)
            found.append(features if self.attention is None else self.attention(features))
        return found

    def decode(self, features: list[Tensor]) -> Tensor:
        """A picture (B, 3, H, W) in [0, 1] of the features."""
        x = features[2]
        for block, skip in zip(self.decoder, (features[1], features[0]), strict=True):
            x = block(torch.cat([interpolate(x, size=skip.shape[-2:], mode="nearest"), skip], 1))
        drawn: Tensor = self.out(x)
        return drawn.sigmoid()


def _block(before: int, after: int, stride: int) -> nn.Sequential:
    block = nn.Sequential(
        nn.Conv2d(before, after, 3, stride, 1),
        nn.LeakyReLU(SLOPE, inplace=True),
        nn.Conv2d(after, after, 3, 1, 1),
        nn.LeakyReLU(SLOPE, inplace=True),
    )
    for layer in block:
        if isinstance(layer, nn.Conv2d):  # torch's default shrinks the signal, and training stalls at white
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]  # there is a bias
    return block
