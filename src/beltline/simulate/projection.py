"""From an item in a pose to its six-term basis map in one view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.raster import Beam, Window, add_path_length
from beltline.simulate.shapes import Mesh
from beltline.simulate.solids import Part
from beltline.simulate.textures import modulation

MaterialKey = tuple[str, float | None]


@dataclass(frozen=True, eq=False)
class Pose:
    """Proper rotation (3, 3) about the item's origin, then a shift (3,) in mm.

    A garment that was folded or spread to its bag is stretched as well: the matrix then is a rotation
    followed by positive factors along the bag's axes.
    """

    rotation: NDArray[np.float64]
    offset: NDArray[np.float64]

    def apply(self, mesh: Mesh) -> Mesh:
        """The mesh in bag coordinates."""
        return mesh.transformed(self.rotation, self.offset)

    def then_turned(self, turn: NDArray[np.float64]) -> Pose:
        """This pose followed by a rotation of the whole bag about the origin."""
        return Pose(turn @ self.rotation, turn @ self.offset)


IDENTITY = Pose(np.eye(3), np.zeros(3))


def item_window(parts: Iterable[Part], pose: Pose, beam: Beam) -> Window:
    """Smallest window that holds the positive parts in a pose."""
    corners = [beam.project(pose.apply(part.mesh).vertices) for part in parts if part.sign > 0]
    return Window.around(np.concatenate(corners))


def material_thickness(
    parts: Iterable[Part], pose: Pose, beam: Beam, window: Window
) -> dict[MaterialKey, NDArray[np.float64]]:
    """Signed path length in mm per (material, density), before any clamping.

    Returns:
        Maps (window.height, window.width). Physical items stay >= -1e-6 mm everywhere.
    """
    maps: dict[MaterialKey, NDArray[np.float64]] = {}
    for part in parts:
        key = (part.material, part.density_g_cm3)
        mesh = pose.apply(part.mesh)
        if part.texture is None:
            out = maps.setdefault(key, np.zeros((window.height, window.width)))
            add_path_length(out, mesh.vertices, mesh.faces, beam, window, float(part.sign))
        else:
            smooth = np.zeros((window.height, window.width))
            add_path_length(smooth, mesh.vertices, mesh.faces, beam, window)
            smooth *= modulation(part.texture, beam, window)
            maps[key] = maps[key] + smooth if key in maps else smooth
    return maps
