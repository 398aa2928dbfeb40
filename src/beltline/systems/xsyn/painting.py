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
from beltline.physics.attenuation_code import attenuation_code, coded_transmission
from beltline.synthesis.diffusion.sampling import Chance, SamplerSettings, inpaint
from beltline.synthesis.diffusion.window_painter import PaintedWindows
from beltline.systems.xsyn.lone_painting import paint_alone

Floats = NDArray[np.float32]
FAINT = 0.02  # optical depth that an autoencoder's drawings differ by where nothing was painted
FLOOR = 1e-3  # transmission, or share of white, below which nothing is told apart


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

    Outside of the latents that the box touches every pixel stays as it was. What a painter that sees the bag
    has painted is laid over the bag as a projection is: transmissions multiply, nothing of the bag is blurred
    and nothing gets lighter. One that does not see it invents anew what lies behind the threat. One of lone
    threats paints over air, see `paint_alone`.

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
    if painter.alone:
        return paint_alone(
            painter, bags, labels, np.asarray(boxes, np.float32), chance=_chance(seed), settings=settings,
            starts=starts, released=released,
        )  # fmt: skip
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
        after = painter.decode(latents).clamp(0, 1).numpy()
        if painter.seen:
            after = laid_over(before.numpy(), after, painter.decode(known).clamp(0, 1).numpy())
        cells = torch.nn.functional.interpolate(mask, size=before.shape[-2:], mode="nearest").numpy()
    windows = np.where(cells > 0, after, before.numpy())
    return PaintedWindows(windows, store.threat(THREAT, len(told)).numpy())


def adds(painter: Painter) -> bool:
    """Whether it adds to the bag; one that does not paints anew what lies behind a threat."""
    return painter.seen or painter.alone


def _chance(seed: int | Sequence[int]) -> Chance:
    if isinstance(seed, int):
        return torch.Generator().manual_seed(seed)
    return [torch.Generator().manual_seed(one) for one in seed]


def laid_over(bags: Floats, after: Floats, known: Floats) -> Floats:
    """Bags with what stands in ``after`` beside ``known`` laid over them.

    Args:
        bags: (B, C, S, S) in [0, 1]: two channels are codes of attenuation, three are colours.
        after: The same, as the autoencoder draws them with the threat.
        known: As it draws them without.

    Source:
        The law of attenuation, as in threat image projection (RWSC-Fusion, equations 1 to 4); that its item
        is a quotient of two drawn pictures is ours.

    Example:
        >>> half, all_ = (attenuation_code(np.full((1, 2, 1, 1), t)) for t in (0.5, 1.0))
        >>> print(coded_transmission(laid_over(half, half, all_)).round(2).ravel())  # but for `FAINT`
        [0.26 0.26]
    """
    if bags.shape[1] == 2:
        bag, drawn, before = (coded_transmission(planes) for planes in (bags, after, known))
        return attenuation_code(bag * _item(drawn, before))
    return np.asarray(bags * _item(after, known), np.float32)


def _item(after: Floats, known: Floats) -> Floats:
    """Transmission (B, C, S, S) of the threat alone; what is fainter than drawing is exact is none."""
    depth = np.log(np.maximum(known, FLOOR)) - np.log(np.maximum(after, FLOOR))
    return np.asarray(np.exp(-np.maximum(depth - FAINT, 0)), np.float32)
