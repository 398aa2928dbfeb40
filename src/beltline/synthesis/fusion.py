"""A trained network as a `Fuser`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import pad

from beltline.synthesis.fuser import Fuser, Rgb, checked, mixed

MULTIPLE = 4  # the networks halve twice


def learned_fuser(model: nn.Module) -> Fuser:
    """Fuse with ``model(bag, item, mask)`` of (B, 3, H, W) tensors in [0, 1].

    Any size: pictures are padded by their border and cut again. Outside the mask the bag stays as it is,
    also for networks that change the whole box.
    """
    draw = drawn_fuser(model)

    def fuse(bag: Rgb, item: Rgb, mask: NDArray[np.float32]) -> Rgb:
        return mixed(bag, draw(bag, item, mask).astype(np.float32), mask)

    return fuse


def drawn_fuser(model: nn.Module) -> Fuser:
    """Like `learned_fuser`, but what the network draws outside the mask stays."""
    model.eval()
    device = next(model.parameters()).device

    def draw(bag: Rgb, item: Rgb, mask: NDArray[np.float32]) -> Rgb:
        checked(bag, item, mask)
        given = [torch.from_numpy(np.array(i)).permute(2, 0, 1)[None].float() / 255 for i in (bag, item)]
        given.append(torch.from_numpy(np.array(mask, np.float32))[None, None])
        height, width = mask.shape
        wide = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        with torch.inference_mode():
            padded = [pad(x, wide, mode="replicate").to(device) for x in given]
            drawn = model(*padded)[0, :, :height, :width].float().cpu()
        fused: Rgb = (drawn.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return fused

    return draw
