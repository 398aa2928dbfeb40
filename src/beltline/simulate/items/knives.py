"""Fixed blades: kitchen knives, hunting knives, daggers, cleavers, table knives, throwing knives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng, pick
from beltline.simulate.shapes import Mesh, blade, box, cylinder, rounded_box, spline, superellipse, sweep
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, moved

Curve = NDArray[np.float64]
SCALES = ("wood", "abs", "pp", "rubber", "nylon", "bone", "absf")


def _drop(x: Curve, w: float) -> tuple[Curve, Curve]:
    spine = -0.55 * w * (np.maximum(x - 0.65, 0) / 0.35) ** 1.6
    return spine, -w + 0.45 * w * np.clip((x - 0.6) / 0.4, 0, 1) ** 2.2


def _chef(x: Curve, w: float) -> tuple[Curve, Curve]:
    spine = -0.06 * w * x**2 - 0.1 * w * np.clip((x - 0.9) / 0.1, 0, 1)
    return spine, -w * (1 - 0.9 * np.clip((x - 0.35) / 0.65, 0, 1) ** 2.4)


def _clip(x: Curve, w: float) -> tuple[Curve, Curve]:
    spine = -0.6 * w * (np.maximum(x - 0.55, 0) / 0.45) ** 0.8
    return spine, -w + 0.38 * w * np.clip((x - 0.7) / 0.3, 0, 1) ** 2


def _double(x: Curve, w: float) -> tuple[Curve, Curve]:
    taper = 0.5 * w * np.clip((x - 0.5) / 0.5, 0, 1) ** 1.3
    return -taper, -w + taper


def _square(x: Curve, w: float) -> tuple[Curve, Curve]:
    return 0 * x, -w + 0.08 * w * x


def _tanto(x: Curve, w: float) -> tuple[Curve, Curve]:
    return 0 * x, -w + 0.95 * w * np.clip((x - 0.8) / 0.2, 0, 1)


def _round(x: Curve, w: float) -> tuple[Curve, Curve]:
    return -0.1 * w * x**3, -w + 0.7 * w * np.clip((x - 0.88) / 0.12, 0, 1) ** 2


PROFILES: dict[str, Callable[[Curve, float], tuple[Curve, Curve]]] = {
    "drop": _drop,
    "chef": _chef,
    "clip": _clip,
    "dagger": _double,
    "cleaver": _square,
    "tanto": _tanto,
    "table": _round,
}


def blade_mesh(
    rng: Rng, length: float, width: float, profile: str, *, thickness: float | None = None
) -> Mesh:
    """Blade from x = 0 to ``length`` mm, spine up, of a named profile."""
    x = np.linspace(0, 1, 26)
    spine, edge = PROFILES[profile](x, width)
    edge = np.minimum(edge, spine - 0.3)
    thick = rng.uniform(1.4, 4.2) if thickness is None else thickness
    upper = np.column_stack([x * length, spine + width / 2])
    return blade(upper, np.column_stack([x * length, edge + width / 2]), thick, grind=rng.uniform(0.2, 0.95))


def handle(rng: Rng, length: float, width: float, depth: float, material: str) -> Part:
    """Handle from x = 0 back to -length, slightly bent and of uneven width."""
    bend = np.cumsum(rng.normal(0, 2.5, 5))
    path = spline(np.column_stack([np.linspace(2, -length, 5), bend - bend[0], np.zeros(5)]), 12)
    swell = np.interp(np.linspace(0, 1, 12), [0, 0.4, 0.8, 1], rng.uniform(0.85, 1.1, 4))
    sections = np.array([superellipse(width / 2 * s, depth / 2, 2.6, segments=12) for s in swell])
    return Part(sweep(path, sections), material)


def _tang(rng: Rng, length: float, width: float, depth: float, steel: str) -> list[Part]:
    """Tang inside the handle with rivets: the signature of a fixed knife."""
    reach = length * rng.uniform(0.4, 1.0)
    tang = box(reach, width * rng.uniform(0.35, 0.9), rng.uniform(1.5, 3.5)).moved(3 - reach / 2)
    parts = [Part(tang, steel)]
    metal = pick(rng, "ss", "brass", "al")
    for k in range(int(rng.integers(0, 4))):
        parts.append(
            Part(cylinder(rng.uniform(2, 4), depth, segments=10).moved(-length * (0.18 + 0.26 * k)), metal)
        )
    return parts


def _knife(rng: Rng, family: str, profile: str, length: float, width: float) -> Item:
    """A fixed knife from its blade: handle, tang, rivets, guard, pommel, sometimes a sheath."""
    grip, wide, deep = rng.uniform(85, 135), rng.uniform(19, 30), rng.uniform(11, 22)
    ceramic = family == "kitchen_knife" and rng.random() < 0.12
    steel = "ceramic" if ceramic else pick(rng, "ss", "ss", "fe")
    parts = [Part(blade_mesh(rng, length, width, profile), steel)]
    whole = rng.random() < (0.7 if family == "table_knife" else 0.12)
    if whole:  # handle of steel throughout
        parts.append(
            Part(rounded_box(grip, 0.8 * wide, 0.4 * deep, 3).moved(-grip / 2), "ss", 1, rng.uniform(4, 7.9))
        )
    else:
        parts += _tang(rng, grip, wide, deep, "fe" if ceramic else steel)
        parts.append(handle(rng, grip, wide, deep, pick(rng, *SCALES)))
    if family in ("dagger", "hunting_knife") and rng.random() < 0.75:
        metal = pick(rng, "ss", "brass", "fe", "zn")
        parts.append(
            Part(box(rng.uniform(5, 10), width * rng.uniform(1.3, 2.2), deep * rng.uniform(0.7, 1.1)), metal)
        )
        if rng.random() < 0.6:
            parts.append(Part(rounded_box(rng.uniform(9, 18), wide, deep, 3).moved(-grip), metal))
    sheath = family in ("dagger", "hunting_knife") and rng.random() < 0.35
    if sheath:
        seed = int(rng.integers(2**31))
        cover = rounded_box(length * 1.06, width * 1.4, 8, 4).moved(length * 0.53)
        texture = Texture("leather", seed, 0.4, 30.0)
        parts.append(Part(cover, pick(rng, "leather", "nylon"), 1, rng.uniform(0.5, 0.9), texture))
    params = {
        "design": profile,
        "blade_mm": round(length, 1),
        "steel": steel,
        "all_metal": bool(whole),
        "sheath": bool(sheath),
    }
    return Item(family, "knife", tuple(moved(parts, (grip - length) / 2)), True, params)


def make_kitchen_knife(rng: Rng) -> Item:
    """Chef's, utility, bread or paring knife."""
    length = rng.uniform(70, 240)
    profile = pick(rng, "chef", "chef", "drop", "tanto")
    return _knife(rng, "kitchen_knife", profile, length, max(length * rng.uniform(0.1, 0.24), 14))


def make_hunting_knife(rng: Rng) -> Item:
    """Hunting or survival knife with guard."""
    length = rng.uniform(90, 220)
    profile = pick(rng, "clip", "drop", "clip", "tanto")
    return _knife(rng, "hunting_knife", profile, length, length * rng.uniform(0.14, 0.26))


def make_dagger(rng: Rng) -> Item:
    """Double-edged blade with guard and pommel."""
    length = rng.uniform(90, 230)
    return _knife(rng, "dagger", "dagger", length, length * rng.uniform(0.09, 0.2))


def make_cleaver(rng: Rng) -> Item:
    """Kitchen cleaver."""
    return _knife(rng, "cleaver", "cleaver", rng.uniform(130, 210), rng.uniform(58, 100))


def make_table_knife(rng: Rng) -> Item:
    """Table or steak knife, mostly of one piece."""
    length = rng.uniform(80, 130)
    return _knife(rng, "table_knife", pick(rng, "table", "drop"), length, rng.uniform(14, 22))


FAMILIES: dict[str, ItemMaker] = {
    "kitchen_knife": make_kitchen_knife,
    "hunting_knife": make_hunting_knife,
    "dagger": make_dagger,
    "cleaver": make_cleaver,
    "table_knife": make_table_knife,
}
