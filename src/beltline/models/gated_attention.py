"""Gated attention over the parts of a device: which of them decide, learnt with the label of the whole.

Source:
    Ilse, Tomczak and Welling, Attention-based deep multiple instance learning (ICML 2018), equations 7 to 9.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from beltline.core.errors import ShapeError


class GatedAttention(nn.Module):
    """Features of parts to one logit: ``a = softmax(w (tanh(V h) * sigmoid(U h)))``, logit of ``sum a h``.

    Args:
        channels: C of the features.
        hidden: Width of V and U; 128 in the paper.

    Example:
        >>> model = GatedAttention(16, hidden=8)
        >>> present = torch.tensor([[True, True, False], [True, True, True]])
        >>> logits, weights = model(torch.rand(2, 3, 16), present)
        >>> logits.shape, weights.shape, weights[0, 2].item()
        (torch.Size([2]), torch.Size([2, 3]), 0.0)
    """

    def __init__(self, channels: int, *, hidden: int = 128) -> None:
        super().__init__()
        self.content = nn.Linear(channels, hidden)
        self.gate = nn.Linear(channels, hidden)
        self.attention = nn.Linear(hidden, 1, bias=False)  # a bias would cancel in the softmax
        self.head = nn.Linear(channels, 1)

    def forward(self, features: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Logit of each device and weights of its parts.

        Args:
            features: (B, N, C); what stands where no part is does not count.
            present: (B, N) bool, False where no part is.

        Returns:
            Logits (B,); weights (B, N) in [0, 1] of sum 1, 0 where no part is. A device without parts has
            no weight and the logit of the head's bias alone.

        Raises:
            ShapeError: If the shapes do not fit or ``present`` is not bool.
        """
        if features.ndim != 3 or present.shape != features.shape[:2] or present.dtype != torch.bool:
            raise ShapeError(
                f"expected features (B, N, C) and present (B, N) bool, got {tuple(features.shape)}"
                f" and {tuple(present.shape)} {present.dtype}"
            )
        features = features.masked_fill(~present[..., None], 0)  # also of NaN
        hidden = self.content(features).tanh() * self.gate(features).sigmoid()
        energy = self.attention(hidden)[..., 0]  # (B, N)
        # the least number rather than -inf: a row without parts stays finite
        energy = energy.masked_fill(~present, torch.finfo(energy.dtype).min)
        weights = energy.softmax(1).masked_fill(~present, 0)
        pooled = (weights[..., None] * features).sum(1)  # (B, C)
        return self.head(pooled)[:, 0], weights
