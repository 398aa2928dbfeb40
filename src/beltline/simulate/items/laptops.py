"""Closed laptops in five layouts, hinges towards +y: ultrabook, classic, gaming, small, business."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._build import chance, count, draw, pick
from beltline.simulate.items._device import Assembly, Device
from beltline.simulate.items._innards import (
    case,
    cell_pack,
    fan,
    hard_disk,
    optical_drive,
    pouch_cell,
    screws,
    stick,
    wire,
)
from beltline.simulate.shapes import cylinder, spline, sweep
from beltline.simulate.solids import Item, ItemMaker, Part, hollow

Rng = np.random.Generator
LAYOUTS = ("ultrabook", "classic", "gaming", "small", "business")
_WIDTH = {
    "ultrabook": (285, 330),
    "classic": (320, 385),
    "gaming": (350, 405),
    "small": (235, 290),
    "business": (300, 345),
}
_HEIGHT = {
    "ultrabook": (12.5, 18),
    "classic": (28, 38),
    "gaming": (23, 32),
    "small": (16, 24),
    "business": (19, 27),
}


@dataclass(frozen=True)
class _Base:
    """Free inside of a laptop's lower half, mm: full sizes x and y, floor and ceiling, keyboard's lower face."""

    x: float
    y: float
    floor: float
    ceiling: float

    @property
    def tall(self) -> float:
        """Height of the room below the keyboard."""
        return self.ceiling - self.floor


def laptop_device(rng: Rng) -> Device:
    """A laptop of a drawn layout."""
    layout = pick(rng, LAYOUTS)
    x = draw(rng, *_WIDTH[layout])
    y = x * draw(rng, 0.64, 0.74)
    z = draw(rng, *_HEIGHT[layout])
    device = Assembly()
    metal = chance(
        rng, {"ultrabook": 0.8, "classic": 0.1, "gaming": 0.3, "small": 0.25, "business": 0.35}[layout]
    )
    base = _shell(rng, device, x, y, z, metal=metal)
    _lid(rng, device, x, y, z, layout)
    _keyboard(rng, device, base, layout)
    _LAYOUTS[layout](rng, device, base)
    _fittings(rng, device, base, x, y, z)
    return device.finish("laptop", layout, metal=metal)


def _shell(rng: Rng, device: Assembly, x: float, y: float, z: float, *, metal: bool) -> _Base:
    """Both halves, each a closed case; the lower one gets its room "gaps"."""
    material = pick(rng, ("al", "al", "mg")) if metal else pick(rng, ("abs", "absf", "absf", "polycarbonate"))
    wall = draw(rng, 0.7, 1.2) if metal else draw(rng, 1.2, 2.0)
    low = z * draw(rng, 0.62, 0.7)
    radius, bevel = draw(rng, 3, 14), draw(rng, 0.6, 2.5)
    device.add(case(x, y, low, wall, material, radius=radius, bevel=bevel), (0, 0, -z / 2), solid=False)
    top = z - low - 0.4
    lid_wall = min(wall, top * 0.2)
    lid = case(x, y, top, lid_wall, material, radius=radius, bevel=min(bevel, top / 3))
    device.add(lid, (0, 0, -z / 2 + low + 0.4), solid=False)
    margin = wall + 1.5
    keyboard = draw(rng, 2.2, 3.2)
    base = _Base(x - 2 * margin, y - 2 * margin, -z / 2 + wall + 0.1, -z / 2 + low - wall - keyboard)
    half = np.array([base.x / 2 - 1, base.y / 2 - 1])
    device.room("gap", (*-half, base.floor), (*half, base.ceiling))
    ceiling = z / 2 - lid_wall
    device.room("lid", (-x * 0.42, -y * 0.42, ceiling - 0.3 * top), (x * 0.42, y * 0.42, ceiling))
    return base


def _lid(rng: Rng, device: Assembly, x: float, y: float, z: float, layout: str) -> None:
    """Display: two glass sheets, light guide, metal back and rails, lamp strip, camera, aerials, hinge arms."""
    thin = layout in ("ultrabook", "small")
    at = z / 2 - z * 0.26
    sx, sy = x * draw(rng, 0.9, 0.95), y * draw(rng, 0.84, 0.92)
    device.add([Part(plate(sx, sy, draw(rng, 0.8, 1.3)), "glass")], (0, 0, at))
    guide = draw(rng, 0.5, 1.0) if thin else draw(rng, 1.5, 2.6)
    device.add([Part(plate(sx * 0.98, sy * 0.97, guide), "pmma")], (0, 0, at + 1.4))
    if chance(rng, 0.75):
        back = draw(rng, 0.2, 0.45)
        device.add(
            [Part(plate(sx * 0.98, sy * 0.96, back), pick(rng, ("al", "fe", "al")))], (0, 0, at + 1.4 + guide)
        )
    rails = [(s * sx * 0.498, 0, 0) for s in (-1, 1)]
    device.add(
        [Part(boxes(rails, (draw(rng, 2.5, 6), sy, 0.7)), pick(rng, ("ss", "al")))],
        (0, 0, at + 1.2),
        solid=False,
    )
    strip = circuit_board(rng, sx * 0.85, 7, density=2.0, tall=0)
    device.add(strip, (0, -sy / 2 + 4 if thin else sy / 2 - 4, at - 0.1), solid=False)
    device.add(
        circuit_board(rng, draw(rng, 30, 70), 5, density=2.5, tall=0), (0, -y * 0.475, at), solid=False
    )
    for side in (-1, 1):
        path = [
            (side * x * 0.3, y * 0.44, at),
            (side * x * 0.485, y * 0.4, at),
            (side * x * 0.487, -y * 0.4, at),
            (side * x * 0.2, -y * 0.485, at),
        ]
        device.add([wire(path, 0.45)], solid=False)
    magnets = [(s * x * draw(rng, 0.3, 0.45), -y * 0.48, at) for s in (-1, 1)]
    device.add([Part(boxes(magnets, (9.0, 3.0, 1.5)), "fe", 1, 7.4)], solid=False)


def _keyboard(rng: Rng, device: Assembly, base: _Base, layout: str) -> None:
    """Keys of several widths over a sheet metal plate; touch pad board towards the user."""
    pitch = min(draw(rng, 18.0, 19.2), base.x / 14.2)
    full = layout in ("classic", "gaming") and base.x > 19 * pitch
    columns = 18 if full else 14
    z = base.ceiling
    rows, y0 = 6, base.y / 2 - base.y * draw(rng, 0.1, 0.18)
    centres, sizes = [], []
    for row in range(rows):
        widths = np.ones(columns)
        if row == rows - 1:
            widths = np.array([1, 1, 1, 1.2, 5.3, 1.2, 1, 1, 1, *np.ones(columns - 14)])
            widths[4] += columns - float(widths.sum()) if columns < 16 else 0.0
        elif row:
            widths[0] += 0.25 * row
            widths[-1] += 0.5 * (row % 2)
        edges = np.concatenate([[0], np.cumsum(widths)]) * columns / widths.sum()
        centres += [
            ((a + b - columns) / 2 * pitch, y0 - (row + 0.5) * pitch, z + 1.4)
            for a, b in zip(edges[:-1], edges[1:], strict=True)
        ]
        sizes += [
            ((b - a) * pitch - 2.4, pitch - 2.4, 1.0) for a, b in zip(edges[:-1], edges[1:], strict=True)
        ]
    at_y = y0 - rows * pitch / 2
    metal = pick(rng, ("fe", "al", "fe"))
    thick = draw(rng, 0.25, 0.45) if metal == "fe" else draw(rng, 0.5, 0.9)
    device.add([Part(plate(columns * pitch, rows * pitch, thick), metal)], (0, at_y, z + 0.1), solid=False)
    device.add([Part(boxes(centres, sizes), "abs")], solid=False)
    pad = (draw(rng, 70, 130), draw(rng, 45, min(85, base.y * 0.36)))
    shift_x = draw(rng, -0.12, 0.05) * base.x
    device.add(
        [Part(plate(*pad, 0.8), "fr4"), Part(plate(pad[0] - 2, pad[1] - 2, 0.06).moved(z=0.8), "cu")],
        (shift_x, -base.y / 2 + pad[1] / 2 + 6, z + 0.2),
        solid=False,
    )
    half = columns * pitch / 2 - 4
    device.room(
        "under_keyboard", (-half, at_y - rows * pitch / 2, base.floor), (half, at_y + rows * pitch / 2, z)
    )
    device.room(
        "palm_rest",
        (-base.x / 2 + 4, -base.y / 2 + 3, base.floor),
        (base.x / 2 - 4, at_y - rows * pitch / 2, z),
    )


def _ultrabook(rng: Rng, device: Assembly, base: _Base) -> None:
    """Wide board behind, one or two small fans, row of pouch cells in front, speakers beside them."""
    front = _pouch_row(
        rng, device, base, count(rng, 2, 5), share=draw(rng, 0.74, 0.84), deep=draw(rng, 0.36, 0.46)
    )
    depth = base.y - front - 12
    wide, deep = base.x * draw(rng, 0.5, 0.86), depth * draw(rng, 0.5, 0.9)
    side = pick(rng, (-1.0, 1.0))
    at = (side * (base.x - wide) / 2 * draw(rng, 0, 0.6), base.y / 2 - deep / 2 - 4)
    _main_board(rng, device, base, at, (wide, deep))
    fans = [-side] if wide < base.x * 0.7 else [-1.0, 1.0] if chance(rng, 0.3) else []
    for s in fans:
        _blower(rng, device, base, (s * base.x * 0.42, base.y / 2 - 32), at, draw(rng, 17, 22))
    device.add(
        stick(rng, 80, 22), (at[0] - side * wide * 0.2, base.y / 2 - deep - 16, base.floor), name="drive"
    )
    for s in (-1, 1):
        _speaker(
            rng, device, base, (s * (base.x / 2 - 11), -base.y * draw(rng, 0.2, 0.32)), long=draw(rng, 40, 80)
        )


def _classic(rng: Rng, device: Assembly, base: _Base) -> None:
    """Round cells at the back, optical drive at one side, hard disk, board in between."""
    side = pick(rng, (-1.0, 1.0))
    rows = count(rng, 1, 2) if base.tall > 18.5 else 1
    radius = min(9.0, base.tall / 2 - 0.3)
    columns = 3 if base.x < 4 * 68 or chance(rng, 0.7) else 4
    rear = chance(rng, 0.7)
    depth = rows * (2 * radius + 0.5)
    pack_y = (1 if rear else -1) * (base.y / 2 - depth / 2 - 2)
    device.add(cell_pack(rng, columns, rows, radius=radius), (0, pack_y, base.floor), name="battery")
    device.room(
        "battery_bay",
        (-base.x / 2 + 2, pack_y - depth / 2, base.floor),
        (base.x / 2 - 2, pack_y + depth / 2, base.ceiling),
    )
    bay = (side * (base.x / 2 - 66), draw(rng, -0.08, 0.0) * base.y * (1 if rear else -1))
    thick = min(draw(rng, 9.5, 12.7), base.tall - 0.5)
    if chance(rng, 0.7):
        device.add(
            optical_drive(rng, thick), (*bay, base.floor), degrees=0 if side > 0 else 180, name="optical"
        )
    device.room(
        "optical_bay", (bay[0] - 64, bay[1] - 64, base.floor), (bay[0] + 64, bay[1] + 64, base.ceiling)
    )
    wide = base.x - 138
    board = (wide * draw(rng, 0.8, 0.98), base.y - depth - 80 - 8)
    middle = (-side * (base.x / 2 - wide / 2 - 2), (-depth / 2 + 38 if rear else depth / 2 + 38))
    _main_board(rng, device, base, middle, board)
    disk = (-side * (base.x / 2 - draw(rng, 55, 70)), middle[1] - board[1] / 2 - 39)
    device.add(hard_disk(rng), (*disk, base.floor), degrees=pick(rng, (0.0, 180.0)), name="drive")
    device.room(
        "drive_bay", (disk[0] - 54, disk[1] - 36, base.floor), (disk[0] + 54, disk[1] + 36, base.ceiling)
    )
    _blower(
        rng,
        device,
        base,
        (-side * (base.x / 2 - 34), middle[1] + board[1] / 2 - 30),
        middle,
        draw(rng, 20, 26),
        above=True,
    )
    _speaker(rng, device, base, (side * base.x * 0.2, -base.y / 2 + 12), long=26)


def _gaming(rng: Rng, device: Assembly, base: _Base) -> None:
    """Two blowers in the back corners, heat pipes across two processors, big pouch in front, many drives."""
    front = _pouch_row(
        rng, device, base, count(rng, 3, 4), share=draw(rng, 0.5, 0.66), deep=draw(rng, 0.28, 0.34)
    )
    radius = draw(rng, 25, 31)
    depth = base.y - front - 16
    board = (base.x - 4 * radius - 30, depth * draw(rng, 0.8, 0.95))
    at = (0.0, base.y / 2 - board[1] / 2 - 5)
    _main_board(rng, device, base, at, board, chips=2)
    for s in (-1.0, 1.0):
        _blower(rng, device, base, (s * (base.x / 2 - radius - 8), base.y / 2 - radius - 20), at, radius)
        _speaker(rng, device, base, (s * (base.x / 2 - 14), -base.y / 2 + 52), long=draw(rng, 50, 74))
    side = pick(rng, (-1.0, 1.0))
    wing = base.x / 2 - 60
    if chance(rng, 0.6) and base.tall > 9.5:
        device.add(
            hard_disk(rng, z=7.0), (side * wing, base.y / 2 - 2 * radius - 72, base.floor), name="drive"
        )
    device.add(stick(rng), (-side * wing, base.y / 2 - 2 * radius - 48, base.floor), name="drive")
    low = base.y / 2 - 2 * radius - 108
    device.room("drive_bay", (side * wing - 54, low, base.floor), (side * wing + 54, low + 76, base.ceiling))


def _small(rng: Rng, device: Assembly, base: _Base) -> None:
    """Small board with a passive heat spreader, one or two pouch cells, much air."""
    front = _pouch_row(
        rng, device, base, count(rng, 1, 3), share=draw(rng, 0.55, 0.8), deep=draw(rng, 0.34, 0.44)
    )
    board = (base.x * draw(rng, 0.35, 0.6), (base.y - front) * draw(rng, 0.5, 0.75))
    side = pick(rng, (-1.0, 1.0))
    at = (side * (base.x - board[0]) / 2 * 0.9, base.y / 2 - board[1] / 2 - 5)
    _main_board(rng, device, base, at, board)
    spreader = plate(board[0] * 0.6, board[1] * 0.7, draw(rng, 0.3, 0.8))
    if base.tall > 7:
        device.add([Part(spreader, pick(rng, ("al", "cu")))], (*at, base.ceiling - 1.0))
    daughter = circuit_board(rng, draw(rng, 30, 55), draw(rng, 40, 70), tall=0.5)
    device.add(daughter, (-side * (base.x / 2 - 32), base.y / 2 - 42, base.floor + 2.2))
    for s in (-1, 1):
        _speaker(rng, device, base, (s * (base.x / 2 - 12), -base.y * 0.3), long=30)


def _business(rng: Rng, device: Assembly, base: _Base) -> None:
    """Board over one side, pouch in front, disk or its empty bay, blower at the back."""
    side = pick(rng, (-1.0, 1.0))
    front = _pouch_row(
        rng, device, base, count(rng, 2, 4), share=draw(rng, 0.5, 0.64), deep=draw(rng, 0.3, 0.4)
    )
    depth = base.y - front - 12
    board = (base.x * draw(rng, 0.56, 0.72), depth * draw(rng, 0.75, 0.98))
    at = (-side * (base.x - board[0]) / 2 * 0.95, base.y / 2 - board[1] / 2 - 4)
    _main_board(rng, device, base, at, board)
    corner = (side * (base.x / 2 - 32), base.y / 2 - 38)
    _blower(rng, device, base, corner, at, draw(rng, 20, 25))
    bay = (side * (base.x / 2 - 38), -base.y / 2 + 56)
    if chance(rng, 0.6) and base.tall > 7.3:
        device.add(hard_disk(rng, z=7.0), (*bay, base.floor), degrees=90, name="drive")
    else:
        device.add(stick(rng, 80, 22), (*bay, base.floor), degrees=90, name="drive")
    device.room("drive_bay", (bay[0] - 36, bay[1] - 52, base.floor), (bay[0] + 36, bay[1] + 52, base.ceiling))
    _speaker(rng, device, base, (-side * (base.x / 2 - 12), -base.y * 0.28), long=40)


def _pouch_row(rng: Rng, device: Assembly, base: _Base, cells: int, *, share: float, deep: float) -> float:
    """Pouch cells side by side in front; returns the depth in mm they take from the front edge."""
    width, depth = base.x * share / cells, base.y * deep
    height = min(draw(rng, 0.6, 0.92) * base.tall, draw(rng, 4.0, 6.5))
    y = -base.y / 2 + depth / 2 + 4
    for k in range(cells):
        at = ((k - (cells - 1) / 2) * width, y, base.floor + 0.1)
        device.add(pouch_cell(rng, width - 2, depth, height), at, name="battery")
    device.add(circuit_board(rng, base.x * share * 0.5, 6, tall=0), (0, y + depth / 2 + 4, base.floor + 2))
    half = base.x * share / 2
    device.room("battery_bay", (-half, y - depth / 2, base.floor), (half, y + depth / 2, base.ceiling))
    return depth + 12


def _main_board(
    rng: Rng,
    device: Assembly,
    base: _Base,
    at: tuple[float, float],
    size: tuple[float, float],
    *,
    chips: int = 1,
) -> None:
    """Main board with its processors under copper plates, and a memory module above a corner of it."""
    tall = 0.5 if base.tall > 8 else 0.0
    z = base.floor + min(1.8, base.tall * 0.3)
    device.add(circuit_board(rng, *size, density=draw(rng, 0.9, 1.4), tall=tall), (*at, z + 0.1))
    for k in range(chips):
        spot = (at[0] + (k - (chips - 1) / 2) * size[0] * 0.4, at[1], z + 1.9)
        die = [Part(plate(26, 26, 0.4).moved(z=-1.6), "cu"), Part(plate(13, 10, 0.8).moved(z=-1.0), "si")]
        device.add([*die, Part(plate(draw(rng, 24, 40), draw(rng, 22, 34), draw(rng, 0.8, 1.8)), "cu")], spot)
    if base.tall > 6.5:
        memory = (
            at[0] + size[0] * draw(rng, -0.25, 0.25),
            at[1] - size[1] * draw(rng, 0.1, 0.25),
            base.ceiling - 2.4,
        )
        device.add(stick(rng, 69.6, 30), memory, name="memory")


def _blower(
    rng: Rng,
    device: Assembly,
    base: _Base,
    at: tuple[float, float],
    cooled: tuple[float, float],
    radius: float,
    *,
    above: bool = False,
) -> None:
    """Fan, fins behind it, and one or two flat heat pipes to the processor."""
    height = min(base.tall - 0.6, draw(rng, 5, 11))
    device.add(fan(rng, radius, height), (*at, base.floor + 0.2))
    fins = count(rng, 20, 34)
    x = (np.arange(fins) - (fins - 1) / 2) * (2 * radius / fins)
    metal = pick(rng, ("cu", "al"))
    stack = boxes(np.column_stack([x, 0 * x, 0 * x]), (0.3, 8.0, height * 0.8))
    y = at[1] + radius + 9
    device.add([Part(stack, metal)], (at[0], y, base.floor + 0.2 + height / 2), solid=False)
    away = 1.0 if at[0] > cooled[0] else -1.0
    z = base.floor + min(base.tall - 1.5, 3.6)
    for k in range(count(rng, 1, 2)):
        level = y - 7.5 * k
        ends = np.array([(at[0] + s * away * radius * 0.9, level, z) for s in (1.0, 0.2)])
        goal = np.array([cooled[0] + away * 10, cooled[1] + 8 - 8.0 * k, z])
        turn = (ends[1] + goal) / 2 + [0, 0.15 * (level - goal[1]), 0]
        path = spline([*ends, turn, goal], 14) if away * (at[0] - goal[0]) > 40 else np.stack([ends[1], goal])
        flat = np.array([(3.2, 0), (2.2, 1.0), (-2.2, 1.0), (-3.2, 0), (-2.2, -1.0), (2.2, -1.0)])
        device.add([Part(sweep(path, flat), "cu", 1, draw(rng, 4.5, 7.0))], solid=False)


def _speaker(rng: Rng, device: Assembly, base: _Base, at: tuple[float, float], *, long: float) -> None:
    """Narrow speaker box with a small magnet at one end; the box is its own room."""
    height = min(base.tall - 0.4, draw(rng, 4.0, 9.0))
    wide = draw(rng, 15, 19)
    box_parts = case(wide, long, height, 1.0, "abs", radius=2, bevel=0.5)
    device.add(box_parts, (*at, base.floor + 0.1), solid=False)
    end = (at[0], at[1] + long / 2 - 9, base.floor + 1.3)
    magnet = Part(cylinder(5, min(2.2, height * 0.4), segments=14).moved(z=1.2), "fe", 1, 7.2)
    device.add([magnet], end, name="speaker")
    inside = np.array([wide / 2 - 1.6, long / 2 - 1.6])
    low, high = np.array(at) - inside, np.array(at) + inside
    device.room("speaker_cavity", (*low, base.floor + 1.2), (*high, base.floor + height - 1.1))


def _fittings(rng: Rng, device: Assembly, base: _Base, x: float, y: float, z: float) -> None:
    """Hinges, case screws, sockets along the sides, cables."""
    for side in (-1, 1):
        at = side * x * draw(rng, 0.3, 0.4)
        leaf = [(at, y * 0.46, -z * 0.05), (at, y * 0.455, z * 0.24)]
        long = draw(rng, 22, 44)
        device.add([Part(boxes(leaf, [(long, 10, 1.6), (long * 0.5, 14, 1.2)]), "fe")], solid=False)
        pin = cylinder(draw(rng, 2.2, 3.4), long * 0.8, segments=10).rotated("y", 90)
        device.add([Part(pin, "ss")], (at, y * 0.485 - 2, z * 0.13), solid=False)
    n = count(rng, 3, 6)
    edge = np.linspace(-0.47, 0.47, n) * x
    spots = [(float(a), s * (y / 2 - 6)) for a in edge for s in (-1, 1)]
    spots += [(s * (x / 2 - 6), float(b)) for b in np.linspace(-0.25, 0.25, n - 2) * y for s in (-1, 1)]
    device.add([screws(spots, min(4.5, base.tall * 0.7), head=2.0)], (0, 0, base.floor), solid=False)
    device.add(_sockets(rng, base, y), solid=False)
    across = np.linspace(draw(rng, -0.45, -0.2), draw(rng, 0.2, 0.45), 4) * base.x
    y0 = draw(rng, -0.35, 0.35) * base.y
    cable = [(float(a), y0 + draw(rng, -12, 12), base.floor + 1) for a in across]
    device.add([wire(cable, draw(rng, 0.4, 0.9))], solid=False)


def _sockets(rng: Rng, base: _Base, y: float) -> list[Part]:
    """Sheet steel sockets along both sides, each with a contact tongue."""
    at, sizes = [], []
    for side in (-1, 1):
        number = count(rng, 2, 5)
        for k in range(number):
            size = (draw(rng, 9, 14), draw(rng, 7, 14), min(draw(rng, 3, 6.5), base.tall - 0.4))
            along = y * (-0.1 + 0.46 * (k + draw(rng, 0.25, 0.75)) / number)
            at.append((side * (base.x / 2 - 7), along, base.floor + 0.1 + size[2] / 2))
            sizes.append(size)
    shells, full = boxes(at, sizes), np.array(sizes)
    tongues = boxes(at, full * [0.6, 0.7, 0.0] + [0, 0, 0.7])
    return [*hollow(shells, boxes(at, full - 0.7), "fe"), Part(tongues, "brass", 1, 5.0)]


def make_laptop(rng: Rng) -> Item:
    """A benign laptop; ``beltline.simulate.items.anomalies.anomalous`` gives it with its twin."""
    return laptop_device(rng).item


_LAYOUTS = {
    "ultrabook": _ultrabook,
    "classic": _classic,
    "gaming": _gaming,
    "small": _small,
    "business": _business,
}

FAMILIES: dict[str, ItemMaker] = {"laptop": make_laptop}
