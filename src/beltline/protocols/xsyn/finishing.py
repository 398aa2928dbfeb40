"""What becomes of painted windows: boxes refined (CAR), items hidden (BOM), pictures for detectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core import mask_window
from beltline.core.square_window import SquareWindow
from beltline.metrics.detections import Boxes
from beltline.models.latents import CELL
from beltline.models.painter import Painter
from beltline.protocols.cells import save_arrays
from beltline.protocols.xsyn.arms import Arm, Bom, Car
from beltline.protocols.xsyn.data import Scans, pictures, shown
from beltline.protocols.xsyn.painted import Made, Makers, changed
from beltline.protocols.xsyn.plan import folder_name
from beltline.protocols.xsyn.views import View, from_stored
from beltline.synthesis.diffusion.bom import BomSettings, Occlusion, draw_occlusions, occlude
from beltline.synthesis.diffusion.bom_transmission import occlude_transmission
from beltline.synthesis.diffusion.car import CarSettings, refine_box, refined_of
from beltline.synthesis.diffusion.car_change import refine_by_change
from beltline.synthesis.diffusion.car_heat import heat_map, over_level
from beltline.synthesis.diffusion.extent import without_specks
from beltline.synthesis.diffusion.promptable import Box, Pixels, Segment, box_in_picture
from beltline.synthesis.diffusion.proposals import depth_masks
from beltline.synthesis.diffusion.regions import free_regions
from beltline.systems.detector.arrays import DetectionSet

Floats = NDArray[np.float32]
SEED = 0
LEAST_CHANGE = 2 / 255


@dataclass(frozen=True, eq=False)
class Painted:
    """One painted item in the window that its painter saw.

    Attributes:
        before: (C, s, s) codes.
        after: Likewise.
        layout: xyxy pixels of the window.
        attention: (16, 16).
        own: Box of the item's own pixels where its painter knows them, not finite where it painted none; None
            where it does not know.
    """

    before: Floats
    after: Floats
    layout: Box
    attention: Floats
    own: Box | None = None


def refined(one: Painted, car: Car, view: View, segment: Segment) -> Box:
    """The box of a painted item, xyxy pixels of the painter's window.

    The heat map becomes a mask by a threshold, as our click model asks for (`CAR_WITH_CLICKS`).
    """
    if car.by == "none":
        return one.layout
    if car.by == "own":
        return _all_changed(one)
    picture = view.picture(view.planes(one.after))
    layout = box_in_picture(one.layout, picture.shape[:2])
    if car.by == "change":
        before = view.picture(view.planes(one.before))
        return refine_by_change(one.attention, picture, before, layout).box
    if car.by == "heat":
        heat = heat_map(one.attention, picture.shape[:2])
        return refined_of(over_level(heat, layout, "otsu"), layout, heat, CarSettings()).box
    how = CarSettings(
        points="box" if car.by == "box" else "median", depth=max(car.depth, 1), heat="threshold"
    )
    return refine_box(one.attention, picture, layout, segment, how).box


def _all_changed(one: Painted) -> Box:
    """Box of all that changed by more than eight bits round off, but for specks; else the layout box."""
    mask = without_specks(np.abs(one.after - one.before).max(0) > LEAST_CHANGE)
    if not mask.any():
        return one.layout
    rows, columns = mask_window(mask)
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def hidden(one: Painted, bom: Bom, view: View, painter: Painter, rng: np.random.Generator) -> Floats:
    """Codes (C, s, s) with a part of the bag laid over the item.

    Latents are those of the finished window, encoded once more; what encoding loses of it is put back.
    """
    if bom.shape == "off":
        return one.after
    picture = view.picture(view.planes(one.before))
    regions = free_regions(depth_masks(picture), picture.shape[:2], [one.layout])
    side = one.before.shape[-1]
    if bom.shape == "product":
        over = draw_occlusions([one.layout], regions, (side, side), rng, BomSettings((1.0, 1.0)), cell=1)
        return view.codes(occlude_transmission(view.planes(one.after), view.planes(one.before), over))
    settings = BomSettings((bom.alpha, bom.alpha), bom.shape)
    over = draw_occlusions([one.layout], regions, (side // CELL, side // CELL), rng, settings, cell=CELL)
    return _blended(one, over, painter) if over else one.after


def _blended(one: Painted, over: tuple[Occlusion, ...], painter: Painter) -> Floats:
    with torch.no_grad():
        both = torch.from_numpy(np.stack([one.after, one.before]))
        item, bag = painter.encode(both).numpy()
        pair = torch.from_numpy(np.stack([occlude(item, bag, over), item]))
        blended, plain = painter.decode(pair).numpy()
    touched = np.zeros(item.shape[1:], np.float32)
    for window in over:
        touched[window.window] = 1
    cells = np.kron(touched, np.ones((CELL, CELL), np.float32))
    return np.asarray(np.clip(one.after + cells * (blended - plain), 0, 1), np.float32)


def finished(
    arm: Arm, made: Made, scans: Scans, makers: Makers, segment: Segment, number: int
) -> tuple[Pixels, Boxes]:
    """Pictures (n, s, s, 3) and boxes of a piece; what lay in the windows before stays annotated.

    Args:
        arm: CAR and BOM.
        made: The piece.
        scans: What it was made of.
        makers: Painter and view.
        segment: Promptable segmenter of CAR.
        number: Of the piece.
    """
    view, painter = makers.data.view, makers.use.painter
    codes, boxes = from_stored(made.codes), made.layout.copy()
    for item, image in enumerate(made.image):
        if not made.square[item, 2]:
            continue
        window = made.window(item)
        before = view.codes(scans.window(int(made.source[image])))
        one = _cut(made, item, window, codes[image], before, view)
        boxes[item] = window.box_outside(refined(one, arm.car, view, segment))
        rng = np.random.default_rng((SEED, 12, number, item))
        covered = hidden(one, arm.bom, view, painter, rng)
        codes[image] = changed(codes[image], window, covered - one.after)
    side = makers.scale.shown
    images = np.stack([shown(view, view.planes(each), side) for each in codes])
    found = Boxes(made.image, made.label, np.clip(boxes, 0, makers.data.size) * (side / makers.data.size))
    kept = _kept(made, scans, side / makers.data.size) if arm.generator not in ("M", "truth") else None
    return images, found if kept is None else _both(kept, found)


def _cut(made: Made, item: int, window: SquareWindow, after: Floats, before: Floats, view: View) -> Painted:
    x1, y1, x2, y2 = (float(value) for value in window.box_inside(tuple(made.layout[item])))
    return Painted(
        window.cut(before, view.air),
        window.cut(after, view.air),
        (x1, y1, x2, y2),
        np.asarray(made.attention[item], np.float32),
    )


def _kept(made: Made, scans: Scans, factor: float) -> Boxes:
    each = [scans.of(int(row)) for row in made.source]
    return Boxes(
        np.concatenate([np.full(len(o), n) for n, o in enumerate(each)]),
        np.concatenate([o.label for o in each]),
        np.concatenate([o.box for o in each]) * factor,
    )


def _both(first: Boxes, second: Boxes) -> Boxes:
    columns = ("image", "label", "box")
    return Boxes(*(np.concatenate([getattr(first, c), getattr(second, c)]) for c in columns))


def made_set(name: str, arm: Arm, percent: int, makers: Makers, segment: Segment) -> DetectionSet:
    """What an arm adds at a percentage; kept in a file.

    Without a generator: the bags as they are, so that every arm looks at as many windows.
    """
    path = makers.folder / "sets" / f"{folder_name(name)}--{percent}.npz"
    if not path.is_file():
        images, boxes = _made_set(arm, percent, makers, segment)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_arrays(path, images=images, image=boxes.image, label=boxes.label, box=boxes.box)
    with np.load(path) as kept:
        return DetectionSet(kept["images"], Boxes(kept["image"], kept["label"], kept["box"]))


def _made_set(arm: Arm, percent: int, makers: Makers, segment: Segment) -> tuple[Pixels, Boxes]:
    data, scale = makers.data, makers.scale
    count = scale.made_windows(percent)
    if arm.generator is None:
        return _untouched(min(count, len(data.bags)), makers)
    if arm.generator == "M":
        count = min(count, scale.real_windows(percent), len(data.real))
    if arm.generator == "truth":
        count = min(count, len(data.bags))
    scans = data.real if arm.generator == "M" else data.bags
    own = percent if arm.library == "fraction" or data.bags is data.real else 100
    pieces = makers.pieces(arm.generator, count, maps=arm.car.maps, percent=own)
    finish = partial(finished, arm, scans=scans, makers=makers, segment=segment)
    parts = [finish(made, number=number) for number, made in enumerate(pieces)]
    starts = np.cumsum([0, *(len(images) for images, _ in parts)])
    images = np.concatenate([images for images, _ in parts])
    rows = [
        (image + start, k, *box)
        for start, (_, b) in zip(starts, parts, strict=False)
        for image, k, box in zip(b.image, b.label, b.box, strict=True)
    ]
    return images, Boxes.of_rows(rows)


def _untouched(count: int, makers: Makers) -> tuple[Pixels, Boxes]:
    found = pictures(makers.data.bags.first(count), makers.data.view, makers.scale.shown)
    return found.images, found.objects
