"""Windows cut from simulated bags as arrays: a small classification set with boxes, made fast.

A window shows a square part of a bag, so that items keep their size in pixels while the image stays small
enough to train hundreds of networks on it. A prohibited item counts as present when most of it lies in the
window; windows that cut one in half are drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress, counted, mask_window, overlap
from beltline.formats import write_json
from beltline.physics import dual_energy_transmission, whiten_background
from beltline.simulate.array_sets import CARD, create_array, holds_set, read_set
from beltline.simulate.bags import BagRecipe
from beltline.simulate.composed import Composed, ComposedObject
from beltline.simulate.draws import Rng
from beltline.simulate.library import ObjectLibrary, compose
from beltline.simulate.photograph import draw_look, photograph

Pixels = NDArray[np.uint8]
MIN_DEPTH = 0.05  # optical depth from which a pixel belongs to an object
TRIES = 30


@dataclass(frozen=True)
class WindowPlan:
    """What a set of windows holds.

    Attributes:
        positives: Windows made around an item of each class; a window may hold further classes.
        negatives: Windows without any item of the classes.
        size: Side in pixels.
        style: Look, see `beltline.simulate.photograph.draw_look`.
        items: Fewest and most everyday things in a bag.
        garments: Fewest and most soft goods.
        threats: Fewest and most prohibited items in a bag made for a positive window.
        per_bag: Most benign windows cut from one bag.
        visible: Share of an item's area that must lie in the window for it to count as present.
        hidden: Share up to which it counts as absent; windows between the two are drawn again.
        filled: Smallest share of a window that is not air.
        seed: Of everything.
    """

    positives: Mapping[str, int]
    negatives: int
    size: int = 112
    style: str = "white"
    items: tuple[int, int] = (6, 32)
    garments: tuple[int, int] = (0, 12)
    threats: tuple[int, int] = (1, 2)
    per_bag: int = 3
    visible: float = 0.6
    hidden: float = 0.05
    filled: float = 0.35
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of the items."""
        return tuple(self.positives)


@dataclass(frozen=True, eq=False)
class WindowSet:
    """A set of windows, memory mapped.

    Attributes:
        images: (N, S, S, 3) uint8, white = air; positives first.
        labels: (N, K) uint8.
        families: (N, F) uint8, which everyday families lie in the window; the card names them.
        objects: (M, 8) float32: image, class, x1, y1, x2, y2, share of the image covered, occlusion (share
            of the optical depth along the item's rays that belongs to other things).
        classes: K names.
    """

    images: Pixels
    labels: NDArray[np.uint8]
    families: NDArray[np.uint8]
    objects: NDArray[np.float32]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


def write_windows(
    out: Path,
    library: ObjectLibrary,
    plan: WindowPlan,
    *,
    on_progress: Progress | None = None,
) -> WindowSet:
    """Make a set of windows, or open the one that is there.

    Args:
        out: Folder; a complete one is only read, an incomplete one made again.
        library: Baked objects; their split and pixel pitch count.
        plan: What to make.
        on_progress: Told windows.

    Raises:
        BadInputError: If ``out`` holds a set of another plan; it names what differs.
    """
    wanted = {**asdict(plan), "positives": dict(plan.positives), "split": library.split}
    if holds_set(out, wanted, "windows"):
        return open_windows(out)
    out.mkdir(parents=True, exist_ok=True)
    names = tuple(sorted({o.family for o in library.objects if not o.threat and o.role != "container"}))
    total = sum(plan.positives.values()) + plan.negatives
    images = create_array(out, "images", np.uint8, (total, plan.size, plan.size, 3))
    labels = np.zeros((total, len(plan.classes)), np.uint8)
    families = np.zeros((total, len(names)), np.uint8)
    objects: list[tuple[float, ...]] = []
    rng = np.random.default_rng(plan.seed)
    windows = counted(_windows(rng, library, plan), on_progress, total=total)
    for row, window in enumerate(windows):
        images[row] = window.rgb
        labels[row] = window.labels
        families[row, [names.index(name) for name in window.families]] = 1
        objects += [(row, *values) for values in window.objects]
    images.flush()
    np.save(out / "labels.npy", labels)
    np.save(out / "families.npy", families)
    np.save(out / "objects.npy", np.array(objects, np.float32).reshape(-1, 8))
    write_json(out / CARD, {"plan": wanted, "classes": plan.classes, "families": names, "windows": total})
    return open_windows(out)


def open_windows(folder: Path) -> WindowSet:
    """Open a complete set.

    Raises:
        ValueError: If ``folder`` holds none.
    """
    loaded = ("labels", "families", "objects")
    card, arrays = read_set(folder, "windows", "write_windows", mapped=("images",), loaded=loaded)
    return WindowSet(**arrays, classes=tuple(card["classes"]))


@dataclass(frozen=True, eq=False)
class _Window:
    rgb: Pixels
    labels: NDArray[np.uint8]
    families: tuple[str, ...]
    objects: tuple[tuple[float, ...], ...]


def _windows(rng: Rng, library: ObjectLibrary, plan: WindowPlan) -> Any:
    for name, count in plan.positives.items():
        for _ in range(count):
            yield _positive(rng, library, plan, name)
    left = plan.negatives
    while left > 0:
        for window in _benign(rng, library, plan)[:left]:
            left -= 1
            yield window


def _bag(
    rng: Rng, library: ObjectLibrary, plan: WindowPlan, classes: Sequence[str], positive: bool
) -> Composed:
    recipe = BagRecipe(
        classes=tuple(classes),
        positives=float(positive),
        threats=plan.threats,
        items=plan.items,
        garments=plan.garments,
    )
    return compose(rng, library, recipe)


def _positive(rng: Rng, library: ObjectLibrary, plan: WindowPlan, name: str) -> _Window:
    others = (name, name, name, *plan.classes)  # mostly the class asked for, now and then another beside it
    for _ in range(TRIES):
        bag = _bag(rng, library, plan, others, True)
        rgb = _picture(rng, bag, plan)
        for thing in bag.objects:
            if thing.label == name and (found := _around(rng, bag, rgb, thing, plan)) is not None:
                return found
    raise RuntimeError(f"no window of {plan.size} pixels shows a whole {name} after {TRIES} bags")


def _around(rng: Rng, bag: Composed, rgb: Pixels, thing: ComposedObject, plan: WindowPlan) -> _Window | None:
    place, extent = np.array(thing.corner), mask_window(thing.depth > MIN_DEPTH)
    # any offset at which the item lies inside with a small rim; large items may stick out a little
    low = place + [line.stop + 2 - plan.size for line in extent]
    high = place + [line.start - 3 for line in extent]
    corner = rng.integers(np.minimum(low, high), np.maximum(low, high) + 1)
    return _cut(bag, rgb, (int(corner[0]), int(corner[1])), plan)


def _benign(rng: Rng, library: ObjectLibrary, plan: WindowPlan) -> list[_Window]:
    bag = _bag(rng, library, plan, plan.classes, False)
    rgb = _picture(rng, bag, plan)
    ends = np.maximum(np.array(rgb.shape[:2]) - plan.size, 0)
    found = []
    for _ in range(plan.per_bag):
        corner = rng.integers(0, ends + 1)
        window = _cut(bag, rgb, (int(corner[0]), int(corner[1])), plan)
        if window is not None:
            found.append(window)
    return found


def _picture(rng: Rng, bag: Composed, plan: WindowPlan) -> Pixels:
    look = draw_look(rng, plan.style)
    return whiten_background(photograph(*dual_energy_transmission(bag.basis), look, rng).rgb)


def _cut(bag: Composed, rgb: Pixels, corner: tuple[int, int], plan: WindowPlan) -> _Window | None:
    image = np.full((plan.size, plan.size, 3), 255, np.uint8)
    _copy(rgb, image, corner)
    if (image.min(axis=2) < 240).mean() < plan.filled:
        return None
    labels = np.zeros(len(plan.classes), np.uint8)
    families, objects = set(), []
    for thing in bag.objects:
        if thing.threat and thing.label not in plan.classes:
            continue
        mask, seen, total = _mask(thing, corner, plan.size)
        if seen >= plan.visible * total:
            if thing.threat:
                number = plan.classes.index(thing.label)
                labels[number] = 1
                objects.append((number, *_box(mask), seen / plan.size**2, bag.occlusion(thing, MIN_DEPTH)))
            else:
                families.add(thing.label)
        elif thing.threat and seen > plan.hidden * total:
            return None
    return _Window(image, labels, tuple(families), tuple(objects))


def _copy(source: NDArray[Any], target: NDArray[Any], corner: tuple[int, int]) -> None:
    if met := overlap(source.shape[:2], target.shape[:2], corner):
        target[met[1]] = source[met[0]]


def _mask(thing: ComposedObject, corner: tuple[int, int], size: int) -> tuple[NDArray[np.bool_], int, int]:
    shape = thing.depth > MIN_DEPTH
    top, left = thing.corner
    mask = np.zeros((size, size), bool)
    _copy(shape, mask, (corner[0] - top, corner[1] - left))
    return mask, int(mask.sum()), max(int(shape.sum()), 1)


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = mask_window(mask)
    return columns.start, rows.start, columns.stop, rows.stop
