"""PatchCore: how far each place of a device is from all places of benign devices.

Nothing is trained: features of a frozen backbone are kept in a memory, thinned to a coreset, and the distance
to the nearest of them is the anomaly of a place. Air is neither kept nor scored.

Source:
    Roth et al., Towards total recall in industrial anomaly detection (CVPR 2022): patch features and memory
    (section 3.1), greedy coreset with a random projection (3.2, algorithm 1), score of a picture (3.3,
    equations 6 and 7). There a WideResNet-50; EfficientNet-Lite0 and the masks of the device are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from beltline.models.backbones import Pretrained
from beltline.models.frozen_features import FrozenFeatures, check_masks, places_of

ENTRIES = 2**24  # of a table of distances at once: 64 MB of float32


class PatchCore(nn.Module):
    """A memory of benign places; see the module.

    Args:
        share: Of the vectors that the coreset keeps, in (0, 1]; 1 % as in the paper.
        most: Vectors that go into the choice of the coreset; of more, as many are drawn at random.
        neighbours: b of equation 7, among which the score of a picture is weighted; 1 switches it off.
        projection: Dimensions in which the coreset measures distances; 0 takes the features themselves.
        seed: Of what is drawn at random.
        backbone: See `FrozenFeatures`.
        pretrained: See `FrozenFeatures`.
        options: Further arguments of `FrozenFeatures`.

    Attributes:
        bank: (M, C) float32 memory, without rows before `fit`; part of the state dict, of any size.

    Raises:
        ValueError: If an argument is out of its range, or as `FrozenFeatures`.

    Example:
        >>> model = PatchCore(share=0.5, backbone="resnet10t", pretrained=False, channels=(8, 8, 8, 8))
        >>> benign, everywhere = torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64)
        >>> places, scores = model.fit([(benign, everywhere)])(benign, everywhere)
        >>> len(model.bank), places.shape, scores.shape
        (64, torch.Size([2, 8, 8]), torch.Size([2]))
    """

    bank: Tensor

    def __init__(
        self,
        *,
        share: float = 0.01,
        most: int = 100_000,
        neighbours: int = 9,
        projection: int = 128,
        seed: int = 0,
        backbone: str = "EfficientNet-Lite0",
        pretrained: Pretrained = "package",
        **options: Any,
    ) -> None:
        super().__init__()
        if not 0 < share <= 1:
            raise ValueError(f"share must be in (0, 1], got {share}")
        if most < 1 or neighbours < 1 or projection < 0:
            raise ValueError(
                f"expected most and neighbours of 1 or more and projection of 0 or more,"
                f" got {most}, {neighbours} and {projection}"
            )
        self.share, self.most, self.neighbours = share, most, neighbours
        self.projection, self.seed = projection, seed
        self.features = FrozenFeatures(backbone, pretrained=pretrained, **options)
        self.register_buffer("bank", torch.empty(0, self.features.channels))

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor]]) -> PatchCore:
        """Fill the memory anew; at most ``most`` vectors and a batch are held at once.

        Args:
            batches: Pictures (B, 3, H, W) and masks (B, 1, H, W) of benign devices, see `forward`.

        Raises:
            ValueError: If no place of any picture lies on a device.
        """
        drawn = torch.Generator().manual_seed(self.seed)
        vectors, keys = self.bank.new_empty(0, self.features.channels), torch.empty(0)
        for images, masks in batches:
            features, places = self._places(images, masks)
            found = features.movedim(1, -1)[places]  # (P, C)
            vectors = torch.cat([vectors, found])
            keys = torch.cat([keys, torch.rand(len(found), generator=drawn)])
            # the smallest of random keys are a fair draw of all that came so far
            kept = keys.argsort()[: self.most].sort().values
            vectors, keys = vectors[kept.to(vectors.device)], keys[kept]
        if not len(vectors):
            raise ValueError("PatchCore needs places on benign devices, got none; are the masks all zero?")
        count = max(1, round(self.share * len(vectors)))
        projected = random_projection(vectors, self.projection, generator=drawn)
        self.bank = vectors[greedy_coreset(projected, count, generator=drawn)]
        return self

    @torch.no_grad()
    def forward(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Anomaly of each place and of each picture.

        Args:
            images: (B, 3, H, W) RGB in [0, 1], white is air.
            masks: (B, 1, H, W), bool or in [0, 1]: 1 on the device.

        Returns:
            Map (B, H / 8, W / 8) of distances, 0 at places of which less than half is device; and scores
            (B,), 0 or more, NaN for a picture without a place on a device.

        Raises:
            ValueError: If the memory is empty.
            ShapeError: If a shape is another.
        """
        if not len(self.bank):
            raise ValueError("the memory of PatchCore is empty; call fit, or load_state_dict of a fitted one")
        features, places = self._places(images, masks)
        vectors = features.movedim(1, -1)[places]
        distances, indices = nearest(vectors, self.bank)
        anomaly = features.new_zeros(places.shape)
        anomaly[places] = distances
        scores = anomaly.new_full((len(images),), float("nan"))
        picture = places.nonzero()[:, 0]
        for row in picture.unique().tolist():
            own = (picture == row).nonzero()[:, 0]
            worst = own[distances[own].argmax()]
            scores[row] = self._reweighted(vectors[worst], int(indices[worst]), distances[worst])
        return anomaly, scores

    def _places(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        check_masks(images, masks)
        features: Tensor = self.features(images)
        return features, places_of(masks, (features.shape[-2], features.shape[-1]))

    def _reweighted(self, vector: Tensor, index: int, distance: Tensor) -> Tensor:
        """Equation 7: less where the nearest memory has neighbours as near, so that it is nothing rare."""
        count = min(self.neighbours, len(self.bank))
        if count < 2:
            return distance
        of_memory = (self.bank - self.bank[index]).norm(dim=1)
        of_memory[index] = -1  # itself comes first, also beside its doubles
        around = self.bank[of_memory.argsort()[:count]]
        softmax = (vector - around).norm(dim=1).softmax(0)
        weighted: Tensor = (1 - softmax[0]) * distance
        return weighted

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        saved = state_dict.get(f"{prefix}bank")
        if isinstance(saved, Tensor) and saved.ndim == 2 and saved.shape[1] == self.bank.shape[1]:
            self.bank = self.bank.new_empty(saved.shape)  # how many rows only a fit knows
        super()._load_from_state_dict(state_dict, prefix, *rest)


def nearest(vectors: Tensor, bank: Tensor, *, entries: int = ENTRIES) -> tuple[Tensor, Tensor]:
    """Distance (P,) of each vector to the nearest of a bank, and its index (P,).

    Args:
        vectors: (P, C).
        bank: (M, C), M at least 1.
        entries: Distances held at once at most, though never less than those of one vector.

    Example:
        >>> nearest(torch.tensor([[0.0, 3.0]]), torch.tensor([[9.0, 9.0], [0.0, 0.0]]))
        (tensor([3.]), tensor([1]))
    """
    squares = bank.square().sum(1)
    rows = max(1, entries // len(bank))
    # |v - b|^2 without |v|^2, which changes no order
    found = [(squares - 2 * part @ bank.T).argmin(1) for part in vectors.split(rows)]
    indices = torch.cat(found) if found else vectors.new_zeros(0, dtype=torch.long)
    # anew from the difference: the sum of squares above loses short distances in float32
    return (vectors - bank[indices]).norm(dim=1), indices


def greedy_coreset(vectors: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Indices (K,) of vectors that leave none far from them: greedy k-centre, within twice the optimum.

    Args:
        vectors: (P, C).
        count: K, in 1..P.
        generator: Draws the first.

    Raises:
        ValueError: If the count is out of its range.

    Source:
        Algorithm 1 of the paper; Gonzalez (1985) for the bound.

    Example:
        >>> line = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
        >>> 3 in greedy_coreset(line, 2, generator=torch.Generator().manual_seed(0))
        True
    """
    if not 1 <= count <= len(vectors):
        raise ValueError(f"count must be in 1..{len(vectors)}, got {count}")
    chosen = torch.empty(count, dtype=torch.long, device=vectors.device)
    chosen[0] = torch.randint(len(vectors), (1,), generator=generator)
    apart = torch.full_like(vectors[:, 0], float("inf"))
    squares = vectors.square().sum(1)
    for step in range(1, count):
        last = chosen[step - 1]
        squared = squares - 2 * vectors @ vectors[last] + squares[last]
        apart = torch.minimum(apart, squared)
        apart[last] = -1  # never twice, whatever rounding says
        chosen[step] = apart.argmax()
    return chosen


def random_projection(vectors: Tensor, dimensions: int, *, generator: torch.Generator) -> Tensor:
    """Vectors (P, C) in fewer dimensions with nearly their distances; themselves if 0 or no fewer.

    Source:
        Johnson and Lindenstrauss (1984), with Gaussian entries.
    """
    channels = vectors.shape[1]
    if not 0 < dimensions < channels:
        return vectors
    matrix = torch.randn(channels, dimensions, generator=generator) / dimensions**0.5
    projected: Tensor = vectors @ matrix.to(vectors)
    return projected
