"""Saw blades by themselves: hacksaw, jigsaw and reciprocating blades, discs, wire saws."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import Mesh, arc, cylinder, in_plane, loft, prism, rounded_box, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned


def _toothed_bar(long: float, wide: float, thick: float, pitch: float, *, tapered: float = 0.0) -> Mesh:
    """Strip with teeth along its lower edge, centred, its end narrowed by the share ``tapered``."""
    number = int(long / pitch)
    x = np.linspace(-long / 2, long / 2, 2 * number + 1)
    teeth = np.where(np.arange(2 * number + 1) % 2, -0.5 * pitch, 0.0)
    back = wide * (1 - tapered * np.clip((x / long + 0.2) / 0.7, 0, 1))
    outline = np.concatenate([np.column_stack([x, teeth]), np.column_stack([x, back])[::-4]])
    return prism(outline - [0, wide / 2], thick)


def _hacksaw(rng: Rng) -> list[Part]:
    long, wide = pick(rng, draw(rng, 145, 160), draw(rng, 295, 320)), draw(rng, 6, 25)
    thick = draw(rng, 0.5, 1.0)
    parts = [Part(_toothed_bar(long, wide, thick, max(draw(rng, 1.2, 3), long / 90)), "fe")]
    hole = cylinder(min(0.24 * wide, 2.6), 0.99 * thick, segments=10)
    return parts + [Part(hole.moved(s * (long / 2 - 7)), "fe", -1) for s in (-1, 1)]


def _reciprocating(rng: Rng) -> list[Part]:
    """Jigsaw or reciprocating blade: tapered, a narrow shank behind."""
    long, wide, thick = draw(rng, 55, 235), draw(rng, 6, 20), draw(rng, 0.9, 1.7)
    blade = _toothed_bar(long, wide, thick, draw(rng, 2.0, 5.0), tapered=draw(rng, 0.1, 0.6))
    shank = prism([(0, -0.4 * wide), (18, -3), (18, 3), (0, 0.5 * wide)], thick).rotated("z", 180)
    return [Part(blade, pick(rng, "fe", "ss")), Part(shank.moved(-long / 2 + 1), "fe")]


def _disc(rng: Rng) -> list[Part]:
    """Circular saw blade: bore, hooked teeth, slots left out."""
    radius, thick = draw(rng, 32, 108), draw(rng, 1.0, 2.6)
    teeth = count(rng, 16, 60)
    turn = np.repeat(np.arange(teeth), 2) * 2 * np.pi / teeth
    turn[1::2] += draw(rng, 0.1, 0.5) * 2 * np.pi / teeth
    reach = np.where(np.arange(2 * teeth) % 2, draw(rng, 0.88, 0.96), 1.0) * radius
    rim = np.column_stack([np.cos(turn), np.sin(turn)]) * reach[:, None]
    disc = loft([in_plane(rim, z) for z in (-thick / 2, thick / 2)])
    bore = cylinder(pick(rng, 5, 8, 10, 15), 0.99 * thick, segments=18)
    return [Part(disc, "fe"), Part(bore, "fe", -1)]


def _wire(rng: Rng) -> list[Part]:
    """Wire saw rolled up between its two rings."""
    radius = draw(rng, 22, 45)
    turns = count(rng, 2, 4)
    line = arc(1.0, 0, 360 * turns, steps=26 * turns) * (
        radius + rng.normal(0, 1.2, (26 * turns, 1)).cumsum(axis=0) * 0.2
    )
    wire = tube(in_plane(line, np.linspace(0, 2.4 * turns, len(line))), draw(rng, 0.5, 1.1), segments=5)
    rings = [
        torus(draw(rng, 11, 16), 1.4, segments=22, tube_segments=6).moved(radius + 16, s * 9) for s in (-1, 1)
    ]
    return [Part(mesh, "fe") for mesh in (wire, *rings)]


def make_saw_blades(rng: Rng) -> Item:
    """Loose saw blades of one kind, one or a pack, in a sleeve now and then."""
    design = pick(rng, "hacksaw", "hacksaw", "reciprocating", "disc", "disc", "wire")
    build = {"hacksaw": _hacksaw, "reciprocating": _reciprocating, "disc": _disc, "wire": _wire}[design]
    number = 1 if design == "wire" else pick(rng, 1, 1, 2, count(rng, 2, 5))
    parts, reach = [], 0.0
    for k in range(number):
        one = build(rng)
        reach = max(reach, float(np.ptp(one[0].mesh.vertices[:, 0])))
        at = rng.normal(0, 9, 2) if k else np.zeros(2)
        parts += moved(turned(one, "z", draw(rng, -9, 9) if k else 0.0), float(at[0]), float(at[1]), 2.9 * k)
    if design != "wire" and chance(rng, 0.3):
        sleeve = rounded_box(0.7 * reach, reach if design == "disc" else 34, 1.2, 4)
        parts += [Part(sleeve.moved(z=z), pick(rng, "pvc", "cardboard", "pp")) for z in (-2.6, 2.9 * number)]
    return threat("saw_blades", "saw_blade", design, parts, number=float(number))


FAMILIES: dict[str, ItemMaker] = {"saw_blades": make_saw_blades}
