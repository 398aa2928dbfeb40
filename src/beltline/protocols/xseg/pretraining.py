"""A small SAM pretrained on everyday things: what stands in for the weights that SA-1B gave SAM.

Every network made of SAM starts from the same one. It has learned to answer clicks in X-ray pictures, with
three nested masks and their expected IoU as SAM has them, and has never been asked for a prohibited item. A
frozen SAM of random weights would be no baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.sam import Sam
from beltline.models.segmentation_losses import click_loss
from beltline.protocols.cells import build_fabric, short_run
from beltline.protocols.xseg.batches import ClickBatches
from beltline.protocols.xseg.data import ClickSet
from beltline.protocols.xseg.networks import sam_of
from beltline.protocols.xseg.plan import XsegScale
from beltline.protocols.xseg.prompts import Batch, corrections, picture_and_click
from beltline.training.checkpoint import load_weights, save_weights
from beltline.training.loop import fit
from beltline.training.schedule import cosine
from beltline.training.weight_decay import decay_groups

SEED = 7  # one start for all cells, whose own seeds begin at 0


class PretrainedSam(nn.Module):
    """SAM in training: all of its masks and their expected IoU."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.sam = sam.requires_grad_(True)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Mask logits (B, 4, h, w), their expected IoU (B, 4), and the single mask after a second click."""
        sam = self.sam
        factor = sam.side / batch.image.shape[3]
        image, (points, labels) = picture_and_click(batch)
        image = F.interpolate(image, (sam.side, sam.side), mode="bilinear", align_corners=False)
        embedding = sam.encode(image)

        def decode(points: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
            prompts = sam.prompt_encoder((points + 0.5) * factor - 0.5, known)
            found: tuple[Tensor, Tensor] = sam.mask_decoder(
                embedding, sam.prompt_encoder.positions(), prompts
            )
            return found

        masks, quality = decode(points, labels)
        if not batch.corrected:
            return masks, quality, None
        more, kinds = corrections(masks[:, :1].detach(), batch.mask[:, 0], [int(s) for s in batch.seed])
        second, _ = decode(torch.cat([points, more], 1), torch.cat([labels, kinds], 1))
        return masks, quality, second[:, :1]


def pretraining_loss(model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
    """Single mask, best of the three, expected IoU, and the second click.

    Source:
        Kirillov et al., Segment Anything, appendix A: only the best of three masks is taught, and the mean
        square error of the expected IoU. Mask loss: the paper's of `click_loss`.
    """
    masks, quality, second = model(batch)
    masks, quality = masks.float(), quality.float()
    truth = F.interpolate(batch.mask.float(), masks.shape[2:], mode="nearest")
    each = torch.stack([_row_loss(masks[:, k], truth[:, 0]) for k in (1, 2, 3)], 1)
    expected = F.mse_loss(quality, _ious(masks.detach(), truth))
    loss = click_loss(masks[:, :1], batch.mask) + each.amin(1).mean() + expected
    if second is not None:
        loss = loss + click_loss(second, batch.mask)
    return {"loss": loss, "expected_iou": expected}


def pretrained_sam(data: ClickSet, scale: XsegScale, path: Path) -> dict[str, Tensor]:
    """The weights, trained and written as safetensors unless they are there.

    Args:
        data: With everyday things.
        scale: How long.
        path: ``.safetensors`` file.
    """
    torch.manual_seed(SEED)
    sam = sam_of(scale)
    if path.is_file():
        load_weights(sam, path)
        return sam.state_dict()
    model = PretrainedSam(sam)
    batches = ClickBatches(data, data.rows(wanted=False), scale.batch, SEED, corrected=scale.corrected)
    result = fit(
        model,
        batches,
        pretraining_loss,
        torch.optim.AdamW(decay_groups(model.parameters(), scale.decay), lr=scale.lr),
        steps=scale.pretraining,
        options=short_run(schedule=cosine(warmup=0.05), ema_decay=0.99),
        fabric=build_fabric(),
    )
    trained: Any = result.model
    state: dict[str, Tensor] = trained.sam.state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, state)
    return {name: tensor.cpu() for name, tensor in state.items()}


def _row_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """0.2 cross-entropy and 0.8 Dice of each row (B, h, w), (B,)."""
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean((1, 2))
    probs = logits.sigmoid()
    dice = 1 - (2 * (probs * truth).sum((1, 2)) + 1) / (probs.square().sum((1, 2)) + truth.sum((1, 2)) + 1)
    return 0.2 * entropy + 0.8 * dice


def _ious(logits: Tensor, truth: Tensor) -> Tensor:
    """IoU (B, K) of masks (B, K, h, w) with a truth (B, 1, h, w)."""
    found, wanted = logits > 0, truth > 0
    both = (found & wanted).sum((2, 3))
    return both / (found | wanted).sum((2, 3)).clamp(min=1)
