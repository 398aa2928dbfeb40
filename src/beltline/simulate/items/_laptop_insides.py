"""What lies under a laptop's keyboard, for five layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._device import Assembly, Point
from beltline.simulate.items._innards import case, cell_pack, fan, hard_disk, optical_drive, pouch_cell, stick
from beltline.simulate.shapes import cylinder, spline, sweep
from beltline.simulate.solids import Part


@dataclass(frozen=True)
class Base:
    """Free inside of a laptop's lower half, mm: full sizes x and y, floor, ceiling (the keyboard)."""

    device: Assembly
    x: float
    y: float
    floor: float
    ceiling: float

    @property
    def tall(self) -> float:
        """Height of the room below the keyboard."""
        return self.ceiling - self.floor

    def bay(self, name: str, half: Point, at: Point) -> None:
        """Declare a region from floor to ceiling that reaches ``half`` mm each way from a point."""
        self.device.bay(name, half, self.floor, self.ceiling, at)


def _ultrabook(rng: Rng, base: Base) -> None:
    """Wide board behind, one or two small fans, row of pouch cells in front, speakers beside them."""
    front = _pouch_row(rng, base, count(rng, 2, 5), share=draw(rng, 0.74, 0.84), deep=draw(rng, 0.36, 0.46))
    depth = base.y - front - 12
    wide, deep = base.x * draw(rng, 0.5, 0.86), depth * draw(rng, 0.5, 0.9)
    side = pick(rng, -1.0, 1.0)
    at = (side * (base.x - wide) / 2 * draw(rng, 0, 0.6), base.y / 2 - deep / 2 - 4)
    _main_board(rng, base, at, (wide, deep))
    fans = [-side] if wide < base.x * 0.7 else [-1.0, 1.0] if chance(rng, 0.3) else []
    for s in fans:
        _blower(rng, base, (s * base.x * 0.42, base.y / 2 - 32), at, draw(rng, 17, 22))
    base.device.add(
        stick(rng, 80, 22), (at[0] - side * wide * 0.2, base.y / 2 - deep - 16, base.floor), name="drive"
    )
    for s in (-1, 1):
        _speaker(rng, base, (s * (base.x / 2 - 11), -base.y * draw(rng, 0.2, 0.32)), long=draw(rng, 40, 80))


def _classic(rng: Rng, base: Base) -> None:
    """Round cells at the back, optical drive at one side, hard disk, board in between."""
    side = pick(rng, -1.0, 1.0)
    rows = count(rng, 1, 2) if base.tall > 18.5 else 1
    radius = min(9.0, base.tall / 2 - 0.3)
    columns = 3 if base.x < 4 * 68 or chance(rng, 0.7) else 4
    rear = chance(rng, 0.7)
    depth = rows * (2 * radius + 0.5)
    pack_y = (1 if rear else -1) * (base.y / 2 - depth / 2 - 2)
    base.device.add(cell_pack(rng, columns, rows, radius=radius), (0, pack_y, base.floor), name="battery")
    base.bay("battery_bay", (base.x / 2 - 2, depth / 2), (0, pack_y))
    bay = (side * (base.x / 2 - 66), draw(rng, -0.08, 0.0) * base.y * (1 if rear else -1))
    thick = min(draw(rng, 9.5, 12.7), base.tall - 0.5)
    if chance(rng, 0.7):
        base.device.add(
            optical_drive(rng, thick), (*bay, base.floor), degrees=0 if side > 0 else 180, name="optical"
        )
    base.bay("optical_bay", (64, 64), bay)
    wide = base.x - 138
    board = (wide * draw(rng, 0.8, 0.98), base.y - depth - 80 - 8)
    middle = (-side * (base.x / 2 - wide / 2 - 2), (-depth / 2 + 38 if rear else depth / 2 + 38))
    _main_board(rng, base, middle, board)
    disk = (-side * (base.x / 2 - draw(rng, 55, 70)), middle[1] - board[1] / 2 - 39)
    base.device.add(hard_disk(rng), (*disk, base.floor), degrees=pick(rng, 0.0, 180.0), name="drive")
    base.bay("drive_bay", (54, 36), disk)
    corner = (-side * (base.x / 2 - 34), middle[1] + board[1] / 2 - 30)
    _blower(rng, base, corner, middle, draw(rng, 20, 26))
    _speaker(rng, base, (side * base.x * 0.2, -base.y / 2 + 12), long=26)


def _gaming(rng: Rng, base: Base) -> None:
    """Two blowers in the back corners, heat pipes across two processors, big pouch in front, many drives."""
    front = _pouch_row(rng, base, count(rng, 3, 4), share=draw(rng, 0.5, 0.66), deep=draw(rng, 0.28, 0.34))
    radius = draw(rng, 25, 31)
    depth = base.y - front - 16
    board = (base.x - 4 * radius - 30, depth * draw(rng, 0.8, 0.95))
    at = (0.0, base.y / 2 - board[1] / 2 - 5)
    _main_board(rng, base, at, board, chips=2)
    for s in (-1.0, 1.0):
        _blower(rng, base, (s * (base.x / 2 - radius - 8), base.y / 2 - radius - 20), at, radius)
        _speaker(rng, base, (s * (base.x / 2 - 14), -base.y / 2 + 52), long=draw(rng, 50, 74))
    side = pick(rng, -1.0, 1.0)
    wing = base.x / 2 - 60
    if chance(rng, 0.6) and base.tall > 9.5:
        base.device.add(
            hard_disk(rng, z=7.0), (side * wing, base.y / 2 - 2 * radius - 72, base.floor), name="drive"
        )
    base.device.add(stick(rng), (-side * wing, base.y / 2 - 2 * radius - 48, base.floor), name="drive")
    low = base.y / 2 - 2 * radius - 108
    base.device.room(
        "drive_bay", (side * wing - 54, low, base.floor), (side * wing + 54, low + 76, base.ceiling)
    )


def _small(rng: Rng, base: Base) -> None:
    """Small board with a passive heat spreader, one or two pouch cells, much air."""
    front = _pouch_row(rng, base, count(rng, 1, 3), share=draw(rng, 0.55, 0.8), deep=draw(rng, 0.34, 0.44))
    board = (base.x * draw(rng, 0.35, 0.6), (base.y - front) * draw(rng, 0.5, 0.75))
    side = pick(rng, -1.0, 1.0)
    at = (side * (base.x - board[0]) / 2 * 0.9, base.y / 2 - board[1] / 2 - 5)
    _main_board(rng, base, at, board)
    spreader = plate(board[0] * 0.6, board[1] * 0.7, draw(rng, 0.3, 0.8))
    if base.tall > 7:
        base.device.add([Part(spreader, pick(rng, "al", "cu"))], (*at, base.ceiling - 1.0))
    daughter = circuit_board(rng, draw(rng, 30, 55), draw(rng, 40, 70), tall=0.5)
    base.device.add(daughter, (-side * (base.x / 2 - 32), base.y / 2 - 42, base.floor + 2.2))
    for s in (-1, 1):
        _speaker(rng, base, (s * (base.x / 2 - 12), -base.y * 0.3), long=30)


def _business(rng: Rng, base: Base) -> None:
    """Board over one side, pouch in front, disk or its empty bay, blower at the back."""
    side = pick(rng, -1.0, 1.0)
    front = _pouch_row(rng, base, count(rng, 2, 4), share=draw(rng, 0.5, 0.64), deep=draw(rng, 0.3, 0.4))
    depth = base.y - front - 12
    board = (base.x * draw(rng, 0.56, 0.72), depth * draw(rng, 0.75, 0.98))
    at = (-side * (base.x - board[0]) / 2 * 0.95, base.y / 2 - board[1] / 2 - 4)
    _main_board(rng, base, at, board)
    corner = (side * (base.x / 2 - 32), base.y / 2 - 38)
    _blower(rng, base, corner, at, draw(rng, 20, 25))
    bay = (side * (base.x / 2 - 38), -base.y / 2 + 56)
    if chance(rng, 0.6) and base.tall > 7.3:
        base.device.add(hard_disk(rng, z=7.0), (*bay, base.floor), degrees=90, name="drive")
    else:
        base.device.add(stick(rng, 80, 22), (*bay, base.floor), degrees=90, name="drive")
    base.bay("drive_bay", (36, 52), bay)
    _speaker(rng, base, (-side * (base.x / 2 - 12), -base.y * 0.28), long=40)


def _pouch_row(rng: Rng, base: Base, cells: int, *, share: float, deep: float) -> float:
    """Pouch cells side by side in front; returns the depth in mm they take from the front edge."""
    width, depth = base.x * share / cells, base.y * deep
    height = min(draw(rng, 0.6, 0.92) * base.tall, draw(rng, 4.0, 6.5))
    y = -base.y / 2 + depth / 2 + 4
    for k in range(cells):
        at = ((k - (cells - 1) / 2) * width, y, base.floor + 0.1)
        base.device.add(pouch_cell(rng, width - 2, depth, height), at, name="battery")
    base.device.add(
        circuit_board(rng, base.x * share * 0.5, 6, tall=0), (0, y + depth / 2 + 4, base.floor + 2)
    )
    base.bay("battery_bay", (base.x * share / 2, depth / 2), (0, y))
    return depth + 12


def _main_board(rng: Rng, base: Base, at: Point, size: Point, *, chips: int = 1) -> None:
    """Main board with its processors under copper plates, and a memory module above a corner of it."""
    tall = 0.5 if base.tall > 8 else 0.0
    z = base.floor + min(1.8, base.tall * 0.3)
    base.device.add(circuit_board(rng, *size, density=draw(rng, 0.9, 1.4), tall=tall), (*at, z + 0.1))
    for k in range(chips):
        spot = (at[0] + (k - (chips - 1) / 2) * size[0] * 0.4, at[1], z + 1.9)
        die = [Part(plate(26, 26, 0.4).moved(z=-1.6), "cu"), Part(plate(13, 10, 0.8).moved(z=-1.0), "si")]
        base.device.add(
            [*die, Part(plate(draw(rng, 24, 40), draw(rng, 22, 34), draw(rng, 0.8, 1.8)), "cu")], spot
        )
    if base.tall > 6.5:
        memory = (
            at[0] + size[0] * draw(rng, -0.25, 0.25),
            at[1] - size[1] * draw(rng, 0.1, 0.25),
            base.ceiling - 2.4,
        )
        base.device.add(stick(rng, 69.6, 30), memory, name="memory")


def _blower(rng: Rng, base: Base, at: Point, cooled: Point, radius: float) -> None:
    """Fan, fins behind it, and one or two flat heat pipes to the processor."""
    height = min(base.tall - 0.6, draw(rng, 5, 11))
    base.device.add(fan(rng, radius, height), (*at, base.floor + 0.2))
    fins = count(rng, 20, 34)
    x = (np.arange(fins) - (fins - 1) / 2) * (2 * radius / fins)
    metal = pick(rng, "cu", "al")
    stack = boxes(np.column_stack([x, 0 * x, 0 * x]), (0.3, 8.0, height * 0.8))
    y = at[1] + radius + 9
    base.device.skin(Part(stack, metal), at=(at[0], y, base.floor + 0.2 + height / 2))
    away = 1.0 if at[0] > cooled[0] else -1.0
    z = base.floor + min(base.tall - 1.5, 3.6)
    for k in range(count(rng, 1, 2)):
        level = y - 7.5 * k
        ends = np.array([(at[0] + s * away * radius * 0.9, level, z) for s in (1.0, 0.2)])
        goal = np.array([cooled[0] + away * 10, cooled[1] + 8 - 8.0 * k, z])
        turn = (ends[1] + goal) / 2 + [0, 0.15 * (level - goal[1]), 0]
        path = spline([*ends, turn, goal], 14) if away * (at[0] - goal[0]) > 40 else np.stack([ends[1], goal])
        flat = np.array([(3.2, 0), (2.2, 1.0), (-2.2, 1.0), (-3.2, 0), (-2.2, -1.0), (2.2, -1.0)])
        base.device.skin(Part(sweep(path, flat), "cu", 1, draw(rng, 4.5, 7.0)))


def _speaker(rng: Rng, base: Base, at: Point, *, long: float) -> None:
    """Narrow speaker box with a small magnet at one end; the box is its own room."""
    height = min(base.tall - 0.4, draw(rng, 4.0, 9.0))
    wide = draw(rng, 15, 19)
    box_parts = case(wide, long, height, 1.0, "abs", radius=2, bevel=0.5)
    base.device.skin(*box_parts, at=(*at, base.floor + 0.1))
    end = (at[0], at[1] + long / 2 - 9, base.floor + 1.3)
    magnet = Part(cylinder(5, min(2.2, height * 0.4), segments=14).moved(z=1.2), "fe", 1, 7.2)
    base.device.add([magnet], end, name="speaker")
    inside = (wide / 2 - 1.6, long / 2 - 1.6)
    base.device.bay("speaker_cavity", inside, base.floor + 1.2, base.floor + height - 1.1, at)


INSIDES: dict[str, Callable[[Rng, Base], None]] = {
    "ultrabook": _ultrabook,
    "classic": _classic,
    "gaming": _gaming,
    "small": _small,
    "business": _business,
}
