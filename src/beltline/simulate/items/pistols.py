"""Semi-automatic pistols: slide, barrel, spring, raked grip with magazine and cartridges, guard, trigger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.shapes import box, cylinder, helix, in_plane, prism, revolve, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, moved


@dataclass(frozen=True)
class PistolPlan:
    """Dimensions of one pistol in mm and its materials; the muzzle points to +x, the grip to -y.

    Attributes:
        design: full, compact, long or pocket.
        length: Of the slide.
        slide_height: Of the slide.
        width: Of the slide.
        grip_length: Below the frame.
        grip_width: Front to back.
        rake_deg: Lean of the grip.
        frame: Material of the frame.
        frame_density: Bulk density when the frame is hollow metal (g/cm3), None for solid plastic.
    """

    design: str
    length: float
    slide_height: float
    width: float
    grip_length: float
    grip_width: float
    rake_deg: float
    frame: str
    frame_density: float | None

    @property
    def frame_height(self) -> float:
        """Height of the frame under the slide in mm."""
        return 0.65 * self.slide_height

    def grip_point(self, along: float, down: float) -> tuple[float, float]:
        """Point of the raked grip, ``along`` from its back edge and ``down`` below the slide, mm."""
        return 0.03 * self.length + along - np.tan(np.radians(self.rake_deg)) * (
            down - self.frame_height
        ), -down


def draw_plan(rng: Rng) -> PistolPlan:
    """A pistol of a drawn design: size, rake and materials."""
    design = pick(rng, "full", "full", "full", "compact", "compact", "compact", "pocket", "pocket", "long")
    length = {"full": 190.0, "compact": 165.0, "long": 225.0, "pocket": 130.0}[design] * rng.uniform(0.9, 1.1)
    # most guns in public scans show a grip as dark as the slide
    frame = pick(rng, "nylon", "abs", "al", "fe", "fe", "fe", "fe", "zn", "zn")
    metal = frame in ("al", "fe", "zn")
    return PistolPlan(
        design,
        length,
        rng.uniform(23, 34) * (0.8 if design == "pocket" else 1.0),
        rng.uniform(17, 30) * (0.85 if design == "pocket" else 1.0),
        rng.uniform(72, 115) * (0.7 if design == "pocket" else 1.0),
        rng.uniform(34, 52) * (0.85 if design == "pocket" else 1.0),
        rng.uniform(6, 27),
        frame,
        rng.uniform(2.5, 6.0) if frame in ("fe", "zn") else (rng.uniform(1.6, 2.5) if metal else None),
    )


def _slide(rng: Rng, p: PistolPlan) -> list[Part]:
    long, high = p.length, p.slide_height
    nose = rng.uniform(0, 0.1) * long
    outline = [(0, 0), (long, 0), (long, 0.75 * high), (long - nose, high), (rng.uniform(0, 6), high)]
    inner = box(long * 0.9, high * 0.6, p.width - rng.uniform(5, 9)).moved(long / 2, high * 0.4)
    parts = [Part(prism(outline, p.width, bevel=rng.uniform(0, 3)), "fe"), Part(inner, "fe", -1)]
    bore = rng.uniform(3.2, 5.7)
    barrel = cylinder(bore + rng.uniform(1.6, 3), long * 0.92, segments=16)
    hole = cylinder(bore, long * 0.92 - 0.4, segments=12)
    parts += [Part(barrel.rotated("y", 90).moved(long * 0.53, high * 0.5), "fe")]
    parts += [Part(hole.rotated("y", 90).moved(long * 0.53, high * 0.5), "fe", -1)]
    spring = tube(helix(rng.uniform(3, 5), long * 0.45, 12, steps_per_turn=8), 0.7, segments=5)
    parts.append(Part(spring.rotated("y", 90).moved(long * 0.66, high * 0.14), "fe"))
    parts.append(Part(box(6, rng.uniform(2, 5), 3).moved(long - 8, high + 1.5), "fe"))
    parts.append(Part(box(9, rng.uniform(3, 5), 0.6 * p.width).moved(9, high + 2), "fe"))
    if rng.random() < 0.5:  # exposed hammer
        hammer = prism([(-3, 2), (-9, high * 0.9), (-3, high), (2, 4)], 7)
        parts.append(Part(hammer, "fe"))
    return parts


def _frame(rng: Rng, p: PistolPlan) -> list[Part]:
    back, deep = 0.02 * p.length, p.frame_height
    front = p.length * rng.uniform(0.68, 0.97)
    rail = [(back, 0), (front, 0), (front, -0.6 * deep), (0.62 * p.length, -deep), (back, -0.9 * deep)]
    parts = [Part(prism(rail, 0.9 * p.width), p.frame, 1, p.frame_density)]
    taper = rng.uniform(0.9, 1.12)
    top, low = 0.8 * deep, deep + p.grip_length
    corners = [p.grip_point(0, top), p.grip_point(p.grip_width, top)]
    corners += [p.grip_point(p.grip_width * taper, low), p.grip_point(-rng.uniform(0, 6), low)]
    panel = p.frame if rng.random() < 0.75 else pick(rng, "wood", "rubber", "abs")
    density = p.frame_density if panel == p.frame else None
    wide = p.width * rng.uniform(0.85, 1.15)
    parts.append(Part(prism(corners, wide, bevel=2), panel, 1, density))
    for _ in range(int(rng.integers(2, 5))):
        pin = cylinder(rng.uniform(1.5, 3), 0.9 * p.width, segments=8)
        parts.append(Part(pin.moved(rng.uniform(back + 5, 0.7 * front), -rng.uniform(2, 0.8 * deep)), "fe"))
    return parts


def _magazine(rng: Rng, p: PistolPlan) -> list[Part]:
    tall = p.grip_length * rng.uniform(0.98, 1.15)
    wide = p.grip_width * rng.uniform(0.58, 0.74)
    deep = min(0.68 * p.width, 18.0)
    x, y = p.grip_point(0.48 * p.grip_width, p.frame_height + 0.5 * p.grip_length)
    shell = pick(rng, "fe", "fe", "al")
    parts = [Part(box(wide, tall, deep).rotated("z", -p.rake_deg).moved(x, y), shell)]
    parts.append(Part(box(wide - 2, tall - 2, deep - 2).rotated("z", -p.rake_deg).moved(x, y), shell, -1))
    rounds = int(rng.integers(0, 10))
    for k in range(rounds):
        cx, cy = p.grip_point(0.48 * p.grip_width, p.frame_height + 4 + 9.5 * k)
        if -cy > p.frame_height + p.grip_length - 8:
            break
        case = revolve([(4.6, 0), (4.6, 17), (4.2, 19), (1.5, 25)], segments=10).rotated("y", 90)
        parts.append(Part(case.moved(cx - 13, cy), "brass", 1, rng.uniform(5, 6.5)))
    room = max(p.grip_length - 9.5 * rounds, 15.0)
    coil = tube(helix(5, 0.75 * room, 7, steps_per_turn=8), 0.6, segments=5).rotated("x", 90)
    sx, sy = p.grip_point(0.48 * p.grip_width, p.frame_height + p.grip_length - 0.45 * room)
    parts.append(Part(coil.rotated("z", -p.rake_deg).moved(sx, sy), "fe"))
    return parts


def _trigger(rng: Rng, p: PistolPlan) -> list[Part]:
    x, y = p.grip_point(p.grip_width, p.frame_height)[0] + 2, -p.frame_height
    reach = rng.uniform(20, 27)
    loop = spline([(x - 6, y), (x + 4, y - reach), (x + 24, y - reach - 2), (x + 38, y + 3)], 22)
    metal = p.frame if p.frame_density is not None else pick(rng, p.frame, "fe")
    parts = [Part(tube(in_plane(loop), rng.uniform(1.6, 3.2), segments=6), metal)]
    lever = spline([(x + 9, y), (x + 13, y - 9), (x + 9, y - 17)], 8)
    parts.append(Part(tube(in_plane(lever), 2.4, segments=6), "fe"))
    return parts


def make_pistol(rng: Rng) -> Item:
    """A semi-automatic pistol, sometimes without magazine, lying on its side."""
    p = draw_plan(rng)
    parts = [*_slide(rng, p), *_frame(rng, p), *_trigger(rng, p)]
    loaded = chance(rng, 0.85)
    if loaded:
        parts += _magazine(rng, p)
    centred = moved(parts, -0.47 * p.length, 0.4 * p.grip_length)
    params = {"design": p.design, "length_mm": round(p.length, 1), "frame": p.frame, "magazine": loaded}
    return Item("pistol", "gun", tuple(centred), True, params)


FAMILIES: dict[str, ItemMaker] = {"pistol": make_pistol}
