"""Small blades: paring and fruit knives, craft knives and scalpels, utility knives, cards with a blade."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._blades import blade_mesh
from beltline.simulate.items._knife_handles import GRIPS, SCALES, draw_grip
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import (
    Mesh,
    box,
    cylinder,
    prism,
    revolve,
    rounded_box,
    rounded_rectangle,
    superellipse,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def make_paring_knife(rng: Rng) -> Item:
    """Fruit or paring knife: thin blade, light moulded handle, perhaps a guard over the blade."""
    design = pick(rng, "sheep", "drop", "chef", "hook", "tanto", "sheep")
    length = draw(rng, 62, 125) if design != "hook" else draw(rng, 50, 70)
    width = max(length * draw(rng, 0.16, 0.26), 13)
    ceramic = chance(rng, 0.15)
    steel = "ceramic" if ceramic else "ss"
    thick = draw(rng, 1.2, 1.9) if ceramic else draw(rng, 0.7, 1.6)
    edge = blade_mesh(rng, length, width, design, thickness=thick, grind=draw(rng, 0.15, 0.9))
    wide, deep = draw(rng, 15, 24), draw(rng, 9, 18)
    style = "moulded" if ceramic else pick(rng, "moulded", "moulded", "moulded", "scales", "cast_steel")
    grip = draw_grip(rng, draw(rng, 80, 112), wide, deep, steel, bent=0.6)
    parts = [Part(edge.moved(y=0.4 * (wide - width)), steel), *GRIPS[style](rng, grip)]
    guarded = chance(rng, 0.3)
    if guarded:
        outer = rounded_box(length + 8, width + 7, thick + 4, 3, bevel=0)
        inner = box(length + 5, width + 4, thick + 1.6)
        cover = hollow(outer, inner, pick(rng, "pp", "polystyrene", "abs"))
        parts += moved(cover, length / 2 + 3, 0.4 * (wide - width))
    return threat("paring_knife", "knife", design, parts, blade_mm=length, steel=steel, handle=style)


def _scalpel_blade(rng: Rng, long: float, wide: float) -> Mesh:
    """Pointed, bellied or chisel-ended blade of a craft knife, from x = 0."""
    tip = pick(rng, 0.5, -0.35, 0.1)
    outline = [
        (0, -wide / 2),
        (0.55 * long, -wide / 2),
        (long, tip * wide),
        (0.5 * long, wide / 2),
        (0, wide / 2),
    ]
    return prism(outline, draw(rng, 0.35, 0.6))


def _one_scalpel(rng: Rng) -> tuple[list[Part], str]:
    """Craft knife or scalpel along x: its blade in a clamp, its handle flat or turned."""
    design = pick(rng, "craft", "craft", "scalpel", "disposable")
    long, wide = draw(rng, 22, 44), draw(rng, 6, 9)
    parts = [Part(_scalpel_blade(rng, long, wide), pick(rng, "ss", "fe"))]
    reach = draw(rng, 95, 140)
    if design == "scalpel":
        parts.append(
            Part(prism(rounded_rectangle(reach, wide + 1, 2), draw(rng, 1.6, 3)).moved(-reach / 2 + 8), "ss")
        )
    elif design == "disposable":
        body = rounded_box(reach, wide + draw(rng, 2, 5), draw(rng, 4, 8), 3)
        parts.append(Part(body.moved(-reach / 2 + 6), pick(rng, "pp", "abs")))
        parts.append(Part(box(24, 4, 0.5).moved(-8), "ss"))
    else:
        radius = draw(rng, 3.8, 6.5)
        ridges = [(radius * (0.85 + 0.15 * (k % 2)), -6.0 - 1.2 * k) for k in range(14)]
        barrel = revolve(
            [(radius * 0.55, 9), (radius * 0.8, -4), *ridges, (radius, -30), (radius * 0.8, -reach)]
        )
        hard = pick(rng, "al", "al", "fe", "abs")
        parts += turned([Part(barrel, hard, 1, 2.2 if hard == "al" else None)], "y", 90)
        parts.append(
            Part(cylinder(radius * 0.7, 12, segments=14).rotated("y", 90).moved(-1), "brass", 1, 4.0)
        )
    return parts, design


def make_craft_knife(rng: Rng) -> Item:
    """Craft knife or scalpel, with a cap, or beside spare blades."""
    parts, design = _one_scalpel(rng)
    extra = pick(rng, "none", "none", "cap", "spares")
    if extra == "cap":
        parts += moved(hollow(rounded_box(48, 14, 9, 3, bevel=0), box(45, 11, 7), "pp"), 22)
    elif extra == "spares":
        for k in range(count(rng, 2, 6)):
            blade = _scalpel_blade(rng, draw(rng, 24, 42), draw(rng, 6, 9)).rotated("z", draw(rng, 0, 360))
            parts.append(Part(blade.moved(draw(rng, -90, 0), draw(rng, 14, 26), 0.6 * k), "fe"))
    return threat("craft_knife", "knife", design, parts, extra=extra)


def _trapezoid(long: float, wide: float) -> Mesh:
    """Blade of a utility knife, edge along y = 0."""
    cut = 0.22 * long
    return prism([(-long / 2, 0), (long / 2, 0), (long / 2 - cut, wide), (-long / 2 + cut, wide)], 0.62)


def _bodied(rng: Rng, long: float) -> list[Part]:
    """Utility knife of two cast halves around its blade and the spares in its belly."""
    wide, thick = draw(rng, 24, 36), draw(rng, 11, 19)
    shell = pick(rng, "zn", "zn", "al", "abs")
    x = np.linspace(-0.5, 0.5, 9) * long
    top, bottom = (
        0.5 * wide + draw(rng, 0, 5) * np.cos(x / long * 3),
        -0.5 * wide + draw(rng, -3, 6) * x / long,
    )
    outline = np.concatenate([np.column_stack([x, bottom]), np.column_stack([x, top])[::-1]])
    middle = outline.mean(axis=0)
    inside = (outline - middle) * [0.93, 0.82] + middle
    outer, inner = prism(outline, thick, bevel=2), prism(inside, thick - draw(rng, 2.6, 5))
    parts = [Part(m, shell, s) for m, s in ((outer, 1), (inner, -1))]
    blade, out = _trapezoid(draw(rng, 52, 62), draw(rng, 18, 20)), draw(rng, -4, 24)
    parts.append(Part(blade.moved(0.5 * long - 30 + out, -9), "fe"))
    parts += [Part(blade.moved(-0.2 * long, -8, 0.7 * k - 2), "fe") for k in range(count(rng, 0, 5))]
    carrier = prism(rounded_rectangle(draw(rng, 40, 60), 14, 2), 1.2).moved(0.2 * long, 1, 1.4)
    button = rounded_box(17, 9, 6, 2).moved(0.2 * long, 0.48 * wide)
    screw = cylinder(draw(rng, 2.5, 4), thick, segments=10).moved(-0.1 * long)
    return [*parts, Part(carrier, "fe"), Part(button, "pp"), Part(screw, "fe")]


def _hinged(rng: Rng, long: float) -> list[Part]:
    """Folding utility knife: two liners, a blade holder at any angle, a clip."""
    wide, angle = draw(rng, 24, 32), pick(rng, 0.0, 0.0, 180.0, draw(rng, 25, 160))
    outline = superellipse(long / 2, wide / 2, draw(rng, 3, 6), segments=24)
    liner, metal = prism(outline, draw(rng, 1.6, 3)), pick(rng, "al", "ss", "zn")
    parts = [Part(liner.moved(z=s * draw(rng, 3.5, 5)), metal) for s in (-1, 1)]
    holder = [Part(_trapezoid(58, 19).moved(46, -10), "fe"), Part(box(52, 17, 2.4).moved(24), "fe")]
    parts += moved(turned(holder, "z", 180 - angle), 0.4 * long)
    parts.append(Part(cylinder(4, 10, segments=14).moved(0.4 * long), "fe"))
    return [*parts, Part(box(0.6 * long, 8, 0.9).moved(-0.1 * long, 0, 7.5), "ss")]


def _card(rng: Rng, long: float) -> list[Part]:
    """Knife as flat as a bank card, folded shut or opened to its own handle."""
    wide = draw(rng, 50, 55)
    plate = prism(rounded_rectangle(86, wide, 3), 1.1)
    blade = blade_mesh(
        rng, 0.62 * long, draw(rng, 17, 22), pick(rng, "tanto", "drop"), thickness=draw(rng, 0.5, 1)
    )
    open_ = chance(rng, 0.4)
    parts = [
        Part(blade.moved(36 if open_ else -34, 0, 0.9), "ss"),
        Part(plate, "pp"),
        Part(plate.moved(z=1.8), "pp"),
    ]
    return [
        *parts,
        *(Part(cylinder(2, 3, segments=10).moved(x, y, 1), "ss") for x in (-36, 36) for y in (-14, 14)),
    ]


def _safety(rng: Rng, long: float) -> list[Part]:
    """Parcel opener: a small blade sunk in the hooked end of a plastic body."""
    wide = draw(rng, 26, 44)
    body = rounded_box(0.8 * long, wide, draw(rng, 6, 13), 8)
    blade = _trapezoid(draw(rng, 24, 40), draw(rng, 9, 16)).rotated("z", draw(rng, -70, 70))
    return [Part(body, pick(rng, *SCALES)), Part(blade.moved(0.33 * long), "fe")]


def make_utility_knife(rng: Rng) -> Item:
    """Utility knife with trapezoid blades, folding utility knife, parcel opener or card knife."""
    design = pick(rng, "bodied", "bodied", "hinged", "hinged", "card", "safety")
    build = {"bodied": _bodied, "hinged": _hinged, "card": _card, "safety": _safety}[design]
    return threat("utility_knife", "knife", design, build(rng, draw(rng, 95, 165)))


FAMILIES: dict[str, ItemMaker] = {
    "paring_knife": make_paring_knife,
    "craft_knife": make_craft_knife,
    "utility_knife": make_utility_knife,
}
