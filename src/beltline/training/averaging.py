"""Exponential moving average of a model's weights."""

import copy

import torch
from torch import Tensor, nn


class AveragedWeights:
    """A second copy of the model whose weights trail the trained ones.

    Early on the average follows closely (``(1 + n) / (10 + n)``), so that short runs profit too. Floating
    buffers (batch-norm statistics) are averaged, the others copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move one step towards ``model``."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        current = model.state_dict()
        for name, mean in self.model.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(current[name].to(mean.dtype), 1 - decay)
            else:
                mean.copy_(current[name])

    def state(self) -> dict[str, Tensor | int]:
        """Everything needed to go on; see `restore`."""
        return {"updates": self.updates, **self.model.state_dict()}

    def restore(self, state: dict[str, Tensor | int]) -> None:
        """Take up a saved `state`."""
        tensors = {k: v for k, v in state.items() if isinstance(v, Tensor)}
        self.updates = int(state["updates"])
        self.model.load_state_dict(tensors, strict=True)
