"""What devices are made of inside: cells, drives, fans, loudspeakers, motors, screws.

Every builder returns parts standing on z = 0, centred in x and y, in mm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate, scattered
from beltline.simulate.shapes import (
    Axis,
    cylinder,
    merge,
    prism,
    revolve,
    rounded_box,
    rounded_rectangle,
    spline,
    torus,
    tube,
)
from beltline.simulate.solids import Part, hollow, moved, turned

Parts = list[Part]
Size = tuple[float, float, float]


def case(
    x: float, y: float, z: float, wall: float, material: str, *, radius: float = 5.0, bevel: float = 1.2
) -> Parts:
    """Closed rounded box of constant wall; the inside is a copy of the outside, scaled."""
    outer = rounded_box(x, y, z, radius, bevel=bevel)
    inner = outer.scaled(*(1 - 2 * min(wall, 0.4 * s) / s for s in (x, y, z)))
    return moved(hollow(outer, inner, material), z=z / 2)


def pouch_cell(rng: Rng, x: float, y: float, z: float) -> Parts:
    """Flat lithium cell: wound stack, foil rim, tabs with a small protection board."""
    stack = prism(rounded_rectangle(x - 3, y - 3, 2, steps=1), z, bevel=min(0.6, z / 4)).moved(z=z / 2)
    rim = boxes([(0, s * (y / 2 - 0.7), z / 2) for s in (-1, 1)], (x, 1.0, min(0.5, z)))
    side = 1 if chance(rng, 0.5) else -1
    tabs = boxes(
        [(-x * 0.2, side * (y / 2 - 1.0), z * 0.85), (x * 0.1, side * (y / 2 - 1.0), z * 0.85)],
        (5.0, 2.0, 0.25),
    )
    return [
        Part(stack, "liion", 1, draw(rng, 2.1, 2.6)),
        Part(rim, "al"),
        Part(tabs, "ni"),
    ]


def round_cell(radius: float, length: float, material: str = "liion", *, segments: int = 14) -> Parts:
    """Cylindrical cell lying along x: steel can, filling, positive cap."""
    can = cylinder(radius, length, segments=segments)
    inner = can.scaled(1 - 0.3 / radius, 1 - 0.3 / radius, 1 - 1.0 / length)
    fill = can.scaled(1 - 0.35 / radius, 1 - 0.35 / radius, 1 - 5.0 / length)
    cap = cylinder(radius * 0.35, 1.4, segments=8).moved(z=length / 2 + 0.7)
    mandrel = Part(cylinder(0.9, 0.8 * (length - 5.0), segments=6), material, -1)
    parts = [*hollow(can, inner, "fe"), Part(fill, material), mandrel, Part(cap, "fe")]
    return moved(turned(parts, "y", 90), z=radius)


def cell_pack(rng: Rng, columns: int, rows: int, *, radius: float = 9.0, length: float = 65.0) -> Parts:
    """Round lithium cells end to end in rows, nickel strips between."""
    parts: Parts = []
    pitch_x, pitch_y = length + 2.5, 2 * radius + 0.5
    for i in range(columns):
        for j in range(rows):
            at = ((i - (columns - 1) / 2) * pitch_x, (j - (rows - 1) / 2) * pitch_y)
            cell = round_cell(radius, length)
            parts += moved(turned(cell, "z", 180.0 if (i + j) % 2 else 0.0), *at)
    ends = [((i - columns / 2) * pitch_x, 0.0, radius) for i in range(columns + 1)]
    parts.append(Part(boxes(ends, (0.3, rows * pitch_y * 0.8, 6.0)), "ni"))
    return parts


def hard_disk(rng: Rng, *, big: bool = False, z: float | None = None) -> Parts:
    """Disk drive: cast case, platters, spindle, arm, magnet, board below."""
    x, y = (147.0, 101.6) if big else (100.0, 69.8)
    height = z or (draw(rng, 19, 26) if big else pick(rng, 7.0, 9.5))
    radius = 47.5 if big else 32.5
    wall = 3.0 if big else 1.3
    parts = case(x, y, height - 1.6, wall, "al", radius=3, bevel=0.6)
    parts = moved(parts, z=1.6)
    centre = (-x / 2 + wall + radius + 1.0, 0.0)
    middle = 1.6 + (height - 1.6) / 2
    for k in range(count(rng, 1, 3) if big else 1):
        level = middle + (k - 0.5) * 3.0 * big
        parts += _platter(radius, centre, level, pick(rng, "al", "glass"))
    hub = cylinder(radius * 0.26, height - 1.6 - 2 * wall - 0.6, segments=18).moved(*centre, middle)
    parts.append(Part(hub, "fe", 1, 5.5))
    pivot = np.array([x / 2 - wall - radius * 0.42, y * draw(rng, -0.3, -0.2)])
    tip = np.array(centre) + np.array([0.35, -0.35]) * radius
    across = np.array([[0, -1], [1, 0]]) @ (tip - pivot) / np.linalg.norm(tip - pivot)
    arm = [pivot + across * 6, pivot - across * 6, tip - across * 1.2, tip + across * 1.2]
    parts.append(Part(prism(arm, 1.2).moved(z=middle + 1.2), "al"))
    magnet = boxes([(x / 2 - wall - 12, y * 0.2, middle)], (18, 22, min(height * 0.45, 8)))
    parts.append(Part(magnet, "fe", 1, 6.5))
    parts += moved(circuit_board(rng, x * 0.55, y * 0.9, density=0.5, tall=0), x * 0.18, 0, 0.3)
    return parts


def _platter(radius: float, centre: tuple[float, float], z: float, material: str) -> Parts:
    disc = cylinder(radius, 0.8, segments=30)
    hole = cylinder(radius * 0.27, 0.799, segments=30)
    return moved(hollow(disc, hole, material), *centre, z)


def stick(rng: Rng, x: float = 80.0, y: float = 22.0) -> Parts:
    """Solid state drive or memory module: a bare board with a row of equal chips and a gold edge."""
    chips = count(rng, 2, max(int(x / 13), 3))
    pitch = x * 0.86 / chips
    at = [((k - (chips - 1) / 2) * pitch, 0.0, 1.6) for k in range(chips)]
    size = (min(pitch * 0.8, 13.0), min(y * 0.55, 15.0))
    small = scattered(rng, (x * 0.92, y * 0.3), max(int(x / 4), 4), (0.8, 0.5, 0.4), (2.0, 1.2, 0.8))
    return [
        Part(plate(x, y, 0.9), "fr4"),
        Part(boxes([(0, 0, 0.45)], (x * 0.95, y * 0.93, 0.14)), "cu"),
        Part(boxes(at, (*size, 1.0)), "glass", 1, 1.9),
        Part(boxes([(a, b, 1.0) for a, b, _ in at], (size[0] * 0.85, size[1] * 0.85, 0.12)), "solder"),
        Part(small.moved(y=y * 0.34, z=0.9), "solder", 1, 4.0),
        Part(boxes([(-x / 2 + 1.5, 0, 0.95)], (2.5, y * 0.8, 0.1)), "gold", 1, 10.0),
    ]


def optical_drive(rng: Rng, z: float = 12.0) -> Parts:
    """Disc drive of 128 by 128 mm: sheet steel tray, spindle motor, sled on two rods, boards."""
    parts = case(128, 128, z, 0.5, "fe", radius=4, bevel=0.5)
    motor = cylinder(14, min(5.0, z * 0.5), segments=20).moved(-4, 4, z * 0.45)
    chuck = cylinder(7, 3, segments=16).moved(-4, 4, z * 0.45 + min(2.5, z * 0.25) + 1.5)
    rods = boxes([(28, 4 + s * 19, z * 0.35) for s in (-1, 1)], (62, 2.4, 2.4))
    sled = boxes([(draw(rng, 20, 44), 4, z * 0.4)], (17, 34, min(4.0, z * 0.4)))
    parts += [
        Part(motor, "fe", 1, 4.5),
        Part(chuck, "fe", 1, 4.0),
        Part(rods, "ss"),
        Part(sled, "zn", 1, 3.0),
    ]
    parts += moved(circuit_board(rng, 42, 108, density=0.7, tall=0.3), -40, 0, z * 0.22)
    if chance(rng, 0.25):
        disc = cylinder(59.5, 1.2, segments=36).moved(-1, 3, z * 0.85)
        parts.append(Part(disc, "polycarbonate"))
    return parts


def fan(rng: Rng, radius: float, height: float) -> Parts:
    """Radial blower: plastic housing, blades, hub with a magnet ring and windings."""
    outer = prism(rounded_rectangle(2 * radius + 6, 2 * radius + 6, radius * 0.7), height)
    inner = outer.scaled(1 - 3.0 / (radius + 3), 1 - 3.0 / (radius + 3), 1 - 1.6 / height)
    material = pick(rng, "nylon", "absf", "al")
    angle = np.linspace(0, 2 * np.pi, count(rng, 17, 31), endpoint=False)
    blade = boxes([(radius * 0.66, 0, 0)], (radius * 0.5, 0.8, height * 0.55))
    blades = [blade.rotated("z", float(np.degrees(a))) for a in angle]
    hub = cylinder(radius * 0.36, height * 0.5, segments=18)
    poles = np.column_stack([np.cos(angle[::4]), np.sin(angle[::4]), 0 * angle[::4]]) * radius * 0.18
    pins = boxes(poles, (2.0, 2.0, height * 0.4))
    parts = [
        *hollow(outer, inner, material),
        Part(merge(blades), "nylon"),
        Part(hub, "ferrite", 1, 2.2),
        Part(pins, "cu"),
    ]
    return moved(parts, z=height / 2)


def loudspeaker(rng: Rng, radius: float, depth: float) -> Parts:
    """Round loudspeaker facing up: steel basket, paper cone, magnet with pole plates, voice coil."""
    magnet = radius * draw(rng, 0.38, 0.62)
    thick = min(depth * 0.35, draw(rng, 3, 12))
    cone = revolve(
        [
            (magnet * 0.4, thick + 1),
            (radius * 0.9, depth),
            (radius * 0.9, depth + 0.5),
            (magnet * 0.4, thick + 1.6),
        ]
    )
    legs = count(rng, 4, 6)
    ribs = [
        boxes([(radius * 0.7, 0, 0)], (radius * 0.5, radius * 0.14, 0.8))
        .rotated("y", -np.degrees(np.arctan2(depth - thick, radius - magnet)) * 0.7)
        .rotated("z", 360.0 * k / legs)
        .moved(z=(depth + thick) / 2)
        for k in range(legs)
    ]
    return [
        Part(
            torus(radius * 0.95, min(radius * 0.05, 1.2), segments=26, tube_segments=5).moved(z=depth), "fe"
        ),
        Part(cone, "paper"),
        Part(merge(ribs), "fe"),
        Part(cylinder(magnet, thick, segments=22).moved(z=thick / 2), "ferrite"),
        Part(cylinder(magnet * 0.8, thick * 0.3, segments=22).moved(z=thick * 1.16), "fe", 1, 7.0),
        Part(cylinder(magnet * 0.4, 1.5, segments=14).moved(z=thick * 1.31 + 0.8), "cu", 1, 4.0),
    ]


def motor(rng: Rng, radius: float, length: float) -> Parts:
    """Direct current motor along x, centred on the axis at z = 0: can, magnets, windings, shaft."""
    can = cylinder(radius, length, segments=22)
    inner = can.scaled(1 - 1.6 / radius, 1 - 1.6 / radius, 1 - 3.0 / length)
    shaft = cylinder(radius * 0.13, length * 1.3, segments=8)
    core = cylinder(radius * 0.55, length * 0.5, segments=16)
    angle = np.arange(5) * 2 * np.pi / 5
    coils = [
        boxes([(radius * 0.62, 0, 0)], (radius * 0.16, radius * 0.5, length * 0.62)).rotated(
            "z", float(np.degrees(a))
        )
        for a in angle
    ]
    magnets = [
        prism(_ring_piece(radius * 0.74, radius * 0.9, a, a + 130), length * 0.6) for a in (-65.0, 115.0)
    ]
    commutator = cylinder(radius * 0.3, length * 0.12, segments=12).moved(z=length * 0.4)
    parts = [
        *hollow(can, inner, "fe"),
        Part(shaft, "ss", 1, 5.0),
        Part(core, "fe", 1, 4.5),
        Part(merge(coils), "cu", 1, 5.0),
        Part(merge(magnets), "ferrite"),
        Part(commutator, "cu", 1, 6.0),
    ]
    return turned(parts, "y", 90)


def _ring_piece(inner: float, outer: float, start: float, stop: float) -> NDArray[np.float64]:
    angle = np.radians(np.linspace(start, stop, 10))
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.concatenate([circle * outer, circle[::-1] * inner])


def screen(pane: Size, back: Size, z: float, metal: str) -> Parts:
    """Glass of a display, and the metal plate ``z`` mm above or below it; sizes in mm."""
    return [Part(plate(*pane), "glass"), Part(plate(*back).moved(z=z), metal)]


def screws(
    spots: ArrayLike, length: float, *, axis: Axis = "z", head: float = 2.6, material: str = "fe"
) -> Part:
    """Upright screws with heads at z = 0, shank upwards, at spots (N, 2) mm."""
    at = np.atleast_2d(np.asarray(spots, dtype=np.float64))
    heads = boxes(np.column_stack([at, np.full(len(at), 0.5)]), (head * 1.7, head * 1.7, 1.0))
    shanks = boxes(np.column_stack([at, np.full(len(at), 1 + length / 2)]), (head * 0.8, head * 0.8, length))
    return Part(merge([heads, shanks]), material, 1, 5.5)


def wire(points: Sequence[Sequence[float]], radius: float = 0.5) -> Part:
    """Thin copper wire through points."""
    return Part(tube(spline(points, 18), radius, segments=4), "cu", 1, 6.0)
