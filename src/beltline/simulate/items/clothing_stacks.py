"""The mass of a packed bag: stacks of clothes, rolled garments, jackets, towels, laundry."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.items._fabric import fabric, folded, pillow, sheet, slab, zip_chain
from beltline.simulate.shapes import cylinder, superellipse
from beltline.simulate.solids import Item, ItemMaker, Part, moved


def make_clothes_stack(rng: Rng) -> Item:
    """Two to six folded garments on each other, each of its own cloth: steps, creases, overlaps."""
    parts: list[Part] = []
    height, number = 0.0, count(rng, 2, 6)
    x, y = draw(rng, 220, 400), draw(rng, 170, 320)
    for _ in range(number):
        cloth = fabric(rng, "cloth", "layers", "knit", "rib", density=(0.22, 0.46))
        thick = draw(rng, 10, 34)
        for part in folded(
            rng, cloth, x * draw(rng, 0.75, 1.0), y * draw(rng, 0.75, 1.0), thick, layers=count(rng, 2, 3)
        ):
            parts += moved([part], draw(rng, -15, 15), draw(rng, -15, 15), height)
        height += thick
    return benign("clothes_stack", parts, soft=0.55, number=number, height_mm=round(height, 1))


def make_rolled_garment(rng: Rng) -> Item:
    """Rolled trousers, towel or sweater: a soft cylinder with its windings as layers."""
    cloth = fabric(rng, "layers", "rib", "cloth", density=(0.2, 0.42))
    radius, long = draw(rng, 28, 62), draw(rng, 170, 380)
    parts = []
    for share in (1.0, draw(rng, 0.6, 0.8), draw(rng, 0.25, 0.5)):
        core = cylinder(radius * share, long * draw(rng, 0.92, 1.0), segments=18).rotated("y", 90)
        parts.append(Part(core, cloth.material, 1, cloth.density_g_cm3 / 2, cloth.part(core, rng).texture))
    return benign("rolled_garment", parts, soft=0.5, radius_mm=round(radius, 1))


def make_jacket(rng: Rng) -> Item:
    """Thick jacket folded once: padding, long zip, snaps."""
    x, y, thick = draw(rng, 300, 460), draw(rng, 240, 340), draw(rng, 35, 90)
    cloth = fabric(
        rng,
        "pleats",
        "cloth",
        "layers",
        materials=("polyester", "wool", "fabric_blend"),
        density=(0.12, 0.34),
    )
    parts = folded(rng, cloth, x, y, thick, layers=4)
    line = np.column_stack(
        [np.linspace(-x / 2, x / 2, 40), 0.1 * y * np.sin(np.linspace(0, 3, 40)), np.full(40, thick + 2)]
    )
    parts += zip_chain(rng, line)
    for k in range(count(rng, 0, 6)):
        snap = cylinder(draw(rng, 5, 8), 3).moved(-x / 2 + (k + 0.5) * x / 6, -0.15 * y, thick + 3)
        parts.append(Part(snap, pick(rng, "brass", "zn")))
    return benign("jacket", parts, soft=0.55, size_mm=[round(x), round(y), round(thick)])


def make_towel(rng: Rng) -> Item:
    """Folded towel or blanket: even, heavy cloth."""
    x, y, thick = draw(rng, 200, 360), draw(rng, 150, 280), draw(rng, 25, 85)
    cloth = fabric(rng, "knit", "foam", "layers", materials=("cotton", "wool"), density=(0.2, 0.4))
    parts = folded(rng, cloth, x, y, thick, layers=count(rng, 2, 4))
    return benign("towel", parts, soft=0.5, size_mm=[round(x), round(y), round(thick)])


def make_laundry(rng: Rng) -> Item:
    """Crumpled clothes in a heap or a bag: mottled, with many creases."""
    x, y, thick = draw(rng, 200, 440), draw(rng, 170, 330), draw(rng, 40, 120)
    parts = []
    for _ in range(count(rng, 2, 4)):
        cloth = fabric(
            rng, "cloth", "crumple", "layers", density=(0.1, 0.22), amplitude=(0.6, 1.0), scale=(25, 110)
        )
        outline = sheet(rng, x * draw(rng, 0.6, 1.0), y * draw(rng, 0.6, 1.0), wobble=18, corner=70)
        heap = pillow(outline, thick * draw(rng, 0.6, 1.0), power=draw(rng, 2.0, 4.0))
        parts.append(cloth.part(heap.moved(draw(rng, -40, 40), draw(rng, -30, 30)), rng))
    bagged = chance(rng, 0.3)
    if bagged:
        parts.append(Part(slab(superellipse(0.52 * x, 0.52 * y, 3.0), 0.3), "pe"))
    return benign("laundry", parts, soft=0.6, design="bag" if bagged else "heap")


FAMILIES: dict[str, ItemMaker] = {
    "clothes_stack": make_clothes_stack,
    "rolled_garment": make_rolled_garment,
    "jacket": make_jacket,
    "towel": make_towel,
    "laundry": make_laundry,
}
