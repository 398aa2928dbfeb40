"""APSAM: SAM with adapters, mask tokens made of the image's brightest and darkest channels, and two points.

The point generator is `beltline.core.point_generator`; `segment_with_points` joins the two.

Source:
    XSeg (CVPR 2026, arXiv 2604.03706). Wiring from the released code, which differs from the paper: ViT-B at
    256 pixels, whose 11,906,214 trained parameters are those the paper prints beside ViT-L.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.core.point_generator import PointGenerator
from beltline.models.sam_adapters import AdaptedEncoder, conv_block
from beltline.models.sam_decoder import MASKS, MaskDecoder, PromptEncoder
from beltline.models.sam_encoder import SMALL, VIT_B, VIT_L, SamSize
from beltline.models.segmenter import ClickSegmenter

Selection = Literal["fixed", "released"]


class EnergyEncoder(nn.Module):
    """Tokens of the brightest and the darkest channel, paper's energy-aware encoder.

    ``I_H = max_c I`` and ``I_L = min_c I`` stand for the two energies. They do not equal them: in a
    pseudo-coloured scan their difference is a saturation.

    Args:
        width: Channels of the tokens, 256 as released.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_block(2, width // 4),
            conv_block(width // 4, width // 2, halve=True),
            conv_block(width // 2, width, halve=True),
            conv_block(width, width, halve=True),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Tokens (B, H / 8 * W / 8, width) of an image (B, 3, H, W)."""
        energies = torch.stack([image.amax(1), image.amin(1)], 1)
        out: Tensor = self.layers(energies)
        return out.flatten(2).transpose(1, 2)


class TokenSelection(nn.Module):
    """The decoder's mask tokens: the best-scored tokens of the image.

    The score is the larger softmax of two logits, as released. There it only ranks, so that its layer gets no
    gradient; ``fixed`` multiplies the tokens by it.

    Args:
        width: Channels.
        selection: ``fixed`` or ``released``.

    Raises:
        ValueError: If the selection is another.
    """

    def __init__(self, width: int, selection: Selection = "fixed") -> None:
        super().__init__()
        if selection not in ("fixed", "released"):
            raise ValueError(f"selection must be 'fixed' or 'released', got {selection!r}")
        self.selection = selection
        self.scorer = nn.Linear(width, 2)
        self.project = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """The four best of (B, N, width), best first, (B, 4, width)."""
        scores, places = self.scorer(tokens).softmax(-1).amax(-1).topk(MASKS, 1)
        chosen = tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[2]))
        if self.selection == "fixed":
            chosen = chosen * scores[..., None]
        out: Tensor = self.project(chosen)
        return out


class Embedding(NamedTuple):
    """An encoded image: features (B, width, H, W) and mask tokens (B, 4, width), None for learned ones."""

    features: Tensor
    mask_tokens: Tensor | None


class Apsam(ClickSegmenter):
    """APSAM.

    The loss of the paper touches only the single mask, so the heads of the three other masks and of the
    expected IoU count among the trained parameters, as in the paper, but get no gradient.

    Args:
        size: `VIT_B` as released, `VIT_L` as in the paper.
        side: Side of the square images, pixels: 256 as released, 512 in the paper.
        selection: See `TokenSelection`.
        frozen: Freeze what SAM brings but its decoder, as published; False trains all, from random weights.
        energy: False leaves the energy-aware encoder out, for the paper's ablation: the decoder then has mask
            tokens of its own, as SAM's.

    Raises:
        ValueError: If the side does not fit the size or the selection is unknown.
    """

    def __init__(
        self,
        size: SamSize,
        side: int,
        *,
        selection: Selection = "fixed",
        frozen: bool = True,
        energy: bool = True,
    ) -> None:
        super().__init__()
        self.size, self.side = size, side
        self.image_encoder = AdaptedEncoder(size, side)
        self.energy_encoder = EnergyEncoder(size.out) if energy else None
        self.selection = TokenSelection(size.out, selection) if energy else None
        self.prompt_encoder = PromptEncoder(size.out, self.image_encoder.tokens, side)
        self.mask_decoder = MaskDecoder(size.out, size.mlp, learned_tokens=not energy)
        self.prompt_encoder.requires_grad_(False)
        if not frozen:
            self.requires_grad_(True)

    def encode(self, image: Tensor) -> Embedding:
        """Features of BGR in [0, 1], as released, and the mask tokens."""
        tokens = None
        if self.energy_encoder is not None and self.selection is not None:
            tokens = self.selection(self.energy_encoder(image))
        return Embedding(self.image_encoder(image.flip(1)), tokens)

    def decode(self, embedding: Embedding, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`; half the side at 256 pixels, a quarter at 512."""
        masks, _ = self.mask_decoder(
            embedding.features,
            self.prompt_encoder.positions(),
            self.prompt_encoder(points, labels),
            embedding.mask_tokens,
        )
        return masks[:, :1]  # type: ignore[no-any-return]


def apsam(side: int = 256, *, selection: Selection = "fixed") -> Apsam:
    """The released model: ViT-B at 256 pixels, 11,906,214 trained parameters."""
    return Apsam(VIT_B, side, selection=selection)


def apsam_vit_l(side: int = 512, *, selection: Selection = "fixed") -> Apsam:
    """The paper's text: ViT-L at 512 pixels, by the recipe of the released ViT-B (reconstructed)."""
    return Apsam(VIT_L, side, selection=selection)


def apsam_small(side: int = 128, *, selection: Selection = "fixed") -> Apsam:
    """Four narrow blocks, all trained, for a CPU and without SAM's weights."""
    return Apsam(SMALL, side, selection=selection, frozen=False)


def segment_with_points(
    segmenter: ClickSegmenter,
    image: Tensor,
    clicks: Tensor,
    generator: PointGenerator,
    *,
    keep_click: bool = True,
    seed: int = 0,
) -> Tensor:
    """Mask logits of one click an image, its soft mask turned into two more points: paper's APG.

    The image is encoded once. The points depend on no truth, and no gradient passes through them.

    Args:
        segmenter: `Apsam`, or any other that looks at clicks.
        image: (B, 3, side, side) RGB in [0, 1].
        clicks: (B, 2) xy on the item, pixels.
        generator: Makes the points.
        keep_click: Pass the user's click on beside the two points; False passes the two alone.
        seed: Of the generator, for row 0; row i takes ``seed + i``.

    Returns:
        (B, 1, h, w).
    """
    embedding = segmenter.encode(image)
    clicks = clicks[:, None]
    ones = torch.ones(len(image), 3, dtype=torch.int64, device=image.device)
    with torch.no_grad():
        first = segmenter.decode(embedding, clicks, ones[:, :1])
    points = generated_points(image, first, clicks[:, 0], generator, seeds=range(seed, seed + len(image)))
    if keep_click:
        points = torch.cat([clicks.to(points), points], 1)
    return segmenter.decode(embedding, points, ones[:, : points.shape[1]])


@torch.no_grad()
def generated_points(
    image: Tensor, logits: Tensor, clicks: Tensor, generator: PointGenerator, *, seeds: Sequence[int]
) -> Tensor:
    """Two points an image, (B, 2, 2) xy, from what one click gave.

    Args:
        image: (B, 3, side, side) RGB in [0, 1].
        logits: (B, 1, h, w), the first answer.
        clicks: (B, 2) xy on the item, pixels.
        generator: Makes the points, without ``oracle``.
        seeds: B, of what it draws.
    """
    probs = F.interpolate(logits.float(), image.shape[2:], mode="bilinear", align_corners=False).sigmoid()
    rows = zip(
        image.float().cpu().numpy(), probs[:, 0].cpu().numpy(), clicks.cpu().numpy(), seeds, strict=True
    )
    pairs = [
        generator.points(pixels, mask, (float(x), float(y)), seed=seed) for pixels, mask, (x, y), seed in rows
    ]
    return torch.from_numpy(np.stack(pairs)).to(image)
