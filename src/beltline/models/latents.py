"""The autoencoder that a painter works behind: windows of a scan to latents an eighth of their size and back.

diffusers' `AutoencoderKL` (Rombach 2022), narrow enough for a CPU: under 1 M parameters.
"""

from __future__ import annotations

from collections.abc import Mapping

from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn.functional import l1_loss

LATENTS = 4  # channels, as Stable Diffusion has
CELL = 8  # pixels of a window a latent
EDGE_WEIGHT = 1.0  # of the error of differences between neighbours: plain L1 blurs
MATERIAL_WEIGHT = 4.0  # of the error of the energies' small difference, which says what a thing is made of
KL_WEIGHT = 1e-6  # keeps latents near a unit scale and costs nothing


class Autoencoder(nn.Module):
    """Windows in [0, 1] to latents and back.

    Args:
        channels: Of a window: 2 for codes of two energies, 3 for colour.
        widths: Channels at full, half, quarter and eighth size.

    Example:
        >>> import torch
        >>> latents = Autoencoder(2, (8, 8, 8, 8)).encode(torch.rand(1, 2, 64, 64))
        >>> latents.shape
        torch.Size([1, 4, 8, 8])
    """

    def __init__(self, channels: int, widths: tuple[int, ...] = (16, 32, 64, 64)) -> None:
        super().__init__()
        self.net = AutoencoderKL(
            in_channels=channels,
            out_channels=channels,
            down_block_types=("DownEncoderBlock2D",) * len(widths),
            up_block_types=("UpDecoderBlock2D",) * len(widths),
            block_out_channels=widths,
            layers_per_block=1,
            latent_channels=LATENTS,
            norm_num_groups=min(8, *widths),
        )

    def forward(self, windows: Tensor) -> Mapping[str, Tensor]:
        """What is minimised of windows (B, C, H, W) uint8.

        Absolute error, the same of differences between neighbours and of those between channels, and a touch
        of KL.
        """
        windows = windows.float() / 255
        posterior = self.net.encode(2 * windows - 1).latent_dist
        back = self.decode(posterior.sample()).float()
        error, edges = l1_loss(back, windows), edge_error(back, windows)
        material = l1_loss(back.diff(dim=1), windows.diff(dim=1))
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        loss = error + EDGE_WEIGHT * edges + MATERIAL_WEIGHT * material + KL_WEIGHT * kl
        return {"loss": loss, "l1": error, "edges": edges, "material": material, "kl": kl}

    def hold_encoder(self) -> None:
        """Let the decoder alone learn on: latents stay, and painters behind them stay good."""
        for part in (self.net.encoder, self.net.quant_conv):
            part.requires_grad_(False)

    def encode(self, windows: Tensor) -> Tensor:
        """Most likely latents (B, 4, H / 8, W / 8) of windows (B, C, H, W) in [0, 1]."""
        found: Tensor = self.net.encode(2 * windows - 1).latent_dist.mode()
        return found

    def decode(self, latents: Tensor) -> Tensor:
        """Windows (B, C, H, W) of latents; they may stray out of [0, 1] a little."""
        found: Tensor = self.net.decode(latents).sample
        return (found + 1) / 2


def edge_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error of the differences between pixels and their right and lower neighbours, summed."""
    apart = found - wanted
    return apart.diff(dim=2).abs().mean() + apart.diff(dim=3).abs().mean()
