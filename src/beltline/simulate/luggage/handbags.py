"""Handbags, and plastic or paper carrier bags."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._cloth import body, pocket, texture
from beltline.simulate.luggage._fittings import (
    chain,
    loop,
    screws,
    slide_adjuster,
    snap_hook,
    strap_path,
    webbing,
    zip_line,
)
from beltline.simulate.luggage._forms import (
    annulus,
    bent,
    evenly,
    offset,
    plan_outline,
    repeated,
    ribbon,
    shell_parts,
    soft_warp,
)
from beltline.simulate.luggage.boxes import maybe_tray
from beltline.simulate.luggage.container import Container
from beltline.simulate.shapes import (
    Array,
    box,
    cylinder,
    in_plane,
    merge,
    prism,
    rounded_rectangle,
    spline,
    tube,
)
from beltline.simulate.solids import Part, moved, turned

SIZES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "tote": ((300, 270, 90), (440, 360, 160)),
    "satchel": ((250, 180, 80), (360, 270, 150)),
    "crossbody": ((190, 140, 55), (290, 220, 100)),
    "clutch": ((200, 130, 45), (290, 180, 70)),
    "bucket": ((230, 220, 110), (320, 290, 180)),
}


def handbag(rng: Rng) -> Container:
    """Handbag on its side; its opening points to +y."""
    design = pick(rng, "tote", "tote", "satchel", "satchel", "crossbody", "clutch", "bucket")
    size = rng.uniform(*SIZES[design])
    metal = pick(rng, "zn", "zn", "brass", "fe")
    skin = pick(rng, "leather", "leather", "pvc", "cotton", "polyester", "coated_nylon")
    outline = plan_outline(size[0], size[1], rng.uniform(0.08, 0.3) * size[1], taper=0.0)
    outline[:, 0] *= 1 - rng.uniform(-0.12, 0.22) * (0.5 + outline[:, 1] / size[1])
    parts = body(rng, outline, size[2], rng.uniform(0.12, 0.35) * size[2], skin)
    parts += _opening(rng, size, design, metal)
    parts += _handles(rng, size, design, metal, skin)
    parts += _trim(rng, size, outline, metal, skin)
    parts = bent(parts, soft_warp(rng, size, rng.uniform(1, 14)))
    inner = size * [0.84, 0.84, 1.0] - [0, 0, rng.uniform(8, 16)]
    params = {"design": design, "size_mm": [round(float(v), 1) for v in size], "skin": skin, "metal": metal}
    return Container("handbag", tuple(parts), inner, params, maybe_tray(rng, size, parts, 0.3))


def _opening(rng: Rng, size: Array, design: str, metal: str) -> list[Part]:
    """Zip, magnetic clasp, metal frame or flap with a turn lock."""
    x, y, z = size
    top = y / 2 - rng.uniform(4, 18)
    if design == "clutch" and chance(rng, 0.6):
        frame = spline(
            [(-x * 0.46, y * 0.1, 0), (-x * 0.42, top, 0), (x * 0.42, top, 0), (x * 0.46, y * 0.1, 0)], 24
        )
        bars = merge(
            [tube(frame + np.array([0, 0, s * 4]), rng.uniform(1.8, 3), segments=6) for s in (-1, 1)]
        )
        kiss = merge([cylinder(5, 9, segments=10).moved(s * 6, top + 5, s * 2) for s in (-1, 1)])
        return [Part(bars, metal), Part(kiss, metal)]
    style = (
        "flap"
        if design in ("crossbody", "satchel") and chance(rng, 0.5)
        else pick(rng, "zip", "zip", "magnet")
    )
    if style == "zip":
        parts = zip_line(
            rng, [(-x * 0.42, top, 0), (x * 0.42, top, 0)], style=pick(rng, "metal", "metal", "coil"), pulls=1
        )
    elif style == "magnet":
        discs = [
            annulus(r, 2.0, h, segments=12).moved(0, top - 20, s * 3) for r, h, s in ((9, 2, -1), (9, 3, 1))
        ]
        parts = [
            Part(merge(discs), "fe"),
            Part(annulus(7, 2, 4, segments=12).moved(0, top - 20, 7), "ferrite"),
        ]
    else:
        flap = prism(rounded_rectangle(x * 0.96, y * 0.6, 20, steps=3), 2.4).moved(0, y * 0.2, z / 2 + 2)
        plate = prism(rounded_rectangle(rng.uniform(24, 42), rng.uniform(18, 30), 5, steps=2), 1.6)
        turn = merge([plate, cylinder(3, 10, segments=8), box(16, 5, 4).moved(z=5)]).moved(
            0, -y * 0.06, z / 2 + 4
        )
        parts = [Part(flap, "leather", 1, 0.9, texture(rng, "leather", 0.6, 40.0)), Part(turn, metal)]
    if chance(rng, 0.7):
        parts += zip_line(rng, [(-x * 0.3, y * 0.22, -z * 0.3), (x * 0.3, y * 0.22, -z * 0.3)], scale=0.6)
    return parts


def _handles(rng: Rng, size: Array, design: str, metal: str, skin: str) -> list[Part]:
    """Two handles, a long strap or a chain, with rings, hooks and rivets; often outside the body."""
    x, y, z = size
    parts: list[Part] = []
    if design in ("tote", "satchel", "bucket") or chance(rng, 0.3):
        rise, spread = y * rng.uniform(0.25, 0.75), x * rng.uniform(0.18, 0.3)
        thick, rounded = rng.uniform(3, 5.5), chance(rng, 0.5)
        for s in (-1, 1):
            lean = rng.normal(0, 30, 2)
            nodes = [
                (-spread, y * 0.36),
                (-spread * 0.95 + lean[0] / 2, y * 0.5 + rise * 0.6),
                (lean[0], y * 0.5 + rise + lean[1]),
                (spread * 0.95 + lean[0] / 2, y * 0.5 + rise * 0.6),
                (spread, y * 0.36),
            ]
            path = in_plane(spline(nodes, 22), s * z * 0.4)
            mesh = tube(path, thick, segments=7) if rounded else ribbon(path, thick * 4, 3.2)
            parts.append(Part(mesh, skin if skin != "polyester" else "leather", 1, 0.9))
            for end in (-1, 1):
                ring = loop(rng, 24, 20, rng.uniform(1.5, 2.4)).moved(end * spread, y * 0.36, s * z * 0.45)
                parts.append(Part(ring, metal))
            rivets = [(e * spread, y * 0.36 - d, s * z * 0.45) for e in (-1, 1) for d in (16, 26)]
            parts.append(Part(screws(rivets, 2.4, 5), metal))
    if design in ("crossbody", "clutch") or chance(rng, 0.4):
        parts += _long_strap(rng, size, metal)
    return parts


def _long_strap(rng: Rng, size: Array, metal: str) -> list[Part]:
    x, y, _ = size
    out = y * rng.uniform(0.6, 1.1)
    side = rng.choice([-1.0, 1.0])
    nodes = [
        (-x * 0.46, y * 0.4, 0),
        (-x * 0.5, out, 0),
        (side * x * 0.3, out * 1.1, 0),
        (x * 0.52, out * 0.9, 0),
        (x * 0.46, y * 0.4, 0),
    ]
    path = strap_path(rng, nodes, 25, 50)
    parts = chain(rng, path, metal) if chance(rng, 0.35) else [webbing(rng, path, rng.uniform(9, 34))]
    parts += moved(turned(slide_adjuster(rng, 24, metal=True), "z", rng.uniform(0, 180)), *path[16])
    for end in (0, -1):
        parts += moved(turned(snap_hook(rng), "z", rng.uniform(0, 360)), *path[end])
        parts.append(Part(loop(rng, 20, 18, 1.6, kind="d").moved(*path[end]), metal))
    return parts


def _trim(rng: Rng, size: Array, outline: Array, metal: str, skin: str) -> list[Part]:
    """Feet, studs, piping, logo plate, pockets, bottom board."""
    x, y, z = size
    parts: list[Part] = []
    if chance(rng, 0.5):
        feet = [(sx * x * 0.4, -y / 2 - 3, sz * z * 0.35) for sx in (-1, 1) for sz in (-1, 1)]
        parts.append(Part(screws(feet, 3.2, 7, "y"), metal))
    if chance(rng, 0.3):
        line, _ = evenly(in_plane(offset(outline, -rng.uniform(8, 22)), z / 2 + 1), rng.uniform(12, 26))
        stud = cylinder(rng.uniform(2.2, 4.5), 2.4, segments=8)
        parts.append(Part(repeated(stud, line[:60]), metal))
    if chance(rng, 0.6):
        radius = rng.uniform(1.2, 2.6)
        for s in (-1, 1):
            piping = tube(in_plane(outline * 0.99, s * z * 0.36), radius, segments=5, closed=True)
            parts.append(Part(piping, pick(rng, "pvc", "pe")))
    if chance(rng, 0.5):
        plate = prism(rounded_rectangle(rng.uniform(22, 60), rng.uniform(8, 26), 3, steps=2), 1.6)
        parts.append(Part(plate.moved(rng.normal(0, 20), y * rng.uniform(-0.1, 0.25), z / 2 + 3), metal))
    if chance(rng, 0.5):
        parts += moved(pocket(rng, y * 0.5, x * 0.6, 10, skin), z=z * 0.44) if y > x else []
        parts += moved(turned(pocket(rng, y * 0.5, x * 0.6, 10, skin), "z", 90), z=z * 0.44)
    parts.append(Part(box(x * 0.86, 2.2, z * 0.8).moved(y=-y / 2 + 6), pick(rng, "paper", "pe", "leather")))
    if chance(rng, 0.3):
        parts += moved(
            turned(chain(rng, [(0, 0, 0), (60, 8, 0)], metal), "z", rng.uniform(0, 360)), y=y * 0.3, z=z * 0.5
        )
    return parts


def _carrier_handles(rng: Rng, design: str, x: float, y: float, z: float, material: str) -> list[Part]:
    """Film loops, cords, or the welded patch with its hole."""
    parts: list[Part] = []
    end = x / 2
    for s in (-1, 1):
        if design == "vest":
            for side in (-1, 1):
                rise, lean = end + rng.uniform(60, 110), side * y * 0.3 + rng.normal(0, 20)
                nodes = [
                    (end - 10, side * y * 0.42, s * 4),
                    (rise - 20, lean + side * 38, s * 6),
                    (rise, lean, s * 6),
                    (rise - 20, lean - side * 38, s * 6),
                    (end - 10, side * y * 0.18, s * 4),
                ]
                parts.append(Part(ribbon(spline(nodes, 22), 26, 0.5), material, 1, 0.6))
        elif design == "paper":
            cord = spline(
                [
                    (end - 30, -50, s * z / 2),
                    (end + 55, -40, s * z / 2),
                    (end + 55, 40, s * z / 2),
                    (end - 30, 50, s * z / 2),
                ],
                16,
            )
            parts.append(Part(tube(cord, 2.2, segments=5), pick(rng, "paper", "cotton", "polyester"), 1, 0.7))
        else:
            parts.append(Part(box(50, 110, 0.5).moved(end - 30, 0, s * z / 2), material))
    return parts


def plastic_bag(rng: Rng) -> Container:
    """Carrier bag of film or paper: creased sheets, handles, hardly more than an outline."""
    design = pick(rng, "vest", "patch", "paper")
    size = rng.uniform((300, 250, 60), (460, 380, 160))
    x, y, z = (float(v) for v in size)
    material = "paper" if design == "paper" else "pe"
    outline = rounded_rectangle(x, y, 12, steps=3)
    if design != "paper":
        angle = np.arctan2(*outline.T)[:, None]
        outline = outline * (1 + 0.03 * np.sin(rng.uniform(1, 3) * angle + rng.uniform(0, 6)))
    film = rng.uniform(0.12, 0.3)
    parts = shell_parts(prism(outline, z), film, material)
    for s in (-1, 1):
        creased = prism(outline, rng.uniform(0.4, 1.2))
        sheet = creased.moved(z=s * (z / 2 - 1))
        parts.append(Part(sheet, material, 1, rng.uniform(0.4, 0.8), texture(rng, "crumple", 1.0, 50.0)))
    parts += _carrier_handles(rng, design, x, y, z, material)
    parts = bent(parts, soft_warp(rng, size, rng.uniform(6, 22)))
    inner = size * [0.9, 0.88, 1.0] - [0, 0, 4]
    params = {"design": design, "size_mm": [round(v, 1) for v in (x, y, z)]}
    return Container("plastic_bag", tuple(parts), inner, params, maybe_tray(rng, size, parts, 0.35))
