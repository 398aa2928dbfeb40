"""Rulers, pens, staplers, punches and clips: long flat or thin metal from a pencil case."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.items._threat import shaft
from beltline.simulate.shapes import (
    box,
    cylinder,
    helix,
    in_plane,
    prism,
    revolve,
    rounded_box,
    rounded_rectangle,
    spline,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _flat(rng: Rng, long: float, wide: float) -> tuple[list[Part], str]:
    """Straight ruler with a hole at its end, cork-backed now and then."""
    metal = pick(rng, "ss", "ss", "fe", "al", "pmma")
    thick = draw(rng, 0.5, 1.4) if metal in ("ss", "fe") else draw(rng, 1.6, 3.4)
    hole = cylinder(draw(rng, 2, 4), 0.99 * thick, segments=12)
    parts = [Part(box(long, wide, thick), metal), Part(hole.moved(0.5 * long - 8), metal, -1)]
    if chance(rng, 0.3):
        parts.append(Part(box(long, 4, 2.4).moved(0, 0.3 * wide, thick), "rubber"))
    return parts, metal


def _square(rng: Rng, long: float, wide: float) -> tuple[list[Part], str]:
    """Try square or carpenter's angle: blade and stock, or two legs of one sheet."""
    leg, metal, thick = long * draw(rng, 0.4, 0.75), pick(rng, "ss", "fe", "al"), draw(rng, 0.8, 2.2)
    stock = rounded_box(draw(rng, 16, 40), leg, draw(rng, 6, 18), 2)
    stock = stock if chance(rng, 0.6) else box(wide, leg, thick)
    at = (-long / 2, leg / 2 - wide / 2)
    return [
        Part(box(long, wide, thick), metal),
        Part(stock.moved(*at), pick(rng, metal, "wood", "al")),
    ], metal


def _folding(rng: Rng, long: float, wide: float) -> tuple[list[Part], str]:
    """Folding rule: riveted slats on top of each other, the last opened now and then."""
    stuff, slat, number = pick(rng, "wood", "al", "absf"), draw(rng, 0.6, 0.8) * long, count(rng, 5, 10)
    parts: list[Part] = []
    for k in range(number):
        turn = draw(rng, -1, 1) if k < number - 1 or chance(rng, 0.6) else draw(rng, 20, 160)
        bar = rounded_box(slat, 0.5 * wide + 8, 2.6, 5, bevel=0).moved(slat / 2 - 8).rotated("z", turn)
        parts.append(Part(bar.moved(z=3.2 * k), stuff))
        rivet = cylinder(4, 1.2, segments=12)
        parts += [Part(rivet.moved(x, 0, 3.2 * k + 1.6), "fe") for x in (0.0, slat - 16)]
    return parts, stuff


def _tape(rng: Rng, long: float, wide: float) -> tuple[list[Part], str]:
    """Tape measure: coil of steel in a plastic case with a clip."""
    side, deep = draw(rng, 48, 80), wide * draw(rng, 0.9, 1.1) + 8
    outer, inner = (
        rounded_box(side, 0.92 * side, deep, 10),
        rounded_box(side - 5, 0.92 * side - 5, deep - 5, 8),
    )
    wound, core = cylinder(0.38 * side, 0.6 * deep), cylinder(0.16 * side, 0.58 * deep)
    coil = hollow(wound, core, "fe", density_g_cm3=draw(rng, 4.5, 6))
    lip = box(0.2 * long, 0.3, 0.55 * deep).moved(0.5 * side + 0.1 * long, -0.42 * side)
    clip = rounded_box(30, 14, 1.2, 3).moved(0, 0, deep / 2 + 2)
    return [*hollow(outer, inner, "abs"), *coil, Part(lip, "fe"), Part(clip, "ss")], "fe"


def make_ruler(rng: Rng) -> Item:
    """Steel, aluminium or plastic ruler, square, folding rule or tape measure."""
    design = pick(rng, "flat", "flat", "flat", "flat", "square", "folding", "tape")
    build = {"flat": _flat, "square": _square, "folding": _folding, "tape": _tape}[design]
    parts, metal = build(rng, draw(rng, 150, 330), draw(rng, 13, 42))
    return benign("ruler", parts, design=design, metal=metal)


def _pen(rng: Rng) -> list[Part]:
    """Pen along x: barrel of metal or plastic around its refill, clip, push button or nib."""
    long, radius = draw(rng, 118, 148), draw(rng, 3.6, 6.4)
    stuff = pick(rng, "brass", "al", "al", "ss", "abs", "polystyrene", "wood")
    wall = draw(rng, 0.5, 1.0) if stuff not in ("abs", "polystyrene", "wood") else draw(rng, 1.2, 1.9)
    barrel = revolve(
        [(0.3 * radius, 0), (radius * 0.8, 14), (radius, 32), (radius, 0.9 * long), (0.6 * radius, long)],
        segments=14,
    )
    bore = revolve(
        [(0.5 * radius - 0.4, 14), (radius - wall - 0.4, 34), (radius - wall - 0.4, 0.88 * long)], segments=14
    )
    parts = list(hollow(barrel, bore, stuff))
    refill = cylinder(min(1.4, radius - wall - 0.5), 0.7 * long, segments=8).moved(z=0.45 * long)
    parts.append(Part(refill, pick(rng, "pp", "brass"), 1, draw(rng, 1.0, 3.0)))
    parts.append(
        Part(
            cylinder(radius + 0.3, draw(rng, 2, 7), segments=14).moved(z=draw(rng, 0.45, 0.6) * long),
            "brass",
            1,
            4.0,
        )
    )
    clip = box(draw(rng, 1, 3), 0.8, draw(rng, 30, 44)).moved(0, radius + 1.2, 0.78 * long)
    parts.append(Part(clip, pick(rng, "ss", "brass", "abs")))
    if chance(rng, 0.6):
        parts.append(Part(tube(helix(1.9, 22, 8, steps_per_turn=7), 0.25, segments=4).moved(z=20), "ss"))
    return turned(parts, "y", 90)


def make_pens(rng: Rng) -> Item:
    """Pens, in a row, strewn, or in a tin with a pair of dividers."""
    number, cased = count(rng, 1, 6), chance(rng, 0.3)
    parts: list[Part] = []
    for k in range(number):
        turn = draw(rng, -5, 5) + pick(rng, 0, 180) if cased else draw(rng, 0, 360)
        shift = 0.0 if cased else float(rng.normal(0, 12))
        one = moved(_pen(rng), -65)
        parts += moved(
            turned(one, "z", turn),
            shift,
            14.0 * (k - number / 2) if cased else shift,
            0.0 if cased else 9.0 * k,
        )
    if chance(rng, 0.25):
        legs = [
            shaft([(0.0, 0.0), (60.0, s * draw(rng, 4, 20)), (125.0, s * draw(rng, 4, 30))], [7, 5, 1.5], 4)
            for s in (-1, 1)
        ]
        parts += moved([Part(leg, pick(rng, "ss", "brass")) for leg in legs], -60, 10.0 * number)
        parts.append(Part(cylinder(5, 8, segments=14).moved(-60, 10.0 * number), "brass"))
    if cased:
        outer, inner = rounded_box(190, 14 * number + 26, 24, 8), rounded_box(187, 14 * number + 23, 21, 7)
        parts += hollow(outer, inner, pick(rng, "fe", "al", "pp", "leather"))
    return benign("pens", parts, number=number, case=bool(cased))


def _punch(rng: Rng) -> list[Part]:
    """Two-hole punch: base, lever, pins in their springs, tray."""
    base = prism(rounded_rectangle(draw(rng, 95, 130), draw(rng, 40, 60), 6), draw(rng, 1.2, 2.4))
    arm = prism(rounded_rectangle(draw(rng, 90, 120), draw(rng, 30, 50), 8), draw(rng, 1.2, 2.2))
    pin, spring = cylinder(3.4, 26, segments=12), tube(helix(5, 18, 5, steps_per_turn=8), 0.7, segments=5)
    parts = [Part(m.moved(s * 40, 8, 12), "fe") for s in (-1, 1) for m in (pin, spring)]
    parts.append(Part(rounded_box(100, 48, 7, 6).moved(z=-5), "pp", 1, 0.4))
    return [*parts, Part(base, "fe"), Part(arm.rotated("x", 8).moved(z=24), pick(rng, "fe", "abs"))]


def _staples(rng: Rng, long: float, wide: float) -> list[Part]:
    """Channel with its strip of staples under a lever, on a foot, lying on its side."""
    channel = hollow(box(0.85 * long, 8, 13), box(0.84 * long, 6.6, 11.6), "fe")
    strip = Part(box(draw(rng, 0.1, 0.6) * long, 5.6, 6).moved(0.1 * long, 0, 1), "fe", 1, draw(rng, 3.5, 6))
    parts = moved(turned([*channel, strip], "x", 90), 0.55 * long)
    line = [(0.0, 0.0), (0.5 * long, 0.04 * long), (long, 0.02 * long)]
    shell = pick(rng, "abs", "pp", "fe")
    cover = shaft(line, [16, 20, 15], wide, power=4).moved(0, 12)
    parts.append(Part(cover, shell, 1, draw(rng, 0.6, 1.0) if shell != "fe" else 1.6))
    foot = shaft(line, [8, 6, 9], wide, power=6).rotated("z", -draw(rng, 3, 22)).moved(0, -14)
    parts.append(Part(foot, pick(rng, "fe", "zn", "abs"), 1, draw(rng, 1.0, 3.5)))
    spring = spline(np.array([(4, -6), (0.3 * long, -3), (0.5 * long, 4)]), 10)
    return [*parts, Part(tube(in_plane(spring), 0.9, segments=5), "fe")]


def make_stapler(rng: Rng) -> Item:
    """Desk stapler, stapling pliers, or a punch."""
    design = pick(rng, "stapler", "stapler", "plier", "punch")
    if design == "punch":
        return benign("stapler", _punch(rng), design=design)
    long = draw(rng, 60, 165)
    parts = _staples(rng, long, draw(rng, 11, 20))
    if design == "plier":
        grip = shaft([(0.0, 0.0), (-0.5 * long, -10.0), (-0.9 * long, -26.0)], [14, 13, 10], 16)
        parts += [Part(grip.moved(0, -6), "fe", 1, 3.0), Part(grip.mirrored("y").moved(0, 10), "abs")]
    return benign("stapler", parts, design=design)


FAMILIES: dict[str, ItemMaker] = {"ruler": make_ruler, "pens": make_pens, "stapler": make_stapler}
