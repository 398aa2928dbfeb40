"""Fire extinguishers, refill cans, fuel cans, hip flasks and pouches, matches, and moulded organics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.items._vessel import filling, lying, placed, pooled, pooled_along, shell
from beltline.simulate.shapes import (
    Mesh,
    box,
    cone,
    cylinder,
    ellipsoid,
    helix,
    merge,
    prism,
    rounded_box,
    rounded_rectangle,
    spline,
    superellipse,
    torus,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, centred, hollow, moved, turned

Profile = list[tuple[float, float]]


def _dome(radius: float, height: float, neck: float) -> Profile:
    """Standing bottle with a round shoulder: (radius, z) nodes."""
    angle = np.linspace(0, np.pi / 2, 6)
    shoulder = [
        (neck + (radius - neck) * float(np.cos(a)), height - radius * (1 - float(np.sin(a)))) for a in angle
    ]
    low = [(radius * 0.8, 0.0), (radius * 0.97, radius * 0.12), (radius, radius * 0.3)]
    return [*low, *shoulder, (neck * 0.96, height + 6.0)]


def fire_extinguisher(rng: Rng) -> Item:
    """Small car or kitchen extinguisher: steel or aluminium bottle, valve, levers, gauge, siphon, nozzle."""
    radius = rng.uniform(24, 45)
    height, wall = radius * rng.uniform(4.2, 6.5), rng.uniform(1.0, 2.0)
    metal = pick(rng, "fe", "fe", "al")
    profile = _dome(radius, height, rng.uniform(9, 13))
    charge, level = pick(rng, "powder", "powder", "water", "butane"), rng.uniform(0.5, 0.9)
    grains = Texture("granular", int(rng.integers(2**31)), 0.2, 25.0) if charge == "powder" else None
    parts = [
        *shell(profile, wall, metal),
        Part(pooled_along(filling(profile, wall, 0.96), level), charge, texture=grains),
    ]
    top = height + 6
    parts.append(Part(cylinder(rng.uniform(12, 16), 24).moved(z=top + 10), "brass", 1, 5.5))
    parts.append(Part(tube([(0, 0, top), (radius * 0.4, 0, 8)], rng.uniform(3, 5), segments=8), "pp", 1, 0.5))
    parts.append(Part(tube(helix(6, 14, 4, steps_per_turn=10), 0.8, segments=5).moved(z=top - 12), "ss"))
    for lean in (rng.uniform(8, 20), rng.uniform(28, 48)):
        lever = rounded_box(rng.uniform(60, 95), 16, 2.0, 6).moved(x=38).rotated("y", -lean)
        parts.append(Part(lever.moved(z=top + 22), "fe"))
    gauge = cylinder(rng.uniform(9, 14), 9, segments=18).rotated("x", 90).moved(0, -16, top + 12)
    parts.append(Part(gauge, "brass", 1, 3.0))
    pin = torus(rng.uniform(9, 13), 1.1, segments=20, tube_segments=6).moved(6, 20, top + 26)
    parts.append(Part(pin, "fe"))
    if rng.random() < 0.6:
        hose = spline([(-8, 0, top + 12), (-radius - 14, 0, top - 20), (-radius - 10, 0, height * 0.4)], 14)
        parts.append(Part(tube(hose, rng.uniform(5, 7), segments=8), "rubber", 1, 0.8))
    else:
        parts.append(
            Part(cone(7, 4, 26, segments=14).rotated("y", -90).moved(x=-24, z=top + 12), "abs", 1, 0.6)
        )
    lie = float(rng.choice([-90, 90]) + rng.normal(0, 25))  # the levers lie to one side
    parts = [parts[0], parts[1], parts[2], *turned(parts[3:], "z", lie)]
    drawn: dict[str, object] = {"design": "extinguisher", "radius_mm": radius, "height_mm": height}
    drawn |= {"material": metal, "contents": charge, "level": level, "wall_mm": wall}
    return Item("fire_extinguisher", "pressure_vessel", tuple(lying(parts)), True, drawn)


def lighter_refill(rng: Rng) -> Item:
    """Slim can of lighter gas, or a flat tin of lighter petrol."""
    petrol = chance(rng, 0.35)
    level, wall = rng.uniform(0.2, 0.95), rng.uniform(0.2, 0.35)
    if petrol:
        x, y, z = rng.uniform(48, 62), rng.uniform(24, 34), rng.uniform(95, 130)
        outer = prism(rounded_rectangle(x, y, y * 0.4), z).moved(z=z / 2)
        inside = prism(rounded_rectangle(x - 2 * wall, y - 2 * wall, y * 0.4 - wall), z - 2 * wall).moved(
            z=z / 2
        )
        fill = prism(rounded_rectangle(x - 1, y - 1, y * 0.4 - 0.5), z - 3).moved(z=z / 2)
        parts = [*hollow(outer, inside, "fe"), Part(pooled_along(fill, level), "gasoline")]
        spout = rng.uniform(-0.3, 0.3) * x
        parts.append(Part(cylinder(6, 14, segments=14).moved(x=spout, z=z + 5), "pe"))
        size = [x, y, z]
    else:
        radius, high = rng.uniform(14, 26), rng.uniform(110, 185)
        profile: Profile = [
            (radius * 0.9, 0),
            (radius, 3),
            (radius, high - radius),
            (radius * 0.8, high - radius * 0.4),
        ]
        profile.append((radius * 0.45, high))
        parts = [*shell(profile, wall, pick(rng, "fe", "al"))]
        parts.append(Part(pooled_along(filling(profile, wall, 0.97), level), "butane"))
        parts.append(Part(cylinder(2.2, 16, segments=10).moved(z=high + 6), "pom"))
        parts.append(Part(torus(radius * 0.5, 1.4, segments=18, tube_segments=6).moved(z=high), "fe"))
        cap = cylinder(radius * 0.98, 34).moved(z=high + 8), cylinder(radius * 0.98 - 1, 31).moved(z=high + 8)
        parts += hollow(*cap, "pp")
        size = [2 * radius, 2 * radius, high]
    drawn: dict[str, object] = {"design": "petrol" if petrol else "gas", "size_mm": size, "level": level}
    return Item("lighter_refill", "pressure_vessel", tuple(lying(parts)), True, drawn)


def liquid_canister(rng: Rng) -> Item:
    """Fuel can, hip flask, soft pouch with a spout, or a bag of liquid."""
    design = pick(rng, "fuel_can", "hip_flask", "pouch", "bag")
    contents = pick(rng, "gasoline", "ethanol", "water", "oil", "peroxide")
    level = rng.uniform(0.35, 0.95)
    make = {"fuel_can": _fuel_can, "hip_flask": _hip_flask}.get(design, _pouch)
    parts, size = make(rng, contents, level)
    drawn: dict[str, object] = {"design": design, "contents": contents, "level": level, "size_mm": size}
    return Item("liquid_canister", "liquid", tuple(centred(parts)), True, drawn)


def _fuel_can(rng: Rng, contents: str, level: float) -> tuple[list[Part], list[float]]:
    x, y, z = rng.uniform(120, 230), rng.uniform(90, 160), rng.uniform(55, 95)
    metal = chance(rng, 0.4)
    wall = rng.uniform(0.6, 1.0) if metal else rng.uniform(1.8, 3.0)
    outer = rounded_box(x, y, z, 14, bevel=8)
    factor = 1 - 2 * wall / np.array([x, y, z])
    inner = Mesh(outer.vertices * factor, outer.faces)
    fill = pooled(Mesh(outer.vertices * (factor - 0.002), outer.faces), level)
    parts = [*hollow(outer, inner, "fe" if metal else "pe"), Part(fill, contents)]
    cap = cylinder(rng.uniform(12, 20), 18).rotated("y", 90).moved(x / 2 + 9, y * 0.28, 0)
    parts.append(Part(cap, "fe" if metal else "pp", 1, 2.5 if metal else 0.6))
    grip = spline(
        [(x / 2, -y * 0.4, 0), (x / 2 + 28, -y * 0.36, 0), (x / 2 + 28, y * 0.05, 0), (x / 2, y * 0.1, 0)], 14
    )
    parts.append(Part(tube(grip, rng.uniform(4, 8)), "fe" if metal else "pe", 1, 3.0 if metal else 0.7))
    if metal:
        seam = prism(rounded_rectangle(x + 3, 3, 1), z * 0.5)
        parts.append(Part(seam, "fe", 1, 2.0))
    return parts, [x, y, z]


def _hip_flask(rng: Rng, contents: str, level: float) -> tuple[list[Part], list[float]]:
    x, y, z = rng.uniform(85, 120), rng.uniform(75, 100), rng.uniform(19, 27)
    wall = rng.uniform(0.5, 0.8)
    outer = rounded_box(x, y, z, 16, bevel=6)
    factor = 1 - 2 * wall / np.array([x, y, z])
    parts = [*hollow(outer, Mesh(outer.vertices * factor, outer.faces), "ss")]
    parts.append(Part(pooled(Mesh(outer.vertices * (factor - 0.004), outer.faces), level), contents))
    neck = x / 2 + 8
    stopper = cylinder(rng.uniform(8, 11), 16).rotated("y", 90).moved(neck, rng.uniform(-0.2, 0.2) * y, 0)
    parts.append(Part(stopper, "ss", 1, 3.0))
    hinge = box(18, 3, 1.2).moved(neck - 2, rng.uniform(-0.2, 0.2) * y + 12, 4)
    parts.append(Part(hinge, "ss"))
    if rng.random() < 0.4:
        cover = rounded_box(x * 0.7, y + 2, z + 2, 10), rounded_box(x * 0.7 - 0.2, y + 0.2, z + 0.2, 10)
        parts += hollow(*cover, "leather")
    return parts, [x, y, z]


def _pouch(rng: Rng, contents: str, level: float) -> tuple[list[Part], list[float]]:
    x, y, z = rng.uniform(90, 190), rng.uniform(70, 130), rng.uniform(18, 45)
    belly = ellipsoid(1, 1, 1, segments=24)
    boxy = np.sign(belly.vertices) * np.abs(belly.vertices) ** [
        rng.uniform(0.4, 0.7),
        rng.uniform(0.4, 0.7),
        0.9,
    ]
    square = boxy * [x / 2, y / 2, z / 2]
    film = Mesh(square, belly.faces)
    factor = 1 - 0.5 / np.array([x, y, z])
    parts = [*hollow(film, Mesh(square * factor, belly.faces), "pe")]
    parts.append(Part(Mesh(square * (factor - 0.002) * [1, 1, max(level, 0.4)], belly.faces), contents))
    parts.append(Part(prism(rounded_rectangle(14, y * 0.9, 3), 0.5).moved(x=-x / 2 - 4), "pe"))
    if rng.random() < 0.6:
        spout = cylinder(rng.uniform(5, 9), rng.uniform(16, 26), segments=16).rotated("y", 90)
        parts.append(Part(spout.moved(x=x / 2 + 6), "pp"))
    return parts, [x, y, z]


def matches(rng: Rng) -> Item:
    """Box or book of matches."""
    book = chance(rng, 0.35)
    count = int(rng.integers(10, 21)) if book else int(rng.integers(12, 40))
    long = rng.uniform(32, 44) if book else rng.uniform(38, 52)
    stick, head = box(long, 1.9, 1.0 if book else 1.9), ellipsoid(2.4, 1.6, 1.5, segments=8).moved(x=long / 2)
    rows = 2 if book else int(rng.integers(3, 6))
    spots = [
        (rng.normal(0, 0.8), (i // rows) * 2.5 - 1.25 * count / rows, (i % rows) * 2.6 - 1.3 * rows)
        for i in range(count)
    ]
    flips = [0.0 if book or rng.random() < 0.5 else 180.0 for _ in spots]
    sticks = merge([stick.rotated("z", f).moved(*s) for s, f in zip(spots, flips, strict=True)])
    heads = merge([head.rotated("z", f).moved(*s) for s, f in zip(spots, flips, strict=True)])
    parts = [
        Part(sticks, "paper" if book else "wood"),
        Part(heads, pick(rng, "salt", "powder", "gypsum")),
    ]
    low, high = np.array([s for s in spots]).min(axis=0), np.array([s for s in spots]).max(axis=0)
    x, y, z = long + 8, float(high[1] - low[1]) + 8, float(high[2] - low[2]) + 5
    middle = (low + high) / 2
    outer, inner = box(x, y, z), box(x - 1.0, y - 1.0, z - 1.0)
    parts += placed(hollow(outer, inner, "paper"), 0, float(middle[1]), float(middle[2]))
    if book:
        staple = box(1.0, 12, 0.8).moved(-long / 2 + 4, float(middle[1]), float(middle[2]) + z / 2)
        parts.append(Part(staple, "fe"))
    drawn: dict[str, object] = {"design": "book" if book else "box", "count": count, "length_mm": long}
    return Item("matches", "lighter", tuple(centred(parts)), True, drawn)


def _lead(rng: Rng, start: NDArray[np.float64], length: float) -> list[Part]:
    """Generic metal tube with two wires, a visual stand-in that is nothing but a tube."""
    tube_mm = rng.uniform(38, 62)
    case = cylinder(3.4, tube_mm, segments=14), cylinder(2.8, tube_mm - 1.2, segments=14)
    metal = pick(rng, "al", "cu", "brass", "fe")
    parts = moved(turned(hollow(*case, metal), "y", 90), *start)
    for side in (-1.2, 1.2):
        nodes = start + np.array(
            [
                (-tube_mm / 2, side, 0),
                (-tube_mm / 2 - length / 2, side * 8, 2),
                (-tube_mm / 2 - length, side * 3, 0),
            ]
        )
        nodes[1:] += rng.normal(0, 8, (2, 3)) * [1, 1, 0.2]
        path = spline(nodes, 16)
        parts += [Part(tube(path, 0.45, segments=5), "cu"), Part(tube(path, 1.0, segments=5), "pvc", 1, 0.9)]
    return parts


def moulded_organic(rng: Rng) -> Item:
    """Organic mass moulded round: a sausage, a charge in a pipe or a tin, a ball; with or without leads."""
    design = pick(rng, "sausage", "pipe", "tin", "ball")
    density = rng.uniform(1.2, 1.7)
    stuff = pick(rng, "marzipan", "marzipan", "sheet_simulant")
    grains = Texture("granular", int(rng.integers(2**31)), rng.uniform(0.03, 0.15), rng.uniform(15, 60))
    radius, long = rng.uniform(13, 34), rng.uniform(80, 230)
    wall = rng.uniform(1.2, 3.5)
    case = ""
    if design == "ball":
        mass = ellipsoid(*(radius * rng.uniform(1.1, 1.9, 3)), segments=22)
    elif design == "sausage":
        outline = np.linspace(-1, 1, 14)
        path = spline([(-long / 2, 0, 0), (0, rng.normal(0, 12), 0), (long / 2, 0, 0)], 14)
        mass = tube(path, radius * np.maximum(1 - outline**8, 0.15), segments=18)
    else:
        mass = prism(superellipse(radius - wall - 0.05, radius - wall - 0.05, 2.0), long - 2 * wall - 0.2)
        mass = mass.rotated("y", 90)
    parts = [Part(mass, stuff, 1, density, grains)]
    if design in ("pipe", "tin"):
        case = pick(rng, "pvc", "fe", "al", "cardboard") if design == "pipe" else pick(rng, "fe", "al")
        wall = wall if design == "pipe" else min(wall, 0.4)
        outer, inner = (
            cylinder(radius, long, segments=28),
            cylinder(radius - wall, long - 2 * wall, segments=28),
        )
        parts += turned(hollow(outer, inner, case), "y", 90)
        if design == "pipe":
            cap = torus(radius + 1.6, 2.4, segments=24, tube_segments=6).rotated("y", 90)
            parts += [Part(cap.moved(x=s * (long / 2 - 6)), case) for s in (-1, 1)]
    elif rng.random() < 0.6:
        wrap = superellipse(radius * 1.02, radius * 1.02, 2.2)
        parts.append(Part(prism(wrap, 0.6).moved(z=radius * 0.4), "pe"))
    leads = chance(rng, 0.45)
    if leads:
        parts += _lead(
            rng, np.array([mass.bounds[0, 0] * rng.uniform(0.5, 0.95), 0.0, 0.0]), rng.uniform(50, 130)
        )
    drawn: dict[str, object] = {"design": design, "radius_mm": radius, "length_mm": long, "leads": leads}
    drawn |= {"material": stuff, "density_g_cm3": density, "case": case}
    return Item("moulded_organic", "organic_bulk", tuple(centred(parts)), True, drawn)


FAMILIES: dict[str, ItemMaker] = {
    "fire_extinguisher": fire_extinguisher,
    "lighter_refill": lighter_refill,
    "liquid_canister": liquid_canister,
    "matches": matches,
    "moulded_organic": moulded_organic,
}
