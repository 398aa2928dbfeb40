"""What is wanted in one scan: given tasks, an item more by chance, or projections to paint over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from beltline.core import BadInputError
from beltline.synthesis.diffusion.canvas import Canvas
from beltline.synthesis.diffusion.generators import PaintTask, add_task
from beltline.synthesis.diffusion.paint_plan import PaintPlan, groups_of
from beltline.synthesis.diffusion.paint_sources import PaintSource
from beltline.synthesis.diffusion.promptable import Box
from beltline.synthesis.diffusion.proposals import depth_masks
from beltline.synthesis.diffusion.regions import Region, free_regions
from beltline.synthesis.diffusion.scan_painting import Projected, Wanted
from beltline.synthesis.laying import Bag, threats_in
from beltline.synthesis.library import ThreatLibrary

LEAST_FILL = 0.5  # share of its box that a region covers
#: How long threats are, mm, of those that are mostly of one size; a region may be as large as the bag.
LENGTHS_MM: Mapping[str, float] = MappingProxyType(
    {
        "gun": 190, "knife": 220, "wrench": 220, "pliers": 190, "scissors": 190, "hammer": 300,
        "handcuffs": 240, "baton": 450, "bullet": 60, "lighter": 80, "battery": 140, "pressure_vessel": 190,
    }
)  # fmt: skip
SPREAD = (0.8, 1.15)  # of their length


def wanted_in(
    canvas: Canvas,
    source: PaintSource,
    plan: PaintPlan,
    rng: np.random.Generator,
    *,
    library: ThreatLibrary | None = None,
    pixel_mm: float | None = None,
) -> tuple[Wanted, ...]:
    """What is to be painted into one scan; empty where there is no place for anything.

    Args:
        canvas: The scan.
        source: Where it came from.
        plan: Classes and how many.
        rng: Of regions, classes, threats and places.
        library: Of a plan that paints over projections.
        pixel_mm: Side of a pixel, by which projections and added threats get their size.
    """
    if source.tasks:
        _check_inside(canvas, source)
        return tuple(Wanted(task, over=source.over) for task in source.tasks)
    number = int(rng.integers(1, plan.most + 1))
    if plan.generator == "project":
        assert library is not None
        return _projected(canvas, library, rng, number, plan, pixel_mm)
    return _added(canvas, source, rng, number, plan, pixel_mm)


def compact(regions: Sequence[Region]) -> tuple[Region, ...]:
    """The regions that fill half of their boxes and more, or all where none does.

    A threat is painted into the box: that of a frame, or of things in a row, is far larger than its area
    says, by which the class is drawn. Ours.

    Example:
        >>> frame = np.ones((40, 40), bool); frame[4:-4, 4:-4] = False
        >>> found = compact([Region((0, 0, 40, 40), frame), Region((5, 5, 9, 9), np.ones((4, 4), bool))])
        >>> [region.box for region in found]
        [(5, 5, 9, 9)]
    """
    boxes = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (region.box for region in regions)]
    filling = [r for r, area in zip(regions, boxes, strict=True) if r.area_px >= LEAST_FILL * area]
    return tuple(filling or regions)


def sized(task: PaintTask, pixel_mm: float, rng: np.random.Generator) -> PaintTask:
    """A task whose box is no longer than a threat of its class is; it lies anywhere in the region's. Ours.

    Published boxes are those of regions, whatever their size.

    Example:
        >>> task = PaintTask("gun", (0.0, 0.0, 400.0, 200.0))
        >>> x1, y1, x2, y2 = sized(task, 1.0, np.random.default_rng(0)).box
        >>> 150 < x2 - x1 < 220, round((x2 - x1) / (y2 - y1)), x1 >= 0, x2 <= 400
        (True, 2, True, True)
        >>> sized(task, 0.3, np.random.default_rng(0)) == task  # the whole region is smaller than a gun
        True
    """
    x1, y1, x2, y2 = task.box
    length = LENGTHS_MM.get(task.label, np.inf) * rng.uniform(*SPREAD) / pixel_mm
    share = min(1.0, length / max(x2 - x1, y2 - y1))
    width, height = share * (x2 - x1), share * (y2 - y1)
    left, top = x1 + rng.random() * (x2 - x1 - width), y1 + rng.random() * (y2 - y1 - height)
    return replace(task, box=(left, top, left + width, top + height))


def _check_inside(canvas: Canvas, source: PaintSource) -> None:
    height, width = canvas.shape
    for task in source.tasks:
        if not (task.box[2] <= width and task.box[3] <= height):
            raise BadInputError(
                f"{source.scan[1]}: is {width} x {height} pixels, box {task.box} sticks out; give boxes of"
                " this very scan"
            )


def _added(
    canvas: Canvas,
    source: PaintSource,
    rng: np.random.Generator,
    number: int,
    plan: PaintPlan,
    pixel_mm: float | None,
) -> tuple[Wanted, ...]:
    """Items more, one after the other, each away from those before it."""
    masks = depth_masks(canvas.picture())
    known = () if source.known is None else source.known.boxes.tolist()
    taken: list[Box] = [(x1, y1, x2, y2) for x1, y1, x2, y2 in known]
    tasks: list[PaintTask] = []
    groups = groups_of(plan.classes)
    for _ in range(number):
        free = free_regions(masks, canvas.shape, taken)
        fitting = [region for region in free if groups.classes(region.area_px, canvas.shape)]
        task = add_task(compact(fitting), taken, canvas.shape, rng, groups)
        if task is None:
            break
        if pixel_mm is not None:
            task = sized(task, pixel_mm, rng)
        tasks.append(task)
        taken.append(task.box)
    return tuple(Wanted(task) for task in tasks)


def _projected(
    canvas: Canvas,
    library: ThreatLibrary,
    rng: np.random.Generator,
    number: int,
    plan: PaintPlan,
    pixel_mm: float | None,
) -> tuple[Wanted, ...]:
    bag = Bag(canvas.pixels, canvas.domain, pixel_mm)
    found = []
    for laid in threats_in(bag, library, rng, number, style=plan.style):
        x1, y1, x2, y2 = (float(value) for value in laid.projection.box)
        start = Projected(laid.projection.pixels, laid.projection.mask >= 0.5)
        found.append(Wanted(PaintTask(laid.threat.label, (x1, y1, x2, y2)), start))
    return tuple(found)
