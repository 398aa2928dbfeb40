"""Cartridges: brass case with powder, lead core in a jacket; single, loose, in a box or a strip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import box, cylinder, revolve, rounded_box
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


@dataclass(frozen=True)
class _Caliber:
    """Outer dimensions of a cartridge in mm; ``neck`` equals ``body`` for straight cases."""

    name: str
    body: float
    neck: float
    case: float
    bullet: float
    tip: float


# Radii and lengths rounded from published C.I.P. drawings: name, body, neck, case, bullet, tip radius.
_CALIBERS = (
    _Caliber("9x19", 4.9, 4.8, 19.0, 11.0, 1.4),
    _Caliber("45acp", 6.0, 6.0, 22.8, 10.0, 2.4),
    _Caliber("22lr", 2.85, 2.85, 15.6, 9.5, 1.0),
    _Caliber("357mag", 4.8, 4.8, 32.8, 8.0, 2.6),
    _Caliber("7.62x39", 5.6, 4.3, 38.7, 17.0, 0.5),
    _Caliber("5.56x45", 4.75, 3.2, 44.7, 13.0, 0.4),
    _Caliber("308win", 5.95, 4.35, 51.2, 19.5, 0.5),
    _Caliber("12ga", 10.2, 10.2, 58.0, 0.0, 0.0),
)


def _case(rng: Rng, size: _Caliber, metal: str, *, spent: bool) -> list[Part]:
    """Case standing on z = 0 with rim, extractor groove, hollow inside and, unless spent, powder."""
    b, n, length = size.body, size.neck, size.case
    shoulder = [(b * 0.96, length * 0.74), (n, length * 0.84)] if n < 0.93 * b else []
    foot = [(b * 0.9, 0.0), (b, 0.4), (b, 1.2), (b * 0.86, 1.6), (b * 0.86, 2.3), (b, 3.0)]
    outer = revolve([*foot, *shoulder, (n, length)], segments=18)
    wall, floor = min(rng.uniform(0.4, 0.6), n * 0.2), 4.0
    bend = (
        [(b * 0.96 - wall - 0.2, length * 0.74 - 0.2), (n - wall - 0.1, length * 0.84 - 0.2)]
        if shoulder
        else []
    )
    inside = [(b * 0.96 - wall - 0.2, floor), *bend, (n - wall - 0.1, length - 0.01)]
    parts = list(hollow(outer, revolve(inside, segments=18), metal))
    if not spent:
        fill = cylinder(min(b, n) * 0.85 - wall, length * rng.uniform(0.3, 0.55), segments=10)
        parts.append(Part(fill.moved(z=floor + length * 0.28), "powder", 1, 0.9))
    return parts


def _bullet(rng: Rng, size: _Caliber) -> list[Part]:
    """Lead core in a thin copper jacket, seated in the case mouth; round, flat or hollow nosed."""
    r = size.neck - 0.45
    nose = np.linspace(0, 1, 7)
    ogive = size.tip + (r - size.tip) * (1 - nose ** rng.uniform(1.7, 2.4))
    low, top = size.case - min(7.0, size.case * 0.3), size.case + size.bullet
    profile = [(r * 0.9, low), *zip(ogive, size.case + 0.3 + nose * (size.bullet - 0.3), strict=True)]
    core = revolve(profile, segments=16)
    if size.tip > 0.8 and rng.random() < 0.3:
        pit = revolve([(0.2, top - 4.0), (size.tip * 0.6, top - 0.02)], segments=10)
        return list(hollow(core, pit, "pb"))
    jacket = revolve([(r, size.case - 2), (r, size.case + 1.5)], segments=16)
    return [Part(core, "pb", 1, float(rng.uniform(9.5, 11.3))), Part(jacket, "cu", 1, 1.5)]


def _shell(rng: Rng, size: _Caliber) -> list[Part]:
    """Shotgun shell: brass head, plastic hull, wad, and lead shot as balls or a dense fill."""
    r, length = size.body, size.case * rng.uniform(0.9, 1.2)
    head, rim = cylinder(r, 10, segments=18).moved(z=5), cylinder(r + 1, 1.5, segments=18).moved(z=0.75)
    hull = hollow(cylinder(r - 0.3, length), cylinder(r - 1.2, length - 1), "pe")
    parts = [Part(head, "brass", 1, 3.0), Part(rim, "brass"), *moved(hull, z=length / 2)]
    parts.append(Part(cylinder(r - 1.5, 12).moved(z=length * 0.4), "pe"))
    stack = length * rng.uniform(0.32, 0.45)
    parts.append(Part(cylinder(r - 1.5, stack, segments=14).moved(z=length * 0.95 - stack / 2), "pb", 1, 6.0))
    return parts


def _cartridge(rng: Rng, size: _Caliber, *, spent: bool = False) -> list[Part]:
    """One cartridge lying along x, its middle at the origin."""
    if size.name == "12ga":
        parts = _shell(rng, size)
    else:
        parts = _case(rng, size, pick(rng, "brass", "brass", "brass", "fe"), spent=spent)
        parts += [] if spent else _bullet(rng, size)
    half = (size.case + (0 if spent else size.bullet)) / 2
    return turned(moved(parts, z=-half), "y", 90)


def _loose(rng: Rng, size: _Caliber, count: int) -> list[Part]:
    """Cartridges strewn flat, no closer than their diameter in a jittered grid."""
    pitch = size.case + size.bullet + 3
    side = int(np.ceil(np.sqrt(count)))
    cells = rng.permutation(side * side)[:count]
    parts: list[Part] = []
    for cell in cells:
        x, y = (cell % side) * pitch * 0.9, (cell // side) * pitch * rng.uniform(0.45, 0.75)
        one = turned(_cartridge(rng, size), "z", rng.uniform(0, 360))
        parts += moved(one, float(x), float(y))
    return parts


def _row(rng: Rng, size: _Caliber, count: int, design: str) -> list[Part]:
    """Cartridges side by side: in a stripper clip, or standing in the tray of a carton."""
    pitch = 2 * size.body + rng.uniform(0.3, 2.0)
    columns = count if design == "clip" else int(np.ceil(count / 2))
    rows = 1 if design == "clip" else 2
    one = _cartridge(rng, size)
    reach = size.case + size.bullet
    parts: list[Part] = []
    for i in range(count):
        parts += moved(one, (i // columns) * (reach + 2), (i % columns) * pitch)
    middle = (columns - 1) * pitch / 2
    if design == "clip":
        return [
            *parts,
            Part(box(5, columns * pitch, 1.2).moved(-reach / 2 + 1, middle, -size.body - 0.8), "fe"),
        ]
    outer = rounded_box(rows * (reach + 4) + 2, columns * pitch + 6, 2 * size.body + 6, 1)
    inner = outer.scaled(0.98, 0.98, 0.9)
    carton = moved(hollow(outer, inner, "cardboard"), (reach + 2) / 2, middle)
    return [*parts, *carton]


def make_bullet(rng: Rng) -> Item:
    """Pistol, rifle or shotgun ammunition: single, some loose, spent cases, stripper clip or carton."""
    design = pick(rng, "single", "single", "loose", "loose", "spent", "clip", "carton")
    size = _CALIBERS[int(rng.integers(len(_CALIBERS)))]
    count = 1
    if design in ("single", "spent"):
        parts = _cartridge(rng, size, spent=design == "spent" and size.name != "12ga")
    elif design == "loose":
        count = int(rng.integers(2, 8))
        parts = _loose(rng, size, count)
    else:
        count = int(rng.integers(4, 11))
        parts = _row(rng, size, count, design)
    return threat("bullet", "bullet", design, parts, caliber=size.name, count=count)


FAMILIES: dict[str, ItemMaker] = {"bullet": make_bullet}
