"""Briefcases, laptop bags and duffels."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._cloth import body, foam_sheet, mesh_pocket, pocket, texture
from beltline.simulate.luggage._fittings import (
    combination_lock,
    draw_latch,
    loop,
    screws,
    side_release,
    slide_adjuster,
    snap_hook,
    strap_path,
    webbing,
    zip_line,
)
from beltline.simulate.luggage._forms import (
    band,
    bent,
    case_mesh,
    offset,
    plan_outline,
    repeated,
    ribbon,
    shell_parts,
    soft_warp,
)
from beltline.simulate.luggage._running import carry_handle, inline_wheel, telescopic_rails
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


def briefcase(rng: Rng) -> Container:
    """Hard attaché or soft document and laptop bag; its handle points to +y."""
    return _attache(rng) if chance(rng, 0.4) else _laptop_bag(rng)


def _attache(rng: Rng) -> Container:
    """Framed case: skins of plastic, aluminium or board under leather, latches, locks, hinges, folder."""
    size = rng.uniform((400, 290, 75), (480, 350, 150))
    x, y, z = (float(v) for v in size)
    skin = pick(rng, "abs", "al", "leather", "absf", "wood")
    wall = rng.uniform(0.8, 1.2) if skin == "al" else rng.uniform(2, 4)
    parts = shell_parts(case_mesh(size, rng.uniform(10, 40), rng.uniform(6, 0.2 * z)), wall, skin)
    outline = plan_outline(x - 1, y - 1, 22)
    split = rng.uniform(-0.1, 0.25) * z
    metal = pick(rng, "al", "al", "fe", "zn")
    high, deep = rng.uniform(8, 16), rng.uniform(1.2, 2.4)
    parts += [Part(band(outline, split + s * (high / 2 + 0.4), high, deep), metal) for s in (-1, 1)]
    parts += [Part(band(offset(outline, -deep), split + s * (high - 1), 1.6, 9), metal) for s in (-1, 1)]
    for s in (-1, 1):
        latch = pick(rng, "draw", "lock")
        made = draw_latch(rng) if latch == "draw" else combination_lock(rng)
        parts += moved(turned(made, "x", 90), x=s * x * rng.uniform(0.28, 0.36), y=y / 2 - 2, z=split)
    hinge = merge([cylinder(2.5, 36, segments=8).rotated("y", 90), box(36, 1.2, 28)])
    spots = [(k * x, -y / 2, split) for k in (-0.32, 0.32)] + (
        [(0, -y / 2, split)] if chance(rng, 0.3) else []
    )
    parts.append(Part(repeated(hinge, spots), pick(rng, "fe", "brass", "al")))
    parts += moved(carry_handle(rng), y=y / 2, z=split - 8)
    stays = [
        tube([(s * x * 0.46, -y * 0.1, split - 20), (s * x * 0.46, y * 0.2, split + 20)], 1.8, segments=6)
        for s in (-1, 1)
    ]
    parts.append(Part(merge(stays), pick(rng, "fe", "brass")))
    corners = [
        (sx * x * 0.485, sy * y * 0.48, sz * z * 0.44) for sx in (-1, 1) for sy in (-1, 1) for sz in (-1, 1)
    ]
    parts.append(
        Part(repeated(cylinder(rng.uniform(6, 14), 3, segments=10), corners), pick(rng, "zn", "abs", "fe"))
    )
    folder = Part(
        box(x * 0.92, y * 0.8, rng.uniform(2, 5)),
        pick(rng, "leather", "paper"),
        1,
        0.6,
        texture(rng, "leather", 0.5, 60),
    )
    parts += moved([folder], z=z / 2 - 8)
    parts.append(Part(screws([(k * x, 0, z / 2 - 6) for k in (-0.4, -0.2, 0.2, 0.4)], 1.5, 6), "fe"))
    inner = size - [20.0, 20.0, 2 * wall + 12]
    params = {"design": "attache", "size_mm": [round(v, 1) for v in (x, y, z)], "skin": skin}
    return Container("briefcase", tuple(parts), inner, params, maybe_tray(rng, size, parts, 0.25))


def _laptop_bag(rng: Rng) -> Container:
    """Soft bag with padded sleeve, pockets, handles and a shoulder strap."""
    size = rng.uniform((370, 270, 60), (460, 340, 130))
    x, y, z = (float(v) for v in size)
    skin = pick(rng, "coated_nylon", "polyester", "leather", "nylon")
    outline = plan_outline(x, y, rng.uniform(14, 50))
    parts = body(rng, outline, z, 0.3 * z, skin)
    for level in (-0.38, rng.uniform(-0.1, 0.1)):
        parts += moved([foam_sheet(rng, x * 0.9, y * 0.88, rng.uniform(4, 9))], z=level * z)
    upper = np.array([(-x * 0.48, y * 0.1), (-x * 0.46, y * 0.46), (x * 0.46, y * 0.46), (x * 0.48, y * 0.1)])
    for level in rng.uniform(-0.3, 0.35, int(rng.integers(1, 3))):
        parts += zip_line(rng, in_plane(spline(upper, 24), float(level) * z), tape=False, pulls=2)
    front = turned(
        pocket(rng, y * rng.uniform(0.5, 0.75), x * rng.uniform(0.7, 0.9), rng.uniform(8, 24), skin), "z", 90
    )
    parts += moved(front, y=-y * 0.08, z=z * 0.45)
    if chance(rng, 0.5):
        flap_buckles = [
            moved(turned(side_release(rng, 26), "z", 90), x=s * x * 0.25, y=-y * 0.1, z=z * 0.55)
            for s in (-1, 1)
        ]
        parts += [p for made in flap_buckles for p in made]
    for s in (-1, 1):
        nodes = [
            (-x * 0.2, y * 0.3),
            (-x * 0.16, y * 0.5 + 30),
            (rng.normal(0, 15), y * 0.5 + rng.uniform(40, 80)),
            (x * 0.16, y * 0.5 + 30),
            (x * 0.2, y * 0.3),
        ]
        parts.append(webbing(rng, in_plane(spline(nodes, 18), s * z * 0.4), rng.uniform(22, 34)))
    parts = bent(parts, soft_warp(rng, size, rng.uniform(1, 8)))
    if chance(rng, 0.75):
        parts += shoulder_strap(rng, size, rng.uniform(28, 42))
    inner = size * [0.9, 0.88, 1.0] - [0, 0, 14]
    params = {"design": "laptop_bag", "size_mm": [round(v, 1) for v in (x, y, z)], "skin": skin}
    return Container("briefcase", tuple(parts), inner, params, maybe_tray(rng, size, parts, 0.25))


def shoulder_strap(rng: Rng, size: Array, width: float) -> list[Part]:
    """Removable strap, thrown over or beside the bag: webbing, pad, slide, hooks, D-rings."""
    x, y, z = size
    out, side = rng.uniform(0.05, 0.55) * y, rng.choice([-1.0, 1.0])
    level = z * 0.5 + 6
    nodes = [
        (-x * 0.48, y * 0.34, 0),
        (-x * rng.uniform(0.3, 0.6), side * out, level),
        (rng.normal(0, 0.1) * x, side * out * 1.2, level + 4),
    ]
    nodes += [(x * rng.uniform(0.3, 0.6), side * out * 0.7, level), (x * 0.48, y * 0.34, 0)]
    path = strap_path(rng, nodes, 22, 44)
    parts = [webbing(rng, path, width)]
    middle = path[17:27]
    pad = ribbon(middle, width * 1.6, rng.uniform(6, 10))
    parts.append(Part(pad, pick(rng, "foam", "rubber", "leather"), 1, rng.uniform(0.1, 0.4)))
    parts += moved(turned(slide_adjuster(rng, width), "z", rng.uniform(0, 180)), *path[12])
    for end in (0, -1):
        parts += moved(turned(snap_hook(rng), "z", rng.uniform(0, 360)), *path[end])
        ring = loop(rng, 18, width, rng.uniform(1.6, 2.4), kind="d").moved(*path[end])
        parts.append(Part(ring, pick(rng, "zn", "fe", "pom")))
    return parts


def duffel(rng: Rng) -> Container:
    """Sports or travel bag; some have rails and two wheels."""
    size = rng.uniform((420, 240, 190), (620, 330, 290))
    x, y, z = (float(v) for v in size)
    skin = pick(rng, "coated_nylon", "polyester", "nylon", "pvc", "cotton", "leather")
    outline = plan_outline(x, y, rng.uniform(0.12, 0.42) * y, taper=0.0)
    parts = body(rng, outline, z, rng.uniform(0.25, 0.45) * min(y, z), skin)
    parts += _grips(rng, size) + _duffel_trim(rng, size, skin)
    parts = bent(parts, soft_warp(rng, size, rng.uniform(5, 24)))
    rolling = chance(rng, 0.2)
    if rolling:
        parts += moved(telescopic_rails(rng, size - 20), z=-z / 2 + 12)
        seed = int(rng.integers(2**31))
        parts += [
            p
            for s in (-1, 1)
            for p in moved(inline_wheel(rng, seed), x=-x / 2 + 10, y=s * y * 0.38, z=-z / 2 + 14)
        ]
    if chance(rng, 0.7):
        parts += shoulder_strap(rng, size, rng.uniform(34, 50))
    low = 22.0 if rolling else 8.0
    inner = size * [0.86, 0.84, 0.96] - [0, 0, low]
    params = {"size_mm": [round(v, 1) for v in (x, y, z)], "skin": skin, "rolling": rolling}
    return Container(
        "duffel", tuple(moved(parts, z=-low / 2)), inner, params, maybe_tray(rng, size, parts, 0.08)
    )


def _duffel_trim(rng: Rng, size: Array, skin: str) -> list[Part]:
    """Zip along the top, end and side pockets, rings, bottom board, feet."""
    x, y, z = (float(v) for v in size)
    lane = rng.normal(0, 0.06) * y
    parts = zip_line(rng, [(-x * 0.44, lane, z / 2), (x * 0.44, lane, z / 2)], pulls=2)
    for end in (-1, 1):
        if chance(rng, 0.6):
            made = turned(pocket(rng, z * 0.6, y * 0.6, rng.uniform(10, 30), skin), "y", 90)
            parts += moved(made, x=end * (x / 2 - 4))
        ring = loop(rng, 20, 34, rng.uniform(1.6, 2.6), kind="d").moved(end * (x / 2 - 10), 0, z * 0.3)
        parts.append(Part(ring, pick(rng, "zn", "fe", "pom", "brass")))
    if chance(rng, 0.5):
        front = turned(pocket(rng, z * 0.5, x * rng.uniform(0.4, 0.7), rng.uniform(8, 25), skin), "z", 90)
        parts += moved(turned(front, "x", 90), y=-y / 2)
    if chance(rng, 0.25):
        parts += moved(turned(mesh_pocket(rng, x * 0.3, z * 0.5), "x", 90), y=y / 2)
    board = box(x * 0.9, y * 0.86, rng.uniform(1.5, 3)).moved(z=-z / 2 + 4)
    parts.append(Part(board, pick(rng, "pe", "paper", "pp")))
    feet = screws(
        [(sx * x * 0.42, sy * y * 0.38, -z / 2 - 3) for sx in (-1, 1) for sy in (-1, 1)], rng.uniform(3, 6), 9
    )
    parts.append(Part(feet, pick(rng, "pp", "rubber", "zn")))
    return parts


def _grips(rng: Rng, size: Array) -> list[Part]:
    """Two webbing loops round the body that meet above it in a wrapped grip."""
    x, y, z = size
    lane, width = x * rng.uniform(0.16, 0.24), rng.uniform(30, 44)
    parts: list[Part] = []
    for s in (-1, 1):
        top = (rng.normal(0, 20), s * rng.uniform(-0.3, 0.6) * y)
        nodes = [
            (-lane, s * y * 0.5, -z * 0.3),
            (-lane, s * y * 0.48, z * 0.2),
            (-lane * 0.8, s * y * 0.35, z * 0.5),
            (top[0], top[1], z * 0.5 + 12),
        ]
        nodes += [
            (lane * 0.8, s * y * 0.35, z * 0.5),
            (lane, s * y * 0.48, z * 0.2),
            (lane, s * y * 0.5, -z * 0.3),
        ]
        path = strap_path(rng, nodes, 6, 40)
        parts.append(webbing(rng, path, width))
        rivets = [(e * lane, s * y * 0.45, z * 0.4) for e in (-1, 1)]
        parts.append(Part(screws(rivets, 2.6, 6), pick(rng, "zn", "brass", "fe")))
    if chance(rng, 0.5):
        wrap = prism(rounded_rectangle(110, 60, 10, steps=2), 8).moved(z=z * 0.5 + 14)
        parts.append(Part(wrap, pick(rng, "nylon", "leather", "foam"), 1, 0.5))
        snaps = [(sx * 40, sy * 22, z * 0.5 + 20) for sx in (-1, 1) for sy in (-1, 1)]
        parts.append(Part(repeated(cylinder(5.5, 3, segments=10), snaps), pick(rng, "brass", "fe")))
    return parts
