"""Fireworks: rockets, strings of crackers, aerial shells, sparklers and cakes of tubes."""

from __future__ import annotations

import numpy as np

from beltline.simulate.draws import Rng, pick
from beltline.simulate.items._vessel import placed
from beltline.simulate.shapes import box, cone, cylinder, ellipsoid, spline, tube
from beltline.simulate.solids import Item, ItemMaker, Part, Texture, centred, hollow

Charge = tuple[str, float]  # material, g/cm3
PAPER = 0.75  # g/cm3 of rolled paper tube


def _grains(rng: Rng) -> Texture:
    return Texture("granular", int(rng.integers(2**31)), rng.uniform(0.1, 0.4), rng.uniform(2, 8))


def _charge(rng: Rng) -> Charge:
    """Material and density of a pyrotechnic charge: black powder to metal-rich star mixtures."""
    material = pick(rng, "salt", "salt", "powder", "sheet_simulant")
    return material, rng.uniform(0.8, 1.5)


def _paper_tube(rng: Rng, radius: float, length: float, fill: float, *, charge: Charge) -> list[Part]:
    """Paper tube along x filled to a share, with plugs of clay at the ends."""
    wall = max(radius * rng.uniform(0.12, 0.25), 0.5)
    plug = min(radius * 1.2, length * 0.15)
    outer = cylinder(radius, length, segments=16).rotated("y", 90)
    inner = cylinder(radius - wall, length - 1, segments=16).rotated("y", 90)
    parts = list(hollow(outer, inner, "paper", density_g_cm3=PAPER))
    room = length - 2 * plug - 2
    material, density = charge
    grains = cylinder(radius - wall - 0.05, room * fill, segments=16).rotated("y", 90)
    parts.append(Part(grains.moved(-room * (1 - fill) / 2), material, 1, density, _grains(rng)))
    for side in (-1, 1):
        clay = cylinder(radius - wall - 0.05, plug, segments=16).rotated("y", 90)
        parts.append(Part(clay.moved(side * (length / 2 - plug / 2 - 0.8)), "gypsum", 1, 1.7))
    return parts


def _fuse(rng: Rng, start: tuple[float, float, float], length: float) -> Part:
    x, y, z = start
    bend = rng.uniform(-0.4, 0.4) * length
    path = spline([start, (x + length * 0.5, y + bend, z), (x + length, y + bend * 1.5, z)], 12)
    return Part(tube(path, rng.uniform(0.8, 1.6), segments=6), "cotton", 1, 0.9)


def _rockets(rng: Rng) -> list[Part]:
    charge = _charge(rng)
    parts: list[Part] = []
    radius, motor, stick = rng.uniform(6, 16), rng.uniform(60, 120), rng.uniform(180, 420)
    for i in range(int(rng.integers(1, 6))):
        one = _paper_tube(rng, radius, motor, rng.uniform(0.6, 1.0), charge=charge)
        head, tip = rng.uniform(35, 70), rng.uniform(20, 40)
        wide = radius * rng.uniform(1.1, 1.7)
        mid = motor / 2 + head / 2
        one += placed(_paper_tube(rng, wide, head, rng.uniform(0.7, 1.0), charge=charge), mid)
        nose = cone(wide, 1.0, tip, segments=16).rotated("y", 90).moved(mid + head / 2 + tip / 2)
        one.append(Part(nose, "pp", 1, 0.25))
        one.append(Part(box(stick, 4, 4).moved(motor * 0.3 - stick / 2, radius + 2), "wood"))
        one.append(_fuse(rng, (-motor / 2 - 30, 0, 0), 32))
        flip = float(rng.choice([0, 180])) if i else 0.0
        parts += placed(one, 0, i * (2.2 * wide + 4), 0, turn=flip)
    return parts


def _crackers(rng: Rng) -> list[Part]:
    """Two rows of crackers plaited to one fuse."""
    charge = _charge(rng)
    parts: list[Part] = []
    radius, length = rng.uniform(2.5, 6), rng.uniform(22, 45)
    count, pitch, lean = int(rng.integers(6, 15)), radius * 2.3, rng.uniform(55, 85)
    for i in range(count):
        for side in (-1, 1):
            one = _paper_tube(rng, radius, length, rng.uniform(0.4, 0.8), charge=charge)
            turn = side * lean + rng.normal(0, 4)
            reach = side * length * 0.55
            parts += placed(one, i * pitch + rng.normal(0, 0.5), reach, rng.normal(0, 0.8), turn=turn)
    path = np.column_stack([np.linspace(-15, count * pitch + 20, 24), rng.normal(0, 1.0, 24), np.zeros(24)])
    parts.append(Part(tube(path, 1.3, segments=6), "cotton", 1, 0.9))
    return parts


def _shells(rng: Rng) -> list[Part]:
    """Aerial shells: a paper ball of stars about a burst charge, with lift cup and fuse."""
    material, density = _charge(rng)
    parts: list[Part] = []
    radius = rng.uniform(20, 48)
    for i in range(int(rng.integers(1, 4))):
        wall = radius * rng.uniform(0.07, 0.13)
        outer, inner = (ellipsoid(r, r, r, segments=18) for r in (radius, radius - wall))
        one = list(hollow(outer, inner, "paper", density_g_cm3=PAPER))
        burst = radius * rng.uniform(0.35, 0.5)
        one.append(Part(ellipsoid(burst, burst, burst, segments=14), "powder", 1, 0.9, _grains(rng)))
        star, ring = radius * 0.13, radius - wall - radius * 0.15
        for u in rng.normal(size=(24, 3)):
            at = ring * u / np.linalg.norm(u)
            one.append(Part(box(star * 1.6, star * 1.6, star * 1.6).moved(*at), material, 1, density * 1.3))
        lift = cylinder(radius * 0.5, radius * 0.5, segments=16).rotated("y", 90).moved(-radius * 1.2)
        one += [Part(lift, "salt", 1, 1.0, _grains(rng)), _fuse(rng, (radius, 0, 0), radius * 1.6)]
        parts += placed(one, 0, i * radius * 2.1, 0, turn=float(rng.uniform(-15, 15)))
    return parts


def _sparklers(rng: Rng) -> list[Part]:
    """Bundle of iron wires, coated over their upper part."""
    parts: list[Part] = []
    wire, length = rng.uniform(0.5, 0.9), rng.uniform(150, 320)
    coat, share = wire + rng.uniform(0.7, 1.6), rng.uniform(0.5, 0.75)
    fan, count = rng.uniform(0, 5), int(rng.integers(4, 16))
    for i in range(count):
        rod = cylinder(wire, length, segments=8).rotated("y", 90)
        paste = cylinder(coat, length * share, segments=10).rotated("y", 90).moved(length * (1 - share) / 2)
        one = [Part(rod, "fe"), Part(paste, "salt", 1, rng.uniform(1.8, 2.6), _grains(rng))]
        row, column = divmod(i, 8)
        parts += placed(
            one, rng.normal(0, 3), (column - 3.5) * coat * 2.2, row * coat * 2, turn=rng.normal(0, fan)
        )
    return parts


def _cake(rng: Rng) -> list[Part]:
    """Battery of upright tubes in a carton."""
    rows, columns = int(rng.integers(2, 5)), int(rng.integers(3, 6))
    radius, length = rng.uniform(8, 14), rng.uniform(70, 130)
    charge = _charge(rng)
    parts: list[Part] = []
    for i in range(rows * columns):
        row, column = divmod(i, columns)
        one = _paper_tube(rng, radius, length, rng.uniform(0.25, 0.5), charge=charge)
        parts += placed(one, 0, column * radius * 2.05, row * radius * 2.05)
    middle = ((columns - 1) * radius * 1.025, (rows - 1) * radius * 1.025)
    size = (length + 6, columns * radius * 2.05 + 3, rows * radius * 2.05 + 3)
    outer, inner = box(*size), box(*(s - 2.0 for s in size))
    card = hollow(outer.moved(0, *middle), inner.moved(0, *middle), "cardboard", density_g_cm3=0.5)
    return [*parts, *card, _fuse(rng, (-length / 2, -radius - 2, 0), 60)]


def fireworks(rng: Rng) -> Item:
    """Rockets, crackers, shells, sparklers or a cake."""
    makers = {
        "rockets": _rockets,
        "crackers": _crackers,
        "shells": _shells,
        "sparklers": _sparklers,
        "cake": _cake,
    }
    design = str(rng.choice(list(makers)))
    parts = centred(makers[design](rng))
    drawn: dict[str, object] = {"design": design, "pieces": len(parts)}
    return Item("fireworks", "fireworks", tuple(parts), True, drawn)


FAMILIES: dict[str, ItemMaker] = {"fireworks": fireworks}
