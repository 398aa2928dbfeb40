"""Multi-label losses that stand beside CHR's as plain baselines."""

import torch
from torch import Tensor
from torch.nn import functional as F


def asymmetric_loss(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_positive: float = 0.0,
    gamma_negative: float = 4.0,
    margin: float = 0.05,
) -> Tensor:
    """Asymmetric loss: easy negatives are focused away, very easy ones dropped by a shifted probability.

    Args:
        logits: (B, K) or (B, S, K).
        targets: (B, K) in {0, 1}; NaN is not counted.
        gamma_positive: Focusing of positives.
        gamma_negative: Focusing of negatives.
        margin: Probability subtracted from negatives, clipped at 0.

    Returns:
        Scalar loss, mean over the labelled entries.

    Source:
        Ridnik et al., Asymmetric Loss for Multi-Label Classification (ICCV 2021), eq. 4-7.
    """
    if logits.ndim == 3:
        targets = targets[:, None, :].expand_as(logits)
    known = ~targets.isnan()
    target = targets.nan_to_num()
    prob = logits.sigmoid()
    shifted = (prob - margin).clamp(min=0)
    positive = target * (1 - prob).pow(gamma_positive) * F.logsigmoid(logits)
    negative = (1 - target) * shifted.pow(gamma_negative) * torch.log((1 - shifted).clamp(min=1e-8))
    return -((positive + negative) * known).sum() / known.sum().clamp(min=1)


def focal_loss(logits: Tensor, targets: Tensor, *, gamma: float = 2.0, alpha: float = 0.25) -> Tensor:
    """Sigmoid focal loss, mean over the labelled entries; shapes as `asymmetric_loss`.

    Source:
        Lin et al., Focal Loss for Dense Object Detection (ICCV 2017), eq. 5.
    """
    if logits.ndim == 3:
        targets = targets[:, None, :].expand_as(logits)
    known = ~targets.isnan()
    target = targets.nan_to_num()
    entry = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p_true = torch.exp(-entry)
    weight = (alpha * target + (1 - alpha) * (1 - target)) * (1 - p_true).pow(gamma)
    return (weight * entry * known).sum() / known.sum().clamp(min=1)
