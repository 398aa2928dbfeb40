"""Revolvers: barrel with rib and lug, cylinder with chambers in a frame, full curved grip, round guard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.shapes import Mesh, box, cylinder, in_plane, prism, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, moved

Points = list[tuple[float, float]]
# Most revolvers in public scans are small: a barrel hardly longer than the cylinder.
BARRELS = {"snub": (45, 66), "medium": (72, 108), "long": (120, 165)}


@dataclass(frozen=True)
class RevolverPlan:
    """Dimensions of one revolver in mm and its metal; the muzzle points to +x, the grip to -y.

    The origin is the middle of the cylinder.

    Attributes:
        design: snub, medium or long.
        barrel: Length of the barrel.
        radius: Of the cylinder.
        length: Of the cylinder.
        chambers: Of the cylinder.
        thick: Of the frame, across.
        metal: Of frame, barrel and cylinder.
    """

    design: str
    barrel: float
    radius: float
    length: float
    chambers: int
    thick: float
    metal: str

    @property
    def front(self) -> float:
        """Where the frame ends and the barrel begins."""
        return self.length / 2 + 7

    @property
    def back(self) -> float:
        """Where the recoil shield ends and the grip begins."""
        return -self.length / 2 - 9

    @property
    def top(self) -> float:
        """Upper edge of the strap over the cylinder."""
        return self.radius + 6

    @property
    def low(self) -> float:
        """Lower edge of the frame."""
        return -self.radius - 7


def draw_plan(rng: Rng) -> RevolverPlan:
    """A revolver of a drawn design: sizes and metal."""
    design = pick(rng, "snub", "snub", "medium", "medium", "long")
    chambers = int(rng.integers(5, 8))
    return RevolverPlan(
        design,
        rng.uniform(*BARRELS[design]),
        rng.uniform(15, 18) + 1.3 * (chambers - 5),
        rng.uniform(33, 44),
        chambers,
        rng.uniform(9, 14),
        pick(rng, "fe", "fe", "fe", "ss", "zn"),
    )


def _along_x(radius: float, length: float, segments: int = 16) -> Mesh:
    return cylinder(radius, length, segments=segments).rotated("y", 90)


def _cylinder(rng: Rng, p: RevolverPlan) -> list[Part]:
    parts = [Part(_along_x(p.radius, p.length, 28), p.metal)]
    loaded = chance(rng, 0.6)
    first = rng.uniform(0, 1)
    for k in range(p.chambers):
        angle = 2 * np.pi * (k + first) / p.chambers
        y, z = 0.64 * p.radius * np.cos(angle), 0.64 * p.radius * np.sin(angle)
        parts.append(Part(_along_x(0.24 * p.radius, p.length - 0.6, 12).moved(0, y, z), p.metal, -1))
        if loaded:
            parts.append(Part(_along_x(0.21 * p.radius, 0.85 * p.length, 10).moved(0, y, z), "brass", 1, 6.5))
    return parts


def _frame(p: RevolverPlan) -> list[Part]:
    """A plate around the window that the cylinder turns in, rounded towards the grip."""
    outline = [
        (p.front, p.top), (p.back + 8, p.top), (p.back - 1, p.top - 5), (p.back - 8, 0.35 * p.radius),
        (p.back - 13, -0.35 * p.radius), (p.back - 8, p.low), (p.length / 2 - 4, p.low), (p.front, p.low + 7),
    ]  # fmt: skip
    window = box(p.length + 1, 2 * p.radius + 1, p.thick)
    return [Part(prism(outline, p.thick, bevel=1), p.metal), Part(window, p.metal, -1)]


def _barrel(rng: Rng, p: RevolverPlan) -> list[Part]:
    radius = rng.uniform(6.5, 8.5)
    height, middle = 0.62 * p.radius, p.front + p.barrel / 2
    parts = [Part(_along_x(radius, p.barrel).moved(middle, height), p.metal)]
    parts.append(Part(_along_x(rng.uniform(2.9, 4.7), p.barrel - 0.5, 12).moved(middle, height), p.metal, -1))
    rib = max(p.top - height - 0.6 * radius, 3)
    parts.append(Part(box(p.barrel, rib, 5).moved(middle, p.top - rib / 2), p.metal))
    shroud = p.barrel * pick(rng, 0.4, 0.7, 1.0)
    lug = [(0.0, 0.0), (shroud, 0.0), (shroud - 3, -5.0), (4, -rng.uniform(7, 10)), (0, -8)]
    parts.append(Part(prism(lug, 9).moved(p.front, height - 0.7 * radius), p.metal))
    rod = _along_x(2.5, 0.8 * shroud, 10).moved(p.front + 0.4 * shroud, height - radius - 4)
    parts.append(Part(rod, p.metal))
    sight = prism([(-9, 0), (4, 0), (3, 5), (0, 6)], 3).moved(p.front + p.barrel - 6, p.top)
    return [*parts, Part(sight, p.metal)]


def _grip(rng: Rng, p: RevolverPlan) -> list[Part]:
    """Back and front strap enclose a frame of metal, plates lie over it."""
    long, lean = rng.uniform(62, 92), rng.uniform(0.25, 0.6)
    neck, foot = rng.uniform(22, 28), rng.uniform(28, 44)

    def strap(out: float, width: float) -> Points:
        """From the neck down; ``out`` bends it backwards in the middle."""
        x, y = p.back - 10, 0.2 * p.radius
        line = [
            (x + width * neck, y if not width else p.low + 2),
            (x - 0.25 * lean * long - out + width * (neck - 2), p.low - 0.25 * long),
            (x - 0.6 * lean * long - 0.4 * out + width * (0.5 * (neck + foot)), p.low - 0.6 * long),
            (x - lean * long + width * foot, p.low - long),
        ]
        return [(float(a), float(b)) for a, b in spline(line, 10)]

    back, front = strap(rng.uniform(2, 8), 0.0), strap(rng.uniform(-2, 4), 1.0)
    outline = [*front, *back[::-1]]
    parts = []
    if chance(rng, 0.75):  # a frame as wide as the grip, else one with plates that reach over it
        parts.append(Part(prism(outline, rng.uniform(6, 12)), p.metal, 1, rng.uniform(4.0, 7.5)))
    else:
        parts += [Part(tube(in_plane(np.array(line)), 3.5, segments=6), p.metal) for line in (back, front)]
    plates = prism(outline, rng.uniform(18, 32), bevel=3)
    return [*parts, Part(plates, pick(rng, "wood", "wood", "rubber", "abs"), 1, rng.uniform(0.6, 1.1))]


def _trigger(rng: Rng, p: RevolverPlan) -> list[Part]:
    middle, deep, half = p.back + 0.52 * p.length, rng.uniform(21, 27), rng.uniform(14, 18)
    ring = [
        (middle + half, p.low + 3), (middle + 0.85 * half, p.low - 0.65 * deep), (middle, p.low - deep),
        (middle - 0.85 * half, p.low - 0.65 * deep), (middle - half, p.low + 3),
    ]  # fmt: skip
    lever = [(middle + 1, p.low), (middle + 4, p.low - 8), (middle - 1, p.low - 16)]
    hammer = [(p.back - 6, 4.0), (p.back - 1, p.top - 4), (p.back - 9, p.top + 5), (p.back - 15, p.top + 2)]
    return [
        Part(tube(in_plane(spline(ring, 20)), rng.uniform(1.9, 3), segments=6), p.metal),
        Part(tube(in_plane(spline(lever, 8)), 2.4, segments=6), p.metal),
        Part(prism([*hammer, (p.back - 11, 6.0)], 7), p.metal),
    ]


def make_revolver(rng: Rng) -> Item:
    """A revolver with five to seven chambers and a short to long barrel."""
    p = draw_plan(rng)
    parts = [*_cylinder(rng, p), *_frame(p), *_barrel(rng, p), *_grip(rng, p), *_trigger(rng, p)]
    params = {"design": p.design, "barrel_mm": round(p.barrel, 1), "chambers": p.chambers}
    return Item("revolver", "gun", tuple(moved(parts, -0.3 * p.barrel, 0.9 * p.radius)), True, params)


FAMILIES: dict[str, ItemMaker] = {"revolver": make_revolver}
