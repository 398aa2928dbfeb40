"""Benign metal that a detector must not take for a weapon: keys, coins, hangers, tubes, hardware."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.shapes import (
    box,
    cylinder,
    helix,
    merge,
    prism,
    rounded_box,
    rounded_rectangle,
    spline,
    superellipse,
    torus,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part


def make_keys(rng: Rng) -> Item:
    """Keys on a ring, with a fob now and then."""
    parts = [Part(torus(draw(rng, 10, 17), 1.2, segments=22, tube_segments=6), "fe")]
    number = count(rng, 2, 8)
    for k in range(number):
        long = draw(rng, 22, 38)
        key = merge([prism(superellipse(11, 9, 2.4, segments=16), 2.2), box(long, 6, 2).moved(long / 2 + 11)])
        hung = key.moved(x=14).rotated("z", draw(rng, 0, 360)).moved(z=2.4 * k)
        parts.append(Part(hung, pick(rng, "brass", "ss", "zn")))
    if chance(rng, 0.4):
        parts.append(Part(rounded_box(52, 32, 12, 5).moved(-34), "abs", 1, 0.8))
        parts.append(Part(cylinder(9, 3).moved(-34), "alkaline"))
    return benign("keys", parts, number=number)


def make_coins(rng: Rng) -> Item:
    """Loose coins, or a roll."""
    rolled = chance(rng, 0.15)
    radius = draw(rng, 8, 13)
    parts = []
    for k in range(count(rng, 2, 16)):
        flat = cylinder(radius if rolled else draw(rng, 8, 13), draw(rng, 1.4, 2.2), segments=18)
        at = (2.4 * k, 0.0, 0.0) if rolled else (*(float(v) for v in rng.normal(0, 22, 2)), 2.3 * k)
        parts.append(
            Part((flat.rotated("y", 90) if rolled else flat).moved(*at), pick(rng, "brass", "cu", "fe", "zn"))
        )
    return benign("coins", parts, design="roll" if rolled else "loose")


def make_hanger(rng: Rng) -> Item:
    """Coat hanger of wire or plastic with a steel hook."""
    wide, wire = draw(rng, 320, 420), chance(rng, 0.5)
    radius, material = (draw(rng, 1.2, 2.0), "fe") if wire else (draw(rng, 3, 6), "pp")
    top = np.column_stack([spline([(-wide / 2, 0), (0, 90), (wide / 2, 0)], 24), np.zeros(24)])
    bar = np.array([(-wide / 2, 0, 0), (0, -1, 0), (wide / 2, 0, 0)])
    hook = np.column_stack([spline([(0, 90), (2, 120), (18, 145), (-6, 158), (-18, 142)], 18), np.zeros(18)])
    parts = [Part(tube(top, radius, segments=6), material), Part(tube(bar, radius, segments=6), material)]
    return benign(
        "hanger", [*parts, Part(tube(hook, 1.7, segments=6), "fe")], design="wire" if wire else "plastic"
    )


def make_tripod(rng: Rng) -> Item:
    """Folded tripod or selfie stick: nested metal tubes with joints and a head."""
    long, radius, metal = draw(rng, 140, 330), draw(rng, 5, 11), pick(rng, "al", "fe", "al")
    legs, parts = pick(rng, 1, 3), []
    for k in range(legs):
        y = (k - 1) * 2.5 * radius
        parts.append(Part(cylinder(radius, long).rotated("y", 90).moved(0, y), metal))
        parts.append(Part(cylinder(radius - 1, long - 2).rotated("y", 90).moved(0, y), metal, -1))
        parts.append(
            Part(cylinder(0.6 * radius, 0.9 * long, segments=12).rotated("y", 90).moved(0, y), metal, 1, 2.2)
        )
        parts.append(Part(box(14, 2.3 * radius, 2.3 * radius).moved(0.3 * long, y), "abs"))
    head = rounded_box(40, 34, 26, 4).moved(0.58 * long, -2.5 * radius if legs == 1 else 0)
    return benign("tripod", [*parts, Part(head, pick(rng, "abs", "zn"), 1, 1.6)], legs=legs)


def make_hardware(rng: Rng) -> Item:
    """Loose small parts: springs, screws, plates, rings."""
    parts = []
    for _ in range(count(rng, 2, 9)):
        mesh = (
            tube(helix(draw(rng, 3, 7), draw(rng, 15, 40), 6, steps_per_turn=8), 0.8, segments=5),
            cylinder(draw(rng, 2, 4), draw(rng, 10, 40), segments=8),
            prism(rounded_rectangle(draw(rng, 10, 34), draw(rng, 10, 34), 3), draw(rng, 1.5, 4)),
            torus(draw(rng, 5, 14), draw(rng, 1, 2.4), segments=16, tube_segments=6),
        )[count(rng, 0, 3)]
        turned = mesh.rotated("x", draw(rng, 0, 180)).rotated("z", draw(rng, 0, 360))
        spot = (float(v) for v in rng.normal(0, (30, 30, 4)))
        parts.append(Part(turned.moved(*spot), pick(rng, "fe", "zn", "brass", "al")))
    return benign("hardware", parts)


def make_padlock(rng: Rng) -> Item:
    """Padlock, or a cable lock in a coil."""
    wide, tall, thick = draw(rng, 24, 46), draw(rng, 24, 42), draw(rng, 11, 20)
    body = Part(rounded_box(wide, tall, thick, 3), pick(rng, "brass", "zn"), 1, draw(rng, 4.5, 7.5))
    bow = spline(
        [
            (-0.32 * wide, 0),
            (-0.32 * wide, 0.9 * tall),
            (0, 1.25 * tall),
            (0.32 * wide, 0.9 * tall),
            (0.32 * wide, 0),
        ],
        24,
    )
    parts = [body, Part(tube(np.column_stack([bow, np.zeros(24)]), draw(rng, 2, 4)), "fe")]
    coil = chance(rng, 0.3)
    if coil:
        parts.append(Part(tube(helix(draw(rng, 25, 45), 30, 4), 3.5, segments=6).moved(0, 60), "fe", 1, 4.5))
    return benign("padlock", parts, design="cable" if coil else "bow")


def make_profile(rng: Rng) -> Item:
    """Flat tubes of aluminium or steel, nested: rails, slats, stands, that look like blades from far away."""
    long, wide, thick = draw(rng, 160, 470), draw(rng, 12, 42), draw(rng, 6, 16)
    metal = pick(rng, "al", "al", "fe", "ss")
    wall = draw(rng, 0.8, 2.0) if metal == "al" else draw(rng, 0.3, 0.9)
    parts = []
    for k in range(count(rng, 1, 2)):
        y = 1.4 * wide * k
        parts += [Part(box(long, wide, thick).moved(0, y), metal)]
        parts += [Part(box(long - 1, wide - 2 * wall, thick - 2 * wall).moved(0, y), metal, -1)]
        inner = (wide - 2 * wall - 1.2, thick - 2 * wall - 0.8)
        if min(inner) > 2.5:
            reach = long * draw(rng, 0.4, 0.95)
            x = (long - reach) / 2 - 2
            parts += [Part(box(reach, *inner).moved(x, y), metal, 1, 2.0 if metal == "al" else 5.0)]
        if chance(rng, 0.5):
            parts.append(Part(cylinder(2.5, thick + 2, segments=10).moved(0.45 * long, y), "fe"))
    return benign("flat_profile", parts, metal=metal, length_mm=round(long))


FAMILIES: dict[str, ItemMaker] = {
    "keys": make_keys,
    "coins": make_coins,
    "hanger": make_hanger,
    "tripod": make_tripod,
    "hardware": make_hardware,
    "padlock": make_padlock,
    "flat_profile": make_profile,
}
