"""MA-CNN: groups of a trunk's channels that attend to parts, and a classifier for each part.

Published: four parts of VGG-19's conv5_4, and the whole object beside them. A picture's mean feature says,
for each part, how much every channel counts; their weighted sum is where the part is.

Source:
    Zheng et al., Learning multi-attention convolutional neural network for fine-grained image recognition
    (ICCV 2017). Reconstructed: the sum of channels is standardised before its sigmoid, which it would
    saturate otherwise; distances are in fractions of the map; the answer is the mean over the parts' logits
    and the object's, where the paper trains a further linear layer on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from beltline.models.k_means import k_means
from beltline.models.part_classifier import CLASSES, PartClassifier, check_labels
from beltline.models.part_trunks import Trunk

GROUP_LOGIT = 3.0  # a channel counts 0.95 for its own part and 0.05 for others after `begin`


@dataclass(frozen=True)
class MaCnnOptions:
    """Parts and losses; defaults as recalled from the paper, which the public copy does not contradict.

    Attributes:
        parts: N.
        margin: Attention of others that a part may share for free.
        distance: Weight of `distance_loss`.
        diversity: Weight of `diversity_loss`.
        apart: Whether the two move the channel groups alone and cross-entropy all else, as the paper's turns
            at one and the other do (here both in each step); otherwise the sum moves everything.
        seed: Of the k-means of `begin`.
    """

    parts: int = 4
    margin: float = 0.02
    distance: float = 1.0
    diversity: float = 2.0
    apart: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.parts < 2 or min(self.margin, self.distance, self.diversity) < 0:
            raise ValueError(f"expected two parts or more, margin and weights from 0 on; got {self}")


class MaCnn(PartClassifier):
    """See the module.

    Args:
        trunk: Its last level is attended to.
        options: See `MaCnnOptions`.

    Example:
        >>> from beltline.models.part_trunks import tiny_trunk
        >>> model = MaCnn(tiny_trunk()).eval()
        >>> sorted(model.losses(torch.rand(2, 3, 64, 64), torch.tensor([0, 1])))
        ['class', 'distance', 'diversity', 'loss']
    """

    def __init__(self, trunk: Trunk, options: MaCnnOptions | None = None) -> None:
        super().__init__(trunk)
        self.options = options or MaCnnOptions()
        channels, parts = trunk.channels[-1], self.options.parts
        self.groups = nn.ModuleList(_channel_group(channels) for _ in range(parts))
        self.level = nn.GroupNorm(parts, parts)  # of each part's map over its positions
        seen = parts + 1  # the object is the last
        self.heads = nn.ModuleList(nn.Linear(channels, CLASSES) for _ in range(seen))

    def logits(self, normalised: Tensor) -> Tensor:
        """See `PartClassifier`."""
        features = self.trunk(normalised)[-1]
        return self._part_logits(features, self._attend(features)).mean(1)

    def attention(self, images: Tensor) -> Tensor:
        """Where each part is, (B, N, h, w), each map from 0 on with a sum of 1; images as for `forward`."""
        return self._attend(self.trunk(self.normalised(images))[-1])

    def losses(self, images: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """See `PartClassifier`; its parts are "class", "distance" and "diversity", not weighted.

        Source:
            Zheng et al., part classification and channel grouping losses; every head has a loss of its own.
        """
        check_labels(images, labels)
        options, features = self.options, self.trunk(self.normalised(images))[-1]
        maps = self._attend(features.detach() if options.apart else features)
        logits = self._part_logits(features, maps.detach() if options.apart else maps)
        found = {
            "class": torch.stack([cross_entropy(part, labels) for part in logits.unbind(1)]).sum(),
            "distance": distance_loss(maps),
            "diversity": diversity_loss(maps, margin=options.margin),
        }
        grouping = options.distance * found["distance"] + options.diversity * found["diversity"]
        return {"loss": found["class"] + grouping, **found}

    def begin(self, images: Tensor, labels: Tensor) -> None:
        """Start each part with the channels that peak at the same places.

        The paper regresses the groups on what k-means says, the same for every picture; their last biases
        alone can say that, so they are set to it.

        Args:
            images: Training pictures (N, 3, H, W).
            labels: Not looked at.

        Raises:
            ValueError: If the trunk has fewer channels than there are parts.

        Source:
            Zheng et al., start of the channel grouping: k-means of channels by where they peak.
        """
        peaks = torch.cat([peak_positions(levels[-1]) for levels in self.trunk_features(images)])
        points = peaks.permute(1, 0, 2).flatten(1)  # (C, N * 2)
        drawn = torch.Generator().manual_seed(self.options.seed)
        members = k_means(points, self.options.parts, generator=drawn).members
        for part, group in enumerate(self.groups):
            last = group.get_submodule("2")
            with torch.no_grad():
                last.get_parameter("bias").copy_(torch.where(members == part, GROUP_LOGIT, -GROUP_LOGIT))

    def _attend(self, features: Tensor) -> Tensor:
        pooled = features.mean((2, 3))
        weights = torch.stack([group(pooled) for group in self.groups], 1)  # (B, N, C)
        summed = torch.einsum("bnc,bchw->bnhw", weights, features)
        maps: Tensor = self.level(summed).sigmoid()
        return maps / maps.sum((2, 3), keepdim=True)

    def _part_logits(self, features: Tensor, maps: Tensor) -> Tensor:
        """(B, N + 1, 2): of the parts, then of the whole object."""
        parts = torch.einsum("bnhw,bchw->bnc", maps, features)
        seen = [*parts.unbind(1), features.mean((2, 3))]
        return torch.stack([head(one) for head, one in zip(self.heads, seen, strict=True)], 1)


def distance_loss(maps: Tensor) -> Tensor:
    """How far attention lies from its peak: the mean square distance, summed over the parts.

    Args:
        maps: (B, N, h, w), each with a sum of 1.

    Returns:
        Scalar; distances in fractions of the map's height and width.

    Source:
        Zheng et al., Dis of the channel grouping loss; the unit is reconstructed.

    Example:
        >>> distance_loss(torch.tensor([[[[0.5, 0.25, 0.25]]]]))  # a third away, two thirds away
        tensor(0.1389)
    """
    rows, columns = _places(maps)
    peaks = peak_positions(maps)  # (B, N, 2) xy
    square = (columns - peaks[..., :1, None]).square() + (rows - peaks[..., 1:, None]).square()
    return (maps * square).sum((1, 2, 3)).mean()


def diversity_loss(maps: Tensor, *, margin: float = 0.02) -> Tensor:
    """How much parts attend to the same places: each to the strongest of the others there, less a margin.

    Args:
        maps: (B, N, h, w), N from 2 on, each with a sum of 1.
        margin: What is free.

    Returns:
        Scalar, -N * margin where no two parts overlap.

    Source:
        Zheng et al., Div of the channel grouping loss.

    Example:
        >>> diversity_loss(torch.tensor([[[[1.0, 0.0]], [[0.5, 0.5]]]]), margin=0.0)
        tensor(1.)
    """
    parts = maps.shape[1]
    others = torch.stack([max_of_others(maps, part) for part in range(parts)], 1)
    return (maps * (others - margin)).sum((1, 2, 3)).mean()


def max_of_others(maps: Tensor, part: int) -> Tensor:
    """The strongest attention (B, h, w) among all parts but one."""
    rest = [index for index in range(maps.shape[1]) if index != part]
    return maps[:, rest].amax(1)


def peak_positions(maps: Tensor) -> Tensor:
    """Where each map is highest.

    Args:
        maps: (B, N, h, w).

    Returns:
        (B, N, 2) xy of the cells' centres in fractions of the map, the first of equals; the middle of a map
        that is the same everywhere, as of channels that see nothing.
    """
    rows, columns = _places(maps)
    flat = maps.flatten(2)
    best = flat.argmax(2)
    positions = torch.stack(
        [columns.expand(maps.shape[2:]).flatten()[best], rows.expand(maps.shape[2:]).flatten()[best]], 2
    )
    return torch.where((flat.amax(2) == flat.amin(2))[..., None], 0.5, positions)


def _places(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Of the cells' centres in fractions: y (h, 1) and x (1, w)."""
    height, width = maps.shape[2:]
    rows = (torch.arange(height, device=maps.device) + 0.5) / height
    columns = (torch.arange(width, device=maps.device) + 0.5) / width
    return rows[:, None], columns[None]


def _channel_group(channels: int) -> nn.Sequential:
    layers = nn.Linear(channels, channels), nn.Tanh(), nn.Linear(channels, channels), nn.Sigmoid()
    return nn.Sequential(*layers)
