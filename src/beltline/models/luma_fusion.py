"""What the grey-level rivals share: they fuse luminance, colour differences are averaged by their strength.

All of them were made to fuse whole pictures. Here they work inside the item's box, else they would change the
bag everywhere (see `RwscFusion` for a method with regions).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d

#: Rec. 601 with full range, rows Y, Cb, Cr
YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TINY = 1e-6


class LumaFusion(nn.Module):
    """A network that fuses two luminances, as a fusion of two colour pictures.

    Args:
        net: ``net(bag, item)`` of (B, 1, H, W) in [0, 1] gives the same.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, bag: Tensor, item: Tensor, mask: Tensor) -> Tensor:
        """Fuse inside the box of the mask; arguments and result as of `RwscFusion`."""
        of_bag, of_item = to_ycbcr(bag), to_ycbcr(item)
        luminance = self.net(of_bag[:, :1], of_item[:, :1])
        fused = to_rgb(torch.cat([luminance, merge_chroma(of_bag[:, 1:], of_item[:, 1:])], 1)).clamp(0, 1)
        box = box_of(mask)
        return box * fused + (1 - box) * bag


def to_ycbcr(image: Tensor) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] to Y in [0, 1] and Cb, Cr in [-0.5, 0.5]."""
    return torch.einsum("kc,bchw->bkhw", image.new_tensor(YCBCR), image)


def to_rgb(image: Tensor) -> Tensor:
    """The inverse of `to_ycbcr`."""
    return torch.einsum("ck,bkhw->bchw", torch.linalg.inv(image.new_tensor(YCBCR)), image)


def merge_chroma(first: Tensor, second: Tensor) -> Tensor:
    """Colour differences weighted by their absolute values, as DeepFuse and U2Fusion do."""
    a, b = first.abs(), second.abs()
    return (a * first + b * second) / (a + b + TINY)


def box_of(mask: Tensor) -> Tensor:
    """(B, 1, H, W): 1 in the bounding box of what is above 0, 0 elsewhere."""
    rows = (mask > 0).any(3, keepdim=True)
    columns = (mask > 0).any(2, keepdim=True)

    def filled(line: Tensor, axis: int) -> Tensor:
        forward = line.float().cumsum(axis) > 0
        backward = line.flip(axis).float().cumsum(axis).flip(axis) > 0
        return forward & backward

    return (filled(rows, 2) & filled(columns, 3)).to(mask.dtype)


def laplacian(image: Tensor) -> Tensor:
    """(B, 1, H, W) differences of each pixel to its four neighbours, summed; no border."""
    kernel = image.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    return conv2d(image, kernel)


def mef_ssim_losses(model: LumaFusion, bag: Tensor, item: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The loss of DeepFuse and MEFNet: 1 - MEF-SSIM of the luminance; arguments as of `rwsc_losses`."""
    y_bag, y_item = to_ycbcr(bag)[:, :1], to_ycbcr(item)[:, :1]
    return {"loss": mef_ssim_loss((y_bag, y_item), model.net(y_bag, y_item))}


def mef_ssim_loss(
    sources: tuple[Tensor, Tensor], fused: Tensor, *, window: int = 11, power: float = 4.0
) -> Tensor:
    """1 - MEF-SSIM (Ma et al. 2015), with uniform windows.

    Args:
        sources: Two luminances (B, 1, H, W) in [0, 1].
        fused: (B, 1, H, W).
        window: Side of a patch.
        power: How strongly the structure of the patch of more contrast wins.
    """

    def mean(values: Tensor) -> Tensor:
        return avg_pool2d(values, window, 1)

    def covariance(a: Tensor, b: Tensor) -> Tensor:
        return mean(a * b) - mean(a) * mean(b)

    first, second = sources
    v1, v2 = (covariance(s, s).clamp(min=0) for s in sources)
    n1, n2 = (v1 + TINY).sqrt(), (v2 + TINY).sqrt()
    w1, w2 = n1**power, n2**power
    a1, a2 = w1 / n1, w2 / n2  # weights of the mean-free patches, unit structures times power of contrast
    length = (a1**2 * v1 + a2**2 * v2 + 2 * a1 * a2 * covariance(first, second)).clamp(min=0)
    scale = torch.maximum(n1, n2) / (length + TINY**2).sqrt()
    wished_fused = scale * (a1 * covariance(first, fused) + a2 * covariance(second, fused))
    wished = scale**2 * length
    constant = 0.03**2
    quality = (2 * wished_fused + constant) / (wished + covariance(fused, fused).clamp(min=0) + constant)
    return 1 - quality.mean()
