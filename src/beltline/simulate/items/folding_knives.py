"""Knives that close: pocket knives, army knives, multi-tools, butterfly knives, and box cutters."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._blades import blade_mesh
from beltline.simulate.items._knife_handles import SCALES
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import (
    Array,
    box,
    cylinder,
    helix,
    prism,
    rounded_box,
    rounded_rectangle,
    superellipse,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned

METALS = ("al", "ss", "ti")


def _opening(rng: Rng, closed: float = 0.4) -> float:
    """Opening angle in degrees: closed, open, or in between."""
    share = rng.random()
    if share < closed:
        return 0.0
    return 180.0 if share < closed + 0.35 else draw(rng, 20, 170)


def _case(rng: Rng, long: float, wide: float) -> Array:
    """Outline (24, 2) of a closed handle: straight, bowed like a banana, or thicker at one end."""
    outline = superellipse(long / 2, wide / 2, draw(rng, 2.3, 6), segments=24)
    x = outline[:, 0] / long * 2
    outline[:, 1] *= 1 + draw(rng, -0.25, 0.2) * x
    outline[:, 1] -= pick(rng, 0.0, draw(rng, 0.0, 0.25)) * wide * x**2
    return outline


def _case_parts(rng: Rng, outline: Array, thick: float, scale: str) -> list[Part]:
    """Two scales on steel liners, leaving the slot for the blades."""
    plate = draw(rng, 1.6, 3.0) if scale in METALS else 0.28 * thick
    liner = draw(rng, 0.7, 1.5)
    parts: list[Part] = []
    for side in (-1, 1):
        parts.append(Part(prism(outline, plate, bevel=0.5).moved(z=side * (thick - plate) / 2), scale))
        if chance(rng, 0.4 if scale in METALS else 0.7):
            sheet = prism(outline * 0.94, liner)
            parts.append(Part(sheet.moved(z=side * (thick / 2 - plate - 0.55 * liner)), "ss"))
    return parts


def _leaf(rng: Rng, long: float, wide: float, number: int, *, first: bool) -> tuple[Part, float]:
    """One blade on its pivot at an end of the handle, and by how many degrees it is open."""
    share = 1.0 if first else draw(rng, 0.5, 0.9)
    leaf = blade_mesh(
        rng,
        long * draw(rng, 0.7, 0.92) * share,
        wide * draw(rng, 0.5, 0.9) * share,
        pick(rng, "drop", "clip", "tanto", "chef", "sheep", "dagger"),
        thickness=draw(rng, 1.4, 3.4) if number == 1 else draw(rng, 1.2, 2.2),
        saw_back=draw(rng, 0.8, 1.6) if chance(rng, 0.08) else 0.0,
    )
    angle = _opening(rng, 0.4 if first else 0.7)
    at = (0.42 if first else pick(rng, 0.42, 0.42, -0.42)) * long
    leaf = leaf if at > 0 else leaf.rotated("z", 180).mirrored("y")
    return Part(leaf.rotated("z", 180 - angle).moved(at, 0.08 * wide), "ss"), angle


def _pocket_extras(rng: Rng, design: str, long: float, wide: float, thick: float) -> list[Part]:
    """Pins, the back spring, and a clip or corkscrew now and then."""
    parts = [Part(box(0.8 * long, 3.5, 0.3 * thick).moved(0, 0.36 * wide), "ss")]
    for x in (-0.38, draw(rng, -0.1, 0.1), 0.42):
        pin = cylinder(draw(rng, 1.6, 4), thick, segments=10)
        parts.append(Part(pin.moved(x * long, 0.08 * wide), "ss"))
    if design == "folding" and chance(rng, 0.45):
        clip = prism(rounded_rectangle(draw(rng, 38, 62), draw(rng, 6, 10), 3), 0.9)
        parts.append(Part(clip.moved(draw(rng, -15, 10), 0, thick / 2 + 0.8), "ss"))
    if design == "army" and chance(rng, 0.5):
        screw = tube(helix(2.6, 36, 5, steps_per_turn=8), 1.0, segments=5).rotated("y", 90)
        parts.append(Part(screw.moved(draw(rng, -12, 12), 0.3 * wide, 0.2 * thick), "ss"))
    return parts


def make_pocket_knife(rng: Rng) -> Item:
    """Folding knife: a gentleman's, a lock-blade with clip, a large one, or an army knife of many blades."""
    design = pick(rng, "folding", "folding", "folding", "army", "army", "small")
    long, wide = draw(rng, 80, 135), draw(rng, 17, 30)
    if design == "small":
        long, wide = 0.6 * long, 0.6 * wide
    number = count(rng, 2, 6) if design == "army" else 1
    thick, scale = 5 + 2.6 * number + draw(rng, 2, 6), pick(rng, *SCALES, *METALS)
    parts = _case_parts(rng, _case(rng, long, wide), thick, scale)
    parts += _pocket_extras(rng, design, long, wide, thick)
    leaves = [_leaf(rng, long, wide, number, first=k == 0) for k in range(number)]
    for k, (leaf, _) in enumerate(leaves):
        parts += moved([leaf], z=2.6 * (k - (number - 1) / 2))
    drawn = {"handle_mm": long, "open_deg": leaves[0][1], "blades": float(number)}
    return threat("pocket_knife", "knife", design, parts, scales=scale, **drawn)


def make_butterfly_knife(rng: Rng) -> Item:
    """Two swinging handles around a blade: shut over it, half open, or swung back into one grip."""
    long, wide = draw(rng, 105, 140), draw(rng, 10, 15)
    metal, thick = pick(rng, "ss", "zn", "al"), draw(rng, 8, 12)
    shape = pick(rng, "clip", "dagger", "tanto", "drop")
    blade = blade_mesh(rng, 0.85 * long, draw(rng, 14, 21), shape, thickness=draw(rng, 2, 3.6))
    pierced = count(rng, 0, 4)
    parts = [Part(blade, "ss")]
    state = pick(rng, "open", "open", "shut", "between", "between")
    swing = {"open": (0.0, 6.0), "shut": (172.0, 180.0), "between": (15.0, 165.0)}[state]
    for side in (-1, 1):
        shell = [
            Part(rounded_box(long, wide, thick, 3), metal),
            Part(box(0.9 * long, 0.9 * wide, 0.45 * thick), metal, -1),
        ]
        hole = cylinder(0.28 * wide, 0.25 * thick, segments=10)
        for z in (-0.36, 0.36):
            shell += [
                Part(hole.moved((k - pierced / 2 + 0.5) * 0.16 * long, 0, z * thick), metal, -1)
                for k in range(pierced)
            ]
        arm = moved(shell, -long / 2, side * 0.55 * wide)
        parts += turned(arm, "z", -side * draw(rng, *swing))
        parts.append(Part(cylinder(2.4, thick + 1, segments=10).moved(0, side * 0.4 * wide), "fe"))
    return threat("butterfly_knife", "knife", state, parts, handle_mm=long, metal=metal)


def _tool_arm(rng: Rng, long: float, wide: float, deep: float) -> list[Part]:
    """Channel of sheet steel along -x from 0 with the tools that fold into it."""
    wall = draw(rng, 1.0, 1.7)
    parts = [
        Part(rounded_box(long, wide, deep, 3, bevel=0.6), "ss"),
        Part(box(long - 2 * wall - 2, wide - 2 * wall, deep - 2 * wall), "ss", -1),
    ]
    for k in range(count(rng, 1, 4)):
        shape = pick(rng, "drop", "tanto", "table", "sheep")
        leaf = blade_mesh(
            rng, long * draw(rng, 0.5, 0.82), draw(rng, 5.5, 9), shape, thickness=draw(rng, 1.2, 2)
        )
        out = pick(rng, 0.0, 0.0, 0.0, draw(rng, 30, 180))
        parts.append(Part(leaf.rotated("z", out).moved(-0.45 * long, 0, 2.6 * (k - 1.5)), "ss"))
    return moved(parts, -long / 2)


def make_multi_tool(rng: Rng) -> Item:
    """Multi-tool: two channels full of blades about a plier head, folded, opened to pliers, or half way."""
    long, wide, deep = draw(rng, 62, 115), draw(rng, 10, 15), draw(rng, 12, 18)
    state = pick(rng, "folded", "folded", "folded", "pliers", "half")
    spread = {"folded": 0.0, "pliers": draw(rng, 4, 28), "half": draw(rng, 60, 150)}[state]
    gap = draw(rng, 0.5, 0.9) * wide
    parts: list[Part] = []
    for side in (-1, 1):
        arm = moved(_tool_arm(rng, long, wide, deep), 0, side * gap)
        parts += turned(arm, "z", -side * spread / (1 if state == "pliers" or side > 0 else 4))
    jaw = draw(rng, 26, 40)
    nose = draw(rng, 1.2, 3.2)
    for side in (-1, 1):
        half = prism(
            [(0, side * 5.5), (jaw, side * nose), (jaw, side * 0.3), (0, side * 0.3)], draw(rng, 4.5, 7)
        )
        turn = side * draw(rng, 2, 12) if state == "pliers" else (180.0 if state == "folded" else 90.0)
        parts.append(Part(half.rotated("z", turn), "fe"))
    parts.append(Part(cylinder(draw(rng, 4.5, 7), deep - 2, segments=16), "fe", 1, draw(rng, 4.5, 7.5)))
    if state == "folded" and chance(rng, 0.2):
        parts.append(
            Part(rounded_box(long + 16, 2 * gap + wide + 10, 3, 5).moved(-long / 2, 0, deep / 2 + 3), "nylon")
        )
    return threat("multi_tool", "knife", state, parts, handle_mm=long)


def make_box_cutter(rng: Rng) -> Item:
    """Snap-off cutter: a scored blade in a steel rail, in a pale plastic or a metal body."""
    slim = chance(rng, 0.45)
    edge = 9.0 if slim else pick(rng, 18.0, 18.0, 25.0)
    long = draw(rng, 120, 145) if slim else draw(rng, 135, 185)
    wide, thick = edge + draw(rng, 4, 12), draw(rng, 6, 9) if slim else draw(rng, 9, 16)
    shell = pick(rng, "abs", "abs", "pp", "polystyrene", "absf", "zn" if not slim else "abs")
    outline = rounded_rectangle(long, wide, draw(rng, 2, 6))
    outline[:, 1] += draw(rng, -3, 3) * np.cos(outline[:, 0] / long * 3)
    parts = [Part(prism(outline, thick, bevel=1.0), shell)]
    room = min(edge + 1.0, wide - 7.5)
    parts.append(Part(box(0.88 * long, room, 0.5 * thick), shell, -1))
    out = pick(rng, 0.0, draw(rng, 4, 25), draw(rng, 20, 60))
    reach = draw(rng, 75, 105)
    slant = edge * draw(rng, 0.45, 0.75)
    steel = prism(
        [(0, -edge / 2), (reach, -edge / 2), (reach - slant, edge / 2), (0, edge / 2)], 0.45 if slim else 0.6
    )
    parts.append(Part(steel.moved(long / 2 - reach - 4 + out), "fe"))
    if chance(rng, 0.8):
        rail = prism(rounded_rectangle(draw(rng, 0.5, 0.85) * long, edge + 1, 1), draw(rng, 0.4, 0.9))
        parts.append(Part(rail.moved(0.06 * long, 0, 1), "ss"))
    slider = draw(rng, -0.15, 0.25) * long
    parts.append(
        Part(
            rounded_box(draw(rng, 12, 20), 0.5 * wide, 6, 2).moved(slider, 0, thick / 2),
            pick(rng, "pp", "pom"),
        )
    )
    if not slim or chance(rng, 0.3):
        wheel = cylinder(draw(rng, 4, 7), draw(rng, 3, 6), segments=12)
        parts.append(Part(wheel.moved(slider + 14, 0, thick / 2), pick(rng, "pp", "fe", "abs")))
    return threat(
        "box_cutter", "knife", "slim" if slim else "wide", parts, blade_mm=edge, out_mm=out, shell=shell
    )


FAMILIES: dict[str, ItemMaker] = {
    "pocket_knife": make_pocket_knife,
    "butterfly_knife": make_butterfly_knife,
    "multi_tool": make_multi_tool,
    "box_cutter": make_box_cutter,
}
