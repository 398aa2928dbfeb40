"""Closed laptops in five layouts, hinges towards +y: ultrabook, classic, gaming, small, business."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._board import boxes, circuit_board, plate
from beltline.simulate.items._device import Assembly, Device, intact
from beltline.simulate.items._innards import case, screws, wire
from beltline.simulate.items._laptop_insides import INSIDES, Base
from beltline.simulate.shapes import cylinder
from beltline.simulate.solids import ItemMaker, Part, hollow

# Width and height in mm, each from and to, and the share with a metal case.
_LAYOUTS: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "ultrabook": ((285, 330), (12.5, 18), 0.8),
    "classic": ((320, 385), (28, 38), 0.1),
    "gaming": ((350, 405), (23, 32), 0.3),
    "small": ((235, 290), (16, 24), 0.25),
    "business": ((300, 345), (19, 27), 0.35),
}


def laptop_device(rng: Rng) -> Device:
    """A laptop of a drawn layout."""
    layout = pick(rng, *_LAYOUTS)
    width, height, metal_share = _LAYOUTS[layout]
    x = draw(rng, *width)
    y = x * draw(rng, 0.64, 0.74)
    z = draw(rng, *height)
    device, metal = Assembly(), chance(rng, metal_share)
    base = _shell(rng, device, x, y, z, metal=metal)
    _lid(rng, device, x, y, z, layout)
    _keyboard(rng, device, base, layout)
    INSIDES[layout](rng, base)
    _fittings(rng, device, base, x, y, z)
    return device.finish("laptop", layout, metal=metal)


def _shell(rng: Rng, device: Assembly, x: float, y: float, z: float, *, metal: bool) -> Base:
    """Both halves, each a closed case; the lower one gets its room "gaps"."""
    material = pick(rng, "al", "al", "mg") if metal else pick(rng, "abs", "absf", "absf", "polycarbonate")
    wall = draw(rng, 0.7, 1.2) if metal else draw(rng, 1.2, 2.0)
    low = z * draw(rng, 0.62, 0.7)
    radius, bevel = draw(rng, 3, 14), draw(rng, 0.6, 2.5)
    device.skin(*case(x, y, low, wall, material, radius=radius, bevel=bevel), at=(0, 0, -z / 2))
    top = z - low - 0.4
    lid_wall = min(wall, top * 0.2)
    lid = case(x, y, top, lid_wall, material, radius=radius, bevel=min(bevel, top / 3))
    device.skin(*lid, at=(0, 0, -z / 2 + low + 0.4))
    margin = wall + 1.5
    keyboard = draw(rng, 2.2, 3.2)
    base = Base(device, x - 2 * margin, y - 2 * margin, -z / 2 + wall + 0.1, -z / 2 + low - wall - keyboard)
    device.bay("gap", (base.x / 2 - 1, base.y / 2 - 1), base.floor, base.ceiling)
    ceiling = z / 2 - lid_wall
    device.bay("lid", (x * 0.42, y * 0.42), ceiling - 0.3 * top, ceiling)
    return base


def _lid(rng: Rng, device: Assembly, x: float, y: float, z: float, layout: str) -> None:
    """Display: glass, light guide, metal back and rails, lamp strip, camera, aerials, magnets."""
    thin = layout in ("ultrabook", "small")
    at = z / 2 - z * 0.26
    sx, sy = x * draw(rng, 0.9, 0.95), y * draw(rng, 0.84, 0.92)
    device.add([Part(plate(sx, sy, draw(rng, 0.8, 1.3)), "glass")], (0, 0, at))
    guide = draw(rng, 0.5, 1.0) if thin else draw(rng, 1.5, 2.6)
    device.add([Part(plate(sx * 0.98, sy * 0.97, guide), "pmma")], (0, 0, at + 1.4))
    if chance(rng, 0.75):
        back = draw(rng, 0.2, 0.45)
        device.add(
            [Part(plate(sx * 0.98, sy * 0.96, back), pick(rng, "al", "fe", "al"))], (0, 0, at + 1.4 + guide)
        )
    rails = [(s * sx * 0.498, 0, 0) for s in (-1, 1)]
    device.skin(Part(boxes(rails, (draw(rng, 2.5, 6), sy, 0.7)), pick(rng, "ss", "al")), at=(0, 0, at + 1.2))
    strip = circuit_board(rng, sx * 0.85, 7, density=2.0, tall=0)
    device.skin(*strip, at=(0, -sy / 2 + 4 if thin else sy / 2 - 4, at - 0.1))
    device.skin(*circuit_board(rng, draw(rng, 30, 70), 5, density=2.5, tall=0), at=(0, -y * 0.475, at))
    for side in (-1, 1):
        path = [
            (side * x * 0.3, y * 0.44, at),
            (side * x * 0.485, y * 0.4, at),
            (side * x * 0.487, -y * 0.4, at),
            (side * x * 0.2, -y * 0.485, at),
        ]
        device.skin(wire(path, 0.45))
    magnets = [(s * x * draw(rng, 0.3, 0.45), -y * 0.48, at) for s in (-1, 1)]
    device.skin(Part(boxes(magnets, (9.0, 3.0, 1.5)), "fe", 1, 7.4))


def _keyboard(rng: Rng, device: Assembly, base: Base, layout: str) -> None:
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
        x = (edges[:-1] + edges[1:] - columns) / 2 * pitch
        deep, level = np.full_like(x, y0 - (row + 0.5) * pitch), np.full_like(x, z + 1.4)
        centres.append(np.column_stack([x, deep, level]))
        long, other = np.diff(edges) * pitch - 2.4, np.full_like(x, pitch - 2.4)
        sizes.append(np.column_stack([long, other, np.ones_like(x)]))
    at_y = y0 - rows * pitch / 2
    metal = pick(rng, "fe", "al", "fe")
    thick = draw(rng, 0.25, 0.45) if metal == "fe" else draw(rng, 0.5, 0.9)
    device.skin(Part(plate(columns * pitch, rows * pitch, thick), metal), at=(0, at_y, z + 0.1))
    device.skin(Part(boxes(np.concatenate(centres), np.concatenate(sizes)), "abs"))
    pad = (draw(rng, 70, 130), draw(rng, 45, min(85, base.y * 0.36)))
    shift_x = draw(rng, -0.12, 0.05) * base.x
    device.skin(
        Part(plate(*pad, 0.8), "fr4"),
        Part(plate(pad[0] - 2, pad[1] - 2, 0.06).moved(z=0.8), "cu"),
        at=(shift_x, -base.y / 2 + pad[1] / 2 + 6, z + 0.2),
    )
    keys = (columns * pitch / 2 - 4, rows * pitch / 2)
    device.bay("under_keyboard", keys, base.floor, z, (0, at_y))
    device.room(
        "palm_rest",
        (-base.x / 2 + 4, -base.y / 2 + 3, base.floor),
        (base.x / 2 - 4, at_y - rows * pitch / 2, z),
    )


def _fittings(rng: Rng, device: Assembly, base: Base, x: float, y: float, z: float) -> None:
    """Hinges, case screws, sockets along the sides, cables."""
    for side in (-1, 1):
        at = side * x * draw(rng, 0.3, 0.4)
        leaf = [(at, y * 0.46, -z * 0.05), (at, y * 0.455, z * 0.24)]
        long = draw(rng, 22, 44)
        device.skin(Part(boxes(leaf, [(long, 10, 1.6), (long * 0.5, 14, 1.2)]), "fe"))
        pin = cylinder(draw(rng, 2.2, 3.4), long * 0.8, segments=10).rotated("y", 90)
        device.skin(Part(pin, "ss"), at=(at, y * 0.485 - 2, z * 0.13))
    n = count(rng, 3, 6)
    edge = np.linspace(-0.47, 0.47, n) * x
    spots = [(float(a), s * (y / 2 - 6)) for a in edge for s in (-1, 1)]
    spots += [(s * (x / 2 - 6), float(b)) for b in np.linspace(-0.25, 0.25, n - 2) * y for s in (-1, 1)]
    device.skin(screws(spots, min(4.5, base.tall * 0.7), head=2.0), at=(0, 0, base.floor))
    device.skin(*_sockets(rng, base, y))
    across = np.linspace(draw(rng, -0.45, -0.2), draw(rng, 0.2, 0.45), 4) * base.x
    y0 = draw(rng, -0.35, 0.35) * base.y
    cable = [(float(a), y0 + draw(rng, -12, 12), base.floor + 1) for a in across]
    device.skin(wire(cable, draw(rng, 0.4, 0.9)))


def _sockets(rng: Rng, base: Base, y: float) -> list[Part]:
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


FAMILIES: dict[str, ItemMaker] = {"laptop": intact(laptop_device)}
