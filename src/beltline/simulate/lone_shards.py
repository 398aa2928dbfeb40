"""Windows of single threats over air, as inpainting shards: for painters that leave the bag to physics.

The layout and the reader are those of `beltline.formats.inpainting_shards`; what lies behind is air.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from beltline.core import BadInputError, Progress
from beltline.formats import begin_plan
from beltline.formats.inpainting_shards import (
    InpaintingWindow,
    write_inpainting_classes,
    write_inpainting_shard,
)
from beltline.formats.lone_window import LONE_SHARE, LONE_SIDE, lone_window
from beltline.physics import dual_energy_transmission
from beltline.physics.attenuation_code import attenuation_code
from beltline.simulate.draws import Rng
from beltline.simulate.library import BakedObject, ObjectLibrary, turned_window
from beltline.simulate.shards import write_missing


@dataclass(frozen=True)
class LonePlan:
    """What a shard of lone threats holds.

    Attributes:
        classes: Labels of the threats, each as often as the others.
        count: Windows per shard.
        size: Side of a window, pixels.
        share: Of the window's side that the longer side of the threat takes, from and to.
        min_depth: Optical depth of low energy from which a pixel counts as the threat.
    """

    classes: tuple[str, ...]
    count: int = 600
    size: int = LONE_SIDE
    share: tuple[float, float] = LONE_SHARE
    min_depth: float = 0.05

    def __post_init__(self) -> None:
        if self.size < 64 or self.size % 32:
            raise ValueError(f"size must be a multiple of 32 from 64 on, got {self.size}")
        if not 0 < self.share[0] <= self.share[1] <= 1:
            raise ValueError(f"share must be two numbers in (0, 1], in order, got {self.share}")


def write_lone_shards(
    out: Path,
    library: ObjectLibrary,
    plan: LonePlan,
    *,
    shards: int,
    first: int = 0,
    seed: int = 0,
    processes: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Write those of the shards ``first`` to ``first + shards - 1`` that are not there yet.

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
    begin_plan(out, "lone threat shards", {"seed": seed, "plan": plan, **library.origin})
    write_inpainting_classes(out, plan.classes)
    write = partial(_write_shard, out, library=library, plan=plan)
    return write_missing(
        out, write, shards=shards, first=first, seed=seed, processes=processes, on_progress=on_progress
    )


def _write_shard(out: Path, index: int, *, library: ObjectLibrary, plan: LonePlan, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [_drawn(rng, library, plan, plan.classes[n % len(plan.classes)]) for n in range(plan.count)]
    write_inpainting_shard(out, index, found)


def _drawn(rng: Rng, library: ObjectLibrary, plan: LonePlan, label: str) -> InpaintingWindow:
    """A window of an object of the class that can be seen."""
    objects = library.by_role[f"threat:{label}"]
    for _ in range(100):
        made = _window(rng, library, objects, plan, label)
        if made is not None:
            return made
    raise BadInputError(f"{library.root}: its objects of {label} cannot be seen; bake another library")


def _window(
    rng: Rng, library: ObjectLibrary, objects: Sequence[BakedObject], plan: LonePlan, label: str
) -> InpaintingWindow | None:
    basis = turned_window(rng, library.window(objects[int(rng.integers(len(objects)))]))
    transmission = np.stack(dual_energy_transmission(basis))
    covered = transmission[0] < np.exp(-plan.min_depth)
    if not covered.any():
        return None
    number, share = plan.classes.index(label), rng.uniform(*plan.share)
    return lone_window(transmission, covered, number, share=share, size=plan.size, code=attenuation_code)
