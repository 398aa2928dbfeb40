"""Handcuffs and knuckles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._threat import threat
from beltline.simulate.shapes import Mesh, arc, box, cylinder, in_plane, loft, merge, rounded_box, torus
from beltline.simulate.solids import Item, ItemMaker, Part, moved, turned


def _band(points: NDArray[np.float64], width: float, depth: float) -> Mesh:
    """Flat bar along plane points (N, 2): ``width`` in the plane, ``depth`` along z, mm."""
    along = np.gradient(points, axis=0)
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    left, right = points + across * width / 2, points - across * width / 2
    corners = [(left, -depth / 2), (right, -depth / 2), (right, depth / 2), (left, depth / 2)]
    return loft(np.stack([in_plane(side, z) for side, z in corners], axis=1))


def _cuff(rng: Rng, radius: float, metal: str) -> list[Part]:
    """One cuff with its lock case at the origin and the bows above, along +y."""
    thick, gap = rng.uniform(2.5, 4), rng.choice([0.0, rng.uniform(0, 12), rng.uniform(20, 90)])
    case_x, case_y = rng.uniform(36, 48), rng.uniform(20, 28)
    oval = rng.uniform(0.82, 0.98)
    cheek = _band(arc(radius, 250, 40, steps=24) * [1, oval], rng.uniform(5, 8), thick)
    teeth = _band(arc(radius * 0.98, 42, -72, steps=18) * [1, oval], rng.uniform(5, 7.5), thick)
    centre = radius * oval + case_y * 0.25
    plates = [cheek.moved(y=centre, z=side * (thick + 0.3)) for side in (-1, 1)]
    hinge = arc(radius, 40, 40, steps=1)[0] * [1, oval]
    jaw = teeth.moved(-hinge[0], -hinge[1]).rotated("z", gap).moved(hinge[0], hinge[1] + centre)
    meshes = [*plates, jaw]
    for z in (-thick - 1, thick + 1):
        meshes.append(rounded_box(case_x, case_y, 2, 4).moved(z=z))
    meshes.append(box(case_x * 0.5, 5, thick).moved(rng.uniform(-6, 6), 4))
    meshes.append(
        cylinder(rng.uniform(3.5, 5), 3 * thick + 2, segments=12).moved(hinge[0], hinge[1] + centre)
    )
    for x, y in rng.uniform(-0.35, 0.35, (4, 2)) * [case_x, case_y]:
        meshes.append(cylinder(1.8, 2 * thick + 3, segments=8).moved(x, y))
    return [Part(mesh, metal) for mesh in meshes]


def _chain(rng: Rng, span: float, count: int) -> list[Mesh]:
    """Links along y from 0 down to -``span``, every other one on edge."""
    pitch, wire = span / count, rng.uniform(1.7, 2.4)
    link = torus(1.0, wire / 8, segments=18, tube_segments=7).scaled(5.5, pitch * 0.62, 8)
    return [link.rotated("y", 90 * (i % 2)).moved(y=-pitch * (i + 0.5)) for i in range(count)]


def _joint(rng: Rng, design: str) -> tuple[list[Part], float]:
    """What joins the cuffs, along -y from 0, and its length in mm."""
    if design == "chain":
        count = int(rng.integers(2, 5))
        span = float(count * rng.uniform(14, 20))
        return [Part(mesh, "fe") for mesh in _chain(rng, span, count)], span
    if design == "hinged":
        span = float(rng.uniform(26, 40))
        plates = [box(rng.uniform(24, 34), span / 3 - 1, 4).moved(y=-span * (i + 0.5) / 3) for i in range(3)]
        pins = [cylinder(2.5, 34, segments=8).rotated("y", 90).moved(y=-span * i / 3) for i in (1, 2)]
        return [Part(mesh, "fe") for mesh in (*plates, *pins)], span
    span = float(rng.uniform(60, 90))
    block = rounded_box(rng.uniform(36, 44), span, rng.uniform(14, 20), 5)
    return [Part(block.moved(y=-span / 2), "abs"), Part(box(22, span, 3).moved(y=-span / 2), "fe")], span


def _bent(joint: list[Part], span: float) -> list[Part]:
    """The pieces of a joint laid in a half circle from one cuff to the one folded over it."""
    parts = []
    for part in joint:
        share = -float(part.mesh.bounds[:, 1].mean()) / span
        moved_part = turned(moved([part], y=share * span), "x", -180 * share)
        parts += moved(moved_part, y=-0.3 * span * np.sin(np.pi * share), z=6 * (1 - np.cos(np.pi * share)))
    return parts


def make_handcuffs(rng: Rng) -> Item:
    """Chained, hinged or rigid handcuffs, the second cuff turned or folded at its joint, often with a key."""
    design = pick(rng, "chain", "chain", "hinged", "rigid")
    metal = pick(rng, "fe", "fe", "ss", "ni", "al")
    radius = float(rng.uniform(27, 37))
    joint, span = _joint(rng, design)
    first = moved(_cuff(rng, radius, metal), y=12)
    second = moved(turned(_cuff(rng, radius, metal), "z", 180), y=-12)
    folded = design != "rigid" and rng.random() < 0.5
    swing = float(rng.uniform(-75, 75)) if design == "chain" and not folded else 0.0
    if folded:  # the second cuff lies on the first, as they are carried
        second = moved(turned(second, "x", 180), z=rng.uniform(9, 14), y=rng.uniform(-14, 14))
        second = turned(second, "z", rng.uniform(-60, 60) if design == "chain" else rng.uniform(-6, 6))
        joint = _bent(joint, span)
        span *= 0.3
    parts = [*first, *joint, *moved(turned(second, "z", swing), y=-span)]
    if rng.random() < 0.4:
        ring = torus(rng.uniform(6, 9), 1.2, segments=16, tube_segments=6)
        stem = cylinder(1.8, 30, segments=8).rotated("x", 90).moved(y=-22)
        key = merge([ring, stem, box(5, 3, 1.5).moved(3.5, -35)]).moved(x=radius + 20, y=-span / 2)
        parts.append(Part(key, "fe"))
    return threat("handcuffs", "handcuffs", design, parts, radius_mm=radius, metal=metal, swing_deg=swing)


def _finger_rings(rng: Rng, design: str, metal: str) -> tuple[list[Part], NDArray[np.float64], float]:
    """Four rings in a shallow bow, their centres (4, 2), and the ring radius in mm."""
    hole, bar, depth = rng.uniform(11, 14.5), rng.uniform(5, 9), rng.uniform(6, 13)
    radius = hole + bar / 2
    x = (np.arange(4) - 1.5) * (2 * hole + bar * 0.55)
    centres = np.column_stack([x, rng.uniform(3, 12) * (1 - (x / x[-1]) ** 2)])
    ring = torus(1.0, bar / 2 / radius, segments=24, tube_segments=8)
    ring = ring.scaled(radius, radius * rng.uniform(1, 1.15), radius * depth / bar)
    parts = [Part(ring.moved(*c), metal) for c in centres]
    if design == "spiked":
        length = rng.uniform(10, 22)
        spike = loft([in_plane(arc(r, 0, 315, steps=8), z) for r, z in ((bar * 0.5, 0), (0.3, length))])
        parts += [Part(spike.rotated("x", -90).moved(c[0], c[1] + radius + 1), metal) for c in centres]
    return parts, centres, radius


def make_knuckles(rng: Rng) -> Item:
    """Four finger rings with a palm rest: plain, spiked, with a closed palm arch, or a thin plate."""
    design = pick(rng, "plain", "spiked", "arched", "plain", "two_posts")
    metal = pick(rng, "brass", "fe", "al", "zn", "ss", "fe", "brass")
    parts, centres, radius = _finger_rings(rng, design, metal)
    low, reach = -radius - rng.uniform(14, 28), abs(float(centres[0, 0]))
    width, depth = rng.uniform(8, 14), rng.uniform(6, 12)
    rest = np.column_stack([np.linspace(-1, 1, 14) * reach * rng.uniform(0.6, 1.0), np.zeros(14)])
    rest[:, 1] = low - (rng.uniform(12, 22) if design == "arched" else rng.uniform(-6, 10)) * (
        1 - np.linspace(-1, 1, 14) ** 2
    )
    parts.append(Part(_band(rest, width, depth), metal))
    posts = (0.35, -0.35) if design == "two_posts" else (0.95, -0.95)
    for side in posts:
        foot = rest[0] if side < 0 else rest[-1]
        top = [side * reach, -radius * 0.75 + (centres[1, 1] if design == "two_posts" else 0)]
        foot = foot if design != "two_posts" else np.array([side * reach * 0.8, rest[7, 1]])
        parts.append(Part(_band(np.linspace(top, foot, 6), width * 0.9, depth * 0.95), metal))
    return threat("knuckles", "knuckles", design, parts, metal=metal, ring_mm=float(2 * radius))


FAMILIES: dict[str, ItemMaker] = {"handcuffs": make_handcuffs, "knuckles": make_knuckles}
