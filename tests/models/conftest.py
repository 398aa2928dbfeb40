"""Tiny weights that do not depend on a random generator."""

from collections.abc import Callable

import pytest
import torch
from torch import nn


def _fill(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            values = torch.sin(torch.arange(parameter.numel(), dtype=torch.float32)) / 10
            parameter.copy_(values.reshape(parameter.shape))
    return model


@pytest.fixture(scope="session")
def filled() -> Callable[[nn.Module], nn.Module]:
    """Give every parameter sin(arange(n)) / 10."""
    return _fill


def _devices(count: int, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(3)
    images = 0.6 + 0.05 * torch.rand(count, 3, side, side, generator=drawn)
    images[..., :6, :] = images[..., -6:, :] = 1.0
    labels = torch.arange(count) % 2
    for row in labels.nonzero()[:, 0].tolist():
        top, left = torch.randint(8, side - 24, (2,), generator=drawn).tolist()
        images[row, :, top : top + 16, left : left + 16] = 0.1
        images[row, 0, top : top + 16 : 4, left : left + 16] = 0.9  # red stripes
    return images, labels


@pytest.fixture(scope="session")
def devices() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Pictures (N, 3, side, side) of a plain device in air; each other, labelled 1, hides stripes."""
    return _devices
