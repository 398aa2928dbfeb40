"""What a network costs: multiply-accumulates of one image, and parameters."""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Complexity:
    """Cost of one image.

    Attributes:
        macs: Multiply-accumulates of convolutions, linear layers and matrix products. Activations, pooling,
            normalisation and interpolation are not counted, as is usual.
        params: Parameters, trainable or not; buffers are not counted.
    """

    macs: int
    params: int

    def added_macs(self, base: "Complexity") -> float:
        """Share of MACs this has more than ``base``; 0.45 is 45 % more.

        Example:
            >>> round(Complexity(145, 10).added_macs(Complexity(100, 10)), 6)
            0.45
        """
        return self.macs / base.macs - 1


def measure_complexity(model: nn.Module, *, height: int = 224, width: int = 224) -> Complexity:
    """Count on shapes alone: nothing is computed, the model is unchanged.

    Args:
        model: Takes an image (1, 3, H, W).
        height: H in pixels.
        width: W in pixels.

    Source:
        torch.utils.flop_counter, which counts two operations for each multiply-accumulate.
    """
    shadow = copy.deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.zeros(1, 3, height, width, device="meta"))
    return Complexity(counter.get_total_flops() // 2, sum(p.numel() for p in model.parameters()))
