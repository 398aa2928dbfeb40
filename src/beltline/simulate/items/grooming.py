"""What a wash bag holds of metal: manicure sets, tweezers, hair tongs, combs and clips."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.items._threat import mirrored_pair, shaft
from beltline.simulate.shapes import (
    Mesh,
    box,
    cylinder,
    helix,
    in_plane,
    loft,
    prism,
    rounded_box,
    rounded_rectangle,
    spline,
    superellipse,
    sweep,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, hollow, moved, turned


def _file(rng: Rng) -> list[Part]:
    """Nail file along x: a thin pointed plate on a small handle."""
    long, wide, thick = draw(rng, 60, 125), draw(rng, 6, 13), draw(rng, 0.6, 1.4)
    tip = draw(rng, 0.1, 0.5)
    plate = prism(
        [
            (0, -wide / 2),
            (0.8 * long, -wide / 2),
            (long, -tip),
            (long, tip),
            (0.8 * long, wide / 2),
            (0, wide / 2),
        ],
        thick,
    )
    grip = shaft(
        [(3.0, 0.0), (-18.0, 0.0), (-0.45 * long, 0.0)], [wide, 1.2 * wide, 0.8 * wide], draw(rng, 3, 6)
    )
    return [Part(plate, "ss"), Part(grip, pick(rng, "ss", "abs", "pp"))]


def _tweezers(rng: Rng) -> list[Part]:
    """Two springy legs joined at the end, seen from the side or from above."""
    long, gap = draw(rng, 72, 115), draw(rng, 3, 14)
    wide = draw(rng, 5, 9)
    parts = []
    for side in (-1, 1):
        line = spline(
            np.array([(0, 0, side * 0.8), (0.5 * long, 0, side * gap), (0.95 * long, 0, side * 1.2)]), 9
        )
        section = np.array([(-0.5, -1), (0.5, -1), (0.5, 1), (-0.5, 1)])
        widths = np.interp(np.linspace(0, 1, 9), [0, 0.4, 0.8, 1], [0.8, 1, 0.6, 0.25]) * wide / 2
        sections = np.stack([section * [draw(rng, 0.9, 1.0), w] for w in widths])
        parts.append(Part(sweep(line, sections), "ss"))
    return moved(parts if chance(rng, 0.5) else turned(parts, "x", 90), -0.5 * long)


def _clipper(rng: Rng) -> list[Part]:
    """Nail clipper: two bowed leaves, the lever above, the pin through them."""
    long, wide = draw(rng, 48, 88), draw(rng, 10, 17)
    leaf = prism(rounded_rectangle(long, wide, 3), draw(rng, 1.2, 2.0))
    lever = prism(rounded_rectangle(0.9 * long, 0.85 * wide, 4), draw(rng, 1.2, 2.2))
    turn = pick(rng, 0.0, 180.0, 0.0)
    parts = [Part(leaf.moved(z=s * 2.4), "ss") for s in (-1, 1)]
    parts.append(Part(lever.moved(0.05 * long).rotated("z", turn).moved(z=6), "ss"))
    return [*parts, Part(cylinder(2.4, 14, segments=10).moved(0.4 * long, 0, 2), "fe")]


def _nipper(rng: Rng) -> list[Part]:
    """Cuticle nipper: small pliers of bright steel with a leaf spring."""
    arm, jaw = draw(rng, 55, 80), draw(rng, 9, 16)
    nose = prism([(0, 0), (jaw, 0), (0.8 * jaw, 4), (0, 6), (-6, 4)], 6, bevel=0.8)
    line = [(-2.0, 1.0), (-0.3 * arm, -5.0), (-arm, -draw(rng, 8, 14))]
    half = [Part(nose, "ss"), Part(shaft(line, [6, 4.5, 5], 5), "ss")]
    parts = mirrored_pair(half, draw(rng, 2, 16), 0.0)
    return [
        *parts,
        Part(cylinder(3.6, 7, segments=12), "ss"),
        Part(box(0.5 * arm, 0.6, 4).moved(-0.35 * arm), "ss"),
    ]


def _pusher(rng: Rng) -> list[Part]:
    """Cuticle pusher or ear pick: a rod with a spoon end."""
    long = draw(rng, 85, 130)
    rod = cylinder(draw(rng, 1.4, 3), 0.7 * long, segments=10).rotated("y", 90)
    spoon = prism(superellipse(0.14 * long, draw(rng, 2, 5), 2.4, segments=16), 1.2).moved(0.45 * long)
    return [Part(rod, "ss"), Part(spoon, "ss"), Part(spoon.rotated("z", 180).scaled(1, 0.6, 1), "ss")]


_TOOLS = {"file": _file, "tweezers": _tweezers, "clipper": _clipper, "nipper": _nipper, "pusher": _pusher}


def make_manicure_set(rng: Rng) -> Item:
    """Nail file, clippers, tweezers, pusher: one alone, some loose, or a row of them in a case."""
    number, cased = pick(rng, 1, 1, 2, 3, 5, 7), chance(rng, 0.45)
    parts: list[Part] = []
    for k in range(number):
        one = _TOOLS[pick(rng, *sorted(_TOOLS))](rng)
        loose = not cased and number > 1
        turn = draw(rng, 0, 360) if loose else 90 + draw(rng, -4, 4)
        at = rng.normal(0, 14, 2) if loose else np.array([17.0 * (k - number / 2), 0.0])
        parts += moved(turned(one, "z", turn), float(at[0]), float(at[1]), 4.0 * k if loose else 0.0)
    if cased:
        cover = rounded_box(max(17.0 * number + 24, 60), 145, draw(rng, 2, 5), 8)
        skin = Texture("leather", int(rng.integers(2**31)), 0.4, 30.0)
        parts += [Part(cover.moved(z=z), pick(rng, "leather", "pvc"), 1, 0.8, skin) for z in (-9, 9)]
    return benign("manicure_set", parts, number=number, case=bool(cased))


def _lead(rng: Rng, x: float) -> list[Part]:
    """Mains lead from the end of a handle at -x, wound up in loops that widen."""
    turn = np.linspace(0, 2 * np.pi * draw(rng, 0.8, 3.5), 70)
    radius = draw(rng, 24, 48) * (1 + draw(rng, 0.02, 0.08) * turn)
    squeezed = draw(rng, 0.55, 1.0)
    path = np.column_stack(
        [-x - squeezed * radius * np.sin(turn), radius * np.cos(turn) - radius[0], 0 * turn]
    )
    path *= [1, pick(rng, -1, 1), 1]
    return [Part(tube(path, 2.4, segments=6), "pvc"), Part(tube(path, 1.0, segments=5), "cu", 1, 6.0)]


def _tongs(rng: Rng, barrel: float, grip: float) -> list[Part]:
    """Heated tube with its clamp and spring, and a hollow handle."""
    radius = draw(rng, 8, 17)
    bore = cylinder(radius - draw(rng, 0.8, 1.8), barrel - 2)
    pipe = hollow(cylinder(radius, barrel), bore, pick(rng, "al", "fe", "al"))
    core = Part(box(10, 4, 0.7 * barrel), "ceramic", 1, 2.6)
    parts = moved(turned([*pipe, core], "y", 90), barrel / 2)
    clamp = prism(rounded_rectangle(0.95 * barrel, 1.5 * radius, 4), draw(rng, 0.8, 1.4))
    parts.append(Part(clamp.moved(0.5 * barrel, 0, radius + draw(rng, 1, 4)), pick(rng, "al", "ss")))
    spring = tube(helix(4, 14, 4, steps_per_turn=8), 0.7, segments=5)
    parts.append(Part(spring.moved(-8, 0, radius), "fe"))
    girth = 2 * radius
    body = shaft([(4.0, 0.0), (-0.5 * grip, 0.0), (-grip, 0.0)], [girth + 6, girth, 26], girth + 2)
    room = shaft([(0.0, 0.0), (-0.5 * grip, 0.0), (5 - grip, 0.0)], [girth + 1, girth - 5, 20], girth - 3)
    return [*parts, *hollow(body, room, "abs"), Part(box(0.5 * grip, 10, 1.6).moved(-0.45 * grip), "fr4")]


def _straightener(rng: Rng, barrel: float, grip: float) -> list[Part]:
    """Two hollow arms with a heated plate each, shut or a little open."""
    outer = shaft([(barrel, 0.0), (0.0, 3.0), (-grip, 0.0)], [22, 24, 20], 30, power=4)
    room = [(barrel - 3, 0.2), (0.0, 3.0), (3 - grip, 0.1)]
    inner = shaft(room, [17.5, 19.5, 15.5], 25.5, power=4)
    plate = box(draw(rng, 80, 105), draw(rng, 2, 5), 24).moved(0.5 * barrel, -10)
    heater = Part(box(60, 3, 14).moved(0.5 * barrel, -6), "ceramic", 1, 2.6)
    board = Part(box(0.5 * grip, 1.6, 16).moved(-0.4 * grip), "fr4")
    half = [*hollow(outer, inner, "abs"), Part(plate, pick(rng, "al", "ceramic")), heater, board]
    return mirrored_pair(moved(half, 0, 14), draw(rng, 0, 16), 0.0)


def make_curling_iron(rng: Rng) -> Item:
    """Curling tongs or a hair straightener with its lead."""
    design = pick(rng, "tongs", "straightener")
    barrel, grip = draw(rng, 110, 170), draw(rng, 120, 160)
    parts = (_tongs if design == "tongs" else _straightener)(rng, barrel, grip)
    return benign("curling_iron", [*parts, *_lead(rng, grip)], design=design)


def _comb(rng: Rng) -> list[Part]:
    """Comb of metal or plastic: a back, teeth, a pin tail now and then."""
    long, wide = draw(rng, 95, 180), draw(rng, 18, 34)
    stuff, pitch = pick(rng, "al", "ss", "abs", "pp", "nylon"), draw(rng, 2.4, 4.2)
    back = rounded_box(long, 0.35 * wide, draw(rng, 2, 4), 3)
    teeth = [
        box(0.5 * pitch, 0.68 * wide, 1.4).moved(x, -0.5 * wide)
        for x in np.arange(-0.46 * long, 0.46 * long, pitch)
    ]
    parts = [Part(m, stuff) for m in (back, *teeth)]
    if chance(rng, 0.3):
        parts.append(Part(cylinder(1.2, 110, segments=8).rotated("y", 90).moved(0.5 * long + 50), "ss"))
    return parts


def _clip(rng: Rng) -> list[Part]:
    """Hair clip: two narrow leaves of sheet steel on a spring."""
    long, wide = draw(rng, 42, 105), draw(rng, 6, 13)
    leaf = prism([(0, -wide / 2), (long, -wide / 4), (long, wide / 4), (0, wide / 2)], 0.8)
    stuff = pick(rng, "fe", "al", "fe")
    parts = [Part(leaf.rotated("y", -s * 4).moved(z=s * 2), stuff) for s in (-1, 1)]
    return [*parts, Part(_roll(rng, wide), "fe")]


def _roll(rng: Rng, wide: float) -> Mesh:
    ring = [in_plane(superellipse(2.6, 2.6, 2, segments=10), z) for z in (-0.4 * wide, 0.4 * wide)]
    return loft(ring).rotated("x", 90).moved(draw(rng, 4, 12))


def make_hair_things(rng: Rng) -> Item:
    """Combs, clips and pins for the hair."""
    parts: list[Part] = []
    number = count(rng, 1, 5)
    for k in range(number):
        one = _comb(rng) if k == 0 and chance(rng, 0.6) else _clip(rng)
        at = rng.normal(0, 20, 2) if k else np.zeros(2)
        parts += moved(turned(one, "z", draw(rng, 0, 360) if k else 0.0), float(at[0]), float(at[1]), 4.5 * k)
    return benign("hair_things", parts, number=number)


FAMILIES: dict[str, ItemMaker] = {
    "manicure_set": make_manicure_set,
    "curling_iron": make_curling_iron,
    "hair_things": make_hair_things,
}
