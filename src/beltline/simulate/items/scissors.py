"""Scissors: office, tailor's, kitchen, embroidery, nail and pinking scissors; shut, half open, open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.items._blades import blade_mesh
from beltline.simulate.items._threat import mirrored_pair, threat
from beltline.simulate.shapes import (
    Array,
    Mesh,
    box,
    cylinder,
    in_plane,
    prism,
    rounded_box,
    spline,
    sweep,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part


@dataclass(frozen=True)
class _Kind:
    """Ranges of a kind of scissors in mm: blade and shank length, thickness, bow (ring) radius."""

    blade: tuple[float, float]
    shank: tuple[float, float]
    thick: tuple[float, float]
    bow: tuple[float, float]
    steel_bows: float


_KINDS = {
    "office": _Kind((70, 125), (25, 50), (1.2, 2.2), (13, 20), 0.1),
    "tailor": _Kind((95, 150), (45, 75), (2.4, 4.2), (17, 25), 0.6),
    "kitchen": _Kind((75, 110), (35, 60), (1.8, 3.0), (17, 25), 0.2),
    "school": _Kind((50, 75), (20, 32), (1.0, 1.6), (11, 16), 0.05),
    "embroidery": _Kind((28, 50), (28, 48), (1.4, 2.4), (8, 12), 1.0),
    "nail": _Kind((18, 32), (35, 55), (1.6, 2.6), (9, 13), 1.0),
    "barber": _Kind((58, 85), (50, 75), (1.8, 3.0), (10, 14), 1.0),
    "bandage": _Kind((35, 60), (45, 85), (1.6, 2.8), (12, 19), 0.4),
}


def _blade(rng: Rng, design: str, length: float, width: float, thick: float) -> Mesh:
    """One blade from the pivot on, its cutting edge just below the middle line."""
    shape = {"nail": "hook", "school": "table", "bandage": "table"}.get(
        design, pick(rng, "drop", "chef", "tanto")
    )
    toothed = draw(rng, 0.6, 1.6) if design in ("kitchen", "tailor") and chance(rng, 0.2) else 0.0
    mesh = blade_mesh(
        rng,
        length,
        width,
        shape,
        thickness=thick,
        grind=draw(rng, 0.15, 0.6),
        serrated=toothed,
        taper=draw(rng, 0, 0.5),
    )
    return mesh.moved(y=0.25 * width)


def _bow_line(rng: Rng, shank: float, bow: float, stretch: float) -> Array:
    """Closed course (26, 2) of a finger ring behind the shank: round, long, or a D."""
    angle = np.linspace(0, 2 * np.pi, 26, endpoint=False)
    flat = draw(rng, 0.75, 1.0)
    ring = np.column_stack(
        [stretch * bow * np.cos(angle), bow * np.sin(angle) * np.where(np.sin(angle) < 0, flat, 1)]
    )
    tilt = np.radians(draw(rng, -5, 22))
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    placed: Array = (ring @ turn.T + [-shank - 0.92 * stretch * bow, 0.95 * bow]) * [1, -1]
    return placed


def _half(
    rng: Rng, design: str, kind: _Kind, length: float, shank: float, steel: str
) -> tuple[list[Part], bool]:
    """One half, pivot at the origin, blade along +x, bow behind and below; and whether it is steel."""
    thick, bow = draw(rng, *kind.thick), draw(rng, *kind.bow)
    width = max(length * draw(rng, 0.09, 0.17), 5.5)
    blade = Part(_blade(rng, design, length, width, thick), steel)
    metal = chance(rng, kind.steel_bows)
    stretch = draw(rng, 1.0, 1.7)
    ring = _bow_line(rng, shank, bow, stretch)
    leg = spline(
        np.array([(3, 0), (-0.4 * shank, 0.1 * width), (-0.8 * shank, -0.25 * bow), (-shank, -0.6 * bow)]), 9
    )
    hub = 0.55 * width
    if metal:
        wire = draw(rng, 1.4, 2.4) * (1.6 if design in ("tailor", "kitchen") else 1.0)
        widths = np.linspace(hub, 1.3 * wire, 9)
        section = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
        bar = Part(sweep(in_plane(leg), _sections(widths, 0.5 * thick + 0.3, section)), steel)
        loop = tube(in_plane(ring), wire, segments=8, closed=True)
        return [blade, bar, Part(loop, steel, 1, draw(rng, 5, 7.9))], True
    tang = prism([(4, -hub), (4, hub), (-0.85 * shank, -0.2 * bow), (-0.85 * shank, -0.5 * bow)], thick)
    plastic, girth = pick(rng, "abs", "pp", "absf", "nylon"), draw(rng, 3.2, 5.5)
    loop = tube(in_plane(ring), girth, segments=8, closed=True).scaled(1, 1, draw(rng, 0.7, 1.1))
    sleeve = tube(in_plane(leg[3:]), np.linspace(0.8 * hub + 2, girth, 6), segments=8)
    return [blade, Part(tang, steel), Part(loop, plastic), Part(sleeve, plastic)], False


def _sections(widths: Array, half: float, section: Array) -> Array:
    """Sections (N, M, 2) for a sweep in the xy plane: ``widths`` in the plane, ``half`` thickness along z."""
    return np.stack([section * [half, w] for w in widths])


def _opening(rng: Rng) -> float:
    """Angle between the blades in degrees: mostly shut, as they are packed."""
    return pick(rng, draw(rng, 0, 3), draw(rng, 0, 3), draw(rng, 4, 30), draw(rng, 30, 75))


def make_scissors(rng: Rng) -> Item:
    """Scissors of one kind, shut to wide open; bows of steel or plastic."""
    design = pick(
        rng,
        "office",
        "office",
        "office",
        "tailor",
        "kitchen",
        "school",
        "embroidery",
        "nail",
        "barber",
        "bandage",
    )
    kind, steel = _KINDS[design], pick(rng, "ss", "ss", "fe")
    length, shank, opening = draw(rng, *kind.blade), draw(rng, *kind.shank), _opening(rng)
    half, metal = _half(rng, design, kind, length, shank, steel)
    lift = 0.5 * draw(rng, *kind.thick) + 0.1
    parts = mirrored_pair(half, opening, lift)
    screw = cylinder(draw(rng, 1.8, 4.5), 2 * lift + draw(rng, 2, 5), segments=12)
    parts.append(Part(screw, pick(rng, steel, "brass", "pom" if not metal else steel)))
    if opening < 4 and chance(rng, 0.15):
        cap = box(0.6 * length, 0.3 * length + 4, 4 * lift + 5)
        parts += [
            Part(cap.moved(0.75 * length), "pp"),
            Part(cap.scaled(0.95, 0.9, 0.8).moved(0.75 * length), "pp", -1),
        ]
    return threat(
        "scissors_pair",
        "scissors",
        design,
        parts,
        blade_mm=length,
        open_deg=opening,
        bows="steel" if metal else "plastic",
    )


def make_secateurs(rng: Rng) -> Item:
    """Thread snips, garden secateurs or tin snips: short stout blades, long sleeved arms, a spring."""
    design = pick(rng, "snips", "secateurs", "secateurs", "tin")
    length, arm = (
        (draw(rng, 22, 38), draw(rng, 60, 85))
        if design == "snips"
        else (draw(rng, 42, 75), draw(rng, 100, 160))
    )
    thick = draw(rng, 1.0, 2.0) if design == "snips" else draw(rng, 2.8, 4.5)
    width, bow = length * draw(rng, 0.24, 0.4), draw(rng, 8, 20)
    edge = blade_mesh(
        rng, length, width, pick(rng, "drop", "hook", "chef"), thickness=thick, grind=draw(rng, 0.2, 0.7)
    )
    line = spline(np.array([(4, 0), (-0.25 * arm, -0.4 * bow), (-0.6 * arm, -bow), (-arm, -0.7 * bow)]), 12)
    half = [Part(edge.moved(y=0.2 * width), "fe")]
    girth = draw(rng, 2.5, 3.4) if design == "snips" else draw(rng, 4, 6.5)
    half.append(Part(tube(in_plane(line), girth, segments=8).scaled(1, 1, 0.6), pick(rng, "fe", "al", "fe")))
    if chance(rng, 0.8):
        half.append(Part(tube(in_plane(line[4:]), girth + 2.2, segments=8), pick(rng, "pvc", "rubber", "pp")))
    opening = draw(rng, 2, 34)
    parts = mirrored_pair(half, opening, 0.5 * thick)
    spring = rounded_box(draw(rng, 8, 14), 0.9 * bow, 6, 2).moved(-0.22 * arm)
    parts += [Part(spring, "fe", 1, 3.0), Part(cylinder(draw(rng, 3, 7), 2 * thick + 4, segments=14), "fe")]
    return threat("snips", "scissors", design, parts, blade_mm=length, open_deg=opening)


FAMILIES: dict[str, ItemMaker] = {"scissors_pair": make_scissors, "snips": make_secateurs}
