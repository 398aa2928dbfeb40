"""A threat cut out of its scan: what projection puts into a bag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from beltline.core import ShapeError

Domain: TypeAlias = Literal["basis", "dual", "grey", "color"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
CHANNELS: Mapping[Domain, int] = {"basis": 6, "dual": 2, "grey": 1, "color": 3}


@dataclass(frozen=True, eq=False)
class Threat:
    """One view of one article, alone.

    Attributes:
        pixels: (C, h, w) float32. ``basis``: six maps of `beltline.physics`, 0 outside the item; ``dual``:
            low and high transmission, ``grey``: transmission, ``color``: RGB, all in [0, 1] with 1 outside.
        mask: (h, w) float32 in [0, 1], the share of each pixel that the item covers.
        domain: What the pixels measure.
        label: Class of the taxonomy.
        article: The physical article; its views share the name, and a split keeps them together.
        pixel_mm: Side of a pixel in mm, None where unknown.
        provenance: Where it was cut from and how.

    Raises:
        ShapeError: If pixels or mask have another shape than the domain asks for.
        ValueError: If the domain is unknown.
    """

    pixels: NDArray[np.float32]
    mask: NDArray[np.float32]
    domain: Domain
    label: str
    article: str
    pixel_mm: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ValueError(f"domain must be one of {DOMAINS}, got {self.domain!r}")
        pixels, mask = np.asarray(self.pixels, np.float32), np.asarray(self.mask, np.float32)
        expected = (CHANNELS[self.domain], *mask.shape)
        if mask.ndim != 2 or 0 in mask.shape or pixels.shape != expected:
            raise ShapeError(
                f"a {self.domain} threat needs pixels ({CHANNELS[self.domain]}, h, w) and a mask (h, w),"
                f" got {pixels.shape} and {mask.shape}"
            )
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "mask", mask)
