"""Backpacks: day packs, laptop packs, hiking packs, small and children's packs."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._cloth import body, foam_sheet, mesh_pocket, pocket
from beltline.simulate.luggage._fittings import (
    loop,
    side_release,
    slide_adjuster,
    snap_hook,
    strap_path,
    webbing,
    zip_line,
)
from beltline.simulate.luggage._forms import annulus, bent, plan_outline, repeated, ribbon, soft_warp
from beltline.simulate.luggage.boxes import maybe_tray
from beltline.simulate.luggage.container import Container
from beltline.simulate.shapes import Array, box, cylinder, in_plane, prism, rounded_rectangle, spline, tube
from beltline.simulate.solids import Part, moved, turned

SIZES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "day": ((400, 270, 130), (480, 330, 200)),
    "laptop": ((430, 290, 130), (500, 340, 210)),
    "hiking": ((480, 270, 170), (620, 340, 260)),
    "small": ((260, 210, 90), (360, 270, 150)),
    "roll": ((420, 270, 120), (540, 330, 190)),
}


def backpack(rng: Rng) -> Container:
    """Backpack of one of several layouts, lying on its straps."""
    design = pick(rng, "day", "day", "laptop", "laptop", "hiking", "small", "roll")
    size = rng.uniform(*SIZES[design])
    cloth = pick(rng, "coated_nylon", "polyester", "nylon", "polyester", "cotton", "leather")
    corner = rng.uniform(0.15, 0.45) * size[1]
    outline = plan_outline(size[0], size[1], corner, taper=rng.uniform(0, 0.22))
    parts = body(rng, outline, size[2], rng.uniform(0.2, 0.4) * size[2], cloth)
    parts += _back(rng, size, design)
    parts += _closure(rng, outline, size, design)
    parts += _front(rng, size, cloth, design)
    parts += _sides(rng, size)
    warp = soft_warp(rng, size, rng.uniform(4, 20))
    parts = bent(parts, warp)
    parts += [*_shoulder_straps(rng, size), *_belts(rng, size, design)]
    low, high = rng.uniform(6, 12), rng.uniform(2, 8)
    inner = size * [0.88, 0.84, 1.0] - [0, 0, low + high]
    parts = moved(parts, z=(high - low) / 2)
    params = {"design": design, "size_mm": [round(float(v), 1) for v in size], "skin": cloth}
    return Container("backpack", tuple(parts), inner, params, maybe_tray(rng, size, parts, 0.2))


def _back(rng: Rng, size: Array, design: str) -> list[Part]:
    """Padded back, frame sheet or stays, laptop sleeve."""
    x, y, z = size
    bottom = -z / 2 + 2
    parts = moved([foam_sheet(rng, x * 0.86, y * 0.8, rng.uniform(6, 15))], z=bottom)
    if chance(rng, 0.4):
        sheet = prism(rounded_rectangle(x * 0.82, y * 0.7, 30, steps=3), rng.uniform(0.9, 1.8))
        parts.append(Part(sheet.moved(z=bottom + 3), pick(rng, "pe", "pp", "abs")))
    if design == "hiking" and chance(rng, 0.75):
        parts += _frame(rng, x, y, bottom)
    if design in ("day", "laptop") and chance(rng, 0.8):
        parts += moved([foam_sheet(rng, x * 0.7, y * 0.78, rng.uniform(4, 9))], x=-x * 0.06, z=bottom + 22)
        strap = ribbon([(x * 0.3, -12, bottom + 14), (x * 0.3, 14, bottom + 28)], 26, 2)
        parts.append(Part(strap, "nylon", 1, 0.8))
    return parts


def _frame(rng: Rng, x: float, y: float, bottom: float) -> list[Part]:
    """Internal frame: two flat stays or a bent wire hoop."""
    if chance(rng, 0.6):
        wide, metal = rng.uniform(10, 24), pick(rng, "al", "al", "fe", "pom")
        lean = rng.uniform(-0.06, 0.12) * y
        stays = []
        for s in (-1, 1):
            path = [(-x * 0.42, s * (0.18 * y - lean), bottom), (x * 0.42, s * (0.18 * y + lean), bottom)]
            stays.append(Part(ribbon(spline(path, 6), wide, rng.uniform(1.8, 3.2)), metal))
        return stays
    hoop = rounded_rectangle(x * 0.84, y * 0.72, 60, steps=4)
    return [
        Part(
            tube(in_plane(hoop, bottom), rng.uniform(1.8, 4), segments=6, closed=True), pick(rng, "fe", "al")
        )
    ]


def _closure(rng: Rng, outline: Array, size: Array, design: str) -> list[Part]:
    """Main opening: zip round the top, drawcord under a lid, or a rolled top."""
    x, y, z = size
    if design == "hiking":
        return _drawcord(rng, size)
    if design == "roll":
        rolls = rng.uniform(8, 16)
        roll = Part(
            prism(rounded_rectangle(rolls * 2, y * 0.86, rolls, steps=3), rolls * 1.6), "nylon", 1, 0.5
        )
        buckle = turned(side_release(rng, 24), "x", 90)
        return [*moved([roll], x=x / 2 - 4), *moved(buckle, x=x / 2 + 8, z=z * 0.3)]
    low = rng.uniform(-0.35, 0.25) * x
    upper = np.flatnonzero(outline[:, 0] > low)
    arc = outline[np.sort(upper)]
    order = np.argsort(np.arctan2(arc[:, 1], arc[:, 0] - low))
    parts = zip_line(rng, in_plane(arc[order], rng.uniform(0.0, 0.3) * z), tape=False, pulls=2)
    if chance(rng, 0.6):
        second = in_plane(arc[order], rng.uniform(-0.35, -0.15) * z)
        parts += zip_line(rng, second, tape=False, pulls=2, style="coil", scale=0.8)
    if chance(rng, 0.5):
        nodes = [(x * 0.1, -y * 0.3, z * 0.2), (x * 0.1, y * 0.3, z * 0.2)]
        parts += zip_line(rng, nodes, scale=0.6)
    return parts


def _drawcord(rng: Rng, size: Array) -> list[Part]:
    x, y, z = size
    around = rounded_rectangle(y * 0.8, z * 0.8, 0.3 * z, steps=4)
    cord = np.column_stack([np.full(len(around), x * 0.44), around]) + rng.normal(0, 3, (len(around), 3))
    parts = [Part(tube(spline(cord, 40, closed=True), 1.8, segments=5, closed=True), "polyester", 1, 0.9)]
    lock = cylinder(7, 20, segments=10).rotated("y", 90)
    spring = annulus(4, 2.6, 10, segments=10).rotated("y", 90)
    parts += moved([Part(lock, "pom"), Part(spring, "fe")], x=x * 0.46, z=z * 0.3)
    eyes = repeated(annulus(6, 3.2, 1.0, segments=10), cord[::3])
    parts.append(Part(eyes, pick(rng, "brass", "zn", "al")))
    lid = pocket(rng, y * 0.8, x * 0.36, rng.uniform(20, 45), "coated_nylon")
    parts += moved(turned(lid, "z", 90), x=x * 0.36, z=z * 0.42)
    for s in (-1, 1):
        parts += moved(side_release(rng, 22), x=x * 0.1, y=s * y * 0.25, z=z * 0.5)
        path = strap_path(
            rng,
            [
                (x * 0.45, s * y * 0.25, z * 0.5),
                (x * 0.1, s * y * 0.25, z * 0.52),
                (-x * 0.3, s * y * 0.25, z * 0.5),
            ],
            6,
        )
        parts.append(webbing(rng, path, 22))
    return parts


def _front(rng: Rng, size: Array, cloth: str, design: str) -> list[Part]:
    """Pockets on the front, daisy chain, logo plate, bungee."""
    x, y, z = size
    parts = moved(
        pocket(rng, x * rng.uniform(0.35, 0.6), y * rng.uniform(0.65, 0.85), rng.uniform(16, 45), cloth),
        x=-x * 0.16,
        z=z * 0.46,
    )
    if chance(rng, 0.55):
        parts += moved(
            pocket(rng, x * rng.uniform(0.15, 0.26), y * rng.uniform(0.45, 0.75), rng.uniform(8, 20), cloth),
            x=x * 0.26,
            z=z * 0.47,
        )
    if chance(rng, 0.3):
        for s in (-1, 1) if chance(rng, 0.5) else (0,):
            strip = [(-x * 0.35, s * y * 0.2, z * 0.55), (x * 0.3, s * y * 0.2, z * 0.55)]
            parts.append(webbing(rng, spline(strip, 10), 20))
    if chance(rng, 0.35):
        plate = prism(rounded_rectangle(rng.uniform(20, 50), rng.uniform(12, 40), 4, steps=2), 1.5)
        parts.append(Part(plate.moved(x * 0.1, 0, z * 0.56), pick(rng, "zn", "pvc", "leather", "al")))
    if design == "hiking" and chance(rng, 0.5):
        zigzag = [((-0.3 + 0.1 * k) * x, (1 if k % 2 else -1) * y * 0.2, z * 0.54) for k in range(7)]
        parts.append(Part(tube(spline(zigzag, 42), 2.0, segments=5), "rubber"))
    if chance(rng, 0.5):
        hook = turned(snap_hook(rng), "z", rng.uniform(0, 360))
        parts += moved(hook, x=-x * 0.1, z=z * 0.44)
    return parts


def _sides(rng: Rng, size: Array) -> list[Part]:
    """Side nets, compression straps, haul loop."""
    x, y, z = size
    parts: list[Part] = []
    for s in (-1, 1):
        if chance(rng, 0.8):
            net = turned(mesh_pocket(rng, x * rng.uniform(0.28, 0.4), z * 0.7), "x", 90)
            parts += moved(net, x=-x * 0.28, y=s * (y / 2 + 2))
        if chance(rng, 0.5):
            for lane in rng.uniform(-0.3, 0.35, int(rng.integers(1, 3))):
                parts += moved(
                    turned(slide_adjuster(rng, 18), "x", 90),
                    x=lane * x,
                    y=s * (y / 2 + 4),
                    z=rng.uniform(-0.2, 0.3) * z,
                )
    arch = spline(
        [
            (x * 0.46, -28, -z * 0.3),
            (x * 0.54, -16, -z * 0.3),
            (x * 0.54, 16, -z * 0.3),
            (x * 0.46, 28, -z * 0.3),
        ],
        12,
    )
    parts.append(webbing(rng, arch, rng.uniform(18, 30)))
    return parts


def _shoulder_straps(rng: Rng, size: Array) -> list[Part]:
    """Two padded straps with webbing tails, adjusters, perhaps a sternum strap."""
    x, y, z = size
    parts: list[Part] = []
    below, wide = -z / 2 - rng.uniform(8, 18), rng.uniform(48, 72)
    for s in (-1, 1):
        stray = rng.normal(0, 0.06, 2) * y
        nodes = [
            (x * 0.44, s * 0.12 * y),
            (x * 0.2, s * 0.28 * y + stray[0]),
            (-x * 0.08, s * 0.38 * y + stray[1]),
        ]
        plane = spline(nodes, 12)
        path = np.column_stack([plane, np.full(12, below)])
        pad = ribbon(path, wide, rng.uniform(7, 13))
        parts.append(Part(pad, "foam", 1, rng.uniform(0.07, 0.16)))
        parts.append(Part(ribbon(path, wide * 1.06, 1.6).moved(z=-6), "polyester", 1, 0.6))
        parts.append(webbing(rng, path - [0, 0, 8], rng.uniform(20, 28)))
        parts += moved(slide_adjuster(rng, 25), x=path[-1, 0] - 8, y=path[-1, 1], z=below)
        tail = [path[-1], (-x * 0.3, s * y * 0.46, below), (-x * 0.48, s * y * 0.44, -z * 0.3)]
        parts.append(webbing(rng, strap_path(rng, tail, 12), 24))
        if chance(rng, 0.7):  # the loose end, often outside the bag
            out = s * y * rng.uniform(0.5, 0.75)
            loose = [
                path[-1],
                (-x * 0.3, out, below + 10),
                (-x * rng.uniform(0.3, 0.65), out * rng.uniform(0.8, 1.2), below + 20),
            ]
            parts.append(webbing(rng, strap_path(rng, loose, 25), 24))
        ring = loop(rng, 14, 24, 1.6, kind="d").moved(path[5, 0], path[5, 1], below - 8)
        parts.append(Part(ring, pick(rng, "pom", "zn")))
    if chance(rng, 0.4):
        parts += moved(turned(side_release(rng, 18), "z", 90), x=x * 0.14, z=below - 6)
        strap = [(x * 0.14, -y * 0.3, below - 6), (x * 0.14, y * 0.3, below - 6)]
        parts.append(webbing(rng, spline(strap, 6), 17))
    return parts


def _belts(rng: Rng, size: Array, design: str) -> list[Part]:
    """Hip belt of hiking packs, some strap on others."""
    x, y, z = size
    if design != "hiking" and not chance(rng, 0.15):
        return []
    parts: list[Part] = []
    for s in (-1, 1):
        nodes = [
            (-x * 0.4, 0, -z / 2 - 6),
            (-x * 0.38, s * y * 0.5, -z * 0.4),
            (-x * 0.3, s * y * 0.72, rng.uniform(-0.3, 0.2) * z),
        ]
        path = strap_path(rng, nodes, 15, 16)
        parts.append(Part(ribbon(path[:10], rng.uniform(50, 90), 10), "foam", 1, 0.1))
        parts.append(webbing(rng, path, 36))
        parts += moved(turned(side_release(rng, 36), "z", 90 + rng.normal(0, 25)), *path[-1])
    parts.append(Part(box(30, 60, 4).moved(-x * 0.4, 0, -z / 2 - 8), "pe"))
    return parts
