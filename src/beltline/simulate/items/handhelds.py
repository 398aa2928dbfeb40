"""Flat things held in the hand: tablets, e-readers, telephones, calculators."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._device import Assembly, Device, Point, intact
from beltline.simulate.items._innards import case, pouch_cell, round_cell, screen, screws, wire
from beltline.simulate.shapes import cylinder, helix, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part


def tablet_device(rng: Rng) -> Device:
    """Tablet computer: one or two big cells, a narrow board at an edge or in the middle."""
    x, z = draw(rng, 185, 290), draw(rng, 7, 11)
    y = x * draw(rng, 0.58, 0.78)
    device, metal = Assembly(), chance(rng, 0.55)
    wall = min(draw(rng, 0.7, 1.1) if metal else draw(rng, 1.2, 1.8), 0.14 * z)
    low, high = _slab(
        rng, device, x, y, z, wall, "al" if metal else pick(rng, "abs", "absf", "polycarbonate")
    )
    room = high - low
    design = pick(rng, "edge_board", "middle_board", "side_board")
    deep = y * draw(rng, 0.16, 0.3) if design == "edge_board" else x * draw(rng, 0.14, 0.26)
    thick = min(room * draw(rng, 0.55, 0.85), 5.0)
    inner_x, inner_y = x - 2 * wall - 8, y - 2 * wall - 8
    if design == "edge_board":
        _board(rng, device, (inner_x * draw(rng, 0.5, 0.95), deep), (0, inner_y / 2 - deep / 2), low, 1.5)
        cells = count(rng, 1, 3)
        wide = inner_x * draw(rng, 0.7, 0.95) / cells
        spots = [((k - (cells - 1) / 2) * wide, -deep / 2 - 2) for k in range(cells)]
        size = (wide - 2, inner_y - deep - 12)
    elif design == "middle_board":
        _board(rng, device, (deep, inner_y * 0.9), (0, 0), low, 1.5)
        wide = (inner_x - deep) / 2
        spots = [(s * (deep + wide) / 2, 0.0) for s in (-1, 1)]
        size = (wide - 5, inner_y * draw(rng, 0.6, 0.9))
    else:
        _board(rng, device, (deep, inner_y * draw(rng, 0.55, 0.95)), (inner_x / 2 - deep / 2, 0), low, 1.5)
        spots, size = [(-deep / 2, 0.0)], (inner_x - deep - 10, inner_y * draw(rng, 0.5, 0.85))
    for spot in spots:
        device.add(pouch_cell(rng, *size, thick), (*spot, low + 0.1), name="battery")
    _around(rng, device, x, y, low, room)
    _rooms(device, (inner_x, inner_y), low, high, spots, size)
    return device.finish("tablet", design, metal=metal)


def _slab(
    rng: Rng,
    device: Assembly,
    x: float,
    y: float,
    z: float,
    wall: float,
    material: str,
    *,
    glass: bool = True,
) -> tuple[float, float]:
    """Case with glass, display and metal frame on top; returns floor and ceiling of the room below, mm."""
    bevel = min(draw(rng, 0.4, 2.0), z / 4)
    device.skin(*case(x, y, z, wall, material, radius=draw(rng, 4, 12), bevel=bevel), at=(0, 0, -z / 2))
    ceiling = z / 2 - wall - 0.1
    if glass:
        pane, display = draw(rng, 0.6, 1.1), draw(rng, 0.5, 1.0)
        sx, sy = x - 2 * wall - 2.5 - bevel, y - 2 * wall - 2.5 - bevel
        ceiling -= pane + display + 0.9
        device.skin(
            Part(plate(sx, sy, draw(rng, 0.25, 0.6)), pick(rng, "al", "mg", "ss")), at=(0, 0, ceiling)
        )
        device.skin(Part(plate(sx * 0.97, sy * 0.95, display), "glass"), at=(0, 0, ceiling + 0.7))
        device.skin(Part(plate(sx, sy, pane), "glass"), at=(0, 0, ceiling + 0.75 + display))
    return -z / 2 + wall + 0.1, ceiling


def _board(rng: Rng, device: Assembly, size: Point, at: Point, low: float, density: float) -> None:
    """A board with flat parts just above the floor."""
    device.add(circuit_board(rng, *size, density=density, tall=0), (*at, low + 1.7))


def _rooms(device: Assembly, inside: Point, low: float, high: float, spots: list[Point], size: Point) -> None:
    """The whole inside, and the place of each cell."""
    device.bay("gap", (inside[0] / 2, inside[1] / 2), low, high)
    for spot in spots:
        device.bay("battery_bay", (size[0] / 2, size[1] / 2), low, high, spot)


def _around(rng: Rng, device: Assembly, x: float, y: float, low: float, room: float) -> None:
    """Cameras, loudspeakers, vibration motor, aerials, socket, magnets, screws along the rim."""
    tall = min(room - 0.3, 4.0)
    corner = np.array([x / 2 - 11, y / 2 - 11]) * [pick(rng, -1, 1), pick(rng, -1, 1)]
    for k in range(count(rng, 1, 3)):
        lens = [
            Part(cylinder(3.6, tall, segments=12).moved(z=tall / 2), "nylon"),
            Part(torus(2.9, 0.5, segments=12, tube_segments=4).moved(z=tall * 0.7), "ss"),
            Part(boxes([(0, 0, 0.5)], (6, 6, 0.5)), "cu"),
        ]
        device.add(lens, (corner[0], corner[1] - np.sign(corner[1]) * 9.5 * k, low + 0.1), name="camera")
    for side in (-1, 1) if x > 170 or chance(rng, 0.3) else (1,):
        speaker = [
            Part(plate(9, min(16, y * 0.3), tall), "abs", 1, 0.6),
            Part(boxes([(0, 0, tall * 0.4)], (5, min(9, y * 0.18), 1.2)), "fe", 1, 7.2),
        ]
        device.add(speaker, (side * (x / 2 - 8), -y * draw(rng, 0.08, 0.28), low), name="speaker")
    device.add(
        [Part(cylinder(3.6, 2.6, segments=12).moved(z=1.4), "fe", 1, 6.5)],
        (x * draw(rng, -0.4, 0.4), -y / 2 + 8, low),
    )
    device.add(
        [Part(boxes([(0, 0, 1.6)], (7, 9, 2.8)), "ss", 1, 3.5)],
        (pick(rng, -1, 1) * (x / 2 - 5.5), draw(rng, -0.05, 0.05) * y, low),
    )
    n = count(rng, 2, 4)
    spots = [(float(a), s * (y / 2 - 3.4)) for a in np.linspace(-0.45, 0.45, n) * x for s in (-1, 1)]
    device.skin(screws(spots, min(2.4, tall - 1), head=1.2), at=(0, 0, low))
    line = [
        (-x * 0.42, -y / 2 + 4.5, low + 0.8),
        (0, -y / 2 + 5.5, low + 0.8),
        (x * 0.42, -y / 2 + 4.5, low + 0.8),
    ]
    device.skin(wire(line, 0.35))


def _smartphone(rng: Rng) -> Device:
    x, y, z = draw(rng, 118, 172), draw(rng, 58, 80), draw(rng, 6.8, 10)
    device = Assembly()
    material = pick(rng, "al", "al", "ss", "polycarbonate", "absf", "ti")
    wall = draw(rng, 0.4, 0.6) if material in ("ss", "ti") else draw(rng, 0.7, 1.2)
    low, high = _slab(rng, device, x, y, z, wall, material)
    inner_x, inner_y = x - 2 * wall - 5, y - 2 * wall - 4
    design = pick(rng, "sandwich", "sandwich", "l_board")
    thick = (high - low) * draw(rng, 0.6, 0.9)
    if design == "sandwich":
        top, bottom = inner_x * draw(rng, 0.24, 0.36), inner_x * draw(rng, 0.1, 0.18)
        _board(rng, device, (top, inner_y * 0.96), (inner_x / 2 - top / 2, 0), low, 2.6)
        _board(rng, device, (bottom, inner_y * 0.9), (-inner_x / 2 + bottom / 2, 0), low, 2)
        size = (inner_x - top - bottom - 4, inner_y * draw(rng, 0.62, 0.92))
        spot = ((bottom - top) / 2, (inner_y - size[1]) / 2 * pick(rng, -1, 1))
    else:
        wide = inner_y * draw(rng, 0.28, 0.36)
        top = inner_x * draw(rng, 0.2, 0.26)
        arm = (-(inner_x - top) / 2, inner_y / 2 - wide / 2 - 1.2, inner_x - top - 0.2, wide)
        board = circuit_board(rng, top, inner_y * 0.96, density=2.4, tall=0, also=[arm])
        device.add(board, (inner_x / 2 - top / 2, 0, low + 1.7))
        size = (inner_x - top - 4, inner_y - wide - 5)
        spot = (-top / 2, -wide / 2 - 1)
    device.add(pouch_cell(rng, *size, thick), (*spot, low + 0.1), name="battery")
    if chance(rng, 0.5) and thick < high - low - 0.5:
        coil = torus(size[1] * 0.32, 0.3, segments=22, tube_segments=4).scaled(1, 1, 0.6)
        device.skin(Part(coil, "cu"), at=(*spot, low + 0.1 + thick + 0.25))
    _around(rng, device, x, y, low, high - low)
    _rooms(device, (inner_x, inner_y), low, high, [spot], size)
    return device.finish("phone", design, material=material)


def _feature_phone(rng: Rng) -> Device:
    """Older telephone with keys and a small display, straight."""
    x, y, z = draw(rng, 98, 128), draw(rng, 42, 52), draw(rng, 11, 21)
    device, wall = Assembly(), draw(rng, 1.2, 1.9)
    low, high = _slab(rng, device, x, y, z, wall, pick(rng, "abs", "polycarbonate", "absf"), glass=False)
    inner_x, inner_y = x - 2 * wall - 5, y - 2 * wall - 4
    top = high - 2.2
    keys = [
        (-inner_x * (0.12 + 0.085 * r), (c - 1) * inner_y * 0.3, top + 1.2)
        for r in range(4)
        for c in range(3)
    ]
    device.skin(Part(boxes(keys, (inner_x * 0.065, inner_y * 0.24, 1.4)), "silicone"))
    display = screen((inner_x * 0.32, inner_y * 0.8, 1.6), (inner_x * 0.34, inner_y * 0.86, 0.3), -0.5, "ss")
    device.skin(*display, at=(inner_x * 0.22, 0, top + 0.4))
    device.add(circuit_board(rng, inner_x * 0.97, inner_y * 0.95, density=2.2, tall=0.3), (0, 0, top - 2.0))
    size = (inner_x * draw(rng, 0.45, 0.55), inner_y * draw(rng, 0.75, 0.95))
    thick = min((top - 3.5 - low) * 0.9, draw(rng, 4, 6))
    spot = (-inner_x * 0.2, 0.0)
    device.add(pouch_cell(rng, *size, max(thick, 1.5)), (*spot, low + 0.1), name="battery")
    if chance(rng, 0.4):
        aerial = tube(helix(3.0, 14, 6, steps_per_turn=7), 0.5, segments=4).rotated("y", 90)
        device.skin(Part(aerial, "cu"), at=(inner_x * 0.42, inner_y * 0.3, low + 3.6))
    for name, at in (("speaker", inner_x * 0.4), ("microphone", -inner_x * 0.45)):
        device.add(
            [Part(cylinder(4.4, 2.2, segments=12).moved(z=1.2), "fe", 1, 5.0)], (at, 0, low), name=name
        )
    _rooms(device, (inner_x, inner_y), low, top - 3.5, [spot], size)
    return device.finish("phone", "feature")


def _clamshell(rng: Rng) -> Device:
    """Folding telephone, closed: two halves, hinge with a pin."""
    x, y = draw(rng, 80, 105), draw(rng, 42, 54)
    half = draw(rng, 7.5, 11)
    device, wall = Assembly(), draw(rng, 1.0, 1.5)
    material = pick(rng, "abs", "polycarbonate", "mg")
    for z in (-half, 0.5):
        device.skin(*case(x, y, half, wall, material, radius=6, bevel=1.2), at=(0, 0, z))
    low, high = -half + wall + 0.1, -wall - 0.1
    inner_x, inner_y = x - 2 * wall - 4, y - 2 * wall - 4
    device.add(circuit_board(rng, inner_x * 0.94, inner_y * 0.9, density=2, tall=0), (0, 0, high - 1.8))
    size = (inner_x * 0.55, inner_y * 0.8)
    thick = max((high - 3.4 - low) * 0.9, 1.2)
    device.add(pouch_cell(rng, *size, thick), (-inner_x * 0.15, 0, low + 0.05), name="battery")
    display = screen((x * 0.6, y * 0.75, 1.5), (x * 0.62, y * 0.78, 0.3), 1.8, "ss")
    device.skin(*display, at=(0, 0, half * 0.4))
    device.skin(
        Part(cylinder(2.4, y * 0.8, segments=10).rotated("x", 90), "ss", 1, 5.0), at=(x / 2 - 5, 0, 0.2)
    )
    device.add(
        [Part(cylinder(4.5, 2, segments=12), "fe", 1, 6.0)], (-x * 0.36, 0, half * 0.5), name="speaker"
    )
    _rooms(device, (inner_x, inner_y), low, high, [(-inner_x * 0.15, 0.0)], size)
    device.bay("lid", (inner_x / 2, inner_y / 2), 0.7 + wall, half + 0.3 - wall)
    return device.finish("phone", "clamshell")


def phone_device(rng: Rng) -> Device:
    """Smartphone, older telephone with keys, or folding telephone."""
    return pick(rng, _smartphone, _smartphone, _smartphone, _feature_phone, _clamshell)(rng)


def make_e_reader(rng: Rng) -> Item:
    """Reader with a paper-like display: light, one cell, small board, mostly plastic."""
    x, y, z = draw(rng, 155, 210), draw(rng, 112, 150), draw(rng, 7, 10)
    device, wall = Assembly(), draw(rng, 1.3, 1.9)
    low, high = _slab(rng, device, x, y, z, wall, pick(rng, "abs", "polycarbonate"), glass=False)
    display = screen((x * 0.8, y * 0.9, 1.0), (x * 0.82, y * 0.92, 0.8), -1, "mg")
    device.add(display, (x * 0.05, 0, high - 1.6))
    board = (x * draw(rng, 0.22, 0.4), y * draw(rng, 0.4, 0.85))
    device.add(circuit_board(rng, *board, density=1.2, tall=0), (-x / 2 + board[0] / 2 + 6, 0, low + 1.5))
    cell = (x * draw(rng, 0.25, 0.42), y * draw(rng, 0.35, 0.7))
    device.add(
        pouch_cell(rng, *cell, (high - low) * 0.4), (x / 2 - cell[0] / 2 - 12, 0, low + 0.1), name="battery"
    )
    spots = [(s * (x / 2 - 5), t * (y / 2 - 5)) for s in (-1, 1) for t in (-1, 0, 1)]
    device.skin(screws(spots, 2.5, head=1.4), at=(0, 0, low))
    return device.finish("e_reader", "e_reader").item


def make_calculator(rng: Rng) -> Item:
    """Pocket or school calculator: key mat, board, small cells, sometimes a solar strip and slide lid."""
    x, y, z = draw(rng, 95, 185), draw(rng, 58, 92), draw(rng, 8, 22)
    device, wall = Assembly(), draw(rng, 1.2, 2.0)
    low, high = _slab(rng, device, x, y, z, wall, pick(rng, "abs", "absf", "polystyrene"), glass=False)
    rows, columns = count(rng, 5, 9), count(rng, 4, 6)
    pitch = np.array([x * 0.62 / rows, y * 0.86 / columns])
    grid = np.array([(r, c) for r in range(rows) for c in range(columns)], dtype=float)
    at = (grid + 0.5) * pitch - [x * 0.46, y * 0.43]
    device.add(
        [Part(boxes(np.column_stack([at, np.full(len(at), high - 1.3)]), (*(pitch * 0.72), 2.2)), "abs")]
    )
    device.add(circuit_board(rng, x * 0.8, y * 0.85, density=0.25, tall=0), (0, 0, high - 4.0))
    device.add([Part(plate(x * 0.2, y * 0.8, 1.8), "glass")], (x * 0.28, 0, high - 3.4))
    if chance(rng, 0.5):
        cover = plate(x * 0.07, y * 0.5, 0.3).moved(z=1.2)
        strip = [Part(plate(x * 0.07, y * 0.5, 1.2), "si"), Part(cover, "glass")]
        device.add(strip, (x * 0.43, 0, high - 2))
    if z > 15 and chance(rng, 0.6):
        for k in range(count(rng, 2, 4)):
            device.add(
                round_cell(5.2, 44, "alkaline"), (x * 0.3, -y * 0.3 + 11 * k, low), degrees=180.0 * (k % 2)
            )
    else:
        cell = cylinder(5.8, min(2.8, z * 0.25), segments=16)
        device.add([Part(cell, "alkaline", 1, 4.5)], (x * 0.2, y * 0.2, low + 1.7))
    return device.finish("calculator", "calculator").item


FAMILIES: dict[str, ItemMaker] = {
    "tablet": intact(tablet_device),
    "phone": intact(phone_device),
    "e_reader": make_e_reader,
    "calculator": make_calculator,
}
