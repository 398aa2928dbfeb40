"""Hand tools: scissors, wrenches, pliers, hammers."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.items.knives import blade_mesh
from beltline.simulate.shapes import box, cylinder, in_plane, prism, spline, superellipse, sweep, torus, tube
from beltline.simulate.solids import Item, ItemMaker, Part, moved


def make_scissors(rng: Rng) -> Item:
    """Scissors, opened by some angle; rings of steel or plastic, office to tailor's and nail size."""
    length = rng.uniform(30, 150)
    width, shank = length * rng.uniform(0.1, 0.17), length * rng.uniform(0.35, 0.85)
    opening = 2.0 if rng.random() < 0.35 else float(rng.uniform(3, 55))
    ring, steel = rng.uniform(10, 20), chance(rng, 0.35)
    plastic = pick(rng, "abs", "pp")
    half = [
        Part(
            blade_mesh(rng, length, width, pick(rng, "drop", "tanto"), thickness=rng.uniform(1.2, 2.6)),
            "ss",
        ),
        Part(
            prism(
                [(4, -0.35 * width), (4, 0.35 * width), (-shank, 0.3 * ring), (-shank, 0.0)],
                rng.uniform(2.2, 4),
            ),
            "ss",
        ),
    ]
    loop = torus(ring, rng.uniform(2.2, 4.5), segments=26, tube_segments=8).scaled(rng.uniform(1, 1.5), 1, 1)
    half.append(Part(loop.moved(-shank - 0.9 * ring, 0.75 * ring), "ss" if steel else plastic))
    if not steel:
        half.append(Part(box(0.8 * shank, 0.8 * width, 9).moved(-0.9 * shank, 0.4 * ring), plastic))
    parts = _both_halves(half, opening, 1.5)
    parts.append(Part(cylinder(rng.uniform(2, 5), 7, segments=12), "ss"))
    params = {
        "design": "steel" if steel else "plastic rings",
        "blade_mm": round(length, 1),
        "open_deg": round(opening, 1),
    }
    return Item("scissors_pair", "scissors", tuple(moved(parts, (shank - length) / 2)), True, params)


def _both_halves(half: list[Part], opening: float, lift: float) -> list[Part]:
    """A half and its mirror image, ``opening`` degrees apart and ``lift`` mm above and below the middle."""
    parts = []
    for side in (1, -1):
        for part in half:
            mesh = part.mesh if side == 1 else part.mesh.mirrored("y")
            parts.append(Part(mesh.rotated("z", side * opening / 2).moved(z=side * lift), part.material))
    return parts


def _jaw(rng: Rng, radius: float, side: int) -> np.ndarray:
    """Outline (40, 2) of an open jaw around the origin, mouth turned outwards by 15 degrees."""
    mouth = rng.uniform(30, 42)
    angle = np.radians(np.linspace(mouth, 360 - mouth, 20) + 15)
    inner = 0.55 * radius
    outline = np.concatenate(
        [
            radius * np.column_stack([np.cos(angle), np.sin(angle)]),
            inner * np.column_stack([np.cos(angle[::-1]), np.sin(angle[::-1])]),
        ]
    )
    return outline * [side, 1]


def make_wrench(rng: Rng) -> Item:
    """Open, ring or combination wrench."""
    length, metal = rng.uniform(100, 290), pick(rng, "fe", "fe", "ss", "zn")
    width, thick = length * rng.uniform(0.045, 0.085), rng.uniform(4, 9)
    parts = [Part(box(length, width, 0.75 * thick), metal)]
    kinds = [pick(rng, "open", "ring") for _ in range(2)]
    for side, kind in zip((-1, 1), kinds, strict=True):
        radius = width * rng.uniform(0.95, 1.5)
        at = side * (length / 2 + 0.75 * radius)
        if kind == "ring":
            rim = min(0.3 * radius, 0.7 * thick)
            parts.append(Part(torus(0.85 * radius, rim, segments=26, tube_segments=8).moved(at), metal))
        else:
            parts.append(Part(prism(_jaw(rng, 1.15 * radius, side), thick).moved(at), metal))
    params = {"design": "-".join(kinds), "length_mm": round(length, 1), "metal": metal}
    return Item("wrench_fixed", "wrench", tuple(parts), True, params)


def make_adjustable_wrench(rng: Rng) -> Item:
    """Adjustable wrench with worm, or a pipe wrench with a sleeved handle."""
    length, thick = rng.uniform(140, 300), rng.uniform(8, 15)
    width = length * rng.uniform(0.07, 0.1)
    head = length * rng.uniform(0.16, 0.24)
    body = [(-length / 2, -0.35 * width), (length / 2 - head, -0.5 * width), (length / 2, -0.9 * head)]
    body += [(length / 2 + 0.2 * head, -0.3 * head), (length / 2, 0.5 * width), (-length / 2, 0.35 * width)]
    parts = [Part(prism(body, 0.7 * thick), "fe")]
    gap = rng.uniform(0.05, 0.6) * head
    jaw = [(0, 0), (0.9 * head, 0.1 * head), (0.9 * head, 0.4 * head), (0, 0.5 * head)]
    parts.append(Part(prism(jaw, thick).moved(length / 2 - 0.5 * head, gap), "fe"))
    worm = cylinder(0.22 * head, 0.4 * head, segments=14).rotated("y", 90)
    parts.append(Part(worm.moved(length / 2 - 0.6 * head, 0.1 * head), "fe"))
    if rng.random() < 0.4:
        parts.append(Part(box(0.5 * length, 1.1 * width, 1.3 * thick).moved(-0.25 * length), "pvc"))
    params = {"design": "adjustable", "length_mm": round(length, 1)}
    return Item("wrench_adjustable", "wrench", tuple(parts), True, params)


def make_pliers(rng: Rng) -> Item:
    """Combination, needle-nose, cutting or water-pump pliers with sleeved handles."""
    design = pick(rng, "combination", "needle", "cutter", "pump")
    jaw = {"combination": 45.0, "needle": 70.0, "cutter": 26.0, "pump": 50.0}[design] * rng.uniform(0.8, 1.25)
    nose = {"combination": 0.8, "needle": 0.25, "cutter": 0.6, "pump": 0.9}[design]
    arm, width, thick = rng.uniform(80, 150), rng.uniform(9, 15), rng.uniform(7, 12)
    opening, bow = rng.uniform(2, 35), rng.uniform(1.1, 2.1)
    outline = [(0, 0), (jaw, 0), (jaw, 0.6 * nose * width), (0.3 * jaw, width), (0, 1.1 * width)]
    path = spline(
        [
            (0, 0.3 * width),
            (-0.25 * arm, -0.6 * width),
            (-0.6 * arm, -bow * width),
            (-arm, -0.85 * bow * width),
        ],
        18,
    )
    half = [Part(prism(outline, thick), "fe"), Part(tube(in_plane(path), 0.42 * thick), "fe")]
    if rng.random() < 0.85:
        half.append(Part(tube(in_plane(path[5:]), rng.uniform(0.6, 0.8) * thick), pick(rng, "pvc", "rubber")))
    parts = _both_halves(half, opening, 0.0)
    parts.append(Part(cylinder(0.8 * width, 1.2 * thick, segments=18), "fe"))
    params = {"design": design, "handle_mm": round(arm, 1), "open_deg": round(opening, 1)}
    return Item("pliers_pair", "pliers", tuple(moved(parts, 0.3 * arm)), True, params)


def make_hammer(rng: Rng) -> Item:
    """Claw, ball-peen or sledge hammer, or a mallet of rubber."""
    design = pick(rng, "claw", "claw", "peen", "sledge", "mallet")
    length, radius, head = rng.uniform(200, 340), rng.uniform(9, 16), rng.uniform(80, 130)
    shaft = pick(rng, "wood", "wood", "nylon", "fe")
    path = np.column_stack([np.linspace(0, -length, 10), np.zeros(10), np.zeros(10)])
    widths = np.linspace(0.8, 1.15, 10)
    sections = np.array([superellipse(radius * s, 0.75 * radius * s, 2.3, segments=12) for s in widths])
    parts = [Part(sweep(path, sections), shaft, 1, 2.8 if shaft == "fe" else None)]
    if shaft != "wood":
        parts.append(Part(sweep(path[5:], sections[5:] * 1.25), "rubber"))
    metal = "rubber" if design == "mallet" else "fe"
    face = rng.uniform(10, 16) * (1.8 if design in ("sledge", "mallet") else 1.0)
    parts.append(Part(box(24, 28, 22), metal))
    barrel = cylinder(face, 0.4 * head, segments=18).rotated("x", 90)
    parts.append(Part(barrel.moved(0, 0.3 * head), metal))
    if design == "claw":
        line = in_plane(spline([(0, -8), (-2, -0.3 * head), (-14, -0.55 * head), (-26, -0.62 * head)], 12))
        tine = np.array(
            [np.array([(-7, -3.5), (7, -3.5), (7, 3.5), (-7, 3.5)]) * s for s in np.linspace(1, 0.45, 12)]
        )
        parts += [Part(sweep(line, tine).moved(z=z), "fe") for z in (-5, 5)]
    else:
        other = cylinder(face * (0.8 if design == "peen" else 1.0), 0.35 * head, segments=18).rotated("x", 90)
        parts.append(Part(other.moved(0, -0.3 * head), metal))
    params = {"design": design, "length_mm": round(length, 1), "handle": shaft}
    return Item("hammer_tool", "hammer", tuple(moved(parts, 0.45 * length)), True, params)


FAMILIES: dict[str, ItemMaker] = {
    "scissors_pair": make_scissors,
    "wrench_fixed": make_wrench,
    "wrench_adjustable": make_adjustable_wrench,
    "pliers_pair": make_pliers,
    "hammer_tool": make_hammer,
}
