"""BCNN: every pair of a trunk's features, multiplied at each position and summed over them.

Published: VGG-16 to conv5_3 on both sides, 512x512 pairs; first the head alone is trained, then all (freeze
``trunk`` for the first).

Source:
    Lin et al., Bilinear CNN models for fine-grained visual recognition (ICCV 2015), the symmetric
    model "B-CNN [D, D]".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from beltline.models.part_classifier import CLASSES, PartClassifier
from beltline.models.part_trunks import Trunk

ROOT_EPSILON = 1e-5


class Bcnn(PartClassifier):
    """See the module.

    Args:
        trunk: Its last level, of C channels, gives C * C pairs.

    Example:
        >>> from beltline.models.part_trunks import tiny_trunk
        >>> model = Bcnn(tiny_trunk()).eval()
        >>> model(torch.rand(1, 3, 64, 64)).shape, model.head.in_features
        (torch.Size([1, 2]), 64)
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__(trunk)
        self.head = nn.Linear(trunk.channels[-1] ** 2, CLASSES)

    def logits(self, normalised: Tensor) -> Tensor:
        """See `PartClassifier`."""
        found: Tensor = self.head(bilinear_vector(self.trunk(normalised)[-1]))
        return found


def bilinear_vector(features: Tensor) -> Tensor:
    """The bilinear descriptor, of length 1.

    Args:
        features: (B, C, h, w).

    Returns:
        (B, C * C) float32: the summed outer products, their signed roots, divided by their norm.

    Source:
        Lin et al.: ``y = sign(x) sqrt|x|``, then ``z = y / norm(y)``.

    Example:
        >>> bilinear_vector(torch.tensor([3.0, 0.0]).reshape(1, 2, 1, 1))
        tensor([[1., 0., 0., 0.]])
    """
    rows = features.flatten(2).float()  # (B, C, P)
    pairs = torch.bmm(rows, rows.transpose(1, 2)).flatten(1)
    return normalize(signed_root(pairs.float()))


def signed_root(values: Tensor) -> Tensor:
    """``sign(x) sqrt|x|`` whose slope at 0 is finite: 1 / sqrt(1e-5) there, the root's own elsewhere.

    Example:
        >>> signed_root(torch.tensor([-4.0, 0.0, 4.0]))
        tensor([-2.0000,  0.0000,  2.0000])
    """
    return values * torch.rsqrt(values.abs() + ROOT_EPSILON)
