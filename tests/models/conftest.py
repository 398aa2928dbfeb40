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
