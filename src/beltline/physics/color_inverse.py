"""The way back from pseudo-colour: approximate transmission and atomic number.

Approximate by nature: colour tables are many-to-one (all organics share orange, all metals blue), edges were
enhanced before colouring, JPEG moved the chroma.  Names say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.physics.background import background_color
from beltline.physics.color import (
    HUES,
    POSITION_STEPS,
    STYLES,
    ColorStyle,
    display_luminance,
    enhanced,
    find_style,
)

FloatMap = NDArray[np.float32]
Rgb = NDArray[np.uint8]

CELLS = 32
_CELL_WIDTH = 256 // CELLS
_POSITIONS = 65
_LEVELS = 256
_DAMPING = 30.0
_LIGHT_PRIOR = 0.02


@dataclass(frozen=True, eq=False)
class InverseTable:
    """Precomputed inverse of one style.

    Attributes:
        affine: Per RGB cell of 8 levels, the map rgb -> (hue position, luminance), shape (32**3, 2, 4).
        transmission: Transmission of (position, luminance), shape (65, 256).
        zeff: Atomic number of position, shape (65,).
        palette: RGB of every second (position, luminance), flat (33 * 128, 3).
        background: RGB of air.
    """

    affine: FloatMap
    transmission: FloatMap
    zeff: FloatMap
    palette: FloatMap
    background: NDArray[np.float64]


_CACHE: WeakKeyDictionary[ColorStyle, InverseTable] = WeakKeyDictionary()


def _palette(style: ColorStyle) -> NDArray[np.float64]:
    """RGB on the inverse grid (position, luminance), shape (65, 256, 3)."""
    rows = np.linspace(0, POSITION_STEPS - 1, _POSITIONS).round().astype(int)
    columns = np.linspace(0, style.fine_table.shape[1] - 1, _LEVELS).round().astype(int)
    return np.asarray(style.fine_table[np.ix_(rows, columns)], np.float64)


def _transmission_grid(style: ColorStyle) -> FloatMap:
    """Transmission behind a displayed luminance (edges ignored), shape (65, 256)."""
    g = np.linspace(0, 1, 2001, dtype=np.float32)
    position = np.linspace(0, len(HUES) - 1, _POSITIONS, dtype=np.float32)
    shown = np.linspace(0, 1, _LEVELS)
    transmission, hue = np.broadcast_arrays(g, position[:, None])
    luminance = display_luminance(transmission, hue, style)
    lifted = style.floor + (1 - style.floor) * luminance.astype(np.float64)
    return np.asarray([np.interp(shown, row, g) for row in lifted], np.float32)


def _zeff_of_position(style: ColorStyle) -> FloatMap:
    """Atomic number of a hue position; 6.6 or so stands for all organics, 25 for all metals."""
    position = np.linspace(0, len(HUES) - 1, _POSITIONS)
    numbers, anchors = np.asarray(style.zeff_anchors), np.asarray(style.position_anchors)
    first = int(np.flatnonzero(anchors == anchors.min())[-1])
    inner = np.interp(position, anchors[first:], numbers[first:])
    organic = 0.5 * (numbers[0] + numbers[first])
    edge = 0.1
    inner = np.where(position < edge, organic + (inner - organic) * position / edge, inner)
    metal = 0.5 * (numbers[-1] + 29.0)
    near = np.clip((position - (len(HUES) - 1 - edge)) / edge, 0, 1)
    return np.asarray(inner + (metal - inner) * near, np.float32)


def _nearest(colors: FloatMap, palette: FloatMap) -> tuple[NDArray[np.intp], FloatMap]:
    """Index of and squared distance to the nearest palette entry of each colour, shapes (N,)."""
    index = np.empty(len(colors), np.intp)
    distance = np.empty(len(colors), np.float32)
    constant = np.einsum("pc,pc->p", palette, palette)
    for start in range(0, len(colors), 1024):
        part = colors[start : start + 1024]
        score = part @ (-2.0 * palette.T) + constant
        best = score.argmin(axis=1)
        index[start : start + 1024] = best
        distance[start : start + 1024] = score[np.arange(len(part)), best] + np.einsum("nc,nc->n", part, part)
    return index, np.maximum(distance, np.float32(0.0))


def _build(style: ColorStyle) -> InverseTable:
    """Nearest palette colour per cell, then one damped Gauss-Newton step as an affine map."""
    palette = _palette(style)
    searched = palette[::2, ::2].reshape(-1, 3).astype(np.float32)
    axis = (np.arange(CELLS) + 0.5) * _CELL_WIDTH - 0.5
    centers = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    nearest = _nearest(centers.astype(np.float32), searched)[0]
    row, column = np.divmod(nearest, _LEVELS // 2)
    row, column = 2 * row, 2 * column
    along, across = np.gradient(palette, axis=0), np.gradient(palette, axis=1)
    jacobian = np.stack([along, across], axis=-1)[row, column]  # (cells, 3, 2)
    transposed = jacobian.transpose(0, 2, 1)
    inverse = np.linalg.solve(transposed @ jacobian + _damping(), transposed)  # (cells, 2, 3)
    start = np.stack([row, column], axis=-1).astype(np.float64)
    offset = start - (inverse @ palette[row, column][..., None])[..., 0]
    affine = np.concatenate([inverse, offset[..., None]], axis=-1)
    return InverseTable(
        affine.astype(np.float32),
        _transmission_grid(style),
        _zeff_of_position(style),
        searched,
        np.asarray(style.background, np.float64),
    )


def _damping() -> NDArray[np.float64]:
    """Damping of the step: more for the hue, which pale colours hardly tell, than for the luminance."""
    return np.diag([_DAMPING * _LIGHT_PRIOR, 1e-3])


def inverse_table(style: str | ColorStyle) -> InverseTable:
    """The inverse of a style, built once per style object (about 0.1 s)."""
    look = find_style(style)
    if look not in _CACHE:
        _CACHE[look] = _build(look)
    return _CACHE[look]


def _checked_rgb(rgb: NDArray[np.uint8]) -> Rgb:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")
    return rgb


def _position_and_level(pixels: Rgb, table: InverseTable) -> tuple[FloatMap, FloatMap]:
    """Grid row (hue position) and displayed luminance in [0, 1] of every pixel, both (H, W)."""
    r, g, b = (pixels[..., i] for i in range(3))
    shift = _CELL_WIDTH.bit_length() - 1
    cell = ((r >> shift).astype(np.int32) * CELLS + (g >> shift)) * CELLS + (b >> shift)
    local = table.affine.reshape(-1, 8).take(cell, axis=0)
    red, green, blue = (c.astype(np.float32) for c in (r, g, b))
    row = local[..., 0] * red + local[..., 1] * green + local[..., 2] * blue + local[..., 3]
    level = local[..., 4] * red + local[..., 5] * green + local[..., 6] * blue + local[..., 7]
    return np.clip(row, 0, _POSITIONS - 1), np.clip(level * np.float32(1 / (_LEVELS - 1)), 0, 1)


def _air(pixels: Rgb, table: InverseTable) -> NDArray[np.bool_]:
    """Pixels within 4 grey levels of the background, (H, W)."""
    low = np.clip(np.rint(table.background) - 4, 0, 255)
    high = np.clip(np.rint(table.background) + 4, 0, 255)
    return np.asarray(cv2.inRange(pixels, low, high) > 0)


def _without_edges(level: FloatMap, style: ColorStyle, steps: int) -> FloatMap:
    """Displayed luminance as it were without edge enhancement, in [floor, 1].

    Damped fixed-point iteration.  The enhancement multiplies fine detail by up to
    ``1 + edge_gain + halo_gain``; the damping keeps the iteration a contraction, so noise is not amplified.
    """
    lift, span = np.float32(style.floor), np.float32(1 - style.floor)
    damping = np.float32(1.0 / (1.0 + style.edge_gain + style.halo_gain)) / span
    result = np.clip((level - lift) / span, 0, 1)
    for _ in range(steps):
        result = np.clip(result + damping * (level - enhanced(result, style)), 0, 1)
    return np.asarray(lift + span * result, np.float32)


def approximate_transmission_and_zeff(
    rgb: NDArray[np.uint8], style: str | ColorStyle | None = None, *, edge_steps: int = 6
) -> tuple[FloatMap, FloatMap]:
    """Approximate inverse of ``colorize``.

    Args:
        rgb: Pseudo-colour image, uint8 (H, W, 3).
        style: Look that made it; None guesses among the measured looks.
        edge_steps: Iterations that undo the edge enhancement; 0 leaves the edges in and is twice as fast.

    Returns:
        Transmission (mean of low and high) in [0, 1], and atomic number (0 in air), both float32 (H, W).
        Organics all read about 6.6, metals about 25: the palette does not tell more.

    Raises:
        ValueError: For a wrong shape or dtype or an unknown style.

    Source:
        reconstructed: nearest table colour over 32**3 RGB cells, one damped Gauss-Newton step, then a
        fixed-point iteration against the edge enhancement.  Round-trip errors stand in the docs.

    Example:
        >>> import numpy as np
        >>> air = np.full((1, 1, 3), 250, np.uint8)
        >>> float(approximate_transmission_and_zeff(air, "tray")[0][0, 0])
        1.0
    """
    pixels = np.ascontiguousarray(_checked_rgb(rgb))
    if pixels.size == 0:
        empty = np.zeros(pixels.shape[:2], np.float32)
        return empty, empty.copy()
    look = guess_style(pixels) if style is None else find_style(style)
    table = inverse_table(look)
    row, level = _position_and_level(pixels, table)
    air = _air(pixels, table)
    level[air] = 1.0
    level = _without_edges(level, look, edge_steps)
    cell = (row + np.float32(0.5)).astype(np.int32)
    shade = (level * np.float32(_LEVELS - 1) + np.float32(0.5)).astype(np.int32)
    transmission = table.transmission.ravel().take(cell * _LEVELS + shade)
    zeff = table.zeff.take(cell)
    transmission[air], zeff[air] = 1.0, 0.0
    return transmission, zeff


def palette_distance(rgb: NDArray[np.uint8], style: str | ColorStyle, *, sample: int = 1200) -> float:
    """Mean RGB distance of the foreground to a style's palette, in grey levels; 0 for an empty image.

    Args:
        rgb: uint8 (H, W, 3).
        style: Look.
        sample: Foreground pixels looked at, about, evenly spread.
    """
    pixels = _checked_rgb(rgb).reshape(-1, 3)
    pixels = pixels[:: max(1, len(pixels) // (4 * sample))]
    foreground = pixels[pixels.min(axis=1) < 225]
    if not foreground.size:
        return 0.0
    chosen = foreground[:: max(1, len(foreground) // sample)].astype(np.float32)
    return float(np.sqrt(_nearest(chosen, inverse_table(style).palette)[1]).mean())


def guess_style(rgb: NDArray[np.uint8]) -> ColorStyle:
    """The measured look closest to an image, by background colour and palette distance.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        One of ``STYLES``; the first of them if nothing in the image tells.
    """
    background = background_color(rgb)
    scores = {}
    for name, style in STYLES.items():
        off_background = float(np.abs(background - np.asarray(style.background)).max())
        scores[name] = palette_distance(rgb, style) + 0.25 * off_background
    return STYLES[min(scores, key=lambda name: scores[name])]
