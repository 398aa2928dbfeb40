"""Compact, reflex and film cameras, lenses, small drones. The lens looks up."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board
from beltline.simulate.items._device import Assembly, Device, Point, intact
from beltline.simulate.items._innards import case, motor, pouch_cell, round_cell, screen, screws, wire
from beltline.simulate.shapes import cylinder, prism, revolve, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, turned


def _barrel(rng: Rng, radius: float, long: float, *, lenses: int) -> list[Part]:
    """Lens barrel standing on z = 0: nested tubes, glass elements in rings, focus helix, iris, mount."""
    material = pick(rng, "al", "al", "polycarbonate", "brass")
    wall = draw(rng, 1.2, 2.0) if material != "brass" else 0.9
    segments = 30
    profile = [(radius, 0.0), (radius, long * 0.55), (radius * draw(rng, 0.9, 1.08), long)]
    outer = revolve(profile, segments=segments)
    inner = outer.scaled(1 - wall / radius, 1 - wall / radius, 0.998).moved(z=0.001 * long)
    parts: list[Part] = list(hollow(outer, inner, material))
    slim = radius * draw(rng, 0.76, 0.86)
    sleeve = cylinder(slim, long * 0.7, segments=segments).moved(z=long * 0.5)
    bore = cylinder(slim - 1.2, long * 0.699, segments=segments).moved(z=long * 0.5)
    parts += hollow(sleeve, bore, pick(rng, "al", "polycarbonate"))
    for k in range(lenses):
        z = long * (0.12 + 0.78 * k / max(lenses - 1, 1))
        size = slim * draw(rng, 0.5, 0.94) if k < lenses - 1 else slim * 0.95
        bulge = draw(rng, 0.6, 0.09 * size + 0.8)
        edge = draw(rng, 0.8, 2.2)
        shape = [
            (0.0, -edge / 2 - bulge),
            (size * 0.6, -edge / 2 - bulge * 0.6),
            (size, -edge / 2),
            (size, edge / 2),
            (size * 0.6, edge / 2 + bulge * 0.6),
            (0.0, edge / 2 + bulge),
        ]
        parts.append(Part(revolve(shape, segments=20).moved(z=z), "glass", 1, draw(rng, 2.5, 3.8)))
        parts.append(Part(torus(size + 0.7, 0.6, segments=20, tube_segments=4).moved(z=z), "brass"))
    parts.append(Part(torus(radius * 0.92, 1.0, segments=24, tube_segments=5).moved(z=0.8), "ss"))
    grip = (
        torus(radius + 0.8, 0.9, segments=28, tube_segments=5).scaled(1, 1, long * 0.12).moved(z=long * 0.62)
    )
    parts.append(Part(grip, "filled_rubber"))
    return parts


def _body(rng: Rng, device: Assembly, x: float, y: float, z: float, material: str) -> tuple[float, float]:
    wall = draw(rng, 1.0, 1.6) if material in ("al", "mg") else draw(rng, 1.4, 2.2)
    device.skin(
        *case(x, y, z, wall, material, radius=draw(rng, 4, 14), bevel=draw(rng, 0.8, 3)), at=(0, 0, -z / 2)
    )
    device.bay("gap", (x / 2 - wall - 3, y / 2 - wall - 3), -z / 2 + wall + 0.2, z / 2 - wall - 0.2)
    spots = [(s * (x / 2 - wall - 3), t * (y / 2 - wall - 3)) for s in (-1, 1) for t in (-1, 1)]
    device.skin(screws(spots, 4, head=1.6), at=(0, 0, -z / 2 + wall))
    return -z / 2 + wall + 0.2, z / 2 - wall - 0.2


def _frame(y: float, half: Point, long: Point, thick: float, tall: float) -> list[Part]:
    """Casting round the light path: two walls ``half`` mm away along x and two along y, ``long`` mm each."""
    spots = [(s * half[0], y, 0) for s in (-1, 1)] + [(0, y + s * half[1], 0) for s in (-1, 1)]
    return [Part(boxes(spots, [(thick, long[0], tall)] * 2 + [(long[1], thick, tall)] * 2), "al")]


def _compact(rng: Rng) -> Device:
    """Compact camera: retracting lens, flash capacitor, small cell."""
    device = Assembly()
    x, y, z = draw(rng, 88, 112), draw(rng, 52, 66), draw(rng, 19, 32)
    low, high = _body(rng, device, x, y, z, pick(rng, "al", "abs", "absf", "polycarbonate"))
    radius = y * draw(rng, 0.26, 0.4)
    at = (draw(rng, -0.05, 0.12) * x, draw(rng, -0.08, 0.02) * y)
    device.add(
        _barrel(rng, radius, high - low + draw(rng, 0, 14) - 5, lenses=count(rng, 3, 6)),
        (*at, low + 4.5),
        name="lens",
    )
    device.add(
        circuit_board(rng, x * 0.55, y * 0.85, density=2, tall=0), (x * draw(rng, -0.12, 0.05), 0, low + 3.0)
    )
    back = screen((x * 0.52, y * 0.7, 1.2), (x * 0.54, y * 0.74, 0.4), 1.3, "ss")
    device.add(back, (-x * 0.1, 0, low))
    flash = turned([Part(cylinder(4.5, 30, segments=12), "al", 1, 1.7)], "x", 90)
    device.add(flash, (-x * 0.4, -y * 0.08, 0), name="capacitor")
    device.add([Part(boxes([(0, 0, 0)], (16, 5, 5)), "glass", 1, 1.2)], (-x * 0.3, y * 0.38, high - 3))
    cell = pouch_cell(rng, min(15.0, x * 0.16), y * 0.72, min(10.0, high - low - 1))
    device.add(cell, (x / 2 - 14, -y * 0.04, low), name="battery")
    device.skin(Part(torus(4, 0.9, segments=12, tube_segments=5), "ss"), at=(x / 2 + 2, y * 0.2, 0))
    return device.finish("camera", "compact")


def _mirror(rng: Rng) -> Device:
    """Single-lens reflex: chassis, mirror box, glass prism, shutter, motors, lens with many elements."""
    device = Assembly()
    x, y, z = draw(rng, 122, 155), draw(rng, 88, 108), draw(rng, 48, 62)
    low, high = _body(rng, device, x, y, z, pick(rng, "mg", "polycarbonate", "absf"))
    radius, long = draw(rng, 30, 41), draw(rng, 30, 130)
    box_size, box_y = 46.0, -y * 0.08
    device.add(_barrel(rng, radius, long, lenses=count(rng, 6, 11)), (0, box_y, high + 1), name="lens")
    device.add(_frame(box_y, (box_size / 2, 20), (41, box_size - 2), 1.6, z * 0.6))
    mirror = boxes([(0, 0, 0)], (36, 26, 1.4)).rotated("x", 45)
    device.skin(Part(mirror, "glass"), at=(0, box_y, 2))
    device.add(
        [
            Part(boxes([(0, 0, 0)], (40, 30, 1.2)), "al"),
            Part(boxes([(0, 0, -2)], (26, 20, 1.0)), "si"),
            Part(boxes([(0, 0, -3)], (34, 28, 1.0)), "fr4"),
        ],
        (0, box_y, low + 8),
    )
    prism_y = y / 2 - 17
    pentagon = [(-15, -9), (15, -9), (15, 2), (0, 11), (-15, 2)]
    device.add(
        [Part(prism(pentagon, draw(rng, 20, 30)), pick(rng, "glass", "glass", "pmma"))],
        (0, prism_y, draw(rng, -4, 2)),
        name="prism",
    )
    device.add(circuit_board(rng, x * 0.28, y * 0.7, density=1.8, tall=0.3), (x * 0.31, 0, low + 6))
    device.add(circuit_board(rng, x * 0.2, y * 0.6, density=1.4, tall=0.3), (-x * 0.3, 0, low + 5))
    device.add(screen((66, 50, 1.2), (68, 52, 0.4), 1.3, "al"), (0, box_y, low))
    device.add(turned(pouch_cell(rng, 40, 56, 20), "x", 0), (-x / 2 + 26, -y * 0.08, low + 8), name="battery")
    device.add(motor(rng, 6, 18), (x * 0.28, -y * 0.34, 4), name="motor")
    device.add(
        [Part(cylinder(6, 30, segments=14).rotated("x", 90), "al", 1, 1.7)], (x * 0.4, 0, 6), name="capacitor"
    )
    for s in (-1, 1):
        device.skin(
            Part(torus(5, 1.1, segments=12, tube_segments=5), "ss"), at=(s * (x / 2 + 3), y * 0.34, 0)
        )
        device.skin(
            Part(cylinder(9, 9, segments=18).rotated("x", 90), "abs"),
            Part(cylinder(2.5, 16, segments=8).rotated("x", 90), "brass"),
            at=(s * x * 0.34, y / 2, 2),
        )
    device.skin(Part(boxes([(0, 0, 0)], (20, 3, 18)), "ss", 1, 4.0), at=(0, y / 2 + 1.5, -2))
    return device.finish("camera", "reflex", lens_mm=long)


def _film(rng: Rng) -> Device:
    """Film camera: aluminium casting, film cartridge with film, spools, gears, fixed lens."""
    device = Assembly()
    x, y, z = draw(rng, 118, 145), draw(rng, 66, 90), draw(rng, 32, 46)
    low, high = _body(rng, device, x, y, z, pick(rng, "abs", "al", "absf"))
    device.add(
        _barrel(rng, draw(rng, 20, 30), draw(rng, 14, 45), lenses=count(rng, 3, 6)),
        (0, -4, high + 0.5),
        name="lens",
    )
    device.add(_frame(-4, (20, 15), (32, 38), 2, z * 0.5))
    if chance(rng, 0.75):
        can = turned(
            [
                *hollow(cylinder(12.5, 46, segments=18), cylinder(12.2, 45.6, segments=18), "fe"),
                Part(cylinder(9, 34, segments=16), "pet", 1, 1.0),
                Part(cylinder(5, 47, segments=12), "abs", 1, 0.8),
            ],
            "x",
            90,
        )
        device.add(can, (-x / 2 + 20, -3, 0), name="film")
    spool = turned(
        [Part(cylinder(7, 40, segments=14), "abs"), Part(cylinder(1.5, 52, segments=8), "fe")], "x", 90
    )
    device.add(spool, (x / 2 - 20, -3, 0), name="spool")
    for k in range(count(rng, 3, 6)):
        gear = cylinder(draw(rng, 4, 9), 1.6, segments=14).rotated("x", 90)
        device.skin(
            Part(gear, pick(rng, "brass", "fe", "pom")),
            at=(draw(rng, -0.35, 0.35) * x, y / 2 - 5 - (k % 3) * 2.2, draw(rng, -4, 4)),
        )
    device.add(circuit_board(rng, x * 0.4, 12, density=1, tall=0.5), (0, y * 0.36, low + 8))
    for k in range(count(rng, 1, 2)):
        device.add(
            turned(round_cell(7.1, 50, "alkaline"), "z", 90),
            (x / 2 - 10 - 15 * k, 0, low + 1),
            name="battery",
        )
    return device.finish("camera", "film")


def camera_device(rng: Rng) -> Device:
    """Compact, reflex or film camera."""
    return pick(rng, _compact, _mirror, _film)(rng)


def make_camera_lens(rng: Rng) -> Item:
    """A lens alone with its caps."""
    device = Assembly()
    radius, long = draw(rng, 27, 46), draw(rng, 28, 190)
    device.add(_barrel(rng, radius, long, lenses=count(rng, 5, 14)))
    ring = torus(radius * 0.7, 3.0, segments=22, tube_segments=5)
    device.skin(Part(ring, "cu", 1, 2.0), at=(0, 0, long * 0.35))
    device.add([Part(cylinder(radius, 2.2, segments=24), "abs")], (0, 0, -3))
    if chance(rng, 0.7):
        device.add([Part(cylinder(radius * 0.95, 2.5, segments=24), "abs")], (0, 0, long + 2))
    device.skin(
        *circuit_board(rng, radius * 0.8, radius * 0.4, density=2, tall=0), at=(0, radius * 0.7, long * 0.3)
    )
    made = device.finish("camera_lens", "lens", long_mm=long)
    laid = tuple(turned(made.item.parts, "y", 90.0))
    return Item("camera_lens", "camera_lens", laid, params=made.item.params)


def make_drone(rng: Rng) -> Item:
    """Small four-rotor aircraft: arms with motors, battery, stacked boards, camera on dampers, propellers."""
    device = Assembly()
    x, y, z = draw(rng, 110, 175), draw(rng, 60, 95), draw(rng, 34, 58)
    wall = draw(rng, 1.2, 1.8)
    device.skin(
        *case(x, y, z, wall, pick(rng, "abs", "polycarbonate", "absf"), radius=20, bevel=6), at=(0, 0, -z / 2)
    )
    device.add(pouch_cell(rng, x * 0.6, y * 0.6, z * 0.36), (-x * 0.12, 0, -z * 0.05), name="battery")
    for k in range(2):
        device.add(circuit_board(rng, x * 0.6, y * 0.6, density=2, tall=0), (0, 0, -z * 0.3 + 6 * k))
    folded = chance(rng, 0.5)
    for sx in (-1, 1):
        for sy in (-1, 1):
            reach = np.array([sx * x * (0.1 if folded else 0.62), sy * (y * 0.62 if folded else y * 1.0)])
            root = np.array([sx * x * 0.4, sy * y * 0.42])
            device.skin(
                Part(tube([(*root, 0), (*reach, 0)], 6.5, segments=10), "polycarbonate", 1, 0.6),
                at=(0, 0, z * 0.1),
            )
            device.skin(wire([(*root, z * 0.1), (*(root + reach) / 2, z * 0.1 + 1), (*reach, z * 0.1)], 0.8))
            hub = [
                Part(cylinder(draw(rng, 9, 12), 10, segments=18), "cu", 1, 4.0),
                Part(cylinder(12.5, 4, segments=18).moved(z=6.5), "fe", 1, 4.0),
                Part(cylinder(1.6, 24, segments=8), "ss"),
            ]
            device.skin(*hub, at=(*reach, z * 0.1 + 10))
            angle = draw(rng, 0, 180)
            device.add(
                [Part(boxes([(0, 0, 0)], (x * 0.8, 11, 1.2)), pick(rng, "nylon", "carbon_fibre"))],
                (*reach, z * 0.1 + 20),
                degrees=angle,
                solid=False,
            )
    gimbal = [
        *case(22, 22, 20, 1.0, "al", radius=4),
        Part(cylinder(7, 9, segments=16).rotated("y", 90).moved(12, 0, 10), "glass", 1, 1.6),
        Part(cylinder(8, 6, segments=14).moved(-14, 0, 10), "fe", 1, 3.5),
    ]
    device.skin(*gimbal, at=(x / 2 + 14, 0, -z * 0.4))
    return device.finish("drone", "quad", folded=folded).item


FAMILIES: dict[str, ItemMaker] = {
    "camera": intact(camera_device),
    "camera_lens": make_camera_lens,
    "drone": make_drone,
}
