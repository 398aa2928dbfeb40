"""Soft bodies of bags: sewn pouches, creased panels, pockets, foam."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.draws import Rng, chance, pick
from beltline.simulate.luggage._fittings import zip_line
from beltline.simulate.luggage._forms import offset, ribbon, shell_parts
from beltline.simulate.shapes import (
    Array,
    Mesh,
    box,
    in_plane,
    loft,
    merge,
    prism,
    rounded_rectangle,
    spline,
    tube,
)
from beltline.simulate.solids import Part, Texture, TextureKind, moved

LEVELS = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 7))


def texture(rng: Rng, kind: TextureKind, amplitude: float, scale_mm: float) -> Texture:
    """Texture with its own seed; amplitude and scale vary by a third."""
    seed = int(rng.integers(2**31))
    return Texture(kind, seed, amplitude * rng.uniform(0.67, 1.33), scale_mm * rng.uniform(0.67, 1.33))


def pouch(outline: ArrayLike, depth: float, edge: float) -> Mesh:
    """Pillow over an outline (M, 2), ``depth`` mm thick, its edges rounded by ``edge`` mm."""
    outline = np.asarray(outline, dtype=np.float64)
    half = np.abs(outline).max(axis=0)
    edge = min(edge, 0.45 * float(half.min()), 0.49 * depth)
    flat = depth / 2 - edge
    rings = []
    for level in LEVELS:
        z = np.sign(level) * flat + edge * level if abs(level) > 1e-9 else 0.0
        inset = edge * (1 - np.sqrt(max(1 - level**2, 0.0)))
        rings.append(in_plane(outline * (1 - inset / half), z))
    return loft(rings)


def panel(
    rng: Rng, outline: ArrayLike, thickness: float, material: str, density: float, kind: TextureKind
) -> Part:
    """Flat creased sheet over an outline."""
    return Part(prism(np.asarray(outline), thickness), material, 1, density, texture(rng, kind, 0.75, 110.0))


def body(rng: Rng, outline: Array, depth: float, edge: float, material: str) -> list[Part]:
    """Cloth pouch with creased front and back."""
    density = rng.uniform(0.5, 0.95)
    parts = shell_parts(pouch(outline, depth, edge), rng.uniform(1.1, 2.5), material, density)
    small = outline * (1 - 0.5 * edge / np.abs(outline).max(axis=0))
    kind: TextureKind = "leather" if material == "leather" else "crumple"
    for side in (-1, 1):
        sheet = panel(rng, small, rng.uniform(3, 7), material, density * 0.6, kind)
        parts += moved([sheet], z=side * (depth / 2 - 4))
        seam = tube(in_plane(small, side * (depth / 2 - 2)), rng.uniform(1.3, 2.8), segments=5, closed=True)
        parts.append(
            Part(seam, pick(rng, "polyester", "pvc", "coated_nylon", "pe"), 1, rng.uniform(0.7, 1.1))
        )
    return [*parts, *creases(rng, np.abs(small).max(axis=0), depth, material)]


def creases(rng: Rng, half: Array, depth: float, material: str, *, most: int = 18) -> list[Part]:
    """Folds of the cloth: narrow strips of doubled cloth across front and back, ``half`` (2,) mm each way."""
    strips = []
    for _ in range(int(rng.integers(most // 3, most))):
        start, end = rng.uniform(-0.97, 0.97, (2, 2))
        across = (end - start)[::-1] * [-1, 1] * rng.normal(0, 0.08)
        nodes = np.array([start, (start + end) / 2 + across, end]) * half
        path = in_plane(spline(nodes, 6), rng.choice([-1.0, 1.0]) * (depth / 2 - 1))
        strips.append(ribbon(path, rng.uniform(1.5, 6), rng.uniform(1.5, 5)))
    return [Part(merge(strips), material, 1, rng.uniform(0.4, 0.7))]


def foam_sheet(rng: Rng, x: float, y: float, thickness: float) -> Part:
    """Padding of a back, strap or laptop sleeve, cloth included, centred."""
    mesh = prism(rounded_rectangle(x, y, 18, steps=2), thickness)
    return Part(
        mesh, pick(rng, "foam", "foam", "pe"), 1, rng.uniform(0.05, 0.12), texture(rng, "foam", 0.5, 14.0)
    )


def pocket(rng: Rng, x: float, y: float, depth: float, material: str, *, zipped: bool = True) -> list[Part]:
    """Sewn-on pocket with bulging front and a zip along its upper (+x) edge or round it, centred."""
    outline = rounded_rectangle(x, y, rng.uniform(0.08, 0.3) * min(x, y), steps=4)
    parts = shell_parts(pouch(outline, depth, depth * 0.35), 1.1, material, rng.uniform(0.5, 0.8))
    if chance(rng, 0.5):
        parts += moved([panel(rng, outline * 0.96, 2.0, "polyester", 0.4, "cloth")], z=depth * 0.3)
    if zipped:
        course = in_plane(offset(outline, 1.0), depth * 0.2)
        if chance(rng, 0.55):
            course = in_plane([(x * 0.42, -y * 0.46), (x * 0.42, y * 0.46)], depth / 2)
        else:
            course = np.roll(course, 5, axis=0)[: int(rng.integers(9, 15))]
        parts += zip_line(rng, course, scale=rng.uniform(0.6, 0.95), pulls=1 if chance(rng, 0.6) else 2)
    if chance(rng, 0.4):
        parts.append(
            Part(tube(in_plane(outline, 0.0), rng.uniform(0.8, 1.6), segments=5, closed=True), "pvc")
        )
    return parts


def mesh_pocket(rng: Rng, x: float, y: float) -> list[Part]:
    """Side net with an elastic hem, along x, centred."""
    net = Part(box(x, y, 1.2), "polyester", 1, 0.25, texture(rng, "knit", 0.9, 30.0))
    hem = Part(box(9, y, 3).moved(x=x / 2), pick(rng, "rubber", "nylon"), 1, 0.7)
    return [net, hem]
