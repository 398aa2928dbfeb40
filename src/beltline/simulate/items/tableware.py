"""Spoons and forks, openers and corkscrews: household metal of the size and gauge of blades."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.items._threat import shaft
from beltline.simulate.shapes import (
    Mesh,
    arc,
    cylinder,
    helix,
    in_plane,
    loft,
    merge,
    prism,
    rounded_box,
    superellipse,
    torus,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _bowl(rng: Rng, long: float, wide: float, thick: float) -> Mesh:
    """Bowl of a spoon along +x from 0, its rim in z = 0 and its middle pressed down."""
    deep = draw(rng, 0.15, 0.35) * wide
    shares = np.array([0.05, 0.4, 0.7, 0.9, 1.0])
    rings = []
    for up in (1, -1):
        for s in shares if up > 0 else shares[::-1]:
            outline = superellipse(s * long / 2, s * wide / 2, 2.2, segments=18)
            rings.append(in_plane(outline + np.array([long / 2, 0]), -deep * (1 - s**2) + up * thick / 2))
    return loft(rings)


def _fork(rng: Rng, long: float, wide: float, thick: float) -> Mesh:
    """Neck and three or four tines along +x from 0."""
    tines, root = count(rng, 3, 4), draw(rng, 0.3, 0.5) * long
    pad = prism(
        [
            (0, -0.2 * wide),
            (0.5 * root, -wide / 2),
            (root, -wide / 2),
            (root, wide / 2),
            (0.5 * root, wide / 2),
            (0, 0.2 * wide),
        ],
        thick,
    )
    gap = wide / tines
    pieces = [pad]
    for k in range(tines):
        y, half = (k - (tines - 1) / 2) * gap, 0.3 * gap
        tine = [
            (root, y - half),
            (0.95 * long, y - 0.7 * half),
            (long, y),
            (0.95 * long, y + 0.7 * half),
            (root, y + half),
        ]
        pieces.append(prism(tine, thick))
    return merge(pieces)


def _piece(rng: Rng, kind: str, metal: str) -> list[Part]:
    """Spoon, fork, ladle or chopsticks along x, its handle thin at the neck and wide at the end."""
    if kind == "chopsticks":
        sticks = [
            cylinder(draw(rng, 2, 3.5), draw(rng, 190, 240), segments=8).rotated("y", 90) for _ in range(2)
        ]
        return [Part(s.moved(0, 9.0 * k).rotated("z", 3 * k), metal) for k, s in enumerate(sticks)]
    size = draw(rng, 0.65, 1.15)
    stem, head = size * draw(rng, 100, 135), size * draw(rng, 52, 72)
    wide, thick = head * draw(rng, 0.34, 0.66 if kind == "spoon" else 0.42), draw(rng, 0.9, 2.0)
    body = (_bowl if kind == "spoon" else _fork)(rng, head, wide, thick)
    line = [(2.0, 0.0), (-0.3 * stem, 0.0), (-0.75 * stem, 0.0), (-stem, 0.0)]
    end = draw(rng, 9, 17) * size
    widths = [draw(rng, 5, 8) * size, draw(rng, 5, 8) * size, 0.8 * end, end]
    grip = metal if chance(rng, 0.8) else pick(rng, "pp", "wood", "abs")
    deep = draw(rng, 1.6, 3.4) if grip == metal else draw(rng, 5, 10)
    parts = [Part(body, metal), Part(shaft(line, widths, deep, power=4), grip)]
    if grip != metal:
        parts.append(Part(shaft(line[:3], [5, 5, 4], 1.8, power=6), metal))
    return parts


def make_cutlery(rng: Rng) -> Item:
    """Spoons, forks and chopsticks: nested, strewn, or in a travel case."""
    cased, metal = chance(rng, 0.3), pick(rng, "ss", "ss", "ss", "ss", "al", "silver", "pp")
    parts: list[Part] = []
    number = count(rng, 1, 6)
    for k in range(number):
        one = _piece(rng, pick(rng, "spoon", "spoon", "fork", "fork", "chopsticks"), metal)
        turn = draw(rng, -4, 4) + pick(rng, 0, 180) if cased or number > 3 else draw(rng, 0, 360)
        at = rng.normal(0, (8, 2 if cased else 12))
        parts += moved(turned(one, "z", turn), float(at[0]), float(at[1]), 2.2 * k)
    if cased:
        z = 1.1 * (number - 1)
        outer, inner = rounded_box(262, 62, 16 + 2 * z, 8), rounded_box(258, 58, 12 + 2 * z, 7)
        parts += moved(hollow(outer, inner, pick(rng, "pp", "abs", "fe")), z=z)
    return benign("cutlery", parts, number=number, case=bool(cased), metal=metal)


def _bar_opener(rng: Rng) -> list[Part]:
    """Flat bar with a ring at its end, or a ring of cast metal on a handle."""
    long, metal = draw(rng, 70, 150), pick(rng, "ss", "zn", "fe", "brass")
    thick, radius = draw(rng, 1.6, 5), draw(rng, 15, 21)
    outer = prism(superellipse(radius * draw(rng, 1.0, 1.25), radius, 2.4, segments=24), thick)
    inner = prism(superellipse(0.68 * radius, 0.62 * radius, draw(rng, 2, 4), segments=24), 0.999 * thick)
    line = [(-0.8 * radius, 0.0), (-0.5 * long, 0.0), (-long, 0.0)]
    parts = [
        *hollow(outer, inner, metal),
        Part(shaft(line, [11, draw(rng, 8, 14), draw(rng, 12, 22)], thick), metal),
    ]
    if chance(rng, 0.3):
        parts.append(Part(shaft(line[1:], [18, 22], 14), pick(rng, "wood", "abs", "rubber")))
    return parts


def _screw(rng: Rng, long: float) -> Mesh:
    """Worm of a corkscrew along -y from 0."""
    wire = tube(
        helix(draw(rng, 2.6, 3.8), long, draw(rng, 4, 6), steps_per_turn=9), draw(rng, 1.1, 1.6), segments=6
    )
    return wire.rotated("x", 90).moved(y=-long / 2)


def _waiter(rng: Rng) -> list[Part]:
    """Waiter's corkscrew: channel handle, worm and lever folded in or half out."""
    long, wide = draw(rng, 95, 120), draw(rng, 11, 15)
    body = hollow(
        rounded_box(long, wide, 13, 3), rounded_box(long - 6, wide - 3, 9, 2), pick(rng, "ss", "zn", "abs")
    )
    worm = turned([Part(_screw(rng, draw(rng, 38, 50)), "ss")], "z", pick(rng, 90, 0, draw(rng, 0, 90)))
    lever = prism([(0, -4), (50, -6), (58, 0), (50, 6), (0, 4)], 2.4).rotated(
        "z", pick(rng, 180, 0, draw(rng, 90, 180))
    )
    return [*body, *moved(worm, 0, -2), Part(lever.moved(long / 2 - 5, 2), "ss")]


def _winged(rng: Rng) -> list[Part]:
    """Lever corkscrew: bell, worm in its middle, two toothed arms, a key on top."""
    tall, radius, metal = draw(rng, 100, 130), draw(rng, 14, 18), pick(rng, "zn", "zn", "al")
    bell = turned(list(hollow(cylinder(radius, 44), cylinder(radius - 2, 43), metal)), "x", 90)
    spread = draw(rng, 8, 70)
    parts = [
        *bell,
        Part(_screw(rng, 55).moved(y=24), "fe"),
        Part(cylinder(4, tall, segments=12).rotated("x", 90).moved(y=0.4 * tall), "fe"),
    ]
    for side in (-1, 1):
        arm = shaft([(0.0, 0.0), (side * 3.0, -45.0), (side * 6.0, -90.0)], [14, 9, 13], 8)
        parts.append(
            Part(
                arm.rotated("z", side * spread).moved(side * (radius + 2), 26),
                metal,
                1,
                5.0 if metal == "zn" else None,
            )
        )
    key = torus(13, 3.4, segments=20, tube_segments=7)
    return [*parts, Part(key.moved(y=0.9 * tall), metal)]


def _can_opener(rng: Rng) -> list[Part]:
    """Pair of handles, toothed wheels and a butterfly key."""
    long, opening = draw(rng, 110, 160), draw(rng, 3, 20)
    grip = pick(rng, "abs", "rubber", "fe")
    parts = []
    for side in (-1, 1):
        line = [(18.0, 0.0), (-0.4 * long, side * 6.0), (-long, side * 4.0)]
        arm = [Part(shaft(line, [13, 11, 10], 2.4, power=6), "fe")]
        arm += [] if grip == "fe" else [Part(shaft(line[1:], [17, 20], 14), grip)]
        parts += turned(arm, "z", -side * opening / 2)
    wheel = cylinder(draw(rng, 8, 11), 3, segments=20)
    wing = prism(
        np.concatenate([arc(10, 140, 220, steps=8) - [16, 0], arc(10, -40, 40, steps=8) + np.array([16, 0])]),
        3,
    )
    return [
        *parts,
        Part(wheel.moved(8, 3, 2), "fe"),
        Part(wheel.moved(12, -6, -2), "fe"),
        Part(wing.moved(8, 0, 12), "fe"),
    ]


def make_opener(rng: Rng) -> Item:
    """Bottle opener, waiter's or winged corkscrew, can opener."""
    design = pick(rng, "bar", "bar", "waiter", "winged", "can")
    build = {"bar": _bar_opener, "waiter": _waiter, "winged": _winged, "can": _can_opener}[design]
    return benign("opener", build(rng), design=design)


FAMILIES: dict[str, ItemMaker] = {"cutlery": make_cutlery, "opener": make_opener}
