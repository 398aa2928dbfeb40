"""Hammers: claw, ball-peen, cross-peen, club and sledge, tack, geologist's, meat and roofing, mallets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.items._threat import shaft, threat
from beltline.simulate.shapes import (
    Mesh,
    box,
    cylinder,
    ellipsoid,
    in_plane,
    loft,
    prism,
    revolve,
    spline,
    superellipse,
    sweep,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow


def _taper(length: float, start: tuple[float, float], end: tuple[float, float], power: float = 3.0) -> Mesh:
    """Bar along +y from 0, its section (x, z) half sizes going from ``start`` to ``end``, mm."""
    share = np.linspace(0, 1, 5)
    rings = []
    for t in share:
        a, b = (s + (e - s) * t for s, e in zip(start, end, strict=True))
        outline = superellipse(a, b, power, segments=14)
        rings.append(np.column_stack([outline[:, 0], np.full(14, t * length), outline[:, 1]]))
    return loft(rings)


def _face(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    """Neck and striking face along +y from 0."""
    neck = draw(rng, 0.55, 0.85) * radius
    profile = [
        (neck, 0),
        (neck, 0.45 * reach),
        (radius, 0.6 * reach),
        (radius, 0.93 * reach),
        (0.85 * radius, reach),
    ]
    return [revolve(profile, segments=18).rotated("x", -90)]


def _claw(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    """Two curved tines along -y, spreading."""
    drop = draw(rng, 0.1, 0.6) * reach
    meshes = []
    for side in (-1, 1):
        line = spline(
            np.array(
                [
                    (0, 0, side * 3),
                    (-0.1 * drop, -0.4 * reach, side * 4.5),
                    (-0.5 * drop, -0.8 * reach, side * 6),
                    (-drop, -reach, side * 7),
                ]
            ),
            10,
        )
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
        sizes = np.linspace(1, 0.25, 10)
        meshes.append(sweep(line, np.stack([square * [0.55 * radius * s, 3.4 * s + 0.6] for s in sizes])))
    return meshes


def _ball(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    neck = _taper(0.5 * reach, (0.7 * radius, 0.7 * radius), (0.6 * radius, 0.6 * radius), 2.2)
    return [
        neck.mirrored("y"),
        ellipsoid(0.85 * radius, 0.5 * reach, 0.85 * radius, segments=14).moved(y=-0.7 * reach),
    ]


def _wedge(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    """Cross or straight peen."""
    across = (1.0, 0.15) if chance(rng, 0.5) else (0.15, 1.0)
    end = (radius * across[0], radius * across[1])
    return [_taper(reach, (0.85 * radius, 0.85 * radius), end).mirrored("y")]


def _pick(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    return [_taper(1.5 * reach, (0.7 * radius, 0.6 * radius), (0.8, 0.8)).mirrored("y")]


def _hatchet(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    """Short blade of a roofing hammer or hatchet in place of the claw."""
    return [
        _taper(1.2 * reach, (0.7 * radius, 0.55 * radius), (draw(rng, 1.6, 2.6) * radius, 0.6)).mirrored("y")
    ]


def _same(rng: Rng, reach: float, radius: float) -> list[Mesh]:
    return [mesh.mirrored("y") for mesh in _face(rng, reach, radius)]


TAILS: dict[str, Callable[[Rng, float, float], list[Mesh]]] = {
    "claw": _claw,
    "ball": _ball,
    "peen": _wedge,
    "pick": _pick,
    "hatchet": _hatchet,
    "tack": _wedge,
}


def _steel_head(rng: Rng, design: str, scale: float) -> list[Part]:
    """Eye at the origin, face along +y, the other end along -y."""
    radius, half = scale * draw(rng, 10, 15.5), scale * draw(rng, 10, 15)
    if design == "tack":
        radius, half = 0.55 * radius, 0.7 * half
    wide, deep = 0.9 * radius, 0.85 * radius
    eye = prism(superellipse(wide, half, 4, segments=20), 2 * deep, bevel=2)
    meshes = [m.moved(y=0.95 * half) for m in _face(rng, scale * draw(rng, 26, 48), radius)]
    tail = TAILS[design](rng, scale * draw(rng, 38, 72), radius)
    meshes += [m.moved(y=-0.95 * half) for m in tail]
    return [Part(mesh, "fe") for mesh in (eye, *meshes)]


def _club(rng: Rng, scale: float) -> list[Part]:
    """Block of steel, square or eight-sided, chamfered at its faces."""
    long, half = scale * draw(rng, 78, 125), scale * draw(rng, 16, 25)
    power = pick(rng, 2.2, 6.0, 9.0)
    outline = superellipse(half, half, power, segments=16)
    shares = [(-0.5, 0.82), (-0.42, 1), (-0.1, 1), (0.1, 1), (0.42, 1), (0.5, 0.82)]
    rings = [
        np.column_stack([outline[:, 0] * s, np.full(16, y * long), outline[:, 1] * s]) for y, s in shares
    ]
    return [Part(loft(rings), "fe")]


def _mallet(rng: Rng, scale: float) -> list[Part]:
    """Head of rubber, wood or nylon, on a steel sleeve now and then."""
    long, radius = scale * draw(rng, 70, 120), scale * draw(rng, 22, 36)
    soft = pick(rng, "rubber", "filled_rubber", "wood", "nylon")
    barrel = cylinder(radius, long, segments=22).rotated("x", 90)
    if soft == "wood":
        barrel = box(1.7 * radius, long, 1.9 * radius)
    if soft != "nylon":
        return [Part(barrel, soft)]
    faces = [
        cylinder(0.7 * radius, 0.25 * long, segments=18).rotated("x", 90).moved(y=s * 0.4 * long)
        for s in (-1, 1)
    ]
    core = cylinder(0.6 * radius, 0.56 * long, segments=18).rotated("x", 90)
    return [Part(core, pick(rng, "al", "fe")), *(Part(m, pick(rng, "nylon", "rubber", "pp")) for m in faces)]


def _handle(rng: Rng, length: float, girth: float, head: float) -> tuple[list[Part], str]:
    """Handle along -x from the head: wood, glass fibre, a steel tube, or one bar with the head."""
    style = pick(rng, "wood", "wood", "fibreglass", "tube", "bar")
    bend = rng.normal(0, 0.012 * length, 2)
    line = [
        (0.5 * head, 0.0),
        (-0.35 * length, float(bend[0])),
        (-0.7 * length, float(bend[1])),
        (-length, 0.0),
    ]
    waist = [0.75, draw(rng, 0.6, 0.85), draw(rng, 0.9, 1.15), draw(rng, 1.0, 1.3)]
    widths = [2 * girth * w for w in waist]
    grip = [(x, y) for x, y in line[1:]]
    if style == "wood":
        return [Part(shaft(line, widths, 1.5 * girth), "wood", 1, draw(rng, 0.6, 0.8))], style
    sleeve = Part(
        shaft(grip, [1.7 * girth, 2.0 * girth, 2.3 * girth], 1.8 * girth), pick(rng, "rubber", "pvc", "nylon")
    )
    if style == "tube":
        rod = cylinder(0.6 * girth, length, segments=16).rotated("y", 90).moved(-0.5 * length + 0.4 * head)
        bore = cylinder(0.6 * girth - draw(rng, 1.2, 2.4), 0.97 * length, segments=16).rotated("y", 90)
        return [*hollow(rod, bore.moved(-0.5 * length + 0.4 * head), "fe"), sleeve], style
    core = "epoxy" if style == "fibreglass" else "fe"
    bar = shaft(line, [0.7 * w for w in widths], (0.9 if core == "epoxy" else 0.55) * girth, power=4)
    return [Part(bar, core, 1, 1.9 if core == "epoxy" else None), sleeve], style


def make_hammer(rng: Rng) -> Item:
    """Hammer of one kind; its head tells it, its handle is anything."""
    design = pick(
        rng,
        "claw",
        "claw",
        "claw",
        "ball",
        "peen",
        "club",
        "club",
        "mallet",
        "mallet",
        "tack",
        "pick",
        "hatchet",
    )
    scale = draw(rng, 0.7, 1.25)
    length = draw(rng, 150, 240) if design == "tack" else scale * draw(rng, 200, 330)
    if design in ("club", "mallet"):
        parts = (_club if design == "club" else _mallet)(rng, scale)
    else:
        parts = _steel_head(rng, design, scale)
    handle, style = _handle(rng, length, scale * draw(rng, 9, 14), 20 * scale)
    return threat("hammer_tool", "hammer", design, [*parts, *handle], length_mm=length, handle=style)


def make_meat_hammer(rng: Rng) -> Item:
    """Kitchen hammer or small toffee and ice hammer: one cast piece, its faces studded."""
    metal = pick(rng, "al", "al", "ss", "wood", "zn")
    long, half = draw(rng, 45, 75), draw(rng, 15, 28)
    head = _taper(long, (half, half), (half, half), 8.0).moved(y=-long / 2)
    share = draw(rng, 0.5, 1.0)
    parts = [Part(head, metal, 1, None if metal in ("wood", "al") else draw(rng, 3.5, 6.5))]
    studs = np.linspace(-0.7, 0.7, 4) * half
    cone = loft(
        [in_plane(superellipse(s, s, 6, segments=4), z) for s, z in ((half * 0.2, 0), (half * 0.04, 5))]
    )
    cone = cone.rotated("x", -90).moved(y=long / 2)
    parts += [
        Part(cone.moved(float(a), 0, float(b)), metal if metal != "wood" else "al")
        for a in studs
        for b in studs
    ]
    length = draw(rng, 130, 210)
    line = [(0.0, 0.0), (-0.5 * length, 0.0), (-length, 0.0)]
    stem = shaft(line, [12, 14 * share + 6, 26 * share], draw(rng, 9, 18))
    grip = metal if chance(rng, 0.5) else pick(rng, "wood", "abs", "pp")
    return threat("meat_hammer", "hammer", metal, [*parts, Part(stem, grip)], length_mm=length)


FAMILIES: dict[str, ItemMaker] = {"hammer_tool": make_hammer, "meat_hammer": make_meat_hammer}
