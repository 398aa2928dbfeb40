"""SAMUS: SAM's encoder with adapters and a convolutional branch beside it, its prompt encoder and decoder.

Source:
    Lin et al., SAMUS (arXiv 2309.06824). Wiring from the released code; the trained parameters, 43,711,460
    with the decoder, are counted as APSAM's are (APSAM's paper prints 43.21 M).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.sam_adapters import AdaptedEncoder, Branch, conv_block
from beltline.models.sam_decoder import MaskDecoder, PromptEncoder
from beltline.models.sam_encoder import SMALL, VIT_B, SamSize
from beltline.models.segmenter import ClickSegmenter

STEM = 64  # channels of the branch's first layer


class BranchAttention(nn.Module):
    """Tokens of the transformer look at those of the branch, (B, H, W, C)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        """What each token gathers, in the shape of ``x``."""
        query, key, value = (
            layer(tokens).flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, tokens in ((self.q, x), (self.k, branch), (self.v, branch))
        )
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        out: Tensor = self.proj(mixed.reshape(x.shape))
        return out


class ConvolutionalBranch(Branch):
    """Convolutions down to the token grid; in each global block attention to it, and one convolution more.

    Args:
        size: Of the model; the image must have eight times as many pixels as the grid has tokens.
        stem: Channels of the first layer, doubled at each halving but the last.
    """

    def __init__(self, size: SamSize, stem: int = STEM) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            conv_block(3, stem),
            conv_block(stem, 2 * stem, halve=True),
            conv_block(2 * stem, 4 * stem, halve=True),
            conv_block(4 * stem, size.width, halve=True),
        )
        names = [str(index) for index in size.global_blocks]
        self.attention = nn.ModuleDict({name: BranchAttention(size.width, size.heads) for name in names})
        self.refine = nn.ModuleDict({name: conv_block(size.width, size.width) for name in names})

    def start(self, image: Tensor) -> Tensor:
        """See `Branch`."""
        out: Tensor = self.embed(image)
        return out.movedim(1, -1)

    def meet(self, block: int, normed: Tensor, branch: Tensor) -> tuple[Tensor, Tensor]:
        """See `Branch`."""
        seen = normed + self.attention[str(block)](normed, branch)
        return seen, self.refine[str(block)](branch.movedim(-1, 1)).movedim(1, -1)


class Samus(ClickSegmenter):
    """SAMUS, its decoder trained too, as APSAM's training script does.

    Args:
        size: `VIT_B` as released.
        stem: Channels of the branch's first layer.
        frozen: Freeze what SAM brings but its decoder; False trains all, from random weights.
    """

    def __init__(self, size: SamSize, *, stem: int = STEM, frozen: bool = True) -> None:
        super().__init__()
        self.size, self.side = size, 4 * size.table  # eight pixels a token
        self.image_encoder = AdaptedEncoder(size, self.side, ConvolutionalBranch(size, stem))
        self.prompt_encoder = PromptEncoder(size.out, self.image_encoder.tokens, self.side)
        self.mask_decoder = MaskDecoder(size.out, size.mlp)
        self.prompt_encoder.requires_grad_(False)
        if not frozen:
            self.requires_grad_(True)

    def encode(self, image: Tensor) -> Tensor:
        """Features of BGR in [0, 1], as APSAM's code feeds it."""
        features: Tensor = self.image_encoder(image.flip(1))
        return features

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`; half the side."""
        prompts = self.prompt_encoder(points, labels)
        masks, _ = self.mask_decoder(embedding, self.prompt_encoder.positions(), prompts)
        return masks[:, :1]  # type: ignore[no-any-return]


def samus() -> Samus:
    """The released model: ViT-B at 256 pixels."""
    return Samus(VIT_B)


def samus_small() -> Samus:
    """Four narrow blocks at 128 pixels, all trained, for a CPU and without SAM's weights."""
    return Samus(SMALL, stem=16, frozen=False)
