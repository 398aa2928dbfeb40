"""Small steps that the prohibited items share: a handle, a hinged pair, and the finished item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beltline.simulate.shapes import Mesh, in_plane, loft, spline, superellipse
from beltline.simulate.solids import Item, Part, centred

GRIPS = ("wood", "abs", "pp", "rubber", "nylon")


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


def mirrored_pair(half: list[Part], opening: float, lift: float) -> list[Part]:
    """A half and its mirror image, ``opening`` degrees apart and ``lift`` mm above and below the middle."""
    parts = []
    for side in (1, -1):
        for part in half:
            mesh = part.mesh if side == 1 else part.mesh.mirrored("y")
            turned_mesh = mesh.rotated("z", side * opening / 2).moved(z=side * lift)
            parts.append(Part(turned_mesh, part.material, part.sign, part.density_g_cm3))
    return parts


def threat(family: str, label: str, design: str, parts: Sequence[Part], **params: float | str) -> Item:
    """Prohibited item centred on the origin, with its design and drawn dimensions in ``params``."""
    shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in params.items()}
    return Item(family, label, tuple(centred(parts)), True, {"design": design, **shown})
