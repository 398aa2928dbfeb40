"""What trolley cases roll and are pulled by: wheels, telescopic rails, carrying handles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._fittings import screws
from beltline.simulate.luggage._forms import annulus, block, repeated, ribbon, shell_parts, tube_parts
from beltline.simulate.shapes import (
    box,
    cylinder,
    helix,
    merge,
    prism,
    rounded_rectangle,
    spline,
    torus,
    tube,
)
from beltline.simulate.solids import Part, moved, turned


def _disc(rng: Rng, radius: float, width: float, tyre: str) -> list[Part]:
    """One wheel about z: tyre, rim with spokes or web, bearing."""
    rim = radius * rng.uniform(0.68, 0.86)
    parts = [Part(annulus(radius, rim, width, segments=13), tyre)]
    hub = radius * rng.uniform(0.28, 0.45)
    plastic = pick(rng, "pp", "nylon", "absf")
    parts.append(Part(annulus(hub, hub * 0.62, width * 0.9, segments=8), plastic))
    if chance(rng, 0.5):
        spoke = block(rim - hub, width * 0.25, width * 0.7).moved(x=(rim + hub) / 2)
        count = int(rng.integers(4, 8))
        spokes = repeated(spoke, np.zeros((count, 3)), np.arange(count) * 360 / count)
        parts.append(Part(spokes, plastic))
    else:
        parts.append(Part(annulus(rim, hub, width * rng.uniform(0.25, 0.7), segments=9), plastic))
    if chance(rng, 0.75):
        parts.append(Part(annulus(hub * 0.6, 2.6, rng.uniform(3, 6), segments=8), "fe"))
    return parts


def spinner_wheel(rng: Rng, seed: int, swivel: float) -> list[Part]:
    """Castor below a case end: wheel or wheels at the origin, stem and base towards +x.

    ``seed`` fixes the construction, so that the four wheels of a case are alike; ``swivel`` is in degrees.
    """
    own = np.random.default_rng(seed)
    radius, twin = own.uniform(19, 29), chance(own, 0.65)
    width = own.uniform(8, 13) if twin else own.uniform(15, 23)
    gap = own.uniform(9, 15) if twin else 0.0
    tyre = pick(own, "filled_rubber", "filled_rubber", "pvc", "rubber", "nylon")
    disc = _disc(own, radius, width, tyre)
    sides = (-1, 1) if twin else (0,)
    parts = [p for s in sides for p in moved(disc, z=s * (gap + width) / 2)]
    reach = gap + 2 * width if twin else width + 8
    axle = cylinder(own.uniform(2.4, 3.4), reach + 3, segments=8)
    fork = (
        box(radius * 1.25, gap * 0.8, gap * 0.9)
        if twin
        else box(radius * 1.4, radius * 0.9, 3).moved(z=reach / 2)
    )
    fork_material = pick(own, "nylon", "abs", "pp", "absf")
    parts += [Part(axle, "fe"), Part(fork.moved(x=radius * 0.6), fork_material)]
    if not twin:
        parts.append(Part(fork.moved(x=radius * 0.6, z=-reach), fork_material))
    trail = own.uniform(4, 10)
    parts = turned(moved(parts, y=trail), "x", swivel)
    stem = cylinder(own.uniform(3.5, 5), own.uniform(22, 34), segments=9).rotated("y", 90).moved(x=radius + 8)
    parts.append(Part(stem, "fe"))
    if chance(own, 0.6):
        ball = (
            torus(own.uniform(7, 10), 2.0, segments=9, tube_segments=4).rotated("y", 90).moved(x=radius + 4)
        )
        parts.append(Part(ball, "fe"))
    wide = own.uniform(44, 66)
    base = prism(rounded_rectangle(wide, wide, wide * 0.3, steps=3), own.uniform(10, 22)).rotated("y", 90)
    parts += moved(shell_parts(base, 2.2, pick(own, "abs", "pp", "absf")), x=radius + 14)
    spots = [(radius + 15, a * wide * 0.36, b * wide * 0.36) for a in (-1, 1) for b in (-1, 1)]
    parts.append(Part(screws(spots, 1.7, own.uniform(12, 22), "x"), "fe"))
    return moved(parts, x=-radius - 14)


def inline_wheel(rng: Rng, seed: int) -> list[Part]:
    """Fixed wheel set into a corner: axis along y, housing towards +x and +z."""
    own = np.random.default_rng(seed)
    radius, width = own.uniform(24, 38), own.uniform(17, 26)
    wheel = turned(_disc(own, radius, width, pick(own, "filled_rubber", "rubber", "pvc", "nylon")), "x", 90)
    axle = cylinder(own.uniform(2.5, 4), width + 14, segments=8).rotated("x", 90)
    guard = spline(
        [(-radius * 0.4, 0, radius * 1.2), (radius, 0, radius * 0.8), (radius * 1.25, 0, -radius * 0.5)], 9
    )
    housing = ribbon(guard, width + 14, 2.4, across=(0, 1, 0))
    spots = [
        (radius * a, b * (width / 2 + 9), radius * c) for a, c in ((1.0, 0.6), (-0.2, 1.1)) for b in (-1, 1)
    ]
    bolts = screws(spots, 1.8, own.uniform(10, 16), "z")
    parts = [*wheel, Part(axle, "fe"), Part(housing, pick(own, "abs", "pp", "absf")), Part(bolts, "fe")]
    if chance(own, 0.4):
        plate = box(radius * 1.5, 1.4, radius).moved(x=radius * 0.3, z=radius * 0.4)
        parts += [Part(plate.moved(y=s * (width / 2 + 5)), "fe") for s in (-1, 1)]
    return parts


def _stage(rng: Rng, length: float, wide: float, tall: float, metal: str, round_: bool) -> list[Part]:
    """One rail along x: outer tube, inner tube drawn out of it a little, rod, guides and pin."""
    wall = rng.uniform(0.7, 1.5) if metal == "al" else rng.uniform(0.35, 0.8)
    corner = 0.499 * min(wide, tall) if round_ else rng.uniform(1.0, 4.0)
    parts = tube_parts(length, wide, tall, wall, metal, corner=corner)
    inner = length * rng.uniform(0.82, 1.02)
    wide, tall = wide - 2 * wall - 1.6, tall - 2 * wall - 1.6
    stage = tube_parts(inner, wide, tall, wall, metal, corner=corner * 0.8)
    parts += moved(stage, x=(length - inner) / 2 - 3)
    if chance(rng, 0.6):
        rod = cylinder(rng.uniform(1.2, 2.2), inner * 0.9, segments=6).rotated("y", 90)
        parts.append(Part(rod.moved(x=length * 0.03), pick(rng, "fe", "fe", "pom")))
    block = box(rng.uniform(18, 34), wide * 0.92, tall * 0.85)
    parts.append(Part(block.moved(x=length / 2 - inner * 0.97), "pom"))
    pin = cylinder(2.4, wide, segments=7).rotated("x", 90)
    spring = tube(helix(2.6, 18, 5, steps_per_turn=5), 0.4, segments=3).rotated("y", 90)
    parts.append(
        Part(merge([pin.moved(x=length / 2 - inner * 0.95), spring.moved(x=length / 2 - inner * 0.9)]), "fe")
    )
    return parts


def telescopic_rails(rng: Rng, size: ArrayLike) -> list[Part]:
    """Telescopic handle along x, centred: one to four rails, mounts, cross plate, grip at the +x end.

    ``size`` (3,) is the room of the case in mm; the rails lie in the plane z = 0 of the result.
    """
    x, y, _ = np.asarray(size, dtype=np.float64)
    metal = pick(rng, "al", "fe")
    single = chance(rng, 0.06)
    wide = rng.uniform(34, 60) if single else rng.uniform(14, 38)  # real scans: mostly 25 to 38 mm
    tall = rng.uniform(8, 13) if not chance(rng, 0.15) else min(wide, 20.0)
    spread = y * (rng.uniform(0.2, 0.36) if chance(rng, 0.6) else rng.uniform(0.36, 0.6))
    lanes = [0.0] if single else [-spread / 2, spread / 2]
    if not single and chance(rng, 0.08):
        lanes = [-spread / 2, -spread / 2 + wide * 1.4, spread / 2 - wide * 1.4, spread / 2]
    length = x * rng.uniform(0.72, 0.97)
    start = (x - length) / 2 - rng.uniform(0, 8)
    stage = _stage(rng, length, wide, tall, metal, round_=chance(rng, 0.2))
    parts = [p for lane in lanes for p in moved(stage, x=start, y=lane)]
    if chance(rng, 0.45):
        cover = shell_parts(box(length * 0.98, wide + 14, tall + 7), 1.4, pick(rng, "pp", "abs", "absf"))
        parts += [p for lane in lanes for p in moved(cover, x=start, y=lane)]
    elif chance(rng, 0.5):
        plate = box(length * 0.97, max(lanes) - min(lanes) + wide + 30, rng.uniform(1.0, 2.0))
        parts.append(Part(plate.moved(x=start, z=-tall / 2 - 2), pick(rng, "pp", "abs", "talc_pp")))
    parts += _mounts(rng, lanes, start, length, wide, tall)
    parts += _grip(rng, lanes, start + length / 2, wide, tall, metal)
    return parts


def _mounts(
    rng: Rng, lanes: list[float], start: float, length: float, wide: float, tall: float
) -> list[Part]:
    """Holders at both ends of each rail, pairs of screws along it, perhaps a steel cross plate."""
    holder = shell_parts(box(rng.uniform(26, 48), wide + 8, tall + 6), 2.0, pick(rng, "pp", "abs", "nylon"))
    ends = [start - length / 2 + 18, start + length / 2 - 20]
    parts = [p for lane in lanes for x in ends for p in moved(holder, x=x, y=lane)]
    along = np.linspace(-0.46, 0.46, int(rng.integers(2, 6))) * length + start
    spots = [
        (x + rng.normal(0, 2), lane + s * (wide / 2 + 6), 0) for x in along for lane in lanes for s in (-1, 1)
    ]
    if chance(rng, 0.5):
        spots = spots[::2]
    parts.append(Part(screws(spots, rng.uniform(1.3, 2.1), rng.uniform(8, 15)), "fe"))
    if chance(rng, 0.2):
        plate = prism(rounded_rectangle(rng.uniform(50, 100), wide + rng.uniform(12, 30), 6, steps=2), 1.2)
        parts += [
            Part(plate.moved(ends[0] + 40, lane, -tall / 2 - 1), pick(rng, "fe", "al")) for lane in lanes
        ]
    return parts


def _grip(rng: Rng, lanes: list[float], end: float, wide: float, tall: float, metal: str) -> list[Part]:
    """Grip across the rails with its button and springs, sunk into a cup at the end of the case."""
    span = max(lanes) - min(lanes) + wide
    span = max(span, 90.0)
    material = pick(rng, "abs", "pp", "absf", "pvc")
    deep, thick = rng.uniform(20, 34), rng.uniform(13, 22)
    bar = prism(rounded_rectangle(deep, span * 1.06, deep * 0.4, steps=3), thick, bevel=3)
    x = end + rng.uniform(4, 16)
    parts = moved(shell_parts(bar, rng.uniform(2.2, 4), material), x=x)
    inner = box(5, span * 0.86, 5) if chance(rng, 0.5) else box(deep * 0.4, span * 0.8, 1.6)
    parts.append(Part(inner.moved(x=x - 3), pick(rng, metal, "fe", "al")))
    parts.append(Part(box(9, 30, 8).moved(x=x + deep * 0.2), "abs"))
    spring = tube(helix(2.4, 16, 4, steps_per_turn=5), 0.45, segments=3).rotated("x", 90)
    parts += [Part(spring.moved(x=x - 4, y=s * span * 0.18), "fe") for s in (-1, 1)]
    cup = prism(rounded_rectangle(rng.uniform(44, 70), span * 1.28, 16, steps=3), thick + 16)
    parts += moved(shell_parts(cup, rng.uniform(1.4, 2.4), pick(rng, "abs", "pp", "absf")), x=end - 6)
    spots = [(end + a, b * span * 0.6, 0) for a in (-24, 14) for b in (-1, -0.5, 0.5, 1)]
    parts.append(Part(screws(spots, 1.6, rng.uniform(9, 16)), "fe"))
    return parts


def carry_handle(rng: Rng) -> list[Part]:
    """Carrying handle on a side: along x, its back at y = 0, bowed towards +y."""
    long = rng.uniform(105, 190)
    style = pick(rng, "arch", "arch", "strip", "webbing", "bail")
    rise = rng.uniform(12, 34) if style != "strip" else rng.uniform(5, 12)
    nodes = [
        (-long / 2, 0, 0),
        (-long * 0.4, rise, 0),
        (0, rise * 1.08, 0),
        (long * 0.4, rise, 0),
        (long / 2, 0, 0),
    ]
    path = spline(nodes, 14)
    wide = rng.uniform(17, 30)
    if style == "bail":
        parts = [Part(tube(path, rng.uniform(5, 9), segments=8), pick(rng, "abs", "pvc", "absf"))]
    elif style == "webbing":
        parts = [Part(ribbon(path, wide, 3.0, across=(0, 0, 1)), "nylon", 1, 0.8)]
    else:
        parts = [
            Part(
                ribbon(path, wide, rng.uniform(6, 12), across=(0, 0, 1)),
                pick(rng, "pvc", "rubber", "pp", "absf"),
            )
        ]
    if chance(rng, 0.55):
        core = path * [0.97, 1, 1]
        parts.append(Part(ribbon(core, wide * 0.5, rng.uniform(0.5, 1.1), across=(0, 0, 1)), "fe"))
    foot = prism(rounded_rectangle(rng.uniform(20, 36), wide + 6, 5, steps=2), rng.uniform(5, 10)).rotated(
        "x", 90
    )
    spots = [(s * long / 2 + d, -3, 0) for s in (-1, 1) for d in (-7, 7)]
    metal = pick(rng, "abs", "absf", "zn", "abs")
    parts += [p for s in (-1, 1) for p in moved(shell_parts(foot, 1.6, metal), x=s * long / 2)]
    parts.append(Part(screws(spots, 1.8, rng.uniform(10, 17), "y"), "fe"))
    if chance(rng, 0.3):
        plate = box(long + 30, 1.2, wide * 0.8).moved(y=-7)
        parts.append(Part(plate, pick(rng, "fe", "pp", "al")))
    return parts
