"""A library of objects baked once to basis maps, from which bags are composed ten times faster.

Baking keeps each object's six-term basis window in one pose; composing adds windows, turned by quarter
turns and mirrored, onto a canvas. Against fresh bags it gives up two things: the fan's magnification with
height, and the partial-volume average in intensity at edges (windows are averaged in thickness).

On disk: ``objects.f16`` (all windows, one after the other, float16) and ``index.json``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import FORMER, LABELS, BadInputError
from beltline.core.parallel import shared
from beltline.formats import require_same, sha256_of, write_json
from beltline.simulate.bags import (
    BagRecipe,
    Split,
    draw_counts,
    draw_threat_labels,
    family_facts,
    split_seed,
)
from beltline.simulate.composed import Composed, ComposedObject, add_window, object_depth
from beltline.simulate.containers import CONTAINERS
from beltline.simulate.draws import Rng
from beltline.simulate.items import families, make_item
from beltline.simulate.packing import HeightMap, PackingRules, draw_rotation, laid_out
from beltline.simulate.projection import Pose, item_window, material_thickness
from beltline.simulate.raster import Beam, Window
from beltline.simulate.scanner import add_to_canvas
from beltline.simulate.solids import Item, Part
from beltline.simulate.twins import corner_beside

INDEX = "index.json"
SAME_TWIN = 0.5  # share of twins that are the same thing once more: two cans, two cells of a pack


@dataclass(frozen=True)
class BakedObject:
    """One object in one pose.

    Attributes:
        family: Item family or container kind.
        label: Taxonomy label.
        threat: Prohibited or not.
        role: "container", "garment" or "thing".
        seed: Item seed.
        offset: First element in ``objects.f16``.
        height_px: Window height.
        width_px: Window width.
        tall_mm: Extent along the source direction.
        soft: How far things sink in.
        inner_mm: Inner size of a container, else zeros.
    """

    family: str
    label: str
    threat: bool
    role: str
    seed: int
    offset: int
    height_px: int
    width_px: int
    tall_mm: float
    soft: float
    inner_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


class ObjectLibrary:
    """Baked objects of one split at one pixel pitch; read-only, memory mapped, shared by workers."""

    def __init__(self, root: Path, left_out: Collection[str] = ()) -> None:
        """Open a library written by :func:`bake_library`.

        Args:
            root: Its folder.
            left_out: Families that are passed over.

        Raises:
            ValueError: If ``root`` holds none.
        """
        index = root / INDEX
        if not index.is_file():
            raise ValueError(f"{root} holds no object library (no index.json); make one with bake_library")
        record = json.loads(index.read_text())
        self.root = root
        self.digest = sha256_of(index)[:12]
        self.baked: Mapping[str, Any] = {key: record[key] for key in record if key != "objects"}
        self.pixel_mm: float = record["pixel_mm"]
        self.split: Split = record["split"]
        self.left_out = frozenset(left_out)
        self.objects = [_recorded(o) for o in record["objects"] if o["family"] not in self.left_out]
        self._data = np.memmap(root / "objects.f16", dtype=np.float16, mode="r")

    def __reduce__(self) -> tuple[type[ObjectLibrary], tuple[Path, frozenset[str]]]:
        """To other processes goes the place, not the objects."""
        return ObjectLibrary, (self.root, self.left_out)

    def window(self, baked: BakedObject) -> NDArray[np.float32]:
        """(6, h, w) float32 basis window."""
        count = 6 * baked.height_px * baked.width_px
        flat = self._data[baked.offset : baked.offset + count]
        return flat.reshape(6, baked.height_px, baked.width_px).astype(np.float32)

    @cached_property
    def by_role(self) -> dict[str, list[BakedObject]]:
        """Objects per role; prohibited things are listed under "threat:<label>" instead of "thing"."""
        table: dict[str, list[BakedObject]] = {}
        for baked in self.objects:
            table.setdefault(f"threat:{baked.label}" if baked.threat else baked.role, []).append(baked)
        return table

    def exemplars(self) -> dict[str, int]:
        """Objects of each prohibited label; a label is drawn first, then one of them, all evenly."""
        return dict(sorted(Counter(o.label for o in self.objects if o.threat).items()))

    def require(self, labels: Collection[str]) -> None:
        """Refuse to go on without an object of each prohibited label.

        Raises:
            BadInputError: If one has none.
        """
        if missing := sorted(set(labels) - set(self.exemplars())):
            raise BadInputError(
                f"{self.root}: no object of {', '.join(missing)}; bake another library, or leave them out"
            )

    @property
    def origin(self) -> dict[str, Any]:
        """What a plan of shards keeps of the library that they are made of."""
        return {"split": self.split, "pixel_mm": self.pixel_mm, "library": self.digest}


def _recorded(entry: Mapping[str, Any]) -> BakedObject:
    """An object of the index; a library of an earlier version may name it by a former label."""
    label = FORMER.get(entry["label"], entry["label"]) if entry["threat"] else entry["label"]
    return BakedObject(**{**entry, "label": label, "inner_mm": tuple(entry["inner_mm"])})


def _shares(per_class: int, labels: Collection[str]) -> dict[str, int]:
    """How many objects of each prohibited family, so that each of the labels gets ``per_class``."""
    families_of: dict[str, list[str]] = {}
    for name, facts in family_facts().items():
        if facts.threat:
            families_of.setdefault(facts.label, []).append(name)
    return {
        name: max(per_class // len(names) + (place < per_class % len(names)), 1) * (label in labels)
        for label, names in families_of.items()
        for place, name in enumerate(names)
    }


def _stock(
    rng: Rng, split: Split, each: int, threats: Mapping[str, int]
) -> Iterator[tuple[str, Item, tuple[float, float, float], int]]:
    for kind, make in CONTAINERS.items():
        for _ in range(each * 2):
            seed = split_seed(rng, split)
            shell = make(np.random.default_rng(seed))
            item = Item(kind, kind, (*shell.parts, *shell.tray))
            x, y, z = (float(v) for v in shell.inner_size)
            yield "container", item, (x, y, z), seed
    for name in sorted(families()):
        facts = family_facts()[name]
        for _ in range(threats.get(name, each)):
            seed = split_seed(rng, split)
            yield (
                ("garment" if facts.soft and not facts.threat else "thing"),
                make_item(name, seed),
                (0, 0, 0),
                seed,
            )


class _Laid(NamedTuple):
    """An item of the stock with the turn it lies in."""

    role: str
    item: Item
    inner: tuple[float, float, float]
    seed: int
    turn: NDArray[np.float64]


def _laid_stock(rng: Rng, split: Split, each: int, threats: Mapping[str, int]) -> Iterator[_Laid]:
    rules = PackingRules()
    for role, item, inner, seed in _stock(rng, split, each, threats):
        turn = np.eye(3) if role == "container" else draw_rotation(rng, rules, item.size)
        yield _Laid(role, item, inner, seed, turn)


def _baked(laid: _Laid, pixel_mm: float) -> tuple[NDArray[np.float16], BakedObject]:
    """Its window as stored, and its entry, but for the place in the file."""
    item = laid.item
    basis, tall = _bake(item, laid.turn, pixel_mm)
    size = (basis.shape[1], basis.shape[2])
    named = (item.family, item.label, item.threat, laid.role, laid.seed)
    # float16 ends at 65504; anything that thick is opaque already
    window = np.minimum(basis, 6e4).astype(np.float16)
    return window, BakedObject(*named, 0, *size, tall, item.soft, laid.inner)


def bake_library(
    root: Path,
    *,
    seed: int,
    split: Split,
    pixel_mm: float = 1.4,
    each: int = 12,
    threats_each: int | None = 40,
    per_class: int | None = None,
    labels: Collection[str] = LABELS,
    processes: int = 1,
) -> ObjectLibrary:
    """Bake every family to ``root`` and open it.

    Args:
        root: Folder to write.
        seed: Seed of all choices.
        split: Items of which split.
        pixel_mm: Pitch of the windows.
        each: Items per benign family (twice as many per container kind).
        threats_each: Items per prohibited family, where ``per_class`` is not given.
        per_class: Items per prohibited label, shared evenly over its families, at least one each: the same
            variety of every label, however many families it has.
        labels: Prohibited labels that ``per_class`` is of; none of the others is baked.
        processes: That bake; the library is the same.

    Raises:
        ValueError: If neither number of prohibited items is given.
    """
    if per_class is not None:
        threats = _shares(per_class, labels)
        wanted = {"threats_each": None, "per_class": per_class, "labels": sorted(labels)}
    elif threats_each is not None:
        threats, wanted = dict.fromkeys(_shares(1, LABELS), threats_each), {"threats_each": threats_each}
    else:
        raise ValueError("threats_each or per_class must be a number, got neither")
    root.mkdir(parents=True, exist_ok=True)
    stock = _laid_stock(np.random.default_rng(seed), split, each, threats)
    entries: list[BakedObject] = []
    offset = 0
    with (root / "objects.f16").open("wb") as out:
        for basis, baked in shared(partial(_baked, pixel_mm=pixel_mm), stock, processes):
            out.write(basis.tobytes())
            entries.append(replace(baked, offset=offset))
            offset += basis.size
    record = {
        "pixel_mm": pixel_mm, "split": split, "seed": seed, "each": each, **wanted,
        "objects": [asdict(e) for e in entries],
    }  # fmt: skip
    write_json(root / INDEX, record)
    return ObjectLibrary(root)


def open_library(root: Path, **asked: Any) -> ObjectLibrary:
    """Open a library that is there, if it was baked as asked.

    Args:
        root: Its folder.
        asked: Arguments of `bake_library` that it must have been baked with.

    Raises:
        BadInputError: Naming each one that differs; an option beside a baked library changes nothing in it.
    """
    library = ObjectLibrary(root)
    require_same(library.baked, asked, f"{root}: baked otherwise:", "give its options or another --library")
    return library


def _bake(item: Item, turn: NDArray[np.float64], pixel_mm: float) -> tuple[NDArray[np.float32], float]:
    """Basis window (6, h, w) at twice the sampling, averaged in thickness, and the height in mm."""
    beam = Beam(pixel_mm / 2, 620.0)
    corners = np.concatenate([p.mesh.vertices for p in item.parts if p.sign > 0]) @ turn.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    pose = Pose(turn, -(low + high) / 2)
    w = item_window(item.parts, pose, beam)
    window = Window(w.col, w.row, w.width + w.width % 2, w.height + w.height % 2)
    return halved_basis(item.parts, pose, beam, window), float(high[2] - low[2])


def halved_basis(parts: Sequence[Part], pose: Pose, beam: Beam, window: Window) -> NDArray[np.float32]:
    """Basis window (6, h, w) of parts at half of a window's sampling, averaged in thickness."""
    basis = np.zeros((6, window.height, window.width), dtype=np.float32)
    add_to_canvas(basis, material_thickness(parts, pose, beam, window), window, window)
    halved: NDArray[np.float32] = basis.reshape(6, window.height // 2, 2, window.width // 2, 2).mean(
        axis=(2, 4)
    )
    return halved


def compose(rng: Rng, library: ObjectLibrary, recipe: BagRecipe, *, twins: float = 0.0) -> Composed:
    """Compose a bag from baked windows, drawn like :func:`beltline.simulate.bags.draw_scene`.

    Args:
        rng: Source of chance.
        library: Baked objects; their split counts, not the recipe's.
        recipe: Which classes, how many things.
        twins: Probability that a thing gets a second one of its family laid against it or over it; no number
            is drawn for it when 0, so that bags are as without it.

    Returns:
        Basis map and the objects in it, the canvas a few pixels larger than the container.
    """
    roles = library.by_role
    kinds: dict[str, list[BakedObject]] = {}
    for shell in roles["container"]:
        kinds.setdefault(shell.family, []).append(shell)
    names = [name for name in sorted(kinds) if recipe.containers.get(name, 0) > 0]
    weights = np.array([recipe.containers[name] for name in names])
    options = kinds[str(rng.choice(names, p=weights / weights.sum()))]
    shell = options[int(rng.integers(len(options)))]
    canvas = turned_window(rng, library.window(shell), quarter=False)
    canvas = np.pad(canvas, ((0, 0), (8, 8), (8, 8)))
    bag = HeightMap(np.array(shell.inner_mm))
    found = []
    for baked in _pick(rng, roles, recipe):
        window = turned_window(rng, library.window(baked))
        if baked.role == "garment":
            window, baked = _laid_out(rng, window, baked, bag, library.pixel_mm)
        corner = _lay(rng, bag, canvas.shape[1:], window.shape[1:], baked, library.pixel_mm)
        if corner is None:
            continue
        found.append(_add(canvas, window, corner, baked))
        if twins and baked.role == "thing" and rng.random() < twins:
            found.append(_twin(rng, library, canvas, bag, window, corner, baked))
    return Composed(canvas, tuple(f for f in found if f is not None))


def _pick(rng: Rng, roles: dict[str, list[BakedObject]], recipe: BagRecipe) -> list[BakedObject]:
    def draw(role: str, count: int) -> list[BakedObject]:
        stock = roles.get(role, [])
        return [stock[int(i)] for i in rng.integers(0, len(stock), count)] if stock else []

    garments, count, sparse = draw_counts(rng, recipe)
    things = draw("thing", max(2, count // (4 if sparse else 1)))
    for label in recipe.everyday_prohibited:
        if label not in recipe.classes and rng.random() < 0.3:
            things += draw(f"threat:{label}", 1)
    if rng.random() < recipe.positives:
        for label in draw_threat_labels(rng, recipe):
            things += draw(f"threat:{label}", 1)
    things = [things[i] for i in rng.permutation(len(things))]
    cloth = draw("garment", garments)
    return [*cloth[: garments // 2], *things, *cloth[garments // 2 :]]


def turned_window(rng: Rng, window: NDArray[np.float32], *, quarter: bool = True) -> NDArray[np.float32]:
    """Random mirror images and, if allowed, a quarter turn."""
    if quarter and rng.random() < 0.5:
        window = window.transpose(0, 2, 1)
    return window[:, :: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]


def _laid_out(
    rng: Rng, window: NDArray[np.float32], baked: BakedObject, bag: HeightMap, pixel_mm: float
) -> tuple[NDArray[np.float32], BakedObject]:
    """A garment's window folded or spread to the bag, and the garment as tall as that makes it."""
    rows, columns = window.shape[1:]
    size = (columns * pixel_mm, rows * pixel_mm, baked.tall_mm)
    along, across, up = laid_out(rng, size, bag.inner)
    shape = (max(round(columns * along), 2), max(round(rows * across), 2))
    # smoothed over the pixels it loses where it is folded smaller
    way = cv2.INTER_AREA if along * across < 1 else cv2.INTER_LINEAR
    maps = [cv2.resize(np.ascontiguousarray(one), shape, interpolation=way) for one in window]
    laid = np.stack(maps).astype(np.float32) * np.float32(up)
    return laid, replace(baked, tall_mm=baked.tall_mm * up)


def _lay(
    rng: Rng,
    bag: HeightMap,
    canvas: Sequence[int],
    window: Sequence[int],
    baked: BakedObject,
    pixel_mm: float,
) -> tuple[int, int] | None:
    """Row and column in the canvas where a window comes to lie, or None."""
    rows, columns = (max(int(np.ceil(n * pixel_mm / 10.0 - 0.6)), 1) for n in window)
    spot = bag.settle(rng, np.ones((rows, columns), dtype=bool), baked.tall_mm, baked.soft, 1.0)
    if spot is None:
        if not baked.threat:
            return None
        spot = (
            int(rng.integers(max(bag.height.shape[0] - rows, 0) + 1)),
            int(rng.integers(max(bag.height.shape[1] - columns, 0) + 1)),
            0.0,
        )
    top = canvas[0] / 2 - bag.inner[1] / 2 / pixel_mm + spot[0] * 10.0 / pixel_mm
    left = canvas[1] / 2 - bag.inner[0] / 2 / pixel_mm + spot[1] * 10.0 / pixel_mm
    jitter = rng.uniform(-0.5, 0.5, 2) * 10.0 / pixel_mm
    return int(top + jitter[0]), int(left + jitter[1])


def _add(
    canvas: NDArray[np.float32], window: NDArray[np.float32], corner: tuple[int, int], baked: BakedObject
) -> ComposedObject | None:
    return add_window(
        canvas, window, corner, label=baked.label, threat=baked.threat, family=baked.family, role=baked.role
    )


def _twin(
    rng: Rng,
    library: ObjectLibrary,
    canvas: NDArray[np.float32],
    bag: HeightMap,
    window: NDArray[np.float32],
    corner: tuple[int, int],
    baked: BakedObject,
) -> ComposedObject | None:
    """A second thing of the family beside or over one: as often the same, lying alike, as any other."""
    if rng.random() < SAME_TWIN:
        second, twin = baked, window
    else:
        stock = library.by_role[f"threat:{baked.label}" if baked.threat else baked.role]
        family = [one for one in stock if one.family == baked.family]
        second = family[int(rng.integers(len(family)))]
        twin = turned_window(rng, library.window(second))
    inner = [round(side / library.pixel_mm) for side in bag.inner[1::-1]]
    spot = corner_beside(rng, object_depth(window), corner, object_depth(twin), canvas.shape[1:], inner)
    return None if spot is None else _add(canvas, twin, spot, second)
