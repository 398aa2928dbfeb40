"""The image encoder of SAM: a plain ViT with attention in windows, and over everything in four blocks.

The modules carry the names of the official checkpoints, so that these load tensor by tensor.

Source:
    Kirillov et al., Segment Anything (arXiv 2304.02643), on ViTDet (Li et al., arXiv 2203.16527).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 16  # pixels of SAM's patches
EPSILON = 1e-6  # of the encoder's layer normalisation


@dataclass(frozen=True)
class SamSize:
    """What distinguishes the sizes of SAM.

    Attributes:
        width: Channels of the encoder's tokens.
        depth: Blocks of the encoder.
        heads: Attention heads of the encoder; they divide the width.
        global_blocks: Blocks whose attention spans the whole image.
        table: Side of the table of absolute positions, tokens.
        window: Side of the attention windows of the other blocks, tokens.
        out: Channels of the image features, the prompts and the decoder's tokens.
        mlp: Width of the decoder's feed-forward layers.
    """

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    table: int = 64
    window: int = 14
    out: int = 256
    mlp: int = 2048


VIT_B = SamSize(width=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11))
VIT_L = SamSize(width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23))
SMALL = SamSize(
    width=96, depth=4, heads=3, global_blocks=(1, 3), table=32, window=8, out=64, mlp=128
)  # reconstructed, for a CPU


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each position; the shape stays."""
        last = F.layer_norm(x.movedim(1, -1), self.weight.shape, self.weight, self.bias, EPSILON)
        return last.movedim(-1, 1)


class PatchEmbedding(nn.Module):
    """Patches of 16 pixels to tokens (B, H, W, C).

    Args:
        width: C.
        stride: Pixels from one patch to the next; below 16 they overlap.
    """

    def __init__(self, width: int, stride: int = PATCH) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride)

    def forward(self, image: Tensor) -> Tensor:
        """Tokens of an image (B, 3, H, W)."""
        tokens: Tensor = self.proj(image)
        return tokens.movedim(1, -1)


class Attention(nn.Module):
    """Self-attention of a square grid of tokens, with relative positions a row and a column.

    Args:
        width: Channels.
        heads: Heads.
        grid: Side of the grid, tokens.
    """

    def __init__(self, width: int, heads: int, grid: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * grid - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * grid - 1, width // heads))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, H, W, C) to the same shape."""
        b, h, w, _ = x.shape
        query, key, value = self.qkv(x).reshape(b, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = self._position_bias(query.unflatten(2, (h, w)))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(b, h, w, -1))
        return out

    def _position_bias(self, query: Tensor) -> Tensor:
        # query[h, w] . (row[h - k] + column[w - l]), (B, heads, H * W, H * W)
        rows = _differences(self.rel_pos_h, query.shape[2])
        columns = _differences(self.rel_pos_w, query.shape[3])
        by_row = torch.einsum("bmhwd,hkd->bmhwk", query, rows)
        by_column = torch.einsum("bmhwd,wld->bmhwl", query, columns)
        return (by_row[..., :, None] + by_column[..., None, :]).flatten(4).flatten(2, 3)


def _differences(table: Tensor, length: int) -> Tensor:
    place = torch.arange(length, device=table.device)
    return table[place[:, None] - place[None, :] + length - 1]  # (L, L, d)


class FeedForward(nn.Module):
    """Two linear layers, named as SAM names them."""

    def __init__(self, width: int, hidden: int, activation: nn.Module) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, hidden)
        self.lin2 = nn.Linear(hidden, width)
        self.act = activation

    def forward(self, x: Tensor) -> Tensor:
        """The last axis holds the channels; the shape stays."""
        out: Tensor = self.lin2(self.act(self.lin1(x)))
        return out


class Block(nn.Module):
    """Attention and feed-forward layer, each after a normalisation and with a skip.

    Args:
        size: Of the model.
        grid: Side of the token grid.
        window: Side of the windows; 0 attends to everything.
    """

    def __init__(self, size: SamSize, grid: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(size.width, eps=EPSILON)
        self.attn = Attention(size.width, size.heads, window or grid)
        self.norm2 = nn.LayerNorm(size.width, eps=EPSILON)
        self.mlp = FeedForward(size.width, 4 * size.width, nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, H, W, C) to the same shape."""
        x = x + self.attend(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out

    def attend(self, x: Tensor) -> Tensor:
        """Attention, within windows where the block has them."""
        if not self.window:
            return self.attn(x)  # type: ignore[no-any-return]
        b, h, w, c = x.shape
        side = self.window
        x = F.pad(x, (0, 0, 0, -w % side, 0, -h % side))
        rows, columns = x.shape[1] // side, x.shape[2] // side
        x = x.view(b, rows, side, columns, side, c).transpose(2, 3).reshape(-1, side, side, c)
        x = self.attn(x).view(b, rows, columns, side, side, c).transpose(2, 3)
        return x.reshape(b, rows * side, columns * side, c)[:, :h, :w]


class ImageEncoder(nn.Module):
    """SAM's image encoder.

    Args:
        size: Of the model.
        grid: Side of the token grid; images have 16 times as many pixels a side.
    """

    def __init__(self, size: SamSize, grid: int) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(size.width)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, grid, grid, size.width))
        self.blocks = encoder_blocks(size, grid)
        self.neck = encoder_neck(size)

    def forward(self, image: Tensor) -> Tensor:
        """Features (B, out, grid, grid) of a normalised image (B, 3, H, W)."""
        x = self.patch_embed(image) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.neck(x.movedim(-1, 1))
        return out


def encoder_blocks(size: SamSize, grid: int) -> nn.ModuleList:
    """The encoder's blocks on a grid of so many tokens a side."""
    return nn.ModuleList(
        Block(size, grid, 0 if index in size.global_blocks else size.window) for index in range(size.depth)
    )


def encoder_neck(size: SamSize) -> nn.Sequential:
    """Tokens (B, width, H, W) to features (B, out, H, W)."""
    return nn.Sequential(
        nn.Conv2d(size.width, size.out, 1, bias=False),
        LayerNorm2d(size.out),
        nn.Conv2d(size.out, size.out, 3, padding=1, bias=False),
        LayerNorm2d(size.out),
    )
