"""Which places of a one-stage detector answer for which object."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from beltline.models.detector import Target

TOP = 10
SCORE_POWER, IOU_POWER = 0.5, 6.0


class Assigned(NamedTuple):
    """P places that answer for an object.

    Attributes:
        place: (P,) int64, each once.
        object: (P,) int64.
        score: (P,) in [0, 1], what the object's class should score there.
    """

    place: Tensor
    object: Tensor
    score: Tensor


def assign(boxes: Tensor, scores: Tensor, places: Tensor, target: Target) -> Assigned:
    """Task-aligned assignment: the places within an object that already score and fit best answer for it.

    Alignment is ``t = score^0.5 * IoU^6``; the ten best places of an object take part, one that several
    objects want goes to the one it overlaps most, and the wanted score is t scaled so that an object's best
    place is to score the object's best IoU.

    Args:
        boxes: (N, 4) predicted, xyxy.
        scores: (K, N) predicted, in [0, 1].
        places: (N, 3) centre x, y and stride; a place is a candidate within the object's box, and beside it
            up to one stride, so that no object is too small to have one.
        target: M objects.

    Source:
        Feng et al., TOOD (2021), section 3.2; powers and the ten as in YOLOv8's common setting. The margin of
        one stride is reconstructed.
    """
    objects = len(target.boxes)
    if objects == 0:
        none = torch.zeros(0, dtype=torch.int64, device=boxes.device)
        return Assigned(none, none, boxes.new_zeros(0))
    overlap = _iou(target.boxes[:, None], boxes[None]).clamp(min=1e-4)  # (M, N); the floor ranks by score
    alignment = scores[target.labels].pow(SCORE_POWER) * overlap.pow(IOU_POWER)
    alignment = torch.where(_near(places, target.boxes), alignment, 0.0)
    best, chosen = alignment.topk(min(TOP, alignment.shape[1]), 1)
    wanted = torch.zeros_like(alignment, dtype=torch.bool).scatter_(1, chosen, best > 0)
    owner = torch.where(wanted, overlap, -1.0).argmax(0)  # (N,)
    place = wanted.any(0).nonzero()[:, 0]
    owner = owner[place]
    mine = torch.zeros_like(alignment, dtype=torch.bool)
    mine[owner, place] = True
    highest = torch.where(mine, alignment, 0.0).amax(1).clamp(min=1e-38)
    fit = torch.where(mine, overlap, 0.0).amax(1)
    return Assigned(place, owner, alignment[owner, place] / highest[owner] * fit[owner])


def _near(places: Tensor, boxes: Tensor) -> Tensor:
    x, y, stride = places.T
    x1, y1, x2, y2 = boxes[:, :, None].unbind(1)
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    inside: Tensor = (x >= x1) & (x < x2) & (y >= y1) & (y < y2)
    beside: Tensor = ((x - centre_x).abs() < stride) & ((y - centre_y).abs() < stride)
    return inside | beside


def _parts(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    areas = [(b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1) for b in (first, second)]
    return common, (areas[0] + areas[1] - common).clamp(min=1e-6)


def _iou(first: Tensor, second: Tensor) -> Tensor:
    common, union = _parts(first, second)
    return common / union


def generalized_iou(first: Tensor, second: Tensor) -> Tensor:
    """Generalised IoU of pairs of boxes, (P, 4) each, in [-1, 1].

    Source:
        Rezatofighi et al. (2019), equation of algorithm 1.

    Example:
        >>> a, b = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> generalized_iou(a, a).item(), generalized_iou(a, b).item()
        (1.0, 0.0)
    """
    common, union = _parts(first, second)
    low = torch.minimum(first[..., :2], second[..., :2])
    high = torch.maximum(first[..., 2:], second[..., 2:])
    hull = (high - low).clamp(min=0).prod(-1).clamp(min=1e-6)
    return common / union - (hull - union) / hull
