"""Filters that answer to the strongest patches of each class, found without training.

Per class: trunk vectors at the places where they are longest, neighbours suppressed; whitened by the mean and
covariance of all places, so that what every picture shows counts little; k-means; each centre, turned back
from the whitened space, is a filter of length 1.

Source:
    Wang et al., Learning a discriminative filter bank within a CNN (CVPR 2018), its layer
    initialisation as recalled. Reconstructed: how many places of a picture, the window of suppression, the
    statistics and their shrinkage, and that the whitening is part of the filter (Hariharan et al., 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, normalize

from beltline.models.k_means import k_means

LEAST_VARIANCE = 1e-12  # where features are the same everywhere


@dataclass(frozen=True)
class FilterStart:
    """How `class_filters` looks for them.

    Attributes:
        peaks: Places taken of each picture, at most.
        window: Cells a side, odd: a place must be the longest vector within.
        shrinkage: In 0..1: how much of the covariance gives way to a round one of the same size.
        seed: Of k-means.
    """

    peaks: int = 10
    window: int = 3
    shrinkage: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.peaks < 1 or self.window < 1 or self.window % 2 == 0 or not 0 < self.shrinkage <= 1:
            raise ValueError(f"expected peaks from 1 on, an odd window, shrinkage in (0, 1]; got {self}")


class Patches(NamedTuple):
    """Vectors (M, C) and the picture that each is from, (M,) int64."""

    vectors: Tensor
    pictures: Tensor


def strong_patches(features: Tensor, *, peaks: int, window: int) -> Patches:
    """The vectors that are longest in their neighbourhood, the longest of each picture.

    Args:
        features: (B, C, h, w).
        peaks: At most as many of each picture.
        window: Cells a side, odd.

    Example:
        >>> features = torch.tensor([1.0, 3.0, 2.0, 0.0, 5.0]).reshape(1, 1, 1, 5)
        >>> strong_patches(features, peaks=9, window=3).vectors[:, 0]
        tensor([5., 3.])
    """
    length = features.norm(dim=1)  # (B, h, w)
    _, highest = max_pool2d(length[:, None], window, stride=1, padding=window // 2, return_indices=True)
    own = torch.arange(length[0].numel(), device=length.device)
    alone = highest.flatten(1) == own  # of equal neighbours the first
    score, place = length.flatten(1).where(alone, 0).sort(dim=1, descending=True, stable=True)
    picture, rank = (score[:, :peaks] > 0).nonzero(as_tuple=True)
    return Patches(features.flatten(2)[picture, :, place[picture, rank]], picture)


class Moments:
    """Mean and covariance of vectors, a batch at a time, in double precision.

    Example:
        >>> moments = Moments()
        >>> moments.add(torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2))
        >>> moments.mean, moments.covariance
        (tensor([2.], dtype=torch.float64), tensor([[1.]], dtype=torch.float64))
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum: Tensor | float = 0.0
        self._pairs: Tensor | float = 0.0

    def add(self, features: Tensor) -> None:
        """Take in all places of (B, C, h, w)."""
        rows = features.transpose(0, 1).flatten(1).double()  # (C, B * h * w)
        self.count += rows.shape[1]
        self._sum = self._sum + rows.sum(1)
        self._pairs = self._pairs + rows @ rows.T

    @property
    def mean(self) -> Tensor:
        """(C,)."""
        return torch.as_tensor(self._sum) / self.count

    @property
    def covariance(self) -> Tensor:
        """(C, C)."""
        return torch.as_tensor(self._pairs) / self.count - torch.outer(self.mean, self.mean)


def whitening(covariance: Tensor, *, shrinkage: float) -> Tensor:
    """The symmetric (C, C) that takes vectors of this covariance to a round one.

    Args:
        covariance: (C, C).
        shrinkage: In (0, 1].

    Example:
        >>> whitening(torch.diag(torch.tensor([4.0, 4.0])), shrinkage=0.5)
        tensor([[0.5000, 0.0000],
                [0.0000, 0.5000]])
    """
    size = covariance.diagonal().mean()
    round_one = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device) * size
    values, vectors = torch.linalg.eigh((1 - shrinkage) * covariance + shrinkage * round_one)
    scaled: Tensor = vectors * values.clamp(min=LEAST_VARIANCE).rsqrt()
    turn: Tensor = scaled @ vectors.T
    return turn


def class_filters(vectors: Tensor, moments: Moments, *, count: int, start: FilterStart) -> Tensor:
    """The filters (count, C) of one class, each of length 1.

    Args:
        vectors: Of its strong patches, (M, C).
        moments: Of all places of all pictures.
        count: k.
        start: Shrinkage and seed.

    Raises:
        ValueError: If there are fewer patches than filters.
    """
    if len(vectors) < count:
        raise ValueError(
            f"{len(vectors)} patches of a class do not make {count} filters; begin with more of its pictures"
        )
    turn = whitening(moments.covariance, shrinkage=start.shrinkage)
    drawn = torch.Generator().manual_seed(start.seed)
    centres = k_means((vectors.double() - moments.mean) @ turn, count, generator=drawn).centres
    return normalize(centres @ turn).float()
