"""Small sharp things: screwdrivers, hand saws, razor blades and darts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._threat import GRIPS, shaft, threat
from beltline.simulate.shapes import (
    Mesh,
    arc,
    box,
    cylinder,
    in_plane,
    loft,
    prism,
    revolve,
    rounded_box,
    spline,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned


def _driver_tip(rng: Rng, kind: str, radius: float) -> Mesh:
    """Working end from x = 0 on: flat, cross or a hexagon."""
    reach = rng.uniform(8, 16)
    if kind == "flat":
        wide, thin = radius * rng.uniform(1.0, 1.5), rng.uniform(0.3, 0.6)
        rings = [(radius, radius, 0.0), (wide, radius * 0.6, reach * 0.5), (wide, thin, reach)]
    elif kind == "cross":
        rings = [(radius, radius, 0.0), (radius * 0.8, radius * 0.8, reach * 0.6), (0.6, 0.6, reach)]
    else:
        rings = [(radius * 0.8, radius * 0.8, 0.0), (radius * 0.8, radius * 0.8, reach)]
    circle = arc(1.0, 0, 315, steps=8)
    solid = loft([in_plane(circle * [y, x], z) for x, y, z in rings])
    return solid.rotated("y", 90)


def _driver_handle(rng: Rng, length: float, radius: float) -> Mesh:
    """Turned handle with a waist and a fluted section, along x from -``length`` to 0."""
    shares = np.array([0.0, 0.05, 0.25, 0.55, 0.75, 0.85, 0.95, 1.0])
    swell = np.array([0.6, 0.9, 1.0, 0.95, rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.8), 0.8, 0.5])
    lobes, depth = int(rng.integers(3, 8)), rng.uniform(0, 0.12)
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    flute = 1 + depth * np.cos(lobes * angle)
    section = np.column_stack([np.cos(angle), np.sin(angle)]) * flute[:, None]
    rings = [in_plane(section * radius * s, (x - 1) * length) for x, s in zip(shares, swell, strict=True)]
    return loft(rings).rotated("y", 90)


def make_screwdriver(rng: Rng) -> Item:
    """Flat, cross, hexagon or precision driver, sometimes stubby, two-material handle, or several bits."""
    design = pick(rng, "flat", "cross", "flat", "cross", "stubby", "precision", "bit_holder")
    radius, length = float(rng.uniform(2, 5)), float(rng.uniform(60, 220))
    handle, girth = rng.uniform(75, 120), rng.uniform(11, 18)
    if design == "stubby":
        length, handle = float(rng.uniform(22, 45)), rng.uniform(40, 60)
    elif design == "precision":
        radius, length, handle, girth = float(rng.uniform(0.8, 1.6)), length * 0.4, rng.uniform(60, 85), 4.5
    tip = pick(rng, "flat", "cross", "hex") if design not in ("flat", "cross") else design
    steel = pick(rng, "fe", "fe", "ss")
    tang = handle * rng.uniform(0.4, 0.9)
    rod = cylinder(radius, length + tang, segments=12).rotated("y", 90).moved((length - tang) / 2)
    parts = [Part(rod, steel), Part(_driver_tip(rng, tip, radius).moved(length), steel)]
    grip = "al" if design == "precision" and rng.random() < 0.7 else pick(rng, *GRIPS, "pmma")
    parts.append(Part(_driver_handle(rng, handle, girth), grip))
    if design == "bit_holder":
        collar = cylinder(radius + 3, 22, segments=12).rotated("y", 90).moved(length)
        bits = [cylinder(3, 25, segments=6).rotated("y", 90).moved(-handle * 0.5, y) for y in (-7, 7)]
        parts += [Part(mesh, steel) for mesh in (collar, *bits)]
    return threat("screwdriver", "screwdriver", design, parts, blade_mm=length, tip=tip, handle=grip)


def _toothed(rng: Rng, length: float, heel: float, toe: float) -> NDArray[np.float64]:
    """Outline of a saw blade from x = 0 to ``length`` with its teeth along y = 0."""
    pitch = float(np.clip(rng.uniform(2.5, 6), length / 90, None))
    count = int(length / pitch)
    x = np.linspace(0, length, 2 * count + 1)
    teeth = np.column_stack([x, np.where(np.arange(2 * count + 1) % 2, -pitch * 0.55, 0.0)])
    return np.concatenate([teeth, [(length, toe), (length * 0.5, (heel + toe) / 2), (0.0, heel)]])


def _frame_saw(rng: Rng, length: float) -> list[Part]:
    """Hacksaw: a thin blade held in a steel bow with a wing nut."""
    height, width = rng.uniform(50, 110), rng.uniform(10, 14)
    parts = [Part(prism(_toothed(rng, length, width, width), rng.uniform(0.7, 1.0)), "fe")]
    corners = [
        (-8, 4),
        (-8, height * 0.8),
        (6, height),
        (length - 6, height),
        (length + 8, height * 0.8),
        (length + 8, 4),
    ]
    bow = spline(np.array(corners, dtype=float), 30)
    parts.append(Part(tube(in_plane(bow), rng.uniform(3, 5), segments=8), pick(rng, "fe", "al")))
    for x in (-8.0, length + 8):
        parts.append(Part(cylinder(3.5, 30, segments=8).rotated("y", 90).moved(x, 4), "fe"))
    parts.append(Part(box(4, 22, 3).moved(length + 24, 4), "fe"))
    return parts


def make_hand_saw(rng: Rng) -> Item:
    """Carpenter's saw, back saw, hacksaw, folding pruning saw or a keyhole saw."""
    design = pick(rng, "carpenter", "back", "hacksaw", "folding", "keyhole")
    low, high = {"carpenter": (280, 420), "back": (200, 300), "hacksaw": (150, 310)}.get(design, (130, 240))
    length = float(rng.uniform(low, high))
    grip = pick(rng, "wood", "abs", "pp", "rubber", "nylon")
    if design == "hacksaw":
        parts = _frame_saw(rng, length)
    else:
        heel = rng.uniform(80, 120) if design == "carpenter" else rng.uniform(24, 42)
        toe = heel if design == "back" else heel * rng.uniform(0.25, 0.6)
        parts = [Part(prism(_toothed(rng, length, heel, toe), rng.uniform(0.8, 1.6)), pick(rng, "fe", "ss"))]
        if design == "back":
            parts.append(Part(box(length, 9, 5).moved(length / 2, heel), pick(rng, "brass", "fe")))
    width, depth = rng.uniform(24, 34), rng.uniform(16, 26)
    if design in ("folding", "keyhole"):
        line = [(20.0, 14.0), (-60.0, 12.0), (-rng.uniform(110, 160), rng.uniform(-12, 8))]
        parts.append(Part(shaft(line, [width, width * 0.9, width * 1.1], depth), grip))
        parts.append(Part(box(60, 16, 1.5).moved(-20, 13), "fe"))
    else:
        ring = spline([(10, 75), (-45, 90), (-85, 60), (-70, 0), (-5, 5), (0, 40)], 30, closed=True)
        loop = tube(in_plane(ring), width * 0.42, segments=10, closed=True)
        parts.append(Part(loop.scaled(1, 1, depth / width), grip))
    for y in (8.0, 18.0):
        parts.append(
            Part(cylinder(rng.uniform(2.5, 4.5), depth, segments=10).moved(-4, y), pick(rng, "brass", "fe"))
        )
    return threat("hand_saw", "saw_blade", design, parts, blade_mm=length, handle=grip)


def _double_edged(rng: Rng) -> list[Part]:
    """Safety razor blade: rings of steel around the middle slot, so that no hole is needed."""
    x, y, thick = rng.uniform(40, 44), rng.uniform(20, 23), rng.uniform(0.1, 0.2)
    bars = [box(x, y * 0.32, thick).moved(y=s * y * 0.34) for s in (-1, 1)]
    stays = [box(x * 0.08, y * 0.36, thick).moved(s * x * 0.46) for s in (-1, -0.35, 0.35, 1)]
    return [Part(mesh, "ss") for mesh in (*bars, *stays)]


def _single_edged(rng: Rng) -> list[Part]:
    """Scraper blade with a folded back, or a trapezoid utility blade with notches."""
    x, y, thick = rng.uniform(36, 62), rng.uniform(17, 23), rng.uniform(0.25, 0.7)
    cut = rng.uniform(0, 0.25) * x
    sheet = prism([(-x / 2, 0), (x / 2, 0), (x / 2 - cut, y), (-x / 2 + cut, y)], thick)
    if rng.random() < 0.5:
        return [Part(sheet, "fe"), Part(box(x - 2 * cut, 5, 1.6).moved(y=y - 2), pick(rng, "al", "fe"))]
    return [Part(sheet, "fe")]


def make_razor_blades(rng: Rng) -> Item:
    """Razor or utility blades: single, strewn, in a dispenser, or in a safety razor's head."""
    design = pick(rng, "single", "strewn", "strewn", "dispenser", "razor")
    make = _double_edged if design == "razor" or rng.random() < 0.6 else _single_edged
    count = {"single": 1, "razor": 1}.get(design, int(rng.integers(3, 9)))
    parts: list[Part] = []
    for i in range(count):
        blade = moved(make(rng), z=0.9 * i)
        if design == "strewn":
            blade = moved(turned(blade, "z", rng.uniform(0, 360)), *rng.normal(0, 22, 2))
        parts += blade
    if design == "dispenser":
        parts += [Part(rounded_box(66, 28, 1.2, 3).moved(z=z), "pp") for z in (-1.5, 0.9 * count + 1)]
    elif design == "razor":
        guard = [rounded_box(44, 25, 2.2, 3).moved(z=z) for z in (-2, 2)]
        stem = revolve([(4, 4), (5.5, 20), (5, 60), (6.5, rng.uniform(80, 95))]).rotated("x", 90)
        parts += [Part(mesh, pick(rng, "zn", "brass"), 1, 4.0) for mesh in (*guard, stem)]
    return threat("razor_blades", "razor_blade", design, parts, count=count)


def _one_dart(rng: Rng, design: str) -> tuple[list[Part], float]:
    """Dart along x with its barrel from 0 up, and the barrel's length in mm."""
    barrel, radius, point = rng.uniform(42, 56), rng.uniform(3, 4.5), rng.uniform(24, 36)
    stem = rng.uniform(35, 55)
    grooves = [(radius * (1 - 0.12 * (i % 2)), barrel * (0.1 + 0.05 * i)) for i in range(16)]
    body = revolve([(radius * 0.5, 0), *grooves, (radius * 0.6, barrel)], segments=14)
    needle = revolve([(1.15, barrel), (1.1, barrel + point * 0.7), (0.05, barrel + point)], segments=10)
    rear = revolve([(2.6, 0), (1.8, -stem)], segments=10)
    tip = "nylon" if design == "soft_tip" else "fe"
    parts = [Part(body, pick(rng, "brass", "fe", "ni")), Part(needle, tip)]
    parts.append(Part(rear, pick(rng, "nylon", "al", "pp")))
    span, chord = rng.uniform(15, 22), rng.uniform(30, 42)
    fin = prism([(0, 0), (span, -chord * 0.3), (span, -chord * 0.8), (0, -chord)], 0.6).rotated("x", 90)
    parts += [Part(fin.rotated("z", a).moved(z=-stem * 0.75), "pet") for a in (45, 135, 225, 315)]
    return turned(parts, "y", 90), barrel


def make_dart(rng: Rng) -> Item:
    """Steel or soft tipped dart, one or a set of three in a case."""
    design = pick(rng, "steel_tip", "steel_tip", "soft_tip", "set")
    one, barrel = _one_dart(rng, design)
    parts = one if design != "set" else [p for i in range(3) for p in moved(one, y=28.0 * i)]
    if design == "set":
        parts += moved([Part(rounded_box(150, 100, 2, 8), "nylon")], 0, 28, -22)
    return threat("dart", "dart", design, parts, barrel_mm=barrel)


FAMILIES: dict[str, ItemMaker] = {
    "screwdriver": make_screwdriver,
    "hand_saw": make_hand_saw,
    "razor_blades": make_razor_blades,
    "dart": make_dart,
}
