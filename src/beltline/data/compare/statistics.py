"""What pseudo-colour scans look like in numbers: luminance, gradients and hues of the foreground.

Source: the statistics are those by which the simulator's look was measured against public scans; the hue
sectors are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics import background_color

LUMINANCE_PERCENTILES = (2, 10, 25, 50, 75, 90)
GRADIENT_PERCENTILES = (50, 90, 99)
HUES = ("orange", "yellow_green", "green", "teal", "blue")
_HUE_EDGES_DEG = (55.0, 95.0, 150.0, 185.0)  # between the five sectors; blue runs on to 300
_FOREGROUND_STEP = 8.0  # luminance below the background

# Hues in degrees that an operator names at a glance; yellow-green and teal lie between and are left out.
PALETTE_HUES = {"blue": (190.0, 260.0), "green": (80.0, 160.0), "orange": (0.0, 50.0)}
PALETTE = (*PALETTE_HUES, "pale")
PALE_SATURATION = 0.3  # HSV saturation up to which a pixel is pale, whatever its hue


@dataclass(frozen=True)
class ForegroundStatistics:
    """Statistics of the pixels that are not air.

    Attributes:
        luminance: Percentiles 2, 10, 25, 50, 75, 90 of luminance, 0..255.
        gradient: Percentiles 50, 90, 99 of |dL/dx| per pixel.
        hue: Shares of orange, yellow-green, green, teal and blue among coloured pixels, in [0, 1].
        foreground: Share of the frame that is not air.
        saturation: Mean HSV saturation, 0..1.
        palette: Shares of all foreground pixels that are blue, green, orange (HSV saturation above 0.3 and
            hue in ``PALETTE_HUES``) and pale (saturation at most 0.3), in [0, 1].
        blue_value: Median HSV value of the blue ones, 0..1; NaN where nothing is blue, null in JSON.
    """

    luminance: tuple[float, ...]
    gradient: tuple[float, ...]
    hue: tuple[float, ...]
    foreground: float
    saturation: float
    palette: tuple[float, ...]
    blue_value: float

    def to_json(self) -> dict[str, object]:
        """JSON object."""
        return {**asdict(self), "blue_value": None if math.isnan(self.blue_value) else self.blue_value}


def luminance_of(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W) luminance in 0..255 (Rec. 601) of (H, W, 3)."""
    return np.asarray(rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32))


def foreground_statistics(rgb: NDArray[np.uint8]) -> ForegroundStatistics:
    """Statistics of one scan.

    Args:
        rgb: (H, W, 3) uint8.

    Raises:
        ValueError: If the scan shows nothing but air.
    """
    return pooled_statistics([rgb])


def pooled_statistics(scans: Sequence[NDArray[np.uint8]]) -> ForegroundStatistics:
    """Statistics over the foreground pixels of several scans together.

    Raises:
        ValueError: If there is no foreground at all.
    """
    lum, grad, colors = [], [], []
    pixels = 0
    for rgb in scans:
        y = luminance_of(rgb)
        air = float(background_color(rgb) @ np.array([0.299, 0.587, 0.114]))
        front = y < air - _FOREGROUND_STEP
        hsv = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
        step = np.abs(np.diff(y, axis=1, prepend=y[:, :1]))
        pixels += y.size
        lum.append(y[front])
        grad.append(step[front])
        colors.append(hsv[front])
    luminance, gradient, front_hsv = np.concatenate(lum), np.concatenate(grad), np.concatenate(colors)
    if not len(luminance):
        raise ValueError(
            "the scans show nothing but air: no pixel is darker than the background by 8 grey levels"
        )
    hue, saturation = front_hsv[:, 0], front_hsv[:, 1]
    sector = np.digitize(hue[saturation > 0.12], _HUE_EDGES_DEG)
    counts = np.bincount(sector, minlength=5).astype(float)
    return ForegroundStatistics(
        tuple(float(v) for v in np.percentile(luminance, LUMINANCE_PERCENTILES)),
        tuple(float(v) for v in np.percentile(gradient, GRADIENT_PERCENTILES)),
        tuple(float(v) for v in counts / max(counts.sum(), 1.0)),
        len(luminance) / pixels,
        float(saturation.mean()),
        *_palette(front_hsv),
    )


def _palette(hsv: NDArray[Any]) -> tuple[tuple[float, ...], float]:
    """Palette shares and value of blue of foreground pixels (N, 3): hue in degrees, saturation, value."""
    hue, vivid = hsv[:, 0], hsv[:, 1] > PALE_SATURATION
    named = {name: vivid & (hue >= start) & (hue < stop) for name, (start, stop) in PALETTE_HUES.items()}
    blue = hsv[named["blue"], 2]
    shares = (*(float(chosen.mean()) for chosen in named.values()), float((~vivid).mean()))
    return shares, float(np.median(blue)) if len(blue) else math.nan
