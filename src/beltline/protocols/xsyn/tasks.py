"""What is added where: the same bag, class and place for a painted item and for a projected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.protocols.xsyn.data import XsynData
from beltline.synthesis.diffusion.promptable import Box
from beltline.synthesis.diffusion.proposals import depth_masks
from beltline.synthesis.diffusion.regions import RULES, Region, RegionRule, free_regions
from beltline.synthesis.placement import turned
from beltline.synthesis.threat import Threat

Rng = np.random.Generator
#: Quantiles of the areas of real boxes between which a region's area lies.
AREAS = (0.05, 0.95)
CANDIDATES = 8  # items that a region's is chosen from, by size
SIDE_SPREAD, SIDE_BIAS, SHIFT_SPREAD = 0.2, 0.1, 0.1  # of a drawn layout, see `jittered`


@dataclass(frozen=True)
class Task:
    """One item to be added.

    Attributes:
        bag: Row.
        item: Number of the item that is projected; its class is painted.
        label: Number of the class.
        layout: xyxy pixels, where it is painted; a projected item lies around its centre.
        turned: By how many quarters the item is turned.
    """

    bag: int
    item: int
    label: int
    layout: Box
    turned: int


def draw_task(
    data: XsynData, number: int, items: Sequence[Threat], rule: RegionRule, *, bags: int, seed: int
) -> Task:
    """Task number ``number``; depends on nothing but the sets, the seed and the number.

    A region of the bag by chance, as in Xsyn-A; of eight items by chance the one whose size fits it best
    gives the class, so that sizes and counts of classes follow the real ones (Xsyn: a table of sizes made for
    PIDray). Where the bag has no region, the box of an item by chance, jittered, anywhere in the bag.

    Args:
        data: All sets.
        number: Of the task.
        items: That may be taken.
        rule: Which regions, see `region_rule`.
        bags: Of so many first bags.
        seed: Of all tasks.

    Raises:
        BadInputError: If there is no item.
    """
    if not items:
        raise BadInputError("there is no item to add: the real windows hold none that can be cut out")
    rng = np.random.default_rng((seed, 11, number))
    bag = int(rng.integers(bags))
    picture = data.view.picture(data.bags.window(bag))
    regions = free_regions(depth_masks(picture), picture.shape[:2], data.bags.of(bag).box, rule)
    if regions:
        region = regions[int(rng.integers(len(regions)))]
        x1, y1, x2, y2 = (float(value) for value in region.box)
        item = fitting(region, items, rng)
        layout = (x1, y1, x2, y2)
    else:
        item = int(rng.integers(len(items)))
        layout = anywhere(items[item], picture, rng)
    height, width = items[item].mask.shape
    lies = (width > height) == (layout[2] - layout[0] > layout[3] - layout[1])
    quarters = 2 * int(rng.integers(2)) + (0 if lies else 1)
    return Task(bag, item, data.classes.index(items[item].label), layout, quarters)


def region_rule(data: XsynData) -> RegionRule:
    """Regions about as large as the real items' boxes; overlap and dropped masks as released."""
    box = data.real.objects.box
    areas = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    least, most = np.quantile(areas, AREAS) if len(areas) else (1.0, 2.0)
    released = RULES["pidray"]
    return RegionRule(
        max(float(least) / 2, 1.0), max(float(most), 2.0), data.size**2, released.most_iou, released.dropped
    )


def fitting(region: Region, items: Sequence[Threat], rng: Rng) -> int:
    """Of a few items by chance the one whose size, lying or standing, is nearest to the region's."""
    drawn = rng.integers(0, len(items), CANDIDATES)
    sides = np.log(np.sort([items[number].mask.shape for number in drawn], axis=1))
    x1, y1, x2, y2 = region.box
    wanted = np.log(np.sort([y2 - y1, x2 - x1]))
    return int(drawn[np.abs(sides - wanted).sum(1).argmin()])


def anywhere(item: Threat, picture: NDArray[np.uint8], rng: Rng) -> Box:
    """The box of an item, jittered, around a pixel of the bag by chance."""
    rows, columns = np.nonzero(picture.min(2) < 250)
    side = picture.shape[0]
    at = int(rng.integers(max(len(rows), 1)))
    y, x = (float(rows[at]), float(columns[at])) if len(rows) else (side / 2, side / 2)
    height, width = item.mask.shape
    box = np.array([[x - width / 2, y - height / 2, x + width / 2, y + height / 2]])
    x1, y1, x2, y2 = jittered(box, side, rng)[0]
    return float(x1), float(y1), float(x2), float(y2)


def jittered(boxes: NDArray[np.floating], side: int, rng: Rng) -> NDArray[np.float64]:
    """Layouts as somebody draws them around items that are not there yet.

    Each side is longer by a factor of ``exp(0.1 + 0.2 n)``, the centre lies beside by 0.1 n of the side, n
    normal; cut to the window, eight pixels at least.

    Args:
        boxes: (N, 4) xyxy pixels.
        side: Of the window.
        rng: Source of chance.
    """
    boxes = np.asarray(boxes, np.float64)
    sides, middle = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    wide = sides * np.exp(SIDE_BIAS + SIDE_SPREAD * rng.standard_normal(sides.shape))
    middle = middle + SHIFT_SPREAD * sides * rng.standard_normal(sides.shape)
    wide = np.clip(wide, 8, side)
    first = np.clip(middle - wide / 2, 0, side - wide)
    return np.concatenate([first, first + wide], axis=1)


def laid_item(task: Task, items: Sequence[Threat], side: int) -> tuple[Threat, tuple[int, int]]:
    """The item of a task as it is projected, and the corner at which it lies wholly in the window."""
    item = turned(items[task.item], degrees=90.0 * (task.turned % 4), mirror=task.turned > 1)
    x1, y1, x2, y2 = task.layout
    height, width = item.mask.shape
    row, column = round((y1 + y2 - height) / 2), round((x1 + x2 - width) / 2)
    return item, (min(max(row, 0), max(side - height, 0)), min(max(column, 0), max(side - width, 0)))
