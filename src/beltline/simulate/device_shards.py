"""Device shards made without a set: devices and their twins rendered alone, laid into composed bags, cut out.

Several times faster than `beltline simulate --scene electronics` followed by `beltline data devices`, because
all around a device comes from an object library. What it gives up is what a library gives up, see
`beltline.simulate.library`; the layout and the reader are in `beltline.formats.device_shards`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import Progress
from beltline.core.device_parts import PartRule, cut_device, part_labels
from beltline.formats import begin_plan
from beltline.formats.device_shards import (
    UNKNOWN,
    StoredDevice,
    framed_scan,
    write_device_names,
    write_device_shard,
)
from beltline.physics import dual_energy_transmission, whiten_background
from beltline.simulate.composed import object_depth
from beltline.simulate.draws import Rng, chance
from beltline.simulate.electronics import ElectronicsRecipe, draw_device_seeds, surroundings
from beltline.simulate.framing import MIXED_STYLES, Styles, check_styles, look_of
from beltline.simulate.items import make_item
from beltline.simulate.items.anomalies import DEVICES
from beltline.simulate.library import ObjectLibrary, compose, halved_basis
from beltline.simulate.packing import PackingRules, draw_rotation
from beltline.simulate.photograph import Look, photograph
from beltline.simulate.projection import Pose, item_window
from beltline.simulate.raster import Beam, Window
from beltline.simulate.scanner import MASK_DEPTH
from beltline.simulate.shards import write_missing
from beltline.simulate.solids import Item, Part

Basis = NDArray[np.float32]
Mask = NDArray[np.bool_]
LYING = PackingRules(flat=0.9, on_edge=0.07, tilt_deg=4.0, aligned=0.75)
AROUND = 8  # pixels of air beside a device that is larger than its bag


@dataclass(frozen=True)
class DeviceShardPlan:
    """What a device shard holds.

    Attributes:
        pairs: Devices per shard, each benign and with its anomaly.
        styles: Looks to draw from, with their share.
        rule: How devices are cut into parts.
        without: Probability of a further whole scan of the same bag without the device.
    """

    pairs: int = 50
    styles: Styles = MIXED_STYLES
    rule: PartRule = field(default_factory=PartRule)
    without: float = 0.3

    def __post_init__(self) -> None:
        check_styles(self.styles)
        if self.pairs < 1:
            raise ValueError(f"pairs must be at least 1, got {self.pairs}")


def write_device_shards(
    out: Path,
    library: ObjectLibrary,
    recipe: ElectronicsRecipe,
    plan: DeviceShardPlan,
    *,
    shards: int,
    first: int = 0,
    seed: int = 0,
    processes: int = 1,
    on_progress: Progress | None = None,
) -> int:
    """Write shards ``first`` to ``first + shards - 1`` that are not there yet.

    A shard depends on recipe, plan, library, seed and its number alone.

    Args:
        out: Folder of the set.
        library: Baked objects of the recipe's split, for what lies around a device.
        recipe: Which devices conceal what; all come as twins.
        plan: How many, and their looks.
        shards: How many.
        first: Number of the first one.
        seed: Each shard's own seed follows from it and the shard's number.
        processes: That write shards side by side.
        on_progress: Told shards.

    Returns:
        Shards written now.

    Raises:
        ValueError: If the library is of another split.
        BadInputError: If the folder was begun with another plan.
    """
    if library.split != recipe.split:
        raise ValueError(f"{library.root}: holds objects of {library.split}, asked for {recipe.split}")
    made_of = {"pixel_mm": library.pixel_mm, "library": library.digest}
    begin_plan(out, "composed devices", {"seed": seed, "plan": plan, "recipe": recipe, **made_of})
    write_device_names(out, recipe.families, recipe.kinds, plan.rule)
    others = ObjectLibrary(library.root, left_out=_devices())
    write = partial(_write_shard, out, library=others, recipe=recipe, plan=plan)
    return write_missing(
        out, write, shards=shards, first=first, seed=seed, processes=processes, on_progress=on_progress
    )


def _devices() -> frozenset[str]:
    """Families that no bag holds beside the one device."""
    return frozenset({*DEVICES, *(f"{family}_anomaly" for family in DEVICES)})


def _write_shard(
    out: Path,
    index: int,
    *,
    library: ObjectLibrary,
    recipe: ElectronicsRecipe,
    plan: DeviceShardPlan,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    pairs = [_pair(rng, library, recipe, plan) for _ in range(plan.pairs)]
    devices = [one for pair in pairs for one in pair.devices]
    write_device_shard(out, index, devices, [scan for pair in pairs for scan in pair.scans])


@dataclass(frozen=True, eq=False)
class _Rendered:
    """A device alone: its basis window (6, h, w), and where something is concealed (h, w)."""

    basis: Basis
    anomaly: Mask


@dataclass(frozen=True, eq=False)
class _Pair:
    """A device and its twin, and whole scans: one of the two, and now and then the bag without them."""

    devices: list[StoredDevice]
    scans: list[NDArray[np.uint8]]


def _pair(rng: Rng, library: ObjectLibrary, recipe: ElectronicsRecipe, plan: DeviceShardPlan) -> _Pair:
    family = str(rng.choice(recipe.families))
    hidden, twin = draw_device_seeds(rng, recipe)
    benign, concealing = make_item(family, twin), make_item(f"{family}_anomaly", hidden)
    rendered = _render(rng, (benign, concealing), library.pixel_mm)
    in_bag = chance(rng, recipe.in_bags)
    bag = compose(rng, library, surroundings(recipe.split, in_bag=in_bag)).basis
    look = look_of(rng, plan.styles)
    corner, noise = rng.random(2), int(rng.integers(2**40))
    site: dict[str, Any] = dict(concealing.site or {})
    facts = {
        "family": recipe.families.index(family), "in_bag": in_bag, "masked": True, "pair": twin,
        "pixel_mm": library.pixel_mm, "kind": UNKNOWN, "difficulty": np.nan, "positive": False,
    }  # fmt: skip
    kind = recipe.kinds.index(str(site["kind"]))
    concealed = {**facts, "kind": kind, "difficulty": site["difficulty"], "positive": True}
    shots = [_laid(one, bag, corner, look, noise) for one in rendered]
    devices = [
        _stored(shot, plan.rule, library.pixel_mm, told)
        for shot, told in zip(shots, (facts, concealed), strict=True)
    ]
    shown = shots[int(rng.integers(2))]
    scans = [framed_scan(shown.rgb, shown.device)]
    if chance(rng, plan.without):
        empty = _photographed(bag, look, noise)
        scans.append(framed_scan(empty, np.zeros(empty.shape[:2], np.bool_)))
    return _Pair(devices, scans)


def _render(rng: Rng, pair: tuple[Item, Item], pixel_mm: float) -> list[_Rendered]:
    """Both devices of a pair in one pose and one window, at twice the sampling, averaged in thickness."""
    benign, concealing = pair
    turn = draw_rotation(rng, LYING, benign.size)
    beam = Beam(pixel_mm / 2, 620.0)
    corners = np.concatenate([p.mesh.vertices for p in benign.parts if p.sign > 0]) @ turn.T
    pose = Pose(turn, -(corners.min(axis=0) + corners.max(axis=0)) / 2)
    w = item_window(benign.parts, pose, beam)
    window = Window(w.col, w.row, w.width + w.width % 2, w.height + w.height % 2)
    concealed: tuple[Part, ...] = (
        *(concealing.parts[k] for k in concealing.threat_parts),
        *concealing.mask_parts,
    )
    hidden = object_depth(halved_basis(concealed, pose, beam, window)) > MASK_DEPTH
    none = np.zeros(hidden.shape, np.bool_)
    return [
        _Rendered(halved_basis(benign.parts, pose, beam, window), none),
        _Rendered(halved_basis(concealing.parts, pose, beam, window), hidden),
    ]


@dataclass(frozen=True, eq=False)
class _Shot:
    """A photographed bag (H, W, 3), where the device lies in it (H, W), and what that conceals."""

    rgb: NDArray[np.uint8]
    device: Mask
    anomaly: Mask


def _laid(one: _Rendered, bag: Basis, corner: NDArray[np.float64], look: Look, noise: int) -> _Shot:
    """A device laid into a bag and photographed."""
    shape = one.anomaly.shape
    lacks = [max(n + 2 * AROUND - m, 0) for n, m in zip(shape, bag.shape[1:], strict=True)]
    canvas = np.pad(bag, ((0, 0), *((n // 2, n - n // 2) for n in lacks)))
    free = np.array(canvas.shape[1:]) - shape
    top, left = (AROUND + corner * (free - 2 * AROUND)).astype(int)
    window = (slice(top, top + shape[0]), slice(left, left + shape[1]))
    canvas[(slice(None), *window)] += one.basis
    mask, hidden = (np.zeros(canvas.shape[1:], np.bool_) for _ in range(2))
    mask[window], hidden[window] = object_depth(one.basis) > MASK_DEPTH, one.anomaly
    return _Shot(_photographed(canvas, look, noise), mask, hidden)


def _photographed(basis: Basis, look: Look, noise: int) -> NDArray[np.uint8]:
    shot = photograph(*dual_energy_transmission(basis), look, np.random.default_rng(noise))
    return whiten_background(shot.rgb)


def _stored(shot: _Shot, rule: PartRule, pixel_mm: float, facts: dict[str, Any]) -> StoredDevice:
    """A device cut out of its bag."""
    device = cut_device(shot.rgb, shot.device, pixel_mm, rule)
    return StoredDevice(device, device.within(shot.anomaly), part_labels(device, shot.anomaly), facts)
