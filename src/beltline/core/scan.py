"""One X-ray scan: pixels that know which physical quantity they hold."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from beltline.core.errors import ShapeError

Quantity: TypeAlias = Literal["transmission", "attenuation", "color"]
QUANTITIES: tuple[str, ...] = get_args(Quantity)


@dataclass(frozen=True, eq=False)
class Scan:
    """Pixels of one view, with their quantity.

    Attributes:
        pixels: Shape (C, H, W), float32, finite. ``transmission`` is I/I0 (air = 1, noise may pass it),
            ``attenuation`` is -ln(I/I0) (air = 0), ``color`` is a pseudo-colour rendering in [0, 1].
        quantity: What the pixels measure. Pseudo-colour is not attenuation.
        channels: A name per channel: ("low", "high"), ("r", "g", "b") or ("gray",).
        pixel_mm: Side of a pixel in mm, or None where unknown.

    Raises:
        ShapeError: If pixels are not (C, H, W), are empty or do not match the channels.
        ValueError: If the quantity is unknown, a pixel is not finite, or a colour is outside [0, 1].

    Example:
        >>> air = Scan(np.ones((2, 4, 6), np.float32), "transmission", ("low", "high"), pixel_mm=0.8)
        >>> air.height, air.width
        (4, 6)
    """

    pixels: NDArray[np.float32]
    quantity: Quantity
    channels: tuple[str, ...]
    pixel_mm: float | None = None

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels, dtype=np.float32)
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "channels", tuple(self.channels))
        if self.quantity not in QUANTITIES:
            raise ValueError(f"quantity must be one of {QUANTITIES}, got {self.quantity!r}")
        if pixels.ndim != 3 or 0 in pixels.shape:
            raise ShapeError(f"pixels must be a non-empty (C, H, W), got {pixels.shape}")
        if len(self.channels) != pixels.shape[0]:
            raise ShapeError(f"{pixels.shape[0]} channels of pixels but names {self.channels}")
        if self.pixel_mm is not None and not self.pixel_mm > 0:
            raise ValueError(f"pixel_mm must be positive, got {self.pixel_mm}")
        _check_values(pixels, self.quantity)

    @property
    def height(self) -> int:
        """Rows, pixels."""
        return int(self.pixels.shape[1])

    @property
    def width(self) -> int:
        """Columns, pixels."""
        return int(self.pixels.shape[2])

    def channel(self, name: str) -> NDArray[np.float32]:
        """One channel by name, shape (H, W).

        Raises:
            ValueError: If the scan has no such channel.
        """
        if name not in self.channels:
            raise ValueError(f"no channel {name!r}; this scan has {self.channels}")
        plane: NDArray[np.float32] = self.pixels[self.channels.index(name)]
        return plane


def _check_values(pixels: NDArray[np.float32], quantity: str) -> None:
    low, high = float(pixels.min()), float(pixels.max())  # NaN and infinities pass through min and max
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("pixels must be finite, got NaN or infinity")
    if quantity == "color" and (low < -1e-6 or high > 1 + 1e-6):
        raise ValueError(f"color pixels must be in [0, 1], got {low:.3g} to {high:.3g}; divide 8-bit by 255")
    if quantity == "transmission" and low < 0:
        raise ValueError(f"transmission must not be negative, got {low:.3g}")
