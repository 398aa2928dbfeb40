"""Bottles of plastic, glass and metal with liquids, creams or food in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._vessel import filling, lying, pooled_along, shell
from beltline.simulate.shapes import cylinder, revolve
from beltline.simulate.solids import Item, ItemMaker, Part, Texture

Profile = NDArray[np.float64]

# Radii as shares of the body radius at shares of the height: (radius, height).
SHAPES: dict[str, list[tuple[float, float]]] = {
    "drink": [(0.86, 0), (1, 0.03), (1, 0.6), (0.93, 0.7), (0.6, 0.85), (0.4, 0.92), (0.38, 1)],
    "waisted": [
        (0.9, 0),
        (1, 0.04),
        (1, 0.25),
        (0.82, 0.42),
        (1, 0.6),
        (0.85, 0.75),
        (0.42, 0.92),
        (0.38, 1),
    ],
    "wine": [(0.95, 0), (1, 0.02), (1, 0.58), (0.8, 0.66), (0.42, 0.73), (0.36, 0.96), (0.38, 1)],
    "beer": [(0.95, 0), (1, 0.02), (1, 0.5), (0.75, 0.65), (0.46, 0.8), (0.4, 1)],
    "spirit": [(0.94, 0), (1, 0.02), (1, 0.68), (0.9, 0.74), (0.38, 0.8), (0.36, 1)],
    "jar": [(0.94, 0), (1, 0.05), (1, 0.78), (0.84, 0.88), (0.82, 1)],
    "shampoo": [(0.93, 0), (1, 0.04), (1, 0.8), (0.9, 0.88), (0.45, 0.93), (0.42, 1)],
    "sport": [(0.92, 0), (1, 0.03), (1, 0.7), (0.9, 0.78), (0.55, 0.88), (0.52, 1)],
    "thermos": [(0.96, 0), (1, 0.02), (1, 0.76), (0.8, 0.84), (0.74, 1)],
    "can": [(0.8, 0), (1, 0.06), (1, 0.9), (0.82, 0.985), (0.83, 1)],
}
CONTENTS = ("water", "water", "ethanol", "gasoline", "cream", "food")


def _profile(
    shape: str, radius: float, height: float, *, ribs: float = 0.0, pitch_mm: float = 12.0
) -> Profile:
    nodes = np.array(SHAPES[shape])
    share = np.unique(np.concatenate([nodes[:, 1], np.linspace(0.02, 0.96, 24 if ribs else 8)]))
    body = np.interp(share, nodes[:, 1], nodes[:, 0])
    wave = ribs * np.sin(2 * np.pi * share * height / pitch_mm) * (share > 0.05) * (share < 0.6)
    return np.column_stack([radius * (body + wave), height * share])


def _cap(rng: Rng, profile: Profile, style: str, material: str) -> list[Part]:
    neck, top = profile[-1]
    radius, height = float(neck) + rng.uniform(1.3, 2.5), rng.uniform(9, 20)
    middle = float(top) + height / 2 - 2
    if style == "crown":
        return [
            Part(
                revolve([(neck + 2.4, 0), (neck + 1, 5), (neck, 6)], segments=20).moved(z=top - 4),
                "fe",
                1,
                1.6,
            )
        ]
    if style == "cork":
        return [Part(cylinder(float(neck) * 0.7, 42).moved(z=float(top) - 18), "wood", 1, 0.25)]
    outer, inner = cylinder(radius, height), cylinder(radius - 1.1, height - 2.4)
    parts = [Part(outer.moved(z=middle), material), Part(inner.moved(z=middle), material, -1)]
    if style == "pump":
        stem = rng.uniform(20, 35)
        parts.append(Part(cylinder(3.5, stem).moved(z=middle + height / 2 + stem / 2), "pp"))
        parts.append(Part(cylinder(4, 34).rotated("y", 90).moved(12, 0, middle + height / 2 + stem), "pp"))
        parts.append(Part(cylinder(2.5, float(top) * 0.85).moved(z=float(top) * 0.5), "pp", 1, 0.45))
        parts.append(Part(cylinder(3.0, 16).moved(z=middle - height), "ss", 1, 3.0))
    return parts


def _contents(rng: Rng, name: str, profile: Profile, wall: float, level: float) -> Part:
    """Cream keeps its standing shape; a liquid lies in the lower side of the lying vessel."""
    thick = name in ("cream", "food")
    mesh = filling(profile, wall, level if thick else 0.93)
    grains = Texture("granular", int(rng.integers(2**31)), rng.uniform(0.05, 0.25), rng.uniform(4, 18))
    texture = grains if name == "food" else None
    return Part(mesh if thick else pooled_along(mesh, level), name, texture=texture)


def _bottle(
    rng: Rng, family: str, shape: str, size: tuple[float, float, float], material: str, cap: str
) -> Item:
    radius, height, wall = size
    ribs = rng.uniform(0.01, 0.035) if material == "pet" and rng.random() < 0.7 else 0.0
    profile = _profile(shape, radius, height, ribs=ribs, pitch_mm=rng.uniform(8, 22))
    flat = rng.uniform(0.5, 0.8) if shape in ("shampoo", "spirit") and rng.random() < 0.6 else 1.0
    name, level = pick(rng, *CONTENTS), rng.uniform(0.3, 1.0)
    parts = [*shell(profile, wall, material), _contents(rng, name, profile, wall, level)]
    if cap != "none":
        parts += _cap(rng, profile, cap, "al" if cap == "metal" else "pp")
    if shape == "thermos":
        parts += _inner_flask(profile, wall, material)
        parts[2] = _contents(rng, name, _flask_profile(profile, wall), wall, level)
    squashed = [replace(p, mesh=p.mesh.scaled(flat, 1, 1)) for p in parts]
    drawn: dict[str, object] = {"design": shape, "radius_mm": radius, "height_mm": height, "wall_mm": wall}
    drawn |= {"material": material, "contents": name, "level": level, "cap": cap}
    return Item(family, "liquid", tuple(lying(squashed)), True, drawn)


def _flask_profile(profile: Profile, wall: float) -> Profile:
    inner = profile.copy()
    inner[:, 0] -= wall + 4.0
    inner[:, 1] = np.interp(inner[:, 1], [0, inner[-1, 1]], [wall + 6.0, inner[-1, 1] - wall - 1.0])
    return inner


def _inner_flask(profile: Profile, wall: float, material: str) -> tuple[Part, Part]:
    """The second wall of a vacuum flask, in the cavity of the first."""
    return shell(_flask_profile(profile, wall), wall, material)


def plastic_bottle(rng: Rng) -> Item:
    """Drink, shampoo, pump or sports bottle, or a plastic jar."""
    shape = pick(rng, "drink", "drink", "waisted", "shampoo", "sport", "jar")
    material = "pet" if shape in ("drink", "waisted") else pick(rng, "pp", "pe", "pet")
    wall = rng.uniform(0.35, 0.7) if material == "pet" else rng.uniform(0.8, 1.8)
    tall = rng.uniform(0.9, 1.6) if shape == "jar" else rng.uniform(2.8, 4.6)
    radius = rng.uniform(22, 44) if shape != "jar" else rng.uniform(20, 45)
    cap = pick(rng, "pump", "screw") if shape == "shampoo" else "screw"
    size = (radius * rng.uniform(0.6, 1), radius * 2 * tall / 1.5, wall)
    return _bottle(rng, "plastic_bottle", shape, size, material, cap)


def glass_bottle(rng: Rng) -> Item:
    """Wine, beer or spirit bottle, flacon or glass jar."""
    shape = pick(rng, "wine", "beer", "spirit", "jar", "drink")
    tall = {"wine": 7.8, "beer": 7.0, "spirit": 5.5, "jar": 2.4, "drink": 5.5}[shape]
    radius = rng.uniform(14, 42) if shape in ("spirit", "jar") else rng.uniform(26, 40)
    height = radius * tall * rng.uniform(0.85, 1.15)
    cap = pick(rng, *(["crown", "metal"] if shape == "beer" else ["metal", "metal", "screw"]))
    cap = pick(rng, "cork", "metal") if shape == "wine" else cap
    wall = rng.uniform(0.06, 0.11) * radius
    return _bottle(rng, "glass_bottle", shape, (radius, height, wall), "glass", cap)


def metal_bottle(rng: Rng) -> Item:
    """Vacuum flask, aluminium sports bottle, drink can or hip-flask-like spirit bottle."""
    shape = pick(rng, "thermos", "sport", "can", "spirit")
    radius = rng.uniform(26, 45)
    tall = {"thermos": 6.0, "sport": 6.2, "can": 4.0, "spirit": 4.5}[shape]
    material = {"thermos": "ss", "sport": "al", "can": "al", "spirit": "ss"}[shape]
    wall = rng.uniform(0.3, 0.5) if shape == "can" else rng.uniform(0.4, 1.0)
    cap = "none" if shape == "can" else pick(rng, "screw", "metal")
    size = (radius, radius * tall * rng.uniform(0.8, 1.2), wall)
    return _bottle(rng, "metal_bottle", shape, size, material, cap)


FAMILIES: dict[str, ItemMaker] = {
    "plastic_bottle": plastic_bottle,
    "glass_bottle": glass_bottle,
    "metal_bottle": metal_bottle,
}
