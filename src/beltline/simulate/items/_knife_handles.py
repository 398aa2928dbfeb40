"""Handles of fixed knives, from x = 0 back to -length: what most tells one knife from another in a scan.

Plastic and wood show pale around a dark tang; a handle of sheet or cast steel shows darker than the blade.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.shapes import (
    Array,
    Mesh,
    box,
    cylinder,
    helix,
    in_plane,
    loft,
    revolve,
    rounded_box,
    spline,
    superellipse,
    tube,
)
from beltline.simulate.solids import Part, hollow

SCALES = ("wood", "abs", "pp", "rubber", "nylon", "bone", "absf", "pom")
RINGS = 14


@dataclass(frozen=True, eq=False)
class Grip:
    """The drawn course of a handle.

    Attributes:
        path: (RINGS, 2) middle line from the blade back, mm.
        widths: (RINGS,) width across it, mm.
        depth: Thickness along z, mm.
        steel: Metal of the tang.
    """

    path: Array
    widths: Array
    depth: float
    steel: str

    @property
    def length(self) -> float:
        """Along x, mm."""
        return float(self.path[0, 0] - self.path[-1, 0])


def draw_grip(rng: Rng, length: float, width: float, depth: float, steel: str, *, bent: float = 1.0) -> Grip:
    """Straight, bellied or drooping handle, with a beak at its end now and then; ``bent`` 0 is straight."""
    droop = pick(rng, 0.0, draw(rng, 0.0, 0.05), draw(rng, 0.04, 0.14)) * length * bent
    belly = draw(rng, -0.03, 0.05) * length * bent
    points = [(1.0, 0), (-0.35 * length, belly), (-0.7 * length, belly * 0.6 - 0.25 * droop)]
    path = spline(np.array([*points, (-length, -droop)]), RINGS)
    swell = rng.uniform(0.82, 1.12, 4) * [1, 1, 1, pick(rng, 1.0, 1.0, draw(rng, 1.05, 1.4))]
    share = np.linspace(0, 1, RINGS)
    widths = width * np.interp(share, [0, 0.35, 0.7, 0.93], swell)
    widths[-1] *= draw(rng, 0.55, 0.95)
    return Grip(path, widths, depth, steel)


def _bar(path: Array, widths: Array, depth: float, power: float) -> Mesh:
    """Skin along a plane path (N, 2), widths (N,) across it, of superelliptic section."""
    along = np.gradient(path, axis=0)
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    unit = superellipse(0.5, depth / 2, power, segments=14)
    flat = path[:, None] + (widths[:, None] * unit[:, 0])[..., None] * across[:, None]
    return loft(np.stack([in_plane(ring, unit[:, 1]) for ring in flat]))


def _rivets(rng: Rng, grip: Grip, metal: str) -> list[Part]:
    radius = draw(rng, 1.8, 4.0)
    spots = np.linspace(0.14, draw(rng, 0.7, 0.86), int(rng.integers(2, 4))) * (RINGS - 1)
    pin = cylinder(radius, grip.depth * 0.98, segments=10)
    return [Part(pin.moved(*grip.path[round(k)]), metal) for k in spots]


def scaled(rng: Rng, grip: Grip) -> list[Part]:
    """Tang of the full outline between two scales, riveted."""
    sheet = min(draw(rng, 1.4, 3.6), 0.4 * grip.depth)
    thick = (grip.depth - sheet) / 2
    scale = _bar(grip.path, grip.widths, thick, 5.0)
    material = pick(rng, *SCALES)
    parts = [Part(_bar(grip.path, grip.widths * draw(rng, 0.85, 1.0), sheet, 8.0), grip.steel)]
    parts += [Part(scale.moved(z=s * (sheet + thick) / 2), material) for s in (-1, 1)]
    return [*parts, *_rivets(rng, grip, pick(rng, "ss", "brass", "al"))]


def moulded(rng: Rng, grip: Grip) -> list[Part]:
    """Plastic or wood around a stick tang: pale, with a dark rod that ends inside."""
    parts = [Part(_bar(grip.path, grip.widths, grip.depth, draw(rng, 2.2, 3.4)), pick(rng, *SCALES))]
    stop = int(rng.integers(5, RINGS - 1))
    thin = np.linspace(draw(rng, 0.3, 0.7), draw(rng, 0.15, 0.3), stop) * grip.widths[:stop]
    parts.append(Part(_bar(grip.path[:stop], thin, draw(rng, 1.3, 3.2), 6.0), grip.steel))
    return parts + (_rivets(rng, grip, "al") if chance(rng, 0.15) else [])


def sheet_steel(rng: Rng, grip: Grip) -> list[Part]:
    """Two pressed halves of steel welded into a hollow handle."""
    wall, power = draw(rng, 0.7, 1.7), draw(rng, 2.2, 3.6)
    path = grip.path.copy()
    path[0, 0] -= 1.2 * wall
    path[-1] += 1.5 * wall * (path[-2] - path[-1]) / np.linalg.norm(path[-2] - path[-1])
    inner = _bar(path, grip.widths - 2.4 * wall, grip.depth - 2 * wall, power)
    return list(hollow(_bar(grip.path, grip.widths, grip.depth, power), inner, "ss"))


def cast_steel(rng: Rng, grip: Grip) -> list[Part]:
    """Handle of one piece with the blade, thinner than a hollow one."""
    bar = _bar(grip.path, grip.widths * draw(rng, 0.6, 0.9), grip.depth * draw(rng, 0.2, 0.45), 3.0)
    return [Part(bar, "ss", 1, draw(rng, 5.0, 7.95))]


def bare(rng: Rng, grip: Grip) -> list[Part]:
    """Flat tang with holes, left bare or wound with cord."""
    sheet = draw(rng, 2.5, 5.5)
    parts = [Part(_bar(grip.path, grip.widths * 0.85, sheet, 10.0), grip.steel)]
    hole = cylinder(0.26 * float(grip.widths.min()), 0.98 * sheet, segments=12)
    spots = grip.path[[int(k) for k in np.linspace(2, RINGS - 3, int(rng.integers(2, 4)))]]
    parts += [Part(hole.moved(*spot), grip.steel, -1) for spot in spots]
    if chance(rng, 0.5):
        coil = tube(helix(1.0, 0.72 * grip.length, 14, steps_per_turn=8), 0.16, segments=4)
        wound = coil.scaled(0.5 * sheet + 1.6, 0.48 * float(grip.widths.mean()), 1.0).rotated("y", 90)
        parts.append(Part(wound.moved(-0.5 * grip.length), pick(rng, "nylon", "polyester"), 1, 0.9))
    return parts


def tubular(rng: Rng, grip: Grip) -> list[Part]:
    """Round hollow handle of a survival knife: ribbed tube with a screw cap at its end."""
    radius, long, wall = draw(rng, 8.5, 14.5), grip.length, draw(rng, 1.2, 2.4)
    ridges = [(radius * (1 - 0.05 * (k % 2)), -long * k / 12) for k in range(12)]
    metal = pick(rng, "al", "fe", "ss")
    inner = cylinder(0.95 * radius - wall, 0.86 * long)
    shell = revolve([*ridges, (radius, -long)], segments=20)
    parts = list(hollow(shell, inner.moved(z=-0.48 * long), metal))
    cap = revolve([(radius * 0.5, 0), (radius + 3, -3), (radius + 3, -9), (radius * 0.6, -14)], segments=20)
    parts.append(Part(cap.moved(z=-long + 2), pick(rng, "zn", "fe"), 1, 4.0))
    return [Part(p.mesh.rotated("y", 90), p.material, p.sign, p.density_g_cm3) for p in parts]


def bolster(rng: Rng, width: float, depth: float) -> list[Part]:
    """Collar of steel where handle and blade meet."""
    return [Part(rounded_box(draw(rng, 5, 15), width, depth, 2), "ss", 1, draw(rng, 3.5, 7.9))]


def guard(rng: Rng, width: float, depth: float) -> list[Part]:
    """Cross guard: plain bar, bar with balls at its ends, one-sided, bent, or a disc seen on edge."""
    metal, design = pick(rng, "ss", "brass", "fe", "zn"), pick(rng, "bar", "balls", "single", "bent", "disc")
    thick, reach = draw(rng, 3, 8), width * draw(rng, 1.3, 2.3)
    if design == "disc":
        disc = superellipse(0.4 * reach, 0.6 * depth + 3, 2, segments=20)
        return [Part(loft([in_plane(disc, z) for z in (-1.6, 1.6)]).rotated("y", 90).rotated("x", 90), metal)]
    if design == "bent":
        bow = draw(rng, 5, 14)
        line = spline(np.array([(bow, -reach / 2), (0, -reach / 5), (0, reach / 5), (-bow, reach / 2)]), 12)
        return [Part(_bar(line, np.full(12, thick), depth * draw(rng, 0.5, 0.9), 3.0), metal)]
    shift = -0.22 * reach if design == "single" else 0.0
    parts = [Part(rounded_box(thick, reach, depth * draw(rng, 0.6, 1.1), 1.5).moved(y=shift), metal)]
    if design == "balls":
        end = revolve([(0.1, -4.5), (3.4, -3), (4.5, 0), (3.4, 3), (0.1, 4.5)], segments=12)
        parts += [Part(end.moved(y=s * reach / 2), metal) for s in (-1, 1)]
    return parts


def pommel(rng: Rng, grip: Grip) -> list[Part]:
    """Weight at the handle's end."""
    metal, at = pick(rng, "ss", "brass", "fe", "zn"), grip.path[-1]
    wide = float(grip.widths[-2])
    if chance(rng, 0.5):
        cap = rounded_box(draw(rng, 7, 18), wide * draw(rng, 1.0, 1.3), grip.depth, 3)
    else:
        cap = revolve([(0.2 * wide, -6), (0.55 * wide, -2), (0.55 * wide, 3), (0.2 * wide, 7)]).rotated(
            "y", 90
        )
    return [Part(cap.moved(*at), metal, 1, draw(rng, 4.0, 7.8))]


def scabbard(rng: Rng, length: float, width: float) -> list[Part]:
    """Sheath over the blade: a skin of leather, cloth or plastic, riveted now and then."""
    outer = rounded_box(length * 1.06, width * 1.4, draw(rng, 8, 13), 4)
    skin = pick(rng, "leather", "nylon", "pp", "absf")
    inner = outer.scaled(0.97, 0.88, 0.66)
    parts = [Part(m.moved(length * 0.53), skin, s) for m, s in ((outer, 1), (inner, -1))]
    spots = np.linspace(0.08, 0.98, max(int(rng.integers(-5, 7)), 0)) * length
    parts += [
        Part(cylinder(2, 9, segments=8).moved(x, s * width * 0.64), "brass") for x in spots for s in (-1, 1)
    ]
    if chance(rng, 0.3):
        parts.append(Part(box(14, width * 1.45, 3).moved(length * 1.02), pick(rng, "brass", "fe")))
    return parts


GRIPS: dict[str, Callable[[Rng, Grip], list[Part]]] = {
    "scales": scaled,
    "moulded": moulded,
    "sheet_steel": sheet_steel,
    "cast_steel": cast_steel,
    "bare": bare,
    "tubular": tubular,
}
