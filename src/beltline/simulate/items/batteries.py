"""Cells, battery packs and power banks."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._vessel import filling, placed, shell
from beltline.simulate.shapes import box, cylinder, merge, rounded_box, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, centred, hollow, moved, turned

# Diameter, length in mm and the chemistry of common cells (IEC 60086, 18650 by its name).
CELLS: dict[str, tuple[float, float, str]] = {
    "AA": (14.2, 49.5, "alkaline"),
    "AAA": (10.3, 43.5, "alkaline"),
    "C": (25.8, 48.5, "alkaline"),
    "D": (33.5, 59.5, "alkaline"),
    "18650": (18.4, 65.0, "liion"),
}


def _cell(rng: Rng, size: str) -> list[Part]:
    """Cylindrical cell along x, plus pole at +x: steel can, active mass with a core, seal and button."""
    diameter, length, chemistry = CELLS[size]
    radius, tip = diameter / 2 * rng.uniform(0.985, 1.015), diameter * 0.1
    wall = rng.uniform(0.22, 0.35)
    profile = [
        (radius, 0.0),
        (radius, length - tip - 3.5),
        (radius * 0.96, length - tip - 3),
        (radius, length - tip),
    ]
    density = rng.uniform(2.4, 3.1) if chemistry == "alkaline" else rng.uniform(2.2, 2.6)
    core = cylinder(radius * (0.5 if chemistry == "alkaline" else 0.12), length * 0.72, segments=14)
    mass = filling(profile, wall, 0.88)
    parts = [*shell(profile, wall, "fe"), Part(mass, chemistry, 1, density)]
    middle = core.moved(z=0.43 * length)
    parts += [Part(middle, chemistry, -1, density)]
    if chemistry == "alkaline":
        parts += [
            Part(middle, "zn", 1, rng.uniform(2.4, 3.2)),
            Part(cylinder(0.8, length * 0.7).moved(z=length * 0.4), "brass"),
        ]
    parts.append(Part(cylinder(radius * 0.32, tip, segments=14).moved(z=length - tip / 2), "fe", 1, 4.0))
    parts.append(Part(cylinder(radius * 0.8, 1.0).moved(z=length - tip - 2.2), "nylon"))
    return turned(moved(parts, z=-length / 2), "y", 90)


def _nine_volt(rng: Rng) -> list[Part]:
    """Rectangular block of six small cells with two snaps on one end."""
    x, y, z = rng.uniform(44, 46), rng.uniform(25.5, 26.5), rng.uniform(16.5, 17.5)
    case, room = rounded_box(x, y, z, 2.0, bevel=0.5), box(x - 1.2, y - 1.2, z - 1.2)
    parts = list(hollow(case, room, "fe"))
    for i in range(6):
        row, column = divmod(i, 3)
        cell = cylinder(3.8, x - 6, segments=14).rotated("y", 90)
        parts.append(Part(cell.moved(0, (column - 1) * 8, (row - 0.5) * 7.9), "alkaline", 1, 2.6))
    for side, radius in ((-1, 4.2), (1, 2.9)):
        snap = cylinder(radius, 2.6, segments=12).rotated("y", 90)
        parts.append(Part(snap.moved(x / 2 + 1.3, side * 6.4), "fe", 1, 4.5))
    return parts


def battery_cells(rng: Rng) -> Item:
    """One cell, a loose handful, a blister row or a shrink-wrapped pack."""
    size = pick(rng, *CELLS, "9V", "AA", "AAA")
    design = pick(rng, "single", "row", "loose", "holder")
    count = 1 if design == "single" else int(rng.integers(2, 9 if size in ("AA", "AAA") else 5))
    pitch = 27.0 if size == "9V" else CELLS[size][0] * 1.03
    length = 49.0 if size == "9V" else CELLS[size][1]
    parts: list[Part] = []
    for i in range(count):
        one = _nine_volt(rng) if size == "9V" else _cell(rng, size)
        flip = float(rng.choice([0, 180])) if design in ("row", "holder") else 0.0
        turn = float(rng.uniform(-25, 25)) if design == "loose" else flip
        gap = pitch * (rng.uniform(1.3, 1.8) if design == "loose" else 1.0)
        shift = float(rng.normal(0, 6)) if design == "loose" else 0.0
        parts += placed(one, shift, i * gap, turn=turn)
    if design == "holder":
        middle, span = (count - 1) * pitch / 2, count * pitch
        tray = box(length + 14, span + 5, 1.5).moved(0, middle, -pitch / 2 - 1)
        ends = [box(1.5, span + 5, pitch * 0.7).moved(s * (length / 2 + 6), middle) for s in (-1, 1)]
        parts.append(Part(merge([tray, *ends]), "abs"))
        lead = spline(
            [(length / 2, -4, 0), (length / 2 + 25, -12, 0), (length / 2 + 60, rng.uniform(-30, 20), 0)], 16
        )
        parts += [Part(tube(lead, 0.9, segments=6), "pvc"), Part(tube(lead, 0.4, segments=6), "cu")]
    drawn: dict[str, object] = {"design": design, "size": size, "count": count}
    return Item("battery_cells", "battery", tuple(centred(parts)), True, drawn)


def _pouch(rng: Rng, x: float, y: float, z: float) -> list[Part]:
    """Flat cell: wound foils denser at the folds, aluminium film seam, two tabs."""
    parts = [Part(rounded_box(x, y, z, min(z / 2, 3)), "liion", 1, rng.uniform(2.1, 2.6))]
    parts.append(Part(box(x + 6, y + 1, 0.2), "al"))
    for side, metal in ((-1, "al"), (1, "ni")):
        parts.append(Part(box(9, 5, 0.25).moved(x / 2 + 4, side * y * 0.22), metal))
    return parts


def _board(rng: Rng, x: float, y: float) -> list[Part]:
    """Small circuit board in the xy plane with chips and an inductor."""
    parts = [Part(box(x, y, 1.2), "fr4"), Part(box(x * 0.94, y * 0.9, 0.07).moved(z=0.3), "cu")]
    for _ in range(int(rng.integers(6, 16))):
        a, b = rng.uniform(1.2, 4.5, 2)
        at = rng.uniform(-0.4, 0.4, 2) * [x, y]
        chip = box(float(a), float(b), rng.uniform(0.6, 1.5)).moved(float(at[0]), float(at[1]), 1.3)
        parts.append(Part(chip, pick(rng, "epoxy", "ceramic", "solder"), 1, rng.uniform(2.0, 4.0)))
    coil = box(6, min(6, y * 0.8), 3.5).moved(x * rng.uniform(-0.3, 0.3), 0, 2.4)
    parts.append(Part(coil, "ferrite", 1, 4.2))
    return parts


def _case(rng: Rng, x: float, y: float, z: float, material: str) -> tuple[Part, Part]:
    wall = rng.uniform(0.8, 1.6)
    return hollow(rounded_box(x, y, z, 4, bevel=0.4), box(x - 3.6, y - 3.6, z - 2 * wall), material)


def battery_pack(rng: Rng) -> Item:
    """Camera block, long laptop pack of 18650 cells, flat laptop pack of pouches, or a tool pack."""
    design = pick(rng, "camera", "laptop_cells", "laptop_pouch", "tool")
    parts: list[Part] = []
    if design == "camera":
        x, y, z = rng.uniform(38, 60), rng.uniform(28, 42), rng.uniform(9, 21)
        cell = _pouch(rng, x * 0.78, y - 4.5, z - 3.5)
        parts += [
            *_case(rng, x, y, z, "abs"),
            *placed(cell, -x * 0.06),
            *placed(_board(rng, 4, y * 0.7), x * 0.43),
        ]
        contacts = [box(2.5, 2.2, 4).moved(x / 2 - 1, (i - 1.5) * 4.5) for i in range(4)]
        parts.append(Part(merge(contacts), "brass", 1, 5.0))
    elif design == "laptop_pouch":
        count, wide, tall, z = (
            int(rng.integers(2, 5)),
            rng.uniform(50, 80),
            rng.uniform(70, 110),
            rng.uniform(4, 7),
        )
        for i in range(count):
            parts += placed(_pouch(rng, tall, wide - 3, z), 0, (i - (count - 1) / 2) * wide)
        span = count * wide
        parts += placed(_board(rng, 9, span * 0.7), tall / 2 + 12)
        parts.append(Part(box(tall + 34, span + 4, 0.8).moved(5, 0, -z / 2 - 1), "abs"))
    else:
        rows, layers = (
            (int(rng.integers(3, 5)), 1) if design == "laptop_cells" else (int(rng.integers(2, 6)), 2)
        )
        columns = 2 if design == "laptop_cells" else 1
        for i in range(rows * layers * columns):
            column, rest = divmod(i, rows * layers)
            layer, row = divmod(rest, rows)
            # Cells lie head to tail: x along the pack, rows across it.
            one = _cell(rng, "18650")
            parts += placed(one, column * 67, row * 19, layer * 19, turn=180.0 * (row % 2))
        size = (columns * 67 + 8, rows * 19 + 14, layers * 19 + 5)
        middle = ((columns - 1) * 33.5, (rows - 1) * 9.5 + 3, (layers - 1) * 9.5)
        parts += placed(_case(rng, *size, "abs"), *middle)
        parts += placed(_board(rng, size[0] * 0.6, 8), middle[0], rows * 19 - 4, middle[2])
        strips = [box(0.2, rows * 17.0, 7).moved(s * 33.5, (rows - 1) * 9.5) for s in (-1, 1)]
        parts.append(Part(merge(strips), "ni"))
    drawn: dict[str, object] = {"design": design, "parts": len(parts)}
    return Item("battery_pack", "battery", tuple(centred(parts)), True, drawn)


def _ports(rng: Rng, x: float, y: float) -> list[Part]:
    """USB shells on the +x face."""
    parts: list[Part] = []
    for i in range(int(rng.integers(1, 4))):
        wide = float(rng.choice([12.0, 9.0, 7.5]))
        outer, inner = box(13, wide, 4.5), box(12, wide - 0.8, 3.7)
        at = float(np.clip((i - 1) * 15.0, -y / 2 + 8, y / 2 - 8))
        parts += placed(hollow(outer, inner, "ss"), x / 2 - 7.5, at)
        parts.append(Part(box(9, wide * 0.7, 1.4).moved(x / 2 - 7.5, at), "nylon"))
    return parts


def power_bank(rng: Rng) -> Item:
    """Power bank: lipstick of one cell, slab of cells, or flat one with pouches."""
    design = pick(rng, "lipstick", "cells", "pouch", "pouch")
    case = pick(rng, "abs", "abs", "al")
    if design == "pouch":
        x, y, z = rng.uniform(95, 160), rng.uniform(58, 82), rng.uniform(10, 24)
        layers = 2 if z > 15 else 1
        each = (z - 5) / layers
        inside: list[Part] = []
        for i in range(layers):
            lift = (i - (layers - 1) / 2) * each
            inside += placed(_pouch(rng, x * 0.7, y - 8, each - 0.6), -x * 0.11, 0, lift)
    else:
        count = 1 if design == "lipstick" else int(rng.integers(2, 7))
        x, y, z = rng.uniform(93, 108), count * 19.0 + 5, 23.5
        inside = []
        for i in range(count):
            one = _cell(rng, "18650")
            inside += placed(one, -x / 2 + 37, (i - (count - 1) / 2) * 19.0)
        strips = [box(0.2, y - 8, 6).moved(-x / 2 + 37 + s * 33.2) for s in (-1, 1)]
        inside.append(Part(merge(strips), "ni"))
    board = placed(_board(rng, 16, y * 0.8), x / 2 - 13, 0, -3)
    parts = [*_case(rng, x, y, z, case), *inside, *board, *_ports(rng, x, y)]
    drawn: dict[str, object] = {"design": design, "case": case, "size_mm": [float(v) for v in (x, y, z)]}
    return Item("power_bank", "battery", tuple(centred(parts)), True, drawn)


FAMILIES: dict[str, ItemMaker] = {
    "battery_cells": battery_cells,
    "battery_pack": battery_pack,
    "power_bank": power_bank,
}
