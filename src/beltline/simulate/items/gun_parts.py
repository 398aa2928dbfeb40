"""Parts of a taken-apart pistol: slide, barrel, magazine and frame, alone or a few together."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import box, cylinder, helix, in_plane, prism, revolve, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _slide(rng: Rng) -> list[Part]:
    """Slide along x: a steel channel with breech block, ejection port, sights and serrations."""
    length, height, width = rng.uniform(135, 205), rng.uniform(20, 29), rng.uniform(20, 28)
    wall, steel = rng.uniform(3, 4.5), pick(rng, "fe", "fe", "ss")
    port = length * rng.uniform(0.18, 0.26)
    back = length * rng.uniform(0.3, 0.36)
    front = length - back - port
    nose = height * rng.uniform(0.0, 0.3)
    side = [(0, 0), (back, 0), (back + port, 0), (length, nose), (length, height), (back + port, height)]
    side += [(back + port, height * 0.55), (back, height * 0.55), (back, height), (0, height)]
    flanks = [prism(side, wall).moved(z=s * (width - wall) / 2) for s in (-1, 1)]
    breech = box(back * rng.uniform(0.6, 0.9), height * 0.7, width - 2 * wall).moved(back * 0.5, height * 0.6)
    roof = box(front, wall, width - 2 * wall).moved(back + port + front / 2, height - wall / 2)
    face = box(wall, height - nose, width - 2 * wall).moved(length - wall / 2, (height + nose) / 2)
    sights = [box(5, 4, 3).moved(length - 10, height + 2), box(8, 5, width * 0.6).moved(10, height + 2.5)]
    ribs = [
        box(1, height * 0.7, width + 0.8).moved(6 + 3.5 * i, height * 0.5) for i in range(rng.integers(4, 9))
    ]
    steels = [Part(mesh, steel) for mesh in (*flanks, roof, face, *sights)]
    pin = cylinder(2, back * 0.8, segments=8).rotated("y", 90).moved(back * 0.5, height * 0.6)
    ribbed = [Part(mesh, steel, 1, 1.5) for mesh in ribs]
    return [*steels, *ribbed, Part(breech, steel, 1, float(rng.uniform(4, 6))), Part(pin, steel)]


def _barrel(rng: Rng) -> list[Part]:
    """Barrel along x with bore, chamber block and locking lug, at times with its recoil spring."""
    length, bore = rng.uniform(85, 190), rng.uniform(2.9, 5.8)
    radius, hood = bore + rng.uniform(1.8, 4), rng.uniform(24, 34)
    steel = pick(rng, "fe", "fe", "ss")
    outside = revolve(
        [(radius * 1.25, 0), (radius * 1.25, hood), (radius, hood), (radius, length)], segments=20
    )
    inside = revolve([(bore * 1.12, 0.01), (bore * 1.1, 20), (bore, 23), (bore, length - 0.01)], segments=20)
    parts = turned(hollow(outside, inside, steel), "y", 90)
    lug = prism([(2, 0), (hood, 0), (hood * 0.8, -radius * 1.6), (hood * 0.3, -radius * 1.4)], 6)
    parts.append(Part(lug.moved(y=-radius), steel))
    for z in (-1, 1):
        parts.append(Part(box(hood, radius * 1.6, 2).moved(hood / 2, 0, z * radius * 1.35), steel))
    if rng.random() < 0.5:
        parts += moved(
            _recoil_spring(rng, length * rng.uniform(0.6, 0.9)), length * 0.5, -radius - rng.uniform(10, 22)
        )
    return parts


def _recoil_spring(rng: Rng, length: float) -> list[Part]:
    """Coil on its guide rod along x."""
    radius = rng.uniform(3.5, 5.5)
    coil = tube(helix(radius, length * 0.95, length / 7, steps_per_turn=8), rng.uniform(0.5, 0.8), segments=5)
    rod, head = (
        cylinder(radius * 0.55, length, segments=10),
        cylinder(radius + 1.5, 3, segments=12).moved(z=-length / 2),
    )
    guide = pick(rng, "fe", "nylon")
    return turned([Part(coil, "fe"), Part(rod, guide), Part(head, guide)], "y", 90)


def _round(x: float, y: float, length: float, tilt: float) -> list[Part]:
    """Cartridge in a magazine: case and lead bullet, its nose along +x."""
    case = hollow(
        cylinder(4.7, length * 0.65, segments=12), cylinder(4.1, length * 0.65 - 3, segments=12), "brass"
    )
    core = revolve(
        [(4.0, length * 0.2), (4.3, length * 0.33), (3.6, length * 0.5), (1.2, length * 0.65)], segments=12
    )
    laid = moved(turned([*case, Part(core, "pb")], "y", 90), -length * 0.16)
    return moved(turned(laid, "z", tilt), x, y)


def _magazine(rng: Rng) -> list[Part]:
    """Magazine along y: thin steel or polymer box, follower, zigzag spring, base plate, 0 to 14 rounds."""
    height, depth, width = rng.uniform(85, 150), rng.uniform(30, 38), rng.uniform(15, 24)
    metal = pick(rng, "fe", "fe", "al", "nylon")
    wall = rng.uniform(0.8, 1.2) if metal != "nylon" else rng.uniform(2, 2.6)
    outer, inner = box(depth, height, width), box(depth - 2 * wall, height - 2 * wall, width - 2 * wall)
    parts = list(hollow(outer, inner, metal))
    pitch = rng.uniform(5.5, 10)
    count = min(int(rng.integers(0, 15)), int((height - 35) // pitch))
    tilt = float(rng.uniform(0, 10))
    for i in range(count):
        parts += _round(0, height / 2 - 7 - i * pitch, depth * 0.86, tilt)
    top = height / 2 - 8 - count * pitch
    follower = box(depth * 0.8, 5, width - 2 * wall - 1).rotated("z", tilt).moved(y=top)
    parts.append(Part(follower, pick(rng, "nylon", "fe")))
    span = top + height / 2 - 4
    turns = max(6, int(span / rng.uniform(6, 10)))
    coil = helix(1.0, span, turns, steps_per_turn=8) * [depth * 0.36, (width - 2 * wall) * 0.4, 1]
    spring = tube(coil, 0.6, segments=5).rotated("x", 90).moved(y=top - span / 2)
    base = box(depth + rng.uniform(2, 8), rng.uniform(4, 12), width + 2).moved(2, -height / 2 - 3)
    return turned([*parts, Part(spring, "fe"), Part(base, pick(rng, metal, "abs"))], "z", -rng.uniform(0, 20))


def _frame(rng: Rng) -> list[Part]:
    """Frame without its slide: dust cover, trigger and guard, raked hollow grip, rails and pins."""
    length, grip, rake = rng.uniform(120, 175), rng.uniform(75, 110), rng.uniform(0.15, 0.4)
    width, chord, top = rng.uniform(20, 29), rng.uniform(40, 50), rng.uniform(14, 20)
    stuff = pick(rng, "nylon", "abs", "al", "fe")
    wall = {"fe": 2.0, "al": 3.0}.get(stuff, 4.5)
    body = prism([(0, 0), (length, 0), (length, -top * 0.6), (chord + 40, -top), (0, -top)], width, bevel=1)
    void = box(length - 12, top * 0.5, width - 2 * wall).moved(length / 2, -top * 0.28)
    parts = list(hollow(body, void, stuff))
    foot = -rake * grip
    outside = np.array([(0, -top), (chord, -top), (chord + foot, -top - grip), (foot - 3, -top - grip)])
    middle = outside.mean(axis=0)
    shaft, well = prism(outside, width, bevel=1), prism(middle + (outside - middle) * 0.8, width - 2 * wall)
    parts += hollow(shaft, well, stuff)
    start = chord - 2
    guard = spline(
        [(start, -top - 22), (start + 22, -top - 26), (start + 38, -top - 18), (start + 40, -top)], 18
    )
    trigger = spline([(start + 16, -top + 4), (start + 20, -top - 8), (start + 14, -top - 19)], 8)
    parts.append(Part(tube(in_plane(guard), rng.uniform(2, 3.5), segments=8), stuff))
    parts.append(Part(tube(in_plane(trigger), 2.6, segments=6), pick(rng, "fe", "nylon")))
    rails = [box(length * 0.75, 2, 2).moved(length * 0.45, 1, s * width * 0.4) for s in (-1, 1)]
    pins = [cylinder(2, width, segments=8).moved(x, -top * 0.5) for x in rng.uniform(0.08, 0.6, 3) * length]
    works = [
        box(30, 8, 6).moved(20, -top * 0.4),
        box(24, 3, 2).moved(chord + 8, -top * 0.3, width / 2 - wall),
    ]
    return [*parts, *(Part(mesh, "fe") for mesh in (*rails, *pins, *works))]


_MAKERS = {"slide": _slide, "barrel": _barrel, "magazine": _magazine, "frame": _frame}


def make_gun_parts(rng: Rng) -> Item:
    """One part of a pistol, or two to four lying side by side as after field stripping."""
    design = pick(rng, *_MAKERS, "stripped")
    names = [design]
    if design == "stripped":
        order = rng.permutation(list(_MAKERS))
        names = [str(name) for name in order[: rng.integers(2, 5)]]
    parts: list[Part] = []
    floor = 0.0
    for name in names:
        piece = turned(_MAKERS[name](rng), "z", rng.normal(0, 12) if len(names) > 1 else 0.0)
        corners = np.concatenate([part.mesh.bounds for part in piece])
        piece = moved(piece, float(rng.normal(0, 15)), floor - float(corners[:, 1].min()))
        floor += float(np.ptp(corners[:, 1])) + rng.uniform(2, 15)
        parts += piece
    return threat("gun_parts", "gun_part", design, parts, pieces="+".join(names))


FAMILIES: dict[str, ItemMaker] = {"gun_parts": make_gun_parts}
