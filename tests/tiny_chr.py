"""A CHR of a few thousand parameters for tests."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.chr import Chr, Pooling, Variant, Wiring


def chr_tiny(
    num_classes: int = 3,
    *,
    variant: Variant = "CHR",
    wiring: Wiring = "released",
    pooling: Pooling = "avg",
) -> Chr:
    """A CHR of a few thousand parameters on a plain three-convolution backbone."""
    return Chr(TinyBackbone(), (8, 12, 16), num_classes, variant=variant, wiring=wiring, pooling=pooling)


class TinyBackbone(nn.Module):
    """Three stages at strides 8, 16, 32, channels 8, 12, 16, without normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.blocks = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in ((8, 8), (8, 12), (12, 16))
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of (B, 3, H, W), fine to coarse."""
        x = F.relu(self.stem(image))
        out = []
        for block in self.blocks:
            x = F.relu(block(x))
            out.append(x)
        return out
