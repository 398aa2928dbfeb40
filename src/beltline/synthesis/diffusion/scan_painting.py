"""Threats painted into a whole scan, each in a window of its own, and annotated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beltline.core.square_window import SquareWindow
from beltline.synthesis.diffusion.annotating import PaintedWindow, Refiner, annotate
from beltline.synthesis.diffusion.canvas import Canvas
from beltline.synthesis.diffusion.car import largest_box
from beltline.synthesis.diffusion.generators import PaintTask
from beltline.synthesis.diffusion.promptable import Box, Mask, box_in_picture
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.scan_windows import apart, cells_of, window_of
from beltline.synthesis.diffusion.window_painter import WindowPainter

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Projected:
    """A projection that painting starts from (SDEdit), whose annotation is exact.

    Attributes:
        pixels: (C, H, W), the scan with the item, in the canvas's domain.
        mask: (H, W) bool, the item.
    """

    pixels: Floats
    mask: Mask


@dataclass(frozen=True, eq=False)
class Wanted:
    """One item to be painted.

    Attributes:
        task: What and where.
        start: What painting starts from; None starts from noise.
        over: Whether an item lies there that is painted anew (Xsyn-M), so that the bag alone is not known.
    """

    task: PaintTask
    start: Projected | None = None
    over: bool = False


@dataclass(frozen=True, eq=False)
class PaintedItem:
    """One item that was painted and is there.

    Attributes:
        wanted: What was asked for.
        box: xyxy pixels of the scan: the refined box, or the layout box.
        mask: (H, W) bool; None where there is none.
        refined: Whether the box is refined.
        seed: Of its noise.
        tries: How often it was painted.
    """

    wanted: Wanted
    box: Box
    mask: Mask | None
    refined: bool
    seed: int
    tries: int = 1


@dataclass(frozen=True, eq=False)
class PaintedScan:
    """A scan with what was painted.

    Attributes:
        canvas: The scan.
        items: What is in it now, in the order of what was wanted.
        thrown_away: Paintings that were not there, or not good enough.
    """

    canvas: Canvas
    items: tuple[PaintedItem, ...]
    thrown_away: int


#: (scan before, scan after, item) -> whether the item is good enough to be kept.
Accept = Callable[[Canvas, Canvas, PaintedItem], bool]


def paint_scan(
    canvas: Canvas,
    wanted: Sequence[Wanted],
    painter: WindowPainter,
    settings: SamplerSettings,
    rng: np.random.Generator,
    *,
    refiner: Refiner | None = None,
    tries: int = 3,
    accept: Accept | None = None,
) -> PaintedScan:
    """Paint items into a scan; what lies outside of their boxes (whole latents of them) stays bit by bit.

    Items whose boxes lie apart are painted in one batch. What is not there when it was painted, or is not
    accepted, is painted again with another seed.

    Args:
        canvas: The scan.
        wanted: What and where.
        painter: Paints.
        settings: Of the sampler; strength below 1 for what starts from projections.
        rng: Of the seeds.
        refiner: Of the boxes; by change if None.
        tries: How often an item is painted at most.
        accept: Has the last word on each item.

    Source:
        Xsyn paints whole pictures brought to 512 x 512 and keeps whatever comes; windows around the boxes,
        and the second try, are ours.
    """
    refiner = refiner or Refiner()
    todo = [
        (number, one, window_of(canvas.shape, one.task.box, painter)) for number, one in enumerate(wanted)
    ]
    done: dict[int, PaintedItem] = {}
    thrown_away = 0
    for attempt in range(1, tries + 1):
        left = [job for job in todo if job[0] not in done]
        for rows in apart([(window, one.task.box) for _, one, window in left], painter.cell):
            jobs = [_Job(*left[row], int(rng.integers(2**31))) for row in rows]
            for job, painted in zip(jobs, _painted(canvas, jobs, painter, settings), strict=True):
                item, after = _annotated(canvas, job, painted, refiner), _laid(canvas, job, painted)
                if item is None or not (accept is None or accept(canvas, after, item)):
                    thrown_away += 1
                else:
                    done[job.number], canvas = replace(item, tries=attempt), after
    return PaintedScan(canvas, tuple(done[number] for number in sorted(done)), thrown_away)


@dataclass(frozen=True, eq=False)
class _Job:
    number: int
    wanted: Wanted
    window: SquareWindow
    seed: int


@dataclass(frozen=True, eq=False)
class _Painted:
    """A window before and after."""

    before: Floats
    shown: PaintedWindow
    cells: Floats  # (S, S), 1 in the latents that were painted


def _painted(
    canvas: Canvas, jobs: Sequence[_Job], painter: WindowPainter, settings: SamplerSettings
) -> list[_Painted]:
    bags = _windows([canvas] * len(jobs), jobs, painter)
    starts = None
    if settings.strength < 1:
        starts = _windows([_start(canvas, job.wanted) for job in jobs], jobs, painter)
    places = np.stack([job.window.box_inside(job.wanted.task.box) for job in jobs])
    boxes = np.clip(places / np.float32(painter.size), 0, 1)
    labels, seeds = [job.wanted.task.label for job in jobs], [job.seed for job in jobs]
    made = painter.paint(bags, labels, boxes, seeds, settings, starts)
    through = bags if painter.adds else painter.decode(painter.encode(bags))
    found = []
    for row, job in enumerate(jobs):
        cells = cells_of(job.window, job.wanted.task.box, painter.cell)
        behind = None if job.wanted.over else bags[row] + cells * (through[row] - bags[row])
        box = box_in_picture(places[row].tolist(), cells.shape)
        exact = None if made.masks is None else made.masks[row]
        shown = PaintedWindow(
            made.windows[row], behind, made.attention[row], box, painter.adds, canvas.look, exact
        )
        found.append(_Painted(bags[row], shown, cells))
    return found


def _windows(canvases: Sequence[Canvas], jobs: Sequence[_Job], painter: WindowPainter) -> Floats:
    air = 0.0 if painter.channels == 2 else 1.0
    planes = {id(canvas): canvas.planes(painter.channels) for canvas in canvases}
    return np.stack(
        [job.window.cut(planes[id(canvas)], air) for canvas, job in zip(canvases, jobs, strict=True)]
    )


def _start(canvas: Canvas, wanted: Wanted) -> Canvas:
    if wanted.start is None:
        raise ValueError("a strength below 1 starts from a projection; give one, or strength 1")
    return replace(canvas, pixels=wanted.start.pixels)


def _laid(canvas: Canvas, job: _Job, painted: _Painted) -> Canvas:
    """The window back in the scan.

    What was added is added to the scan itself, so that nothing of it is lost on the way to the window's size
    and back; what was painted anew takes its place.
    """
    after = painted.shown.after
    planes = canvas.planes(len(after))
    if painted.shown.adds:
        change = job.window.put(np.zeros_like(planes), painted.cells * (after - painted.before))
        return canvas.with_planes(planes, np.where(change == 0, planes, np.clip(planes + change, 0, 1)))
    return canvas.with_planes(planes, job.window.put(planes, after, painted.cells))


def _annotated(canvas: Canvas, job: _Job, painted: _Painted, refiner: Refiner) -> PaintedItem | None:
    start = job.wanted.start
    found = annotate(painted.shown, refiner if start is None else Refiner("off"))
    if found is None:
        return None
    if start is not None:
        exact = largest_box(start.mask)
        return None if exact is None else PaintedItem(job.wanted, exact, start.mask, True, job.seed)
    layout = box_in_picture(job.wanted.task.box, canvas.shape)
    if found.mask is None:
        return PaintedItem(job.wanted, layout, None, False, job.seed)
    inside = found.mask[None].astype(np.float32)
    mask = job.window.put(np.zeros((1, *canvas.shape), np.float32), inside)[0] >= 0.5
    box = largest_box(mask)
    if box is None:
        return None
    return PaintedItem(job.wanted, box if found.refined else layout, mask, found.refined, job.seed)
