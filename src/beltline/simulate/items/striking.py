"""Things to strike with: axes, baseball bats and batons."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._threat import shaft, threat
from beltline.simulate.shapes import Mesh, blade, box, cylinder, helix, revolve, rounded_box, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, hollow, moved, turned


def _axe_bit(rng: Rng, length: float, edge: float, thick: float) -> Mesh:
    """Bit from the eye at x = 0 out to a bowed edge at x = ``length``, wedge shaped."""
    t = np.linspace(-1, 1, 15)
    eye, beard = edge * rng.uniform(0.3, 0.55), edge * rng.uniform(-0.1, 0.15)
    root = np.column_stack([np.zeros(15), t * eye / 2])
    bow = length * rng.uniform(0.08, 0.22)
    cutting = np.column_stack([length - bow * t**2, t * edge / 2 - beard * (t < 0) * t**2])
    return blade(root, cutting, thick, grind=rng.uniform(0.7, 0.95))


def _axe_head(rng: Rng, poll: str, scale: float) -> tuple[list[Part], float]:
    """Head about the origin, handle along y, and its thickness in mm."""
    length, edge, thick = (scale * rng.uniform(*r) for r in ((60, 100), (70, 120), (16, 24)))
    eye = scale * rng.uniform(26, 38)
    parts = [Part(_axe_bit(rng, length, edge, thick * 0.8).moved(eye / 2), "fe")]
    height = edge * rng.uniform(0.4, 0.55)
    ring = rounded_box(eye, height, thick, 3, bevel=2)
    opening = box(eye * 0.6, height - 0.4, thick * 0.55)
    parts += hollow(ring, opening, "fe")
    if poll == "hammer":
        back = cylinder(thick * 0.6, scale * rng.uniform(20, 35), segments=14).rotated("y", 90)
        parts.append(Part(back.moved(-eye / 2 - scale * 14), "fe"))
    elif poll == "spike":
        spike = revolve([(thick * 0.4, 0), (thick * 0.3, scale * 30), (0.4, scale * 70)], segments=10)
        parts.append(Part(spike.rotated("y", -90).moved(-eye / 2), "fe"))
    return parts, thick


def make_axe(rng: Rng) -> Item:
    """Hatchet, felling axe, tactical tomahawk or one-piece camping axe; steel head, long handle."""
    design = pick(rng, "hatchet", "hatchet", "felling", "tomahawk", "one_piece")
    scale = rng.uniform(0.75, 1.1) if design != "felling" else rng.uniform(1.1, 1.5)
    length = float(scale * rng.uniform(270, 420))
    poll = {"tomahawk": "spike", "one_piece": "hammer"}.get(design, pick(rng, "plain", "plain", "hammer"))
    parts, thick = _axe_head(rng, poll, scale)
    width, bend = scale * rng.uniform(24, 34), rng.normal(0, 8, 2)
    line = [(0.0, 14.0), (bend[0], -length * 0.4), (bend[1], -length * 0.75), (bend[0], -length)]
    grip = pick(rng, "wood", "wood", "nylon", "abs")
    if design in ("tomahawk", "one_piece"):
        parts.append(Part(shaft(line, [width * 0.6, width * 0.5, width * 0.6], thick * 0.3, power=4), "fe"))
        line, grip = [(x, y) for x, y in line[1:]], pick(rng, "rubber", "nylon", "leather")
    handle = shaft(line, [width * 0.8, width, width * 0.9, width * 1.25], thick * rng.uniform(0.9, 1.2))
    parts.append(Part(handle, grip))
    return threat("axe", "axe", design, parts, length_mm=length, handle=grip, poll=poll)


def make_baseball_bat(rng: Rng) -> Item:
    """Turned wooden bat, hollow aluminium bat, or a short souvenir bat."""
    design = pick(rng, "wood", "aluminium", "souvenir", "wood_cored")
    length = float(rng.uniform(300, 480) if design == "souvenir" else rng.uniform(560, 860))
    barrel = float(length * rng.uniform(0.07, 0.085))
    stations = np.array([0, 0.012, 0.025, 0.04, 0.3, 0.45, 0.62, 0.8, 0.97, 1.0]) * length
    thin = barrel * rng.uniform(0.36, 0.46)
    radii = np.array([0.5, 0.75, 0.75, thin / barrel, thin / barrel, 0.55, 0.85, 1, 1, 0.7]) * barrel / 2
    radii[3:5] = thin / 2
    outer = revolve(np.column_stack([radii, stations]), segments=24)
    if design == "aluminium":
        wall = rng.uniform(1.8, 3.2)
        inner = np.column_stack([radii - wall, stations + 0.5])[3:-1]
        parts = list(hollow(outer, revolve(inner, segments=24), "al"))
        parts.append(Part(revolve([(barrel * 0.3, 0), (barrel * 0.3, 6)]).moved(z=length), "rubber"))
    else:
        parts = [Part(outer, "wood", 1, float(rng.uniform(0.5, 0.8)))]
    if design == "wood_cored":
        parts.append(Part(cylinder(thin * 0.2, length * 0.2, segments=10).moved(z=length * 0.85), "fe"))
    if rng.random() < 0.6:
        wrap = tube(helix(thin / 2 + 1, length * 0.25, 14, steps_per_turn=9), 1.8, segments=5)
        parts.append(Part(wrap.moved(z=length * 0.18), "rubber"))
    parts = turned(parts, "y", 90)
    return threat("baseball_bat", "baton", design, parts, length_mm=length, barrel_mm=barrel)


def _telescopic(rng: Rng, length: float) -> list[Part]:
    """Steel tubes inside each other, drawn out by a share: closed shows three walls, open a stepped rod."""
    out = rng.choice([0.0, rng.uniform(0.3, 1.0), 1.0])
    radius, wall, parts = rng.uniform(11, 14), rng.uniform(1.2, 2), []
    for stage in range(3):
        r, size = radius - stage * (wall + 0.8), length * (1 - 0.05 * stage)
        outer, inner = cylinder(r, size, segments=18), cylinder(r - wall, size - 1, segments=18)
        parts += moved(hollow(outer, inner, "fe"), z=stage * out * length * 0.88)
    tip = cylinder(radius * 0.55, 14, segments=14).moved(z=2 * out * length * 0.88 + length * 0.47)
    cap = cylinder(radius + 1.5, rng.uniform(12, 20), segments=18).moved(z=-length / 2 - 6)
    sleeve = cylinder(radius + rng.uniform(1.5, 3), length * 0.8, segments=18).moved(z=-length * 0.06)
    return [*parts, Part(tip, "fe"), Part(cap, "fe"), Part(sleeve, pick(rng, "rubber", "nylon"), 1, 0.5)]


def _rubber(rng: Rng, length: float) -> list[Part]:
    """Solid rubber truncheon, often with a steel or spring core, ridged grip and strap."""
    radius = rng.uniform(13, 18)
    ridges = [(radius * (0.92 + 0.13 * (i % 2)), i * 9.0) for i in range(14)]
    end = [(radius * 0.8, 130.0), (radius, length - 10), (radius * 0.6, length)]
    body = revolve([(radius * 0.6, -5.0), *ridges, *end])
    parts = [Part(body, "rubber")]
    core = pick(rng, "rod", "spring", "none")
    if core == "rod":
        rod = cylinder(rng.uniform(2.5, 5), length * 0.85, segments=10)
        parts.append(Part(rod.moved(z=length / 2), "fe"))
    elif core == "spring":
        coil = tube(helix(radius * 0.5, length * 0.8, 24, steps_per_turn=8), 1.3, segments=5)
        parts.append(Part(coil.moved(z=length / 2), "fe"))
    strap = spline([(0, 0, 0), (35, 0, -60), (0, 0, -110), (-35, 0, -60)], 24, closed=True)
    parts.append(Part(tube(strap, 2.5, segments=6, closed=True), pick(rng, "leather", "nylon")))
    return parts


def make_baton(rng: Rng) -> Item:
    """Telescopic steel baton (closed to open), rubber truncheon, or side-handle baton."""
    design = pick(rng, "telescopic", "telescopic", "rubber", "side_handle")
    if design == "telescopic":
        length = float(rng.uniform(150, 240))
        parts = _telescopic(rng, length)
    else:
        length = float(rng.uniform(300, 560))
        parts = _rubber(rng, length)
    if design == "side_handle":
        handle = revolve([(11, 0), (12, 60), (16, rng.uniform(95, 125)), (12, 130)]).rotated("y", 90)
        parts.append(Part(handle.moved(z=140), "rubber"))
        parts.append(Part(cylinder(5, 120, segments=10).rotated("y", 90).moved(60, 0, 140), "al"))
    return threat("baton", "baton", design, turned(parts, "x", 90), length_mm=length)


FAMILIES: dict[str, ItemMaker] = {"axe": make_axe, "baseball_bat": make_baseball_bat, "baton": make_baton}
