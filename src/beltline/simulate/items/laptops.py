"""Laptops in three layouts: thin with pouch cells, classic with round cells, large with two fans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beltline.simulate.items._board import boxes, circuit_board, moved, scattered
from beltline.simulate.shapes import box, cylinder, rounded_box, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow

Rng = np.random.Generator


@dataclass(frozen=True)
class Bay:
    """A place inside a device.

    Attributes:
        name: What normally fills it.
        centre: (x, y, z) mm in the item's frame.
        size: (x, y, z) mm of the room.
    """

    name: str
    centre: tuple[float, float, float]
    size: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Device:
    """A device as an item, with the places where something could be hidden.

    Attributes:
        item: The benign item.
        bays: Rooms inside the shell.
        removable: Indices of parts that make up one component each, by its name.
    """

    item: Item
    bays: tuple[Bay, ...]
    removable: dict[str, tuple[int, ...]]


def laptop_device(rng: Rng) -> Device:
    """A closed laptop of a drawn layout, lying flat, hinges towards +y."""
    layout = str(rng.choice(["thin", "classic", "gaming"]))
    x = {"thin": rng.uniform(280, 330), "classic": rng.uniform(310, 370), "gaming": rng.uniform(350, 400)}[
        layout
    ]
    y, z = (
        x * rng.uniform(0.66, 0.74),
        {"thin": 15.0, "classic": 28.0, "gaming": 27.0}[layout] * rng.uniform(0.9, 1.2),
    )
    parts: list[Part] = [*_shell(rng, x, y, z), *_screen(rng, x, y, z), *_keyboard(rng, x, y, z)]
    removable: dict[str, tuple[int, ...]] = {}

    def add(name: str, new: tuple[Part, ...]) -> None:
        removable[name] = tuple(range(len(parts), len(parts) + len(new)))
        parts.extend(new)

    board = (x * rng.uniform(0.6, 0.9), y * rng.uniform(0.34, 0.44))
    board_y = y * 0.46 - board[1] / 2
    parts.extend(moved(circuit_board(rng, *board, density=1.1), 0, board_y, -z * 0.1))
    parts.extend(_cooling(rng, x, y, z, board_y, fans=2 if layout == "gaming" else 1))
    front = y * 0.36
    add("battery", _round_cells(rng, x, y, z) if layout == "classic" else _pouch_cells(rng, x, y, z, front))
    add("drive", _drive(rng, x, y, z, big=layout == "classic"))
    add("memory", _memory(rng, x, y, z, board_y))
    add("speakers", _speakers(rng, x, y, z))
    parts.extend(_fittings(rng, x, y, z))
    bays = _bays(x, y, z, layout)
    params = {"design": layout, "size_mm": [round(x, 1), round(y, 1), round(z, 1)]}
    return Device(Item("laptop", "laptop", tuple(parts), params=params), bays, removable)


def _shell(rng: Rng, x: float, y: float, z: float) -> tuple[Part, ...]:
    material = str(rng.choice(["al", "abs", "absf"]))
    wall = rng.uniform(0.7, 1.1) if material == "al" else rng.uniform(1.2, 1.9)
    outer = rounded_box(x, y, z, 8, bevel=2)
    inner = rounded_box(x - 2 * wall - 0.6, y - 2 * wall - 0.6, z - 2 * wall - 0.2, 7, bevel=2)
    return hollow(outer, inner, material)


def _screen(rng: Rng, x: float, y: float, z: float) -> tuple[Part, ...]:
    glass = box(x * 0.94, y * 0.9, rng.uniform(0.9, 1.5)).moved(z=z * 0.4)
    frame = [(0, s * y * 0.46, z * 0.36) for s in (-1, 1)]
    bars = boxes(frame, [(x * 0.9, 5, 0.6)] * 2)
    lamp = box(x * 0.9, 3, 2).moved(y=-y * 0.44, z=z * 0.36)
    return Part(glass, "glass"), Part(bars, "ss"), Part(lamp, "fr4")


def _keyboard(rng: Rng, x: float, y: float, z: float) -> tuple[Part, ...]:
    pitch = rng.uniform(17.5, 19.5)
    columns, rows = int(x * 0.88 / pitch), 6
    at = [(c, r) for r in range(rows) for c in range(columns)]
    centres = [((c - (columns - 1) / 2) * pitch, y * 0.02 + (r - 1) * pitch, z * 0.18) for c, r in at]
    keys = boxes(centres, [(pitch * 0.86, pitch * 0.86, 1.6)] * len(at))
    plate = box(columns * pitch, rows * pitch, rng.uniform(0.25, 0.5)).moved(
        y=y * 0.02 + 1.5 * pitch, z=z * 0.12
    )
    return Part(keys, "abs"), Part(plate, "al")


def _cooling(rng: Rng, x: float, y: float, z: float, board_y: float, *, fans: int) -> tuple[Part, ...]:
    parts = []
    for k in range(fans):
        side = (1 if k else -1) * rng.uniform(0.3, 0.38) * x
        radius = rng.uniform(18, 28)
        at = (side, y * 0.3, -z * 0.05)
        parts.append(Part(cylinder(radius, min(z * 0.4, 7)).moved(*at), "pp", 1, 0.5))
        parts.append(Part(cylinder(radius * 0.3, min(z * 0.4, 6)).moved(*at), "fe", 1, 4.0))
        path = spline([(side, y * 0.3, 0), (side * 0.5, board_y + 15, 0), (0, board_y, 0)], 20)
        parts.append(Part(tube(path, rng.uniform(1.6, 2.4), segments=6), "cu", 1, 6.0))
        fins = boxes([(side + (i - 8) * 2.0, y * 0.44, 0) for i in range(17)], [(0.4, 9, 5)] * 17)
        parts.append(Part(fins, str(rng.choice(["cu", "al"]))))
    parts.append(Part(box(24, 24, 1.5).moved(y=board_y, z=1.5), "cu"))
    return tuple(parts)


def _pouch_cells(rng: Rng, x: float, y: float, z: float, front: float) -> tuple[Part, ...]:
    count = int(rng.integers(2, 5))
    width = x * 0.86 / count
    return tuple(
        Part(
            rounded_box(width - 4, front * 0.86, min(z * 0.34, rng.uniform(4, 6)), 2).moved(
                (k - (count - 1) / 2) * width, -y * 0.27, -z * 0.18
            ),
            "liion",
        )
        for k in range(count)
    )


def _round_cells(rng: Rng, x: float, y: float, z: float) -> tuple[Part, ...]:
    count = int(rng.integers(3, 5))
    parts: list[Part] = []
    for k in range(count):
        for row in (0, 1) if rng.random() < 0.7 else (0,):
            at = (
                (k - (count - 1) / 2) * 67.0 * min(1.0, x / (count * 70)),
                -y * 0.43 + row * 19.5,
                -z * 0.05,
            )
            parts.append(Part(cylinder(9.0, 62, segments=18).rotated("y", 90).moved(*at), "fe"))
            parts.append(Part(cylinder(8.7, 61, segments=18).rotated("y", 90).moved(*at), "fe", -1))
            parts.append(Part(cylinder(8.6, 60, segments=18).rotated("y", 90).moved(*at), "liion"))
    return tuple(parts)


def _drive(rng: Rng, x: float, y: float, z: float, *, big: bool) -> tuple[Part, ...]:
    at = (x * rng.uniform(0.22, 0.3) * rng.choice([-1, 1]), -y * 0.12, -z * 0.2)
    if not big:
        return moved(circuit_board(rng, 80, 22, density=0.8), *at)
    case = box(100, 69, 7)
    return (
        Part(case.moved(*at), "al"),
        Part(box(96, 65, 5).moved(*at), "al", -1),
        Part(cylinder(31, 2.0, segments=30).moved(at[0] - 12, at[1], at[2]), "glass"),
        Part(cylinder(9, 4.5).moved(at[0] - 12, at[1], at[2]), "fe"),
        Part(box(18, 16, 4).moved(at[0] + 36, at[1] + 18, at[2]), "fe"),
    )


def _memory(rng: Rng, x: float, y: float, z: float, board_y: float) -> tuple[Part, ...]:
    return moved(circuit_board(rng, 67, 30, density=1.2), x * rng.uniform(-0.2, 0.2), board_y - 10, z * 0.05)


def _speakers(rng: Rng, x: float, y: float, z: float) -> tuple[Part, ...]:
    parts = []
    for side in (-1, 1):
        at = (side * x * 0.44, -y * rng.uniform(0.3, 0.42), -z * 0.1)
        parts.append(Part(box(16, 48, min(z * 0.3, 6)).moved(*at), "abs", 1, 0.5))
        parts.append(Part(cylinder(6, 3).moved(*at), "fe"))
    return tuple(parts)


def _fittings(rng: Rng, x: float, y: float, z: float) -> tuple[Part, ...]:
    hinges = boxes([(s * x * 0.36, y * 0.47, 0) for s in (-1, 1)], [(34, 9, min(z * 0.6, 9))] * 2)
    spots = rng.uniform(-0.46, 0.46, (int(rng.integers(8, 16)), 2)) * [x, y]
    screws = boxes(np.column_stack([spots, np.full(len(spots), -z * 0.3)]), [(2.4, 2.4, 5)] * len(spots))
    sockets = scattered(rng, (x * 0.9, 10), 6, (8, 6, 3), (16, 10, 6)).moved(y=y * 0.44, z=-3)
    wire = spline([(-x * 0.4, y * 0.4, 0), (-x * 0.45, 0, 1), (-x * 0.4, -y * 0.3, 0)], 20)
    antenna = tube(wire, 0.5, segments=5)
    return Part(hinges, "zn"), Part(screws, "fe"), Part(sockets, "fe", 1, 2.5), Part(antenna, "cu")


def _bays(x: float, y: float, z: float, layout: str) -> tuple[Bay, ...]:
    room = z * 0.34
    bays = [
        Bay("battery", (0.0, -y * 0.27, -z * 0.18), (x * 0.8, y * 0.28, room)),
        Bay("drive", (x * 0.26, -y * 0.1, -z * 0.2), (95.0, 60.0, room)),
        Bay("under_keyboard", (0.0, y * 0.04, -z * 0.02), (x * 0.7, y * 0.2, room * 0.7)),
        Bay("speaker", (-x * 0.4, -y * 0.36, -z * 0.1), (26.0, 46.0, room)),
    ]
    if layout == "classic":
        bays.append(Bay("optical", (x * 0.3, y * 0.1, -z * 0.15), (110.0, 110.0, room)))
    return tuple(bays)


def make_laptop(rng: Rng) -> Item:
    """A benign laptop; ``beltline.simulate.items.anomalies.anomalous`` gives its twin."""
    return laptop_device(rng).item


FAMILIES: dict[str, ItemMaker] = {"laptop": make_laptop}
