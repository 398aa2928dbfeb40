"""Aerosol cans and gas cartridges."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._vessel import filling, lying, pooled_along, shell
from beltline.simulate.shapes import cylinder, ellipsoid, helix, spline, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned

Profile = list[tuple[float, float]]


def _valve(rng: Rng, height: float, radius: float) -> list[Part]:
    """Valve cup, housing with spring and ball seat, and the dip tube bent to the wall of the floor."""
    cup = torus(min(12.5, radius * 0.6), 1.3, segments=20, tube_segments=6).moved(z=height)
    housing = cylinder(rng.uniform(3.5, 5), 18, segments=14).moved(z=height - 9)
    stem = cylinder(1.7, 12, segments=10).moved(z=height + 5)
    spring = tube(helix(2.4, 8, 5, steps_per_turn=8), 0.4, segments=5).moved(z=height - 9)
    bend = spline([(0, 0, height - 18), (radius * 0.1, 0, height * 0.5), (radius * 0.6, 0, 5)], 14)
    dip = tube(bend, rng.uniform(1.3, 2.0), segments=6)
    return [Part(cup, "fe"), Part(housing, "pom"), Part(stem, "pom"), Part(spring, "ss"), Part(dip, "pe")]


def _top(rng: Rng, height: float, radius: float) -> list[Part]:
    """Spray head with its nozzle and, mostly, a cap over it."""
    head = rng.uniform(10, 17)
    parts = [Part(cylinder(rng.uniform(5, 9), head).moved(z=height + head / 2 + 4), "pp", 1, 0.6)]
    if rng.random() < 0.7:
        tall = head + rng.uniform(10, 30)
        wide = radius * rng.uniform(0.75, 1.0)
        outer = cylinder(wide, tall).moved(z=height - 3 + tall / 2)
        inner = cylinder(wide - rng.uniform(0.8, 1.4), tall - 2.4).moved(z=height - 3 + tall / 2)
        parts += hollow(outer, inner, "pp")
    return parts


def aerosol_can(rng: Rng) -> Item:
    """Spray can of steel or aluminium: straight, necked, slim or spray paint with an agitator ball."""
    design = pick(rng, "straight", "necked", "slim", "paint")
    radius = rng.uniform(10, 19) if design == "slim" else rng.uniform(19, 34)
    height = radius * 2 * rng.uniform(2.4, 4.0)
    metal = "fe" if design in ("paint", "necked") else pick(rng, "al", "al", "fe")
    wall, level = rng.uniform(0.25, 0.5), rng.uniform(0.15, 0.8)
    dome, shoulder = radius * rng.uniform(0.35, 0.8), radius * rng.uniform(0.86, 0.95)
    waist = radius if design != "necked" else shoulder
    profile: Profile = [(radius * 0.93, 0), (radius, 3), (radius, height - dome - 4), (waist, height - dome)]
    profile += [(radius * 0.85, height - dome * 0.6), (radius * 0.55, height)]
    parts = [*shell(profile, wall, metal)]
    fill = pick(rng, "ethanol", "water", "butane", "oil", "cream")
    parts.append(Part(pooled_along(filling(profile, wall, 0.97), level), fill))
    parts += [*_valve(rng, height, radius), *_top(rng, height, radius)]
    if metal == "fe":
        for z, ring in ((1.5, radius), (height - dome, waist)):
            parts.append(Part(torus(ring, 0.7, segments=24, tube_segments=6).moved(z=z), "fe"))
    if design == "paint":
        for _ in range(int(rng.integers(1, 3))):
            ball = ellipsoid(1, 1, 1, segments=12).scaled(rng.uniform(3, 4.5))
            lift = radius - 6.0
            parts.append(Part(ball.moved(lift, rng.uniform(-4, 4), height * rng.uniform(0.1, 0.8)), "glass"))
    drawn: dict[str, object] = {"design": design, "radius_mm": radius, "height_mm": height, "wall_mm": wall}
    drawn |= {"material": metal, "contents": fill, "level": level}
    return Item("aerosol_can", "pressure_vessel", tuple(lying(parts)), True, drawn)


def _bulb(radius: float, height: float) -> Profile:
    """Small thick capsule with a nipple neck (CO2, N2O)."""
    arc = [
        (radius * float(np.sin(a)), radius - radius * float(np.cos(a)))
        for a in np.linspace(0.25, np.pi / 2, 6)
    ]
    start = arc[0][1]
    body = [(r, z - start) for r, z in arc]
    return [
        *body,
        (radius, height * 0.72),
        (radius * 0.8, height * 0.82),
        (radius * 0.42, height * 0.9),
        (radius * 0.4, height),
    ]


def _camping(radius: float, height: float) -> Profile:
    """Squat canister: domed top with a threaded valve."""
    low = [(radius * 0.9, 0.0), (radius, height * 0.08), (radius, height * 0.6)]
    return [*low, (radius * 0.9, height * 0.78), (radius * 0.6, height * 0.92), (radius * 0.3, height)]


def gas_cartridge(rng: Rng) -> Item:
    """Steel capsules, a camping canister or a long stove cartridge."""
    design = pick(rng, "capsules", "camping", "stove", "diving")
    count = int(rng.integers(1, 7)) if design == "capsules" else 1
    radius = {"capsules": 9.0, "camping": 50.0, "stove": 34.0, "diving": 24.0}[design] * rng.uniform(
        0.85, 1.15
    )
    height = (
        radius
        * {"capsules": 7.0, "camping": 1.7, "stove": 5.2, "diving": 6.5}[design]
        * rng.uniform(0.9, 1.1)
    )
    wall = {"capsules": rng.uniform(0.9, 1.5), "diving": rng.uniform(1.0, 1.8)}.get(
        design, rng.uniform(0.3, 0.5)
    )
    metal = "al" if design == "diving" else "fe"
    profile = _camping(radius, height) if design in ("camping", "stove") else _bulb(radius, height)
    level = rng.uniform(0.1, 0.85)
    single = [*shell(profile, wall, metal), Part(pooled_along(filling(profile, wall, 0.95), level), "butane")]
    if design != "capsules":
        neck = cylinder(rng.uniform(5, 8), 14, segments=18).moved(z=height + 4)
        single += [
            Part(neck, "brass"),  # solid, though a real one is bored: scenes replay as they were drawn
            Part(torus(radius, 0.9, tube_segments=6).moved(z=height * 0.6), metal),
        ]
    parts: list[Part] = []
    for i in range(count):
        gap = radius * 2.1 * (i - (count - 1) / 2)
        flip = float(rng.choice([0, 180]))
        parts += moved(turned(moved(single, z=-height / 2), "x", flip), y=gap)
    drawn: dict[str, object] = {"design": design, "radius_mm": radius, "height_mm": height, "wall_mm": wall}
    drawn |= {"material": metal, "count": count, "level": level}
    return Item("gas_cartridge", "pressure_vessel", tuple(lying(parts)), True, drawn)


FAMILIES: dict[str, ItemMaker] = {"aerosol_can": aerosol_can, "gas_cartridge": gas_cartridge}
