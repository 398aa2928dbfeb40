"""Electronics that conceal something, each with its benign twin from the same seed.

``anomalous(family, seed)`` gives the pair. The twin repeats the benign item's parts to the last bit and adds
(or takes away) one thing inside the shell, so the two scans differ only there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from beltline.simulate.items._board import boxes
from beltline.simulate.items.devices import phone_device, power_tool_device, radio_device, tablet_device
from beltline.simulate.items.laptops import Bay, Device, laptop_device
from beltline.simulate.shapes import blade, cylinder, rounded_box
from beltline.simulate.solids import Item, ItemMaker, Part

Rng = np.random.Generator

DEVICES: dict[str, Callable[[Rng], Device]] = {
    "laptop": laptop_device,
    "tablet": tablet_device,
    "phone": phone_device,
    "radio": radio_device,
    "power_tool": power_tool_device,
}
ADDED = ("metal_plate", "blade", "screws", "organic_block", "added_cells", "liquid_pouch")
KINDS = (*ADDED, "removed_component")


def anomalous(family: str, seed: int, kind: str | None = None) -> tuple[Item, Item]:
    """A benign device and its twin with a concealed anomaly.

    Args:
        family: A key of ``DEVICES``.
        seed: Of the device; the anomaly is drawn from it too.
        kind: One of ``KINDS``; None draws one.

    Returns:
        (benign, twin). The twin's ``site`` holds kind, place, size and material; its ``threat_parts`` (added)
        or ``mask_parts`` (removed) are what the mask covers.

    Raises:
        ValueError: For an unknown family or kind.
    """
    if family not in DEVICES:
        raise ValueError(f"family must be one of {tuple(DEVICES)}, got {family!r}")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    device = DEVICES[family](np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 1])
    chosen = str(rng.choice(KINDS)) if kind is None else kind
    make = _without if chosen == "removed_component" else _with_added
    return device.item, make(rng, device, chosen)


def _with_added(rng: Rng, device: Device, kind: str) -> Item:
    bay = device.bays[int(rng.integers(len(device.bays)))]
    parts, material, size = _foreign(rng, bay, kind)
    item = device.item
    site = {
        "kind": kind,
        "material": material,
        "size_mm": [round(float(v), 2) for v in size],
        "centre_mm": [round(float(v), 2) for v in bay.centre],
        "site": bay.name,
    }
    first = len(item.parts)
    return replace(
        item,
        family=f"{item.family}_anomaly",
        label="anomaly",
        threat=True,
        parts=(*item.parts, *parts),
        params={**item.params, "anomaly": site},
        site=site,
        threat_parts=tuple(range(first, first + len(parts))),
    )


def _without(rng: Rng, device: Device, kind: str) -> Item:
    name = str(rng.choice(sorted(device.removable)))
    gone = set(device.removable[name])
    item = device.item
    taken = tuple(p for i, p in enumerate(item.parts) if i in gone)
    bounds = np.concatenate([p.mesh.bounds for p in taken])
    low, high = bounds.min(axis=0), bounds.max(axis=0)
    site = {
        "kind": kind,
        "material": taken[0].material,
        "size_mm": [round(float(v), 2) for v in high - low],
        "centre_mm": [round(float(v), 2) for v in (high + low) / 2],
        "site": name,
    }
    return replace(
        item,
        family=f"{item.family}_anomaly",
        label="anomaly",
        threat=True,
        parts=tuple(p for i, p in enumerate(item.parts) if i not in gone),
        params={**item.params, "anomaly": site},
        site=site,
        mask_parts=taken,
    )


def _foreign(rng: Rng, bay: Bay, kind: str) -> tuple[tuple[Part, ...], str, np.ndarray]:
    """Parts that fit a bay, their material, and their size (3,) in mm."""
    room = np.array(bay.size)
    size = room * np.array([rng.uniform(0.3, 0.9), rng.uniform(0.4, 0.9), rng.uniform(0.35, 0.9)])
    if kind == "metal_plate":
        size[2] = min(size[2], rng.uniform(0.6, 3.0))
    x, y, z = (float(v) for v in size)
    if kind == "metal_plate":
        material = str(rng.choice(["fe", "al", "ss", "brass"]))
        parts = [Part(rounded_box(x, y, z, 2), material)]
    elif kind == "blade":
        material = "ss"
        size = np.array(
            [min(room[0] * 0.9, rng.uniform(40, 110)), min(room[1] * 0.8, rng.uniform(9, 20)), 1.5]
        )
        line = np.linspace(-0.5, 0.5, 12) * size[0]
        edge = np.column_stack([line, -size[1] / 2 + 0 * line])
        parts = [Part(blade(np.column_stack([line, size[1] / 2 + 0 * line]), edge, size[2]), material)]
    elif kind == "screws":
        material = "fe"
        spots = (rng.uniform(-0.5, 0.5, (int(rng.integers(6, 22)), 2)) * size[:2]).tolist()
        parts = [
            Part(
                boxes([(a, b, 0) for a, b in spots], [(12, 3.2, min(3.2, size[2]))] * len(spots)),
                material,
                1,
                4.0,
            )
        ]
    elif kind == "added_cells":
        material = "liion"
        radius = min(8.5, size[2] / 2)
        count = max(int(size[1] / (2 * radius + 1)), 1)
        tubes = [
            cylinder(radius, size[0] * 0.95, segments=16)
            .rotated("y", 90)
            .moved(y=(k - (count - 1) / 2) * (2 * radius + 1))
            for k in range(count)
        ]
        parts = [Part(mesh, material) for mesh in tubes]
    elif kind == "liquid_pouch":
        material = "water"
        parts = [Part(rounded_box(x, y, z, 6), material)]
    else:
        material = str(rng.choice(["marzipan", "marzipan", "sheet_simulant"]))
        parts = [Part(rounded_box(x, y, z, 2), material)]
    placed = tuple(Part(p.mesh.moved(*bay.centre), p.material, p.sign, p.density_g_cm3) for p in parts)
    return placed, material, size


def _twin(family: str) -> ItemMaker:
    def make(rng: Rng) -> Item:
        return anomalous(family, int(rng.integers(2**62)))[1]

    return make


FAMILIES: dict[str, ItemMaker] = {f"{family}_anomaly": _twin(family) for family in DEVICES}
