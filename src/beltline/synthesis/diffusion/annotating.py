"""Whether a painted item is there, and where: its box and mask in the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from beltline.physics import ColorStyle
from beltline.physics.attenuation_code import coded_transmission
from beltline.synthesis.diffusion.canvas import shown_window
from beltline.synthesis.diffusion.car import CarSettings, refine_box
from beltline.synthesis.diffusion.car_change import refine_by_change
from beltline.synthesis.diffusion.extent import REPAINTED_DEPTH, SEEN_DEPTH, extent_of_difference
from beltline.synthesis.diffusion.promptable import Box, Mask, Segment

Floats = NDArray[np.float32]
Refinement = Literal["change", "clicks", "off"]


@dataclass(frozen=True, eq=False)
class Refiner:
    """How boxes are refined.

    Attributes:
        by: ``clicks`` by a promptable segmenter, as published (CAR); ``change``, where the window differs
            from the bag and the model looked (ours, closer to the truth), or the item's own pixels where the
            painter knows them; ``off`` keeps the layout box.
        segment: The segmenter of ``clicks``.
        settings: Of either.

    Raises:
        ValueError: If ``by`` is none of these, or clicks lack their segmenter.
    """

    by: Refinement = "change"
    segment: Segment | None = None
    settings: CarSettings | None = None

    def __post_init__(self) -> None:
        if self.by not in get_args(Refinement):
            raise ValueError(f"boxes are refined by one of {get_args(Refinement)}, got {self.by!r}")
        if self.by == "clicks" and self.segment is None:
            raise ValueError("clicks need a segmenter; give one, or refine by 'change'")


@dataclass(frozen=True, eq=False)
class PaintedWindow:
    """One window, before and after, as a painter reads it.

    Attributes:
        after: (C, S, S), painted.
        behind: (C, S, S), the bag without an item as the painter's autoencoder gives it, where it was
            painted anew; None where nobody knows it, because an item lay there.
        attention: (h, w) of the item.
        box: Layout box, xyxy pixels of the window.
        adds: Whether the painter added to the bag, see `WindowPainter.adds`.
        look: Of pictures.
        exact: (S, S) bool, the item's own pixels where the painter knows them.
    """

    after: Floats
    behind: Floats | None
    attention: Floats
    box: Box
    adds: bool
    look: ColorStyle | str
    exact: Mask | None = None


@dataclass(frozen=True, eq=False)
class Annotation:
    """Where an item is.

    Attributes:
        mask: (S, S) bool; None where there is none to be had.
        refined: Whether the box is the mask's; else the layout box holds.
    """

    mask: Mask | None
    refined: bool


def annotate(window: PaintedWindow, refiner: Refiner) -> Annotation | None:
    """The item of a window; None where none is there.

    It is there if the bag became denser, by more than a painter gets wrong of the background. Where the bag
    without an item is not known, what the refinement finds is believed.

    Raises:
        ValueError: If change is asked for where the bag is not known.
    """
    extent = None if window.behind is None else _extent(window, window.behind)
    if extent is not None and not extent.any():
        return None
    if refiner.by == "off":
        return Annotation(extent, refined=False)
    if refiner.by == "change" and window.exact is not None:
        return Annotation(window.exact, refined=True) if window.exact.any() else None
    picture = shown_window(window.after, window.look)
    if refiner.by == "clicks":
        assert refiner.segment is not None
        found = refine_box(window.attention, picture, window.box, refiner.segment, refiner.settings)
    elif window.behind is None:
        raise ValueError(
            "what was painted over an item cannot be told by change; refine by 'clicks' or 'off'"
        )
    else:
        behind = shown_window(window.behind, window.look)
        found = refine_by_change(window.attention, picture, behind, window.box, refiner.settings)
    return None if found.kept else Annotation(found.mask, refined=True)


def _extent(window: PaintedWindow, behind: Floats) -> Mask:
    threshold = SEEN_DEPTH if window.adds else REPAINTED_DEPTH
    before, after = (_measured(one, window.look) for one in (behind, window.after))
    return extent_of_difference(before, after, threshold).mask


def _measured(window: Floats, look: ColorStyle | str) -> NDArray[Any]:
    return coded_transmission(window) if len(window) == 2 else shown_window(window, look)
