"""Short building blocks the everyday families share: open vessels, the finished item."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from beltline.simulate.shapes import Mesh, revolve
from beltline.simulate.solids import Item, Part, centred


def benign(family: str, parts: Iterable[Part], *, soft: float = 0.0, **params: object) -> Item:
    """Harmless item centred on the origin; its label is its family."""
    return Item(family, family, tuple(centred(parts)), params=params, soft=soft)


def vessel(profile: ArrayLike, wall: float, *, segments: int = 28) -> Mesh:
    """Open turned vessel: outer profile (N, 2) of (radius, z) going up, wall in mm, no negative part."""
    outer = np.asarray(profile, dtype=np.float64)
    inner = outer[::-1].copy()
    inner[:, 0] = np.maximum(inner[:, 0] - wall, 0.05)
    inner[:, 1] = np.maximum(inner[:, 1], outer[0, 1] + wall)
    return revolve(
        np.concatenate([[(0.0, outer[0, 1])], outer, inner, [(0.0, inner[-1, 1])]]), segments=segments
    )
