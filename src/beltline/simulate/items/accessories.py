"""What people wear and plug in: shoes, belts, glasses, watches, cables, chargers, small appliances."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import circuit_board
from beltline.simulate.items._build import benign
from beltline.simulate.shapes import (
    box,
    cylinder,
    helix,
    prism,
    rounded_box,
    rounded_rectangle,
    spline,
    superellipse,
    sweep,
    torus,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, hollow, moved, turned


def make_shoe(rng: Rng) -> Item:
    """Shoe: sole, upper, sometimes a steel shank, eyelets, heel nails."""
    long, wide = draw(rng, 225, 315), draw(rng, 76, 108)
    x = np.linspace(-1, 1, 18)
    half = np.interp(x, [-1, -0.7, -0.1, 0.5, 0.9, 1], [0.3, 0.72, 0.6, 1, 0.6, 0.2]) * wide / 2
    side = np.column_stack([x * long / 2, half])
    outline = np.concatenate([side, side[::-1] * [1, -1]])
    leather = Texture("leather", int(rng.integers(2**31)), 1.0, 50.0)
    sole = Part(
        prism(outline, draw(rng, 10, 32)).moved(z=-20),
        pick(rng, "rubber", "pvc", "foam"),
        1,
        draw(rng, 0.4, 1.1),
    )
    upper = Part(
        prism(outline * 0.93, draw(rng, 25, 60)).moved(z=22), "leather", 1, draw(rng, 0.12, 0.3), leather
    )
    parts = [sole, upper]
    shank = chance(rng, 0.5)
    if shank:
        parts.append(Part(box(0.35 * long, 14, 1.2).moved(-0.08 * long, z=-8), "fe"))
        spots = rng.uniform(-1, 1, (6, 2)) * [0.1 * long, 0.25 * wide]
        parts += [
            Part(cylinder(1, 12, segments=8).moved(-0.38 * long + float(a), float(b), -20), "fe")
            for a, b in spots
        ]
    for k in range(count(rng, 0, 6)):
        parts += [
            Part(torus(3.5, 0.9, segments=12, tube_segments=5).moved(20 + 14 * k, s * 14, 45), "brass")
            for s in (-1, 1)
        ]
    return benign("shoe", parts, soft=0.25, shank=bool(shank))


def make_belt(rng: Rng) -> Item:
    """Leather belt, coiled or loose, with buckle."""
    section = np.array([(-1.8, -17), (1.8, -17), (1.8, 17), (-1.8, 17)]) * [1, draw(rng, 0.6, 1.2)]
    coiled = chance(rng, 0.5)
    if coiled:
        turn = np.linspace(0, 2 * np.pi * draw(rng, 2, 5), 90)
        radius = 22 + 0.6 * turn * 6
        path = np.column_stack([np.cos(turn) * radius, np.sin(turn) * radius, 0 * turn])
    else:
        x = np.linspace(-1, 1, 60)
        bends = draw(rng, 15, 60) * np.sin(draw(rng, 1.5, 4) * x + draw(rng, 0, 6))
        path = np.column_stack([x * draw(rng, 120, 170), bends, 0 * x])
    metal = pick(rng, "zn", "brass", "fe")
    at = path[-1]
    parts = [Part(sweep(path, section), "leather")]
    parts += moved(hollow(box(52, 40, 3.6), box(36, 27, 3.4), metal), *at)
    parts.append(Part(cylinder(2, 40).rotated("y", 90).moved(*at), metal))
    return benign("belt", parts, soft=0.2, design="coiled" if coiled else "loose")


def make_glasses(rng: Rng) -> Item:
    """Spectacles or sunglasses, folded, sometimes in a case."""
    wide, metal = draw(rng, 125, 150), chance(rng, 0.5)
    radius, frame = (0.9, "ss") if metal else (2.0, "abs")
    parts = []
    for side in (-1, 1):
        rim = superellipse(0.2 * wide, draw(rng, 16, 24), 2.6, segments=28)
        ring = np.column_stack([rim[:, 0] + side * 0.25 * wide, rim[:, 1], np.zeros(28)])
        parts.append(Part(tube(ring, radius, segments=6, closed=True), frame))
        parts.append(
            Part(prism(rim * 0.97, 2.0).moved(side * 0.25 * wide), pick(rng, "glass", "polycarbonate"))
        )
        arm = spline(
            [(side * 0.46 * wide, 4, -3), (-side * 0.1 * wide, 0, -6), (-side * 0.4 * wide, -8, -7)], 16
        )
        parts.append(Part(tube(arm, radius, segments=6), frame))
        parts.append(Part(box(5, 5, 4).moved(side * 0.46 * wide, 4), "ss"))
    if chance(rng, 0.4):
        parts += hollow(
            rounded_box(wide + 16, 62, 36, 12), rounded_box(wide + 12, 58, 32, 10), pick(rng, "abs", "al")
        )
    return benign("glasses", parts, metal=bool(metal))


def make_watch(rng: Rng) -> Item:
    """Wristwatch with a strap of links or leather."""
    radius, thick = draw(rng, 13, 23), draw(rng, 7, 13)
    shell = pick(rng, "ss", "ss", "abs", "brass")
    parts = [
        Part(cylinder(radius, thick), shell, 1, None if shell == "abs" else 5.0),
        Part(cylinder(0.8 * radius, 0.9), "glass"),
    ]
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    path = np.column_stack([draw(rng, 28, 36) * np.cos(turn), 0 * turn, draw(rng, 22, 29) * np.sin(turn)])
    parts = moved(parts, z=float(path[:, 2].max()) + thick / 2)
    links = chance(rng, 0.5)
    width = radius * 0.9
    section = np.array([(-width, -1.6), (width, -1.6), (width, 1.6), (-width, 1.6)])[:, ::-1]
    strap = sweep(path, section, closed=True)
    parts.append(Part(strap, "ss" if links else "leather", 1, 4.5 if links else None))
    return benign("watch", parts, links=bool(links))


def _plug(rng: Rng, at: np.ndarray) -> list[Part]:
    head = rounded_box(draw(rng, 14, 42), draw(rng, 8, 28), draw(rng, 5, 20), 2).moved(*at)
    pins = [
        Part(box(draw(rng, 8, 17), 3, 3).moved(at[0] + 14, at[1] + s * 5, at[2]), "brass") for s in (-1, 1)
    ]
    return [Part(head, "pvc"), *pins]


def _tightest_bend(path: np.ndarray) -> float:
    """Smallest radius of curvature of a path (N, 3) in mm; a thicker tube would fold into itself."""
    first = np.gradient(path, axis=0)
    turning = np.linalg.norm(np.cross(first, np.gradient(first, axis=0)), axis=1)
    return float((np.linalg.norm(first, axis=1) ** 3 / np.maximum(turning, 1e-9)).min())


def make_cable(rng: Rng) -> Item:
    """Loose or coiled cable with plugs."""
    coiled = chance(rng, 0.55)
    if coiled:
        turn = np.linspace(0, 2 * np.pi * draw(rng, 2, 6), 130)
        reach = draw(rng, 22, 60) * (1 + 0.02 * np.cumsum(rng.normal(0, 0.3, 130)))
        path = np.column_stack(
            [np.cos(turn) * reach * draw(rng, 0.5, 1), np.sin(turn) * reach, np.linspace(-4, 4, 130)]
        )
    else:
        path = spline(rng.uniform(-1, 1, (8, 3)) * [150, 110, 6], 110)
    radius = min(draw(rng, 1.3, 3.6), 0.6 * _tightest_bend(path))
    parts = [
        Part(tube(path, radius, segments=6), "pvc"),
        Part(tube(path, 0.42 * radius, segments=5), "cu", 1, 6.5),
    ]
    return benign(
        "cable", [*parts, *_plug(rng, path[0]), *_plug(rng, path[-1])], design="coil" if coiled else "loose"
    )


def make_charger(rng: Rng) -> Item:
    """Mains charger or power brick: board, transformer, capacitors, pins, cable."""
    x, y, z = draw(rng, 40, 130), draw(rng, 30, 65), draw(rng, 22, 38)
    parts = [*hollow(rounded_box(x, y, z, 4), rounded_box(x - 4, y - 4, z - 4, 3), "abs")]
    parts += moved(circuit_board(rng, 0.8 * x, 0.75 * y), z=-0.25 * z)
    core = draw(rng, 12, 22)
    parts.append(Part(box(core, core, 0.5 * z).moved(0.15 * x), "fe", 1, 4.5))
    parts.append(Part(cylinder(0.4 * core, 0.55 * z).moved(0.15 * x), "cu", 1, 4.0))
    parts += [
        Part(cylinder(draw(rng, 3, 6), draw(rng, 10, 20)).moved(-0.3 * x, s * 0.2 * y), "al", 1, 1.6)
        for s in (-1, 1)
    ]
    parts += [Part(box(18, 4, 4).moved(-x / 2 - 9, s * 9.5), "brass") for s in (-1, 1)]
    lead = spline(
        [(x / 2, 0, 0), (x / 2 + 40, 30, 0), (x / 2 - 10, 70, 3), (-0.4 * x, 50, 4), (0, 90, 2)], 60
    )
    parts += [Part(tube(lead, 2.0, segments=6), "pvc"), Part(tube(lead, 0.8, segments=5), "cu", 1, 6.5)]
    return benign("charger", parts)


def make_headphones(rng: Rng) -> Item:
    """Headphones with band, magnets and cable, or a pair of ear buds."""
    reach, cup = draw(rng, 65, 90), draw(rng, 26, 42)
    arch = spline(
        [
            (-reach, 0, 0),
            (-0.8 * reach, reach, 0),
            (0, 1.45 * reach, 0),
            (0.8 * reach, reach, 0),
            (reach, 0, 0),
        ],
        30,
    )
    parts = [Part(tube(arch, draw(rng, 3, 6)), "abs"), Part(tube(arch, 1.2, segments=5), "fe")]
    for side in (-1, 1):
        parts.append(Part(cylinder(cup, 22).rotated("y", 90).moved(side * reach), "foam"))
        parts.append(Part(cylinder(0.7 * cup, 8).rotated("y", 90).moved(side * reach), "abs"))
        parts.append(Part(cylinder(0.3 * cup, 6).rotated("y", 90).moved(side * reach), "fe"))
    return benign("headphones", parts, soft=0.1)


def make_hair_dryer(rng: Rng) -> Item:
    """Hair dryer: motor, fan, heating coil on mica, switch in the handle."""
    radius, long, grip = draw(rng, 26, 38), draw(rng, 130, 210), draw(rng, 90, 130)
    parts = [*hollow(cylinder(radius, long), cylinder(radius - 2.2, long - 4.4), "abs")]
    parts.append(Part(cylinder(14, 34).moved(z=-0.28 * long), "fe", 1, 4.5))
    parts.append(Part(cylinder(9, 26).moved(z=-0.28 * long), "cu", 1, 3.5))
    parts.append(Part(tube(helix(0.6 * radius, 0.4 * long, 12), 0.6, segments=5).moved(z=0.2 * long), "ss"))
    parts.append(Part(tube(helix(0.35 * radius, 0.4 * long, 10), 0.6, segments=5).moved(z=0.2 * long), "ss"))
    parts.append(Part(box(0.9 * radius, 1, 0.45 * long).moved(z=0.2 * long), "ceramic", 1, 2.4))
    parts.append(Part(rounded_box(34, grip, 28, 8).moved(0, -radius - grip / 2, -0.2 * long), "abs", 1, 0.5))
    parts.append(Part(box(10, 24, 10).moved(0, -radius - 0.4 * grip, -0.2 * long), "fe", 1, 2.5))
    return benign("hair_dryer", turned(parts, "y", 90), length_mm=round(long))


def make_mouse(rng: Rng) -> Item:
    """Computer mouse or remote control: board, wheel, cells."""
    x, y, z = draw(rng, 90, 190), draw(rng, 40, 64), draw(rng, 18, 36)
    parts = [*hollow(rounded_box(x, y, z, 14), rounded_box(x - 4, y - 4, z - 4, 12), "abs")]
    parts += moved(circuit_board(rng, 0.6 * x, 0.7 * y, density=0.7), 0.12 * x)
    parts += [
        Part(cylinder(6.5, 48, segments=16).rotated("y", 90).moved(-0.2 * x, s * 8), "alkaline")
        for s in (-1, 1)
    ]
    parts.append(Part(cylinder(9, 7).rotated("x", 90).moved(0.36 * x), "rubber"))
    return benign("mouse", parts)


def make_wallet(rng: Rng) -> Item:
    """Wallet or purse with cards, coins and a clasp."""
    x, y = draw(rng, 95, 190), draw(rng, 75, 110)
    skin = Texture("leather", int(rng.integers(2**31)), 0.6, 30.0)
    parts = [Part(rounded_box(x, y, draw(rng, 8, 22), 6), "leather", 1, draw(rng, 0.5, 0.8), skin)]
    parts += [
        Part(box(85.6, 54, 0.76).moved(draw(rng, -5, 5), draw(rng, -8, 8), 1.0 * k), "pvc")
        for k in range(count(rng, 2, 8))
    ]
    for k in range(count(rng, 0, 7)):
        spot = rng.uniform(-0.3, 0.3, 2) * [x, y]
        coin = cylinder(draw(rng, 8, 12.5), 2, segments=18).moved(float(spot[0]), float(spot[1]), 2.2 * k)
        parts.append(Part(coin, pick(rng, "brass", "cu", "fe")))
    if chance(rng, 0.4):
        parts.append(Part(prism(rounded_rectangle(16, 9, 3), 4).moved(x / 2 - 8), "zn"))
    return benign("wallet", parts, soft=0.2)


FAMILIES: dict[str, ItemMaker] = {
    "shoe": make_shoe,
    "belt": make_belt,
    "glasses": make_glasses,
    "watch": make_watch,
    "cable": make_cable,
    "charger": make_charger,
    "headphones": make_headphones,
    "hair_dryer": make_hair_dryer,
    "mouse": make_mouse,
    "wallet": make_wallet,
}
