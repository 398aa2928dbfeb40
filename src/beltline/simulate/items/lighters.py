"""Lighters: the disposable gas kind, the petrol kind with a hinged lid, and the jet torch."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.shapes import Mesh, box, cylinder, helix, loft, rounded_box, superellipse, tube
from beltline.simulate.solids import Item, ItemMaker, Part, centred, hollow, moved


def _stack(rx: float, ry: float, length: float, power: float) -> Mesh:
    """Bar of superelliptic section along x from 0 to ``length``."""
    outline = superellipse(ry, rx, power, segments=24)
    rings = [np.column_stack([np.full(24, x), outline]) for x in (0.0, length)]
    return loft(rings)


def _spring(radius: float, length: float, turns: float, x: float) -> Part:
    path = helix(radius, length, turns, steps_per_turn=8)
    return Part(tube(path, 0.35, segments=5).rotated("y", 90).moved(x), "ss")


def _wheel(rng: Rng, x: float, y: float, thickness: float) -> list[Part]:
    """Flint wheel across the lighter, with its flint and spring below."""
    radius = rng.uniform(2.6, 4.2)
    wheel = cylinder(radius, thickness, segments=16).moved(x, y)
    flint = cylinder(1.2, 4, segments=10).rotated("y", 90).moved(x - radius - 2.2, y)
    return [Part(wheel, "fe"), Part(flint, "fe", 1, 6.5), *moved([_spring(1.2, 18, 9, x - radius - 14)], y=y)]


def _disposable(rng: Rng) -> tuple[list[Part], dict[str, object]]:
    length, width, depth = rng.uniform(46, 66), rng.uniform(19, 27), rng.uniform(9, 14)
    wall, level, power = rng.uniform(0.9, 1.5), rng.uniform(0.1, 0.9), rng.uniform(2, 4.5)
    material = pick(rng, "pom", "polystyrene", "abs")
    outer = _stack(width / 2, depth / 2, length, power)
    inner = _stack(width / 2 - wall, depth / 2 - wall, length - 8, power).moved(2)
    fuel = _stack(width / 2 - wall - 0.05, depth / 2 - wall - 0.05, (length - 9) * level, power).moved(2.1)
    parts = [*hollow(outer, inner, material), Part(fuel, "butane")]
    tall, thin = rng.uniform(11, 16), rng.uniform(0.3, 0.5)
    for side in (-1, 1):
        cheek = box(tall, width * 0.8, thin).moved(length + tall / 2 - 1, 0, side * depth * 0.46)
        parts.append(Part(cheek, "fe"))
    parts.append(Part(box(tall, thin, depth * 0.9).moved(length + tall / 2 - 1, -width * 0.4), "fe"))
    parts += _wheel(rng, length + 3, width * 0.1, depth * 0.6)
    valve = cylinder(2.0, 12, segments=12).rotated("y", 90).moved(length - 2, -width * 0.22)
    lever = rounded_box(5, width * 0.45, depth * 0.7, 1.5).moved(length + 2, width * 0.4)
    dip = tube([(4, -width * 0.22, 0), (length - 8, -width * 0.22, 0)], 1.0, segments=6)
    parts += [Part(valve, "zn"), Part(lever, "pom"), Part(dip, "pe"), _spring(1.6, 7, 5, length)]
    return parts, {"length_mm": length + tall, "material": material, "fuel": level}


def _petrol(rng: Rng) -> tuple[list[Part], dict[str, object]]:
    width, depth, low, lid = (
        rng.uniform(34, 40),
        rng.uniform(11, 14.5),
        rng.uniform(31, 38),
        rng.uniform(17, 22),
    )
    wall, metal = rng.uniform(0.5, 0.8), pick(rng, "brass", "fe", "brass")
    is_open = rng.random() < 0.3
    case = rounded_box(low, width, depth, 2, bevel=0.5).moved(low / 2)
    room = rounded_box(low - 2 * wall, width - 2 * wall, depth - 2 * wall - 0.6, 2, bevel=0).moved(low / 2)
    parts = list(hollow(case, room, metal))
    insert = box(low - 4, width - 4, depth - 3.5).moved(low / 2)
    cotton = box(low - 5, width - 5, depth - 4.5).moved(low / 2)
    parts += [*hollow(insert, cotton, "ss"), Part(cotton, "cotton", 1, rng.uniform(0.4, 0.75))]
    chimney = box(13, 19, depth - 4).moved(low + 7)
    parts += [*hollow(chimney, box(12, 18, depth - 5).moved(low + 7), "ss")]
    parts += _wheel(rng, low + 7, width * 0.32, depth * 0.45)
    shade = rounded_box(lid, width, depth, 2, bevel=0.5).moved(lid / 2)
    inner = rounded_box(lid - 2 * wall, width - 2 * wall, depth - 2 * wall - 0.6, 2, bevel=0).moved(lid / 2)
    swing = rng.uniform(60, 130) if is_open else 0.0
    for mesh, sign in ((shade, 1), (inner, -1)):
        hinged = mesh.moved(0, width / 2).rotated("z", -swing).moved(low + 0.2, -width / 2)
        parts.append(Part(hinged, metal, sign))
    parts.append(Part(cylinder(1.5, depth * 0.7, segments=10).moved(low, -width / 2 - 1), metal))
    return parts, {"length_mm": low + lid, "material": metal, "open": is_open}


def _torch(rng: Rng) -> tuple[list[Part], dict[str, object]]:
    length, radius, level = rng.uniform(60, 110), rng.uniform(9, 17), rng.uniform(0.2, 0.85)
    metal = pick(rng, "zn", "al", "abs")
    wall = rng.uniform(0.9, 1.6)
    body = _stack(radius, radius * 0.85, length, 2.6)
    room = _stack(radius - wall, radius * 0.85 - wall, length * 0.94, 2.6).moved(length * 0.02)
    parts = list(hollow(body, room, metal))
    tank = _stack(radius * 0.82, radius * 0.66, length * 0.5, 2.6).moved(length * 0.04)
    void = _stack(radius * 0.82 - 1, radius * 0.66 - 1, length * 0.5 - 2, 2.6).moved(length * 0.04 + 1)
    fuel = _stack(radius * 0.8 - 1, radius * 0.64 - 1, (length * 0.5 - 2.2) * level, 2.6).moved(
        length * 0.04 + 1.1
    )
    parts += [*hollow(tank, void, "pom"), Part(fuel, "butane")]
    parts.append(
        Part(cylinder(3, 26, segments=14).rotated("y", 90).moved(length * 0.72, -radius * 0.3), "abs")
    )
    parts += moved([_spring(2.4, 18, 8, length * 0.72)], y=-radius * 0.3)
    for i in range(int(rng.integers(1, 4))):
        nozzle = cylinder(2.4, rng.uniform(12, 20), segments=14).rotated("y", 90)
        parts.append(Part(nozzle.moved(length * 0.9, radius * 0.4, (i - 1) * radius * 0.45), "brass"))
    trigger = rounded_box(rng.uniform(14, 24), 9, radius, 3).moved(length * 0.7, -radius - 2)
    valve = cylinder(2.5, 9, segments=12).rotated("y", 90).moved(length * 0.03)
    parts += [Part(trigger, "abs"), Part(valve, "brass")]
    if rng.random() < 0.5:
        neck = rng.uniform(40, 110)
        rod = cylinder(4.5, neck, segments=16).rotated("y", 90).moved(length + neck / 2)
        bore = cylinder(3.9, neck - 1).rotated("y", 90).scaled(1, 0.9, 0.9).moved(length + neck / 2)
        parts += hollow(rod, bore, "fe")
    return parts, {"length_mm": length, "material": metal, "fuel": level}


def lighter(rng: Rng) -> Item:
    """Disposable, petrol or torch lighter."""
    design = pick(rng, "disposable", "disposable", "petrol", "torch")
    build = {"disposable": _disposable, "petrol": _petrol, "torch": _torch}[design]
    parts, drawn = build(rng)
    return Item("lighter", "lighter", tuple(centred(parts)), True, {"design": design, **drawn})


FAMILIES: dict[str, ItemMaker] = {"lighter": lighter}
