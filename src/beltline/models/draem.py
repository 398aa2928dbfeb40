"""DRAEM: a network that draws the benign picture, and one that finds where the given picture differs from it.

What corrupts pictures is the caller's business: here simulated inserts with their benign twins, instead of
the paper's pasted textures.

Source:
    Zavrtanik, Kristan and Skocaj, DRAEM (ICCV 2021), sections 3.1 and 3.2, with the released code's blocks
    and losses. Ours: far narrower, a level less in the discriminative network, one mask logit.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, interpolate, max_pool2d

from beltline.core.errors import ShapeError
from beltline.models.fusion_losses import ssim

FACTORS = (1, 2, 4, 8, 8)  # widths of the levels
STRIDE = 2 ** (len(FACTORS) - 1)
GAMMA = 2.0  # of the focal loss, released code
SMOOTHING = 21  # side of the mean filter before the maximum, released code


class Reconstruction(nn.Module):
    """Encoder and decoder without a skip, so that what is not benign cannot slip through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * factor for factor in FACTORS]
        self.down = nn.ModuleList(_block(a, b) for a, b in pairwise((3, *widths)))
        self.up = nn.ModuleList(_block(a, b) for a, b in pairwise(widths[::-1]))
        self.out = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to the same shape."""
        feature = _descend(self.down, images)[-1]
        for block in self.up:
            feature = block(_doubled(feature))
        drawn: Tensor = self.out(feature)
        return drawn


class Discrimination(nn.Module):
    """U-Net over a picture and its reconstruction."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * factor for factor in FACTORS]
        self.down = nn.ModuleList(_block(a, b) for a, b in pairwise((6, *widths)))
        self.up = nn.ModuleList(_block(a + b, b) for a, b in pairwise(widths[::-1]))
        self.out = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Two (B, 3, H, W) to mask logits (B, 1, H, W)."""
        *skips, feature = _descend(self.down, torch.cat([drawn, images], 1))
        for block, skip in zip(self.up, reversed(skips), strict=True):
            feature = block(torch.cat([_doubled(feature), skip], 1))
        logits: Tensor = self.out(feature)
        return logits


class Draem(nn.Module):
    """See the module.

    Args:
        width: Channels of the reconstruction's first level; the paper has 128.
        judge_width: Of the discriminative network; the paper has 64.

    Example:
        >>> drawn, mask_logits = draem_tiny()(torch.rand(1, 3, 32, 48))
        >>> drawn.shape, mask_logits.shape
        (torch.Size([1, 3, 32, 48]), torch.Size([1, 1, 32, 48]))
    """

    def __init__(self, *, width: int = 24, judge_width: int = 16) -> None:
        super().__init__()
        self.reconstruction = Reconstruction(width)
        self.discrimination = Discrimination(judge_width)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The benign picture (B, 3, H, W), not clipped to [0, 1], and mask logits (B, 1, H, W).

        Args:
            images: (B, 3, H, W) RGB in [0, 1], white is air; H and W multiples of 16.

        Raises:
            ShapeError: If the shape is another.
        """
        if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] % STRIDE or images.shape[3] % STRIDE:
            raise ShapeError(
                f"expected images (B, 3, H, W), H and W multiples of {STRIDE}, got {tuple(images.shape)};"
                " pad with white"
            )
        drawn = self.reconstruction(images)
        return drawn, self.discrimination(images, drawn)

    def losses(self, corrupted: Tensor, clean: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """All losses of a batch; ``loss``, their plain sum, is the one to minimise.

        Args:
            corrupted: (B, 3, H, W) in [0, 1], sides at least 16.
            clean: Its benign twin, the same shape; the corrupted picture itself where nothing was added.
            mask: (B, 1, H, W) in {0, 1}: what was added.

        Returns:
            Scalars ``l2``, ``ssim`` (1 - SSIM), ``focal`` and ``loss``.

        Raises:
            ShapeError: If the shapes do not fit.
        """
        if clean.shape != corrupted.shape or mask.shape != (len(clean), 1, *clean.shape[2:]):
            raise ShapeError(
                "expected corrupted and clean (B, 3, H, W) and mask (B, 1, H, W),"
                f" got {tuple(corrupted.shape)}, {tuple(clean.shape)} and {tuple(mask.shape)}"
            )
        drawn, mask_logits = self(corrupted)
        found = {
            "l2": (drawn - clean).square().mean(),
            "ssim": 1 - ssim(drawn, clean),
            "focal": focal_loss(mask_logits, mask),
        }
        return {**found, "loss": torch.stack(list(found.values())).sum()}


def draem_small() -> Draem:
    """The size to train, under 5 M parameters."""
    return Draem()


def draem_tiny() -> Draem:
    """For tests."""
    return Draem(width=4, judge_width=4)


def draem(size: str) -> Draem:
    """The network of a size.

    Raises:
        ValueError: If there is none of the name.
    """
    sizes = {"published": lambda: Draem(width=128, judge_width=64), "small": draem_small, "tiny": draem_tiny}
    if size not in sizes:
        raise ValueError(f"size must be one of {', '.join(sizes)}, got {size!r}")
    return sizes[size]()


def focal_loss(mask_logits: Tensor, mask: Tensor) -> Tensor:
    """``mean (1 - p)^2 (-log p)``, p the probability of what is true of a pixel.

    Source:
        Lin et al., Focal loss (2017), gamma 2 and no alpha as in DRAEM's released code.

    Example:
        >>> round(focal_loss(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item(), 4)  # log(2) / 4
        0.1733
    """
    entropy = binary_cross_entropy_with_logits(mask_logits, mask.to(mask_logits.dtype), reduction="none")
    return ((1 - (-entropy).exp()) ** GAMMA * entropy).mean()


def draem_scores(mask_logits: Tensor, masks: Tensor) -> Tensor:
    """Score of each picture: the highest mean of 21 by 21 probabilities whose centre lies on the device.

    Args:
        mask_logits: (B, 1, H, W) of `Draem`.
        masks: (B, 1, H, W), bool or in [0, 1]: 1 on the device.

    Returns:
        (B,) in [0, 1], NaN for a picture without a device.

    Raises:
        ShapeError: If the shapes differ.
    """
    if masks.shape != mask_logits.shape:
        raise ShapeError(
            f"expected masks {tuple(mask_logits.shape)} like the logits, got {tuple(masks.shape)}"
        )
    smooth = avg_pool2d(mask_logits.sigmoid(), SMOOTHING, 1, SMOOTHING // 2, count_include_pad=False)
    best = torch.where(masks >= 0.5, smooth, -1.0).amax((1, 2, 3))
    return torch.where(best < 0, torch.nan, best)


def _descend(blocks: nn.ModuleList, feature: Tensor) -> list[Tensor]:
    levels: list[Tensor] = []
    for block in blocks:
        levels.append(block(max_pool2d(levels[-1], 2) if levels else feature))
    return levels


def _doubled(feature: Tensor) -> Tensor:
    return interpolate(feature, scale_factor=2.0, mode="bilinear", align_corners=False)


def _block(inside: int, outside: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inside, outside):
        layers += [nn.Conv2d(channels, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
    return nn.Sequential(*layers)
