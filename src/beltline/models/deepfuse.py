"""DeepFuse (ICCV 2017): two luminances through one small encoder, features added, drawn again."""

from __future__ import annotations

from torch import Tensor, nn

from beltline.models.luma_fusion import LumaFusion, mef_ssim_loss, to_ycbcr


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


def deepfuse_losses(model: LumaFusion, bag: Tensor, item: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """1 - MEF-SSIM of the luminance; arguments as of `rwsc_losses`."""
    y_bag, y_item = to_ycbcr(bag)[:, :1], to_ycbcr(item)[:, :1]
    return {"loss": mef_ssim_loss((y_bag, y_item), model.net(y_bag, y_item))}
