"""Windows around threats of composed bags, with the threat and without it: what a painter learns from.

The layout and the reader are in `beltline.formats.inpainting_shards`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress, mask_window
from beltline.core.square_window import SHARE, SquareWindow, window_around
from beltline.formats import begin_plan
from beltline.formats.inpainting_shards import (
    InpaintingWindow,
    write_inpainting_classes,
    write_inpainting_shard,
)
from beltline.physics import detect, dual_energy_transmission
from beltline.physics.attenuation_code import attenuation_code
from beltline.physics.detector import Detector
from beltline.simulate.bags import BagRecipe
from beltline.simulate.clickable import contrast
from beltline.simulate.composed import Composed, ComposedObject
from beltline.simulate.draws import Rng
from beltline.simulate.library import ObjectLibrary, compose
from beltline.simulate.photograph import draw_look
from beltline.simulate.shards import FULL_BAGS, write_missing

Basis = NDArray[np.float32]
MARGIN = 16  # pixels measured around a window, so that blur and scatter see what lies there


@dataclass(frozen=True)
class InpaintingPlan:
    """What an inpainting shard holds.

    Attributes:
        classes: Labels of the threats.
        count: Bags per shard; each gives a window a threat.
        size: Side of a window, pixels.
        threats: Fewest and most threats in a bag.
        share: Of the window's side that the longer side of the threat takes, from and to.
        shift: Most that a window lies beside the threat's centre, see `window_around`.
        min_area_px: Fewest pixels of a threat.
        min_contrast: Least contrast of one, in [0, 1]: what cannot be seen cannot be painted.
        min_depth: Optical depth from which a pixel counts as the threat.
    """

    classes: tuple[str, ...]
    count: int = 50
    size: int = 256
    threats: tuple[int, int] = (3, 7)
    share: tuple[float, float] = (0.4, 0.65)
    shift: float = 0.5
    min_area_px: int = 80
    min_contrast: float = 0.06
    min_depth: float = 0.05

    def __post_init__(self) -> None:
        BagRecipe(classes=self.classes)  # refuses unknown ones
        if self.size < 64 or self.size % 32:
            raise ValueError(f"size must be a multiple of 32 from 64 on, got {self.size}")
        if not 0 < self.share[0] <= SHARE <= self.share[1] <= 1:
            raise ValueError(f"share must hold {SHARE} and lie in (0, 1], got {self.share}")


def write_inpainting_shards(
    out: Path,
    library: ObjectLibrary,
    plan: InpaintingPlan,
    *,
    shards: int,
    first: int = 0,
    seed: int = 0,
    processes: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Write shards ``first`` to ``first + shards - 1`` that are not there yet.

    A shard depends on the plan, the library, the seed and its number alone.

    Args:
        out: Folder of the set.
        library: Baked objects of the split that is wanted.
        plan: Size and classes.
        shards: How many.
        first: Number of the first one.
        seed: Each shard's own seed follows from it and the shard's number.
        processes: That write shards side by side.
        on_progress: Told shards.

    Returns:
        Shards written now.

    Raises:
        BadInputError: If the folder was begun with another plan, or the library lacks a class.
    """
    library.require(plan.classes)
    recipe = replace(FULL_BAGS, classes=plan.classes, positives=1.0, threats=plan.threats)
    begin_plan(out, "inpainting shards", {"seed": seed, "plan": plan, "recipe": recipe, **library.origin})
    write_inpainting_classes(out, plan.classes)
    write = partial(_write_shard, out, library=library, recipe=recipe, plan=plan)
    return write_missing(
        out, write, shards=shards, first=first, seed=seed, processes=processes, on_progress=on_progress
    )


def _write_shard(
    out: Path, index: int, *, library: ObjectLibrary, recipe: BagRecipe, plan: InpaintingPlan, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    found: list[InpaintingWindow] = []
    for _ in range(plan.count):
        bag = compose(rng, library, recipe)
        found += _windows(rng, bag, plan)
    write_inpainting_shard(out, index, found)


class _Seen(NamedTuple):
    """A threat that can be seen, and its box in the bag, xyxy pixels."""

    thing: ComposedObject
    box: tuple[int, int, int, int]


def _windows(rng: Rng, bag: Composed, plan: InpaintingPlan) -> list[InpaintingWindow]:
    """A window a threat, all measured by one scanner."""
    detector = draw_look(rng, "white").detector
    low, _ = dual_energy_transmission(bag.basis)
    return [_window(rng, bag, one, detector, plan) for one in _seen_threats(bag, low, plan)]


def _seen_threats(bag: Composed, low: Basis, plan: InpaintingPlan) -> list[_Seen]:
    found = []
    for thing in bag.objects:
        covered, (row, column) = thing.depth > plan.min_depth, thing.corner
        if not (thing.threat and thing.label in plan.classes and covered.sum() >= plan.min_area_px):
            continue
        if contrast(bag, thing, low, plan.min_depth) >= plan.min_contrast:
            rows, columns = mask_window(covered)
            box = (column + columns.start, row + rows.start, column + columns.stop, row + rows.stop)
            found.append(_Seen(thing, box))
    return found


def _window(
    rng: Rng, bag: Composed, seen: _Seen, detector: Detector, plan: InpaintingPlan
) -> InpaintingWindow:
    share, shift = rng.uniform(*plan.share), rng.uniform(-plan.shift, plan.shift, 2)
    window = window_around(seen.box, plan.size, share=share, shift=(float(shift[0]), float(shift[1])))
    noise = int(rng.integers(2**40))
    thing = seen.thing
    assert thing.basis is not None  # composed bags keep it
    alone = np.zeros_like(bag.basis)
    alone[(slice(None), *thing.lines)] = thing.basis
    cover = np.zeros((1, *bag.basis.shape[1:]), np.float32)
    cover[(0, *thing.lines)] = thing.depth > plan.min_depth
    painted = _measured(bag.basis, window, detector, noise)
    before = _measured(bag.basis - alone, window, detector, noise)
    facts = (
        plan.classes.index(thing.label),
        tuple(window.box_inside(seen.box).tolist()),
        window.scale,
        bag.occlusion(thing, plan.min_depth),
    )
    return InpaintingWindow(painted, before, window.cut(cover, 0.0)[0] >= 0.5, facts)


def _measured(basis: Basis, window: SquareWindow, detector: Detector, noise: int) -> NDArray[np.uint8]:
    """Codes (2, S, S) of low and high energy as the scanner measures them; air outside the bag."""
    wide = SquareWindow(window.top - MARGIN, window.left - MARGIN, *(window.side + 2 * MARGIN,) * 2)
    low, high = detect(
        *dual_energy_transmission(wide.cut(basis, 0.0)), detector, np.random.default_rng(noise)
    )
    inner = slice(MARGIN, MARGIN + window.side)
    own = SquareWindow(0, 0, window.side, window.size)
    measured = own.cut(np.stack([low[inner, inner], high[inner, inner]]), 1.0)
    return np.asarray(np.rint(255 * attenuation_code(measured)), np.uint8)
