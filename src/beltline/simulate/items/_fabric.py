"""Soft goods: wavy slabs, folded layers, seams, zips, buttons, rivets, cords."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng, chance, draw, pick
from beltline.simulate.shapes import (
    Array,
    Mesh,
    box,
    cylinder,
    in_plane,
    loft,
    merge,
    prism,
    rounded_rectangle,
    spline,
    sweep,
    torus,
    tube,
)
from beltline.simulate.solids import Part, Texture, TextureKind

FIBRES = ("cotton", "cotton", "polyester", "wool", "fabric_blend", "fabric_blend")


@dataclass(frozen=True)
class Fabric:
    """Cloth of one garment: material, packed density, and how it looks."""

    material: str
    density_g_cm3: float
    kind: TextureKind
    amplitude: float
    scale_mm: float

    def part(self, mesh: Mesh, rng: Rng, *, strength: float = 1.0) -> Part:
        """A layer of this cloth with its own texture seed."""
        scale = self.scale_mm * draw(rng, 0.75, 1.3)
        texture = Texture(self.kind, int(rng.integers(2**31)), self.amplitude * strength, scale)
        return Part(mesh, self.material, 1, self.density_g_cm3, texture)

    def plain(self, mesh: Mesh, *, pressed: float = 1.6) -> Part:
        """A sewn, pressed piece (hem, collar, strap): denser and without texture."""
        return Part(mesh, self.material, 1, min(self.density_g_cm3 * pressed, 0.9))


def fabric(
    rng: Rng,
    *kinds: TextureKind,
    materials: tuple[str, ...] = FIBRES,
    density: tuple[float, float] = (0.16, 0.42),
    amplitude: tuple[float, float] = (0.45, 0.9),
    scale: tuple[float, float] = (30.0, 80.0),
) -> Fabric:
    """Random cloth; ranges are g/cm3, texture strength and size of the folds in mm."""
    chosen = pick(rng, *(kinds or ("cloth",)))
    return Fabric(
        pick(rng, *materials), draw(rng, *density), chosen, draw(rng, *amplitude), draw(rng, *scale)
    )


def wavy(rng: Rng, outline: ArrayLike, wobble: float, *, points: int = 44) -> Array:
    """Outline (points, 2) resampled evenly and bent by a few smooth waves of about ``wobble`` mm."""
    ring = np.asarray(outline, dtype=np.float64)
    closed = np.concatenate([ring, ring[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, length[-1], points, endpoint=False)
    even = np.column_stack([np.interp(at, length, closed[:, k]) for k in range(2)])
    phase = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
    order = np.arange(2, 9)
    gain = rng.normal(size=(2, 7)) / order**0.7
    offset = rng.uniform(0, 2 * np.pi, (2, 7))
    waves = [(np.cos(phase * order + offset[k]) * gain[k]).sum(axis=1) for k in range(2)]
    return even + wobble * 0.6 * np.column_stack(waves)


def sheet(rng: Rng, x: float, y: float, *, wobble: float = 4.0, corner: float = 12.0) -> Array:
    """Outline of a lying piece of cloth of about x by y mm."""
    return wavy(rng, rounded_rectangle(x, y, min(corner, 0.3 * x, 0.3 * y)), min(wobble, 0.06 * min(x, y)))


def slab(outline: ArrayLike, thickness: float, *, z: float = 0.0, edge: float = 2.0) -> Mesh:
    """Layer from height z up: step edges ``edge`` mm wide."""
    return prism(outline, thickness, bevel=min(edge, 0.45 * thickness)).moved(z=z + thickness / 2)


def pillow(outline: ArrayLike, thickness: float, *, power: float = 2.5, levels: int = 7) -> Mesh:
    """Stuffed cushion shape centred on z = 0; a larger power is boxier."""
    ring = np.asarray(outline, dtype=np.float64)
    middle = ring.mean(axis=0)
    heights = np.sin(np.linspace(-np.pi / 2, np.pi / 2, levels)) * 0.999
    shrink = np.maximum((1 - np.abs(heights) ** power) ** (1 / power), 0.02)
    rings = [
        np.column_stack([middle + (ring - middle) * s, np.full(len(ring), h * thickness / 2)])
        for s, h in zip(shrink, heights, strict=True)
    ]
    return loft(rings)


def folded(rng: Rng, cloth: Fabric, x: float, y: float, thickness: float, *, layers: int = 4) -> list[Part]:
    """Garment folded to x by y mm: one full layer, then flaps that reach in from the edges, each a step."""
    share = rng.uniform(0.5, 1.5, layers)
    heights = share / share.sum() * thickness
    parts, z = [cloth.part(slab(sheet(rng, x, y), heights[0]), rng)], heights[0]
    for height in heights[1:]:
        reach = draw(rng, 0.28, 1.0)
        wide = chance(rng, 0.5)
        fx, fy = (x * reach, y * draw(rng, 0.85, 1.0)) if wide else (x * draw(rng, 0.85, 1.0), y * reach)
        side = pick(rng, -1, 1) * draw(rng, 0.85, 1.0)
        mesh = slab(sheet(rng, fx, fy, corner=6.0), height, z=z, edge=1.2)
        dx, dy = (side * (x - fx) / 2, 0.0) if wide else (0.0, side * (y - fy) / 2)
        parts.append(cloth.part(mesh.moved(dx, dy).rotated("z", draw(rng, -3, 3)), rng))
        z += height
    return parts


def ribbon(path: ArrayLike, width: float, thickness: float) -> Mesh:
    """Flat band along a path (N, 3): hems, straps, tapes."""
    w, t = width / 2, thickness / 2
    points = np.asarray(path, dtype=np.float64)
    up = np.array([0.0, 0.0, 1.0])
    along = np.gradient(points, axis=0)
    side = np.cross(up, along)
    norm = np.linalg.norm(side, axis=1, keepdims=True)
    side = np.where(norm > 1e-6, side / np.maximum(norm, 1e-9), [1.0, 0.0, 0.0])
    corners = [points + side * a + up * b for a, b in ((-w, -t), (w, -t), (w, t), (-w, t))]
    return loft(np.stack(corners, axis=1))


def seam(rng: Rng, cloth: Fabric, start: ArrayLike, stop: ArrayLike, *, width: float = 5.0) -> Part:
    """Sewn double seam from start to stop (x, y, z), slightly wandering."""
    ends = np.array([start, stop], dtype=np.float64)
    length = float(np.linalg.norm(ends[1] - ends[0]))
    points = np.linspace(ends[0], ends[1], 5)
    points[1:-1, :2] += rng.normal(size=(3, 2)) * 0.02 * length
    return cloth.plain(
        ribbon(spline(points, 14), width * draw(rng, 0.7, 1.4), draw(rng, 1.0, 2.2)), pressed=2.0
    )


def button(rng: Rng, x: float, y: float, z: float, *, radius: float = 5.5) -> Part:
    """Sewn button lying flat."""
    r = radius * draw(rng, 0.85, 1.15)
    profile = torus(r * 0.72, r * 0.26, segments=10, tube_segments=5)
    disk = cylinder(r * 0.7, draw(rng, 1.2, 2.2), segments=10)
    return Part(
        merge([profile, disk]).moved(x, y, z), pick(rng, "pet", "pmma", "nylon", "wood", "absf"), 1, 1.3
    )


def rivet(rng: Rng, x: float, y: float, z: float, *, radius: float = 4.5) -> Part:
    """Metal rivet or snap seen from above."""
    head = cylinder(radius * draw(rng, 0.85, 1.1), draw(rng, 0.7, 1.2), segments=12)
    post = cylinder(radius * 0.35, 3.0, segments=6).moved(z=-1.0)
    return Part(merge([head, post]).moved(x, y, z), pick(rng, "brass", "zn", "cu", "ss"))


def zip_chain(rng: Rng, path: ArrayLike, *, pitch: float = 2.6) -> list[Part]:
    """Zip along a path (N, 3): a row of teeth, tape, slider and pull."""
    points = np.asarray(path, dtype=np.float64)
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    teeth = max(int(length / pitch), 4)
    fine = spline(points, 2 * teeth)
    metal = chance(rng, 0.55)
    half = draw(rng, 1.1, 1.7) if metal else draw(rng, 1.4, 2.4)
    radii = np.where(np.arange(2 * teeth) % 2 == 0, half, 0.35 * half)
    material = pick(rng, "brass", "al", "zn") if metal else pick(rng, "pom", "nylon", "absf")
    parts = [Part(tube(fine, radii, segments=4), material)]
    parts.append(Part(ribbon(spline(points, 12), 22.0, 0.9), "polyester", 1, 0.6))
    return [*parts, *zip_pull(rng, points[0] if chance(rng, 0.7) else points[len(points) // 2])]


def zip_pull(rng: Rng, at: ArrayLike) -> list[Part]:
    """Slider body and pull tab near a point (x, y, z)."""
    metal = pick(rng, "zn", "zn", "brass", "ss")
    length, width = draw(rng, 14, 34), draw(rng, 4, 9)
    slider = box(draw(rng, 6, 10), draw(rng, 5, 8), draw(rng, 2.5, 4))
    tab = prism(rounded_rectangle(length, width, width * 0.4), draw(rng, 1.0, 2.0)).moved(
        length / 2 + 3, 0, 2.5
    )
    tab = tab.rotated("z", draw(rng, 0, 360))
    return [Part(mesh.moved(*np.asarray(at, dtype=np.float64)), metal) for mesh in (slider, tab)]


def cord(rng: Rng, points: ArrayLike, *, radius: float = 2.0) -> list[Part]:
    """Drawcord through control points (N, 3), sometimes with metal or plastic ends."""
    path = spline(points, 28)
    parts = [Part(tube(path, radius, segments=5), "polyester", 1, 0.8)]
    if chance(rng, 0.6):
        metal = pick(rng, "zn", "pom", "brass")
        parts += [Part(tube(path[[0, 1]], radius * 1.3, segments=6), metal)]
        parts += [Part(tube(path[[-2, -1]], radius * 1.3, segments=6), metal)]
    return parts


def loop_cord(rng: Rng, x: float, y: float, z: float, size: float) -> list[Part]:
    """Drawcord hanging in a loose loop about (x, y)."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, 6))
    radius = size * rng.uniform(0.4, 1.0, 6)
    ring = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
    return cord(rng, in_plane(ring, z), radius=draw(rng, 1.2, 2.4))


def strap(
    path: ArrayLike, width: float, thickness: float, material: str = "nylon", density: float = 0.7
) -> Part:
    """Woven strap along a path."""
    return Part(ribbon(path, width, thickness), material, 1, density)


def bar(path: ArrayLike, width: float, thickness: float) -> Mesh:
    """Rectangular section swept along a path in twist-free frames (for paths that leave the plane)."""
    w, t = width / 2, thickness / 2
    return sweep(path, [(-w, -t), (w, -t), (w, t), (-w, t)])
