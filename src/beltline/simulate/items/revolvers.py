"""Revolvers: barrel, cylinder with chambers, frame around a window, curved grip, guard, hammer."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.shapes import Mesh, box, cylinder, in_plane, prism, spline, superellipse, sweep, tube
from beltline.simulate.solids import Item, ItemMaker, Part, moved


def _along_x(radius: float, length: float, segments: int = 16) -> Mesh:
    return cylinder(radius, length, segments=segments).rotated("y", 90)


def _cylinder(rng: Rng, radius: float, length: float, chambers: int, metal: str) -> list[Part]:
    parts = [Part(_along_x(radius, length, 28), metal)]
    loaded = rng.random() < 0.6
    for k in range(chambers):
        angle = 2 * np.pi * (k + 0.25) / chambers
        y, z = 0.62 * radius * np.cos(angle), 0.62 * radius * np.sin(angle)
        parts.append(Part(_along_x(0.23 * radius, length - 0.6, 12).moved(0, y, z), metal, -1))
        if loaded:
            parts.append(Part(_along_x(0.2 * radius, 0.85 * length, 10).moved(0, y, z), "brass", 1, 6.5))
    return parts


def _barrel(rng: Rng, length: float, start: float, height: float, metal: str) -> list[Part]:
    radius = rng.uniform(6, 9)
    middle = start + length / 2
    parts = [Part(_along_x(radius, length).moved(middle, height), metal)]
    parts.append(Part(_along_x(0.5 * radius, length - 0.5, 12).moved(middle, height), metal, -1))
    if rng.random() < 0.7:
        parts.append(Part(box(0.92 * length, 5, 5).moved(middle, height + radius + 2.2), metal))
    if rng.random() < 0.75:
        rod = _along_x(rng.uniform(2.6, 4.5), 0.75 * length, 10)
        parts.append(Part(rod.moved(start + 0.4 * length, height - radius - 4.5), metal))
    sight = prism([(-7, 0), (6, 0), (4, 6), (-1, 6)], 2.5).moved(start + length - 9, height + radius + 4)
    return [*parts, Part(sight, metal)]


def _grip(rng: Rng, back: float, drop: float, metal: str) -> list[Part]:
    long, wide = rng.uniform(68, 120), rng.uniform(26, 44)
    lean = rng.uniform(0.15, 0.5)
    line = spline(
        [
            (back + 8, 6),
            (back - 8, -drop),
            (back - 12 - lean * 0.5 * long, -drop - 0.6 * long),
            (back - lean * long, -drop - long),
        ],
        14,
    )
    widths = np.interp(
        np.linspace(0, 1, 14), [0, 0.3, 0.7, 1], wide * np.array([0.7, 0.75, 0.85, rng.uniform(0.9, 1.15)])
    )
    depth = rng.uniform(9, 16)
    sections = np.array([superellipse(w / 2, depth, 2.4, segments=14) for w in widths])
    plates = Part(sweep(in_plane(line), sections), pick(rng, "wood", "wood", "rubber", "abs"))
    return [plates, Part(tube(in_plane(line), rng.uniform(3.5, 6), segments=8), metal)]


def make_revolver(rng: Rng) -> Item:
    """A revolver with five to seven chambers and a short to long barrel."""
    barrel = rng.uniform(42, 165)
    radius, long = rng.uniform(15.5, 22), rng.uniform(31, 45)
    chambers = int(rng.integers(5, 8))
    metal = pick(rng, "fe", "fe", "ss", "zn")
    front, back = long / 2 + 5, -long / 2 - 8
    parts = _cylinder(rng, radius, long, chambers, metal)
    parts += _barrel(rng, barrel, front - 1, 0.5 * radius, metal)
    for x, y, sx, sy, sz in (
        (0, radius + 5, long + 20, 7, 9),
        (0, -radius - 5, long + 14, 7, 10),
        (front, 0, 8, 2 * radius + 16, 11),
        (back, 0, 12, 2 * radius + 16, 12),
    ):
        parts.append(Part(box(sx, sy, sz).moved(x, y), metal))
    parts += _grip(rng, back - 8, radius + 4, metal)
    low = -radius - 8
    guard = spline(
        [(long / 2, low), (long / 2 - 2, low - 21), (4 - long / 2, low - 21), (-6 - long / 2, low)], 18
    )
    parts.append(Part(tube(in_plane(guard), rng.uniform(1.8, 3), segments=6), metal))
    parts.append(
        Part(tube(in_plane(spline([(2, low), (6, low - 9), (1, low - 17)], 8)), 2.5, segments=6), metal)
    )
    hammer = prism([(back - 2, 8), (back, radius + 12), (back - 16, radius + 17), (back - 9, 5)], 7)
    parts.append(Part(hammer, metal))
    params = {
        "design": "snub" if barrel < 70 else "long",
        "barrel_mm": round(barrel, 1),
        "chambers": chambers,
    }
    return Item("revolver", "gun", tuple(moved(parts, -0.3 * barrel, 0.9 * radius)), True, params)


FAMILIES: dict[str, ItemMaker] = {"revolver": make_revolver}
