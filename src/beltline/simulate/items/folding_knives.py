"""Knives that close: pocket knives, multi-tools, butterfly knives, and box cutters."""

from __future__ import annotations

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items.knives import SCALES, blade_mesh
from beltline.simulate.shapes import box, cylinder, prism, rounded_box, rounded_rectangle, superellipse
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned


def _opening(rng: Rng, closed: float = 0.4) -> float:
    """Opening angle in degrees: closed, open, or in between."""
    draw = rng.random()
    if draw < closed:
        return 0.0
    return 180.0 if draw < closed + 0.4 else float(rng.uniform(20, 170))


def make_pocket_knife(rng: Rng) -> Item:
    """Folding knife with one blade, or several as a Swiss army knife has."""
    long, wide = rng.uniform(78, 132), rng.uniform(17, 28)
    count = 1 if rng.random() < 0.65 else int(rng.integers(2, 6))
    thick = 5 + 3 * count + rng.uniform(2, 7)
    scale = pick(rng, *SCALES, "al", "ss", "ti")
    outline = superellipse(long / 2, wide / 2, rng.uniform(2.5, 6), segments=24)
    depth = 2.2 if scale in ("al", "ss", "ti") else 0.3 * thick
    parts: list[Part] = []
    for side in (-1, 1):
        parts.append(Part(prism(outline, depth).moved(z=side * 0.36 * thick), scale))
        parts.append(Part(prism(outline * 0.94, rng.uniform(0.8, 1.6)).moved(z=side * 0.18 * thick), "ss"))
    parts.append(Part(box(0.8 * long, 4, 0.3 * thick).moved(0, 0.4 * wide), "ss"))
    for k in range(count):
        size = 1.0 if k == 0 else rng.uniform(0.5, 0.9)
        shape = pick(rng, "drop", "clip", "tanto", "chef")
        leaf = blade_mesh(
            rng,
            long * rng.uniform(0.7, 0.9) * size,
            wide * rng.uniform(0.6, 0.95) * size,
            shape,
            thickness=rng.uniform(1.4, 3),
        )
        angle = 180 - _opening(rng, 0.4 if k == 0 else 0.75)
        parts.append(
            Part(leaf.rotated("z", angle).moved(0.42 * long, 0.1 * wide, 3.0 * (k - (count - 1) / 2)), "ss")
        )
    for x in (-0.38, 0.0, 0.42):
        parts.append(
            Part(cylinder(rng.uniform(2, 4.5), thick, segments=10).moved(x * long, 0.1 * wide), "ss")
        )
    params = {
        "design": "army" if count > 1 else "folding",
        "blades": count,
        "handle_mm": round(long, 1),
        "scales": scale,
    }
    return Item("pocket_knife", "knife", tuple(parts), True, params)


def make_butterfly_knife(rng: Rng) -> Item:
    """Two swinging handles around a blade."""
    long, wide = rng.uniform(110, 140), rng.uniform(11, 15)
    metal = pick(rng, "ss", "zn", "al")
    parts = [Part(blade_mesh(rng, 0.85 * long, rng.uniform(14, 20), "clip", thickness=3), "ss")]
    for side in (-1, 1):
        outer, inner = rounded_box(long, wide, 10, 3), box(0.9 * long, 0.9 * wide, 4)
        arm = moved([Part(outer, metal), Part(inner, metal, -1)], -long / 2, side * 0.6 * wide)
        parts += turned(arm, "z", side * rng.uniform(-60, 12))
        parts.append(Part(cylinder(2.6, 11, segments=10).moved(0, side * 0.4 * wide), "fe"))
    return Item(
        "butterfly_knife", "knife", tuple(parts), True, {"design": "butterfly", "handle_mm": round(long, 1)}
    )


def make_multi_tool(rng: Rng) -> Item:
    """Folded multi-tool: two steel handles full of blades, a plier head between them."""
    long, wide = rng.uniform(85, 115), rng.uniform(11, 15)
    parts: list[Part] = []
    gap = rng.uniform(0.5, 0.9) * wide
    for side in (-1, 1):
        arm = [
            Part(rounded_box(long, wide, 17, 3, bevel=0.6), "ss"),
            Part(box(long - 4, wide - 2.4, 14.6), "ss", -1),
        ]
        parts += moved(arm, 0, side * gap)
        for k in range(int(rng.integers(2, 5))):
            leaf = blade_mesh(
                rng,
                long * rng.uniform(0.5, 0.8),
                rng.uniform(6, 9),
                pick(rng, "drop", "tanto", "table"),
                thickness=1.8,
            )
            parts += moved([Part(leaf, "ss")], -0.45 * long, side * gap, 2.6 * (k - 1.5))
    jaw = prism([(0, -5), (38, -2), (38, 2), (0, 5)], 6)
    opened = rng.random() < 0.3
    parts += moved([Part(jaw.rotated("z", 0 if opened else 180), "fe")], 0.46 * long)
    parts.append(Part(cylinder(7, 15, segments=16).moved(0.46 * long), "fe"))
    params = {"design": "multi", "open": bool(opened), "handle_mm": round(long, 1)}
    return Item("multi_tool", "knife", tuple(parts), True, params)


def make_box_cutter(rng: Rng) -> Item:
    """Utility knife: snap-off blade with rail and slider, or a trapezoid blade in a metal body."""
    long, wide, thick = rng.uniform(110, 178), rng.uniform(16, 32), rng.uniform(9, 16)
    edge = min(0.6 * wide, 18.0) if rng.random() < 0.7 else 9.0
    shell = pick(rng, "abs", "absf", "pp", "zn", "al")
    out = float(rng.uniform(0, 60)) if rng.random() < 0.6 else 0.0
    parts = [
        Part(rounded_box(long, wide, thick, 5), shell),
        Part(box(0.9 * long, edge + 1.5, 3.0), shell, -1),
    ]
    reach = rng.uniform(70, 110)
    steel = prism([(0, -edge / 2), (reach, -edge / 2), (reach - 0.6 * edge, edge / 2), (0, edge / 2)], 0.6)
    parts.append(Part(steel.moved(long / 2 - reach - 4 + out), "fe"))
    parts.append(Part(prism(rounded_rectangle(0.75 * long, edge + 1, 1), 0.8).moved(0, 0, 1), "ss"))
    parts.append(Part(rounded_box(16, 10, 6, 2).moved(0.1 * long, 0, thick / 2), "pp"))
    parts.append(Part(cylinder(3, thick, segments=10).moved(-0.3 * long), "fe"))
    params = {"design": "snap-off", "out_mm": round(out, 1), "shell": shell}
    return Item("box_cutter", "knife", tuple(parts), True, params)


FAMILIES: dict[str, ItemMaker] = {
    "pocket_knife": make_pocket_knife,
    "butterfly_knife": make_butterfly_knife,
    "multi_tool": make_multi_tool,
    "box_cutter": make_box_cutter,
}
