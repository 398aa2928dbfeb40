"""The prompt encoder and the mask decoder of SAM, named as in the official checkpoints.

Source:
    Kirillov et al., Segment Anything (arXiv 2304.02643), appendix A.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.sam_encoder import FeedForward, LayerNorm2d

MASKS = 4  # one alone, and three nested ones
HEADS = 8


class FourierPositions(nn.Module):
    """Random Fourier features of a place."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, width // 2))

    def forward(self, xy: Tensor) -> Tensor:
        """Places (..., 2) as shares of the image to features (..., width)."""
        matrix = self.get_buffer("positional_encoding_gaussian_matrix")
        angle = 2 * math.pi * (2 * xy - 1) @ matrix
        return torch.cat([angle.sin(), angle.cos()], -1)


class PromptEncoder(nn.Module):
    """Clicks, box corners and a given mask as tokens and a map.

    Args:
        width: Channels of the decoder.
        grid: Side of the image features.
        side: Side of the square image, pixels.
    """

    def __init__(self, width: int, grid: int, side: int) -> None:
        super().__init__()
        self.grid, self.side = grid, side
        self.pe_layer = FourierPositions(width)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, width) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, width)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, 2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, 2, 2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, width, 1),
        )
        self.no_mask_embed = nn.Embedding(1, width)

    def forward(
        self, points: Tensor, labels: Tensor, mask_logits: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, N + 1, width), the last an empty one as in SAM, and a map that broadcasts.

        Args:
            points: (B, N, 2) xy, pixels.
            labels: (B, N): 1 on the item, 0 beside it, -1 no point, 2 and 3 a box's first and last corner.
            mask_logits: (B, 1, 4 * grid, 4 * grid), a mask to start from.
        """
        points = F.pad(points.float(), (0, 0, 0, 1))
        labels = F.pad(labels, (0, 1), value=-1)[..., None]
        kinds = torch.cat([self._weight(embed) for embed in self.point_embeddings])  # (4, width)
        known = self.pe_layer((points + 0.5) / self.side) + kinds[labels[..., 0].clamp(min=0).long()]
        tokens = torch.where(labels < 0, self._weight(self.not_a_point_embed), known)
        if mask_logits is not None:
            return tokens, self.mask_downscaling(mask_logits)
        return tokens, self._weight(self.no_mask_embed)[:, :, None, None]

    def positions(self) -> Tensor:
        """Position features of the grid (1, width, grid, grid)."""
        matrix = self.pe_layer.get_buffer("positional_encoding_gaussian_matrix")
        place = (torch.arange(self.grid, device=matrix.device, dtype=matrix.dtype) + 0.5) / self.grid
        y, x = torch.meshgrid(place, place, indexing="ij")
        features: Tensor = self.pe_layer(torch.stack([x, y], -1))
        return features.movedim(-1, 0)[None]

    @staticmethod
    def _weight(embedding: nn.Module) -> Tensor:
        weight = embedding.weight
        assert isinstance(weight, Tensor)
        return weight


class CrossAttention(nn.Module):
    """Attention between two sequences (B, N, C), in ``inner`` channels."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What each query gathers, (B, N, C)."""
        q, k, v = (
            layer(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for layer, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        out: Tensor = self.out_proj(mixed)
        return out


class TwoWayBlock(nn.Module):
    """Tokens look at each other, at the image, and the image at the tokens.

    Args:
        width: Channels.
        hidden: Of the feed-forward layer.
        first: The first block, whose self-attention has neither positions nor a skip.
    """

    def __init__(self, width: int, hidden: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = CrossAttention(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = CrossAttention(width, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, hidden, nn.ReLU())
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = CrossAttention(width, width // 2)

    def forward(
        self, tokens: Tensor, image: Tensor, token_places: Tensor, image_places: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) and image (B, H * W, C), each with its positions, to the same shapes."""
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            placed = tokens + token_places
            tokens = tokens + self.self_attn(placed, placed, tokens)
        tokens = self.norm1(tokens)
        placed_image = image + image_places
        tokens = tokens + self.cross_attn_token_to_image(tokens + token_places, placed_image, image)
        tokens = self.norm2(tokens)
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = image + self.cross_attn_image_to_token(placed_image, tokens + token_places, tokens)
        return tokens, self.norm4(image)


class TwoWayTransformer(nn.Module):
    """Two such blocks, and a last look of the tokens at the image."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(width, hidden, first=first) for first in (True, False))
        self.final_attn_token_to_image = CrossAttention(width, width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, image: Tensor, image_places: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C), which are their own positions, and image (B, H * W, C) to the same shapes."""
        places = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, places, image_places)
        tokens = tokens + self.final_attn_token_to_image(tokens + places, image + image_places, image)
        return self.norm_final_attn(tokens), image


class Mlp(nn.Module):
    """Three linear layers with ReLU between them."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, out)])

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to (..., out)."""
        first, second, last = self.layers
        out: Tensor = last(second(first(x).relu()).relu())
        return out


class MaskDecoder(nn.Module):
    """Masks and their expected IoU from image features and prompts.

    Args:
        width: Channels.
        hidden: Of the feed-forward layers.
        learned_tokens: Has mask tokens of its own, as SAM; else `forward` is given them.
    """

    def __init__(self, width: int, hidden: int, *, learned_tokens: bool = True) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(width, hidden)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(MASKS, width) if learned_tokens else None
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, 2),
            LayerNorm2d(width // 4),
            nn.GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, 2, 2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(Mlp(width, width // 8) for _ in range(MASKS))
        self.iou_prediction_head = Mlp(width, MASKS)

    def forward(
        self,
        features: Tensor,
        positions: Tensor,
        prompts: tuple[Tensor, Tensor],
        mask_tokens: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mask logits (B, 4, 4 * H, 4 * W), the single mask first, and their expected IoU (B, 4).

        Args:
            features: (B, width, H, W).
            positions: (1, width, H, W).
            prompts: Tokens and map of `PromptEncoder`.
            mask_tokens: (B, 4, width), in place of the learned ones.

        Raises:
            ValueError: If there are neither learned nor given mask tokens.
        """
        if mask_tokens is None and self.mask_tokens is None:
            raise ValueError("a mask decoder without tokens of its own needs mask_tokens (B, 4, width)")
        sparse, dense = prompts
        rows = len(sparse)
        if mask_tokens is None and self.mask_tokens is not None:
            mask_tokens = self.mask_tokens.weight.expand(rows, -1, -1)
        assert mask_tokens is not None
        tokens = torch.cat([self.iou_token.weight.expand(rows, -1, -1), mask_tokens, sparse], 1)
        image = (features + dense).flatten(2).transpose(1, 2)
        places = positions.flatten(2).transpose(1, 2)
        tokens, image = self.transformer(tokens, image, places)
        raised = self.output_upscaling(image.transpose(1, 2).unflatten(2, features.shape[2:]))
        weights = torch.stack(
            [net(tokens[:, 1 + index]) for index, net in enumerate(self.output_hypernetworks_mlps)], 1
        )
        masks = torch.einsum("bmc,bchw->bmhw", weights, raised)
        return masks, self.iou_prediction_head(tokens[:, 0])
