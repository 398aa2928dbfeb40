"""Hand tools: wrenches of a fixed size, adjustable ones, ratchets with sockets, pliers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beltline.simulate.draws import Rng, chance, count, draw, pick
from beltline.simulate.items._threat import mirrored_pair, shaft, threat
from beltline.simulate.shapes import (
    Array,
    arc,
    box,
    cylinder,
    helix,
    prism,
    revolve,
    rounded_box,
    superellipse,
    tube,
)
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _open_jaw(radius: float, mouth: float, tilt: float) -> Array:
    """Outline (38, 2) of a jaw about the origin with parallel cheeks, ``tilt`` degrees off +x."""
    half = np.degrees(np.arcsin(min(mouth / 2 / radius, 0.8)))
    outer = arc(radius, half, 360 - half, steps=26) * [1.12, 1.0]
    depth = radius * 0.3
    inner = arc(mouth / 2, 270, 90, steps=12) * [0.7, 1.0] + [-depth * 0.2, 0.0]
    turn = np.radians(tilt)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    outline: Array = np.concatenate([outer, inner]) @ matrix.T
    return outline


def _wrench_end(rng: Rng, kind: str, radius: float, thick: float, metal: str) -> list[Part]:
    """End of a wrench at the origin, opening towards +x: open jaw, or a ring."""
    if kind == "open":
        outline = _open_jaw(radius, radius * draw(rng, 0.85, 1.15), draw(rng, 10, 18) * pick(rng, -1, 1))
        return [Part(prism(outline, thick), metal)]
    thick *= draw(rng, 1.1, 1.7)
    outer = prism(superellipse(radius * 0.9, radius * 0.9, 2, segments=24), thick)
    inner = superellipse(radius * 0.6, radius * 0.6, 2, segments=24)
    inner *= 1 - 0.08 * (np.arange(24) % 2)[:, None]
    return list(hollow(outer, prism(inner, 0.999 * thick), metal))


def _fixed(rng: Rng, length: float, kinds: Sequence[str], metal: str) -> list[Part]:
    """One wrench along x: shank with a waist and its two ends."""
    width, thick = length * draw(rng, 0.045, 0.085), draw(rng, 3.5, 8)
    line = [(-length / 2, 0.0), (0.0, 0.0), (length / 2, 0.0)]
    waist = draw(rng, 0.75, 1.0)
    power = pick(rng, 2.2, 4.0, 8.0)
    parts = [Part(shaft(line, [width, waist * width, width], 0.75 * thick, power=power), metal)]
    for side, kind in zip((-1, 1), kinds, strict=True):
        radius = width * draw(rng, 0.95, 1.45)
        end = _wrench_end(rng, kind, radius, thick, metal)
        end = end if side > 0 else turned(end, "z", 180)
        parts += moved(end, side * (length / 2 + 0.72 * radius))
    return parts


def make_wrench(rng: Rng) -> Item:
    """Open, ring or combination wrench: one, or a set by size, bound together or strewn."""
    metal = pick(rng, "fe", "fe", "ss", "zn")
    kinds = [pick(rng, "open", "open", "ring"), pick(rng, "open", "ring")]
    length, number = draw(rng, 95, 290), pick(rng, 1, 1, 1, 1, count(rng, 2, 5))
    fan, parts = draw(rng, 0, 8), []
    for k in range(number):
        one = _fixed(rng, length * (0.85**k), kinds, metal)
        parts += moved(
            turned(one, "z", fan * k), draw(rng, -8, 8), draw(rng, 12, 24) * k, draw(rng, 0, 6) * (k % 2)
        )
    return threat(
        "wrench_fixed", "wrench", "-".join(kinds), parts, length_mm=length, metal=metal, number=float(number)
    )


def _crescent(rng: Rng, length: float, thick: float) -> list[Part]:
    """Adjustable wrench along x: head at x = 0, worm, loose jaw, handle to -length."""
    head = length * draw(rng, 0.11, 0.15)
    wide = length * draw(rng, 0.08, 0.12)
    gap = draw(rng, 0.05, 0.85) * head
    fixed = [(-0.9, -0.55), (-0.1, -0.95), (0.6, -0.85), (1.35, -0.3), (1.3, 0.05), (0.35, 0.05)]
    fixed += [(0.1, 0.25), (0.05, 0.95), (-0.35, 1.15), (-0.8, 0.75)]
    jaw = np.array([(0.2, 0.05), (1.3, 0.05), (1.15, 0.45), (0.55, 0.7), (0.2, 0.62)]) * head + [0, gap]
    rail = np.array([(-0.05, 0.1), (0.28, 0.1), (0.28, 0.9), (-0.05, 0.9)]) * head + [0, 0.4 * gap]
    worm = tube(helix(0.13 * head, 0.55 * head, 5, steps_per_turn=8), 0.05 * head, segments=5)
    tilt = draw(rng, 12, 24)
    parts = turned(
        [
            Part(prism(np.array(fixed) * head, 0.85 * thick), "fe"),
            Part(prism(jaw, 0.85 * thick), "fe"),
            Part(prism(rail, 0.5 * thick), "fe"),
            Part(worm.rotated("x", 90).moved(-0.22 * head, 0.45 * head), "fe"),
        ],
        "z",
        tilt,
    )
    line = [(-0.45 * head, 0.0), (-0.5 * length, 0.0), (-length, 0.0)]
    widths = [0.8 * wide, draw(rng, 0.7, 0.9) * wide, draw(rng, 0.9, 1.25) * wide]
    parts.append(Part(shaft(line, widths, draw(rng, 0.45, 0.7) * thick, power=8), "fe"))
    return parts


def _pipe_wrench(rng: Rng, length: float, thick: float) -> list[Part]:
    """Pipe wrench along x: hooked jaw standing out of a frame with a knurled nut."""
    head, deep = length * draw(rng, 0.16, 0.22), 1.4 * thick
    reach = draw(rng, 0.35, 0.95) * head
    hook = [
        (0, 0),
        (reach + 0.3 * head, 0),
        (reach + 0.3 * head, 0.95 * head),
        (reach, 0.9 * head),
        (reach, 0.3 * head),
    ]
    hook = [*hook, (0, 0.3 * head)]
    heel = [
        (-0.3 * head, 0.25 * head),
        (0.06 * head, 0.25 * head),
        (0.06 * head, 0.9 * head),
        (-0.15 * head, 0.9 * head),
    ]
    meshes = [
        prism(hook, deep),
        prism(heel, deep),
        cylinder(0.26 * head, 0.22 * head, segments=16).rotated("y", 90),
    ]
    places = [(0.0, 0.0), (0.0, 0.0), (-0.2 * head, 0.15 * head)]
    metal = pick(rng, "fe", "fe", "al")
    parts = [Part(m.moved(*at), "fe") for m, at in zip(meshes, places, strict=True)]
    line = [(-0.1 * head, 0.2 * head), (-0.5 * length, 0.0), (-length, 0.0)]
    parts.append(Part(shaft(line, [0.45 * head, 0.3 * head, 0.36 * head], 0.8 * deep, power=6), metal))
    return parts


def make_adjustable_wrench(rng: Rng) -> Item:
    """Adjustable wrench with worm, or a pipe wrench; its handle sleeved now and then."""
    length, thick = draw(rng, 130, 310), draw(rng, 7, 14)
    pipe = chance(rng, 0.25)
    parts = (_pipe_wrench if pipe else _crescent)(rng, length, thick)
    if chance(rng, 0.35):
        line = [(-0.4 * length, 0.0), (-0.7 * length, 0.0), (-1.02 * length, 0.0)]
        wide = length * draw(rng, 0.1, 0.13)
        parts.append(
            Part(shaft(line, [wide, 1.05 * wide, wide], 1.1 * thick), pick(rng, "pvc", "rubber", "pp"))
        )
    return threat("wrench_adjustable", "wrench", "pipe" if pipe else "adjustable", parts, length_mm=length)


def _ratchet(rng: Rng, length: float) -> list[Part]:
    """Ratchet along x with loose sockets beside it."""
    head = draw(rng, 13, 21)
    line = [(0.6 * head, 0.0), (0.5 * length, 0.0), (length, 0.0)]
    parts = [Part(cylinder(head, draw(rng, 12, 20), segments=20), "fe", 1, draw(rng, 5.5, 7.8))]
    parts.append(Part(shaft(line, [0.8 * head, 0.6 * head, 0.9 * head], draw(rng, 8, 13), power=2.2), "fe"))
    sleeve = [(0.55 * length, 0.0), (0.8 * length, 0.0), (1.02 * length, 0.0)]
    if chance(rng, 0.6):
        parts.append(Part(shaft(sleeve, [22, 26, 27], 20), pick(rng, "rubber", "pp", "pvc")))
    for k in range(count(rng, 0, 5)):
        radius, tall = draw(rng, 6, 15), draw(rng, 22, 42)
        inner = cylinder(0.62 * radius, 0.6 * tall).moved(z=0.18 * tall)
        one = turned(hollow(cylinder(radius, tall), inner, "fe"), "x", 90)
        parts += moved(one, 30.0 * k, draw(rng, 34, 48))
    return parts


def _tee(rng: Rng, length: float) -> list[Part]:
    """Socket on a rod with a cross bar."""
    rod = cylinder(draw(rng, 4, 7), length, segments=14)
    bar = cylinder(draw(rng, 4, 7), draw(rng, 90, 170), segments=14).rotated("x", 90)
    socket = hollow(cylinder(draw(rng, 10, 16), 32), cylinder(7, 28), "fe")
    parts = [Part(rod.moved(z=-0.5 * length), "fe"), Part(bar, pick(rng, "fe", "pp"))]
    return turned([*parts, *moved(socket, z=-length)], "y", 90)


def _hex_keys(rng: Rng, length: float) -> list[Part]:
    """Bent hexagon keys by size in their holder."""
    parts: list[Part] = []
    number = count(rng, 3, 9)
    for k in range(number):
        size, long = 1.0 + 0.55 * k, length * (0.3 + 0.06 * k)
        path = np.array([(0, 0, 0), (long * 0.94, 0, 0), (long, -size, 0), (long + size, -18 - 2.0 * k, 0)])
        key = tube(path, size, segments=6).rotated("z", draw(rng, -6, 6))
        parts.append(Part(key.moved(0, 3.4 * k, 0), "fe"))
    holder = rounded_box(26, 3.4 * number + 8, 18, 4).moved(14, 1.6 * number)
    return [*parts, Part(holder, pick(rng, "pp", "nylon"))]


def make_ratchet(rng: Rng) -> Item:
    """Ratchet with sockets, a T-handled socket wrench, or hexagon keys on their holder."""
    design = pick(rng, "ratchet", "ratchet", "tee", "hex_keys")
    length = draw(rng, 110, 260)
    parts = {"ratchet": _ratchet, "tee": _tee, "hex_keys": _hex_keys}[design](rng, length)
    return threat("wrench_socket", "wrench", design, parts, length_mm=length)


# Jaw outlines in units of (jaw length, width): x from the rivet, y from the closing line outwards.
_NOSES: dict[str, list[tuple[float, float]]] = {
    "combination": [(1, 0), (1, 0.45), (0.75, 0.8), (0.3, 1.0)],
    "needle": [(1, 0), (1, 0.12), (0.55, 0.42), (0.2, 0.9)],
    "cutter": [(1, 0), (0.9, 0.35), (0.6, 0.9), (0.2, 1.1)],
    "pump": [(1, 0.1), (1.05, 0.5), (0.8, 0.95), (0.2, 0.95)],
    "pincers": [(1, 0), (1.06, 0.2), (0.7, 1.3), (0.25, 1.25)],
    "locking": [(1, 0), (1, 0.55), (0.6, 0.95), (0.2, 1.0)],
}
_JAWS = {"combination": 42.0, "needle": 66.0, "cutter": 24.0, "pump": 46.0, "pincers": 34.0, "locking": 40.0}


def _plier_half(rng: Rng, design: str, arm: float, thick: float) -> list[Part]:
    """Half of the pliers, rivet at the origin: jaw along +x, arm bowed out and back to -arm."""
    jaw, width = _JAWS[design] * draw(rng, 0.75, 1.3), draw(rng, 10, 16)
    nose = np.array([(0.0, 0.0), *_NOSES[design], (-0.18, 0.75), (-0.3, 0.2)]) * [jaw, width]
    bow = draw(rng, 0.9, 2.0) * width
    line = [
        (-0.05 * jaw, 0.15 * width),
        (-0.25 * arm, -0.55 * width),
        (-0.6 * arm, -bow),
        (-arm, -draw(rng, 0.6, 1.0) * bow),
    ]
    bar = draw(rng, 5.5, 8.5)
    half = [Part(prism(nose, thick, bevel=0.8), "fe", 1, draw(rng, 6.8, 7.85))]
    half.append(Part(shaft(line, [1.3 * bar, bar, bar, 0.8 * bar], 0.7 * thick, power=4), "fe"))
    if chance(rng, 0.85):
        sleeve, fat = line[1:], draw(rng, 1.5, 2.3) * bar
        material = pick(rng, "pvc", "pvc", "rubber", "pp")
        half.append(
            Part(shaft(sleeve, [0.9 * fat, fat, fat, 0.9 * fat], draw(rng, 1.1, 1.6) * thick), material)
        )
    return half


def make_pliers(rng: Rng) -> Item:
    """Combination, needle-nose, cutting, water-pump, locking pliers or pincers, mostly shut."""
    design = pick(rng, "combination", "combination", "needle", "cutter", "pump", "pincers", "locking")
    arm, thick = draw(rng, 75, 160), draw(rng, 6, 11)
    opening = pick(rng, draw(rng, 0, 4), draw(rng, 2, 16), draw(rng, 10, 45))
    parts = mirrored_pair(_plier_half(rng, design, arm, thick), opening, 0.0)
    parts.append(Part(cylinder(draw(rng, 4, 8), 1.15 * thick, segments=18), "fe"))
    if design == "locking":
        screw = revolve([(4, 0), (4, 26), (7, 27), (7, 38)], segments=12).rotated("y", -90)
        spring = tube(helix(3.5, 40, 9, steps_per_turn=7), 0.6, segments=5).rotated("y", 90)
        parts += [Part(screw.moved(-arm), "fe"), Part(spring.moved(-0.5 * arm, 6), "fe")]
    if design == "cutter" and chance(rng, 0.5):
        parts.append(Part(box(14, 9, 1.0).moved(-16), "fe"))
    return threat("pliers_pair", "pliers", design, parts, handle_mm=arm, open_deg=opening)


FAMILIES: dict[str, ItemMaker] = {
    "wrench_fixed": make_wrench,
    "wrench_adjustable": make_adjustable_wrench,
    "wrench_socket": make_ratchet,
    "pliers_pair": make_pliers,
}
