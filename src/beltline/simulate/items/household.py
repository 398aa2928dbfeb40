"""Household and toilet things: cosmetics, food, books, boxes, mugs, toys."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._build import benign
from beltline.simulate.shapes import (
    box,
    cylinder,
    ellipsoid,
    in_plane,
    loft,
    prism,
    revolve,
    rounded_rectangle,
    superellipse,
    torus,
)
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, hollow, turned


def _grainy(rng: Rng, amplitude: float = 0.5, scale: float = 35.0) -> Texture:
    return Texture("granular", int(rng.integers(2**31)), amplitude, scale)


def make_shampoo(rng: Rng) -> Item:
    """Plastic bottle of shampoo or lotion, partly full, lying."""
    wide, deep, tall = draw(rng, 22, 42), draw(rng, 14, 30), draw(rng, 90, 230)
    power, wall, fill = draw(rng, 2, 4), draw(rng, 0.8, 1.6), draw(rng, 0.15, 0.95)
    levels = np.linspace(0, 1, 9)
    shape = np.interp(levels, [0, 0.06, 0.75, 0.9, 1], [0.85, 1, 1, 0.75, 0.4])

    def body(shrink: float, low: float, high: float) -> np.ndarray:
        keep = np.linspace(low, high, 9)
        sizes = np.interp(keep, levels, shape)
        rings = [superellipse(wide * s - shrink, deep * s - shrink, power) for s in sizes]
        return np.array([in_plane(ring, tall * (k - 0.5)) for ring, k in zip(rings, keep, strict=True)])

    parts = list(hollow(loft(body(0.0, 0, 1)), loft(body(wall, 0.03, 0.97)), pick(rng, "pe", "pp", "pet")))
    parts.append(
        Part(loft(body(wall + 0.05, 0.035, max(0.96 * fill, 0.1))), pick(rng, "cream", "soap", "water"))
    )
    parts.append(Part(cylinder(draw(rng, 9, 15), 22).moved(z=tall / 2 + 8), "pp"))
    return benign("shampoo", turned(parts, "y", 90), fill=round(fill, 2))


def make_food_tin(rng: Rng) -> Item:
    """Tin can of food or drink."""
    radius, tall, wall = draw(rng, 22, 50), draw(rng, 40, 150), draw(rng, 0.15, 0.35)
    metal = pick(rng, "fe", "al")
    parts = list(hollow(cylinder(radius, tall), cylinder(radius - wall, tall - 2 * wall), metal))
    content = cylinder(radius - wall - 0.05, draw(rng, 0.75, 0.95) * tall)
    parts.append(Part(content, pick(rng, "food", "water", "cream"), 1, None, _grainy(rng, 0.15)))
    rings = [torus(radius, 0.8, segments=28, tube_segments=6).moved(z=s * tall / 2) for s in (-1, 1)]
    return benign("food_tin", [*parts, *(Part(ring, metal) for ring in rings)], metal=metal)


def make_tube_of_cream(rng: Rng) -> Item:
    """Toothpaste or cream tube, crimped at one end."""
    long, radius = draw(rng, 80, 170), draw(rng, 13, 26)
    flat = np.linspace(0, 1, 8)
    rings = [
        in_plane(
            superellipse(radius * (1 + 0.3 * f), radius * (1.02 - f), 2.0, segments=20), long * (f - 0.5)
        )
        for f in flat
    ]
    parts = [
        Part(loft(rings), pick(rng, "cream", "soap"), 1, draw(rng, 0.9, 1.3)),
        Part(cylinder(0.6 * radius, 16).moved(z=-long / 2 - 7), "pp"),
    ]
    if chance(rng, 0.3):
        parts.append(Part(box(2.5 * radius, 2.2, 9).moved(z=long / 2), "al"))
    return benign("tube_of_cream", turned(parts, "y", 90))


def make_cosmetic_jar(rng: Rng) -> Item:
    """Jar, perfume flask or compact of glass or plastic."""
    x, y, z, wall = draw(rng, 30, 80), draw(rng, 25, 60), draw(rng, 18, 40), draw(rng, 1.8, 5)
    shell = pick(rng, "glass", "glass", "pp", "pmma")
    inside = rounded_rectangle(x - 2 * wall, y - 2 * wall, 3)
    parts = list(hollow(prism(rounded_rectangle(x, y, 6), z), prism(inside, z - 2 * wall), shell))
    content = prism(inside * 0.99, (z - 2 * wall) * draw(rng, 0.3, 0.98))
    parts.append(Part(content, pick(rng, "cream", "ethanol", "powder")))
    parts.append(
        Part(cylinder(0.3 * y, 20).rotated("y", 90).moved(x / 2 + 9), pick(rng, "al", "abs", "zn"), 1, 1.5)
    )
    return benign("cosmetic_jar", parts, shell=shell)


def make_lipsticks(rng: Rng) -> Item:
    """Lipsticks, mascara, pens: short to long sticks of mixed material."""
    parts = []
    for k in range(count(rng, 1, 7)):
        long, turn = draw(rng, 60, 185), draw(rng, 0, 180)
        at = (*(float(v) for v in rng.normal(0, 14, 2)), 11.0 * k)
        shell = pick(rng, "pp", "abs", "al", "wood", "brass")
        stick = cylinder(draw(rng, 3, 8), long, segments=12).rotated("y", 90).rotated("z", turn)
        parts.append(Part(stick.moved(*at), shell, 1, 0.7 if shell != "brass" else 1.4))
        if chance(rng, 0.7):
            core = cylinder(1.1, 0.7 * long, segments=8).rotated("y", 90).rotated("z", turn)
            parts.append(Part(core.moved(*at), pick(rng, "fe", "brass")))
    return benign("sticks", parts)


def make_book(rng: Rng) -> Item:
    """Book, magazine, or a stack of paper."""
    x, y, z = draw(rng, 120, 300), draw(rng, 90, 215), draw(rng, 5, 48)
    pages = Texture("pages", int(rng.integers(2**31)), 0.8, draw(rng, 30, 90))
    parts = [Part(box(x, y, z), "paper", 1, draw(rng, 0.6, 0.95), pages)]
    if chance(rng, 0.6):
        parts += [
            Part(box(x + 4, y + 6, 2.2).moved(z=s * (z / 2 + 1.2)), "cardboard", 1, 0.8) for s in (-1, 1)
        ]
    rings = chance(rng, 0.15)
    if rings:
        parts += [
            Part(torus(14, 1.6).rotated("x", 90).moved(k * x / 5, y / 2, 0), "fe") for k in (-2, -1, 1, 2)
        ]
    return benign("book", parts, rings=bool(rings))


def make_carton(rng: Rng) -> Item:
    """Cardboard box of food, tablets, soap or powder."""
    x, y, z = draw(rng, 60, 220), draw(rng, 40, 140), draw(rng, 15, 70)
    parts = list(hollow(box(x, y, z), box(x - 1.4, y - 1.4, z - 1.4), "cardboard", density_g_cm3=0.5))
    stuff = pick(rng, "food", "sugar", "soap", "choc", "pp", "paper", "cream")
    parts.append(Part(box(0.9 * x, 0.9 * y, 0.85 * z), stuff, 1, draw(rng, 0.25, 1.0), _grainy(rng)))
    if chance(rng, 0.3):
        parts.append(Part(box(0.8 * x, 0.8 * y, 0.1), "al"))
    return benign("carton", parts, stuff=stuff)


def make_blister(rng: Rng) -> Item:
    """Blister packs of tablets in a small box."""
    rows, columns, sheets = count(rng, 2, 3), count(rng, 4, 8), count(rng, 1, 4)
    parts = []
    for k in range(sheets):
        parts.append(Part(box(14.0 * columns, 16.0 * rows, 0.3).moved(z=6.0 * k), "al", 1, 1.6))
        for i in range(rows * columns):
            spot = (
                (i % columns - (columns - 1) / 2) * 13.5,
                (i // columns - (rows - 1) / 2) * 15.0,
                6.0 * k + 2,
            )
            parts.append(
                Part(cylinder(draw(rng, 3.5, 5.2), 4, segments=10).moved(*spot), pick(rng, "sugar", "gypsum"))
            )
    return benign("blister", parts)


def make_fruit(rng: Rng) -> Item:
    """Fruit, bread or sausage: round or long, grainy."""
    stuff = pick(rng, "food", "water", "choc", "sugar")
    shape = ellipsoid(draw(rng, 28, 95), draw(rng, 25, 45), draw(rng, 22, 40), segments=18)
    parts = [Part(shape, stuff, 1, draw(rng, 0.5, 1.1), _grainy(rng, 0.4, 30))]
    return benign("fruit", parts, soft=0.1)


def make_snack_bag(rng: Rng) -> Item:
    """Bag of crisps, nuts, rice or coffee."""
    x, y, z = draw(rng, 90, 220), draw(rng, 70, 160), draw(rng, 18, 60)
    levels = np.linspace(-0.98, 0.98, 7)
    rings = [
        in_plane(superellipse(x / 2 * s, y / 2 * s, 3.0), z / 2 * h)
        for h in levels
        for s in [(1 - abs(h) ** 2.5) ** 0.4 + 0.05]
    ]
    stuff = pick(rng, "food", "sugar", "salt", "choc", "paper")
    return benign(
        "snack_bag",
        [Part(loft(rings), stuff, 1, draw(rng, 0.12, 0.8), _grainy(rng, 0.8, 25))],
        soft=0.3,
        stuff=stuff,
    )


def make_mug(rng: Rng) -> Item:
    """Mug, thermos or drinking bottle, empty, of ceramic, steel or plastic."""
    steel = chance(rng, 0.4)
    radius, tall = draw(rng, 32, 44), draw(rng, 150, 270) if steel else draw(rng, 80, 115)
    wall, material = (
        (draw(rng, 0.4, 0.7), "ss") if steel else (draw(rng, 2.5, 5), pick(rng, "ceramic", "pp", "glass"))
    )
    parts = list(hollow(cylinder(radius, tall), cylinder(radius - wall, tall - 2 * wall), material))
    if steel:
        flask, room = cylinder(radius - 4, tall - 8), cylinder(radius - 4 - wall, tall - 8 - 2 * wall)
        parts += hollow(flask, room, "ss", density_g_cm3=7.9)
        parts.append(Part(cylinder(0.8 * radius, 26).moved(z=tall / 2 + 12), "pp"))
    else:
        parts.append(Part(torus(0.3 * tall, 5).rotated("x", 90).moved(radius + 8), material))
    return benign("mug", turned(parts, "y", 90), material=material)


def make_toy_car(rng: Rng) -> Item:
    """Toy car of zinc or plastic with axles."""
    long = draw(rng, 60, 200)
    outline = (
        np.array(
            [
                (-0.5, 0),
                (0.5, 0),
                (0.5, 0.16),
                (0.28, 0.2),
                (0.12, 0.36),
                (-0.24, 0.36),
                (-0.36, 0.2),
                (-0.5, 0.18),
            ]
        )
        * long
    )
    body = pick(rng, "zn", "abs", "abs", "pp")
    parts = [Part(prism(outline, 0.4 * long), body, 1, draw(rng, 1.0, 2.2) if body == "zn" else 0.4)]
    for x in (-0.3, 0.3):
        parts.append(Part(cylinder(1.3, 0.46 * long).moved(x * long, 0), "fe"))
        parts += [
            Part(cylinder(0.1 * long, 0.08 * long).moved(x * long, 0, s * 0.22 * long), "rubber")
            for s in (-1, 1)
        ]
    return benign("toy_car", parts, body=body)


def make_plush_toy(rng: Rng) -> Item:
    """Stuffed animal with eyes and now and then a sound box."""
    size = draw(rng, 50, 110)
    fur = Texture("foam", int(rng.integers(2**31)), 0.8, 30.0)
    limbs = [
        (0, 0, 1.0),
        (1.2, 0, 0.62),
        (0.4, 0.9, 0.4),
        (0.4, -0.9, 0.4),
        (-0.9, 0.6, 0.45),
        (-0.9, -0.6, 0.45),
    ]
    parts = [
        Part(
            ellipsoid(size * s, 0.8 * size * s, 0.5 * size * s, segments=14).moved(x * size, y * size),
            "polyester",
            1,
            draw(rng, 0.04, 0.1),
            fur,
        )
        for x, y, s in limbs
    ]
    parts += [Part(cylinder(3, 4).moved(1.4 * size, s * 0.2 * size, 0.2 * size), "abs") for s in (-1, 1)]
    if chance(rng, 0.25):
        parts += [Part(box(40, 30, 18), "abs", 1, 0.5), Part(cylinder(6, 12).moved(6), "alkaline")]
    return benign("plush_toy", parts, soft=0.6)


def make_ball(rng: Rng) -> Item:
    """Ball of rubber, leather or plastic, hollow."""
    radius, wall = draw(rng, 20, 105), draw(rng, 1.5, 4)
    outer = revolve(
        np.column_stack([np.sin(np.linspace(0, np.pi, 13)), -np.cos(np.linspace(0, np.pi, 13))]) * radius
    )
    return benign(
        "ball", hollow(outer, outer.scaled(1 - wall / radius), pick(rng, "rubber", "leather", "pvc"))
    )


FAMILIES: dict[str, ItemMaker] = {
    "shampoo": make_shampoo,
    "food_tin": make_food_tin,
    "tube_of_cream": make_tube_of_cream,
    "cosmetic_jar": make_cosmetic_jar,
    "sticks": make_lipsticks,
    "book": make_book,
    "carton": make_carton,
    "blister": make_blister,
    "fruit": make_fruit,
    "snack_bag": make_snack_bag,
    "mug": make_mug,
    "toy_car": make_toy_car,
    "plush_toy": make_plush_toy,
    "ball": make_ball,
}
