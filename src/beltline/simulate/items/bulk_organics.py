"""Powders in packs, and sheets and blocks of plain organic material."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._vessel import filling, shell
from beltline.simulate.shapes import Mesh, box, cylinder, heightfield, rounded_box, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, centred, hollow, moved, turned

POWDERS = ("powder", "flour", "sugar", "salt", "powder")


def _grains(rng: Rng, *, strong: bool = True) -> Texture:
    amplitude = rng.uniform(0.1, 0.45) if strong else rng.uniform(0.02, 0.12)
    return Texture("granular", int(rng.integers(2**31)), amplitude, rng.uniform(5, 40))


def _pillow(rng: Rng, height: float) -> NDArray[np.float64]:
    """Heights (21, 25) of a filled bag lying flat: full in the middle, sloped to the seams, with dents."""
    u, v = np.meshgrid(np.linspace(-1, 1, 25), np.linspace(-1, 1, 21))
    slump = 1 + rng.uniform(-0.4, 0.4) * u + rng.uniform(-0.3, 0.3) * v
    dents = sum(rng.uniform(0.02, 0.1) * np.sin(k * u + rng.uniform(0, 6)) * np.cos(k * v) for k in (3, 5, 8))
    dome = np.clip(1 - u**4, 0, 1) ** 0.6 * np.clip(1 - v**4, 0, 1) ** 0.6
    heights: NDArray[np.float64] = height * dome * np.clip(slump + dents, 0.15, None)
    return heights


def _bag(rng: Rng, material: str) -> tuple[list[Part], dict[str, object]]:
    """Clear or foil bag of loose powder, with flat seams."""
    x, y, height = rng.uniform(70, 200), rng.uniform(50, 140), rng.uniform(10, 45)
    mesh = heightfield(_pillow(rng, height), 0.0, x, y)
    film = pick(rng, "pe", "pe", "al")
    thick = 0.05 if film == "al" else 0.15
    parts = [Part(mesh, material, 1, None, _grains(rng)), Part(box(x + 16, y + 6, thick).moved(z=-0.2), film)]
    if rng.random() < 0.5:
        parts.append(Part(box(2, y + 6, 1.5).moved(x / 2 + 6), "pe"))
    return parts, {"x_mm": x, "y_mm": y, "height_mm": height}


def _tin(rng: Rng, material: str) -> tuple[list[Part], dict[str, object]]:
    """Round tin or plastic tub part full of powder, lying or standing."""
    radius, height, level = rng.uniform(25, 60), rng.uniform(50, 160), rng.uniform(0.3, 0.95)
    metal = pick(rng, "fe", "al", "pp")
    wall = rng.uniform(0.9, 1.6) if metal == "pp" else rng.uniform(0.2, 0.35)
    profile = [(radius, 0.0), (radius, height)]
    parts = [
        *shell(profile, wall, metal),
        Part(filling(profile, wall, level), material, 1, None, _grains(rng)),
    ]
    lid = cylinder(radius + 1.2, 12).moved(z=height - 3)
    parts += hollow(lid, cylinder(radius + 0.2, 10.0).moved(z=height - 3), "pe")
    if rng.random() < 0.6:
        parts.append(Part(box(30, 16, 1.4).rotated("x", 25).moved(0, 0, height * level * 0.8), "pp"))
    lie = rng.random() < 0.5
    drawn = {"radius_mm": radius, "height_mm": height, "level": level, "shell": metal}
    return turned(parts, "y", 90 if lie else 0), drawn


def _brick(rng: Rng, material: str) -> tuple[list[Part], dict[str, object]]:
    """Pressed or vacuum-packed brick in film, tape or foil; sometimes several."""
    x, y, z = rng.uniform(90, 220), rng.uniform(60, 130), rng.uniform(20, 65)
    wall, wrap = rng.uniform(0.2, 0.9), pick(rng, "pe", "pvc", "paper")
    packed = rng.uniform(0.9, 1.25)
    parts: list[Part] = []
    for i in range(int(rng.integers(1, 3))):
        at = i * (y + rng.uniform(0.5, 6))
        outer = rounded_box(x, y, z, 6).moved(0, at)
        parts.append(Part(outer, material, 1, packed, _grains(rng, strong=False)))
        for side in (-1, 1):
            parts.append(Part(box(x * 0.98, y * 0.98, wall).moved(0, at, side * (z / 2 + wall)), wrap))
            parts.append(Part(box(wall * 3, y * 0.9, z * 0.9).moved(side * (x / 2 + wall * 2), at), wrap))
    if rng.random() < 0.3:
        parts.append(Part(box(x * 0.95, y * 0.95, 0.05).moved(z=z / 2 + 2), "al"))
    return parts, {"x_mm": x, "y_mm": y, "z_mm": z, "wrap": wrap}


def powder_pack(rng: Rng) -> Item:
    """Powder in a bag, a tin or a brick."""
    design, material = pick(rng, "bag", "tin", "brick"), pick(rng, *POWDERS)
    parts, drawn = {"bag": _bag, "tin": _tin, "brick": _brick}[design](rng, material)
    drawn |= {"design": design, "material": material}
    return Item("powder_pack", "powder", tuple(centred(parts)), True, drawn)


def _wrapping(rng: Rng, size: NDArray[np.float64]) -> list[Part]:
    """Thin film or foil above and below, larger than the content, or strips of tape around it."""
    x, y, z = (float(v) for v in size)
    if rng.random() < 0.5:
        film, thick = (("al", 0.03), ("pe", 0.1), ("paper", 0.2))[int(rng.integers(3))]
        sheet = box(x + rng.uniform(4, 20), y + rng.uniform(4, 20), thick)
        return [Part(sheet.moved(z=side * (z / 2 + 0.3)), film) for side in (-1, 1)]
    width = rng.uniform(15, 50)
    bands = [
        box(width, y + 1, 0.3).moved(x * rng.uniform(-0.35, 0.35)) for _ in range(int(rng.integers(1, 4)))
    ]
    return [Part(b.moved(z=side * (z / 2 + 0.3)), "pvc") for b in bands for side in (-1, 1)]


def _insert(rng: Rng, size: NDArray[np.float64]) -> list[Part]:
    """A plain small metal tube on the surface and a loose wire."""
    x, y, z = (float(v) for v in size)
    length, radius = rng.uniform(30, 65), rng.uniform(2.5, 4.0)
    turn, at = rng.uniform(0, 360), (x * rng.uniform(-0.3, 0.3), y * rng.uniform(-0.3, 0.3), z / 2 + radius)
    outer, inner = (cylinder(r, h, segments=14) for r, h in ((radius, length), (radius - 0.5, length - 1)))
    metal = pick(rng, "al", "cu", "ss")
    parts = moved(turned(turned(hollow(outer, inner, metal), "y", 90), "z", turn), *at)
    # x runs steadily outwards: a bend tighter than the wire's radius would turn its skin inside out.
    away = np.sign(at[0]) or 1.0
    steps = np.arange(1, 5) * rng.uniform(14, 30)
    ends = np.column_stack([at[0] + away * steps, at[1] + rng.uniform(-12, 12, 4), np.full(4, at[2])])
    path = spline(np.concatenate([[at], ends]), 40)
    return [*parts, Part(tube(path, 0.9, segments=6), "pvc"), Part(tube(path, 0.35, segments=5), "cu")]


def _organic(rng: Rng, family: str, design: str, pieces: list[Mesh], size: NDArray[np.float64]) -> Item:
    material = pick(rng, "marzipan", "sheet_simulant")
    parts = [Part(m, material, 1, None, _grains(rng, strong=False)) for m in pieces]
    wrapped, inserted = rng.random() < 0.5, rng.random() < 0.35
    parts += _wrapping(rng, size) if wrapped else []
    parts += _insert(rng, size) if inserted else []
    drawn: dict[str, object] = {"design": design, "material": material, "size_mm": [float(s) for s in size]}
    drawn |= {"wrapped": bool(wrapped), "insert": bool(inserted)}
    return Item(family, "organic_bulk", tuple(centred(parts)), True, drawn)


def sheet_organic(rng: Rng) -> Item:
    """Flat, wavy or stacked sheets of 3 to 8 mm."""
    design = pick(rng, "flat", "wavy", "stack")
    x, y, thick = rng.uniform(100, 300), rng.uniform(70, 210), rng.uniform(3, 8)
    if design == "flat":
        return _organic(
            rng, "sheet_organic", design, [rounded_box(x, y, thick, 3, bevel=0.5)], np.array([x, y, thick])
        )
    if design == "stack":
        thick = rng.uniform(3, 5)
        count = int(rng.integers(2, 4))
        layers = [rounded_box(x * s, y * s, thick, 3, bevel=0.5) for s in rng.uniform(0.75, 1, count)]
        stack = [m.moved(rng.normal(0, 4), rng.normal(0, 4), i * thick) for i, m in enumerate(layers)]
        middle = [m.moved(z=-(count - 1) * thick / 2) for m in stack]
        return _organic(rng, "sheet_organic", design, middle, np.array([x, y, thick * count]))
    u, v = np.meshgrid(np.linspace(-1, 1, 24), np.linspace(-1, 1, 18))
    wave = rng.uniform(2, 7) * np.sin(rng.uniform(2, 4) * u + rng.uniform(-1, 1) * v)
    uneven = thick * (1 + 0.12 * np.sin(4 * v + rng.uniform(0, 6)))
    mesh = heightfield(wave + uneven / 2, wave - uneven / 2, x, y)
    return _organic(rng, "sheet_organic", design, [mesh], np.array([x, y, thick + 10]))


def block_organic(rng: Rng) -> Item:
    """Brick, several bars side by side, or a rounded lump of 20 to 60 mm."""
    design = pick(rng, "brick", "bars", "lump")
    x, y, z = rng.uniform(80, 250), rng.uniform(45, 120), rng.uniform(20, 60)
    if design == "brick":
        pieces = [rounded_box(x, y, z, rng.uniform(1, 8))]
    elif design == "bars":
        count, wide = int(rng.integers(2, 5)), rng.uniform(22, 40)
        z, y = wide * rng.uniform(0.9, 1.2), wide * count
        pieces = [
            rounded_box(x * rng.uniform(0.95, 1), wide - 1, z, 2).moved(0, (i - (count - 1) / 2) * wide)
            for i in range(count)
        ]
    else:
        heights = _pillow(rng, z)
        pieces = [heightfield(heights, 0.0, x, y).moved(z=-z / 2)]
    return _organic(rng, "block_organic", design, pieces, np.array([x, y, z]))


FAMILIES: dict[str, ItemMaker] = {
    "powder_pack": powder_pack,
    "sheet_organic": sheet_organic,
    "block_organic": block_organic,
}
