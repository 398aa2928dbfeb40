"""Painted items of a scan occluded by its background, after they were annotated: BOM over whole scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from beltline.core.square_window import SquareWindow
from beltline.synthesis.diffusion.bom import BomSettings, draw_occlusions, occlude
from beltline.synthesis.diffusion.bom_transmission import occlude_transmission
from beltline.synthesis.diffusion.canvas import Canvas, shown_window
from beltline.synthesis.diffusion.promptable import Box
from beltline.synthesis.diffusion.proposals import depth_masks
from beltline.synthesis.diffusion.regions import propose
from beltline.synthesis.diffusion.scan_windows import window_of
from beltline.synthesis.diffusion.window_painter import WindowPainter

Floats = NDArray[np.float32]
OcclusionKind = Literal["off", "latent", "physical"]


@dataclass(frozen=True)
class OcclusionRule:
    """How painted items are occluded.

    Attributes:
        kind: ``latent`` blends latents of the background in, window-shaped, as published; ``physical`` lays
            what a region of the background absorbs over the item (ours); or ``off``.
        alpha: Share of the background in (0, 1]: of its latents, published is 0.3; or of a region's
            thickness, where 1 lays it there as it is in the bag.
    """

    kind: OcclusionKind = "physical"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(OcclusionKind):
            raise ValueError(f"occlusion must be one of {get_args(OcclusionKind)}, got {self.kind!r}")
        if not 0 < self.alpha <= 1:
            raise ValueError(f"alpha must be in (0, 1], got {self.alpha}; 'off' leaves occlusion out")


@dataclass(frozen=True, eq=False)
class Occluded:
    """A scan after occlusion.

    Attributes:
        canvas: The scan.
        covered: Number of the boxes that something was laid over.
    """

    canvas: Canvas
    covered: tuple[bool, ...]


def occluded(
    before: Canvas,
    after: Canvas,
    boxes: Sequence[Box],
    painter: WindowPainter,
    rng: np.random.Generator,
    rule: OcclusionRule | None = None,
) -> Occluded:
    """Lay regions of the background over painted items; annotation is left as it is.

    Args:
        before: The scan before anything was painted.
        after: The scan with its items.
        boxes: xyxy pixels of the items.
        painter: Whose latents are blended.
        rng: Of regions and places.
        rule: How.

    Source:
        Xsyn's background occlusion; see `beltline.synthesis.diffusion.bom` and `bom_transmission`.
    """
    rule = rule or OcclusionRule()
    if rule.kind == "off" or not len(boxes):
        return Occluded(after, (False,) * len(boxes))
    if rule.kind == "physical":
        return _by_physics(before, after, boxes, rng, rule.alpha)
    canvas, covered = after, []
    for box in boxes:
        made = _in_latents(before, canvas, box, painter, rng, rule.alpha)
        covered.append(made is not None)
        canvas = canvas if made is None else made
    return Occluded(canvas, tuple(covered))


def _by_physics(
    before: Canvas, after: Canvas, boxes: Sequence[Box], rng: np.random.Generator, alpha: float
) -> Occluded:
    regions = propose(before.picture(), depth_masks, boxes)
    settings = BomSettings((alpha, alpha), "mask", shared=False)
    drawn = draw_occlusions(boxes, regions, before.shape, rng, settings, cell=1)
    if not drawn:
        return Occluded(after, (False,) * len(boxes))
    background, painted = before.transmissions(), after.transmissions()
    laid = occlude_transmission(painted, background, drawn)
    changed = (laid != painted).any(0)
    return Occluded(after.with_transmissions(painted, laid, changed), (True,) * len(boxes))


def _in_latents(
    before: Canvas, after: Canvas, box: Box, painter: WindowPainter, rng: np.random.Generator, alpha: float
) -> Canvas | None:
    """The window of one item, occluded in latent space; None where the bag has no region for it."""
    window = window_of(before.shape, box, painter)
    bag, made = (_cut(canvas, window, painter) for canvas in (before, after))
    x1, y1, x2, y2 = (float(value) for value in window.box_inside(box))
    inside = (x1, y1, x2, y2)
    regions = propose(shown_window(bag, before.look), depth_masks, [inside])
    side = painter.size // painter.cell
    settings = BomSettings((alpha, alpha), "window")
    drawn = draw_occlusions([inside], regions, (side, side), rng, settings, cell=painter.cell)
    if not drawn:
        return None
    latents = painter.encode(np.stack([bag, made]))
    blended = occlude(latents[1], latents[0], drawn)
    pair = painter.decode(np.stack([latents[1], blended]))
    touched = np.zeros((side, side), np.float32)
    for one in drawn:
        touched[one.window] = 1
    cells = np.kron(touched, np.ones((painter.cell, painter.cell), np.float32))
    planes = after.planes(painter.channels)
    # the difference of the two, so that nothing else of the autoencoder comes into the scan
    change = window.put(np.zeros_like(planes), cells * (pair[1] - pair[0]))
    return after.with_planes(planes, np.where(change == 0, planes, np.clip(planes + change, 0, 1)))


def _cut(canvas: Canvas, window: SquareWindow, painter: WindowPainter) -> Floats:
    return window.cut(canvas.planes(painter.channels), 0.0 if painter.channels == 2 else 1.0)
