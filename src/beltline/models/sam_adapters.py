"""What SAMUS and its follower APSAM add to SAM's image encoder: denser patches, positions, adapters.

Source:
    Lin et al., SAMUS (arXiv 2309.06824); wiring from its released code, which APSAM's keeps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.sam_encoder import (
    PATCH,
    Block,
    LayerNorm2d,
    PatchEmbedding,
    SamSize,
    encoder_blocks,
    encoder_neck,
)

SHARE = 0.5  # with which adapters and branch enter


class Adapter(nn.Sequential):
    """A bottleneck of a quarter of the channels."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width // 4), nn.GELU(), nn.Linear(width // 4, width))


def conv_block(channels: int, out: int, *, halve: bool = False) -> nn.Sequential:
    """Convolution, normalisation and GELU; the largest of two by two pixels first where it halves."""
    pool: list[nn.Module] = [nn.MaxPool2d(2)] if halve else []
    convolution = nn.Conv2d(channels, out, 3, padding=1, bias=False)
    return nn.Sequential(*pool, convolution, LayerNorm2d(out), nn.GELU())


class Branch(nn.Module, ABC):
    """A second path beside the transformer, which meets it in the blocks with global attention."""

    @abstractmethod
    def start(self, image: Tensor) -> Tensor:
        """The branch's map (B, H, W, C) of an image."""

    @abstractmethod
    def meet(self, block: int, normed: Tensor, branch: Tensor) -> tuple[Tensor, Tensor]:
        """What the block's attention is to see, and the branch's next map, from both, (B, H, W, C)."""


class AdaptedEncoder(nn.Module):
    """SAM's image encoder on overlapping patches, with adapters.

    SAM's 16-pixel patches are laid ``side / tokens`` pixels apart, 8 at the released 256 pixels: the image is
    resized so that so many fit (264 pixels). SAM's table of positions is halved by a trained layer. One
    adapter stands behind the patches, with a skip, and one beside the feed-forward layer of each block with
    global attention. Trained are the adapters, the halving, the relative positions of the global blocks and
    the branch; the rest is frozen.

    Args:
        size: Of the model; there are ``table / 2`` tokens a side.
        side: Side of the square images, pixels.
        branch: A second path, as in SAMUS.

    Raises:
        ValueError: If the side is no multiple of the tokens.
    """

    def __init__(self, size: SamSize, side: int, branch: Branch | None = None) -> None:
        super().__init__()
        self.tokens = size.table // 2
        if side % self.tokens:
            raise ValueError(f"side must be a multiple of {self.tokens}, got {side}")
        stride = side // self.tokens
        self.resized = (self.tokens - 1) * stride + PATCH
        self.patch_embed = PatchEmbedding(size.width, stride)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, size.table, size.table, size.width))
        self.halve_positions = conv_block(size.width, size.width, halve=True)
        self.patch_adapter = Adapter(size.width)
        self.blocks = encoder_blocks(size, self.tokens)
        self.adapters = nn.ModuleDict({str(index): Adapter(size.width) for index in size.global_blocks})
        self.branch = branch
        self.neck = encoder_neck(size)
        self.freeze()

    def freeze(self) -> None:
        """Leave gradients to the parts that are trained."""
        self.requires_grad_(False)
        for part in (self.halve_positions, self.patch_adapter, self.adapters, self.branch):
            if part is not None:
                part.requires_grad_(True)
        for index in self.adapters:
            block = self.blocks[int(index)]
            assert isinstance(block, Block)
            block.attn.rel_pos_h.requires_grad_(True)
            block.attn.rel_pos_w.requires_grad_(True)

    def forward(self, image: Tensor) -> Tensor:
        """Features (B, out, tokens, tokens) of an image (B, 3, side, side)."""
        branch = None if self.branch is None else self.branch.start(image)
        x = self._embed(image)
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            normed = block.norm1(x)
            adapted = str(index) in self.adapters
            if adapted and branch is not None and self.branch is not None:
                normed, branch = self.branch.meet(index, normed, branch)
            x = x + block.attend(normed)
            normed = block.norm2(x)
            x = x + block.mlp(normed)
            if adapted:
                x = x + SHARE * self.adapters[str(index)](normed)
        if branch is not None:
            x = x + SHARE * branch
        out: Tensor = self.neck(x.movedim(-1, 1))
        return out

    def _embed(self, image: Tensor) -> Tensor:
        image = F.interpolate(image, (self.resized, self.resized), mode="bilinear", align_corners=False)
        x = self.patch_embed(image)
        x = x + self.patch_adapter(x)
        positions: Tensor = self.halve_positions(self.pos_embed.movedim(-1, 1))
        return x + positions.movedim(1, -1)  # type: ignore[no-any-return]
