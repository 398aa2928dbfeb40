"""Pretraining a backbone on naming everyday things in benign windows.

The paper starts from ImageNet. Where no network is there, this stands in for it: features that know X-ray
pictures but have never seen a prohibited item.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.chr import ChrOutput, build_chr
from beltline.protocols.cells import build_fabric
from beltline.protocols.sixray.cell import build_optimizer, fit_options
from beltline.protocols.sixray.parts import standardise
from beltline.protocols.sixray.plan import Net, SixrayScale
from beltline.simulate.windows import WindowSet
from beltline.training.arrays import ArrayBatches
from beltline.training.checkpoint import save_weights
from beltline.training.loop import fit


def pretrain_backbone(net: Net, windows: WindowSet, scale: SixrayScale, path: Path) -> Path:
    """Train a backbone on the families in the benign windows; writes safetensors unless they are there.

    Args:
        net: Backbone.
        windows: Training windows; those with a prohibited item are left out.
        scale: Crop size, batch size, number of images.
        path: ``.safetensors`` file.
    """
    if path.is_file():
        return path
    torch.manual_seed(7)  # one start for all cells, whose own seeds begin at 0
    benign = np.flatnonzero(~windows.labels.any(1))
    names = np.flatnonzero(windows.families[benign].sum(0) >= 5)  # families too rare teach nothing
    labels = windows.families[:, names].astype(np.float32)
    model = build_chr(net.backbone, len(names), backbone_options=dict(net.options), variant="H")
    batches = ArrayBatches(
        windows.images, labels, benign, scale.batch_size, scale.size, flips=scale.flips, seed=7
    )
    result = fit(
        model,
        batches,
        _loss,
        build_optimizer(scale, model),
        steps=max(1, scale.pretraining // scale.batch_size),
        options=fit_options(scale),
        fabric=build_fabric(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, result.model.get_submodule("backbone").state_dict())
    return path


def _loss(model: nn.Module, batch: Any) -> Mapping[str, Tensor]:
    output: ChrOutput = model(standardise(batch.image))
    target = batch.labels[:, None, :].expand_as(output.logits)
    return {"loss": F.binary_cross_entropy_with_logits(output.logits.float(), target)}
