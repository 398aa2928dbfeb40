"""DeepFuse (ICCV 2017): two luminances through one small encoder, features added, drawn again."""

from __future__ import annotations

from torch import Tensor, nn


class DeepFuse(nn.Module):
    """Layers as recalled from the paper: 5x5 and 7x7 encoder, sum, 7x7, 5x5, 5x5 decoder.

    Args:
        width: Channels of the first layer; 16 in the paper.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2), nn.ReLU(), nn.Conv2d(width, 2 * width, 7, padding=3), nn.ReLU()
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(2 * width, 2 * width, 7, padding=3),
            nn.ReLU(),
            nn.Conv2d(2 * width, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, 1, 5, padding=2),
            nn.Sigmoid(),
        )

    def forward(self, bag: Tensor, item: Tensor) -> Tensor:
        """Two (B, 1, H, W) in [0, 1] to one."""
        fused: Tensor = self.decoder(self.encoder(bag) + self.encoder(item))
        return fused
