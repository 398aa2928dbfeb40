"""A composed bag: its basis map, and of each object in it where it lies, how dense and of what it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from beltline.core import overlap
from beltline.physics import basis_matrix, spectrum
from beltline.simulate.scanner import MASK_DEPTH

#: Least ratio of low- to high-energy depth of a thin layer that counts as metal: between glass (1.93) and
#: aluminium (2.02). Organic matter lies from 1.16 to 1.3, steel at 3.7, lead (K edge) at 2.07; a pixel of
#: plastic over metal lies between, by the share of the depth that is metal's.
METAL_RATIO = 1.97


@dataclass(frozen=True, eq=False)
class ComposedObject:
    """A visible object of a composed bag.

    Attributes:
        label: Of a prohibited or everyday object.
        threat: Whether it is prohibited.
        depth: Its optical depth, a window (h, w) float32.
        corner: (row, column) of the window in the canvas.
        family: Item family.
        role: "garment" or "thing".
        basis: Its own basis window (6, h, w) float32.
    """

    label: str
    threat: bool
    depth: NDArray[np.float32]
    corner: tuple[int, int]
    family: str = ""
    role: str = "thing"
    basis: NDArray[np.float32] | None = None

    @property
    def lines(self) -> tuple[slice, slice]:
        """Rows and columns of the window in the canvas."""
        (top, left), (h, w) = self.corner, self.depth.shape
        return slice(top, top + h), slice(left, left + w)

    @cached_property
    def metal(self) -> NDArray[np.bool_]:
        """(h, w) bool: where most of what one sees of the object alone is metal, by `METAL_RATIO`.

        Thin-layer depths are compared, so that a thick object is of the same material as a thin one.

        Raises:
            ValueError: If the object was made without its basis window.
        """
        if self.basis is None:
            raise ValueError(f"the material of {self.label} needs its basis window, got none")
        return is_metal(self.basis)


@dataclass(frozen=True, eq=False)
class Composed:
    """A composed bag: its basis map (6, H, W) float32 and the objects seen in it."""

    basis: NDArray[np.float32]
    objects: tuple[ComposedObject, ...]

    @cached_property
    def optical_depth(self) -> NDArray[np.float32]:
        """(H, W) low-energy optical depth of everything, as if every layer were thin."""
        return object_depth(self.basis)

    def occlusion(self, thing: ComposedObject, min_depth: float) -> float:
        """Share of the optical depth along a thing's pixels that belongs to other things, in [0, 1].

        Args:
            thing: One of the objects.
            min_depth: Optical depth from which a pixel is the thing's.
        """
        covered = thing.depth > min_depth
        own, everything = thing.depth[covered], self.optical_depth[thing.lines][covered]
        return float(1 - own.sum() / max(float(everything.sum()), 1e-6))


def object_depth(basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) low-energy optical depth of a (6, H, W) basis map, as if every layer were thin."""
    depth: NDArray[np.float32] = np.tensordot(_thin_mu(spectrum().low), basis, axes=1)
    return depth


def is_metal(basis: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) bool: which pixels of a (6, H, W) basis map are mostly metal; see `METAL_RATIO`."""
    high: NDArray[np.float32] = np.tensordot(_thin_mu(spectrum().high), basis, axes=1)
    return np.asarray(object_depth(basis) > METAL_RATIO * high)


def _thin_mu(signal: NDArray[np.float64]) -> NDArray[np.float32]:
    """(6,) weights that turn a basis map into the optical depth of a thin layer in a channel."""
    return np.asarray(signal @ basis_matrix(), dtype=np.float32)


def add_window(
    canvas: NDArray[np.float32],
    window: NDArray[np.float32],
    corner: tuple[int, int],
    *,
    label: str,
    threat: bool,
    family: str,
    role: str,
) -> ComposedObject | None:
    """Add an object's basis window (6, h, w) to a canvas (6, H, W), in place; what sticks out is cut off.

    Returns:
        The object, None if nothing of it can be seen there.
    """
    met = overlap(canvas.shape[1:], window.shape[1:], corner)
    if met is None:
        return None
    there, here = met
    cut = window[(slice(None), *here)]
    canvas[(slice(None), *there)] += cut
    depth = object_depth(cut)
    if float(depth.max()) <= MASK_DEPTH:
        return None
    return ComposedObject(label, threat, depth, (there[0].start, there[1].start), family, role, cut)
