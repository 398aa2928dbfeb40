"""What a click model learns from: nested masks, their quality, and its own mistakes clicked away.

Source:
    Sofiiuk et al., Reviving iterative training with mask guidance (RITM, 2021): clicks on the model's own
    errors, the mask so far as input, normalized focal loss. Soft coverage instead of hard pixels is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from beltline.models.click import Answer
from beltline.screening.click_windows import GUIDE, NESTED, STRIDE, ClickWindow
from beltline.systems.click.data import CLICKS, NO_CLICK, ClickBatch
from beltline.systems.click.prompts import wrong_place

PART, OBJECT, GROUP = range(len(NESTED))
WEIGHTS = (0.5, 1.0, 0.5)
POWER = 2.0
QUALITY_WEIGHT = 1.0
ROUNDS = (0.4, 0.35, 0.25)  # probability of no, one and two rounds of corrections
HARDENED = 0.3  # probability that the mask so far is given without its doubts
TOUCHED, HELD = 0.05, 0.5  # coverage from which a cell has something of a mask, and belongs to it


def click_loss(model: nn.Module, batch: ClickBatch) -> Mapping[str, Tensor]:
    """Loss of a `beltline.models.click.ClickModel` and its parts, for `fit`."""
    rng = np.random.default_rng((int(batch.seed), 2))
    clicks = batch.clicks.clone()
    rounds = int(rng.choice(len(ROUNDS), p=ROUNDS))
    correct = _correction(rng, batch, clicks)
    answer: Answer = model(batch.image, batch.energy, batch.guide, [correct] * rounds)
    wanted = meant(batch.wanted, clicks, batch.guide[:, GUIDE.index("box")])
    weights = answer.logits.new_tensor(WEIGHTS)
    focal = (normalized_focal_loss(answer.logits, wanted).mean(0) * weights).sum()
    dice = (dice_loss(answer.logits, wanted).mean(0) * weights).sum()
    overlap = overlaps(answer.logits.detach(), wanted)
    quality = (answer.quality - overlap).square().mean()
    return {
        "loss": focal + dice + QUALITY_WEIGHT * quality,
        "focal": focal,
        "dice": dice,
        "quality": quality,
        "iou": overlap[:, OBJECT].mean(),
    }


def normalized_focal_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean cross-entropy of the pixels of each mask, weighted by their error to the power 2.

    The weights are normed to a mean of 1, so that the gradient does not fade as most pixels come right.

    Args:
        logits: (..., h, w).
        wanted: Same, coverage in [0, 1].

    Returns:
        (...,).

    Source:
        Sofiiuk et al., AdaptIS (2019), equation 3; alpha 0.5, gamma 2 as in RITM.

    Example:
        >>> round(normalized_focal_loss(torch.zeros(1, 2, 2), torch.ones(1, 2, 2)).item(), 4)  # ln 2 / 2
        0.3466
    """
    entropy = binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    error = (wanted - logits.sigmoid()).abs().pow(POWER)
    norm = error.detach().mean((-2, -1), keepdim=True) + 1e-6
    return 0.5 * (error / norm * entropy).mean((-2, -1))


def dice_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """``1 - (2 sum(p t) + 1) / (sum(p^2) + sum(t^2) + 1)`` of each mask; shapes as above.

    Source:
        Milletari et al., V-Net (2016).
    """
    probs = logits.sigmoid()
    overlap = (probs * wanted).sum((-2, -1))
    total = (probs.square() + wanted.square()).sum((-2, -1))
    return 1 - (2 * overlap + 1) / (total + 1)


def overlaps(logits: Tensor, wanted: Tensor) -> Tensor:
    """IoU (...,) of each mask, cells counting whole."""
    found, true = logits > 0, wanted > HELD
    union = (found | true).sum((-2, -1))
    return torch.where(union > 0, (found & true).sum((-2, -1)) / union.clamp(min=1), 1.0)


def meant(wanted: Tensor, clicks: Tensor, box: Tensor) -> Tensor:
    """What clicks and box leave of the nested masks.

    The part holds every click on the object, the group none of those beside it, and no more than a box names;
    where they would not, they are the object.

    Args:
        wanted: (B, 3, h, w).
        clicks: (B, N, 3), see `ClickBatch`.
        box: (B, h, w), plane of the guide.
    """
    height, width = wanted.shape[2:]
    column = (clicks[..., 0] / STRIDE).long().clamp(0, width - 1)
    row = (clicks[..., 1] / STRIDE).long().clamp(0, height - 1)
    places = (row * width + column)[:, None].expand(-1, len(NESTED), -1)
    at = wanted.flatten(2).gather(2, places)  # (B, 3, N)
    label = clicks[..., 2]
    astray = ((label == 1) & (at[:, PART] < TOUCHED)).any(1)
    shut_out = ((label == 0) & (at[:, GROUP] > HELD)).any(1) | (box.amax((1, 2)) > 0)
    out = wanted.clone()
    out[:, PART] = torch.where(astray[:, None, None], wanted[:, OBJECT], wanted[:, PART])
    out[:, GROUP] = torch.where(shut_out[:, None, None], wanted[:, OBJECT], wanted[:, GROUP])
    return out


def _correction(
    rng: np.random.Generator, batch: ClickBatch, clicks: Tensor
) -> Callable[[Answer, Tensor], Tensor]:
    """Clicks the model's largest mistake in each look; notes the clicks in ``clicks``."""
    size = batch.image.shape[-1]
    wanted = (batch.wanted[:, OBJECT] > HELD).cpu().numpy()

    def correct(answer: Answer, guide: Tensor) -> Tensor:
        soft = answer.logits[:, OBJECT].sigmoid().cpu().numpy()
        maps = guide.float().cpu().numpy().copy()
        for row, probs in enumerate(soft):
            found = probs > HELD
            place = wrong_place(rng, wanted[row], found)
            maps[row, 2] = found if rng.random() < HARDENED else probs
            if place is not None:
                x, y, label = place
                centre = np.array([[x, y]]) * STRIDE + (STRIDE - 1) / 2
                np.maximum(maps[row, :2], _disc(size, centre, label), out=maps[row, :2])
                _note(clicks[row], [*(centre[0] + 0.5), label])
        return torch.from_numpy(maps).to(guide)

    return correct


def _disc(size: int, centre: NDArray[np.float64], label: int) -> NDArray[np.float32]:
    return ClickWindow(0, 0, size, size).guide(centre, [label])[:2]


def _note(table: Tensor, click: list[float]) -> None:
    free = (table[:, 2] == NO_CLICK).nonzero()
    table[int(free[0]) if len(free) else CLICKS - 1] = table.new_tensor(click)
