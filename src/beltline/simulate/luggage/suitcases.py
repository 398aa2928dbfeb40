"""Hard and soft trolley cases."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._fittings import (
    combination_lock,
    draw_latch,
    luggage_tag,
    screws,
    slider,
    zip_line,
)
from beltline.simulate.luggage._forms import (
    band,
    bent,
    case_mesh,
    evenly,
    offset,
    plan_outline,
    repeated,
    ribbon,
    shell_parts,
    soft_warp,
)
from beltline.simulate.luggage._running import telescopic_rails
from beltline.simulate.luggage._trolley import draw_size, handles, inside, loose_screws, packed, wheels
from beltline.simulate.luggage.container import Container
from beltline.simulate.shapes import Array, box, cylinder, in_plane, merge, rounded_rectangle, tube
from beltline.simulate.solids import Part, Texture, moved, turned


def _rim(rng: Rng, size: Array, corner: float, z: float) -> tuple[list[Part], str]:
    """Where the two halves meet: zip with tapes and plastic rims, or an aluminium frame."""
    outline = plan_outline(size[0] - 2, size[1] - 2, corner)
    if chance(rng, 0.22):
        high, deep, wall = rng.uniform(11, 18), rng.uniform(9, 15), rng.uniform(1.1, 1.8)
        parts: list[Part] = []
        for level in (z - high / 2 - 0.6, z + high / 2 + 0.6):
            parts.append(Part(band(outline, level, high, wall), "al"))
            parts.append(Part(band(offset(outline, -deep), level, high * 0.7, wall), "al"))
            parts.append(Part(band(offset(outline, -wall - 0.1), level, wall, deep - wall - 0.2), "al"))
        parts.append(Part(band(offset(outline, -deep * 0.5), z, 2.0, 3.0), "rubber"))
        rivets, _ = evenly(in_plane(outline, z - high), rng.uniform(70, 120))
        parts.append(Part(screws(rivets * [0.985, 0.98, 1], 1.6, 7), "fe"))
        return parts, "frame"
    plastic, high = pick(rng, "absf", "pvc", "talc_pp", "absf", "abs"), rng.uniform(6, 20)
    gap = rng.uniform(8, 16)
    parts = [
        Part(band(outline, z + s * (gap + high) / 2, high, rng.uniform(2.0, 4.5)), plastic) for s in (-1, 1)
    ]
    parts.append(Part(band(offset(outline, -1), z, gap + 22, 0.8), "polyester", 1, 0.6))
    closed = in_plane(np.vstack([outline, outline[:1]]), z)
    parts += zip_line(
        rng, closed, pulls=2, tape=False, style=pick(rng, "coil", "coil", "coil", "moulded", "metal")
    )
    if chance(rng, 0.3):
        second = in_plane(np.vstack([outline, outline[:1]]), z + rng.uniform(28, 45))
        parts += zip_line(rng, second, pulls=1, tape=False, style="coil")
    return parts, "zip"


def _locks(rng: Rng, size: Array, closing: str, z: float) -> list[Part]:
    """Lock beside the zip, or latches and hinges of a framed case."""
    side = size[1] / 2
    if closing == "zip":
        lock = turned(combination_lock(rng), "x", 90)
        return moved(lock, x=rng.uniform(-0.3, 0.3) * size[0], y=side - 6, z=z) if chance(rng, 0.7) else []
    parts: list[Part] = []
    for x in (-0.28, 0.28):
        parts += moved(turned(draw_latch(rng), "x", 90), x=x * size[0], y=side + 1, z=z)
    hinge = cylinder(3, 40, segments=8).rotated("y", 90)
    plates = box(40, 1.2, 30)
    spots = [(x * size[0], -side - 1, z) for x in (-0.3, 0.3)]
    parts.append(Part(repeated(merge([hinge, plates]), spots), pick(rng, "fe", "al", "ss")))
    return parts + moved(turned(combination_lock(rng), "x", 90), y=side - 4, z=z)


def hard_suitcase(rng: Rng) -> Container:
    """Moulded shell case: ribbed halves, zip or frame, wheels, rails, handles, lock, lining."""
    size = draw_size(rng)
    wall, corner, edge = (
        rng.uniform(1.7, 3.4),
        rng.uniform(0.12, 0.24) * size[1],
        rng.uniform(0.12, 0.28) * size[2],
    )
    ribs, count = pick(rng, "none", "long", "long", "cross", "side"), int(rng.integers(5, 15))
    mesh = case_mesh(size, corner, edge, ribs=ribs, count=count, depth=rng.uniform(1.2, 3.5))
    skin = pick(rng, "abs", "polycarbonate", "polycarbonate", "absf", "talc_pp")
    metal_shell = chance(rng, 0.05)
    parts = shell_parts(mesh, 0.9 if metal_shell else wall, "al" if metal_shell else skin)
    split = rng.uniform(-0.22, 0.22) * size[2]
    rim, closing = _rim(rng, size, max(corner, 20), split)
    room = size - 2 * wall - [12, 12, 6]
    rails = telescopic_rails(rng, room)
    deep = 0.5 * max(abs(float(p.mesh.bounds[:, 2].min())) for p in rails if p.sign > 0)
    floor = -room[2] / 2 + 2 * min(deep, 12.0)
    rails = moved(rails, z=float(np.clip(floor, -room[2] / 2 + 8, 0)))
    running, kind = wheels(rng, size)
    parts += [*rim, *rails, *running, *handles(rng, size), *_locks(rng, size, closing, split)]
    parts += [*inside(rng, room), *loose_screws(rng, size, split)]
    if chance(rng, 0.2):
        parts += moved(
            turned(luggage_tag(rng), "z", rng.uniform(0, 360)), y=size[1] / 2 + 20, x=rng.normal(0, 60)
        )
    return packed("hard_suitcase", rng, parts, room, size, skin=skin, ribs=ribs, closing=closing, wheels=kind)


def _wire_frames(rng: Rng, size: Array, corner: float) -> list[Part]:
    """Spring steel or plastic frames along the edges of a soft case, with struts."""
    wire, material = rng.uniform(1.2, 2.1), pick(rng, "fe", "fe", "fe", "pvc", "pp")
    if material != "fe":
        wire *= 2.0
    levels = [-0.48, 0.48] if chance(rng, 0.7) else [-0.48, rng.uniform(-0.1, 0.3), 0.48]
    parts = []
    for level in levels:
        inset = min(rng.uniform(2, 9), 0.4 * corner)
        outline = offset(plan_outline(size[0], size[1], corner, steps=5), -inset)
        loops = 2 if chance(rng, 0.2) else 1
        for k in range(loops):
            path = in_plane(offset(outline, -0.35 * corner * k), level * size[2] + rng.normal(0, 1.5, 1))
            parts.append(Part(tube(path, wire, segments=6, closed=True), material))
    if chance(rng, 0.4):
        struts = [
            tube(
                [(s * size[0] * 0.46, y, -size[2] * 0.47), (s * size[0] * 0.46, y, size[2] * 0.47)],
                wire,
                segments=6,
            )
            for s in (-1, 1)
            for y in (-0.4 * size[1], 0.4 * size[1])
        ]
        parts.append(Part(merge(struts), material))
    return parts


def _piping(rng: Rng, size: Array, corner: float) -> list[Part]:
    """Welted edges of a soft case."""
    radius, material = rng.uniform(1.5, 3.2), pick(rng, "pvc", "pe", "rubber")
    outline = plan_outline(size[0], size[1], corner, steps=5)
    return [
        Part(tube(in_plane(outline, s * size[2] * 0.5), radius, segments=6, closed=True), material)
        for s in (-1, 1)
    ]


def _outer_pockets(rng: Rng, size: Array) -> list[Part]:
    """Front pockets: cloth panels, U-shaped or straight zips."""
    parts: list[Part] = []
    top, edges = size[2] / 2 + 1, [rng.uniform(-0.1, 0.15) * size[0], 0.46 * size[0], -0.46 * size[0]]
    for low, high in ((edges[0], edges[1]), (edges[2], edges[0])):
        if chance(rng, 0.2):
            continue
        long, wide = (high - low) * 0.94, size[1] * rng.uniform(0.7, 0.92)
        middle, bulge = (low + high) / 2, rng.uniform(3, 22)
        cloth = Texture("cloth", int(rng.integers(2**31)), 0.5, 60.0)
        parts.append(Part(box(long, wide, 1.4).moved(middle, 0, top + bulge), "coated_nylon", 1, 0.6, cloth))
        outline = in_plane(rounded_rectangle(long, wide, 0.2 * long, steps=4), top + bulge)
        arc = (
            outline[: int(rng.integers(9, 20))]
            if chance(rng, 0.7)
            else np.array([(long * 0.45, -wide * 0.45, top), (long * 0.45, wide * 0.45, top)])
        )
        parts += moved(
            zip_line(rng, arc, scale=rng.uniform(0.7, 1.0), pulls=int(rng.integers(1, 3))), x=middle
        )
        piping = tube(outline + np.array([middle, 0, 0]), rng.uniform(0.9, 1.8), segments=5, closed=True)
        parts.append(Part(piping, pick(rng, "pvc", "pe")))
    return parts


def _skids(rng: Rng, size: Array) -> list[Part]:
    """Feet, corner guards, skid bars on the back."""
    parts: list[Part] = []
    if chance(rng, 0.6):
        bar = box(size[0] * rng.uniform(0.4, 0.8), rng.uniform(8, 16), 5)
        for s in (-1, 1):
            skid = bar.moved(-size[0] * 0.05, s * size[1] * 0.22, -size[2] / 2 - 2)
            parts.append(Part(skid, pick(rng, "pp", "pvc", "abs")))
    if chance(rng, 0.7):
        arc = np.radians(np.linspace(0, 90, 6))
        radius = 0.1 * size[1]
        for sx in (-1, 1):
            for sy in (-1, 1):
                curve = np.column_stack(
                    [
                        sx * (size[0] / 2 - radius + radius * np.sin(arc)),
                        sy * (size[1] / 2 - radius + radius * np.cos(arc)),
                        np.full(6, -size[2] / 2 + 30),
                    ]
                )
                normal = np.column_stack([sx * np.sin(arc), sy * np.cos(arc), 0 * arc])
                parts.append(Part(ribbon(curve, rng.uniform(40, 70), 2.2, normal), "pp"))
    return parts


def soft_suitcase(rng: Rng) -> Container:
    """Cloth trolley: fabric over wire frames, piping, pockets, expander, rails, wheels."""
    size = draw_size(rng)
    corner, edge = rng.uniform(0.06, 0.16) * size[1], rng.uniform(0.06, 0.16) * size[2]
    skin = pick(rng, "coated_nylon", "polyester", "nylon", "coated_nylon")
    cloth = shell_parts(case_mesh(size, corner, edge), rng.uniform(1.6, 3.2), skin, rng.uniform(0.6, 1.0))
    soft = [*cloth, *_wire_frames(rng, size, corner), *_piping(rng, size, corner), *_outer_pockets(rng, size)]
    split = rng.uniform(0.1, 0.4) * size[2]
    outline = plan_outline(size[0], size[1], corner)
    closed = in_plane(np.vstack([outline, outline[:1]]), split)
    soft += [Part(band(outline, split, 30, 0.9), "polyester", 1, 0.7)]
    style = pick(rng, "coil", "coil", "coil", "moulded", "metal")
    soft += zip_line(rng, closed, tape=False, pulls=2, style=style)
    if chance(rng, 0.4):
        soft += zip_line(rng, closed - [0, 0, rng.uniform(28, 45)], tape=False, pulls=1, style="coil")
    if chance(rng, 0.6):
        foam = Texture("foam", int(rng.integers(2**31)), 0.6, 20.0)
        lid = box(size[0] * 0.96, size[1] * 0.95, rng.uniform(3, 7)).moved(z=size[2] * 0.47)
        soft.append(Part(lid, "foam", 1, 0.06, foam))
    if chance(rng, 0.7):
        board = box(size[0] * 0.95, size[1] * 0.94, rng.uniform(1.2, 2.5)).moved(z=-size[2] * 0.47)
        soft.append(Part(board, pick(rng, "pe", "pp", "paper", "abs")))
    soft += [*handles(rng, size), *_skids(rng, size), *inside(rng, size - 14)]
    parts = bent(soft, soft_warp(rng, size, rng.uniform(0, 9)))
    room = size - [14.0, 14.0, 12.0]
    kind = "none"
    if chance(rng, 0.88):
        parts += moved(telescopic_rails(rng, room), z=-room[2] / 2 + rng.uniform(8, 14))
        running, kind = wheels(rng, size)
        parts += running
    parts += loose_screws(rng, size, split)
    if chance(rng, 0.3):
        parts += moved(turned(luggage_tag(rng), "z", rng.uniform(0, 360)), x=size[0] / 2 + 15)
    if chance(rng, 0.25):
        tail = slider(rng, pick(rng, "zn", "fe"), scale=1.2)
        parts += moved(tail, x=rng.uniform(-0.4, 0.4) * size[0], y=size[1] / 2, z=split)
    return packed("soft_suitcase", rng, parts, room, size, skin=skin, wheels=kind)
