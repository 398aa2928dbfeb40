"""Small hardware of bags: zips, pulls, buckles, rings, hooks, screws, studs, chains, locks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._forms import annulus, block, evenly, repeated, ribbon, shell_parts
from beltline.simulate.shapes import (
    Array,
    Axis,
    Mesh,
    box,
    cylinder,
    helix,
    merge,
    prism,
    revolve,
    rounded_rectangle,
    spline,
    tube,
)
from beltline.simulate.solids import Part, moved, turned

METALS = ("zn", "zn", "fe", "brass", "al")
MAX_TEETH = 190


def loop(rng: Rng, x: float, y: float, wire: float, *, kind: str = "") -> Mesh:
    """Closed wire loop in the xy plane, about x by y mm: rectangular, oval or D-shaped ring."""
    kind = kind or pick(rng, "rectangle", "oval", "d")
    small = min(x, y)
    wire = min(wire, 0.3 * small)
    if kind == "rectangle":
        outline = rounded_rectangle(x, y, max(0.15 * small, 1.3 * wire), steps=2)
    else:
        outline = rounded_rectangle(x, y, 0.499 * small, steps=4)
        if kind == "d":
            outline[:, 0] = np.maximum(outline[:, 0], -0.3 * x)
    return tube(np.column_stack([outline, np.zeros(len(outline))]), wire, segments=5, closed=True)


def screws(spots: ArrayLike, radius: float, length: float, axis: Axis = "z") -> Mesh:
    """Screws or rivets (shank and head) at places (N, 3), along a coordinate axis."""
    profile = [
        (radius, -length / 2),
        (radius * 0.8, length / 2 - radius),
        (radius * 1.9, length / 2),
        (0.3, length / 2),
    ]
    one = revolve(profile, segments=7)
    if axis != "z":
        one = one.rotated("y" if axis == "x" else "x", 90)
    return repeated(one, spots)


def slider(rng: Rng, metal: str, *, scale: float = 1.0) -> list[Part]:
    """Zip slider with its pull tab, along x: body, bridge, and a plate, ring, cord or rubber tab."""
    body = prism([(-4, -2.2), (4, -4.5), (5, 0), (4, 4.5), (-4, 2.2)], 3.2).scaled(scale)
    parts = [Part(body, metal), Part(box(5 * scale, 1.5 * scale, 2.5).moved(z=2.6 * scale), metal)]
    long, wide = scale * rng.uniform(14, 34), scale * rng.uniform(4, 9)
    style = pick(rng, "plate", "plate", "holed", "loop", "cord", "rubber")
    if style == "loop":
        tab = [Part(loop(rng, long, wide, rng.uniform(0.7, 1.2)).moved(x=long / 2), metal)]
    elif style == "cord":
        cord = spline([(0, 0, 0), (long, wide * rng.uniform(-1, 1), 0), (long * 1.7, wide, 0)], 8)
        tab = [Part(tube(cord, 1.4, segments=5), "polyester", 1, 0.9)]
    elif style == "rubber":
        tab = [Part(prism(rounded_rectangle(long, wide, 2, steps=2), 3).moved(x=long / 2), "pvc")]
    elif style == "holed":
        frame = loop(rng, long * 0.75, wide, rng.uniform(0.8, 1.1), kind="oval").moved(x=long * 0.4)
        tab = [Part(frame, metal), Part(box(long * 0.5, wide * 0.8, 1.6).moved(x=long * 0.95), metal)]
    else:
        outline = rounded_rectangle(long, wide, wide * rng.uniform(0.1, 0.45), steps=3)
        tab = [Part(prism(outline, rng.uniform(1.2, 2.0)).moved(x=long / 2), metal)]
    hang = rng.normal(0, 50)
    return [*parts, *moved(turned(tab, "z", hang), z=2.5 * scale)]


def zip_line(
    rng: Rng,
    path: ArrayLike,
    *,
    style: str = "",
    pulls: int = 1,
    tape: bool = True,
    scale: float = 1.0,
) -> list[Part]:
    """A zip along a path (N, 3): teeth or coil, cloth tapes, sliders with pulls.

    Args:
        rng: Source of chance.
        path: Its course, mm.
        style: "metal", "moulded" or "coil"; drawn when empty.
        pulls: Number of sliders.
        tape: Whether the cloth tapes are drawn (flat in the xy plane).
        scale: Size of teeth and sliders, 1 is a number 8 zip.
    """
    path = np.asarray(path, dtype=np.float64)
    style = style or pick(rng, "coil", "moulded", "metal", "metal")
    metal = pick(rng, *METALS)
    points, yaw = evenly(path, 1.0)
    if style == "coil":
        thinned = points[:: max(len(points) // 36, 1)]
        parts = [Part(tube(thinned, 1.9 * scale, segments=4), pick(rng, "nylon", "coated_nylon"), 1, 1.1)]
    else:
        most = MAX_TEETH if scale > 0.75 else MAX_TEETH // 2
        pitch = max(rng.uniform(2.8, 3.8) * scale, len(points) / most)
        spots, turn = evenly(path, pitch)
        tooth = block(0.52 * pitch, rng.uniform(3.5, 5) * scale, rng.uniform(1.5, 2.4) * scale)
        parts = [Part(repeated(tooth, spots, turn), metal if style == "metal" else "pom")]
    if tape:
        thinned = points[:: max(len(points) // 24, 1)]
        parts.append(Part(ribbon(thinned, 26 * scale, 0.7), "polyester", 1, 0.6))
    for _ in range(pulls):
        k = int(rng.integers(len(points)))
        made = turned(slider(rng, metal, scale=scale), "z", float(yaw[k]))
        parts += moved(made, *points[k])
    return parts


def side_release(rng: Rng, width: float) -> list[Part]:
    """Plastic side-release buckle for webbing of a width, along x."""
    long, thick = width * rng.uniform(1.3, 1.9), rng.uniform(8, 13)
    material = pick(rng, "pom", "nylon", "pom", "abs")
    frame = loop(rng, long * 0.45, width * 1.05, 2.2, kind="rectangle")
    body = shell_parts(box(long * 0.55, width * 1.15, thick), 2.4, material)
    prongs = [box(long * 0.5, 3, 4).moved(x=long * 0.3, y=side * width * 0.36) for side in (-1, 1)]
    male = [frame.moved(x=long * 0.75), *prongs]
    bar = box(3, width * 1.1, 4).moved(x=-long * 0.38)
    return [*body, Part(merge([*male, bar]), material)]


def slide_adjuster(rng: Rng, width: float, *, metal: bool | None = None) -> list[Part]:
    """Three-bar slide or ladder lock for webbing of a width."""
    metal = chance(rng, 0.4) if metal is None else metal
    wire = rng.uniform(1.3, 1.9) if metal else rng.uniform(1.8, 2.8)
    long = rng.uniform(18, 30)
    frame = loop(rng, long, width * 1.08, wire, kind="rectangle")
    bar = tube([(0, -width * 0.52, 0), (0, width * 0.52, 0)], wire, segments=6)
    return [Part(merge([frame, bar]), pick(rng, "fe", "zn") if metal else "pom")]


def snap_hook(rng: Rng) -> list[Part]:
    """Swivel snap hook, along x."""
    metal, size = pick(rng, "zn", "zn", "brass", "fe"), rng.uniform(0.75, 1.3)
    hook = spline([(0, 0, 0), (14, -9, 0), (30, -7, 0), (34, 4, 0), (24, 9, 0), (10, 7, 0)], 16) * size
    gate = tube(np.array([(26.0, 9, 0), (8, 7, 0)]) * size, 1.7 * size, segments=6)
    swivel = cylinder(4.5 * size, 9 * size, segments=10).rotated("y", 90).moved(x=-4 * size)
    ring = loop(rng, 12 * size, 22 * size, 1.7 * size, kind="d").moved(x=-15 * size)
    return [Part(merge([tube(hook, 2.3 * size, segments=7), gate, swivel, ring]), metal)]


def chain(rng: Rng, path: ArrayLike, metal: str) -> list[Part]:
    """Chain of oval links along a path (N, 3), every second one on edge."""
    long, wire = rng.uniform(7, 13), rng.uniform(0.8, 1.5)
    spots, yaw = evenly(path, long * 0.78)
    spots, yaw = spots[:90], yaw[:90]
    outline = rounded_rectangle(long, long * 0.62, 0.3 * long, steps=1)
    wire = min(wire, 0.14 * long)
    link = tube(np.column_stack([outline, np.zeros(8)]), wire, segments=4, closed=True)
    flat = repeated(link, spots[::2], yaw[::2])
    return [Part(flat, metal), Part(repeated(link.rotated("x", 90), spots[1::2], yaw[1::2]), metal)]


def webbing(rng: Rng, path: ArrayLike, width: float, *, up: ArrayLike = (0.0, 0.0, 1.0)) -> Part:
    """Woven strap along a path."""
    return Part(ribbon(path, width, rng.uniform(1.6, 2.8), up), pick(rng, "nylon", "polyester", "pp"), 1, 0.9)


def strap_path(rng: Rng, points: Sequence[Sequence[float]], slack: float, samples: int = 24) -> Array:
    """Smooth course through points (N, 3) that strays by about ``slack`` mm between its ends."""
    nodes = np.asarray(points, dtype=np.float64)
    stray = rng.normal(0, slack, nodes.shape) * [1, 1, 0.3]
    stray[[0, -1]] = 0
    return spline(nodes + stray, samples)


def combination_lock(rng: Rng) -> list[Part]:
    """Recessed dial lock with keyhole, as on zipped and framed cases; long side along x."""
    long, wide, tall = rng.uniform(34, 60), rng.uniform(15, 24), rng.uniform(9, 14)
    parts = shell_parts(box(long, wide, tall), rng.uniform(1.2, 2), pick(rng, "absf", "zn", "abs"))
    dials = [(x, 0.0, 0.0) for x in np.linspace(-0.3, 0.1, 3) * long]
    wheel = annulus(tall * 0.42, 2.2, 3.6, segments=10).rotated("y", 90)
    parts.append(Part(repeated(wheel, dials), "pom"))
    parts.append(Part(cylinder(1.6, long * 0.6, segments=7).rotated("y", 90).moved(x=-0.1 * long), "fe"))
    parts.append(Part(cylinder(3.6, tall * 0.8, segments=10).moved(x=0.34 * long), pick(rng, "brass", "zn")))
    spring = helix(1.8, 11, 6, steps_per_turn=6)
    parts.append(
        Part(tube(spring, 0.35, segments=4).rotated("y", 90).moved(0.15 * long, wide * 0.25, 0), "fe")
    )
    return parts


def draw_latch(rng: Rng) -> list[Part]:
    """Over-centre latch of a framed case: base plate, lever, hook, spring, rivets; long side along x."""
    long, wide = rng.uniform(38, 64), rng.uniform(18, 28)
    metal = pick(rng, "fe", "zn", "fe", "ss")
    plate = prism(rounded_rectangle(long, wide, 3, steps=2), rng.uniform(0.9, 1.5)).moved(z=-4)
    lever = prism(rounded_rectangle(long * 0.55, wide * 0.7, 4, steps=2), 1.4).moved(x=long * 0.12, z=3)
    hook = loop(rng, long * 0.5, wide * 0.5, 1.3, kind="rectangle").moved(x=-long * 0.2)
    rivets = screws([(sx * long * 0.42, sy * wide * 0.36, -4) for sx in (-1, 1) for sy in (-1, 1)], 1.6, 6)
    spring = tube(helix(2.2, wide * 0.6, 6, steps_per_turn=6), 0.45, segments=4).rotated("x", 90)
    return [Part(merge([plate, lever, hook, rivets, spring]), metal)]


def luggage_tag(rng: Rng) -> list[Part]:
    """Name tag with its strap and small buckle."""
    long, wide = rng.uniform(60, 105), rng.uniform(35, 60)
    card = prism(rounded_rectangle(long, wide, 6, steps=2), rng.uniform(1.2, 3))
    strap = loop(rng, 60, 18, 1.6, kind="oval").moved(x=long / 2 + 26)
    pin = loop(rng, 9, 13, 0.9, kind="rectangle").moved(x=long / 2 + 40, z=2)
    return [Part(card, pick(rng, "pvc", "leather", "paper")), Part(strap, "leather"), Part(pin, "fe")]
