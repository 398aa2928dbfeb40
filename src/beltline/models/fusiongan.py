"""FusionGAN (Information Fusion 2019): a generator keeps one source, a discriminator asks for the other.

The infrared source of the paper is the bag here (intensities kept), the visible one the item (gradients).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from beltline.core import BadInputError
from beltline.models.luma_fusion import LumaFusion, laplacian, to_ycbcr

GRADIENT, CONTENT = 5.0, 100.0  # released code


class FusionGan(nn.Module):
    """Five-layer generator; the discriminator hangs on it so that one optimizer holds both.

    Args:
        width: Channels of the first layer, at least 8; 256 in the released code.
        side: Of the pictures the discriminator sees, from their middle.

    Raises:
        BadInputError: If the width is less than 8: the fourth layer has an eighth of it.
    """

    def __init__(self, width: int = 256, side: int = 64) -> None:
        super().__init__()
        if width < 8:
            raise BadInputError(f"FusionGAN needs a width of 8 or more, got {width}")
        layers: list[nn.Module] = []
        before = 2
        for after, size in ((width, 5), (width // 2, 5), (width // 4, 3), (width // 8, 3)):
            layers += [
                nn.Conv2d(before, after, size, padding=size // 2),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2),
            ]
            before = after
        self.generator = nn.Sequential(*layers, nn.Conv2d(before, 1, 1), nn.Tanh())
        self.side = side
        self.discriminator = _discriminator(max(width // 8, 4))

    def forward(self, bag: Tensor, item: Tensor) -> Tensor:
        """Two (B, 1, H, W) in [0, 1] to one."""
        drawn: Tensor = self.generator(torch.cat([bag, item], 1))
        return drawn / 2 + 0.5

    def middle(self, image: Tensor) -> Tensor:
        """The middle of a picture, at most ``side`` pixels wide and high."""
        top, left = (max(0, (n - self.side) // 2) for n in image.shape[-2:])
        return image[..., top : top + self.side, left : left + self.side]


def _discriminator(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 1
    for after in (width, 2 * width, 4 * width, 8 * width):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1))


def fusiongan_losses(model: LumaFusion, bag: Tensor, item: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Least-squares GAN with soft labels, content and gradients; see `rwsc_losses`.

    Both players move in one step: the generator is judged by the discriminator's weights as constants, the
    discriminator by the generator's picture as a constant.
    """
    net = model.net
    assert isinstance(net, FusionGan)
    y_bag, y_item = (to_ycbcr(i)[:, :1] for i in (bag, item))
    fused = net(y_bag, y_item)
    frozen = {name: value.detach() for name, value in net.discriminator.state_dict().items()}
    judged = functional_call(net.discriminator, frozen, (net.middle(fused),))
    real, fake = (net.discriminator(net.middle(i)) for i in (y_item, fused.detach()))
    adversarial = (judged - _soft(judged, 0.7, 1.2)).square().mean()
    content = (fused - y_bag).square().mean() + GRADIENT * (
        laplacian(fused) - laplacian(y_item)
    ).square().mean()
    discriminator = (real - _soft(real, 0.7, 1.2)).square().mean() + (
        fake - _soft(fake, 0, 0.3)
    ).square().mean()
    return {
        "adversarial": adversarial,
        "content": content,
        "discriminator": discriminator,
        "loss": adversarial + CONTENT * content + discriminator,
    }


def _soft(like: Tensor, low: float, high: float) -> Tensor:
    return torch.empty_like(like).uniform_(low, high)
