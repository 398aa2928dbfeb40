"""Windows cut from simulated bags as arrays: a small classification set with boxes, made fast.

A window shows a square part of a bag, so that items keep their size in pixels while the image stays small
enough to train hundreds of networks on it. A prohibited item counts as present when most of it lies in the
window; windows that cut one in half are drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress, counted, mask_window, overlap
from beltline.formats import require_same, write_json
from beltline.physics import dual_energy_transmission, whiten_background
from beltline.simulate.bags import BagRecipe
from beltline.simulate.library import Composed, ObjectLibrary, compose
from beltline.simulate.photograph import draw_look, photograph

Pixels = NDArray[np.uint8]
CARD = "card.json"
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


@dataclass(frozen=True, eq=False)
class WindowSet:
    """A set of windows, memory mapped.

    Attributes:
        images: (N, S, S, 3) uint8, white = air; positives first.
        labels: (N, K) uint8.
        families: (N, F) uint8, which everyday families lie in the window.
        objects: (M, 8) float32: image, class, x1, y1, x2, y2, share of the image covered, occlusion (share
            of the optical depth along the item's rays that belongs to other things).
        classes: K names.
        family_names: F names.
    """

    images: Pixels
    labels: NDArray[np.uint8]
    families: NDArray[np.uint8]
    objects: NDArray[np.float32]
    classes: tuple[str, ...]
    family_names: tuple[str, ...]

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
    if (out / CARD).is_file():
        found = json.loads((out / CARD).read_text(encoding="utf-8"))["plan"]
        require_same(found, wanted, f"{out}: holds windows of another plan:", "name a new folder")
        return open_windows(out)
    out.mkdir(parents=True, exist_ok=True)
    classes = tuple(plan.positives)
    names = tuple(sorted({o.family for o in library.objects if not o.threat and o.role != "container"}))
    total = sum(plan.positives.values()) + plan.negatives
    images = np.lib.format.open_memmap(
        out / "images.npy", mode="w+", dtype=np.uint8, shape=(total, plan.size, plan.size, 3)
    )
    labels = np.zeros((total, len(classes)), np.uint8)
    families = np.zeros((total, len(names)), np.uint8)
    objects: list[tuple[float, ...]] = []
    rng = np.random.default_rng(plan.seed)
    windows = counted(_windows(rng, library, plan, classes), on_progress, total=total)
    for row, window in enumerate(windows):
        images[row] = window.rgb
        labels[row] = window.labels
        families[row, [names.index(name) for name in window.families]] = 1
        objects += [(row, *values) for values in window.objects]
    images.flush()
    np.save(out / "labels.npy", labels)
    np.save(out / "families.npy", families)
    np.save(out / "objects.npy", np.array(objects, np.float32).reshape(-1, 8))
    write_json(out / CARD, {"plan": wanted, "classes": classes, "families": names, "windows": total})
    return open_windows(out)


def open_windows(folder: Path) -> WindowSet:
    """Open a complete set.

    Raises:
        ValueError: If ``folder`` holds none.
    """
    if not (folder / CARD).is_file():
        raise ValueError(f"{folder}: holds no complete set of windows; make one with write_windows")
    card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return WindowSet(
        np.load(folder / "images.npy", mmap_mode="r"),
        np.load(folder / "labels.npy"),
        np.load(folder / "families.npy"),
        np.load(folder / "objects.npy"),
        tuple(card["classes"]),
        tuple(card["families"]),
    )


@dataclass(frozen=True, eq=False)
class _Window:
    rgb: Pixels
    labels: NDArray[np.uint8]
    families: tuple[str, ...]
    objects: tuple[tuple[float, ...], ...]


def _windows(
    rng: np.random.Generator, library: ObjectLibrary, plan: WindowPlan, classes: tuple[str, ...]
) -> Any:
    for name, count in plan.positives.items():
        for _ in range(count):
            yield _positive(rng, library, plan, classes, name)
    left = plan.negatives
    while left > 0:
        for window in _benign(rng, library, plan, classes)[:left]:
            left -= 1
            yield window


def _bag(
    rng: np.random.Generator, library: ObjectLibrary, plan: WindowPlan, classes: Sequence[str], positive: bool
) -> Composed:
    recipe = BagRecipe(
        classes=tuple(classes),
        positives=float(positive),
        threats=plan.threats,
        items=plan.items,
        garments=plan.garments,
    )
    return compose(rng, library, recipe)


def _positive(
    rng: np.random.Generator, library: ObjectLibrary, plan: WindowPlan, classes: tuple[str, ...], name: str
) -> _Window:
    others = (name, name, name, *classes)  # mostly the class asked for, now and then another beside it
    for _ in range(TRIES):
        bag = _bag(rng, library, plan, others, True)
        rgb = _picture(rng, bag, plan)
        for index in np.flatnonzero([label == name for label in bag.labels]):
            found = _around(rng, bag, rgb, int(index), plan, classes)
            if found is not None:
                return found
    raise RuntimeError(f"no window of {plan.size} pixels shows a whole {name} after {TRIES} bags")


def _around(
    rng: np.random.Generator,
    bag: Composed,
    rgb: Pixels,
    index: int,
    plan: WindowPlan,
    classes: tuple[str, ...],
) -> _Window | None:
    place, extent = np.array(bag.corners[index]), mask_window(bag.depths[index] > MIN_DEPTH)
    # any offset at which the item lies inside with a small rim; large items may stick out a little
    low = place + [line.stop + 2 - plan.size for line in extent]
    high = place + [line.start - 3 for line in extent]
    corner = rng.integers(np.minimum(low, high), np.maximum(low, high) + 1)
    return _cut(bag, rgb, (int(corner[0]), int(corner[1])), plan, classes)


def _benign(
    rng: np.random.Generator, library: ObjectLibrary, plan: WindowPlan, classes: tuple[str, ...]
) -> list[_Window]:
    bag = _bag(rng, library, plan, classes, False)
    rgb = _picture(rng, bag, plan)
    ends = np.maximum(np.array(rgb.shape[:2]) - plan.size, 0)
    found = []
    for _ in range(plan.per_bag):
        corner = rng.integers(0, ends + 1)
        window = _cut(bag, rgb, (int(corner[0]), int(corner[1])), plan, classes)
        if window is not None:
            found.append(window)
    return found


def _picture(rng: np.random.Generator, bag: Composed, plan: WindowPlan) -> Pixels:
    look = draw_look(rng, plan.style)
    return whiten_background(photograph(*dual_energy_transmission(bag.basis), look, rng).rgb)


def _cut(
    bag: Composed, rgb: Pixels, corner: tuple[int, int], plan: WindowPlan, classes: tuple[str, ...]
) -> _Window | None:
    image = np.full((plan.size, plan.size, 3), 255, np.uint8)
    _copy(rgb, image, corner)
    if (image.min(axis=2) < 240).mean() < plan.filled:
        return None
    labels = np.zeros(len(classes), np.uint8)
    families, objects = set(), []
    for index, (label, threat) in enumerate(zip(bag.labels, bag.threats, strict=True)):
        if threat and label not in classes:
            continue
        mask, seen, total = _mask(bag, index, corner, plan.size)
        if seen >= plan.visible * total:
            if threat:
                labels[classes.index(label)] = 1
                objects.append(
                    (classes.index(label), *_box(mask), seen / plan.size**2, _occlusion(bag, index))
                )
            else:
                families.add(label)
        elif threat and seen > plan.hidden * total:
            return None
    return _Window(image, labels, tuple(families), tuple(objects))


def _copy(source: NDArray[Any], target: NDArray[Any], corner: tuple[int, int]) -> None:
    if met := overlap(source.shape[:2], target.shape[:2], corner):
        target[met[1]] = source[met[0]]


def _mask(
    bag: Composed, index: int, corner: tuple[int, int], size: int
) -> tuple[NDArray[np.bool_], int, int]:
    shape = bag.depths[index] > MIN_DEPTH
    top, left = bag.corners[index]
    mask = np.zeros((size, size), bool)
    _copy(shape, mask, (corner[0] - top, corner[1] - left))
    return mask, int(mask.sum()), max(int(shape.sum()), 1)


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = mask_window(mask)
    return columns.start, rows.start, columns.stop, rows.stop


def _occlusion(bag: Composed, index: int) -> float:
    own = bag.depths[index]
    top, left = bag.corners[index]
    h, w = own.shape
    everything = bag.optical_depth[top : top + h, left : left + w]
    covered = own > MIN_DEPTH
    return float(1 - own[covered].sum() / max(float(everything[covered].sum()), 1e-6))
