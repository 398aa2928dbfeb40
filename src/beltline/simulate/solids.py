"""Items as signed, textured parts of one material each.

A hollow object is an outer part minus an inner one of the same material; a filling is one more part:
``bottle = +outer(pet) - inner(pet) + fill(water)``. No mesh booleans. The rule that keeps this physical:
**a negative part lies inside positive parts of the same material and density of the same item**. A test
holds every item family to it over many seeds (summed thickness >= -1e-6 mm before any clamping).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.shapes import Mesh

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
    def bounds(self) -> NDArray[np.float64]:
        """(2, 3) corners in mm over the positive parts."""
        corners = np.concatenate([p.mesh.bounds for p in self.parts if p.sign > 0])
        return np.stack([corners.min(axis=0), corners.max(axis=0)])

    @property
    def size(self) -> NDArray[np.float64]:
        """(3,) extent in mm."""
        low, high = self.bounds
        extent: NDArray[np.float64] = high - low
        return extent


ItemMaker = Callable[[np.random.Generator], Item]


def hollow(
    outer: Mesh, inner: Mesh, material: str, *, density_g_cm3: float | None = None
) -> tuple[Part, Part]:
    """Shell parts: ``outer`` minus ``inner`` of one material; ``inner`` must lie inside ``outer``."""
    return Part(outer, material, 1, density_g_cm3), Part(inner, material, -1, density_g_cm3)


def jitter(rng: np.random.Generator, value: float, share: float = 0.1) -> float:
    """``value`` times a uniform factor in 1 ± share: the usual way to draw a dimension or a density."""
    return float(value * rng.uniform(1 - share, 1 + share))
