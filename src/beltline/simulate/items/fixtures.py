"""Brackets and hinges, snap hooks and buckles, torches: solid metal with the outline of weapons' parts."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.shapes import (
    Array,
    Mesh,
    arc,
    box,
    cone,
    cylinder,
    helix,
    in_plane,
    merge,
    prism,
    revolve,
    rounded_box,
    rounded_rectangle,
    spline,
    superellipse,
    torus,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _pierced(outline: Array, thick: float, spots: Array, radius: float, metal: str) -> list[Part]:
    """Sheet with screw holes at places (N, 2)."""
    hole = cylinder(radius, 0.99 * thick, segments=10)
    return [Part(prism(outline, thick), metal), *(Part(hole.moved(*spot), metal, -1) for spot in spots)]


def _plate(rng: Rng, long: float, wide: float, metal: str) -> list[Part]:
    """Flat strap or joining plate with a row or two of holes."""
    rows, number = count(rng, 1, 2), count(rng, 2, 6)
    x = np.linspace(-0.42, 0.42, number) * long
    spots = np.array([(a, (r - (rows - 1) / 2) * 0.45 * wide) for a in x for r in range(rows)])
    shape = rounded_rectangle(long, wide, draw(rng, 0.05, 0.5) * wide)
    return _pierced(shape, draw(rng, 1.2, 3.5), spots, min(0.13 * wide, draw(rng, 1.8, 3.2)), metal)


def _angle(rng: Rng, long: float, wide: float, metal: str) -> list[Part]:
    """Bracket of two plates at a right angle, a rib between them now and then."""
    leg = long * draw(rng, 0.5, 1.0)
    parts = moved(_plate(rng, long, wide, metal), long / 2)
    parts += moved(turned(_plate(rng, leg, wide, metal), "y", 90), 0, 0, -leg / 2)
    if chance(rng, 0.4):
        rib = prism([(2, -2), (0.6 * long, -2), (2, -0.6 * leg)], draw(rng, 1.5, 3)).rotated("x", 90)
        parts.append(Part(rib, metal))
    return parts if chance(rng, 0.5) else turned(parts, "x", 90)


def _hinge(rng: Rng, long: float, wide: float, metal: str) -> list[Part]:
    """Two leaves about a knuckled pin, opened by any angle."""
    pin = cylinder(draw(rng, 2.2, 4.5), long, segments=12).rotated("y", 90)
    angle = pick(rng, 0.0, 170.0, draw(rng, 20, 150))
    leaf = moved(_plate(rng, long, wide, metal), 0, wide / 2 + 2)
    return [*leaf, *turned(turned(leaf, "x", 180), "x", angle), Part(pin, metal)]


def _latch(rng: Rng, long: float, wide: float, metal: str) -> list[Part]:
    """Sliding bolt on its plate, or a drawer rail: channel in channel."""
    parts = _plate(rng, long, wide, metal)
    if chance(rng, 0.5):
        rod = (
            cylinder(draw(rng, 3, 6), 1.1 * long, segments=14)
            .rotated("y", 90)
            .moved(draw(rng, 0, 0.3) * long, 0, 7)
        )
        knob = cylinder(3, 18, segments=10).moved(0, 0, 14)
        return [
            *parts,
            Part(rod, metal),
            Part(knob, metal),
            *(Part(box(8, 0.7 * wide, 12).moved(x * long, 0, 6), metal, 1, 3.0) for x in (-0.3, 0.3)),
        ]
    for k, share in enumerate((1.0, 0.72)):
        outer = box(long, share * wide, 10 * share + 2)
        inner = box(long * 0.995, share * wide - 2.6, 10 * share - 0.6)
        parts += moved(hollow(outer, inner, metal), draw(rng, 0, 0.4) * long * k, 0, 8)
    return parts


def make_brackets(rng: Rng) -> Item:
    """Flat straps, angle brackets, hinges, bolts and drawer rails: some of one kind."""
    design = pick(rng, "plate", "angle", "angle", "hinge", "hinge", "latch")
    build = {"plate": _plate, "angle": _angle, "hinge": _hinge, "latch": _latch}[design]
    long, metal = draw(rng, 35, 190), pick(rng, "fe", "fe", "zn", "brass", "al", "ss")
    wide = long * draw(rng, 0.12, 0.32)
    one = build(rng, long, max(wide, 12.0), metal)
    parts: list[Part] = []
    for k in range(count(rng, 1, 4)):
        at = rng.normal(0, 0.3 * long, 2) if k else np.zeros(2)
        parts += moved(turned(one, "z", draw(rng, 0, 360) if k else 0.0), float(at[0]), float(at[1]), 6.0 * k)
    return benign("brackets", parts, design=design, metal=metal)


def _snap(rng: Rng, long: float, metal: str) -> list[Part]:
    """Carabiner: a bent rod with its gate, pear or D shaped."""
    wide, rod = long * draw(rng, 0.4, 0.62), draw(rng, 2.2, 5.5)
    half = rounded_rectangle(long, wide, 0.49 * wide, steps=5)
    half[:, 1] *= 1 + draw(rng, -0.25, 0.25) * half[:, 0] / long * 2
    gate = box(0.5 * long, 1.1 * rod, 1.1 * rod).moved(0, -0.5 * wide + 0.8 * rod)
    nut = cylinder(1.5 * rod, 0.2 * long, segments=12).rotated("y", 90).moved(0.1 * long, -0.5 * wide)
    parts = [Part(tube(in_plane(half), rod, segments=8, closed=True), metal), Part(gate, metal)]
    return parts + ([Part(nut, metal)] if chance(rng, 0.3) else [])


def _lobster(rng: Rng, long: float, metal: str) -> list[Part]:
    """Trigger hook of a bag strap: hook, plunger, swivel with its eye."""
    r = 0.2 * long
    line = in_plane(np.concatenate([arc(r, -120, 150, steps=16), [(-1.6 * r, 0.5 * r)]]))
    hook = tube(line, draw(rng, 0.2, 0.28) * r, segments=8)
    body = revolve([(0.3 * r, 0), (0.5 * r, 0.8 * r), (0.35 * r, 1.6 * r), (0.55 * r, 2.2 * r)], segments=14)
    eye = torus(0.7 * r, 0.16 * r, segments=20, tube_segments=7)
    meshes = (hook, body.rotated("y", -90).moved(-1.2 * r), eye.scaled(0.7, 1.4, 1).moved(-4.0 * r))
    return [Part(mesh, metal) for mesh in meshes]


def _buckle(rng: Rng, long: float, metal: str) -> list[Part]:
    """Belt or strap buckle: frame with bar and prong, or a solid plate."""
    wide = long * draw(rng, 0.6, 1.1)
    outline = superellipse(long / 2, wide / 2, draw(rng, 2.2, 9), segments=28)
    if chance(rng, 0.3):
        plate = Part(prism(outline, draw(rng, 1.6, 4), bevel=0.8), metal)
        return [plate, Part(cylinder(2.2, 9, segments=8).moved(-0.35 * long, 0, -5), metal)]
    frame = tube(in_plane(outline), draw(rng, 1.4, 3.2), segments=7, closed=True)
    bar = cylinder(1.8, 0.95 * wide, segments=8).rotated("x", 90).moved(draw(rng, -0.4, 0.0) * long)
    prong = spline(np.array([(-0.2 * long, 0, 2), (0.1 * long, 0, 4), (0.5 * long, 0, 3)]), 8)
    return [Part(mesh, metal) for mesh in (frame, bar, tube(prong, 1.5, segments=6))]


def make_snap_hooks(rng: Rng) -> Item:
    """Carabiners, strap hooks and loose buckles, a chain between two now and then."""
    makers = (_snap, _snap, _lobster, _lobster, _buckle)
    parts: list[Part] = []
    number = count(rng, 1, 4)
    spots = rng.normal(0, 30, (number, 2))
    for k in range(number):
        metal = pick(rng, "al", "zn", "zn", "fe", "brass")
        one = makers[count(rng, 0, len(makers) - 1)](rng, draw(rng, 34, 95), metal)
        parts += moved(turned(one, "z", draw(rng, 0, 360)), float(spots[k, 0]), float(spots[k, 1]), 5.0 * k)
    if number > 1 and chance(rng, 0.35):
        line = spline(np.array([spots[0], rng.normal(0, 60, 2), rng.normal(0, 60, 2), spots[1]]), 60)
        parts.append(Part(_chain(line, draw(rng, 1.8, 3.6)), pick(rng, "brass", "fe")))
    return benign("snap_hooks", parts, number=number)


def _chain(line: Array, size: float) -> Mesh:
    """Links along a plane path (N, 2), every other one on edge."""
    ring = torus(size, 0.3 * size, segments=10, tube_segments=5)
    links = [ring if k % 2 else ring.rotated("x", 90) for k in range(len(line))]
    return merge([link.moved(*spot) for link, spot in zip(links, line, strict=True)])


def make_flashlight(rng: Rng) -> Item:
    """Torch: metal or plastic tube, head with its reflector, cells end to end, tail switch, clip."""
    metal = pick(rng, "al", "al", "al", "abs", "fe")
    radius, cells = draw(rng, 8, 18), count(rng, 1, 3)
    cell_long = draw(rng, 44, 68)
    long, wall = cells * cell_long + 26, draw(rng, 1.4, 3.2)
    ridges = [(radius * (1 - 0.05 * (k % 2)), 6 + (long - 12) * k / 18) for k in range(19)]
    body = revolve([(0.7 * radius, 0), *ridges, (radius, long)], segments=20)
    parts = list(hollow(body, cylinder(0.95 * radius - wall, long - 8).moved(z=long / 2), metal))
    if chance(rng, 0.85):
        cell = cylinder(min(0.94 * radius - wall, 9.2), cell_long - 1, segments=16)
        stuff = pick(rng, "alkaline", "liion")
        parts += [Part(cell.moved(z=8 + cell_long * (k + 0.5)), stuff) for k in range(cells)]
    bell, deep = radius * draw(rng, 1.05, 1.9), draw(rng, 24, 52)
    head = revolve([(radius, 0), (bell, 0.6 * deep), (bell, deep)], segments=22)
    bowl = revolve(
        [(0.3 * radius, 0.3 * deep), (bell - 2.6, 0.92 * deep), (bell - 2.6, deep - 0.1)], segments=22
    )
    parts += moved(hollow(head, bowl, metal), z=long)
    lens = cylinder(bell - 3, 2.4, segments=22).moved(z=long + 0.94 * deep)
    parts += [
        Part(lens, pick(rng, "glass", "pmma")),
        Part(cone(2, 3, 5, segments=10).moved(z=long + 0.35 * deep), "ceramic"),
    ]
    spring = tube(helix(5, 12, 4, steps_per_turn=8), 0.6, segments=5).moved(z=8)
    tail = rounded_box(8, 8, 6, 2).moved(z=-2)
    clip = box(0.9, 6, 46).moved(radius + 1.6, 0, 0.4 * long)
    parts += [Part(spring, "fe"), Part(tail, "rubber")] + ([Part(clip, "ss")] if chance(rng, 0.4) else [])
    return benign("flashlight", turned(parts, "y", 90), metal=metal, cells=cells)


FAMILIES: dict[str, ItemMaker] = {
    "brackets": make_brackets,
    "snap_hooks": make_snap_hooks,
    "flashlight": make_flashlight,
}
