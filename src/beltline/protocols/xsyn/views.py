"""What the planes of a window measure: two energies or colours; as painters read them, and as they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beltline.physics import ColorStyle, colorize
from beltline.physics.attenuation_code import attenuation_code, coded_transmission
from beltline.protocols.rwsc.synthesis import white_look

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """How planes (C, S, S) in [0, 1], air is 1, are read.

    Attributes:
        domain: ``dual``, transmissions of low and high energy, or ``color``.
        style: Look of two energies.

    Example:
        >>> air = np.ones((2, 4, 4), np.float32)
        >>> bool((View("dual").codes(air) == 0).all()), int(View("dual").picture(air).min())
        (True, 255)
    """

    domain: Literal["dual", "color"]
    style: str = "white"

    @property
    def channels(self) -> int:
        """Of a window."""
        return 2 if self.domain == "dual" else 3

    @property
    def air(self) -> float:
        """Code of air."""
        return 0.0 if self.domain == "dual" else 1.0

    @property
    def look(self) -> ColorStyle:
        """The style with white air, as detectors and segmenters expect it."""
        return white_look(self.style)

    def codes(self, planes: Floats) -> Floats:
        """What painters read: attenuation codes of two energies, colours as they are."""
        return attenuation_code(planes) if self.domain == "dual" else planes

    def planes(self, codes: Floats) -> Floats:
        """Planes of what a painter wrote."""
        return coded_transmission(codes) if self.domain == "dual" else np.clip(codes, 0, 1)

    def picture(self, planes: Floats) -> Pixels:
        """(S, S, 3) in colour, white is air."""
        if self.domain == "color":
            return np.ascontiguousarray(np.moveaxis(np.rint(255 * planes).astype(np.uint8), 0, 2))
        # no transmission of exactly 0 has a logarithm
        low, high = np.maximum(planes, np.float32(1e-4))
        return colorize(low, high, self.look)


def stored(codes: Floats) -> Pixels:
    """Codes in bytes."""
    return np.asarray(np.rint(255 * np.clip(codes, 0, 1)), np.uint8)


def from_stored(codes: Pixels) -> Floats:
    """Codes in [0, 1] of bytes."""
    return np.asarray(codes / np.float32(255), np.float32)
