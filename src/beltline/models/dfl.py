"""DFL: a bank of filters for small patches, each class its own, beside a view of the whole picture.

Published: VGG-16 to conv4_3, whose places see 92 px, 8 px apart. Each of k 1x1 filters per class looks for
its patch anywhere (P-stream); conv5 looks at the whole (G-stream); a side branch without weights keeps every
filter to its class.

Source:
    Wang et al., Learning a discriminative filter bank within a CNN for fine-grained recognition (CVPR 2018,
    arXiv 1611.09932). The G-stream's layers as a public copy has them. Reconstructed: pooling for any size of
    picture, and a P-stream classifier of one linear layer (a 1x1 convolution of what global pooling leaves).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from beltline.models.discriminative_filters import FilterStart, Moments, class_filters, strong_patches
from beltline.models.part_classifier import CLASSES, PartClassifier, check_labels
from beltline.models.part_trunks import Trunk

Stream = Literal["global", "part", "side"]
STREAMS: tuple[Stream, ...] = get_args(Stream)


@dataclass(frozen=True)
class DflOptions:
    """Filters and streams; defaults of the paper.

    Attributes:
        filters: k, of each class.
        side: Weight of the side branch in loss and answer.
        streams: Those that there are; fewer for ablations.
        begins: Whether `Dfl.begin` sets the filters; they stay as drawn otherwise.
        start: See `FilterStart`.
    """

    filters: int = 10
    side: float = 0.1
    streams: tuple[Stream, ...] = STREAMS
    begins: bool = True
    start: FilterStart = field(default_factory=FilterStart)

    def __post_init__(self) -> None:
        if self.filters < 1 or self.side < 0:
            raise ValueError(
                f"expected filters from 1 on and side from 0 on, got {self.filters}, {self.side}"
            )
        if not self.streams or not set(self.streams) <= set(STREAMS):
            raise ValueError(f"streams must be some of {STREAMS}, got {self.streams}")


class Dfl(PartClassifier):
    """See the module.

    Args:
        trunk: The filters look at its first level, the G-stream at its last.
        options: See `DflOptions`.

    Example:
        >>> from beltline.models.part_trunks import vgg_trunk
        >>> model = Dfl(vgg_trunk(16, stages=(4, 5), narrow=16)).eval()
        >>> sorted(model.losses(torch.rand(2, 3, 64, 64), torch.tensor([0, 1])))
        ['global', 'loss', 'part', 'side']
    """

    def __init__(self, trunk: Trunk, options: DflOptions | None = None) -> None:
        super().__init__(trunk)
        self.options = options or DflOptions()
        streams, bank = self.options.streams, self.options.filters * CLASSES
        looks = "part" in streams or "side" in streams
        self.filters = nn.Conv2d(trunk.channels[0], bank, 1) if looks else None
        self.part_head = nn.Linear(bank, CLASSES) if "part" in streams else None
        self.global_head = _global_head(trunk.channels[-1]) if "global" in streams else None

    def logits(self, normalised: Tensor) -> Tensor:
        """See `PartClassifier`; G + P + 0.1 side."""
        return self._weighted(self._streams(normalised))

    def losses(self, images: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """See `PartClassifier`; its parts are the cross-entropy of each stream, not weighted."""
        check_labels(images, labels)
        streams = self._streams(self.normalised(images))
        found = {name: cross_entropy(logits, labels) for name, logits in streams.items()}
        return {"loss": self._weighted(found), **found}

    def heat(self, images: Tensor) -> Tensor:
        """Where the filters of each class answer: (B, 2, h, w), the strongest of a class at each place.

        Raises:
            ValueError: If there are none, with the G-stream alone.
        """
        answers = self._bank()(self.trunk(self.normalised(images))[0])
        strongest: Tensor = answers.unflatten(1, (CLASSES, self.options.filters)).amax(2)
        return strongest

    def begin(self, images: Tensor, labels: Tensor) -> None:
        """Set the filters by `beltline.models.discriminative_filters`, their biases to 0.

        Args:
            images: Training pictures (N, 3, H, W).
            labels: (N,) int64.

        Raises:
            ShapeError: If one of the shapes is another.
            ValueError: If a class shows too few patches for its filters.
        """
        check_labels(images, labels)
        if self.filters is None or not self.options.begins:
            return
        found = self._found_filters(images, labels)
        with torch.no_grad():
            self.filters.weight.copy_(found[:, :, None, None])
            assert self.filters.bias is not None
            self.filters.bias.zero_()

    def _found_filters(self, images: Tensor, labels: Tensor) -> Tensor:
        start, moments, first = self.options.start, Moments(), 0
        vectors, pictures = [], []
        for levels in self.trunk_features(images):
            moments.add(levels[0])
            patches = strong_patches(levels[0], peaks=start.peaks, window=start.window)
            vectors.append(patches.vectors)
            pictures.append(patches.pictures + first)
            first += len(levels[0])
        strong = torch.cat(vectors)
        classes = labels.to(strong.device)[torch.cat(pictures)]
        count = self.options.filters
        found = [
            class_filters(strong[classes == c], moments, count=count, start=start) for c in range(CLASSES)
        ]
        return torch.cat(found)

    def _streams(self, normalised: Tensor) -> dict[str, Tensor]:
        levels, found = self.trunk(normalised), {}
        if self.global_head is not None:
            found["global"] = self.global_head(levels[-1])
        if self.filters is not None:
            highest = self.filters(levels[0]).amax((2, 3))  # (B, k * 2): each filter where it answers most
            if self.part_head is not None:
                found["part"] = self.part_head(highest)
            if "side" in self.options.streams:
                found["side"] = cross_channel_pool(highest)
        return found

    def _weighted(self, streams: Mapping[str, Tensor]) -> Tensor:
        weighted = [found * self.options.side if name == "side" else found for name, found in streams.items()]
        return torch.stack(weighted).sum(0)

    def _bank(self) -> nn.Conv2d:
        if self.filters is None:
            raise ValueError("this model has the G-stream alone and no filters; heat needs 'part' or 'side'")
        return self.filters


def cross_channel_pool(highest: Tensor) -> Tensor:
    """The side branch's logits (B, 2): the mean over the filters of each class; nothing is learned.

    Args:
        highest: (B, 2 * k), the filters of class 0 first.

    Source:
        Wang et al., cross-channel average pooling of the filter supervision.

    Example:
        >>> cross_channel_pool(torch.tensor([[1.0, 3.0, 5.0, 5.0]]))
        tensor([[2., 5.]])
    """
    grouped: Tensor = highest.unflatten(1, (CLASSES, -1))
    return grouped.mean(2)


def _global_head(channels: int) -> nn.Sequential:
    norm, mean = nn.BatchNorm2d(CLASSES), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(channels, CLASSES, 1), norm, nn.ReLU(), mean, nn.Flatten())
