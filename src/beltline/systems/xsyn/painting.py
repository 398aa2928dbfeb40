"""Threats painted into windows of scans by a trained painter, with what its class token looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core import ShapeError
from beltline.models.attention_store import AttentionStore
from beltline.models.painter import THREAT, Painter, box_mask
from beltline.synthesis.diffusion.sampling import Chance, SamplerSettings, inpaint
from beltline.synthesis.diffusion.window_painter import PaintedWindows

Floats = NDArray[np.float32]


def paint(
    painter: Painter,
    bags: Floats,
    labels: Sequence[int],
    boxes: Floats,
    *,
    seed: int | Sequence[int],
    settings: SamplerSettings | None = None,
    starts: Floats | None = None,
    released: bool = False,
) -> PaintedWindows:
    """Paint a threat into each window's box.

    Outside of the latents that the box touches every pixel stays as it was. A painter that sees the bag adds
    what it painted to the attenuation of the bag, so that nothing of the bag is blurred; one that does not
    invents anew what lies behind the threat.

    Args:
        painter: Trained, in eval mode.
        bags: (B, C, S, S) in [0, 1]: codes of two energies or colours, as the painter was trained on.
        labels: B numbers of the painter's classes.
        boxes: (B, 4) xyxy in [0, 1].
        seed: The only source of chance: of the batch, or one a window.
        settings: Of the sampler.
        starts: (B, C, S, S) to begin from where the strength is below 1 (SDEdit), for instance projections.
        released: How attention is read, see `AttentionStore`.

    Raises:
        ShapeError: If bags, labels and boxes are not as many.
    """
    if not len(bags) == len(labels) == len(boxes):
        raise ShapeError(
            f"one label and box a window, got {len(labels)} and {len(boxes)} for {len(bags)} windows"
        )
    told, places = torch.tensor(list(labels)), torch.from_numpy(np.asarray(boxes, np.float32))
    nameless = torch.full_like(told, painter.nameless)
    with torch.no_grad():
        before = torch.from_numpy(np.asarray(bags, np.float32))
        known = painter.encode(before)
        start = None if starts is None else painter.encode(torch.from_numpy(np.asarray(starts, np.float32)))
        mask = box_mask(places, known.shape[-1])

        def denoise(noisy: Tensor, times: Tensor, conditional: bool) -> Tensor:
            return painter.denoise(noisy, times, known, mask, told if conditional else nameless, places)

        with AttentionStore(painter.unet, released=released) as store:
            latents = inpaint(
                store.watching(denoise), painter.schedule, known, mask, settings,
                generator=_chance(seed), start=start,
            )  # fmt: skip
        after = painter.decode(latents)
        if painter.seen:
            after = before + after - painter.decode(known)
        cells = torch.nn.functional.interpolate(mask, size=before.shape[-2:], mode="nearest")
        windows = before + cells * (after.clamp(0, 1) - before)
    return PaintedWindows(windows.numpy(), store.maps([[THREAT]])[:, 0].numpy())


def _chance(seed: int | Sequence[int]) -> Chance:
    if isinstance(seed, int):
        return torch.Generator().manual_seed(seed)
    return [torch.Generator().manual_seed(one) for one in seed]
