"""Rigid boxes: security trays and corrugated parcels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._cloth import texture
from beltline.simulate.luggage._fittings import screws
from beltline.simulate.luggage._forms import offset, repeated, shell_parts
from beltline.simulate.luggage.container import Container
from beltline.simulate.shapes import Array, Mesh, box, ellipsoid, in_plane, loft, prism, rounded_rectangle
from beltline.simulate.solids import Part, moved


def tray_parts(rng: Rng, size: ArrayLike) -> list[Part]:
    """Open plastic tray with its floor at z = 0: walls, rim, ribs, grip holes in the short walls.

    ``size`` (3,) is the room inside at the floor and the height, mm.
    """
    x, y, high = (float(v) for v in np.asarray(size))
    wall, slope = rng.uniform(2.2, 3.6), rng.uniform(0.04, 0.18)
    material = pick(rng, "pp", "pe", "pp", "talc_pp", "absf")
    low = rounded_rectangle(x, y, rng.uniform(20, 50), steps=5)
    top = offset(low, slope * high)
    levels = [(low, 0.0), (top, high), (offset(top, wall), high), (offset(low, wall), 0.0)]
    walls = loft(np.stack([in_plane(ring, z) for ring, z in levels], axis=1), closed=True)
    parts = [Part(walls, material), Part(prism(offset(low, wall), wall).moved(z=-wall / 2), material)]
    parts += [Part(hole, material, -1) for hole in _grip_holes(rng, low, top, high, wall)]
    rim = [(offset(top, wall + 0.01), high), (offset(top, wall + rng.uniform(8, 18)), high)]
    rim += [(ring, z - wall) for ring, z in rim[::-1]]
    parts.append(Part(loft(np.stack([in_plane(ring, z) for ring, z in rim], axis=1), closed=True), material))
    return [*parts, *_ribs(rng, x, y, wall, material)]


def _grip_holes(rng: Rng, low: Array, top: Array, high: float, wall: float) -> list[Mesh]:
    """Openings in both short walls, all but a hair of the wall removed."""
    if chance(rng, 0.25):
        return []
    wide, a, b = rng.uniform(80, 120), rng.uniform(0.5, 0.6), rng.uniform(0.75, 0.88)
    holes = []
    for sign in (-1, 1):
        foot, head = sign * float(low[:, 0].max()), sign * float(top[:, 0].max())
        rings = []
        for depth in (0.02, wall - 0.02):
            corners = [(a, -0.5), (a, 0.5), (b, 0.42), (b, -0.42)]
            rings.append([(foot + t * (head - foot) + sign * depth, w * wide, t * high) for t, w in corners])
        holes.append(loft(np.array(rings)))
    return holes


def _ribs(rng: Rng, x: float, y: float, wall: float, material: str) -> list[Part]:
    """Stiffening ribs and feet under the floor."""
    tall, thick = rng.uniform(3, 7), rng.uniform(1.8, 3)
    style = pick(rng, "cross", "grid", "long", "rings")
    meshes = []
    if style in ("cross", "grid"):
        spots = [(k * x, 0.0, 0.0) for k in np.linspace(-0.4, 0.4, int(rng.integers(3, 9)))]
        meshes.append(repeated(box(thick, y * 0.86, tall), spots))
    if style in ("long", "grid"):
        spots = [(0.0, k * y, -tall) for k in np.linspace(-0.36, 0.36, int(rng.integers(2, 7)))]
        meshes.append(repeated(box(x * 0.88, thick, tall), spots))
    if style == "rings":
        for k in np.linspace(0.35, 0.85, int(rng.integers(2, 4))):
            outline = rounded_rectangle(x * k, y * k, 25, steps=4)
            rings = [
                (outline, 0.0),
                (outline, tall),
                (offset(outline, -thick), tall),
                (offset(outline, -thick), 0.0),
            ]
            meshes.append(loft(np.stack([in_plane(r, z - tall / 2) for r, z in rings], axis=1), closed=True))
    return [Part(mesh.moved(z=-wall - tall / 2), material) for mesh in meshes]


def tray(rng: Rng) -> Container:
    """Security tray for loose things."""
    size = rng.uniform((440, 310, 70), (620, 430, 130))
    height = float(size[2])
    parts = moved(tray_parts(rng, size), z=-height / 2)
    inner = np.array([size[0] - 24, size[1] - 24, height * rng.uniform(0.9, 1.1)])
    return Container("tray", tuple(parts), inner, {"size_mm": [round(float(v), 1) for v in size]})


def maybe_tray(rng: Rng, size: ArrayLike, parts: Sequence[Part], share: float) -> tuple[Part, ...]:
    """A tray under a bag in a share of the cases, else nothing."""
    if not chance(rng, share):
        return ()
    x, y, _ = (float(v) for v in np.asarray(size))
    room = (max(x + rng.uniform(0, 60), 440.0), max(y + rng.uniform(-10, 50), 310.0), rng.uniform(80, 130))
    lowest = min(float(p.mesh.bounds[0, 2]) for p in parts if p.sign > 0)
    return tuple(moved(tray_parts(rng, room), rng.normal(0, 8), rng.normal(0, 8), lowest - 1))


def _flutes(length: float, width: float, wave: float, tall: float, paper: float) -> Mesh:
    """Wavy medium of corrugated board: a sheet over x = length, y = width, flutes along y."""
    t = np.linspace(-length / 2, length / 2, int(min(max(length / wave, 4), 60) * 4))
    curve = 0.5 * (tall - paper) * np.sin(2 * np.pi * t / wave)
    outline = np.vstack(
        [np.column_stack([t, curve + paper / 2]), np.column_stack([t, curve - paper / 2])[::-1]]
    )
    return prism(outline, width).rotated("x", 90)


def _board(rng: Rng, x: float, y: float, tall: float, wave: float, *, along_x: bool) -> list[Part]:
    """Corrugated sheet, centred: two liners and the flutes between them."""
    liner = rng.uniform(0.25, 0.4)
    faces = [Part(box(x, y, liner).moved(z=s * (tall - liner) / 2), "paper") for s in (-1, 1)]
    long, wide = (y, x) if along_x else (x, y)
    wave = max(wave, long / 58)
    core = _flutes(long, wide, wave, tall - 2 * liner, liner)
    return [*faces, Part(core.rotated("z", 90) if along_x else core, "paper")]


def parcel(rng: Rng) -> Container:
    """Corrugated box with flaps, tape, perhaps staples and filler."""
    size = rng.uniform((220, 170, 80), (480, 360, 260))
    x, y, z = (float(v) for v in size)
    tall, wave = (rng.uniform(2.8, 4.4), rng.uniform(6.5, 8.5)) if chance(rng, 0.7) else (6.8, 7.5)
    wall = Part(box(x, y, z), "cardboard"), Part(box(x - 2 * tall, y - 2 * tall, z - 0.02), "cardboard", -1)
    parts: list[Part] = list(wall)
    for s in (-1, 1):
        board = _board(rng, x - 0.5, y - 0.5, tall, wave, along_x=chance(rng, 0.5))
        parts += moved(board, z=s * (z / 2 + tall / 2))
        flap = min(y / 2, x * 0.5) * rng.uniform(0.7, 1.0)
        inner = [
            Part(box(flap, y - 12, tall), "cardboard").mesh.moved(
                e * (x / 2 - flap / 2 - 4), 0, s * (z / 2 - tall / 2)
            )
            for e in (-1, 1)
        ]
        parts += [Part(m, "cardboard") for m in inner]
        if chance(rng, 0.85):
            tape = box(x + 1, rng.uniform(44, 76), 0.12).moved(y=rng.normal(0, 4), z=s * (z / 2 + tall + 0.2))
            parts.append(Part(tape, "pp"))
    parts += [*_staples(rng, size), *_filler(rng, size), *_label(rng, size, tall)]
    inner_size = size - [2 * tall + 4, 2 * tall + 4, 2 * tall + 4]
    return Container(
        "parcel", tuple(parts), inner_size, {"size_mm": [round(v, 1) for v in (x, y, z)], "board_mm": tall}
    )


def _staples(rng: Rng, size: Array) -> list[Part]:
    """Flat wire staples along the seam and the flaps."""
    if not chance(rng, 0.4):
        return []
    x, y, z = size
    seam = [(x / 2 - 12, y / 2 - 1, k * z) for k in np.linspace(-0.4, 0.4, int(rng.integers(3, 7)))]
    flaps = [
        (k * x, s * 14, z / 2 + 2) for k in np.linspace(-0.42, 0.42, int(rng.integers(3, 7))) for s in (-1, 1)
    ]
    wire = box(14, 2.2, 0.7)
    parts = [Part(repeated(wire, flaps, rng.uniform(30, 60)), "fe")]
    return [*parts, Part(repeated(wire.rotated("x", 90), seam), "fe")]


def _filler(rng: Rng, size: Array) -> list[Part]:
    """Crumpled paper, loose fill, air cushions or foam corners."""
    x, y, z = size * 0.9
    style = pick(rng, "none", "paper", "chips", "cushions", "foam")
    if style == "paper":
        count = int(rng.integers(3, 8))
        lumps = [
            ellipsoid(*rng.uniform((40, 35, 12), (90, 70, 30)), segments=10).moved(
                *(rng.uniform(-0.32, 0.32, 3) * (x, y, z))
            )
            for _ in range(count)
        ]
        return [
            Part(m, "paper", 1, rng.uniform(0.05, 0.12), texture(rng, "crumple", 1.0, 40.0))
            for m in lumps[:4]
        ]
    if style == "chips":
        chip = ellipsoid(14, 9, 7, segments=8)
        spots = rng.uniform(-0.45, 0.45, (60, 3)) * [x, y, z * 0.9]
        return [Part(repeated(chip, spots, rng.uniform(0, 360, 60)), "polystyrene", 1, 0.02)]
    if style == "cushions":
        one = ellipsoid(48, 70, 18, segments=12)
        spots = rng.uniform(-0.34, 0.34, (int(rng.integers(3, 7)), 3)) * [x, y, z * 0.6]
        film = Mesh(one.vertices * 0.995, one.faces)
        parts = [Part(repeated(one, spots), "pe"), Part(repeated(film, spots), "pe", -1)]
        return parts
    if style == "foam":
        corner = box(x * 0.16, y * 0.9, z * 0.9)
        return [Part(corner.moved(x=s * x * 0.43), "polystyrene", 1, 0.025) for s in (-1, 1)]
    return []


def _label(rng: Rng, size: Array, tall: float) -> list[Part]:
    """Address label or pouch, strapping bands with their seals."""
    x, y, z = size
    label = box(rng.uniform(90, 150), rng.uniform(60, 100), 0.25)
    spot = rng.uniform(-0.15, 0.15, 2) * (x, y)
    parts = [Part(label.moved(float(spot[0]), float(spot[1]), z / 2 + tall + 0.6), "coated_paper")]
    if chance(rng, 0.3):
        for k in rng.uniform(-0.35, 0.35, int(rng.integers(1, 3))):
            strip = shell_parts(box(12, y + 3, z + 2 * tall + 3), 0.6, "pp")
            parts += moved(strip, x=float(k) * x)
            parts.append(Part(box(14, 26, 2).moved(float(k) * x, 0, z / 2 + tall + 2), pick(rng, "fe", "pp")))
    if chance(rng, 0.1):
        parts.append(Part(screws(rng.uniform(-0.4, 0.4, (6, 3)) * size, 1.5, 12), "fe"))
    return parts
