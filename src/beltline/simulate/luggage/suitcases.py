"""Hard and soft trolley cases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.luggage._cloth import creases
from beltline.simulate.luggage._fittings import (
    chance,
    combination_lock,
    draw_latch,
    luggage_tag,
    pick,
    screws,
    side_release,
    slider,
    strap_path,
    webbing,
    zip_line,
)
from beltline.simulate.luggage._forms import (
    at,
    band,
    bent,
    case_mesh,
    evenly,
    offset,
    plan_outline,
    repeated,
    ribbon,
    shell_parts,
    shifted,
    soft_warp,
    turned,
)
from beltline.simulate.luggage._running import carry_handle, inline_wheel, spinner_wheel, telescopic_rails
from beltline.simulate.luggage.container import Container
from beltline.simulate.shapes import box, cylinder, merge, rounded_rectangle, tube
from beltline.simulate.solids import Part, Texture

Rng = np.random.Generator
Array = NDArray[np.float64]


def lining(rng: Rng, x: float, y: float, thickness: float) -> Part:
    """Creased lining cloth over a face, centred."""
    texture = Texture("crumple", int(rng.integers(2**31)), rng.uniform(0.5, 1.0), rng.uniform(50, 220))
    return Part(box(x, y, thickness), "polyester", 1, rng.uniform(0.3, 0.6), texture)


def _size(rng: Rng) -> Array:
    """Outer sides without wheels: cabin cases mostly, some larger."""
    if chance(rng, 0.72):
        return rng.uniform((460, 320, 185), (545, 395, 250))
    return rng.uniform((545, 370, 210), (680, 470, 300))


def _wheels(rng: Rng, size: Array) -> tuple[list[Part], str]:
    """Four castors or two fixed wheels at the -x end."""
    seed = int(rng.integers(2**31))
    y, z = size[1] * rng.uniform(0.33, 0.42), size[2] * rng.uniform(0.26, 0.38)
    if chance(rng, 0.68):
        parts: list[Part] = []
        lead = rng.uniform(0, 360)
        for sy in (-1, 1):
            for sz in (-1, 1):
                swivel = rng.uniform(0, 360) if chance(rng, 0.5) else lead + rng.normal(0, 15)
                wheel = spinner_wheel(rng, seed, float(swivel))
                parts += shifted(wheel, x=-size[0] / 2 - 4, y=sy * y, z=sz * z)
        return parts, "spinner"
    parts = []
    for side in (-1, 1):
        wheel = shifted(inline_wheel(rng, seed), x=-size[0] / 2 + 16, y=side * y, z=-size[2] / 2 + 16)
        parts += wheel
    foot = cylinder(12, rng.uniform(14, 24), segments=10).rotated("y", 90)
    feet = [foot.moved(-size[0] / 2 - 6, s * y, size[2] / 2 - 26) for s in (-1, 1)]
    return [*parts, Part(merge(feet), pick(rng, "pp", "rubber", "abs"))], "inline"


def _handles(rng: Rng, size: Array) -> list[Part]:
    """Carrying handles on one or two sides, perhaps on the wheel end too."""
    parts = shifted(carry_handle(rng), y=size[1] / 2, z=rng.normal(0, 12), x=rng.normal(0, 12))
    if chance(rng, 0.8):
        parts += shifted(turned(carry_handle(rng), "z", -90), x=size[0] / 2, z=rng.uniform(-0.1, 0.2) * size[2])
    if chance(rng, 0.3):
        parts += shifted(turned(carry_handle(rng), "z", 90), x=-size[0] / 2)
    return parts


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
        rivets, _ = evenly(at(outline, z - high), rng.uniform(70, 120))
        parts.append(Part(screws(rivets * [0.985, 0.98, 1], 1.6, 7), "fe"))
        return parts, "frame"
    plastic, high = pick(rng, "absf", "pvc", "talc_pp", "absf", "abs"), rng.uniform(6, 20)
    gap = rng.uniform(8, 16)
    parts = [Part(band(outline, z + s * (gap + high) / 2, high, rng.uniform(2.0, 4.5)), plastic) for s in (-1, 1)]
    parts.append(Part(band(offset(outline, -1), z, gap + 22, 0.8), "polyester", 1, 0.6))
    closed = at(np.vstack([outline, outline[:1]]), z)
    parts += zip_line(rng, closed, pulls=2, tape=False, style=pick(rng, "coil", "coil", "moulded", "metal"))
    if chance(rng, 0.3):
        second = at(np.vstack([outline, outline[:1]]), z + rng.uniform(28, 45))
        parts += zip_line(rng, second, pulls=1, tape=False, style="coil")
    return parts, "zip"


def _locks(rng: Rng, size: Array, closing: str, z: float) -> list[Part]:
    """Lock beside the zip, or latches and hinges of a framed case."""
    side = size[1] / 2
    if closing == "zip":
        lock = turned(combination_lock(rng), "x", 90)
        return shifted(lock, x=rng.uniform(-0.3, 0.3) * size[0], y=side - 6, z=z) if chance(rng, 0.7) else []
    parts: list[Part] = []
    for x in (-0.28, 0.28):
        parts += shifted(turned(draw_latch(rng), "x", 90), x=x * size[0], y=side + 1, z=z)
    hinge = cylinder(3, 40, segments=8).rotated("y", 90)
    plates = box(40, 1.2, 30)
    spots = [(x * size[0], -side - 1, z) for x in (-0.3, 0.3)]
    parts.append(Part(repeated(merge([hinge, plates]), spots), pick(rng, "fe", "al", "ss")))
    return parts + shifted(turned(combination_lock(rng), "x", 90), y=side - 4, z=z)


def _inside(rng: Rng, inner: Array) -> list[Part]:
    """Linings, compression straps with buckle, divider with its zip, pockets."""
    x, y, z = inner
    low, high = -z / 2 + 1.5, z / 2 - 1.5
    parts = [*shifted([lining(rng, x * 0.97, y * 0.96, rng.uniform(3, 8))], z=low)]
    parts += shifted([lining(rng, x * 0.97, y * 0.96, rng.uniform(3, 8))], z=high)
    parts += creases(rng, np.array([x, y]) * 0.47, z - 6, "polyester", most=26)
    if chance(rng, 0.7):
        width, level = rng.uniform(22, 40), rng.uniform(-0.2, 0.3) * z
        crossed = chance(rng, 0.5)
        for sign in (-1, 1):
            ends = [(sign * x * 0.4, -y * 0.48, low), (0, 0, level), (-sign * x * 0.4, y * 0.48, low)]
            if not crossed:
                ends = [(sign * x * 0.2, -y * 0.48, low), (sign * x * 0.2, 0, level), (sign * x * 0.2, y * 0.48, low)]
            parts.append(webbing(rng, strap_path(rng, ends, 8), width))
        parts += shifted(turned(side_release(rng, width), "z", rng.uniform(0, 180)), z=level)
    if chance(rng, 0.75):
        outline = plan_outline(x * 0.95, y * 0.94, 0.12 * y)
        level = rng.uniform(-0.1, 0.15) * z
        panel = Texture("cloth", int(rng.integers(2**31)), 0.35, 90.0)
        parts.append(Part(box(x * 0.94, y * 0.93, 0.7).moved(z=level), "polyester", 1, 0.4, panel))
        parts += zip_line(rng, at(outline, level)[: int(rng.integers(14, 28))], style="coil", scale=0.6, pulls=2)
    for _ in range(int(rng.integers(0, 3))):
        course = np.array([(-0.36 * x, 0, 0), (0.36 * x, 0, 0)]) if chance(rng, 0.5) else np.array([(0, -0.4 * y, 0), (0, 0.4 * y, 0)])
        spot = rng.uniform(-0.3, 0.3, 3) * inner * [1, 1, 0] + [0, 0, high - 4]
        parts += zip_line(rng, course * rng.uniform(0.5, 0.95) + spot * 0.5 + [0, 0, spot[2] * 0.5], scale=0.65)
    return parts


def _loose_screws(rng: Rng, size: Array, z: float) -> list[Part]:
    """Screws of shell, rim and corner fittings, in mirrored groups."""
    spots = []
    for _ in range(int(rng.integers(2, 6))):
        a, b = rng.uniform(0.1, 0.47), rng.uniform(0.2, 0.47)
        side = rng.choice([-1.0, 1.0]) * size[2] * 0.45
        spots += [(sx * a * size[0], sy * b * size[1], side) for sx in (-1, 1) for sy in (-1, 1)]
    keep = [s for s in spots if chance(rng, 0.85)]
    parts = [Part(screws(keep or spots, rng.uniform(1.3, 2.2), rng.uniform(6, 14)), "fe")]
    across = [(x, s * size[1] * 0.485, z) for x in rng.uniform(-0.45, 0.45, 3) * size[0] for s in (-1, 1)]
    parts.append(Part(screws(across, 1.6, rng.uniform(8, 14), "y"), pick(rng, "fe", "al")))
    return parts


def hard_suitcase(rng: Rng) -> Container:
    """Moulded shell case: ribbed halves, zip or frame, wheels, rails, handles, lock, lining."""
    size = _size(rng)
    wall, corner, edge = rng.uniform(1.3, 2.6), rng.uniform(0.12, 0.24) * size[1], rng.uniform(0.12, 0.28) * size[2]
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
    rails = shifted(rails, z=float(np.clip(floor, -room[2] / 2 + 8, 0)))
    wheels, kind = _wheels(rng, size)
    parts += [*rim, *rails, *wheels, *_handles(rng, size), *_locks(rng, size, closing, split)]
    parts += [*_inside(rng, room), *_loose_screws(rng, size, split)]
    if chance(rng, 0.2):
        parts += shifted(turned(luggage_tag(rng), "z", rng.uniform(0, 360)), y=size[1] / 2 + 20, x=rng.normal(0, 60))
    return _packed("hard_suitcase", rng, parts, room, size, skin=skin, ribs=ribs, closing=closing, wheels=kind)


def _packed(kind: str, rng: Rng, parts: list[Part], room: Array, size: Array, **params: object) -> Container:
    """Container with the free box above the rails' bulge, centred."""
    low = rng.uniform(10, 20)
    inner = room * [0.93, 0.93, 1.0] - [0, 0, low]
    moved = shifted(parts, z=-low / 2)
    return Container(kind, tuple(moved), inner, {"size_mm": [round(float(v), 1) for v in size], **params})


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
            path = at(offset(outline, -0.35 * corner * k), level * size[2] + rng.normal(0, 1.5, 1))
            parts.append(Part(tube(path, wire, segments=6, closed=True), material))
    if chance(rng, 0.4):
        struts = [tube([(s * size[0] * 0.46, y, -size[2] * 0.47), (s * size[0] * 0.46, y, size[2] * 0.47)], wire, segments=6)
                  for s in (-1, 1) for y in (-0.4 * size[1], 0.4 * size[1])]
        parts.append(Part(merge(struts), material))
    return parts


def _piping(rng: Rng, size: Array, corner: float) -> list[Part]:
    """Welted edges of a soft case."""
    radius, material = rng.uniform(1.5, 3.2), pick(rng, "pvc", "pe", "rubber")
    outline = plan_outline(size[0], size[1], corner, steps=5)
    return [Part(tube(at(outline, s * size[2] * 0.5), radius, segments=6, closed=True), material) for s in (-1, 1)]


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
        outline = at(rounded_rectangle(long, wide, 0.2 * long, steps=4), top + bulge)
        arc = outline[: int(rng.integers(9, 20))] if chance(rng, 0.7) else np.array([(long * 0.45, -wide * 0.45, top), (long * 0.45, wide * 0.45, top)])
        parts += shifted(zip_line(rng, arc, scale=rng.uniform(0.7, 1.0), pulls=int(rng.integers(1, 3))), x=middle)
        piping = tube(outline + [middle, 0, 0], rng.uniform(0.9, 1.8), segments=5, closed=True)
        parts.append(Part(piping, pick(rng, "pvc", "pe")))
    return parts


def _skids(rng: Rng, size: Array) -> list[Part]:
    """Feet, corner guards, skid bars on the back."""
    parts: list[Part] = []
    if chance(rng, 0.6):
        bar = box(size[0] * rng.uniform(0.4, 0.8), rng.uniform(8, 16), 5)
        parts += [Part(bar.moved(-size[0] * 0.05, s * size[1] * 0.22, -size[2] / 2 - 2), pick(rng, "pp", "pvc", "abs")) for s in (-1, 1)]
    if chance(rng, 0.7):
        arc = np.radians(np.linspace(0, 90, 6))
        radius = 0.1 * size[1]
        for sx in (-1, 1):
            for sy in (-1, 1):
                curve = np.column_stack([sx * (size[0] / 2 - radius + radius * np.sin(arc)), sy * (size[1] / 2 - radius + radius * np.cos(arc)), np.full(6, -size[2] / 2 + 30)])
                normal = np.column_stack([sx * np.sin(arc), sy * np.cos(arc), 0 * arc])
                parts.append(Part(ribbon(curve, rng.uniform(40, 70), 2.2, normal), "pp"))
    return parts


def soft_suitcase(rng: Rng) -> Container:
    """Cloth trolley: fabric over wire frames, piping, pockets, expander, rails, wheels."""
    size = _size(rng)
    corner, edge = rng.uniform(0.06, 0.16) * size[1], rng.uniform(0.06, 0.16) * size[2]
    skin = pick(rng, "coated_nylon", "polyester", "nylon", "coated_nylon")
    cloth = shell_parts(case_mesh(size, corner, edge), rng.uniform(1.0, 2.2), skin, rng.uniform(0.55, 0.95))
    soft = [*cloth, *_wire_frames(rng, size, corner), *_piping(rng, size, corner), *_outer_pockets(rng, size)]
    split = rng.uniform(0.1, 0.4) * size[2]
    outline = plan_outline(size[0], size[1], corner)
    closed = at(np.vstack([outline, outline[:1]]), split)
    soft += [Part(band(outline, split, 30, 0.9), "polyester", 1, 0.7)]
    soft += zip_line(rng, closed, tape=False, pulls=2)
    if chance(rng, 0.4):
        soft += zip_line(rng, closed - [0, 0, rng.uniform(28, 45)], tape=False, pulls=1, style="coil")
    if chance(rng, 0.6):
        foam = Texture("foam", int(rng.integers(2**31)), 0.6, 20.0)
        soft.append(Part(box(size[0] * 0.96, size[1] * 0.95, rng.uniform(3, 7)).moved(z=size[2] * 0.47), "foam", 1, 0.06, foam))
    if chance(rng, 0.7):
        board = box(size[0] * 0.95, size[1] * 0.94, rng.uniform(1.2, 2.5)).moved(z=-size[2] * 0.47)
        soft.append(Part(board, pick(rng, "pe", "pp", "paper", "abs")))
    soft += [*_handles(rng, size), *_skids(rng, size), *_inside(rng, size - 14)]
    parts = bent(soft, soft_warp(rng, size, rng.uniform(0, 9)))
    room = size - [14.0, 14.0, 12.0]
    kind = "none"
    if chance(rng, 0.88):
        parts += shifted(telescopic_rails(rng, room), z=-room[2] / 2 + rng.uniform(8, 14))
        wheels, kind = _wheels(rng, size)
        parts += wheels
    parts += _loose_screws(rng, size, split)
    if chance(rng, 0.3):
        parts += shifted(turned(luggage_tag(rng), "z", rng.uniform(0, 360)), x=size[0] / 2 + 15)
    if chance(rng, 0.25):
        tail = slider(rng, pick(rng, "zn", "fe"), scale=1.2)
        parts += shifted(tail, x=rng.uniform(-0.4, 0.4) * size[0], y=size[1] / 2, z=split)
    return _packed("soft_suitcase", rng, parts, room, size, skin=skin, wheels=kind)
