"""Round hollow vessels: shell, filling and pool, shared by bottles, cans, lighters and cells."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.simulate.shapes import Mesh, revolve
from beltline.simulate.solids import Part, centred, hollow, moved, turned

SEGMENTS = 24


def inset(profile: ArrayLike, wall: float, *, top_mm: float | None = None) -> NDArray[np.float64]:
    """Profile (N, 2) of (radius, z) shrunk by ``wall`` mm, cut at height ``top_mm``; z must rise strictly.

    Inner nodes share the heights of the outer ones, so the inner solid lies inside the outer one.
    """
    radius, z = np.asarray(profile, dtype=np.float64).T
    low, high = z[0] + wall, z[-1] - wall
    high = high if top_mm is None else float(np.clip(top_mm, low + 1.0, high))
    heights = np.concatenate([[low], z[(z > low + 1e-6) & (z < high - 1e-6)], [high]])
    outer = np.interp(heights, z, radius)
    return np.column_stack([np.maximum(outer - wall, 0.3 * outer), heights])


def shell(
    profile: ArrayLike, wall: float, material: str, *, density: float | None = None
) -> tuple[Part, Part]:
    """Closed shell of ``wall`` mm about the z axis."""
    outer = revolve(profile, segments=SEGMENTS)
    return hollow(outer, revolve(inset(profile, wall), segments=SEGMENTS), material, density_g_cm3=density)


def filling(profile: ArrayLike, wall: float, share: float) -> Mesh:
    """Contents of a standing vessel, from its floor up to ``share`` of its height."""
    z = np.asarray(profile, dtype=np.float64)[:, 1]
    top = float(z[0] + share * (z[-1] - z[0]))
    return revolve(inset(profile, wall + 0.02, top_mm=top), segments=SEGMENTS)


def pooled(mesh: Mesh, share: float) -> Mesh:
    """Contents sunk to the lower ``share`` of the mesh's height in z: a liquid in a lying vessel."""
    low, high = mesh.bounds[:, 2]
    vertices = mesh.vertices.copy()
    vertices[:, 2] = np.minimum(vertices[:, 2], low + share * (high - low))
    return Mesh(vertices, mesh.faces)


def pooled_along(mesh: Mesh, share: float) -> Mesh:
    """`pooled` for a vessel still standing that :func:`lying` will lay along x."""
    return pooled(mesh.rotated("y", 90), share).rotated("y", -90)


def lying(parts: Iterable[Part]) -> list[Part]:
    """Parts built standing on z, laid along x and centred."""
    return centred(turned(parts, "y", 90))


def placed(
    parts: Iterable[Part], x: float = 0.0, y: float = 0.0, z: float = 0.0, *, turn: float = 0.0
) -> list[Part]:
    """Parts turned about z by ``turn`` degrees, then moved, all in mm."""
    return moved(turned(parts, "z", turn), x, y, z)
