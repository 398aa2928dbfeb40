"""U2Fusion (TPAMI 2020): one dense generator, each source kept as far as it carries information.

The paper weighs the sources by the energy of VGG-16's features. Its weights are not at hand here: the energy
of a Laplacian pyramid takes their place, which is what those features' gradients measure. Learning one task
after another (elastic weight consolidation) has no use with one task and is left out.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from beltline.core import BadInputError
from beltline.models.fusion_losses import ssim
from beltline.models.luma_fusion import LumaFusion, laplacian, to_ycbcr

LEVELS = 3
SQUARES = 20.0  # weight of the mean squared error beside 1 - SSIM, released code


class U2Fusion(nn.Module):
    """A dense block of five convolutions and a narrowing tail, as in the released code.

    Args:
        width: Channels each layer adds, at least 2; 44 in the released code.

    Raises:
        BadInputError: If the width is less than 2: the last layer has three quarters of it.
    """

    def __init__(self, width: int = 44) -> None:
        super().__init__()
        if width < 2:
            raise BadInputError(f"U2Fusion needs a width of 2 or more, got {width}")
        self.dense = nn.ModuleList(nn.Conv2d(2 + i * width, width, 3, padding=1) for i in range(5))
        widths = [2 + 5 * width, 3 * width, 3 * width // 2, 3 * width // 4]
        self.tail = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.LeakyReLU(0.2)) for a, b in pairwise(widths)),
            nn.Conv2d(widths[-1], 1, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, bag: Tensor, item: Tensor) -> Tensor:
        """Two (B, 1, H, W) in [0, 1] to one."""
        x = torch.cat([bag, item], 1)
        for layer in self.dense:
            x = torch.cat([x, nn.functional.leaky_relu(layer(x), 0.2)], 1)
        drawn: Tensor = self.tail(x)
        return drawn / 2 + 0.5


def information(image: Tensor) -> Tensor:
    """(B, 1, H, W) to (B,): mean energy of a Laplacian over three octaves."""
    found = []
    for _ in range(LEVELS):
        found.append(laplacian(image).square().mean((1, 2, 3)))
        image = avg_pool2d(image, 2)
    return torch.stack(found).mean(0)


def u2fusion_losses(
    model: LumaFusion, bag: Tensor, item: Tensor, mask: Tensor, *, temperature: float = 0.01
) -> dict[str, Tensor]:
    """SSIM and squares to both sources, weighted by a softmax of what each tells; see `rwsc_losses`.

    ``temperature`` stands for the paper's c, for energies of this module.
    """
    sources = [to_ycbcr(i)[:, :1] for i in (bag, item)]
    fused = model.net(*sources)
    share = torch.softmax(torch.stack([information(s) for s in sources], 1) / temperature, 1)
    squares = torch.stack([(fused - s).square().mean((1, 2, 3)) for s in sources], 1)
    unlike = torch.stack(
        [torch.stack([1 - ssim(f[None], y[None]) for f, y in zip(fused, s, strict=True)]) for s in sources], 1
    )
    structure, content = (share * unlike).sum(1).mean(), (share * squares).sum(1).mean()
    return {"structure": structure, "content": content, "loss": structure + SQUARES * content}
