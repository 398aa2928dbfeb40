"""Umbrellas: bundles of steel ribs about a telescopic shaft, the commonest thing that looks like blades."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.shapes import Mesh, box, cylinder, in_plane, merge, revolve, rounded_box, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _shaft(rng: Rng, long: float, stages: int) -> list[Part]:
    """Steel tubes inside each other along x from 0, pushed together but for a little."""
    radius, wall, parts = draw(rng, 4.5, 7.0), draw(rng, 0.35, 0.7), []
    for k in range(stages):
        r, reach = radius - k * (wall + 0.5), long * (1 - 0.06 * k)
        tube_parts = hollow(cylinder(r, reach, segments=14), cylinder(r - wall, reach - 1, segments=14), "fe")
        parts += moved(tube_parts, z=0.5 * reach - 4 * k)
    return turned(parts, "y", 90)


def _rib(rng: Rng, reach: float, segments: int, gauge: float, spread: float) -> Mesh:
    """One folded rib along x: channels side by side, hinges where they meet, a thin wire beside them."""
    pieces = []
    for k in range(segments):
        share = draw(rng, 0.8, 1.0)
        bar = box(reach * share, gauge * draw(rng, 0.8, 1.2), gauge * 0.7)
        pieces.append(bar.moved((1 - share) * reach / 2 * pick(rng, -1, 1), 0, (gauge + 0.9) * k))
        hinge = box(draw(rng, 7, 13), gauge * 1.3, gauge)
        pieces.append(hinge.moved(draw(rng, -0.45, 0.45) * reach, 0, (gauge + 0.9) * k + 0.4 * gauge))
    sag = [(-0.48 * reach, 0, spread), (0, draw(rng, -2, 2), spread + 3), (0.48 * reach, 0, spread)]
    return merge([*pieces, tube(spline(np.array(sag), 8), 0.55, segments=4)])


def _frame(rng: Rng, long: float, segments: int, metal: str) -> list[Part]:
    """Six to ten ribs about the shaft, pressed a little flat, none quite straight."""
    ribs, gauge = pick(rng, 6, 7, 8, 8, 10), draw(rng, 1.8, 3.4)
    base, flat = draw(rng, 7.5, 11), draw(rng, 0.7, 1.0)
    parts = []
    for k in range(ribs):
        mesh = _rib(rng, long * draw(rng, 0.78, 0.92), segments, gauge, (gauge + 1) * segments)
        mesh = (
            mesh.rotated("y", draw(rng, -1.2, 1.2))
            .rotated("z", draw(rng, -1.2, 1.2))
            .moved(0.5 * long, 0, base)
        )
        parts.append(
            Part(
                mesh.rotated("x", 360 * k / ribs + draw(rng, -9, 9)).scaled(1, 1, flat),
                metal,
                1,
                5.0 if metal == "fe" else None,
            )
        )
    return parts


def _runners(rng: Rng, long: float) -> list[Part]:
    """Crown, runner and spring on the shaft."""
    crown = hollow(cylinder(11, draw(rng, 9, 16)), cylinder(7.6, 8), pick(rng, "pom", "nylon", "fe"))
    parts = turned(crown, "y", 90)
    parts += moved(parts, draw(rng, 0.1, 0.35) * long)
    parts = moved(parts, 0.62 * long)
    wire = revolve([(0.9, -3), (0.9, 26)], segments=6).rotated("y", 90)
    return [*parts, Part(wire.moved(0.3 * long, 3.5), "fe")]


def _grip(rng: Rng, crook: bool, end: float) -> list[Part]:
    """Handle beyond x = ``end``: a short grip with a button, or a crook."""
    material = pick(rng, "abs", "abs", "pp", "wood", "rubber")
    if crook:
        bend = draw(rng, 24, 40)
        line = spline(np.array([(0, 0), (70, 0), (95 + bend, bend), (80, 2 * bend), (50, 1.9 * bend)]), 20)
        path = in_plane(line + np.array([end - 20, 0]))
        return [Part(tube(path, draw(rng, 7, 11), segments=10), material)]
    long, radius = draw(rng, 32, 85), draw(rng, 10, 17)
    body = revolve(
        [(0.7 * radius, 0), (radius, 0.15 * long), (0.85 * radius, 0.6 * long), (radius, long)], segments=18
    )
    parts = turned(
        list(hollow(body, cylinder(0.6 * radius, 0.7 * long).moved(z=0.5 * long), material)), "y", 90
    )
    if chance(rng, 0.5):
        parts.append(Part(rounded_box(9, 9, radius, 2).moved(0.4 * long, 0, radius * 0.4), "abs"))
    return moved(parts, end)


def make_umbrella(rng: Rng) -> Item:
    """Folded umbrella, pocket size or long with a crook: shaft, folded ribs, rolled cloth, handle."""
    long_one = chance(rng, 0.2)
    segments = 1 if long_one else pick(rng, 2, 3, 3)
    long = draw(rng, 560, 720) if long_one else draw(rng, 175, 300)
    metal = pick(rng, "fe", "fe", "fe", "al")
    parts = [*_shaft(rng, long, 1 if long_one else pick(rng, 2, 3)), *_frame(rng, long, segments, metal)]
    parts += _runners(rng, long)
    radius = draw(rng, 21, 31) - (6 if long_one else 0)
    cloth = revolve(
        [(0.6 * radius, 0), (radius, 0.2 * long), (radius, 0.7 * long), (0.5 * radius, 0.95 * long)],
        segments=16,
    )
    parts.append(Part(cloth, "polyester", 1, draw(rng, 0.12, 0.3)))
    parts[-1] = turned(parts[-1:], "y", 90)[0]
    parts += _grip(rng, long_one, long)
    if long_one and chance(rng, 0.7):
        parts.append(Part(cylinder(3.5, 45, segments=10).rotated("y", 90).moved(-20), "fe"))
    return benign("umbrella", parts, soft=0.1, length_mm=round(long), folds=segments)


FAMILIES: dict[str, ItemMaker] = {"umbrella": make_umbrella}
