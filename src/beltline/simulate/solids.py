"""Items as signed, textured parts of one material each.

A hollow object is an outer part minus an inner one of the same material; a filling is one more part:
``bottle = +outer(pet) - inner(pet) + fill(water)``. No mesh booleans. The rule that keeps this physical:
**a negative part lies inside positive parts of the same material and density of the same item**. A test
holds every item family to it over many seeds (summed thickness >= -1e-6 mm before any clamping).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from beltline.simulate.shapes import Array, Axis, Mesh

TextureKind = Literal[
    "cloth", "knit", "layers", "rib", "pleats", "crumple", "granular", "pages", "leather", "foam"
]


@dataclass(frozen=True)
class Texture:
    """Thickness modulation of a soft part, drawn in the image from its own seed.

    The raster gives the exact thickness of the part's mesh; the texture multiplies it by a field of mean
    about 1 (folded layers, creases, weave, grains), so a garment costs one coarse mesh instead of a
    hundred thousand triangles.

    Attributes:
        kind: Which field (see ``beltline.simulate.textures``).
        seed: Its own seed; the same part looks the same whenever the scene is replayed.
        amplitude: Strength; 0 leaves the thickness alone, 1 swings it between about 0 and 2 times.
        scale_mm: Size of the largest folds or grains.
    """

    kind: TextureKind
    seed: int
    amplitude: float = 0.5
    scale_mm: float = 40.0


@dataclass(frozen=True, eq=False)
class Part:
    """One signed piece of one material.

    Attributes:
        mesh: Closed mesh in the item's frame, mm.
        material: A name of ``beltline.physics.MATERIALS``.
        sign: +1 adds material, -1 removes it from inside a positive part of the same material.
        density_g_cm3: Overrides the material's density (g/cm3); a negative part must repeat its parent's.
        texture: Modulation for soft goods, positive parts only.
    """

    mesh: Mesh
    material: str
    sign: int = 1
    density_g_cm3: float | None = None
    texture: Texture | None = None


@dataclass(frozen=True, eq=False)
class Item:
    """A thing that can lie in a bag.

    The frame: centred near the origin, lying as it would on a table, thinnest direction along z.

    Attributes:
        family: Name of the generator ("pistol", "shirt").
        label: Taxonomy label ("gun"); for benign things the family.
        parts: Signed parts.
        threat: Whether it is prohibited.
        params: What was drawn, JSON values only, for the scene record.
        soft: Share by which things on top sink in, 0 rigid to 1 (garments about 0.5).
        site: For a concealed anomaly: {"kind", "box_mm", "material", ...}; None otherwise.
        threat_parts: Indices into ``parts`` that the label's mask covers; empty means all.
        mask_parts: Parts that only define the anomaly's mask and add no material (a removed component).
    """

    family: str
    label: str
    parts: tuple[Part, ...]
    threat: bool = False
    params: Mapping[str, object] = field(default_factory=dict)
    soft: float = 0.0
    site: Mapping[str, object] | None = None
    threat_parts: tuple[int, ...] = ()
    mask_parts: tuple[Part, ...] = ()

    @property
    def bounds(self) -> Array:
        """(2, 3) corners in mm over the positive parts."""
        return bounds(self.parts)

    @property
    def size(self) -> Array:
        """(3,) extent in mm."""
        low, high = self.bounds
        extent: Array = high - low
        return extent


ItemMaker = Callable[[np.random.Generator], Item]


def hollow(
    outer: Mesh, inner: Mesh, material: str, *, density_g_cm3: float | None = None
) -> tuple[Part, Part]:
    """Shell parts: ``outer`` minus ``inner`` of one material; ``inner`` must lie inside ``outer``."""
    return Part(outer, material, 1, density_g_cm3), Part(inner, material, -1, density_g_cm3)


def bounds(parts: Iterable[Part]) -> Array:
    """(2, 3) lowest and highest corner in mm over the positive parts."""
    corners = np.concatenate([p.mesh.bounds for p in parts if p.sign > 0])
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def moved(parts: Iterable[Part], x: float = 0.0, y: float = 0.0, z: float = 0.0) -> list[Part]:
    """Parts moved by (x, y, z) mm."""
    return [replace(p, mesh=p.mesh.moved(x, y, z)) for p in parts]


def turned(parts: Iterable[Part], axis: Axis, degrees: float) -> list[Part]:
    """Parts turned about a coordinate axis through the origin."""
    return [replace(p, mesh=p.mesh.rotated(axis, degrees)) for p in parts]


def centred(parts: Iterable[Part]) -> list[Part]:
    """Parts moved so that the middle of their common bounds is the origin."""
    kept = list(parts)
    x, y, z = (float(v) for v in -bounds(kept).sum(axis=0) / 2)
    return moved(kept, x, y, z)
