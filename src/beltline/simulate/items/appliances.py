"""Small household appliances: electric kettle, iron, hair clipper, electric toothbrush, shaver."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._build import benign, vessel
from beltline.simulate.items._innards import motor, round_cell, screws, wire
from beltline.simulate.shapes import (
    Array,
    box,
    cylinder,
    helix,
    loft,
    merge,
    prism,
    revolve,
    spline,
    superellipse,
    sweep,
    torus,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def make_kettle(rng: Rng) -> Item:
    """Electric kettle lying on its side: wall, heating ring below the floor, thermostat, handle, lid."""
    radius, tall = draw(rng, 52, 78), draw(rng, 130, 220)
    steel = chance(rng, 0.5)
    wall = draw(rng, 0.4, 0.7) if steel else draw(rng, 1.8, 2.8)
    material = "ss" if steel else pick(rng, "pp", "talc_pp", "glass")
    top = draw(rng, 0.72, 0.95)
    profile = [
        (radius * 0.98, 0),
        (radius, tall * 0.1),
        (radius * (1 + top) / 2, tall * 0.6),
        (radius * top, tall),
    ]
    parts = [Part(vessel(profile, wall, segments=30), material)]
    parts.append(Part(cylinder(radius * 0.9, 1.0, segments=28).moved(z=wall + 1), "ss"))
    angle = np.radians(np.linspace(20, 340, 26))
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * radius * draw(rng, 0.55, 0.75)
    heater = np.column_stack([ring, np.full(26, -5.0)])
    parts += [
        Part(tube(heater, 3.6, segments=8), "al", 1, 2.0),
        Part(tube(heater, 1.1, segments=5), "ni", 1, 6.0),
    ]
    base = cylinder(radius * 1.02, 26, segments=28)
    parts += moved(hollow(base, base.scaled(0.95, 0.95, 0.85), "pp"), z=-14)
    parts += moved(_thermostat(), z=-14)
    bow = spline(
        [
            (radius * 0.95, 0, tall * 0.15),
            (radius + 38, 0, tall * 0.2),
            (radius + 42, 0, tall * 0.7),
            (radius * 0.9, 0, tall * 0.98),
        ],
        18,
    )
    parts.append(Part(tube(bow, 11, segments=12), "pp", 1, draw(rng, 0.35, 0.6)))
    parts.append(wire(spline(bow, 5).tolist(), 0.9))
    parts.append(Part(cylinder(radius * top * 0.95, 9, segments=24).moved(z=tall + 2), "pp", 1, 0.6))
    parts.append(Part(boxes([(radius * 0.7, 0, tall + 4)], (10, 24, 3)), "fe", 1, 4.0))
    if chance(rng, 0.5):
        stand = [
            Part(cylinder(radius * 1.1, 20, segments=28), "pp", 1, 0.4),
            Part(torus(radius * 0.9, 3), "cu", 1, 4.0),
        ]
        parts += moved(stand, z=-40)
    return benign("kettle", turned(turned(parts, "z", 90), "y", 90), steel=steel, tall_mm=tall)


def _thermostat() -> list[Part]:
    """Switch block with bimetal disc, contacts and terminals."""
    return [
        Part(cylinder(22, 12, segments=20), "nylon", 1, 1.0),
        Part(cylinder(13, 0.5, segments=18).moved(z=8), "ni"),
        Part(boxes([(a, b, 0) for a in (-14, 14) for b in (-8, 8)], (7, 3, 16)), "brass"),
        Part(cylinder(7, 16, segments=14).moved(z=-2), "brass", 1, 3.0),
    ]


def make_iron(rng: Rng) -> Item:
    """Iron lying on its side: die-cast sole with heater, water tank, handle, cable; or a travel iron."""
    travel = chance(rng, 0.35)
    long = draw(rng, 140, 185) if travel else draw(rng, 220, 275)
    wide, high = long * draw(rng, 0.4, 0.48), long * draw(rng, 0.34, 0.48)
    x = np.linspace(-0.5, 0.5, 14)
    half = 0.5 * wide * np.clip(1 - (np.maximum(x + 0.15, 0) / 0.65) ** 2, 0.015, 1)
    outline = np.concatenate([np.column_stack([x * long, half]), np.column_stack([x * long, -half])[::-1]])
    parts = [Part(prism(outline, draw(rng, 1.5, 3)).moved(z=1), pick(rng, "ss", "al", "ceramic"))]
    parts.append(Part(prism(outline * 0.93, draw(rng, 6, 10)).moved(z=8), "al", 1, 2.5))
    bend = outline[[0, 4, 8, 11, 16, 19, 23, 27]] * [0.72, 0.66]
    heater = np.column_stack([spline(bend, 30), np.full(30, 15.0)])
    parts += [Part(tube(heater, 3.2, segments=7), "fe", 1, 4.0)]
    rings = [(1.0, 18.0), (0.9, high * 0.4), (0.55, high * 0.6)]
    skirt = loft([np.column_stack([outline * s, np.full(len(outline), z)]) for s, z in rings])
    middle: Array = np.array([0.0, 0.0, (18 + high * 0.6) / 2])
    inner = skirt.moved(*-middle).scaled(0.93, 0.88, 0.9).moved(*middle)
    parts += hollow(skirt, inner, "talc_pp")
    if not travel and chance(rng, 0.6):
        parts.append(
            Part(prism(outline * [0.5, 0.6] + [long * 0.12, 0], high * 0.2).moved(z=high * 0.34), "water")
        )
    grip = spline(
        [
            (-long * 0.42, 0, high * 0.5),
            (-long * 0.4, 0, high),
            (0, 0, high * 1.05),
            (long * 0.22, 0, high * 0.72),
        ],
        16,
    )
    parts.append(
        Part(sweep(grip, superellipse(13, 15, 2.6, segments=14)), "talc_pp", 1, draw(rng, 0.45, 0.8))
    )
    dial = [
        Part(cylinder(wide * 0.17, 9, segments=20), "pp"),
        Part(cylinder(3, 30, segments=8).moved(z=-16), "fe", 1, 6.0),
    ]
    parts += moved(dial, -long * 0.08, 0, high * 0.62)
    parts.append(Part(boxes([(-long * 0.15, 0, 24)], (26, 10, 8)), "brass", 1, 4.0))
    turns = helix(draw(rng, 28, 48), 26, count(rng, 2, 5), steps_per_turn=16)
    turns += np.array([-long / 2 - 20, 0, high * 0.5])
    parts += [
        Part(tube(turns, 3.4, segments=6), "pvc", 1, 0.9),
        Part(tube(turns, 1.0, segments=5), "cu", 1, 7.0),
    ]
    parts += moved([screws(outline[::5] * 0.8, 9)], z=12)
    return benign("iron", turned(parts, "x", 90), travel=travel, long_mm=long)


def _grip(rng: Rng, long: float, radius: float, material: str) -> tuple[list[Part], float]:
    """Slim round housing along x, centred; returns it and its wall in mm."""
    wall = draw(rng, 1.6, 2.3)
    z = np.linspace(-long / 2, long / 2, 7)
    swell = radius * np.array([0.72, 0.95, 1.0, 0.97, 0.92, 0.97, 0.86])
    outer = revolve(np.column_stack([swell, z]), segments=20)
    inner = outer.scaled(1 - wall / radius, 1 - wall / radius, 1 - 2 * wall / long)
    return turned(hollow(outer, inner, material), "y", 90), wall


def make_hair_clipper(rng: Rng) -> Item:
    """Clipper or beard trimmer: comb of steel teeth, moving blade, motor or swing magnet, cell, board."""
    long, radius = draw(rng, 125, 185), draw(rng, 15, 23)
    parts, wall = _grip(rng, long, radius, pick(rng, "abs", "absf", "polycarbonate"))
    wide = radius * draw(rng, 1.6, 2.1)
    teeth = int(wide / 1.6)
    y = (np.arange(teeth) - (teeth - 1) / 2) * 1.6
    front = long / 2
    for level, out, thick in ((-1.3, 9.0, 1.6), (0.8, 6.5, 1.2)):
        comb = boxes(
            np.column_stack([np.full(teeth, front + 9 + out / 2), y, np.full(teeth, level)]),
            (out, 0.9, thick),
        )
        parts.append(Part(merge([comb, boxes([(front + 1, 0, level)], (16, wide, thick))]), "fe"))
    parts.append(Part(boxes([(front - 5, 0, -5)], (14, wide * 0.7, 5)), pick(rng, "zn", "nylon"), 1, 3.0))
    if chance(rng, 0.7):
        parts += moved(motor(rng, min(radius * 0.55, 12), 30), front - 34)
        parts.append(Part(cylinder(3.5, 6, segments=10).rotated("y", 90).moved(front - 12, 2), "pom"))
    else:
        core = boxes([(front - 40, 0, -5), (front - 40, 0, 5)], (34, radius * 1.1, 4))
        parts += [
            Part(core, "fe", 1, 7.0),
            Part(boxes([(front - 40, 0, 0)], (18, radius * 0.8, 6)), "cu", 1, 5.0),
        ]
    cell = moved(round_cell(min(7.1, radius * 0.5), 50), z=-7)
    parts += moved(cell, -long * 0.18, 0, -1)
    board = circuit_board(rng, long * 0.36, radius * 1.1, density=0.8, tall=0.5)
    parts += moved(board, -long * 0.2, 0, radius - wall - 8)
    parts.append(wire([(-long * 0.4, 3, 0), (0, 5, 4), (front - 50, 2, 3)], 0.8))
    return benign("hair_clipper", parts, long_mm=long)


def make_electric_toothbrush(rng: Rng) -> Item:
    """Electric toothbrush: charging coil, cell, motor, steel drive shaft, with or without its head."""
    long, radius = draw(rng, 150, 195), draw(rng, 12.5, 16)
    parts, _ = _grip(rng, long, radius, pick(rng, "abs", "absf", "pp"))
    coil = tube(helix(radius * 0.55, 12, 9, steps_per_turn=10), 0.6, segments=4).rotated("y", 90)
    parts += moved(
        [Part(coil, "cu"), Part(cylinder(3, 16, segments=10).rotated("y", 90), "ferrite")], -long * 0.42
    )
    parts += moved(round_cell(7.1, 50), -long * 0.18, 0, -7)
    parts += moved(motor(rng, min(radius * 0.62, 9), 28), long * 0.2)
    board = circuit_board(rng, long * 0.42, radius * 1.05, density=1.2, tall=0.2)
    parts += moved(board, -long * 0.1, 0, 8.6)
    parts.append(Part(cylinder(1.8, 42, segments=8).rotated("y", 90).moved(long / 2), "ss"))
    if chance(rng, 0.6):
        neck = cylinder(4.4, 66, segments=12).rotated("y", 90).moved(long / 2 + 44)
        parts += [Part(neck, "pp", 1, 0.7), Part(box(14, 13, 8).moved(long / 2 + 82), "nylon", 1, 0.6)]
    return benign("electric_toothbrush", parts, long_mm=long)


def make_shaver(rng: Rng) -> Item:
    """Electric shaver with foil or three turning heads."""
    long, radius = draw(rng, 110, 150), draw(rng, 21, 29)
    parts, _ = _grip(rng, long, radius, pick(rng, "abs", "absf"))
    parts += moved(motor(rng, 11, 32), long * 0.16)
    for k in range(count(rng, 1, 2)):
        parts += moved(round_cell(7.1, 50), -long * 0.2, (k - 0.5) * 15, -10)
    parts += moved(
        circuit_board(rng, long * 0.5, radius * 1.2, density=1, tall=0.4), -long * 0.1, 0, radius * 0.45
    )
    if chance(rng, 0.5):
        for a in np.arange(3) * 2.094:
            head = [
                Part(cylinder(10.5, 3.5, segments=20), "ss", 1, 3.5),
                Part(torus(8, 1, segments=18, tube_segments=4), "ss"),
            ]
            parts += moved(turned(head, "y", 90), long / 2 + 9, 13 * np.cos(a), 13 * np.sin(a))
    else:
        foil = [Part(box(9, 44, 2.5).moved(0, 0, s * 8.0), "ss", 1, 4.0) for s in (-1, 0, 1)]
        parts += moved([*foil, Part(plate(16, 46, 4).moved(-12, 0, -2), "nylon")], long / 2 + 8)
    return benign("shaver", parts, long_mm=long)


FAMILIES: dict[str, ItemMaker] = {
    "kettle": make_kettle,
    "iron": make_iron,
    "hair_clipper": make_hair_clipper,
    "electric_toothbrush": make_electric_toothbrush,
    "shaver": make_shaver,
}
