"""A scan as a painter sees it, and back: two energies as codes of attenuation, or colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan
from beltline.physics import ColorStyle, colorize, guess_style
from beltline.physics.attenuation_code import attenuation_code, coded_transmission
from beltline.synthesis.domains import scan_domain
from beltline.synthesis.features import rgb_of
from beltline.synthesis.threat import Domain
from beltline.synthesis.tip_color import low_and_high

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Canvas:
    """A scan that is painted into.

    Attributes:
        pixels: (C, H, W) float32: low and high transmission, or red, green and blue in [0, 1].
        domain: ``dual`` or ``color``.
        look: Of the colours; of two energies the look that their pictures get.
    """

    pixels: Floats
    domain: Domain
    look: ColorStyle | str

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def planes(self, channels: int) -> Floats:
        """(channels, H, W) in [0, 1] as a painter of so many channels reads it.

        Two energies behind colours come by the approximate way back of `beltline.synthesis.tip_color`.
        """
        if channels == 3:
            return self.pixels
        return attenuation_code(self.transmissions())

    def transmissions(self) -> Floats:
        """(2, H, W) low and high; of colours approximate."""
        return self.pixels if self.domain == "dual" else low_and_high(rgb_of(self.pixels), self.look)

    def with_planes(self, before: Floats, after: Floats) -> Canvas:
        """The scan after its planes changed; where they did not it stays bit by bit.

        Args:
            before: `planes` of this scan.
            after: The same, painted.
        """
        if len(after) == 3:
            return replace(self, pixels=np.where(after == before, self.pixels, after))
        changed = (after != before).any(0)
        made = coded_transmission(after)
        if self.domain == "dual":
            return replace(self, pixels=np.where(changed, made, self.pixels))
        return self.with_transmissions(coded_transmission(before), made, changed)

    def with_transmissions(self, before: Floats, after: Floats, changed: NDArray[np.bool_]) -> Canvas:
        """The scan after low and high changed.

        Colours get the difference of the two in colours, so that the error of the way back cancels.
        """
        if self.domain == "dual":
            return replace(self, pixels=np.where(changed, after, self.pixels))
        first, second = (shown(pair, self.look) for pair in (before, after))
        change = np.moveaxis(second.astype(np.float32) - first, 2, 0) / np.float32(255)
        painted = np.clip(self.pixels + change, 0, 1)
        return replace(self, pixels=np.where(changed, painted, self.pixels).astype(np.float32))

    def picture(self) -> NDArray[np.uint8]:
        """(H, W, 3) as it is shown."""
        return shown(self.pixels, self.look)


def canvas_of(scan: Scan, channels: int, style: str = "white") -> Canvas:
    """A scan to paint into.

    Two energies become colours where the painter knows nothing else: their way back would be approximate.

    Args:
        scan: Of two energies or in colour.
        channels: Of the painter.
        style: Look of pictures of two energies.

    Raises:
        BadInputError: If the scan is grey.
    """
    domain = scan_domain(scan)
    if domain == "grey":
        raise BadInputError(
            "a grey scan shows no materials, and painters need them; give scans of two energies or in colour,"
            " or lay threats in by `beltline synthesize tip`"
        )
    pixels = np.asarray(scan.pixels, np.float32)
    if domain == "color":
        return Canvas(pixels, "color", guess_style(rgb_of(pixels)))
    if channels == 3:
        colors = np.moveaxis(shown(pixels, style), 2, 0).astype(np.float32) / np.float32(255)
        return Canvas(colors, "color", style)
    return Canvas(pixels, "dual", style)


def shown(pixels: Floats, look: ColorStyle | str) -> NDArray[np.uint8]:
    """(H, W, 3) picture of (2, H, W) transmissions or (3, H, W) colours."""
    if len(pixels) == 3:
        return rgb_of(np.clip(pixels, 0, 1))
    return colorize(np.ascontiguousarray(pixels[0]), np.ascontiguousarray(pixels[1]), look)


def shown_window(window: Floats, look: ColorStyle | str) -> NDArray[np.uint8]:
    """(S, S, 3) picture of a painter's window (C, S, S)."""
    return shown(coded_transmission(window) if len(window) == 2 else window, look)
