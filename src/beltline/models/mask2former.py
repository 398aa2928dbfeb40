"""Mask2Former of transformers with random weights, a segmenter that does not look at clicks.

Source:
    Cheng et al., Mask2Former (arXiv 2112.01527), Swin-L; the sizes from its released configuration. One map
    of all queries, and the plain loss on it instead of a matching, are reconstructed.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from beltline.models.backbones import IMAGENET_MEAN, IMAGENET_STD
from beltline.models.segmenter import ClickSegmenter
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()

from transformers import (  # noqa: E402  # after the operators
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    SwinConfig,
)

TINY = 1e-6  # keeps logits finite


# which the configurations take though their types do not name it
STAGES: dict[str, Any] = {"out_features": ["stage1", "stage2", "stage3", "stage4"]}


class Mask2Former(ClickSegmenter):
    """The foreground that any query sees: ``1 - prod_q (1 - P(q holds an item) P(pixel in mask q))``.

    Args:
        net: Of transformers, with one class.
        side: Side of the square images, a multiple of 32 pixels.
    """

    promptable: ClassVar[bool] = False

    def __init__(self, net: nn.Module, side: int) -> None:
        super().__init__()
        self.net, self.side = net, side

    def encode(self, image: Tensor) -> Tensor:
        """Mask logits (B, 1, side / 4, side / 4)."""
        mean, std = (image.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        output = self.net(pixel_values=(image - mean) / std)
        held = output.class_queries_logits.softmax(-1)[..., 0]  # (B, Q), of one class and "no object"
        seen = held[..., None, None] * output.masks_queries_logits.sigmoid()
        air = (1 - seen).clamp(min=TINY).log().sum(1, keepdim=True)
        # the logit of 1 - exp(air)
        return (-air.clamp(max=-TINY).expm1()).log() - air  # type: ignore[no-any-return]

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor) -> Tensor:
        """See `ClickSegmenter`; the same for all clicks."""
        return embedding


def mask2former(side: int = 512) -> Mask2Former:
    """The published one, on Swin-L: 200 queries."""
    swin = SwinConfig(
        embed_dim=192,
        depths=[2, 2, 18, 2],
        num_heads=[6, 12, 24, 48],
        window_size=12,
        drop_path_rate=0.3,
        **STAGES,
    )
    return _build(swin, side, num_queries=200)


def mask2former_small(side: int = 128) -> Mask2Former:
    """On a narrow Swin, 64 channels, ten queries, for a CPU."""
    swin = SwinConfig(embed_dim=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], window_size=4, **STAGES)
    return _build(
        swin,
        side,
        num_queries=10,
        feature_size=64,
        mask_feature_size=64,
        hidden_dim=64,
        encoder_feedforward_dim=128,
        encoder_layers=2,
        dim_feedforward=128,
        decoder_layers=3,
        num_attention_heads=4,
    )


def _build(backbone: SwinConfig, side: int, **options: Any) -> Mask2Former:
    settings: dict[str, Any] = {"num_labels": 1, **options}
    config = Mask2FormerConfig(backbone_config=backbone, **settings)
    return Mask2Former(Mask2FormerForUniversalSegmentation(config), side)
