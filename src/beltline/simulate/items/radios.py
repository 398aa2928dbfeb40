"""Things that sound: portable radios, walkie-talkies, loudspeakers, alarm clocks. They lie on their backs."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._device import Assembly, Device, intact
from beltline.simulate.items._innards import case, loudspeaker, pouch_cell, round_cell, screws, wire
from beltline.simulate.shapes import cylinder, helix, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part

_CELLS = {"AA": (7.1, 50.0), "AAA": (5.2, 44.5), "C": (13.0, 50.0), "D": (16.8, 61.0)}


def radio_device(rng: Rng) -> Device:
    """Portable radio: pocket, table or twin-speaker, with ferrite rod, variable capacitor and cells."""
    design = pick(rng, "pocket", "table", "twin")
    x = {"pocket": draw(rng, 104, 140), "table": draw(rng, 150, 260), "twin": draw(rng, 270, 380)}[design]
    y = (
        x
        * {"pocket": draw(rng, 0.55, 0.75), "table": draw(rng, 0.5, 0.72), "twin": draw(rng, 0.32, 0.48)}[
            design
        ]
    )
    z = {"pocket": draw(rng, 22, 34), "table": draw(rng, 42, 75), "twin": draw(rng, 60, 110)}[design]
    device, wall = Assembly(), draw(rng, 1.5, 2.8)
    material = pick(rng, "abs", "absf", "polystyrene", *(["wood"] if design == "table" else []))
    wall = draw(rng, 5, 8) if material == "wood" else wall
    device.skin(
        *case(x, y, z, wall, material, radius=draw(rng, 2, 14), bevel=draw(rng, 0.8, 3)), at=(0, 0, -z / 2)
    )
    low, high = -z / 2 + wall + 0.1, z / 2 - wall - 0.1
    inner_x, inner_y = x - 2 * wall - 6, y - 2 * wall - 5
    radius = min(
        inner_y * draw(rng, 0.36, 0.48), {"pocket": inner_x / 2 - 29, "table": 50, "twin": 60}[design]
    )
    sides = (-1, 1) if design == "twin" else (pick(rng, -1, 1),)
    depth = min(radius * draw(rng, 0.6, 0.9), (high - low) * 0.7)
    for side in sides:
        at = (side * (inner_x / 2 - radius - 2), 0.0)
        device.add(loudspeaker(rng, radius, depth), (*at, high - depth - 1.2), name="speaker")
        device.bay("speaker_cavity", (radius, inner_y / 2), low, high - depth - 2, at)
    free_x = inner_x - 2 * radius * len(sides) - 6
    middle = 0.0 if design == "twin" else -sides[0] * (radius + 2)
    _receiver(rng, device, middle, free_x, inner_y, low, high)
    _cells(rng, device, middle, free_x, inner_y, low, design)
    _aerial(rng, device, x, y, high)
    spots = [(s * (x / 2 - wall - 4), t * (y / 2 - wall - 4)) for s in (-1, 1) for t in (-1, 1)]
    device.skin(screws(spots, draw(rng, 8, 16), head=2.4), at=(0, 0, low))
    device.bay("gap", (inner_x / 2, inner_y / 2), low, high)
    return device.finish("radio", design, wall_mm=wall)


def _receiver(rng: Rng, device: Assembly, at: float, x: float, y: float, low: float, high: float) -> None:
    """Through-hole board with ferrite rod, tuning capacitor, coil cans, transformer, dial and knobs."""
    z = high - draw(rng, 0.24, 0.36) * (high - low)
    board = (x * draw(rng, 0.75, 0.95), y * draw(rng, 0.45, 0.65))
    centre = y / 2 - board[1] / 2 - 11
    device.add(circuit_board(rng, *board, density=0.5, tall=1.4), (at, centre, z - 8), name="board")
    long = min(x * 0.95, draw(rng, 50, 140))
    rod = cylinder(draw(rng, 3.5, 5), long, segments=12).rotated("y", 90)
    device.add([Part(rod, "ferrite")], (at, y / 2 - 5, z), name="ferrite_rod")
    for s in (-0.3, 0.15):
        coil = tube(helix(5.8, 12, 7, steps_per_turn=8), 0.5, segments=4).rotated("y", 90)
        device.skin(Part(coil, "cu"), at=(at + s * long, y / 2 - 5, z))
    tuner = boxes([(0, 0, 0)], (20, 20, 9))
    device.skin(
        Part(tuner, "pe"),
        Part(boxes([(0, 0, k * 1.1 - 3.3) for k in range(7)], (14, 14, 0.35)), "al"),
        at=(at + board[0] * 0.25, centre, z - 1),
    )
    cans = [(at - board[0] * 0.35 + 12.0 * k, centre - board[1] * 0.25, z - 2) for k in range(3)]
    device.add([Part(boxes(cans, (8, 8, 11)), "al", 1, 1.1)])
    for k in range(count(rng, 1, 3)):
        knob = cylinder(draw(rng, 7, 14), 7, segments=18)
        device.skin(
            Part(knob, "abs"),
            Part(cylinder(3, 12, segments=8).moved(z=-5), "fe", 1, 6),
            at=(at + x * (0.3 * k - 0.3), -y * 0.1, high + 3),
        )


def _cells(rng: Rng, device: Assembly, at: float, x: float, y: float, low: float, design: str) -> None:
    """Battery bay with round cells and spring contacts; sometimes with cells missing."""
    kind = {
        "pocket": pick(rng, "AA", "AAA"),
        "table": pick(rng, "AA", "C", "D"),
        "twin": pick(rng, "C", "D"),
    }[design]
    radius, length = _CELLS[kind]
    if length + 8 > x:
        radius, length = _CELLS["AAA" if x < 58 else "AA"]
    columns = 2 if x > 2 * length + 8 and chance(rng, 0.6) else 1
    rows = max(min(count(rng, 2, 4) // columns, int(y * 0.48 / (2 * radius + 1))), 1)
    left = chance(rng, 0.85)
    for i in range(columns):
        for j in range(rows):
            spot = (
                at + (i - (columns - 1) / 2) * (length + 4),
                -y / 2 + radius + 1 + j * (2 * radius + 1),
                low + 0.2,
            )
            if left or chance(rng, 0.5):
                device.add(round_cell(radius, length, "alkaline"), spot, degrees=180.0 * (j % 2), name="cell")
            spring = tube(helix(radius * 0.45, 6, 3, steps_per_turn=8), 0.5, segments=4).rotated("y", 90)
            device.skin(Part(spring, "fe"), at=(spot[0] - length / 2 - 3.4, spot[1], spot[2] + radius))
    half = columns * (length + 4) / 2
    deep = rows * (2 * radius + 1)
    device.room("battery_bay", (at - half, -y / 2, low), (at + half, -y / 2 + deep, low + 2 * radius + 4))


def _aerial(rng: Rng, device: Assembly, x: float, y: float, high: float) -> None:
    """Telescopic aerial along the top, folded."""
    if not chance(rng, 0.85):
        return
    long = x * draw(rng, 0.55, 0.95)
    for k, radius in enumerate((3.2, 2.5, 1.8)):
        rod = cylinder(radius, long - 6 * k, segments=10).rotated("y", 90)
        inner = cylinder(radius - 0.45, long - 6 * k - 1, segments=10).rotated("y", 90)
        device.skin(Part(rod, "brass"), Part(inner, "brass", -1), at=(3 * k - x * 0.02, y / 2 + 4, high - 6))
    device.skin(Part(cylinder(4.2, 9, segments=12), "zn"), at=(-long / 2, y / 2 + 4, high - 6))


def make_walkie_talkie(rng: Rng) -> Item:
    """Hand-held transceiver: thick battery at the back, die-cast frame, stub aerial with its coil."""
    x, y, z = draw(rng, 90, 135), draw(rng, 50, 62), draw(rng, 30, 42)
    device, wall = Assembly(), draw(rng, 1.6, 2.4)
    device.skin(*case(x, y, z, wall, pick(rng, "polycarbonate", "abs"), radius=5, bevel=2), at=(0, 0, -z / 2))
    low = -z / 2 + wall + 0.2
    deep = (z - 2 * wall) * draw(rng, 0.34, 0.46)
    device.add(pouch_cell(rng, x * 0.72, y * 0.8, deep), (-x * 0.1, 0, low), name="battery")
    device.add([Part(plate(x * 0.84, y * 0.84, draw(rng, 1.6, 2.6)), "al")], (0, 0, low + deep + 0.4))
    board = circuit_board(rng, x * 0.8, y * 0.78, density=1.8, tall=0.8)
    device.add(board, (0, 0, low + deep + 5))
    radius = min(y * 0.34, 18)
    room = max(z / 2 - wall - (low + deep + 8), 4.0)
    device.add(loudspeaker(rng, radius, min(room, 9)), (-x * 0.16, 0, z / 2 - wall - min(room, 9) - 1))
    long = draw(rng, 35, 170)
    at = (x / 2 + long / 2, -y * 0.3, 0)
    device.skin(Part(cylinder(draw(rng, 4, 7), long, segments=14).rotated("y", 90), "filled_rubber"), at=at)
    coil = tube(helix(2.4, long * 0.8, long / 6, steps_per_turn=7), 0.6, segments=4).rotated("y", 90)
    device.skin(Part(coil, "cu"), at=at)
    for k in range(2):
        knob = cylinder(5.5, 14, segments=14).rotated("y", 90)
        device.skin(
            Part(knob, "abs"),
            Part(cylinder(3, 20, segments=8).rotated("y", 90), "brass"),
            at=(x / 2 + 4, y * (0.06 + 0.26 * k), 0),
        )
    clip = plate(x * 0.55, 20, 1.6)
    device.skin(Part(clip, pick(rng, "ss", "nylon")), at=(0, 0, -z / 2 - 4))
    return device.finish("walkie_talkie", "walkie_talkie", aerial_mm=long).item


def speaker_device(rng: Rng) -> Device:
    """Cordless loudspeaker: bar or puck, one to three drivers, bass membrane weights, cells, small board."""
    design = pick(rng, "bar", "puck", "box")
    x, y, z = {
        "bar": (draw(rng, 150, 260), draw(rng, 55, 80), draw(rng, 50, 78)),
        "puck": (draw(rng, 80, 120), draw(rng, 80, 120), draw(rng, 40, 70)),
        "box": (draw(rng, 110, 190), draw(rng, 90, 140), draw(rng, 80, 130)),
    }[design]
    device, wall = Assembly(), draw(rng, 1.8, 3.2)
    round_edge = min(x, y) * (0.45 if design == "puck" else draw(rng, 0.06, 0.3))
    shell = case(
        x, y, z, wall, pick(rng, "abs", "absf", "polycarbonate"), radius=round_edge, bevel=draw(rng, 1, 5)
    )
    device.skin(*shell, at=(0, 0, -z / 2))
    low, high = -z / 2 + wall + 0.2, z / 2 - wall - 0.2
    inset = 0.3 * round_edge + wall + 2
    inner_x, inner_y = x - 2 * inset, y - 2 * inset
    drivers = {"bar": 2, "puck": 1, "box": 1}[design]
    radius = min(inner_x / (2 * drivers + 0.6), inner_y / 2) * draw(rng, 0.75, 0.98)
    depth = min(radius * 0.9, (high - low) * 0.55)
    for k in range(drivers):
        at = ((k - (drivers - 1) / 2) * inner_x * 0.62, 0.0, high - depth - 1)
        device.add(loudspeaker(rng, radius, depth), at, name="driver")
    grille = plate(inner_x, inner_y, draw(rng, 0.5, 0.9))
    device.skin(Part(grille, pick(rng, "fe", "al"), 1, 3.5), at=(0, 0, high - 0.7))
    cells = min(count(rng, 1, 3), max(int(inner_y / 19.5), 1))
    for k in range(cells):
        if inner_x > 67:
            spot = (0.0, -inner_y / 2 + 9.6 + 19 * k, low + 0.2)
            device.add(round_cell(9, 65), spot, name="cell")
        else:
            device.add(
                pouch_cell(rng, inner_x * 0.7, inner_y * 0.5, 6), (0, 0, low + 0.2 + 6.5 * k), name="cell"
            )
    tail = min(inner_x * 0.45, 60)
    device.add(
        circuit_board(rng, tail, inner_y * 0.6, density=1.1, tall=1.0),
        (inner_x / 2 - tail / 2, inner_y * 0.18, low + 22),
    )
    if design == "bar" and chance(rng, 0.6):
        for side in (-1, 1):
            weight = cylinder(min(inner_y, z) * 0.26, 2.5, segments=18).rotated("y", 90)
            device.add([Part(weight, "fe")], (side * (x / 2 - wall - 6), 0, 0), name="weight")
    lead = [(-inner_x * 0.3, 0, low + 21), (0, inner_y * 0.2, low + 25), (inner_x * 0.3, 0, low + 20)]
    device.skin(wire(lead, 0.7))
    device.bay("speaker_cavity", (inner_x / 2, inner_y / 2), low, high - depth - 2)
    device.bay("gap", (inner_x / 2, inner_y / 2), low, high - 1)
    return device.finish("speaker", design)


def _bell_clock(rng: Rng, device: Assembly, radius: float, z: float) -> None:
    """Steel can with brass plates, gears, mainspring and two bells."""
    height = z
    can = cylinder(radius, height, segments=28)
    device.skin(
        Part(can, "fe"), Part(can.scaled(1 - 0.6 / radius, 1 - 0.6 / radius, 1 - 1.2 / height), "fe", -1)
    )
    plates = boxes([(0, 0, s * height * 0.3) for s in (-1, 1)], (radius * 1.1, radius * 1.1, 1.2))
    device.add([Part(plates, "brass")])
    for k in range(count(rng, 4, 7)):
        a, r = draw(rng, 0, 6.28), radius * draw(rng, 0.1, 0.45)
        gear = cylinder(radius * draw(rng, 0.12, 0.32), 1.2, segments=16)
        device.skin(
            Part(gear, "brass"),
            Part(cylinder(0.9, height * 0.6, segments=6), "fe"),
            at=(r * np.cos(a), r * np.sin(a), (k % 3 - 1) * 3.0),
        )
    spring = tube(helix(radius * 0.25, 7, 9, steps_per_turn=12), 0.45, segments=4)
    device.skin(Part(spring, "fe"), at=(radius * 0.3, -radius * 0.3, 0))
    for side in (-1, 1):
        bell = cylinder(radius * 0.42, radius * 0.3, segments=20)
        inner = bell.scaled(0.94, 0.94, 0.9)
        device.skin(Part(bell, "fe"), Part(inner, "fe", -1), at=(side * radius * 0.55, radius * 1.2, 0))
    device.skin(Part(torus(radius * 1.02, 1.6, segments=28, tube_segments=6), "brass"), at=(0, 0, z / 2 - 1))


def _quartz_clock(rng: Rng, device: Assembly, radius: float, z: float) -> None:
    """Plastic case with a quartz movement, coil, cell and hands."""
    device.skin(
        *case(radius * 2.2, radius * 2, z, 1.8, pick(rng, "abs", "polystyrene"), radius=8), at=(0, 0, -z / 2)
    )
    device.add(case(56, 56, 15, 1.2, "abs", radius=3), (0, 0, -4))
    device.skin(
        Part(tube(helix(3, 18, 12, steps_per_turn=6), 0.9, segments=4).rotated("y", 90), "cu"), at=(0, 14, 3)
    )
    device.add(round_cell(7.1, 50, "alkaline"), (0, -14, -3.5))
    device.skin(*circuit_board(rng, 30, 18, density=0.6, tall=0.5), at=(0, 6, 6))
    hands = boxes(
        [(0, radius * 0.3, z / 2 - 4), (radius * 0.2, 0, z / 2 - 3)],
        [(1.6, radius * 0.7, 0.4), (radius * 0.5, 2.0, 0.4)],
    )
    device.skin(Part(hands, "al"), Part(plate(radius * 1.9, radius * 1.7, 1.2).moved(z=z / 2 - 6), "paper"))


def make_alarm_clock(rng: Rng) -> Item:
    """Bell clock with brass works and mainspring, or a plastic quartz one with a cell."""
    radius, z = draw(rng, 28, 52), draw(rng, 26, 45)
    device, bell = Assembly(), chance(rng, 0.5)
    (_bell_clock if bell else _quartz_clock)(rng, device, radius, z)
    return device.finish("alarm_clock", "bell" if bell else "quartz").item


FAMILIES: dict[str, ItemMaker] = {
    "radio": intact(radio_device),
    "walkie_talkie": make_walkie_talkie,
    "speaker": intact(speaker_device),
    "alarm_clock": make_alarm_clock,
}
