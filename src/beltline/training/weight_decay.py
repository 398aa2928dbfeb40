"""Which weights decay."""

from __future__ import annotations

from typing import Any

from torch import nn


def decay_groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameter groups of an optimizer: weights of two and more dimensions decay, biases and gains do not.

    Example:
        >>> [(len(group["params"]), group["weight_decay"]) for group in decay_groups(nn.Linear(3, 2), 0.1)]
        [(1, 0.1), (1, 0.0)]
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
