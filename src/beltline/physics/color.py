"""Pseudo-colour: hue from the effective atomic number, luminance from transmission.

The tables were measured on public sample images (median RGB at a display luminance), they are not vendor
tables.  The reverse direction is approximate and lives in ``color_inverse.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics.materials import TABLES
from beltline.physics.zeff import effective_atomic_number

FloatMap = NDArray[np.float32]
Rgb = NDArray[np.uint8]

HUES = ("orange", "yellow_green", "green", "teal", "blue")
LUMINANCE = np.array([0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 255], dtype=np.float64) / 255
POSITION_STEPS = 129
LUMINANCE_STEPS = 1024


@dataclass(frozen=True, eq=False)
class ColorStyle:
    """One scanner's look.

    Attributes:
        name: Name for cards and reports.
        table: RGB per hue anchor and luminance level, shape (5, 14, 3), 0..255; anchors run from organic
            to metal.
        background: RGB of air, 0..255.
        zeff_anchors: Atomic numbers, increasing, at which ``position_anchors`` hold.
        position_anchors: Position on the hue axis 0..4 at these numbers.
        gamma: Exponent from transmission to display luminance.
        metal_darkening: How much darker the last hue is drawn than the first.
        knee: Luminance of the power law (before darkening and floor) under which dense matter is compressed.
        compression: How much, in [0, 1): under the knee luminance follows the power ``1 - compression`` of
            what it was, so a gun keeps its blue and its structure; 0 = off. Thin metal, above the knee, is
            left alone.
        edge_gain: Gain of the fine edge enhancement.
        edge_limit: Largest luminance that it adds or removes; 0 = off.
        halo_gain: Gain of the broad edge enhancement.
        halo_limit: Its largest change; 0 = off.
        floor: Display luminance of an opaque object.
        air_range: Transmissions between which colour fades into the background.
        zeff_smoothing_px: Smoothing of Z before colouring.
    """

    name: str
    table: NDArray[np.float64]
    background: tuple[float, float, float]
    zeff_anchors: tuple[float, ...] = (5.0, 8.1, 9.8, 13.5, 18.0, 21.0)
    position_anchors: tuple[float, ...] = (0.0, 0.0, 1.0, 2.0, 3.0, 4.0)
    gamma: float = 0.47
    metal_darkening: float = 0.2
    knee: float = 0.5
    compression: float = 0.0
    edge_gain: float = 2.4
    edge_limit: float = 0.14
    halo_gain: float = 0.5
    halo_limit: float = 0.07
    floor: float = 0.1
    air_range: tuple[float, float] = (0.975, 0.995)
    zeff_smoothing_px: float = 0.8

    def __post_init__(self) -> None:
        """Validate shapes and ranges."""
        if self.table.shape != (len(HUES), len(LUMINANCE), 3):
            raise ValueError(f"ColorStyle.table must be (5, 14, 3), got {self.table.shape}")
        if len(self.zeff_anchors) != len(self.position_anchors) or np.any(np.diff(self.zeff_anchors) <= 0):
            raise ValueError("ColorStyle.zeff_anchors must increase and pair with position_anchors")
        if not (0 < self.gamma < 3 and 0 <= self.floor < 1 and self.air_range[0] < self.air_range[1]):
            raise ValueError(f"ColorStyle {self.name!r}: gamma, floor or air_range outside their range")
        if not (0 < self.knee <= 1 and 0 <= self.compression < 1):
            raise ValueError(
                f"ColorStyle {self.name!r}: knee must lie in (0, 1] and compression in [0, 1), "
                f"got {self.knee} and {self.compression}"
            )

    @cached_property
    def fine_table(self) -> Rgb:
        """RGB of (hue position, luminance) on a fine grid, shape (129, 1024, 3), uint8."""
        position = np.linspace(0, len(HUES) - 1, POSITION_STEPS)
        luminance = np.linspace(0, 1, LUMINANCE_STEPS)
        lower = np.minimum(position.astype(int), len(HUES) - 2)
        share = (position - lower)[:, None, None]
        rows = self.table[lower] * (1 - share) + self.table[lower + 1] * share
        cell = np.clip(np.searchsorted(LUMINANCE, luminance, side="right") - 1, 0, len(LUMINANCE) - 2)
        inside = ((luminance - LUMINANCE[cell]) / (LUMINANCE[cell + 1] - LUMINANCE[cell]))[None, :, None]
        fine = rows[:, cell] * (1 - inside) + rows[:, cell + 1] * inside
        return np.asarray(np.clip(np.rint(fine), 0, 255), np.uint8)

    @cached_property
    def packed_table(self) -> NDArray[np.uint32]:
        """The fine table with one 32-bit word per colour, flat (129 * 1024,)."""
        r, g, b = (self.fine_table[..., i].astype(np.uint32).ravel() for i in range(3))
        return np.asarray(r | (g << np.uint32(8)) | (b << np.uint32(16)), np.uint32)


# Tone and background of each measured look: gamma, knee and compression make simulated bags show luminance,
# the pale share and the brightness of blue metal of public scans: white of SIXray, grey of STING-BEE and of
# SIXray's grey scans, tray of OPIXray's kind, olive of PIDray (metals run from green over black to navy).
_TONES: Mapping[str, dict[str, Any]] = {
    "white": {"background": (254.0, 252.0, 249.0), "floor": 0.17, "knee": 0.5, "compression": 0.3},
    "grey": {"background": (226.0, 226.0, 224.0), "floor": 0.03, "knee": 0.6, "compression": 0.45},
    "tray": {
        "background": (250.0, 250.0, 250.0), "floor": 0.10, "gamma": 0.72, "knee": 0.6, "compression": 0.65
    },
    "olive": {
        "background": (255.0, 255.0, 255.0), "floor": 0.03, "gamma": 0.65, "knee": 0.5, "compression": 0.55,
        "metal_darkening": 0.25, "zeff_anchors": (5.0, 6.3, 7.8, 10.0, 17.0, 20.0, 22.5),
        "position_anchors": (0.0, 0.0, 1.0, 2.0, 2.2, 3.3, 4.0),
    },
}  # fmt: skip


def _load_styles() -> Mapping[str, ColorStyle]:
    rows = json.loads((TABLES / "pseudocolor_tables.json").read_text(encoding="utf-8"))["styles"]
    tables = {name: np.array([row[hue] for hue in HUES], dtype=np.float64) for name, row in rows.items()}
    return MappingProxyType({name: ColorStyle(name, tables[name], **_TONES[name]) for name in tables})


STYLES: Mapping[str, ColorStyle] = _load_styles()


def find_style(style: str | ColorStyle) -> ColorStyle:
    """Look a style up by name; a :class:`ColorStyle` passes through.

    Raises:
        ValueError: For an unknown name.
    """
    if isinstance(style, ColorStyle):
        return style
    if style not in STYLES:
        raise ValueError(f"style must be one of {tuple(STYLES)}, got {style!r}")
    return STYLES[style]


def _blur(image: FloatMap, sigma_px: float) -> FloatMap:
    size = 2 * round(2.5 * sigma_px) + 1
    return np.asarray(
        cv2.GaussianBlur(image, (size, size), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32
    )


def _limited(difference: FloatMap, gain: float, limit: float) -> FloatMap:
    """Strong gain for faint creases, bounded halo: ``limit * tanh(gain * difference / limit)``."""
    return np.asarray(np.float32(limit) * np.tanh(difference * np.float32(gain / limit)), np.float32)


def display_luminance(transmission: FloatMap, position: FloatMap, style: ColorStyle) -> FloatMap:
    """Display luminance before edges and floor: ``tone(g**gamma) * (1 - dark * position/4 * (1 - g))``.

    The tone leaves everything above the style's knee alone and compresses what lies below.

    Args:
        transmission: Mean transmission g (H, W) in [0, 1].
        position: Hue position (H, W) in [0, 4].
        style: Look.
    """
    powered = np.asarray(cv2.pow(transmission, style.gamma), np.float32)
    if style.compression > 0:  # the flatter power is the larger one below the knee, and only there
        flatter = np.asarray(cv2.pow(transmission, style.gamma * (1 - style.compression)), np.float32)
        powered = np.maximum(powered, flatter * np.float32(style.knee**style.compression))
    darker = position * (np.float32(1.0) - transmission)
    return np.asarray(
        powered * (np.float32(1.0) - darker * np.float32(style.metal_darkening / 4)), np.float32
    )


def enhanced(luminance: FloatMap, style: ColorStyle) -> FloatMap:
    """Display luminance with fine and broad edges added, then lifted to the floor.

    Args:
        luminance: Display luminance (H, W) in [0, 1].
        style: Look.

    Returns:
        Luminance (H, W) in [0, 1].

    Source:
        reconstructed: ``limit * tanh(gain * (L - blur(L)) / limit)`` at 1.3 and 5 px.
    """
    result = luminance
    if style.edge_limit > 0 and style.edge_gain > 0:
        result = result + _limited(luminance - _blur(luminance, 1.3), style.edge_gain, style.edge_limit)
    if style.halo_limit > 0 and style.halo_gain > 0:
        result = result + _limited(luminance - _blur(luminance, 5.0), style.halo_gain, style.halo_limit)
    lifted = result * np.float32(1 - style.floor) + np.float32(style.floor)
    return np.asarray(np.clip(lifted, np.float32(0.0), np.float32(1.0)), np.float32)


def hue_position(zeff: FloatMap, style: ColorStyle) -> FloatMap:
    """Position on the hue axis 0..4 of atomic numbers (H, W)."""
    # A small table instead of np.interp: six times faster on whole images.
    steps = np.linspace(0.0, 32.0, 513)
    table = np.interp(steps, style.zeff_anchors, style.position_anchors).astype(np.float32)
    scaled = np.clip(zeff, np.float32(0.0), np.float32(32.0)) * np.float32(16.0)
    return table.take((scaled + np.float32(0.5)).astype(np.int32))


def colorize(
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    style: str | ColorStyle = "white",
    zeff: NDArray[np.float32] | None = None,
) -> Rgb:
    """Pseudo-colour image of a dual-energy scan.

    Args:
        low: Low-energy transmission (H, W) in (0, 1].
        high: High-energy transmission, same shape.
        style: Name in ``STYLES`` or a style.
        zeff: Atomic number (H, W) if known already; computed with the style's smoothing otherwise.

    Returns:
        RGB, uint8 (H, W, 3).

    Raises:
        ValueError: For shapes that differ or an unknown style.

    Source:
        reconstructed from public sample images.

    Example:
        >>> import numpy as np
        >>> colorize(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), "tray").tolist()
        [[[250, 250, 250]]]
    """
    look = find_style(style)
    if low.ndim != 2 or low.shape != high.shape or (zeff is not None and zeff.shape != low.shape):
        raise ValueError(f"low, high and zeff must all be (H, W), got {low.shape} and {high.shape}")
    if low.size == 0:
        return np.zeros((*low.shape, 3), dtype=np.uint8)
    if zeff is None:
        zeff = effective_atomic_number(low, high, smoothing_sigma_px=look.zeff_smoothing_px)
    mean = np.clip((low + high) * np.float32(0.5), np.float32(0.0), np.float32(1.0)).astype(np.float32)
    position = _opaque_as_metal(hue_position(zeff, look), mean)
    luminance = enhanced(display_luminance(mean, position, look), look)
    return _paint(mean, position, luminance, look)


def _opaque_as_metal(position: FloatMap, transmission: FloatMap) -> FloatMap:
    """Hue position with nearly opaque pixels drawn as metal: their atomic number is lost in noise.

    Public scans show impenetrable spots in the darkest green to navy, never in brown.
    """
    opaque = np.clip((np.float32(0.06) - transmission) * np.float32(1 / 0.04), np.float32(0), np.float32(1))
    return np.asarray(position + opaque * np.maximum(np.float32(3.2) - position, np.float32(0)), np.float32)


def _paint(transmission: FloatMap, position: FloatMap, luminance: FloatMap, style: ColorStyle) -> Rgb:
    """Look colours up and fade into the background where there is air."""
    column = (luminance * np.float32(LUMINANCE_STEPS - 1) + np.float32(0.5)).astype(np.int32)
    row = (position * np.float32((POSITION_STEPS - 1) / (len(HUES) - 1)) + np.float32(0.5)).astype(np.int32)
    packed = style.packed_table.take(row * LUMINANCE_STEPS + column)
    rgb = np.ascontiguousarray(packed.view(np.uint8).reshape(*packed.shape, 4)[..., :3])
    start, stop = style.air_range
    faded = np.flatnonzero(transmission > start)
    if faded.size:
        flat = rgb.reshape(-1, 3)
        share = np.clip((transmission.ravel()[faded] - start) / (stop - start), 0, 1)[:, None]
        mixed = flat[faded] * (1 - share) + np.asarray(style.background, np.float32) * share
        flat[faded] = np.rint(mixed).astype(np.uint8)
    return rgb
