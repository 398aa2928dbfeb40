"""Pairs of a benign bag and a prohibited item, with the true composite: the bag with the item really in it.

Real data have no such truth. Here the basis maps of bag and item add up before they are measured, so that a
fused picture can be compared with what the scanner would have shown. Bag and truth share look and noise
draw; the item is measured alone, by the same scanner, with noise of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress, counted
from beltline.formats import write_json
from beltline.physics import dual_energy_transmission
from beltline.simulate.array_sets import CARD, create_array, holds_set, read_set
from beltline.simulate.bags import BagRecipe
from beltline.simulate.composed import object_depth
from beltline.simulate.draws import Rng
from beltline.simulate.library import BakedObject, ObjectLibrary, compose, turned_window
from beltline.simulate.photograph import Look, Photograph, draw_look, photograph

MARGIN = 16  # pixels measured around a crop, so that blur and edge enhancement see what lies there
EDGE_DEPTH = 0.05  # optical depth at which a pixel counts as wholly covered
PICTURES = ("bag", "item", "truth")


@dataclass(frozen=True)
class FusionPlan:
    """What a set of pairs holds.

    Attributes:
        counts: Pairs of each class, in this order.
        size: Side of a crop, pixels.
        style: Look, see `beltline.simulate.photograph.draw_look`; its air is made white.
        items: Fewest and most everyday things in a bag.
        garments: Fewest and most soft goods.
        filled: Smallest share of the item that lies over something.
        seed: Of everything.
    """

    counts: Mapping[str, int]
    size: int = 128
    style: str = "white"
    items: tuple[int, int] = (6, 32)
    garments: tuple[int, int] = (0, 12)
    filled: float = 0.5
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of the items."""
        return tuple(self.counts)


@dataclass(frozen=True, eq=False)
class FusionPairs:
    """A set of pairs, memory mapped.

    Attributes:
        bag: (N, S, S, 3) uint8, the benign bag.
        item: (N, S, S, 3) uint8, the item alone, white elsewhere.
        mask: (N, S, S) uint8, coverage by the item times 255, hidden parts included.
        labels: (N,) int64, index of the class.
        classes: Names.
        styles: (N,) names of the looks; "" where not known.
        truth: (N, S, S, 3) uint8, the same bag with the item in it; None for pairs of real scans.
        bag_dual: (N, 2, S, S) float16, low and high transmission as measured; None where only colours are
            known.
        item_dual: See bag_dual.
        truth_dual: See bag_dual.
    """

    bag: NDArray[np.uint8]
    item: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    styles: tuple[str, ...]
    truth: NDArray[np.uint8] | None = None
    bag_dual: NDArray[np.float16] | None = None
    item_dual: NDArray[np.float16] | None = None
    truth_dual: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return len(self.bag)


def write_fusion_pairs(
    out: Path,
    library: ObjectLibrary,
    plan: FusionPlan,
    *,
    on_progress: Progress | None = None,
) -> FusionPairs:
    """Make a set of pairs, or open the one that is there.

    Args:
        out: Folder; a complete one is only read, an incomplete one made again.
        library: Baked objects; their split and pixel pitch count.
        plan: What to make.
        on_progress: Told pairs.

    Raises:
        BadInputError: If ``out`` holds a set of another plan; it names what differs.
        ValueError: If the library holds no item of a class.
    """
    wanted = {**asdict(plan), "counts": dict(plan.counts), "split": library.split}
    if holds_set(out, wanted, "pairs"):
        return open_fusion_pairs(out)
    missing = [name for name in plan.classes if f"threat:{name}" not in library.by_role]
    if missing:
        raise ValueError(f"the object library holds no {', '.join(missing)}; bake them or change the classes")
    out.mkdir(parents=True, exist_ok=True)
    labels = np.repeat(np.arange(len(plan.classes)), list(plan.counts.values()))
    side = (len(labels), plan.size, plan.size)
    arrays = {"mask": create_array(out, "mask", np.uint8, side)}
    for name in PICTURES:
        arrays[name] = create_array(out, name, np.uint8, (*side, 3))
        arrays[f"{name}_dual"] = create_array(out, f"{name}_dual", np.float16, (len(labels), 2, *side[1:]))
    styles = []
    rng = np.random.default_rng(plan.seed)
    for row, label in enumerate(counted(labels, on_progress)):
        pair, style = _pair(rng, library, plan, plan.classes[label])
        styles.append(style)
        for name, value in pair.items():
            arrays[name][row] = value
    for array in arrays.values():
        array.flush()
    np.save(out / "labels.npy", labels)
    write_json(out / CARD, {"plan": wanted, "classes": plan.classes, "styles": styles})
    return open_fusion_pairs(out)


def open_fusion_pairs(folder: Path) -> FusionPairs:
    """Open a complete set.

    Raises:
        ValueError: If ``folder`` holds none.
    """
    mapped = (*PICTURES, "mask", *(f"{name}_dual" for name in PICTURES))
    card, arrays = read_set(folder, "pairs", "write_fusion_pairs", mapped=mapped, loaded=("labels",))
    return FusionPairs(**arrays, classes=tuple(card["classes"]), styles=tuple(card["styles"]))


def _pair(
    rng: Rng, library: ObjectLibrary, plan: FusionPlan, label: str
) -> tuple[dict[str, NDArray[Any]], str]:
    recipe = BagRecipe(
        classes=plan.classes, positives=0.0, items=plan.items, garments=plan.garments, everyday_prohibited=()
    )
    wide = plan.size + 2 * MARGIN
    stock = [o for o in library.by_role[f"threat:{label}"] if max(o.height_px, o.width_px) <= plan.size]
    if not stock:
        raise ValueError(f"no {label} of the library fits into {plan.size} pixels; make the crops larger")
    baked: BakedObject = stock[int(rng.integers(len(stock)))]
    alone = _placed(rng, turned_window(rng, library.window(baked)), wide)
    depth = object_depth(alone)
    covered = depth > EDGE_DEPTH
    while True:
        bag = _crop(rng, compose(rng, library, recipe).basis, wide)
        if float((object_depth(bag)[covered] > EDGE_DEPTH).mean()) >= plan.filled:
            break
    look = draw_look(rng, plan.style)
    look = Look(look.name, replace(look.style, background=(255.0, 255.0, 255.0)), look.detector)
    noise, own = (int(s) for s in rng.integers(0, 2**62, 2))
    inner = slice(MARGIN, MARGIN + plan.size)
    pair: dict[str, NDArray[Any]] = {}
    for name, basis, seed in (("bag", bag, noise), ("item", alone, own), ("truth", bag + alone, noise)):
        shot = _measured(basis, look, seed)
        pair[name] = shot.rgb[inner, inner].copy()
        pair[f"{name}_dual"] = np.stack([shot.low, shot.high])[:, inner, inner]
    mask = np.clip(depth / EDGE_DEPTH, 0, 1)[inner, inner]
    pair["mask"] = np.round(255 * mask).astype(np.uint8)
    pair["item"][mask == 0] = 255
    pair["item_dual"] = np.where(mask > 0, pair["item_dual"], 1.0)
    return pair, look.name


def _measured(basis: NDArray[np.float32], look: Look, seed: int) -> Photograph:
    return photograph(*dual_energy_transmission(basis), look, np.random.default_rng(seed))


def _placed(rng: Rng, window: NDArray[np.float32], wide: int) -> NDArray[np.float32]:
    """The window on an empty canvas, anywhere inside the margin."""
    canvas = np.zeros((len(window), wide, wide), np.float32)
    free = np.array([wide, wide]) - 2 * MARGIN - window.shape[1:]
    top, left = MARGIN + rng.integers(0, free + 1)
    canvas[:, top : top + window.shape[1], left : left + window.shape[2]] = window
    return canvas


def _crop(rng: Rng, basis: NDArray[np.float32], wide: int) -> NDArray[np.float32]:
    """A random square of a bag, air where it reaches out."""
    short = np.maximum(wide - np.array(basis.shape[1:]), 0)
    padded = np.pad(basis, ((0, 0), (short[0], short[0]), (short[1], short[1])))
    top, left = rng.integers(0, np.array(padded.shape[1:]) - wide + 1)
    return padded[:, top : top + wide, left : left + wide]
