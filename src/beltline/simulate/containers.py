"""Containers of luggage: shells, frames, rails, wheels, straps and zips, with the room they leave inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.shapes import (
    Mesh,
    box,
    cylinder,
    loft,
    merge,
    prism,
    rounded_rectangle,
    spline,
    torus,
    tube,
)
from beltline.simulate.solids import Part, Texture, hollow

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Container:
    """A bag without its contents.

    Attributes:
        kind: Name in ``CONTAINERS``.
        parts: Signed parts, centred on the inner box.
        inner_size: (3,) mm free for packing, centred at the origin, z up.
        params: What was drawn.
        tray: Parts of a tray under it, empty without.
    """

    kind: str
    parts: tuple[Part, ...]
    inner_size: NDArray[np.float64]
    params: Mapping[str, object] = field(default_factory=dict)
    tray: tuple[Part, ...] = ()


def _shell(
    rng: Rng, size: NDArray[np.float64], wall: float, corner: float, *, ribs: int = 0
) -> tuple[Mesh, Mesh]:
    """Outer and inner skin of a rounded case; ribs corrugate both."""
    rings_out, rings_in = [], []
    levels = np.linspace(-1, 1, 7)
    outline = rounded_rectangle(size[0], size[1], corner, steps=6)
    angle = np.arctan2(outline[:, 1], outline[:, 0])
    wave = 1 + (0.006 * np.cos(ribs * angle) if ribs else 0 * angle)
    phase = rng.uniform(0.9, 0.98)
    for level in levels:
        shrink = phase + (1 - phase) * np.cos(level * np.pi / 2)
        ring = outline * (shrink * wave)[:, None]
        rings_out.append(np.column_stack([ring, np.full(len(ring), level * size[2] / 2)]))
        inside = ring * (1 - 2 * wall / size[:2].min())
        rings_in.append(np.column_stack([inside, np.full(len(ring), level * (size[2] / 2 - wall))]))
    return loft(rings_out), loft(rings_in)


def _frame_ring(
    size: NDArray[np.float64], z: float, radius: float, corner: float, bow: float, rng: Rng
) -> Mesh:
    outline = rounded_rectangle(size[0], size[1], corner, steps=5)
    wobble = spline(rng.normal(0, bow, (7, 1)), len(outline), closed=True)
    return tube(np.column_stack([outline, z + wobble[:, 0]]), radius, closed=True, segments=6)


def _zip(path: NDArray[np.float64], rng: Rng, pitch: float = 5.0) -> Mesh:
    """Teeth along a path."""
    steps = np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    spots = np.arange(0, steps[-1], pitch)
    points = np.column_stack([np.interp(spots, steps, path[:, k]) for k in range(3)])
    tooth = box(2.2, 2.2, float(rng.uniform(1.0, 1.8)))
    return merge([tooth.moved(*p) for p in points])


def _puller(rng: Rng) -> Mesh:
    length = rng.uniform(16, 40)
    plate = prism(rounded_rectangle(length, rng.uniform(5, 10), 2), rng.uniform(1.2, 2.5))
    ring = torus(rng.uniform(3.5, 6), rng.uniform(0.8, 1.4), segments=14, tube_segments=6).moved(
        x=length / 2 + 5
    )
    return merge([plate, ring])


def _scatter(rng: Rng, mesh: Mesh, size: NDArray[np.float64]) -> Mesh:
    """A small fitting somewhere on the skin, turned anyhow."""
    side = rng.integers(2)
    spot = rng.uniform(-0.5, 0.5, 3) * size
    spot[side] = np.sign(spot[side]) * size[side] / 2
    turned = mesh.rotated("z", rng.uniform(0, 360)).rotated("x", rng.choice([0, 90]) + rng.normal(0, 20))
    return turned.moved(*spot)


def _wheel(rng: Rng, radius: float) -> list[Part]:
    width = rng.uniform(12, 24)
    tyre = cylinder(radius, width, segments=20).rotated("x", 90)
    hub = cylinder(radius * 0.55, width * 0.7, segments=16).rotated("x", 90)
    axle = cylinder(rng.uniform(2.5, 4), width * 1.6, segments=10).rotated("x", 90)
    bearing = torus(rng.uniform(5, 8), 2.2, segments=16, tube_segments=6).rotated("x", 90)
    bolt = (
        cylinder(rng.uniform(3, 5), rng.uniform(20, 32), segments=10)
        .moved(z=0)
        .rotated("y", 90)
        .moved(x=radius)
    )
    parts = [Part(tyre, "pp"), Part(hub, "pp"), Part(axle, "fe"), Part(bearing, "fe"), Part(bolt, "fe")]
    if rng.random() < 0.5:
        parts.append(
            Part(
                box(radius * 1.6, width * 1.5, 2.5).moved(x=radius * 0.7), str(rng.choice(["pp", "fe", "al"]))
            )
        )
    return parts


def _moved(parts: list[Part], x: float, y: float, z: float, turn: float = 0.0) -> list[Part]:
    return [
        Part(p.mesh.rotated("z", turn).moved(x, y, z), p.material, p.sign, p.density_g_cm3, p.texture)
        for p in parts
    ]


def _rails(rng: Rng, size: NDArray[np.float64]) -> list[Part]:
    """Telescopic handle: two (or one, or three) flat tubes with an inner tube, and the grip."""
    metal = str(rng.choice(["al", "al", "fe"]))
    wide, flat = rng.uniform(12, 28), rng.uniform(8, 14)
    wall = rng.uniform(0.8, 1.6) if metal == "al" else rng.uniform(0.4, 0.8)
    gap = rng.uniform(0.25, 0.6) * size[1]
    length = size[0] * rng.uniform(0.75, 0.98)
    z = -size[2] / 2 + flat / 2 + 4
    parts: list[Part] = []
    for y in (-gap / 2, gap / 2):
        outer, inner = box(length, wide, flat), box(length - 1, wide - 2 * wall, flat - 2 * wall)
        parts += [Part(outer.moved(y=y, z=z), metal), Part(inner.moved(y=y, z=z), metal, -1)]
        second = wide - 2 * wall - 1.5
        outer, inner = (
            box(length * 0.9, second, flat - 2 * wall - 1),
            box(length * 0.9 - 1, second - 2 * wall, flat - 4 * wall - 1),
        )
        parts += [
            Part(outer.moved(x=length * 0.04, y=y, z=z), metal),
            Part(inner.moved(x=length * 0.04, y=y, z=z), metal, -1),
        ]
        parts.append(Part(cylinder(3, 10).moved(length / 2 - 8, y, z), "fe"))
    grip = prism(rounded_rectangle(26, gap + wide, 8), 16).moved(length / 2 + 10, 0, z)
    parts.append(Part(grip, str(rng.choice(["abs", "absf", "pp"])), 1, 0.6))
    return parts


def _lining(rng: Rng, size: NDArray[np.float64], mm: float) -> Part:
    seed = int(rng.integers(2**31))
    return Part(
        box(size[0] * 0.96, size[1] * 0.94, mm),
        "polyester",
        1,
        0.5,
        Texture("crumple", seed, rng.uniform(0.5, 1.0), rng.uniform(60, 200)),
    )


def _case(
    rng: Rng, kind: str, size: NDArray[np.float64], *, hard: bool, wheels: bool, rails: bool
) -> Container:
    wall = rng.uniform(1.4, 3.0) if hard else rng.uniform(0.8, 1.6)
    corner = rng.uniform(0.1, 0.24) * size[1]
    outer, inner = _shell(rng, size, wall, corner, ribs=int(rng.choice([0, 20, 36, 60])) if hard else 0)
    skin = str(
        rng.choice(["abs", "polycarbonate", "absf", "pp"] if hard else ["polyester", "nylon", "coated_nylon"])
    )
    parts: list[Part] = [*hollow(outer, inner, skin, density_g_cm3=None if hard else rng.uniform(0.5, 1.0))]
    inside = size - 2 * wall
    parts += [_lining(rng, inside, rng.uniform(2, 6)) for _ in range(2)]
    rim = str(rng.choice(["fe", "fe", "pvc", "al"]))
    for _ in range(int(rng.integers(1, 4))):
        z = rng.uniform(-0.5, 0.5) * inside[2]
        parts.append(
            Part(_frame_ring(inside * 0.985, z, rng.uniform(0.9, 2.4), corner, rng.uniform(0, 6), rng), rim)
        )
    outline = rounded_rectangle(size[0] * 0.99, size[1] * 0.99, corner, steps=6)
    z = rng.uniform(-0.15, 0.25) * size[2]
    parts.append(
        Part(
            _zip(np.column_stack([outline, np.full(len(outline), z)]), rng),
            str(rng.choice(["nylon", "zn", "brass"])),
        )
    )
    for _ in range(int(rng.integers(2, 9))):
        parts.append(Part(_scatter(rng, _puller(rng), size), str(rng.choice(["zn", "fe", "brass"]))))
    for _ in range(int(rng.integers(4, 20))):
        parts.append(
            Part(
                _scatter(rng, cylinder(rng.uniform(1.5, 4), rng.uniform(3, 10), segments=10), size * 0.95),
                "fe",
            )
        )
    if rails:
        parts += _rails(rng, inside)
    if wheels:
        radius = rng.uniform(16, 30)
        for y in (-1, 1):
            for z in (-1, 1) if rng.random() < 0.6 else (-1,):
                parts += _moved(
                    _wheel(rng, radius), -size[0] / 2 - radius * 0.8, y * size[1] * 0.4, z * size[2] * 0.33
                )
    for side in range(int(rng.integers(1, 3))):
        arch = spline([(-60, 0, 0), (-45, 22, 0), (45, 22, 0), (60, 0, 0)], 20)
        handle = tube(arch, rng.uniform(3, 8)).moved(y=size[1] / 2 - 4)
        parts.append(
            Part(handle if side == 0 else handle.rotated("z", -90).moved(x=size[0] / 2 - size[1] / 2), "pvc")
        )
    for _ in range(int(rng.integers(1, 5))):
        strap = spline(rng.uniform(-0.45, 0.45, (4, 3)) * inside, 30)
        parts.append(Part(tube(strap, rng.uniform(2, 6), segments=6), "nylon", 1, 0.5))
    return Container(
        kind, tuple(parts), inside * [0.94, 0.92, 0.95], {"size_mm": size.round(1).tolist(), "skin": skin}
    )


def hard_suitcase(rng: Rng) -> Container:
    """Hard shell with wheels and rails."""
    return _case(
        rng,
        "hard_suitcase",
        rng.uniform((430, 310, 170), (640, 440, 260)),
        hard=True,
        wheels=True,
        rails=True,
    )


def soft_suitcase(rng: Rng) -> Container:
    """Fabric trolley."""
    return _case(
        rng,
        "soft_suitcase",
        rng.uniform((430, 300, 160), (620, 420, 260)),
        hard=False,
        wheels=True,
        rails=rng.random() < 0.8,
    )


def backpack(rng: Rng) -> Container:
    """Rucksack with straps."""
    made = _case(
        rng, "backpack", rng.uniform((380, 260, 130), (520, 350, 220)), hard=False, wheels=False, rails=False
    )
    size = np.asarray(made.inner_size)
    extra = []
    for side in (-1, 1):
        path = spline(
            [
                (size[0] * 0.4, side * 60, -size[2] / 2),
                (0, side * 110, -size[2] / 2 - 15),
                (-size[0] * 0.5, side * size[1] * 0.45, -size[2] / 2),
            ],
            24,
        )
        section = np.array([(-28, -4), (28, -4), (28, 4), (-28, 4)]) * rng.uniform(0.7, 1.1)
        from beltline.simulate.shapes import sweep

        extra.append(Part(sweep(path, section), "foam"))
        extra.append(Part(box(30, 24, 5).moved(*path[-3]), "nylon"))
    return Container("backpack", (*made.parts, *extra), made.inner_size, made.params)


def handbag(rng: Rng) -> Container:
    """Small bag with metal fittings."""
    made = _case(
        rng, "handbag", rng.uniform((250, 180, 80), (400, 300, 160)), hard=False, wheels=False, rails=False
    )
    rings = [
        Part(
            _scatter(
                rng, torus(rng.uniform(8, 16), 1.8, segments=20, tube_segments=6), np.asarray(made.inner_size)
            ),
            "zn",
        )
        for _ in range(6)
    ]
    return Container("handbag", (*made.parts, *rings), made.inner_size, made.params)


def briefcase(rng: Rng) -> Container:
    """Attaché or laptop bag."""
    return _case(
        rng,
        "briefcase",
        rng.uniform((370, 270, 70), (460, 340, 120)),
        hard=bool(rng.random() < 0.4),
        wheels=False,
        rails=False,
    )


def duffel(rng: Rng) -> Container:
    """Sports bag."""
    return _case(
        rng, "duffel", rng.uniform((400, 240, 180), (620, 330, 280)), hard=False, wheels=False, rails=False
    )


def parcel(rng: Rng) -> Container:
    """Corrugated box with tape and staples."""
    size = rng.uniform((220, 180, 90), (450, 340, 240))
    wall = rng.uniform(3, 6)
    outer, inner = box(*size), box(*(size - 2 * wall))
    tape = box(size[0], 48, 0.2).moved(z=size[2] / 2 + 0.2)
    return Container(
        "parcel",
        (*hollow(outer, inner, "cardboard", density_g_cm3=0.16), Part(tape, "pp")),
        size - 2 * wall - 4,
        {"size_mm": size.round(1).tolist()},
    )


def tray(rng: Rng) -> Container:
    """Security tray with rim and ribs."""
    size = rng.uniform((480, 330, 90), (640, 440, 140))
    wall = rng.uniform(2, 3.5)
    outline = rounded_rectangle(size[0], size[1], 30)
    rings = [
        np.column_stack([outline * s, np.full(len(outline), z)])
        for s, z in ((0.88, -size[2] / 2), (1.0, size[2] / 2))
    ]
    inside = [
        np.column_stack([outline * (s - 2 * wall / size[1]), np.full(len(outline), z)])
        for s, z in ((0.88, -size[2] / 2 + wall), (0.999, size[2] / 2))
    ]
    parts = [*hollow(loft(rings), loft(inside), "pp")]
    for x in np.linspace(-0.35, 0.35, int(rng.integers(3, 7))):
        parts.append(Part(box(3, size[1] * 0.8, 3).moved(x=x * size[0], z=-size[2] / 2 - 1.6), "pp"))
    return Container("tray", tuple(parts), size * [0.82, 0.82, 0.95], {"size_mm": size.round(1).tolist()})


CONTAINERS: dict[str, Callable[[Rng], Container]] = {
    "hard_suitcase": hard_suitcase,
    "soft_suitcase": soft_suitcase,
    "backpack": backpack,
    "handbag": handbag,
    "briefcase": briefcase,
    "duffel": duffel,
    "parcel": parcel,
    "tray": tray,
}
