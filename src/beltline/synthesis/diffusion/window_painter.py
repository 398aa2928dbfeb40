"""What a painter is to the synthesis: windows, labels and boxes in, painted windows and attention out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beltline.synthesis.diffusion.sampling import SamplerSettings

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PaintedWindows:
    """B windows with a threat each.

    Attributes:
        windows: (B, C, S, S) float32 in [0, 1], the domain of the bags that were given.
        attention: (B, 16, 16) float32, how much of each place's attention the threat's token got.
        masks: (B, S, S) bool, the threats' own pixels, hidden ones included; None where the painter does not
            know them, because it paints threat and bag at once.
    """

    windows: Floats
    attention: Floats
    masks: NDArray[np.bool_] | None = None


class WindowPainter(Protocol):
    """Paints threats into windows of scans.

    Windows are (B, C, S, S) float32 in [0, 1]: of two channels codes of attenuation
    (`beltline.physics.attenuation_code`), of three red, green and blue.
    """

    @property
    def name(self) -> str:
        """For the record."""

    @property
    def sha256(self) -> str:
        """Of its weights."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What it was taught; empty where it reads any word."""

    @property
    def channels(self) -> int:
        """C: 2 or 3."""

    @property
    def size(self) -> int:
        """S, pixels."""

    @property
    def cell(self) -> int:
        """Pixels of a window a latent."""

    @property
    def whole(self) -> bool:
        """Whether it is shown the whole scan, and not a window around the box."""

    @property
    def adds(self) -> bool:
        """Whether it adds to what lies behind the threat, and does not paint that anew."""

    def prompt(self, label: str) -> str:
        """What it is told to paint, for the record."""

    def paint(
        self,
        bags: Floats,
        labels: Sequence[str],
        boxes: Floats,
        seeds: Sequence[int],
        settings: SamplerSettings,
        starts: Floats | None = None,
    ) -> PaintedWindows:
        """Paint a threat into the box, (B, 4) xyxy in [0, 1], of each window, by its own seed."""

    def encode(self, windows: Floats) -> Floats:
        """Latents (B, 4, h, w)."""

    def decode(self, latents: Floats) -> Floats:
        """Windows of latents, in [0, 1]."""
