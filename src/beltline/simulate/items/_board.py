"""Printed circuit boards: copper planes, chips, passives, ferrites, connectors, from one box builder."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.shapes import Mesh, box
from beltline.simulate.solids import Part

_CUBE = box(1.0, 1.0, 1.0)


def boxes(centres: ArrayLike, sizes: ArrayLike) -> Mesh:
    """One mesh of N boxes that do not overlap.

    Args:
        centres: (N, 3) mm.
        sizes: (N, 3) full side lengths, mm.
    """
    centres, sizes = np.atleast_2d(np.asarray(centres, float)), np.atleast_2d(np.asarray(sizes, float))
    vertices = _CUBE.vertices[None] * sizes[:, None] + centres[:, None]
    offsets = (np.arange(len(centres)) * len(_CUBE.vertices))[:, None, None]
    return Mesh(vertices.reshape(-1, 3), (_CUBE.faces[None] + offsets).reshape(-1, 3).astype(np.int32))


def scattered(
    rng: np.random.Generator, area: tuple[float, float], count: int, low: ArrayLike, high: ArrayLike
) -> Mesh:
    """``count`` boxes on a grid over ``area`` (x, y) mm, standing on z = 0, sizes between two (3,)."""
    columns = max(int(np.ceil(np.sqrt(count * area[0] / max(area[1], 1e-6)))), 1)
    rows = max(int(np.ceil(count / columns)), 1)
    cells = rng.permutation(columns * rows)[:count]
    pitch = np.array([area[0] / columns, area[1] / rows])
    sizes = rng.uniform(np.asarray(low, float), np.asarray(high, float), (len(cells), 3))
    sizes[:, :2] = np.minimum(sizes[:, :2], pitch * 0.92)
    at = (np.column_stack([cells % columns, cells // columns]) + 0.5) * pitch - np.array(area) / 2
    room = np.maximum(pitch - sizes[:, :2], 0) / 2
    at += rng.uniform(-1, 1, at.shape) * room
    return boxes(np.column_stack([at, sizes[:, 2] / 2]), sizes)


def circuit_board(
    rng: np.random.Generator, x: float, y: float, *, density: float = 1.0, z: float = 0.0
) -> tuple[Part, ...]:
    """A populated board of x by y mm at height z: about 100 to 500 components.

    Args:
        rng: Source of chance.
        x: Length in mm.
        y: Width in mm.
        density: Factor on the number of components.
        z: Height of the board's top.
    """
    small = int(np.clip(x * y / 70 * density, 6, 380))
    chips = int(np.clip(x * y / 900 * density, 1, 40))
    tall = int(np.clip(x * y / 1500 * density, 1, 25))
    area = (x * 0.94, y * 0.94)
    copper = rng.uniform(0.05, 0.16)
    parts = [
        Part(box(x, y, 1.3).moved(z=z - 0.65), "fr4"),
        Part(box(x * 0.96, y * 0.95, copper).moved(z=z), "cu"),
        Part(scattered(rng, area, small, (0.8, 0.5, 0.4), (3.2, 1.8, 1.4)).moved(z=z), "ceramic"),
        Part(scattered(rng, area, small, (0.5, 0.5, 0.15), (1.4, 1.2, 0.4)).moved(z=z), "solder"),
        Part(scattered(rng, area, chips, (5, 5, 0.7), (16, 14, 1.6)).moved(z=z), "abs", 1, 1.8),
        Part(scattered(rng, area, chips, (2, 2, 0.15), (7, 7, 0.4)).moved(z=z), "cu"),
        Part(
            scattered(rng, area, tall, (3, 3, 2.5), (11, 8, 6)).moved(z=z),
            str(rng.choice(["fe", "al", "ss"])),
            1,
            3.0,
        ),
    ]
    return tuple(parts)


def moved(parts: tuple[Part, ...], x: float = 0.0, y: float = 0.0, z: float = 0.0) -> tuple[Part, ...]:
    """Parts shifted together, mm."""
    return tuple(Part(p.mesh.moved(x, y, z), p.material, p.sign, p.density_g_cm3, p.texture) for p in parts)
