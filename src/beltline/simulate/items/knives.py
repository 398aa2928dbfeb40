"""Fixed blades: kitchen knives, hunting and survival knives, daggers, cleavers, table knives."""

from __future__ import annotations

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.items._blades import blade_mesh, two_edged
from beltline.simulate.items._knife_handles import GRIPS, bolster, draw_grip, guard, pommel, scabbard
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import Mesh, cylinder
from beltline.simulate.solids import Item, ItemMaker, Part


def _steel(rng: Rng) -> str:
    return pick(rng, "ss", "ss", "fe")


def _handled(rng: Rng, style: str, length: float, width: float, depth: float, steel: str) -> list[Part]:
    return GRIPS[style](rng, draw_grip(rng, length, width, depth, steel))


def make_kitchen_knife(rng: Rng) -> Item:
    """Chef's, utility, santoku, bread, carving, fillet knife; the spine in line with the handle's back."""
    design = pick(rng, "chef", "chef", "drop", "sheep", "bread", "fillet", "tanto")
    length = draw(rng, 105, 255)
    slim = {"bread": (0.1, 0.16), "fillet": (0.08, 0.13), "sheep": (0.18, 0.28)}.get(design, (0.12, 0.24))
    width = max(length * draw(rng, *slim), 17)
    ceramic = chance(rng, 0.08)
    steel = "ceramic" if ceramic else _steel(rng)
    edge = blade_mesh(
        rng,
        length,
        width,
        "table" if design == "bread" else design,
        thickness=draw(rng, 0.8, 2.5),
        grind=draw(rng, 0.05, 0.25) if chance(rng, 0.55) else draw(rng, 0.2, 0.95),
        serrated=draw(rng, 0.8, 2.0) if design == "bread" else 0.0,
        taper=draw(rng, 0.0, 0.5),
    )
    style = pick(
        rng, "scales", "scales", "moulded", "moulded", "moulded", "sheet_steel", "sheet_steel", "cast_steel"
    )
    wide, deep = draw(rng, 20, 31), draw(rng, 13, 24)
    parts = [Part(edge.moved(y=0.45 * wide - width / 2), steel)]
    parts += _handled(rng, style, draw(rng, 95, 135), wide, deep, "fe" if ceramic else steel)
    if style != "cast_steel" and not ceramic and chance(rng, 0.4):
        parts += bolster(rng, wide, deep * draw(rng, 0.4, 0.8))
    return threat("kitchen_knife", "knife", design, parts, blade_mm=length, steel=steel, handle=style)


def make_hunting_knife(rng: Rng) -> Item:
    """Hunting, survival or tactical knife, saw-backed now and then, in its sheath now and then."""
    profile = pick(rng, "clip", "clip", "drop", "tanto", "sheep", "hook")
    length = draw(rng, 60, 120) if profile == "hook" else draw(rng, 85, 230)
    width = max(length * draw(rng, 0.13, 0.25), 18)
    steel = _steel(rng)
    edge = blade_mesh(
        rng,
        length,
        width,
        profile,
        thickness=draw(rng, 2.6, 6.0),
        grind=draw(rng, 0.25, 0.85),
        saw_back=draw(rng, 1.5, 3.5) if profile != "hook" and chance(rng, 0.25) else 0.0,
    )
    style = pick(rng, "scales", "scales", "moulded", "moulded", "bare", "tubular")
    wide, deep = draw(rng, 24, 34), draw(rng, 15, 25)
    parts = [Part(edge.moved(y=draw(rng, 0.0, 0.3) * (wide - width)), steel)]
    grip = draw_grip(rng, draw(rng, 95, 130), wide, deep, steel)
    parts += GRIPS[style](rng, grip)
    parts += guard(rng, width, deep) if style == "tubular" or chance(rng, 0.6) else []
    parts += pommel(rng, grip) if style in ("scales", "moulded") and chance(rng, 0.4) else []
    sheathed = chance(rng, 0.3)
    parts += scabbard(rng, length, width) if sheathed else []
    return threat(
        "hunting_knife",
        "knife",
        profile,
        parts,
        blade_mm=length,
        handle=style,
        sheath="yes" if sheathed else "no",
    )


def _dagger_blade(rng: Rng, design: str, length: float, width: float) -> Mesh:
    waved = draw(rng, 2, 5) if design == "waved" else 0.0
    shape = design if design in ("dagger", "leaf") else "dagger"
    return two_edged(
        length, width, shape, thickness=draw(rng, 2.5, 6.5), grind=draw(rng, 0.5, 0.97), waved=waved
    )


def make_dagger(rng: Rng) -> Item:
    """Two edges about a middle rib, with guard and pommel; leaf-shaped or waved now and then."""
    design = pick(rng, *6 * ["dagger"], "leaf", "leaf", "waved")
    length = draw(rng, 90, 260)
    width = max(length * draw(rng, 0.09, 0.19), 15)
    steel = _steel(rng)
    style = pick(rng, "scales", "moulded", "moulded", "cast_steel", "bare", "sheet_steel")
    wide, deep = draw(rng, 17, 28), draw(rng, 13, 22)
    grip = draw_grip(rng, draw(rng, 85, 125), wide, deep, steel)
    parts = [Part(_dagger_blade(rng, design, length, width), steel), *GRIPS[style](rng, grip)]
    parts += guard(rng, width, deep) if chance(rng, 0.85) else []
    parts += pommel(rng, grip) if style != "bare" and chance(rng, 0.6) else []
    sheathed = chance(rng, 0.3)
    parts += scabbard(rng, length, width + 4) if sheathed else []
    return threat(
        "dagger", "knife", design, parts, blade_mm=length, handle=style, sheath="yes" if sheathed else "no"
    )


def make_cleaver(rng: Rng) -> Item:
    """Cleaver: a flat plate ground only near the edge, square or widening, with a hole to hang it by."""
    design = pick(rng, "cleaver", "cleaver", "fan")
    length, width = draw(rng, 130, 225), draw(rng, 55, 110)
    thick, steel = draw(rng, 1.2, 4.2), _steel(rng)
    edge = blade_mesh(rng, length, width, design, thickness=thick, grind=draw(rng, 0.06, 0.5))
    wide, deep = draw(rng, 22, 34), draw(rng, 15, 27)
    lift = draw(rng, 0.3, 0.5) * wide - width / 2
    parts = [Part(edge.moved(y=lift), steel)]
    if design == "cleaver" and chance(rng, 0.45):
        hole = cylinder(draw(rng, 3, 7), 0.98 * thick, segments=14)
        parts.append(Part(hole.moved(0.88 * length, 0.28 * width + lift), steel, -1))
    style = pick(rng, "scales", "moulded", "moulded", "sheet_steel", "sheet_steel", "cast_steel")
    parts += _handled(rng, style, draw(rng, 95, 140), wide, deep, steel)
    parts += (
        bolster(rng, wide, deep * draw(rng, 0.4, 0.8)) if style != "cast_steel" and chance(rng, 0.4) else []
    )
    return threat("cleaver", "knife", design, parts, blade_mm=length, handle=style, thick_mm=thick)


def make_table_knife(rng: Rng) -> Item:
    """Table, steak or butter knife, mostly of one piece."""
    design = pick(rng, "table", "table", "steak", "drop")
    length = draw(rng, 85, 130)
    edge = blade_mesh(
        rng,
        length,
        draw(rng, 15, 23),
        "chef" if design == "steak" else design,
        thickness=draw(rng, 1.2, 2.6),
        grind=draw(rng, 0.1, 0.5),
        serrated=draw(rng, 0.4, 1.0) if design != "drop" else 0.0,
    )
    style = (
        pick(rng, "scales", "moulded")
        if design == "steak"
        else pick(rng, "cast_steel", "cast_steel", "sheet_steel")
    )
    grip = draw_grip(rng, draw(rng, 85, 120), draw(rng, 15, 23), draw(rng, 9, 16), "ss", bent=0.25)
    parts = [Part(edge, "ss"), *GRIPS[style](rng, grip)]
    return threat("table_knife", "knife", design, parts, blade_mm=length, handle=style)


FAMILIES: dict[str, ItemMaker] = {
    "kitchen_knife": make_kitchen_knife,
    "hunting_knife": make_hunting_knife,
    "dagger": make_dagger,
    "cleaver": make_cleaver,
    "table_knife": make_table_knife,
}
