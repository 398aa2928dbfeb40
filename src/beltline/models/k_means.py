"""k-means, small and the same on every run: Lloyd's steps from k-means++ seeds.

Source:
    Lloyd (1982); seeds: Arthur and Vassilvitskii (2007).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

STEPS = 50


class Clusters(NamedTuple):
    """Centres (K, D) and the index of the centre next to each point, (N,) int64."""

    centres: Tensor
    members: Tensor


def k_means(points: Tensor, count: int, *, generator: torch.Generator, steps: int = STEPS) -> Clusters:
    """Group points about centres; a centre that loses all of them moves to the point farthest from its own.

    Args:
        points: (N, D) floats.
        count: K.
        generator: Draws the seeds; on the CPU.
        steps: At most as many of Lloyd's.

    Raises:
        ValueError: If there are fewer points than centres.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
        >>> sorted(k_means(points, 2, generator=torch.Generator().manual_seed(0)).centres[:, 0].tolist())
        [0.5, 10.5]
    """
    if not 1 <= count <= len(points):
        raise ValueError(f"k-means needs a point for each of {count} centres, got {len(points)} points")
    centres = _seeds(points, count, generator)
    members = _nearest(points, centres)[1]
    for _ in range(steps):
        centres = _centres(points, members, count)
        moved = _nearest(points, centres)[1]
        if torch.equal(moved, members):
            break
        members = moved
    return Clusters(centres, members)


def _seeds(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Each seed drawn with a chance in the square of its distance to the nearest one before."""
    chosen = [int(torch.randint(len(points), (), generator=generator))]
    while len(chosen) < count:
        square = _nearest(points, points[chosen])[0].square().double().cpu()
        square[chosen] = 0
        if square.sum() == 0:  # all others lie on a seed: any that is not one
            square = torch.ones_like(square)
            square[chosen] = 0
        chosen.append(int(torch.multinomial(square, 1, generator=generator)))
    return points[chosen]


def _nearest(points: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    exact = "donot_use_mm_for_euclid_dist"  # by products, close points would lie at a distance of rounding
    distance, index = torch.cdist(points, centres, compute_mode=exact).min(1)
    return distance, index


def _centres(points: Tensor, members: Tensor, count: int) -> Tensor:
    sums = points.new_zeros(count, points.shape[1]).index_add_(0, members, points)
    sizes = members.bincount(minlength=count)
    centres = sums / sizes.clamp(min=1)[:, None]
    empty = (sizes == 0).nonzero()[:, 0]
    far = (points - centres[members]).norm(dim=1).argsort(descending=True, stable=True)
    centres[empty] = points[far[: len(empty)]]
    return centres
