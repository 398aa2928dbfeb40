"""Click shards composed from an object library: bags in which everything visible has its exact mask.

The layout and the reader are in `beltline.formats.click_shards`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import PROHIBITED, BadInputError, Progress, mask_window
from beltline.formats import begin_plan
from beltline.formats.click_shards import OBJECT, ClickBag, write_click_classes, write_click_shard
from beltline.simulate.bags import BagRecipe
from beltline.simulate.clickable import Clickable, clickable_objects, touching
from beltline.simulate.composed import Composed
from beltline.simulate.draws import Rng
from beltline.simulate.framing import MIXED_STYLES, STYLE_NUMBERS, Frame, Styles, check_styles, framed_picture
from beltline.simulate.library import ObjectLibrary, compose
from beltline.simulate.shards import FULL_BAGS, write_missing


@dataclass(frozen=True)
class ClickPlan:
    """What a click shard holds.

    `beltline.simulate.clickable.clickable_objects` says which objects are listed.

    Attributes:
        height: Image height in pixels.
        width: Image width; bags are turned to lie along it.
        count: Bags per shard.
        styles: Looks to draw from, with their share.
        twins: Probability that a thing gets a second one of its family that touches it.
        garments: Most garments listed per bag.
        min_area_px: Fewest pixels of a listed object.
        min_contrast: Least contrast of one, in [0, 1].
        min_depth: Optical depth from which a pixel counts as the object.
    """

    height: int = 456
    width: int = 640
    count: int = 100
    styles: Styles = MIXED_STYLES
    twins: float = 0.25
    garments: int = 2
    min_area_px: int = 60
    min_contrast: float = 0.03
    min_depth: float = 0.05

    def __post_init__(self) -> None:
        check_styles(self.styles)
        if not 0 <= self.twins <= 1:
            raise ValueError(f"twins must be in [0, 1], got {self.twins}")


@dataclass(frozen=True, eq=False)
class _Names:
    """The names objects are numbered by; `labels` begin with "" for everyday things."""

    families: tuple[str, ...]
    labels: tuple[str, ...]


def write_click_shards(
    out: Path,
    library: ObjectLibrary,
    plan: ClickPlan,
    *,
    shards: int,
    first: int = 0,
    seed: int = 0,
    processes: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Write shards ``first`` to ``first + shards - 1`` that are not there yet.

    Nearly every bag holds prohibited things, of all labels that the library has; else they are as in training
    shards. A shard depends on the plan, the library, the seed and its number alone.

    Args:
        out: Folder of the set.
        library: Baked objects of the split that is wanted.
        plan: Size and looks.
        shards: How many.
        first: Number of the first one.
        seed: Each shard's own seed follows from it and the shard's number.
        processes: That write shards side by side.
        on_progress: Told shards.

    Returns:
        Shards written now.

    Raises:
        BadInputError: If the folder was begun with another plan, or the library has nothing prohibited.
    """
    known = library.exemplars()
    labels = tuple(name for name in PROHIBITED if name in known)
    if not labels:
        raise BadInputError(f"{library.root}: no prohibited object; bake another library")
    recipe = replace(FULL_BAGS, classes=labels, positives=0.9, threats=(1, 6))
    families = sorted({one.family for one in library.objects if one.role != "container"})
    begin_plan(out, "click shards", {"seed": seed, "plan": plan, "recipe": recipe, **library.origin})
    names = _Names(tuple(families), ("", *labels))
    write_click_classes(out, names.families, names.labels)

    write = partial(_compose_shard, out, library=library, recipe=recipe, plan=plan, names=names)
    return write_missing(
        out, write, shards=shards, first=first, seed=seed, processes=processes, on_progress=on_progress
    )


def _compose_shard(
    out: Path,
    index: int,
    *,
    library: ObjectLibrary,
    recipe: BagRecipe,
    plan: ClickPlan,
    names: _Names,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    bags = [_click_bag(rng, library, recipe, plan, names) for _ in range(plan.count)]
    write_click_shard(out, index, bags)


def _click_bag(
    rng: Rng, library: ObjectLibrary, recipe: BagRecipe, plan: ClickPlan, names: _Names
) -> ClickBag:
    bag = compose(rng, library, recipe, twins=plan.twins)
    shot = framed_picture(rng, bag, plan.styles, (plan.height, plan.width))
    found = clickable_objects(
        bag,
        shot.clear_low,
        shot.frame,
        garments=plan.garments,
        min_area_px=plan.min_area_px,
        min_contrast=plan.min_contrast,
        min_depth=plan.min_depth,
    )
    energies = np.stack([shot.frame.lay(plane, 1.0) for plane in (shot.high, shot.low)])
    return ClickBag(
        image=shot.frame.lay(shot.rgb, 255).transpose(2, 0, 1),
        energies=np.round(np.clip(energies, 0, 1) * 255).astype(np.uint8),
        box=_bag_box(bag, shot.frame, plan.min_depth),
        style=STYLE_NUMBERS.index(shot.style),
        objects=_records(found, names),
        windows=[np.stack([one.mask[one.lines], one.metal[one.lines]]) for one in found],
    )


def _bag_box(bag: Composed, frame: Frame, min_depth: float) -> tuple[float, float, float, float]:
    rows, columns = mask_window(bag.optical_depth > min_depth)
    box = np.array([[columns.start, rows.start, columns.stop, rows.stop]], np.float64)
    x1, y1, x2, y2 = frame.boxes(box)[0].tolist()
    return x1, y1, x2, y2


def _records(found: Sequence[Clickable], names: _Names) -> NDArray[Any]:
    """The objects of one bag as they are stored, but for their places in the files."""
    twins, groups = touching([one.kind for one in found], [one.mask for one in found])
    records = np.zeros(len(found), OBJECT)
    for number, one in enumerate(found):
        rows, columns = one.lines
        record, area = records[number], int(one.mask.sum())
        record["family"] = names.families.index(one.thing.family)
        record["label"] = names.labels.index(one.thing.label) if one.thing.threat else 0
        record["threat"] = one.thing.threat
        record["x1"], record["y1"], record["x2"], record["y2"] = (
            columns.start, rows.start, columns.stop, rows.stop
        )  # fmt: skip
        record["area_px"], record["metal_share"] = area, one.metal.sum() / area
        record["occlusion"], record["twin"], record["group"] = one.occlusion, twins[number], groups[number]
    return records
