"""Holding parts of a pretrained backbone still: its first stages and its normalisation.

A stage is a level of timm's feature pyramid with all that comes before it, the stem too: the first three of
EfficientNet-Lite0 reach to stride 8. What is still costs no backward pass and keeps its statistics.

Source:
    Hinterstoisser et al. (2017): frozen low layers on plain renders came close to training on real pictures.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from beltline.core import BadInputError
from beltline.training.settings import TrainingSettings


def hold_still(body: nn.Module, settings: TrainingSettings) -> tuple[nn.Module, ...]:
    """Take the gradient from what the settings freeze.

    Args:
        body: Backbone of `beltline.models.backbones.feature_backbone`; changed in place.
        settings: With ``frozen_stages`` and ``frozen_norm``.

    Returns:
        The modules that must stay in eval mode while the rest trains.

    Raises:
        BadInputError: If the backbone has fewer stages.
    """
    still = first_stages(body, settings.frozen_stages)
    if settings.frozen_norm:
        still += tuple(m for m in body.modules() if isinstance(m, _BatchNorm) and m not in still)
    for module in still:
        module.requires_grad_(False)
    return still


def first_stages(body: nn.Module, count: int) -> tuple[nn.Module, ...]:
    """The layers of a backbone's first stages, in order: modules without children, and normalisations.

    Raises:
        BadInputError: If it has fewer.

    Example:
        >>> from beltline.models.backbones import feature_backbone
        >>> [type(m).__name__ for m in first_stages(feature_backbone("resnet10t"), 1)][-2:]
        ['BatchNorm2d', 'ReLU']
    """
    if count == 0:
        return ()
    info: Any = body.feature_info
    levels = [_folded(level["module"]) for level in info.info]
    if count > len(levels):
        raise BadInputError(f"frozen_stages must be at most {len(levels)} for this backbone, got {count}")
    named = [(_folded(name), module) for name, module in body.named_modules()]
    last = levels[count - 1]
    end = max(n for n, (name, _) in enumerate(named) if name == last or name.startswith(f"{last}_"))
    # timm's normalisations hold their activation as a child
    return tuple(m for _, m in named[: end + 1] if isinstance(m, _BatchNorm) or not any(m.children()))


def _folded(name: str) -> str:
    return name.replace(".", "_")  # timm flattens names where it returns features
