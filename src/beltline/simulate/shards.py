"""Training shards composed from an object library: many small bags, written as memory-mappable arrays.

The layout is in `beltline.formats.shard_writer`. A shard appears under its final name only when complete, so
a training run may pick shards up while more are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress, counted, mask_window
from beltline.core.parallel import shared
from beltline.formats import begin_plan, write_shard
from beltline.formats.shard_writer import STRIDE, require_same_classes, shard_path
from beltline.simulate.bags import BagRecipe
from beltline.simulate.composed import Composed
from beltline.simulate.draws import Rng
from beltline.simulate.framing import MIXED_STYLES, STYLE_NUMBERS, Styles, check_styles, framed_picture
from beltline.simulate.library import ObjectLibrary, compose

# As full as public scans are: soft mass from wall to wall, and some bags with next to nothing in them.
FULL_BAGS = BagRecipe(positives=0.7, threats=(1, 4), items=(3, 32), garments=(6, 28), sparse=0.1)


class WriteShard(Protocol):
    """Writes a shard of a set."""

    def __call__(self, index: int, *, seed: int) -> object:
        """Write shard ``index``, everything in it drawn from ``seed``."""
        ...


@dataclass(frozen=True)
class ShardPlan:
    """What a shard holds.

    Attributes:
        classes: K labels, the channel order of masks and labels.
        height: Image height in pixels, a multiple of 8.
        width: Image width in pixels; bags are turned to lie along it.
        count: Images per shard.
        styles: Looks to draw from, with their share.
        min_depth: Optical depth from which a pixel counts as the object.
    """

    classes: tuple[str, ...]
    height: int = 320
    width: int = 448
    count: int = 250
    styles: Styles = MIXED_STYLES
    min_depth: float = 0.05

    def __post_init__(self) -> None:
        if not self.classes:
            raise ValueError("shards need at least one class, got none")
        BagRecipe(classes=self.classes)  # refuses unknown ones
        check_styles(self.styles)


def compose_shard(
    root: Path, index: int, library: ObjectLibrary, recipe: BagRecipe, plan: ShardPlan, seed: int
) -> Path:
    """Compose ``plan.count`` bags and write ``root/shard_INDEX``, atomically.

    Args:
        root: Folder of the training set; gets a ``classes.json``.
        index: Number of the shard.
        library: Baked objects.
        recipe: What bags are like.
        plan: Size and looks.
        seed: Of everything in the shard.

    Raises:
        BadInputError: If the folder holds shards of other classes.
    """
    rng = np.random.default_rng(seed)
    h, w, k = plan.height, plan.width, len(plan.classes)
    images = np.empty((plan.count, 3, h, w), dtype=np.uint8)
    masks = np.empty((plan.count, k, h // STRIDE, w // STRIDE), dtype=np.uint8)
    styles = np.zeros(plan.count, dtype=np.uint8)
    objects: list[tuple[float, ...]] = []
    for i in range(plan.count):
        images[i], masks[i], style, found = _sample(rng, library, recipe, plan)
        objects += [(i, *values) for values in found]
        styles[i] = STYLE_NUMBERS.index(style)
    return write_shard(
        root, index, images=images, masks=masks, labels=(masks.max(axis=(2, 3)) > 0).astype(np.uint8),
        classes=plan.classes, style=styles, objects=np.array(objects, np.float32).reshape(-1, 6),
    )  # fmt: skip


def _sample(
    rng: Rng, library: ObjectLibrary, recipe: BagRecipe, plan: ShardPlan
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str, list[tuple[float, ...]]]:
    bag = compose(rng, library, recipe)
    shot = framed_picture(rng, bag, plan.styles, (plan.height, plan.width))
    cover = class_coverage(bag, plan.classes, plan.min_depth)
    full = np.zeros((len(plan.classes), plan.height, plan.width), dtype=np.float32)
    for channel in np.flatnonzero(cover.any(axis=(1, 2))):
        full[channel] = shot.frame.lay(cover[channel])
    blocks = full.reshape(len(plan.classes), plan.height // STRIDE, STRIDE, plan.width // STRIDE, STRIDE)
    mask = np.clip(np.ceil(blocks.mean(axis=(2, 4)) * 255), 0, 255).astype(np.uint8)
    boxes = object_boxes(bag, plan.classes, plan.min_depth)
    boxes[:, 1:] = shot.frame.boxes(boxes[:, 1:])
    image = shot.frame.lay(shot.rgb, 255).transpose(2, 0, 1)
    return image, mask, shot.style, [tuple(row) for row in boxes.tolist()]


def object_boxes(bag: Composed, classes: Sequence[str], min_depth: float) -> NDArray[np.float64]:
    """(M, 5): class, x1, y1, x2, y2 in pixels of each prohibited object of the classes."""
    found = []
    for thing in bag.objects:
        covered, (row, col) = thing.depth > min_depth, thing.corner
        if thing.threat and thing.label in classes and covered.any():
            rows, columns = mask_window(covered)
            box = (col + columns.start, row + rows.start, col + columns.stop, row + rows.stop)
            found.append((list(classes).index(thing.label), *box))
    return np.array(found, np.float64).reshape(-1, 5)


def class_coverage(bag: Composed, classes: Sequence[str], min_depth: float) -> NDArray[np.float32]:
    """(K, H, W) float32: 1 where an object of the class lies."""
    cover = np.zeros((len(classes), *bag.basis.shape[1:]), dtype=np.float32)
    for thing in bag.objects:
        if thing.threat and thing.label in classes:
            target = cover[(list(classes).index(thing.label), *thing.lines)]
            np.maximum(target, thing.depth > min_depth, out=target)
    return cover


def write_shards(
    out: Path,
    library: ObjectLibrary,
    plan: ShardPlan,
    *,
    shards: int,
    first: int = 0,
    seed: int = 0,
    drawn: Sequence[str] | None = None,
    processes: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Write shards ``first`` to ``first + shards - 1`` that are not there yet.

    A shard depends on the plan, the seed and its number alone; shards of another plan are not added to those
    there.

    Args:
        out: Folder of the training set.
        library: Baked objects of the split that is wanted.
        plan: Size, classes and looks.
        shards: How many.
        first: Number of the first one.
        seed: Each shard's own seed follows from it and the shard's number.
        drawn: Classes to draw prohibited items from; repeat one to make it more frequent. Default the plan's.
        processes: That write shards side by side.
        on_progress: Told shards.

    Returns:
        Shards written now.

    Raises:
        BadInputError: If the folder was begun with other classes, or anything else of the plan is another, or
            the library has no object of a class.
    """
    recipe = replace(FULL_BAGS, classes=tuple(drawn or plan.classes))
    require_same_classes(out, plan.classes)
    library.require(recipe.classes)
    begin_plan(out, "shards", {"seed": seed, "plan": plan, "recipe": recipe, **library.origin})

    write = partial(compose_shard, out, library=library, recipe=recipe, plan=plan)
    return write_missing(
        out, write, shards=shards, first=first, seed=seed, processes=processes, on_progress=on_progress
    )


def write_missing(
    out: Path,
    write: WriteShard,
    *,
    shards: int,
    first: int,
    seed: int,
    processes: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Write those of the shards ``first`` to ``first + shards - 1`` that are not there yet.

    Args:
        out: Folder of the set.
        write: Gets a shard's number, and its own seed by name; goes to other processes.
        shards: How many.
        first: Number of the first one.
        seed: Of the set.
        processes: That write side by side.
        on_progress: Told shards.

    Returns:
        Shards written now.
    """
    one = partial(_write_missing, out, write, seed)
    done = shared(one, range(first, first + shards), processes)
    return sum(counted(done, on_progress, total=shards))


def _write_missing(out: Path, write: WriteShard, seed: int, index: int) -> bool:
    if shard_path(out, index).exists():
        return False
    # seeds of two plans meet only beyond shard 100,002
    write(index, seed=seed * 100_003 + index)
    return True
