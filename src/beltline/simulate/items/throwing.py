"""Things to throw: flat knives of one piece, and stars."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._blades import two_edged
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import cylinder, in_plane, loft, prism, rounded_box
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned


def _one_knife(rng: Rng, length: float, thick: float, design: str) -> list[Part]:
    """Blade and tang cut from one plate, pierced at the end."""
    width, reach = length * draw(rng, 0.1, 0.2), length * draw(rng, 0.7, 1.1)
    blade = two_edged(length, width, design, thickness=thick, grind=draw(rng, 0.3, 0.8))
    shape = np.array([(0, 0.42), (-0.2, draw(rng, 0.3, 0.6)), (-0.85, draw(rng, 0.35, 0.55)), (-1, 0.3)])
    side = shape * [reach, width]
    tang = prism(np.concatenate([side, side[::-1] * [1, -1]]), thick)
    hole = cylinder(0.17 * width, 0.98 * thick, segments=12)
    holes = [Part(hole.moved(-reach * x), "ss", -1) for x in (0.82, 0.5, 0.3)[: count(rng, 1, 3)]]
    return [Part(blade, "ss"), Part(tang, "ss"), *holes]


def make_throwing_knife(rng: Rng) -> Item:
    """Throwing knives: one, or a set fanned in a pouch."""
    design = pick(rng, "dagger", "leaf")
    length, thick = draw(rng, 70, 150), draw(rng, 2.0, 4.5)
    one = _one_knife(rng, length, thick, design)
    number = pick(rng, 1, 2, 3, 3)
    spread = pick(rng, 0.0, draw(rng, 2, 14))
    parts: list[Part] = []
    for k in range(number):
        shift = draw(rng, 0.0, 1.0) * 0.22 * length * k
        parts += moved(turned(one, "z", spread * (k - number / 2)), 0, shift, (thick + 0.6) * k)
    if number > 1 and chance(rng, 0.6):
        pouch = rounded_box(1.5 * length, 0.7 * length, 2.4, 6)
        parts.append(Part(pouch.moved(0.2 * length, 0.1 * length, -thick), "nylon", 1, 0.6))
    return threat("throwing_knife", "knife", design, parts, blade_mm=length, number=float(number))


def _star(rng: Rng, arms: int, radius: float, thick: float) -> list[Part]:
    """Star of an even plate, its points ground thin, a hole in its middle."""
    waist = draw(rng, 0.3, 0.55)
    hook = draw(rng, 0, 0.7) * np.pi / arms if chance(rng, 0.35) else 0.0
    angle = np.pi / arms * np.arange(2 * arms)
    reach = radius * np.where(np.arange(2 * arms) % 2, waist, 1.0)
    turn = angle + hook * (np.arange(2 * arms) % 2)
    outline = np.column_stack([np.cos(turn), np.sin(turn)]) * reach[:, None]
    middle = (
        np.column_stack([np.cos(turn), np.sin(turn)]) * (0.86 * np.minimum(reach, waist * radius))[:, None]
    )
    rings = [(middle, -thick / 2), (outline, -0.1), (outline, 0.1), (middle, thick / 2)]
    mesh = loft([in_plane(points, z) for points, z in rings])
    metal = pick(rng, "ss", "fe", "zn")
    hole = cylinder(0.5 * waist * radius * draw(rng, 0.4, 0.9), 0.97 * thick, segments=14)
    return [Part(mesh, metal), Part(hole, metal, -1)]


def make_throwing_star(rng: Rng) -> Item:
    """Throwing stars of three to eight points, single or some on top of each other."""
    arms, radius, thick = count(rng, 3, 8), draw(rng, 26, 60), draw(rng, 1.4, 3.6)
    one, parts = _star(rng, arms, radius, thick), []
    number = pick(rng, 1, 1, 2, 3)
    for k in range(number):
        at = rng.normal(0, 0.25 * radius, 2) if k else np.zeros(2)
        parts += moved(turned(one, "z", draw(rng, 0, 360)), float(at[0]), float(at[1]), (thick + 0.3) * k)
    return threat("throwing_star", "dart", f"{arms} points", parts, radius_mm=radius, number=float(number))


FAMILIES: dict[str, ItemMaker] = {"throwing_knife": make_throwing_knife, "throwing_star": make_throwing_star}
