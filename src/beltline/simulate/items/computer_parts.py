"""Computer clutter: disks, boards, routers, power supplies, cartridges, game consoles and controllers."""

from __future__ import annotations

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board
from beltline.simulate.items._build import benign
from beltline.simulate.items._device import Assembly, Device, intact
from beltline.simulate.items._innards import (
    case,
    fan,
    hard_disk,
    motor,
    optical_drive,
    pouch_cell,
    screen,
    screws,
    wire,
)
from beltline.simulate.shapes import cylinder, merge, rounded_box, torus
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned


def make_hard_disk(rng: Rng) -> Item:
    """Bare disk of 2.5 or 3.5 inch, or a portable one in its plastic case."""
    big = chance(rng, 0.35)
    parts = hard_disk(rng, big=big)
    portable = not big and chance(rng, 0.7)
    if portable:
        material = pick(rng, "abs", "al", "filled_rubber")
        wall = draw(rng, 0.9, 1.8)
        shell = case(draw(rng, 108, 126), draw(rng, 76, 84), draw(rng, 13, 20), wall, material, radius=5)
        parts = [*shell, *moved(parts, z=wall + 0.5)]
        parts += moved(circuit_board(rng, 8, 50, density=2, tall=0.2), 52, 0, wall + 2)
    return benign("hard_disk", parts, design="portable" if portable else "3.5" if big else "2.5")


def make_router(rng: Rng) -> Item:
    """Network box: flat case, board with sockets and cans, folded aerials."""
    x, y, z = draw(rng, 110, 260), draw(rng, 80, 180), draw(rng, 24, 42)
    wall = draw(rng, 1.6, 2.4)
    parts = case(x, y, z, wall, pick(rng, "abs", "absf", "polycarbonate"), radius=8, bevel=3)
    parts += moved(circuit_board(rng, x * 0.86, y * 0.74, density=0.9, tall=1.1), 0, 0, z * 0.35)
    ports = count(rng, 3, 7)
    at = [((k - (ports - 1) / 2) * min(17, x * 0.8 / ports), y * 0.4, z * 0.35 + 7) for k in range(ports)]
    wide = min(15, x * 0.8 / ports - 1)
    parts += [
        Part(boxes(at, (wide, 16, 13)), "fe", 1, 1.1),
        Part(boxes(at, (wide * 0.6, 8, 5)), "brass", 1, 2.0),
    ]
    for k in range(count(rng, 0, 4)):
        rod = cylinder(5.5, draw(rng, 120, 180), segments=12)
        core = cylinder(0.9, 110, segments=6)
        aerial = turned([Part(rod, "abs", 1, 0.6), Part(core, "cu")], "y", 90)
        parts += moved(aerial, draw(rng, -10, 10), y / 2 + 8 + 13 * k, z / 2)
    spots = [(s * x * 0.4, t * y * 0.3) for s in (-1, 1) for t in (-1, 1)]
    parts += moved([screws(spots, 8, head=2.6)], z=2)
    return benign("router", parts)


def make_computer_psu(rng: Rng) -> Item:
    """Computer power supply: steel box, transformers, coils, heat sinks, capacitors, fan, cable bundle."""
    x, y, z = draw(rng, 125, 170), draw(rng, 98, 150), draw(rng, 60, 88)
    parts = case(x, y, z, draw(rng, 0.6, 0.9), "fe", radius=2, bevel=0.6)
    parts += moved(circuit_board(rng, x * 0.88, y * 0.86, density=0.5, tall=1.2), 0, 0, 8)
    for k in range(count(rng, 1, 3)):
        core = boxes([(0, 0, 14)], (32, 28, 26))
        coil = boxes([(0, 0, 14)], (21, 34, 16))
        at = (draw(rng, -0.05, 0.1) * x, (k - 1) * y * 0.3, 9)
        parts += moved([Part(core, "ferrite", 1, 3.4), Part(coil, "cu", 1, 3.5)], *at)
    for k in range(count(rng, 1, 3)):
        ring = torus(11, 4.5, segments=18, tube_segments=7)
        choke = turned(
            [Part(ring, "ferrite", 1, 4.0), Part(ring.scaled(1, 1, 1.3), "cu", 1, 1.8)], "y", 90 * (k % 2)
        )
        parts += moved(choke, x * 0.3, (k - 1) * y * 0.28, 24)
    fins = [(x * -0.12, s * y * 0.1, 28) for s in (-1, 1)]
    parts.append(Part(boxes(fins, (x * 0.5, 3, 38)), "al"))
    for k in range(count(rng, 1, 3)):
        can = cylinder(draw(rng, 11, 17), draw(rng, 30, 45), segments=18)
        parts += moved([Part(can, "al", 1, 1.6)], -x * 0.33, (k - 1) * y * 0.28, 30)
    side = min(y * 0.36, 58)
    parts += moved(fan(rng, side, 22), 0, 0, z - 25)
    for _ in range(count(rng, 2, 6)):
        ends = [
            (x / 2, draw(rng, -20, 20), 24),
            (x / 2 + 40, draw(rng, -40, 40), 20),
            (x / 2 + draw(rng, 50, 90), draw(rng, -60, 60), 20),
        ]
        parts.append(wire(ends, draw(rng, 1.2, 2.4)))
    return benign("computer_psu", parts)


def make_circuit_board(rng: Rng) -> Item:
    """A bare board, as hobbyists and technicians carry, sometimes with a heat sink and a bracket."""
    x, y = draw(rng, 50, 240), draw(rng, 35, 150)
    parts = list(circuit_board(rng, x, y, density=draw(rng, 0.6, 1.8), tall=draw(rng, 0.5, 1.5)))
    if chance(rng, 0.5):
        size = min(x, y) * draw(rng, 0.25, 0.5)
        fins = max(int(size / 3), 2)
        at = [((k - (fins - 1) / 2) * 3.0, 0, 9) for k in range(fins)]
        sink = merge([boxes(at, (0.9, size, 14)), boxes([(0, 0, 1)], (fins * 3.0, size, 2))])
        parts += moved([Part(sink, "al")], draw(rng, -0.2, 0.2) * x, draw(rng, -0.2, 0.2) * y, 2.5)
    if chance(rng, 0.3):
        parts.append(Part(boxes([(-x / 2 - 6, 0, 4)], (1, y * 1.05, 20)), "fe"))
    spots = [(s * (x / 2 - 4), t * (y / 2 - 4)) for s in (-1, 1) for t in (-1, 1)]
    parts += moved([screws(spots, 5, head=2.4, material="brass")], z=0.2)
    return benign("circuit_board", parts)


def make_ink_cartridge(rng: Rng) -> Item:
    """Ink cartridge with foam and contacts, or a long toner cartridge with rollers and gears."""
    if chance(rng, 0.6):
        x, y, z = draw(rng, 45, 80), draw(rng, 30, 60), draw(rng, 12, 40)
        parts = case(x, y, z, 1.5, "pp", radius=2, bevel=0.6)
        share = draw(rng, 0.3, 0.9)
        ink = rounded_box((x - 4) * share, y - 4, z - 4, 2).moved(-(x - 4) * (1 - share) / 2, z=z / 2)
        parts.append(Part(ink, "water", 1, draw(rng, 0.5, 1.05)))
        parts.append(Part(boxes([(x * 0.3, -y / 2 - 0.4, z / 2)], (14, 0.6, z * 0.5)), "gold", 1, 4.0))
        parts.append(Part(boxes([(-x * 0.3, 0, -0.4)], (12, y * 0.4, 0.7)), "ss"))
        return benign("ink_cartridge", parts, design="ink")
    x, y, z = draw(rng, 240, 330), draw(rng, 70, 110), draw(rng, 55, 80)
    parts = case(x, y, z, 2.2, "abs", radius=8, bevel=4)
    for radius, at in ((12, -0.25), (7, 0.0), (5, 0.15)):
        roller = cylinder(radius, x * 0.86, segments=16).rotated("y", 90).moved(y=at * y, z=z * 0.4)
        shaft = cylinder(3, x * 0.96, segments=8).rotated("y", 90).moved(y=at * y, z=z * 0.4)
        parts += [Part(roller, pick(rng, "al", "filled_rubber"), 1, 0.7), Part(shaft, "fe", 1, 6.0)]
    parts.append(
        Part(boxes([(0, y * 0.28, z * 0.55)], (x * 0.8, y * 0.3, z * 0.4)), "powder", 1, draw(rng, 0.4, 0.9))
    )
    for k in range(4):
        gear = (
            cylinder(draw(rng, 7, 14), 6, segments=16)
            .rotated("y", 90)
            .moved(x / 2 - 6, (k - 1.5) * y * 0.2, z * 0.45)
        )
        parts.append(Part(gear, "pom"))
    return benign("ink_cartridge", parts, design="toner")


def make_game_controller(rng: Rng) -> Item:
    """Game pad: board, thumb sticks, rumble motors with eccentric weights in the grips, cell."""
    wide, deep, tall = draw(rng, 140, 162), draw(rng, 62, 80), draw(rng, 36, 48)
    material = pick(rng, "abs", "absf")
    device = Assembly()
    device.skin(*case(wide * 0.66, deep, tall, 2, material, radius=14, bevel=8), at=(0, 0, -tall / 2))
    for s in (-1, 1):
        grip = case(wide * 0.27, deep * 1.35, tall * 0.8, 2, material, radius=18, bevel=10)
        device.add(grip, (s * wide * 0.4, -deep * 0.25, -tall * 0.4), degrees=s * 14, solid=False)
        rumble = [
            *motor(rng, draw(rng, 9, 12), 22),
            Part(cylinder(8, 7, segments=16).rotated("y", 90).moved(17), "fe", 1, 6.0),
        ]
        device.add(rumble, (s * wide * 0.38, -deep * 0.45, 0), degrees=90, solid=False)
        stick = [
            Part(cylinder(9, 3, segments=18).moved(z=15), "rubber"),
            Part(cylinder(3, 14, segments=10).moved(z=7), "pom"),
            Part(boxes([(0, 0, 0)], (17, 17, 10)), "nylon", 1, 1.0),
            Part(boxes([(0, 8, 0), (8, 0, 0)], (6, 6, 7)), "ss", 1, 2.5),
        ]
        device.skin(*stick, at=(s * wide * 0.17, -deep * 0.2, 0))
        device.skin(Part(boxes([(s * wide * 0.3, deep * 0.45, 2)], (24, 12, 14)), material, 1, 0.7))
    device.skin(*circuit_board(rng, wide * 0.6, deep * 0.7, density=1.2, tall=0.4), at=(0, deep * 0.06, -4))
    buttons = [(wide * 0.3 + a, deep * 0.2 + b, tall * 0.45) for a, b in ((-9, 0), (9, 0), (0, 9), (0, -9))]
    device.skin(Part(boxes(buttons, (8, 8, 8)), "abs"))
    device.skin(*pouch_cell(rng, 48, 32, 8), at=(0, 0, -tall * 0.35))
    return device.finish("game_controller", "pad").item


def game_console_device(rng: Rng) -> Device:
    """Hand-held console with display, or a table one with drive, fan and supply."""
    if chance(rng, 0.5):
        return _handheld(rng)
    device = Assembly()
    x, y, z = draw(rng, 230, 320), draw(rng, 200, 280), draw(rng, 42, 85)
    wall = draw(rng, 2, 2.8)
    device.skin(*case(x, y, z, wall, pick(rng, "abs", "absf"), radius=6, bevel=3), at=(0, 0, -z / 2))
    low = -z / 2 + wall + 0.2
    shield = case(x * 0.9, y * 0.56, min(24.0, z * 0.5), 0.6, "fe", radius=2, bevel=0.5)
    device.skin(*shield, at=(0, y * 0.18, low))
    device.add(circuit_board(rng, x * 0.84, y * 0.5, density=0.8, tall=1), (0, y * 0.18, low + 6))
    device.add(fan(rng, min(48, y * 0.2), min(22, z * 0.4)), (x * 0.25, -y * 0.2, low), name="fan")
    fins = [(x * 0.02 + 2.4 * k, y * 0.18, low + 17) for k in range(-12, 13)]
    device.add(
        [
            Part(boxes(fins, (0.5, 52, 10)), "al"),
            Part(boxes([(x * 0.02, y * 0.18, low + 10.5)], (56, 50, 2)), "cu"),
        ]
    )
    if chance(rng, 0.7):
        device.add(optical_drive(rng, 14), (-x / 2 + 72, -y / 2 + 72, low), name="optical")
        device.room(
            "optical_bay", (-x / 2 + 8, -y / 2 + 8, low), (-x / 2 + 136, -y / 2 + 136, z / 2 - wall - 0.5)
        )
    if chance(rng, 0.7):
        device.add(hard_disk(rng), (x / 2 - 62, -y / 2 + 44, z / 2 - wall - 12), name="drive")
    spots = [(s * x * 0.44, t * y * 0.44) for s in (-1, 0, 1) for t in (-1, 1)]
    device.skin(screws(spots, 12, head=3), at=(0, 0, low))
    device.bay("gap", (x / 2 - wall - 4, y / 2 - wall - 4), low, z / 2 - wall - 0.5)
    return device.finish("game_console", "table")


def _handheld(rng: Rng) -> Device:
    device = Assembly()
    x, y, z = draw(rng, 170, 260), draw(rng, 78, 112), draw(rng, 14, 26)
    wall = draw(rng, 1.5, 2.0)
    device.skin(
        *case(x, y, z, wall, pick(rng, "abs", "polycarbonate"), radius=14, bevel=2), at=(0, 0, -z / 2)
    )
    low, high = -z / 2 + wall + 0.2, z / 2 - wall - 0.2
    device.add(screen((x * 0.6, y * 0.8, 1.6), (x * 0.61, y * 0.82, 0.5), -0.6, "al"), (0, 0, high - 1.8))
    device.add(circuit_board(rng, x * 0.62, y * 0.45, density=1.8, tall=0), (0, y * 0.2, low + 2))
    device.add(
        pouch_cell(rng, x * 0.4, y * 0.4, min(7, (high - low) * 0.45)), (0, -y * 0.22, low), name="battery"
    )
    for s in (-1, 1):
        device.add(
            [Part(boxes([(0, 0, 0)], (16, 16, 6)), "nylon"), Part(boxes([(0, 0, 5)], (12, 12, 3)), "rubber")],
            (s * x * 0.41, s * y * 0.18, 0),
            name="stick",
        )
        device.add(circuit_board(rng, x * 0.1, y * 0.7, density=1, tall=0), (s * x * 0.41, 0, low + 2))
        device.add(
            [Part(boxes([(0, 0, 1.4)], (9, 15, 2.4)), "fe", 1, 5.0)],
            (s * x * 0.4, -y * 0.38, low + 3),
            name="speaker",
        )
    device.add(fan(rng, 15, min(5, high - low - 4)), (x * 0.22, -y * 0.22, low), name="fan")
    device.bay("gap", (x / 2 - 8, y / 2 - 6), low, high)
    return device.finish("game_console", "handheld")


FAMILIES: dict[str, ItemMaker] = {
    "hard_disk": make_hard_disk,
    "router": make_router,
    "computer_psu": make_computer_psu,
    "circuit_board": make_circuit_board,
    "ink_cartridge": make_ink_cartridge,
    "game_controller": make_game_controller,
    "game_console": intact(game_console_device),
}
