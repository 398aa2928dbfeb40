"""A linear codec for windows that hold one thing over air: the principal components of small squares.

What a scan of a bag needs a trained autoencoder for, a lone threat does not: over air few patterns occur, and
16 of the 128 numbers of a square of two energies keep all that is seen. Fitted in seconds, nothing blurs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

CELL = 8  # pixels of a window a latent
LATENTS = 16
MATERIAL = 3.0  # weight of what tells channels apart: it is small, and says what a thing is made of
MOST_SQUARES = 40_000  # that components are taken from
EMPTY = 0.02  # darkest value of a square that counts as air


class PatchCodec(nn.Module):
    """Windows in [0, 1] to latents and back. Air is 0 in every latent.

    Args:
        channels: Of a window: 2 for codes of two energies (air is 0), 3 for colours (air is 1).

    Source:
        Principal components of squares, as in transform coding; each latent is divided by the root of its
        spread, halfway between pixels' own scale and a spread of 1 for all. Ours.

    Example:
        >>> codec = PatchCodec(2)
        >>> codec.fit(torch.rand(8, 2, 64, 64))
        >>> codec.encode(torch.zeros(1, 2, 64, 64)).shape
        torch.Size([1, 16, 8, 8])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.components: Tensor
        self.gains: Tensor
        size = channels * CELL * CELL
        self.register_buffer("components", torch.eye(size)[:LATENTS].clone())  # (L, C * 64), orthonormal
        self.register_buffer("gains", torch.ones(LATENTS))

    def fit(self, windows: Tensor) -> None:
        """Take the components of the squares of windows (B, C, S, S) in [0, 1], of the first 40,000.

        Raises:
            ValueError: If the squares that are not air are too few.
        """
        squares = pixel_unshuffle(self._weighted(windows), CELL).movedim(1, -1).flatten(0, -2)
        squares = squares[squares.abs().amax(1) > EMPTY][:MOST_SQUARES]
        if len(squares) < LATENTS:
            raise ValueError(f"{LATENTS} squares with something in them are needed, got {len(squares)}")
        _, spread, components = torch.linalg.svd(squares, full_matrices=False)
        spread = spread[:LATENTS] / len(squares) ** 0.5
        self.components.copy_(components[:LATENTS])
        self.gains.copy_(spread.clamp(min=1e-4) ** -0.5)

    def encode(self, windows: Tensor) -> Tensor:
        """Latents (B, 16, H / 8, W / 8) of windows (B, C, H, W)."""
        with torch.autocast(windows.device.type, enabled=False):
            squares = pixel_unshuffle(self._weighted(windows.float()), CELL)
            return torch.einsum("lp,bphw->blhw", self.components * self.gains[:, None], squares)

    def decode(self, latents: Tensor) -> Tensor:
        """Windows (B, C, H, W) of latents; they may stray out of [0, 1] a little."""
        with torch.autocast(latents.device.type, enabled=False):
            squares = torch.einsum("lp,blhw->bphw", self.components / self.gains[:, None], latents.float())
        weighted = pixel_shuffle(squares, CELL)
        mean = weighted.mean(1, keepdim=True)
        return self._dark(mean + (weighted - mean) / MATERIAL)

    def _weighted(self, windows: Tensor) -> Tensor:
        dark = self._dark(windows)
        mean = dark.mean(1, keepdim=True)
        return mean + (dark - mean) * MATERIAL

    def _dark(self, windows: Tensor) -> Tensor:
        """With air at 0; its own inverse."""
        return windows if self.channels == 2 else 1 - windows
