"""Threats painted alone, over air, and laid into windows of bags by the law of attenuation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core.square_window import SquareWindow, window_around
from beltline.models.attention_store import SIDE, AttentionStore
from beltline.models.latents import CELL
from beltline.models.painter import THREAT, Painter, box_mask
from beltline.physics.attenuation_code import attenuation_code, coded_transmission
from beltline.synthesis.diffusion.extent import SEEN_DEPTH, without_specks
from beltline.synthesis.diffusion.sampling import Chance, SamplerSettings, inpaint
from beltline.synthesis.diffusion.window_painter import PaintedWindows

Floats = NDArray[np.float32]
SHARE = 0.85  # of the window's side that the longer side of the box takes, the middle of what it was taught
LONE = SIDE * CELL  # pixels of a window of one threat
FAINT = 0.02  # attenuation that drawn air has
FLOOR = 1e-3  # transmission below which nothing is told apart


def paint_alone(
    painter: Painter,
    bags: Floats,
    labels: Sequence[int],
    boxes: Floats,
    *,
    chance: Chance,
    settings: SamplerSettings | None = None,
    starts: Floats | None = None,
    released: bool = False,
) -> PaintedWindows:
    """Paint a threat over air for each window's box, and lay it over the window as a projection is.

    Nothing of the bag changes but where the threat attenuates, so the difference to the bag is the threat.

    Args:
        painter: Of lone threats.
        bags: (B, C, S, S) in [0, 1]: codes of two energies, or colours.
        labels: B numbers of the painter's classes.
        boxes: (B, 4) xyxy in [0, 1].
        chance: Of the noise.
        settings: Of the sampler.
        starts: (B, C, S, S) the bags with threats projected into them, to begin from (SDEdit).
        released: How attention is read, see `AttentionStore`.

    Source:
        The law of attenuation as in threat image projection (RWSC-Fusion, equations 1 to 4); ours.
    """
    side = bags.shape[-1]
    windows = [window_around((side * box).tolist(), LONE, share=SHARE, least=1) for box in boxes]
    pairs = list(zip(windows, boxes, strict=True))
    places = np.stack([window.box_inside((side * box).tolist()) for window, box in pairs])
    begin = None
    if starts is not None:
        items = [_coded(_quotient(start, bag)) for start, bag in zip(starts, bags, strict=True)]
        begin = np.stack([w.cut(item, air_of(item)) for w, item in zip(windows, items, strict=True)])
    drawn, attention = _drawn(
        painter, labels, np.clip(places / np.float32(LONE), 0, 1), chance, settings, begin, released
    )
    air = np.zeros_like(bags[0])
    depths = [window.put(air, _depth(item)) for window, item in zip(windows, drawn, strict=True)]
    made = [_laid(bag, depth) for bag, depth in zip(bags, depths, strict=True)]
    seen = [_seen(window, side, one) for window, one in zip(windows, attention, strict=True)]
    masks = np.stack([depth.max(0) > SEEN_DEPTH for depth in depths])
    return PaintedWindows(np.stack(made), np.stack(seen), masks)


def air_of(planes: Floats) -> float:
    """What air is in planes (C, h, w): 0 in codes, 1 in colours."""
    return 0.0 if len(planes) == 2 else 1.0


def _drawn(
    painter: Painter,
    labels: Sequence[int],
    places: Floats,
    chance: Chance,
    settings: SamplerSettings | None,
    begin: Floats | None,
    released: bool,
) -> tuple[Floats, Floats]:
    """Lone threats (B, C, 128, 128) in [0, 1] and attention (B, h, w)."""
    told, boxes = torch.tensor(list(labels)), torch.from_numpy(np.asarray(places, np.float32))
    nameless = torch.full_like(told, painter.nameless)
    channels = painter.channels
    with torch.no_grad():
        air = torch.full((len(told), channels, LONE, LONE), 0.0 if channels == 2 else 1.0)
        known = painter.encode(air)
        start = None if begin is None else painter.encode(torch.from_numpy(begin))
        mask = box_mask(boxes, known.shape[-1])

        def denoise(noisy: Tensor, times: Tensor, conditional: bool) -> Tensor:
            return painter.denoise(noisy, times, known, mask, told if conditional else nameless, boxes)

        with AttentionStore(painter.unet, side=SIDE // 2, released=released) as store:
            latents = inpaint(
                store.watching(denoise), painter.schedule, known, mask, settings,
                generator=chance, start=start,
            )  # fmt: skip
        drawn = painter.decode(latents).clamp(0, 1).numpy()
        cells = torch.nn.functional.interpolate(mask, size=drawn.shape[-2:], mode="nearest").numpy()
    return np.where(cells > 0, drawn, air.numpy()), store.threat(THREAT, len(told)).numpy()


def _depth(item: Floats) -> Floats:
    """Optical depth (C, 128, 128) of a lone threat; drawn air and specks in it have none."""
    depth = -np.log(np.clip(_transmission(item), FLOOR, 1))
    solid = without_specks(depth.max(0) > SEEN_DEPTH).astype(np.uint8)
    rim = cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0  # edges are soft
    return np.asarray(np.where(rim & (depth > FAINT), depth, 0), np.float32)


def _laid(bag: Floats, depth: Floats) -> Floats:
    """The bag (C, S, S) with so much optical depth over it; where there is none it stays bit by bit."""
    laid = _coded(_transmission(bag) * np.exp(-depth))
    return np.asarray(np.where(depth > 0, laid, bag), np.float32)


def _quotient(after: Floats, before: Floats) -> Floats:
    """Transmission of what stands in ``after`` and not ``before``."""
    return np.asarray(np.clip(_transmission(after) / np.maximum(_transmission(before), FLOOR), 0, 1))


def _transmission(planes: Floats) -> Floats:
    """Of codes; colours are taken as they are, share of white by share of white."""
    return coded_transmission(planes) if len(planes) == 2 else planes


def _coded(transmission: Floats) -> Floats:
    return attenuation_code(transmission) if len(transmission) == 2 else transmission


def _seen(window: SquareWindow, side: int, attention: Floats) -> Floats:
    """Attention of the threat's window (h, w) in the whole window, 16 x 16; none beside it."""
    near = np.asarray(cv2.resize(attention, (LONE, LONE), interpolation=cv2.INTER_LINEAR), np.float32)
    whole = window.put(np.zeros((1, side, side), np.float32), near[None])[0]
    return np.asarray(cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)
