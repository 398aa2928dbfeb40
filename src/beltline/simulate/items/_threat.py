"""Small shared steps of the prohibited items: draw, lay out, close up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.shapes import Axis, Mesh, loft, spline, superellipse
from beltline.simulate.solids import Item, Part

Rng = np.random.Generator
GRIPS = ("wood", "abs", "pp", "rubber", "nylon")


def pick(rng: Rng, *options: str) -> str:
    """One of the options, evenly."""
    return options[int(rng.integers(len(options)))]


def moved(parts: Iterable[Part], x: float = 0.0, y: float = 0.0, z: float = 0.0) -> list[Part]:
    """Parts shifted by (x, y, z) mm."""
    return [replace(part, mesh=part.mesh.moved(x, y, z)) for part in parts]


def turned(parts: Iterable[Part], axis: Axis, degrees: float) -> list[Part]:
    """Parts turned about a coordinate axis through the origin."""
    return [replace(part, mesh=part.mesh.rotated(axis, degrees)) for part in parts]


def in_plane(points: NDArray[np.float64], z: float = 0.0) -> NDArray[np.float64]:
    """Path (N, 3) at height z from points (N, 2)."""
    return np.column_stack([points, np.full(len(points), z)])


def shaft(
    points: Sequence[tuple[float, float]], widths: Sequence[float], depth: float, *, power: float = 2.4
) -> Mesh:
    """Smooth handle through plane points; ``widths`` lie evenly along it, ``depth`` along z, mm."""
    path = in_plane(spline(points, 16))
    width = np.interp(np.linspace(0, 1, 16), np.linspace(0, 1, len(widths)), widths)
    along = np.gradient(path, axis=0)
    across = np.cross(along, [0.0, 0.0, 1.0]) / np.linalg.norm(along, axis=1, keepdims=True)
    unit = superellipse(0.5, depth / 2, power, segments=14)
    rings = path[:, None] + (width[:, None] * unit[:, 0])[..., None] * across[:, None]  # (16, 14, 3)
    rings[..., 2] += unit[:, 1]
    return loft(rings)


def threat(family: str, label: str, design: str, parts: Sequence[Part], **params: float | str) -> Item:
    """Prohibited item centred on the origin, with its design and drawn dimensions in ``params``."""
    corners = np.concatenate([part.mesh.bounds for part in parts if part.sign > 0])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    centred = moved(parts, *(-float(c) for c in middle))
    shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in params.items()}
    return Item(family, label, tuple(centred), True, {"design": design, **shown})
