"""Electronics that conceal something, each with its benign twin from the same seed.

``anomalous(family, seed)`` gives the pair. The twin repeats the benign parts to the last bit and adds a thing
in a free place inside the shell, takes a component out, or puts a thing where a component was, so the two
scans differ only under the anomaly's mask.

The families registered here make the twin alone. Its params lead back to the pair: with
``seed = item.params["twin_seed"]``, the benign twin is ``anomalous("laptop", seed)[0]``, and ``[1]`` is the
item again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items import _contraband
from beltline.simulate.items._device import Device, free_places
from beltline.simulate.items.cameras import camera_device
from beltline.simulate.items.computer_parts import game_console_device
from beltline.simulate.items.handhelds import phone_device, tablet_device
from beltline.simulate.items.laptops import laptop_device
from beltline.simulate.items.power_tools import power_tool_device
from beltline.simulate.items.radios import radio_device, speaker_device
from beltline.simulate.shapes import Array
from beltline.simulate.solids import Item, ItemMaker, Part, moved

DEVICES: dict[str, Callable[[Rng], Device]] = {
    "laptop": laptop_device,
    "tablet": tablet_device,
    "phone": phone_device,
    "radio": radio_device,
    "power_tool": power_tool_device,
    "camera": camera_device,
    "speaker": speaker_device,
    "game_console": game_console_device,
}
ADDED = tuple(_contraband.MAKERS)
KINDS = (*ADDED, "removed_component")
_SHRINK = (1.0, 0.8, 0.64, 0.5, 0.4, 0.3, 0.2)
_REPLACES = {"organic_block": 0.35, "liquid_pouch": 0.35, "added_cells": 0.15, "metal_plate": 0.1}


@dataclass(frozen=True, eq=False)
class _Place:
    """Where a thing goes: centre (3,), size (3,) in mm, the name of the site, and the component taken out."""

    centre: Array
    size: Array
    site: str
    gone: str | None = None


@dataclass(frozen=True)
class _Wish:
    """What is to be hidden, how well from 0 to 1, and the seed of the pair."""

    kind: str
    hard: float
    seed: int


def anomalous(
    family: str, seed: int, kind: str | None = None, *, difficulty: float | None = None
) -> tuple[Item, Item]:
    """A benign device and its twin with a concealed anomaly.

    Args:
        family: A key of ``DEVICES``.
        seed: Of the device; the anomaly is drawn from it too.
        kind: One of ``KINDS``; None draws one.
        difficulty: 0 is large, thick, in the open; 1 small, thin, over the densest parts; None draws it.

    Returns:
        (benign, twin). The twin's ``site`` holds kind, material, size_mm, centre_mm, site (the room, or
        "in place of" a component) and difficulty; what the mask covers are its ``threat_parts`` (added) and
        ``mask_parts`` (taken out; they add no material).

    Raises:
        ValueError: For an unknown family or kind, or a difficulty outside [0, 1].
    """
    if family not in DEVICES:
        raise ValueError(f"family must be one of {tuple(DEVICES)}, got {family!r}")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if difficulty is not None and not 0 <= difficulty <= 1:
        raise ValueError(f"difficulty must be in [0, 1], got {difficulty}")
    device = DEVICES[family](np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 1])
    drawn, hard = _draw_kind(rng), float(rng.random())
    wish = _Wish(kind or drawn, hard if difficulty is None else difficulty, seed)
    if wish.kind == "removed_component":
        return device.item, _without(rng, device, wish)
    if rng.random() < _REPLACES.get(wish.kind, 0.0):
        return device.item, _replaced(rng, device, wish)
    return device.item, _with_added(rng, device, wish)


class Twin(NamedTuple):
    """Seed of a benign twin, and of what its pair conceals the kind and the difficulty in [0, 1]."""

    seed: int
    kind: str
    difficulty: float


def twin_of(seed: int) -> Twin:
    """The benign twin of an item ``make_item("laptop_anomaly", seed)``.

    Nothing is built for it.

    Example:
        >>> twin = twin_of(7)
        >>> params = FAMILIES["phone_anomaly"](np.random.default_rng(7)).params
        >>> params["twin_seed"] == twin.seed, params["kind"] == twin.kind, 0 <= twin.difficulty <= 1
        (True, True, True)
    """
    twin = _draw_twin(np.random.default_rng(seed))
    rng = np.random.default_rng([twin, 1])
    return Twin(twin, _draw_kind(rng), float(rng.random()))


def _draw_twin(rng: Rng) -> int:
    return int(rng.integers(2**53))


def _draw_kind(rng: Rng) -> str:
    return pick(rng, *KINDS)


def _with_added(rng: Rng, device: Device, wish: _Wish) -> Item:
    """The thing in a free place; smaller until one is found."""
    full = _contraband.wish(rng, wish.kind, wish.hard)
    for factor in _SHRINK:
        for i in rng.permutation(len(device.rooms)):
            room = device.rooms[i]
            shapes = [np.minimum(s * factor, 0.98 * (room.high - room.low)) for s in (full, full[[1, 0, 2]])]
            size = shapes[int(rng.integers(2))]
            if not _contraband.sensible(wish.kind, size):
                continue
            centres, cover = free_places(rng, room, device.blocks, size)
            if len(centres):
                chosen = np.argsort(cover)[round(wish.hard * (len(cover) - 1))]
                return _hidden(rng, device, wish, _Place(centres[chosen], size, room.name))
    return _replaced(rng, device, replace(wish, hard=0.0))


def _replaced(rng: Rng, device: Device, wish: _Wish) -> Item:
    """The thing in the volume of a component that is taken out."""
    name, low, high = _component(rng, device, 0.6 * wish.hard)
    size = (high - low) * rng.uniform([0.82, 0.82, 0.7], 1.0)
    centre = (low + high) / 2
    centre[2] = low[2] + size[2] / 2
    return _hidden(rng, device, wish, _Place(centre, size, f"in place of {name}", name))


def _without(rng: Rng, device: Device, wish: _Wish) -> Item:
    """The device less one component."""
    name, low, high = _component(rng, device, wish.hard)
    return _twin(device, [], wish, _Place((low + high) / 2, high - low, name, name))


def _component(rng: Rng, device: Device, hard: float) -> tuple[str, Array, Array]:
    """Name and corners of a removable component; hard ones are small."""
    found = []
    for name, indices in device.removable.items():
        bounds = np.stack([device.item.parts[i].mesh.bounds for i in indices])
        found.append((name, bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)))
    found.sort(key=lambda c: -float(np.prod(c[2] - c[1])))
    spread = np.clip(hard + rng.normal(0, 0.25), 0, 0.999)
    return found[int(spread * len(found))]


def _hidden(rng: Rng, device: Device, wish: _Wish, place: _Place) -> Item:
    parts = moved(_contraband.MAKERS[wish.kind](rng, place.size), *place.centre)
    return _twin(device, parts, wish, place)


def _twin(device: Device, added: list[Part], wish: _Wish, place: _Place) -> Item:
    item = device.item
    out = set(device.removable[place.gone]) if place.gone else set()
    kept = tuple(p for i, p in enumerate(item.parts) if i not in out)
    taken = tuple(p for i, p in enumerate(item.parts) if i in out)
    corners = np.stack([p.mesh.bounds for p in added or taken])
    low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
    site = {
        "kind": wish.kind,
        "material": _bulk(added or taken),
        "size_mm": [round(float(v), 2) for v in high - low],
        "centre_mm": [round(float(v), 2) for v in (low + high) / 2],
        "site": place.site,
        "difficulty": round(wish.hard, 3),
    }
    return replace(
        item,
        family=f"{item.family}_anomaly",
        label="anomaly",
        threat=True,
        parts=(*kept, *added),
        params={**item.params, "twin_seed": wish.seed, "kind": wish.kind, "anomaly": site},
        site=site,
        threat_parts=tuple(range(len(kept), len(kept) + len(added))),
        mask_parts=taken,
    )


def _bulk(parts: Sequence[Part]) -> str:
    """Material that fills most of the volume."""
    volumes: dict[str, float] = {}
    for part in parts:
        volumes[part.material] = volumes.get(part.material, 0.0) + part.sign * part.mesh.volume_mm3
    return max(volumes, key=lambda name: volumes[name])


def _maker(family: str) -> ItemMaker:
    def make(rng: Rng) -> Item:
        return anomalous(family, _draw_twin(rng))[1]

    return make


FAMILIES: dict[str, ItemMaker] = {f"{family}_anomaly": _maker(family) for family in DEVICES}
