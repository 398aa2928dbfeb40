"""A query-based multi-label head: one learned query a class attends to the feature map. The strong baseline.

Source:
    Liu et al., Query2Label (2021), and Ridnik et al., ML-Decoder (WACV 2023), reduced to one layer of
    cross-attention without self-attention between the queries, as ML-Decoder recommends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.chr import ChrOutput, build_chr


class QueryClassifier(nn.Module):
    """Backbone, projection, cross-attention of K queries, one linear output a class.

    Args:
        backbone: Module that returns one feature map (B, C, h, w) a stage, fine to coarse.
        channels: Channels of each stage.
        num_classes: K.
        stage: Which stage the queries look at; -1 is the coarsest, as published.
        width: Width of queries and keys, a multiple of ``heads``.
        heads: Attention heads.

    Raises:
        ValueError: If ``width`` is no multiple of ``heads``.
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: Sequence[int],
        num_classes: int,
        *,
        stage: int = -1,
        width: int = 128,
        heads: int = 4,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width must be a multiple of heads, got {width} and {heads}")
        self.backbone = backbone
        self.stage = stage
        self.heads = heads
        self.project = nn.Conv2d(list(channels)[stage], width, 1)
        self.queries = nn.Parameter(torch.randn(num_classes, width) * 0.02)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.feed_norm = nn.LayerNorm(width)
        self.weight = nn.Parameter(torch.randn(num_classes, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def forward(self, image: Tensor) -> ChrOutput:
        """Logits (B, 1, K) and, as class maps, the evidence that each position gives (B, K, h, w).

        The map is attention times what the attended value adds to the class's logit to first order, so a
        query that attends to a place which speaks against its class does not point there.
        """
        feature = F.relu(self.project(list(self.backbone(image))[self.stage]))
        b, d, h, w = feature.shape
        tokens = feature.flatten(2).transpose(1, 2)  # (B, h * w, D)
        key = self.key(tokens).view(b, h * w, self.heads, -1)
        value = self.value(tokens).view(b, h * w, self.heads, -1)
        query = self.queries.view(-1, self.heads, d // self.heads)
        scores = torch.einsum("kme,bnme->bkmn", query, key) * (d // self.heads) ** -0.5
        attention = scores.softmax(-1)
        mixed = torch.einsum("bkmn,bnme->bkme", attention, value).flatten(2)  # (B, K, D)
        state = self.norm(self.queries + self.out(mixed))
        state = self.feed_norm(state + self.feed(state))
        logits = (state * self.weight).sum(-1) + self.bias
        direction = (self.weight @ self.out.weight).view(-1, self.heads, d // self.heads)
        evidence = torch.einsum("bkmn,bnme,kme->bkn", attention, value, direction)
        return ChrOutput(logits[:, None], (evidence.view(b, -1, h, w),))


def build_query_classifier(
    backbone: str,
    num_classes: int,
    *,
    backbone_options: Mapping[str, Any] | None = None,
    pretrained: bool = False,
    stage: int = -1,
) -> QueryClassifier:
    """A query head on any backbone that `beltline.models.chr.build_chr` takes; arguments as there."""
    body = build_chr(
        backbone, num_classes, backbone_options=backbone_options, pretrained=pretrained, variant="H"
    )
    widths = [conv.out_channels for conv in body.lateral if isinstance(conv, nn.Conv2d)]
    return QueryClassifier(body.backbone, widths, num_classes, stage=stage)
