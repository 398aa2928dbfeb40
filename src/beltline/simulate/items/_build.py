"""Short building blocks the everyday families share: draws, shells, vessels, placing lists of parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.simulate.shapes import Axis, Mesh, loft, revolve
from beltline.simulate.solids import Item, Part, hollow

T = TypeVar("T")
Array = NDArray[np.float64]


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, evenly."""
    return options[int(rng.integers(len(options)))]


def chance(rng: np.random.Generator, share: float) -> bool:
    """True with probability ``share``."""
    return bool(rng.random() < share)


def draw(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform float in [low, high]."""
    return float(rng.uniform(low, high))


def count(rng: np.random.Generator, low: int, high: int) -> int:
    """Uniform integer in [low, high], both ends included."""
    return int(rng.integers(low, high + 1))


def benign(family: str, parts: Iterable[Part], *, soft: float = 0.0, **params: object) -> Item:
    """Harmless item centred on the origin; its label is its family."""
    placed = tuple(parts)
    corners = np.concatenate([p.mesh.bounds for p in placed if p.sign > 0])
    x, y, z = -(corners.min(axis=0) + corners.max(axis=0)) / 2
    return Item(family, family, tuple(shift(placed, x, y, z)), params=params, soft=soft)


def shift(parts: Iterable[Part], x: float = 0.0, y: float = 0.0, z: float = 0.0) -> list[Part]:
    """Parts moved by (x, y, z) mm."""
    return [replace(p, mesh=p.mesh.moved(x, y, z)) for p in parts]


def turn(parts: Iterable[Part], axis: Axis, degrees: float) -> list[Part]:
    """Parts turned about a coordinate axis through the origin."""
    return [replace(p, mesh=p.mesh.rotated(axis, degrees)) for p in parts]


def stretch(parts: Iterable[Part], x: float, y: float, z: float) -> list[Part]:
    """Parts scaled per axis by positive factors (flattened, crushed, elongated)."""
    return [replace(p, mesh=p.mesh.scaled(x, y, z)) for p in parts]


def solid(mesh: Mesh, material: str, density_g_cm3: float | None = None) -> Part:
    """Plain positive part."""
    return Part(mesh, material, 1, density_g_cm3)


def shell(mesh: Mesh, wall: float, material: str, density_g_cm3: float | None = None) -> tuple[Part, Part]:
    """Hollow shell of a star-shaped mesh: minus its own copy scaled about the middle of its bounds.

    ``wall`` in mm is the thickness on each side, held to 45 % of the thinnest side.
    """
    low, high = mesh.bounds
    size, middle = high - low, (low + high) / 2
    factor = 1 - 2 * np.minimum(wall, 0.45 * size) / size
    inner = Mesh(middle + (mesh.vertices - middle) * factor, mesh.faces)
    return hollow(mesh, inner, material, density_g_cm3=density_g_cm3)


def tray(outline: ArrayLike, height: float, wall: float, *, flare: float = 1.0) -> Mesh:
    """Open tray (box without lid) from z = 0 up; ``flare`` scales the upper outline."""
    base = np.asarray(outline, dtype=np.float64)
    reach = np.abs(base).max(axis=0)
    inner = base * (1 - np.minimum(wall / reach, 0.6))
    wall = min(wall, height * 0.5)
    levels = [(base, 0.0), (base * flare, height), (inner * flare, height), (inner, wall)]
    return loft([np.column_stack([ring, np.full(len(ring), z)]) for ring, z in levels])


def vessel(profile: ArrayLike, wall: float, *, segments: int = 28) -> Mesh:
    """Open turned vessel: outer profile (N, 2) of (radius, z) going up, wall in mm, no negative part."""
    outer = np.asarray(profile, dtype=np.float64)
    inner = _inner(outer, wall)[::-1]
    return revolve(
        np.concatenate([[(0.0, outer[0, 1])], outer, inner, [(0.0, inner[-1, 1])]]), segments=segments
    )


def filling(profile: ArrayLike, wall: float, level: float, *, segments: int = 28) -> Mesh:
    """What stands in :func:`vessel` up to the share ``level`` of its height; profile must rise in z."""
    inner = _inner(np.asarray(profile, dtype=np.float64), wall + 0.05)
    top = inner[0, 1] + level * (inner[-1, 1] - inner[0, 1])
    below = inner[inner[:, 1] < top - 1e-6]
    rim = np.interp(top, inner[:, 1], inner[:, 0])
    return revolve([(0.0, inner[0, 1]), *below, (rim, top), (0.0, top)], segments=segments)


def _inner(outer: Array, wall: float) -> Array:
    inner = outer.copy()
    inner[:, 0] = np.maximum(inner[:, 0] - wall, 0.05)
    inner[:, 1] = np.maximum(inner[:, 1], outer[0, 1] + wall)
    return inner


def flat_path(points: ArrayLike, z: float = 0.0) -> Array:
    """Path (N, 3) from plane points (N, 2) at height z."""
    plane = np.asarray(points, dtype=np.float64)
    return np.column_stack([plane, np.full(len(plane), z)])
