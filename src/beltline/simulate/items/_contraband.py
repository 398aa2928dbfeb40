"""What is hidden inside devices: plates, blades, screws, organic blocks, cells, pouches, cut to a size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.items._board import boxes
from beltline.simulate.items._innards import round_cell
from beltline.simulate.shapes import Array, blade, heightfield, merge, prism, rounded_rectangle, superellipse
from beltline.simulate.solids import Part, moved, turned

# Size wished for, mm: (x, y, z) at difficulty 0 and at 1.
_WISH: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "metal_plate": ((110, 70, 3.0), (28, 18, 0.5)),
    "blade": ((110, 22, 2.4), (38, 9, 0.7)),
    "screws": ((80, 50, 6.0), (22, 16, 2.2)),
    "organic_block": ((120, 80, 16.0), (45, 28, 2.0)),
    "added_cells": ((70, 40, 18.0), (36, 22, 3.0)),
    "liquid_pouch": ((110, 75, 15.0), (45, 30, 2.5)),
}


def wish(rng: Rng, kind: str, hard: float) -> Array:
    """Size (3,) in mm of a thing of a kind at a difficulty in [0, 1], each side drawn about it."""
    easy, tough = (np.array(s) for s in _WISH[kind])
    size: Array = easy ** (1 - hard) * tough**hard * np.exp(rng.normal(0, 0.18, 3))
    return size


def sensible(kind: str, size: Array) -> bool:
    """Whether a size in mm still makes such a thing."""
    smallest = {"metal_plate": (8, 8, 0.3), "blade": (20, 6, 0.4), "screws": (9, 7, 0.9)}
    long, short = max(size[0], size[1]), min(size[0], size[1])
    low = smallest.get(kind, (10, 8, 0.7))
    return bool(long >= low[0] and short >= low[1] and size[2] >= low[2])


def metal_plate(rng: Rng, size: Array) -> list[Part]:
    """Flat sheet, square or rounded, sometimes cut off at a corner."""
    x, y, z = size
    z = min(z, 4.0)
    outline = rounded_rectangle(x, y, draw(rng, 0.5, 0.3 * min(x, y)))
    if chance(rng, 0.3):
        outline = np.array(
            [(-x / 2, -y / 2), (x / 2, -y / 2), (x / 2, y * draw(rng, 0, 0.4)), (0, y / 2), (-x / 2, y / 2)]
        )
    return [Part(prism(outline, z), pick(rng, "fe", "ss", "al", "brass", "cu", "pb", "ti"))]


def blade_part(rng: Rng, size: Array) -> list[Part]:
    """Knife or cutter blade without a handle."""
    along = size[0] >= size[1]
    long, wide = (size[0], size[1]) if along else (size[1], size[0])
    x = np.linspace(-0.5, 0.5, 14) * long
    tip = draw(rng, 0.1, 0.6)
    drop = np.clip((x / long + 0.5 - (1 - tip)) / tip, 0, 1) ** draw(rng, 1.0, 2.2)
    edge = -wide / 2 + wide * 0.97 * drop * draw(rng, 0.5, 1.0)
    spine = np.full_like(x, wide / 2)
    spine = np.maximum(spine - wide * 0.3 * drop, edge + 0.02 * wide)
    mesh = blade(
        np.column_stack([x, spine]), np.column_stack([x, edge]), min(size[2], 3.2), grind=draw(rng, 0.2, 0.8)
    )
    return [Part(mesh if along else mesh.rotated("z", 90), pick(rng, "ss", "fe"))]


def screws(rng: Rng, size: Array) -> list[Part]:
    """Loose screws or nails, side by side in any direction, each in its own cell of a grid."""
    thick = min(float(size[2]), draw(rng, 1.6, 4.5))
    long = min(draw(rng, 8, 25), 0.95 * min(size[0], size[1]) + 3)
    along = np.array([long, thick * 1.3]) if chance(rng, 0.5) else np.array([thick * 1.3, long])
    along = np.minimum(along, size[:2])
    counts = np.maximum((size[:2] / (along + 0.6)).astype(int), 1)
    i, j = np.divmod(np.arange(counts[0] * counts[1]), counts[1])
    keep = rng.random(len(i)) < draw(rng, 0.5, 0.95)
    keep[0] = True
    pitch = size[:2] / counts
    at = (np.column_stack([i, j]) + 0.5) * pitch - size[:2] / 2
    at = np.column_stack([at, np.zeros(len(at))])[keep]
    shank = np.where(along == along.max(), along, along * 0.6)
    head = np.where(along == along.max(), along * 0.12, along)
    ends = at + np.append((along.max() / 2 - along.max() * 0.06) * (along == along.max()), 0.0)
    body = boxes(at, (*shank, thick * 0.6))
    heads = boxes(ends, (*head, thick))
    return [Part(merge([body, heads]), pick(rng, "fe", "ss", "brass"), 1, draw(rng, 4.5, 6.5))]


def organic_block(rng: Rng, size: Array) -> list[Part]:
    """Kneadable mass: a moulded block or a rolled sheet with an uneven top."""
    x, y, z = size
    material = pick(rng, "marzipan", "marzipan", "marzipan", "sheet_simulant", "wood", "soap")
    density = draw(rng, 1.1, 1.6) if material in ("marzipan", "sheet_simulant") else None
    if chance(rng, 0.5):
        outline = superellipse(x / 2, y / 2, draw(rng, 3, 9), segments=24)
        return [Part(prism(outline, z, bevel=min(draw(rng, 0.2, 2.0), z / 4)), material, 1, density)]
    waves = rng.normal(0, 1, (5, 6))
    top = z / 2 - np.abs(waves) * z * draw(rng, 0.03, 0.14)
    return [Part(heightfield(np.maximum(top, -z * 0.3), -z / 2, x, y), material, 1, density)]


def added_cells(rng: Rng, size: Array) -> list[Part]:
    """Cells beyond those the device needs: a pouch if flat, round ones if there is height."""
    x, y, z = size
    if z < 8 or min(x, y) < 12:
        outline = rounded_rectangle(x, y, min(2.0, 0.2 * min(x, y)), steps=2)
        return [Part(prism(outline, z, bevel=min(0.6, z / 4)), "liion", 1, draw(rng, 2.1, 2.6))]
    radius = min(z, 18.0) / 2
    along = x >= y
    long, wide = (x, y) if along else (y, x)
    radius = min(radius, wide / 2)
    number = max(int(wide / (2 * radius + 0.4)), 1)
    parts: list[Part] = []
    for k in range(number):
        at_y = (k - (number - 1) / 2) * (2 * radius + 0.4)
        cell = round_cell(radius, min(long, 70.0) - 1.5, pick(rng, "liion", "alkaline"))
        parts += moved(cell, -0.7, at_y, -radius)
    return parts if along else turned(parts, "z", 90)


def liquid_pouch(rng: Rng, size: Array) -> list[Part]:
    """Sealed bag of liquid, thickest in the middle, with flat welded seams."""
    x, y, z = size
    u, v = np.meshgrid(np.linspace(-1, 1, 11), np.linspace(-1, 1, 9))
    dome = np.sqrt(np.clip((1 - np.abs(u) ** 3) * (1 - np.abs(v) ** 3), 0, 1))
    seam = min(0.3, z * 0.3)
    foil = heightfield(-z / 2 + seam + (z - seam) * dome, -z / 2, x, y)
    inside = heightfield(
        -z / 2 + seam * 0.5 + (z - seam) * 0.97 * dome, -z / 2 + seam * 0.4, x * 0.96, y * 0.96
    )
    liquid = pick(rng, "water", "gasoline", "ethanol", "peroxide", "oil")
    return [Part(inside, liquid), Part(foil, "pe"), Part(inside, "pe", -1)]


MAKERS: dict[str, Callable[[Rng, Array], list[Part]]] = {
    "metal_plate": metal_plate,
    "blade": blade_part,
    "screws": screws,
    "organic_block": organic_block,
    "added_cells": added_cells,
    "liquid_pouch": liquid_pouch,
}
