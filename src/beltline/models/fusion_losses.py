"""What a fusion is trained for without a true composite: the losses of RWSC-Fusion (equations 6 to 11).

The bodies of the equations were lost with the paper's text; they are reconstructed from the poster.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from beltline.models.rwsc import RwscFusion

DARK = 1 / 255
TINY = 1e-6


@dataclass(frozen=True)
class RwscWeights:
    """How much each loss counts; every value is inferred, none is published.

    Attributes:
        local: Of LL.
        saturation: Of CSD.
        reconstruction: Of the pictures drawn again.
        outside: Of the bag outside the mask.
        structure: Of 1 - SSIM, of the pictures drawn again.
        item: w1 of LL, the item's weight in the logarithm.
        bag: w2 of LL; below 1 the item stays more legible than physics would leave it.
        window: Side of the local mean, odd.
        colour: LL of each colour channel instead of the luminance (ours). Luminance leaves the hue free, and
            items drift towards green.
    """

    local: float = 1.0
    saturation: float = 0.5
    reconstruction: float = 10.0
    outside: float = 10.0
    structure: float = 1.0
    item: float = 1.0
    bag: float = 1.0
    window: int = 7
    colour: bool = True


def rwsc_losses(
    model: RwscFusion, bag: Tensor, item: Tensor, mask: Tensor, weights: RwscWeights | None = None
) -> dict[str, Tensor]:
    """All losses of a batch; ``loss`` is the one to minimise.

    Args:
        model: Fuses and draws again.
        bag: (B, 3, H, W) in [0, 1].
        item: (B, 3, H, W) in [0, 1], white elsewhere.
        mask: (B, 1, H, W) in [0, 1].
        weights: Default `RwscWeights()`.
    """
    w = weights or RwscWeights()
    fused = model(bag, item, mask)
    again = [(model.reconstruct(picture), picture) for picture in (item, bag)]
    found = {
        "local": local_loss(fused, bag, item, mask, w),
        "saturation": saturation_loss(fused, bag, item, mask),
        "reconstruction": torch.stack([(drawn - p).abs().mean() for drawn, p in again]).sum(),
        "outside": ((1 - mask) * (fused - bag)).abs().mean(),
        "structure": torch.stack([1 - ssim(drawn, p) for drawn, p in again]).sum(),
    }
    found["loss"] = torch.stack([getattr(w, name) * value for name, value in found.items()]).sum()
    return found


def local_loss(fused: Tensor, bag: Tensor, item: Tensor, mask: Tensor, weights: RwscWeights) -> Tensor:
    """LL: under the mask, the local mean of the logarithm is the weighted sum of item's and bag's.

    ``w1 = w2 = 1`` is threat image projection (equation 4) in the local mean.
    """
    logs = [
        avg_pool2d((i + DARK).log(), weights.window, 1, weights.window // 2, count_include_pad=False)
        for i in (x if weights.colour else luma(x) for x in (fused, item, bag))
    ]
    wished = weights.item * logs[1] + weights.bag * logs[2]
    apart: Tensor = ((logs[0] - wished).abs() * mask).sum() / (len(wished[0]) * mask.sum() + TINY)
    return apart


def saturation_loss(fused: Tensor, bag: Tensor, item: Tensor, mask: Tensor) -> Tensor:
    """CSD: what is added to the bag's saturation goes with the item's, and the other way round; in [0, 4]."""
    of_fused, of_bag, of_item = (saturation(i) for i in (fused, bag, item))
    agree = correlation(of_fused - of_bag, of_item, mask) + correlation(of_fused - of_item, of_bag, mask)
    return (2 - agree).mean()


def luma(image: Tensor) -> Tensor:
    """(B, 3, H, W) RGB to (B, 1, H, W), Rec. 601."""
    weights = image.new_tensor([0.299, 0.587, 0.114])[None, :, None, None]
    return (image * weights).sum(1, keepdim=True)


def saturation(image: Tensor) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] to (B, 1, H, W), differentiable at black."""
    high, low = image.amax(1, keepdim=True), image.amin(1, keepdim=True)
    return (high - low) / (high + TINY)


def correlation(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """Pearson's correlation under the mask, (B,); 0 where one of the two is constant or the mask empty."""
    total = mask.sum((1, 2, 3)) + TINY

    def mean(values: Tensor) -> Tensor:
        return (values * mask).sum((1, 2, 3)) / total

    a = first - mean(first)[:, None, None, None]
    b = second - mean(second)[:, None, None, None]
    spread = mean(a * a) * mean(b * b)
    constant = spread <= TINY**2
    # the root of a replaced value keeps the gradient finite where nothing varies
    return torch.where(constant, 0.0, mean(a * b) / torch.where(constant, 1.0, spread).sqrt())


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean structural similarity of pictures in [0, 1], Gaussian window of 11 pixels (Wang et al. 2004)."""
    steps = torch.arange(11, dtype=first.dtype, device=first.device) - 5
    bell = torch.exp(-(steps**2) / (2 * 1.5**2))
    bell = bell / bell.sum()
    channels = first.shape[1]
    across = bell.expand(channels, 1, 1, 11)
    down = bell[:, None].expand(channels, 1, 11, 1)

    def blur(image: Tensor) -> Tensor:
        return conv2d(conv2d(image, across, groups=channels), down, groups=channels)

    m1, m2 = blur(first), blur(second)
    v1, v2, v12 = blur(first**2) - m1**2, blur(second**2) - m2**2, blur(first * second) - m1 * m2
    c1, c2 = 0.01**2, 0.03**2
    return (((2 * m1 * m2 + c1) * (2 * v12 + c2)) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))).mean()
